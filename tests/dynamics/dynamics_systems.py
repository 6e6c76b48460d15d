"""Hamiltonians for the tests of the dynamics, in plain NumPy, so that they owe nothing to the package."""

import numpy as np

from tenfma.hamiltonian.protocol import Capability, Hamiltonian


class Separable(Hamiltonian):
    """H = Σ p²/2m + V(q) from V and its gradient; counts its gradients."""

    capability = Capability.QUADRATIC

    def __init__(self, n, potential, gradient, mass=1.0, damping=0.0, time_dependent=False):
        self.event_shape = (n,)
        self.potential, self.gradient = potential, gradient
        self.mass, self.damping, self.time_dependent = mass, damping, time_dependent
        self.gradients = 0

    def _at(self, f, q, t):
        return f(q, t) if self.time_dependent else f(q)

    def __call__(self, q, p, t=0.0):
        return np.sum(p * p / (2 * self.mass), axis=-1) + self._at(self.potential, q, t)

    def dq(self, q, p, t=0.0):
        self.gradients += 1
        return self._at(self.gradient, q, t)

    def dp(self, q, p, t=0.0):
        return p / self.mass


class General(Hamiltonian):
    """H(q, p) from the function and its two gradients."""

    def __init__(self, n, H, dq, dp, capability=Capability.GENERAL):
        self.event_shape = (n,)
        self.functions = H, dq, dp
        self.capability = capability

    def __call__(self, q, p, t=0.0):
        return self.functions[0](q, p)

    def dq(self, q, p, t=0.0):
        return self.functions[1](q, p)

    def dp(self, q, p, t=0.0):
        return self.functions[2](q, p)


def harmonic(n=1, mass=1.0, k=1.0, damping=0.0):
    return Separable(n, lambda q: 0.5 * np.sum(k * q * q, axis=-1), lambda q: k * q, mass, damping)


def kepler():
    def radius(q):
        return np.sqrt(np.sum(q * q, axis=-1, keepdims=True))

    return Separable(2, lambda q: -1 / radius(q)[..., 0], lambda q: q / radius(q) ** 3)


def henon_heiles():
    def potential(q):
        x, y = q[..., 0], q[..., 1]
        return 0.5 * (x * x + y * y) + x * x * y - y**3 / 3

    def gradient(q):
        x, y = q[..., 0], q[..., 1]
        return np.stack([x + 2 * x * y, y + x * x - y * y], axis=-1)

    return Separable(2, potential, gradient)


def product():
    """H = ½(q² + 1)(p² + 1), nonseparable."""
    return General(
        1,
        lambda q, p: 0.5 * np.sum((q * q + 1) * (p * p + 1), axis=-1),
        lambda q, p: q * (p * p + 1),
        lambda q, p: p * (q * q + 1),
    )


def quartic_kinetic():
    """H = p⁴/4 + q²/2: separable, kinetic energy not quadratic."""
    return General(
        1,
        lambda q, p: np.sum(p**4 / 4 + q * q / 2, axis=-1),
        lambda q, p: q,
        lambda q, p: p**3,
        Capability.SEPARABLE,
    )


def jacobian(f, z, h=1e-5):
    """∂f/∂z by central differences of order 4."""
    columns = []
    for e in np.eye(z.size) * h:
        one = f(z + e) - f(z - e)
        two = f(z + 2 * e) - f(z - 2 * e)
        columns.append((8 * one - two) / (12 * h))
    return np.stack(columns, axis=-1)


def omega(n):
    """Ω = [[0, 1], [−1, 0]]."""
    zero, one = np.zeros((n, n)), np.eye(n)
    return np.block([[zero, one], [-one, zero]])
