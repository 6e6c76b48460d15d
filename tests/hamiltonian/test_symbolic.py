"""Formulas as Hamiltonians: capability, derivatives, both array kinds, parameters, Hamilton's equations."""

import numpy as np
import pytest
import sympy
import torch

from tenfma.errors import FormulaError, TenfmaError
from tenfma.hamiltonian.codegen import Program
from tenfma.hamiltonian.protocol import Capability
from tenfma.hamiltonian.symbolic import from_expression, symbolic

QUADRATIC, SEPARABLE, GENERAL = Capability.QUADRATIC, Capability.SEPARABLE, Capability.GENERAL

FORMULAS = [
    ("p**2/2 + q**4/4", {}, QUADRATIC),
    ("p**2/(2*m) + k*q**2/2", {"m": 2.0, "k": 3.0}, QUADRATIC),
    ("(px**2 + py**2/3)/2 + x**2*y - cos(x*y)", {}, QUADRATIC),
    ("(px**2 + py**2)/2 - 1/sqrt(x**2 + y**2)", {}, QUADRATIC),
    ("p**4/4 + q**2/2", {}, SEPARABLE),
    ("sqrt(1 + p**2) + exp(-q)", {}, SEPARABLE),
    ("p**2/2 + p + q**2", {}, SEPARABLE),
    ("p1*p2 + q1*q2", {}, SEPARABLE),
    ("(q**2 + 1)*(p**2 + 1)/2", {}, GENERAL),
    ("atan2(p, q) + tanh(q*p)/cosh(q)", {}, GENERAL),
    ("p**2/2 - cos(q) - f*q*cos(w*t)", {"f": 0.5, "w": 2.0}, QUADRATIC),
    ("(q + p)**2 - 2*q*p", {}, QUADRATIC),
    ("exp(q + p)/exp(q) + q**3", {}, SEPARABLE),
    ("sinh(q)**1.5*p**0.3 + asin(q/9)*log(p)", {}, GENERAL),
]


def states(H, seed: int = 0, members: int = 5):
    rng = np.random.default_rng(seed)
    return rng.uniform(0.2, 0.9, (2, members, *H.event_shape))


@pytest.fixture(params=FORMULAS, ids=lambda case: case[0])
def system(request):
    text, parameters, capability = request.param
    return symbolic(text, parameters=parameters), capability


def test_capability_is_read_off(system):
    H, capability = system
    assert H.capability == capability
    assert (H.mass is not None) == (capability == QUADRATIC)


def test_derivatives_agree_with_central_differences(system):
    H, _ = system
    q, p = states(H)
    step = 1e-6
    for i in range(q.shape[-1]):
        shift = step * np.eye(q.shape[-1])[i]
        along_q = (H(q + shift, p, 0.4) - H(q - shift, p, 0.4)) / (2 * step)
        along_p = (H(q, p + shift, 0.4) - H(q, p - shift, 0.4)) / (2 * step)
        assert np.allclose(H.dq(q, p, 0.4)[..., i], along_q, rtol=1e-7, atol=1e-8)
        assert np.allclose(H.dp(q, p, 0.4)[..., i], along_p, rtol=1e-7, atol=1e-8)


def test_torch_agrees_with_numpy_and_with_autograd(system):
    H, _ = system
    q, p = states(H)
    Q, P = (torch.tensor(x, requires_grad=True) for x in (q, p))
    energy = H(Q, P, 0.4)
    dq, dp = torch.autograd.grad(energy.sum(), (Q, P))
    assert np.allclose(energy.detach(), H(q, p, 0.4), rtol=1e-14)
    assert np.allclose(H.dq(Q, P, 0.4).detach(), dq, rtol=1e-11, atol=1e-14)
    assert np.allclose(H.dp(Q, P, 0.4).detach(), dp, rtol=1e-11, atol=1e-14)
    assert np.array_equal(H.dq(Q, P, 0.4).detach(), H.dq(q, p, 0.4)) or np.allclose(
        H.dq(Q, P, 0.4).detach(), H.dq(q, p, 0.4), rtol=1e-14
    )


def test_hessian_is_the_derivative_of_the_gradient(system):
    H, _ = system
    q, p = states(H, members=1)
    Q, P = torch.tensor(q[0]), torch.tensor(p[0])
    n = len(Q)

    def gradient(z):
        return torch.cat([H.dq(z[:n], z[n:], 0.4), H.dp(z[:n], z[n:], 0.4)])

    expected = torch.autograd.functional.jacobian(gradient, torch.cat([Q, P]))
    assert np.allclose(H.hessian(q, p, 0.4)[0], expected, rtol=1e-10, atol=1e-12)


def test_shapes_of_ensembles(system):
    H, _ = system
    q, p = states(H, members=6)
    q, p = q.reshape(2, 3, -1), p.reshape(2, 3, -1)
    assert H(q, p).shape == (2, 3)
    assert H.dq(q, p).shape == q.shape == H.dp(q, p).shape
    assert H(q[0, 0], p[0, 0]).shape == ()


def test_separable_ignores_the_other_variable():
    H = symbolic("p**2/2 + q**4/4")
    q = np.array([[1.0], [2.0]])
    assert np.array_equal(H.dq(q, None), q**3)
    assert np.array_equal(H.dp(None, q), q)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("p**2/2", ("q",)),
        ("px**2 + py**2 + x*y", ("x", "y")),
        ("p1**2 + p2**2 + q1*q2", ("q1", "q2")),
        ("ptheta**2/2 - cos(theta)", ("theta",)),
        ("p10**2 + p2**2", ("q2", "q10")),
        ("px**2 + x + py**2 + phi*pphi", ("phi", "x", "y")),
    ],
)
def test_coordinates_are_inferred(text, expected):
    assert symbolic(text).coordinates == expected


def test_masses_follow_parameters_and_signs():
    H = symbolic("p1**2/(2*m) + p2**2 + q1*q2", parameters={"m": 4.0})
    assert np.array_equal(H.mass, [4.0, 0.5])
    assert np.array_equal(H.with_parameters(m=8.0).mass, [8.0, 0.5])
    for value in (-1.0, 0.0):
        changed = H.with_parameters(m=value)
        assert changed.mass is None and changed.capability == SEPARABLE
    assert H.parameters == {"m": 4.0}


def test_changing_a_parameter_compiles_nothing():
    H = symbolic("p**2/2 + k*sin(q)**2", parameters={"k": 1.0})
    q = np.array([0.3])
    assert np.allclose(H.with_parameters(k=2.0).dq(q, None), 2 * H.dq(q, None))
    assert H.with_parameters(k=2.0).structure is H.structure
    assert symbolic("p**2/2 + k*sin(q)**2", parameters={"k": 5.0}).structure is H.structure


def test_bad_parameters_and_names():
    with pytest.raises(TenfmaError, match="nearest: omega"):
        symbolic("p**2 + omega*q", parameters={"omega": 1}).with_parameters(omga=2)
    for value in ("x", None, float("nan"), float("inf")):
        with pytest.raises(FormulaError, match="number"):
            symbolic("p**2 + k*q", parameters={"k": value})
    with pytest.raises(FormulaError, match="one thing only"):
        symbolic("p**2 + x", coordinates=("x", "x"))
    with pytest.raises(FormulaError, match="momenta"):
        symbolic("p**2", coordinates=("x", "y"), momenta=("p",))
    for name in ("sin", "a.b", "1x", "__x__", "", "a" * 40, "pi"):
        with pytest.raises(FormulaError):
            symbolic("p**2", coordinates=(name,))
    with pytest.raises(FormulaError, match="33 coordinates"):
        symbolic("p1**2", coordinates=tuple(f"q{i}" for i in range(33)))
    with pytest.raises(FormulaError, match="which is no coordinate"):
        from_expression(sympy.Symbol("z") + 1, (sympy.Symbol("q"),), (sympy.Symbol("p"),))


def test_time_is_found():
    assert symbolic("p**2/2 - q*cos(t)").time_dependent
    assert not symbolic("p**2/2 - q").time_dependent
    H = symbolic("p**2/2 - q*cos(t)")
    assert np.allclose(H.dq(np.zeros(1), None, t=0.7), -np.cos(0.7))


def test_equations_and_latex():
    H = symbolic("ptheta**2/(2*m) - g*cos(theta)", parameters={"m": 1, "g": 1}, damping=0.5)
    assert H.latex() == r"- g \cos{\left(\theta \right)} + \frac{p_{\theta}^{2}}{2 m}"
    assert H.equations() == [
        r"\dot{\theta} = \frac{\partial H}{\partial p_{\theta}} = \frac{p_{\theta}}{m}",
        r"\dot{p_{\theta}} = -\frac{\partial H}{\partial \theta} - \frac{p_{\theta}}{2} = "
        r"- g \sin{\left(\theta \right)} - \frac{p_{\theta}}{2}",
    ]


def test_functions_share_variables_and_parameters():
    H = symbolic("(px**2 + py**2)/2 + k*(x**2 + y**2)", parameters={"k": 2.0})
    L = H.function("x*py - y*px", "L")
    q, p = states(H)
    assert np.allclose(L(q, p), q[..., 0] * p[..., 1] - q[..., 1] * p[..., 0])
    bracket = (L.dq(q, p) * H.dp(q, p) - L.dp(q, p) * H.dq(q, p)).sum(-1)
    assert np.allclose(bracket, 0, atol=1e-14)
    wrong = H.function("x*py + y*px")
    assert np.abs((wrong.dq(q, p) * H.dp(q, p) - wrong.dp(q, p) * H.dq(q, p)).sum(-1)).min() > 1e-3


def test_shared_parts_are_computed_once():
    x, y = sympy.symbols("x y", real=True)
    r = sympy.sqrt(x**2 + y**2)
    statements, results = Program({x: "q0", y: "q1"}, scalars=()).source([x / r**3, y / r**3])
    source = "\n".join([*statements, *results])
    assert source.count("sqrt(") == 1
    assert source.count("1.0/") == 1


def test_float32_stays_float32():
    H = symbolic("p**2/2 + q**4/4 + exp(-q)")
    q = torch.ones(3, 1, dtype=torch.float32)
    assert H(q, q).dtype == torch.float32 == H.dq(q, q).dtype
    assert H.dq(np.ones((3, 1), np.float32), None).dtype == np.float32
