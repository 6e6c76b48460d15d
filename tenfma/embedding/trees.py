"""Ensembles of regression trees as plain arrays: fitted by scikit-learn, kept and read without it.

A leaf has left child −1. Prediction = offset + Σ over trees of the reached leaf's value.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class Trees:
    """Nodes of all trees in a row; `roots` says where each begins. Thresholds compare float32 features, x ≤ t left."""

    roots: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    value: np.ndarray
    offset: float

    def predict(self, X: np.ndarray) -> np.ndarray:
        """(n, features) → (n,)."""
        X = np.ascontiguousarray(X, dtype=np.float32)
        rows = np.arange(len(X))[:, None]
        at = np.broadcast_to(self.roots, (len(X), len(self.roots))).copy()
        while True:
            inner = self.left[at] >= 0
            if not inner.any():
                return self.offset + self.value[at].sum(1, dtype=np.float64)
            less = X[rows, self.feature[at]] <= self.threshold[at]
            at = np.where(inner, np.where(less, self.left[at], self.right[at]), at)

    def sound(self, features: int) -> bool:
        """Whether every branch leads on to later nodes of so many features, so that `predict` ends."""
        nodes = len(self.value)
        columns = (self.feature, self.threshold, self.left, self.right, self.value)
        if any(column.shape != (nodes,) for column in columns) or self.roots.ndim != 1:
            return False
        inner = np.flatnonzero(self.left >= 0)
        later = all((side[inner] > inner).all() and (side < nodes).all() for side in (self.left, self.right))
        rooted = ((self.roots >= 0) & (self.roots < nodes)).all()
        return bool(later and rooted and ((self.feature >= 0) & (self.feature < features)).all())

    def arrays(self) -> dict[str, np.ndarray]:
        """What is kept on disk."""
        names = ("roots", "feature", "threshold", "left", "right", "value")
        return {**{name: getattr(self, name) for name in names}, "offset": np.array([self.offset])}

    @classmethod
    def of_arrays(cls, held: dict[str, np.ndarray]) -> "Trees":
        """What `arrays` gave."""
        return cls(
            **{name: x for name, x in held.items() if name != "offset"}, offset=float(held["offset"][0])
        )

    @classmethod
    def of_estimators(cls, estimators: Sequence[Any], factor: float, offset: float) -> "Trees":
        """From scikit-learn's trees, each leaf's value times `factor`."""
        roots, parts, start = [], [], 0
        for estimator in estimators:
            tree = estimator.tree_
            leaf = tree.children_left < 0
            roots.append(start)
            parts.append(
                (
                    np.where(leaf, 0, tree.feature),
                    tree.threshold,
                    np.where(leaf, -1, tree.children_left + start),
                    np.where(leaf, -1, tree.children_right + start),
                    tree.value[:, 0, 0] * factor,
                )
            )
            start += tree.node_count
        feature, threshold, left, right, value = (np.concatenate(column) for column in zip(*parts))
        return cls(
            np.array(roots, np.int32),
            feature.astype(np.int16),
            _below(threshold),
            left.astype(np.int32),
            right.astype(np.int32),
            value.astype(np.float32),
            float(offset),
        )


def _below(threshold: np.ndarray) -> np.ndarray:
    """The largest float32 not above each threshold: a float32 feature falls on the same side of both."""
    rounded = threshold.astype(np.float32)
    return np.where(rounded > threshold, np.nextafter(rounded, np.float32(-np.inf)), rounded).astype(
        np.float32
    )


def randomised(X: np.ndarray, y: np.ndarray, seed: int, trees: int = 80) -> Trees:
    """Extremely randomised trees, which do well where labels are few and grow too large to keep where they are many."""
    from sklearn.ensemble import ExtraTreesRegressor

    model = ExtraTreesRegressor(trees, max_features=0.4, min_samples_leaf=2, random_state=seed)
    model.fit(np.asarray(X, np.float32), y)
    return Trees.of_estimators(model.estimators_, 1 / trees, 0.0)
