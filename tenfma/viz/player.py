"""What the player shows, packed as bytes: a JSON header and float32 arrays.

    uint32 header length (little-endian) | header, UTF-8, padded to 4 bytes | float32 arrays one after another

The header names each array with its offset and shape, and says which of them are trajectories, contours, patch, energy.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tenfma.viz.style import ORANGE, mark

#: frames beyond which a path is thinned: the player draws no more in its fourteen seconds
MOST_FRAMES = 700


@dataclass
class Movie:
    """One view of a motion: arrays over frames, with what to call them. Sizes: F frames."""

    times: np.ndarray
    """(F,)"""
    paths: dict[str, np.ndarray]
    """name → (F, 2) points in the plane shown"""
    names: tuple[str, str]
    """what the two axes of the plane are called"""
    energies: dict[str, np.ndarray] = field(default_factory=dict)
    """name → (F,)"""
    energy_name: str = "H"
    time_name: str = "t"
    patch: np.ndarray | None = None
    """(F, n, 2) boundary of a patch, in order round it"""
    cloud: np.ndarray | None = None
    """(F, n, 2) points of an ensemble"""
    grid: np.ndarray | None = None
    """(rows, columns) energies over `grid_range`, rows along y"""
    grid_range: tuple[float, float, float, float] | None = None
    levels: Sequence[float] = ()
    bold: float | None = None
    """the level that is drawn heavier, such as a separatrix"""
    values: dict[str, np.ndarray] = field(default_factory=dict)
    """name → (F,), printed under the player as it runs"""
    missing: str = "–"
    """what is printed where a value is NaN"""
    range: tuple[float, float, float, float] | None = None
    """x low, x high, y low, y high; fitted to the paths where it is None"""


def thin(count: int, most: int = MOST_FRAMES) -> np.ndarray:
    """Indices of at most `most` frames out of `count`, evenly, with both ends."""
    return np.unique(np.round(np.linspace(0, count - 1, min(count, most))).astype(int))


def fitted(points: Sequence[np.ndarray], margin: float = 0.08) -> tuple[float, float, float, float]:
    """A range that holds all finite points with a margin, runaway ones cut at the 1st and 99th percentile."""
    flat = np.concatenate([np.asarray(part, float).reshape(-1, 2) for part in points])
    flat = flat[np.isfinite(flat).all(axis=1)]
    if len(flat) == 0:
        return -1.0, 1.0, -1.0, 1.0
    limits: list[float] = []
    for column in flat.T:
        low, high = column.min(), column.max()
        inner_low, inner_high = np.percentile(column, [1, 99])
        if high - low > 4 * (inner_high - inner_low) > 0:
            low, high = inner_low, inner_high
        room = margin * (high - low) or 0.5 * abs(high) or 0.5
        limits += [float(low - room), float(high + room)]
    return limits[0], limits[1], limits[2], limits[3]


def packed(movie: Movie, texts: Mapping[str, str], height: int = 420, autoplay: bool = True) -> bytes:
    """The movie as bytes for the player; `texts` are its words: play, pause, time, speed, frame, help, alt."""
    arrays: dict[str, np.ndarray] = {"time": np.asarray(movie.times)}
    header: dict[str, Any] = {
        "height": height,
        "autoplay": autoplay,
        "texts": dict(texts),
        "plane": {"x": movie.names[0], "y": movie.names[1]},
        "paths": [],
        "values": [],
    }
    for index, (name, points) in enumerate(movie.paths.items()):
        look = mark(index)
        arrays[f"path{index}"] = points
        header["paths"].append(
            {
                "name": name,
                "array": f"path{index}",
                "colour": look.colour,
                "dash": look.dash,
                "symbol": look.symbol,
            }
        )
    header["plane"]["range"] = movie.range or fitted(
        [*movie.paths.values(), *(part for part in (movie.patch, movie.cloud) if part is not None)]
    )
    if movie.grid is not None:
        arrays["grid"] = movie.grid
        header["contours"] = {
            "range": movie.grid_range,
            "levels": [float(level) for level in movie.levels],
            "bold": movie.bold,
        }
    if movie.patch is not None:
        arrays["patch"] = movie.patch
        header["patch"] = {"array": "patch", "colour": ORANGE}
    if movie.cloud is not None:
        arrays["cloud"] = movie.cloud
        header["cloud"] = {"array": "cloud", "colour": ORANGE}
    if movie.energies:
        header["side"] = _side(movie, arrays)
    for index, (name, series) in enumerate(movie.values.items()):
        arrays[f"value{index}"] = series
        header["values"].append({"name": name, "array": f"value{index}", "missing": movie.missing})
    return _bytes(header, arrays)


def _side(movie: Movie, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    lines = []
    for index, (name, series) in enumerate(movie.energies.items()):
        look = mark(list(movie.paths).index(name) if name in movie.paths else index)
        arrays[f"energy{index}"] = series
        lines.append(
            {
                "name": name,
                "array": f"energy{index}",
                "colour": look.colour,
                "dash": look.dash,
                "symbol": look.symbol,
            }
        )
    low, high = _energy_range(np.concatenate([np.ravel(series) for series in movie.energies.values()]))
    times = np.asarray(movie.times)
    return {
        "x": movie.time_name,
        "y": movie.energy_name,
        "range": [float(times[0]), float(times[-1]), low, high],
        "lines": lines,
    }


def _energy_range(values: np.ndarray) -> tuple[float, float]:
    values = values[np.isfinite(values)]
    if len(values) == 0:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    room = 0.15 * (high - low)
    if room <= 1e-12 * max(abs(low), abs(high)):
        room = 0.1 * max(abs(high), 1e-3)
    return low - room, high + room


def _bytes(header: dict[str, Any], arrays: Mapping[str, np.ndarray]) -> bytes:
    blobs, described, offset = [], {}, 0
    for name, values in arrays.items():
        blob = np.ascontiguousarray(values, dtype="<f4")
        described[name] = {"offset": offset, "size": int(blob.size), "shape": list(blob.shape)}
        blobs.append(blob.tobytes())
        offset += blob.size
    text = json.dumps({**header, "arrays": described}).encode()
    text += b" " * (-len(text) % 4)
    return len(text).to_bytes(4, "little") + text + b"".join(blobs)
