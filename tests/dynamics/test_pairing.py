"""What may be assumed of H: known from how it was given, or measured."""

import numpy as np
import pytest
import torch
from dynamics_systems import harmonic, product, quartic_kinetic

from tenfma.errors import TenfmaError
from tenfma.hamiltonian.functional import TorchHamiltonian
from tenfma.hamiltonian.pairing import coupling, probed, quadratic_mass
from tenfma.hamiltonian.protocol import Capability


def half_square(p):
    return (p * p / 2).sum(-1)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda q, p: half_square(p) + (q**4).sum(-1), Capability.QUADRATIC),
        (lambda q, p: half_square(p) - 1 / (q * q).sum(-1).sqrt(), Capability.QUADRATIC),
        (lambda q, p: half_square(p) + q.log().sum(-1), Capability.QUADRATIC),  # finite at some points only
        (lambda q, p: (p**4 / 4).sum(-1) + half_square(q), Capability.SEPARABLE),
        (lambda q, p: half_square(p) + 0.3 * p[..., 0] * p[..., 1], Capability.SEPARABLE),  # no diagonal mass
        (lambda q, p: half_square(p) + 1e-6 * (q * p).sum(-1), Capability.GENERAL),
        (lambda q, p: ((p - 0.3 * q.flip(-1)) ** 2).sum(-1) / 2, Capability.GENERAL),  # magnetic field
        (lambda q, p: 0.5 * ((q * q + 1) * (p * p + 1)).sum(-1), Capability.GENERAL),
    ],
)
def test_a_function_is_probed(function, expected):
    H = TorchHamiltonian(function=function, event_shape=2)
    assert H.capability == expected
    assert (H.mass is not None) == (expected == Capability.QUADRATIC)


def test_masses_are_read_off():
    mass = torch.tensor([0.5, 3.0])
    H = TorchHamiltonian(function=lambda q, p: (p * p / (2 * mass)).sum(-1) + (q**2).sum(-1), event_shape=2)
    assert H.mass == pytest.approx([0.5, 3.0])
    assert quadratic_mass(harmonic(2, np.array([2.0, 7.0]))) == pytest.approx([2.0, 7.0])
    assert quadratic_mass(quartic_kinetic()) is None


def test_coupling_is_the_mixed_derivative():
    assert coupling(harmonic(2)) == 0.0
    q, p = np.array([0.7]), np.array([0.2])
    assert coupling(product(), q, p) == pytest.approx(2 * 0.7 * 0.2, rel=0.05)
    assert probed(product())[0] == Capability.GENERAL


def test_a_declared_capability_is_taken_at_its_word():
    H = TorchHamiltonian(
        function=lambda q, p: half_square(p) + half_square(q), event_shape=2, capability=Capability.GENERAL
    )
    assert H.capability == Capability.GENERAL


def test_ways_of_giving_a_hamiltonian():
    quadratic = TorchHamiltonian(potential=half_square, mass=2.0, event_shape=2)
    separable = TorchHamiltonian(potential=half_square, kinetic=lambda p: (p**4).sum(-1), event_shape=(2,))
    assert (quadratic.capability, separable.capability) == (Capability.QUADRATIC, Capability.SEPARABLE)
    q, p = np.array([[1.0, 2.0]] * 3), np.array([[0.5, -1.0]] * 3)
    assert quadratic(q, p) == pytest.approx(np.full(3, 2.5 + 1.25 / 4))
    assert quadratic.dp(q, p) == pytest.approx(p / 2) and quadratic.dq(q, p) == pytest.approx(q)
    assert separable.dp(q, p) == pytest.approx(4 * p**3)
    assert quadratic.degrees_of_freedom == 2
    frozen = TorchHamiltonian(potential=half_square, event_shape=(4, 3), degrees_of_freedom=9)
    assert frozen.degrees_of_freedom == 9 and frozen.mass == 1.0


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"function": half_square, "potential": half_square},
        {"function": half_square, "mass": 1.0},
        {"potential": half_square, "mass": 1.0, "kinetic": half_square},
    ],
)
def test_contradictions_are_refused(given):
    with pytest.raises(TenfmaError, match=r"H|mass"):
        TorchHamiltonian(event_shape=2, **given)


def test_derivatives_are_those_of_differences_and_differentiable_twice():
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1)).double()
    H = TorchHamiltonian(function=lambda q, p: network(torch.cat([q, p], -1))[..., 0], event_shape=2)
    q, p = torch.randn(2, 5, 2, dtype=torch.float64)
    assert torch.autograd.gradcheck(H.dq, (q.requires_grad_(), p.requires_grad_()))
    assert torch.autograd.gradgradcheck(lambda q, p: H.dq(q, p) * H.dp(q, p), (q, p))
    (parameter,) = torch.autograd.grad(H.dq(q.detach(), p.detach()).sum(), [network[0].weight])
    assert float(parameter.abs().max()) > 0


def test_numpy_in_float64_meets_a_float32_network():
    network = torch.nn.Linear(2, 1)
    H = TorchHamiltonian(potential=network, event_shape=2)
    assert list(H.parameters()) == list(network.parameters())
    assert H.dq(np.ones(2), np.ones(2)) == pytest.approx(network.weight.detach().numpy()[0])
