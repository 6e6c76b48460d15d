"""What atoms tell their neighbours: message passing that keeps U_θ linear in its parameters.

Each atom j tells its own surroundings, A_{nℓm}(j) = Σ_k R_n(q_jk) Y_ℓm(q_jk), and an atom i that sees it reads them along
the bond,

    κ_c(ij) = Σ_m A_{n_c ℓ_c m}(j) Y_{ℓ_c m}(q_ij),

as it reads j's element: κ_c are further channels of the density, A_{c n ℓ m}(i) = Σ_j κ_c(ij) R_n Y_ℓm. With ℓ = 1 and 2
atoms tell which way their neighbours lie, and how these are spread. Bonds speak to atoms, those to bonds, and these to
atoms again, so an atom feels what is two cutoffs away. By the chain rule,

    ∂U/∂r_jk = ∂E_j/∂r_jk at fixed A + Σ_nℓm S_nℓm(j) ∂A_nℓm(j)/∂r_jk,    S(j) = Σ_i ∂E_i/∂κ(ij) Y(q_ij).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tenfma.hamiltonian.kernels import Tables


@dataclass(frozen=True)
class Messages:
    """Which (n, ℓ) are told, n counted from 0; nothing by default. All m together are W = Σ (2ℓ + 1) numbers."""

    told: tuple[tuple[int, int], ...] = ()

    def __len__(self) -> int:
        return len(self.told)

    @cached_property
    def radial(self) -> np.ndarray:
        """n of each number that is told, (W,)."""
        return np.array([n for n, ell in self.told for _ in range(2 * ell + 1)], dtype=np.int64)

    @cached_property
    def angular(self) -> np.ndarray:
        """ℓ² + ℓ + m of each number that is told, (W,)."""
        return np.array([k for _, ell in self.told for k in range(ell**2, (ell + 1) ** 2)], dtype=np.int64)

    @cached_property
    def channel(self) -> np.ndarray:
        """Which message each number is of, (W,)."""
        return np.array(
            [c for c, (_, ell) in enumerate(self.told) for _ in range(2 * ell + 1)], dtype=np.int64
        )


#: nothing is told
SILENT = Messages()


@dataclass(frozen=True, eq=False)
class Heard:
    """κ of every pair (P, M) and ∂κ/∂r_ij with A held (P, 3, M); `words` (P, W) are ∂κ_c(ij)/∂A(j), the Y of q_ij."""

    kappa: np.ndarray
    slope: np.ndarray
    words: np.ndarray

    @classmethod
    def of(
        cls, messages: Messages, centre: np.ndarray, neighbour: np.ndarray, t: Tables, atoms: int
    ) -> "Heard":
        """What is heard along every pair; of `atoms` those that are no centres have nothing to tell."""
        if not messages:
            return cls(*(np.zeros((len(centre), *shape)) for shape in ((0,), (3, 0), (0,))))
        radial, angular = messages.radial, messages.angular
        y, (h, dh), unit = t.y[:, angular], t.h.T[:, :, None], t.unit[:, :3]
        A = np.stack([np.bincount(centre, one, atoms) for one in (t.g[:, radial] * y).T], axis=1)[neighbour]
        slopes = (A * dh * y)[:, None, :] * unit[:, :, None]
        slopes += (A * h)[:, None, :] * np.moveaxis(t.dy[:, angular], 1, 2)
        starts = np.searchsorted(messages.channel, np.arange(len(messages)))
        words = h * y
        return cls(np.add.reduceat(A * words, starts, axis=1), np.add.reduceat(slopes, starts, axis=2), words)


def told_rates(messages: Messages, t: Tables) -> np.ndarray:
    """∂A_w(i)/∂r_ij of every pair, (P, 3, W)."""
    radial, angular = messages.radial, messages.angular
    along = t.dg[:, radial] * t.y[:, angular]
    across = t.g[:, radial, None] * t.dy[:, angular]
    return along[:, None, :] * t.unit[:, :3, None] + np.moveaxis(across, 1, 2)
