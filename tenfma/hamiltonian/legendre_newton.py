"""Hamiltonians whose velocities are solved for: p = ∂L/∂q̇ by Newton's method, exact derivatives at the solution.

H(q, p) = p·q̇ − L(q, q̇),    ∂H/∂q = −∂L/∂q,    ∂H/∂p = q̇
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tenfma.errors import ConvergenceError, TenfmaError
from tenfma.hamiltonian.protocol import Array, Capability, Hamiltonian
from tenfma.hamiltonian.states import is_torch, on_states
from tenfma.hamiltonian.structure import Structure
from tenfma.hamiltonian.symbolic import momentum_name

_ITERATIONS = 60


class FormulaLagrangian:
    """A Lagrangian from a formula; arrays NumPy or torch."""

    def __init__(self, structure: Structure, k: tuple[float, ...]):
        self.structure, self.k, self.n = structure, k, structure.dimension

    def value(self, q, v, t):
        return self.structure.energy(q, v, self.k, t)

    def dq(self, q, v, t):
        return self.structure.gradient_q(q, v, self.k, t)

    def dv(self, q, v, t):
        return self.structure.gradient_p(q, v, self.k, t)

    def dvv(self, q, v, t):
        """∂²L/∂q̇², shape (*ensemble, n, n)."""
        second = self.structure.second
        flat = tuple(second[self.n + i][self.n + j] for i in range(self.n) for j in range(self.n))
        values = self.structure.evaluate("dvv", flat, q, v, self.k, t)
        return values.reshape(*values.shape[:-1], self.n, self.n)

    def singular(self) -> bool:
        return _is_singular(self)


class FunctionLagrangian:
    """A Lagrangian from a torch function L(q, v); NumPy arrays are passed through torch."""

    def __init__(self, function: Callable[..., Any], n: int):
        self.function, self.n = function, n
        if _is_singular(self):
            raise TenfmaError(
                "the Lagrangian is singular: det ∂²L/∂v² = 0, so velocities do not follow from momenta; "
                "remove the redundant coordinate, or add the kinetic energy it lacks"
            )

    def _with_graph(self, q, v, compute: Callable[[Any, Any], Any]):
        import torch

        given = q if q is not None else v
        tensors = [x if is_torch(x) else torch.as_tensor(np.asarray(x, dtype=float)) for x in (q, v)]
        follows = is_torch(given) and torch.is_grad_enabled() and any(x.requires_grad for x in tensors)
        with torch.enable_grad():
            tensors = [x if x.requires_grad else x.detach().requires_grad_() for x in tensors]
            result = compute(*tensors)
        if follows:
            return result
        return result.detach() if is_torch(given) else result.detach().numpy()

    def value(self, q, v, t):
        return self._with_graph(q, v, self.function)

    def _slope(self, q, v, which: int):
        import torch

        apart = (q.clone(), v.clone())  # v may be a function of q, and the derivative wanted is partial
        total = self.function(*apart).sum()
        grad = torch.autograd.grad(total, apart[which], create_graph=True, allow_unused=True)[0]
        return torch.zeros_like(v) if grad is None else grad

    def dq(self, q, v, t):
        return self._with_graph(q, v, lambda q, v: self._slope(q, v, 0))

    def dv(self, q, v, t):
        return self._with_graph(q, v, lambda q, v: self._slope(q, v, 1))

    def dvv(self, q, v, t):
        import torch

        def rows(q, v):
            slope = self._slope(q, v, 1)
            grads = [
                torch.autograd.grad(slope[..., i].sum(), v, create_graph=True, allow_unused=True)[0]
                if slope.requires_grad
                else None
                for i in range(self.n)
            ]
            return torch.stack([torch.zeros_like(v) if g is None else g for g in grads], dim=-2)

        return self._with_graph(q, v, rows)


def _is_singular(lagrangian: FormulaLagrangian | FunctionLagrangian) -> bool:
    """Whether ∂²L/∂q̇² has no inverse at any of several generic points."""
    rng = np.random.default_rng(3)
    for scale in (0.3, 0.1, 1.0, 0.5, 3.0):
        q, v = scale * rng.uniform(0.2, 1.0, (2, lagrangian.n))
        with np.errstate(all="ignore"):
            matrix = np.asarray(lagrangian.dvv(q, v, 0.1))
        if np.all(np.isfinite(matrix)):
            sizes = np.linalg.svd(matrix, compute_uv=False)
            if sizes[-1] > 1e-12 * sizes[0]:
                return False
    return True


class LegendreHamiltonian(Hamiltonian):
    """H(q, p) = p·v − L(q, v) with v solved from p = ∂L/∂v by Newton's method, each member of the ensemble apart.

    Derivatives are exact at the solution: ∂H/∂q = −∂L/∂q, ∂H/∂p = v; in torch they can be differentiated again.
    Raises ConvergenceError where no velocity is found.
    """

    def __init__(
        self,
        lagrangian: FormulaLagrangian | FunctionLagrangian,
        coordinates: Sequence[str],
        *,
        name: str = "H",
        derivation: Sequence[str] = (),
        separable: bool = False,
    ):
        self.name = name
        self.coordinates = tuple(coordinates)
        self.momenta = tuple(map(momentum_name, coordinates))
        self.event_shape = (len(self.coordinates),)
        self.derivation = list(derivation)
        self.capability = Capability.SEPARABLE if separable else Capability.GENERAL
        self._lagrangian = lagrangian
        structure = getattr(lagrangian, "structure", None)
        self.time_dependent = structure is not None and structure.time_dependent

    def __call__(self, q: Array, p: Array, t: float = 0.0) -> Array:
        def energy(q: Array, p: Array) -> Array:
            v = self._velocity(q, p, t)
            return (p * v).sum(-1) - self._lagrangian.value(q, v, t)

        return on_states(energy, *self._both(q, p), len(self.coordinates), 0)

    def dq(self, q: Array, p: Array | None, t: float = 0.0) -> Array:
        def slope(q: Array, p: Array) -> Array:
            return -self._lagrangian.dq(q, self._velocity(q, p, t), t)

        # a separable L does not look at v here
        if p is None and self.capability:
            return on_states(lambda q, v: -self._lagrangian.dq(q, v, t), q, q, len(self.coordinates), 1)
        return on_states(slope, *self._both(q, p), len(self.coordinates), 1)

    def dp(self, q: Array | None, p: Array, t: float = 0.0) -> Array:
        return self.velocity(p if q is None and self.capability else q, p, t)

    def velocity(self, q: Array, p: Array, t: float = 0.0) -> Array:
        """v with p = ∂L/∂v(q, v), shaped as p."""
        return on_states(lambda q, p: self._velocity(q, p, t), *self._both(q, p), len(self.coordinates), 1)

    @staticmethod
    def _both(q: Any, p: Any) -> tuple[Any, Any]:
        if q is None or p is None:
            raise TenfmaError(
                f"{'q' if q is None else 'p'} is missing; only derivatives of a separable H can do without it"
            )
        return q, p

    def _velocity(self, q: Array, p: Array, t: float) -> Array:
        if not is_torch(p):
            return self._solved(np.asarray(q, dtype=float), np.asarray(p, dtype=float), t)
        import torch

        with torch.no_grad():
            numbers = self._solved(q.detach().cpu().double().numpy(), p.detach().cpu().double().numpy(), t)
            v = torch.as_tensor(numbers, dtype=p.dtype, device=p.device)
            matrix = self._lagrangian.dvv(q.detach(), v, t)
        remains = (p - self._lagrangian.dv(q, v, t))[..., None]
        return v + torch.linalg.solve(matrix, remains)[..., 0]  # one Newton step carries the derivatives

    def _solved(self, q: np.ndarray, p: np.ndarray, t: float) -> np.ndarray:
        """Newton's method from v = 0; steps are halved where they leave the domain or make things worse."""
        q, p = np.broadcast_arrays(q, p)
        v = np.zeros_like(p)
        remains, size = self._remains(q, p, v, t)
        last = np.inf
        for _ in range(_ITERATIONS):
            with np.errstate(all="ignore"):
                matrix = self._lagrangian.dvv(q, v, t)
            try:
                update = np.linalg.solve(matrix, remains[..., None])[..., 0]
            except np.linalg.LinAlgError:
                break
            v, remains, size = self._improved(q, p, v, t, update, size)
            change = float(np.max(np.abs(update) / (1.0 + np.abs(v)), initial=0.0))
            if change <= 1e-15 or (change <= 1e-12 and change >= last):
                return v
            last = change
        if last <= 1e-9:
            return v
        raise ConvergenceError(
            f"no velocity was found with ∂L/∂v = p for {self.name} (last change {last:.1e}); "
            "give momenta that the Lagrangian can reach"
        )

    def _remains(self, q, p, v, t) -> tuple[np.ndarray, np.ndarray]:
        with np.errstate(all="ignore"):
            remains = p - np.asarray(self._lagrangian.dv(q, v, t))
        size = np.linalg.norm(remains, axis=-1)
        return remains, np.where(np.isfinite(size), size, np.inf)

    def _improved(self, q, p, v, t, update, size) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        share = np.ones(size.shape)
        for _ in range(40):
            new = v + share[..., None] * update
            remains, new_size = self._remains(q, p, new, t)
            worse = ~(new_size <= size * (1 + 1e-3) + 1e-12 * (1 + np.linalg.norm(p, axis=-1)))
            if not worse.any():
                break
            share = np.where(worse, 0.5 * share, share)
        return new, remains, new_size
