"""Module A's tables: what is there, and what rotations, flips, supercells and gradients do to it."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk, fcc111, molecule
from e3nn import o3
from pymatgen.core import Lattice, Structure

from tenfma.crystal.complex import complex_of
from tenfma.crystal.features import LOCAL_RANKS, RANKS, featurize
from tenfma.crystal.features.cell import COMPOSED, STATISTICS
from tenfma.crystal.features.geometry import geometry
from tenfma.crystal.features.pooling import pool
from tenfma.crystal.features.tensors import commutator, components, harmonics2, matrix, traceless_square
from tenfma.crystal.features.triangles import corner_cosines
from tenfma.errors import TenfmaError

#: round-off of sums over some hundred terms in float64
EXACT = 1e-10


def skewed(seed=0):
    """Four atoms of three elements in a cell without any symmetry."""
    rng = np.random.default_rng(seed)
    cell = 4.2 * np.eye(3) + rng.uniform(-0.6, 0.6, (3, 3))
    scaled = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]]) + rng.uniform(
        -0.06, 0.06, (4, 3)
    )
    return Atoms("TiOON", scaled_positions=scaled, cell=cell, pbc=True)


def weighted_sums(h):
    """Every smooth feature, weighted and summed per rank: what any smooth reading of h is made of."""
    tables = [h.table(rank).select(smooth=True) for rank in RANKS]
    return torch.cat([table.weighted.sum(0) for table in tables])


# what is there ---------------------------------------------------------------------------------------------------


def test_tables_describe_themselves():
    h = featurize(skewed())
    for rank in RANKS:
        table = h.table(rank)
        assert len(set(table.names)) == len(table.names)
        assert table.values.shape == (len(table), len(table.components))
        assert o3.Irreps(table.irreps).dim == table.values.shape[1]
        assert all(channel.unit and channel.source for channel in table.channels)
        assert torch.isfinite(table.values).all()
        frame = h.to_frame(rank)
        assert len(frame) == len(table) and "weight" in frame
    assert h.to_frame("atoms")["element"].tolist() == ["Ti", "O", "O", "N"]
    assert h.bonds.select(flip=-1).names == (
        "electronegativity_difference",
        "shell_n_difference",
        "shell_l_difference",
        "spin_difference",
        "harmonic_1",
        "tilt",
    )


def test_unknown_names_are_refused_in_words():
    h = featurize(skewed(), smooth_only=True)
    with pytest.raises(TenfmaError, match="bonds have no feature 'lenght'; they have length"):
        h.bonds["lenght"]
    with pytest.raises(TenfmaError, match="no rank 'bond'"):
        h.table("bond")


def test_rock_salt_reads_as_the_textbook_says():
    h = featurize(bulk("NaCl", "rocksalt", a=5.64))
    assert h.to_frame("atoms")["motif"].tolist() == ["octahedral", "octahedral"]
    assert h.atoms["first_shell"].tolist() == [6, 6]
    assert h.cell["space_group"].tolist() == [225]
    assert h.to_frame("cell")["crystal_system"].tolist() == ["cubic"]
    assert float(h.cell["volume_per_atom"]) == pytest.approx(5.64**3 / 8)
    assert float(h.cell["density"]) == pytest.approx(2.164, abs=2e-3)
    assert h.atoms["dipole"].abs().max() < 1e-12 and h.atoms["quadrupole"].abs().max() < 1e-12
    nearest = h.bonds["length"] < 3
    assert torch.allclose(h.bonds["length"][nearest], torch.tensor(2.82, dtype=torch.float64))
    # six bonds share sodium's valence of one; O'Keeffe and Brese's r₀ is good to some tenths of a unit
    assert float(h.bonds["bond_valence"][nearest].sum()) == pytest.approx(1, abs=0.2)


def test_motifs_of_known_crystals():
    expected = [
        (bulk("Si"), "tetrahedral"),
        (bulk("Cu"), "cuboctahedral"),
        (bulk("Mg"), "anticuboctahedral"),
        (bulk("W"), "body-centred"),
        (Atoms("Po", cell=[3.35] * 3, pbc=True), "octahedral"),
        (Atoms("Ar", cell=[20] * 3, pbc=True), "isolated"),
    ]
    h = featurize([atoms for atoms, _ in expected])
    frame = h.to_frame("atoms")
    for index, (_, name) in enumerate(expected):
        assert set(frame[frame.crystal == index]["motif"]) == {name}


def test_environment_is_organic_where_carbon_bears_hydrogen():
    benzene = molecule("C6H6", vacuum=4)
    frame = featurize([benzene, bulk("C"), skewed()]).to_frame("atoms")
    assert frame.groupby("crystal")["environment"].unique().str.join(",").tolist() == [
        "organic",
        "inorganic",
        "inorganic",
    ]


def test_oscillator_of_a_hydrogen_molecule():
    """Gordy's rule at the bond length puts H₂ within a factor 1.3 of its 132 THz; the generator's eigenvalues are ±iω."""
    h = featurize(molecule("H2", vacuum=3), smooth_only=True)
    k, lightness, frequency = (
        float(h.bonds[n]) for n in ("force_constant", "inverse_reduced_mass", "frequency")
    )
    omega = np.linalg.eigvals([[0, lightness], [-k, 0]]).imag.max()
    assert frequency == pytest.approx(omega * 98.22694788 / (2 * math.pi))  # √(eV/Å²/amu) = 98.2269 rad/ps
    assert 132 / 1.3 < frequency < 132 * 1.3


def test_a_bond_at_the_sum_of_covalent_radii_has_order_one():
    """Pauling's n = 10^((D₁ − r)/0.60 Å): one at D₁, a tenth at 0.60 Å more."""
    radius = 0.76  # C, Cordero et al. (2008)
    orders = []
    for stretch in (0.0, 0.60):
        pair = Atoms("C2", [[6, 6, 6], [6 + 2 * radius + stretch, 6, 6]], cell=[12, 12, 12], pbc=True)
        orders.append(float(featurize(pair, smooth_only=True).bonds["bond_order"]))
    assert orders[0] / orders[1] == pytest.approx(10.0)
    assert orders[0] == pytest.approx(1.0, rel=0.15)


def test_gyration_of_a_triangle_is_the_spread_of_its_corners():
    K = complex_of(skewed())
    h = featurize(K, smooth_only=True)
    a, b = K.triangle_vectors()
    corners = torch.stack([torch.zeros_like(a), a, b], dim=1)
    spread = corners - corners.mean(1, keepdim=True)
    tensor = spread.transpose(1, 2) @ spread / 3
    assert torch.allclose(h.triangles["gyration"], components(tensor), atol=EXACT)


# tensors ---------------------------------------------------------------------------------------------------------


def test_components_follow_e3nn():
    generator = torch.Generator().manual_seed(0)
    v = torch.randn(7, 3, generator=generator, dtype=torch.float64)
    u = v / v.norm(dim=1, keepdim=True)
    assert torch.allclose(harmonics2(u), o3.spherical_harmonics(2, u, normalize=False, normalization="norm"))
    outer = v[:, :, None] * v[:, None, :]
    trace = torch.einsum("naa->n", outer)[:, None, None] * torch.eye(3, dtype=torch.float64) / 3
    assert torch.allclose(matrix(traceless_square(v)), outer - trace)
    assert torch.allclose(components(outer), traceless_square(v))
    assert torch.allclose(traceless_square(v).norm(dim=1), (outer - trace).norm(dim=(1, 2)))


def test_commutator_is_the_lie_algebra_element():
    generator = torch.Generator().manual_seed(1)
    a, b = torch.randn(2, 9, 5, generator=generator, dtype=torch.float64)
    A, B = matrix(a), matrix(b)
    x, y, z = commutator(a, b).unbind(1)
    zero = torch.zeros_like(x)
    generator_of = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], 1).unflatten(1, (3, 3))
    assert torch.allclose(A @ B - B @ A, generator_of)
    angles = torch.tensor([0, 20, 45, 70, 90], dtype=torch.float64) * math.pi / 180
    turned = torch.stack([angles.cos(), angles.sin(), 0 * angles], dim=1)
    axis = torch.tensor([[1.0, 0, 0]], dtype=torch.float64).expand(5, 3)
    size = commutator(traceless_square(axis), traceless_square(turned)).norm(dim=1)
    assert torch.allclose(size, (2 * angles).sin() / 2, atol=1e-12)


@pytest.mark.parametrize("improper", [False, True])
def test_tensor_features_turn_with_the_crystal(improper):
    R = _rotation(3)
    R = -R if improper else R
    K = complex_of(skewed(), 5.0, 4.5)
    turned = K.with_positions(K.positions @ R.T, K.cells @ R.T)
    before, after = featurize(K), featurize(turned)
    for rank in RANKS:
        table = before.table(rank)
        assert _error(table, table.irreps, R, after.table(rank)) < EXACT, rank
    if improper:  # the wrong twin: one parity declared the other way
        wrong = before.bonds.irreps.replace("1e", "1o")
        assert _error(before.bonds, wrong, R, after.bonds) > 1e-3


def _rotation(seed):
    q = torch.randn(4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return o3.quaternion_to_matrix(q / q.norm())


def _error(table, irreps, R, turned):
    D = torch.block_diag(*[_wigner(irrep, R) for _, irrep in o3.Irreps(irreps)])
    expected = table.values @ D.T
    scale = expected.abs().max(0).values.clamp_min(1)
    return float(((turned.values - expected) / scale).abs().max())


def _wigner(irrep, R):
    """D of ℓ ≤ 2 in float64, from its action on vectors and on traceless squares, without e3nn's own D."""
    sign = torch.linalg.det(R).round()
    proper = R * sign
    parity = irrep.p if sign < 0 else 1
    if irrep.l == 0:
        return torch.full((1, 1), float(parity), dtype=torch.float64)
    if irrep.l == 1:
        return parity * proper
    basis = matrix(torch.eye(5, dtype=torch.float64))
    return parity * components(proper @ basis @ proper.T).T


def test_flipping_bonds_changes_declared_signs_only():
    K = complex_of([skewed(), bulk("Cu")])
    mask = torch.rand(K.n_edges, generator=torch.Generator().manual_seed(5)) < 0.5
    before, after = featurize(K), featurize(K.flipped(mask))
    signs = torch.where(mask[:, None], before.bonds.flips, torch.ones_like(before.bonds.flips))
    assert torch.allclose(after.bonds.values, signs * before.bonds.values, atol=EXACT)
    for rank in ("atoms", "triangles", "cell"):
        assert torch.allclose(after.table(rank).values, before.table(rank).values, atol=EXACT)
    assert not torch.allclose(after.bonds.values, before.bonds.values, atol=1e-3)
    assert torch.allclose(pool(after).values, pool(before).values, atol=EXACT)


# cells -----------------------------------------------------------------------------------------------------------


def test_primitive_conventional_and_supercell_agree():
    primitive, conventional = bulk("NaCl", "rocksalt", 5.64), bulk("NaCl", "rocksalt", 5.64, cubic=True)
    cells = [primitive, conventional, conventional.repeat(2)]
    h = featurize(cells)
    sodium = h.complex.numbers == 11
    for element in (sodium, ~sodium):
        rows = h.atoms.values[element]
        assert (rows - rows[0]).abs().max() < 1e-8
    _rows_agree(pool(h).values)


def test_low_symmetry_supercell_and_other_cell_agree():
    atoms = skewed(4)
    other = Atoms(
        atoms.numbers,
        positions=atoms.positions,
        cell=np.array([[1, 1, 0], [0, 1, 0], [0, -1, 1]]) @ atoms.cell,
        pbc=True,
    )
    h = featurize([atoms, other, atoms.repeat(2)])
    rows = h.atoms.values.split(h.complex.counts(0).tolist())
    assert (rows[0] - rows[1]).abs().max() < 1e-8
    assert (rows[0].repeat(8, 1) - rows[2]).abs().max() < 1e-8
    _rows_agree(pool(h).values)


def _rows_agree(values):
    scale = values[0].abs().clamp_min(1)
    assert ((values - values[0]).abs() / scale).max() < 1e-8


def test_betti_numbers_of_a_cell_are_not_intensive():
    """Why they stay out of the pooled row."""
    h = featurize([bulk("Si"), bulk("Si").repeat(2)])
    assert h.cell["betti_1"][0] != h.cell["betti_1"][1]
    assert "cell.betti_1" not in pool(h).names
    assert torch.allclose(h.cell["euler_per_atom"][0], h.cell["euler_per_atom"][1])


def test_batch_equals_single():
    crystals = [skewed(), bulk("Cu"), bulk("Si")]
    together = featurize(crystals)
    singles = [featurize(atoms) for atoms in crystals]
    for rank in RANKS:
        alone = torch.cat([h.table(rank).values for h in singles])
        assert torch.allclose(together.table(rank).values, alone, atol=EXACT)


# gradients -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["positions", "strain"])
def test_gradients_match_central_differences(what):
    K = complex_of(skewed(2), 4.6, 4.0)
    direction = torch.randn(
        len(weighted_sums(featurize(K, smooth_only=True))),
        generator=torch.Generator().manual_seed(1),
        dtype=torch.float64,
    )
    size = weighted_sums(featurize(K, smooth_only=True)).abs().clamp_min(1)

    def reading(x):
        moved = K.with_positions(x) if what == "positions" else K.strained(x)
        return (direction * weighted_sums(featurize(moved, smooth_only=True)) / size).sum()

    start = K.positions if what == "positions" else torch.zeros(1, 3, 3, dtype=torch.float64)
    x = start.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(reading(x), x)
    step = 1e-5
    differences = torch.zeros_like(start).flatten()
    for index in range(start.numel()):
        e = torch.zeros(start.numel(), dtype=torch.float64)
        e[index] = step
        e = e.view_as(start)
        differences[index] = (reading(start + e) - reading(start - e)) / (2 * step)
    assert (gradient.flatten() - differences).norm() / differences.norm() < 1e-6


def test_no_gradient_reaches_discrete_features():
    K = complex_of(skewed())
    positions = K.positions.clone().requires_grad_()
    h = featurize(K.with_positions(positions))
    for table in (h.atoms, h.cell):
        discrete = table.select(smooth=False)
        assert discrete.names
        (gradient,) = torch.autograd.grad(discrete.values.sum(), positions, retain_graph=True)
        assert (gradient == 0).all()
    (gradient,) = torch.autograd.grad(h.atoms["coordination"].sum(), positions, retain_graph=True)
    assert gradient.abs().max() > 1e-3


def test_the_potential_sees_nothing_discrete_and_nothing_of_the_cell():
    for h in (featurize(skewed()), featurize(skewed(), smooth_only=True)):
        inputs = h.for_potential()
        assert tuple(inputs) == LOCAL_RANKS
        assert all(channel.smooth for table in inputs.values() for channel in table.channels)
        assert "motif" not in inputs["atoms"].names
    assert any(not channel.smooth for channel in featurize(skewed()).atoms.channels)


def test_what_the_potential_sees_is_local():
    """Two pieces far apart read as they do alone: the sums add up."""
    piece = molecule("H2O")
    far = piece.copy()
    far.translate([40, 0, 0])
    alone, both = featurize(piece, smooth_only=True), featurize(piece + far, smooth_only=True)
    for rank in LOCAL_RANKS:
        assert torch.allclose(
            both.table(rank).weighted.sum(0), 2 * alone.table(rank).weighted.sum(0), atol=1e-8
        )


def test_float32_follows_float64():
    double, single = (
        featurize(complex_of(skewed(), dtype=dtype), smooth_only=True)
        for dtype in (torch.float64, torch.float32)
    )
    for rank in RANKS:
        a, b = double.table(rank).values, single.table(rank).values
        assert b.dtype == torch.float32
        assert ((a - b).abs() / a.abs().clamp_min(1)).max() < 1e-4


# odd crystals ----------------------------------------------------------------------------------------------------


def odd_crystals():
    slab = fcc111("Al", (1, 1, 3), vacuum=15)
    slab.pbc = True
    return {
        "noble gas": bulk("Ar", "fcc", 5.26),
        "helium": bulk("He", "hcp", 3.5, c=5.7),
        "lanthanide": bulk("GdN", "rocksalt", 5.0),
        "actinide": bulk("UC", "rocksalt", 4.96),
        "heaviest": bulk("Lr", "fcc", 4.5),
        "one atom": bulk("Po", "sc", 3.35),
        "isolated atom": Atoms("He", cell=[20] * 3, pbc=True),
        "no cell": molecule("CH4"),
        "molecule in a box": molecule("C2H6", vacuum=12, pbc=True),
        "slab with 30 Å of vacuum": slab,
        "overlapping atoms": Atoms("Si2", [[0, 0, 0], [0.3, 0, 0]], cell=[5] * 3, pbc=True),
    }


@pytest.mark.parametrize("name", odd_crystals())
def test_odd_crystals_have_finite_features_and_gradients(name):
    K = complex_of(odd_crystals()[name])
    positions = K.positions.clone().requires_grad_()
    h = featurize(K.with_positions(positions))
    for rank in RANKS:
        assert torch.isfinite(h.table(rank).values).all(), rank
    (gradient,) = torch.autograd.grad(weighted_sums(h).sum(), positions)
    assert torch.isfinite(gradient).all()
    assert torch.isfinite(pool(h).values).all()


def test_deuterium_reads_as_hydrogen():
    lattice = Lattice.cubic(4.0)
    light, heavy = (Structure(lattice, ["Li", symbol], [[0, 0, 0], [0.5] * 3]) for symbol in ("H", "D"))
    a, b = featurize(light), featurize(heavy)
    for rank in RANKS:
        assert torch.equal(a.table(rank).values, b.table(rank).values)


def test_oxidation_states_are_dropped():
    lattice = Lattice.cubic(4.2)
    plain = Structure(lattice, ["Mg", "O"], [[0, 0, 0], [0.5] * 3])
    decorated = plain.copy().add_oxidation_state_by_element({"Mg": 2, "O": -2})
    assert torch.equal(featurize(plain).atoms.values, featurize(decorated).atoms.values)


def test_coincident_atoms_keep_finite_derivatives():
    """Lengths are held at a millionth of an Å: a complex whose atoms were moved onto each other."""
    K = complex_of(bulk("NaCl", "rocksalt", 5.64))
    positions = K.positions[:1].repeat(2, 1).requires_grad_()
    lengths = geometry(K.with_positions(positions)).lengths
    (gradient,) = torch.autograd.grad(lengths.sum(), positions)
    assert torch.isfinite(gradient).all()


def test_corner_cosines_belong_to_triangles():
    g = geometry(complex_of(skewed()))
    angles = torch.arccos(corner_cosines(g).clamp(-1, 1)).sum(1)
    assert torch.allclose(angles, torch.full_like(angles, math.pi))


def test_select_keeps_values_with_their_names():
    table = featurize(skewed(), smooth_only=True).bonds
    chosen = table.select(names=["tilt", "length"])
    assert chosen.names == ("length", "tilt")
    assert torch.equal(chosen["tilt"], table["tilt"])
    assert torch.equal(replace(table).select(irreps="2e").values, table["harmonic_2"])


def test_every_feature_is_in_the_documentation():
    text = (Path(__file__).parents[2] / "docs" / "features.md").read_text(encoding="utf-8")
    h = featurize(bulk("Cu"))
    composed = {f"{name}_{statistic}" for name in COMPOSED for statistic in STATISTICS}
    for rank in RANKS:
        for channel in h.table(rank).channels:
            if channel.name not in composed and not channel.name.startswith("radial_"):
                assert f"| `{channel.name}` | {channel.unit} | {channel.irreps} |" in text, channel.name
