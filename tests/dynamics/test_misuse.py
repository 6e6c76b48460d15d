"""What cannot be done is one plain sentence, whatever was given."""

import numpy as np
import pytest
import torch

import tenfma
from tenfma.dynamics.chaos import lyapunov
from tenfma.dynamics.invariants import find_invariants
from tenfma.dynamics.sections import poincare
from tenfma.errors import PairingError, TenfmaError
from tenfma.hamiltonian.functional import TorchHamiltonian

H = tenfma.symbolic("p**2/2 + w**2*(1 - cos(q))", parameters={"w": 1.0})
BATH = {"method": "baoab", "kT": 1.0, "friction": 1.0}


def run(H=H, q=(1.0,), p=(0.0,), **options):
    return tenfma.integrate(H, q, p, **({"dt": 0.1, "steps": 5} | options))


MISUSE = {
    "a list of methods": lambda: run(method=["leapfrog"]),
    "no H": lambda: run(H="p**2/2"),
    "complex state": lambda: run(q=[1j]),
    "NaN state": lambda: run(q=[np.nan]),
    "a start in words": lambda: run(t0="noon"),
    "t0 is NaN": lambda: run(t0=np.nan),
    "negative tolerance": lambda: run(method="implicit_midpoint", tolerance=-1.0),
    "tolerance in words": lambda: run(method="implicit_midpoint", tolerance="tight"),
    "negative omega": lambda: run(method="tao4", omega=-1.0),
    "kT in words": lambda: run(**BATH | {"kT": "warm"}),
    "seed in words": lambda: run(**BATH, seed="a"),
    "half a seed": lambda: run(**BATH, seed=1.5),
    "progress": lambda: run(progress="bar"),
    "too many states": lambda: run(steps=10**13),
    "one dt per component": lambda: run(q=[[1.0]] * 2, p=[[0.0]] * 2, dt=[0.1] * 3),
    "certify a text": lambda: tenfma.certify("p**2/2"),
    "certify a list of invariants": lambda: tenfma.certify(H, dt=0.1, q=[1], p=[0], invariants=["p"]),
    "certify with a seed in words": lambda: tenfma.certify(H, dt=0.1, q=[1], p=[0], seed="a"),
    "parameters as a list": lambda: tenfma.symbolic("p**2/2 + k*q", parameters=["k"]),
    "coordinates as a number": lambda: tenfma.symbolic("p**2/2", coordinates=3),
    "damping in words": lambda: tenfma.symbolic("p**2/2", damping="some"),
    "damping is NaN": lambda: tenfma.symbolic("p**2/2", damping=np.nan),
    "a start of another size": lambda: tenfma.symbolic("p**2/2", start=([1, 2], [1])),
    "a parameter becomes NaN": lambda: H.with_parameters(w=np.nan),
    "legendre with parameters as a list": lambda: tenfma.legendre("m*v**2/2", parameters=["m"]),
    "legendre of a constant": lambda: tenfma.legendre("3"),
    "bracket of numbers": lambda: tenfma.bracket(3, 4),
}


@pytest.mark.parametrize("case", MISUSE)
def test_one_sentence(case):
    with pytest.raises(TenfmaError) as problem:
        MISUSE[case]()
    assert 10 < len(str(problem.value)) < 300 and "\n" not in str(problem.value)


def test_what_is_right_passes():
    run(method="tao4", omega=5, t0=1, seed=None)
    run(**BATH, seed=np.int64(3))


HENON = tenfma.textbook("henon-heiles")


@pytest.mark.parametrize(
    "call",
    [
        lambda: poincare(HENON, HENON.q0, HENON.p0, coordinate=1.5, dt=0.1, steps=10),
        lambda: poincare(HENON, HENON.q0, HENON.p0, coordinate="x", dt=0.1, steps=10),
        lambda: poincare(HENON, HENON.q0, None, dt=0.1, steps=10),
        lambda: poincare(HENON, np.zeros(3), np.zeros(3), dt=0.1, steps=10),
        lambda: lyapunov(HENON, HENON.q0, HENON.p0, dt=0, steps=10),
        lambda: lyapunov(HENON, HENON.q0, HENON.p0, dt=0.1, steps=0),
        lambda: lyapunov(HENON, np.zeros(3), np.zeros(3), dt=0.1, steps=10),
        lambda: lyapunov(HENON, HENON.q0, HENON.p0, dt=0.1, steps=10, method="baoab"),
        lambda: find_invariants(HENON, degree=2.5),
        lambda: tenfma.integrate(HENON, HENON.q0, HENON.p0, dt=0.1, steps=10**400),
        lambda: tenfma.integrate(
            HENON,
            HENON.q0,
            HENON.p0,
            dt=0.1,
            steps=2,
            method="baoab",
            kT=1.0,
            friction=1.0,
            seed=0,
            streams="x",
        ),
    ],
)
def test_misuse_of_analysis_is_told_in_one_sentence(call):
    with pytest.raises(TenfmaError) as caught:
        call()
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300


def test_a_coupling_met_only_at_the_start_is_found_there():
    """H looks separable at the points probed when it was made; the start lies where it is not."""

    def sneaky(q, p):
        return ((q * q + p * p) / 2 + torch.exp(-200 * ((q - 7) ** 2 + (p - 3) ** 2))).sum(-1)

    hidden = TorchHamiltonian(function=sneaky, event_shape=(1,))
    tenfma.integrate(hidden, np.array([1.0]), np.array([0.0]), dt=0.01, steps=2)
    with pytest.raises(PairingError, match="couples q and p at the start"):
        tenfma.integrate(hidden, np.array([7.0]), np.array([3.05]), dt=0.01, steps=2)
