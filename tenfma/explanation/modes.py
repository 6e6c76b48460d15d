"""Normal modes in the atoms chart: M^{−½} (∂²U/∂r∂r) M^{−½} e = ω² e.

Frequencies ω/2π in THz and cm⁻¹, negative for unstable directions (ω² < 0). The participation ratio
(Σ|e_i|²)²/(N Σ|e_i|⁴) is 1 where all atoms move alike and 1/N where one does.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tenfma.explanation.tables import html_table

if TYPE_CHECKING:
    import pandas as pd

#: 1 THz in cm⁻¹: 1/(c · 1 s)
WAVENUMBERS_PER_THZ = 1e12 / 29_979_245_800.0


@dataclass(frozen=True, eq=False)
class Modes:
    """frequencies (3N,) THz, lowest first; patterns (3N, N, 3) eigenvectors e, |e| = 1; masses (N,)."""

    labels: tuple[str, ...]
    frequencies: np.ndarray
    patterns: np.ndarray
    masses: np.ndarray

    @property
    def wavenumbers(self) -> np.ndarray:
        """Frequencies in cm⁻¹, (3N,)."""
        return self.frequencies * WAVENUMBERS_PER_THZ

    @property
    def displacements(self) -> np.ndarray:
        """How far atoms move in each mode, e/√m with the longest step 1, (3N, N, 3)."""
        moved = self.patterns / np.sqrt(self.masses)[None, :, None]
        return moved / np.linalg.norm(moved, axis=2).max(axis=1)[:, None, None]

    @property
    def participation(self) -> np.ndarray:
        """Participation ratio of every mode, (3N,)."""
        square = (self.patterns**2).sum(2)
        return square.sum(1) ** 2 / (square.shape[1] * (square**2).sum(1))

    def degenerate(self, tolerance: float = 1e-4) -> list[np.ndarray]:
        """Indices of modes whose frequencies follow one another within `tolerance`, THz."""
        breaks = np.flatnonzero(np.diff(self.frequencies) > tolerance) + 1
        return np.split(np.arange(len(self.frequencies)), breaks)

    def frame(self) -> "pd.DataFrame":
        """Columns mode, THz, cm-1, participation, mostly: the atom that moves most."""
        import pandas as pd

        most = (self.patterns**2).sum(2).argmax(1)
        return pd.DataFrame(
            {
                "mode": np.arange(1, len(self.frequencies) + 1),
                "THz": self.frequencies,
                "cm-1": self.wavenumbers,
                "participation": self.participation,
                "mostly": [self.labels[atom] for atom in most],
            }
        )

    def _repr_html_(self) -> str:
        return html_table(self.frame())


def modes_of(labels: tuple[str, ...], blocks: np.ndarray, masses: np.ndarray) -> Modes:
    """Modes from coupling blocks (N, N, 3, 3), eV/Å², and masses (N,), eV·fs²/Å²."""
    atoms = len(masses)
    matrix = blocks.transpose(0, 2, 1, 3).reshape(3 * atoms, 3 * atoms)
    root = np.repeat(np.sqrt(masses), 3)
    dynamical = (matrix + matrix.T) / 2 / root / root[:, None]
    squares, vectors = np.linalg.eigh(dynamical)
    # rad/fs to THz
    frequencies = np.sign(squares) * np.sqrt(np.abs(squares)) * 1e3 / (2 * np.pi)
    return Modes(labels, frequencies, vectors.T.reshape(3 * atoms, atoms, 3), masses)
