"""A crystal's mode in phase space: Q and P of states, and the area that symplectic steps keep."""

from types import SimpleNamespace

import numpy as np
import pytest

from tenfma.viz.learned_phase import AMU, ModePlane


@pytest.fixture
def plane():
    mass = np.array([28.0, 63.5])[:, None] * AMU * np.ones(3)
    pattern = np.random.default_rng(0).normal(size=(2, 3))
    H = SimpleNamespace(mass=mass)
    return ModePlane(H, np.random.default_rng(1).normal(size=(2, 3)), pattern / np.linalg.norm(pattern))


def test_states_and_coordinates_are_inverse(plane):
    q, p = plane.state(0.3, -0.02)
    assert np.allclose(plane.of(q, p), [0.3, -0.02])


def test_kinetic_energy_is_that_of_the_momentum(plane):
    _, p = plane.state(0.0, 0.05)
    assert (p**2 / (2 * plane.mass)).sum() == pytest.approx(AMU * 0.05**2 / 2)


def test_amplitude_moves_the_liveliest_atom_by_as_much(plane):
    q, _ = plane.state(plane.amplitude(0.1), 0.0)
    assert np.linalg.norm(q - plane.rest, axis=1).max() == pytest.approx(0.1)


def test_another_mode_is_not_seen(plane):
    draw = np.random.default_rng(2).normal(size=(2, 3))
    other = draw - (draw * plane.pattern).sum() * plane.pattern
    q = plane.rest + other / np.sqrt(plane.mass)
    assert np.allclose(plane.of(q, other * np.sqrt(plane.mass)), 0, atol=1e-12)
