"""A complex for the eye: corners of its simplices with images closed, one feature to colour them by, its spectrum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from pymatgen.core import Structure

from tenfma.viz.bonds import Bond
from tenfma.viz.style import figure, mark

if TYPE_CHECKING:
    from tenfma.crystal.complex import SimplicialComplex

RANKS = ("atoms", "bonds", "triangles")
#: bonds up to which the dense spectrum is computed
SPECTRUM_LIMIT = 700
#: how much longer than the longest near-neighbour bond a first look reaches
REACH = 1.06
#: second neighbours of a tetrahedral net are √(8/3) = 1.633 bonds away
SECOND_SHELL = 1.65
SHORTEST, LONGEST = 1.5, 6.0


def suggested_cutoff(bonds: Sequence[Bond], reach: float = REACH) -> float:
    """A cutoff of `reach` times the longest near-neighbour bond, Å, to one decimal upwards."""
    longest = max((bond.length for bond in bonds), default=3.0)
    return float(np.clip(np.ceil(10 * reach * longest) / 10, SHORTEST, LONGEST))


def corners(structure: Structure, K: SimplicialComplex, rank: int) -> np.ndarray:
    """(n, rank + 1, 3) Å: each simplex with its images closed, its centre moved into the cell by lattice vectors."""
    positions = K.positions.detach().cpu().numpy()
    fractional = structure.frac_coords % 1.0
    fractional[fractional > 1 - 1e-3] = 0.0
    drawn = fractional @ structure.lattice.matrix
    if rank == 0:
        return drawn[:, None]
    if rank == 1:
        first = K.edges[:, 0].cpu().numpy()
        steps = K.vectors().detach().cpu().numpy()[:, None]
    else:
        first = K.triangles[:, 0].cpu().numpy()
        steps = np.stack([part.detach().cpu().numpy() for part in K.triangle_vectors()], axis=1)
    assert len(positions) == len(drawn)
    start = drawn[first][:, None]
    placed = np.concatenate([start, start + steps.reshape(len(first), rank, 3)], axis=1)
    centre = structure.lattice.get_fractional_coords(placed.mean(axis=1))
    return placed - (np.floor(centre + 1e-6) @ structure.lattice.matrix)[:, None]


def invariants(features: Any, rank: str) -> list[str]:
    """Channels of a rank that one number per simplex can show: invariants, and the sizes of tensors."""
    return list(features.table(rank).names)


def values(features: Any, rank: str, name: str) -> np.ndarray:
    """(n,) the channel's value, or its norm where it is a tensor."""
    column = features.table(rank)[name].detach().cpu().numpy()
    return column if column.ndim == 1 else np.linalg.norm(column, axis=-1)


def label(features: Any, rank: str, name: str) -> str:
    """Name and unit of a channel; |…| where it is a tensor whose norm is shown."""
    table = features.table(rank)
    channel = table.channels[table.names.index(name)]
    shown = name.replace("_", " ")
    shown = shown if channel.dim == 1 else f"|{shown}|"
    return shown if channel.unit == "1" else f"{shown} / {channel.unit}"


def frame(features: Any, rank: str) -> pd.DataFrame:
    """The rank's table, rounded for reading."""
    return features.to_frame(rank).round(6)


@dataclass(frozen=True)
class Topology:
    """Betti numbers and Euler characteristic of the cell, and the spectra where the complex is small enough."""

    b0: int
    b1: int
    euler: int
    spectra: dict[int, np.ndarray]

    @property
    def gap(self) -> float | None:
        """The smallest eigenvalue of the bonds' Laplacian that is not zero."""
        found = self.spectra.get(1, np.array([]))
        above = found[found > 1e-8 * max(1.0, found.max(initial=0.0))]
        return float(above[0]) if len(above) else None


def topology(K: SimplicialComplex) -> Topology:
    """Exact Betti numbers; Laplacian spectra of atoms and bonds up to `SPECTRUM_LIMIT` bonds."""
    from tenfma.crystal.topology import betti, euler_characteristic, spectra

    numbers = betti(K)
    found = {}
    if K.n_edges <= SPECTRUM_LIMIT:
        found = {rank: spectra(K, rank)[0].cpu().numpy() for rank in (0, 1)}
    return Topology(int(numbers.b0[0]), int(numbers.b1[0]), int(euler_characteristic(K)[0]), found)


def spectrum_figure(shape: Topology, names: Sequence[str], x: str, y: str) -> go.Figure:
    """Sorted eigenvalues of L₀ and L₁; the zeros are b₀ and b₁."""
    chart = figure(x, y, height=340)
    for rank, eigenvalues in shape.spectra.items():
        look = mark(rank)
        chart.add_scatter(
            x=np.arange(1, len(eigenvalues) + 1), y=np.where(eigenvalues < 1e-9, 0.0, eigenvalues), mode="markers",
            name=names[rank], marker={"symbol": look.symbol, "size": 6, "color": look.colour},
        )  # fmt: skip
    return chart


def spectrum_table(shape: Topology) -> pd.DataFrame:
    """Columns rank, index, eigenvalue."""
    parts = [
        pd.DataFrame({"rank": rank, "index": np.arange(1, len(found) + 1), "eigenvalue": found})
        for rank, found in shape.spectra.items()
    ]
    return (
        pd.concat(parts, ignore_index=True)
        if parts
        else pd.DataFrame(columns=["rank", "index", "eigenvalue"])
    )
