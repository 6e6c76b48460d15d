"""Does the motion help: errors of every contender beside leapfrog's, how they fell while training, and the claims."""

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from tenfma.viz.style import BLUE, GREY, GRID, MARKS, VERMILLION, Mark, decades, figure, mark

#: whom all others are held against
REFERENCE = "leapfrog"
#: beginnings of the names of splits, in the order of rows; one that is not known comes last
SPLITS = ("random", "formula", "heat", "family", "anion", "alloys", "energy", "noise")
TARGETS = (
    "log10(K_vrh)",
    "log10(G_vrh)",
    "e_form_per_atom",
    "heat_all",
    "energy_per_atom",
    "energy/atom",
    "Cv_300K/atom",
)
UNITS = {
    "e_form_per_atom": "eV/atom", "heat_all": "eV/atom", "energy_per_atom": "eV/atom", "energy/atom": "eV/atom",
    "Cv_300K/atom": "J/(mol K)",
}  # fmt: skip
#: contenders whose training curves are shown first
CURVES = ("leapfrog", "messages", "euler", "ode", "transformer", "static")
WORSE, UNDECIDED, BETTER = "worse", "undecided", "better"
LOOK = {WORSE: BLUE, UNDECIDED: GREY, BETTER: VERMILLION}
#: differences (%) up to about this are drawn on an even scale, larger ones ever closer together
EVEN = 5.0
#: widest axis, as `placed` counts, on which ±2 % does not touch the word at 0 on a screen of 390 px
ROOM_FOR_TWO = 3.6
#: heights in a forest plot, px: a row's name, each of its intervals, the gap to the next row
NAME, INTERVAL, GAP = 22, 13, 6

_COMPARED = {"contender": str, "split": str, "share": float, "epochs": int, "target": str, "seeds": int, "mae": float,
             "difference": float, "low": float, "high": float, "processor_seconds": float}  # fmt: skip
_CURVE = {"contender": str, "split": str, "share": float, "epochs": int, "target": str, "seeds": int,
          "seconds_per_pass": float}  # fmt: skip
_CLAIM = {"claim": str, "verdict": str, "found": str}


@dataclass(frozen=True)
class Found:
    """What was measured of the motion: comparisons with leapfrog, training curves, and the verdicts on the claims.

    `compared` has contender, split, share, epochs, target, seeds, mae, processor_seconds, and the difference to
    leapfrog's error with its 95 % interval, in percent of that error: percent, low, high. `curves` has contender, epochs,
    target, seeds, and one row per pass: pass, seconds (of the processor, until then), mae. `claims` are (claim, verdict,
    found). `called` holds what the measurements call a contender.
    """

    compared: pd.DataFrame
    curves: pd.DataFrame
    claims: list[tuple[str, str, str]]
    called: dict[str, str]


def read(folder: Path) -> Found:
    """What evolution.json and claims.json hold; a file that is missing or broken holds nothing."""
    evolution, claims = (_held(folder / f"{name}.json") for name in ("evolution", "claims"))
    rows = list(_rows(evolution, "rows", _COMPARED))
    return Found(
        compared(rows),
        curves(_rows(evolution, "curves", _CURVE)),
        [(row["claim"], row["verdict"], row["found"]) for row in _rows(claims, "rows", _CLAIM)],
        {row["contender"]: str(row.get("what", row["contender"])) for row in rows},
    )


def _held(path: Path) -> Mapping[str, Any]:
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return held if isinstance(held, dict) else {}


def _rows(held: Mapping[str, Any], place: str, fields: Mapping[str, type]) -> Iterable[dict[str, Any]]:
    """The rows of a list that have all of these fields, each of its type."""
    rows = held.get(place)
    for row in rows if isinstance(rows, list) else []:
        if isinstance(row, dict) and all(_is(row.get(name), kind) for name, kind in fields.items()):
            yield row


def _is(value: Any, kind: type) -> bool:
    if kind is str:
        return isinstance(value, str)
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def compared(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Differences to leapfrog's error, (MAE − MAE of leapfrog) / MAE of leapfrog, as `Found` says."""
    kept = []
    for row in rows:
        own = row["mae"] - row["difference"]  # leapfrog's, on the crystals that both were asked
        if own > 0:
            told = {name: row[name] for name in _COMPARED if name not in ("difference", "low", "high")}
            shares = {"percent": row["difference"], "low": row["low"], "high": row["high"]}
            kept.append({**told, **{name: 100 * value / own for name, value in shares.items()}})
    columns = [name for name in _COMPARED if name not in ("difference", "low", "high")]
    return pd.DataFrame(kept, columns=[*columns, "percent", "low", "high"])


def curves(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Errors after every pass, as `Found` says; of all labels, random split."""
    kept = []
    for row in rows:
        errors = row.get("mae")
        if row["split"] == "random" and row["share"] == 1 and isinstance(errors, list):
            told = {name: row[name] for name in ("contender", "split", "share", "epochs", "target", "seeds")}
            for number, error in enumerate(errors, 1):
                if _is(error, float) and error > 0:
                    seconds = number * row["seconds_per_pass"]
                    kept.append({**told, "pass": number, "seconds": seconds, "mae": error})
    columns = ["contender", "split", "share", "epochs", "target", "seeds", "pass", "seconds", "mae"]
    return pd.DataFrame(kept, columns=columns)


def lengths(table: pd.DataFrame) -> list[int]:
    """How many passes the contenders had on the random split with all labels, the number that most had first."""
    table = table[(table["split"] == "random") & (table["share"] == 1)]
    counts = table.groupby("epochs")["contender"].nunique()
    return sorted(map(int, counts.index), key=lambda epochs: (-counts[epochs], -epochs))


def _one_length(table: pd.DataFrame) -> pd.DataFrame:
    """Of every split, share and target the number of passes that most contenders had, the larger where two tie."""
    where = ["split", "share", "target"]
    counts = table.groupby([*where, "epochs"])["contender"].nunique().reset_index(name="count")
    chosen = counts.sort_values(["count", "epochs"]).drop_duplicates(where, keep="last")
    return table.merge(chosen[[*where, "epochs"]])


def of_everyone(table: pd.DataFrame, epochs: int) -> pd.DataFrame:
    """Every contender that had so many passes, random split with all labels, the smallest errors first."""
    table = table[(table["split"] == "random") & (table["share"] == 1) & (table["epochs"] == epochs)]
    order = table.groupby("contender")["percent"].mean().sort_values(kind="stable")
    return _ordered(table, [list(order.index).index(name) for name in table["contender"]])


def of_one(table: pd.DataFrame, contender: str) -> pd.DataFrame:
    """One contender on every split: all labels, ever fewer of them, new chemistry, high energies, noise.

    Where training was of several lengths, the one that most contenders had.
    """
    table = _one_length(table)
    table = table[table["contender"] == contender]
    kinds = [str(split).partition("-")[0] for split in table["split"]]
    places = [SPLITS.index(kind) if kind in SPLITS else len(SPLITS) for kind in kinds]
    return _ordered(table, list(zip(places, table["split"], -table["share"])))


def _ordered(table: pd.DataFrame, places: Sequence[Any]) -> pd.DataFrame:
    targets = [TARGETS.index(name) if name in TARGETS else len(TARGETS) for name in table["target"]]
    order = sorted(range(len(table)), key=lambda k: (places[k], targets[k]))
    return table.iloc[order].reset_index(drop=True)


def targets(table: pd.DataFrame) -> list[str]:
    """The targets of a table, those of all crystals first."""
    held = set(table["target"])
    return [name for name in TARGETS if name in held] + sorted(held - set(TARGETS))


def verdict(low: float, high: float) -> str:
    """Whether another's error lies above leapfrog's for certain, below for certain, or neither."""
    return WORSE if low > 0 else BETTER if high < 0 else UNDECIDED


def verdicts(table: pd.DataFrame) -> list[str]:
    return [verdict(low, high) for low, high in zip(table["low"], table["high"])]


def placed(percent: Any) -> Any:
    """Where a difference (%) is drawn: asinh(x / 5), even round 0 and ever closer together far from it."""
    return np.arcsinh(np.asarray(percent, float) / EVEN)


def forest_figure(
    table: pd.DataFrame, names: Sequence[str], of_target: Callable[[str], str], words: Mapping[str, str]
) -> go.Figure:
    """Differences to leapfrog (%) with their intervals, one band per name in `names`, one mark per target in it.

    `table` as `of_everyone` and `of_one` give it, `names` what each of its rows is called; `words`: what the axis
    (`axis`), the line at 0 (`reference`) and the three verdicts are called.
    """
    shown = targets(table)
    look = {target: mark(k).symbol for k, target in enumerate(shown)}
    bands = list(dict.fromkeys(names))
    y, edges, top = [0.0] * len(table), [], 0.0
    for band in bands:
        inside = [k for k, name in enumerate(names) if name == band]
        for place, k in enumerate(inside):
            y[k] = top + NAME + (place + 0.5) * INTERVAL
        edges.append((top + NAME, top + NAME + len(inside) * INTERVAL))
        top = edges[-1][1] + GAP
    chart = figure(words["axis"], "", height=150 + round(top))
    for band, (upper, _) in zip(bands, edges):
        chart.add_annotation(  # above its marks, not beside them: a narrow screen has no room there
            x=0, xref="paper", xanchor="left", y=upper - NAME / 2, showarrow=False, text=band, font={"size": 13}
        )  # fmt: skip
    low, high = min(table["low"].min(), -EVEN), max(table["high"].max(), EVEN)
    sizes = (100, 50, 20, 10, 5, 2) if placed(high) - placed(low) < ROOM_FOR_TWO else (100, 50, 20, 10, 5)
    ticks = [sign * size for size in sizes for sign in (-1, 1)] + [0, 200, 500, 1000]
    ticks = sorted(tick for tick in ticks if low <= tick <= high)
    for tick in ticks:  # within the bands alone: a line all the way would run through the names
        line = {"color": GREY, "width": 1.5} if tick == 0 else {"color": GRID, "width": 1}
        chart.add_scatter(
            x=[float(placed(tick))] * (3 * len(edges)), y=[part for edge in edges for part in (*edge, None)],
            mode="lines", line=line, hoverinfo="skip", showlegend=False,
        )  # fmt: skip
    found = verdicts(table)
    for kind, colour in LOOK.items():
        here = [k for k, each in enumerate(found) if each == kind]
        if here:
            rows = table.iloc[here]
            middle, left, right = (placed(rows[name]) for name in ("percent", "low", "high"))
            chart.add_scatter(
                x=[None], y=[None], mode="lines", line={"color": colour, "width": 3}, name=words[kind], legendgroup=kind
            )  # fmt: skip
            chart.add_scatter(
                x=middle, y=[y[k] for k in here], mode="markers", legendgroup=kind, showlegend=False, name=words[kind],
                marker={"color": colour, "symbol": [look[target] for target in rows["target"]], "size": 9},
                error_x={"type": "data", "symmetric": False, "array": right - middle, "arrayminus": middle - left,
                         "color": colour, "thickness": 2, "width": 0},
                hoverinfo="text",
                hovertext=[
                    f"{names[k]}<br>{of_target(row.target)}: {row.percent:+.1f} % ({row.low:+.1f} … {row.high:+.1f})"
                    for k, row in zip(here, rows.itertuples())
                ],
            )  # fmt: skip
    for target in shown if len(shown) > 1 else []:
        chart.add_scatter(
            x=[None], y=[None], mode="markers", name=of_target(target), hoverinfo="skip",
            marker={"color": GREY, "symbol": look[target], "size": 9},
        )  # fmt: skip
    chart.add_scatter(x=[None], y=[None], xaxis="x2", showlegend=False, hoverinfo="skip")
    room = 0.04 * float(placed(high) - placed(low))
    axis = {
        "range": [float(placed(low)) - room, float(placed(high)) + room], "showgrid": False, "fixedrange": True,
        "tickvals": [float(placed(tick)) for tick in ticks],
    }  # fmt: skip
    numbers = [f"{tick:+d}".replace("-", "−") if tick else "0" for tick in ticks]
    above = [number if number != "0" else words["reference"] for number in numbers]
    chart.update_xaxes(**axis, ticktext=numbers)
    chart.update_layout(
        xaxis2={**axis, "ticktext": above, "overlaying": "x", "side": "top", "tickfont": {"size": 13}},
        legend={"y": 1.0, "yref": "container", "yanchor": "top"},
    )
    return chart.update_yaxes(range=[top, 0], visible=False, fixedrange=True)


def looks(chosen: Sequence[str]) -> dict[str, Mark]:
    """A look for each contender: those of `CURVES` keep theirs, others take what is free."""
    own = {name: mark(CURVES.index(name)) for name in chosen if name in CURVES}
    free = [each for each in MARKS if each not in own.values()] or list(MARKS)
    others = [name for name in chosen if name not in own]
    return own | {name: free[k % len(free)] for k, name in enumerate(others)}


def curves_figure(
    table: pd.DataFrame,
    chosen: Sequence[str],
    against: str,
    name: Callable[[str], str],
    axes: tuple[str, str],
) -> go.Figure:
    """Errors of left-out crystals after every pass against `seconds` of the processor or the `pass`, both axes log."""
    chart = figure(*axes, height=480, log_x=True, log_y=True)
    for contender, look in looks(chosen).items():
        rows = table[table["contender"] == contender]
        if len(rows):
            wide = contender == REFERENCE
            chart.add_scatter(
                x=rows[against], y=rows["mae"], mode="lines+markers", name=name(contender),
                line={"color": look.colour, "dash": look.dash, "width": 3.5 if wide else 2},
                marker={"symbol": look.symbol, "size": 9 if wide else 7},
                hovertemplate="%{x:.3g}, %{y:.4f}",
            )  # fmt: skip
    return chart.update_xaxes(**decades()).update_yaxes(**decades(digits=(1, 1.5, 2, 3, 5, 7)))
