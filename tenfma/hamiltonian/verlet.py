"""A neighbour list with a skin: found again only when an atom has moved half the skin, or the cell has changed."""

import numpy as np

from tenfma.crystal.neighbours import COINCIDENT, complete_cell, refuse_wide
from tenfma.errors import TenfmaError
from tenfma.hamiltonian.evaluator import Pairs


class VerletList:
    """All neighbours within `cutoff`, from a list within `cutoff + skin` (Å) that is kept while it holds them all.

    Two atoms can come nearer by twice the largest displacement, so the kept list is complete while no atom has moved
    more than half the skin (Verlet, Phys. Rev. 1967, 159, 98).
    """

    def __init__(self, cutoff: float, skin: float = 0.5) -> None:
        if not skin >= 0:
            raise TenfmaError(f"the skin is {skin}; a length of at least 0 Å is expected")
        self.cutoff, self.skin = cutoff, skin
        #: how often the list was found anew
        self.searches = 0
        self._positions: np.ndarray | None = None

    def pairs(self, positions: np.ndarray, cell: np.ndarray, pbc: np.ndarray) -> Pairs:
        """Neighbours of these positions (N, 3), sorted by centre.

        Raises TenfmaError for positions not finite, and for two atoms nearer than `COINCIDENT`.
        """
        if not self._holds(positions, cell, pbc):
            self._search(positions, cell, pbc)
        vectors = positions[self._neighbour] - positions[self._centre] + self._steps
        squares = np.einsum("px,px->p", vectors, vectors)
        if squares.min(initial=np.inf) < COINCIDENT**2:
            self._refuse(int(np.argmin(squares)), float(np.sqrt(squares.min())))
        near = squares < self.cutoff**2
        first = np.searchsorted(self._centre[near], np.arange(len(positions) + 1))
        return Pairs(first, self._neighbour[near], np.ascontiguousarray(vectors[near]))

    def _refuse(self, pair: int, distance: float) -> None:
        i, j = self._centre[pair], self._neighbour[pair]
        who = (
            f"atoms {i} and {j} (counted from 0) are"
            if i != j
            else f"atom {i} (counted from 0) and its image are"
        )
        where = f"{distance:.2g} Å apart" if distance > 1e-3 else "on the same place"
        raise TenfmaError(
            f"{who} {where}; at least {COINCIDENT:g} Å is expected: check the structure, or use a smaller step"
        )

    def _holds(self, positions: np.ndarray, cell: np.ndarray, pbc: np.ndarray) -> bool:
        if self._positions is None or self._positions.shape != positions.shape:
            return False
        if not (np.array_equal(cell, self._cell) and np.array_equal(pbc, self._pbc)):
            return False
        moved = ((positions - self._positions) ** 2).sum(1).max(initial=0.0)
        return bool(moved <= (0.5 * self.skin) ** 2)

    def _search(self, positions: np.ndarray, cell: np.ndarray, pbc: np.ndarray) -> None:
        from vesin import NeighborList

        if not (np.isfinite(positions).all() and np.isfinite(cell).all()):
            raise TenfmaError("a position or cell vector is not a finite number; use a smaller step")
        box = complete_cell(np.asarray(cell, dtype=float), np.asarray(pbc, dtype=bool))
        refuse_wide(positions, cell, pbc)
        finder = NeighborList(cutoff=self.cutoff + self.skin, full_list=True, n_threads=1)
        centre, neighbour, shift = finder.compute(
            points=positions, box=box, periodic=np.asarray(pbc, dtype=bool), quantities="ijS"
        )
        order = np.lexsort((*shift.T, neighbour, centre))
        self._centre, self._neighbour = (index[order].astype(np.int64) for index in (centre, neighbour))
        self._steps = shift[order] @ box
        self._positions, self._cell, self._pbc = positions.copy(), np.array(cell), np.array(pbc)
        self.searches += 1
