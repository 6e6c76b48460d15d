"""Crystals as arrays, from what pymatgen and ASE call a structure."""

from typing import Any

import numpy as np

from tenfma.crystal.elements import LAST
from tenfma.crystal.neighbours import Crystal
from tenfma.errors import StructureError


def crystals_of(structures: Any) -> list[Crystal]:
    """One crystal for each structure given: a pymatgen Structure or Molecule, ASE Atoms, or a list of them.

    Raises StructureError for anything else, for disordered sites, and for positions that are not finite.
    """
    items = list(structures) if isinstance(structures, (list, tuple)) else [structures]
    if not items:
        raise StructureError("No structure was given; the list is empty.")
    return [_crystal(item, index) for index, item in enumerate(items)]


def _crystal(item: Any, index: int) -> Crystal:
    if hasattr(item, "get_atomic_numbers"):  # ASE Atoms
        numbers, positions = item.numbers, item.positions
        cell, pbc = np.array(item.cell), np.array(item.pbc)
    elif hasattr(item, "is_ordered"):  # pymatgen Structure, Molecule
        if not item.is_ordered:
            raise StructureError(
                f"Structure {index} ({item.composition.reduced_formula}) has partially occupied sites; turn "
                "it into an ordered approximant first, with tenfma.crystal.disorder.order(structure, seed=0)."
            )
        try:
            numbers = np.array([site.specie.Z for site in item])
        except AttributeError as error:
            raise StructureError(
                f"Structure {index} holds a site that is no chemical element; replace it by an element."
            ) from error
        positions = item.cart_coords
        lattice = getattr(item, "lattice", None)
        cell = np.zeros((3, 3)) if lattice is None else np.array(lattice.matrix)
        pbc = np.zeros(3, bool) if lattice is None else np.array(lattice.pbc)
    else:
        raise StructureError(
            f"Structure {index} is a {type(item).__name__}; expected a pymatgen Structure or ASE Atoms."
        )
    if len(numbers) == 0:
        raise StructureError(f"Structure {index} has no atoms.")
    if not (np.isfinite(positions).all() and np.isfinite(cell).all()):
        raise StructureError(
            f"Structure {index} has positions or lattice vectors that are not finite numbers."
        )
    if numbers.min() < 1 or numbers.max() > LAST:
        raise StructureError(
            f"Structure {index} has an atomic number outside 1…{LAST}; replace that atom by an element in "
            "this range."
        )
    return Crystal(
        np.asarray(numbers, np.int64),
        np.asarray(positions, float),
        np.asarray(cell, float),
        np.asarray(pbc, bool),
    )
