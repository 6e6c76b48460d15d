"""Choosing a crystal: by name, by elements, or from a file."""

import streamlit as st

from tenfma.errors import StructureError
from tenfma.ui import cache, layout, state
from tenfma.ui.texts import Texts
from tenfma.viz.periodic import periodic_table

DEFAULT = "cubic-perovskite"
UPLOAD_KINDS = ["cif", "poscar", "vasp", "contcar", "extxyz", "xyz", "txt"]


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
            _, frames = cache.upload(file.getvalue(), layout.file_name(file.name, "file"))
            st.session_state["_frames"] = frames
            st.session_state["_take_upload"] = True
            st.rerun()
        except StructureError as error:
            st.session_state["_refused"] = error
    if st.session_state.get("_refused") is not None:
        layout.problem(st.session_state["_refused"])
    elif st.session_state.get("_frames", 1) > 1:
        st.caption(t("materials.upload.frames", count=st.session_state["_frames"]))
    else:
        st.caption(t("materials.upload.link"))


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
    with st.expander(t("materials.elements.table"), icon=":material/grid_view:"):
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
