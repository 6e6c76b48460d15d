"""Bond lengths and angles along a run: of chosen atoms, or averages over each atom's nearest neighbours."""

from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
from ase import Atoms
from ase.geometry import find_mic

from tenfma.errors import TenfmaError
from tenfma.hamiltonian.evaluator import pairs_of

#: neighbours up to this many times the nearest one's distance are nearest neighbours
SHELL = 1.12
#: first radius searched for a nearest neighbour, Å; doubled until every atom has one
FIRST_RADIUS = 4.0


@dataclass(frozen=True, eq=False)
class Bonds:
    """Pairs (P, 2) with the images that were meant at the start, as offsets (P, 3) in Å: r_ij = r_j − r_i + offset."""

    pairs: np.ndarray
    offsets: np.ndarray

    def vectors(self, positions: np.ndarray) -> np.ndarray:
        """r_ij, (P, 3)."""
        return positions[self.pairs[:, 1]] - positions[self.pairs[:, 0]] + self.offsets

    @classmethod
    def between(cls, atoms: Atoms, pairs: np.ndarray) -> "Bonds":
        """Bonds to the nearest image of each second atom."""
        plain = atoms.positions[pairs[:, 1]] - atoms.positions[pairs[:, 0]]
        nearest, _ = find_mic(plain, atoms.cell, atoms.pbc)
        return cls(pairs, nearest - plain)


@dataclass(frozen=True, eq=False)
class Geometry:
    """What is measured: named bonds and angles, or averages over all where there are no names.

    `corners` (A, 2) are the two bonds of each angle, both drawn from its middle atom.
    """

    bonds: Bonds
    corners: np.ndarray
    bond_names: tuple[str, ...] | None = None
    angle_names: tuple[str, ...] | None = None

    def measured(self, positions: np.ndarray) -> dict[str, float]:
        """Lengths in Å and angles in degrees by name; or mean_bond_A, spread_bond_A, mean_angle_deg, spread_angle_deg."""
        vectors = self.bonds.vectors(positions)
        lengths = np.linalg.norm(vectors, axis=1)
        a, b = (vectors[self.corners[:, k]] / lengths[self.corners[:, k], None] for k in (0, 1))
        angles = np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b), axis=1), (a * b).sum(1)))
        if self.bond_names is None or self.angle_names is None:
            row: dict[str, float] = {}
            for name, unit, values in (("bond", "A", lengths), ("angle", "deg", angles)):
                if len(values):
                    row |= {f"mean_{name}_{unit}": values.mean(), f"spread_{name}_{unit}": values.std()}
            return {key: float(value) for key, value in row.items()}
        named = dict(zip(self.bond_names, lengths))
        return {key: float(value) for key, value in (named | dict(zip(self.angle_names, angles))).items()}


def chosen(atoms: Atoms, bonds: list[str], angles: list[str]) -> Geometry:
    """Bonds `i-j` and angles `i-j-k` (j in the middle), atoms counted from 0.

    Raises TenfmaError for what is not of that form or names an atom that is not there.
    """
    pairs = [_indices(text, 2, len(atoms)) for text in bonds]
    triples = [_indices(text, 3, len(atoms)) for text in angles]
    first = len(pairs)
    sides = [side for i, j, k in triples for side in ((j, i), (j, k))]
    corners = [(first + 2 * n, first + 2 * n + 1) for n in range(len(triples))]
    return Geometry(
        Bonds.between(atoms, np.array([*pairs, *sides], dtype=int).reshape(-1, 2)),
        np.array(corners, dtype=int).reshape(-1, 2),
        tuple(f"bond_{'_'.join(map(str, pair))}_A" for pair in pairs),
        tuple(f"angle_{'_'.join(map(str, triple))}_deg" for triple in triples),
    )


def nearest(atoms: Atoms) -> Geometry:
    """Nearest neighbours of every atom, within SHELL times its nearest one's distance, kept for the whole run."""
    radius = FIRST_RADIUS
    while True:
        found = pairs_of(atoms.positions, atoms.cell.array, atoms.pbc, radius)
        counts = np.diff(found.first)
        lengths = np.linalg.norm(found.vectors, axis=1)
        closest = np.array([lengths[a:b].min(initial=np.inf) for a, b in pairwise(found.first)])
        if (counts > 0).all() and (SHELL * closest <= radius).all():
            break
        if radius > 100:
            raise TenfmaError("an atom has no neighbour within 100 Å; name bonds with --bond i-j instead")
        radius *= 2
    near = lengths <= SHELL * closest[found.centre]
    centre, neighbour, vectors = found.centre[near], found.neighbour[near], found.vectors[near]
    offsets = vectors - (atoms.positions[neighbour] - atoms.positions[centre])
    first = np.searchsorted(centre, np.arange(len(atoms) + 1))
    corners = [pair for a, b in pairwise(first) for pair in combinations(range(a, b), 2)]
    pairs = np.stack([centre, neighbour], axis=1)
    return Geometry(Bonds(pairs, offsets), np.array(corners, dtype=int).reshape(-1, 2))


def _indices(text: str, count: int, atoms: int) -> tuple[int, ...]:
    form, option = ("i-j", "--bond") if count == 2 else ("i-j-k", "--angle")
    try:
        found = tuple(int(part) for part in text.split("-"))
    except ValueError:
        found = ()
    if len(found) != count or len(set(found)) != count:
        raise TenfmaError(f"{option} is {text}; give it as {form}, different atoms counted from 0")
    if max(found) >= atoms:
        raise TenfmaError(f"{option} is {text}; the cell has atoms 0 to {atoms - 1}")
    return found
