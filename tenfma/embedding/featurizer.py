"""A trained model's scikit-learn face: a list of crystals in, one row of named invariants each out."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from tenfma.crystal.featurizer import structures_of
from tenfma.embedding.pipeline import embed, load


class TenFMAFeaturizer(TransformerMixin, BaseEstimator):
    """Evolved embeddings of crystals: what the motion under H_θ leaves behind.

    A row is the same for a primitive cell and for its supercells. Nothing is learned in `fit`: `model` is a name or
    folder that `tenfma.load` knows, or a loaded model. Input: a list, array or Series of pymatgen Structures or ASE
    Atoms, or a DataFrame with one such column. `motion` overrides how the model moves, such as {"steps": 0}.
    """

    def __init__(self, model: Any = None, motion: dict[str, Any] | None = None) -> None:
        self.model = model
        self.motion = motion

    def fit(self, X: Any = None, y: Any = None) -> "TenFMAFeaturizer":
        """Load the model and learn the columns' names."""
        from pymatgen.core import Lattice, Structure

        self.model_ = self.model if hasattr(self.model, "embed") else load(self.model)
        sample = Structure(Lattice.cubic(3.6), ["Cu"], [[0, 0, 0]])
        self.feature_names_out_ = np.array(self._embedded([sample], warn=False).names, dtype=object)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Rows (crystals, components), in the order given. Raises TenfmaError for a crystal that cannot be read."""
        check_is_fitted(self)
        structures = structures_of(X)
        if not structures:
            return np.empty((0, len(self.feature_names_out_)))
        return self._embedded(structures).values

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """One name per column."""
        check_is_fitted(self)
        return self.feature_names_out_

    def _embedded(self, structures: list[Any], warn: bool = True) -> Any:
        return embed(self.model_, structures, certify=False, warn=warn, **(self.motion or {}))
