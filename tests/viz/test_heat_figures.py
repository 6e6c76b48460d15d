"""Langevin samples against the exact density; the wrong noise must miss it."""

import numpy as np
import pytest

from tenfma.errors import TenfmaError
from tenfma.viz import heat

RUN = {"friction": 1.0, "dt": 0.1, "steps": 3000, "walkers": 200, "seed": 1, "method": "baoab"}


@pytest.fixture(scope="module")
def samples():
    H = heat.hamiltonian("double-well", 2.0)
    return heat.boltzmann(H, 0.5), heat.sample(H, 0.5, **RUN), heat.wrong_noise(H, 0.5, **RUN)


def test_right_noise_finds_boltzmann_and_wrong_noise_does_not(samples):
    exact, right, wrong = samples
    assert heat.distance(exact, right) < 0.04
    assert heat.distance(exact, wrong) > 0.12


def test_both_temperatures_agree_and_the_wrong_one_is_t_over_m(samples):
    _, right, wrong = samples
    for seen in (right.kinetic, right.configurational):
        assert abs(seen.value - 0.5) < 4 * seen.error + 0.005
    assert abs(wrong.kinetic.value - 0.25) < 4 * wrong.kinetic.error + 0.003
    assert not heat.agrees(wrong.kinetic, 0.5)


def test_exact_density_of_the_oscillator_is_gaussian():
    exact = heat.boltzmann(heat.hamiltonian("harmonic", 1.0), 0.7)
    np.testing.assert_allclose(exact.density, np.exp(-(exact.q**2) / 1.4) / np.sqrt(1.4 * np.pi), rtol=1e-6)


def test_histogram_integrates_to_one(samples):
    exact, right, _ = samples
    edges = heat.edges_for(exact, [right])
    density, error = heat.histogram(right, edges)
    assert np.sum(density * np.diff(edges)) == pytest.approx(1, abs=2e-3)
    assert (error >= 0).all()


@pytest.mark.parametrize("potential", ["-q**2", "q", "q**2*0"])
def test_potential_without_a_boltzmann_distribution_is_refused(potential):
    with pytest.raises(TenfmaError):
        heat.boltzmann(heat.hamiltonian(potential, 1.0), 0.5)


def test_potential_of_two_coordinates_is_refused():
    with pytest.raises(TenfmaError):
        heat.hamiltonian("x**2 + y**2", 1.0)
