"""Learn a Hamiltonian from data: the three tasks of the Hamiltonian neural network paper, against its published errors.

    python benchmarks/hnn_tasks.py                            # all tasks, three seeds
    python benchmarks/hnn_tasks.py --task spring --seeds 5
    python benchmarks/hnn_tasks.py --task two-body --minutes 20 --no-save

Rows, all trained by the same loss on the same data with the same network width, optimiser and number of steps:

* `general H(q, p)`: a Hamiltonian network as published, in our code;
* `H = p²/2m + V(q)`: ours, a separable Hamiltonian with learned masses;
* `second-order ODE`: the honest rival, dq/dt = p/m, dp/dt = f(q) with f any network. With one degree of freedom every f
  is a gradient, so there it *is* Hamiltonian, and what is gained over an unstructured network is gained by the form;
* `… through time` (spring, pendulum): ours, started from the row above and refined through `tenfma.integrate`, the starts
  of the noisy paths learned as well;
* `… annealed` (two-body): ours with the rate of learning lowered along a cosine.

Paths of separable models are integrated by `tenfma.integrate` (yoshida4), others adaptively to 1e-10, in double
precision.
"""

import argparse
import json
import math
import sys
import time
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
from harness import EVIDENCE, markdown, save, versions
from hnn_data import TASKS, HNNTask, dataset, energy_errors, solve

import tenfma
from tenfma.hamiltonian.functional import TorchHamiltonian

TEST_PATHS, TEST_TIMES = 15, np.linspace(0, 20, 101)


class Network(torch.nn.Module):
    """Two hidden layers of 200 tanh with orthogonal weights, as published; a scalar where `out` is 0."""

    def __init__(self, inputs: int, out: int = 0):
        super().__init__()
        sizes = [inputs, 200, 200, max(out, 1)]
        layers = [torch.nn.Linear(a, b) for a, b in pairwise(sizes)]
        for layer in layers:
            torch.nn.init.orthogonal_(layer.weight)
        self.stack = torch.nn.Sequential(layers[0], torch.nn.Tanh(), layers[1], torch.nn.Tanh(), layers[2])
        self.scalar = out == 0

    def forward(self, *x: torch.Tensor) -> torch.Tensor:
        y = self.stack(torch.cat(x, dim=-1))
        return y.squeeze(-1) if self.scalar else y


class Masses(torch.nn.Module):
    """One positive learned mass per coordinate, 1 at the start."""

    def __init__(self, n: int):
        super().__init__()
        self.log = torch.nn.Parameter(torch.zeros(n))

    def forward(self) -> torch.Tensor:
        return self.log.exp()


class General(torch.nn.Module):
    """dx/dt = J∇H(x) with H any network."""

    def __init__(self, n: int):
        super().__init__()
        self.network = Network(2 * n)
        self.hamiltonian = TorchHamiltonian(function=self.network, event_shape=n)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        with torch.enable_grad():
            q, p = (half if half.requires_grad else half.requires_grad_() for half in x.chunk(2, dim=-1))
            dq, dp = torch.autograd.grad(self.hamiltonian(q, p).sum(), (q, p), create_graph=self.training)
        return torch.cat([dp, -dq], dim=-1)


class Separable(torch.nn.Module):
    """dx/dt = J∇H(x) with H = Σ p²/2m + V(q)."""

    def __init__(self, n: int):
        super().__init__()
        self.network, self.masses = Network(n), Masses(n)
        self.hamiltonian = TorchHamiltonian(potential=self.network, mass=self.masses, event_shape=n)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, p = x.chunk(2, dim=-1)
        return torch.cat([self.hamiltonian.dp(q, p), -self.hamiltonian.dq(q, p)], dim=-1)


class SecondOrder(torch.nn.Module):
    """dq/dt = p/m, dp/dt = f(q): the form of mechanics without a potential."""

    def __init__(self, n: int):
        super().__init__()
        self.network, self.masses = Network(n, n), Masses(n)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, p = x.chunk(2, dim=-1)
        return torch.cat([p / self.masses(), self.network(q)], dim=-1)


def train(
    model: torch.nn.Module, task: HNNTask, x, dx, generator: torch.Generator, anneal: bool = False
) -> None:
    """Fit the model's field to the derivatives in the data, with the published settings."""
    x, dx = (torch.tensor(a.reshape(-1, 2 * task.n), dtype=torch.float32) for a in (x, dx))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=task.weight_decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, task.steps) if anneal else None
    model.train()
    for _ in range(task.steps):
        chosen = (
            slice(None) if task.batch is None else torch.randint(len(x), (task.batch,), generator=generator)
        )
        loss = (model(x[chosen]) - dx[chosen]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if schedule is not None:
            schedule.step()


def refine(model: Separable, task: HNNTask, x, dx, rounds: int = 200, substeps: int = 2) -> None:
    """Fit whole paths: integrate from learned starts and compare states and derivatives along the path with the data.

    Noise sits on the states the derivatives were recorded at, and a field fitted to such pairs is flattened by it. A path
    that the model itself integrates carries no noise.
    """
    x, dx = (torch.tensor(a, dtype=torch.float32).transpose(0, 1) for a in (x, dx))
    starts = torch.nn.Parameter(x[0].clone())
    optimizer = torch.optim.Adam(
        [
            {"params": list(model.parameters()), "lr": 3e-4, "weight_decay": task.weight_decay},
            {"params": [starts], "lr": 1e-2},
        ]
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, rounds)
    dt = float(task.times[1] - task.times[0]) / substeps
    for _ in range(rounds):
        q, p = starts.chunk(2, dim=-1)
        path = tenfma.integrate(
            model.hamiltonian,
            q,
            p,
            dt=dt,
            steps=substeps * (len(task.times) - 1),
            method="leapfrog",
            save_every=substeps,
            gradient="backprop",
        )
        along = torch.cat([path.q, path.p], dim=-1)
        loss = (along - x).square().mean() + (model(along) - dx).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()


def test(model: torch.nn.Module, task: HNNTask, starts: np.ndarray) -> tuple[float, float]:
    """Energy MSE of the model's paths on [0, 20]: mean over starts and its standard error."""
    model.double().eval()
    if isinstance(model, Separable):
        q, p = torch.tensor(starts).chunk(2, dim=-1)
        with torch.no_grad():
            path = tenfma.integrate(
                model.hamiltonian, q, p, dt=0.02, steps=1000, method="yoshida4", save_every=10
            )
        paths = torch.cat([path.q, path.p], dim=-1).numpy()
    else:
        paths = solve(lambda x: model(torch.tensor(x)).detach().numpy(), starts, TEST_TIMES)
    errors = energy_errors(task, paths)
    model.float()
    return float(errors.mean()), float(errors.std(ddof=1) / math.sqrt(len(errors)))


def run_seed(task: HNNTask, seed: int) -> dict[str, tuple[float, float, float]]:
    """(energy MSE, its standard error over starts, seconds of training) of every row, for one seed."""
    generator = np.random.default_rng(seed)
    x, dx = dataset(task, generator)
    starts = task.test_starts(generator, TEST_PATHS)
    found: dict[str, tuple[float, float, float]] = {}

    def row(name: str, model: torch.nn.Module, fit: Callable[[], None], before: float = 0.0) -> None:
        begun = time.perf_counter()
        fit()
        seconds = before + time.perf_counter() - begun
        found[name] = (*test(model, task, starts), seconds)
        print(f"{task.name}, seed {seed}, {name}: {found[name][0]:.2e}  ({seconds:.0f} s)", flush=True)

    def fresh(kind: Callable[[int], torch.nn.Module]) -> tuple[torch.nn.Module, torch.Generator]:
        torch.manual_seed(seed)
        return kind(task.n), torch.Generator().manual_seed(seed)

    for name, kind in (
        ("general H(q, p)", General),
        ("H = p²/2m + V(q)", Separable),
        ("second-order ODE", SecondOrder),
    ):
        model, draws = fresh(kind)
        row(name, model, lambda m=model, g=draws: train(m, task, x, dx, g))
        if kind is Separable and task.noise:
            before = found[name][2]
            row("H = p²/2m + V(q), through time", model, lambda m=model: refine(m, task, x, dx), before)
    if not task.noise:
        model, draws = fresh(Separable)
        row("H = p²/2m + V(q), annealed", model, lambda: train(model, task, x, dx, draws, anneal=True))
    return found


def summary(task: HNNTask, seeds: dict[int, dict[str, tuple[float, float, float]]]) -> dict:
    """Means over seeds beside the published errors."""
    baseline, hnn = task.published
    rows = [
        {"model": "unstructured network (published)", "energy_mse": baseline},
        {"model": "HNN (published)", "energy_mse": hnn},
    ]
    for name in next(iter(seeds.values())):
        values = [found[name][0] for found in seeds.values()]
        rows.append(
            {
                "model": name,
                "energy_mse": float(f"{np.mean(values):.3g}"),
                "per_seed": [float(f"{value:.3g}") for value in values],
                "seconds": float(f"{np.mean([found[name][2] for found in seeds.values()]):.3g}"),
                "at_least_as_low_as_hnn": bool(np.mean(values) <= hnn),
            }
        )
    return {"rows": rows, "seeds": list(seeds)}


def table(results: dict[str, dict]) -> str:
    """All tasks, one line for each row."""
    lines = []
    for task, result in results.items():
        for row in result["rows"]:
            spread = " ".join(f"{value:.1e}" for value in row.get("per_seed", []))
            verdict = {True: "yes", False: "NO", None: "–"}[row.get("at_least_as_low_as_hnn")]
            lines.append((task, row["model"], f"{row['energy_mse']:.2e}", spread or "–", verdict))
    return markdown(("task", "model", "energy MSE", "per seed", "≤ published HNN"), lines)


def keep(results: dict[str, dict]) -> None:
    """Write what is finished; tasks that were not run keep their earlier figures."""
    earlier = EVIDENCE / "hnn_tasks.json"
    tasks = json.loads(earlier.read_text(encoding="utf-8"))["tasks"] if earlier.exists() else {}
    tasks |= results
    payload = {
        "what": "Energy MSE of learned Hamiltonians on the three tasks of Greydanus et al. (2019)",
        "versions": versions("torch", "numpy"),
        "tasks": {name: tasks[name] for name in TASKS if name in tasks},
    }
    save("hnn_tasks", payload)


def main(arguments: list[str] | None = None) -> int:
    """Train, save the evidence after every seed, print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--task", choices=list(TASKS), action="append", help="one task (repeatable)")
    parser.add_argument("--seeds", type=int, default=3, help="how many seeds (default 3)")
    parser.add_argument("--seed", type=int, default=0, help="the first seed (default 0)")
    parser.add_argument("--minutes", type=float, default=60.0, help="start no further seed after this long")
    parser.add_argument("--no-save", action="store_true", help="print only")
    options = parser.parse_args(arguments)
    end = time.monotonic() + 60 * options.minutes

    results: dict[str, dict] = {}
    for name in options.task or list(TASKS):
        seeds: dict[int, dict[str, tuple[float, float, float]]] = {}
        for seed in range(options.seed, options.seed + options.seeds):
            if seeds and time.monotonic() > end:
                print(f"{name}: out of time after {len(seeds)} seeds")
                break
            seeds[seed] = run_seed(TASKS[name], seed)
            results[name] = summary(TASKS[name], seeds)
            if not options.no_save:
                keep(results)
    print("\n" + table(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
