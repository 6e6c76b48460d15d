import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk, graphene, molecule
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Lattice, Molecule, Structure

from tenfma.crystal.complex import SimplicialComplex, complex_of
from tenfma.errors import StructureError, TenfmaError


def random_atoms(seed, pbc=True):
    """A skewed cell of one to four atoms, some of them outside it."""
    rng = np.random.default_rng(seed)
    cell = rng.uniform(2.0, 4.0, 3)[:, None] * (np.eye(3) + np.tril(rng.uniform(-0.5, 0.5, (3, 3)), -1))
    count = rng.integers(1, 5)
    return Atoms(
        rng.choice(["Si", "O", "Cs"], count), rng.uniform(-1, 2, (count, 3)) @ cell, cell=cell, pbc=pbc
    )


def canonical_triangles(complex_):
    """Each triangle as three lattice points, moved so that the smallest is in cell zero."""
    names = []
    for edges, signs, corners in zip(complex_.triangle_edges, complex_.triangle_signs, complex_.triangles):
        ij = (complex_.shifts[edges[0]] * signs[0]).tolist()
        ik = (complex_.shifts[edges[2]] * signs[2]).tolist()
        i, j, k = corners.tolist()
        points = sorted([(i, (0, 0, 0)), (j, tuple(ij)), (k, tuple(ik))])
        origin = points[0][1]
        names.append(tuple((a, tuple(x - y for x, y in zip(s, origin))) for a, s in points))
    return names


def brute_force_triangles(atoms, cutoff, images):
    """Triples of lattice points with all three distances within the cutoff, the smallest in cell zero."""
    points = [
        (a, s)
        for a in range(len(atoms))
        for s in itertools.product(*[range(-images, images + 1) if p else (0,) for p in atoms.pbc])
    ]
    place = np.array([atoms.positions[a] + s @ atoms.cell.array for a, s in points])
    close = np.linalg.norm(place[:, None] - place, axis=2) < cutoff
    found = set()
    for first, point in enumerate(points):
        if point[1] == (0, 0, 0):
            later = [n for n in np.flatnonzero(close[first]) if points[n] > point]
            found |= {
                (point, points[m], points[n]) for m, n in itertools.combinations(later, 2) if close[m, n]
            }
    return {tuple(sorted(t)) for t in found}


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1), st.tuples(st.booleans(), st.booleans(), st.booleans()))
def test_triangles_are_those_of_brute_force_each_once(seed, pbc):
    atoms = random_atoms(seed, pbc)
    atoms.positions[:] = atoms.positions - np.floor(atoms.get_scaled_positions(wrap=False)) @ atoms.cell.array
    try:
        complex_ = complex_of(atoms, 3.6, 3.2)
    except StructureError:
        return
    names = canonical_triangles(complex_)
    assert len(names) == len(set(names))
    assert {tuple(sorted(name)) for name in names} == brute_force_triangles(atoms, 3.2, images=3)


def test_triangles_of_an_atom_with_its_own_images_come_once_each():
    # fcc: 12 neighbours make 6 edges and 8 triangles per atom; cubic to second neighbours: 3 + 6 edges, 12
    # triangles
    assert complex_of(bulk("Cu", "fcc", a=3.6), 2.6, 2.6).counts(2).tolist() == [8]
    square = complex_of(bulk("Po", "sc", a=3.0), 4.5, 4.5)
    assert (square.n_edges, square.n_triangles) == (9, 3 * 4 + 8)
    cubic = complex_of(bulk("Cu", "fcc", a=3.6, cubic=True), 2.6, 2.6)
    assert (cubic.n_edges, cubic.n_triangles) == (24, 32)


def geometry_closes(complex_):
    """Do the three stored edges of every triangle add up to nothing, with their signs?"""
    a, b = complex_.triangle_vectors()
    jk = complex_.triangle_signs[:, 1:2] * complex_.vectors()[complex_.triangle_edges[:, 1]]
    return bool(torch.allclose(b - a, jk, atol=1e-10))


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1))
def test_triangles_close_and_flips_only_change_signs(seed):
    complex_ = complex_of([random_atoms(seed), random_atoms(seed + 1)], 4.0)
    mask = torch.rand(complex_.n_edges, generator=torch.Generator().manual_seed(seed % 1000)) < 0.5
    flipped = complex_.flipped(mask)
    assert geometry_closes(complex_)
    assert geometry_closes(flipped)
    sign = torch.where(mask, -1.0, 1.0)[:, None]
    assert torch.equal(flipped.vectors() * sign, complex_.vectors())
    for one, other in zip(complex_.triangle_vectors(), flipped.triangle_vectors()):
        assert torch.equal(one, other)
    assert torch.equal(complex_.triangle_weights(), flipped.triangle_weights())
    # wrong twin: turning edges round and leaving the triangles' signs behind
    if complex_.n_triangles and mask[complex_.triangle_edges].any():
        assert not geometry_closes(replace(flipped, triangle_signs=complex_.triangle_signs))


def same(one, other):
    return all(torch.equal(getattr(one, name), getattr(other, name)) for name in one.__dataclass_fields__)


def test_a_list_is_the_union_of_its_parts_and_comes_apart_again():
    parts = [random_atoms(seed) for seed in range(4)] + [molecule("C6H6")]
    whole = complex_of(parts)
    singles = [complex_of(part) for part in parts]
    assert same(whole, SimplicialComplex.union(singles))
    assert all(same(whole.crystal(n), single) for n, single in enumerate(singles))
    assert whole.counts(1).sum() == whole.n_edges
    with pytest.raises(TenfmaError, match="no crystal 5"):
        whole.crystal(5)


def test_pymatgen_and_ase_give_the_same_complex():
    lattice = Lattice.from_parameters(4, 5, 6, 80, 95, 105)
    structure = Structure(lattice, ["Na+", "Cl-"], [[0, 0, 0], [0.5, 0.4, 0.6]])
    assert same(complex_of(structure), complex_of(structure.to_ase_atoms()))
    water = molecule("H2O")
    assert same(complex_of(Molecule("OHH", water.positions)), complex_of(water))
    assert complex_of(Structure(lattice, ["D"], [[0, 0, 0]])).numbers.tolist() == [1]


def test_the_order_in_memory_depends_on_the_input_alone():
    atoms = random_atoms(7)
    assert same(complex_of(atoms), complex_of(atoms.copy()))


def energy(complex_):
    """A smooth function of everything geometric that the complex offers."""
    a, b = complex_.triangle_vectors()
    bonds = (complex_.edge_weights() / complex_.lengths()).sum()
    return bonds + (complex_.triangle_weights() * torch.linalg.cross(a, b, dim=1).pow(2).sum(1)).sum()


def test_gradients_in_positions_and_strain_agree_with_central_differences():
    complex_ = complex_of([random_atoms(3), random_atoms(11)], 4.0, 3.5)
    strain = torch.zeros(2, 3, 3, dtype=torch.float64, requires_grad=True)
    positions = complex_.positions.clone().requires_grad_()

    def value(x, e):
        return energy(complex_.with_positions(x).strained(e))

    gradients = torch.autograd.grad(value(positions, strain), (positions, strain))
    step = 1e-5
    generator = torch.Generator().manual_seed(0)
    for index, at in enumerate((positions.detach(), strain.detach())):
        direction = torch.randn(at.shape, generator=generator, dtype=torch.float64)
        ends = []
        for sign in (1, -1):
            moved = [positions.detach(), strain.detach()]
            moved[index] = at + sign * step * direction
            ends.append(value(*moved))
        numeric = (ends[0] - ends[1]) / (2 * step)
        assert (gradients[index] * direction).sum() == pytest.approx(float(numeric), rel=1e-6)


def test_strain_moves_lattice_and_atoms_together():
    atoms = random_atoms(5)
    strain = torch.tensor([[0.02, 0.01, 0.0], [0.01, -0.01, 0.003], [0.0, 0.003, 0.0]], dtype=torch.float64)
    bent = atoms.copy()
    bent.set_cell(atoms.cell.array @ (np.eye(3) + strain.numpy()), scale_atoms=True)
    complex_ = complex_of(atoms, 4.0)
    moved = complex_.strained(strain)
    assert torch.allclose(moved.positions, torch.tensor(bent.positions))
    assert torch.allclose(moved.vectors(), complex_.vectors() @ (torch.eye(3) + strain))
    with pytest.raises(TenfmaError, match="strain"):
        complex_.strained(torch.zeros(3))
    with pytest.raises(TenfmaError, match="shaped"):
        complex_.with_positions(torch.zeros(99, 3))


def test_weights_sum_alike_in_primitive_cell_and_supercell():
    atoms = random_atoms(2)
    one, eight = complex_of(atoms), complex_of(atoms.repeat(2))
    for name in ("edge_weights", "triangle_weights"):
        assert float(getattr(eight, name)().sum()) == pytest.approx(
            8 * float(getattr(one, name)().sum()), rel=1e-9
        )


def test_dtype_and_device_are_arguments():
    complex_ = complex_of(bulk("Si"), dtype=torch.float32)
    assert complex_.vectors().dtype == torch.float32
    assert complex_.to(dtype=torch.float64).lengths().dtype == torch.float64
    assert complex_.to(dtype=torch.float64).edges.dtype == torch.int64
    assert complex_.to("meta").edges.device.type == "meta"


def test_the_default_joins_the_atoms_of_caesium_silicon_and_copper():
    for element in ("Cs", "Si", "Cu", "Xe"):
        complex_ = complex_of(bulk(element))
        assert float(complex_.edge_weights().sum()) > 0.1, element
        assert complex_.n_triangles > 0, element


def test_summary_counts_and_warns():
    far = Atoms("He2", [[0, 0, 0], [0, 0, 20]], cell=[40, 40, 40], pbc=True)
    lonely = Atoms("H2He", [[0, 0, 0], [0, 0, 1], [0, 0, 20]], cell=[40, 40, 40], pbc=True)
    summary = complex_of([bulk("Si"), far, lonely, bulk("Cu")], 5.0).summary()
    table = summary.to_frame()
    assert table.formula.tolist() == ["Si", "He", "H2He", "Cu"]
    assert table.atoms.tolist() == [2, 2, 3, 1]
    assert table.bonds.tolist()[1:3] == [0, 1]
    assert len(summary.warnings) == 2
    assert "Crystal 1" in summary.warnings[0]
    assert "no bonds" in summary.warnings[0]
    assert "1 of 3 atoms" in summary.warnings[1]
    assert "no bonds" in str(summary)
    assert "large" in complex_of(bulk("Cu"), 9.0, 9.0).summary().warnings[0]


@pytest.mark.parametrize(
    "bad, words",
    [
        ([], "empty"),
        ("NaCl", "expected a pymatgen Structure"),
        (Atoms(), "no atoms"),
        (Atoms("H", [[np.nan, 0, 0]]), "not finite"),
        (Atoms("X", [[0, 0, 0]]), "atomic number"),
        (Structure(Lattice.cubic(3), [{"Cu": 0.5, "Au": 0.5}], [[0, 0, 0]]), "partially occupied"),
    ],
)
def test_bad_input_is_refused_in_words(bad, words):
    with pytest.raises(StructureError, match=words):
        complex_of(bad)


def test_too_many_triangles_are_refused():
    with pytest.raises(TenfmaError, match="triangle_cutoff"):
        complex_of(bulk("Cu"), 5.0, 5.0, max_simplices=100)


def test_slab_vacuum_molecule_and_single_atoms_work():
    sheet = graphene(vacuum=15.0)
    assert complex_of(sheet, 1.6).n_edges == 3
    sheet.pbc = True
    assert complex_of(sheet, 1.6).n_edges == 3
    boxed = molecule("CH4", vacuum=10.0)
    boxed.pbc = True
    assert complex_of(boxed, 1.2).n_edges == 4
    assert complex_of(Atoms("He"), 5.0).n_edges == 0
