"""Kernel ridge on the pooled static rows: the posterior mean of a Gaussian process.

    f(x) = μ + Σ_i α_i k(x, x_i),    k = exp(−|x − x'| / ℓ√n),    (K + δ) α = y − μ

x are n standardised columns, outliers held in hand by x/√(1 + x²/16). Rows are kept in half precision and read so when
fitted, so that a saved model says the same. Members of an ensemble share rows, scales and K.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

#: ℓ in units of the root mean square distance per column, δ beside k(x, x) = 1
LENGTH, NOISE = 2.0, 0.01
#: outliers are squashed beyond this many standard deviations
OUTLIER = 4.0


@dataclass(frozen=True, eq=False)
class Kernels:
    """Rows (m, n) of known crystals and their scales; `weights` (members, m, targets), zero for crystals not used."""

    mean: np.ndarray
    scale: np.ndarray
    rows: np.ndarray
    weights: np.ndarray
    offsets: np.ndarray

    def predict(self, X: np.ndarray) -> np.ndarray:
        """(crystals, n) → (members, crystals, targets)."""
        x = _squashed((np.asarray(X, np.float64) - self.mean) / self.scale)
        return _covariance(x, self.rows.astype(np.float64)) @ self.weights + self.offsets[:, None, :]

    def arrays(self) -> dict[str, np.ndarray]:
        """What is kept on disk."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def fitted(cls, X: np.ndarray, y: np.ndarray, shares: Sequence[np.ndarray]) -> "Kernels":
        """One member per share (places in X (m, n) and y (m, targets)); NaN is a missing label."""
        X = np.asarray(X, np.float64)
        mean, scale = X.mean(0), X.std(0)
        scale = np.where(scale > 1e-9 * (1 + np.abs(mean)), scale, np.inf)
        rows = _squashed((X - mean) / scale).astype(np.float16)
        K = _covariance(rows.astype(np.float64), rows.astype(np.float64))
        weights, offsets = np.zeros((len(shares), *y.shape)), np.zeros((len(shares), y.shape[1]))
        for member, share in enumerate(shares):
            for target, column in enumerate(y.T):
                known = share[~np.isnan(column[share])]
                if not len(known):
                    continue
                offsets[member, target] = column[known].mean()
                block = K[np.ix_(known, known)] + NOISE * np.eye(len(known))
                weights[member, known, target] = np.linalg.solve(
                    block, column[known] - offsets[member, target]
                )
        return cls(mean, scale, rows, weights.astype(np.float32), offsets)


def _squashed(x: np.ndarray) -> np.ndarray:
    return x / np.sqrt(1 + x * x / OUTLIER**2)


def _covariance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    squares = (a * a).sum(1)[:, None] + (b * b).sum(1)[None] - 2 * a @ b.T
    return np.exp(-np.sqrt(np.maximum(squares, 0) / a.shape[1]) / LENGTH)
