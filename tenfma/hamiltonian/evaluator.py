"""Energies, forces and virials of a body-ordered U_θ at machine speed, and the rows least squares is made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tenfma.crystal.elements import table
from tenfma.crystal.neighbours import refuse_wide
from tenfma.errors import TenfmaError
from tenfma.hamiltonian import kernels, lanes
from tenfma.hamiltonian.invariants import Invariants
from tenfma.hamiltonian.kernels import Tables
from tenfma.hamiltonian.messages import SILENT, Heard, Messages, told_rates


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
    """All neighbours within the cutoff, Å, every pair from both of its ends. Raises TenfmaError for a cell too wide."""
    import ase
    from vesin import ase_neighbor_list

    refuse_wide(positions, cell, pbc)
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
    """What is fixed before training: elements, invariants, embedding (Z, C), cutoff (Å) and what atoms tell.

    The invariants' channels are the embedding's columns, then what atoms tell.
    """

    elements: tuple[int, ...]
    invariants: Invariants
    embedding: np.ndarray
    cutoff: float
    messages: Messages = SILENT

    def kinds(self, numbers: np.ndarray) -> np.ndarray:
        """Each atom's place in `elements`, (N,)."""
        if strange := sorted(set(np.asarray(numbers).tolist()) - set(self.elements)):
            known, given = (", ".join(table().symbols[z] for z in zs) for zs in (self.elements, strange))
            raise TenfmaError(f"this model knows {known}, and was given {given}")
        return np.searchsorted(self.elements, numbers)

    @property
    def hops(self) -> int:
        """How many neighbours away an atom can be whose motion changes a slope ∂U/∂r_ij of atom i."""
        return 3 if self.messages else 1

    def heard(self, atoms: int, pairs: Pairs, tables: Tables) -> Heard:
        """What the centres hear of what their neighbours tell."""
        return Heard.of(self.messages, pairs.centre, pairs.neighbour, tables, atoms)

    def seen(self, kinds: np.ndarray, pairs: Pairs, heard: Heard) -> np.ndarray:
        """The channels of each neighbour as its centre sees it, (P, C): of its element, then what it tells."""
        return np.ascontiguousarray(
            np.concatenate([self.embedding[kinds[pairs.neighbour]], heard.kappa], axis=1)
        )

    def tables(self, pairs: Pairs) -> Tables:
        """Unit vectors with lengths, radial functions, harmonics and their derivatives for every pair."""
        harmonic = kernels.harmonic_table(self.invariants.lmax)
        return Tables(
            *kernels.pair_tables(
                pairs.vectors,
                self.cutoff,
                self.invariants.radial,
                harmonic.powers,
                harmonic.coefficients,
                harmonic.starts,
                harmonic.degrees,
            )
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
        t = self.tables(pairs)
        kinds, heard = self.kinds(numbers), self.heard(len(numbers), pairs, t)
        Z, size = len(self.elements), len(self.invariants)
        B, F = np.zeros((Z, size)), np.zeros((Z * size, len(numbers), 3))
        V = np.zeros((Z * size if strain else 0, 3, 3))
        G = np.zeros((Z * size, len(numbers), len(self.messages.channel)))
        kernels.design_rows(
            pairs.first,
            pairs.neighbour,
            kinds,
            self.seen(kinds, pairs, heard),
            heard.slope,
            heard.words,
            self.messages.channel,
            t.unit,
            t.g,
            t.dg,
            t.y,
            t.dy,
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
            G,
        )
        rows, strained = F.reshape(Z * size, -1), V.reshape(len(V), 9)
        if self.messages:
            by_place, by_strain = _spread(pairs, told_rates(self.messages, t))
            hearing = np.flatnonzero(G.any(axis=(1, 2)))
            heard_of = G[hearing].reshape(len(hearing), -1)
            rows[hearing] -= heard_of @ by_place
            if strain:
                strained[hearing] += heard_of @ by_strain
        return B.ravel(), rows.T, strained.T


def _spread(pairs: Pairs, rates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """∂A_w(j)/∂r (N · W, 3N) and ∂A_w(j)/∂ε (N · W, 9) from ∂A_w(j)/∂r_jk of every pair (P, 3, W)."""
    atoms, words, centre = len(pairs.first) - 1, rates.shape[2], pairs.centre
    rates = np.moveaxis(rates, 1, 2)
    by_place, by_strain = np.zeros((atoms, atoms, words, 3)), np.zeros((atoms, words, 9))
    np.add.at(by_place, (centre, pairs.neighbour), rates)
    np.add.at(by_place, (centre, centre), -rates)
    strained = pairs.vectors[:, None, :, None] * rates[:, :, None, :]
    np.add.at(by_strain, centre, strained.reshape(-1, words, 9))
    return by_place.swapaxes(1, 2).reshape(atoms * words, 3 * atoms), by_strain.reshape(atoms * words, 9)


@dataclass(frozen=True, eq=False)
class Slopes:
    """Energies E_i of the centres (C,), eV, and how they change with what they see.

    `direct` (P, 3) is ∂E_i/∂r_ij with what atoms tell held, eV/Å; `asked` (P, W) is ∂E_i/∂A_w(j), of what j tells, and
    `rates` (P, 3, W) is ∂A_w(i)/∂r_ij.
    """

    energies: np.ndarray
    direct: np.ndarray
    asked: np.ndarray
    rates: np.ndarray

    def total(self, pairs: Pairs) -> np.ndarray:
        """∂U/∂r_ij of every pair, (P, 3), eV/Å."""
        if not self.asked.shape[1]:
            return self.direct
        atoms = int(pairs.neighbour.max(initial=len(pairs.first) - 2)) + 1
        sums = np.stack([np.bincount(pairs.neighbour, one, atoms) for one in self.asked.T], axis=1)
        return self.direct + np.einsum("pw,pxw->px", sums[pairs.centre], self.rates)


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

    def parts(self, numbers: np.ndarray, pairs: Pairs) -> Slopes:
        """Energies of the centres, the first C atoms, and their slopes."""
        d, first = self.description, pairs.first
        kinds, t = d.kinds(numbers), d.tables(pairs)
        heard, told = d.heard(len(numbers), pairs, t), len(d.messages)
        seen, tables = d.seen(kinds, pairs, heard), (t.unit, t.g, t.dg, t.y, t.dy)
        if len(numbers) >= lanes.FEWEST:
            energies, direct, asked = lanes.energies_and_slopes(
                first, kinds, lanes.blocks_of(kinds[: len(first) - 1]), seen, told, self.offsets,
                *tables, self.places, self.starts, self.groups[0], self.groups[1], self.theta,
            )  # fmt: skip
        else:
            energies, direct, asked = kernels.energies_and_slopes(
                first, kinds, seen, told, self.offsets, *tables, self.places, self.theta
            )
        if not told:
            return Slopes(energies, direct, asked, np.zeros((*direct.shape, 0)))
        direct = direct + np.einsum("pc,pxc->px", asked, heard.slope)
        words = asked[:, d.messages.channel] * heard.words
        return Slopes(energies, direct, words, told_rates(d.messages, t))

    def slopes(self, numbers: np.ndarray, pairs: Pairs) -> tuple[np.ndarray, np.ndarray]:
        """Energies E_i of the centres, the first C atoms, (C,) eV, and ∂U/∂r_ij of every pair (P, 3), eV/Å."""
        parts = self.parts(numbers, pairs)
        return parts.energies, parts.total(pairs)

    def energy_forces(self, numbers: np.ndarray, pairs: Pairs) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Energies of the atoms (N,) eV, forces (N, 3) eV/Å, and ∂E/∂ε (3, 3) eV, the strain derivative."""
        energy, slope = self.slopes(numbers, pairs)
        forces = np.zeros((len(numbers), 3))
        for x in range(3):
            forces[:, x] += np.bincount(pairs.centre, slope[:, x], len(numbers))
            forces[:, x] -= np.bincount(pairs.neighbour, slope[:, x], len(numbers))
        return energy, forces, pairs.vectors.T @ slope
