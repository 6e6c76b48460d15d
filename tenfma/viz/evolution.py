"""A crystal's simplices in motion, told by their energies."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from pymatgen.core import Structure

from tenfma.embedding.evolution import evolve
from tenfma.embedding.model import Model
from tenfma.viz.style import figure, line, mark


@dataclass(frozen=True)
class Energies:
    """Kinetic, potential and total energy over latent time, eV, and what moved."""

    t: np.ndarray
    kinetic: np.ndarray
    potential: np.ndarray
    dt: float
    simplices: tuple[int, int, int]
    numbers: int
    """how many numbers q holds"""
    trained: bool

    @property
    def total(self) -> np.ndarray:
        return self.kinetic + self.potential

    @property
    def drift(self) -> float:
        """Largest |H − H(0)|, eV."""
        return float(np.abs(self.total - self.total[0]).max())


def energies(
    model: Model, structure: Structure, dt: float = 0.05, steps: int = 100, p0: str = "zero", kT: float = 0.0
) -> Energies:
    """Run the crystal's simplices by leapfrog: T = Σ p²/2m, V = H − T."""
    run = evolve(model, structure, dt=dt, steps=steps, p0=p0, kT=kT or None, save_every=1)
    H, path = run.start.H, run.path
    assert H.mass is not None  # the simplices chart has a quadratic kinetic energy
    p = path.p.detach().reshape(len(path.t), -1)
    kinetic = (p**2 / (2 * H.mass.detach().reshape(1, -1))).sum(1).cpu().numpy()
    K = model.complex(structure)
    return Energies(
        np.asarray(path.t, float), kinetic, run.energies - kinetic, dt, (K.n_atoms, K.n_edges, K.n_triangles), p.shape[1],
        model.trained,
    )  # fmt: skip


def energy_figure(run: Energies, names: tuple[str, str, str], x: str, y: str) -> go.Figure:
    """T, V and H from the start; `names` in that order."""
    chart = figure(x, y, height=360)
    for index, (name, series) in enumerate(zip(names, (run.kinetic, run.potential, run.total))):
        chart.add_scatter(
            x=run.t, y=series - series[0], name=name, mode="lines+markers",
            line=line(index, width=3 if index == 2 else 2),
            marker={"symbol": mark(index).symbol, "size": 7, "maxdisplayed": 9},
        )  # fmt: skip
    return chart


def table(run: Energies) -> pd.DataFrame:
    """Columns t, T, V, H."""
    return pd.DataFrame({"t": run.t, "T / eV": run.kinetic, "V / eV": run.potential, "H / eV": run.total})
