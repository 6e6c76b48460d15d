"""Embedding map: the catalogue's entries on two axes of their embedding; a loop lists them, a click chooses one."""

import streamlit as st

from tenfma.ui import layout, state

t = layout.begin("atlas")

from tenfma.ui import atlas, library  # noqa: E402 the browser fetches Plotly while pandas and Plotly load here

with layout.told():
    world = atlas.world()


@st.fragment
def explore() -> None:
    """Map, list and structure answer to one choice."""
    picture = st.container()
    first, second, third, fourth = st.columns(4, gap="medium")
    with first:
        colour = state.choice(
            t("atlas.colour"), "colour", list(library.UNITS), lambda s: library.named(t, s), default="K_vrh"
        )
    with second:
        axes = state.choice(t("atlas.axes"), "axes", list(atlas.AXES), lambda s: s.replace("-", " × "))
    with third:
        count = state.number(t("atlas.neighbours"), "neighbours", 10, 1, 50)
    with fourth:
        entry = state.words(t("atlas.entry"), "entry", atlas.first(world), limit=60)
    with layout.told():
        atlas.explore(t, world, colour, axes, count, entry, picture)


explore()
layout.equations(
    t,
    [
        (
            t("atlas.eq.distance"),
            r"d(a, b) = \lVert z_a - z_b \rVert_2, \qquad z \in \mathbb{R}^{"
            + str(world.rows.shape[1])
            + "}",
        ),
        (t("atlas.eq.axes"), r"x_k = (z - \bar z)\cdot u_k, \qquad C u_k = \lambda_k u_k"),
    ],
)
