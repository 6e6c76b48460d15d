"""Atoms side by side give what atoms one by one give, for any number and mixture of them."""

import numpy as np
import pytest
from ase import Atoms

from tenfma.hamiltonian import kernels, lanes
from tenfma.hamiltonian.evaluator import Description, Evaluator, pairs_of
from tenfma.hamiltonian.invariants import Invariants

INVARIANTS = Invariants(radial=4, lmax=3, degrees=(6, 7, 7, 7), channels=2)
DESCRIPTION = Description((14, 29, 42), INVARIANTS, np.array([[1.0, 0.3], [1.0, -0.7], [1.0, 0.0]]), 4.0)


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
    energy, slope = evaluator.slopes(numbers, pairs)
    alone, slopes = kernels.energies_and_slopes(
        pairs.first, pairs.neighbour, DESCRIPTION.kinds(numbers), DESCRIPTION.embedding, evaluator.offsets,
        *DESCRIPTION.tables(pairs), evaluator.places, evaluator.theta,
    )  # fmt: skip
    np.testing.assert_allclose(energy, alone, rtol=1e-11)
    np.testing.assert_allclose(slope, slopes, rtol=1e-9, atol=1e-9 * np.abs(slopes).max())
    assert np.ptp(alone) > 0.1


def test_every_atom_is_in_one_block_of_its_kind():
    kinds = np.random.default_rng(0).integers(0, 3, size=50)
    blocks = lanes.blocks_of(kinds)
    assert sorted(blocks[blocks >= 0]) == list(range(50))
    for row in blocks:
        assert len(set(kinds[row[row >= 0]])) == 1
        assert row[0] >= 0
