"""Materials: choose a crystal, see it in 3D, read its cell, symmetry and simplices, take it away."""

import streamlit as st

from tenfma.ui import cache, called, choose, components, layout, library, state
from tenfma.viz import crystal_tables as tables
from tenfma.viz import export
from tenfma.viz.scenes import crystal_scene, scene_key

#: bonds and triangles up to which they are set moving: a minute's work of the server, which others use too
MOST_MOVED = 10_000

t = layout.begin("materials")
choose.take_upload()
picture, controls = st.columns([1.75, 1], gap="medium")

with controls:
    place = state.choice(
        t("library.from"), "from", ["prototypes", "catalogue"], lambda s: t(f"library.{s}"), kind="segments"
    )
    crystal = choose.from_catalogue(t) if place == "catalogue" else choose.crystal(t)
    which = state.choice(
        t("materials.shown"),
        "shown",
        ["conventional", "given"],
        lambda s: t(f"materials.{s}"),
        kind="segments",
    )
    cells = state.number(t("materials.supercell"), "cells", 1, 1, 3, kind="slider")
    labels = state.switch(t("materials.labels"), "labels")
    choose.upload(t)

shown = cache.standard(crystal) if which == "conventional" else crystal
structure = crystal.structure
formula, symmetry = layout.formula(structure), cache.symmetry(crystal)

with picture:
    picked = components.picked(shown.structure, cells)
    scene = crystal_scene(shown.structure, shown.bonds, (cells,) * 3, picked=picked, labels=labels)
    alt = t("materials.picture", formula=formula, atoms=len(shown.structure), bonds=len(shown.bonds))
    components.crystal(t, scene, alt)
    site_table = tables.sites(shown.structure, shown.bonds)
    if picked is not None and picked < len(site_table):
        st.dataframe(site_table.iloc[[picked]], hide_index=True, alt=t("materials.picked"))
    files = tables.exports(structure) | {"html": lambda: export.page(scene, formula)}
    layout.data(t, layout.file_name(crystal.source), site_table, files)
    for note in crystal.notes:
        st.caption(layout.plain(called.note(t, note)))

with layout.told():
    complex_ = cache.complex_of(crystal)
    reach, triangle_reach = cache.reaches(crystal)
layout.notice(
    t,
    t(
        "materials.note",
        formula=formula,
        system=t(f"system.{symmetry.system}"),
        group=layout.plain(symmetry.symbol),
        atoms=len(structure),
        coordination=f"{2 * len(crystal.bonds) / len(structure):.3g}",
        cutoff=reach,
        reach=triangle_reach,
        edges=complex_.n_edges,
        triangles=complex_.n_triangles,
        per_atom=(complex_.n_atoms + complex_.n_edges + complex_.n_triangles) / len(structure),
    ),
)
st.page_link(
    "pages/simplices.py",
    label=t("materials.open"),
    icon=":material/change_history:",
    query_params=state.carried(),
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

if crystal.source.startswith(library.PREFIX):
    with layout.told(stop=False):
        known = library.values(crystal.source)
        if not known.empty:
            st.subheader(t("library.values"), anchor=False)
            shown_values = known.assign(
                property=[library.named(t, name, unit=False) for name in known["property"]]
            )
            st.dataframe(shown_values, hide_index=True, alt=t("library.values"))
            if known["model"].notna().any():
                inside = known.dropna(subset=["published", "model"]).eval("lower <= published <= upper")
                layout.notice(
                    t, t("library.values.note", inside=int(inside.sum()), compared=len(inside)), "values"
                )
            layout.data(t, f"values-{layout.file_name(crystal.source)}", known)


@st.fragment
def moving() -> None:
    """The crystal's simplices under the default model: energies along the path."""
    from tenfma.viz import evolution

    if not components.drawn("motion"):
        return
    st.subheader(t("evolve.title"), anchor=False)
    if complex_.n_edges + complex_.n_triangles > MOST_MOVED:
        st.caption(t("evolve.large", limit=MOST_MOVED))
        return
    kT = state.number(t("evolve.kT"), "kT", 0.0, 0.0, 0.1, step=0.005, kind="slider", format="%.3f")
    with layout.told():
        run = cache.motion(crystal, 0.05, 100, kT)
        layout.figure(
            t,
            evolution.energy_figure(run, ("T", "V", "H"), t("evolve.time"), t("evolve.axis")),
            f"motion-{layout.file_name(crystal.source)}",
            t("evolve.picture", formula=formula),
            evolution.table(run),
        )
        layout.notice(
            t,
            t("evolve.note", drift=run.drift, steps=len(run.t) - 1, dt=run.dt, numbers=run.numbers),
            "motion",
        )
        st.caption(t("trained" if run.trained else "untrained"))


@st.fragment
def similar() -> None:
    """The catalogue's nearest entries, at once where the catalogue is open, else when asked for."""
    st.subheader(t("library.similar"), anchor=False)
    if not (library.ready() or place == "catalogue") and not st.toggle(t("library.similar.open"), key="look"):
        return
    with layout.told(stop=False):
        near = library.similar(structure, scene_key(structure), crystal.source)
        headings = library.headings(t, near.columns)
        st.dataframe(near, hide_index=True, alt=t("library.similar"), column_config=headings)
        layout.data(t, f"similar-{layout.file_name(crystal.source)}", near)
        others = near[near["distance"] > library.SAME]
        first = (others if len(others) else near).iloc[0]
        told = t(
            "library.similar.text", first=layout.plain(f"{first['formula']} ({first['identifier']})"),
            distance=float(first["distance"]),
        )  # fmt: skip
        st.caption(told)
    st.page_link(
        "pages/embedding_map.py",
        label=t("library.map"),
        icon=":material/scatter_plot:",
        query_params={**state.carried(), "entry": str(first["identifier"])},
    )


similar()
moving()
layout.equations(
    t,
    [
        (t("materials.eq.edges"), r"(ij, S):\; |r_j + S\,h - r_i| < r_c"),
        (t("materials.eq.triangles"), r"S_{jk} = S_{ik} - S_{ij}"),
        (t("materials.eq.boundary"), r"B_1 B_2 = 0"),
    ],
)
