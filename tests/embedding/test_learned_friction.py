"""A bath with a friction of its own for every irrep copy: what it keeps, how it turns, that it is learned."""

import numpy as np
import pytest
import torch
from scipy.linalg import solve_discrete_lyapunov
from test_pooled_evolution import CRYSTALS, SMALL, low_symmetry, net_of, z

import tenfma
from tenfma.dynamics.run import one_step
from tenfma.embedding.evolved import Evolved, Motion
from tenfma.embedding.graphs import graphs_of
from tenfma.errors import TenfmaError
from tenfma.hamiltonian.pooled import PooledHamiltonian, per_component

KT = 0.05
MOTION = Motion("baoab", dt=0.3, steps=8, kT=KT, friction=0.5, bath="learned")


def learned(motion: Motion = MOTION) -> Evolved:
    """A net whose frictions differ from copy to copy, from a tenth to ten times the one they start from."""
    net = net_of(motion).double()
    with torch.no_grad():
        net.log_friction.uniform_(-2.3, 2.3, generator=torch.Generator().manual_seed(4))
        net.log_mass.uniform_(-0.7, 0.7, generator=torch.Generator().manual_seed(5))
    return net


def one_crystal(net: Evolved) -> tuple[PooledHamiltonian, torch.Tensor, torch.Tensor]:
    with torch.no_grad():
        H, q, p, _ = net.start(graphs_of([low_symmetry()], torch.float64))
        return net.single(H, q, p)


def stationary(H: PooledHamiltonian, q: torch.Tensor, dt: float, friction, noisy=None) -> np.ndarray:
    """The covariance of (q, p) that a BAOAB step (q, p) → A (q, p) + B ξ of a linear force keeps, solved and not sampled.

    `noisy` may give another friction for the noise alone: what a wrong bath would do.
    """
    n = len(q)

    def step(x: torch.Tensor, normals: torch.Tensor, friction) -> torch.Tensor:
        state = one_step(H, x[:n], x[n:], dt=dt, method="baoab", kT=KT, friction=friction, normals=normals)
        return torch.cat([state.q, state.p])

    x, xi = torch.cat([q, torch.zeros_like(q)]), torch.zeros(1, n, dtype=q.dtype)
    A = torch.autograd.functional.jacobian(lambda x: step(x, xi, friction), x)
    B = torch.autograd.functional.jacobian(lambda xi: step(x, xi, friction if noisy is None else noisy), xi)
    B = B.flatten(1)
    return solve_discrete_lyapunov(A.numpy(), (B @ B.T).numpy())


def test_it_keeps_the_boltzmann_law_of_springs_whatever_the_frictions():
    net = learned().requires_grad_(False)
    for parameter in net.potential.parameters():
        parameter.zero_()  # what is left is ½ Σ p²/m + ½ κ |q − q₀|²
    H, q, _ = one_crystal(net)
    friction = net.friction(H)
    assert float(friction.max() / friction.min()) > 20 and float(friction.min()) > 0
    n, mass = len(q), H.mass
    found = stationary(H, q, 0.05, friction)
    np.testing.assert_allclose(found[:n, :n], KT / H.confinement * np.eye(n), atol=1e-8)
    np.testing.assert_allclose(np.diag(found)[n:] / mass.numpy(), KT, rtol=2e-3)
    # the twin: noise of one friction for all, under frictions that differ
    wrong = stationary(H, q, 0.05, friction, friction.mean().expand(n))
    assert np.abs(np.diag(wrong)[:n] / KT - 1).max() > 0.5


def test_it_keeps_the_boltzmann_law_of_the_learned_energy():
    net = learned().requires_grad_(False)
    H, q, p = one_crystal(net)
    report = tenfma.certify(
        H, method="baoab", dt=0.1, q=q, p=p, kT=KT, friction=net.friction(H), steps=4000, seed=1
    ).to_dict()
    checks = {check["name"]: check for check in report["checks"]}
    for name in ("kinetic temperature", "configurational temperature"):
        assert checks[name]["verdict"] == "pass", checks[name]


def test_it_turns_with_the_crystal_and_a_friction_per_component_does_not():
    net = learned()
    H, q, p = one_crystal(net)
    normals = torch.randn(1, len(q), dtype=q.dtype, generator=torch.Generator().manual_seed(0))
    one = per_component(net.blocks, torch.ones_like(net.log_friction))
    apart = one * (1 + torch.rand(len(q), dtype=q.dtype, generator=torch.Generator().manual_seed(1)))
    for friction, kept in ((net.friction(H), True), (apart, False)):
        _, other, D = H.equivariances(3)[0]
        bath = {"dt": 0.3, "method": "baoab", "kT": KT, "friction": friction}
        with torch.no_grad():
            there = D(one_step(H, q, p, normals=normals, **bath).q)
            turned = one_step(other, D(q), D(p), normals=D(normals), **bath).q
        assert (float((there - turned).abs().max()) < 1e-10) == kept


def test_it_is_learned_and_the_noise_is_the_same_whatever_the_batch():
    net = learned()
    together = z(net, CRYSTALS)
    for row, atoms in zip(together, CRYSTALS):
        torch.testing.assert_close(row, z(net, [atoms])[0], rtol=0, atol=1e-9)
    y, _ = net.train()(graphs_of(CRYSTALS, torch.float64))
    y.square().sum().backward()
    assert net.log_friction.grad is not None and float(net.log_friction.grad.abs().max()) > 0
    gradients = []
    for gradient in ("backprop", "reversible"):
        from dataclasses import replace

        one = learned(replace(MOTION, gradient=gradient))
        one(graphs_of(CRYSTALS, torch.float64), seed=5)[0].square().sum().backward()
        gradients.append(one.log_friction.grad)
    torch.testing.assert_close(gradients[1], gradients[0], rtol=1e-6, atol=1e-9)


def test_names_are_checked():
    with pytest.raises(TenfmaError, match="even, learned"):
        Motion(bath="cold")
    with pytest.raises(TenfmaError, match="friction above 0"):
        Motion(bath="learned")
    for wrong in ({"kT": -1.0}, {"kT": float("nan")}, {"friction": float("inf")}):
        with pytest.raises(TenfmaError, match="at least 0"):
            Motion("baoab", **{"kT": 0.1, "friction": 1.0, **wrong})
    assert not hasattr(Evolved(("a",), 1, SMALL, Motion()), "log_friction")
