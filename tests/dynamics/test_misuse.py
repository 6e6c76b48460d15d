"""What cannot be done is one plain sentence, whatever was given."""

import numpy as np
import pytest

import tenfma
from tenfma.errors import TenfmaError

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
