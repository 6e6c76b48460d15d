"""Messages: an atom feels what its neighbours see, up to two cutoffs away, smoothly, and nothing beyond."""

import numpy as np
import pytest
from ase.build import bulk

from tenfma.explanation.couplings import site_row
from tenfma.hamiltonian.evaluator import Description, Evaluator, pairs_of
from tenfma.hamiltonian.invariants import Invariants
from tenfma.hamiltonian.messages import SILENT, Messages

CUTOFF = 4.0
TOLD = Messages(((0, 0), (0, 1), (1, 2)))


def potential(messages=TOLD, seed=0):
    channels = 1 + len(messages)
    space = Invariants(radial=4, lmax=3, degrees=(6, 7, 7, 7), channels=channels, degree_channel=1.0)
    rng = np.random.default_rng(seed)
    description = Description((14,), space, np.ones((1, 1)), CUTOFF, messages)
    return Evaluator(description, rng.normal(size=(1, len(space))), np.array([-2.0]))


def evaluated(evaluator, places, cell=None):
    cell = np.zeros((3, 3)) if cell is None else cell
    pairs = pairs_of(places, cell, np.full(3, bool(cell.any())), CUTOFF)
    return evaluator.energy_forces(np.full(len(places), 14), pairs)


def chain(*x):
    """Atoms on a line, bent a little so that no harmonic vanishes."""
    return np.stack([np.array(x), 0.3 * np.sin(x), 0.2 * np.cos(x)], axis=1)


def test_an_atom_feels_two_cutoffs_away_and_no_further():
    third, further = (
        chain(0.0, 2.5, 5.0),
        chain(0.0, 2.5, 5.3),
    )  # the third atom is beyond the first's cutoff of 4 Å
    told, silent = (
        abs(evaluated(e, third)[0][0] - evaluated(e, further)[0][0]) for e in (potential(), potential(SILENT))
    )
    assert told > 1e-3 and silent == 0.0
    # the fourth is seen by the third alone, whom the first does not see
    near, far = chain(0.0, 2.5, 5.0, 7.6), chain(0.0, 2.5, 5.0, 8.1)
    first = [evaluated(potential(), places)[0][0] for places in (near, far)]
    assert first[0] == pytest.approx(first[1], abs=1e-13)


def test_forces_are_derivatives_of_the_energy():
    crystal = bulk("Si", "diamond", a=5.4, cubic=True)
    crystal.rattle(0.15, seed=1)
    told, cell, h = potential(), crystal.cell.array, 1e-5
    forces = evaluated(told, crystal.positions, cell)[1]
    for atom, axis in ((0, 0), (3, 2), (7, 1)):
        step = np.zeros_like(crystal.positions)
        step[atom, axis] = h
        up, down = (evaluated(told, crystal.positions + s * step, cell)[0].sum() for s in (1, -1))
        assert forces[atom, axis] == pytest.approx(-(up - down) / (2 * h), rel=1e-6, abs=1e-6)


def test_far_apart_pieces_add_up_and_an_isolated_atom_has_its_reference_energy():
    told = potential()
    first, second = chain(0.0, 2.4, 5.1), chain(0.0, 2.9, 4.7, 8.0)
    together = np.concatenate([first, second + np.array([0, 60.0, 0])])
    apart = [evaluated(told, part)[0].sum() for part in (first, second)]
    assert evaluated(told, together)[0].sum() == pytest.approx(sum(apart), rel=1e-12)
    assert evaluated(told, np.zeros((1, 3)))[0][0] == -2.0


def test_nothing_jumps_when_a_neighbours_neighbour_crosses_the_cutoff():
    """Energy, its slope and its curvature are continuous where the third atom leaves the second's sight."""
    told = potential()
    second = np.array([2.5, 0.4, 0.0])
    way = np.array([0.8, -0.5, 0.33])
    way /= np.linalg.norm(way)

    def energy(r):
        return evaluated(told, np.stack([np.zeros(3), second, second + r * way]))[0].sum()

    def derivatives(r, h=5e-3):
        e = [energy(r + k * h) for k in (-1, 0, 1)]
        return np.array([e[1], (e[2] - e[0]) / (2 * h), (e[2] - 2 * e[1] + e[0]) / h**2])

    beyond = derivatives(CUTOFF + 0.05)
    at = [np.abs(derivatives(CUTOFF - d) - beyond).max() for d in (0.4, 0.2, 0.1)]
    assert at[0] > 4 * at[1] > 16 * at[2] > 0  # vanishes faster than the square of the distance


def test_a_row_of_couplings_is_that_of_the_whole_crystal():
    """Only a cluster around the moved atom is evaluated; differences of all forces say the same."""
    crystal = bulk("Si", "diamond", a=5.4, cubic=True).repeat((4, 1, 1))
    crystal.rattle(0.1, seed=2)
    told, cell, h, atom = potential(), crystal.cell.array, 1e-4, 0
    pairs = pairs_of(crystal.positions, cell, crystal.pbc.copy(), CUTOFF)
    near, blocks = site_row(told, crystal.numbers, pairs, atom)
    whole = np.zeros((len(crystal), 3, 3))
    whole[near] = blocks
    for axis in range(3):
        step = np.zeros_like(crystal.positions)
        step[atom, axis] = h
        up, down = (evaluated(told, crystal.positions + s * step, cell)[1] for s in (1, -1))
        expected = -(up - down) / (2 * h)
        np.testing.assert_allclose(whole[:, :, axis], expected, atol=1e-5 * np.abs(expected).max())


def test_a_message_without_its_rate_is_no_derivative():
    """The wrong twin: slopes that forget how what atoms tell changes are not those of the energy."""
    told = potential()
    places = chain(0.0, 2.4, 5.1, 7.3)
    pairs = pairs_of(places, np.zeros((3, 3)), np.zeros(3, bool), CUTOFF)
    parts = told.parts(np.full(4, 14), pairs)
    assert np.abs(parts.total(pairs) - parts.direct).max() > 1e-3 * np.abs(parts.direct).max()
