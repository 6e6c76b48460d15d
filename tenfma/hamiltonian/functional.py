"""Torch functions as a Hamiltonian, with what an integrator may assume of it found from how it was given.

    TorchHamiltonian(potential=V, mass=m)        H = Σ p²/2m + V(q)     quadratic
    TorchHamiltonian(potential=V, kinetic=T)     H = T(p) + V(q)        separable
    TorchHamiltonian(function=F)                 H = F(q, p)            probed at random points

Derivatives are automatic, to any order, and differentiable in the parameters of V, T, F and m.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from tenfma.errors import TenfmaError
from tenfma.hamiltonian.pairing import probed
from tenfma.hamiltonian.protocol import DIMENSIONLESS, Array, Capability, Hamiltonian, Units


class TorchHamiltonian(Hamiltonian):
    """H(q, p[, t]) from torch functions or modules; NumPy arrays are accepted and returned as well.

    `potential` takes q, `kinetic` takes p, `function` takes (q, p); each also takes t last if
    `time_dependent` (kinetic never does). They see (*ensemble, *event_shape) and return one energy per
    member. `mass` broadcasts to event_shape and may be a parameter or a function without arguments that
    returns it. Where `function` turns out to be Σ p²/2m + V(q), its masses are read off; `capability`
    overrides what probing finds.
    """

    def __init__(
        self,
        *,
        event_shape: int | tuple[int, ...],
        function: Callable[..., torch.Tensor] | None = None,
        potential: Callable[..., torch.Tensor] | None = None,
        kinetic: Callable[..., torch.Tensor] | None = None,
        mass: Any = None,
        name: str = "H",
        units: Units = DIMENSIONLESS,
        time_dependent: bool = False,
        damping: float = 0.0,
        degrees_of_freedom: int | None = None,
        capability: Capability | None = None,
    ) -> None:
        if (function is None) == (potential is None) or (
            function is not None and (kinetic or mass is not None)
        ):
            raise TenfmaError(
                "A Hamiltonian is given by function=F(q, p) alone, "
                "or by potential=V(q) with mass=m or kinetic=T(p)."
            )
        if kinetic is not None and mass is not None:
            raise TenfmaError(
                "Both mass and kinetic are given; mass=m means T = Σ p²/2m, so give one of them."
            )
        self.function, self.potential, self.kinetic = function, potential, kinetic
        self.event_shape = (event_shape,) if isinstance(event_shape, int) else tuple(event_shape)
        self.name, self.units = name, units
        self.time_dependent, self.damping = time_dependent, damping
        self._degrees_of_freedom = degrees_of_freedom
        self._mass = 1.0 if potential is not None and kinetic is None and mass is None else mass
        if capability is not None:
            self.capability = Capability(capability)
        elif function is None:
            self.capability = Capability.SEPARABLE if kinetic is not None else Capability.QUADRATIC
        else:
            self.capability = Capability.GENERAL
            self.capability, self._mass = probed(self)
            self.probed = True

    @property
    def degrees_of_freedom(self) -> int:
        """What ½kT is counted over: as given, otherwise the number of components."""
        return super().degrees_of_freedom if self._degrees_of_freedom is None else self._degrees_of_freedom

    @property
    def mass(self) -> Any:  # type: ignore[override]
        """Masses m of T = Σ p²/2m, or None where the kinetic energy is another function."""
        return self._mass() if callable(self._mass) else self._mass

    def parameters(self) -> Iterator[torch.nn.Parameter]:
        """The learnable parameters of the functions that are modules, and of the mass."""
        for part in (self.function, self.potential, self.kinetic, self._mass):
            if isinstance(part, torch.nn.Module):
                yield from part.parameters()
            elif isinstance(part, torch.nn.Parameter):
                yield part

    def kinetic_energy(self, p: Array) -> Array:
        """T(p) = Σ p²/2m or the kinetic function, per ensemble member; needs a separable H."""
        return self._as_given(self._kinetic, p)

    def __call__(self, q: Array, p: Array, t: float = 0.0) -> Array:
        """H(q, p, t)."""
        return self._as_given(lambda q, p: self._energy(q, p, t), q, p)

    def dq(self, q: Array, p: Array, t: float = 0.0) -> Array:
        """∂H/∂q by reverse-mode differentiation."""
        if self.function is None:
            return self._as_given(lambda q: _slope(lambda x: self._potential(x, t), q), q)
        return self._as_given(lambda q, p: _slope(lambda x: self._energy(x, p, t), q), q, p)

    def dp(self, q: Array, p: Array, t: float = 0.0) -> Array:
        """∂H/∂p: p/m where there are masses, by reverse-mode differentiation elsewhere."""
        if self.mass is not None:
            return self._as_given(lambda p: p / _like(self.mass, p), p)
        if self.function is None:
            return self._as_given(lambda p: _slope(self._kinetic, p), p)
        return self._as_given(lambda q, p: _slope(lambda x: self._energy(q, x, t), p), q, p)

    def _potential(self, q: torch.Tensor, t: float) -> torch.Tensor:
        assert self.potential is not None
        return self.potential(q, t) if self.time_dependent else self.potential(q)

    def _kinetic(self, p: torch.Tensor) -> torch.Tensor:
        if self.kinetic is not None:
            return self.kinetic(p)
        if self.mass is None:
            raise TenfmaError(f"{self.name} has no kinetic energy of its own: it is one function of q and p.")
        squares = p * p / (2.0 * _like(self.mass, p))
        return squares.sum(dim=tuple(range(-len(self.event_shape), 0)))

    def _energy(self, q: torch.Tensor, p: torch.Tensor, t: float) -> torch.Tensor:
        if self.function is not None:
            return self.function(q, p, t) if self.time_dependent else self.function(q, p)
        return self._kinetic(p) + self._potential(q, t)

    def _as_given(self, f: Callable[..., torch.Tensor], *arrays: Array) -> Array:
        """f on tensors; for NumPy arrays, f without a graph, at the parameters' own precision."""
        if any(isinstance(x, torch.Tensor) for x in arrays):
            return f(*arrays)
        own = next((x for x in self.parameters() if x.is_floating_point()), None)
        with torch.no_grad():
            tensors = (torch.as_tensor(np.ascontiguousarray(x, dtype=_floating(x))) for x in arrays)
            if own is not None:
                tensors = (x.to(own) for x in tensors)
            return f(*tensors).cpu().numpy()


def _slope(f: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """∂(Σ f)/∂x; part of a graph only where gradients are on and something f is made of asks for them.

    x is used as it stands where it already needs a gradient, so double differentiation reaches what x was
    made of.
    """
    record = torch.is_grad_enabled()
    with torch.enable_grad():
        wanted = x.requires_grad and record
        x = x if wanted else x.detach().requires_grad_()
        value = f(x).sum()
        if not value.requires_grad:
            return torch.zeros_like(x)
        record = wanted or (record and _has_other_leaf(value, x))
        (slope,) = torch.autograd.grad(value, x, create_graph=record, allow_unused=True)
    if slope is None:
        return torch.zeros_like(x)
    return slope if record else slope.detach()


def leaves(*values: torch.Tensor) -> Iterator[torch.Tensor]:
    """The tensors that ask for a gradient and that the values were computed from, each once."""
    stack = [value.grad_fn for value in values if value.grad_fn is not None]
    seen = set(stack)
    while stack:
        node = stack.pop()
        if hasattr(node, "variable"):
            yield node.variable
        for following, _ in node.next_functions:
            if following is not None and following not in seen:
                seen.add(following)
                stack.append(following)


def _has_other_leaf(value: torch.Tensor, x: torch.Tensor) -> bool:
    return any(leaf is not x for leaf in leaves(value))


def _like(value: Any, x: torch.Tensor) -> Any:
    if isinstance(value, torch.Tensor):
        return value.to(dtype=x.dtype, device=x.device)
    return value if isinstance(value, int | float) else torch.as_tensor(value, dtype=x.dtype, device=x.device)


def _floating(x: Any) -> Any:
    kind = np.asarray(x).dtype
    return kind if kind.kind == "f" else np.float64
