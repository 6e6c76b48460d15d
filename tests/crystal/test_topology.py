import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk, graphene, molecule
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from tenfma.crystal.complex import complex_of
from tenfma.crystal.ranks import PRIMES, independent_columns, rank
from tenfma.crystal.topology import (
    betti,
    bloch_betti,
    bond_complex,
    boundary_1,
    boundary_2,
    euler_characteristic,
    hodge_kernel,
    laplacian,
    pieces,
    ranks,
    spectra,
    twisted_boundaries,
)
from tenfma.errors import TenfmaError

DATA = Path(os.environ.get("TENFMA_DATA", Path(__file__).parents[3] / "shared" / "data"))
seeds = st.integers(0, 2**32 - 1)


def random_atoms(seed):
    """One to five atoms in a skewed cell, dense enough for triangles."""
    rng = np.random.default_rng(seed)
    cell = rng.uniform(2.5, 4.5, 3)[:, None] * (np.eye(3) + np.tril(rng.uniform(-0.5, 0.5, (3, 3)), -1))
    count = rng.integers(1, 6)
    return Atoms("Si" * count, rng.uniform(0, 1, (count, 3)) @ cell, cell=cell, pbc=True)


def boundary_of_boundary(complex_, z=(1, 1, 1)):
    """How many entries of B₁B₂ are not zero, exactly."""
    if z == (1, 1, 1):
        return (boundary_1(complex_) @ boundary_2(complex_)).count_nonzero()
    first, second = (m.toarray().astype(object) for m in twisted_boundaries(complex_, z))
    return int(np.count_nonzero((first @ second) % PRIMES[0]))


def triangle():
    return Atoms("H3", [[0, 0, 0], [1, 0, 0], [0.5, 0.8, 0]])


# known complexes: atoms, cutoff, triangle cutoff, b0, b1, χ
KNOWN = {
    "simple cubic": (bulk("Po", "sc", a=3.35), 3.4, 3.4, 1, 3, -2),
    "filled triangle": (triangle(), 1.5, 1.5, 1, 0, 1),
    "hollow triangle": (triangle(), 1.5, None, 1, 1, 0),
    "graphene sheet": (graphene(vacuum=10), 1.6, 1.6, 1, 2, -1),
    "benzene": (molecule("C6H6"), 1.6, 1.6, 1, 1, 0),
    "diamond": (bulk("Si"), 2.7, 2.7, 1, 3, -2),
    # filled with triangles, the loops of the torus remain
    "fcc": (bulk("Cu") * (2, 2, 2), 2.7, 2.7, 1, 3, 24),
    "two atoms apart": (Atoms("C2", [[0, 0, 0], [5, 0, 0]]), 1.2, 1.2, 2, 0, 2),
    "chain": (Atoms("H", cell=[1, 9, 9], pbc=True), 1.1, 1.1, 1, 1, 0),
    # the axis of second neighbours closes a triangle 0, S, 2S: its boundary is 2(S) − (2S), and one loop
    # remains
    "chain to second neighbours": (Atoms("H", cell=[1, 9, 9], pbc=True), 2.1, 2.1, 1, 1, 0),
}


@pytest.mark.parametrize("name", KNOWN)
def test_betti_numbers_of_known_complexes(name):
    atoms, cutoff, triangle_cutoff, b0, b1, euler = KNOWN[name]
    complex_ = complex_of(atoms, cutoff, triangle_cutoff)
    for prime in PRIMES:
        found = betti(complex_, prime)
        assert (int(found.b0), int(found.b1), int(found.euler)) == (b0, b1, euler)
    assert int(pieces(complex_)) == b0
    assert int(hodge_kernel(complex_, 0)) == b0
    assert int(hodge_kernel(complex_, 1)) == b1


def test_a_batch_has_the_betti_numbers_of_its_parts():
    parts = [complex_of(atoms, cutoff, triangles) for atoms, cutoff, triangles, *_ in KNOWN.values()]
    found = betti(type(parts[0]).union(parts))
    assert found.b0.tolist() == [row[3] for row in KNOWN.values()]
    assert found.b1.tolist() == [row[4] for row in KNOWN.values()]
    assert found.euler.tolist() == [row[5] for row in KNOWN.values()]


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seeds)
def test_boundary_of_a_boundary_is_zero(seed):
    complex_ = complex_of(random_atoms(seed), 4.0, 4.0)
    z = (3, 5, 7)
    assert boundary_of_boundary(complex_) == 0
    assert boundary_of_boundary(complex_, z) == 0
    mask = torch.arange(complex_.n_edges) % 3 == 0
    assert boundary_of_boundary(complex_.flipped(mask)) == 0
    assert boundary_of_boundary(complex_.flipped(mask), z) == 0


def test_wrong_signs_and_wrong_images_are_caught():
    complex_ = complex_of(bulk("NaCl", "rocksalt", a=5.6), 4.0, 4.0)
    signs = complex_.triangle_signs.clone()
    signs[:, 2] *= -1
    assert boundary_of_boundary(replace(complex_, triangle_signs=signs)) > 0
    # a join that looks at atoms and not at images: any edge between the right atoms closes a triangle. The
    # untwisted product cannot tell, as it forgets images; the twisted one does
    wrong = complex_.triangle_edges.clone()
    for row, (_, j, k) in enumerate(complex_.triangles.tolist()):
        parallel = (complex_.edges == torch.tensor([j, k])).all(1).nonzero().flatten()
        wrong[row, 1] = parallel[parallel != wrong[row, 1]][0] if len(parallel) > 1 else wrong[row, 1]
    careless = replace(complex_, triangle_edges=wrong)
    assert boundary_of_boundary(careless) == 0
    assert boundary_of_boundary(careless, (3, 5, 7)) > 0


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seeds)
def test_ranks_kernels_and_components_agree(seed):
    complex_ = complex_of([random_atoms(seed), random_atoms(seed + 1)], 4.0, 3.0)
    one, other = betti(complex_, PRIMES[0]), betti(complex_, PRIMES[1])
    assert torch.equal(one.b0, other.b0)
    assert torch.equal(one.b1, other.b1)
    assert torch.equal(one.b0, pieces(complex_))
    assert torch.equal(one.b0, hodge_kernel(complex_, 0))
    assert torch.equal(one.b1, hodge_kernel(complex_, 1))
    dense = [np.linalg.matrix_rank(m.toarray()) for m in (boundary_1(complex_), boundary_2(complex_))]
    assert [int(one.rank_1.sum()), int(one.rank_2.sum())] == dense


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seeds)
def test_bloch_betti_numbers_are_intensive_and_those_of_the_cell_are_not(seed):
    atoms = random_atoms(seed)
    cell, super_ = complex_of(atoms, 3.5, 3.0), complex_of(atoms.repeat((2, 1, 3)), 3.5, 3.0)
    for name in ("b0", "b1", "euler"):
        one, many = (float(getattr(bloch_betti(k), name)) for k in (cell, super_))
        assert many == pytest.approx(one, abs=1e-12)
    assert torch.equal(bloch_betti(cell, seed=1).b1, bloch_betti(cell, seed=2).b1)
    assert float(euler_characteristic(super_)) == 6 * float(euler_characteristic(cell))


def bloch_matrices(complex_, k):
    """B₁(k) and B₂(k) with complex phases, written out simplex by simplex."""
    shifts, signs = complex_.shifts.numpy(), complex_.triangle_signs.numpy()
    first = np.zeros((complex_.n_atoms, complex_.n_edges), complex)
    for e, (i, j) in enumerate(complex_.edges.tolist()):
        first[i, e] -= 1
        first[j, e] += np.exp(1j * k @ shifts[e])
    second = np.zeros((complex_.n_edges, complex_.n_triangles), complex)
    for f, sides in enumerate(complex_.triangle_edges.numpy()):
        image_j, image_k = signs[f, 0] * shifts[sides[0]], signs[f, 2] * shifts[sides[2]]
        path = [(np.zeros(3), image_j, 1), (image_j, image_k, 1), (np.zeros(3), image_k, -1)]
        for side, sign, (start, end, factor) in zip(sides, signs[f], path):
            tail = start if sign > 0 else end
            second[side, f] += factor * sign * np.exp(1j * k @ tail)
    return first, second


@settings(max_examples=15, deadline=None, derandomize=True)
@given(seeds)
def test_ranks_at_random_residues_are_those_at_generic_bloch_phases(seed):
    complex_ = complex_of(random_atoms(seed), 3.6, 3.2)
    first, second = bloch_matrices(complex_, np.array([0.7, 1.9, -2.3]))
    assert np.abs(first @ second).max(initial=0) < 1e-12
    expected = [np.linalg.matrix_rank(m, tol=1e-8) if m.size else 0 for m in (first, second)]
    found = ranks(complex_, z=(1234567, 7654321, 1357911))
    assert [int(r) for r in found] == expected


def test_molecules_count_in_b0_and_networks_do_not():
    box = molecule("C6H6", vacuum=6)
    box.pbc = True
    found = bloch_betti(complex_of([box, graphene(vacuum=10)], 1.6))
    assert found.b0.tolist() == [1 / 12, 0]
    assert found.b1.tolist() == [1 / 12, 1 / 2]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seeds)
def test_modular_rank_is_the_rank_of_small_integer_matrices(seed):
    rng = np.random.default_rng(seed)
    rows, columns, inner = rng.integers(1, 12, 3)
    matrix = rng.integers(-2, 3, (rows, inner)) @ rng.integers(-2, 3, (inner, columns))
    mask = independent_columns(sparse.csc_array(matrix))
    expected = np.linalg.matrix_rank(matrix)
    assert mask.sum() == rank(sparse.csr_array(matrix), PRIMES[1]) == expected
    assert np.linalg.matrix_rank(matrix[:, mask]) == expected


def test_rank_falls_where_the_prime_divides():
    matrix = sparse.csc_array(np.array([[2, 1], [0, 3]]))
    assert [rank(matrix, p) for p in (2, 3, 5)] == [1, 1, 2]


def test_laplacians_are_hodge_and_weights_fade():
    complex_ = complex_of(bulk("Cu"), 4.0, 4.0)
    down, up, both = (laplacian(complex_, 1, part) for part in ("down", "up", "both"))
    assert (down + up - both).count_nonzero() == 0
    assert (down @ up).count_nonzero() == 0
    assert (laplacian(complex_, 0, "up") - laplacian(complex_, 0)).count_nonzero() == 0
    assert laplacian(complex_, 2, "down").shape == (complex_.n_triangles,) * 2
    weighted = laplacian(complex_, 1, "down", True) @ laplacian(complex_, 1, "up", True)
    assert abs(weighted).max() < 1e-12
    assert float(spectra(complex_, 0)[0][0]) == pytest.approx(0, abs=1e-12)
    with pytest.raises(TenfmaError, match="rank 3"):
        laplacian(complex_, 3)


def test_weighted_spectrum_moves_smoothly_where_the_plain_one_jumps():
    def spectrum(length, weighted):
        atoms = Atoms("H2", [[0, 0, 0], [length, 0, 0]])
        return float(spectra(complex_of(atoms, 2.0), 0, weighted=weighted)[0][1])

    inside, outside = 2.0 - 1e-4, 2.0 + 1e-4
    assert abs(spectrum(inside, True) - spectrum(outside, True)) < 1e-6
    assert spectrum(inside, False) - spectrum(outside, False) == pytest.approx(2)


def test_bond_complex_is_the_complex_at_the_shorter_radius():
    atoms = [bulk("Si"), bulk("NaCl", "rocksalt", a=5.6), molecule("C6H6")]
    inside, direct = bond_complex(complex_of(atoms)), complex_of(atoms, "1.25 covalent", "1.25 covalent")
    for name in ("edges", "shifts", "triangles", "triangle_edges", "triangle_signs"):
        assert torch.equal(getattr(inside, name), getattr(direct, name))
    assert torch.allclose(inside.cutoffs, direct.cutoffs)
    with pytest.raises(TenfmaError, match="triangle_cutoff"):
        bond_complex(complex_of(atoms, 3.0, 2.0))


def test_boundary_of_a_boundary_is_zero_on_all_prototypes():
    from tenfma.crystal import prototypes

    complex_ = complex_of([prototypes.find(name).structure() for name in prototypes.names()])
    assert complex_.n_crystals >= 288
    assert boundary_of_boundary(complex_) == 0
    bonds = bond_complex(complex_)
    one, other = betti(bonds, PRIMES[0]), betti(bonds, PRIMES[1])
    assert torch.equal(one.b1, other.b1)
    assert torch.equal(one.b0, pieces(bonds))


@pytest.mark.slow
def test_topology_of_all_binary_crystals():
    from ase.io import read

    path = DATA / "elasticity" / "mp_binary_elasticity.extxyz.gz"
    if not path.exists():
        pytest.skip(f"no elasticity data at {path}; set TENFMA_DATA")
    complex_ = complex_of(read(path, ":"))
    print(f"\n{complex_.n_crystals} crystals, {complex_.n_edges} edges, {complex_.n_triangles} triangles")
    assert boundary_of_boundary(complex_) == 0
    bonds = bond_complex(complex_)
    one, other = betti(bonds, PRIMES[0]), betti(bonds, PRIMES[1])
    hodge = [hodge_kernel(bonds, rank) for rank in (0, 1)]
    print(f"bonds: {bonds.n_edges} edges, {bonds.n_triangles} triangles")
    print(f"b0 {torch.bincount(one.b0).tolist()}\nb1 {torch.bincount(one.b1).tolist()}")
    assert torch.equal(one.b0, pieces(bonds))
    for found in (other.b0, hodge[0]):
        assert torch.equal(found, one.b0)
    for found in (other.b1, hodge[1]):
        assert torch.equal(found, one.b1)
    whole = [betti(complex_, prime) for prime in PRIMES]
    assert torch.equal(whole[0].b1, whole[1].b1)
