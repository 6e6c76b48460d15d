"""A learned crystal in phase space: one normal mode's amplitude and momentum, while all atoms move.

    Q = Σ_i √m_i e_i·(r_i − r⁰_i),   P = Σ_i e_i·p_i/√m_i,   H(Q, P) = U(r⁰ + Q e/√m) + P²/2 on the mode's own plane

The path is that of the whole crystal; the contours are H where nothing but this mode is excited, so a path leaves its
contour as soon as energy leaks into other modes. The patch's area Σ∮p·dr runs over all atoms: what symplectic steps keep.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tenfma.dynamics.arrays import plain
from tenfma.dynamics.integrate import integrate
from tenfma.viz.phase import Study, _padded, resolved_area
from tenfma.viz.player import Movie, fitted, thin

#: 1 amu in eV fs²/Å²
AMU = 103.642697
NAMES = ("Q / Å√amu", "P / Å√amu fs⁻¹")
POINTS, CONTOURS, GRID = 32, 12, 40


class ModePlane:
    """The plane of one mode of a crystal at rest: Q and P of states, and states of Q and P."""

    def __init__(self, H: Any, rest: np.ndarray, pattern: np.ndarray) -> None:
        self.H, self.rest = H, np.asarray(rest, float)
        self.pattern = np.asarray(pattern, float)
        self.mass = np.broadcast_to(np.asarray(plain(H.mass), float), self.rest.shape)

    def of(self, q: np.ndarray, p: np.ndarray) -> np.ndarray:
        """(…, 2) Q and P of states (…, N, 3)."""
        Q = (np.sqrt(self.mass) * self.pattern * (q - self.rest)).sum((-2, -1)) / np.sqrt(AMU)
        P = (self.pattern * p / np.sqrt(self.mass)).sum((-2, -1)) / np.sqrt(AMU)
        return np.stack([Q, P], axis=-1)

    def state(self, Q: float, P: float) -> tuple[np.ndarray, np.ndarray]:
        """Positions and momenta with only this mode excited."""
        root = np.sqrt(self.mass / AMU)
        return self.rest + Q * self.pattern / root, P * self.pattern * np.sqrt(self.mass * AMU)

    def amplitude(self, size: float) -> float:
        """Q at which the atom that moves most is `size` Å from its place."""
        moved = np.linalg.norm(self.pattern / np.sqrt(self.mass / AMU), axis=1).max()
        return size / float(moved)


def study(
    H: Any,
    rest: np.ndarray,
    pattern: np.ndarray,
    size: float,
    dt: float,
    steps: int,
    methods: Sequence[str],
    radius: float = 0.0,
    area_name: str = "area",
) -> Study:
    """Motion from a mode pulled out by `size` Å, and a patch of relative `radius` carried by the first method."""
    plane = ModePlane(H, rest, pattern)
    Q0 = plane.amplitude(size)
    every = max(1, -(-steps // 400))
    slow = _curvature(plane, Q0)
    paths: dict[str, np.ndarray] = {}
    energies: dict[str, np.ndarray] = {}
    drift: dict[str, float] = {}
    stopped: dict[str, str] = {}
    table: dict[str, np.ndarray] = {}
    times = np.zeros(0)
    for name in methods:
        q, p = plane.state(Q0, 0.0)
        path = integrate(H, q, p, dt=dt, steps=steps, method=name, save_every=every, on_failure="stop")
        if path.stopped:
            stopped[name] = path.stopped
        energy = np.asarray(path.energy, float).reshape(len(path.t), -1).sum(1)
        moved = max(float(abs(energy[0] - float(np.sum(plain(H(plane.rest, np.zeros_like(q))))))), 1e-12)
        drift[name] = float(np.nanmax(np.abs(energy - energy[0]))) / moved
        paths[name], energies[name] = plane.of(np.asarray(path.q), np.asarray(path.p)), energy - energy[0]
        times = np.asarray(path.t) if len(path.t) > len(times) else times
    for name in methods:
        paths[name], energies[name] = _padded(paths[name], len(times)), _padded(energies[name], len(times))
        table |= {
            f"{name} Q": paths[name][:, 0],
            f"{name} P": paths[name][:, 1],
            f"{name} ΔH / eV": energies[name],
        }
    patch, area = None, None
    if radius > 0:
        angle = 2 * np.pi * np.arange(POINTS) / POINTS
        rings = [plane.state(Q0 * (1 + radius * np.cos(a)), Q0 * slow * radius * np.sin(a)) for a in angle]
        runs = [
            integrate(H, q, p, dt=dt, steps=steps, method=methods[0], save_every=every, on_failure="stop")
            for q, p in rings
        ]
        length = min(len(run.t) for run in runs)
        q = np.stack([np.asarray(run.q)[:length].reshape(length, -1) for run in runs], axis=1)
        p = np.stack([np.asarray(run.p)[:length].reshape(length, -1) for run in runs], axis=1)
        patch = np.stack([plane.of(np.asarray(r.q)[:length], np.asarray(r.p)[:length]) for r in runs], axis=1)
        patch, area = _padded(patch, len(times)), _padded(resolved_area(q, p), len(times))
        table["Σ∮p·dr / eV fs"] = area
    frames = thin(len(times))
    movie = Movie(
        times[frames], {name: points[frames] for name, points in paths.items()}, NAMES,
        {name: series[frames] for name, series in energies.items()}, energy_name="H − H(0) / eV", time_name="t / fs",
        patch=None if patch is None else patch[frames],
    )  # fmt: skip
    if area is not None:
        movie.values = {area_name: area[frames]}
    _contours(movie, plane)
    return Study(movie, drift, stopped, area, {"t / fs": times} | table)


def _curvature(plane: ModePlane, Q0: float) -> float:
    """The mode's frequency, rad/fs, from U at ±Q₀."""
    rest = _potential(plane, np.array([-Q0, 0.0, Q0]))
    return float(np.sqrt(max((rest[0] + rest[2] - 2 * rest[1]) / (Q0 * Q0 * AMU), 1e-8)))


def _potential(plane: ModePlane, amplitudes: np.ndarray) -> np.ndarray:
    values = []
    for Q in amplitudes:
        q, p = plane.state(float(Q), 0.0)
        values.append(float(np.sum(plain(plane.H(q, p)))))
    return np.array(values)


def _contours(movie: Movie, plane: ModePlane) -> None:
    """Level lines of H on the mode's plane; the level of the first path's start is drawn heavier."""
    first = next(iter(movie.paths.values()))
    x_low, x_high, y_low, y_high = movie.range = fitted(
        [first, *([movie.patch] if movie.patch is not None else [])], 0.2
    )
    U = _potential(plane, np.linspace(x_low, x_high, GRID))
    P = np.linspace(y_low, y_high, GRID)
    grid = U[None] + AMU * P[:, None] ** 2 / 2 - _potential(plane, np.zeros(1))[0]
    movie.grid, movie.grid_range = grid, movie.range
    movie.levels = [*np.quantile(grid, np.linspace(0.04, 0.96, CONTOURS))]
    q, p = plane.state(*first[0])
    movie.bold = float(np.sum(plain(plane.H(q, p)))) - float(_potential(plane, np.zeros(1))[0])
    movie.levels.append(movie.bold)
