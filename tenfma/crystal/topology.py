"""Topology of a periodic complex: boundary maps, Hodge Laplacians, Betti numbers, spectra.

    B₁ (N × E)  edge (ij) ↦ j − i                B₂ (E × F)  triangle (ijk) ↦ s·(ij) + s·(jk) − s·(ik)
    B₁ B₂ = 0    L₀ = B₁B₁ᵀ    L₁ = B₁ᵀB₁ + B₂B₂ᵀ    L₂ = B₂ᵀB₂

An edge from an atom to its own image is a loop of the quotient complex: its column of B₁ is zero. b₀ counts
pieces, b₁ independent loops not filled by triangles; a crystal that is filled up in three directions keeps
the three loops of the torus. With no 3-simplices b₂ is unknown (a filled tetrahedron looks like a hollow
one), so it is not given, and the Euler characteristic χ = N − E + F is that of the 2-skeleton.

Betti numbers mean most on the complex of chemical bonds (`bond_complex`), where bonds and triangles end at
the same radius; where bonds reach further than triangles, each bond in between counts as a loop of its own.

Betti numbers belong to a cell: a supercell has others. What belongs to the crystal are the ranks of the
*twisted* maps B(k), in which an image S carries the Bloch phase e^{ik·S}: for all k but a set of measure
zero they are the same, and n³ cells have n³ times as many. `bloch_betti` gives them per atom.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from tenfma.crystal.complex import SimplicialComplex
from tenfma.crystal.cutoffs import Cutoff, ScaledCovalent, cutoff_rule
from tenfma.crystal.ranks import PRIMES, independent_columns, spanning_forest
from tenfma.errors import TenfmaError

#: where a chemical bond ends, 1.25 (r_i + r_j): past the nearest neighbours of metals, short of the second
#: shell of covalent crystals
BOND_RULE = ScaledCovalent(1.25)


def bond_complex(complex_: SimplicialComplex, rule: float | str | Cutoff = BOND_RULE) -> SimplicialComplex:
    """The Vietoris–Rips complex inside another: edges shorter than the rule's radius, and their triangles.

    Raises TenfmaError where the radius is beyond what the triangles of the given complex reach.
    """
    ends = complex_.numbers[complex_.edges].cpu().numpy()
    radius = torch.as_tensor(
        cutoff_rule(rule).radius(ends[:, 0], ends[:, 1]), dtype=complex_.dtype, device=complex_.device
    )
    beyond = radius > complex_.triangle_cutoffs + 1e-9
    if beyond.any():
        worst = int(beyond.int().argmax())
        raise TenfmaError(
            f"Bonds up to {float(radius[worst]):.3g} Å were asked of a complex whose triangles end at "
            f"{float(complex_.triangle_cutoffs[worst]):.3g} Å; build it with a longer triangle_cutoff."
        )
    return _subcomplex(complex_, complex_.lengths() < radius, radius)


def _subcomplex(complex_: SimplicialComplex, edge: Tensor, radius: Tensor) -> SimplicialComplex:
    triangle = edge[complex_.triangle_edges].all(dim=1)
    number = torch.cumsum(edge, 0) - 1
    return replace(
        complex_,
        edges=complex_.edges[edge],
        shifts=complex_.shifts[edge],
        cutoffs=radius[edge],
        triangle_cutoffs=radius[edge],
        triangles=complex_.triangles[triangle],
        triangle_edges=number[complex_.triangle_edges[triangle]],
        triangle_signs=complex_.triangle_signs[triangle],
    )


def boundary_1(complex_: SimplicialComplex) -> sparse.csc_array:
    """B₁ (N, E) of integers: −1 at the tail, +1 at the head; zero for an atom joined to its own image."""
    return _boundary_1(complex_, np.ones(complex_.n_edges, np.int64))


def boundary_2(complex_: SimplicialComplex) -> sparse.csc_array:
    """B₂ (E, F) of integers; ±2 where a triangle of an atom with its own images runs along one edge twice."""
    return _boundary_2(complex_, np.ones((complex_.n_triangles, 3), np.int64))


def twisted_boundaries(
    complex_: SimplicialComplex, z: tuple[int, int, int], prime: int = PRIMES[0]
) -> tuple[sparse.csc_array, sparse.csc_array]:
    """B₁(z) and B₂(z) modulo a prime, with image S carrying the phase z^S = z₁^S₁ z₂^S₂ z₃^S₃.

    z = (1, 1, 1) gives B₁ and B₂. Complex Bloch phases are roots of unity; any units serve as well where
    only ranks are asked for, and residues are exact. B₁(z) B₂(z) = 0 modulo the prime.
    """
    shifts, signs = complex_.shifts.cpu().numpy(), complex_.triangle_signs.cpu().numpy()
    sides = complex_.triangle_edges.cpu().numpy()
    # images of j and k when i is in cell zero, and of the tail of each stored edge
    to_j, to_k = signs[:, 0:1] * shifts[sides[:, 0]], signs[:, 2:3] * shifts[sides[:, 2]]
    zero = np.zeros_like(to_j)
    starts, ends = (zero, to_j, zero), (to_j, to_k, to_k)
    tails = [np.where(signs[:, n : n + 1] > 0, starts[n], ends[n]) for n in range(3)]
    phase_2 = np.stack([_phase(tail, z, prime) for tail in tails], axis=1)
    first = _boundary_1(complex_, _phase(shifts, z, prime))
    second = _boundary_2(complex_, phase_2)
    return _mod(first, prime), _mod(second, prime)


def _boundary_1(complex_: SimplicialComplex, head_phase: np.ndarray) -> sparse.csc_array:
    tail, head = complex_.edges.cpu().numpy().T
    count = np.arange(complex_.n_edges)
    rows, columns = np.concatenate([tail, head]), np.concatenate([count, count])
    values = np.concatenate([-np.ones(len(count), np.int64), head_phase])
    return _assemble(values, rows, columns, (complex_.n_atoms, complex_.n_edges))


def _boundary_2(complex_: SimplicialComplex, phase: np.ndarray) -> sparse.csc_array:
    values = complex_.triangle_signs.cpu().numpy() * np.array([1, 1, -1]) * phase
    rows = complex_.triangle_edges.cpu().numpy()
    columns = np.repeat(np.arange(complex_.n_triangles), 3)
    return _assemble(values.ravel(), rows.ravel(), columns, (complex_.n_edges, complex_.n_triangles))


def _assemble(
    values: np.ndarray, rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]
) -> sparse.csc_array:
    matrix = sparse.coo_array((values, (rows, columns)), shape=shape).tocsc()  # adds up what falls together
    matrix.eliminate_zeros()
    return matrix


def _mod(matrix: sparse.csc_array, prime: int) -> sparse.csc_array:
    matrix.data = np.mod(matrix.data, prime)
    matrix.eliminate_zeros()
    return matrix


def _phase(shifts: np.ndarray, z: tuple[int, int, int], prime: int) -> np.ndarray:
    """z^S modulo a prime for images S (…, 3), from tables of powers."""
    reach = int(np.abs(shifts).max(initial=0))
    result = np.ones(len(shifts), np.int64)
    for axis in range(3):
        powers = np.array([pow(int(z[axis]), n, prime) for n in range(-reach, reach + 1)], np.int64)
        result = result * powers[shifts[:, axis] + reach] % prime
    return result


@dataclass(frozen=True)
class Betti:
    """Betti numbers and Euler characteristic of each crystal's cell, (G,) integers."""

    b0: Tensor
    b1: Tensor
    euler: Tensor
    rank_1: Tensor
    rank_2: Tensor


def ranks(
    complex_: SimplicialComplex, prime: int = PRIMES[0], z: tuple[int, int, int] = (1, 1, 1)
) -> tuple[Tensor, Tensor]:
    """Ranks of B₁ and B₂, or of their twisted forms, modulo a prime: two (G,) tensors of integers.

    Rows and columns go in the order of the Vietoris–Rips filtration, by length. The rows of B₂ that belong
    to a spanning forest are left out: B₁B₂ = 0 makes them combinations of the others.
    """
    first, second = twisted_boundaries(complex_, z, prime)
    owner = complex_.edge_crystal.cpu().numpy()
    crystals = complex_.n_crystals

    rank_1 = np.bincount(owner[independent_columns(first, prime)], minlength=crystals)

    lengths = complex_.lengths().detach().cpu().numpy()
    by_length = np.lexsort((lengths, owner))
    tails, heads = complex_.edges.cpu().numpy()[by_length].T
    loops = by_length[~spanning_forest(tails, heads, complex_.n_atoms)][::-1]
    place = np.empty_like(by_length)
    place[by_length] = np.arange(len(by_length))
    order = np.argsort(place[complex_.triangle_edges.cpu().numpy()].max(axis=1, initial=0), kind="stable")
    cobounds = sparse.csc_array(second[:, order].T)[:, loops]
    rank_2 = np.bincount(owner[loops[independent_columns(cobounds, prime)]], minlength=crystals)
    return torch.as_tensor(rank_1), torch.as_tensor(rank_2)


def pieces(complex_: SimplicialComplex) -> Tensor:
    """(G,) how many connected components each crystal's quotient graph has."""
    tail, head = complex_.edges.cpu().numpy().T
    graph = sparse.coo_array((np.ones(len(tail)), (tail, head)), shape=(complex_.n_atoms,) * 2)
    _, label = connected_components(graph, directed=False)
    _, first_atom = np.unique(label, return_index=True)
    return torch.bincount(complex_.atom_crystal.cpu()[first_atom], minlength=complex_.n_crystals)


def euler_characteristic(complex_: SimplicialComplex) -> Tensor:
    """(G,) χ = N − E + F of each crystal's cell; per atom it is the same in every supercell."""
    return (complex_.counts(0) - complex_.counts(1) + complex_.counts(2)).cpu()


def betti(complex_: SimplicialComplex, prime: int = PRIMES[0]) -> Betti:
    """b₀ = N − rank B₁ and b₁ = E − rank B₁ − rank B₂ of each crystal's cell, ranks modulo a prime."""
    rank_1, rank_2 = ranks(complex_, prime)
    return Betti(
        b0=complex_.counts(0).cpu() - rank_1,
        b1=complex_.counts(1).cpu() - rank_1 - rank_2,
        euler=euler_characteristic(complex_),
        rank_1=rank_1,
        rank_2=rank_2,
    )


@dataclass(frozen=True)
class BlochBetti:
    """Betti numbers per atom at generic Bloch phases, (G,) float64; a supercell has the same."""

    b0: Tensor
    """Finite pieces (molecules) per atom; 0 where every piece is periodic."""
    b1: Tensor
    """Loops not filled by triangles per atom, beyond those that follow from the lattice."""
    euler: Tensor
    """χ per atom."""


def bloch_betti(complex_: SimplicialComplex, seed: int = 0, prime: int = PRIMES[0]) -> BlochBetti:
    """b₀(k) = N − rank B₁(k) and b₁(k) = E − rank B₁(k) − rank B₂(k) per atom at generic k.

    The rank at generic k is that at a random point modulo a prime, but for odds of about degree/prime
    (Schwartz, J. ACM 1980); these are the L²-Betti numbers of the infinite crystal (Lück, L²-Invariants, ch.
    1).
    """
    draw = np.random.default_rng(seed).integers(2, prime - 1, 3)
    rank_1, rank_2 = ranks(complex_, prime, z=(int(draw[0]), int(draw[1]), int(draw[2])))
    atoms = complex_.counts(0).cpu().double()
    return BlochBetti(
        b0=(complex_.counts(0).cpu() - rank_1) / atoms,
        b1=(complex_.counts(1).cpu() - rank_1 - rank_2) / atoms,
        euler=euler_characteristic(complex_) / atoms,
    )


def laplacian(
    complex_: SimplicialComplex, rank: int, part: str = "both", weighted: bool = False
) -> sparse.csc_array:
    """The Hodge Laplacian of rank 0, 1 or 2: B B^T from below ("down"), from above ("up"), or both.

        down_k = D_kᵀ D_k       up_k = D_{k+1} D_{k+1}ᵀ

    Unweighted, D = B: integers, whose kernel is the homology. Weighted, D₁ = B₁ W₁^½ and D₂ = W₁^−½ B₂ W₂^½
    with the smooth weights of edges and triangles: simplices fade out as they reach the cutoff, D₁D₂ is
    still zero and the kernel as large, but eigenvalues change smoothly with the positions and say how nearly
    a loop is closed. Simplices without weight take no part: their rows and columns are zero.
    """
    if part not in ("up", "down", "both") or rank not in (0, 1, 2):
        raise TenfmaError(
            f"There is no Laplacian of rank {rank!r} and part {part!r}; ranks are 0, 1, 2, parts up, down "
            "and both."
        )
    first, second = boundary_1(complex_), boundary_2(complex_)
    if weighted:
        edge = complex_.edge_weights().detach().cpu().double().numpy()
        triangle = complex_.triangle_weights().detach().cpu().double().numpy()
        inverse = np.zeros_like(edge)
        inverse[edge > 0] = edge[edge > 0] ** -0.5
        first = first @ sparse.diags_array(np.sqrt(edge))
        second = sparse.diags_array(inverse) @ second @ sparse.diags_array(np.sqrt(triangle))
    size = (complex_.n_atoms, complex_.n_edges, complex_.n_triangles)[rank]
    result = sparse.csc_array((size, size), dtype=first.dtype)
    if part != "up" and rank > 0:
        below = (first, second)[rank - 1]
        result = result + below.T @ below
    if part != "down" and rank < 2:
        above = (first, second)[rank]
        result = result + above @ above.T
    return sparse.csc_array(result)


def spectra(
    complex_: SimplicialComplex, rank: int, part: str = "both", weighted: bool = False
) -> list[Tensor]:
    """Eigenvalues of each crystal's Laplacian, ascending; dense, for up to some thousand simplices each."""
    whole = laplacian(complex_, rank, part, weighted).astype(float)
    ends = torch.cumsum(complex_.counts(rank), 0).tolist()
    blocks = [whole[a:b, a:b].toarray() for a, b in zip([0, *ends], ends)]
    return [torch.linalg.eigvalsh(torch.as_tensor(block)) for block in blocks]


def hodge_kernel(complex_: SimplicialComplex, rank: int, tolerance: float = 1e-8) -> Tensor:
    """(G,) dimension of the kernel of L₀ or L₁: how many eigenvalues are below `tolerance` of the largest."""
    counts = []
    for values in spectra(complex_, rank):
        scale = max(float(values[-1]), 1.0) if len(values) else 1.0
        counts.append(int((values < tolerance * scale).sum()))
    return torch.tensor(counts)
