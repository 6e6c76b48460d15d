"""Space group and crystal system by spglib: the one part of Module A that goes crystal by crystal."""

import warnings

import numpy as np

from tenfma.crystal.complex import SimplicialComplex

#: Å, how far atoms may be from their symmetric places
TOLERANCE = 0.01

#: crystal system by code, with the last space group of each
SYSTEMS = ("none", "triclinic", "monoclinic", "orthorhombic", "tetragonal", "trigonal", "hexagonal", "cubic")
LAST_GROUP = (0, 2, 15, 74, 142, 167, 194, 230)


def space_groups(K: SimplicialComplex, tolerance: float = TOLERANCE) -> np.ndarray:
    """International number of each crystal's space group, (G,); 0 where there is none.

    There is none where a crystal is not periodic along all axes, or spglib finds none (atoms that overlap).
    """
    import spglib

    numbers, positions = K.numbers.cpu().numpy(), K.positions.detach().cpu().double().numpy()
    cells, periodic = K.cells.detach().cpu().double().numpy(), K.pbc.all(1).cpu().numpy()
    ends = np.cumsum(K.counts(0).cpu().numpy())
    found = np.zeros(K.n_crystals, dtype=np.int64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # spglib's, about its own way of raising
        for index, (end, count) in enumerate(zip(ends, np.diff(ends, prepend=0))):
            if periodic[index]:
                atoms = slice(end - count, end)
                scaled = positions[atoms] @ np.linalg.inv(cells[index])
                found[index] = _number(spglib, (cells[index], scaled, numbers[atoms]), tolerance)
    return found


def crystal_systems(groups: np.ndarray) -> np.ndarray:
    """Code into `SYSTEMS` of each space group number."""
    return np.searchsorted(LAST_GROUP, groups)


def _number(spglib, cell: tuple, tolerance: float) -> int:
    """spglib's space group number, or 0: its versions say 'none' by returning nothing or by raising."""
    try:
        dataset = spglib.get_symmetry_dataset(cell, symprec=tolerance)
    except spglib.SpglibError:
        return 0
    return 0 if dataset is None else int(dataset.number)
