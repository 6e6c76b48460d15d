"""Flows as pure functions of arrays, and the values that steps are made from.

    kick         p ← e^{−kh} p − (1 − e^{−kh})/k ∂H/∂q     (k: linear friction of H; p − h ∂H/∂q for k = 0)
    drift        q ← q + h ∂H/∂p
    thermostat   p ← e^{−γh} p + √(m kT (1 − e^{−2γh})) ξ

Kick and drift are exact flows of H's parts only when H = T(p) + V(q[, t]); time advances with the drift,
which is the exact flow of T + p_t in extended phase space. A kick leaves q and t alone, so ∂H/∂q is kept
until the next drift: a method that begins and ends with a kick costs one gradient a step after the first.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tenfma.dynamics.arrays import event_sum, like, namespace
from tenfma.hamiltonian.protocol import Array, Capability, Hamiltonian


@dataclass(frozen=True, slots=True)
class State:
    """A point of a trajectory and what its next step can reuse."""

    q: Array
    p: Array
    #: ∂H/∂q at (q, t) where it is known
    slope: Array | None = None
    #: energy taken from the bath so far
    heat: Array | None = None
    #: second copy (x, y) of (q, p), for methods in extended phase space
    copy: tuple[Array, Array] | None = None


#: (state at t, t, normals (draws, *ensemble, *event)) → state at t + h
Step = Callable[[State, Any, Array | None], State]


@dataclass(frozen=True)
class Setting:
    """All that a step depends on besides the state: one value, handed to whatever builds the step."""

    H: Hamiltonian
    #: step size: a number, or an array (*ensemble, 1, …) of one per system
    h: Any
    kT: Any = None
    friction: Any = None
    #: binding of the two copies in extended phase space, 1/time
    omega: float = 20.0
    #: relative change at which an implicit step counts as solved
    tolerance: float = 1e-14
    #: whether Langevin methods keep the account of the bath's heat
    account: bool = True
    #: H gives one energy per ensemble member, not one per system within it
    one_energy: bool = True


def _times(h: Any, f: Callable[[float], float], g: str, sign: float, x: Array) -> Any:
    """f(sign·h) for a number, the array function `g` elsewhere."""
    return f(sign * h) if isinstance(h, float) else getattr(namespace(x), g)(like(sign * h, x))


def damping_factors(k: float, h: Any, x: Array) -> tuple[Any, Any]:
    """e^{−kh} and (1 − e^{−kh})/k, the two numbers of a damped kick; 1 and h without friction."""
    if k == 0:
        return 1.0, h
    return _times(h, math.exp, "exp", -k, x), _times(h, math.expm1, "expm1", -k, x) * (-1.0 / k)


def kick(p: Array, slope: Array, h: Any, damping: float = 0.0) -> Array:
    """p ← p − h ∂H/∂q, or the exact flow of dp/dt = −∂H/∂q − k p over h."""
    if damping == 0:
        return p - h * slope
    kept, length = damping_factors(damping, h, p)
    return kept * p - length * slope


def thermostat_factors(h: Any, friction: Any, mass: Any, kT: Any, x: Array) -> tuple[Array, Array]:
    """e^{−γh} and √(m kT (1 − e^{−2γh})); an infinite mass, which nothing moves, gets no noise."""
    xp = namespace(x)
    gamma, m, kT = like(friction, x), like(mass, x), like(kT, x)
    m = xp.where(xp.isfinite(m), m, xp.zeros_like(m))
    rate = gamma * like(h, x)
    return xp.exp(-rate), xp.sqrt(-xp.expm1(-2.0 * rate) * kT * m)


def kinetic_change(setting: Setting, q: Array, p: Array, new: Array, t: Any) -> Array:
    """H(q, new) − H(q, p), from the kinetic energy alone where that is known."""
    H = setting.H
    kinetic = getattr(H, "kinetic_energy", None)
    if kinetic is not None and H.capability >= Capability.SEPARABLE:
        return kinetic(new) - kinetic(p)
    if setting.one_energy and H.mass is not None:
        return event_sum((new - p) * (new + p) / (2.0 * like(H.mass, p)), len(H.event_shape))
    return H(q, new, t) - H(q, p, t)


def friction_matrix(setting: Setting, x: Array) -> Array:
    """Γ, diagonal: γ m where H has masses, the given friction itself where it has none."""
    gamma = like(setting.friction, x)
    if setting.H.mass is None:
        return gamma
    xp = namespace(x)
    m = like(setting.H.mass, x)
    return gamma * xp.where(xp.isfinite(m), m, xp.zeros_like(m))
