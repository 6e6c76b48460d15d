"""Who holds the energy: exact parts of H, as a table by part, kind and rank."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from tenfma.explanation.tables import html_table, sentence

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Parts:
    """Energy of every part, kinetic and potential, (parts,); `total` is H itself, evaluated apart from them.

    `simplices` {rank: (cells,)} tells the same energy simplex by simplex, where the chart has simplices, under
    the gauge `simplices_gauge`, with the kind of every simplex in `kinds`.
    """

    labels: tuple[str, ...]
    kind_of: tuple[str, ...]
    kinetic: np.ndarray
    potential: np.ndarray
    total: float
    unit: str
    gauge: str
    simplices: dict[str, np.ndarray] = field(default_factory=dict)
    kinds: dict[str, list[str]] = field(default_factory=dict)
    simplices_gauge: str = ""

    @property
    def energy(self) -> np.ndarray:
        """E_i, (parts,)."""
        return self.kinetic + self.potential

    @property
    def defect(self) -> float:
        """|Σ E_i − H| / max(|H|, Σ|E_i|), and the same of the simplices: the larger."""
        sums = [self.energy, *([np.concatenate(list(self.simplices.values()))] if self.simplices else [])]
        size = max(abs(self.total), float(np.abs(self.energy).sum()), 1e-300)
        return max(abs(float(each.sum()) - self.total) for each in sums) / size

    def frame(self) -> "pd.DataFrame":
        """Columns part, kind, kinetic, potential, energy."""
        import pandas as pd

        return pd.DataFrame(
            {
                "part": self.labels,
                "kind": self.kind_of,
                "kinetic": self.kinetic,
                "potential": self.potential,
                "energy": self.energy,
            }
        )

    def by_kind(self) -> "pd.DataFrame":
        """Columns rank, kind, count, energy, mean: simplices gathered by rank and elements, or parts by kind."""
        import pandas as pd

        if self.simplices:
            rows = [
                (rank, name, value)
                for rank, values in self.simplices.items()
                for name, value in zip(self.kinds[rank], values)
            ]
        else:
            rows = [("parts", name, value) for name, value in zip(self.kind_of, self.energy)]
        frame = pd.DataFrame(rows, columns=["rank", "kind", "energy"])
        gathered = frame.groupby(["rank", "kind"], sort=False)["energy"]
        return pd.DataFrame(
            {"count": gathered.size(), "energy": gathered.sum(), "mean": gathered.mean()}
        ).reset_index()

    def _repr_html_(self) -> str:
        return sentence(f"Gauge: {self.gauge}.") + html_table(self.by_kind()) + html_table(self.frame())
