"""Simplices: atoms, bonds and triangles in 3D, coloured by a feature; Betti numbers and spectrum in a chemist's words."""

import streamlit as st

from tenfma.ui import cache, called, choose, components, layout, state
from tenfma.viz import export
from tenfma.viz import simplices as view
from tenfma.viz.scenes import simplex_scene

t = layout.begin("simplices")
picture, controls = st.columns([1.75, 1], gap="medium")
PREFERRED = {"atoms": "electronegativity", "bonds": "bond_valence", "triangles": "perimeter"}
LIMIT = 600

with controls:
    crystal = choose.crystal(t)
    structure, formula = crystal.structure, layout.formula(crystal.structure)
    rank = state.choice(
        t("simplices.rank"),
        "rank",
        view.RANKS,
        lambda s: t(f"simplices.{s}"),
        default="triangles",
        kind="segments",
    )
    suggested = cache.suggested_cutoff(crystal)
    cutoff = state.number(
        t("simplices.cutoff"),
        f"cutoff-{crystal.source}",
        suggested,
        view.SHORTEST,
        view.LONGEST,
        step=0.1,
        kind="slider",
    )
    with layout.told():
        names = {
            name: called.feature(t, label) for name, label in cache.channels(crystal, cutoff, rank).items()
        }
    name = state.choice(
        t("simplices.feature"), f"feature-{rank}", list(names), names, default=PREFERRED[rank]
    )

with picture:
    corners, values = cache.simplices_of(crystal, cutoff, rank, name)
    label = names[name]
    scene = simplex_scene(structure, view.RANKS.index(rank), corners, values, label, LIMIT)
    low, high = (scene["scale"]["low"], scene["scale"]["high"]) if "scale" in scene else ("–", "–")
    shown = t(f"simplices.{rank}")
    alt = t("simplices.picture", formula=formula, rank=shown, feature=label, low=low, high=high)
    components.crystal(t, scene, alt, key="simplices-viewer")
    if scene["hidden"]:
        st.caption(t("simplices.hidden", hidden=scene["hidden"], total=len(values)))

shape, features = cache.topology(crystal, cutoff), cache.features(crystal, cutoff)
K = features.complex
counts = {"atoms": K.n_atoms, "edges": K.n_edges, "triangles": K.n_triangles}
layout.notice(
    t,
    t("simplices.note", formula=formula, cutoff=cutoff, b0=shape.b0, b1=shape.b1, chi=shape.euler, **counts),
)


@st.fragment
def rest() -> None:
    """The simplices as a table, their Betti numbers and spectra."""
    if not components.drawn("simplices"):
        return
    st.subheader(t("simplices.table", rank=shown), anchor=False)
    table = view.frame(features, rank)
    st.dataframe(table, hide_index=True, height=260, alt=t("simplices.table", rank=shown))
    files = {"html": lambda: export.page(scene, formula)}
    layout.data(t, f"{rank}-{layout.file_name(crystal.source)}", table, files)

    left, right = st.columns([1, 1.2], gap="medium")
    with left:
        st.subheader(t("simplices.betti"), anchor=False)
        for sign, key, value in (("b₀", "b0", shape.b0), ("b₁", "b1", shape.b1), ("χ", "chi", shape.euler)):
            st.markdown(f"**{sign} = {value}** · {t(f'simplices.{key}')}")
        if shape.gap is not None:
            st.markdown(f"**λ = {shape.gap:.3g}** · {t('simplices.gap')}")
        st.markdown(t("simplices.betti.text"))
    with right:
        st.subheader(t("simplices.spectrum"), anchor=False)
        if shape.spectra:
            chart = view.spectrum_figure(
                shape, ["L₀", "L₁"], t("simplices.spectrum.rank"), t("simplices.spectrum.axis")
            )
            layout.figure(t, chart, "spectrum", t("simplices.spectrum.picture"), view.spectrum_table(shape))
        else:
            st.markdown(t("simplices.spectrum.large", edges=K.n_edges, limit=view.SPECTRUM_LIMIT))


rest()
layout.equations(
    t,
    [
        (t("simplices.eq.laplacian"), r"L_1 = B_1^\top B_1 + B_2 B_2^\top, \qquad \dim\ker L_1 = b_1"),
        (t("materials.eq.boundary"), r"B_1 B_2 = 0"),
        (t("simplices.eq.euler"), r"\chi = N - E + F"),
    ],
)
