"""Peak memory of gradients through time, against the number of steps.

    python benchmarks/memory.py                        # 100, 1,000 and 10,000 steps; a few minutes
    python benchmarks/memory.py --steps 100 300 1000 --batch 64

The system is |p|²/2 + V(q), V a network of two layers of 200 tanh, float64; the loss is a function of the end state,
and only the end state is kept. Every measurement is a process of its own; after a short warm-up the kernel's high-water
mark of resident memory is reset (Linux: /proc/self/clear_refs), so the figure is what the forward and backward pass took
on top of what was there. Python's own tracing would not see torch's memory.
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
import time

from harness import markdown, save, versions

#: methods and the ways of their gradient that are compared
CASES = {
    "leapfrog": ("backprop", "checkpoint", "reversible"),
    "baoab": ("backprop", "checkpoint", "reversible"),
}
#: backprop beyond this many steps would only fill the machine
MOST_BACKPROP = 1_000


def _status(field: str) -> float:
    """A line of /proc/self/status in MiB."""
    with open("/proc/self/status", encoding="ascii") as file:
        for line in file:
            if line.startswith(field + ":"):
                return int(line.split()[1]) / 1024
    raise RuntimeError(f"/proc/self/status has no {field}; this benchmark needs Linux.")


def measure_here(method: str, gradient: str, steps: int, batch: int) -> dict[str, float]:
    """Peak MiB above the start, seconds, and the gradient's size, in this process."""
    import torch

    import tenfma
    from tenfma.hamiltonian.functional import TorchHamiltonian

    torch.set_num_threads(1)
    torch.manual_seed(0)
    n = 16
    network = torch.nn.Sequential(
        torch.nn.Linear(n, 200),
        torch.nn.Tanh(),
        torch.nn.Linear(200, 200),
        torch.nn.Tanh(),
        torch.nn.Linear(200, 1),
    ).double()
    H = TorchHamiltonian(potential=lambda q: network(q).squeeze(-1), mass=1.0, event_shape=n)
    q = torch.randn(batch, n, dtype=torch.float64)
    p = torch.randn(batch, n, dtype=torch.float64)
    langevin = {"kT": 1.0, "friction": 1.0, "seed": 0} if method == "baoab" else {}

    def gradients(count: int) -> float:
        network.zero_grad()
        path = tenfma.integrate(
            H, q, p, dt=0.01, steps=count, method=method, save_every=count, gradient=gradient, **langevin
        )
        (path.q[-1].square().mean() + path.p[-1].square().mean()).backward()
        return float(sum(w.grad.square().sum() for w in network.parameters() if w.grad is not None)) ** 0.5

    gradients(20)
    before = _status("VmRSS")
    with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
        file.write("5")
    start = time.perf_counter()
    size = gradients(steps)
    return {
        "seconds": round(time.perf_counter() - start, 2),
        "peak_mib": round(_status("VmHWM") - before, 1),
        "gradient_norm": size,
    }


def measure(method: str, gradient: str, steps: int, batch: int) -> dict[str, float]:
    """The same in a process of its own; freed blocks go back at once, so that resident memory is memory in use."""
    command = [sys.executable, __file__, "--here", method, gradient, str(steps), str(batch)]
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "16384", "MALLOC_TRIM_THRESHOLD_": "16384"}
    answer = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
    return json.loads(answer)


def main(arguments: list[str] | None = None) -> int:
    """Measure, save the evidence after every run, print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, nargs="+", default=[100, 1_000, 10_000], help="numbers of steps")
    parser.add_argument("--batch", type=int, default=128, help="trajectories at once (default 128)")
    parser.add_argument("--no-save", action="store_true", help="print only")
    parser.add_argument(
        "--here", nargs=4, metavar=("METHOD", "GRADIENT", "STEPS", "BATCH"), help=argparse.SUPPRESS
    )
    options = parser.parse_args(arguments)
    if options.here:
        method, gradient, steps, batch = options.here
        print(json.dumps(measure_here(method, gradient, int(steps), int(batch))))
        return 0

    rows: list[dict] = []
    for steps, (method, gradients) in itertools.product(options.steps, CASES.items()):
        for gradient in gradients:
            if gradient == "backprop" and steps > MOST_BACKPROP:
                continue
            found = measure(method, gradient, steps, options.batch)
            rows.append({"method": method, "gradient": gradient, "steps": steps, **found})
            print(rows[-1], file=sys.stderr, flush=True)
            if not options.no_save:
                keep(rows, options.batch)
    rows.sort(key=lambda row: (row["method"], row["gradient"], row["steps"]))
    columns = ("method", "gradient", "steps", "peak_mib", "seconds")
    header = ("method", "gradient", "steps", "peak MiB", "seconds")
    print(markdown(header, [[str(row[column]) for column in columns] for row in rows]))
    print(f"\nleapfrog, reversible: largest / smallest peak {growth(rows):.3f} (wanted: at most 1.1)")
    return 0 if growth(rows) <= 1.1 else 1


def growth(rows: list[dict]) -> float:
    """Largest over smallest peak of reversible leapfrog, over the numbers of steps; 1 before there is any."""
    flat = [row["peak_mib"] for row in rows if (row["method"], row["gradient"]) == ("leapfrog", "reversible")]
    return max(flat, default=1.0) / min(flat, default=1.0)


def keep(rows: list[dict], batch: int) -> None:
    """Write what has been measured so far."""
    payload = {
        "what": "Peak memory (MiB above the start) of gradients through time; only the end state is kept",
        "batch": batch,
        "versions": versions("torch", "numpy"),
        "rows": rows,
        "reversible_leapfrog_growth": round(growth(rows), 3),
    }
    save("memory", payload)


if __name__ == "__main__":
    sys.exit(main())
