"""One certificate in the making: what is examined, with the run all checks share."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch

from tenfma.dynamics.arrays import plain
from tenfma.dynamics.certificates.steps import Stepper, tensor
from tenfma.dynamics.integrate import integrate
from tenfma.dynamics.path import Path
from tenfma.dynamics.words import Method
from tenfma.errors import TenfmaError
from tenfma.hamiltonian.protocol import Hamiltonian

#: states of the shared run that are kept
KEPT = 1_000


@dataclass(frozen=True)
class Case:
    """A Hamiltonian, a method and a start, with the settings of `certify`."""

    H: Hamiltonian
    method: Method
    dt: float
    q: Any
    p: Any
    steps: int
    kT: Any
    friction: Any
    seed: int
    invariants: Mapping[str, Any]
    symmetries: tuple[tuple[str, Callable], ...]
    #: (name, H′, D) with H′(Dq, Dp) = H(q, p)
    equivariances: tuple[tuple[str, Hamiltonian, Callable], ...] = ()

    @cached_property
    def stepper(self) -> Stepper:
        """The method as a torch step from the start."""
        return Stepper(self.H, self.method, tensor(self.q), tensor(self.p), self.kT, self.friction)

    @property
    def eps(self) -> float:
        """Spacing of the numbers the state is kept in."""
        return float(torch.finfo(self.stepper.q.dtype).eps)

    @property
    def solved_to(self) -> float:
        """Relative tolerance of the method's own equations; 0 for explicit methods."""
        implicit = self.method.symplectic and self.method.word is None and not self.stepper.extended
        return max(1e-14, self.eps) if implicit else 0.0

    @property
    def dissipates(self) -> bool:
        """Whether energy is not conserved by H's own equations."""
        return bool(self.H.damping) or self.H.time_dependent

    @cached_property
    def path(self) -> Path:
        """The run whose energies, invariants and temperatures are judged."""
        return self.run(self.dt, self.steps, max(1, self.steps // KEPT))

    @cached_property
    def scale(self) -> float:
        """Size of q over size of p along the run; 1 where one of them is zero or not finite."""
        sizes = [float(np.sqrt(np.mean(plain(x) ** 2))) for x in (self.path.q, self.path.p)]
        ratio = sizes[0] / sizes[1] if sizes[1] > 0 else 0.0
        return ratio if np.isfinite(ratio) and ratio > 0 else 1.0

    @cached_property
    def energy(self) -> np.ndarray:
        """Total energy along the run, summed over the systems of one state."""
        values = plain(self.path.energy)
        return values.reshape(len(values), -1).sum(axis=1)

    @cached_property
    def kinetic(self) -> np.ndarray:
        """½ p·∂H/∂p along the run."""
        q, p = self.path.q, self.path.p
        values = plain(p) * plain(self.H.dp(q, p))
        return 0.5 * values.reshape(len(values), -1).sum(axis=1)

    def run(self, dt: float, steps: int, save_every: int = 1) -> Path:
        """A path from the start, compiled where it can be; ends early, and says why, where the energy
        diverges."""
        options: dict[str, Any] = {"gradient": "none"} if isinstance(self.q, torch.Tensor) else {}
        if self.method.stochastic:
            options |= {"kT": self.kT, "friction": self.friction, "seed": self.seed}
        return integrate(
            self.H,
            self.q,
            self.p,
            dt=dt,
            steps=steps,
            method=self.method,
            save_every=save_every,
            on_failure="stop",
            **options,
        )

    def states(self, count: int) -> tuple[torch.Tensor, torch.Tensor]:
        """`count` states spread over the run, as torch tensors (count, *event)."""
        chosen = np.linspace(0, len(self.path) - 1, count).astype(int)
        return tuple(
            tensor(np.array(plain(x)[chosen])).to(self.stepper.q) for x in (self.path.q, self.path.p)
        )  # type: ignore[return-value]


def named_maps(given: Iterable | Mapping | None) -> tuple[tuple[str, Callable], ...]:
    """(name, map) pairs from a mapping, or from an iterable of pairs or plain maps."""
    if given is None:
        return ()
    listed = given.items() if isinstance(given, Mapping) else given
    pairs: list[tuple[str, Any]] = [
        each if isinstance(each, tuple) else (f"symmetry {i + 1}", each) for i, each in enumerate(listed)
    ]
    for name, transform in pairs:
        if not callable(transform):
            raise TenfmaError(f"the symmetry {name} is {transform!r}; expected a map (q, p) → (q, p)")
    return tuple(pairs)
