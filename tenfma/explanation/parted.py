"""A Hamiltonian as a sum of parts, H = Σ E_i, and the flow of energy between them.

    M_ij = Σ_k ∂E_i/∂q_k ∂E_j/∂p_k,      J_ij = {E_i, E_j} = M_ij − M_ji,      Σ_j J_ij = {E_i, H} = dE_i/dt

J_ij > 0 is energy going from part j to part i. How H splits into parts is a choice of gauge; forces, couplings,
frequencies and the total do not depend on it, parts and flows do.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tenfma.errors import TenfmaError
from tenfma.hamiltonian.protocol import Hamiltonian

#: sums of parts that differ from H by more than this, relative, are no split of H
SPLIT_TOLERANCE = 1e-6
#: half the interval over which ∂E/∂t is differenced
DT = 1e-5


class PartedHamiltonian(Hamiltonian):
    """H whose energies come one per part, (parts,): a path of it carries each part's energy and bath heat.

    Derivatives are H's own. States are single ones, NumPy arrays of H's event shape. `gauge` says how H was split.
    """

    def __init__(self, H: Hamiltonian, labels: Sequence[str], gauge: str) -> None:
        self.H, self.labels, self.gauge = H, tuple(labels), gauge
        self.name, self.units, self.capability = H.name, H.units, H.capability
        self.event_shape, self.time_dependent, self.damping = H.event_shape, H.time_dependent, H.damping
        self.mass = H.mass

    @property
    def degrees_of_freedom(self) -> int:
        return self.H.degrees_of_freedom

    def free_normals(self, normals: Any) -> Any:
        """Noise that leaves alone what H's forces conserve."""
        return self.H.free_normals(normals)

    def __call__(self, q: Any, p: Any, t: float = 0.0) -> np.ndarray:
        """E_i, (parts,)."""
        return self.energies(np.asarray(q, dtype=float), np.asarray(p, dtype=float), t)

    def dq(self, q: Any, p: Any, t: float = 0.0) -> Any:
        """∂H/∂q."""
        return self.H.dq(q, p, t)

    def dp(self, q: Any, p: Any, t: float = 0.0) -> Any:
        """∂H/∂p."""
        return self.H.dp(q, p, t)

    @abstractmethod
    def energies(self, q: np.ndarray, p: np.ndarray, t: float = 0.0) -> np.ndarray:
        """E_i, (parts,), in H's unit of energy; they add up to H."""

    @abstractmethod
    def transfer(self, q: np.ndarray, p: np.ndarray, t: float = 0.0) -> np.ndarray:
        """M_ij = Σ_k ∂E_i/∂q_k ∂E_j/∂p_k, (parts, parts): what the motion of j does to the energy of i."""

    def outside(self, q: np.ndarray, p: np.ndarray, t: float = 0.0) -> np.ndarray | None:
        """Change of E_i that is not {E_i, H}: what drives and dampers do, (parts,); None where there are none."""
        return None

    def currents(self, q: np.ndarray, p: np.ndarray, t: float = 0.0) -> np.ndarray:
        """J_ij = {E_i, E_j}, (parts, parts), energy per time into i from j."""
        M = self.transfer(q, p, t)
        return M - M.T


class FunctionParts(PartedHamiltonian):
    """Parts given as formulas of a symbolic H, or as torch functions of (q, p)."""

    def __init__(self, H: Hamiltonian, functions: Mapping[str, Callable[..., Any]], gauge: str) -> None:
        super().__init__(H, tuple(functions), gauge)
        self.functions = tuple(functions.values())

    def energies(self, q: np.ndarray, p: np.ndarray, t: float = 0.0) -> np.ndarray:
        return np.array([_value(f, q, p, t) for f in self.functions])

    def transfer(self, q: np.ndarray, p: np.ndarray, t: float = 0.0) -> np.ndarray:
        slopes = [_slopes(f, q, p, t) for f in self.functions]
        by_q = np.stack([np.ravel(dq) for dq, _ in slopes])
        by_p = np.stack([np.ravel(dp) for _, dp in slopes])
        return by_q @ by_p.T

    def outside(self, q: np.ndarray, p: np.ndarray, t: float = 0.0) -> np.ndarray | None:
        """∂E_i/∂t − c Σ_k p_k ∂E_i/∂p_k, with c the linear friction of H."""
        if not (self.damping or self.time_dependent):
            return None
        change = np.array([-self.damping * float(np.sum(p * _slopes(f, q, p, t)[1])) for f in self.functions])
        if self.time_dependent:
            change += (self.energies(q, p, t + DT) - self.energies(q, p, t - DT)) / (2 * DT)
        return change


def checked(parted: PartedHamiltonian, q: np.ndarray, p: np.ndarray) -> PartedHamiltonian:
    """The split if its parts add up to H at (q, p). Raises TenfmaError where they do not."""
    total = float(np.sum(np.asarray(parted.H(q, p), dtype=float)))
    energies = parted.energies(q, p)
    miss = abs(float(energies.sum()) - total)
    if miss > SPLIT_TOLERANCE * max(1e-9, abs(total), float(np.abs(energies).sum())):
        raise TenfmaError(
            f"the parts add up to {energies.sum():.9g}, and H is {total:.9g}; "
            f"give parts whose sum is H, {', '.join(parted.labels)} are not"
        )
    return parted


def _value(f: Callable[..., Any], q: np.ndarray, p: np.ndarray, t: float) -> float:
    from tenfma.hamiltonian.symbolic import SymbolicFunction

    if isinstance(f, SymbolicFunction):
        return float(np.sum(f(q, p, t)))
    import torch

    with torch.no_grad():
        return float(f(torch.from_numpy(np.array(q)), torch.from_numpy(np.array(p))))


def _slopes(f: Callable[..., Any], q: np.ndarray, p: np.ndarray, t: float) -> tuple[np.ndarray, np.ndarray]:
    from tenfma.dynamics.brackets import partial_derivatives
    from tenfma.hamiltonian.symbolic import SymbolicFunction

    if isinstance(f, SymbolicFunction):
        return f.dq(q, p, t), f.dp(q, p, t)
    import torch

    with torch.no_grad():
        dq, dp, _ = partial_derivatives(f, torch.from_numpy(np.array(q)), torch.from_numpy(np.array(p)), t)
    return dq.detach().numpy(), dp.detach().numpy()
