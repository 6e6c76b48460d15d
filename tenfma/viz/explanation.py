"""Figures of an explanation: who holds the energy, what pulls, what is coupled, how it vibrates, where energy flows."""

from collections.abc import Callable, Sequence
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
#: columns: right, up, and towards the eye, of someone who looks along −z from a little above and aside
VIEW = np.linalg.qr(np.array([[1.0, -0.12, 0.25], [0.1, 1.0, 0.18], [-0.25, -0.18, 1.0]]))[0]
VIEW = VIEW * np.sign(np.diag(VIEW))
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


def features_figure(
    features: FeatureSensitivities, most: int = 15, called: Callable[[str, str], str] | None = None
) -> go.Figure:
    """The features H answers to most: root mean square of ∂H/∂x times the feature's usual spread σ, eV.

    `called(rank, feature)` is what a feature is called beside its bar.
    """
    frame = features.frame().head(most).iloc[::-1]
    named = called or (lambda rank, feature: f"{rank}: {feature.replace('_', ' ')}")
    chart = figure("σ · √⟨(∂H/∂x)²⟩ / eV", "", height=120 + 22 * len(frame))
    chart.add_bar(
        x=frame["scaled"],
        y=[named(row["rank"], row["feature"]) for _, row in frame.iterrows()],
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
        colorscale=DIVERGING if signed else _sequential(),
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
    senses: tuple[str, str] = ("pushes", "pulls"),
) -> go.Figure:
    """Atoms as discs coloured by one number each, seen from a little above; bonds (from, to, value) by their sign.

    `senses` names the two signs. Drawn flat, so that it needs no graphics card and prints as it looks; nearer
    atoms are larger and drawn last.
    """
    seen = positions @ VIEW
    chart = figure("", "", height=460)
    for sense, colour, name in ((-1, BLUE, senses[0]), (1, VERMILLION, senses[1])):
        ends = [
            np.stack([a, b, np.full(3, np.nan)]) @ VIEW for a, b, value in bonds if np.sign(value) == sense
        ]
        if ends:
            path = np.concatenate(ends)
            x, y = ([None if np.isnan(v) else round(float(v), 3) for v in path[:, k]] for k in (0, 1))
            look = {"color": colour, "width": 2, "dash": "solid" if sense > 0 else "dot"}
            chart.add_scatter(x=x, y=y, mode="lines", name=name, line=look, hoverinfo="skip")
    largest = float(np.abs(values).max(initial=0.0)) or 1.0
    limits: dict[str, Any] = {"cmin": -largest, "cmax": largest} if signed else {}
    order = np.argsort(seen[:, 2], kind="stable")
    depth = (seen[:, 2] - seen[:, 2].min()) / (np.ptp(seen[:, 2]) or 1.0)
    radii = np.array([float(covalent_radii[atomic_numbers[name]]) for name in symbols])
    chart.add_scatter(
        x=np.round(seen[order, 0], 3),
        y=np.round(seen[order, 1], 3),
        mode="markers",
        text=[f"{symbols[i]}{i + 1}: {values[i]:.4g}" for i in order],
        hoverinfo="text",
        showlegend=False,
        marker={
            "size": (8 + 9 * radii * (0.6 + 0.6 * depth))[order].round(1),
            "color": np.round(np.asarray(values, dtype=float)[order], 6),
            "colorscale": DIVERGING if signed else _sequential(),
            "colorbar": {"title": {"text": label}},
            "line": {"color": GREY, "width": 1},
            "opacity": 1.0,
            **limits,
        },
    )
    chart.update_xaxes(visible=False)
    return chart.update_yaxes(visible=False, scaleanchor="x").update_layout(showlegend=bool(bonds))


def _sequential() -> list[list[Any]]:
    """The sequential colours with their places."""
    return [[place / (len(SEQUENTIAL) - 1), colour] for place, colour in enumerate(SEQUENTIAL)]


def _with(name: str, unit: str) -> str:
    return name if unit == "1" else f"{name} / {unit}"
