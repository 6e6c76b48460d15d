"""Explicit symplectic steps for a nonseparable H, in a phase space of two copies (q, p) and (x, y).

    H̄ = H(q, y) + H(x, p) + ½ω (|q − x|² + |p − y|²)

Each of the three parts has an exact flow. The copies start equal and ω binds them; their distance is
reported, because the method is symplectic in the doubled space only, and ω has a window: too small and the
copies part, too large and ωh is no longer small. Two clocks, s = t in the second copy, are kept as H = H(q,
y, t) + H(x, p, s) asks.

Source: Tao, Phys. Rev. E 94 (2016) 043303, eqs. (1)-(5).
"""

import math

from tenfma.dynamics.arrays import event_sum, namespace
from tenfma.dynamics.flows import Setting, State, Step, damping_factors
from tenfma.hamiltonian.protocol import Array


def tao(weights: tuple[float, ...]):
    """Builder of the composition of Tao's order-2 step with the given weights; (1.0,) is that step itself."""

    def build(setting: Setting) -> Step:
        H, k = setting.H, float(setting.H.damping)
        parts = [_part(setting, w) for w in weights]

        def step(state: State, t, normals: Array | None) -> State:
            q, p = state.q, state.p
            x, y = state.copy if state.copy is not None else (q, p)
            for b, cos, sin in parts:
                if k:
                    kept, _ = damping_factors(k, 0.5 * b, p)
                    p, y = kept * p, kept * y
                p, x = p - 0.5 * b * H.dq(q, y, t), x + 0.5 * b * H.dp(q, y, t)
                middle = t + 0.5 * b
                q, y = q + 0.5 * b * H.dp(x, p, middle), y - 0.5 * b * H.dq(x, p, middle)
                q, p, x, y = _bound(q, p, x, y, cos, sin)
                q, y = q + 0.5 * b * H.dp(x, p, middle), y - 0.5 * b * H.dq(x, p, middle)
                t = t + b
                p, x = p - 0.5 * b * H.dq(q, y, t), x + 0.5 * b * H.dp(q, y, t)
                if k:
                    p, y = kept * p, kept * y
            return State(q, p, copy=(x, y))

        return step

    return build


def _part(setting: Setting, weight: float):
    b = weight * setting.h
    angle = 2.0 * setting.omega * b
    if isinstance(angle, float):
        return b, math.cos(angle), math.sin(angle)
    xp = namespace(angle)
    return b, xp.cos(angle), xp.sin(angle)


def _bound(q: Array, p: Array, x: Array, y: Array, cos, sin) -> tuple[Array, Array, Array, Array]:
    """The exact flow of ½ω(|q − x|² + |p − y|²): the copies' difference turns by 2ωh, their sum stays."""
    u, v = q - x, p - y
    turned_u, turned_v = cos * u + sin * v, cos * v - sin * u
    return (
        0.5 * (q + x + turned_u),
        0.5 * (p + y + turned_v),
        0.5 * (q + x - turned_u),
        0.5 * (p + y - turned_v),
    )


def divergence(state: State, dimensions: int) -> Array | None:
    """√(|q − x|² + |p − y|²), the distance of the two copies, per ensemble member; None for one copy."""
    if state.copy is None:
        return None
    u, v = state.q - state.copy[0], state.p - state.copy[1]
    return event_sum(u * u + v * v, dimensions) ** 0.5
