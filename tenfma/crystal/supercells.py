"""The most compact supercell of a given size."""

import itertools

import numpy as np

from tenfma.errors import StructureError

#: lattice points looked at in the search; a cell too long and thin for it is repeated along its own vectors
MOST_POINTS = 50_000


def hermite_normal_forms(size: int) -> np.ndarray:
    """Every superlattice of index `size`, once: (count, 3, 3) lower triangular integers, rows are vectors.

    Source: Hart and Forcade, Phys. Rev. B 77, 224115 (2008), eq. 1, transposed.
    """
    forms = []
    for a in (n for n in range(1, size + 1) if size % n == 0):
        for c in (n for n in range(1, size // a + 1) if (size // a) % n == 0):
            f = size // (a * c)
            b, d, e = (g.ravel() for g in np.meshgrid(range(a), range(a), range(c), indexing="ij"))
            block = np.zeros((len(b), 3, 3), np.int64)
            block[:, 0, 0], block[:, 1, 0], block[:, 1, 1] = a, b, c
            block[:, 2, 0], block[:, 2, 1], block[:, 2, 2] = d, e, f
            forms.append(block)
    return np.concatenate(forms)


def compact_supercell(cell: np.ndarray, size: int) -> np.ndarray:
    """The integer matrix T, det T = `size`, whose cell T·cell keeps an atom furthest from its own images.

    Among all superlattices the one with the longest shortest vector, then the longest second and third; the
    rows of T are those three vectors, which in three dimensions are a basis. A very long and thin cell (one whose
    search would look at more than `MOST_POINTS` points) is repeated along its own vectors only.
    """
    if np.prod(2.0 * _reach(cell, size)[0] + 1) > MOST_POINTS:
        return _repeated(cell, size)
    forms = hermite_normal_forms(size)
    # n lies in the superlattice T where n T⁻¹ = n adj(T) / size is whole
    adjugates = np.rint(np.linalg.inv(forms) * size).astype(np.int64)
    points, lengths = _points(cell, size)
    shortest = np.zeros(len(forms))
    for number, adjugate in enumerate(adjugates):
        inside = (points @ adjugate % size == 0).all(axis=1)
        shortest[number] = lengths[inside.argmax()]
    best: tuple[tuple[float, ...], np.ndarray] | None = None
    for index in np.flatnonzero(shortest > shortest.max() - 1e-6):
        inside = (points @ adjugates[index] % size == 0).all(axis=1)
        basis = _successive_minima(points[inside], size)
        if basis is not None:
            key = tuple(np.round(np.linalg.norm(basis @ cell, axis=1), 6))
            if best is None or key > best[0]:
                best = (key, basis)
    if best is None:
        raise StructureError(
            f"No supercell of {size} cells was found for the cell {np.round(cell, 3).tolist()}."
        )
    return best[1]


def _points(cell: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Lattice points and their distances from the origin, nearest first, one of each ± pair."""
    reach, radius = _reach(cell, size)
    points = np.array([n for n in itertools.product(*(range(-r, r + 1) for r in reach)) if n > (0, 0, 0)])
    lengths = np.linalg.norm(points @ cell, axis=1)
    keep = np.argsort(lengths, kind="stable")
    keep = keep[lengths[keep] <= radius]
    return points[keep], lengths[keep]


def _reach(cell: np.ndarray, size: int) -> tuple[np.ndarray, float]:
    """How many cells along each vector hold all points within the radius that decides, and that radius, Å."""
    volume = abs(np.linalg.det(cell))
    # a lattice of volume V has λ₁λ₂λ₃ ≤ √2 V, and the shortest vector of the parent bounds λ₁ and λ₂ from
    # below
    spacing = volume / np.linalg.norm(np.cross(np.roll(cell, -1, 0), np.roll(cell, -2, 0)), axis=1)
    radius = max(2.0 * (size * volume) ** (1 / 3), 2.0 * np.linalg.norm(cell, axis=1).max())
    return np.ceil(radius / spacing).astype(int), radius


def _repeated(cell: np.ndarray, size: int) -> np.ndarray:
    """The diagonal T, det T = `size`, that makes the shortest of the three vectors as long as it can be."""
    lengths = np.linalg.norm(cell, axis=1)
    sides = [
        (a, b, size // (a * b))
        for a in range(1, size + 1)
        if size % a == 0
        for b in range(1, size // a + 1)
        if (size // a) % b == 0
    ]
    return np.diag(max(sides, key=lambda side: tuple(sorted(np.round(lengths * side, 6)))))


def _successive_minima(points: np.ndarray, size: int) -> np.ndarray | None:
    """The first three rows that span a superlattice of index `size`, right-handed; None if too few."""
    first = points[0]
    second = next((p for p in points if np.cross(first, p).any()), None)
    if second is None:
        return None
    normal = np.cross(first, second)
    third = next((p for p in points if abs(int(normal @ p)) == size), None)
    if third is None:
        return None
    return np.stack([first, second, third if normal @ third > 0 else -third])
