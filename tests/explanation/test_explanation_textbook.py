"""Formulas: how they split, that beats exchange energy as the closed form says, and what is refused."""

import numpy as np
import pytest
import torch

import tenfma
from tenfma.errors import TenfmaError
from tenfma.explanation import explain
from tenfma.hamiltonian.functional import TorchHamiltonian


def beats(t, k, c):
    """J_12(t) of two unit masses with springs k and coupling c from q = (1, 0), p = 0, half the coupling to each.

    q₁ ± q₂ = cos(ω± t), ω₊² = k, ω₋² = k + 2c, and J_12 = −(c/2)(q₁ − q₂)(p₁ + p₂).
    """
    slow, fast = np.sqrt(k), np.sqrt(k + 2 * c)
    return c / 2 * np.cos(fast * t) * slow * np.sin(slow * t)


def test_two_coupled_oscillators_exchange_energy_as_the_closed_form_says():
    H = tenfma.textbook("coupled-oscillators")
    e = explain(H)
    flow = e.flow(dt=0.01, steps=6000, save_every=20, method="yoshida4")
    exact = beats(flow.t, H.parameters["k"], H.parameters["c"])
    found = flow.currents[:, 0, 1]
    assert np.abs(found - exact).max() < 1e-7
    assert np.abs(found + exact).max() > 0.01  # the wrong sign
    assert np.abs(flow.balance).max() < 1e-5
    # the beat: nearly all energy has gone over after half a beat
    half = np.pi / (np.sqrt(1.2) - 1)
    k = np.argmin(np.abs(flow.t - half))
    assert flow.energies[k, 0] < 0.06 * flow.energies[0, 0]


def test_a_given_split_is_used_and_one_that_does_not_add_up_is_refused():
    H = tenfma.textbook("coupled-oscillators")
    parts = {
        "left": "p1**2/2 + k*q1**2/2",
        "right": "p2**2/2 + k*q2**2/2",
        "spring": "c*(q1 - q2)**2/2",
    }
    e = explain(H, [0.3, -0.2], [0.1, 0.4], parts=parts)
    assert e.labels == ("left", "right", "spring")
    J = e.parted.currents(e.q, e.p)
    assert J[0, 1] == 0.0  # what they exchange goes through the spring
    assert J[2, 0] == pytest.approx(0.1 * (0.3 + 0.2) * 0.1)
    with pytest.raises(TenfmaError, match="add up to"):
        explain(H, [0.3, -0.2], [0.1, 0.4], parts={"left": parts["left"], "right": parts["right"]})


@pytest.mark.parametrize("name", ["henon-heiles", "fput-alpha", "kepler", "double-pendulum", "toda"])
def test_every_split_adds_up_and_balances(name):
    H = tenfma.textbook(name)
    q, p = np.asarray(H.q0), np.asarray(H.p0)
    e = explain(H, q + 0.01, p + 0.02)
    assert e.parts.defect < 1e-12
    J = e.parted.currents(e.q, e.p)
    assert np.array_equal(J, -J.T)
    h, v, force = 1e-5, H.dp(e.q, e.p), -H.dq(e.q, e.p)
    up, down = (e.parted.energies(e.q + s * v, e.p + s * force) for s in (h, -h))
    rate = (up - down) / (2 * h)
    assert J.sum(1) == pytest.approx(rate, abs=1e-6 * max(1.0, np.abs(rate).max()))


def test_couplings_of_a_formula_are_exact():
    H = tenfma.textbook("henon-heiles")
    e = explain(H, [0.3, 0.2], [0.0, 0.1])
    x, y = 0.3, 0.2
    assert e.couplings().matrix()[:, :, 0, 0] == pytest.approx(
        np.array([[1 + 2 * y, 2 * x], [2 * x, 1 - 2 * y]])
    )


def test_torch_functions_are_parts_too():
    H = TorchHamiltonian(event_shape=2, potential=lambda q: 0.5 * (q**2).sum(-1) + q[..., 0] * q[..., 1] ** 2)
    parts = {
        "x": lambda q, p: 0.5 * (q[..., 0] ** 2 + p[..., 0] ** 2),
        "y": lambda q, p: 0.5 * (q[..., 1] ** 2 + p[..., 1] ** 2) + q[..., 0] * q[..., 1] ** 2,
    }
    e = explain(H, torch.tensor([0.3, 0.5]), torch.tensor([0.2, -0.1]), parts=parts)
    assert e.parted.currents(e.q, e.p)[1, 0] == pytest.approx(0.5**2 * 0.2, rel=1e-6)
    assert e.couplings().matrix()[:, :, 0, 0] == pytest.approx(np.array([[1, 1.0], [1.0, 1.6]]), rel=1e-6)


def test_what_cannot_be_explained_is_refused_in_a_sentence():
    with pytest.raises(TenfmaError, match="structure"):
        explain(tenfma.load("Si"))
    with pytest.raises(TenfmaError, match="float"):
        explain(3.0)
    e = explain(tenfma.textbook("pendulum"))
    with pytest.raises(TenfmaError, match="atoms"):
        e.modes()
    with pytest.raises(TenfmaError, match="bonds"):
        _ = e.sensitivities.bonds
    with pytest.raises(TenfmaError, match="no part"):
        e.couplings(of=7)


@pytest.mark.parametrize("name", ["driven-pendulum", "damped-oscillator"])
def test_drives_and_dampers_join_the_balance(name):
    H = tenfma.textbook(name)
    flow = explain(H).flow(dt=0.005, steps=800, save_every=4)
    exchanged = np.abs(flow.energies - flow.energies[0]).max()
    assert exchanged > 0.01
    assert np.abs(flow.balance).max() < 1e-3 * exchanged
    assert (
        np.abs(flow.balance + flow.gained).max() > 0.5 * exchanged
    )  # nothing but the outside changes one part
