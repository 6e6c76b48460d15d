"""Figures of an explanation: who holds the energy, what pulls, what is coupled, how it vibrates, where energy flows."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from ase.data import atomic_numbers, covalent_radii

from tenfma.explanation.flow import Flow
from tenfma.explanation.modes import Modes
from tenfma.explanation.parts import Parts
from tenfma.explanation.sensitivities import Bonds, FeatureSensitivities
from tenfma.viz.style import BLUE, GREY, SEQUENTIAL, VERMILLION, figure, line, mark

#: colours of flows and signed matrices: blue loses, vermillion gains, the same darkness at both ends
DIVERGING = [[0.0, BLUE], [0.5, "#f2f2f2"], [1.0, VERMILLION]]
#: parts shown one by one
MOST_BARS, MOST_LINES, MOST_ROWS = 80, 6, 80


def parts_figure(parts: Parts, centred: bool = False) -> go.Figure:
    """Energy of every part as a bar; `centred` takes off the mean of its kind, an arbitrary constant."""
    energy = np.array(parts.energy)
    kinds = np.array(parts.kind_of)
    if centred:
        for name in np.unique(kinds):
            energy[kinds == name] -= parts.energy[kinds == name].mean()
    order = np.arange(len(energy)) if len(energy) <= MOST_BARS else np.argsort(-np.abs(energy))[:MOST_BARS]
    label = "energy − mean of its kind" if centred else "energy"
    chart = figure("part", f"{label} / {parts.unit}" if parts.unit != "1" else label)
    for place, name in enumerate(dict.fromkeys(kinds[order])):
        chosen = order[kinds[order] == name]
        chart.add_bar(
            x=[parts.labels[i] for i in chosen],
            y=energy[chosen],
            name=str(name),
            marker_color=mark(place).colour,
        )
    return chart.update_layout(showlegend=len(set(kinds)) > 1 and len(set(kinds)) < 12)


def tensions_figure(bonds: Bonds, pairs: Sequence[str]) -> go.Figure:
    """Tension of every bond against its length, one mark per pair of elements; `pairs` names each bond's."""
    chart = figure("length / Å", "tension ∂U/∂r / eV Å⁻¹")
    names = np.array(pairs)
    for place, name in enumerate(dict.fromkeys(pairs)):
        look = mark(place)
        chosen = names == name
        chart.add_scatter(
            x=np.round(bonds.lengths[chosen], 4),
            y=np.round(bonds.tension[chosen], 5),
            mode="markers",
            name=str(name),
            marker={"color": look.colour, "symbol": look.symbol, "size": 7},
        )
    return chart.add_hline(y=0, line={"color": GREY, "width": 1})


def features_figure(features: FeatureSensitivities, most: int = 15) -> go.Figure:
    """The features H answers to most: root mean square of ∂H/∂x times the feature's usual spread σ, eV."""
    frame = features.frame().head(most).iloc[::-1]
    chart = figure("σ · √⟨(∂H/∂x)²⟩ / eV", "", height=120 + 22 * len(frame))
    chart.add_bar(
        x=frame["scaled"],
        y=[f"{row['rank']}: {row['feature'].replace('_', ' ')}" for _, row in frame.iterrows()],
        orientation="h",
        marker_color=BLUE,
    )
    return chart


def matrix_figure(labels: Sequence[str], values: np.ndarray, unit: str, signed: bool = False) -> go.Figure:
    """A square matrix of parts as colours; a signed one is centred at zero."""
    chart = figure("from" if signed else "part", "to" if signed else "part", height=460)
    largest = float(np.abs(values).max(initial=0.0)) or 1.0
    chart.add_heatmap(
        z=np.array([[float(f"{x:.4g}") for x in row] for row in values]),
        x=list(labels),
        y=list(labels),
        colorscale=DIVERGING
        if signed
        else [[i / (len(SEQUENTIAL) - 1), c] for i, c in enumerate(SEQUENTIAL)],
        zmin=-largest if signed else 0.0,
        zmax=largest,
        colorbar={"title": {"text": unit}},
    )
    return chart.update_yaxes(autorange="reversed")


def distances_figure(strengths: np.ndarray, distances: np.ndarray, unit: str) -> go.Figure:
    """Strength of every pair's coupling against its distance, on a logarithmic axis."""
    i, j = np.triu_indices(len(strengths), 1)
    shown = strengths[i, j] > 0
    pairs = np.unique(np.round(np.stack([distances[i, j], strengths[i, j]], axis=1)[shown], 5), axis=0)
    chart = figure("distance / Å", f"‖∂²H/∂r∂r‖ / {unit}", log_y=True)
    chart.add_scatter(
        x=pairs[:, 0], y=pairs[:, 1], mode="markers", marker={"color": BLUE, "size": 6, "symbol": "circle"}
    )
    return chart


def modes_figure(modes: Modes) -> go.Figure:
    """Frequencies as sticks, as high as their participation ratio; the labels give cm⁻¹ and who moves."""
    frame = modes.frame()
    chart = figure("frequency / THz", "participation ratio")
    for frequency, share in zip(modes.frequencies, modes.participation):
        chart.add_shape(
            type="line", x0=frequency, x1=frequency, y0=0, y1=share, line={"color": GREY, "width": 1}
        )
    chart.add_scatter(
        x=np.round(modes.frequencies, 5),
        y=np.round(modes.participation, 4),
        mode="markers",
        marker={"color": BLUE, "size": 7},
        text=[f"{row['cm-1']:.1f} cm⁻¹, mostly {row['mostly']}" for _, row in frame.iterrows()],
    )
    return chart.update_yaxes(range=[0, 1.05])


def energies_figure(flow: Flow, unit: str, time: str) -> go.Figure:
    """Energy of the parts that change most, along the path."""
    change = np.ptp(flow.energies, axis=0)
    chart = figure(_with("time", time), _with("energy since the start", unit))
    for place, part in enumerate(np.argsort(-change)[:MOST_LINES]):
        chart.add_scatter(
            x=flow.t,
            y=np.round(flow.energies[:, part] - flow.energies[0, part], 7),
            mode="lines",
            name=flow.labels[part],
            line=line(place),
        )
    return chart.update_layout(showlegend=True)


def flow_figure(flow: Flow) -> go.Figure:
    """The mean flow J_ij between the parts that exchange most: a row gains from a column where it is vermillion."""
    busy = np.sort(np.argsort(-np.abs(flow.mean).sum(1), kind="stable")[:MOST_ROWS])
    return matrix_figure(
        [flow.labels[i] for i in busy], flow.mean[np.ix_(busy, busy)], flow.unit, signed=True
    )


def crystal_figure(
    positions: np.ndarray,
    symbols: Sequence[str],
    values: np.ndarray,
    label: str,
    bonds: Sequence[tuple[np.ndarray, np.ndarray, float]] = (),
    signed: bool = False,
) -> go.Figure:
    """Atoms as balls coloured by one number each, and bonds (from, to, value) as lines blue or vermillion by sign."""
    chart = go.Figure()
    for sense, colour in ((-1, BLUE), (1, VERMILLION)):
        ends = [(a, b) for a, b, value in bonds if np.sign(value) == sense]
        if ends:
            path = np.concatenate([np.stack([a, b, np.full(3, np.nan)]) for a, b in ends])
            x, y, z = ([None if np.isnan(v) else round(float(v), 3) for v in column] for column in path.T)
            name = "pulls (energy rises with length)" if sense > 0 else "pushes"
            chart.add_scatter3d(x=x, y=y, z=z, mode="lines", name=name, line={"color": colour, "width": 4})
    largest = float(np.abs(values).max(initial=0.0)) or 1.0
    limits: dict[str, Any] = {"cmin": -largest, "cmax": largest} if signed else {}
    places = np.round(positions, 3)
    chart.add_scatter3d(
        x=places[:, 0],
        y=places[:, 1],
        z=places[:, 2],
        mode="markers",
        text=[f"{name}{i + 1}: {value:.4g}" for i, (name, value) in enumerate(zip(symbols, values))],
        hoverinfo="text",
        showlegend=False,
        marker={
            "size": [6 + 6 * float(covalent_radii[atomic_numbers[name]]) for name in symbols],
            "color": np.round(values, 6),
            "colorscale": DIVERGING if signed else "Viridis",
            "colorbar": {"title": {"text": label}},
            "line": {"color": GREY, "width": 1},
            **limits,
        },
    )
    axis = {"visible": False}
    return chart.update_layout(
        height=460,
        margin={"l": 0, "r": 0, "t": 30, "b": 0},
        paper_bgcolor="rgba(0,0,0,0)",
        scene={"xaxis": axis, "yaxis": axis, "zaxis": axis, "aspectmode": "data"},
        legend={"orientation": "h", "x": 0, "y": 1.02},
    )


def _with(name: str, unit: str) -> str:
    return name if unit == "1" else f"{name} / {unit}"
