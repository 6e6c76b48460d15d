"""What a step does to phase space: its Jacobian, symplectic defect, reversal and equivariance.

Everything here takes a *step*, any torch function (q, p) → (q', p') of states (*ensemble, *event), and
nothing else: a method of this package, a learned update or a wrong twin in a test are judged alike.

With z = (q, p), Ω = [[0, 1], [−1, 0]] and J = ∂z'/∂z, a step is symplectic when JᵀΩJ = Ω, and conformally so
with factor c when JᵀΩJ = cΩ: friction γ over a step h gives c = e^{−γh}.

Source: Hairer, Lubich & Wanner, Geometric Numerical Integration, VI.2 (symplectic), V.1 (reversal);
McLachlan & Perlmutter, J. Geom. Phys. 39 (2001) 276 (conformal).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.autograd import forward_ad

from tenfma.errors import TenfmaError

Step = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]

#: up to this many phase-space dimensions the Jacobian is formed column by column; beyond it is probed
DENSE = 256
PROBES = 8
#: columns of the Jacobian made at once
COLUMNS = 8


@dataclass(frozen=True)
class Defect:
    """How far JᵀΩJ is from `factor`·Ω, relative to ‖J‖²."""

    value: float
    #: det J, where J was formed
    determinant: float | None
    #: True where J was formed; False where random tangent vectors estimated the norms from above
    exact: bool
    #: the factor c for which cΩ is nearest to JᵀΩJ
    factor: float


def generic(q: Tensor, p: Tensor, seed: int = 0) -> tuple[Tensor, Tensor]:
    """A state one hundredth away from this one in every direction.

    A starting state is often special (at rest, one mode excited). There an implicit step can be solved
    before its derivatives along the quiet directions are, and J would tell of the iteration, not of the step.
    """
    generator = torch.Generator().manual_seed(seed)
    sizes = [float(x.square().mean().sqrt()) for x in (q, p)]
    moved = [
        x + 1e-2 * (own or other) * torch.randn(x.shape, generator=generator, dtype=x.dtype).to(x.device)
        for x, own, other in ((q, sizes[0], sizes[1]), (p, sizes[1], sizes[0]))
    ]
    return moved[0], moved[1]


def jvp(step: Step, q: Tensor, p: Tensor, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """J·(u, v): forward mode where every operation has it, else by differentiating the transposed product.

    Raises TenfmaError where the step is not differentiable.
    """
    try:
        with forward_ad.dual_level():
            primal = [
                forward_ad.make_dual(x.detach().clone().requires_grad_(), dx) for x, dx in ((q, u), (p, v))
            ]
            tangents = [forward_ad.unpack_dual(x).tangent for x in step(*primal)]
        if all(t is not None for t in tangents):
            return tangents[0].detach(), tangents[1].detach()
    except (RuntimeError, NotImplementedError):
        pass  # an operation without a forward rule; the transposed product needs only backward rules

    def attached(q: Tensor, p: Tensor) -> tuple[Tensor, Tensor]:
        result = step(q, p)
        if not any(x.requires_grad for x in result):
            raise RuntimeError("its result is detached from its input")
        return result

    try:
        _, (dq, dp) = torch.autograd.functional.jvp(attached, (q, p), (u, v))
    except RuntimeError as problem:
        raise TenfmaError(
            f"the step cannot be differentiated by torch, so its Jacobian is unknown ({problem}); "
            "write it in differentiable torch operations"
        ) from None
    return dq, dp


def jacobian(step: Step, q: Tensor, p: Tensor) -> Tensor:
    """J = ∂(q', p')/∂(q, p) at one state: (2D, 2D), columns made as ensembles of COLUMNS."""
    size = q.numel()
    basis = torch.eye(2 * size, dtype=q.dtype, device=q.device)
    u, v = (half.reshape(2 * size, *q.shape) for half in (basis[:, :size], basis[:, size:]))
    # a few columns at a time: an ensemble of all of them takes gigabytes for a crystal
    pieces = zip(u.split(COLUMNS), v.split(COLUMNS))
    images = [jvp(step, q.expand_as(du), p.expand_as(dv), du, dv) for du, dv in pieces]
    dq, dp = (torch.cat(halves) for halves in zip(*images))
    return torch.cat([dq.reshape(2 * size, size), dp.reshape(2 * size, size)], dim=1).T


def omega(x: Tensor) -> Tensor:
    """Ωx for vectors (…, 2D) = (q, p): (p, −q)."""
    q, p = x.chunk(2, dim=-1)
    return torch.cat([p, -q], dim=-1)


def symplectic_defect(
    step: Step,
    q: Tensor,
    p: Tensor,
    *,
    factor: float = 1.0,
    scale: float = 1.0,
    probes: int = PROBES,
    seed: int = 0,
) -> Defect:
    """‖JᵀΩJ − cΩ‖/‖J‖² at one state, c = `factor`, with q measured in units of √scale and p in units of
    1/√scale.

    That change of units is canonical; with scale = (size of q)/(size of p) the number does not depend on the
    units. Up to DENSE dimensions J is formed and the norms are spectral. Beyond, Gaussian tangent vectors
    v_i give E[(v_iᵀ E v_j)²] = ‖E‖_F² and E‖Jv‖² = ‖J‖_F², and ‖E‖_F/(‖J‖_F²/2D), never below the spectral
    ratio, is reported.
    """
    size = 2 * q.numel()
    units = torch.ones(size, dtype=q.dtype, device=q.device) * scale**0.5
    units[size // 2 :] = scale**-0.5
    if size <= DENSE:
        j = jacobian(step, q, p) * units / units[:, None]
        if not bool(torch.isfinite(j.T @ j).all()):
            raise TenfmaError("the step's Jacobian is not finite here; use a smaller dt or another start")
        form = j.T @ omega(j.T).T  # Jᵀ(ΩJ)
        unit = omega(torch.eye(size, dtype=q.dtype, device=q.device)).T  # Ω
        error = torch.linalg.matrix_norm(form - factor * unit, 2) / torch.linalg.matrix_norm(j, 2) ** 2
        nearest = float((form * unit).sum() / (unit * unit).sum())
        return Defect(float(error), float(torch.linalg.det(j)), True, nearest)
    generator = torch.Generator().manual_seed(seed)
    tangents = torch.randn(probes, size, generator=generator, dtype=q.dtype).to(q.device)
    images = torch.stack([_push(step, q, p, tangent * units) / units for tangent in tangents])
    form, unit = images @ omega(images).T, tangents @ omega(tangents).T
    pairs = ~torch.eye(probes, dtype=torch.bool, device=q.device)
    error = (form - factor * unit)[pairs].square().mean().sqrt()
    norm = images.square().sum(dim=1).mean() / size
    return Defect(float(error / norm), None, False, float((form * unit).sum() / (unit * unit).sum()))


def tangent_error(step: Step, q: Tensor, p: Tensor, seed: int = 0) -> float:
    """Relative difference of J·v by derivatives and by central differences of the step along one random v.

    A guard: a step that hides part of itself from differentiation can look symplectic when it is not.
    Fourth-order differences are used, so about 1e-10 is what float64 can show.
    """
    generator = torch.Generator().manual_seed(seed)
    u, v = (torch.randn(q.shape, generator=generator, dtype=q.dtype).to(q.device) for _ in range(2))
    scale = 1e-3 * max(1.0, float(q.norm()) / math.sqrt(q.numel()))
    values = {k: _flat(*step(q + k * scale * u, p + k * scale * v)) for k in (-2, -1, 1, 2)}
    differences = (8 * (values[1] - values[-1]) - (values[2] - values[-2])) / (12 * scale)
    exact = _flat(*jvp(step, q, p, u, v))
    return float((differences - exact).norm() / exact.norm())


def reversal_error(forward: Step, backward: Step, q: Tensor, p: Tensor, steps: int) -> float:
    """‖z_back − z₀‖/‖z₀‖ after `steps` forward and as many backward."""
    x, y = q, p
    for _ in range(steps):
        x, y = forward(x, y)
    for _ in range(steps):
        x, y = backward(x, y)
    start = _flat(q, p)
    return float((_flat(x, y) - start).norm() / start.norm().clamp_min(torch.finfo(q.dtype).tiny))


def equivariance_error(step: Step, transform: Step, q: Tensor, p: Tensor, moved: Step | None = None) -> float:
    """‖step(Dz) − D step(z)‖/‖step(z)‖ for a map D of states; `moved` is the step with transported noise."""
    plain = step(q, p)
    difference = _flat(*(moved or step)(*transform(q, p))) - _flat(*transform(*plain))
    return float(difference.norm() / _flat(*plain).norm())


def _push(step: Step, q: Tensor, p: Tensor, tangent: Tensor) -> Tensor:
    u, v = (half.reshape(q.shape) for half in tangent.chunk(2))
    return _flat(*jvp(step, q, p, u, v))


def _flat(q: Tensor, p: Tensor) -> Tensor:
    return torch.cat([q.reshape(-1), p.reshape(-1)])
