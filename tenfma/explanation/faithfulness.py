"""Whether an explanation is true: take simplices away and see, and compare with finite changes.

Removing a simplex sets its weight, and with it its q, to zero. Its importance is the energy that leaves with it to
first order, |q_c · ∂U/∂q_c|; beside it stand the share of the energy on the straight way from nothing to the crystal
(Aumann and Shapley 1974),

    a_c = ∫₀¹ q_c · ∂U/∂q_c(α q) dα,      Σ_c a_c = U(q) − U(0),

the plain gradient |∂U/∂q_c|, the weight alone, and chance. Far from the crystal U extrapolates, so curves stop at a
share of the simplices.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.stats import spearmanr

from tenfma.errors import TenfmaError
from tenfma.explanation.tables import html_table
from tenfma.hamiltonian.simplices import SimplicesHamiltonian

#: Gauss–Legendre points of the integral along the way
POINTS = 12
#: the share of simplices that curves take away
SHARE = 0.15


@dataclass(frozen=True, eq=False)
class Importance:
    """Importance of every simplex of one rank, (cells,), eV: `path` as above, `gradient` |∂U/∂q_c|.

    `first_order` is q_c · ∂U/∂q_c, what removal would give back if U were linear; its size is our measure.
    """

    path: np.ndarray
    gradient: np.ndarray
    first_order: np.ndarray

    def _repr_html_(self) -> str:
        import pandas as pd

        frame = pd.DataFrame(
            {
                "simplex": np.arange(len(self.path)),
                "first order": self.first_order,
                "path": self.path,
                "gradient": self.gradient,
            }
        ).sort_values("first order", key=abs, ascending=False, kind="stable")
        return html_table(frame, "Importance, eV")


@dataclass(frozen=True, eq=False)
class Curve:
    """|ΔU|, eV, after a share of simplices has gone, (steps,): `deletion` the most important first.

    `insertion` is what is still missing when all but that share, the least important, have been put in. In a
    faithful order deletion is large and insertion small.
    """

    removed: np.ndarray
    deletion: np.ndarray
    insertion: np.ndarray

    @property
    def deletion_mean(self) -> float:
        """Mean of the deletion curve, eV."""
        return float(np.trapezoid(self.deletion, self.removed) / self.removed[-1])

    @property
    def insertion_mean(self) -> float:
        """Mean of the insertion curve, eV."""
        return float(np.trapezoid(self.insertion, self.removed) / self.removed[-1])

    def _repr_html_(self) -> str:
        import pandas as pd

        frame = pd.DataFrame(
            {"removed": self.removed, "deletion": self.deletion, "insertion": self.insertion}
        )
        return html_table(frame, "|ΔU| after a share has gone, eV")


class Removal:
    """U_θ of one crystal with simplices of one rank taken away; `energy(kept)` is U, eV."""

    def __init__(self, model: Any, structure: Any, rank: str = "bonds") -> None:
        H, q0, _ = model.hamiltonian(structure, "simplices")
        assert isinstance(H, SimplicesHamiltonian)
        if rank not in H.layout.ranks or H.layout.cells(rank) == 0:
            raise TenfmaError(
                f"{model.name} has no {rank} here to take away; the ranks are {', '.join(H.layout.ranks)}"
            )
        self.H, self.q, self.rank = H, q0, rank
        self.cells, self.place = H.layout.cells(rank), H.layout.slices[rank]

    def energy(self, kept: np.ndarray) -> float:
        """U_θ with each simplex's q multiplied by `kept` (cells,): 1 stays, 0 is gone."""
        with torch.no_grad():
            return float(self._energy(self._state(torch.as_tensor(kept, dtype=self.q.dtype))))

    def importance(self, points: int = POINTS) -> Importance:
        """Every simplex's importance by the integral, the plain gradient and to first order."""
        nodes, weights = np.polynomial.legendre.leggauss(points)
        path = np.zeros(self.cells)
        for node, weight in zip((nodes + 1) / 2, weights / 2):
            slope = self._slope(node)
            path += weight * (slope * self._rows(self.q)).sum(1)
        slope = self._slope(1.0)
        return Importance(path, np.linalg.norm(slope, axis=1), (slope * self._rows(self.q)).sum(1))

    def curve(self, order: np.ndarray, share: float = SHARE, steps: int = 10) -> Curve:
        """Deletion and insertion in this order of simplices, most important first, up to a share of them."""
        whole = self.energy(np.ones(self.cells))
        counts = np.unique(np.round(np.linspace(0, share * self.cells, steps + 1)).astype(int))

        def change(gone: np.ndarray) -> float:
            kept = np.ones(self.cells)
            kept[gone] = 0.0
            return abs(self.energy(kept) - whole)

        deletion = [change(order[:count]) for count in counts]
        insertion = [change(order[len(order) - count :]) for count in counts]
        return Curve(counts / self.cells, np.array(deletion), np.array(insertion))

    def removals(self, cells: np.ndarray) -> np.ndarray:
        """U without one simplex minus U, for each of `cells`, eV."""
        whole = self.energy(np.ones(self.cells))
        found = []
        for cell in cells:
            kept = np.ones(self.cells)
            kept[cell] = 0.0
            found.append(self.energy(kept) - whole)
        return np.array(found)

    def _state(self, kept: torch.Tensor) -> torch.Tensor:
        rows = self.q[self.place].reshape(self.cells, -1) * kept[:, None]
        return torch.cat([self.q[: self.place.start], rows.flatten(), self.q[self.place.stop :]])

    def _energy(self, q: torch.Tensor) -> torch.Tensor:
        return torch.stack([part.sum() for part in self.H.learned_parts(q).values()]).sum()

    def _rows(self, q: torch.Tensor) -> np.ndarray:
        return q[self.place].reshape(self.cells, -1).numpy()

    def _slope(self, share: float) -> np.ndarray:
        """∂U/∂q of the rank's rows where all of them are at `share` of their q."""
        with torch.enable_grad():
            q = self._state(torch.full((self.cells,), float(share), dtype=self.q.dtype)).requires_grad_()
            return self._rows(torch.autograd.grad(self._energy(q), q)[0])


def orders(removal: Removal, importance: Importance, seed: int = 0) -> dict[str, np.ndarray]:
    """Simplices in the orders compared: by our measure, by the plain gradient, by weight alone, and by chance."""
    rng = np.random.default_rng(seed)
    weight = np.abs(removal._rows(removal.q)[:, 0])
    return {
        "importance": np.argsort(-np.abs(importance.first_order), kind="stable"),
        "path integral": np.argsort(-np.abs(importance.path), kind="stable"),
        "gradient": np.argsort(-importance.gradient, kind="stable"),
        "weight": np.argsort(-weight, kind="stable"),
        "random": rng.permutation(removal.cells),
    }


def agreement(predicted: np.ndarray, actual: np.ndarray) -> dict[str, float]:
    """Spearman's rank and Pearson's correlation of two lists."""
    return {
        "rank": float(spearmanr(predicted, actual).statistic),
        "linear": float(np.corrcoef(predicted, actual)[0, 1]),
    }


def randomised(model: Any, seed: int = 0) -> Any:
    """The same model with its potential's weights shuffled, each tensor by itself: what it learned is gone."""
    import copy

    generator = torch.Generator().manual_seed(seed)
    other = copy.deepcopy(model)
    other.name = f"{model.name}, weights shuffled"
    with torch.no_grad():
        for parameter in other.potential.parameters():
            flat = parameter.flatten()
            parameter.copy_(flat[torch.randperm(len(flat), generator=generator)].view_as(parameter))
    return other


def substitutions(
    model: Any, structure: Any, site: int, elements: list[str], swap: Callable[[Any, int, str], Any]
) -> tuple[np.ndarray, np.ndarray]:
    """Change of U when one atom becomes each of `elements`: predicted by ∂U/∂q and measured, (n,), (n,), eV.

    `swap(structure, site, element)` gives the changed crystal; positions and bonds must stay.
    """
    H, q, _ = model.hamiltonian(structure, "simplices")
    rest = torch.zeros_like(q)
    slope = H.dq(q)
    predicted, actual = [], []
    for element in elements:
        _, other, _ = model.hamiltonian(swap(structure, site, element), "simplices")
        if other.shape != q.shape:
            raise TenfmaError(
                f"with {element} on site {site} the crystal has other bonds; use a fixed cutoff"
            )
        predicted.append(float(slope @ (other - q)))
        confined = 0.5 * H.confinement * float(((other - q) ** 2).sum())
        actual.append(float((H(other, rest) - H(q, rest)).sum()) - confined)
    return np.array(predicted), np.array(actual)
