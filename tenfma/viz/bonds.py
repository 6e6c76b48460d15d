"""Which atoms a chemist would join by a line: near neighbours by pymatgen, not by a radius."""

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
from pymatgen.core import Structure

#: cells up to this many atoms are asked of CrystalNN, larger ones of the quicker minimum-distance rule
CRYSTALNN_LIMIT = 120
#: the minimum-distance rule: neighbours up to this many times the distance of the nearest, and where looking ends, Å
NEARLY, FARTHEST = 1.1, 10.0


@dataclass(frozen=True)
class Bond:
    """From atom `i` of the cell to the image of atom `j` moved by `shift` lattice vectors; length in Å."""

    i: int
    j: int
    shift: tuple[int, int, int]
    length: float


def near_bonds(structure: Structure) -> list[Bond]:
    """Near-neighbour bonds, each once, in a fixed order; empty for atoms that have no near neighbour.

    CrystalNN (Voronoi solid angles and electronegativities; Pan et al., Inorg. Chem. 60, 1590 (2021)) up to
    `CRYSTALNN_LIMIT` atoms, the minimum-distance rule above or where CrystalNN finds no answer.
    """
    from tenfma.viz import first
    from tenfma.viz.scenes import scene_key

    held = first.value(
        "bonds", scene_key(structure), lambda: [list(astuple(bond)) for bond in _found(structure)]
    )
    return [Bond(i, j, _shift(shift), length) for i, j, shift, length in held]


def _found(structure: Structure) -> list[Bond]:
    from pymatgen.core.local_env import CrystalNN

    if len(structure) <= CRYSTALNN_LIMIT:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                shells = CrystalNN().get_all_nn_info(structure)
                return _unique(
                    structure,
                    (
                        (i, int(entry["site_index"]), _shift(entry["image"]))
                        for i, shell in enumerate(shells)
                        for entry in shell
                    ),
                )
            except (ValueError, RuntimeError, IndexError, KeyError, ZeroDivisionError):
                pass  # a Voronoi cell that does not close, as for atoms in a vacuum
    return _unique(structure, _nearest(structure))


def _nearest(structure: Structure) -> Iterator[tuple[int, int, tuple[int, int, int]]]:
    """Each atom with those at most `NEARLY` times as far as its nearest, which is looked for within `FARTHEST` Å."""
    for reach in (0.4 * FARTHEST, FARTHEST):
        i, j, shifts, lengths = structure.get_neighbor_list(reach)
        least = np.full(len(structure), np.inf)
        np.minimum.at(least, i, lengths)
        if np.isfinite(least).all() and NEARLY * least.max() <= reach:
            break
    for place in np.flatnonzero(lengths <= NEARLY * least[i]):
        yield int(i[place]), int(j[place]), _shift(shifts[place])


def _unique(structure: Structure, neighbours: Iterable[tuple[int, int, tuple[int, int, int]]]) -> list[Bond]:
    found: dict[tuple, Bond] = {}
    places, matrix = structure.frac_coords, structure.lattice.matrix
    for i, j, shift in neighbours:
        back = (-shift[0], -shift[1], -shift[2])
        key = min((i, j, shift), (j, i, back))
        length = float(np.linalg.norm((places[key[1]] + key[2] - places[key[0]]) @ matrix))
        if length > 1e-6:
            found[key] = Bond(*key, length)
    return [found[key] for key in sorted(found)]


def _shift(image: Any) -> tuple[int, int, int]:
    a, b, c = (round(float(value)) for value in image)
    return a, b, c


def coordination(structure: Structure, bonds: list[Bond]) -> np.ndarray:
    """How many near neighbours each atom has; a bond to its own image counts twice."""
    count = np.zeros(len(structure), int)
    for bond in bonds:
        count[bond.i] += 1
        count[bond.j] += 1
    return count
