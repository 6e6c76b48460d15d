"""Does the motion help: the section of the Evidence page, one picture at a time."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from tenfma.ui import cache, components, layout, state
from tenfma.ui.texts import CATALOGUE, Texts
from tenfma.viz import motion as view

if TYPE_CHECKING:
    from tenfma.viz.motion import Found

#: Markdown badge of a verdict
BADGES = {"supported": "blue", "refuted": "orange", "undecided": "gray"}
#: how the measurements word what they found
_CONTENDER = (
    r"'(?P<who>\w+)' errs by (?P<size>[\d.]+)% (?P<way>more|less) than leapfrog on average "
    r"over (?P<count>\d+) rows?"
)
_FOUND = {
    "motion.found.contender": re.compile(
        _CONTENDER + r" \(their 95 % intervals span (?P<low>[-+][\d.]+)% to (?P<high>[-+][\d.]+)%\)\. "
        r"Leapfrog is better for certain in (?P<better>\d+) of them and worse in (?P<worse>\d+)\."
    ),
    "motion.found.curves": re.compile(
        r"After (?P<half>\d+) of (?P<most>\d+) passes " + _CONTENDER + r"\. "
        r"A pass takes (?P<other>[\d.]+) and (?P<own>[\d.]+) s of processor time\."
    ),
    "motion.found.shift": re.compile(
        r"With noise (?P<noise>[\d.]+) Å of noise z moves by (?P<moved>[\d.]+) of the typical distance between crystals, "
        r"(?P<rest>[\d.]+) without motion and (?P<static>[\d.]+) for static features\. Its own original is still nearest "
        r"for (?P<found>\d+)%, (?P<found_rest>\d+)% and (?P<found_static>\d+)%\."
    ),
    "motion.found.search": re.compile(
        r"Of the five nearest crystals (?P<moved>[\d.]+)% share the query's Strukturbericht type, (?P<static>[\d.]+)% "
        r"with static features and (?P<rest>[\d.]+)% without motion \(noise (?P<noise>[\d.]+) Å\)\. "
        r"The composition alone finds (?P<composition>[\d.]+)%\. "
        r"Evolved minus static, 95 %: (?P<ends>[-+\d.,%()Å to]+)\."
    ),
    "motion.found.none": re.compile(r"Not measured\..*"),
}


def contender(t: Texts, name: str, fallback: str = "") -> str:
    """What a contender is called; one without a name in the catalogue as the measurements call it."""
    key = f"motion.contender.{name}"
    return t(key) if key in CATALOGUE else fallback or name.replace("_", " ")


def split(t: Texts, name: str, share: float) -> str:
    """What a split, with such a share of its training crystals, is called."""
    key = f"motion.split.{name}"
    if key not in CATALOGUE:
        return f"{name}, {100 * share:g} %"
    return t(key, share=f"{100 * share:g}") if name == "random" else t(key)


def target(t: Texts, name: str, unit: bool = False) -> str:
    """What a target is called, if asked with its unit."""
    key = f"motion.target.{name}"
    told = t(key) if key in CATALOGUE else name
    return f"{told} / {view.UNITS[name]}" if unit and name in view.UNITS else told


def claim(t: Texts, sentence: str) -> str:
    """A claim in the page's language; one without a translation stays."""
    key = f"claim:{sentence}"
    return t(key) if key in CATALOGUE else sentence


def verdict(t: Texts, word: str) -> str:
    key = f"motion.verdict.{word}"
    return t(key) if key in CATALOGUE else word


def result(t: Texts, sentence: str) -> str:
    """What was found of a claim, told anew from its figures; a sentence of another form stays."""
    for key, form in _FOUND.items():
        if found := form.fullmatch(sentence):
            values = found.groupdict()
            if "who" in values:
                sign = "+" if values["way"] == "more" else "-"
                values |= {"who": contender(t, values["who"]), "mean": sign + values["size"]}
            return t(key, **{name: value.replace("-", "−") for name, value in values.items()})
    return sentence


@st.fragment
def section(t: Texts) -> None:
    """The verdicts in one sentence, then what a person wants to look at; sent once the page's first picture stands."""
    if not components.drawn("does-motion-help", of="chart"):
        return
    found = cache.moved()
    st.subheader(t("motion.title"), anchor=False)
    if found.claims:
        words = [word for _, word, _ in found.claims]
        counts = {word: words.count(word) for word in BADGES}
        layout.notice(t, t("motion.claims.count", count=len(words), **counts), "motion")
    else:
        st.markdown(t("motion.claims.none"))
    if not len(found.compared):
        st.markdown(t("motion.none"))
    held = {
        "everyone": len(view.lengths(found.compared)),
        "one": len(found.compared),
        "curves": len(found.curves),
        "claims": len(found.claims),
    }
    shown = {"everyone": everyone, "one": one, "curves": curves, "claims": claims}
    views = [name for name, count in held.items() if count]
    if views:
        names = {name: t(f"motion.view.{name}") for name in views}
        chosen = state.choice(t("motion.view"), "motion", views, names, kind="segments")
        shown[chosen](t, found)


def passes(t: Texts, table: pd.DataFrame) -> int:
    """How long the contenders were trained: a person's choice where there is one."""
    held = [str(number) for number in view.lengths(table)]
    if len(held) == 1:
        return int(held[0])
    return int(
        state.choice(t("motion.passes"), "passes", sorted(held, key=int), default=held[0], kind="segments")
    )


def everyone(t: Texts, found: Found) -> None:
    """Every contender with all labels, one band each."""
    table = view.of_everyone(found.compared, passes(t, found.compared))
    names = [contender(t, name, found.called[name]) for name in table["contender"]]
    forest(t, found, table, names, "motion-contenders", t("motion.everyone.picture"))


def one(t: Texts, found: Found) -> None:
    """One contender on every split, one band each."""
    names = sorted(set(found.compared["contender"]))
    chosen = state.choice(
        t("motion.one"), "contender", names, lambda name: contender(t, name, found.called[name]), "messages"
    )
    table = view.of_one(found.compared, chosen)
    who = contender(t, chosen, found.called[chosen])
    bands = [split(t, name, share) for name, share in zip(table["split"], table["share"])]
    forest(t, found, table, bands, f"motion-{chosen}", t("motion.one.picture", who=who))


def forest(t: Texts, found: Found, table: pd.DataFrame, names: list[str], file: str, alt: str) -> None:
    """A forest plot, what it says in numbers, and how it was made."""
    words = {name: t(f"motion.{name}") for name in ("axis", "reference", "worse", "better", "undecided")}
    chart = view.forest_figure(table, names, lambda name: target(t, name), words)
    layout.figure(t, chart, file, alt, called(t, found, table))
    kinds = view.verdicts(table)
    st.markdown(t("motion.counted", count=len(kinds), **{kind: kinds.count(kind) for kind in view.LOOK}))
    told = t("motion.how", seeds=several(table["seeds"]), passes=several(table["epochs"]))
    st.caption(told if file == "motion-contenders" else f"{told} {t('motion.how.one')}")


def curves(t: Texts, found: Found) -> None:
    """Errors while training, of a target and contenders that a person chooses."""
    picture = st.container()
    left, middle, right = st.columns([2, 4, 2], gap="medium")
    with left:
        targets = view.targets(found.curves)
        asked = state.choice(
            t("motion.curves.target"), "target", targets, lambda name: target(t, name), "e_form_per_atom"
        )
    with middle:
        names = sorted(set(found.curves["contender"]))
        first = [name for name in view.CURVES if name in names]
        chosen = state.choices(
            t("motion.curves.who"), "curves", names, lambda name: contender(t, name, found.called.get(name, "")),
            first, max_selections=6,
        )  # fmt: skip
    with right:
        axes = {name: t(f"motion.curves.{name}") for name in ("seconds", "pass")}
        against = state.choice(t("motion.curves.against"), "against", list(axes), axes, kind="segments")
        held = found.curves[found.curves["epochs"] == passes(t, found.curves)]
    table = held[(held["target"] == asked) & held["contender"].isin(chosen)].reset_index(drop=True)
    with picture:
        if not len(table):
            st.markdown(t("motion.curves.none"))
            return
        height = t("motion.curves.mae", target=target(t, asked, unit=True))
        chart = view.curves_figure(
            table, chosen, against, lambda name: contender(t, name), (axes[against], height)
        )
        layout.figure(t, chart, "motion-curves", t("motion.curves.picture"), called(t, found, table))
        ends = table.groupby("contender").last().sort_values("mae").reset_index().to_dict(orient="records")
        if len(ends) > 1:
            (best, second), name = ends[:2], partial(contender, t)
            values = {
                "mae": best["mae"],
                "seconds": best["seconds"],
                "error": second["mae"],
                "spent": second["seconds"],
            }
            st.markdown(
                t(
                    "motion.curves.note",
                    best=name(best["contender"]),
                    next=name(second["contender"]),
                    **values,
                )
            )
        st.caption(t("motion.curves.how", seeds=several(table["seeds"]), passes=several(table["epochs"])))


def several(numbers: pd.Series) -> str:
    """The numbers that occur: 1, 3."""
    return ", ".join(f"{number:g}" for number in sorted(set(numbers)))


def called(t: Texts, found: Found, table: pd.DataFrame) -> pd.DataFrame:
    """A table for people and programs: the names of the measurements, and beside them what a contender is called."""
    names = [contender(t, name, found.called.get(name, "")) for name in table["contender"]]
    told = table.rename(columns={"epochs": "passes", "processor_seconds": "processor seconds"})
    return told.assign(called=names).round(5)


def claims(t: Texts, found: Found) -> None:
    """Every claim with its verdict and what was found."""
    lines = [f"| {t('motion.claims.verdict')} | {t('motion.claims.claim')} |", "|:--|:--|"]
    rows = []
    for sentence, word, told in found.claims:
        badge = f":{BADGES.get(word, 'gray')}-badge[{layout.plain(verdict(t, word))}]"
        lines.append(
            f"| {badge} | {layout.plain(claim(t, sentence))} :small[:gray[{layout.plain(result(t, told))}]] |"
        )
        rows.append((verdict(t, word), claim(t, sentence), result(t, told)))
    st.markdown("\n".join(lines))
    st.caption(t("motion.claims.how"))
    layout.data(t, "claims", pd.DataFrame(rows, columns=["verdict", "claim", "found"]))
