"""Couplings: blocks of second derivatives, ∂²H/∂q_i∂q_j, one row of blocks at a time.

A row is a directional derivative of ∂H/∂q, so the whole matrix is never needed for it. Where H has a graph it is
differentiated twice; machine code and brought-in calculators are differenced,

    f'(0) = [8 (f(h) − f(−h)) − (f(2h) − f(−2h))] / 12h + O(h⁴),

and for machine code only the atoms within the model's reach are evaluated again, so a row costs the same in any large
crystal.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tenfma.errors import TenfmaError
from tenfma.explanation.tables import html_table, sentence
from tenfma.hamiltonian.evaluator import Evaluator, Pairs

if TYPE_CHECKING:
    import pandas as pd

#: parts beyond which the whole matrix is not made
LARGEST = 1000
#: displacement of the differences, in the unit of q, and the stencil: place and weight
STEP = 2e-3
STENCIL = ((1, 2 / 3), (-1, -2 / 3), (2, -1 / 12), (-2, 1 / 12))


def differenced(dq: Callable[[np.ndarray], np.ndarray], q: np.ndarray, v: np.ndarray) -> np.ndarray:
    """(∂²H/∂q∂q) v by differences of ∂H/∂q along v, fourth order."""
    size = STEP / max(1e-300, float(np.abs(v).max()))
    changes = np.stack([weight * np.asarray(dq(q + place * size * v)) for place, weight in STENCIL])
    return changes.sum(0) / size


def twice_differentiated(H: Any, q: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """v → (∂²H/∂q∂q) v: the graph of ∂H/∂q is made once and run backwards for every v."""
    import torch

    with torch.enable_grad():
        x = torch.tensor(q, requires_grad=True)
        slope = H.dq(x, None)

    def product(v: np.ndarray) -> np.ndarray:
        return torch.autograd.grad(slope, x, torch.as_tensor(v), retain_graph=True)[0].numpy()

    return product


def site_row(
    evaluator: Evaluator, numbers: np.ndarray, pairs: Pairs, atom: int
) -> tuple[np.ndarray, np.ndarray]:
    """Atoms k near `atom`, (n,), and their blocks ∂²U/∂r_k∂r_atom, (n, 3, 3), eV/Å².

    Only atoms within the model's reach can change their slopes, so a cluster of these is evaluated at all displacements
    at once. Energies at its rim are wrong where their neighbours tell nothing, but are so at every displacement.
    """
    centres = np.array([atom])
    for _ in range(evaluator.description.hops):
        centres = np.unique(np.append(pairs.centre[np.isin(pairs.neighbour, centres)], centres))
    counts = pairs.first[centres + 1] - pairs.first[centres]
    rows = np.concatenate([np.arange(pairs.first[c], pairs.first[c + 1]) for c in centres])
    centre, neighbour = np.repeat(np.arange(len(centres)), counts), pairs.neighbour[rows]
    sense = (neighbour == atom).astype(float) - (centres[centre] == atom)
    moves = [(axis, place, weight) for axis in range(3) for place, weight in STENCIL]
    copies = len(moves)
    vectors = np.tile(pairs.vectors[rows], (copies, 1, 1))
    for number, (axis, place, _) in enumerate(moves):
        vectors[number, :, axis] += place * STEP * sense
    # local numbering: the centres of every copy first, then the other atoms they see
    rim = np.setdiff1d(neighbour, centres)
    first = np.concatenate([[0], np.cumsum(np.tile(counts, copies))])
    inside = np.isin(neighbour, centres)
    begun = len(centres) * np.arange(copies)[:, None]
    local = np.where(
        inside,
        begun + np.searchsorted(centres, neighbour),
        copies * len(centres) + np.searchsorted(rim, neighbour),
    )
    cluster = Pairs(first, local.ravel(), np.ascontiguousarray(vectors.reshape(-1, 3)))
    kinds = np.concatenate([np.tile(numbers[centres], copies), numbers[rim]])
    slope = evaluator.slopes(kinds, cluster)[1].reshape(copies, len(rows), 3)
    change = np.zeros((len(rows), 3, 3))
    for number, (axis, _, weight) in enumerate(moves):
        change[:, :, axis] += weight / STEP * slope[number]
    found, where = np.unique(np.concatenate([neighbour, centres[centre]]), return_inverse=True)
    blocks = np.zeros((len(found), 3, 3))
    np.add.at(blocks, where, np.concatenate([change, -change]))
    return found, blocks


class Couplings:
    """Second derivatives between parts, row by row: `row(i)` (parts, d, d), `matrix()` (parts, parts, d, d).

    `strengths()` is the Frobenius norm of every block, (parts, parts), in `unit`. Rows are kept once they are known.
    """

    def __init__(
        self, labels: tuple[str, ...], row: Callable[[int], np.ndarray], unit: str, how: str
    ) -> None:
        self.labels, self.unit, self.how, self._row = labels, unit, how, row
        self._rows: dict[int, np.ndarray] = {}

    def row(self, part: int) -> np.ndarray:
        """∂²H/∂q_j∂q_part for every j, (parts, d_j, d_part). Raises TenfmaError where there is no such part."""
        if not 0 <= part < len(self.labels):
            raise TenfmaError(f"there is no part {part}; there are {len(self.labels)}, counted from 0")
        if part not in self._rows:
            self._rows[part] = self._row(part)
        return self._rows[part]

    def matrix(self, progress: Callable[[float], None] | None = None) -> np.ndarray:
        """All blocks, (parts, parts, d, d); block (i, j) is ∂²H/∂q_i∂q_j. Raises TenfmaError beyond `LARGEST` parts."""
        if len(self.labels) > LARGEST:
            raise TenfmaError(
                f"all couplings of {len(self.labels)} parts would not fit; ask for rows, couplings().row(i), "
                f"or take a cell of at most {LARGEST}"
            )
        rows = []
        for part in range(len(self.labels)):
            rows.append(self.row(part))
            if progress is not None:
                progress((part + 1) / len(self.labels))
        return np.stack(rows, axis=1)

    @property
    def asymmetry(self) -> float:
        """max |H_ij − H_jiᵀ| over all blocks, relative to the largest entry: round-off and truncation."""
        blocks = self.matrix()
        largest = float(np.abs(blocks).max(initial=0.0)) or 1.0
        return float(np.abs(blocks - blocks.transpose(1, 0, 3, 2)).max(initial=0.0)) / largest

    @property
    def sum_rule(self) -> float:
        """max |Σ_j H_ij| relative to the largest entry: zero where moving everything together changes nothing."""
        blocks = self.matrix()
        largest = float(np.abs(blocks).max(initial=0.0)) or 1.0
        return float(np.abs(blocks.sum(1)).max(initial=0.0)) / largest

    def strengths(self) -> np.ndarray:
        """‖∂²H/∂q_i∂q_j‖ (Frobenius), (parts, parts)."""
        return np.sqrt((self.matrix() ** 2).sum((-2, -1)))

    def strongest(self, part: int) -> "pd.DataFrame":
        """Whom one part is coupled to most: columns part, strength, strongest first, itself left out."""
        import pandas as pd

        strengths = np.sqrt((self.row(part) ** 2).sum((-2, -1)))
        frame = pd.DataFrame({"part": self.labels, "strength": strengths}).drop(index=part)
        return frame.sort_values("strength", ascending=False, kind="stable", ignore_index=True)

    def _repr_html_(self) -> str:
        first = self.labels[0]
        return sentence(f"∂²H/∂q_i∂q_j in {self.unit}, by {self.how}.") + html_table(
            self.strongest(0), f"‖block‖ with {first}"
        )


def between_kinds(couplings: Couplings, kinds: list[str]) -> "pd.DataFrame":
    """Couplings gathered by the kinds of both ends, each pair of parts once: columns pair, pairs, strength, strongest.

    `strength` is the root of the sum of all squared blocks of that pair of kinds. A part's coupling to itself is
    left out.
    """
    import pandas as pd

    strengths = couplings.strengths()
    i, j = np.triu_indices(len(kinds), 1)
    frame = pd.DataFrame(
        {"pair": ["–".join(sorted((kinds[a], kinds[b]))) for a, b in zip(i, j)], "block": strengths[i, j]}
    )
    gathered = frame.groupby("pair")["block"]
    return pd.DataFrame(
        {
            "pairs": gathered.size(),
            "strength": gathered.apply(lambda blocks: float(np.sqrt((blocks**2).sum()))),
            "strongest": gathered.max(),
        }
    ).reset_index()


def shells_of(
    couplings: Couplings, kinds: list[str], distances: np.ndarray, width: float = 0.05
) -> "pd.DataFrame":
    """Couplings gathered by the kinds of both ends and their distance, nearest first.

    Columns pair, distance (Å, mean), pairs, strength (mean ‖block‖), strongest. Distances within `width` Å of
    their neighbour in order make one shell. `distances` (parts, parts) are to the nearest image.
    """
    import pandas as pd

    strengths = couplings.strengths()
    i, j = np.triu_indices(len(kinds), 1)
    frame = pd.DataFrame(
        {
            "pair": ["–".join(sorted((kinds[a], kinds[b]))) for a, b in zip(i, j)],
            "distance": distances[i, j],
            "strength": strengths[i, j],
        }
    ).sort_values(["pair", "distance"], kind="stable")
    new = (frame["pair"] != frame["pair"].shift()) | (frame["distance"].diff() > width)
    gathered = frame.groupby(new.cumsum().to_numpy())
    return pd.DataFrame(
        {
            "pair": gathered["pair"].first(),
            "distance": gathered["distance"].mean(),
            "pairs": gathered["distance"].size(),
            "strength": gathered["strength"].mean(),
            "strongest": gathered["strength"].max(),
        }
    ).reset_index(drop=True)
