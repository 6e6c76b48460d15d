"""Implicit methods, solved to round-off: implicit midpoint, Gauss–Legendre of order 4, the flow of friction.

    implicit midpoint   z' = z + h f((z + z')/2),           f(q, p) = (∂H/∂p, −∂H/∂q − k p)
    Gauss–Legendre 4    Zᵢ = z + h Σⱼ aᵢⱼ f(Zⱼ),  z' = z + h Σ bⱼ f(Zⱼ)

Both are symplectic for any H, but only when the equations are solved: a step stopped early is not symplectic.
So the iteration goes on until it cannot improve; where the fixed point repels, Newton's method takes over.

Source: Hairer, Lubich & Wanner, Geometric Numerical Integration, II.1.3 (collocation at Gauss points),
VIII.6.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tenfma.dynamics.arrays import largest, like, namespace
from tenfma.dynamics.flows import Setting, State, Step, friction_matrix
from tenfma.errors import ConvergenceError
from tenfma.hamiltonian.protocol import Array

#: unknowns per ensemble member above which Newton's dense matrix is not formed
NEWTON_LIMIT = 512


def solve(
    F: Callable[[Array], Array],
    guess: Array,
    ensemble: int,
    tolerance: float,
    what: str,
    iterations: int = 60,
) -> Array:
    """z with z = F(z); z's first axis counts its parts, the next `ensemble` axes independent systems.

    Fixed-point iteration while it contracts, Newton's method otherwise. Differentiable: the last iterations
    are part of the graph. Raises `ConvergenceError` where neither reaches `tolerance` (relative), or
    round-off if that is larger.
    """
    z, last = guess, math.inf
    floor = 16.0 * float(np.finfo(str(guess.dtype).replace("torch.", "")).eps)
    unknowns = math.prod(guess.shape) // max(math.prod(guess.shape[1 : 1 + ensemble]), 1)
    newton_cost = 5 * (2 * unknowns + 2) if unknowns <= NEWTON_LIMIT else iterations
    for count in range(iterations):
        new = F(z)
        change, size = largest(new - z), largest(new)
        if not math.isfinite(change):
            break
        if change <= tolerance * size or (change <= 4.0 * floor * size and change >= last):
            return new
        if count >= 3 and change > floor * size:
            rate = change / last
            left = math.inf if rate >= 1.0 else math.log(floor * size / change) / math.log(rate)
            if left > max(newton_cost, 8) or count + left > iterations:
                break
        z, last = new, change
    return _newton(F, guess, ensemble, max(tolerance, floor), what)


def _newton(F: Callable[[Array], Array], guess: Array, ensemble: int, tolerance: float, what: str) -> Array:
    """Newton's method with a Jacobian by central differences, for each system apart."""
    xp = namespace(guess)
    shape = tuple(guess.shape)
    members = math.prod(shape[1 : 1 + ensemble])
    unknowns = math.prod(shape) // max(members, 1)
    if unknowns > NEWTON_LIMIT:
        raise ConvergenceError(
            f"{what} did not converge by iteration, and {unknowns} unknowns are too many for Newton's "
            "method; use a smaller dt."
        )

    def rows(z: Array) -> Array:  # (parts, *ensemble, *event) → (members, unknowns)
        return xp.moveaxis(z.reshape(shape[0], members, -1), 0, 1).reshape(members, unknowns)

    def state(x: Array) -> Array:
        return xp.moveaxis(x.reshape(members, shape[0], -1), 1, 0).reshape(shape)

    def residual(x: Array) -> Array:
        return x - rows(F(state(x)))

    def jacobian(x: Array) -> Array:
        columns = []
        for i in range(unknowns):
            e = xp.zeros_like(x)
            e[:, i] = 6e-6 * (1.0 + abs(x[:, i]))
            columns.append((residual(x + e) - residual(x - e)) / (2.0 * e[:, i : i + 1]))
        return xp.stack(columns, -1)

    def norm(r: Array) -> Array:
        return abs(r).max(1)[0] if hasattr(r, "detach") else abs(r).max(1)

    x = rows(guess.detach() if hasattr(guess, "detach") else guess)
    remains = residual(x)
    change = math.inf
    for _ in range(50):
        matrix = jacobian(x)
        matrix = matrix.detach() if hasattr(matrix, "detach") else matrix
        try:
            update = xp.linalg.solve(matrix, remains[..., None])[..., 0]
        except (np.linalg.LinAlgError, RuntimeError) as error:
            raise ConvergenceError(f"{what} met a singular equation; use a smaller dt.") from error
        last, change, size = change, largest(update), max(largest(x), 1e-300)
        if not math.isfinite(change):
            break
        if change <= tolerance * size or (change <= 1e-9 * size and change >= last):
            return state(x - update)
        before = norm(remains)
        share = xp.ones_like(x[:, :1])
        for _ in range(8):  # shorter steps for the members whose equation would be left worse solved
            remains = residual(x - share * update)
            worse = ~(norm(remains) <= before)
            if change <= 1e-6 * size or not bool(worse.any()):
                break
            share = xp.where(worse[:, None], 0.5 * share, share)
        x = x - share * update
        x, remains = (y.detach() if hasattr(y, "detach") else y for y in (x, remains))
    raise ConvergenceError(f"{what} did not converge (last change {change:.1e}); use a smaller dt.")


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
        s = solve(stages, guess, q.ndim - dimensions, setting.tolerance, what)
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
        )[0]
        return 2.0 * middle - p

    return relax


def _told(h: Any) -> str:
    return f"{h:g}" if isinstance(h, float) else "the given array"
