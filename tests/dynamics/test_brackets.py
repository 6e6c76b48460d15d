"""Poisson brackets: algebra, agreement of the two ways, and dA/dt = {A, H} along trajectories."""

import numpy as np
import pytest
import sympy
import torch
from scipy.integrate import solve_ivp

from tenfma.dynamics.brackets import AutogradBracket, bracket
from tenfma.errors import FormulaError, TenfmaError
from tenfma.hamiltonian.functional import TorchHamiltonian
from tenfma.hamiltonian.symbolic import SymbolicFunction, symbolic

HENON_HEILES = "(px**2 + py**2)/2 + (x**2 + y**2)/2 + x**2*y - y**3/3"


def states(n: int, count: int = 5, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    return tuple(np.random.default_rng(seed).normal(size=(2, count, n)))


def test_canonical_pairs():
    assert bracket("q", "p").expression == 1
    assert bracket("x", "py", coordinates="x y").expression == 0
    assert bracket("p", "q").expression == -1


def test_angular_momentum_algebra():
    names = "x y z"
    lx, ly = "y*pz - z*py", "z*px - x*pz"
    assert sympy.expand(bracket(lx, ly, coordinates=names).expression).equals(
        symbolic("x*py - y*px + 0*z", coordinates=names).expression
    )


def test_symbolic_result_reads_and_evaluates():
    H = symbolic("p**2/(2*m) + k*q**4/4", parameters={"m": 2.0, "k": 3.0})
    force = bracket("p", H)
    assert isinstance(force, SymbolicFunction)
    assert force.latex() == "- k q^{3}"
    np.testing.assert_allclose(force(np.array([2.0]), np.array([0.0])), -24.0)


def test_symbolic_and_autograd_agree():
    H = symbolic(HENON_HEILES)
    A = H.function("x**2*py - y*px*sin(x)")

    def torch_a(q, p):
        return q[..., 0] ** 2 * p[..., 1] - q[..., 1] * p[..., 0] * torch.sin(q[..., 0])

    q, p = states(2)
    numeric = bracket(torch_a, H)
    assert isinstance(numeric, AutogradBracket)
    np.testing.assert_allclose(numeric(q, p), bracket(A, H)(q, p), rtol=1e-13, atol=1e-13)


def random_function(seed: int):
    generator = torch.Generator().manual_seed(seed)
    w = torch.randn(4, 4, generator=generator, dtype=torch.float64)
    return lambda q, p: torch.tanh(torch.cat([q, p], -1) @ w).prod(-1)


@pytest.mark.parametrize("kind", ["torch", "formula"])
def test_jacobi_identity_and_leibniz(kind):
    if kind == "torch":
        a, b, c = (random_function(seed) for seed in range(3))
        product = lambda q, p: a(q, p) * b(q, p)  # noqa: E731
    else:
        H = symbolic(HENON_HEILES)
        a, b, c = (H.function(text) for text in ("x*py**2", "sin(x)*y + px", "x*y*px*py"))
        product = H.function(a.expression * b.expression)
    q, p = (torch.from_numpy(x) for x in states(2))
    total = (
        bracket(a, bracket(b, c))(q, p) + bracket(b, bracket(c, a))(q, p) + bracket(c, bracket(a, b))(q, p)
    )
    assert total.abs().max() < 1e-12
    assert bracket(a, bracket(b, c))(q, p).abs().max() > 1e-3
    leibniz = a(q, p) * bracket(b, c)(q, p) + bracket(a, c)(q, p) * b(q, p)
    torch.testing.assert_close(bracket(product, c)(q, p), leibniz, rtol=1e-12, atol=1e-12)


def test_partial_derivatives_hold_the_other_variable_fixed():
    q = torch.tensor([0.3], dtype=torch.float64, requires_grad=True)
    value = bracket(lambda q, p: (q * p).sum(-1), lambda q, p: (p**2 / 2).sum(-1))(q, 2 * q)
    torch.testing.assert_close(value, (4 * q**2).squeeze())  # ∂A/∂q·∂B/∂p = p², p = 2q


def test_torch_hamiltonian_gives_the_rate_of_change_along_a_trajectory():
    H = TorchHamiltonian(potential=lambda q: (q**4).sum(-1) / 4 + q.prod(-1), event_shape=2)
    observable = lambda q, p: (q * p).sum(-1) + (p**3).sum(-1)  # noqa: E731

    def equations(t, z):
        return np.concatenate([H.dp(z[:2], z[2:]), -H.dq(z[:2], z[2:])])

    times = np.linspace(0, 1, 201)
    path = solve_ivp(equations, (0, 1), [0.5, -0.2, 0.1, 0.9], t_eval=times, rtol=1e-11, atol=1e-12).y.T
    q, p = path[:, :2], path[:, 2:]
    values = observable(torch.from_numpy(q), torch.from_numpy(p)).numpy()
    rates = bracket(observable, H)(q, p)
    increments = np.cumsum((rates[1:] + rates[:-1]) / 2) * (times[1] - times[0])
    np.testing.assert_allclose(values[1:] - values[0], increments, atol=1e-4)
    backwards = -increments  # the wrong twin: {H, A} instead of {A, H}
    assert np.abs(values[1:] - values[0] - backwards).max() > 0.1


def test_result_is_differentiable_and_shaped_like_the_ensemble():
    q, p = (torch.from_numpy(x).requires_grad_() for x in states(3, 4))
    value = bracket(cubic, lambda q, p: (p**2).sum(-1))(q, p)
    assert value.shape == (4,)
    (slope,) = torch.autograd.grad(value.sum(), q)
    torch.testing.assert_close(slope, 6 * q * 2 * p)


def cubic(q, p):
    return (q**3).sum(-1)


@pytest.mark.parametrize(
    "a, b, message",
    [
        ("x", symbolic("p**2 + q**2"), "unknown name"),
        (symbolic("px**2 + x**2"), symbolic("p**2 + q**2"), "different coordinates"),
        (symbolic("p**2 + k*q", parameters={"k": 1}), symbolic("p + k*q", parameters={"k": 2}), "one value"),
        ("q", lambda q, p: q, "no coordinates"),
        (3, lambda q, p: q, "functions of"),
    ],
)
def test_bad_sides_are_refused(a, b, message):
    with pytest.raises(TenfmaError, match=message):
        bracket(a, b)


def test_bad_returns_are_refused():
    q, p = states(2)
    with pytest.raises(TenfmaError, match="one number per ensemble member"):
        bracket(lambda q, p: q[..., :1], lambda q, p: (p**2).sum(-1))(q, p)
    with pytest.raises(TenfmaError, match="not a torch tensor"):
        bracket(lambda q, p: 1.0, lambda q, p: (p**2).sum(-1))(q, p)


def test_text_is_never_evaluated():
    with pytest.raises(FormulaError):
        bracket("__import__('os').system('true')", "p**2")
