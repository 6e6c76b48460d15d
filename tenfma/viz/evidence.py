"""Evidence as tables: whatever measurements are kept in assets/evidence, models against peers, and where we lose."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from tenfma.viz.beside import sides
from tenfma.viz.style import BLUE, GREEN, GREY, ORANGE, PURPLE, VERMILLION, decades, figure

#: test errors of other potentials on the same frames, (energy meV/atom, force eV/Å), by element.
#: Zuo et al., J. Phys. Chem. A 124, 731 (2020)
PUBLISHED: dict[str, dict[str, tuple[float, float]]] = {
    "Si": {"SNAP": (6.44, 0.133), "qSNAP": (3.81, 0.116), "GAP": (2.91, 0.07), "MTP": (2.21, 0.06)},
    "Mo": {"SNAP": (5.49, 0.207), "qSNAP": (2.77, 0.184), "GAP": (2.24, 0.09), "MTP": (2.83, 0.09)},
    "Cu": {"SNAP": (0.53, 0.037), "qSNAP": (0.56, 0.024), "GAP": (0.46, 0.01), "MTP": (0.41, 0.01)},
}
OURS = "TEN-FMA"
SOURCE = "Zuo et al., J. Phys. Chem. A 124, 731 (2020)"
#: columns that hold what was measured, and what it is held against
MEASURED = ("value", "ratio", "mae", "energy mse", "median s")
GOALS = ("aimed at", "target", "at most", "goal", "limit", "reference")
#: rows of a list shown as one table
MOST_ROWS = 1000
LOOK = {OURS: (BLUE, "diamond"), "MTP": (VERMILLION, "square"), "GAP": (GREEN, "circle"),
        "qSNAP": (PURPLE, "triangle-up"), "SNAP": (ORANGE, "x")}  # fmt: skip


@dataclass(frozen=True)
class Measured:
    """One file of measurements: its name, what and when, and its lists of rows as tables."""

    name: str
    what: str
    date: str
    machine: str
    command: str
    versions: str
    tables: dict[str, pd.DataFrame]
    numbers: pd.DataFrame
    broken: str = ""


@dataclass(frozen=True)
class Loss:
    """A row in which we fall short: where, what, by how much."""

    where: str
    task: str
    value: str
    than: str


def read(folder: Path) -> list[Measured]:
    """Every JSON file of a folder; one that cannot be read says so and hides nothing else."""
    return [_file(path) for path in sorted(folder.glob("*.json"))] if folder.is_dir() else []


def _file(path: Path) -> Measured:
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return Measured(path.stem, "", "", "", "", "", {}, pd.DataFrame(), str(error))
    if not isinstance(held, dict):
        held = {"rows": held}
    tables, numbers = {}, []
    for place, value in _walk(held, ()):
        if isinstance(value, list) and isinstance(value[0], Mapping):
            tables[" · ".join(place)] = _frame(value)
        else:
            numbers.append((" · ".join(place), value))
    machine = held.get("machine", "")
    date = held.get("date", "")
    if isinstance(machine, dict):
        date = date or str(machine.get("date", ""))
        machine = ", ".join(f"{key} {value}" for key, value in machine.items() if key != "date")
    versions = held.get("versions", {})
    told = ", ".join(f"{k} {v}" for k, v in versions.items()) if isinstance(versions, dict) else str(versions)
    rest = pd.DataFrame(numbers, columns=["quantity", "value"])
    rest["value"] = rest["value"].map(_shown)
    return Measured(
        path.stem,
        str(held.get("what", "")),
        str(date),
        str(machine),
        str(held.get("command", "")),
        told,
        tables,
        rest,
    )


def _walk(held: Any, place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Lists of rows and single numbers, each with where it stands; what the heading tells is left out."""
    for key, value in held.items():
        if not place and key in ("date", "machine", "what", "command", "versions"):
            continue
        here = (*place, str(key))
        if _table_like(value):
            yield here, [{"what": name, **row} for name, row in value.items()]
        elif isinstance(value, Mapping):
            yield from _walk(value, here)
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            yield here, [row for row in value[:MOST_ROWS] if isinstance(row, Mapping)]
        elif isinstance(value, (int, float, str, bool)) or (isinstance(value, list) and value):
            yield here, value


def _table_like(value: Any) -> bool:
    """Whether a mapping holds rows by name: mappings of single values with a name in common."""
    if not isinstance(value, Mapping) or len(value) < 2:
        return False
    rows = list(value.values())
    if not all(isinstance(row, Mapping) for row in rows):
        return False
    flat = all(not isinstance(part, (Mapping, list)) for row in rows for part in row.values())
    return flat and bool(set.intersection(*(set(row) for row in rows)))


def _frame(rows: list[Mapping[str, Any]]) -> pd.DataFrame:
    flat = [{name: value for name, value in _flat(row)} for row in rows]
    table = pd.DataFrame(flat)
    keep = [name for name in table.columns if not table[name].map(lambda x: x is None or x == "").all()]
    return table[keep]


def _flat(row: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in row.items():
        name = f"{before}{key}".replace("_", " ")
        if isinstance(value, Mapping):
            yield from _flat(value, f"{name}: ")
        elif isinstance(value, list):
            yield name, " … ".join(_shown(part) for part in value)
        else:
            yield name, value


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "✓" if value else "✗"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return ", ".join(_shown(part) for part in value)
    return str(value)


def pretty(table: pd.DataFrame) -> pd.DataFrame:
    """The table with numbers cut to four digits and ✓ or ✗ for yes and no."""
    return table.map(lambda value: "" if _empty(value) else _shown(value))


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def losses(files: list[Measured]) -> list[Loss]:
    """Rows whose target is missed, whose peer is faster, or that are not as good as what they are held against."""
    found = []
    for each in files:
        for place, table in each.tables.items():
            for row in table.to_dict(orient="records"):
                task = ", ".join(
                    row[k]
                    for k in ("task", "what", "model", "method", "target", "ours")
                    if _told(row, k) and isinstance(row[k], str)
                )
                against = [key for key, value in row.items() if value is False and _judges(key)]
                ratio = row.get("ratio")
                slower = isinstance(ratio, float) and ratio < 1 and _told(row, "peer")
                if slower:
                    found.append(Loss(each.name, task, f"{ratio:.3g} ×", str(row["peer"])))
                elif against:
                    value = _first(row, MEASURED) or "✗"
                    than = _first(row, GOALS) or against[0]
                    found.append(Loss(each.name, _placed(place, task), value, than))
    return found


def _placed(place: str, task: str) -> str:
    """The task behind what its table is called; that a table has rows says nothing."""
    shown = place.removesuffix("rows").removesuffix(" · ")
    return f"{shown}: {task}" if shown else task


def _first(row: Mapping[str, Any], names: tuple[str, ...]) -> str:
    """The first of these columns that holds a number, as text."""
    return next((_shown(row[k]) for k in names if _told(row, k) and isinstance(row[k], (int, float))), "")


def _judges(key: str) -> bool:
    return key == "met" or key.startswith(("at least", "at most", "as ", "beats", "better"))


def _told(row: Mapping[str, Any], key: str) -> bool:
    return key in row and not _empty(row[key]) and row[key] != ""


def accuracy(cards: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Test errors of the shipped models beside published ones: element, model, energy (meV/atom), force (eV/Å)."""
    rows = []
    for element, card in cards.items():
        for test in list(card.get("tests", {}).values())[:1]:
            rows.append((element, OURS, test["energy_mae"], test["force_mae"]))
            rows += [(element, peer, *errors) for peer, errors in PUBLISHED.get(element, {}).items()]
    return pd.DataFrame(rows, columns=["element", "model", "energy MAE / meV per atom", "force MAE / eV Å⁻¹"])


def behind(table: pd.DataFrame) -> list[tuple[str, str, float, str, float]]:
    """(element, quantity, ours, best peer, its error) wherever a peer's published error is smaller than ours."""
    found = []
    for element, rows in table.groupby("element", sort=False):
        own = rows[rows["model"] == OURS]
        peers = rows[rows["model"] != OURS]
        for quantity in table.columns[2:]:
            if len(own) and len(peers) and peers[quantity].min() < own[quantity].iloc[0]:
                best = peers.loc[peers[quantity].idxmin()]
                found.append(
                    (
                        str(element),
                        quantity,
                        float(own[quantity].iloc[0]),
                        str(best["model"]),
                        float(best[quantity]),
                    )
                )
    return found


#: width and height that the marks have on a screen of 390 px: what does not overlap there does not on a wider one
NARROW = np.array([235.0, 220.0])


def accuracy_figure(table: pd.DataFrame, words: tuple[str, str] | None = None) -> go.Figure:
    """Energy error against force error, one mark per model and element: lower and more left is better.

    `words` name the two, energy first; else the table's columns do.
    """
    names = list(table.columns[2:])
    energy, force = words or names
    chart = figure(force, energy, height=420, log_x=True, log_y=True)
    table = table[table["model"].isin(LOOK)].reset_index(drop=True)
    sizes = [15 if model == OURS else 10 for model in table["model"]]
    places = np.log(table[[names[1], names[0]]].to_numpy(float))
    span = np.where(np.ptp(places, axis=0) > 0, np.ptp(places, axis=0), 1)
    beside = np.array(sides(NARROW * (places - places.min(axis=0)) / span, list(table["element"]), sizes))
    for model, (colour, symbol) in LOOK.items():
        here = table.index[table["model"] == model]
        if len(here):
            rows = table.loc[here]
            chart.add_scatter(
                x=rows[names[1]], y=rows[names[0]], mode="markers+text", text=rows["element"], name=model,
                textposition=beside[here].tolist(), marker={"color": colour, "symbol": symbol, "size": sizes[here[0]]},
            )  # fmt: skip
    return chart.update_xaxes(**decades()).update_yaxes(**decades())


def ratios(files: list[Measured]) -> pd.DataFrame:
    """Every measured speed beside a peer's: columns of, task, peer, ratio (ours / peer), spread."""
    rows = []
    for each in files:
        for table in each.tables.values():
            if {"ratio", "peer"} <= set(table.columns):
                for row in table.to_dict(orient="records"):
                    if not _empty(row["ratio"]):
                        task = f"{row.get('task', '')} ({row.get('ours', 'ours')})"
                        rows.append(
                            (each.name, task, row["peer"], float(row["ratio"]), str(row.get("spread", "")))
                        )
    return pd.DataFrame(rows, columns=["of", "task", "peer", "ratio", "spread"])


def ratio_figure(table: pd.DataFrame, axis: str, names: tuple[str, str]) -> go.Figure:
    """Ratios on a log axis round 1: circles to the right are quicker than the peer, squares to the left slower."""
    rows = table.sort_values("ratio", kind="stable")
    chart = figure(axis, "", height=130 + 42 * len(rows), log_x=True)
    labels = [f"{task} | {peer}" for task, peer in zip(rows["task"], rows["peer"])]
    for label, task, peer in zip(labels, rows["task"], rows["peer"]):
        words = f"{shorten(task, 46, placeholder=' …')} | {peer}"
        chart.add_annotation(  # above its line, not beside it: a narrow screen has no room there
            x=0, xref="paper", xanchor="left", y=label, yshift=11, showarrow=False, text=words, font={"size": 11}
        )  # fmt: skip
    chart.add_scatter(  # a tick at 1 in every row: a line all the way would run through the words
        x=[1] * len(labels), y=labels, mode="markers", hoverinfo="skip", showlegend=False,
        marker={"symbol": "line-ns-open", "size": 6, "color": GREY, "line": {"width": 2}},
    )  # fmt: skip
    middle = math.sqrt(max(1.0, rows["ratio"].max()) * min(1.0, rows["ratio"].min()))  # numbers stand inwards
    for ahead, name, colour, symbol in (
        (True, names[0], BLUE, "circle"),
        (False, names[1], VERMILLION, "square"),
    ):
        part = [(label, value) for label, value in zip(labels, rows["ratio"]) if (value >= 1) == ahead]
        if part:
            chart.add_scatter(
                x=[value for _, value in part], y=[label for label, _ in part], mode="markers+text", name=name,
                text=[f" {value:,.0f}× " if value >= 10 else f" {value:.2g}× " for _, value in part],
                textposition=["bottom left" if value > middle else "bottom right" for _, value in part],
                textfont={"size": 12}, marker={"color": colour, "symbol": symbol, "size": 10},
            )  # fmt: skip
    return chart.update_yaxes(
        categoryorder="array", categoryarray=labels, showticklabels=False, ticks=""
    ).update_xaxes(dtick=1, showgrid=False)
