"""Materials: choose a crystal, see it in 3D, read its cell, symmetry and simplices, take it away."""

import streamlit as st

from tenfma.ui import cache, choose, components, layout, state
from tenfma.viz import crystal_tables as tables
from tenfma.viz.scenes import crystal_scene

t = layout.begin("materials")
choose.take_upload()
picture, controls = st.columns([1.75, 1], gap="medium")

with controls:
    crystal = choose.crystal(t)
    cells = state.number(t("materials.supercell"), "cells", 1, 1, 3, kind="slider")
    labels = state.switch(t("materials.labels"), "labels")
    choose.upload(t)

structure, bonds = crystal.structure, crystal.bonds
formula, symmetry = structure.composition.reduced_formula, cache.symmetry(crystal)

with picture:
    scene = crystal_scene(structure, bonds, (cells,) * 3, picked=st.session_state.get("_picked"), labels=labels)
    alt = t("materials.picture", formula=formula, atoms=len(structure), bonds=len(bonds))
    picked = components.crystal(t, scene, alt)
    if picked != st.session_state.get("_picked"):
        st.session_state["_picked"] = picked
        st.rerun()
    site_table = tables.sites(structure, bonds)
    if picked is not None and picked < len(site_table):
        st.dataframe(site_table.iloc[[picked]], hide_index=True, alt=t("materials.picked"))
    layout.data(t, layout.file_name(crystal.source), site_table, tables.exports(structure))
    for note in crystal.notes:
        st.caption(layout.plain(note))

with layout.told():
    complex_ = cache.complex_of(crystal)
layout.notice(
    t,
    t(
        "materials.note",
        formula=formula,
        system=t(f"system.{symmetry.system}"),
        group=layout.plain(symmetry.symbol),
        atoms=len(structure),
        coordination=f"{2 * len(bonds) / len(structure):.3g}",
        cutoff=cache.CUTOFF,
        edges=complex_.n_edges,
        triangles=complex_.n_triangles,
        per_atom=(complex_.n_atoms + complex_.n_edges + complex_.n_triangles) / len(structure),
    ),
)
st.page_link(
    "pages/simplices.py", label=t("materials.open"), icon=":material/change_history:", query_params=state.carried()
)

first, second, third = st.columns(3, gap="medium")
with first:
    st.subheader(t("materials.cell"), anchor=False)
    st.dataframe(tables.cell(structure), hide_index=True, height=350, alt=t("materials.cell"))
with second:
    st.subheader(t("materials.symmetry"), anchor=False)
    st.metric(t("materials.spacegroup"), f"{symmetry.symbol} ({symmetry.number})")
    st.metric(t("materials.system"), t(f"system.{symmetry.system}"))
    st.metric(t("materials.pointgroup"), symmetry.point_group)
with third:
    st.subheader(t("materials.sizes"), anchor=False)
    st.metric(t("materials.atoms"), complex_.n_atoms)
    st.metric(t("materials.edges"), complex_.n_edges)
    st.metric(t("materials.triangles"), complex_.n_triangles)
layout.equations(
    t,
    [
        (t("materials.eq.edges"), r"(ij, S):\; |r_j + S\,h - r_i| < r_c"),
        (t("materials.eq.triangles"), r"S_{jk} = S_{ik} - S_{ij}"),
        (t("materials.eq.boundary"), r"B_1 B_2 = 0"),
    ],
)
