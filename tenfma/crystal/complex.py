"""The periodic simplicial complex of a crystal: atoms, bonds and triangles with the images that close.

0-simplices are the atoms of the cell; 1-simplices are pairs of lattice points within the cutoff, one for each
unordered pair up to translation; 2-simplices are triples whose three edges are there, again one for each
triple up to translation. This is the quotient of an infinite Vietoris–Rips complex by the lattice: an atom
may be joined to its own image, and two atoms may be joined many times over.

    ∂(ij) = j − i            ∂(ijk) = s_ij (ij) + s_jk (jk) − s_ik (ik)

with s = ±1 the direction in which an edge is stored. Many crystals are one complex, a disjoint union.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tenfma.crystal.cutoffs import Cutoff, Largest, ScaledCovalent, cutoff_rule
from tenfma.crystal.inputs import crystals_of
from tenfma.crystal.neighbours import pairs_of
from tenfma.crystal.summary import Summary, summary_of
from tenfma.crystal.triangles import triangles_of
from tenfma.crystal.weights import smooth_cutoff
from tenfma.errors import TenfmaError

#: 5 Å reaches the second shell of nearly everything; the covalent part is for what is larger (caesium's
#: nearest neighbours are 5.3 Å away) and adds 2 % to the bonds of the binary crystals
DEFAULT_CUTOFF = Largest(5.0, ScaledCovalent(1.5))
#: 4.5 Å keeps the tetrahedral angles of silicon (3.84 Å across) at half as many triangles as 5 Å
DEFAULT_TRIANGLE_CUTOFF = Largest(4.5, ScaledCovalent(1.4))

#: which tensors hold lengths, and so follow a change of dtype
_REAL = ("positions", "cells", "cutoffs", "triangle_cutoffs")
#: tensors whose entries count atoms and edges, with what they count: these are offset in a union
_COUNTS = {
    "edges": "n_atoms",
    "triangles": "n_atoms",
    "triangle_edges": "n_edges",
    "atom_crystal": "n_crystals",
}


@dataclass(frozen=True, eq=False)
class SimplicialComplex:
    """Atoms, bonds and triangles of one or many crystals, as tensors; see the module for the conventions."""

    numbers: Tensor
    """(N,) atomic numbers."""
    positions: Tensor
    """(N, 3) Å."""
    cells: Tensor
    """(G, 3, 3) Å, rows are lattice vectors."""
    pbc: Tensor
    """(G, 3) which axes are periodic."""
    atom_crystal: Tensor
    """(N,) the crystal an atom belongs to."""
    edges: Tensor
    """(E, 2) tail and head."""
    shifts: Tensor
    """(E, 3) image of the head relative to the tail's, in lattice vectors."""
    cutoffs: Tensor
    """(E,) Å, where an edge's weight reaches zero."""
    triangle_cutoffs: Tensor
    """(E,) Å, where an edge ends the triangles it is in."""
    triangles: Tensor
    """(F, 3) atoms i, j, k."""
    triangle_edges: Tensor
    """(F, 3) the edges (ij), (jk), (ik)."""
    triangle_signs: Tensor
    """(F, 3) +1 where the stored edge runs i → j, j → k, i → k; −1 where it runs back."""

    @property
    def n_atoms(self) -> int:
        return len(self.numbers)

    @property
    def n_edges(self) -> int:
        return len(self.edges)

    @property
    def n_triangles(self) -> int:
        return len(self.triangles)

    @property
    def n_crystals(self) -> int:
        return len(self.cells)

    @property
    def device(self) -> torch.device:
        return self.positions.device

    @property
    def dtype(self) -> torch.dtype:
        return self.positions.dtype

    @cached_property
    def edge_crystal(self) -> Tensor:
        """(E,) the crystal an edge belongs to."""
        return self.atom_crystal[self.edges[:, 0]]

    @cached_property
    def triangle_crystal(self) -> Tensor:
        """(F,) the crystal a triangle belongs to."""
        return self.atom_crystal[self.triangles[:, 0]]

    def counts(self, rank: int) -> Tensor:
        """(G,) how many simplices of a rank (0 atoms, 1 edges, 2 triangles) each crystal has."""
        owner = (self.atom_crystal, self.edge_crystal, self.triangle_crystal)[rank]
        return torch.bincount(owner, minlength=self.n_crystals)

    def vectors(self) -> Tensor:
        """(E, 3) r_j + S·cell − r_i, Å, along each stored edge."""
        tail, head = self.edges.unbind(1)
        images = self.shifts.to(self.dtype)[:, None] @ self.cells[self.edge_crystal]
        return self.positions[head] - self.positions[tail] + images[:, 0]

    def lengths(self) -> Tensor:
        """(E,) Å."""
        return self.vectors().norm(dim=1)

    def volumes(self) -> Tensor:
        """(G,) Å³."""
        return torch.linalg.det(self.cells).abs()

    def edge_weights(self, lengths: Tensor | None = None) -> Tensor:
        """(E,) w(ℓ / cutoff): 1 at zero length, 0 with three continuous derivatives at the cutoff."""
        return smooth_cutoff((self.lengths() if lengths is None else lengths) / self.cutoffs)

    def triangle_weights(self, lengths: Tensor | None = None) -> Tensor:
        """(F,) product over the triangle's edges of w(ℓ / triangle cutoff)."""
        lengths = self.lengths() if lengths is None else lengths
        return smooth_cutoff(lengths / self.triangle_cutoffs)[self.triangle_edges].prod(dim=1)

    def triangle_vectors(self, vectors: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """a = r_ij and b = r_ik from the first vertex, each (F, 3) Å; then r_jk = b − a."""
        vectors = self.vectors() if vectors is None else vectors
        signs = self.triangle_signs.to(self.dtype)
        a = signs[:, 0:1] * vectors[self.triangle_edges[:, 0]]
        b = signs[:, 2:3] * vectors[self.triangle_edges[:, 2]]
        return a, b

    def with_positions(self, positions: Tensor, cells: Tensor | None = None) -> "SimplicialComplex":
        """The same simplices with atoms elsewhere; gradients flow through what is given.

        Neighbours are not searched again: a pair that has come within the cutoff since is not there.
        """
        cells = self.cells if cells is None else cells
        if positions.shape != self.positions.shape or cells.shape != self.cells.shape:
            raise TenfmaError(
                f"New positions {tuple(positions.shape)} and cells {tuple(cells.shape)} must be shaped as "
                f"the complex's, {tuple(self.positions.shape)} and {tuple(self.cells.shape)}."
            )
        return replace(self, positions=positions, cells=cells)

    def strained(self, strain: Tensor) -> "SimplicialComplex":
        """x → x (1 + ε) for positions and lattice vectors; ε is (G, 3, 3), or (3, 3) for every crystal."""
        if strain.shape not in ((3, 3), (self.n_crystals, 3, 3)):
            raise TenfmaError(
                f"A strain must be shaped (3, 3) or ({self.n_crystals}, 3, 3), not {tuple(strain.shape)}."
            )
        map_ = (torch.eye(3, dtype=strain.dtype, device=strain.device) + strain).expand(self.n_crystals, 3, 3)
        positions = (self.positions[:, None] @ map_[self.atom_crystal])[:, 0]
        return replace(self, positions=positions, cells=self.cells @ map_)

    def flipped(self, mask: Tensor) -> "SimplicialComplex":
        """The same complex with the edges in `mask` (E,) stored the other way round."""
        mask = mask.to(self.device)
        return replace(
            self,
            edges=torch.where(mask[:, None], self.edges.flip(1), self.edges),
            shifts=torch.where(mask[:, None], -self.shifts, self.shifts),
            triangle_signs=torch.where(mask[self.triangle_edges], -self.triangle_signs, self.triangle_signs),
        )

    def to(
        self, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> "SimplicialComplex":
        """The same complex on another device, or with real numbers in another precision."""
        return replace(
            self,
            **{
                field.name: getattr(self, field.name).to(
                    device=device, dtype=dtype if field.name in _REAL else None
                )
                for field in fields(self)
            },
        )

    @staticmethod
    def union(complexes: Sequence["SimplicialComplex"]) -> "SimplicialComplex":
        """The disjoint union: crystals, atoms, edges and triangles in the order given."""
        if not complexes:
            raise TenfmaError("A union needs at least one complex; the list is empty.")
        starts = {name: [0] for name in set(_COUNTS.values())}
        for part in complexes:
            for name, start in starts.items():
                start.append(start[-1] + getattr(part, name))
        return SimplicialComplex(
            **{
                field.name: torch.cat(
                    [
                        getattr(part, field.name) + starts[_COUNTS[field.name]][index]
                        if field.name in _COUNTS
                        else getattr(part, field.name)
                        for index, part in enumerate(complexes)
                    ]
                )
                for field in fields(SimplicialComplex)
            }
        )

    def crystal(self, index: int) -> "SimplicialComplex":
        """One crystal of a union, by itself."""
        if not -self.n_crystals <= index < self.n_crystals:
            raise TenfmaError(
                f"There is no crystal {index}; the complex holds {self.n_crystals}, counted from 0."
            )
        index %= self.n_crystals
        atom, edge, triangle = (
            owner == index for owner in (self.atom_crystal, self.edge_crystal, self.triangle_crystal)
        )
        first_atom, first_edge = int(self.counts(0)[:index].sum()), int(self.counts(1)[:index].sum())
        return SimplicialComplex(
            numbers=self.numbers[atom],
            positions=self.positions[atom],
            cells=self.cells[index : index + 1],
            pbc=self.pbc[index : index + 1],
            atom_crystal=torch.zeros_like(self.atom_crystal[atom]),
            edges=self.edges[edge] - first_atom,
            shifts=self.shifts[edge],
            cutoffs=self.cutoffs[edge],
            triangle_cutoffs=self.triangle_cutoffs[edge],
            triangles=self.triangles[triangle] - first_atom,
            triangle_edges=self.triangle_edges[triangle] - first_edge,
            triangle_signs=self.triangle_signs[triangle],
        )

    def summary(self) -> Summary:
        """Counts per crystal, and a warning where there are no bonds or very many; prints as a table."""
        return summary_of(self)


def complex_of(
    structures: Any,
    cutoff: float | str | Cutoff = DEFAULT_CUTOFF,
    triangle_cutoff: float | str | Cutoff | None = DEFAULT_TRIANGLE_CUTOFF,
    *,
    dtype: torch.dtype = torch.float64,
    device: torch.device | str = "cpu",
    max_simplices: int = 50_000_000,
) -> SimplicialComplex:
    """The complex of one structure, or the disjoint union over a list of them.

    `structures`: pymatgen Structure or Molecule, ASE Atoms, or a list. `cutoff`, `triangle_cutoff`: radii in
    Å or rules (see `cutoffs`); a triangle needs all its edges within both; None means no triangles. The
    order of simplices depends on the input alone.

    Raises StructureError for input that is no crystal, and TenfmaError where there would be more than
    `max_simplices` edges or triangles.
    """
    crystals = crystals_of(structures)
    pairs = pairs_of(crystals, cutoff_rule(cutoff), max_simplices)
    numbers = np.concatenate([crystal.numbers for crystal in crystals])
    owner = np.repeat(np.arange(len(crystals)), [len(crystal.numbers) for crystal in crystals])
    if triangle_cutoff is None:
        triangle_cutoffs = pairs.cutoffs
        within = np.zeros(len(pairs.edges), bool)
    else:
        ends = numbers[pairs.edges]
        triangle_cutoffs = np.minimum(
            cutoff_rule(triangle_cutoff).radius(ends[:, 0], ends[:, 1]), pairs.cutoffs
        )
        within = pairs.lengths < triangle_cutoffs
    corners, sides = triangles_of(pairs.edges, pairs.shifts, within, len(numbers), max_simplices)

    def whole(array: np.ndarray) -> Tensor:
        return torch.as_tensor(array, device=device)

    def real(array: np.ndarray) -> Tensor:
        return torch.as_tensor(array, dtype=dtype, device=device)

    return SimplicialComplex(
        numbers=whole(numbers),
        positions=real(np.concatenate([crystal.positions for crystal in crystals])),
        cells=real(np.stack([crystal.cell for crystal in crystals])),
        pbc=whole(np.stack([crystal.pbc for crystal in crystals])),
        atom_crystal=whole(owner),
        edges=whole(pairs.edges),
        shifts=whole(pairs.shifts),
        cutoffs=real(pairs.cutoffs),
        triangle_cutoffs=real(triangle_cutoffs),
        triangles=whole(corners),
        triangle_edges=whole(sides),
        triangle_signs=torch.ones(sides.shape, dtype=torch.int64, device=device),
    )
