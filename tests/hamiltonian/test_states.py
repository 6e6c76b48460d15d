"""What functions of (q, p) take for a state: arrays, numbers for one coordinate, and a sentence for the rest."""

import numpy as np
import pytest
import torch

import tenfma
from tenfma.errors import FormulaError, TenfmaError


def functions():
    """Name → function of (q, p) in one coordinate, with its value at q = 1.5, p = 2."""
    H = tenfma.symbolic("p**2/2 + q**4/4")
    newton = tenfma.legendre("v**2/2 + v**4/4 - q**2/2")
    v = newton.velocity(np.array([1.5]), np.array([2.0]))[0]
    return {
        "H": (H, 2 + 1.5**4 / 4),
        "∂H/∂q": (H.dq, 1.5**3),
        "∂H/∂p": (H.dp, 2.0),
        "{qp, H}": (tenfma.bracket("q*p", H), 4 - 1.5**4),
        "{qp, H} by torch": (tenfma.bracket(lambda q, p: (q * p).sum(-1), H), 4 - 1.5**4),
        "H by Newton": (newton, 2 * v - v**2 / 2 - v**4 / 4 + 1.5**2 / 2),
        "∂H/∂p by Newton": (newton.dp, v),
    }


@pytest.mark.parametrize("name", functions())
def test_numbers_in_a_number_out(name):
    f, value = functions()[name]
    assert isinstance(f(1.5, 2), float)
    assert f(1.5, 2) == pytest.approx(value, rel=1e-14)
    assert np.asarray(f(np.array([1.5]), np.array([2.0]))).item() == pytest.approx(value, rel=1e-14)
    tensors = torch.tensor(1.5, dtype=torch.float64), torch.tensor(2.0, dtype=torch.float64)
    assert f(*tensors).shape == () and f(*tensors).item() == pytest.approx(value, rel=1e-14)


def test_integers_are_not_cut_off():
    H = tenfma.symbolic("p**2/2 + q**4/4")
    assert H(np.array([1]), np.array([1])) == 0.75
    assert H([1], [1]) == 0.75
    assert tenfma.symbolic("(px**2 + py**2)/2 + x*y/2").dq([1, 3], [0, 0]) == pytest.approx([1.5, 0.5])


@pytest.mark.parametrize("name", functions())
@pytest.mark.parametrize(
    ("q", "p", "said"),
    [
        (np.ones(3), np.ones(3), "expected"),  # three systems, or three coordinates of one: neither is H's
        (np.ones((3, 1)), np.ones((4, 1)), "shape"),
        (np.ones((3, 1)), 1.0, "shape"),
        ("one", 1.0, "real numbers"),
        (1j, 1.0, "real numbers"),
        ([[1.0], [1.0, 2.0]], 1.0, "real numbers"),
        (None, None, "missing"),
        (torch.ones(1), np.ones(1), "two kinds"),
    ],
)
def test_what_is_no_state_is_said_in_a_sentence(name, q, p, said):
    with pytest.raises(TenfmaError, match=said) as problem:
        functions()[name][0](q, p)
    assert "\n" not in str(problem.value)


def test_two_coordinates_take_no_numbers():
    with pytest.raises(TenfmaError, match=r"\(\*ensemble, 2\)"):
        tenfma.textbook("kepler")(1.0, 2.0)


@pytest.mark.parametrize("formula", ["3", "q - q", "2*pi", "t", "k**2", "0*p"])
def test_a_constant_is_no_hamiltonian(formula):
    with pytest.raises(FormulaError, match="nothing moves"):
        tenfma.symbolic(formula, parameters={"k": 2.0})


@pytest.mark.parametrize("formula", ["q**2/2", "p**2/2", "q", "p"])
def test_half_a_hamiltonian_is_one(formula):
    """In coordinates alone q stands still, in momenta alone p does."""
    H = tenfma.symbolic(formula)
    path = tenfma.integrate(H, [1.0], [0.5], dt=0.1, steps=10)
    still, moving = (path.q, path.p) if "q" in formula else (path.p, path.q)
    assert np.ptp(still) == 0 and np.ptp(moving) > 0
