"""Tangent dynamics is exact, and the indicators tell order from chaos where both are known."""

import numpy as np
import pytest
import torch

from tenfma.dynamics.certificates.geometry import jvp
from tenfma.dynamics.chaos import TangentHamiltonian, indicators, lyapunov, tangent
from tenfma.dynamics.integrate import integrate
from tenfma.dynamics.run import one_step
from tenfma.errors import TenfmaError
from tenfma.hamiltonian.functional import TorchHamiltonian
from tenfma.hamiltonian.protocol import Capability
from tenfma.hamiltonian.symbolic import symbolic

HENON_HEILES = "(px**2 + py**2)/2 + (x**2 + y**2)/2 + x**2*y - y**3/3"


def on_section(energy: float, *heights: float) -> tuple[np.ndarray, np.ndarray]:
    """Hénon–Heiles starts x = 0, py = 0, y = height, at one energy."""
    y = np.array(heights)
    px = np.sqrt(2 * energy - y**2 + 2 * y**3 / 3)
    return np.stack([0 * y, y], -1), np.stack([px, 0 * y], -1)


@pytest.mark.parametrize("method", ["leapfrog", "yoshida4", "symplectic_euler", "rk4"])
@pytest.mark.parametrize("formula", [HENON_HEILES, "sqrt(1 + px**2) + py**4 + x**2*y**2"])
def test_tangent_step_is_the_jacobian_of_the_step(method, formula):
    H = symbolic(formula)
    q, p, dq, dp = torch.randn(4, 3, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))

    def step(q, p):
        state = one_step(H, q, p, dt=0.1, method=method)
        return state.q, state.p

    u, v = jvp(step, q, p, dq, dp)
    path = integrate(
        tangent(H), torch.cat([q, dq], -1), torch.cat([dp, p], -1), dt=0.1, steps=1, method=method
    )
    torch.testing.assert_close(path.q[-1][:, 2:], u, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(path.p[-1][:, :2], v, rtol=1e-12, atol=1e-12)
    half = integrate(H, q, p, dt=0.05, steps=1, method=method)  # the wrong twin: another step's Jacobian
    assert (half.q[-1] - path.q[-1][:, :2]).abs().max() > 1e-3


def test_tangent_of_a_separable_H_separates():
    assert tangent(symbolic(HENON_HEILES)).capability == Capability.SEPARABLE
    assert tangent(symbolic("p**2*(1 + q**2)/2")).capability == Capability.GENERAL


def test_torch_tangent_agrees_with_the_formula_and_is_a_hamiltonian():
    formula = symbolic(HENON_HEILES)
    H = TorchHamiltonian(
        potential=lambda q: (q**2).sum(-1) / 2 + q[..., 0] ** 2 * q[..., 1] - q[..., 1] ** 3 / 3,
        event_shape=2,
    )
    K, exact = tangent(H), tangent(formula)
    assert isinstance(K, TangentHamiltonian)
    q, p = np.random.default_rng(0).normal(size=(2, 5, 4))
    for name in ("__call__", "dq", "dp"):
        np.testing.assert_allclose(getattr(K, name)(q, p), getattr(exact, name)(q, p), rtol=1e-12, atol=1e-12)


def test_lyapunov_exponent_of_the_inverted_oscillator_is_its_rate():
    H = symbolic("p**2/2 - q**2/2")
    found = lyapunov(H, np.array([1e-9]), np.array([0.0]), dt=0.01, steps=3_000)
    growth = np.log(1 + 0.01**2 / 2 + np.sqrt((1 + 0.01**2 / 2) ** 2 - 1)) / 0.01  # of leapfrog's own matrix
    late = (found.running[-1] * found.t[-1] - found.running[9] * found.t[9]) / (found.t[-1] - found.t[9])
    assert late == pytest.approx(growth, rel=1e-8)


def test_harmonic_motion_has_no_exponent():
    found = lyapunov(symbolic("p**2/2 + q**2/2"), np.array([1.0]), np.array([0.0]), dt=0.1, steps=20_000)
    assert abs(found.exponent) < 1e-3


def test_order_and_chaos_in_henon_heiles():
    H = symbolic(HENON_HEILES)
    q, p = on_section(1 / 8, 0.1, -0.25, 0.3)
    found = indicators(H, q, p, dt=0.05, steps=20_000)
    assert found.chaotic.tolist() == [False, True, False]
    assert found.sali[-1, 0] > 1e-3 and found.sali[-1, 1] < 1e-12
    np.testing.assert_allclose(found.megno[-1, [0, 2]], 2, atol=0.3)
    assert found.megno[-1, 1] > 10
    exponents = lyapunov(H, q, p, dt=0.05, steps=20_000).exponent
    assert exponents[1] > 0.03 and exponents[0] < 0.01


def test_driven_systems_are_refused():
    with pytest.raises(TenfmaError, match="driven or damped"):
        lyapunov(symbolic("p**2/2 + q**2*cos(t)"), np.ones(1), np.ones(1), dt=0.1, steps=10)
