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


def groups_of(places: np.ndarray, begin: int, end: int) -> np.ndarray:
    """Where runs of monomials with the same first two factors begin within [begin, end), and `end`."""
    pairs = places[begin:end, :2]
    new = np.flatnonzero((pairs[1:] != pairs[:-1]).any(1)) + 1
    starts = [0] if end > begin else []
    return begin + np.concatenate([starts, new, [end - begin]]).astype(np.int64)


@numba.njit(cache=True, error_model="numpy")
def _products(A, D, total, places, starts, triples, quadruples, row):
    """Adds Σ_t w_t Π A to the energies (LANES,) and its derivatives to D; terms are sorted by their order ν.

    Of ν = 3 and 4 those that share two factors come together: with S = Σ w A₃ (A₄) their sum is A₁ A₂ S.
    """
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
    S, a12 = np.empty(LANES), np.empty(LANES)
    for group in range(len(triples) - 1):
        begin, end = triples[group], triples[group + 1]
        k1, k2 = places[begin, 0], places[begin, 1]
        for s in range(LANES):
            S[s], a12[s] = 0.0, A[k1, s] * A[k2, s]
        for t in range(begin, end):
            w, k3 = row[t], places[t, 2]
            for s in range(LANES):
                S[s] += w * A[k3, s]
            for s in range(LANES):
                D[k3, s] += w * a12[s]
        _shared(A, D, total, S, a12, k1, k2)
    for group in range(len(quadruples) - 1):
        begin, end = quadruples[group], quadruples[group + 1]
        k1, k2 = places[begin, 0], places[begin, 1]
        for s in range(LANES):
            S[s], a12[s] = 0.0, A[k1, s] * A[k2, s]
        for t in range(begin, end):
            w, k3, k4 = row[t], places[t, 2], places[t, 3]
            for s in range(LANES):
                S[s] += w * A[k3, s] * A[k4, s]
            for s in range(LANES):
                D[k3, s] += w * a12[s] * A[k4, s]
            for s in range(LANES):
                D[k4, s] += w * a12[s] * A[k3, s]
        _shared(A, D, total, S, a12, k1, k2)


@numba.njit(cache=True, error_model="numpy")
def _shared(A, D, total, S, a12, k1, k2):
    """What A₁ A₂ S adds to the energy and to the derivatives by A₁ and A₂."""
    for s in range(LANES):
        total[s] += a12[s] * S[s]
        D[k1, s] += A[k2, s] * S[s]
        D[k2, s] += A[k1, s] * S[s]


@numba.njit(cache=True, error_model="numpy", parallel=True)
def energies_and_slopes(
    first,
    kind,
    blocks,
    seen,
    told,
    offsets,
    unit,
    g,
    dg,
    y,
    dy,
    places,
    starts,
    triples,
    quadruples,
    theta,
):
    """Energy of each atom (N,), ∂E_i/∂r_ij of each pair at fixed channels (P, 3) and ∂E_i/∂κ (P, told).

    Arguments as of `kernels.energies_and_slopes`, with `blocks` of atoms (B, LANES), and the monomials sorted by
    order: starts (5,) where those of order 1, 2, 3 and 4 begin, and their end; `triples` and `quadruples` are the
    `groups_of` orders 3 and 4.
    """
    atoms, pairs = len(first) - 1, len(seen)
    channels, radial, width = seen.shape[1], g.shape[1], y.shape[1]
    size, mute = channels * radial * width, channels - told
    energy, slope, asked = np.empty(atoms), np.empty((pairs, 3)), np.zeros((pairs, told))
    for b in numba.prange(len(blocks)):
        A, D, total = np.zeros((size, LANES)), np.zeros((size, LANES)), np.zeros(LANES)
        for s in range(LANES):
            i = blocks[b, s]
            if i < 0:
                continue
            for p in range(first[i], first[i + 1]):
                for c in range(channels):
                    e = seen[p, c]
                    if e == 0.0:
                        continue
                    for n in range(radial):
                        f = e * g[p, n]
                        base = (c * radial + n) * width
                        for m in range(width):
                            A[base + m, s] += f * y[p, m]
        z = kind[blocks[b, 0]]
        _products(A, D, total, places, starts, triples, quadruples, theta[z])
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
                        e = seen[p, c]
                        if e == 0.0 and c < mute:
                            continue
                        held = 0.0
                        for n in range(radial):
                            d = D[(c * radial + n) * width + m, s]
                            held += d * g[p, n]
                            change += e * d * dg[p, n]
                        value += e * held
                        if c >= mute:
                            asked[p, c - mute] += held * y[p, m]
                    along += change * y[p, m]
                    sx += value * dy[p, m, 0]
                    sy += value * dy[p, m, 1]
                    sz += value * dy[p, m, 2]
                slope[p, 0] = sx + along * unit[p, 0]
                slope[p, 1] = sy + along * unit[p, 1]
                slope[p, 2] = sz + along * unit[p, 2]
    return energy, slope, asked
