"""Shadow energies: coefficients from the word, drift of higher order, and the bath's account."""

import numpy as np
import pytest
import torch

from tenfma.dynamics.integrate import integrate
from tenfma.dynamics.methods import METHODS
from tenfma.dynamics.shadow import bath_account, leapfrog_coefficients, shadow_energy, shadow_terms
from tenfma.errors import PairingError, TenfmaError
from tenfma.hamiltonian.functional import TorchHamiltonian
from tenfma.hamiltonian.symbolic import symbolic

HENON_HEILES = "(px**2 + py**2)/2 + (x**2 + y**2)/2 + x**2*y - y**3/3"
CURVED = "sqrt(1 + px**2) + py**4/4 + py**2/2 + (x**2 + y**2)/2 + x**2*y"
START = np.array([0.1, 0.0]), np.array([0.0, 0.4])


def spreads(H, method, shadow, steps=(0.1, 0.05, 0.025)) -> np.ndarray:
    """Range of H̃ (or H) along runs of one length at several steps."""
    result = []
    for h in steps:
        path = integrate(H, *START, dt=h, steps=round(20 / h), method=method)
        values = shadow_energy(H, method, dt=h)(path.q, path.p) if shadow else path.energy
        result.append(np.ptp(values))
    return np.array(result)


def slope(values: np.ndarray) -> float:
    return float(np.log2(values[-2] / values[-1]))


@pytest.mark.parametrize(
    "formula, method, plain, modified",
    [
        (HENON_HEILES, "leapfrog", 2, 4),
        (HENON_HEILES, "leapfrog_position", 2, 4),
        (HENON_HEILES, "symplectic_euler", 1, 3),
        (CURVED, "leapfrog", 2, 4),
    ],
)
def test_shadow_energy_drifts_two_orders_less(formula, method, plain, modified):
    H = symbolic(formula)
    assert slope(spreads(H, method, shadow=False)) == pytest.approx(plain, abs=0.1)
    assert slope(spreads(H, method, shadow=True)) == pytest.approx(modified, abs=0.1)


def test_swapped_coefficients_gain_nothing():
    H = symbolic(HENON_HEILES)
    result = []
    for h in (0.1, 0.05):
        path = integrate(H, *START, dt=h, steps=round(20 / h))
        result.append(np.ptp(shadow_energy(H, "leapfrog_position", dt=h)(path.q, path.p)))  # the wrong twin
    assert np.log2(result[0] / result[1]) < 2.2


def test_coefficients():
    assert [str(x) for x in leapfrog_coefficients()] == ["1/12", "-1/24"]
    for name in ("yoshida4", "suzuki4", "yoshida6", "kahan_li8"):
        terms = shadow_terms(METHODS[name].word)
        np.testing.assert_allclose([terms.first, terms.a, terms.b], 0, atol=1e-15)
        np.testing.assert_allclose([terms.drift, terms.kick], 1)


def test_harmonic_shadow_energy_of_leapfrog_is_quadratic_and_known():
    H, h = symbolic("p**2/2 + q**2/2"), 0.3
    q, p = np.random.default_rng(0).normal(size=(2, 7, 1))
    known = (p**2 / 2 * (1 + h**2 / 6) + q**2 / 2 * (1 - h**2 / 12))[:, 0]
    np.testing.assert_allclose(shadow_energy(H, dt=h)(q, p), known, rtol=1e-13)


def test_torch_and_formula_agree():
    formula = symbolic("(p1**2 + p2**2)/4 + q1**4 + q1*q2")
    H = TorchHamiltonian(potential=lambda q: q[..., 0] ** 4 + q[..., 0] * q[..., 1], mass=2.0, event_shape=2)
    q, p = np.random.default_rng(1).normal(size=(2, 5, 2))
    expected = shadow_energy(formula, dt=0.2)(q, p)
    np.testing.assert_allclose(shadow_energy(H, dt=0.2)(q, p), expected, rtol=1e-12)
    value = shadow_energy(H, dt=0.2)(torch.from_numpy(q).requires_grad_(), torch.from_numpy(p))
    assert value.requires_grad
    np.testing.assert_allclose(value.detach(), expected, rtol=1e-12)


def test_first_law_along_a_langevin_path():
    H = symbolic("p**2/2 + q**4/4")
    q, p = np.zeros((8, 1)), np.ones((8, 1))
    path = integrate(H, q, p, dt=0.2, steps=2_000, method="baoab", kT=1.0, friction=1.0, seed=0)
    account = bath_account(path)
    assert account.imbalance < 1e-10
    assert account.work_rate.agrees(-account.heat_rate.value, sigmas=5)  # stationary: what comes in goes out


@pytest.mark.parametrize(
    "formula, method, error",
    [
        ("p**2/2 + q**2", "implicit_midpoint", PairingError),
        ("p**2/2 + q**2", "baoab", PairingError),
        ("p**2*q**2 + q**2", "leapfrog", PairingError),
        ("p**2/2 + q**2*cos(t)", "leapfrog", TenfmaError),
    ],
)
def test_wrong_pairings_are_refused(formula, method, error):
    with pytest.raises(error):
        shadow_energy(symbolic(formula), method, dt=0.1)


def test_deterministic_paths_have_no_account():
    path = integrate(symbolic("p**2/2 + q**2"), np.ones(1), np.ones(1), dt=0.1, steps=10)
    with pytest.raises(TenfmaError, match="keeps no account"):
        bath_account(path)
