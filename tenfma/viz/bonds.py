"""Which atoms a chemist would join by a line: near neighbours by pymatgen, not by a radius."""

import warnings
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
from pymatgen.core import Structure

#: cells up to this many atoms are asked of CrystalNN, larger ones of the quicker minimum-distance rule
CRYSTALNN_LIMIT = 120


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
    from pymatgen.core.local_env import CrystalNN, MinimumDistanceNN

    rules: list[Any] = [MinimumDistanceNN()]
    if len(structure) <= CRYSTALNN_LIMIT:
        rules.insert(0, CrystalNN())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for rule in rules:
            try:
                return _unique(structure, rule.get_all_nn_info(structure))
            except (ValueError, RuntimeError, IndexError, KeyError, ZeroDivisionError):
                continue  # a Voronoi cell that does not close, as for atoms in a vacuum
    return []


def _unique(structure: Structure, neighbours: list[list[dict]]) -> list[Bond]:
    found: dict[tuple, Bond] = {}
    for i, shell in enumerate(neighbours):
        for entry in shell:
            j, shift = int(entry["site_index"]), _shift(entry["image"])
            back = (-shift[0], -shift[1], -shift[2])
            key = min((i, j, shift), (j, i, back))
            length = float(np.linalg.norm(vector(structure, *key)))
            if length > 1e-6:
                found[key] = Bond(*key, length)
    return [found[key] for key in sorted(found)]


def _shift(image: Any) -> tuple[int, int, int]:
    a, b, c = (round(float(value)) for value in image)
    return a, b, c


def vector(structure: Structure, i: int, j: int, shift: tuple[int, int, int]) -> np.ndarray:
    """r_j + S·cell − r_i, Å."""
    step = structure.frac_coords[j] + np.asarray(shift) - structure.frac_coords[i]
    return step @ structure.lattice.matrix


def coordination(structure: Structure, bonds: list[Bond]) -> np.ndarray:
    """How many near neighbours each atom has; a bond to its own image counts twice."""
    count = np.zeros(len(structure), int)
    for bond in bonds:
        count[bond.i] += 1
        count[bond.j] += 1
    return count
