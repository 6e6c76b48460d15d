"""How long a formula takes from text to its first steps, and again: seconds of this process's own processor time.

    python benchmarks/first_calls.py                        # every textbook system, leapfrog or implicit midpoint
    python benchmarks/first_calls.py --method kahan_li8 --members 64

Aims: at most 3 s for a formula never seen, 0.05 s for one seen before, with other parameter values or step sizes.
"""

import argparse
import time
from dataclasses import dataclass

import numpy as np

import tenfma
from tenfma.dynamics.methods import METHODS, check_pairing
from tenfma.errors import PairingError

AIM_FIRST, AIM_AGAIN = 3.0, 0.05


@dataclass(frozen=True)
class Times:
    """Seconds: reading and differentiating, first integration (compiles), the same again."""

    method: str
    build: float
    first: float
    again: float


def timed(work) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin


def measure(name: str, method: str, members: int) -> Times:
    """One system in this process; the loop shared by all implicit methods is compiled before."""
    systems = []
    build = timed(lambda: systems.append(tenfma.textbook(name)))
    H = systems[0]
    try:
        check_pairing(METHODS[method], H)
    except PairingError:
        method = "implicit_midpoint"
    shape = (members, *H.q0.shape) if members > 1 else H.q0.shape
    q, p = (np.array(np.broadcast_to(x, shape)) for x in (H.q0, H.p0))
    first = timed(lambda: tenfma.integrate(H, q, p, dt=H.dt, steps=2, method=method))
    again = timed(lambda: tenfma.integrate(tenfma.textbook(name), q, p, dt=H.dt / 2, steps=2, method=method))
    return Times(method, build, first, again)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--method", default="leapfrog", choices=sorted(METHODS))
    parser.add_argument("--members", type=int, default=1, help="trajectories side by side")
    options = parser.parse_args()
    warm = tenfma.symbolic("p**2/2 + q**2/2 + q**6")
    for method in ("leapfrog", "implicit_midpoint"):
        tenfma.integrate(warm, np.ones(1), np.ones(1), dt=0.1, steps=1, method=method)
    print(f"{'system':22}{'method':20}{'build':>8}{'first':>8}{'total':>8}{'again':>9}")
    for name in tenfma.textbook.names():
        times = measure(name, options.method, options.members)
        total = times.build + times.first
        verdict = "" if total <= AIM_FIRST and times.again <= AIM_AGAIN else "  above the aim"
        row = f"{times.build:8.2f}{times.first:8.2f}{total:8.2f}{times.again:9.4f}"
        print(f"{name:22}{times.method:20}{row}{verdict}")


if __name__ == "__main__":
    main()
