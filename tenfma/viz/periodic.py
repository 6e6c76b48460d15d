"""The periodic table as a figure whose squares can be clicked."""

from collections.abc import Collection

import plotly.graph_objects as go
from pymatgen.core import Element

from tenfma.viz.style import BLUE, GREY, ORANGE

LAST = 103


def place(number: int) -> tuple[int, float]:
    """Column and row of an element: lanthanides and actinides stand apart below."""
    if 57 <= number <= 71:
        return number - 57 + 3, 8.4
    if 89 <= number <= LAST:
        return number - 89 + 3, 9.4
    element = Element.from_Z(number)
    return element.group, element.row


def periodic_table(chosen: Collection[str], available: Collection[str]) -> go.Figure:
    """Squares of all elements up to Lr: chosen ones filled, unavailable ones faint; customdata is the symbol."""
    symbols = [Element.from_Z(number).symbol for number in range(1, LAST + 1)]
    places = [place(number) for number in range(1, LAST + 1)]
    look = [ORANGE if s in chosen else BLUE if s in available else "rgba(128,136,145,0.10)" for s in symbols]
    edge = [2.5 if s in chosen else 0 for s in symbols]
    return go.Figure(
        go.Scatter(
            x=[column for column, _ in places],
            y=[-row for _, row in places],
            mode="markers+text",
            text=symbols,
            customdata=symbols,
            hovertemplate="%{customdata}<extra></extra>",
            textfont={"size": 11, "color": ["#ffffff" if s in chosen or s in available else GREY for s in symbols]},
            marker={
                "symbol": "square", "size": 24, "color": look, "opacity": 1, "line": {"width": edge, "color": GREY},
            },
            selected={"marker": {"opacity": 1}},
            unselected={"marker": {"opacity": 1}},
        ),
        layout={
            "height": 300,
            "margin": {"l": 0, "r": 0, "t": 4, "b": 0},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "xaxis": {"visible": False, "range": [0.3, 18.7], "fixedrange": True},
            "yaxis": {"visible": False, "range": [-10.1, -0.4], "fixedrange": True},
            "showlegend": False,
            "dragmode": False,
            "clickmode": "event+select",
        },
    )  # fmt: skip
