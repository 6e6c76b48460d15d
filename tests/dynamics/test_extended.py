"""Tao's method: reference energies, the window of ω, symplectic in the doubled space only."""

import numpy as np
import pytest
from dynamics_systems import jacobian, omega, product

from tenfma.dynamics.integrate import integrate
from tenfma.dynamics.run import one_step

START = np.array([-3.0]), np.array([0.0])


@pytest.mark.parametrize(
    ("h", "binding", "expected"), [(0.1, 20.0, 7.9e-2), (0.1, 0.0, 4.0), (0.01, 20.0, 6.2e-4)]
)
def test_energy_error_of_the_reference_system(h, binding, expected):
    path = integrate(
        product(), *START, dt=h, steps=round(200 / h), method="tao2", omega=binding, save_every=1
    )
    assert path.drift == pytest.approx(expected, rel=0.02)


def test_copies_divergence_tells_whether_omega_binds():
    bound, loose = (
        integrate(product(), *START, dt=0.1, steps=2000, method="tao2", omega=binding).copies_divergence
        for binding in (20.0, 0.0)
    )
    assert bound.shape == (2001,) and bound[0] == 0.0
    assert bound.max() < 0.25
    assert loose.max() > 1.0


def test_fourth_order_pays_at_small_steps():
    second, fourth = (
        integrate(product(), *START, dt=0.01, steps=1000, method=method).drift for method in ("tao2", "tao4")
    )
    assert fourth < 0.05 * second


def doubled(method, h):
    def f(z):
        q, p, x, y = (z[i : i + 1] for i in range(4))
        state = one_step(product(), q, p, dt=h, method=method, copy=(x, y))
        return np.concatenate([state.q, state.p, *state.copy])

    return f


@pytest.mark.parametrize("method", ["tao2", "tao4"])
def test_symplectic_in_the_doubled_space_only(method):
    J = jacobian(doubled(method, 0.1), np.array([-1.0, 0.3, -1.0, 0.3]))
    order = [0, 2, 1, 3]  # (q, p, x, y) → (q, x, p, y)
    J = J[np.ix_(order, order)]
    assert np.abs(J.T @ omega(2) @ J - omega(2)).max() < 1e-8

    def physical(z):
        state = one_step(product(), z[:1], z[1:], dt=0.1, method=method)
        return np.concatenate([state.q, state.p])

    assert abs(np.linalg.det(jacobian(physical, np.array([-1.0, 0.3]))) - 1) > 1e-6
