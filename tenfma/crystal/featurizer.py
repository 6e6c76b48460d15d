"""Module A's scikit-learn face: a list of crystals in, one row of named, intensive features each out."""

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from tenfma.crystal.complex import complex_of
from tenfma.crystal.features import featurize
from tenfma.crystal.features.pooling import Pooled, pool
from tenfma.errors import TenfmaError

#: how many atoms are featurized together; bounds the memory whatever the list's length
BATCH_ATOMS = 512


class SimplicialFeaturizer(TransformerMixin, BaseEstimator):
    """Pooled features of crystals: composition, cell, atoms, bonds, triangles, springs.

    A row is the same for a primitive cell and for its supercells. Nothing is learned in `fit`. Input: a list,
    array or Series of pymatgen Structures or ASE Atoms, or a DataFrame with one such column.

    Parameters: `cutoff`, `triangle_cutoff` as for `complex_of`, by default in covalent radii, which pooled
    better than fixed ones; `discrete` adds space group, motifs and topology (slower); `on_error` is 'raise',
    or 'nan' for a row of NaN and a warning where a crystal cannot be read; `n_jobs` processes, as in
    scikit-learn.

    >>> from ase.build import bulk
    >>> rows = SimplicialFeaturizer().fit_transform([bulk("Cu"), bulk("Cu", cubic=True)])
    >>> bool(abs(rows[0] - rows[1]).max() < 1e-8)
    True
    """

    def __init__(
        self,
        cutoff: Any = "2.0 covalent",
        triangle_cutoff: Any = "1.3 covalent",
        discrete: bool = False,
        on_error: str = "raise",
        n_jobs: int | None = None,
    ) -> None:
        self.cutoff = cutoff
        self.triangle_cutoff = triangle_cutoff
        self.discrete = discrete
        self.on_error = on_error
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None) -> "SimplicialFeaturizer":
        """Check the settings and learn the columns' names."""
        if self.on_error not in ("raise", "nan"):
            raise TenfmaError(f"on_error is {self.on_error!r}; expected 'raise' or 'nan'")
        jobs = self.n_jobs
        if jobs is not None and (isinstance(jobs, bool) or not isinstance(jobs, int) or jobs == 0):
            raise TenfmaError(
                f"n_jobs is {jobs!r}; expected None or a whole number other than 0, −1 for every core"
            )
        from ase import Atoms

        sample = Atoms("Po", cell=[3.35] * 3, pbc=True)
        self.feature_names_out_ = np.array(self._rows([sample]).names, dtype=object)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Rows (crystals, features), float64, in the order given.

        Raises TenfmaError for the first crystal that cannot be read, by its place, unless `on_error` is
        'nan'.
        """
        check_is_fitted(self)
        structures = structures_of(X)
        parts = list(batches(structures))
        if self.n_jobs is None or self.n_jobs == 1:
            done = [self._safe_rows(start, batch) for start, batch in parts]
        else:
            from joblib import Parallel, delayed

            done = Parallel(n_jobs=self.n_jobs)(delayed(self._safe_rows)(*batch) for batch in parts)
        return np.concatenate(done) if done else np.empty((0, len(self.feature_names_out_)))

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """One name per column, such as 'bonded.length.mean'."""
        check_is_fitted(self)
        return self.feature_names_out_

    def _rows(self, structures: Sequence[Any]) -> Pooled:
        with torch.no_grad():
            K = complex_of(list(structures), self.cutoff, self.triangle_cutoff)
            return pool(featurize(K, smooth_only=not self.discrete))

    def _safe_rows(self, start: int, structures: Sequence[Any]) -> np.ndarray:
        """Rows of one batch; where it fails, crystal by crystal, so that the fault is told with its place."""
        try:
            return self._rows(structures).values.numpy()
        except TenfmaError:
            return np.concatenate([self._row(start + place, item) for place, item in enumerate(structures)])

    def _row(self, place: int, structure: Any) -> np.ndarray:
        try:
            return self._rows([structure]).values.numpy()
        except TenfmaError as error:
            if self.on_error == "raise":
                raise TenfmaError(f"crystal {place} (counted from 0): {error}") from error
            warnings.warn(f"crystal {place} (counted from 0) gets a row of NaN: {error}", stacklevel=2)
            return np.full((1, len(self.feature_names_out_)), np.nan)


def structures_of(X: Any) -> list[Any]:
    """The crystals in a list, array, Series, or one-column DataFrame."""
    if hasattr(X, "columns"):
        if len(X.columns) != 1:
            raise TenfmaError(
                f"a DataFrame with {len(X.columns)} columns was given; pass the one that holds the structures"
            )
        X = X.iloc[:, 0]
    if isinstance(X, np.ndarray) and X.ndim == 2 and X.shape[1] == 1:
        X = X[:, 0]
    if hasattr(X, "get_atomic_numbers") or hasattr(X, "is_ordered"):
        raise TenfmaError("one structure was given where a list is expected; write [structure]")
    try:
        return list(X)
    except TypeError as error:
        raise TenfmaError(f"{X!r:.60} was given where a list of structures is expected") from error


def batches(structures: list[Any]) -> Iterator[tuple[int, list[Any]]]:
    """(index of the first, crystals) with about `BATCH_ATOMS` atoms together."""
    start, atoms = 0, 0
    for index, structure in enumerate(structures):
        size = len(structure) if hasattr(structure, "__len__") else 1
        if index > start and atoms + size > BATCH_ATOMS:
            yield start, structures[start:index]
            start, atoms = index, 0
        atoms += size
    if start < len(structures):
        yield start, structures[start:]
