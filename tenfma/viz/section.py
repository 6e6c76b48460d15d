"""Poincaré sections of systems with two degrees of freedom: many orbits of one energy, a dot per crossing."""

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from tenfma.dynamics.sections import Section, poincare, shell
from tenfma.errors import TenfmaError
from tenfma.hamiltonian.symbolic import SymbolicHamiltonian
from tenfma.viz.names import lowered, pretty
from tenfma.viz.phase import default_method
from tenfma.viz.style import MARKS, figure

#: how far from nought starts are sought, the smallest reach that holds enough of them first
EXTENTS = (0.3, 0.6, 1.2, 2.5, 5.0)


@dataclass(frozen=True)
class Dots:
    """Crossings of q₀ = 0 upwards, in the plane of the other coordinate and its momentum."""

    section: Section
    orbits: int
    energy: float
    names: tuple[str, str, str]
    """the coordinate held at nought, and the two that are drawn"""

    @property
    def points(self) -> np.ndarray:
        """(crossings, 2)"""
        return np.column_stack([self.section.q[:, 1], self.section.p[:, 1]])

    def table(self) -> dict[str, np.ndarray]:
        """Columns for the download."""
        return {
            "orbit": self.section.member,
            "t": self.section.t,
            self.names[1]: self.points[:, 0],
            self.names[2]: self.points[:, 1],
        }


def dots(
    H: SymbolicHamiltonian,
    energy: float,
    orbits: int = 14,
    dt: float = 0.05,
    steps: int = 24_000,
    seed: int = 0,
) -> Dots:
    """Crossings of `orbits` orbits started at random on the section at this energy.

    Raises:
        TenfmaError: if no orbit of that energy is found near the origin.
    """
    error: TenfmaError | None = None
    method = "yoshida4" if default_method(H) == "leapfrog" else "implicit_midpoint"
    for extent in EXTENTS:
        try:
            q, p = shell(H, energy, orbits, coordinate=0, value=0.0, extent=extent, seed=seed)
            found = poincare(H, q, p, coordinate=0, value=0.0, dt=dt, steps=steps, method=method)
        except TenfmaError as caught:
            error = caught
            continue
        return Dots(
            found, orbits, energy, (pretty(H.coordinates[0]), pretty(H.coordinates[1]), pretty(H.momenta[1]))
        )
    assert error is not None
    raise error


def section_figure(found: Dots) -> go.Figure:
    """The dots, a colour and marker per orbit."""
    chart = figure(lowered(found.names[1]), lowered(found.names[2]), height=520)
    for member in range(found.orbits):
        mine = found.section.member == member
        look = MARKS[member % len(MARKS)]
        chart.add_scattergl(
            x=found.points[mine, 0], y=found.points[mine, 1], mode="markers", showlegend=False, name=str(member + 1),
            marker={"size": 3.6, "color": look.colour, "symbol": look.symbol, "line": {"width": 0}},
        )  # fmt: skip
    return chart
