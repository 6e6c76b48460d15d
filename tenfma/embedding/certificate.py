"""What the path behind a z is worth, told for each crystal beside its z.

    energy_drift     |H(q(T), p(T)) − H(q₀, p₀)|                            eV per atom, paths without a bath
    reversal_error   max |q̂ − q₀|, q̂ after T and, with −p, another T        paths without a bath
    shadow_work      H(q(T), p(T)) − H(q₀, p₀) − heat                       eV per atom, paths in a bath
    distance         |q(T) − q₀| / |q₀|                                     how far the motion left the surface q₀(r)

What a path cannot claim is left out, so that a table has no empty columns: in a bath the energy is not kept and the noise
does not turn back, and without one there is no heat. Euler's steps do not turn back either, and their reversal error says
so. A method that keeps no account of its heat (`euler_maruyama`) has its distance alone.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from tenfma.dynamics.integrate import integrate
from tenfma.dynamics.methods import method_named
from tenfma.dynamics.path import Path


def certificate(
    H: Any,
    path: Path,
    by_crystal: Callable[[Tensor], Tensor],
    atoms: Tensor,
    *,
    dt: float,
    steps: int,
    method: str,
) -> dict[str, Tensor]:
    """{name: (G,)} of a path of `steps` that H went; the way back is run here.

    `by_crystal` gives a state one row per crystal, `atoms` (G,) how many atoms H counts of each. A path whose way back
    ends early has a reversal error of infinity.
    """
    q0, q = path.q[0], path.q[-1]
    found: dict[str, Tensor] = {}
    if not method_named(method).stochastic:
        walk: dict[str, Any] = {"dt": dt, "steps": steps, "method": method, "save_every": steps}
        back = integrate(H, q, -path.p[-1], gradient="none", on_failure="stop", **walk)
        missed = by_crystal(back.q[-1] - q0).abs().amax(1)
        found["energy_drift"] = (path.energy[-1] - path.energy[0]).abs() / atoms
        found["reversal_error"] = missed if back.stopped is None else torch.full_like(missed, torch.inf)
    elif path.work is not None:
        found["shadow_work"] = path.work[-1] / atoms
    return {**found, "distance": distance(by_crystal, q, q0)}


def distance(by_crystal: Callable[[Tensor], Tensor], q: Tensor, q0: Tensor) -> Tensor:
    """|q − q₀| / |q₀| of each crystal, (G,)."""
    return by_crystal(q - q0).norm(dim=1) / by_crystal(q0).norm(dim=1)


def at_rest(atoms: Tensor, q0: Tensor) -> dict[str, Tensor]:
    """The certificate of no step at all: z is read off q₀, and nothing was lost."""
    none = torch.zeros(len(atoms), dtype=q0.dtype)
    return {"energy_drift": none, "reversal_error": none, "distance": none}
