"""Langevin dynamics against the Boltzmann distribution: histogram, temperatures, and what the wrong noise does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from tenfma.dynamics.statistics import Mean, mean_and_error, ratio_and_error
from tenfma.errors import TenfmaError
from tenfma.viz.style import BLUE, GREY, VERMILLION, figure

if TYPE_CHECKING:
    from tenfma.hamiltonian.symbolic import SymbolicHamiltonian

#: potentials V(q) offered by name; each is bounded below and grows, so that exp(−V/kT) can be normalised
POTENTIALS = {
    "double-well": "(q**2 - 1)**2",
    "harmonic": "q**2/2",
    "quartic": "q**4/4",
    "tilted": "(q**2 - 1)**2 + 0.3*q",
}
METHODS = ("baoab", "obabo", "aboba", "euler_maruyama")
#: share of the run that is left out while the walkers forget where they started
BURN_IN = 0.2
KEPT = 400
BINS = 80


def hamiltonian(potential: str, mass: float) -> SymbolicHamiltonian:
    """H = p²/2m + V(q) for a named potential or a formula in q.

    Raises:
        FormulaError: if the formula is not accepted; TenfmaError: if it has more than one coordinate.
    """
    from tenfma.hamiltonian.symbolic import symbolic

    text = POTENTIALS.get(potential, potential)
    H = symbolic(f"p**2/(2*m) + ({text})", parameters={"m": mass})
    if len(H.coordinates) != 1:
        raise TenfmaError(
            f"a potential of one coordinate q is expected here; this one has {', '.join(H.coordinates)}"
        )
    return H


@dataclass(frozen=True)
class Boltzmann:
    """exp(−V/kT)/Z on a grid of q, by the trapezoidal rule."""

    q: np.ndarray
    density: np.ndarray


def boltzmann(H: SymbolicHamiltonian, kT: float, reach: float = 60.0, count: int = 24_001) -> Boltzmann:
    """The exact density of q, on the part of −reach…reach where it is not negligible.

    Raises:
        TenfmaError: if exp(−V/kT) does not fall off, so that no Boltzmann distribution exists.
    """
    q = np.linspace(-reach, reach, count)
    with np.errstate(all="ignore"):
        V = np.asarray(H(q[:, None], np.zeros((count, 1))), float)
    V = np.where(np.isfinite(V), V, np.inf)
    weight = np.exp(-(V - V.min()) / kT)
    if max(weight[0], weight[-1]) > 1e-6:
        raise TenfmaError(
            "exp(−V/kT) does not fall off at large |q|, so there is no Boltzmann distribution; add a confining term such "
            "as q**4/4"
        )
    density = weight / np.trapezoid(weight, q)
    kept = np.flatnonzero(density > 1e-7 * density.max())
    inside = slice(max(0, kept[0] - 1), kept[-1] + 2)
    step = max(1, (inside.stop - inside.start) // 800)
    return Boltzmann(q[inside][::step], density[inside][::step])


@dataclass(frozen=True)
class Sample:
    """Walkers after burn-in, with the two temperatures (in units of energy)."""

    q: np.ndarray
    """(times, walkers)"""
    p: np.ndarray
    times: np.ndarray
    kinetic: Mean
    """⟨p ∂H/∂p⟩"""
    configurational: Mean
    """⟨(∂V/∂q)²⟩ / ⟨∂²V/∂q²⟩"""


def sample(
    H: SymbolicHamiltonian,
    kT: float,
    friction: float,
    dt: float,
    steps: int,
    walkers: int,
    seed: int,
    method: str = "baoab",
) -> Sample:
    """Walkers from the left-most minimum of V, followed by Langevin dynamics."""
    from tenfma.dynamics.integrate import integrate

    start = np.full((walkers, 1), _lowest(H))
    every = max(1, steps // KEPT)
    path = integrate(
        H, start, np.zeros_like(start), dt=dt, steps=steps, method=method, kT=kT, friction=friction,
        seed=seed, save_every=every,
    )  # fmt: skip
    first = int(BURN_IN * len(path.t))
    q, p = np.asarray(path.q)[first:], np.asarray(path.p)[first:]
    slope = np.asarray(H.dq(q, p))[..., 0]
    curvature = np.asarray(H.hessian(q, p))[..., 0, 0]
    return Sample(
        q[..., 0],
        p[..., 0],
        np.asarray(path.t)[first:],
        mean_and_error((p * np.asarray(H.dp(q, p)))[..., 0]),
        ratio_and_error(slope**2, curvature),
    )


def wrong_noise(H: SymbolicHamiltonian, kT: float, **settings: object) -> Sample:
    """The same walk with friction −γp but noise √(2γkT) that forgets the mass.

    That is the right walk at temperature T/m: dp = −γp dt + √(2γ m (kT/m)) dW.
    """
    return sample(H, kT / float(H.parameters["m"]), **settings)  # type: ignore[arg-type]


def _lowest(H: SymbolicHamiltonian) -> float:
    q = np.linspace(-4, 4, 801)
    with np.errstate(all="ignore"):
        V = np.asarray(H(q[:, None], np.zeros((801, 1))), float)
    return float(q[np.nanargmin(np.where(np.isfinite(V), V, np.nan))])


def histogram(sampled: Sample, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Density per bin and its standard error, from the spread between walkers."""
    width = np.diff(edges)
    walkers = sampled.q.shape[1]
    counts = np.stack([np.histogram(sampled.q[:, k], bins=edges)[0] for k in range(walkers)])
    density = counts / (sampled.q.shape[0] * width)
    return density.mean(axis=0), density.std(axis=0) / np.sqrt(max(1, walkers - 1))


def edges_for(exact: Boltzmann, samples: Sequence[Sample], bins: int = BINS) -> np.ndarray:
    """Bins over everything that is drawn, the 0.05 % at either end of a sample left out."""
    lows = [exact.q[0], *(np.quantile(item.q, 0.0005) for item in samples)]
    highs = [exact.q[-1], *(np.quantile(item.q, 0.9995) for item in samples)]
    return np.linspace(min(lows), max(highs), bins + 1)


def distance(exact: Boltzmann, sampled: Sample) -> float:
    """Total variation distance between histogram and exact density: 0 is agreement, 1 is none at all."""
    edges = edges_for(exact, [sampled])
    density, _ = histogram(sampled, edges)
    middle = (edges[1:] + edges[:-1]) / 2
    expected = np.interp(middle, exact.q, exact.density, left=0, right=0)
    return float(0.5 * np.sum(np.abs(density - expected) * np.diff(edges)))


@dataclass(frozen=True)
class Walk:
    """What is told of a sample: density and its error per bin, both temperatures, distance from the exact density."""

    density: np.ndarray
    error: np.ndarray
    kinetic: Mean
    configurational: Mean
    distance: float


@dataclass(frozen=True)
class Comparison:
    """The exact density, the walk, and its wrong twin where the mass makes one, on the same bins."""

    exact: Boltzmann
    edges: np.ndarray
    right: Walk
    wrong: Walk | None

    def plain(self) -> dict[str, Any]:
        """Numbers and lists alone, from which `comparison_of` makes it again."""
        return _listed(asdict(self))


def compare(H: SymbolicHamiltonian, kT: float, **settings: Any) -> Comparison:
    """Boltzmann's density against walkers with the right noise and, unless m = 1, with the wrong one.

    Raises:
        TenfmaError: as `boltzmann` and `sample` do.
    """
    exact = boltzmann(H, kT)
    samples = [sample(H, kT, **settings)]
    if float(H.parameters["m"]) != 1:
        samples.append(wrong_noise(H, kT, **settings))
    edges = edges_for(exact, samples)
    walks = [
        Walk(*histogram(each, edges), each.kinetic, each.configurational, distance(exact, each))
        for each in samples
    ]
    return Comparison(exact, edges, walks[0], walks[1] if len(walks) > 1 else None)


def comparison_of(plain: Mapping[str, Any]) -> Comparison:
    """What `Comparison.plain` told, as arrays again."""

    def walk(held: Mapping[str, Any]) -> Walk:
        kinetic, configurational = (Mean(**held[name]) for name in ("kinetic", "configurational"))
        density, error = np.array(held["density"]), np.array(held["error"])
        return Walk(density, error, kinetic, configurational, held["distance"])

    exact = Boltzmann(*(np.array(plain["exact"][name]) for name in ("q", "density")))
    wrong = walk(plain["wrong"]) if plain["wrong"] else None
    return Comparison(exact, np.array(plain["edges"]), walk(plain["right"]), wrong)


def _listed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _listed(part) for name, part in value.items()}
    return value.tolist() if isinstance(value, np.ndarray) else value


def heat_figure(found: Comparison, names: Sequence[str], x: str, y: str) -> go.Figure:
    """Histogram with error bars, the exact density as a line, the wrong twin as hollow steps.

    `names`: of the exact density, the walk, and the wrong twin.
    """
    edges, exact = found.edges, found.exact
    middle = (edges[1:] + edges[:-1]) / 2
    chart = figure(x, y, height=440)
    chart.add_bar(
        x=middle, y=found.right.density, width=np.diff(edges), name=names[1],
        marker={"color": BLUE, "opacity": 0.45, "line": {"width": 0}},
        error_y={"array": found.right.error, "color": BLUE, "thickness": 1, "width": 0},
    )  # fmt: skip
    if found.wrong:
        chart.add_scatter(
            x=middle, y=found.wrong.density, name=names[2], mode="lines",
            line={"color": VERMILLION, "dash": "dot", "width": 2.5, "shape": "hvh"},
        )  # fmt: skip
    chart.add_scatter(
        x=exact.q, y=exact.density, name=names[0], mode="lines", line={"color": GREY, "width": 3}
    )
    chart.update_layout(bargap=0, hovermode="x unified")
    chart.update_xaxes(range=[edges[0], edges[-1]])
    return chart


def table(found: Comparison) -> dict[str, np.ndarray]:
    """Columns for the download."""
    middle = (found.edges[1:] + found.edges[:-1]) / 2
    exact = np.interp(middle, found.exact.q, found.exact.density, left=0, right=0)
    columns = {"q": middle, "Boltzmann": exact}
    columns |= {"walk": found.right.density, "walk standard error": found.right.error}
    if found.wrong:
        columns["wrong noise"] = found.wrong.density
    return columns


def agrees(seen: Mean, kT: float) -> bool:
    """Within three standard errors, or within half a per cent where the errors are smaller still."""
    return abs(seen.value - kT) <= max(3 * seen.error, 0.005 * kT)
