"""The body-ordered energy of several atoms at a time: every monomial is read once and multiplied for LANES atoms.

The densities of a block of atoms of one element lie side by side, so the processor's vector units do the products. The
values are those of `kernels.energies_and_slopes` to round-off, and do not depend on who else is in the block.
"""

import numba
import numpy as np

#: atoms side by side; fewer than FEWEST are quicker one by one
LANES, FEWEST = 8, 4


def blocks_of(kinds: np.ndarray) -> np.ndarray:
    """Atoms in rows of LANES, each row of one kind, padded with −1: (blocks, LANES)."""
    rows = []
    for kind in np.unique(kinds):
        atoms = np.flatnonzero(kinds == kind)
        row = np.full((-(-len(atoms) // LANES), LANES), -1)
        row.ravel()[: len(atoms)] = atoms
        rows.append(row)
    return np.concatenate(rows)


@numba.njit(cache=True, error_model="numpy")
def _products(A, D, total, places, starts, row):
    """Adds Σ_t w_t Π A to the energies (LANES,) and its derivatives to D; terms are sorted by their order ν."""
    for t in range(starts[0], starts[1]):
        w, k1 = row[t], places[t, 0]
        for s in range(LANES):
            total[s] += w * A[k1, s]
            D[k1, s] += w
    for t in range(starts[1], starts[2]):
        w, k1, k2 = row[t], places[t, 0], places[t, 1]
        for s in range(LANES):
            a1, a2 = w * A[k1, s], A[k2, s]
            total[s] += a1 * a2
            D[k1, s] += w * a2
            D[k2, s] += a1
    for t in range(starts[2], starts[3]):
        w, k1, k2, k3 = row[t], places[t, 0], places[t, 1], places[t, 2]
        for s in range(LANES):
            a1, a2, a3 = w * A[k1, s], A[k2, s], A[k3, s]
            a12 = a1 * a2
            total[s] += a12 * a3
            D[k1, s] += w * a2 * a3
            D[k2, s] += a1 * a3
            D[k3, s] += a12
    for t in range(starts[3], starts[4]):
        w, k1, k2, k3, k4 = row[t], places[t, 0], places[t, 1], places[t, 2], places[t, 3]
        for s in range(LANES):
            a1, a2, a3, a4 = w * A[k1, s], A[k2, s], A[k3, s], A[k4, s]
            a12, a34 = a1 * a2, a3 * a4
            total[s] += a12 * a34
            D[k1, s] += w * a2 * a34
            D[k2, s] += a1 * a34
            D[k3, s] += a12 * a4
            D[k4, s] += a12 * a3


@numba.njit(cache=True, error_model="numpy", parallel=True)
def energies_and_slopes(
    first, neighbour, kind, blocks, embedding, offsets, unit, g, dg, y, dy, places, starts, theta
):
    """Energy of each atom (N,) and ∂E_i/∂r_ij of each pair (P, 3).

    Arguments as of `kernels.energies_and_slopes`, with `blocks` of atoms (B, LANES), and the monomials sorted by
    order: starts (5,) where those of order 1, 2, 3 and 4 begin, and their end.
    """
    atoms, pairs = len(first) - 1, len(neighbour)
    channels, radial, width = embedding.shape[1], g.shape[1], y.shape[1]
    size = channels * radial * width
    energy, slope = np.empty(atoms), np.empty((pairs, 3))
    for b in numba.prange(len(blocks)):
        A, D, total = np.zeros((size, LANES)), np.zeros((size, LANES)), np.zeros(LANES)
        for s in range(LANES):
            i = blocks[b, s]
            if i < 0:
                continue
            for p in range(first[i], first[i + 1]):
                for c in range(channels):
                    e = embedding[kind[neighbour[p]], c]
                    if e == 0.0:
                        continue
                    for n in range(radial):
                        f = e * g[p, n]
                        base = (c * radial + n) * width
                        for m in range(width):
                            A[base + m, s] += f * y[p, m]
        z = kind[blocks[b, 0]]
        _products(A, D, total, places, starts, theta[z])
        for s in range(LANES):
            i = blocks[b, s]
            if i < 0:
                continue
            energy[i] = offsets[z] + total[s]
            for p in range(first[i], first[i + 1]):
                sx, sy, sz, along = 0.0, 0.0, 0.0, 0.0
                for m in range(width):
                    value, change = 0.0, 0.0
                    for c in range(channels):
                        e = embedding[kind[neighbour[p]], c]
                        if e == 0.0:
                            continue
                        for n in range(radial):
                            d = e * D[(c * radial + n) * width + m, s]
                            value += d * g[p, n]
                            change += d * dg[p, n]
                    along += change * y[p, m]
                    sx += value * dy[p, m, 0]
                    sy += value * dy[p, m, 1]
                    sz += value * dy[p, m, 2]
                slope[p, 0] = sx + along * unit[p, 0]
                slope[p, 1] = sy + along * unit[p, 1]
                slope[p, 2] = sz + along * unit[p, 2]
    return energy, slope
