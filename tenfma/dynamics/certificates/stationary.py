"""What a Langevin step samples: its stationary covariance solved for quadratic H, temperatures measured for
others.

For quadratic H a step is affine in state and noise, z' = Mz + Nξ + c, so its stationary covariance solves
Σ = MΣMᵀ + NNᵀ, with no sampling. Otherwise two temperatures are measured apart, because either alone may be
right by accident:

    kinetic          kT = ⟨p·∂H/∂p⟩ / degrees of freedom
    configurational  kT = ⟨|∂H/∂q|²⟩ / ⟨tr ∂²H/∂q²⟩

Source: Rugh, Phys. Rev. Lett. 78 (1997) 772; Butler et al., J. Chem. Phys. 109 (1998) 6519; Leimkuhler &
Matthews, Molecular Dynamics (2015), 7.4.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import solve_discrete_lyapunov
from torch import Tensor

from tenfma.dynamics.certificates.geometry import jvp
from tenfma.dynamics.statistics import Mean, mean_and_error, ratio_and_error
from tenfma.errors import TenfmaError
from tenfma.hamiltonian.protocol import Hamiltonian

#: most states at which a Hessian's trace is probed, and about how many numbers are differentiated together
PROBED, TOGETHER = 4_000, 2_000

#: (q, p, normals) → (q', p'), on single states
NoisyStep = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class AffineStep:
    """z' = Mz + Nξ + c."""

    M: NDArray[np.float64]
    N: NDArray[np.float64]
    c: NDArray[np.float64]
    #: largest relative deviation from this form seen at random states and noises
    deviation: float


def affine_map(step: NoisyStep, event: tuple[int, ...], draws: int, seed: int = 0) -> AffineStep:
    """M, N and c read off a step by feeding it unit states and unit noises."""
    size = int(np.prod(event, dtype=int))

    def image(z: Tensor, xi: Tensor) -> NDArray[np.float64]:
        q, p = (x.reshape(event) for x in z.split(size))
        with torch.no_grad():
            return torch.cat([x.reshape(-1) for x in step(q, p, xi.reshape(draws, *event))]).numpy()

    zero_z, zero_xi = (torch.zeros(n, dtype=torch.float64) for n in (2 * size, draws * size))
    c = image(zero_z, zero_xi)
    M = np.stack([image(e, zero_xi) - c for e in torch.eye(2 * size, dtype=torch.float64)], axis=1)
    N = np.stack([image(zero_z, e) - c for e in torch.eye(draws * size, dtype=torch.float64)], axis=1)
    generator = torch.Generator().manual_seed(seed)
    deviation = 0.0
    for scale in (0.1, 1.0, 3.0):
        z, xi = (
            scale * torch.randn(n, generator=generator, dtype=torch.float64) for n in (2 * size, draws * size)
        )
        seen, affine = image(z, xi), M @ z.numpy() + N @ xi.numpy() + c
        deviation = max(deviation, float(np.linalg.norm(seen - affine) / np.linalg.norm(seen)))
    return AffineStep(M, N, c, deviation)


def stationary_covariance(affine: AffineStep) -> NDArray[np.float64]:
    """Σ = MΣMᵀ + NNᵀ. Raises TenfmaError where the step has no stationary state (spectral radius of M ≥
    1)."""
    radius = float(np.abs(np.linalg.eigvals(affine.M)).max())
    if radius >= 1.0:
        raise TenfmaError(
            f"the step has no stationary state: its spectral radius is {radius:.6g} ≥ 1; lower dt or bind "
            f"the system"
        )
    if len(affine.M) <= 64:  # vec Σ solved directly, to round-off
        size = len(affine.M)
        system = np.eye(size * size) - np.kron(affine.M, affine.M)
        covariance = np.linalg.solve(system, (affine.N @ affine.N.T).ravel()).reshape(size, size)
    else:
        covariance = solve_discrete_lyapunov(affine.M, affine.N @ affine.N.T)
    return (covariance + covariance.T) / 2


def kinetic_temperature(H: Hamiltonian, q: Any, p: Any) -> Mean:
    """⟨p·∂H/∂p⟩ / degrees of freedom over a path (times, *chains, *event), in units of energy."""
    axes = tuple(range(-len(H.event_shape), 0))
    values = (p * H.dp(q, p)).sum(axes) / H.degrees_of_freedom
    return mean_and_error(_numpy(values))


def configurational_temperature(H: Hamiltonian, q: Any, p: Any, seed: int = 0) -> Mean:
    """⟨|∂H/∂q|²⟩ / ⟨tr ∂²H/∂q²⟩ over a path, the trace exact for formulas and by random signs elsewhere.

    Where H has no Hessian of its own, at most PROBED states spread over the path are looked at, a few at a time.
    """
    if hasattr(H, "hessian"):
        slope = _numpy(H.dq(q, p))
        n = H.event_shape[0]
        trace = np.einsum("...ii->...", _numpy(H.hessian(q, p))[..., :n, :n])
        return ratio_and_error((slope * slope).sum(tuple(range(-len(H.event_shape), 0))), trace)
    stride = max(1, int(np.prod(q.shape[: q.ndim - len(H.event_shape)])) // PROBED)
    q, p = q[::stride], p[::stride]
    generator = torch.Generator().manual_seed(seed)
    chains = q.shape[1 : q.ndim - len(H.event_shape)]
    together = max(1, TOGETHER // int(np.prod((*chains, *H.event_shape))))
    parts = [
        _squares_and_trace(H, q[first : first + together], p[first : first + together], generator)
        for first in range(0, len(q), together)
    ]
    squares, trace = (np.concatenate(part) for part in zip(*parts))
    return ratio_and_error(squares, trace)


def _squares_and_trace(
    H: Hamiltonian, q: Any, p: Any, generator: torch.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """|∂H/∂q|² and vᵀ(∂²H/∂q²)v with random signs v, per state."""
    axes = tuple(range(-len(H.event_shape), 0))
    x, y = (value if isinstance(value, Tensor) else torch.from_numpy(value) for value in (q, p))
    with torch.no_grad():
        slope = H.dq(x, y)
    v = torch.randint(0, 2, x.shape, generator=generator).to(x) * 2 - 1
    curvature = getattr(H, "curvature", None)
    bent = (
        curvature(x, v) if curvature else jvp(lambda q, p: (H.dq(q, p), p), x, y, v, torch.zeros_like(v))[0]
    )
    return _numpy((slope * slope).sum(axes)), _numpy((v * bent).sum(axes))


def _numpy(x: Any) -> NDArray[np.float64]:
    return x.detach().cpu().numpy() if isinstance(x, Tensor) else np.asarray(x)
