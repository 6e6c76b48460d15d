"""Langevin dynamics: dp = −∂H/∂q dt − Γ ∂H/∂p dt + √(2 Γ kT) dW, which keeps exp(−H/kT) for any H.

With T = Σ p²/2m and Γ = γ m this is dp = −∂V/∂q dt − γ p dt + √(2 γ m kT) dW. Then the friction and its noise
have an exact flow (letter O), and BAOAB and its kin are words. For any other kinetic energy −γp would keep
the wrong measure; there the part −Γ ∂H/∂p + √(2Γ kT) dW is split once more into dissipation and noise
(letters D, N), symmetrically, of weak order 2.

`friction` is γ (1/time) where H has masses and Γ itself where it has none: a number, or one per component.

Sources: Leimkuhler & Matthews, Appl. Math. Res. Express 2013, 34 (BAOAB and its kin); Bussi & Parrinello,
Phys. Rev. E 75 (2007) 056707 (OBABO); Maruyama, Rend. Circ. Mat. Palermo 4 (1955) 48.
"""

from typing import Any

import numpy as np

from tenfma.dynamics.arrays import is_torch, like, namespace, plain
from tenfma.dynamics.flows import Setting, State, Step, friction_matrix
from tenfma.errors import TenfmaError
from tenfma.hamiltonian.protocol import Array, Hamiltonian


def euler_maruyama(setting: Setting) -> Step:
    """q ← q + h ∂H/∂p,  p ← p − h ∂H/∂q − h Γ ∂H/∂p + √(2 Γ kT h) ξ, all at the old state; weak order 1."""
    H, h, k = setting.H, setting.h, float(setting.H.damping)

    def step(state: State, t: Any, normals: Array | None) -> State:
        q, p = state.q, state.p
        assert normals is not None
        xp = namespace(p)
        gamma = friction_matrix(setting, p)
        velocity = H.dp(q, p, t)
        noise = xp.sqrt(2.0 * gamma * like(setting.kT, p) * like(h, p)) * normals[0]
        return State(q + h * velocity, p - h * (H.dq(q, p, t) + gamma * velocity + k * p) + noise)

    return step


def checked_friction(friction: Any, H: Hamiltonian) -> Any:
    """The friction if it is ≥ 0 and one number or one per component; raises `TenfmaError`."""
    value = plain(friction)
    if value.dtype.kind not in "fiu" or not np.isfinite(value).all() or (value < 0).any():
        raise TenfmaError(f"friction is {friction}, expected numbers that are finite and ≥ 0 (1/time).")
    try:
        fits = np.broadcast_shapes(value.shape, H.event_shape) == tuple(H.event_shape)
    except ValueError:
        fits = False
    if not fits:
        raise TenfmaError(
            f"friction has shape {value.shape}, expected one number or one per component, "
            f"{tuple(H.event_shape)}."
        )
    return friction if is_torch(friction) else value.astype(float)


def checked_temperature(kT: Any) -> Any:
    """kT as one finite number ≥ 0; raises `TenfmaError`."""
    value = plain(kT)
    if value.shape != () or value.dtype.kind not in "fiu" or not np.isfinite(value) or value < 0:
        raise TenfmaError(f"kT is {kT}, expected one finite number ≥ 0, in H's units of energy.")
    return kT if is_torch(kT) else float(value)
