"""Two explanations side by side, how far they agree, and how much of it hangs on the choice of gauge.

Forces, tensions, couplings and frequencies are derivatives of H and know no gauge. Parts and flows depend on how H was
split, and on a constant per element that no experiment sees; parts are therefore compared as they are and without the
mean of their element.
"""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import spearmanr

from tenfma.errors import TenfmaError
from tenfma.explanation.explain import Explanation
from tenfma.explanation.sensitivities import Bonds
from tenfma.explanation.tables import html_table, sentence

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Agreement:
    """Of one quantity: how many numbers, Spearman's rank correlation, cosine, and whether a gauge enters."""

    quantity: str
    count: int
    rank: float
    cosine: float
    gauge: bool

    def _repr_html_(self) -> str:
        import pandas as pd

        return html_table(pd.DataFrame([asdict(self)]))


@dataclass(frozen=True)
class Comparison:
    """`first` and `second` beside each other: `agreements`, and `sides`, a table of both by kind."""

    names: tuple[str, str]
    gauges: tuple[str, str]
    agreements: tuple[Agreement, ...]
    sides: "pd.DataFrame"

    def frame(self) -> "pd.DataFrame":
        """Columns quantity, count, rank, cosine, gauge."""
        import pandas as pd

        columns = ["quantity", "count", "rank", "cosine", "gauge"]
        return pd.DataFrame([[getattr(a, c) for c in columns] for a in self.agreements], columns=columns)

    def _repr_html_(self) -> str:
        said = [
            f"1: {self.names[0]}; parts: {self.gauges[0]}",
            f"2: {self.names[1]}; parts: {self.gauges[1]}",
        ]
        return "".join(map(sentence, said)) + html_table(self.frame()) + html_table(self.sides)


def compare(first: Explanation, second: Explanation) -> Comparison:
    """Set two explanations side by side: two models on one crystal, two seeds, or two crystals.

    On one crystal, atom by atom and bond by bond; always by kind, joined where both have it. Raises TenfmaError where
    the two are in different charts.
    """
    charts = [e.subject.numbers is not None for e in (first, second)]
    if charts[0] != charts[1]:
        raise TenfmaError(
            f"{first.name} and {second.name} are explained in different charts; explain both in one chart"
        )
    found = []
    if _same(first, second):
        found += [_agreement("energy of the parts", first.parts.energy, second.parts.energy, True)]
        kinds = np.array(first.parts.kind_of)
        found += [
            _agreement(
                "energy of the parts without their element's mean",
                _centred(first.parts.energy, kinds),
                _centred(second.parts.energy, kinds),
                True,
            )
        ]
        if charts[0]:
            forces = [e.sensitivities.forces.ravel() for e in (first, second)]
            found.append(_agreement("forces", forces[0], forces[1], False))
            tensions = [_by_bond(e) for e in (first, second)]
            shared = [bond for bond in tensions[0] if bond in tensions[1]]
            if shared:
                values = [np.array([t[bond] for bond in shared]) for t in tensions]
                found.append(_agreement("bond tensions", values[0], values[1], False))
    sides = first.parts.by_kind().merge(
        second.parts.by_kind(), on=["rank", "kind"], how="outer", suffixes=(" 1", " 2")
    )
    both = sides.dropna()
    if not _same(first, second) and len(both) > 2:
        found.append(
            _agreement("mean energy by kind", both["mean 1"].to_numpy(), both["mean 2"].to_numpy(), True)
        )
    return Comparison((first.name, second.name), (first.gauge, second.gauge), tuple(found), sides)


def gauge_stability(explanation: Explanation) -> Agreement:
    """How far the parts keep their order when half of what an atom reads is given to the neighbours it reads it off.

        E_i′ = ½ E_i + ½ Σ_j (w_ij / Σ_k w_jk) E_j

    is as good a split of the same H. Potential energies without their element's mean are compared. Raises TenfmaError
    where there are no atoms with neighbours.
    """
    subject = explanation.subject
    if subject.numbers is None or subject.complex is None:
        raise TenfmaError(
            f"{explanation.name} has no neighbours to share with; explain a model in the atoms chart"
        )
    K = subject.complex
    energy = explanation.parts.potential
    weights = K.edge_weights().numpy()
    tails, heads = K.edges.numpy().T
    total = np.bincount(tails, weights, len(energy)) + np.bincount(heads, weights, len(energy))
    share = np.divide(energy, total, out=np.zeros_like(energy), where=total > 0)
    received = np.bincount(tails, weights * share[heads], len(energy)) + np.bincount(
        heads, weights * share[tails], len(energy)
    )
    other = np.where(total > 0, energy / 2 + received / 2, energy)
    kinds = np.array(explanation.parts.kind_of)
    return _agreement("parts under two gauges", _centred(energy, kinds), _centred(other, kinds), True)


def _agreement(quantity: str, a: np.ndarray, b: np.ndarray, gauge: bool) -> Agreement:
    size = float(np.linalg.norm(a) * np.linalg.norm(b))
    cosine = float(a @ b) / size if size > 0 else float("nan")
    # differences at round-off are no order
    constant = any(np.ptp(x) < 1e-9 * max(1e-300, float(np.abs(x).max(initial=0.0))) for x in (a, b))
    rank = float("nan") if len(a) < 3 or constant else float(spearmanr(a, b).statistic)
    return Agreement(quantity, len(a), rank, cosine, gauge)


def _centred(values: np.ndarray, kinds: np.ndarray) -> np.ndarray:
    centred = np.array(values)
    for name in np.unique(kinds):
        centred[kinds == name] -= values[kinds == name].mean()
    return centred


def _same(first: Explanation, second: Explanation) -> bool:
    """Whether both have the same parts in the same order, atoms in the same places."""
    if first.labels != second.labels or first.q.shape != second.q.shape:
        return False
    return first.subject.numbers is None or bool(np.allclose(first.q, second.q, atol=1e-6))


def _by_bond(e: Explanation) -> dict[tuple, float]:
    """{(i, j, r_ij to 1e-4 Å): tension}, each bond in one sense; empty where there are none."""
    try:
        bonds: Bonds = e.sensitivities.bonds
    except TenfmaError:
        return {}
    found = {}
    for (i, j), vector, tension in zip(bonds.ends.tolist(), bonds.vectors, bonds.tension):
        place = tuple(np.round(vector, 4) + 0.0)
        turned = tuple(np.round(-vector, 4) + 0.0)
        found[min((i, j, *place), (j, i, *turned))] = float(tension)
    return found
