"""Couplings in the simplices chart: blocks between atoms, bonds and triangles, in norms.

q of a simplex is dimensionless and its axes are the model's own, so what is told of a block is its size,
‖∂²H/∂q_i∂q_j‖ (Frobenius), which does not depend on axes. Between groups A and B the sum of squares is

    ‖H_AB‖² = E |P_A H P_B z|²,    z random signs,

estimated from probes with their standard error where the state is too large for the whole matrix.
"""

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from tenfma.crystal.complex import SimplicialComplex
from tenfma.crystal.features import LOCAL_RANKS
from tenfma.errors import TenfmaError
from tenfma.explanation.couplings import twice_differentiated
from tenfma.explanation.labels import simplex_kinds, simplex_labels
from tenfma.explanation.tables import html_table, sentence
from tenfma.hamiltonian.simplices import SimplicesHamiltonian

if TYPE_CHECKING:
    import pandas as pd

#: states up to this length have their whole matrix made
WHOLE = 3000


class SimplexCouplings:
    """Second derivatives of the simplices chart at q (D,), by Hessian–vector products."""

    unit = "eV"
    how = "automatic differentiation, twice"

    def __init__(self, H: SimplicesHamiltonian, K: SimplicialComplex, q: np.ndarray) -> None:
        self.H, self.K, self.q = H, K, q
        self.labels = simplex_labels(K)
        layout = H.layout
        widths = np.concatenate([np.full(layout.cells(rank), layout.width(rank)) for rank in LOCAL_RANKS])
        self.starts = np.concatenate([[0], np.cumsum(widths)])
        #: the simplex of every coordinate, (D,)
        self.owner = np.repeat(np.arange(len(widths)), widths)
        kinds = simplex_kinds(K)
        self.groups = [f"{rank} {name}" for rank in LOCAL_RANKS for name in kinds[rank]]

    @cached_property
    def hessian_vector(self) -> Callable[[np.ndarray], np.ndarray]:
        """v → (∂²H/∂q∂q) v, (D,)."""
        return twice_differentiated(self.H, self.q)

    def block(self, part: int) -> np.ndarray:
        """The columns of one simplex, (D, width). Raises TenfmaError where there is no such simplex."""
        if not 0 <= part < len(self.labels):
            raise TenfmaError(f"there is no simplex {part}; there are {len(self.labels)}, counted from 0")
        columns = []
        for place in range(self.starts[part], self.starts[part + 1]):
            v = np.zeros(len(self.q))
            v[place] = 1.0
            columns.append(self.hessian_vector(v))
        return np.stack(columns, axis=1)

    def row(self, part: int) -> np.ndarray:
        """‖∂²H/∂q_j∂q_part‖ for every simplex j, (simplices,), eV."""
        squares = (self.block(part) ** 2).sum(1)
        return np.sqrt(np.bincount(self.owner, squares, len(self.labels)))

    def strengths(self) -> np.ndarray:
        """All norms, (simplices, simplices). Raises TenfmaError for a state beyond `WHOLE` numbers."""
        if len(self.q) > WHOLE:
            raise TenfmaError(
                f"the state holds {len(self.q)} numbers, and whole matrices are made up to {WHOLE}; "
                "ask for rows, couplings(of=…), or for between_groups()"
            )
        return np.stack([self.row(part) for part in range(len(self.labels))], axis=1)

    def between_groups(self, probes: int = 32, seed: int = 0) -> "pd.DataFrame":
        """Couplings between ranks and kinds: columns of, to, strength (‖H_AB‖, eV), error (standard error)."""
        import pandas as pd

        names = list(dict.fromkeys(self.groups))
        index = np.array([names.index(name) for name in self.groups])[self.owner]
        rng = np.random.default_rng(seed)
        rows = []
        for column, name in enumerate(names):
            squares = np.zeros((probes, len(names)))
            for probe in range(probes):
                z = np.where(index == column, rng.choice([-1.0, 1.0], len(index)), 0.0)
                squares[probe] = np.bincount(index, self.hessian_vector(z) ** 2, len(names))
            mean, error = squares.mean(0), squares.std(0, ddof=1) / np.sqrt(probes)
            strength = np.sqrt(mean)
            spread = np.divide(error, 2 * strength, out=np.zeros_like(error), where=strength > 0)
            rows += [(name, names[k], strength[k], spread[k]) for k in range(len(names))]
        return pd.DataFrame(rows, columns=["of", "to", "strength", "error"])

    def _repr_html_(self) -> str:
        import pandas as pd

        frame = pd.DataFrame({"simplex": self.labels, "strength": self.row(0)}).drop(index=0)
        frame = frame.sort_values("strength", ascending=False, kind="stable")
        return sentence(f"‖∂²H/∂q_i∂q_j‖ in {self.unit}, by {self.how}.") + html_table(
            frame, f"‖block‖ with {self.labels[0]}"
        )
