"""Numbers and cells as they stand in files, or one sentence saying why they are none."""

import math
from collections.abc import Sequence

import numpy as np

from tenfma.errors import StructureError

#: how flat a cell may be: its volume next to that of a box with the same edges
FLATTEST = 1e-6


def finite(word: object, where: str) -> float:
    """The number that `word` writes; `where` begins the sentence that refuses anything else."""
    try:
        if "_" in str(word):  # Python's own way of grouping digits
            raise ValueError
        value = float(word)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise StructureError(f"{where} is {shown(word)}, and a number is expected; mend it") from None
    if not math.isfinite(value):
        raise StructureError(f"{where} is {shown(word)}, and a finite number is expected; mend it")
    return value


def shown(word: object) -> str:
    """A word of the file, short enough for a sentence."""
    text = str(word)
    return repr(text if len(text) <= 24 else text[:21] + "...")


def cell(words: Sequence[object], name: str) -> np.ndarray:
    """Three lattice vectors in Å, (3, 3), from nine numbers."""
    if len(words) != 9:
        raise StructureError(
            f"{name} has a lattice of {len(words)} numbers; nine are expected, three for each lattice vector"
        )
    vectors = np.array([finite(word, f"{name} has a lattice in which one entry") for word in words])
    return solid(vectors.reshape(3, 3), name)


def solid(vectors: np.ndarray, name: str) -> np.ndarray:
    """The same lattice vectors, where they span a volume."""
    lengths = np.linalg.norm(vectors, axis=1)
    if not lengths.all():
        which = int(np.argmin(lengths)) + 1
        raise StructureError(
            f"{name} has lattice vector {which} of length 0; three vectors longer than 0 Å are expected"
        )
    with np.errstate(over="ignore", invalid="ignore"):
        volume = abs(float(np.linalg.det(vectors / lengths[:, None])))
    if not volume > FLATTEST:
        raise StructureError(
            f"{name} has a flat cell: its three lattice vectors lie in one plane; give independent ones"
        )
    return vectors
