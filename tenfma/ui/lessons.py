"""Five guided lessons: each step is a page with its controls set, a few words, and a link to the next."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import streamlit as st

from tenfma.ui import state
from tenfma.ui.texts import Texts


@dataclass(frozen=True)
class Step:
    """A page and what its controls are set to; its words are `lesson.NAME.NUMBER`."""

    page: str
    controls: Mapping[str, str] = field(default_factory=dict)


#: name → steps; the words of the last step end with something to try
LESSONS: dict[str, tuple[Step, ...]] = {
    "area": (
        Step("phase", {"system": "pendulum", "methods": "leapfrog", "radius": "0.2"}),
        Step("phase", {"system": "pendulum", "methods": "euler", "radius": "0.2"}),
        Step("phase", {"system": "damped-oscillator"}),
        Step("phase", {"system": "own", "formula": "p**2/2 + q**4/4 - q**2/2", "q0": "0.6"}),
    ),
    "energy": (
        Step("drift", {"system": "pendulum", "methods": "euler,symplectic_euler,leapfrog"}),
        Step("drift", {"system": "kepler", "methods": "rk4,leapfrog"}),
        Step("drift", {"system": "henon-heiles", "methods": "leapfrog,yoshida4,kahan_li8"}),
    ),
    "bath": (
        Step("heat", {"potential": "harmonic", "mass": "1.0"}),
        Step("heat", {"potential": "harmonic", "mass": "4.0"}),
        Step("heat", {"potential": "double-well", "dt": "0.25", "mass": "1.0"}),
    ),
    "symmetry": (
        Step("mechanics", {"lagrangian": "kepler"}),
        Step("mechanics", {"lagrangian": "own", "L": "(vx**2 + vy**2)/2 - x**2/2 - y**2/2"}),
        Step("mechanics", {"lagrangian": "own", "L": "(vx**2 + vy**2)/2 - x**2/2 - y**2"}),
    ),
    "learned": (
        Step("couplings", {"subject": "coupled-oscillators"}),
        Step("couplings", {"subject": "Si", "atom": "1", "partner": "4"}),
        Step("couplings", {"subject": "Si", "turn": "120"}),
        Step("phase", {"of": "learned", "model": "Si"}),
    ),
}


def current() -> tuple[str, int] | None:
    """The lesson and step in the address, from 1; None where there is none, or none of that name."""
    name = st.query_params.get("lesson", "")
    text = st.query_params.get("step", "1")
    if name not in LESSONS or not text.isdecimal() or not 1 <= int(text) <= len(LESSONS[name]):
        return None
    return name, int(text)


def address(name: str, number: int) -> dict[str, str]:
    """What a link to that step carries."""
    kept = {key: value for key, value in state.carried().items() if key == "lang"}
    return {**kept, **LESSONS[name][number - 1].controls, "lesson": name, "step": str(number)}


def link(t: Texts, files: Mapping[str, str], name: str, number: int, label: str, icon: str) -> None:
    """A link to a step of a lesson."""
    step = LESSONS[name][number - 1]
    st.page_link(files[step.page], label=label, icon=icon, query_params=address(name, number))


def show(t: Texts, files: Mapping[str, str], page: str) -> None:
    """The lesson's box above a page, with the ways back, on and out."""
    here = current()
    if here is None or LESSONS[here[0]][here[1] - 1].page != page:
        return
    name, number = here
    count = len(LESSONS[name])
    with st.container(key="lesson", border=True):
        st.markdown(f"**{t(f'lesson.{name}')} · {t('lesson.step', number=number, count=count)}**")
        st.markdown(t(f"lesson.{name}.{number}"))
        with st.container(horizontal=True, gap="small"):
            if number > 1:
                link(t, files, name, number - 1, t("lesson.back"), ":material/arrow_back:")
            if number < count:
                link(t, files, name, number + 1, t("lesson.next"), ":material/arrow_forward:")
            st.page_link(
                files["home"], label=t("lesson.leave"), icon=":material/close:", query_params=state.carried()
            )


def menu(t: Texts, files: Mapping[str, str]) -> None:
    """All lessons, each a link to its first step."""
    for column, name in zip(st.columns(len(LESSONS), gap="small"), LESSONS):
        with column.container(border=True, height="stretch"):
            link(t, files, name, 1, f"**{t(f'lesson.{name}')}**", ":material/school:")
            st.caption(t(f"lesson.{name}.about"))
