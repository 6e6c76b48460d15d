"""The Legendre transform, by formula and by Newton's method."""

import doctest

import numpy as np
import pytest
import sympy
import torch

import tenfma.hamiltonian.legendre as module
from tenfma.errors import ConvergenceError, FormulaError, TenfmaError
from tenfma.hamiltonian.legendre import LegendreHamiltonian, legendre
from tenfma.hamiltonian.protocol import Capability
from tenfma.hamiltonian.symbolic import SymbolicHamiltonian
from tenfma.hamiltonian.textbook import textbook

DOUBLE_PENDULUM = (
    "((m1 + m2)*l1**2*v1**2 + m2*l2**2*v2**2)/2 + m2*l1*l2*v1*v2*cos(q1 - q2)"
    " + (m1 + m2)*g*l1*cos(q1) + m2*g*l2*cos(q2)"
)
RELATIVISTIC_PLANE = "-m*sqrt(1 - vx**2 - vy**2) - (x**2 + y**2)/2"


def states(n: int, seed: int = 0):
    return np.random.default_rng(seed).normal(size=(2, 6, n))


def test_oscillator():
    H = legendre("m*v**2/2 - k*q**2/2", parameters={"m": 2.0, "k": 3.0})
    assert isinstance(H, SymbolicHamiltonian)
    assert H.capability == Capability.QUADRATIC
    assert np.array_equal(H.mass, [2.0])
    q, p = states(1)
    assert np.allclose(H(q, p), (p**2 / 4 + 1.5 * q**2)[..., 0])
    assert H.derivation[0].startswith("L =") and H.derivation[-1].startswith("H =")
    assert r"v = \frac{p}{m}" in H.derivation


def test_double_pendulum_is_the_textbooks():
    book = textbook("double-pendulum")
    H = legendre(DOUBLE_PENDULUM, parameters=book.parameters)
    q, p = states(2)
    assert np.allclose(H(q, p), book(q, p), rtol=1e-12)
    assert H.capability == Capability.GENERAL


def test_magnetic_field_shifts_the_momentum():
    H = legendre("m*(vx**2 + vy**2)/2 + B*(x*vy - y*vx)/2", parameters={"m": 2.0, "B": 3.0})
    book = textbook("magnetic", m=2.0, B=3.0)
    q, p = states(2)
    assert np.allclose(H(q, p), book(q, p), rtol=1e-12)


def test_relativistic_particle_inverts_by_formula():
    H = legendre("-m*sqrt(1 - v**2) - k*q**2/2", parameters={"m": 2.0, "k": 1.0})
    p, q, m, k = (sympy.Symbol(name, real=True) for name in "pqmk")
    assert sympy.simplify(H.expression - sympy.sqrt(p**2 + m**2) - k * q**2 / 2) == 0
    assert H.capability == Capability.SEPARABLE


@pytest.mark.parametrize("kind", ["formula", "function"])
def test_relativistic_plane_by_newton(kind):
    if kind == "formula":
        H = legendre(RELATIVISTIC_PLANE, parameters={"m": 2.0})
        assert H.capability == Capability.SEPARABLE
    else:

        def lagrangian(q, v):
            return -2.0 * torch.sqrt(1 - (v**2).sum(-1)) - (q**2).sum(-1) / 2

        H = legendre(lagrangian, coordinates=("x", "y"))
    assert isinstance(H, LegendreHamiltonian)
    q, p = states(2)
    p = p * np.array([0.1, 1, 3, 10, 30, 100])[:, None]
    energy = np.sqrt(4 + (p**2).sum(-1))
    assert np.allclose(H(q, p), energy + (q**2).sum(-1) / 2, rtol=1e-13)
    assert np.allclose(H.dq(q, p), q, rtol=1e-12)
    assert np.allclose(H.dp(q, p), p / energy[:, None], rtol=1e-12)
    assert H(q[0], p[0]).shape == () and H.dp(q[0], p[0]).shape == (2,)


@pytest.mark.parametrize("kind", ["formula", "function"])
def test_newton_differentiates_twice_in_torch(kind):
    """L = v²(1 + q²)/2 + v⁴/12 couples q and v; compare with H's derivatives by differences of the solved ones."""
    text = "v**2*(1 + q**2)/2 + v**4/12 + v*sin(q) - q**2"
    H = legendre(
        text
        if kind == "formula"
        else lambda q, v: (v**2 * (1 + q**2) / 2 + v**4 / 12 + v * q.sin() - q**2)[..., 0]
    )
    assert isinstance(H, LegendreHamiltonian)
    q, p = states(1, seed=3)
    Q, P = (torch.tensor(x, requires_grad=True) for x in (q, p))
    dq, dp = torch.autograd.grad(H(Q, P).sum(), (Q, P), create_graph=True)
    assert np.allclose(dq.detach(), H.dq(q, p), rtol=1e-12)
    assert np.allclose(dp.detach(), H.dp(q, p), rtol=1e-12)
    h = 1e-6
    mixed = torch.autograd.grad(H.dq(Q, P).sum(), (Q, P))
    assert np.allclose(mixed[0], (H.dq(q + h, p) - H.dq(q - h, p)) / (2 * h), rtol=1e-7, atol=1e-8)
    assert np.allclose(mixed[1], (H.dq(q, p + h) - H.dq(q, p - h)) / (2 * h), rtol=1e-7, atol=1e-8)
    twice = torch.autograd.grad(dp.sum(), P)[0]
    assert np.allclose(twice, (H.dp(q, p + h) - H.dp(q, p - h)) / (2 * h), rtol=1e-7, atol=1e-8)
    v = H.velocity(q, p)
    assert np.allclose(v * (1 + q**2) + v**3 / 3 + np.sin(q), p, rtol=1e-12)


def test_velocity_names():
    H = legendre("(vr**2 + r**2*vtheta**2)/2 + 1/r")
    assert H.coordinates == ("r", "theta") and H.momenta == ("pr", "ptheta")
    H = legendre("u**2/2 - s", coordinates="s", velocities="u")
    assert H.coordinates == ("s",) and H.capability == Capability.QUADRATIC


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("q*v - q**2", "not quadratic or higher in v"),
        ("(vx + vy)**2/2 - x*y", "not independent"),
        ("vx**2/2 - x*y + vy", "not quadratic or higher in vy"),
        ("vx*x + vy*y", "not quadratic"),
    ],
)
def test_singular_lagrangians_are_refused_with_the_reason(text, reason):
    with pytest.raises(TenfmaError, match=f"det ∂²L/∂v² = 0.*{reason}"):
        legendre(text)


def test_singular_functions_are_refused():
    with pytest.raises(TenfmaError, match="singular"):
        legendre(lambda q, v: v.sum(-1) ** 2 / 2 - (q**2).sum(-1), coordinates=("x", "y"))


def test_bad_input():
    with pytest.raises(FormulaError):
        legendre("m*v**2/2", parameters={})
    with pytest.raises(FormulaError):
        legendre("v.real")
    with pytest.raises(FormulaError, match="velocities"):
        legendre("v**2", coordinates=("x", "y"), velocities=("v",))
    with pytest.raises(TenfmaError, match="formula or a function"):
        legendre(3)


def test_unreachable_momentum_is_an_error():
    H = legendre("sqrt(1 + v**2) - q**2")  # |∂L/∂v| < 1
    if isinstance(H, LegendreHamiltonian):
        with pytest.raises(ConvergenceError, match="no velocity"):
            H(np.array([0.0]), np.array([2.0]))
    else:
        with np.errstate(invalid="ignore"):
            assert not np.isfinite(H(np.array([0.0]), np.array([2.0])))


def test_newton_without_an_answer_is_an_error():
    H = legendre("sqrt(1 + vx**2 + vy**2) - x**2 - y**2")
    assert isinstance(H, LegendreHamiltonian)
    with pytest.raises(ConvergenceError, match="no velocity"):
        H(np.zeros(2), np.array([2.0, 0.0]))


def test_doctests():
    assert doctest.testmod(module).failed == 0
