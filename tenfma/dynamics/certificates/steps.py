"""A method on a Hamiltonian as the plain torch step (q, p) → (q', p') that the geometric checks take."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tenfma.dynamics.arrays import is_torch
from tenfma.dynamics.certificates.geometry import Step
from tenfma.dynamics.run import one_step
from tenfma.dynamics.words import Method
from tenfma.hamiltonian.protocol import Hamiltonian


@dataclass(frozen=True)
class Stepper:
    """One method, one H, one starting state: makes steps of any size, forward or back."""

    H: Hamiltonian
    method: Method
    q: Tensor
    p: Tensor
    kT: Any = None
    friction: Any = None
    t: float = 0.0
    omega: float = 20.0

    @cached_property
    def normals(self) -> Tensor | None:
        """Frozen noise for one step, (draws, *event)."""
        if not self.method.draws:
            return None
        generator = torch.Generator().manual_seed(7)
        shape = (self.method.draws, *self.H.event_shape)
        return torch.randn(shape, generator=generator, dtype=self.q.dtype).to(self.q.device)

    @cached_property
    def extended(self) -> bool:
        """Whether the method keeps a second copy, so that its phase space is the doubled one."""
        with torch.no_grad():
            normals = None if self.normals is None else self.normals
            state = one_step(
                self.H, self.q, self.p, dt=1e-3, method=self.method, kT=self.kT, friction=self.friction,
                normals=normals, omega=self.omega,
            )  # fmt: skip
        return state.copy is not None

    @property
    def start(self) -> tuple[Tensor, Tensor]:
        """The starting state, doubled along a new axis before the event's where the method is extended."""
        if not self.extended:
            return self.q, self.p
        return self._doubled(self.q, self.q), self._doubled(self.p, self.p)

    def step(self, dt: float, normals: Tensor | str | None = "frozen") -> Step:
        """The step of size dt with the given normals (draws, *event), the frozen ones, or none (zeros)."""
        used = self.normals if isinstance(normals, str) else normals
        if used is None and self.method.draws:
            used = torch.zeros(
                (self.method.draws, *self.H.event_shape), dtype=self.q.dtype, device=self.q.device
            )

        def plain(q: Tensor, p: Tensor) -> tuple[Tensor, Tensor]:
            state = self._one(q, p, dt, used, None)
            return state.q, state.p

        def doubled(q: Tensor, p: Tensor) -> tuple[Tensor, Tensor]:
            axis = -len(self.H.event_shape) - 1
            (q, x), (p, y) = q.unbind(axis), p.unbind(axis)
            state = self._one(q, p, dt, used, (x, y))
            return self._doubled(state.q, state.copy[0]), self._doubled(state.p, state.copy[1])

        return doubled if self.extended else plain

    def _one(self, q: Tensor, p: Tensor, dt: float, normals: Tensor | None, copy):
        if normals is not None:
            ensemble = q.ndim - len(self.H.event_shape)
            normals = normals.reshape(normals.shape[0], *[1] * ensemble, *normals.shape[1:])
            normals = normals.expand(normals.shape[0], *q.shape)
        return one_step(
            self.H, q, p, dt=dt, method=self.method, t=self.t, kT=self.kT, friction=self.friction,
            normals=normals, omega=self.omega, copy=copy,
        )  # fmt: skip

    def _doubled(self, first: Tensor, second: Tensor) -> Tensor:
        return torch.stack([first, second], dim=-len(self.H.event_shape) - 1)

    def at(self, q: Any, p: Any) -> "Stepper":
        """The same method from another state."""
        return replace(self, q=tensor(q, self.q), p=tensor(p, self.p))


def tensor(x: Any, like: Tensor | None = None) -> Tensor:
    """x as a detached torch tensor, float64 where it was NumPy."""
    if is_torch(x):
        return x.detach()
    made = torch.from_numpy(np.array(x, dtype=float))
    return made if like is None else made.to(like)
