"""Phase space in motion: trajectories by several methods, a patch carried by the flow, and its area.

Liouville's theorem in its sharper form: a symplectic map keeps Σᵢ∮ pᵢ dqᵢ round every closed curve (Poincaré's
integral invariant; Arnold, Mathematical Methods of Classical Mechanics, §44). For one degree of freedom this is the area.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tenfma.dynamics.integrate import integrate
from tenfma.dynamics.methods import METHODS
from tenfma.hamiltonian.protocol import Capability, Hamiltonian
from tenfma.hamiltonian.symbolic import SymbolicHamiltonian
from tenfma.hamiltonian.textbook import TextbookSystem
from tenfma.viz.names import pretty
from tenfma.viz.player import MOST_FRAMES, Movie, fitted

#: methods a page offers, simplest first
EXPLICIT = ("euler", "rk4", "symplectic_euler", "leapfrog", "yoshida4", "suzuki4", "yoshida6", "kahan_li8")
IMPLICIT = ("implicit_midpoint", "gauss_legendre4", "tao2", "tao4")
#: steps up to which a run is quicker by NumPy than by compiling first
SHORT = 2500
GRID = 121
CONTOURS = 14


def methods_for(H: SymbolicHamiltonian) -> list[str]:
    """Deterministic methods that accept this H."""
    return [name for name in (*EXPLICIT, *IMPLICIT) if METHODS[name].needs <= H.capability]


def default_method(H: SymbolicHamiltonian) -> str:
    """The plain symplectic method for it."""
    return "leapfrog" if H.capability >= Capability.SEPARABLE else "implicit_midpoint"


class Stepwise(Hamiltonian):
    """The same H without machine code: a short run is over before a compiler would be."""

    def __init__(self, H: SymbolicHamiltonian) -> None:
        self.H = H
        for name in ("name", "capability", "event_shape", "units", "time_dependent", "damping", "mass"):
            setattr(self, name, getattr(H, name))

    def __call__(self, q: np.ndarray, p: np.ndarray, t: float = 0.0) -> np.ndarray:
        return self.H(q, p, t)

    def dq(self, q: np.ndarray, p: np.ndarray, t: float = 0.0) -> np.ndarray:
        return self.H.dq(q, p, t)

    def dp(self, q: np.ndarray, p: np.ndarray, t: float = 0.0) -> np.ndarray:
        return self.H.dp(q, p, t)


def quick(H: SymbolicHamiltonian, steps: int) -> Hamiltonian:
    """H as `integrate` runs it soonest: by NumPy for a short run, compiled for a long one."""
    return Stepwise(H) if steps <= SHORT else H


@dataclass(frozen=True)
class Plane:
    """Two of the 2n phase-space variables: ("q" or "p", which one) for each axis, and the axes' names."""

    across: tuple[str, int]
    up: tuple[str, int]
    names: tuple[str, str]

    def of(self, q: np.ndarray, p: np.ndarray) -> np.ndarray:
        """The two variables of states (..., n), stacked last."""
        parts = [(q if kind == "q" else p)[..., index] for kind, index in (self.across, self.up)]
        return np.stack(parts, axis=-1)


def planes(H: SymbolicHamiltonian, most: int = 3) -> dict[str, Plane]:
    """Planes worth showing: each coordinate with its momentum, then pairs of coordinates."""
    q, p = H.coordinates, H.momenta
    shown = {
        f"{q[i]}-{p[i]}": Plane(("q", i), ("p", i), (pretty(q[i]), pretty(p[i])))
        for i in range(min(len(q), most))
    }
    for i in range(min(len(q), most) - 1):
        shown[f"{q[i]}-{q[i + 1]}"] = Plane(("q", i), ("q", i + 1), (pretty(q[i]), pretty(q[i + 1])))
    return shown


def ring(
    plane: Plane, q0: np.ndarray, p0: np.ndarray, radius: float, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """A circle of states round (q0, p0) in the (q_i, p_i) plane of the plane's first coordinate, (count, n) each."""
    index = plane.across[1]
    angle = 2 * np.pi * np.arange(count) / count
    q, p = np.tile(q0, (count, 1)), np.tile(p0, (count, 1))
    q[:, index] += radius * np.cos(angle)
    p[:, index] += radius * np.sin(angle)
    return q, p


def loop_area(q: np.ndarray, p: np.ndarray) -> np.ndarray:
    """|Σᵢ∮ pᵢ dqᵢ| round closed curves, (..., points, n) → (...).

    The polygon's own area would be wrong by O(1/points²) on a curved boundary, so the curve is read as a periodic
    function of its label and dq taken by Fourier derivative, which is exact as soon as the curve is resolved.
    """
    n = q.shape[-2]
    frequency = np.fft.fftfreq(n, 1 / n)
    if n % 2 == 0:
        frequency[n // 2] = 0
    slope = np.fft.ifft(1j * frequency[:, None] * np.fft.fft(q, axis=-2), axis=-2).real
    return np.abs((p * slope).sum(axis=(-2, -1)) * 2 * np.pi / n)


def resolved_area(q: np.ndarray, p: np.ndarray, tolerance: float = 1e-3) -> np.ndarray:
    """`loop_area`, and NaN where the curve has folded too finely for its points: where every other point tells a
    different area."""
    full, half = loop_area(q, p), loop_area(q[..., ::2, :], p[..., ::2, :])
    return np.where(np.abs(full - half) <= tolerance * full, full, np.nan)


@dataclass(frozen=True)
class Study:
    """Motion by several methods and what came of the energies and the patch."""

    movie: Movie
    drift: dict[str, float]
    """method → max |ΔE/E₀|, of the part that stayed finite"""
    stopped: dict[str, str]
    """method → why it ended early"""
    area: np.ndarray | None
    """of the patch at every frame, NaN once it is folded too finely to be measured; None without one"""
    table: dict[str, np.ndarray]
    """columns for the download"""


def study(
    H: SymbolicHamiltonian,
    q0: np.ndarray,
    p0: np.ndarray,
    dt: float,
    steps: int,
    methods: Sequence[str],
    plane: Plane,
    radius: float = 0.0,
    points: int = 320,
    area_name: str = "area",
) -> Study:
    """Integrate from (q0, p0) by every method, and a patch of `radius` round it by the first of them."""
    every = max(1, int(np.ceil(steps / MOST_FRAMES)))
    runner = quick(H, steps)
    paths: dict[str, np.ndarray] = {}
    energies: dict[str, np.ndarray] = {}
    drift: dict[str, float] = {}
    stopped: dict[str, str] = {}
    times = None
    for name in methods:
        path = integrate(runner, q0, p0, dt=dt, steps=steps, method=name, save_every=every, on_failure="stop")
        if path.stopped:
            stopped[name] = path.stopped
        drift[name] = path.drift
        paths[name], energies[name] = plane.of(path.q, path.p), np.asarray(path.energy)
        if times is None or len(path.t) > len(times):
            times = np.asarray(path.t)
    assert times is not None
    length = len(times)
    paths = {name: _padded(points_, length) for name, points_ in paths.items()}
    energies = {name: _padded(series, length) for name, series in energies.items()}
    table = {"t": times}
    for name in methods:
        table |= {f"{name} {axis}": paths[name][:, k] for k, axis in enumerate(plane.names)}
        table[f"{name} H"] = energies[name]
    boundary, area = None, None
    if radius > 0:
        q, p = ring(plane, q0, p0, radius, points)
        carried = integrate(
            runner, q, p, dt=dt, steps=steps, method=methods[0], save_every=every, on_failure="stop"
        )
        boundary = _padded(plane.of(carried.q, carried.p), length)
        area = _padded(resolved_area(carried.q, carried.p), length)
        table["Σ∮p dq"] = area
    movie = Movie(times, paths, plane.names, energies, patch=boundary)
    if area is not None:
        movie.values = {area_name: area}
    _contour(movie, H, q0, p0, plane)
    return Study(movie, drift, stopped, area, table)


def _padded(series: np.ndarray, length: int) -> np.ndarray:
    """A path that ended early stays where it ended."""
    missing = length - len(series)
    return series if missing <= 0 else np.concatenate([series, np.repeat(series[-1:], missing, axis=0)])


def _contour(movie: Movie, H: SymbolicHamiltonian, q0: np.ndarray, p0: np.ndarray, plane: Plane) -> None:
    """Level lines of H in the plane, the other variables held at the start (time-dependent H: at t = 0)."""
    movie.range = _view([*movie.paths.values()], movie.patch)
    x_low, x_high, y_low, y_high = movie.range
    x, y = np.meshgrid(np.linspace(x_low, x_high, GRID), np.linspace(y_low, y_high, GRID))
    q, p = np.tile(q0, (GRID, GRID, 1)), np.tile(p0, (GRID, GRID, 1))
    for (kind, index), values in ((plane.across, x), (plane.up, y)):
        (q if kind == "q" else p)[..., index] = values
    with np.errstate(all="ignore"):
        grid = np.asarray(H(q, p), float)
    finite = grid[np.isfinite(grid)]
    if len(finite) == 0 or np.ptp(finite) == 0:
        return
    movie.grid, movie.grid_range = grid, movie.range
    movie.levels = [*np.quantile(finite, np.linspace(0.03, 0.97, CONTOURS))]
    movie.bold = float(H(q0, p0))
    movie.levels.append(movie.bold)


def _view(paths: list[np.ndarray], patch: np.ndarray | None) -> tuple[float, float, float, float]:
    """A range for the first path and the patch; the other methods may widen it by half, and run off beyond."""
    inner = fitted([paths[0], *([patch] if patch is not None else [])], margin=0.12)
    outer = fitted(paths, margin=0.05)
    limits: list[float] = []
    for low, high, far_low, far_high in zip(inner[::2], inner[1::2], outer[::2], outer[1::2]):
        room = 0.25 * (high - low)
        limits += [max(min(low, far_low), low - room), min(max(high, far_high), high + room)]
    return limits[0], limits[1], limits[2], limits[3]


def start_of(H: SymbolicHamiltonian) -> tuple[np.ndarray, np.ndarray]:
    """A textbook system's own start; for a typed formula 1 in the first coordinate and nought elsewhere."""
    n = len(H.coordinates)
    if isinstance(H, TextbookSystem):
        return np.array(H.q0, float), np.array(H.p0, float)
    q, p = np.zeros(n), np.zeros(n)
    q[0] = 1.0
    return q, p


def patch_radius(H: SymbolicHamiltonian) -> float:
    """A patch that is seen and yet stays small: a tenth of the start's size in one dimension, less in several."""
    q0, p0 = start_of(H)
    size = float(np.hypot(np.abs(q0).max(), np.abs(p0).max()))
    share = 0.1 if len(q0) == 1 else 0.05
    return round(min(0.5, max(0.01, share * size)), 3)


@dataclass(frozen=True)
class AreaSummary:
    """What became of the patch: `kind` is 'keeps', 'loses' or 'damped'; all up to `until`, where it was last measured."""

    kind: str
    start: float
    end: float
    change: float
    """largest |area / start − 1|"""
    expected: float
    """exp(−c n t), what friction c leaves"""
    until: float
    folded: bool


def area_summary(study_: Study, dt: float, damping: float = 0.0, tolerance: float = 0.01) -> AreaSummary:
    """Whether the patch kept its area, judged on the frames where it could be measured."""
    assert study_.area is not None
    measured = np.isfinite(study_.area)
    series, times = study_.area[measured], study_.movie.times[measured]
    start, end = float(series[0]), float(series[-1])
    change = float(np.max(np.abs(series / start - 1)))
    kind = "damped" if damping else "keeps" if change < tolerance else "loses"
    expected = float(np.exp(-damping * (times[-1] - times[0])))
    return AreaSummary(kind, start, end, change, expected, float(times[-1]), not measured.all())


def lively_start(H: SymbolicHamiltonian) -> tuple[np.ndarray, np.ndarray]:
    """A start of order one in every variable, all different, so that nothing rests by accident."""
    n = len(H.coordinates)
    return 1.0 + 0.2 * np.arange(n), 0.9 - 0.5 * np.arange(n)


def default_steps(H: SymbolicHamiltonian) -> int:
    """Long enough to see the motion return: fewer in one dimension, where a patch soon winds up."""
    return min(int(getattr(H, "steps", 1000)), 600 if len(H.coordinates) == 1 else SHORT)
