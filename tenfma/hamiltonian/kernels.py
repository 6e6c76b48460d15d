"""Machine code for the body-ordered energy in the atoms chart: energies, forces and the design matrix.

The same function of r as `BodyOrdered` pulled back through Module A, written for speed: for a pair at distance r,

    φ_{nℓm} = g_n(r) h(r) Y_ℓm(r̂),    g_n = squash(w B_n),    h = squash(w),

with w the smooth cutoff and B_n = √2 sin(nπx)/(πx), x = r/r_c. Neighbours are a full list sorted by centre.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numba
import numpy as np

from tenfma.hamiltonian.network import SATURATION

#: the highest ℓ that the machine code keeps powers of a direction for
LMAX = 7
_SQRT2 = math.sqrt(2.0)
_INVERSE_SATURATION = 1.0 / SATURATION**2


@dataclass(frozen=True)
class HarmonicTable:
    """Y_ℓm as polynomials: Y_k(u) = Σ coefficient · x^a y^b z^c, one row per monomial, those of k together."""

    powers: np.ndarray
    coefficients: np.ndarray
    starts: np.ndarray
    degrees: np.ndarray


class Tables(NamedTuple):
    """What every pair holds: unit vector and length (P, 4), g h and its derivative (P, n), Y (P, K), ∇Y (P, K, 3), and
    h with its derivative (P, 2)."""

    unit: np.ndarray
    g: np.ndarray
    dg: np.ndarray
    y: np.ndarray
    dy: np.ndarray
    h: np.ndarray


@lru_cache(maxsize=8)
def harmonic_table(lmax: int) -> HarmonicTable:
    """The polynomials of e3nn's real harmonics with |Y_ℓ| = 1, found by interpolation on the sphere."""
    import torch
    from e3nn import o3

    rng = np.random.default_rng(0)
    u = rng.normal(size=(256, 3))
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    powers, coefficients, starts, degrees = [], [], [0], []
    for ell in range(lmax + 1):
        monomials = [(a, b, ell - a - b) for a in range(ell + 1) for b in range(ell + 1 - a)]
        values = np.stack([u[:, 0] ** a * u[:, 1] ** b * u[:, 2] ** c for a, b, c in monomials], axis=1)
        target = o3.spherical_harmonics(
            ell, torch.from_numpy(u), normalize=False, normalization="norm"
        ).numpy()
        solution = np.linalg.lstsq(values, target, rcond=None)[0]
        for m in range(2 * ell + 1):
            for place, powers_of in enumerate(monomials):
                if abs(solution[place, m]) > 1e-10:
                    powers.append(powers_of)
                    coefficients.append(solution[place, m])
            starts.append(len(powers))
            degrees.append(ell)
    return HarmonicTable(np.array(powers), np.array(coefficients), np.array(starts), np.array(degrees))


@numba.njit(cache=True, error_model="numpy")
def _radial(r, cutoff, g, dg, weight):
    """g_n h and its derivative for one distance, and h with its derivative."""
    x = r / cutoff
    if x >= 1.0:
        g[:] = 0.0
        dg[:] = 0.0
        weight[:] = 0.0
        return
    series = 120.0
    for c in (84.0, 56.0, 35.0, 20.0, 10.0, 4.0, 1.0):
        series = series * x + c
    w = (1 - x) ** 4 * series
    dw = -1320.0 * x**7 * (1 - x) ** 3
    sh = 1.0 / math.sqrt(1.0 + w * w * _INVERSE_SATURATION)
    h, dh = w * sh, dw * sh**3
    weight[0], weight[1] = h, dh / cutoff
    # sin(nπx), cos(nπx) by the angle-sum recurrence
    s1, c1 = math.sin(math.pi * x), math.cos(math.pi * x)
    s, c = s1, c1
    for n in range(len(g)):
        order = n + 1
        b = _SQRT2 * s / (math.pi * x)
        db = _SQRT2 * order * c / x - b / x
        value, slope = w * b, dw * b + w * db
        sg = 1.0 / math.sqrt(1.0 + value * value * _INVERSE_SATURATION)
        gn, dgn = value * sg, slope * sg**3
        g[n] = gn * h
        dg[n] = (dgn * h + gn * dh) / cutoff
        s, c = s * c1 + c * s1, c * c1 - s * s1


@numba.njit(cache=True, error_model="numpy")
def _harmonics(ux, uy, uz, r, powers, coefficients, starts, degrees, y, dy):
    """Y_k(r̂) and its gradient in r, (K,), (K, 3)."""
    px, py, pz = np.ones(LMAX + 1), np.ones(LMAX + 1), np.ones(LMAX + 1)
    for e in range(1, LMAX + 1):
        px[e], py[e], pz[e] = px[e - 1] * ux, py[e - 1] * uy, pz[e - 1] * uz
    for k in range(len(y)):
        v, gx, gy, gz = 0.0, 0.0, 0.0, 0.0
        for t in range(starts[k], starts[k + 1]):
            a, b, c = powers[t, 0], powers[t, 1], powers[t, 2]
            f = coefficients[t]
            v += f * px[a] * py[b] * pz[c]
            if a > 0:
                gx += f * a * px[a - 1] * py[b] * pz[c]
            if b > 0:
                gy += f * b * px[a] * py[b - 1] * pz[c]
            if c > 0:
                gz += f * c * px[a] * py[b] * pz[c - 1]
        # ∇ of p(r/|r|), p homogeneous of degree ℓ: (∇p − ℓ p u)/|r|
        y[k] = v
        radial = degrees[k] * v
        dy[k, 0], dy[k, 1], dy[k, 2] = (gx - radial * ux) / r, (gy - radial * uy) / r, (gz - radial * uz) / r


@numba.njit(cache=True, error_model="numpy", parallel=True)
def pair_tables(vectors, cutoff, radial, powers, coefficients, starts, degrees):
    """The fields of `Tables`."""
    pairs, width = len(vectors), len(degrees)
    unit = np.empty((pairs, 4))
    g, dg = np.empty((pairs, radial)), np.empty((pairs, radial))
    y, dy = np.empty((pairs, width)), np.empty((pairs, width, 3))
    h = np.empty((pairs, 2))
    for p in numba.prange(pairs):
        vx, vy, vz = vectors[p, 0], vectors[p, 1], vectors[p, 2]
        r = math.sqrt(vx * vx + vy * vy + vz * vz)
        unit[p, 0], unit[p, 1], unit[p, 2], unit[p, 3] = vx / r, vy / r, vz / r, r
        _radial(r, cutoff, g[p], dg[p], h[p])
        _harmonics(unit[p, 0], unit[p, 1], unit[p, 2], r, powers, coefficients, starts, degrees, y[p], dy[p])
    return unit, g, dg, y, dy, h


@numba.njit(cache=True, error_model="numpy", parallel=True)
def energies_and_slopes(first, kind, seen, told, offsets, unit, g, dg, y, dy, places, theta):
    """Energy of each atom (N,), ∂E_i/∂r_ij of each pair at fixed channels (P, 3) and ∂E_i/∂κ of what is told (P, told).

    first (N + 1,) where each centre's pairs begin, kind (N,) element of each atom, seen (P, C) the neighbour's channels
    as the centre sees them, of which the last `told` are κ; places (T, 4) monomials padded with −1, theta (Z, T) their
    weights.
    """
    atoms, pairs = len(first) - 1, len(seen)
    channels, radial, width = seen.shape[1], g.shape[1], y.shape[1]
    energy, slope, asked = np.empty(atoms), np.empty((pairs, 3)), np.zeros((pairs, told))
    terms, mute = len(places), channels - told
    for i in numba.prange(atoms):
        A = np.zeros(channels * radial * width)
        D = np.zeros(channels * radial * width)
        for p in range(first[i], first[i + 1]):
            for c in range(channels):
                e = seen[p, c]
                if e == 0.0:
                    continue
                for n in range(radial):
                    f = e * g[p, n]
                    base = (c * radial + n) * width
                    for m in range(width):
                        A[base + m] += f * y[p, m]
        total = offsets[kind[i]]
        row = theta[kind[i]]
        for t in range(terms):
            w = row[t]
            k1, k2, k3, k4 = places[t, 0], places[t, 1], places[t, 2], places[t, 3]
            a1 = A[k1]
            if k2 < 0:
                total += w * a1
                D[k1] += w
                continue
            a2 = A[k2]
            if k3 < 0:
                total += w * a1 * a2
                D[k1] += w * a2
                D[k2] += w * a1
                continue
            a3 = A[k3]
            a12 = w * a1 * a2
            if k4 < 0:
                total += a12 * a3
                D[k1] += w * a2 * a3
                D[k2] += w * a1 * a3
                D[k3] += a12
                continue
            a4 = A[k4]
            a34 = a3 * a4
            total += a12 * a34
            D[k1] += w * a2 * a34
            D[k2] += w * a1 * a34
            D[k3] += a12 * a4
            D[k4] += a12 * a3
        energy[i] = total
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
                        d = D[(c * radial + n) * width + m]
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


@numba.njit(cache=True, error_model="numpy")
def design_rows(
    first,
    neighbour,
    kind,
    seen,
    bent,
    words,
    speaker,
    unit,
    g,
    dg,
    y,
    dy,
    function,
    places,
    coefficient,
    slots,
    slot_places,
    slot_starts,
    functions,
    B,
    F,
    V,
    G,
):
    """Adds one frame's invariants to B (Z, functions), −∂/∂r to F (Z · functions, N, 3), ∂/∂ε to V (…, 3, 3).

    All at fixed A of the neighbours: derivatives by what they tell are added to G (Z · functions, N, W). `seen` (P, C)
    are the neighbour's channels as the centre sees them, the last of them κ with slopes `bent` (P, 3, M); κ changes
    with what the neighbour tells by `words` (P, W), number w in message speaker[w]. slots (T, 4): which entry of the
    sparse ∂B/∂A each factor of each monomial adds to; slot_places (S,) its column k; slot_starts (functions + 1,) the
    entries of each invariant. V may be empty: then it is left out.
    """
    atoms = len(first) - 1
    strained = len(V) > 0
    channels, radial, width = seen.shape[1], g.shape[1], y.shape[1]
    told, mute = bent.shape[2], channels - bent.shape[2]
    size = channels * radial * width
    J = np.empty(len(slot_places))
    most = 0
    for i in range(atoms):
        most = max(most, first[i + 1] - first[i])
    dA = np.empty((size, 3 * most))
    line, held = np.empty(3 * most), np.empty((told, most))
    for i in range(atoms):
        A = np.zeros(size)
        count = first[i + 1] - first[i]
        dA[:] = 0.0
        for s in range(count):
            p = first[i] + s
            for c in range(channels):
                e = seen[p, c]
                if e == 0.0 and c < mute:
                    continue
                for n in range(radial):
                    base = (c * radial + n) * width
                    for m in range(width):
                        A[base + m] += e * g[p, n] * y[p, m]
                        along = e * dg[p, n] * y[p, m]
                        f = e * g[p, n]
                        for x in range(3):
                            dA[base + m, 3 * s + x] = along * unit[p, x] + f * dy[p, m, x]
                            if c >= mute:
                                dA[base + m, 3 * s + x] += g[p, n] * y[p, m] * bent[p, x, c - mute]
        J[:] = 0.0
        z = kind[i]
        for t in range(len(function)):
            w = coefficient[t]
            k1, k2, k3, k4 = places[t, 0], places[t, 1], places[t, 2], places[t, 3]
            a1 = A[k1]
            a2 = A[k2] if k2 >= 0 else 1.0
            a3 = A[k3] if k3 >= 0 else 1.0
            a4 = A[k4] if k4 >= 0 else 1.0
            B[z, function[t]] += w * a1 * a2 * a3 * a4
            J[slots[t, 0]] += w * a2 * a3 * a4
            if k2 >= 0:
                J[slots[t, 1]] += w * a1 * a3 * a4
            if k3 >= 0:
                J[slots[t, 2]] += w * a1 * a2 * a4
            if k4 >= 0:
                J[slots[t, 3]] += w * a1 * a2 * a3
        for b in range(functions):
            line[:] = 0.0
            held[:] = 0.0
            for slot in range(slot_starts[b], slot_starts[b + 1]):
                f, k = J[slot], slot_places[slot]
                row = dA[k]
                for s in range(3 * count):
                    line[s] += f * row[s]
                c = k // (radial * width) - mute
                if c >= 0:
                    n, m = k // width % radial, k % width
                    for s in range(count):
                        p = first[i] + s
                        held[c, s] += f * g[p, n] * y[p, m]
            column = z * functions + b
            for s in range(count if told > 0 else 0):
                p = first[i] + s
                for w in range(len(speaker)):
                    G[column, neighbour[p], w] += held[speaker[w], s] * words[p, w]
            for s in range(count):
                j = neighbour[first[i] + s]
                for x in range(3):
                    F[column, i, x] += line[3 * s + x]
                    F[column, j, x] -= line[3 * s + x]
            if strained:
                for s in range(count):
                    p = first[i] + s
                    for x in range(3):
                        for v in range(3):
                            V[column, x, v] += unit[p, 3] * unit[p, x] * line[3 * s + v]
