"""Implicit methods, solved to round-off: implicit midpoint, Gauss–Legendre of order 4, the flow of friction.

    implicit midpoint   z' = z + h f((z + z')/2),           f(q, p) = (∂H/∂p, −∂H/∂q − k p)
    Gauss–Legendre 4    Zᵢ = z + h Σⱼ aᵢⱼ f(Zⱼ),  z' = z + h Σ bⱼ f(Zⱼ)

Both are symplectic for any H, but only when the equations are solved: a step stopped early is not symplectic.
So they are solved as far as round-off lets them be (`tenfma.dynamics.fixed_point`).

Source: Hairer, Lubich & Wanner, Geometric Numerical Integration, II.1.3 (collocation at Gauss points),
VIII.6.
"""

import math
from collections.abc import Callable
from typing import Any

from tenfma.dynamics.arrays import like, namespace
from tenfma.dynamics.fixed_point import solve
from tenfma.dynamics.flows import Setting, State, Step, friction_matrix
from tenfma.hamiltonian.protocol import Array


def _field(setting: Setting) -> Callable[[Array, Any], Array]:
    """f(z, t) of Hamilton's equations, z = (q, p) stacked; linear friction included."""
    H, k = setting.H, float(setting.H.damping)

    def f(z: Array, t: Any) -> Array:
        q, p = z[0], z[1]
        force = -H.dq(q, p, t)
        return namespace(z).stack([H.dp(q, p, t), force - k * p if k else force])

    return f


def midpoint_map(setting: Setting, h: Any) -> Callable[[Array, Array, Any], tuple[Array, Array]]:
    """(q, p, t) → (q, p) after Hamilton's equations over h by the implicit midpoint rule."""
    f = _field(setting)
    dimensions = len(setting.H.event_shape)

    def move(q: Array, p: Array, t: Any) -> tuple[Array, Array]:
        z = namespace(q).stack([q, p])
        middle = solve(
            lambda m: z + 0.5 * h * f(m, t + 0.5 * h),
            z + 0.5 * h * f(z, t),
            q.ndim - dimensions,
            setting.tolerance,
            f"The implicit midpoint step at dt = {_told(h)}",
            scale=z,
        )
        new = 2.0 * middle - z
        return new[0], new[1]

    return move


def implicit_midpoint(setting: Setting) -> Step:
    """One implicit midpoint step."""
    move = midpoint_map(setting, setting.h)

    def step(state: State, t: Any, normals: Array | None) -> State:
        return State(*move(state.q, state.p, t))

    return step


#: Gauss points on [0, 1] and the collocation weights they give
GAUSS_NODES = (0.5 - math.sqrt(3) / 6, 0.5 + math.sqrt(3) / 6)
GAUSS_MATRIX = ((0.25, 0.25 - math.sqrt(3) / 6), (0.25 + math.sqrt(3) / 6, 0.25))


def gauss_legendre4(setting: Setting) -> Step:
    """One step of the two-stage Gauss–Legendre method, solved for its two stages at once."""
    H, h = setting.H, setting.h
    f = _field(setting)
    dimensions = len(H.event_shape)
    (a11, a12), (a21, a22) = GAUSS_MATRIX

    def step(state: State, t: Any, normals: Array | None) -> State:
        q, p = state.q, state.p
        xp = namespace(q)
        z = xp.stack([q, p])
        t1, t2 = t + GAUSS_NODES[0] * h, t + GAUSS_NODES[1] * h

        def stages(s: Array) -> Array:
            f1, f2 = f(s[:2], t1), f(s[2:], t2)
            return xp.concatenate([z + h * (a11 * f1 + a12 * f2), z + h * (a21 * f1 + a22 * f2)])

        f0 = f(z, t)
        guess = xp.concatenate([z + h * GAUSS_NODES[0] * f0, z + h * GAUSS_NODES[1] * f0])
        what = f"The Gauss–Legendre step at dt = {_told(h)}"
        s = solve(stages, guess, q.ndim - dimensions, setting.tolerance, what, scale=xp.concatenate([z, z]))
        # Z₂ − Z₁ = h (√3/6)(f₁ + f₂), and z' = z + h (f₁ + f₂)/2
        new = z + math.sqrt(3) * (s[2:] - s[:2])
        return State(new[0], new[1])

    return step


def dissipation(setting: Setting, h: Any, x: Array) -> Callable[[Array, Array, Any], Array]:
    """(q, p, t) → p after dp/dt = −Γ ∂H/∂p over h, by the implicit midpoint rule, of order 2."""
    H = setting.H
    length = 0.5 * friction_matrix(setting, x) * like(h, x)
    dimensions = len(H.event_shape)

    def relax(q: Array, p: Array, t: Any) -> Array:
        middle = solve(
            lambda m: (p - length * H.dp(q, m[0], t))[None],
            (p - length * H.dp(q, p, t))[None],
            p.ndim - dimensions,
            setting.tolerance,
            f"The friction step at dt = {_told(h)}",
            scale=p[None],
        )[0]
        return 2.0 * middle - p

    return relax


def _told(h: Any) -> str:
    return f"{h:g}" if isinstance(h, float) else "the given array"
