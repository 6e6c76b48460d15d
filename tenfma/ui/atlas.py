"""Parts of the Embedding map: the entries with their places, and one choice that map, list and structure answer to."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from tenfma.ui import cache, components, layout, library, state
from tenfma.ui.texts import Texts
from tenfma.viz import atlas as view
from tenfma.viz.scenes import crystal_scene

AXES = {"1-2": (0, 1), "1-3": (0, 2), "2-3": (1, 2)}
MAP = "atlas-map"
#: always seen, for a loop is drawn with one of its tools
TOOLS = {
    "displaylogo": False, "displayModeBar": True, "scrollZoom": True,
    "modeBarButtons": [["pan2d", "lasso2d", "select2d"], ["zoomIn2d", "zoomOut2d", "resetScale2d"], ["toImage"]],
}  # fmt: skip
#: entries put into one file, and the formula shown first
MOST_EXPORTED, FIRST = 1000, "MgO"
SHOWN = ("formula", "identifier", "source", "space group", "atoms", *library.PROPERTIES, "volume per atom")


@dataclass(frozen=True)
class World:
    """Entries that could be embedded: their table, vectors (n, d), places on three axes, variance shares."""

    table: pd.DataFrame
    rows: np.ndarray
    places: np.ndarray
    shares: np.ndarray


@st.cache_resource(max_entries=1, show_spinner=cache.WAIT, ttl=3600)
def world() -> World:
    """The catalogue as the map shows it."""
    ids, rows = library.vectors()
    table = library.table().set_index("id", drop=False).loc[ids].reset_index(drop=True)
    table["space group"] = table["space group"].astype(str)
    return World(table, rows, *view.principal(rows))


@st.cache_data(max_entries=16, show_spinner=False)
def _order(_world: World, colour: str) -> tuple[float, float]:
    """Median difference of a property between nearest neighbours, and between random pairs, of at most 1,000 entries."""
    values = _numbers(_world.table, colour)
    known = np.flatnonzero(np.isfinite(values))
    draw = np.random.default_rng(0)
    sample = draw.choice(known, min(1000, len(known)), replace=False)
    rows = _world.rows[sample]
    square = (rows**2).sum(1)
    apart = square[:, None] + square[None] - 2 * rows @ rows.T
    np.fill_diagonal(apart, np.inf)
    close = np.abs(values[sample] - values[sample[apart.argmin(axis=1)]])
    far = np.abs(values[sample] - values[draw.permutation(sample)])
    return float(np.median(close)), float(np.median(far))


def _numbers(table: pd.DataFrame, colour: str) -> np.ndarray:
    return table["number" if colour == "space group" else colour].to_numpy(float)


def _clicked() -> None:
    """One dot clicked is the chosen entry; a loop keeps the entry and lists what is in it."""
    points = (st.session_state.get(MAP) or {}).get("selection", {}).get("points", [])
    if len(points) == 1 and "customdata" in points[0]:
        place = points[0]["customdata"]
        place = place[0] if isinstance(place, list) else place
        st.session_state["entry"] = str(world().table["identifier"].iloc[int(place)])


def first(here: World) -> str:
    """The identifier of the entry shown first."""
    table = here.table
    known = table[(table["formula"] == FIRST) & table[library.PROPERTIES[0]].notna()].sort_values("atoms")
    return str((known if len(known) else table)["identifier"].iloc[0])


def explore(t: Texts, here: World, colour: str, axes: str, count: int, wanted: str, field: Any) -> None:
    """The map in `field` with what is chosen in it; below, the list beside a structure, and files to take away."""
    table, d = here.table, here.rows.shape[1]
    found = np.flatnonzero(table["identifier"] == wanted)
    if not len(found):
        st.warning(t("atlas.missing", name=layout.plain(wanted), instead=first(here)))
        found = np.flatnonzero(table["identifier"] == first(here))
    chosen = int(next((k for k in found if np.isfinite(table[library.PROPERTIES[0]].iloc[k])), found[0]))
    near, distances = view.nearest(here.rows, chosen, count)
    one, two = AXES[axes]
    label = library.named(t, colour)
    coloured = table.assign(**{colour: _numbers(table, colour)})
    with field:
        names = (
            t("atlas.axis", k=one + 1, share=here.shares[one]),
            t("atlas.axis", k=two + 1, share=here.shares[two]),
        )
        chart = view.map_figure(
            here.places[:, [one, two]], coloured, colour, label, names, (t("atlas.near", d=d), t("atlas.unknown")),
            chosen, near.tolist(),
        )  # fmt: skip
        event = st.plotly_chart(
            chart, key=MAP, alt=t("atlas.picture", count=len(table), label=label), on_select=_clicked,
            selection_mode=("points", "lasso", "box"), config=TOOLS,
        )  # fmt: skip
        st.caption(t("atlas.select"))
        if len(table) > view.MOST_DOTS:
            st.caption(t("atlas.sample", drawn=view.MOST_DOTS, count=len(table)))
    close, far = _order(here, colour)
    nearest = int(np.argmax(distances > library.SAME)) if (distances > library.SAME).any() else 0
    row, other = table.iloc[chosen], table.iloc[near[nearest]]
    layout.notice(
        t,
        t(
            "atlas.note", formula=layout.plain(row["formula"]), identifier=layout.plain(row["identifier"]),
            near=layout.plain(other["formula"]), near_identifier=layout.plain(other["identifier"]),
            distance=float(distances[nearest]), d=d, label=layout.plain(library.named(t, colour, unit=False)),
            unit=f" {unit}" if (unit := library.UNITS[colour]) != "1" else "", close=close, far=far,
        ),
    )  # fmt: skip
    st.caption(t("atlas.static", d=d, share=float(here.shares[[one, two]].sum())))
    if components.drawn("atlas", of="chart"):
        _listed(t, here, _loop(event), chosen, near, distances, (one, two))


def _loop(event: Any) -> list[int]:
    """Rows inside a loop or box; none where a single dot was clicked."""
    points = ((event or {}).get("selection") or {}).get("points", [])
    places = [
        p["customdata"][0] if isinstance(p["customdata"], list) else p["customdata"]
        for p in points
        if "customdata" in p
    ]
    return sorted({int(place) for place in places}) if len(places) > 1 else []


def _listed(
    t: Texts,
    here: World,
    loop: list[int],
    chosen: int,
    near: np.ndarray,
    distances: np.ndarray,
    axes: tuple[int, int],
) -> None:
    row = here.table.iloc[chosen]
    left, right = st.columns([1.35, 1], gap="medium")
    places = loop or [chosen, *near.tolist()]
    shown = here.table.iloc[places][list(SHOWN)].reset_index(drop=True)
    with left:
        if loop:
            st.subheader(t("atlas.selected", count=len(loop)), anchor=False)
        else:
            st.subheader(t("atlas.list.near", formula=row["formula"], d=here.rows.shape[1]), anchor=False)
            shown.insert(2, "distance", np.round([0.0, *distances], 3))
        name = t("atlas.picture", count=len(places), label="")
        event = st.dataframe(
            shown,
            hide_index=True,
            height=380,
            alt=name,
            on_select="rerun",
            selection_mode="single-row",
            key="atlas-list",
            column_config=library.headings(t, SHOWN),
        )
        picked = event["selection"]["rows"]
        ids = [int(here.table["id"].iloc[place]) for place in places[:MOST_EXPORTED]]
        _files(t, here, ids, places[:MOST_EXPORTED], axes)
    with right:
        place = places[picked[0]] if picked and picked[0] < len(places) else chosen
        entry = here.table.iloc[place]
        with layout.told(stop=False):
            crystal = library.crystal(f"{library.PREFIX}{entry['id']}")
            alt = t("atlas.structure", formula=entry["formula"], atoms=len(crystal.structure))
            st.subheader(layout.formula(crystal.structure), anchor=False)
            components.crystal(
                t, crystal_scene(crystal.structure, crystal.bonds), alt, key="atlas-viewer", height=330
            )
            links = {**state.carried(), "crystal": crystal.source}
            st.page_link(
                "pages/materials.py", label=t("nav.materials"), icon=":material/category:", query_params=links
            )


def _files(t: Texts, here: World, ids: list[int], places: list[int], axes: tuple[int, int]) -> None:
    extra = {f"principal axis {k + 1}": ("1", here.places[places, k].round(5).tolist()) for k in axes}
    with st.container(horizontal=True, gap="small"):
        for kind, label in (("csv", "CSV"), ("json", t("atlas.chemiscope"))):
            st.download_button(
                label, partial(library.exported, ids, kind, extra), file_name=f"entries.{kind}",
                key=f"atlas-{kind}", help=t("atlas.export"), icon=":material/download:", type="tertiary",
                on_click="ignore",
            )  # fmt: skip
