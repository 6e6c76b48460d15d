"""Pairs of atoms within a cutoff, through the compiled library vesin.

Every unordered pair of lattice points comes once, and always the same way round. Lattice points (atom,
image) are ordered by atom first and image second, lexicographically; that order is the same after any
lattice translation. A pair runs from the lower point to the higher one: from i to j > i, or from an atom to
its own image with S > 0.
"""

from dataclasses import dataclass

import numpy as np
from vesin import NeighborList

from tenfma.crystal.cutoffs import Cutoff
from tenfma.errors import StructureError, TenfmaError

#: atoms nearer than this, Å, are taken for the same atom given twice, or for a motion that has blown up
COINCIDENT = 0.1
#: Å; the search counts boxes as wide as the cutoff in integers, and far beyond this they overflow and end the process
WIDEST = 1e6


@dataclass(frozen=True)
class Crystal:
    """What the search needs of one crystal, as arrays. `pbc` axes that are False have no images."""

    numbers: np.ndarray
    positions: np.ndarray
    cell: np.ndarray
    pbc: np.ndarray


@dataclass(frozen=True)
class Pairs:
    """Pairs of a batch of crystals, sorted by (tail, head, shift); atoms are numbered through the batch."""

    edges: np.ndarray
    """(E, 2) tail and head."""
    shifts: np.ndarray
    """(E, 3) image of the head, in lattice vectors."""
    lengths: np.ndarray
    """(E,) Å."""
    cutoffs: np.ndarray
    """(E,) Å, the rule's radius for the two elements."""


def pairs_of(crystals: list[Crystal], rule: Cutoff, max_pairs: int) -> Pairs:
    """All pairs of each crystal nearer than the rule's radius for their elements.

    Raises StructureError where two atoms coincide, and TenfmaError where a crystal would have more than
    `max_pairs` pairs; that is estimated from its density before anything is allocated.
    """
    searches: dict[float, NeighborList] = {}
    tails, heads, images, distances = [], [], [], []
    start = 0
    for index, crystal in enumerate(crystals):
        elements = np.unique(crystal.numbers)
        radius = float(rule.radius(elements[:, None], elements[None, :]).max())
        box = complete_cell(crystal.cell, crystal.pbc)
        refuse_wide(crystal.positions, crystal.cell, crystal.pbc)
        _refuse_enormous(crystal, box, radius, max_pairs, index)
        if radius not in searches:
            searches[radius] = NeighborList(cutoff=radius, full_list=False, n_threads=1)
        i, j, shift, distance = searches[radius].compute(
            points=crystal.positions, box=box, periodic=crystal.pbc, quantities="ijSd"
        )
        tails.append(i.astype(np.int64) + start)
        heads.append(j.astype(np.int64) + start)
        images.append(shift)
        distances.append(distance)
        start += len(crystal.numbers)
    tail, head = _joined(tails, np.int64), _joined(heads, np.int64)
    shift = np.concatenate([np.zeros((0, 3), np.int64), *images]).astype(np.int64)
    length = _joined(distances, np.float64)
    numbers = np.concatenate([crystal.numbers for crystal in crystals])

    cutoff = rule.radius(numbers[tail], numbers[head])
    keep = length < cutoff
    if not keep.all():
        tail, head, shift, length, cutoff = tail[keep], head[keep], shift[keep], length[keep], cutoff[keep]
    _refuse_coincident(crystals, tail, head, length)

    leading = np.where(shift[:, 0] != 0, shift[:, 0], np.where(shift[:, 1] != 0, shift[:, 1], shift[:, 2]))
    backward = (tail > head) | ((tail == head) & (leading < 0))
    tail, head = np.where(backward, head, tail), np.where(backward, tail, head)
    shift = np.where(backward[:, None], -shift, shift)
    order = np.argsort(pair_keys(tail, head, shift, len(numbers), reach_of(shift)), kind="stable")
    edges = np.stack([tail[order], head[order]], axis=1)
    return Pairs(edges, shift[order], length[order], cutoff[order])


def refuse_wide(positions: np.ndarray, cell: np.ndarray, pbc: np.ndarray) -> None:
    """Raise StructureError for a periodic cell vector, or for atoms along axes without images, over `WIDEST`."""
    pbc = np.asarray(pbc, dtype=bool)
    lengths = np.linalg.norm(np.asarray(cell, dtype=float)[pbc], axis=1)
    spread = 0.0 if pbc.all() or not len(positions) else float(np.ptp(positions, axis=0).max())
    for what, width in (("the cell is", lengths.max(initial=0.0)), ("the atoms are", spread)):
        if not width <= WIDEST:
            raise StructureError(f"{what} {width:.3g} Å across; at most {WIDEST:g} Å is expected")


def reach_of(shift: np.ndarray) -> int:
    """The furthest image that occurs, along any axis."""
    return int(np.abs(shift).max(initial=0))


def pair_keys(tail: np.ndarray, head: np.ndarray, shift: np.ndarray, atoms: int, reach: int) -> np.ndarray:
    """One integer for each (tail, head, shift), |shift| ≤ reach: linear in the triple, ordered as it is."""
    base = 2 * reach + 1
    if atoms**2 * base**3 >= 2**63:
        raise TenfmaError(
            f"{atoms} atoms with images {reach} cells away are too many for one complex; split them into "
            "smaller lists."
        )
    image = (shift[:, 0] * base + shift[:, 1]) * base + shift[:, 2]
    return (tail * atoms + head) * base**3 + image


def complete_cell(cell: np.ndarray, pbc: np.ndarray) -> np.ndarray:
    """The cell with vectors along its non-periodic axes replaced by unit vectors across the periodic ones.

    They are never used for images, only so that the box has a volume. Raises StructureError for a flat
    periodic cell.
    """
    if pbc.all():
        box = cell
    else:
        box = np.where(pbc[:, None], cell, 0.0)
        periodic = box[pbc]
        # rows of Vᵀ beyond the rank span what the periodic vectors leave free
        free = np.linalg.svd(periodic)[2][len(periodic) :] if len(periodic) else np.eye(3)
        box[~pbc] = free
    lengths = np.linalg.norm(box, axis=1)
    # flat means: the volume is nothing next to a cube of the same vectors
    if not abs(np.linalg.det(box)) > 1e-6 * lengths.prod() or not np.isfinite(box).all():
        raise StructureError(
            f"The cell {np.round(cell, 3).tolist()} has no volume along its periodic axes; give three "
            "independent lattice vectors, or mark axes as not periodic."
        )
    return box


def _refuse_enormous(crystal: Crystal, box: np.ndarray, radius: float, limit: int, index: int) -> None:
    atoms = len(crystal.numbers)
    if crystal.pbc.all():
        # a uniform gas of the same density has N²·(4π/3)r³/2V pairs, and clumping only adds to them
        expected = atoms**2 * (2 * np.pi / 3) * radius**3 / abs(np.linalg.det(box))
        if expected > limit:
            raise TenfmaError(
                f"Crystal {index} ({atoms} atoms) would have about {expected:.2g} bonds within {radius:g} "
                f"Å, more than the limit of {limit}; use a shorter cutoff or raise max_simplices."
            )


def _refuse_coincident(
    crystals: list[Crystal], tail: np.ndarray, head: np.ndarray, length: np.ndarray
) -> None:
    if len(length) and length.min() < COINCIDENT:
        worst = int(length.argmin())
        starts = np.cumsum([0, *(len(crystal.numbers) for crystal in crystals)])
        index = int(np.searchsorted(starts, tail[worst], side="right")) - 1
        raise StructureError(
            f"Atoms {tail[worst] - starts[index]} and {head[worst] - starts[index]} of crystal {index} are "
            f"{length[worst]:.2g} Å apart, nearer than {COINCIDENT} Å; remove the duplicate or mend the cell."
        )


def _joined(parts: list[np.ndarray], dtype: type) -> np.ndarray:
    return np.concatenate([np.zeros(0, dtype), *parts])
