"""First views: what pages show before anything is chosen, computed beforehand, so that a fresh server draws at once.

    first.value("bonds", key, compute)

gives the kept value of that name and key, or `compute()`. Values are numbers, text, lists and dictionaries with text for
keys. `python -m tenfma.ui.first_views` opens every page at its defaults and keeps what they ask for in
assets/first-views.json.gz; a test computes it anew and compares.
"""

import base64
import gzip
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tenfma.site import assets

_asked: list[dict[str, Any]] = []


def file() -> Path:
    """Where the first views are kept."""
    return assets() / "first-views.json.gz"


@cache
def kept() -> dict[str, Any]:
    """Every kept value by `name key`; empty where the file is not there."""
    path = file()
    return json.loads(gzip.decompress(path.read_bytes())) if path.is_file() else {}


def value(name: str, key: str, compute: Callable[[], Any]) -> Any:
    """The kept value, or what `compute` gives."""
    where = f"{name} {key}"
    if _asked:
        _asked[-1][where] = compute()
        return _asked[-1][where]
    held = kept()
    return held[where] if where in held else compute()


def halves(array: np.ndarray) -> dict[str, Any]:
    """An array that is only looked at, as text: half precision, of which one in 2048 is lost."""
    return {"shape": list(array.shape), "half": base64.b64encode(array.astype("<f2").tobytes()).decode()}


def array(kept: dict[str, Any]) -> np.ndarray:
    """What `halves` wrote, in double precision."""
    return np.frombuffer(base64.b64decode(kept["half"]), "<f2").astype(float).reshape(kept["shape"])


@contextmanager
def recorded() -> Iterator[dict[str, Any]]:
    """What is asked for inside, all of it computed."""
    _asked.append({})
    try:
        yield _asked[-1]
    finally:
        _asked.pop()
