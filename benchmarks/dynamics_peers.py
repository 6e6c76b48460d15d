"""Dynamics against peers: steps per second, ours and theirs in the same run.

    python benchmarks/dynamics_peers.py                 # every task, table on the screen, JSON in assets/evidence
    python benchmarks/dynamics_peers.py --task ensemble --rounds 5 --no-save
    python benchmarks/dynamics_peers.py --scale 0.1     # a quick look: a tenth of the steps

A peer that is not installed is left out (`pip install -e '.[bench]'` brings them). Ratios are ours / peer, so more than
1 means that ours is quicker; they are medians over interleaved rounds, with the extremes.
"""

import argparse
import itertools
import json
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import peers
from harness import Contender, Row, Target, Task, markdown, measure, rows_table, save, versions

import tenfma

HENON_HEILES = "(px**2 + py**2)/2 + (x**2 + y**2)/2 + x**2*y - y**3/3"
DOUBLE_WELL = "(px**2 + py**2)/2 + u*((x**2 - 1)**2 + (y**2 - 1)**2)"

#: the gravitational constant of the outer solar system in au³/(solar mass · day²)
GRAVITY = 2.95912208286e-4


def henon_heiles():
    """A fresh Hénon–Heiles from its formula, with its initial state."""
    return tenfma.symbolic(HENON_HEILES, coordinates=("x", "y")), np.array(peers.Q0), np.array(peers.P0)


def integrator(H, q, p, *, steps: int, method: str = "leapfrog", dt: float = peers.H, **options) -> Callable:
    """What is timed on our side: the public call, nothing less."""
    return lambda: tenfma.integrate(H, q, p, dt=dt, steps=steps, method=method, **options)


def trajectory(scale: float) -> Task:
    """One trajectory, only its end kept."""
    steps = int(4_000_000 * scale)
    H, q, p = henon_heiles()
    return Task(
        "Hénon–Heiles, one trajectory, end only",
        "steps",
        Contender("leapfrog", integrator(H, q, p, steps=steps, save_every=steps), steps),
        [*peers.c_loop(steps, saving=False), *peers.diffrax_trajectory(steps, saving=False)],
        [Target("C -O3", 0.8)],
    )


def saving(scale: float) -> Task:
    """One trajectory, every step kept; ours and the C loop also keep the energy."""
    steps = int(2_000_000 * scale)
    H, q, p = henon_heiles()
    return Task(
        "Hénon–Heiles, one trajectory, every step kept",
        "steps",
        Contender("leapfrog", integrator(H, q, p, steps=steps, save_every=1), steps),
        [*peers.c_loop(steps, saving=True), *peers.diffrax_trajectory(steps, saving=True)],
        [Target("diffrax", 1.0)],
        note="ours and the C loop also write the energy of every step; diffrax does not; nobody writes the times",
    )


def ensemble(scale: float) -> Task:
    """Ten thousand members, a thousand steps, the end only."""
    members, steps = 10_000, int(1_000 * scale)
    H, _, _ = henon_heiles()
    qs, ps = np.random.default_rng(0).uniform(-0.2, 0.2, (2, members, 2))  # well below the escape energy 1/6
    run = integrator(H, qs, ps, steps=steps, save_every=steps)
    return Task(
        "Hénon–Heiles, 10,000 members, end only",
        "trajectory-steps",
        Contender("leapfrog", run, members * steps),
        peers.diffrax_ensemble(members, steps, qs, ps),
        [Target("diffrax vmap", 1.0)],
    )


def rk4(scale: float) -> Task:
    """RK4, the non-symplectic comparison, against torchdiffeq."""
    steps = int(2_000 * scale)
    H, q, p = henon_heiles()
    long = 100 * steps
    return Task(
        "Hénon–Heiles, RK4, end only",
        "steps",
        Contender("rk4", integrator(H, q, p, steps=long, method="rk4", save_every=long), long),
        peers.torchdiffeq_rk4(steps),
    )


def torch_path(scale: float) -> Task:
    """The same formula on torch tensors, step by step, which is what a network would meet."""
    import torch

    steps = int(2_000 * scale)
    H, q, p = henon_heiles()
    run = integrator(H, torch.tensor(q), torch.tensor(p), steps=steps, save_every=steps)
    return Task(
        "Hénon–Heiles on torch tensors, end only",
        "steps",
        Contender("leapfrog, torch", run, steps),
        peers.torchdiffeq_rk4(steps),
        note="RK4 evaluates the field four times a step, leapfrog once",
    )


def langevin(scale: float) -> Task:
    """BAOAB in the 2-D double well, one trajectory, end only."""
    steps = int(200_000 * scale)
    few = max(steps // 100, 100)
    H = tenfma.symbolic(DOUBLE_WELL, coordinates=("x", "y"), parameters={"u": peers.U})
    run = integrator(
        H,
        np.zeros(2),
        np.zeros(2),
        steps=steps,
        method="baoab",
        dt=peers.LANGEVIN_STEP,
        save_every=steps,
        kT=peers.U,
        friction=peers.FRICTION,
        seed=0,
    )
    return Task(
        "2-D double well, Langevin, one trajectory",
        "steps",
        Contender("BAOAB", run, steps),
        [*peers.diffrax_align(steps // 4), *peers.torchsde_euler(few)],
        [Target("diffrax ALIGN", 10.0)],
        note="ALIGN has strong order 2, BAOAB weak order 2; the Brownian tree can be replayed, the other path cannot",
    )


def solar(scale: float) -> Task:
    """The outer solar system, leapfrog with steps of 10 days."""
    steps, dt = int(200_000 * scale), 10.0
    H = tenfma.textbook("outer-solar-system")
    q, p = np.asarray(H.q0, dtype=float), np.asarray(H.p0, dtype=float)
    masses = np.broadcast_to(np.asarray(H.mass, dtype=float), q.shape).reshape(-1, 3)[:, 0]
    positions, velocities = q.reshape(-1, 3), p.reshape(-1, 3) / masses[:, None]
    run = integrator(H, q, p, steps=steps, dt=dt, save_every=steps)
    return Task(
        "Outer solar system, end only",
        "steps",
        Contender("leapfrog", run, steps),
        peers.rebound_solar(steps, dt, GRAVITY, masses, positions, velocities),
        note="WHFast drifts along Kepler orbits: dearer steps, far smaller error at the same step",
    )


TASKS = {
    "trajectory": trajectory,
    "saving": saving,
    "ensemble": ensemble,
    "langevin": langevin,
    "solar": solar,
    "rk4": rk4,
    "torch": torch_path,
}

#: run in a process of its own: seconds from a formula to a path, first and later
FIRST_CALL = """
import json, sys, time
import numpy as np
import tenfma
tenfma.symbolic, tenfma.integrate

def call(formula, method="leapfrog", **options):
    start = time.perf_counter(), time.process_time()
    H = tenfma.symbolic(formula, coordinates=("x", "y"))
    tenfma.integrate(H, np.array([0.1, 0.0]), np.array([0.0, 0.5]), dt=0.01, steps=1000, method=method, **options)
    return time.perf_counter() - start[0], time.process_time() - start[1]

first, second, method = sys.argv[1:]
options = {"kT": 1.0, "friction": 1.0, "seed": 0} if method == "baoab" else {}
times = [call(first, method, **options), call(first, method, **options), call(second, method, **options)]
print(json.dumps(times))
"""


def first_call(repeats: int = 3) -> list[dict]:
    """Seconds for a formula never seen before in a fresh process, for the same again, and for one more new formula.

    Constants are drawn anew so that no cache on disk can know the formula. Judged by processor time, which is the wall
    clock of a machine that has nothing else to do; the wall clock is told as well.
    """
    generator = np.random.default_rng()
    found = []
    for method in ("leapfrog", "baoab"):
        samples = []
        for _ in range(repeats):
            formulas = [
                f"(px**2 + py**2)/2 + {a:.6f}*x**2/2 + {b:.6f}*y**4/4 + cos({a:.6f}*x*y)/5"
                for a, b in generator.uniform(0.9, 1.1, (2, 2))
            ]
            command = [sys.executable, "-c", FIRST_CALL, *formulas, method]
            answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            samples.append(json.loads(answer))
        first, again, other = np.median(np.array(samples), axis=0)  # each (wall clock, processor)
        for what, (wall, seconds), target in (
            ("first call in a process, new formula", first, 3.0),
            ("same formula again", again, 0.05),
            ("another new formula", other, 3.0),
        ):
            found.append(
                {
                    "task": what,
                    "method": method,
                    "seconds": float(f"{seconds:.3g}"),
                    "wall_seconds": float(f"{wall:.3g}"),
                    "target": target,
                    "met": bool(seconds <= target),
                }
            )
    return found


def first_call_table(found: list[dict]) -> str:
    """Seconds against what is aimed at."""
    return markdown(
        ("task", "method", "processor s", "wall s", "target"),
        [
            (
                row["task"],
                row["method"],
                f"{row['seconds']:.3g}",
                f"{row['wall_seconds']:.3g}",
                f"≤ {row['target']:g} {'met' if row['met'] else 'MISSED'}",
            )
            for row in found
        ],
    )


def main(arguments: list[str] | None = None) -> int:
    """Run what was asked for, print the tables, save the evidence."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--task", choices=[*TASKS, "first-call"], action="append", help="one task (repeatable)"
    )
    parser.add_argument("--rounds", type=int, default=7, help="interleaved rounds (default 7)")
    parser.add_argument("--scale", type=float, default=1.0, help="multiply every number of steps")
    parser.add_argument("--no-save", action="store_true", help="print only")
    options = parser.parse_args(arguments)
    chosen = options.task or [*TASKS, "first-call"]

    rows: list[Row] = list(
        itertools.chain.from_iterable(
            measure(TASKS[name](options.scale), options.rounds) for name in chosen if name in TASKS
        )
    )
    calls = first_call() if "first-call" in chosen else []
    if rows:
        print(rows_table(rows))
        for note in dict.fromkeys(f"{row.task}: {row.note}" for row in rows if row.note):
            print(f"  {note}")
    if calls:
        print("\n" + first_call_table(calls))
    if not options.no_save:
        packages = versions("numpy", "numba", "torch", "jax", "diffrax", "torchdiffeq", "torchsde", "rebound")
        payload = {
            "what": "Dynamics against peers, steps per second; ratios are ours / peer, medians of interleaved rounds",
            "versions": packages,
            "rows": [row.to_dict() for row in rows],
            "first_call": calls,
        }
        print(f"\nsaved {save('dynamics_peers', payload)}")
    missed = [row for row in rows if row.met is False]
    return 1 if missed or any(not row["met"] for row in calls) else 0


if __name__ == "__main__":
    sys.exit(main())
