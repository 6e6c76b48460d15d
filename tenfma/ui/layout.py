"""The frame that every page shares: page settings, header, notes, figures with their data, equations, errors."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from tenfma.errors import TenfmaError
from tenfma.site import site
from tenfma.ui import components, lessons, state
from tenfma.ui.texts import LANGUAGES, Texts, language_of, texts

if TYPE_CHECKING:
    import pandas as pd

#: page name -> its file; the order is the header's
PAGES = {
    "home": "app.py",
    "materials": "pages/materials.py",
    "simplices": "pages/simplices.py",
    "phase": "pages/phase_space.py",
    "drift": "pages/energy_drift.py",
    "heat": "pages/heat.py",
    "mechanics": "pages/mechanics.py",
    "couplings": "pages/couplings.py",
    "atlas": "pages/embedding_map.py",
    "evidence": "pages/evidence.py",
}

#: pages whose first picture is a chart
CHARTED = ("drift", "heat", "atlas", "evidence")

#: what Markdown, LaTeX and Streamlit's own directives would read as commands
_MARKUP = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>$:~^&@/])")
_RAISED = "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"
_TEN_TO = re.compile(f"×10([{_RAISED}]+)")
_LOWERED = str.maketrans(_RAISED, "-0123456789")


def begin(name: str) -> Texts:
    """Set the page up and draw its header, title and question; returns the texts in the chosen language."""
    state.arrive(name)
    language = st.session_state.get("lang") or st.query_params.get("lang") or language_of(st.context.locale)
    language = language if language in LANGUAGES else "en"
    state.speak(language)
    t = texts(language)
    st.set_page_config(
        page_title=f"{t(f'{name}.title')} · TEN-FMA",
        page_icon=str(site() / "static" / "icon.png"),
        layout="wide",
        initial_sidebar_state="collapsed",
    )
    st.html(site() / "static" / "pages.css")
    if name in CHARTED:
        components.chart_ahead()
    if _header(t) != language:  # chosen while the server was away: all else is as the address says
        st.rerun()
    lessons.show(t, PAGES, name)
    st.title(t(f"{name}.title"), anchor=False)
    st.markdown(t(f"{name}.question"))
    return t


def _header(t: Texts) -> str:
    """The links to the other pages and the choice of language, which is returned."""
    links = state.carried()
    with st.container(key="header", horizontal=True, vertical_alignment="center", gap="small"):
        with st.container(
            key="links", horizontal=True, vertical_alignment="center", gap=None, width="stretch"
        ):
            for name, file in PAGES.items():
                if (site() / file).exists():
                    st.page_link(file, label=t(f"nav.{name}"), query_params=links)
        with st.container(key="language", width="content"):
            default = language_of(st.context.locale)
            return state.choice(
                t("language"), "lang", list(LANGUAGES), LANGUAGES, default=default, kind="segments",
                label_visibility="collapsed",
            )  # fmt: skip


def plain(text: object) -> str:
    """Text from a person or a file, made harmless in Markdown: it shows as it is and can fetch or run nothing."""
    return _MARKUP.sub(r"\\\1", " ".join(str(text).split()))


def notice(t: Texts, sentence: str, of: str = "page") -> None:
    """The computed sentence that says what to notice, of the page or of a part of it."""
    with st.container(key=f"notice-{of}"):
        st.markdown(f"**{t('notice')}** {sentence}")


def problem(error: Exception) -> None:
    """One plain sentence for what went wrong."""
    st.error(plain(error), icon=":material/error:")


@contextmanager
def told(stop: bool = True) -> Iterator[None]:
    """Show a TenfmaError as a sentence; `stop` ends the page there."""
    try:
        yield
    except TenfmaError as error:
        problem(error)
        if stop:
            st.stop()


def equations(t: Texts, items: Sequence[tuple[str, str]]) -> None:
    """The equations behind a page: (sentence, LaTeX) pairs, closed until asked for."""
    with st.expander(t("equations"), icon=":material/function:"):
        for sentence, formula in items:
            if sentence:
                st.markdown(sentence)
            if formula:
                st.latex(formula)


def latex_words(words: str) -> str:
    """Words of the catalogue inside a formula, with powers of ten as LaTeX writes them: 3×10⁻¹⁶ → 3\\times 10^{-16}."""

    def raised(power: re.Match[str]) -> str:
        return rf"}}\times 10^{{{power[1].translate(_LOWERED)}}}\text{{"

    return rf"\text{{({_TEN_TO.sub(raised, words)})}}"


def figure(t: Texts, chart: Any, name: str, alt: str, table: pd.DataFrame, key: str | None = None) -> Any:
    """A Plotly figure, named for those who cannot see it, with its data beside it as table, CSV and JSON."""
    event = st.plotly_chart(chart, key=key or f"figure-{name}", alt=alt, config=saveable(name))
    data(t, name, table, {"figure.json": chart.to_json})
    return event


def saveable(name: str) -> dict[str, Any]:
    """Plotly settings: no buttons but the one that saves the figure as SVG."""
    image = {"format": "svg", "filename": name}
    return {"displaylogo": False, "modeBarButtons": [["toImage"]], "toImageButtonOptions": image}


def data(t: Texts, name: str, table: pd.DataFrame, more: Mapping[str, Any] | None = None) -> None:
    """One quiet row: the table in a popover, and what can be downloaded; a function is called when its file is wanted."""
    files: dict[str, Any] = {"csv": partial(table.to_csv, index=False), **(more or {})}
    files.setdefault("json", partial(_as_json, name, table))
    with st.container(key=f"data-{name}", horizontal=True, gap="small", vertical_alignment="center"):
        with st.popover(t("table"), icon=":material/table:", type="tertiary"):
            st.dataframe(table, hide_index=True, height=320, alt=f"{t('table')}: {name}", key=f"table-{name}")
        for kind, content in files.items():
            st.download_button(
                kind.upper() if "." not in kind else kind,
                content,
                file_name=f"{name}.{kind}",
                key=f"download-{name}-{kind}",
                help=t("download.of", name=name, kind=kind),
                icon=":material/download:",
                type="tertiary",
                on_click="ignore",
            )


def _as_json(name: str, table: pd.DataFrame) -> str:
    return json.dumps({"name": name, "columns": table.to_dict(orient="list")}, default=str)


def formula(structure: Any) -> str:
    """A structure's reduced formula as it is printed: CaTiO₃."""
    return structure.composition.reduced_formula.translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


def file_name(text: str, fallback: str = "crystal") -> str:
    """A name for a download that no file system or header trips over."""
    kept = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(text).name).strip("-.")
    return kept[:60] or fallback


def models_table(t: Texts, cards: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """What each shipped model was trained on and how far it is off on frames it has not seen."""
    import pandas as pd

    rows = []
    for name, card in cards.items():
        tests = card.get("tests") or {t("home.models.validation"): card.get("validation", {})}
        where, errors = next(iter(tests.items()))
        rows.append(
            {
                t("home.models.name"): name,
                t("home.models.elements"): ", ".join(card.get("elements", [])),
                t("home.models.frames"): card.get("frames"),
                t("home.models.energy"): errors.get("energy_mae"),
                t("home.models.force"): errors.get("force_mae"),
                t("home.models.where"): where,
            }
        )
    return pd.DataFrame(rows).round(4)
