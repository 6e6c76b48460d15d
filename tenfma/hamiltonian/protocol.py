"""The one object everything else is written for: a scalar function H(q, p) with its derivatives.

Integrators, brackets, certificates, explanations and plots use what is in this file and nothing more, so each is
written once and serves textbook formulas, atoms of a crystal and simplices alike.

Shapes: q and p have shape (*ensemble, *event_shape). Energies have shape (*ensemble,), or (*ensemble, systems) where
one state holds several independent systems, as a batch of crystals does; derivatives are then of their sum.
Arrays: NumPy in, NumPy out; torch in, torch out (differentiable).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

#: a NumPy array or a torch tensor; a method returns the kind it was given
Array = Any


class Capability(IntEnum):
    """What an integrator may assume of H; each level includes the ones below it."""

    GENERAL = 0
    """H(q, p), nothing more."""
    SEPARABLE = 1
    """H = T(p) + V(q)."""
    QUADRATIC = 2
    """H = Σ p²/2m + V(q) with constant masses m, so that ∂H/∂p = p/m."""


@dataclass(frozen=True)
class Units:
    """What one unit of each quantity is called; '1' means dimensionless."""

    q: str = "1"
    p: str = "1"
    energy: str = "1"
    time: str = "1"


DIMENSIONLESS = Units()


class Hamiltonian(ABC):
    """A scalar function H(q, p[, t]) with units, a shape and derivatives.

    Hamilton's equations with linear friction c (`damping`, 1/time):

        dq/dt = ∂H/∂p,    dp/dt = −∂H/∂q − c p.
    """

    name: str = "H"
    capability: Capability = Capability.GENERAL
    event_shape: tuple[int, ...]
    units: Units = DIMENSIONLESS
    #: whether the capability was measured at points and not known, so that a start is worth a look of its own
    probed: bool = False
    time_dependent: bool = False
    #: linear friction c in dp/dt = −∂H/∂q − c p, on top of what H says
    damping: float = 0.0
    #: masses, broadcastable to event_shape; None unless the capability is QUADRATIC
    mass: Array | None = None

    @property
    def degrees_of_freedom(self) -> int:
        """How many momenta move: what ½kT is counted over. Fewer where a total momentum or a frozen part is removed."""
        count = 1
        for length in self.event_shape:
            count *= length
        return count

    def free_normals(self, normals: Array) -> Array:
        """Standard normals (…, *event_shape) without their part along momenta that H conserves and leaves out of
        `degrees_of_freedom`, so that a bath does not heat them; all of them where there are none.
        """
        return normals

    def equivariances(self, seed: int = 0) -> "list[tuple[str, Hamiltonian, Callable[[Array], Array]]]":
        """(name, H′, D) with H′(D q, D p) = H(q, p) and D orthogonal, so that step′(D z) = D step(z): H seen in
        another frame or notation, chosen at random. None unless a Hamiltonian names some; certificates test them.
        """
        return []

    @abstractmethod
    def __call__(self, q: Array, p: Array, t: float = 0.0) -> Array:
        """H(q, p, t), the total energy, in `units.energy`."""

    @abstractmethod
    def dq(self, q: Array, p: Array, t: float = 0.0) -> Array:
        """∂H/∂q, shaped as q: minus the force. A separable H ignores p, which may then be None."""

    @abstractmethod
    def dp(self, q: Array, p: Array, t: float = 0.0) -> Array:
        """∂H/∂p, shaped as p: the velocity. A separable H ignores q, which may then be None."""
