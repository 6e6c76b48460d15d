"""Couplings, linked: arrows of −∂H/∂q on a crystal, a heat map whose cells can be clicked, strength against distance."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from pymatgen.core import Lattice, Structure

from tenfma.viz.scenes import Scene, crystal_scene
from tenfma.viz.style import BLUE, GREY, ORANGE, SEQUENTIAL, VERMILLION, decades, figure, mark

#: length of the longest arrow that is drawn, Å
LONGEST = 1.9
#: atoms are drawn this much smaller than elsewhere, so that arrows show
SMALLER = 0.72
#: forces below this are round-off, eV/Å
NOTHING = 1e-9
#: axis about which the page turns a crystal: no symmetry axis of any lattice
AXIS = np.array([0.36, 0.48, 0.80])


def rotation(degrees: float, axis: np.ndarray = AXIS) -> np.ndarray:
    """R = 1 + sin θ K + (1 − cos θ) K², K the cross product with the unit axis (Rodrigues), (3, 3)."""
    x, y, z = axis / np.linalg.norm(axis)
    K = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = np.radians(degrees)
    return np.eye(3) + np.sin(angle) * K + (1 - np.cos(angle)) * K @ K


def rotated(structure: Structure, R: np.ndarray) -> Structure:
    """The crystal turned by R, (3, 3): lattice and atoms together."""
    return Structure(Lattice(structure.lattice.matrix @ R.T), structure.species, structure.frac_coords)


def rattled(structure: Structure, size: float, seed: int = 0) -> Structure:
    """Every atom moved by normal numbers of standard deviation `size`, Å, along each axis; the centre stays."""
    moved = np.random.default_rng(seed).normal(size=(len(structure), 3)) * size
    moved -= moved.mean(axis=0)
    return Structure(
        structure.lattice, structure.species, structure.cart_coords + moved, coords_are_cartesian=True
    )


def force_scene(
    structure: Structure,
    bonds: Sequence[Any],
    forces: np.ndarray,
    key: str,
    picked: int | None = None,
    partner: int | None = None,
) -> Scene:
    """The crystal with an arrow of −∂H/∂r on every atom drawn; `key` stays while only the view turns.

    The longest arrow is `LONGEST` Å; the arrows' common scale is the caller's to tell.
    """
    scene = crystal_scene(structure, bonds, picked=picked)
    scene["key"] = key
    size = float(np.linalg.norm(forces, axis=1).max(initial=0.0))
    scene["arrows"], scene["stick"] = [], 0.06
    for row in scene["atoms"]:
        row["picked"] = row["site"] in (picked, partner)
        row["radius"] = round(SMALLER * row["radius"], 3)
        force = forces[row["site"]]
        length = float(np.linalg.norm(force))
        if size > NOTHING and length > 0.02 * size:
            start = np.asarray(row["at"])
            end = start + force / size * LONGEST
            start = start + force / length * min(0.6 * length / size * LONGEST, row["radius"])
            arrow = {"from": start.round(4).tolist(), "to": end.round(4).tolist()}
            scene["arrows"].append({**arrow, "radius": 0.1, "colour": VERMILLION})
    return scene


def matrix_figure(
    labels: Sequence[str],
    strengths: np.ndarray,
    names: tuple[str, str, str],
    atom: int | None = None,
    partner: int | None = None,
) -> go.Figure:
    """‖block‖ of every pair as colours; squares that cannot be seen take the clicks, customdata = (row, column).

    `names`: both axes and the colours. The diagonal, an atom with itself, is left blank: it dwarfs the rest.
    """
    n = len(labels)
    chart = figure(names[1], names[0], height=430)
    shown = np.array([[float(f"{x:.4g}") for x in row] for row in strengths])
    np.fill_diagonal(shown, np.nan)
    off = shown[np.isfinite(shown)]
    top = float(off.max(initial=0.0)) or 1.0
    scale = [[k / (len(SEQUENTIAL) - 1), colour] for k, colour in enumerate(SEQUENTIAL)]
    chart.add_heatmap(
        z=shown, colorscale=scale, zmin=0.0, zmax=top, hoverinfo="skip",
        x=np.arange(n), y=np.arange(n), xgap=0.5, ygap=0.5,
        colorbar={"title": {"text": names[2], "side": "right"}, "thickness": 12},
    )  # fmt: skip
    rows, columns = np.divmod(np.arange(n * n), n)
    words = [f"{labels[i]} – {labels[j]}: {strengths[i, j]:.4g}" for i, j in zip(rows, columns)]
    chart.add_scatter(
        x=columns, y=rows, mode="markers", customdata=np.stack([rows, columns], axis=1), text=words,
        hovertemplate="%{text}<extra></extra>", showlegend=False,
        marker={"symbol": "square", "size": max(4, 330 / n), "color": "rgba(0,0,0,0)"},
        selected={"marker": {"opacity": 0}}, unselected={"marker": {"opacity": 0}},
    )  # fmt: skip
    for row, column, width in ((atom, None, 2.5), (atom, partner, 4)):
        if row is None or (width == 4 and column is None):
            continue
        low, high = (-0.5, n - 0.5) if column is None else (column - 0.5, column + 0.5)
        chart.add_shape(
            type="rect", x0=low, x1=high, y0=row - 0.5, y1=row + 0.5, line={"color": ORANGE, "width": width}
        )
    step = max(1, -(-n // 16))
    places = list(range(0, n, step))
    axis = {
        "tickmode": "array",
        "tickvals": places,
        "ticktext": [labels[k] for k in places],
        "showgrid": False,
    }
    chart.update_xaxes(**axis, range=[-0.5, n - 0.5], tickangle=-60)
    chart.update_yaxes(**axis, range=[n - 0.5, -0.5])
    return chart.update_layout(clickmode="event+select", dragmode=False)


def distance_figure(
    labels: Sequence[str],
    strengths: np.ndarray,
    distances: np.ndarray,
    names: tuple[str, str, str, str],
    atom: int | None = None,
    partner: int | None = None,
) -> go.Figure:
    """‖block‖ of every pair against distance on a log axis; pairs of `atom` stand out, the chosen pair most.

    `names`: x axis, y axis, all pairs, pairs of the atom.
    """
    chart = figure(names[0], names[1], height=360, log_y=True)
    i, j = np.triu_indices(len(labels), 1)
    top = float(strengths[i, j].max(initial=0.0)) if len(i) else 0.0
    seen = strengths[i, j] > 1e-6 * top if top > 0 else np.zeros(len(i), bool)
    i, j = i[seen], j[seen]
    own = (i == atom) | (j == atom) if atom is not None else np.zeros(len(i), bool)
    chosen = own & ((i == partner) | (j == partner)) if partner is not None else np.zeros(len(i), bool)
    for place, (part, name, colour, symbol, size) in enumerate(
        (
            (~own, names[2], GREY if own.any() else BLUE, "circle", 6),
            (own & ~chosen, names[3], BLUE, "square", 9),
            (chosen, "", VERMILLION, "diamond", 14),
        )
    ):
        if not part.any():
            continue
        words = [f"{labels[a]} – {labels[b]}" for a, b in zip(i[part].tolist(), j[part].tolist())]
        chart.add_scatter(
            x=np.round(distances[i, j][part], 4), y=strengths[i, j][part], mode="markers",
            name=name or words[0], text=words, customdata=np.stack([i[part], j[part]], axis=1),
            hovertemplate="%{text}: %{y:.4g} (%{x:.3f} Å)<extra></extra>", showlegend=bool(place > 0 or own.any()),
            marker={"color": colour, "symbol": symbol, "size": size},
            selected={"marker": {"opacity": 1}}, unselected={"marker": {"opacity": 1}},
        )  # fmt: skip
    if len(i) and strengths[i, j].max() < 1e3 * strengths[i, j].min():
        chart.update_yaxes(**decades())
    return chart.update_layout(clickmode="event+select", dragmode=False)


def pair_table(labels: Sequence[str], strengths: np.ndarray, distances: np.ndarray | None) -> pd.DataFrame:
    """One row per pair: names, distance (Å, nearest images), ‖∂²H/∂q∂q‖, strongest first."""
    i, j = np.triu_indices(len(labels), 1)
    table = pd.DataFrame({"i": [labels[k] for k in i.tolist()], "j": [labels[k] for k in j.tolist()]})
    if distances is not None:
        table["distance / Å"] = np.round(distances[i, j], 4)
    table["coupling"] = [float(f"{x:.6g}") for x in strengths[i, j]]
    return table.sort_values("coupling", ascending=False, kind="stable", ignore_index=True)


def block_table(block: np.ndarray, axes: Sequence[str] = ("x", "y", "z")) -> pd.DataFrame:
    """A block ∂²H/∂q_i∂q_j with its axes named."""
    names = list(axes[: block.shape[1]]) if block.shape[1] > 1 else ["∂²H/∂q∂q"]
    table = pd.DataFrame(np.round(block, 5), columns=names)
    if block.shape[0] > 1:
        table.insert(0, "", list(axes[: block.shape[0]]))
    return table


def bars_figure(
    labels: Sequence[str], values: np.ndarray, kinds: Sequence[str], names: tuple[str, str]
) -> go.Figure:
    """One bar per part, a colour per kind where there are several."""
    chart = figure(names[0], names[1], height=320)
    held = np.array(kinds)
    different = list(dict.fromkeys(kinds))
    several = 1 < len(different) < 8
    for place, kind in enumerate(different if several else [""]):
        part = held == kind if several else np.ones(len(held), bool)
        chart.add_bar(
            x=[labels[k] for k in np.flatnonzero(part).tolist()], y=np.asarray(values)[part], name=kind,
            marker_color=mark(place).colour, showlegend=several,
        )  # fmt: skip
    return chart
