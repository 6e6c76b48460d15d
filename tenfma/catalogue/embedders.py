"""What turns a crystal into the vector that likeness is measured with, by name.

`static` is Module A's pooled features without motion, each centred and scaled, then turned onto their principal axes.
Centre, scale and axes were measured once over the starter library, so that a vector depends on its own crystal only.
They name the version: the vectors of another one replace those kept before.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tenfma.catalogue.connection import CatalogueError
from tenfma.errors import TenfmaError
from tenfma.site import assets

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from tenfma.crystal.featurizer import SimplicialFeaturizer

STATIC = "static"
SCALES = "static.npz"
#: the static vectors of the starter library, in its order
ROWS = "static-rows.npz"
#: principal axes kept
DIMENSION = 64
#: standardised features are kept within this, so that one strange number does not decide alone
MOST = 10.0


@dataclass(frozen=True)
class Embedder:
    """`vectors(structures)` gives float32 rows, of NaN where one cannot be embedded; `version` names its weights."""

    version: str
    dimension: int
    vectors: "Callable[[Sequence[Structure]], np.ndarray]"


def embedder(name: str = STATIC) -> Embedder:
    """The embedder called `name`: `static`, or any model `tenfma.load` knows. Raises TenfmaError for others."""
    return _static() if name == STATIC else _learned(name)


@lru_cache(maxsize=1)
def _static() -> Embedder:
    path = assets() / "library" / SCALES
    if not path.exists():
        raise CatalogueError(f"{path} is missing; make it with python -m tenfma.catalogue.build_library")
    held = np.load(path)
    centre, scale, axes = held["centre"], held["scale"], held["axes"]

    def vectors(structures: "Sequence[Structure]") -> np.ndarray:
        return _turned(static_features(structures), centre, scale, axes)

    digest = hashlib.sha256(b"".join(array.tobytes() for array in (centre, scale, axes)))
    return Embedder(f"{STATIC}-{digest.hexdigest()[:8]}", axes.shape[1], vectors)


def _turned(values: np.ndarray, centre: np.ndarray, scale: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """Standardised, kept within ±`MOST`, on the principal axes; float32."""
    return (np.clip((values - centre) / scale, -MOST, MOST) @ axes).astype(np.float32)


def static_features(structures: "Sequence[Structure]") -> np.ndarray:
    """Module A's pooled smooth features, unscaled, float64; NaN where a crystal has none."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _featurizer().transform(list(structures))


@lru_cache(maxsize=1)
def _featurizer() -> "SimplicialFeaturizer":
    """Fitted once: fitting makes a row of its own to learn the columns' names."""
    from tenfma.crystal.featurizer import SimplicialFeaturizer

    return SimplicialFeaturizer(on_error="nan").fit(None)


def measure(structures: "Sequence[Structure]", folder: Path, mark: str) -> float:
    """Measure the static embedding over these crystals and keep it in `folder`, with their vectors under `mark`.

    Returns the share of the variance that the axes keep. A crystal without features gets a row of NaN.
    """
    rows = static_features(structures)
    values = rows[np.isfinite(rows).all(axis=1)]
    centre, spread = values.mean(axis=0), values.std(axis=0)
    scale = np.where(spread > 1e-9 * np.abs(values).max(axis=0), spread, np.inf)  # a constant tells nothing
    standard = np.clip((values - centre) / scale, -MOST, MOST)
    _, sizes, directions = np.linalg.svd(standard - standard.mean(axis=0), full_matrices=False)
    axes = directions[:DIMENSION].T
    np.savez_compressed(folder / SCALES, centre=centre, scale=scale, axes=axes)
    np.savez_compressed(folder / ROWS, rows=_turned(rows, centre, scale, axes), mark=mark)
    return float((sizes[:DIMENSION] ** 2).sum() / (sizes**2).sum())


@lru_cache(maxsize=4)
def _learned(name: str) -> Embedder:
    from tenfma.embedding.pipeline import embed, load

    model = load(name)

    def rows(structures: "Sequence[Structure]", warn: bool = True) -> np.ndarray:
        return np.asarray(embed(model, list(structures), certify=False, warn=warn).values, np.float32)

    def vectors(structures: "Sequence[Structure]") -> np.ndarray:
        try:
            return rows(structures)
        except TenfmaError:
            return np.concatenate([_row(rows, structure, size) for structure in structures])

    from tenfma.catalogue.packing import Sites

    sample = Sites(np.eye(3) * 3.6, np.zeros((1, 3)), np.array([29], np.uint8)).structure()
    size = rows([sample], warn=False).shape[1]
    return Embedder(f"{Path(name).name[:80]}-{_mark(model)}", size, vectors)


def _row(
    rows: "Callable[[Sequence[Structure]], np.ndarray]", structure: "Structure", size: int
) -> np.ndarray:
    try:
        return rows([structure])
    except TenfmaError:
        return np.full((1, size), np.nan, np.float32)


def _mark(model) -> str:
    """A short name of a model's weights: two models with one name and other weights make other vectors."""
    digest = hashlib.sha256()
    for key, value in sorted(model.state_dict().items()):
        digest.update(key.encode())
        digest.update(value.detach().cpu().numpy().tobytes())
    return digest.hexdigest()[:12]
