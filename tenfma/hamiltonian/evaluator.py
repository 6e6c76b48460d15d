"""Energies, forces and virials of a body-ordered U_θ at machine speed, and the rows least squares is made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tenfma.crystal.elements import table
from tenfma.errors import TenfmaError
from tenfma.hamiltonian import kernels, lanes
from tenfma.hamiltonian.invariants import Invariants


@dataclass(frozen=True)
class Pairs:
    """All neighbours sorted by centre: where each centre's pairs begin (N + 1,), neighbour (P,), r_ij (P, 3)."""

    first: np.ndarray
    neighbour: np.ndarray
    vectors: np.ndarray

    @property
    def centre(self) -> np.ndarray:
        """The centre of each pair, (P,)."""
        return np.repeat(np.arange(len(self.first) - 1), np.diff(self.first))


def pairs_of(positions: np.ndarray, cell: np.ndarray, pbc: np.ndarray, cutoff: float) -> Pairs:
    """All neighbours within the cutoff, Å, every pair from both of its ends."""
    import ase
    from vesin import ase_neighbor_list

    atoms = ase.Atoms(positions=positions, cell=cell, pbc=pbc)
    centre, neighbour, vectors = ase_neighbor_list("ijD", atoms, cutoff)
    order = np.lexsort((*vectors.T, neighbour, centre))
    first = np.searchsorted(centre[order], np.arange(len(positions) + 1))
    return Pairs(first, neighbour[order].astype(np.int64), np.ascontiguousarray(vectors[order]))


def side_by_side(parts: Sequence[Pairs]) -> Pairs:
    """The pairs of several systems as those of one, whose parts do not see each other."""
    if len(parts) == 1:
        return parts[0]
    atoms = np.cumsum([0, *(len(part.first) - 1 for part in parts)])
    pairs = np.cumsum([0, *(len(part.neighbour) for part in parts)])
    return Pairs(
        np.concatenate([*(part.first[:-1] + begun for part, begun in zip(parts, pairs)), pairs[-1:]]),
        np.concatenate([part.neighbour + begun for part, begun in zip(parts, atoms)]),
        np.concatenate([part.vectors for part in parts]),
    )


@dataclass(frozen=True, eq=False)
class Description:
    """What is fixed before training: elements, invariants, embedding (Z, C) and cutoff (Å)."""

    elements: tuple[int, ...]
    invariants: Invariants
    embedding: np.ndarray
    cutoff: float

    def kinds(self, numbers: np.ndarray) -> np.ndarray:
        """Each atom's place in `elements`, (N,)."""
        if strange := sorted(set(np.asarray(numbers).tolist()) - set(self.elements)):
            known, given = (", ".join(table().symbols[z] for z in zs) for zs in (self.elements, strange))
            raise TenfmaError(f"this model knows {known}, and was given {given}")
        return np.searchsorted(self.elements, numbers)

    def tables(self, pairs: Pairs) -> tuple[np.ndarray, ...]:
        """Unit vectors with lengths, radial functions, harmonics and their derivatives for every pair."""
        harmonic = kernels.harmonic_table(self.invariants.lmax)
        return kernels.pair_tables(
            pairs.vectors,
            self.cutoff,
            self.invariants.radial,
            harmonic.powers,
            harmonic.coefficients,
            harmonic.starts,
            harmonic.degrees,
        )

    @cached_property
    def sparsity(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The pattern of ∂B/∂A: slots (T, 4) of the monomials' factors, column of each slot, starts per function."""
        function, places, _ = self.invariants.terms
        keys = function[:, None] * self.invariants.width + places
        keys = np.where(places >= 0, keys, -1)
        unique, inverse = np.unique(keys, return_inverse=True)
        inverse = inverse.reshape(keys.shape)
        if unique[0] == -1:
            unique, inverse = unique[1:], inverse - 1
        starts = np.searchsorted(unique // self.invariants.width, np.arange(len(self.invariants) + 1))
        return inverse, unique % self.invariants.width, starts

    def design(self, numbers: np.ndarray, pairs: Pairs) -> tuple[np.ndarray, np.ndarray]:
        """Invariants summed by element (Z · functions,) and minus their gradient (3N, Z · functions)."""
        return self.design_with_strain(numbers, pairs, strain=False)[:2]

    def design_with_strain(
        self, numbers: np.ndarray, pairs: Pairs, strain: bool = True
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """`design` and ∂/∂ε of the invariants, (9, Z · functions), or (9, 0) where no strain is asked for."""
        function, places, coefficient = self.invariants.terms
        slots, slot_places, slot_starts = self.sparsity
        unit, g, dg, y, dy = self.tables(pairs)
        Z, size = len(self.elements), len(self.invariants)
        B, F = np.zeros((Z, size)), np.zeros((Z * size, len(numbers), 3))
        V = np.zeros((Z * size if strain else 0, 3, 3))
        kernels.design_rows(
            pairs.first,
            pairs.neighbour,
            self.kinds(numbers),
            self.embedding,
            unit,
            g,
            dg,
            y,
            dy,
            function,
            places,
            coefficient,
            slots,
            slot_places,
            slot_starts,
            size,
            B,
            F,
            V,
        )
        return B.ravel(), F.reshape(Z * size, -1).T, V.reshape(len(V), 9).T


class Evaluator:
    """U_θ(r) of one model: `energy_forces` for a structure, weights θ (Z, functions) and offsets ε (Z,)."""

    def __init__(self, description: Description, weights: np.ndarray, offsets: np.ndarray) -> None:
        self.description, self.offsets = description, offsets
        function, places, coefficient = description.invariants.terms
        self.places, inverse = np.unique(places, axis=0, return_inverse=True)
        order = (self.places >= 0).sum(1)
        place = np.argsort(order, kind="stable")  # monomials of one order together
        self.places, inverse = np.ascontiguousarray(self.places[place]), np.argsort(place)[inverse.ravel()]
        #: where the monomials of order 1, 2, 3 and 4 begin, and their end
        self.starts = np.searchsorted(order[place], np.arange(1, 6))
        #: runs of order 3 and 4 that share two factors
        self.groups = [lanes.groups_of(self.places, *self.starts[nu : nu + 2]) for nu in (2, 3)]
        self.theta = np.zeros((len(offsets), len(self.places)))
        for z in range(len(offsets)):
            np.add.at(self.theta[z], inverse.ravel(), weights[z, function] * coefficient)

    def slopes(self, numbers: np.ndarray, pairs: Pairs) -> tuple[np.ndarray, np.ndarray]:
        """Energies E_i of the centres, the first C atoms, (C,) eV, and ∂E_i/∂r_ij of every pair (P, 3), eV/Å."""
        d = self.description
        kinds, (unit, g, dg, y, dy) = d.kinds(numbers), d.tables(pairs)
        first, neighbour = pairs.first, pairs.neighbour
        if len(numbers) >= lanes.FEWEST:
            return lanes.energies_and_slopes(
                first, neighbour, kinds, lanes.blocks_of(kinds[: len(first) - 1]), d.embedding, self.offsets,
                unit, g, dg, y, dy, self.places, self.starts, self.groups[0], self.groups[1], self.theta,
            )  # fmt: skip
        return kernels.energies_and_slopes(
            first, neighbour, kinds, d.embedding, self.offsets, unit, g, dg, y, dy, self.places, self.theta
        )

    def energy_forces(self, numbers: np.ndarray, pairs: Pairs) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Energies of the atoms (N,) eV, forces (N, 3) eV/Å, and ∂E/∂ε (3, 3) eV, the strain derivative."""
        energy, slope = self.slopes(numbers, pairs)
        forces = np.zeros((len(numbers), 3))
        for x in range(3):
            forces[:, x] += np.bincount(pairs.centre, slope[:, x], len(numbers))
            forces[:, x] -= np.bincount(pairs.neighbour, slope[:, x], len(numbers))
        return energy, forces, pairs.vectors.T @ slope
