"""The three tasks of Greydanus, Dzamba & Yosinski, "Hamiltonian neural networks" (NeurIPS 2019): data and metric.

States are x = (q, p), shape (…, 2n). Settings follow the paper and its published code:

* spring H = q² + p²: 25 training paths of 30 points on [0, 3], radius of the start 0.1…1, noise of 0.1 on q and p;
* pendulum H = 3(1 − cos q) + p²: 25 paths of 45 points on [0, 3], radius 1.3…2.3, noise of 0.1;
* two-body, unit masses and G = 1, in the plane: 800 nearly circular orbits of 50 points on [0, 20], no noise.

Time derivatives in the data are exact. Networks: two hidden layers of 200 tanh, Adam at 1e-3, 2,000 full-batch steps with
weight decay 1e-4 (two-body: 10,000 steps of 200 samples, no decay). The metric is the mean squared difference between
the true energy along the model's path and the energy of the start, on [0, 20].
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.integrate import solve_ivp

Field = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class HNNTask:
    """A system to be learned: its energy and field, how data are drawn, how long training lasts, what was published."""

    name: str
    n: int
    energy: Field
    field: Field
    #: generator, number → starts (number, 2n), for training and for testing
    training_starts: Callable[[np.random.Generator, int], np.ndarray]
    test_starts: Callable[[np.random.Generator, int], np.ndarray]
    paths: int
    times: np.ndarray
    noise: float
    steps: int
    batch: int | None
    weight_decay: float
    #: published energy MSE: (unstructured network, Hamiltonian network)
    published: tuple[float, float]


def solve(field: Field, starts: np.ndarray, times: np.ndarray, tolerance: float = 1e-10) -> np.ndarray:
    """Paths (times, starts, 2n) of dx/dt = field(x), all starts in one adaptive solve (Dormand–Prince, order 8)."""
    shape = starts.shape

    def flat(_, x: np.ndarray) -> np.ndarray:
        return field(x.reshape(shape)).ravel()

    solution = solve_ivp(
        flat,
        (times[0], times[-1]),
        starts.ravel(),
        method="DOP853",
        t_eval=times,
        rtol=tolerance,
        atol=tolerance,
    )
    return solution.y.T.reshape(-1, *shape)


def dataset(task: HNNTask, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Noisy states and exact derivatives, each (paths, times, 2n)."""
    paths = solve(task.field, task.training_starts(generator, task.paths), task.times).swapaxes(0, 1)
    return paths + task.noise * generator.standard_normal(paths.shape), task.field(paths)


def energy_errors(task: HNNTask, paths: np.ndarray) -> np.ndarray:
    """Mean over time of (H(x(t)) − H(x(0)))², one value per start; paths (times, starts, 2n)."""
    energies = task.energy(paths)
    return np.mean((energies - energies[0]) ** 2, axis=0)


def _on_circles(low: float, high: float) -> Callable[[np.random.Generator, int], np.ndarray]:
    """Directions of points in a square, radii uniform in [low, high]."""

    def draw(generator: np.random.Generator, number: int) -> np.ndarray:
        x = generator.uniform(-1, 1, (number, 2))
        radius = generator.uniform(low, high, (number, 1))
        return x / np.linalg.norm(x, axis=1, keepdims=True) * radius

    return draw


def _frame(generator: np.random.Generator, number: int) -> np.ndarray:
    """|q| and |p| uniform in [0.2, 1], signs at random: the published test starts of spring and pendulum."""
    x = generator.uniform(-0.8, 0.8, (number, 2))
    return x + 0.2 * np.sign(x)


def _spring_energy(x: np.ndarray) -> np.ndarray:
    return x[..., 0] ** 2 + x[..., 1] ** 2


def _spring_field(x: np.ndarray) -> np.ndarray:
    return np.stack([2 * x[..., 1], -2 * x[..., 0]], axis=-1)


def _pendulum_energy(x: np.ndarray) -> np.ndarray:
    return 3 * (1 - np.cos(x[..., 0])) + x[..., 1] ** 2


def _pendulum_field(x: np.ndarray) -> np.ndarray:
    return np.stack([2 * x[..., 1], -3 * np.sin(x[..., 0])], axis=-1)


def _separation(x: np.ndarray) -> np.ndarray:
    """r₁ − r₂ of coordinates (x₁, x₂, y₁, y₂, momenta in the same order)."""
    return np.stack([x[..., 0] - x[..., 1], x[..., 2] - x[..., 3]], axis=-1)


def _two_body_energy(x: np.ndarray) -> np.ndarray:
    return 0.5 * (x[..., 4:] ** 2).sum(-1) - 1 / np.linalg.norm(_separation(x), axis=-1)


def _two_body_field(x: np.ndarray) -> np.ndarray:
    d = _separation(x)
    pull = d / np.linalg.norm(d, axis=-1, keepdims=True) ** 3
    px, py = pull[..., 0], pull[..., 1]
    return np.concatenate([x[..., 4:], np.stack([-px, px, -py, py], axis=-1)], axis=-1)


def _orbits(generator: np.random.Generator, number: int) -> np.ndarray:
    """Two bodies at ±r about their centre, r in [0.5, 1.5]², speeds circular up to a factor 1 + 0.05 ξ."""
    r = generator.uniform(0.5, 1.5, (number, 2))
    speed = 1 / (2 * np.linalg.norm(r, axis=1, keepdims=True) ** 1.5)
    v = np.stack([-r[:, 1], r[:, 0]], axis=1) * speed * (1 + 0.05 * generator.standard_normal((number, 1)))
    return np.stack([r[:, 0], -r[:, 0], r[:, 1], -r[:, 1], v[:, 0], -v[:, 0], v[:, 1], -v[:, 1]], axis=1)


TASKS = {
    task.name: task
    for task in (
        HNNTask(
            "spring",
            1,
            _spring_energy,
            _spring_field,
            _on_circles(0.1, 1.0),
            _frame,
            paths=25,
            times=np.linspace(0, 3, 30),
            noise=0.1,
            steps=2_000,
            batch=None,
            weight_decay=1e-4,
            published=(1.708e-1, 3.84e-4),
        ),
        HNNTask(
            "pendulum",
            1,
            _pendulum_energy,
            _pendulum_field,
            _on_circles(1.3, 2.3),
            _frame,
            paths=25,
            times=np.linspace(0, 3, 45),
            noise=0.1,
            steps=2_000,
            batch=None,
            weight_decay=1e-4,
            published=(4.15e-2, 2.49e-2),
        ),
        HNNTask(
            "two-body",
            4,
            _two_body_energy,
            _two_body_field,
            _orbits,
            _orbits,
            paths=800,
            times=np.linspace(0, 20, 50),
            noise=0.0,
            steps=10_000,
            batch=200,
            weight_decay=0.0,
            published=(6.33e-2, 3.88e-5),
        ),
    )
}
