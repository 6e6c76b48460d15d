"""The non-symplectic comparison: Euler's method and the classical Runge–Kutta method of order 4."""

from typing import Any

from tenfma.dynamics.flows import Setting, State, Step
from tenfma.hamiltonian.protocol import Array


def _slopes(setting: Setting, q: Array, p: Array, t: Any) -> tuple[Array, Array]:
    """dq/dt = ∂H/∂p and dp/dt = −∂H/∂q − k p."""
    H, k = setting.H, float(setting.H.damping)
    force = -H.dq(q, p, t)
    return H.dp(q, p, t), (force - k * p if k else force)


def euler(setting: Setting) -> Step:
    """(q, p) ← (q, p) + h f(q, p)."""
    h = setting.h

    def step(state: State, t: Any, normals: Array | None) -> State:
        dq, dp = _slopes(setting, state.q, state.p, t)
        return State(state.q + h * dq, state.p + h * dp)

    return step


def rk4(setting: Setting) -> Step:
    """(q, p) ← (q, p) + h (f₁ + 2f₂ + 2f₃ + f₄)/6, with f₂, f₃ at h/2 and f₄ at h."""
    h = setting.h

    def step(state: State, t: Any, normals: Array | None) -> State:
        q, p = state.q, state.p
        u1, v1 = _slopes(setting, q, p, t)
        u2, v2 = _slopes(setting, q + 0.5 * h * u1, p + 0.5 * h * v1, t + 0.5 * h)
        u3, v3 = _slopes(setting, q + 0.5 * h * u2, p + 0.5 * h * v2, t + 0.5 * h)
        u4, v4 = _slopes(setting, q + h * u3, p + h * v3, t + h)
        return State(
            q + h / 6.0 * (u1 + 2.0 * u2 + 2.0 * u3 + u4), p + h / 6.0 * (v1 + 2.0 * v2 + 2.0 * v3 + v4)
        )

    return step
