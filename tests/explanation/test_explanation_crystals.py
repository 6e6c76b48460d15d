"""Parts, flows, tensions and couplings of crystals: every identity, with a wrong twin that must break it."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from ase.build import bulk, molecule
from ase.calculators.emt import EMT

import tenfma
from tenfma.crystal.complex import SimplicialComplex
from tenfma.embedding.forces_model import BodyOrder
from tenfma.explanation import explain
from tenfma.explanation.couplings import between_kinds
from tenfma.explanation.crystals import simplices_parts
from tenfma.explanation.flow import flow_along, run_flow
from tenfma.hamiltonian.evaluator import Description
from tenfma.hamiltonian.invariants import Invariants
from tenfma.hamiltonian.messages import Messages
from tenfma.training.forces import force_model

CASES = (
    "force model",
    "force model with messages",
    "network, atoms",
    "network, simplices",
    "calculator",
    "calculator, no energies per atom",
)


class Total(EMT):
    """A calculator that tells the total only."""

    implemented_properties = ("energy", "free_energy", "forces")


def rattled(name="Si", size=1, seed=0):
    crystal = (
        bulk("Si", "diamond", a=5.47, cubic=True) if name == "Si" else bulk("Cu", cubic=True) * (2, 1, 1)
    )
    crystal = crystal * (size, size, size)
    crystal.rattle(0.08, seed=seed)
    return crystal


def telling():
    """A force model of random weights whose atoms pass messages."""
    space = Invariants(radial=4, lmax=3, degrees=(6, 7, 7, 7), channels=3, degree_channel=1.0)
    description = Description((14,), space, np.ones((1, 1)), 4.0, Messages(((0, 1), (1, 2))))
    weights = np.random.default_rng(0).normal(size=(1, len(space)))
    assert any(c > 0 for factors, _ in space.functions for c, _, _ in factors)
    return force_model(BodyOrder(description), weights, np.array([-4.0]), "telling")


@cache
def explained(case):
    if case == "force model":
        return explain(tenfma.load("Si"), rattled(), p0="thermal", kT=0.05)
    if case == "force model with messages":
        return explain(telling(), rattled(), p0="thermal", kT=0.05)
    if case.startswith("network"):
        crystal = bulk("NaCl", "rocksalt", a=5.6)
        crystal.rattle(0.1, seed=1)
        return explain(tenfma.load(), crystal, chart=case.split(", ")[1], p0="thermal", kT=0.05)
    calculator = EMT() if case == "calculator" else Total()
    return explain(calculator, rattled("Cu"), kT=0.05)


def rate_of_change(e, h=1e-3):
    """dE_i/dt along Hamilton's equations, by central differences of the parts: knows no bracket."""
    v, force = (np.asarray(x) for x in (e.H.dp(e.q, e.p), -e.H.dq(e.q, e.p)))
    up, down = (e.parted.energies(e.q + s * v, e.p + s * force) for s in (h, -h))
    return (up - down) / (2 * h)


@pytest.mark.parametrize("case", CASES)
def test_parts_add_up_to_H(case):
    e = explained(case)
    assert e.parts.defect < 1e-9
    assert e.parts.energy.sum() == pytest.approx(float(np.sum(e.H(e.q, e.p))), rel=1e-6)
    assert len(e.gauge) > 20


@pytest.mark.parametrize("case", CASES)
def test_flows_are_antisymmetric_and_add_up_to_the_change_of_every_part(case):
    e = explained(case)
    J = e.parted.currents(e.q, e.p)
    assert np.array_equal(J, -J.T)
    scale = np.abs(J).sum(1).max()
    assert scale > 1e-6
    # EMT's own cutoff has a kink; the rest is smooth
    assert np.abs(J.sum(1) - rate_of_change(e)).max() < 1e-6 * max(scale, 1.0)


@pytest.mark.parametrize("case", CASES)
def test_a_flow_with_the_wrong_sign_or_half_missing_does_not_balance(case):
    e = explained(case)
    M = e.parted.transfer(e.q, e.p)
    rate = rate_of_change(e)
    for wrong in (M + M.T, M.T - M, M):
        assert np.abs(wrong.sum(1) - rate).max() > 1e-4 * np.abs(rate).max()


def test_simplices_are_parts_too_and_atoms_are_their_shares():
    e = explained("network, simplices")
    H, K = e.H, e.subject.complex
    single = simplices_parts(H, K, by="simplices")
    assert len(single.labels) == K.n_atoms + K.n_edges + K.n_triangles
    J = single.currents(e.q, e.p)
    assert np.array_equal(J, -J.T)
    share = np.zeros((K.n_atoms, len(single.labels)))
    share[:, : K.n_atoms] = np.eye(K.n_atoms)
    for b, ends in enumerate(K.edges.tolist()):
        for i in ends:
            share[i, K.n_atoms + b] += 1 / 2
    for f, corners in enumerate(K.triangles.tolist()):
        for i in corners:
            share[i, K.n_atoms + K.n_edges + f] += 1 / 3
    assert share @ J @ share.T == pytest.approx(e.parted.currents(e.q, e.p), abs=1e-12)


@pytest.mark.parametrize("case", ["force model", "force model with messages", "network, atoms"])
def test_tensions_and_torques_add_up_to_the_forces(case):
    e = explained(case)
    tensions, forces = e.sensitivities.tensions, e.sensitivities.forces
    assert np.abs(tensions.forces(len(forces)) - forces).max() < 1e-6
    assert np.abs(tensions.remainder).max() < 1e-6
    alone = np.zeros_like(forces)  # the wrong twin: tensions without torques
    pull = tensions.tension[:, None] * tensions.vectors / np.linalg.norm(tensions.vectors, axis=1)[:, None]
    np.add.at(alone, tensions.ends[:, 0], pull)
    np.add.at(alone, tensions.ends[:, 1], -pull)
    assert np.abs(alone - forces).max() > 1e-4 * np.abs(forces).max()


@pytest.mark.parametrize("name", ["quartz", "perovskite", "A9"])
def test_low_symmetry_and_layers_are_resolved_too(name):
    crystal = tenfma.read(f"prototype:{name}").copy()
    crystal.perturb(0.08, seed=3)
    e = explain(tenfma.load(), crystal, chart="atoms")
    assert np.abs(e.sensitivities.tensions.forces(len(crystal)) - e.sensitivities.forces).max() < 1e-6


def test_what_angles_cannot_tell_of_a_molecule_is_one_twist():
    atoms = molecule("CH3CH2OH")
    atoms.rattle(0.05, seed=2)
    e = explain(tenfma.load(), atoms, chart="atoms")
    tensions, forces = e.sensitivities.tensions, e.sensitivities.forces
    assert np.abs(tensions.forces(len(atoms), remainder=True) - forces).max() < 1e-9
    i, j = tensions.ends.T
    twist = np.cross(e.q[i], e.q[j]) / (tensions.vectors**2).sum(1)[:, None]
    # the remainder, each bond's scaled as the angles' least squares scales it, lies along the twist δr_ij ∝ r_i × r_j
    assert np.abs(tensions.remainder).max() > 1e-5
    assert (tensions.remainder * tensions.vectors).sum(1) == pytest.approx(0.0, abs=1e-12)
    assert np.sign((tensions.remainder * twist).sum(1)).std() < 0.1
    check = next(check for check in e.verify().checks if check.name.startswith("tensions"))
    assert check.verdict == "shown" and "twist" in check.note


def test_a_tension_is_the_derivative_along_one_bond_with_the_others_held():
    e = explained("network, atoms")
    from tenfma.explanation.sensitivities import _Loose

    H, bonds = e.H, e.sensitivities.bonds
    K = H.complex(torch.as_tensor(e.q))
    fields = {name: getattr(K, name) for name in SimplicialComplex.__dataclass_fields__}
    near = np.flatnonzero(K.edge_weights().numpy() > 0)

    def stretched(bond, h):
        offset = torch.zeros(K.n_edges, 3, dtype=torch.float64)
        offset[near[bond]] = h * torch.as_tensor(bonds.vectors[bond] / bonds.lengths[bond])
        with torch.no_grad():
            return sum(float(part.sum()) for part in H._cells(_Loose(**fields, offset=offset)).values())

    for bond in (0, 5, 11):
        slope = (stretched(bond, 1e-4) - stretched(bond, -1e-4)) / 2e-4
        assert bonds.tension[bond] == pytest.approx(slope, abs=1e-8)


def test_both_ways_of_reading_a_force_model_give_the_same_bond_tensions():
    from tenfma.explanation.sensitivities import of_network, of_sites

    e = explained("force model")
    sites, bonds = (find(x, e.q)[1] for find, x in ((of_sites, e.parted), (of_network, e.H)))

    def sorted_by_bond(found):
        keys = np.concatenate([found.ends, np.round(found.vectors, 6)], axis=1)
        turned = np.concatenate([found.ends[:, ::-1], np.round(-found.vectors, 6)], axis=1)
        rows = [min(tuple(a), tuple(b)) for a, b in zip(keys, turned)]
        return found.tension[sorted(range(len(rows)), key=rows.__getitem__)]

    assert len(sites.tension) == len(bonds.tension)
    assert sorted_by_bond(sites) == pytest.approx(sorted_by_bond(bonds), abs=1e-9)


@pytest.mark.parametrize("case", ["force model", "force model with messages", "network, atoms", "calculator"])
def test_couplings_are_symmetric_equal_differences_and_obey_the_sum_rule(case):
    e = explained(case)
    couplings = e.couplings()
    blocks = couplings.matrix()
    assert couplings.asymmetry < 1e-6
    assert couplings.sum_rule < 1e-6
    largest = np.abs(blocks).max()
    for atom, axis in ((0, 0), (1, 2)):
        v = np.zeros_like(e.q)
        v[atom, axis] = 1.0
        second_order = (np.asarray(e.H.dq(e.q + 3e-4 * v)) - np.asarray(e.H.dq(e.q - 3e-4 * v))) / 6e-4
        assert np.abs(blocks[:, atom, :, axis] - second_order).max() < 1e-5 * largest
        wrong = blocks[:, atom, :, (axis + 1) % 3]
        assert np.abs(wrong - second_order).max() > 1e-2 * largest


def test_couplings_gather_by_kinds_of_atoms():
    e = explained("network, atoms")
    found = between_kinds(e.couplings(), e.kinds())
    assert list(found["pair"]) == ["Cl–Na"] and found["pairs"].iloc[0] == 1
    block = np.linalg.norm(e.couplings().matrix()[0, 1])
    assert found["strength"].iloc[0] == pytest.approx(block) == found["strongest"].iloc[0]


def test_an_atoms_hamiltonian_by_itself_is_explained_too():
    e = explained("force model")
    alone = explain(e.H, e.q, e.p)
    assert alone.parts.energy == pytest.approx(e.parts.energy)
    assert alone.sensitivities.bonds.tension == pytest.approx(e.sensitivities.bonds.tension)
    assert alone.modes().frequencies == pytest.approx(e.modes().frequencies)


def test_atoms_with_a_calculator_are_explained_as_the_hamiltonian_they_are():
    atoms = rattled("Cu")
    atoms.calc = EMT()
    e = explain(*tenfma.from_ase(atoms))
    assert e.labels[-1] == "potential energy"
    assert e.parts.defect < 1e-9
    assert e.verify().green, str(e.verify())
    assert np.abs(e.modes().frequencies[:3]).max() < 0.05
    assert explained("calculator").modes().frequencies == pytest.approx(e.modes().frequencies, abs=1e-3)


def test_tables_of_bonds_and_angles_say_who_and_how_strong():
    e = explained("force model")
    bonds, angles = e.sensitivities.bond_table(), e.sensitivities.angle_table(most=5)
    assert len(bonds) == len(e.sensitivities.bonds.tension) and len(angles) == 5
    assert bonds["tension"].abs().is_monotonic_decreasing
    assert angles["torque"].abs().iloc[0] == pytest.approx(np.abs(e.sensitivities.tensions.torque).max())


def test_couplings_by_machine_code_agree_with_automatic_differentiation():
    from tenfma.explanation.couplings import twice_differentiated

    e = explained("force model")
    v = np.zeros_like(e.q)
    v[3, 1] = 1.0
    exact = twice_differentiated(e.H, e.q)(v)
    assert np.abs(e.couplings(of=3)[:, :, 1] - exact).max() < 1e-7 * np.abs(exact).max()


def test_couplings_of_simplices_are_symmetric_and_the_probes_estimate_them():
    crystal = bulk("Cu", "fcc", a=3.6)
    model = tenfma.load()
    model = type(model).untrained(0, cutoff=2.8, triangle_cutoff=2.0)
    e = explain(model, crystal, chart="simplices")
    couplings = e.couplings()
    whole = couplings.strengths()
    assert whole == pytest.approx(whole.T, abs=1e-12 * whole.max())
    groups = couplings.between_groups(probes=24, seed=0)
    kinds = np.array(couplings.groups)
    for _, row in groups.iterrows():
        exact = np.sqrt((whole[np.ix_(kinds == row["to"], kinds == row["of"])] ** 2).sum())
        assert row["strength"] == pytest.approx(exact, abs=5 * row["error"] + 1e-12)


@pytest.mark.parametrize("case", ["force model", "force model with messages", "network, atoms"])
def test_vectors_and_tensors_turn_with_the_crystal(case):
    e = explained(case)
    rng = np.random.default_rng(5)
    Q, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    Q = -Q * np.sign(np.linalg.det(Q))  # improper: det = −1
    crystal = e.subject.structure.copy()
    crystal.set_cell(crystal.cell.array @ Q.T)
    crystal.positions = e.q @ Q.T
    turned = explain(e.subject.model, crystal, chart="atoms")
    turned.subject.p[:] = e.p @ Q.T
    assert np.abs(turned.sensitivities.forces - e.sensitivities.forces @ Q.T).max() < 1e-9
    blocks, others = e.couplings().matrix(), turned.couplings().matrix()
    largest = np.abs(blocks).max()
    assert np.abs(others - np.einsum("ax,ijxy,by->ijab", Q, blocks, Q)).max() < 1e-6 * largest
    assert np.abs(others - blocks).max() > 1e-2 * largest
    assert turned.parted.currents(turned.q, turned.p) == pytest.approx(e.parted.currents(e.q, e.p), abs=1e-10)
    mine, theirs = (x.sensitivities.tensions for x in (e, turned))
    assert np.sort(theirs.tension) == pytest.approx(np.sort(mine.tension), abs=1e-8)
    assert np.sort(theirs.torque) == pytest.approx(np.sort(mine.torque), abs=1e-6)


@pytest.mark.parametrize("case", ["force model", "force model with messages", "network, atoms"])
def test_patterns_of_modes_and_slopes_of_vector_features_turn_with_the_crystal(case):
    e = explained(case)
    Q = np.linalg.qr(np.random.default_rng(7).normal(size=(3, 3)))[0]
    Q = -Q * np.sign(np.linalg.det(Q))
    crystal = e.subject.structure.copy()
    crystal.set_cell(crystal.cell.array @ Q.T)
    crystal.positions = e.q @ Q.T
    turned = explain(e.subject.model, crystal, chart="atoms")
    mine, theirs = e.modes(), turned.modes()
    assert theirs.frequencies[3:] == pytest.approx(mine.frequencies[3:], rel=1e-5, abs=1e-6)
    apart = (
        np.abs(np.subtract.outer(mine.frequencies, mine.frequencies)) + np.eye(len(mine.frequencies)) > 0.05
    )
    single = np.flatnonzero(apart.all(axis=1) & (np.abs(mine.frequencies) > 0.1))
    assert len(single) > 0
    for mode in single:
        overlap = ((mine.patterns[mode] @ Q.T) * theirs.patterns[mode]).sum()
        assert abs(overlap) == pytest.approx(1.0, abs=1e-5)
    features, others = e.sensitivities.features, turned.sensitivities.features
    where = [features.names["bonds"].index(f"harmonic_1{axis}") for axis in ("_x", "_y", "_z")]
    vectors, moved = (found.slopes["bonds"][:, where] for found in (features, others))
    scale = np.abs(vectors).max()
    assert scale > 0
    assert np.abs(moved - vectors @ Q.T).max() < 1e-9 * max(1.0, scale)
    assert np.abs(moved - vectors).max() > 0.1 * scale


def test_flow_balances_along_the_trajectory_to_the_error_of_integration():
    e = explained("force model")
    error = []
    for dt, steps in ((1.0, 40), (0.5, 80)):
        flow = flow_along(e.parted, run_flow(e.parted, e.q, e.p, dt=dt, steps=steps))
        error.append(np.abs(flow.balance).max())
        exchanged = np.abs(flow.energies - flow.energies[0]).max()
        assert error[-1] < 0.01 * exchanged
        assert flow.antisymmetry == 0.0
    # leapfrog is of second order, and so is what it leaves of the balance
    assert 3.0 < error[0] / error[1] < 5.5


def test_the_bath_joins_the_balance_under_langevin_dynamics():
    e = explained("force model")
    error, short = [], []
    for dt, steps in ((0.5, 40), (0.125, 160)):
        flow = e.flow(dt=dt, steps=steps, save_every=1, method="baoab", kT=0.05, friction=0.02, seed=3)
        assert flow.heat.shape == (steps + 1, len(e.labels))
        assert flow.heat.sum(1) == pytest.approx(np.asarray(flow.path.heat).sum(1))
        error.append(np.abs(flow.balance).max())
        short.append(np.abs(flow.balance + flow.heat).max())
    assert error[1] < 0.5 * error[0]  # vanishes with the step
    assert error[1] < 0.1 * short[1]  # without the bath's heat it does not balance


@pytest.mark.parametrize("case", ["force model", "network, atoms", "network, simplices"])
@pytest.mark.parametrize("rank", ["atoms", "bonds"])
def test_slopes_of_named_features_are_what_changing_the_feature_does(case, rank):
    e = explained(case)
    model, K = e.subject.model, e.subject.complex
    features = e.sensitivities.features
    tables = dict(model.features(K).for_potential())
    H, _, _ = model.start(model.features(K))

    def energy(values, weights):
        table = replace(tables[rank], values=values, weights=weights)
        q = H.layout.join(model.lift({**tables, rank: table}))
        return sum(float(part.sum()) for part in H.learned_parts(q).values())

    values, weights = tables[rank].values, tables[rank].weights
    strongest = np.argsort(-np.abs(features.slopes[rank]).max(0))[:3]
    for column in strongest:
        simplex = int(np.abs(features.slopes[rank][:, column]).argmax())
        h = 1e-4 * features.scales[rank][column]
        changed = [values.clone(), values.clone()]
        for table, step in zip(changed, (h, -h)):
            table[simplex, column] += step
        slope = (energy(changed[0], weights) - energy(changed[1], weights)) / (2 * h)
        assert features.slopes[rank][simplex, column] == pytest.approx(slope, rel=1e-5, abs=1e-9)
    heavier = [weights.clone(), weights.clone()]
    for table, step in zip(heavier, (1e-5, -1e-5)):
        table[0] += step
    slope = (energy(values, heavier[0]) - energy(values, heavier[1])) / 2e-5
    assert features.by_weight[rank][0] == pytest.approx(slope, rel=1e-4, abs=1e-8)
    assert all(unit.startswith("eV") for unit in features.frame()["unit"])
