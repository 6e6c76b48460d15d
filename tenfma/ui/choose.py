"""Choosing a crystal: by name, by elements, or from a file."""

from typing import Any

import streamlit as st

from tenfma.errors import StructureError, TenfmaError
from tenfma.ui import cache, layout, library, state
from tenfma.ui.texts import Texts

DEFAULT = "cubic-perovskite"
#: entries of the catalogue listed at once
MOST_ROWS = 200


def crystal(t: Texts) -> cache.Crystal:
    """The crystal chosen here, on another page, in the address or by upload; ends the page where there is none."""
    table = cache.prototype_table()
    text = state.words(t("materials.search"), "name", placeholder=t("materials.search.hint"))
    elements = _elements(t, sorted({symbol for row in table for symbol in row[2]}))
    fitting = [row for row in table if _fits(row, text, elements)]
    if not fitting:
        st.warning(_what_to_relax(t, table, text, elements), icon=":material/filter_alt_off:")
        fitting = table
    titles = {row[0]: row[1] for row in fitting}
    if "_upload" in st.session_state:
        titles = {cache.UPLOAD: f"↑ {st.session_state['_upload'].title}", **titles}
    wanted = st.session_state.get("crystal") or st.query_params.get("crystal")
    if wanted and str(wanted).startswith(cache.CATALOGUE):
        try:
            titles = {wanted: cache.crystal(wanted).title, **titles}
        except TenfmaError as error:
            layout.problem(error)
    if wanted == cache.UPLOAD and cache.UPLOAD not in titles:
        layout.problem(StructureError(t("materials.upload.link")))
    slug = state.choice(
        t("materials.choose"), "crystal", list(titles), titles, default=DEFAULT if DEFAULT in titles else None
    )
    st.caption(t("materials.found", count=len(fitting), total=len(table)))
    with layout.told():
        return cache.crystal(slug)


def upload(t: Texts) -> None:
    """The upload box; a good file becomes the chosen crystal, a bad one is told in a sentence."""
    file = st.file_uploader(t("materials.upload"), type=None, key="file", max_upload_size=5)
    if file is None:
        return
    if st.session_state.get("_read") != file.file_id:
        st.session_state["_read"] = file.file_id
        st.session_state["_refused"] = None
        try:
            cache.upload(file.getvalue(), layout.file_name(file.name, "file"))
            st.session_state["_take_upload"] = True
            st.rerun()
        except StructureError as error:
            st.session_state["_refused"] = error
    if st.session_state.get("_refused") is not None:
        layout.problem(st.session_state["_refused"])
        return
    frames = st.session_state.get("_upload_frames")
    if frames is not None and frames.refused:
        place, why = frames.refused[0]
        told = t(
            "materials.upload.refused",
            refused=len(frames.refused),
            total=frames.total,
            place=place,
            why=layout.plain(why),
        )
        st.warning(told, icon=":material/rule:")
    if frames is not None and len(frames.structures) > 1:
        st.number_input(
            t("materials.upload.frame"), 0, len(frames.structures) - 1, 0, key="_frame", on_change=_next_frame
        )
        st.caption(t("materials.upload.frames", count=len(frames.structures)))
    else:
        st.caption(t("materials.upload.link"))


def _next_frame() -> None:
    cache.show_frame(int(st.session_state["_frame"]))
    st.session_state["crystal"] = cache.UPLOAD


def take_upload() -> None:
    """Make a file that has just been read the chosen crystal; before any widget of this run is drawn."""
    if st.session_state.pop("_take_upload", False):
        st.session_state["crystal"] = cache.UPLOAD


def _elements(t: Texts, known: list[str]) -> list[str]:
    def clicked() -> None:
        for item in st.session_state[key]["selection"]["points"]:
            symbol = item["customdata"]
            symbol = symbol[0] if isinstance(symbol, list) else symbol
            held = list(st.session_state.get("elements", []))
            if symbol in known:
                st.session_state["elements"] = (
                    [e for e in held if e != symbol] if symbol in held else [*held, symbol]
                )

    chosen = state.choices(
        t("materials.elements"), "elements", known, help=t("materials.elements.help"), placeholder=""
    )
    key = "periodic-" + "-".join(chosen)
    box = st.expander(
        t("materials.elements.table"), key="elements-table", icon=":material/grid_view:", on_change="rerun"
    )
    if not box.open:  # drawing it makes the browser load what the crystal would wait for
        return chosen
    from tenfma.viz.periodic import periodic_table

    with box:
        st.plotly_chart(
            periodic_table(chosen, known), key=key, on_select=clicked, selection_mode="points",
            alt=t("materials.elements.help"), config={"displayModeBar": False},
        )  # fmt: skip
    return chosen


def _fits(row: tuple[str, str, tuple[str, ...], str], text: str, elements: list[str]) -> bool:
    return all(word in row[3] for word in text.lower().split()) and set(elements) <= set(row[2])


def _what_to_relax(t: Texts, table: list, text: str, elements: list[str]) -> str:
    """Which filter to let go, and how many crystals that would show."""
    without_text = sum(_fits(row, "", elements) for row in table)
    if text and without_text:
        return t("materials.empty.text", text=layout.plain(text), count=without_text)
    counts = {e: sum(_fits(row, "", [x for x in elements if x != e]) for row in table) for e in elements}
    relax = max(counts, key=lambda symbol: counts[symbol]) if counts else ""
    if not relax:
        return t("materials.empty.text", text=layout.plain(text), count=len(table))
    return t("materials.empty.elements", elements=", ".join(elements), relax=relax, count=counts[relax])


def from_catalogue(t: Texts) -> cache.Crystal:
    """An entry of the catalogue by words, elements and a property range; the first that fits is chosen."""
    with layout.told():
        table = library.table()
    text = state.words(t("library.text"), "name", placeholder=t("materials.search.hint"))
    elements = _elements(t, sorted({symbol for system in table["system"] for symbol in system.split("-")}))
    wanted = state.choice(
        t("library.property"), "property", ["any", *library.PROPERTIES],
        lambda s: t("library.any") if s == "any" else library.named(t, s),
    )  # fmt: skip
    limits = None
    if wanted != "any":
        low, high = float(table[wanted].min()), float(table[wanted].max())
        first, second = st.columns(2)
        with first:
            least = state.number(
                f"≥ {library.UNITS[wanted]}", f"{wanted}-least", round(low, 4), low - 1, high + 1
            )
        with second:
            most = state.number(
                f"≤ {library.UNITS[wanted]}", f"{wanted}-most", round(high, 4), low - 1, high + 1
            )
        limits = (wanted, least, most)
    fits = library.fitting(table, text, elements, limits)
    if not fits.any():
        st.warning(_relax_entries(t, table, text, elements, limits), icon=":material/filter_alt_off:")
        fits[:] = True
    found = table[fits]
    columns = ["formula", "identifier", "space group", "atoms", *library.PROPERTIES, "source"]
    if limits:
        found = found.sort_values(limits[0], ascending=False, kind="stable")
    shown = found.head(MOST_ROWS)
    event = st.dataframe(
        shown[columns], hide_index=True, height=240, alt=t("library.results"), on_select="rerun",
        selection_mode="single-row", key="library-list", column_config=library.headings(t, columns),
    )  # fmt: skip
    st.caption(t("library.found", count=len(found), total=len(table), shown=len(shown)))
    rows = event["selection"]["rows"]
    asked = st.query_params.get("crystal", "").removeprefix(cache.CATALOGUE)
    ids = [str(id) for id in shown["id"]]
    fitting = asked in set(found["id"].astype(str))
    id = ids[rows[0]] if rows and rows[0] < len(ids) else asked if fitting else ids[0]
    slug = f"{cache.CATALOGUE}{id}"
    st.session_state["crystal"] = slug
    state.remember("crystal", slug, None)
    state.carry("crystal", slug)
    with layout.told():
        return cache.crystal(slug)


def _relax_entries(t: Texts, table: Any, text: str, elements: list[str], limits: Any) -> str:
    """Which filter to let go, and how many entries that would show."""
    ways = {
        "text": library.fitting(table, "", elements, limits).sum() if text else 0,
        "elements": library.fitting(table, text, [], limits).sum() if elements else 0,
        "range": library.fitting(table, text, elements, None).sum() if limits else 0,
    }
    best = max(ways, key=lambda way: ways[way])
    return t("library.empty", relax=t(f"library.relax.{best}"), count=int(ways[best]))
