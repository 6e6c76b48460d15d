"""Implicit steps are solved to round-off, differentiable, and say so where they cannot be."""

import numpy as np
import pytest
import torch
from dynamics_systems import General, jacobian, omega, product

from tenfma.dynamics.implicit import solve
from tenfma.dynamics.integrate import integrate
from tenfma.dynamics.run import one_step
from tenfma.errors import ConvergenceError
from tenfma.hamiltonian.functional import TorchHamiltonian
from tenfma.hamiltonian.textbook import textbook

START = np.array([-3.0]), np.array([0.0])


def test_energy_error_of_the_reference_system():
    path = integrate(product(), *START, dt=0.1, steps=2000, method="implicit_midpoint")
    assert path.drift == pytest.approx(1.2e-2, rel=0.05)


def test_gauss_legendre_keeps_quadratic_invariants():
    """Angular momentum is quadratic, so Gauss methods keep it to round-off, here for a nonseparable H."""
    H = General(
        2,
        lambda q, p: 0.5 * np.sum(p * p, -1) * (1 + np.sum(q * q, -1)),
        lambda q, p: q * np.sum(p * p, -1, keepdims=True),
        lambda q, p: p * (1 + np.sum(q * q, -1, keepdims=True)),
    )
    for method in ("implicit_midpoint", "gauss_legendre4"):
        path = integrate(H, np.array([1.0, 0.2]), np.array([0.1, 0.7]), dt=0.05, steps=400, method=method)
        momentum = path.q[:, 0] * path.p[:, 1] - path.q[:, 1] * path.p[:, 0]
        assert np.ptp(momentum) < 1e-12


def test_a_step_stopped_early_is_not_symplectic():
    def stopped(iterations):
        def f(z):
            middle = z
            for _ in range(iterations):
                q, p = middle[:1], middle[1:]
                middle = z + 0.05 * np.concatenate([product().dp(q, p), -product().dq(q, p)])
            return 2 * middle - z

        return f

    z = np.array([-3.0, 0.3])

    def solved(z):
        state = one_step(product(), z[:1], z[1:], dt=0.1, method="implicit_midpoint")
        return np.concatenate([state.q, state.p])

    def defect(f):
        J = jacobian(f, z)
        return np.abs(J.T @ omega(1) @ J - omega(1)).max()

    assert defect(stopped(3)) > 1e-3
    assert defect(solved) < 1e-9


def test_newton_takes_over_where_the_fixed_point_repels():
    """A stiff oscillator, ωh = 20: the iteration diverges, the step is the exact Cayley map all the same."""
    k = 400.0
    H = General(1, lambda q, p: (p[..., 0] ** 2 + k * q[..., 0] ** 2) / 2, lambda q, p: k * q, lambda q, p: p)
    path = integrate(H, np.array([1.0]), np.array([0.0]), dt=1.0, steps=50, method="implicit_midpoint")
    assert path.drift < 1e-9
    a = 0.5
    cayley = np.linalg.solve(np.array([[1, -a], [a * k, 1]]), np.array([[1, a], [-a * k, 1]]))
    assert [path.q[1, 0], path.p[1, 0]] == pytest.approx(cayley @ [1.0, 0.0], rel=1e-9)


def test_members_of_an_ensemble_do_not_disturb_each_other():
    H, q = product(), np.array([[-3.0], [0.5], [1.0]])
    together = integrate(H, q, 0.1 * q, dt=0.1, steps=20, method="gauss_legendre4")
    for i in range(3):
        alone = integrate(H, q[i], 0.1 * q[i], dt=0.1, steps=20, method="gauss_legendre4")
        assert together.q[:, i] == pytest.approx(alone.q, abs=1e-12)


def test_an_equation_without_a_solution_is_an_error_with_the_remedy():
    with pytest.raises(ConvergenceError, match="smaller dt"):
        solve(lambda z: z**2 + 1.0, np.array([[0.5]]), 0, 1e-14, "The step")


def test_gradient_through_the_solve():
    H = TorchHamiltonian(function=lambda q, p: (0.5 * (q * q + 1) * (p * p + 1)).sum(-1), event_shape=1)
    q = torch.tensor([-1.0], dtype=torch.float64, requires_grad=True)
    p = torch.tensor([0.2], dtype=torch.float64)
    for method in ("implicit_midpoint", "gauss_legendre4"):
        (slope,) = torch.autograd.grad(integrate(H, q, p, dt=0.1, steps=5, method=method).q[-1].sum(), q)
        ends = [
            integrate(H, q.detach() + e, p, dt=0.1, steps=5, method=method).q[-1].item()
            for e in (1e-5, -1e-5)
        ]
        assert slope.item() == pytest.approx((ends[0] - ends[1]) / 2e-5, abs=1e-8)


def tensor(x, **options):
    return torch.tensor(x, dtype=torch.float64, **options)


@pytest.mark.parametrize("method", ["implicit_midpoint", "gauss_legendre4"])
@pytest.mark.parametrize("dt", [0.1, 3.0])
def test_next_to_an_equilibrium_forces_are_round_off_and_the_step_is_solved(method, dt):
    """Morse near its minimum: changes stop falling at the force's round-off, far above 1e-14 of the amplitude."""
    H = textbook("morse")
    for amplitude in (1e-3, 1e-6, 1e-8, 1e-9, 1e-12):
        path = integrate(H, tensor([amplitude]), tensor([0.0]), dt=dt, steps=30, method=method)
        compiled = integrate(H, np.array([amplitude]), np.array([0.0]), dt=dt, steps=30, method=method)
        assert path.q.numpy() == pytest.approx(compiled.q, abs=1e-14)
        assert path.q.abs().max() <= 1.01 * amplitude + 1e-14


def test_round_off_is_no_excuse_for_an_equation_without_a_solution():
    """The wrong twin: small changes, but of an equation that nothing solves."""
    with pytest.raises(ConvergenceError):
        solve(lambda z: z + 1e-12, np.array([[1e-9]]), 0, 1e-14, "The step")


def test_a_small_member_is_solved_as_well_as_a_large_one():
    H = textbook("pendulum")
    q = np.array([[1.0], [1e-7]])
    together = integrate(H, tensor(q), tensor(0 * q), dt=0.3, steps=20, method="implicit_midpoint")
    alone = integrate(H, tensor(q[1]), tensor([0.0]), dt=0.3, steps=20, method="implicit_midpoint")
    assert together.q[:, 1].numpy() == pytest.approx(alone.q.numpy(), rel=1e-12, abs=1e-20)


def exact_slope(middle, q, p, h):
    """∂(q', p')/∂q of an implicit midpoint step of H = ½(q² + 1)(p² + 1), from its solved middle (2,)."""
    a, b = middle
    A = np.array([[2 * a * b, a * a + 1], [-(b * b + 1), -2 * a * b]])  # ∂f/∂z
    identity = np.eye(2)
    return np.linalg.solve(identity - h / 2 * A, identity + h / 2 * A)[:, 0]


@pytest.mark.parametrize("dt", [0.1, 0.5, 2.0])
def test_derivatives_are_those_of_the_solved_equation(dt):
    """Exact to 1e-12 by the implicit function theorem, where the iteration contracts and where Newton serves."""
    H = TorchHamiltonian(function=lambda q, p: (0.5 * (q * q + 1) * (p * p + 1)).sum(-1), event_shape=1)
    q, p = tensor([-1.3], requires_grad=True), tensor([0.7])
    state = one_step(H, q, p, dt=dt, method="implicit_midpoint")
    slopes = [torch.autograd.grad(x.sum(), q, retain_graph=True)[0].item() for x in (state.q, state.p)]
    middle = np.array([(state.q + q).item() / 2, (state.p + p).item() / 2])
    assert slopes == pytest.approx(exact_slope(middle, -1.3, 0.7, dt), rel=1e-12, abs=1e-12)


def test_derivatives_of_a_truncated_solve_are_caught():
    """The wrong twin: as many iterations on the graph as the value needs leave the derivatives behind."""
    q, p, h = tensor([-1.3], requires_grad=True), tensor([0.7]), 0.1
    z = torch.stack([q, p])

    def F(m):
        a, b = m
        return z + h / 2 * torch.stack([b * (a * a + 1), -a * (b * b + 1)])

    solved = solve(F, z.detach(), 0, 1e-14, "The step").detach()
    once = F(solved)  # the value is right already
    assert (once - solved).abs().max() < 1e-15
    slope = torch.autograd.grad(2 * once[0].sum() - q.sum(), q)[0].item()
    assert abs(slope - exact_slope(solved[:, 0].numpy(), -1.3, 0.7, h)[0]) > 1e-3


def test_second_derivatives_through_the_solve():
    H = TorchHamiltonian(function=lambda q, p: (0.5 * (q * q + 1) * (p * p + 1)).sum(-1), event_shape=1)

    def end(x, dt):
        return one_step(H, x, tensor([0.7]), dt=dt, method="implicit_midpoint").q.sum()

    for dt in (0.2, 2.0):
        q = tensor([-1.3], requires_grad=True)
        (slope,) = torch.autograd.grad(end(q, dt), q, create_graph=True)
        (second,) = torch.autograd.grad(slope.sum(), q)
        slopes = []
        for e in (2e-3, 1e-3, -1e-3, -2e-3):
            x = tensor([-1.3 + e], requires_grad=True)
            slopes.append(torch.autograd.grad(end(x, dt), x)[0].item())
        difference = (8 * (slopes[1] - slopes[2]) - (slopes[0] - slopes[3])) / 12e-3
        assert second.item() == pytest.approx(difference, rel=1e-7)
