"""The embedding map: entries on two principal axes of the space in which likeness is measured, coloured by a property."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from tenfma.viz.style import GREY, ORANGE, SEQUENTIAL, VERMILLION, figure

#: round every dot, so that the darkest are seen on a dark page and the lightest on a light one
RIM = "rgba(128, 136, 145, 0.75)"
#: dots on one map; an SVG of more is slow
MOST_DOTS = 6000


def principal(rows: np.ndarray, count: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Places (n, count) on the principal axes, and the share of the variance on each, (count,)."""
    centred = rows - rows.mean(axis=0)
    values, axes = np.linalg.eigh(centred.T @ centred)
    order = np.argsort(-values)[:count]
    axes = axes[:, order]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    return centred @ axes, values[order] / values.sum()


def nearest(rows: np.ndarray, place: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Places and distances of the `n` rows nearest to row `place` in the whole space, itself left out."""
    apart = np.linalg.norm(rows - rows[place], axis=1)
    apart[place] = np.inf
    order = np.argsort(apart, kind="stable")[:n]
    return order, apart[order]


def map_figure(
    places: np.ndarray,
    table: pd.DataFrame,
    colour: str,
    label: str,
    axes: tuple[str, str],
    names: tuple[str, str],
    chosen: int,
    near: Sequence[int],
) -> go.Figure:
    """One dot per entry; the chosen one a star, its neighbours in the whole space diamonds; customdata is the row.

    Entries whose property is unknown are small and grey. The colours run from the 2nd to the 98th percentile. Dots are
    SVG: a few thousand are drawn sooner so than a browser without a graphics card begins WebGL. Of more than `MOST_DOTS`
    entries a random `MOST_DOTS` are drawn, always the same; the chosen and its neighbours are drawn in any case.
    """
    chart = figure(*axes, height=520)
    values = table[colour].to_numpy(float)
    drawn = _drawn(len(table))
    known, unknown = drawn[np.isfinite(values[drawn])], drawn[~np.isfinite(values[drawn])]
    words = np.array([f"{f} · {i}" for f, i in zip(table["formula"], table["identifier"])])
    kept = {"selected": {"marker": {"opacity": 0.95}}, "unselected": {"marker": {"opacity": 0.16}}}
    if len(unknown):
        chart.add_scatter(
            x=np.round(places[unknown, 0], 3), y=np.round(places[unknown, 1], 3), mode="markers", name=names[1],
            customdata=unknown, text=words[unknown], hovertemplate="%{text}<extra></extra>",
            marker={"size": 3, "color": GREY, "symbol": "circle", "opacity": 0.45}, **kept,
        )  # fmt: skip
    low, high = np.percentile(values[known], [2, 98]) if len(known) else (0.0, 1.0)
    scale = [[k / (len(SEQUENTIAL) - 1), tint] for k, tint in enumerate(SEQUENTIAL)]
    chart.add_scatter(
        x=np.round(places[known, 0], 3), y=np.round(places[known, 1], 3), mode="markers", name=label, showlegend=False,
        customdata=known, text=[f"{w}: {v:.4g}" for w, v in zip(words[known], values[known])],
        hovertemplate="%{text}<extra></extra>",
        marker={
            "size": 6.5, "opacity": 0.85, "line": {"width": 0.6, "color": RIM}, "color": np.round(values[known], 4),
            "colorscale": scale, "cmin": low, "cmax": high,
            "colorbar": {"title": {"text": label, "side": "right", "font": {"size": 14}}, "thickness": 12},
        },
        **kept,
    )  # fmt: skip
    near = list(near)
    still = {"selected": {"marker": {"opacity": 1}}, "unselected": {"marker": {"opacity": 1}}}
    for part, name, look in (
        (near, names[0], {"symbol": "diamond-open", "size": 13, "color": VERMILLION, "line": {"width": 2}}),
        ([chosen], str(words[chosen]), {"symbol": "star", "size": 18, "color": ORANGE,
                                        "line": {"width": 1.5, "color": VERMILLION}}),
    ):  # fmt: skip
        chart.add_scatter(
            x=places[part, 0], y=places[part, 1], mode="markers", name=name, customdata=part, text=words[part],
            hovertemplate="%{text}<extra></extra>", marker=look, **still,
        )  # fmt: skip
    below = {"y": -0.17, "yanchor": "top"}  # the tools are above
    # while a loop is drawn by default, no click is told
    return chart.update_layout(dragmode="pan", clickmode="event+select", legend=below)


def _drawn(count: int) -> np.ndarray:
    """The rows that are drawn, rising."""
    if count <= MOST_DOTS:
        return np.arange(count)
    return np.sort(np.random.default_rng(0).choice(count, MOST_DOTS, replace=False))
