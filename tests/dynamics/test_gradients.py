"""Gradients through time: three ways to the same numbers, and what each keeps in memory."""

import gc
import weakref

import numpy as np
import pytest
import torch

from tenfma.dynamics.arguments import segment_length
from tenfma.dynamics.integrate import integrate
from tenfma.dynamics.methods import METHODS
from tenfma.dynamics.run import one_step
from tenfma.hamiltonian.functional import TorchHamiltonian

# Retracing a path of n steps brings back its start to about n round-offs; gradients are held to 1e-8, as promised.

EXPLICIT = [name for name, method in METHODS.items() if method.explicit]


def learned(width=20, n=3, seed=0):
    """|p|²/2 + MLP(q)."""
    torch.manual_seed(seed)
    network = torch.nn.Sequential(
        torch.nn.Linear(n, width), torch.nn.Tanh(), torch.nn.Linear(width, 1)
    ).double()
    return TorchHamiltonian(potential=lambda q: network(q)[..., 0], event_shape=n), network


def start(n=3, seed=1):
    generator = torch.Generator().manual_seed(seed)
    q, p = torch.randn(2, n, generator=generator, dtype=torch.float64)
    return q.requires_grad_(), p.requires_grad_()


def bath(name, friction=0.5):
    return {"kT": 1.0, "friction": friction, "seed": 0} if METHODS[name].stochastic else {}


def slopes(H, inputs, q, p, gradient, **options):
    path = integrate(H, q, p, gradient=gradient, **options)
    loss = (path.q[-1] ** 2).sum() + (path.p[1:] * torch.arange(1.0, len(path)).reshape(-1, 1)).sum()
    return torch.autograd.grad(loss + path.energy[-1], (q, p, *inputs))


def furthest(one, two):
    return max(float((a - b).abs().max() / (1 + a.abs().max())) for a, b in zip(one, two))


@pytest.mark.parametrize("name", EXPLICIT)
def test_reversible_and_checkpoint_agree_with_backprop(name):
    H, network = learned()
    options = {"dt": 0.05, "steps": 24, "save_every": 10, "method": name, **bath(name)}
    plain = slopes(H, list(network.parameters()), *start(), "backprop", **options)
    for gradient in ("checkpoint", "reversible"):
        assert furthest(plain, slopes(H, list(network.parameters()), *start(), gradient, **options)) < 1e-10


@pytest.mark.parametrize("name", ["rk4", "tao2", "implicit_midpoint", "badndab", "euler_maruyama"])
def test_checkpoint_serves_the_methods_that_cannot_be_retraced(name):
    H, network = learned()
    options = {"dt": 0.05, "steps": 12, "save_every": 12, "method": name, **bath(name)}
    plain = slopes(H, list(network.parameters()), *start(), "backprop", **options)
    assert furthest(plain, slopes(H, list(network.parameters()), *start(), "checkpoint", **options)) < 1e-11


def test_a_thousand_leapfrog_steps_of_two_hundred_tanh_units():
    H, network = learned(width=200)
    options = {"dt": 0.05, "steps": 1000, "save_every": 1000}
    plain = slopes(H, list(network.parameters()), *start(), "backprop", **options)
    assert furthest(plain, slopes(H, list(network.parameters()), *start(), "reversible", **options)) < 1e-8


def test_gradient_is_that_of_central_differences():
    H, _ = learned()
    options = {"dt": 0.1, "steps": 50, "save_every": 50}
    q, p = start()
    (slope,) = slopes(H, [], q, p, "reversible", **options)[:1]

    def loss(q):
        path = integrate(H, q, p, gradient="none", **options)
        return ((path.q[-1] ** 2).sum() + path.p[-1].sum() + path.energy[-1]).item()

    for i, e in enumerate(1e-5 * torch.eye(3, dtype=torch.float64)):
        assert slope[i].item() == pytest.approx(
            (loss(q.detach() + e) - loss(q.detach() - e)) / 2e-5, rel=1e-7
        )


def test_masses_friction_temperature_and_closures_are_learnable():
    """Leaves hidden in a closure, computed from another leaf, or given as arguments: all get their gradients."""
    log_mass = torch.tensor([0.2, -0.3, 0.1], dtype=torch.float64, requires_grad=True)
    log_k = torch.tensor(0.4, dtype=torch.float64, requires_grad=True)
    mass, k = log_mass.exp(), log_k.exp()  # made once: every step shares this part of the graph
    H = TorchHamiltonian(potential=lambda q: k * (q**4).sum(-1) / 4, mass=lambda: mass, event_shape=3)
    kT = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    friction = torch.tensor([0.5, 1.0, 0.2], dtype=torch.float64, requires_grad=True)
    inputs = [log_mass, log_k, kT, friction]
    options = {"dt": 0.02, "steps": 100, "save_every": 50, "method": "baoab", "seed": 3}

    def run(gradient):
        path = integrate(
            H, *(x.detach() for x in start()), kT=kT, friction=friction, gradient=gradient, **options
        )
        return torch.autograd.grad((path.q[-1] ** 2).sum() + path.p.sum(), inputs, retain_graph=True)

    plain = run("backprop")
    assert all(float(g.abs().max()) > 1e-3 for g in plain)
    assert furthest(plain, run("reversible")) < 1e-10
    assert furthest(plain, run("checkpoint")) < 1e-10


def test_damped_and_driven_paths_are_retraced_too():
    amplitude = torch.tensor(0.8, dtype=torch.float64, requires_grad=True)
    H = TorchHamiltonian(
        potential=lambda q, t: (q**4).sum(-1) / 4 - amplitude * q.sum(-1) * np.cos(2 * t),
        event_shape=3,
        time_dependent=True,
        damping=0.3,
    )
    options = {"dt": 0.05, "steps": 120, "save_every": 120, "method": "yoshida4"}
    plain = slopes(H, [amplitude], *start(), "backprop", **options)
    assert furthest(plain, slopes(H, [amplitude], *start(), "reversible", **options)) < 1e-10


def test_friction_bounds_the_length_of_a_segment():
    """Undoing e^{−γh} for t = 60/γ in one go would lose everything; in segments nothing is lost."""
    assert segment_length(0.1, [0.0]) == float("inf")
    assert 60 <= segment_length(0.1, [1.0]) <= 70
    H, network = learned()
    options = {"dt": 0.1, "steps": 300, "save_every": 300, "method": "baoab", **bath("baoab", friction=2.0)}
    plain = slopes(H, list(network.parameters()), *start(), "backprop", **options)
    assert furthest(plain, slopes(H, list(network.parameters()), *start(), "reversible", **options)) < 1e-9


def test_a_path_retraced_in_one_go_under_friction_would_lose_everything(monkeypatch):
    monkeypatch.setattr("tenfma.dynamics.gradients.segment_length", lambda h, rates: float("inf"))
    H, network = learned()
    options = {"dt": 0.1, "steps": 300, "save_every": 300, "method": "baoab", **bath("baoab", friction=2.0)}
    plain = slopes(H, list(network.parameters()), *start(), "backprop", **options)
    wrong = slopes(H, list(network.parameters()), *start(), "reversible", **options)
    assert not furthest(plain, wrong) < 1e-3


class Kept:
    """Counts the numbers that graphs hold on to, by boxing whatever autograd saves."""

    def __init__(self):
        self.boxes = []

    def __enter__(self):
        def pack(x):
            box = Box(x)
            if not isinstance(x, torch.nn.Parameter):
                self.boxes.append(weakref.ref(box))
            return box

        self.hooks = torch.autograd.graph.saved_tensors_hooks(pack, lambda box: box.value)
        self.hooks.__enter__()
        return self

    def __exit__(self, *error):
        self.hooks.__exit__(*error)

    def alive(self):
        gc.collect()
        return sum(reference().value.numel() for reference in self.boxes if reference() is not None)


class Box:
    def __init__(self, value):
        self.value = value


@pytest.mark.parametrize(
    ("method", "gradient", "least", "most"),
    [
        ("leapfrog", "backprop", 9, 11),
        ("leapfrog", "checkpoint", 1.05, 1.6),
        ("leapfrog", "reversible", 0.9, 1.1),
        ("yoshida4", "reversible", 0.9, 1.1),
    ],
)
def test_numbers_kept_for_the_way_back(method, gradient, least, most):
    """How much the graph of a path holds after the forward pass, at 400 steps over that at 40."""
    held = []
    for steps in (40, 400):
        H, _ = learned()
        with Kept() as kept:
            path = integrate(
                H, *start(), dt=0.05, steps=steps, save_every=steps, method=method, gradient=gradient
            )
        assert path.q.requires_grad
        held.append(kept.alive())
    assert least < held[1] / held[0] < most


def test_numbers_kept_under_friction_grow_with_the_checkpoints_only():
    """γh = .1: segments of 69 steps, so 690 steps keep ten ends where 69 keep one."""
    held = []
    for steps in (69, 690):
        H, _ = learned()
        with Kept() as kept:
            path = integrate(
                H,
                *start(),
                dt=0.1,
                steps=steps,
                save_every=steps,
                gradient="reversible",
                method="baoab",
                **bath("baoab", friction=1.0),
            )
        assert path.q.requires_grad
        held.append(kept.alive())
    assert held[1] - held[0] == 9 * 6  # nine more ends of three coordinates and three momenta


def test_double_differentiation_through_backprop():
    """The Hessian of a path's end in its start, by differentiating twice, is symmetric and that of differences."""
    H, _ = learned()
    p = start()[1].detach()

    def f(q):
        return (integrate(H, q, p, dt=0.1, steps=10).q[-1] ** 2).sum()

    q = start()[0].detach()
    hessian = torch.autograd.functional.hessian(f, q)
    assert hessian == pytest.approx(hessian.T, abs=1e-12)
    e = torch.tensor([1e-4, 0, 0], dtype=torch.float64)
    assert hessian[0, 0].item() == pytest.approx(((f(q + e) + f(q - e) - 2 * f(q)) / 1e-8).item(), rel=1e-5)


def test_nothing_is_recorded_without_need():
    H, network = learned()
    q, p = (x.detach() for x in start())
    assert integrate(H, q, p, dt=0.1, steps=3).q.requires_grad  # the network learns
    assert not integrate(H, q, p, dt=0.1, steps=3, gradient="none").q.requires_grad
    with torch.no_grad():
        assert not integrate(H, q, p, dt=0.1, steps=3).q.requires_grad
    network.requires_grad_(False)
    path = integrate(H, q, p, dt=0.1, steps=3)
    assert not path.q.requires_grad and not path.energy.requires_grad


def test_jacobian_of_a_step_by_automatic_differentiation_is_symplectic():
    H, _ = learned()
    q, p = (x.detach() for x in start())

    def step(z):
        state = one_step(H, z[:3], z[3:], dt=0.3, method="suzuki4")
        return torch.cat([state.q, state.p])

    J = torch.autograd.functional.jacobian(step, torch.cat([q, p]))
    omega = torch.kron(torch.tensor([[0.0, 1], [-1, 0]]), torch.eye(3)).double()
    assert float((J.T @ omega @ J - omega).abs().max()) < 1e-14
