"""The body-ordered potential: one function in torch and in machine code, invariant, smooth and bounded."""

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk

from tenfma.crystal.complex import complex_of
from tenfma.crystal.features.expansion import atom_channels, bond_channels, expand_bonds, indicate_elements
from tenfma.crystal.features.tables import FeatureTable
from tenfma.errors import TenfmaError
from tenfma.hamiltonian.body_ordered import BodyOrdered
from tenfma.hamiltonian.evaluator import Description, Evaluator, pairs_of
from tenfma.hamiltonian.invariants import Invariants
from tenfma.hamiltonian.lift import plain_lift
from tenfma.hamiltonian.messages import Messages
from tenfma.hamiltonian.network import Connectivity

CUTOFF = 4.2
ELEMENTS = (5, 7)
EMBEDDING = np.array([[1.0, 0.6], [1.0, -0.9]])
#: elements alone, and with what every atom tells of its surroundings
SPACES = {
    "elements": (Invariants(radial=5, lmax=4, degrees=(6, 7, 6.5, 7), channels=2), Messages()),
    "told": (
        Invariants(radial=5, lmax=4, degrees=(6, 7, 6.5, 7), channels=4, degree_channel=2),
        Messages(((0, 1), (1, 2))),
    ),
}


@pytest.fixture(scope="module", params=list(SPACES))
def model(request):
    space, messages = SPACES[request.param]
    rng = np.random.default_rng(3)
    channels = {
        "atoms": atom_channels(ELEMENTS),
        "bonds": bond_channels(space.radial, space.lmax),
        "triangles": (),
    }
    lift = plain_lift(channels)
    potential = BodyOrdered(lift.blocks, space, EMBEDDING, messages)
    with torch.no_grad():
        potential.weights.copy_(torch.from_numpy(rng.normal(size=potential.weights.shape)))
        potential.offsets.copy_(torch.tensor([-3.0, -7.0]))
    return lift, potential


def crystal(seed=0):
    atoms = bulk("BN", "zincblende", a=3.62, cubic=True)
    atoms.set_cell(atoms.cell.array + 0.1 * np.random.default_rng(seed).normal(size=(3, 3)), scale_atoms=True)
    atoms.rattle(0.1, seed=seed)
    return atoms


def rows_of(lift, atoms, positions=None):
    K = complex_of(atoms, cutoff=CUTOFF, triangle_cutoff=0.1)
    space = SPACES["elements"][0]
    if positions is not None:
        K = K.with_positions(positions)
    bonds = expand_bonds(K, space.radial, space.lmax)
    empty = FeatureTable("triangles", (), bonds.values.new_zeros(0, 0), bonds.values.new_zeros(0))
    tables = {"atoms": indicate_elements(K, ELEMENTS), "bonds": bonds, "triangles": empty}
    return lift(tables), Connectivity.of(K)


def energies(model, atoms, positions=None):
    lift, potential = model
    parts = potential(*rows_of(lift, atoms, positions))
    return parts["atoms"].sum() + parts["bonds"].sum()


def machine(model):
    _, potential = model
    description = Description(ELEMENTS, potential.invariants, EMBEDDING, CUTOFF, potential.messages)
    return Evaluator(description, potential.weights.detach().numpy(), potential.offsets.detach().numpy())


def test_machine_code_and_torch_are_one_function(model):
    atoms = crystal()
    r = torch.tensor(atoms.positions, requires_grad=True)
    total = energies(model, atoms, r)
    (slope,) = torch.autograd.grad(total, r)
    total = total.detach()
    pairs = pairs_of(atoms.positions, atoms.cell.array, atoms.pbc, CUTOFF)
    energy, forces, _ = machine(model).energy_forces(atoms.numbers, pairs)
    assert energy.sum() == pytest.approx(float(total), rel=1e-12)
    assert np.abs(forces + slope.numpy()).max() < 1e-10 * np.abs(forces).max()


def test_design_rows_are_the_energy_and_forces_per_weight(model):
    atoms = crystal(1)
    evaluator = machine(model)
    pairs = pairs_of(atoms.positions, atoms.cell.array, atoms.pbc, CUTOFF)
    B, F = evaluator.description.design(atoms.numbers, pairs)
    theta = model[1].weights.detach().numpy().ravel()
    energy, forces, _ = evaluator.energy_forces(atoms.numbers, pairs)
    count = [(atoms.numbers == z).sum() for z in ELEMENTS]
    assert theta @ B + evaluator.offsets @ count == pytest.approx(energy.sum(), rel=1e-12)
    assert np.abs((F @ theta).reshape(-1, 3) - forces).max() < 1e-10 * np.abs(forces).max()


def test_strain_derivative_against_central_differences(model):
    atoms, evaluator, h = crystal(2), machine(model), 1e-5
    _, _, virial = evaluator.energy_forces(
        atoms.numbers, pairs_of(atoms.positions, atoms.cell.array, atoms.pbc, CUTOFF)
    )

    def strained(step):
        bent = atoms.copy()
        bent.set_cell(atoms.cell.array @ (np.eye(3) + step), scale_atoms=True)
        pairs = pairs_of(bent.positions, bent.cell.array, bent.pbc, CUTOFF)
        return evaluator.energy_forces(bent.numbers, pairs)[0].sum()

    for a, b in ((0, 0), (0, 1), (2, 1)):
        step = np.zeros((3, 3))
        step[a, b] = h
        assert (strained(step) - strained(-step)) / (2 * h) == pytest.approx(virial[a, b], rel=1e-6, abs=1e-6)


def test_energy_is_invariant_under_improper_rotation_permutation_and_supercell(model):
    atoms = crystal(3)
    expected = energies(model, atoms).item()
    rotation = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    rotation *= -np.sign(np.linalg.det(rotation))  # a reflection is in it
    turned = Atoms(atoms.numbers, atoms.positions @ rotation.T, cell=atoms.cell.array @ rotation.T, pbc=True)
    assert energies(model, turned).item() == pytest.approx(expected, rel=1e-10)
    assert energies(model, atoms[::-1]).item() == pytest.approx(expected, rel=1e-10)
    assert energies(model, atoms.repeat((2, 1, 1))).item() == pytest.approx(2 * expected, rel=1e-10)


def test_a_polynomial_that_mixes_components_wrongly_is_caught(model):
    """The wrong twin: one coupling coefficient changed breaks the invariance that the test above holds."""
    lift, potential = model
    atoms = crystal(3)
    rotation = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    turned = Atoms(atoms.numbers, atoms.positions @ rotation.T, cell=atoms.cell.array @ rotation.T, pbc=True)
    space = potential.invariants
    broken = BodyOrdered(lift.blocks, space, EMBEDDING, potential.messages)
    broken.load_state_dict(potential.state_dict())
    angular = next(b for b, (factors, _) in enumerate(space.functions) if factors[0][2] == 2)
    broken.coefficient[int(np.flatnonzero(broken.function.numpy() == angular)[0])] *= 1.5
    a, b = energies((lift, broken), atoms).item(), energies((lift, broken), turned).item()
    assert abs(a - b) > 1e-8 * abs(a)


def test_bounded_for_any_state(model):
    """|U| does not grow when q does: it saturates, so exp(−H/kT) can be normalised with any κ > 0."""
    lift, potential = model
    rows, links = rows_of(lift, crystal())
    rng = torch.Generator().manual_seed(0)
    direction = {
        rank: torch.randn(part.shape, generator=rng, dtype=part.dtype) for rank, part in rows.items()
    }
    totals = [
        float(
            sum(
                part.sum() for part in potential({k: s * v for k, v in direction.items()}, links).values()
            ).abs()
        )
        for s in (1e6, 1e8)
    ]
    assert totals[1] == pytest.approx(totals[0], rel=1e-3)


def test_an_unknown_element_is_named():
    with pytest.raises(TenfmaError, match="B, N, and was given C"):
        indicate_elements(complex_of(bulk("C")), ELEMENTS)


def test_machine_code_refuses_an_element_it_was_not_made_for(model):
    diamond = bulk("C")
    pairs = pairs_of(diamond.positions, diamond.cell.array, diamond.pbc, CUTOFF)
    with pytest.raises(TenfmaError, match="knows B, N, and was given C"):
        machine(model).energy_forces(diamond.numbers, pairs)
