"""Atoms side by side give what atoms one by one give, for any number and mixture of them."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from ase import Atoms

from tenfma.hamiltonian import kernels, lanes
from tenfma.hamiltonian.evaluator import Description, Evaluator, pairs_of, side_by_side
from tenfma.hamiltonian.invariants import Invariants
from tenfma.hamiltonian.messages import Messages

INVARIANTS = Invariants(radial=4, lmax=3, degrees=(6, 7, 7, 7), channels=3)
DESCRIPTION = Description(
    (14, 29, 42),
    INVARIANTS,
    np.array([[1.0, 0.3], [1.0, -0.7], [1.0, 0.0]]),
    4.0,
    Messages(((1, 1),)),
)


@pytest.fixture(scope="module")
def evaluator():
    rng = np.random.default_rng(0)
    return Evaluator(DESCRIPTION, rng.normal(size=(3, len(INVARIANTS))), rng.normal(size=3))


@pytest.mark.parametrize("atoms", [4, 8, 9, 21])
def test_lanes_agree_with_one_atom_at_a_time(evaluator, atoms):
    rng = np.random.default_rng(atoms)
    numbers = rng.choice([14, 29, 42], size=atoms)
    crystal = Atoms(numbers, rng.uniform(0, 7, size=(atoms, 3)), cell=[7, 7, 7], pbc=True)
    pairs = pairs_of(crystal.positions, crystal.cell.array, crystal.pbc, 4.0)
    found = evaluator.parts(numbers, pairs)
    kinds, t = DESCRIPTION.kinds(numbers), DESCRIPTION.tables(pairs)
    heard = DESCRIPTION.heard(atoms, pairs, t)
    alone, slopes, asked = kernels.energies_and_slopes(
        pairs.first, kinds, DESCRIPTION.seen(kinds, pairs, heard), 1, evaluator.offsets,
        t.unit, t.g, t.dg, t.y, t.dy, evaluator.places, evaluator.theta,
    )  # fmt: skip
    slopes += asked * heard.slope[:, :, 0]
    asked = asked * heard.words
    np.testing.assert_allclose(found.energies, alone, rtol=1e-11)
    np.testing.assert_allclose(found.direct, slopes, rtol=1e-9, atol=1e-9 * np.abs(slopes).max())
    np.testing.assert_allclose(found.asked, asked, rtol=1e-9, atol=1e-9 * np.abs(asked).max())
    assert np.ptp(alone) > 0.1


def test_every_atom_is_in_one_block_of_its_kind():
    kinds = np.random.default_rng(0).integers(0, 3, size=50)
    blocks = lanes.blocks_of(kinds)
    assert sorted(blocks[blocks >= 0]) == list(range(50))
    for row in blocks:
        assert len(set(kinds[row[row >= 0]])) == 1
        assert row[0] >= 0


def test_runs_of_shared_factors_cover_every_monomial_once(evaluator):
    places, starts = evaluator.places, evaluator.starts
    for nu, groups in zip((3, 4), evaluator.groups):
        assert groups[0] == starts[nu - 1] and groups[-1] == starts[nu]
        for begin, end in pairwise(groups):
            assert len(np.unique(places[begin:end, :2], axis=0)) == 1
        assert len(groups) - 1 == len(np.unique(places[groups[0] : groups[-1], :2], axis=0))
    assert lanes.groups_of(places, 3, 3).tolist() == [3]


def test_systems_side_by_side_do_not_see_each_other(evaluator):
    rng = np.random.default_rng(5)
    sizes = (5, 9)
    numbers = [rng.choice([14, 29, 42], size=size) for size in sizes]
    places = [rng.uniform(0, 7, size=(size, 3)) for size in sizes]
    pairs = [pairs_of(r, 7 * np.eye(3), np.ones(3, dtype=bool), 4.0) for r in places]
    energy, forces, virial = evaluator.energy_forces(np.concatenate(numbers), side_by_side(pairs))
    apart = [evaluator.energy_forces(z, found) for z, found in zip(numbers, pairs)]
    np.testing.assert_allclose(energy, np.concatenate([one[0] for one in apart]), rtol=1e-12)
    np.testing.assert_allclose(
        forces, np.concatenate([one[1] for one in apart]), atol=1e-11 * np.abs(forces).max()
    )
    np.testing.assert_allclose(virial, apart[0][2] + apart[1][2], atol=1e-9 * np.abs(virial).max())
    # a wrong twin: neighbours of the second system looked for in the first
    joined = side_by_side(pairs)
    wrong = replace(joined, neighbour=np.concatenate([part.neighbour for part in pairs]))
    assert np.abs(evaluator.energy_forces(np.concatenate(numbers), wrong)[1] - forces).max() > 1e-3
