"""Parts of the Couplings page: crystal, heat map and distances that answer to one choice; energies, bonds, flow."""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from tenfma.errors import TenfmaError
from tenfma.ui import cache, called, components, explained, layout, state
from tenfma.ui.explained import Explained
from tenfma.ui.texts import Texts
from tenfma.viz import couplings as view
from tenfma.viz import export, flows
from tenfma.viz.scenes import Scene

NOBODY = "none"
VIEWER, MATRIX, DISTANCE = "couplings-viewer", "couplings-matrix", "couplings-distance"
#: femtoseconds of a crystal's run, and states of it that are looked at
FLOW_STEPS, FLOW_SAMPLES = 160, 60
#: states of a textbook system's run that are looked at
SYSTEM_SAMPLES = 500
#: pairs up to this many times the strongest pair's distance count as near
NEAR = 1.25


def _set(atom: int, partner: int | None) -> None:
    st.session_state["atom"] = str(atom)
    st.session_state["partner"] = NOBODY if partner is None or partner == atom else str(partner)


def _clicked(key: str) -> Any:
    """What to do with a click on a figure whose points carry (row, column)."""

    def take() -> None:
        points = (st.session_state.get(key) or {}).get("selection", {}).get("points", [])
        if points and "customdata" in points[0]:
            row, column = (int(value) for value in list(points[0]["customdata"])[:2])
            _set(row, column)

    return take


def _choices(t: Texts, chosen: Explained, labels: list[str]) -> tuple[int, int | None]:
    """The atom and its partner, by keyboard; a click elsewhere sets the same two."""
    options = [str(k) for k in range(len(labels))]
    crystal = chosen.structure is not None
    first, second = st.columns(2)
    with first:
        atom = state.choice(
            t("couplings.atom" if crystal else "couplings.coordinate"),
            "atom",
            options,
            lambda s: labels[int(s)],
        )
    with second:
        partner = state.choice(
            t("couplings.partner"), "partner", [NOBODY, *options],
            lambda s: t("couplings.nobody") if s == NOBODY else labels[int(s)],
        )  # fmt: skip
    if partner in (NOBODY, atom):
        return int(atom), None
    return int(atom), int(partner)


@st.fragment
def linked(t: Texts, chosen: Explained) -> None:
    """Crystal ↔ heat map ↔ distances: a click in any of them shows in all."""
    left, right = st.columns([1.1, 1], gap="medium")
    with right:
        place = st.container()
        atom, partner = _choices(t, chosen, chosen.pairs.labels)
    with left:
        files = {}
        if chosen.structure is not None:
            files["html"] = partial(export.page, _crystal(t, chosen, atom, partner), chosen.title)
        else:
            _slopes(t, chosen)
    if chosen.structure is None or components.drawn("matrix"):
        _charts(t, chosen, place, files, atom, partner)


def _charts(t: Texts, chosen: Explained, place: Any, files: dict, atom: int, partner: int | None) -> None:
    """Heat map in `place`, the chosen pair, and coupling against distance."""
    pairs = chosen.pairs
    labels, strengths, distances, unit = pairs.labels, pairs.strengths, pairs.distances, pairs.unit
    named = t("couplings.strength", unit=unit) if unit != "1" else "|∂²H/∂q∂q|"
    with place:
        chart = view.matrix_figure(
            labels, strengths, (t("couplings.axis.of"), t("couplings.axis.to"), named), atom, partner
        )
        alt = t("couplings.matrix", count=len(labels), title=chosen.title)
        st.plotly_chart(
            chart, key=MATRIX, alt=alt, on_select=_clicked(MATRIX), selection_mode="points",
            config=layout.saveable(f"couplings-{chosen.slug}"),
        )  # fmt: skip
        layout.data(t, f"couplings-{chosen.slug}", view.pair_table(labels, strengths, distances), files)
    if partner is not None:
        _pair(t, chosen, atom, partner)
    st.subheader(t("couplings.distance"), anchor=False)
    x = t("couplings.distance.axis" if chosen.structure is not None else "couplings.separation")
    names = (x, named, t("couplings.all"), t("couplings.own", atom=labels[atom]))
    st.plotly_chart(
        view.distance_figure(labels, strengths, distances, names, atom, partner),
        key=DISTANCE, alt=t("couplings.distance.picture", title=chosen.title), on_select=_clicked(DISTANCE),
        selection_mode="points", config=layout.saveable(f"couplings-{chosen.slug}"),
    )  # fmt: skip


def _crystal(t: Texts, chosen: Explained, atom: int, partner: int | None) -> Scene:
    place = st.container()
    degrees = state.number(t("couplings.rotate"), "turn", 25, 0, 180, step=5, kind="slider")
    structure, forces, error = explained.turned_forces(chosen, chosen.key, chosen.model, float(degrees))
    size = float(np.linalg.norm(forces, axis=1).max(initial=0.0))
    with place:
        scene = view.force_scene(structure, chosen.bonds, forces, chosen.key, atom, partner)

        def pick() -> None:
            found = components.picked_in(chosen.key, len(structure), VIEWER)
            if found is not None:
                _set(found, None)

        components.crystal(
            t, scene, t("couplings.picture", title=chosen.title, atoms=len(structure)), VIEWER, 400, pick
        )
    st.caption(
        t("couplings.arrows", size=size)
        + " "
        + t("couplings.equivariant", error=error, size=float(np.linalg.norm(forces)))
    )
    return scene


def _slopes(t: Texts, chosen: Explained) -> None:
    """−∂H/∂q of a system without a crystal."""
    slope = -chosen.explanation.sensitivities.slope.ravel()
    labels = chosen.pairs.labels
    chart = view.bars_figure(labels, slope, labels, ("q", "−∂H/∂q"))
    layout.figure(
        t, chart, f"slopes-{chosen.slug}", t("couplings.slopes"), pd.DataFrame({"q": labels, "−∂H/∂q": slope})
    )


def _pair(t: Texts, chosen: Explained, i: int, j: int) -> None:
    pairs, labels = chosen.pairs, chosen.pairs.labels
    unit = "H/q²" if pairs.unit == "1" else pairs.unit
    strength = float(pairs.strengths[i, j])
    sentence = t("couplings.pair.text", i=labels[i], j=labels[j], unit=unit, strength=strength)
    if chosen.structure is not None:
        sentence += t("couplings.pair.distance", distance=float(pairs.distances[i, j]))
    words, table = st.columns([1.2, 1], vertical_alignment="center")
    words.markdown(f"**{t('couplings.pair', i=labels[i], j=labels[j])}.** {sentence}")
    block = chosen.explanation.couplings(of=j)[i]
    table.dataframe(
        view.block_table(np.atleast_2d(block)), hide_index=True,
        alt=t("couplings.pair", i=labels[i], j=labels[j]), key=f"block-{i}-{j}",
    )  # fmt: skip


def sentence(t: Texts, chosen: Explained) -> str:
    """What to notice: the strongest pair, and how fast couplings fall off."""
    pairs = chosen.pairs
    labels, strengths, unit = pairs.labels, pairs.strengths, pairs.unit
    i, j = np.triu_indices(len(labels), 1)
    values = strengths[i, j]
    top = int(np.argmax(values))
    told = {"title": chosen.title, "i": labels[i[top]], "j": labels[j[top]], "strength": float(values[top])}
    if chosen.structure is None:
        zero = int((values <= 1e-9 * max(values[top], 1e-300)).sum())
        return t("couplings.note.system", zero=zero, pairs=len(values), **told)
    distances = pairs.distances[i, j]
    near = NEAR * float(distances[top])
    inner, outer = values[distances <= near], values[distances > near]
    said = t("couplings.note", unit=unit, distance=float(distances[top]), **told)
    if len(inner) and len(outer) and outer.mean() > 0:
        said += t("couplings.note.near", near=near, ratio=float(inner.mean() / outer.mean()))
    return said


def standing(t: Texts, chosen: Explained) -> str:
    """What the model was trained on and how well it does, or that it was not trained."""
    if not chosen.trained:
        return t("couplings.untrained.note")
    card = cache.card(chosen.model)
    tests = list(card.get("tests", {}).values()) or [card["validation"]]
    mae = tests[0]["force_mae"]
    told = t("couplings.trained.note", frames=card["frames"], elements=", ".join(card["elements"]), mae=mae)
    listening = len(card["elements"]) == 1 and card.get("recipe", {}).get("messages")
    return f"{told} {t('couplings.messages.note')}" if listening else told


def parts(t: Texts, chosen: Explained) -> None:
    """Energy of every part; atoms' from the mean of their kind, which is an arbitrary constant."""
    found = chosen.explanation.parts
    st.subheader(t("couplings.parts"), anchor=False)
    energy = np.array(found.energy)
    crystal = chosen.structure is not None
    if crystal:
        kinds = np.array(found.kind_of)
        for kind in np.unique(kinds):
            energy[kinds == kind] -= found.energy[kinds == kind].mean()
    unit = "H" if found.unit == "1" else found.unit
    axis = t("couplings.parts.axis" if crystal else "couplings.parts.axis.plain", unit=unit)
    chart = view.bars_figure(
        found.labels, energy, found.kind_of if crystal else [""] * len(energy), (t("couplings.part"), axis)
    )
    layout.figure(
        t, chart, f"parts-{chosen.slug}", t("couplings.parts.picture", title=chosen.title), found.frame()
    )
    told = t(
        "couplings.parts.note", total=found.total, unit=found.unit if found.unit != "1" else "",
        defect=found.defect, gauge=layout.plain(called.gauge(t, found.gauge)),
    )  # fmt: skip
    st.caption(told)
    if found.simplices:
        by_kind = found.by_kind()
        st.markdown(t("couplings.simplices"))
        st.dataframe(by_kind.round(5), hide_index=True, alt=t("couplings.simplices"), key="parts-by-kind")


def sensitivities(t: Texts, chosen: Explained) -> None:
    """Bond tensions of a crystal; of a system, its slopes as a table, for they are drawn above."""
    if chosen.structure is None:
        st.subheader(t("couplings.features"), anchor=False)
        e = chosen.explanation
        table = e.sensitivities.frame()
        st.dataframe(table, hide_index=True, alt=t("couplings.slopes"))
        layout.data(t, f"sensitivities-{chosen.slug}", table)
        return
    found, numbers = chosen.explanation.sensitivities, chosen.explanation.subject.numbers
    from tenfma.viz import explanation as figures

    st.subheader(t("couplings.tensions"), anchor=False)
    bonds = found.bonds
    table = bonds.frame(numbers)
    pairs = _pairs_of(bonds, numbers)
    chart = figures.tensions_figure(bonds, pairs)
    chart.update_layout(height=320)
    chart.update_xaxes(title=t("couplings.length")).update_yaxes(title=t("couplings.tension"))
    layout.figure(t, chart, f"tensions-{chosen.slug}", t("couplings.tensions.picture"), table)
    forces = found.forces
    error = float(np.abs(found.tensions.forces(len(forces)) - forces).max())
    st.caption(
        t(
            "couplings.tensions.note",
            pull=int((bonds.tension > 0).sum()),
            bonds=len(bonds.tension),
            error=error,
        )
    )


def features(t: Texts, chosen: Explained) -> None:
    """Which named features of a crystal H answers to; nothing where its model has none."""
    from tenfma.viz import explanation as figures

    found = chosen.explanation.sensitivities
    try:
        table = found.features.frame()
    except TenfmaError:
        return

    def named(rank: str, name: str) -> str:
        return f"{t(f'simplices.{rank}')}: {called.feature(t, name)}"

    st.subheader(t("couplings.features"), anchor=False)
    chart = figures.features_figure(found.features, 8, named)
    chart.update_xaxes(title=t("couplings.features.axis"))
    layout.figure(t, chart, f"features-{chosen.slug}", t("couplings.features.picture"), table)
    first = table.iloc[0]
    told = t(
        "couplings.features.note",
        feature=layout.plain(called.feature(t, str(first["feature"]))),
        rank=t(f"simplices.{first['rank']}"),
        scaled=float(first["scaled"]),
    )
    st.caption(told)


def _pairs_of(bonds: Any, numbers: np.ndarray) -> list[str]:
    from tenfma.explanation.labels import kind, symbols

    names = symbols(numbers)
    return [kind((names[i], names[j])) for i, j in bonds.ends]


def flow(t: Texts, chosen: Explained, kT: float) -> None:
    """The animated flow with its strongest pair in words."""
    found = explained.flow(
        chosen, chosen.key, kT, FLOW_STEPS, FLOW_SAMPLES if chosen.structure is not None else SYSTEM_SAMPLES
    )
    e = chosen.explanation
    near = None
    places = flows.on_a_line(len(found.labels))
    if chosen.structure is not None:
        positions = chosen.structure.cart_coords
        places = flows.flat(positions)
        apart = np.linalg.norm(positions[:, None] - positions[None], axis=-1)
        i, j = np.nonzero(np.triu(apart <= chosen.pairs.distances + 1e-3, 1))
        near = set(zip(i.tolist(), j.tolist()))
    units = e.H.units
    components.flow(
        t, flows.flow_picture(found, places, units.energy, near), t("couplings.flow.picture", title=chosen.title),
        height=400 if chosen.structure is not None else 240,
    )  # fmt: skip
    network = found.network()
    layout.data(t, f"flow-{chosen.slug}", flows.flow_table(found))
    first = network.iloc[0]
    told = t(
        "couplings.flow.note", time=float(found.t[-1] - found.t[0]),
        unit_time="" if units.time == "1" else units.time, source=first["from"], to=first["to"],
        flow=float(first["flow"]), unit=found.unit if found.unit != "1" else "",
        balance=float(np.abs(found.balance).max()), unit_energy="" if units.energy == "1" else units.energy,
    )  # fmt: skip
    layout.notice(t, told, "flow")
