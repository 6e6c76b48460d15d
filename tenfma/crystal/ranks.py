"""Exact ranks of sparse integer matrices modulo a prime.

The rank modulo p never exceeds the rank over the rationals, and falls short of it only where p divides an
elementary divisor; two large primes that agree leave no practical doubt. Columns are reduced one after the
other against the pivots found so far, as in persistent cohomology (Bauer, Ripser, J. Appl. Comput. Topol.
2021): with columns and rows in the order of a filtration most columns bring their own pivot and cost
nothing.
"""

import numpy as np
from numba import njit
from scipy import sparse

#: the two largest primes below 2³¹: products of residues fit 64 bits
PRIMES = (2**31 - 1, 2**31 - 19)


def independent_columns(matrix: sparse.sparray, prime: int = PRIMES[0]) -> np.ndarray:
    """Which columns of an integer matrix are independent, modulo `prime`, of the columns before them.

    Returns a mask over columns; its sum is the rank, and its sum over the columns of a diagonal block the
    rank of that block.
    """
    matrix = sparse.csc_array(matrix)
    matrix.sum_duplicates()  # sorts the rows of each column, too
    data = np.mod(matrix.data.astype(np.int64), prime)
    return _independent(
        matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64), data, matrix.shape[0], prime
    )


def rank(matrix: sparse.sparray, prime: int = PRIMES[0]) -> int:
    """Rank of a sparse integer matrix modulo a prime.

    >>> rank(sparse.csc_array(np.array([[1, 2], [2, 4]])))
    1
    """
    return int(independent_columns(matrix, prime).sum())


@njit(cache=True)
def _inverse(a, p):  # a^(p−2) mod p, Fermat
    result, power = 1, p - 2
    while power:
        if power & 1:
            result = result * a % p
        a = a * a % p
        power >>= 1
    return result


@njit(cache=True)
def _independent(indptr, indices, data, rows, p):
    columns = len(indptr) - 1
    independent = np.zeros(columns, np.bool_)
    # the reduced columns, one after the other, rows ascending, each scaled to start with a 1: its pivot
    kept_row = np.empty(max(16, 2 * len(indices)), np.int64)
    kept_value = np.empty_like(kept_row)
    start = np.zeros(columns + 1, np.int64)
    kept = 0
    owner = np.full(rows, -1, np.int64)  # which reduced column has its pivot in this row
    work = np.zeros(rows, np.int64)
    for column in range(columns):
        low, high = rows, -1
        for k in range(indptr[column], indptr[column + 1]):
            row = indices[k]
            work[row] = data[k]
            low, high = min(low, row), max(high, row)
        while low <= high:
            if work[low] != 0:
                if owner[low] < 0:
                    break
                factor = work[low]
                begin, end = start[owner[low]], start[owner[low] + 1]
                for k in range(begin, end):
                    work[kept_row[k]] = (work[kept_row[k]] - factor * kept_value[k]) % p
                high = max(high, kept_row[end - 1])
            low += 1
        if low <= high:
            independent[column] = True
            owner[low] = kept
            scale = _inverse(work[low], p)
            position = start[kept]
            for row in range(low, high + 1):
                if work[row] != 0:
                    if position == len(kept_row):
                        kept_row = np.concatenate((kept_row, np.empty_like(kept_row)))
                        kept_value = np.concatenate((kept_value, np.empty_like(kept_value)))
                    kept_row[position] = row
                    kept_value[position] = work[row] * scale % p
                    work[row] = 0
                    position += 1
            kept += 1
            start[kept] = position
    return independent


@njit(cache=True)
def spanning_forest(tails, heads, nodes):
    """Which edges, taken in order, join two parts not joined before (Kruskal's algorithm)."""
    parent = np.arange(nodes)
    joins = np.zeros(len(tails), np.bool_)
    for edge in range(len(tails)):
        a, b = tails[edge], heads[edge]
        while parent[a] != a:
            parent[a] = parent[parent[a]]
            a = parent[a]
        while parent[b] != b:
            parent[b] = parent[parent[b]]
            b = parent[b]
        if a != b:
            parent[a] = b
            joins[edge] = True
    return joins
