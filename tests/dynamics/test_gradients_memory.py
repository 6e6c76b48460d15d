"""Peak memory of a whole process that differentiates through a path, at 100 and 10,000 steps (prints its figures)."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import sys, torch
from tenfma.dynamics.integrate import integrate
from tenfma.hamiltonian.functional import TorchHamiltonian
steps, gradient, method = int(sys.argv[1]), sys.argv[2], sys.argv[3]
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")  # forget the peak of the process this one was forked from
torch.set_num_threads(1)
torch.manual_seed(0)
net = torch.nn.Sequential(torch.nn.Linear(3, 200), torch.nn.Tanh(), torch.nn.Linear(200, 1)).double()
H = TorchHamiltonian(potential=lambda q: net(q)[..., 0], event_shape=3)
q = torch.ones(3, dtype=torch.float64, requires_grad=True)
bath = dict(kT=1.0, friction=0.5, seed=0) if method == "baoab" else {}
path = integrate(H, q, 0 * q, dt=0.05, steps=steps, save_every=steps, method=method, gradient=gradient, **bath)
(path.q[-1] ** 2).sum().backward()
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def peak(steps, gradient, method="leapfrog"):
    """Peak resident memory, MiB."""
    arguments = [sys.executable, "-c", PROGRAM, str(steps), gradient, method]
    output = subprocess.run(arguments, check=True, capture_output=True, text=True)
    return int(output.stdout) / 1024


@pytest.mark.slow
@pytest.mark.parametrize("method", ["leapfrog", "baoab"])
def test_peak_memory_is_flat_when_only_the_end_is_kept(method):
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("peak memory is read from Linux's /proc")
    short, long = peak(100, "reversible", method), peak(10_000, "reversible", method)
    grown = peak(10_000, "backprop", method)
    print(
        f"{method}: reversible {short:.0f} MiB at 100 steps, {long:.0f} at 10,000; backprop {grown:.0f} at 10,000"
    )
    assert long == pytest.approx(short, rel=0.1)
    assert grown > 1.2 * long
