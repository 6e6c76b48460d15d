"""Triangles of a periodic graph, by joining pairs of its edges.

Edges run from lower to higher lattice points (see `neighbours`), an order that translations keep. A triangle
of distinct lattice points a < b < c therefore appears exactly once up to translation: as two edges out of a,
(ab) before (ac), with a third edge (bc) whose image closes, S_bc = S_ac − S_ab.
"""

import numpy as np

from tenfma.crystal.neighbours import pair_keys, reach_of
from tenfma.errors import TenfmaError

#: joined edge pairs held at a time; bounds the memory of the join
_CHUNK = 4_000_000


def triangles_of(
    edges: np.ndarray, shifts: np.ndarray, use: np.ndarray, atoms: int, limit: int
) -> tuple[np.ndarray, np.ndarray]:
    """Triangles (F, 3) a < b < c and their edges (F, 3): (ab), (bc), (ac), all among the edges in `use` (E,).

    `edges` (E, 2) and `shifts` (E, 3) are sorted and run from lower to higher lattice points. All signs
    are then +1.
    Raises TenfmaError where more than `limit` triangles come out.
    """
    chosen = np.flatnonzero(use)
    tail, head, shift = edges[chosen, 0], edges[chosen, 1], shifts[chosen]
    count = len(chosen)
    # the edges out of an atom lie together; edge e pairs with each later one of the same tail
    ends = np.searchsorted(tail, tail, side="right")
    partners = ends - np.arange(count) - 1
    before = np.concatenate([[0], np.cumsum(partners)])
    reach = 2 * reach_of(shift)
    keys = pair_keys(tail, head, shift, atoms, reach)
    # keys are linear, so that of (b, c, S_ac − S_ab) is a term of (ab) plus a term of (ac)
    zero = np.zeros_like(head)
    of_ab, of_ac = pair_keys(head, zero, -shift, atoms, reach), pair_keys(zero, head, shift, atoms, reach)

    found: list[np.ndarray] = []
    total, start = 0, 0
    while start < count:
        stop = max(start + 1, int(np.searchsorted(before, before[start] + _CHUNK, side="right")) - 1)
        first = np.repeat(np.arange(start, stop), partners[start:stop])
        second = np.arange(before[start], before[stop]) - before[first] + first + 1
        wanted = of_ab[first] + of_ac[second]
        third = np.searchsorted(keys, wanted)
        third[third == count] = 0
        closes = keys[third] == wanted
        found.append(np.stack([first[closes], third[closes], second[closes]], axis=1))
        total += len(found[-1])
        if total > limit:
            raise TenfmaError(
                f"These crystals have more than {limit} triangles; use a shorter triangle_cutoff or raise "
                "max_simplices."
            )
        start = stop
    local = np.concatenate([np.zeros((0, 3), np.int64), *found])
    corners = np.stack([tail[local[:, 0]], head[local[:, 0]], head[local[:, 2]]], axis=1)
    return corners, chosen[local]
