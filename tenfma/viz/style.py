"""One look for every figure: Okabe–Ito colours, each with its own dash and marker, transparent on light and dark.

Colours: Okabe and Ito, "Color Universal Design" (2008). Black and yellow are left out: one is lost on a dark page, the
other on a light one.
"""

from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
)
GREY = "#808891"
GRID = "rgba(128, 136, 145, 0.28)"


@dataclass(frozen=True)
class Mark:
    """Colour, dash and marker of one series: any of the three tells it apart."""

    colour: str
    dash: str
    symbol: str


MARKS = (
    Mark(BLUE, "solid", "circle"),
    Mark(VERMILLION, "dash", "square"),
    Mark(GREEN, "dot", "diamond"),
    Mark(PURPLE, "dashdot", "triangle-up"),
    Mark(ORANGE, "longdash", "cross"),
    Mark(SKY, "longdashdot", "x"),
)

#: sequential scale, dark to light with even steps of lightness, legible in grey as well (viridis, CC0)
SEQUENTIAL = ("#440154", "#3b528b", "#21918c", "#5ec962", "#fde725")


def mark(index: int) -> Mark:
    """The look of series number `index`; the list comes round again after six."""
    return MARKS[index % len(MARKS)]


def line(index: int, width: float = 2.0) -> dict[str, Any]:
    """Plotly line settings of series number `index`."""
    look = mark(index)
    return {"color": look.colour, "dash": look.dash, "width": width}


def figure(x: str, y: str, height: int = 400, log_x: bool = False, log_y: bool = False) -> go.Figure:
    """An empty figure with named axes in the common look."""
    axis = {
        "gridcolor": GRID,
        "zeroline": False,
        "ticks": "outside",
        "tickcolor": GRID,
        "exponentformat": "power",
        "tickfont": {"size": 13},
    }
    power = {"dtick": 1, "exponentformat": "power"}
    return go.Figure(
        layout={
            "height": height,
            "margin": {"l": 8, "r": 8, "t": 36, "b": 8},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {"size": 14},
            "colorway": [look.colour for look in MARKS],
            "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"size": 13}},
            "hovermode": "closest",
            "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": GREY, "activecolor": BLUE},
            "xaxis": {**axis, "title": _title(x), "automargin": True, **({"type": "log"} if log_x else {})},
            "yaxis": {
                **axis, "title": _title(y), "automargin": True, **({"type": "log", **power} if log_y else {}),
            },
        }
    )  # fmt: skip


def _title(text: str) -> dict[str, Any]:
    return {"text": text, "font": {"size": 14}}


def decades(low: int = -6, high: int = 6, digits: tuple[float, ...] = (1, 2, 5)) -> dict[str, Any]:
    """Ticks at these digits in every decade, written in full: for a log axis that spans one or two of them."""
    ticks = [digit * 10.0**power for power in range(low, high) for digit in digits]
    return {"tickvals": ticks, "ticktext": [f"{tick:g}" for tick in ticks]}


def colours(values: Any, low: float, high: float) -> list[str]:
    """Colours of `values` on the sequential scale between `low` and `high`."""
    from plotly.colors import sample_colorscale

    span = (high - low) or 1.0
    share = [min(1.0, max(0.0, (float(value) - low) / span)) for value in values]
    return [_hex(colour) for colour in sample_colorscale(list(SEQUENTIAL), share, colortype="tuple")]


def _hex(colour: tuple[float, float, float]) -> str:
    return "#" + "".join(f"{round(255 * part):02x}" for part in colour)
