"""A force model: one U_θ in three readings, an ASE calculator that conserves energy, saved and loaded whole."""

import numpy as np
import pytest
import torch
from ase import Atoms, units
from ase.build import bulk
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution
from ase.md.verlet import VelocityVerlet

import tenfma
from tenfma.embedding.forces_model import BodyOrder
from tenfma.embedding.model import Model
from tenfma.errors import TenfmaError
from tenfma.hamiltonian.verlet import VerletList
from tenfma.site import assets
from tenfma.training.data import frame_of
from tenfma.training.forces import force_model
from tenfma.training.least_squares import Solver
from tenfma.training.moments import Assembly
from tenfma.training.recipe import Recipe

RECIPE = Recipe(
    cutoff=4.0,
    radial=6,
    lmax=3,
    degrees=(7, 7, 7, 7),
    functions=200,
    degree_channel=2.0,
    messages=((0, 1), (0, 2)),
)


def copper(seed, size=2, stretch=0.0):
    atoms = bulk("Cu", cubic=True, a=3.6 * (1 + stretch)).repeat(size)
    atoms.rattle(0.1, seed=seed)
    return atoms


@pytest.fixture(scope="module")
def model():
    """Fitted to copper as EMT has it: stable enough to run."""
    from ase.calculators.emt import EMT

    rng = np.random.default_rng(0)
    frames = []
    for seed in range(24):
        atoms = copper(seed, stretch=0.04 * rng.normal())
        atoms.calc = EMT()
        atoms.get_forces()
        frames.append(frame_of(atoms))
    description = RECIPE.description((29,))
    assembly = Assembly(description, frames, np.zeros(len(frames), int), 0)
    assembly.run()
    weights, offsets = Solver(assembly.sums((0,)), 10.0)(50.0, 1e-7)
    return force_model(BodyOrder(description), weights, offsets, "copper")


@pytest.fixture
def crystal():
    return copper(99)


def test_both_charts_and_the_calculator_agree_at_the_start(model, crystal):
    crystal.calc = model.calculator()
    energy = crystal.get_potential_energy()
    H, q0, p0 = model.hamiltonian(crystal)
    assert float(H(q0, p0)) == pytest.approx(energy, rel=1e-10)
    A, r, p = model.hamiltonian(crystal, chart="atoms")
    assert float(A(r, p)) == pytest.approx(energy, rel=1e-10)
    assert model.energy(crystal) == pytest.approx(energy, rel=1e-10)
    np.testing.assert_allclose(-A.dq(r).numpy(), crystal.get_forces(), atol=1e-8)
    r = r.clone().requires_grad_()
    (slope,) = torch.autograd.grad(A.potential_energy(r).sum(), r)  # through q, not machine code
    np.testing.assert_allclose(-slope.numpy(), crystal.get_forces(), atol=1e-8)


def test_forces_and_stress_are_slopes_of_the_energy(model, crystal):
    crystal.calc = model.calculator()
    forces, stress, h = crystal.get_forces(), crystal.get_stress(voigt=False), 1e-4
    for atom, axis in ((0, 0), (5, 1), (11, 2)):
        energies = []
        for sign in (1, -1):
            moved = crystal.copy()
            moved.calc = crystal.calc
            moved.positions[atom, axis] += sign * h
            energies.append(moved.get_potential_energy())
        assert -(energies[0] - energies[1]) / (2 * h) == pytest.approx(forces[atom, axis], abs=1e-6)
    for a, b in ((0, 0), (0, 1)):
        energies = []
        for sign in (1, -1):
            strain = np.eye(3)
            strain[a, b] += sign * h / 2
            strain[b, a] += sign * h / 2
            moved = crystal.copy()
            moved.calc = crystal.calc
            moved.set_cell(crystal.cell.array @ strain, scale_atoms=True)
            energies.append(moved.get_potential_energy())
        slope = (energies[0] - energies[1]) / (2 * h) / crystal.get_volume()
        assert slope == pytest.approx(stress[a, b], abs=1e-6)


def run(calculator, steps=200, dt=1.0, seed=0):
    """Total energy per atom along a microcanonical run of ASE's, eV."""
    atoms = bulk("Cu", cubic=True, a=3.6).repeat(2)
    atoms.calc = calculator
    MaxwellBoltzmannDistribution(atoms, temperature_K=600, rng=np.random.default_rng(seed))
    dynamics = VelocityVerlet(atoms, dt * units.fs)
    energies = []
    dynamics.attach(lambda: energies.append(atoms.get_total_energy() / len(atoms)))
    dynamics.run(steps)
    return np.array(energies)


def test_energy_is_conserved_to_second_order_and_without_jumps(model):
    """Leapfrog's energy error falls as dt²; a force that jumps or is no gradient would not let it."""
    coarse, fine = run(model.calculator(), 100, 2.0), run(model.calculator(), 400, 0.5)
    swing = np.abs(fine - fine[0]).max()
    assert swing < 2e-5
    assert np.abs(coarse - coarse[0]).max() / swing == pytest.approx(16, rel=0.35)
    halves = fine[:200].mean() - fine[200:].mean()
    assert abs(halves) < 0.2 * swing


def test_the_energy_is_smooth_where_a_neighbour_crosses_the_cutoff(model):
    """Two atoms drawn apart through the cutoff: energy and force go to their far values with no step."""
    energies, forces = [], []
    distances = np.linspace(RECIPE.cutoff - 0.02, RECIPE.cutoff + 0.02, 41)
    calculator = model.calculator()
    for d in distances:
        pair = Atoms("Cu2", [[0, 0, 0], [d, 0, 0]])
        pair.calc = calculator
        energies.append(pair.get_potential_energy())
        forces.append(pair.get_forces()[0, 0])
    assert np.abs(np.diff(energies)).max() < 1e-8
    assert np.abs(forces).max() < 1e-6
    assert energies[-1] == pytest.approx(2 * energies_of_one(calculator), abs=1e-12)


def energies_of_one(calculator):
    one = Atoms("Cu", [[0, 0, 0]])
    one.calc = calculator
    return one.get_potential_energy()


def walk(kept, steps=30):
    """A random walk of copper whose fourth shell crosses the cutoff: how often `kept` and a fresh list differ."""
    atoms = copper(3, size=3)
    rng = np.random.default_rng(0)
    fresh, different = VerletList(kept.cutoff, skin=0.0), 0
    for _ in range(steps):
        atoms.positions += 0.02 * rng.normal(size=atoms.positions.shape)
        a = kept.pairs(atoms.positions, atoms.cell.array, atoms.pbc)
        b = fresh.pairs(atoms.positions, atoms.cell.array, atoms.pbc)
        same = np.array_equal(a.first, b.first) and np.allclose(
            np.sort(a.vectors, axis=0), np.sort(b.vectors, axis=0), atol=1e-12
        )
        different += not same
    assert fresh.searches == steps
    return different


def test_the_list_is_renewed_seldom_and_misses_nobody():
    kept = VerletList(4.4, skin=0.6)
    assert walk(kept) == 0
    assert kept.searches < 12


def test_two_atoms_that_meet_are_neighbours_in_time():
    """Each moves a little more than half the skin: beyond the kept list before, within the cutoff after."""
    kept, nowhere = VerletList(4.0, skin=0.6), (np.zeros((3, 3)), np.zeros(3, bool))
    assert len(kept.pairs(np.array([[0, 0, 0], [4.65, 0, 0]]), *nowhere).vectors) == 0
    assert len(kept.pairs(np.array([[0.34, 0, 0], [4.31, 0, 0]]), *nowhere).vectors) == 2


def test_what_is_periodic_is_part_of_what_a_list_is_for():
    kept, cell, one = VerletList(3.0), 2.5 * np.eye(3), np.zeros((1, 3))
    assert len(kept.pairs(one, cell, np.ones(3, bool)).vectors) == 6
    assert len(kept.pairs(one, cell, np.array([True, False, False])).vectors) == 2


def test_a_list_renewed_too_late_is_caught():
    """The wrong twin: a list that bears more motion than its skin allows misses neighbours."""
    kept = VerletList(4.4, skin=0.02)
    kept._holds = lambda *_: kept.searches > 0
    assert walk(kept) > 15


def test_saved_and_loaded_it_is_the_same_model(model, crystal, tmp_path):
    model.save(tmp_path)
    again = tenfma.load(tmp_path)
    assert again.trained and again.name == "copper"
    assert again.energy(crystal) == model.energy(crystal)
    a, b = (m.embed([crystal], steps=1) for m in (model, again))
    np.testing.assert_array_equal(a.values, b.values)


def test_an_unknown_element_is_named(model):
    atoms = bulk("Ag")
    atoms.calc = model.calculator()
    with pytest.raises(TenfmaError, match="copper knows Cu, and was given Ag"):
        atoms.get_potential_energy()


def test_a_general_model_is_a_calculator_too():
    atoms = bulk("NaCl", "rocksalt", a=5.7)
    atoms.rattle(0.05, seed=1)
    untrained = Model.untrained(0, cutoff=4.0, triangle_cutoff=3.5)
    atoms.calc = untrained.calculator()
    forces, h = atoms.get_forces(), 1e-4
    assert atoms.get_potential_energy() == pytest.approx(untrained.energy(atoms), rel=1e-10)
    energies = []
    for sign in (1, -1):
        moved = atoms.copy()
        moved.calc = atoms.calc
        moved.positions[0, 2] += sign * h
        energies.append(moved.get_potential_energy())
    assert -(energies[0] - energies[1]) / (2 * h) == pytest.approx(forces[0, 2], abs=1e-6)
    assert np.isfinite(atoms.get_stress()).all()


@pytest.mark.parametrize("name", ["Cu", "Mo", "Si"])
def test_shipped_models_load_by_name_and_hold_their_crystal_together(name):
    """The force on a displaced atom points back, and the model says that it is trained."""
    shipped = tenfma.load(name)
    assert shipped.trained and shipped.name == name
    atoms = bulk(name, cubic=True)
    atoms.positions[0, 0] += 0.1
    atoms.calc = shipped.calculator()
    assert atoms.get_forces()[0, 0] < -0.1
    weights = assets() / "models" / name / "weights.safetensors"
    assert weights.stat().st_size < 4e6
