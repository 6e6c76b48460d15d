"""Energy flow as plain data for the browser: places of the parts on the page, their energies and currents over time."""

from typing import Any

import numpy as np
import pandas as pd

#: links drawn, strongest first, and frames sent
MOST_LINKS, MOST_FRAMES = 90, 120
#: directions looked along in search of one where no atom hides another
LOOKS = 400


def flat(positions: np.ndarray) -> np.ndarray:
    """(N, 2) positions of atoms on the page, seen from where the nearest two are farthest apart."""
    directions = _directions(LOOKS)
    right = np.cross([0.0, 0.0, 1.0], directions)
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    up = np.cross(directions, right)
    i, j = np.triu_indices(len(positions), 1)
    between = positions[i] - positions[j]
    apart = (between @ right.T) ** 2 + (between @ up.T) ** 2  # of every pair, seen along every direction
    best = int(apart.min(axis=0, initial=np.inf).argmax())
    return positions @ np.stack([right[best], up[best]], axis=1)


def _directions(count: int) -> np.ndarray:
    """Unit vectors spread over the band within 45° of the horizon, (count, 3)."""
    k = np.arange(count)
    height = 0.7 * (2 * (k + 0.5) / count - 1)
    angle = np.pi * (3 - np.sqrt(5)) * k
    round_ = np.sqrt(1 - height**2)
    return np.stack([round_ * np.cos(angle), round_ * np.sin(angle), height], axis=1)


def on_a_line(count: int) -> np.ndarray:
    """(count, 2) places side by side."""
    return np.stack([np.arange(count, dtype=float), np.zeros(count)], axis=1)


def flow_picture(flow: Any, places: np.ndarray, unit: str, near: set[tuple[int, int]] | None = None) -> dict:
    """The flow for static/flow.js. `near`: pairs i < j whose line does not cross the whole cell; None for all."""
    from tenfma.viz.player import thin

    frames = thin(len(flow.t), MOST_FRAMES)
    energy = flow.energies[frames] - flow.energies[0]
    i, j = np.triu_indices(len(flow.labels), 1)
    if near is not None:
        keep = np.array([(int(a), int(b)) in near for a, b in zip(i, j)], bool)
        i, j = i[keep], j[keep]
    J = np.asarray(flow.currents)[frames]
    order = np.argsort(-np.abs(J[:, i, j]).mean(axis=0), kind="stable")[:MOST_LINKS]
    i, j = i[order], j[order]
    return {
        "places": np.round(places, 3).tolist(),
        "names": list(flow.labels),
        "links": np.stack([i, j], axis=1).tolist(),
        "times": np.round(flow.t[frames], 4).tolist(),
        "energy": _rounded(energy),
        "flow": _rounded(J[:, i, j]),
        "largest": {
            "energy": float(np.abs(energy).max(initial=0.0)),
            "flow": float(np.quantile(np.abs(J[:, i, j]), 0.98)) if len(i) else 0.0,
        },
        "unit": "" if unit == "1" else unit,
    }


def flow_table(flow: Any) -> pd.DataFrame:
    """t, then the energy of every part."""
    return pd.DataFrame({"t": flow.t} | {name: flow.energies[:, k] for k, name in enumerate(flow.labels)})


def _rounded(values: np.ndarray) -> list:
    size = float(np.abs(values).max(initial=0.0)) or 1.0
    digits = int(np.clip(4 - np.floor(np.log10(size)), 0, 12))
    return np.round(values, digits).tolist()
