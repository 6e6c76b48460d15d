"""Evidence: the measured tables; accuracy against peers, certificates of the shipped models, and where we lose."""

import pandas as pd
import streamlit as st

from tenfma.ui import cache, called, certified, layout, library, motion, state
from tenfma.viz import evidence as view

t = layout.begin("evidence")
files = cache.evidence()
cards = {name: cache.card(name) for name in cache.trained_models()}
table = view.accuracy(cards)

if len(table):
    st.subheader(t("evidence.accuracy"), anchor=False)
    words = (t("home.models.energy"), t("home.models.force"))
    chart = view.accuracy_figure(table, words)
    layout.figure(t, chart, "accuracy", t("evidence.accuracy.picture"), table)
    st.caption(t("evidence.accuracy.source", source=view.SOURCE))
    behind = view.behind(table)
    quantities = dict(zip(table.columns[2:], words))
    told = " ".join(
        t(
            "evidence.note.behind",
            element=element,
            quantity=quantities[quantity],
            ours=ours,
            peer=peer,
            theirs=theirs,
        )
        for element, quantity, ours, peer, theirs in behind
    )
    count = 2 * table.loc[table["model"] == "MTP", "element"].nunique()
    layout.notice(t, t("evidence.note", count=count, ahead=count - len(behind), behind=told))
else:
    layout.notice(t, t("evidence.note.none"))

motion.section(t)

st.subheader(t("evidence.loses"), anchor=False)
lost = view.losses(files)
if lost:
    st.markdown(t("evidence.loses.text", count=len(lost)))
    rows = pd.DataFrame(
        {
            t("evidence.loses.where"): [certified.heading(t, each.where) for each in lost],
            t("evidence.loses.task"): [library.worded(t, called.row(t, each.task)) for each in lost],
            t("evidence.loses.value"): [each.value for each in lost],
            t("evidence.loses.than"): [called.row(t, each.than) for each in lost],
        }
    )
    st.dataframe(rows, hide_index=True, alt=t("evidence.loses"))
    layout.data(t, "where-we-lose", rows)
else:
    st.markdown(t("evidence.loses.none"))

speeds = view.ratios(files)
if len(speeds):
    st.subheader(t("evidence.speed"), anchor=False)
    for column in ("task", "peer"):
        speeds[column] = [called.row(t, words) for words in speeds[column]]
    names = (t("evidence.speed.faster"), t("evidence.speed.slower"))
    chart = view.ratio_figure(speeds, t("evidence.speed.axis"), names)
    layout.figure(t, chart, "speed", t("evidence.speed.picture"), speeds)


@st.fragment
def certificates() -> None:
    """The certificate of one shipped model, measured when asked for."""
    st.subheader(t("evidence.models"), anchor=False)
    st.markdown(t("evidence.models.text", dt=certified.DT, kT=certified.KT))
    name = state.choice(t("evidence.models.choose"), "model", list(cards), kind="segments")
    if st.toggle(t("evidence.models.run"), key=f"certify-{name}"):
        with layout.told(stop=False):
            certified.show(t, certified.of_model(name), f"certificate-{name}")


if cards:
    certificates()


def show(each: view.Measured) -> None:
    """Everything that a file of measurements holds."""
    if each.what:
        st.markdown(layout.plain(each.what))
    st.caption(layout.plain(t("evidence.made", date=each.date, machine=each.machine)))
    for place, rows in each.tables.items():
        if len(each.tables) > 1:
            st.markdown(f"**{layout.plain(place)}**")
        shown = view.pretty(rows)
        st.dataframe(shown, hide_index=True, alt=f"{each.name}: {place}", key=f"{each.name}-{place}")
        layout.data(t, f"{each.name}-{layout.file_name(place)}", shown)
    if len(each.numbers):
        st.markdown(f"**{t('evidence.numbers')}**")
        st.dataframe(each.numbers, hide_index=True, alt=f"{each.name}: {t('evidence.numbers')}")
        layout.data(t, f"{each.name}-numbers", each.numbers)
    if each.command:
        st.code(each.command, language=None)
    st.caption(layout.plain(each.versions))


@st.fragment
def measured(each: view.Measured) -> None:
    """A file of measurements, sent when it is opened: all of them at once would keep the page waiting."""
    if each.broken:
        st.warning(t("evidence.broken", name=layout.plain(each.name), why=layout.plain(each.broken)))
        return
    box = st.expander(certified.heading(t, each.name), key=f"file-{each.name}", on_change="rerun")
    if box.open:
        with box:
            show(each)


st.subheader(t("evidence.tables"), anchor=False)
if not files:
    st.markdown(t("evidence.tables.none"))
told_above = {"claims"} if cache.moved().claims else set()
for file in files:
    if file.name not in told_above:
        measured(file)
layout.equations(
    t,
    [
        (t("evidence.eq.mae"), r"\frac{1}{3N}\sum_i |F_i^{\theta} - F_i^{\mathrm{DFT}}|"),
        (
            t("evidence.eq.ratio"),
            r"\mathrm{ratio} = \operatorname{median}(\text{ours}) / \operatorname{median}(\text{peer})",
        ),
    ],
)
