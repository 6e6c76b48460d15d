"""What an integrator may assume of H, measured where it cannot be known from how H was made.

Three numbers decide: how ∂H/∂q changes with p (zero for a separable H), and how far ∂H/∂p is from p/m.
"""

from typing import Any

import numpy as np

from tenfma.hamiltonian.protocol import Capability, Hamiltonian

#: relative size below which a difference of derivatives counts as round-off, float64 / float32
ROUND_OFF = {8: 1e-9, 4: 2e-4}


def probed(H: Hamiltonian, points: int = 4, seed: int = 0) -> tuple[Capability, np.ndarray | None]:
    """Capability of H, and its masses where it is quadratic, from derivatives at random points.

    H = T(p) + V(q) exactly if ∂H/∂q does not change with p; T = Σ p²/2m exactly if ∂H/∂p = p/m. Points where
    H is not finite are left out. A function that differs from these forms only outside the points is not
    found out.
    """
    if coupling(H, points=points, seed=seed) > 0.0:
        return Capability.GENERAL, None
    mass = quadratic_mass(H, points=points, seed=seed)
    return (Capability.SEPARABLE, None) if mass is None else (Capability.QUADRATIC, mass)


def coupling(H: Hamiltonian, q: Any = None, p: Any = None, points: int = 4, seed: int = 0) -> float:
    """Largest |∂²H/∂q∂p| met, as the change of ∂H/∂q over a change of p; 0 for a separable H.

    Looked for around the state (q, p) if one is given (NumPy arrays), at random points of sizes 0.3, 1 and 3
    otherwise. Infinite if H is finite nowhere it was tried.
    """
    rng = np.random.default_rng(seed)
    largest, tried = 0.0, 0
    for size in (0.3, 1.0, 3.0):
        for _ in range(points):
            away, step = 1e-3 * size * rng.standard_normal((2, *H.event_shape))
            at_q = size * rng.standard_normal(H.event_shape) if q is None else np.asarray(q) + away
            at_p = size * rng.standard_normal(H.event_shape) if p is None else np.asarray(p)
            with np.errstate(all="ignore"):
                here, there = H.dq(at_q, at_p), H.dq(at_q, at_p + step)
            if not (np.isfinite(here).all() and np.isfinite(there).all()):
                continue
            tried += 1
            change = float(np.max(np.abs(there - here)))
            if change > _floor(here) * max(1e-3, float(np.max(np.abs(here)))):
                largest = max(largest, change / float(np.max(np.abs(step))))
    return largest if tried else np.inf


def quadratic_mass(H: Hamiltonian, points: int = 4, seed: int = 0) -> np.ndarray | None:
    """Masses m with ∂H/∂p = p/m at every point tried, or None where there are none; all must be positive."""
    rng = np.random.default_rng(seed)
    at_q = rng.standard_normal(H.event_shape)
    with np.errstate(all="ignore"):
        inverse = np.asarray(H.dp(at_q, np.ones(H.event_shape)))
        if not (np.isfinite(inverse).all() and (inverse > 0).all()):
            return None
        for size in (0.3, 1.0, 3.0):
            for _ in range(points):
                at_q, at_p = size * rng.standard_normal((2, *H.event_shape))
                velocity = np.asarray(H.dp(at_q, at_p))
                error = np.abs(velocity - at_p * inverse)
                if not (error <= _floor(velocity) * np.max(np.abs(velocity))).all():
                    return None
    return 1.0 / inverse


def _floor(x: Any) -> float:
    return ROUND_OFF.get(np.asarray(x).dtype.itemsize, 1e-2)
