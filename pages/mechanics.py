"""Mechanics notebook: Lagrangian to Hamiltonian step by step, Hamilton's equations, brackets, conserved quantities."""

import streamlit as st

from tenfma.ui import components, layout, portraits, state
from tenfma.viz.lagrangians import EXAMPLES
from tenfma.viz.names import typeset

t = layout.begin("mechanics")
OWN = "own"
with st.container(key="picture-first"):
    steps, beside = st.columns([1.15, 1], gap="large")

with steps:
    slug = state.choice(
        t("mechanics.example"),
        "lagrangian",
        [*EXAMPLES, OWN],
        lambda s: t(f"mechanics.{s}"),
        default="kepler",
    )
    text = EXAMPLES.get(slug) or state.words(
        t("mechanics.formula"), "L", "v**2/2 - q**4/4 + q**2/2", limit=200, help=t("mechanics.formula.help")
    )
with beside:  # sent before anything is derived
    st.subheader(t("mechanics.picture.title"), anchor=False)
    with layout.told():
        orbit = portraits.orbit(text)
    components.player(t, orbit.movie, t("mechanics.picture"), key="mechanics-player", height=330)
    layout.data(t, f"notebook-{slug}", orbit.table())

book = portraits.notebook(text)
H = book.system()
with steps:
    lines = (
        ("mechanics.step1", [book.lagrangian_latex()]),
        ("mechanics.step2", book.momenta_latex()),
        ("mechanics.step3", book.velocities_latex()),
        ("mechanics.step4", [book.sum_latex()]),
        ("mechanics.step5", H.equations()),
    )
    for title, formulas in lines:
        st.markdown(f"**{t(title)}**")
        for formula in formulas:
            st.latex(formula)

found = portraits.conserved(text)
variables = (*book.coordinates, *book.momenta)
names = ", ".join(typeset(name) for name in variables)
with beside:
    if book.parameters:
        st.caption(t("mechanics.parameters", value=1) + ": " + layout.plain(", ".join(book.parameters)))
    if book.cyclic:
        momenta = [typeset(p) for q, p in zip(book.coordinates, book.momenta) if q in book.cyclic]
        cyclic = ", ".join(typeset(q) for q in book.cyclic)
        layout.notice(
            t, t("mechanics.note.cyclic", names=cyclic, momenta=", ".join(momenta), count=len(found))
        )
    else:
        layout.notice(t, t("mechanics.note.energy", count=len(found)))

    st.subheader(t("mechanics.conserved"), anchor=False)
    st.markdown(t("mechanics.conserved.text", names=names) if found else t("mechanics.none"))
    for item in found:
        st.latex(item.function.latex() + r"\qquad " + layout.latex_words(
            t("mechanics.exact") if item.exact else t("mechanics.residual", value=max(item.residual, 1e-16))
        ))  # fmt: skip


@st.fragment
def brackets() -> None:
    """{A, B} of what a person types."""
    from tenfma.viz.notebook import typed_bracket

    st.subheader(t("mechanics.brackets"), anchor=False)
    st.markdown(t("mechanics.brackets.text", names=", ".join(f"`{name}`" for name in variables)))
    left, right = st.columns(2)
    with left:
        a = state.words("A", "A", book.momenta[-1], limit=200)
    with right:
        b = state.words("B", "B", "H", limit=200)
    with layout.told(stop=False):
        found = typed_bracket(H, a, b)
        st.latex(found.latex())
        if found.vanishes:
            st.markdown(t("mechanics.bracket.zero"))
        elif b == "H":
            st.markdown(t("mechanics.bracket.rate"))


brackets()
layout.equations(
    t,
    [
        (
            t("mechanics.eq.legendre"),
            r"p_i = \frac{\partial L}{\partial \dot q_i}, \qquad H = \sum_i p_i \dot q_i - L",
        ),
        (
            t("mechanics.eq.bracket"),
            r"\{A, B\} = \sum_i \frac{\partial A}{\partial q_i}\frac{\partial B}{\partial p_i}"
            r" - \frac{\partial A}{\partial p_i}\frac{\partial B}{\partial q_i}",
        ),
        (t("mechanics.eq.rate"), r"\frac{\mathrm{d}A}{\mathrm{d}t} = \{A, H\}"),
    ],
)
