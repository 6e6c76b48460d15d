"""What is computed once and kept: crystals, complexes, paths. Keys are plain values, so links and reruns share them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from tenfma.errors import StructureError
from tenfma.viz import first

if TYPE_CHECKING:
    from tenfma.viz.bonds import Bond
    from tenfma.viz.crystal_tables import Symmetry

UPLOAD = "upload"
#: beside what turns while something is computed; said before a page's language is known, so in both
WAIT = "Computing … 计算中 …"
#: how the address names an entry of the catalogue
CATALOGUE = "catalogue:"


@dataclass(frozen=True)
class Crystal:
    """A crystal as pages use it."""

    source: str
    title: str
    structure: Any
    bonds: list[Bond]
    notes: list[str]


def crystal(source: str) -> Crystal:
    """The crystal that a slug names: a prototype, or what was uploaded in this session."""
    if source == UPLOAD:
        kept = st.session_state.get("_upload")
        if kept is None:
            raise StructureError("the uploaded crystal is gone with its browser session; upload it again")
        return kept
    if source.startswith(CATALOGUE):
        from tenfma.ui import library

        return library.crystal(source)
    return _prototype(source)


@st.cache_resource(max_entries=64, show_spinner=False)
def _prototype(name: str) -> Crystal:
    from tenfma.crystal import prototypes, structures
    from tenfma.viz.bonds import near_bonds

    found = prototypes.find(name)
    structure = structures.read(f"{structures.PREFIX}{name}")
    return Crystal(name, found.title, structure, near_bonds(structure), structures.notes(structure))


def _key(structure: Any) -> str:
    from tenfma.viz.scenes import scene_key

    return scene_key(structure)


def symmetry(chosen: Crystal) -> Symmetry:
    """Its space group, by spglib."""
    return _symmetry(chosen.structure, _key(chosen.structure))


@st.cache_data(max_entries=256, show_spinner=False)
def _symmetry(_structure: Any, key: str) -> Symmetry:
    from tenfma.viz import crystal_tables as tables

    return tables.symmetry(_structure)


def complex_of(chosen: Crystal, cutoff: float | None = None) -> Any:
    """Its simplicial complex by the library's rules, or with bonds and triangles up to one cutoff, Å."""
    return _complex(chosen.structure, _key(chosen.structure), cutoff)


@st.cache_resource(max_entries=32, show_spinner=False)
def _complex(_structure: Any, key: str, cutoff: float | None) -> Any:
    from tenfma.crystal.complex import complex_of as build

    if cutoff is None:
        return build(_structure, max_simplices=400_000)
    return build(_structure, cutoff, cutoff, max_simplices=400_000)


def reaches(chosen: Crystal) -> tuple[float, float]:
    """How far bonds and triangles of the library's rules reach in it at most, Å."""
    from tenfma.crystal.complex import DEFAULT_CUTOFF, DEFAULT_TRIANGLE_CUTOFF

    numbers = np.array([site.specie.Z for site in chosen.structure])
    pairs = numbers[:, None], numbers[None, :]
    return float(DEFAULT_CUTOFF.radius(*pairs).max()), float(DEFAULT_TRIANGLE_CUTOFF.radius(*pairs).max())


def features(chosen: Crystal, cutoff: float) -> Any:
    """Module A's smooth features of its complex at a cutoff (triangles included up to it)."""
    return _features(chosen.structure, _key(chosen.structure), cutoff)


@st.cache_resource(max_entries=32, show_spinner=False)
def _features(_structure: Any, key: str, cutoff: float) -> Any:
    from tenfma.crystal.features import featurize

    return featurize(_complex(_structure, key, cutoff), smooth_only=True)


def suggested_cutoff(chosen: Crystal) -> float:
    """A first cutoff for its simplices: chemical bonds, and a shell more where these close no triangle, Å."""
    return first.value("cutoff", _key(chosen.structure), lambda: _suggested(chosen))


def _suggested(chosen: Crystal) -> float:
    from tenfma.viz import simplices

    near = simplices.suggested_cutoff(chosen.bonds)
    if complex_of(chosen, near).n_triangles:
        return near
    return simplices.suggested_cutoff(chosen.bonds, simplices.SECOND_SHELL)


def channels(chosen: Crystal, cutoff: float, rank: str) -> dict[str, str]:
    """Features that a rank's simplices can be coloured by, each with its name and unit to read."""

    def found() -> dict[str, str]:
        from tenfma.viz import simplices

        table = features(chosen, cutoff)
        return {name: simplices.label(table, rank, name) for name in simplices.invariants(table, rank)}

    return first.value("channels", f"{_key(chosen.structure)} {cutoff:g} {rank}", found)


def simplices_of(chosen: Crystal, cutoff: float, rank: str, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Corners (n, rank + 1, 3), Å, of a rank's simplices and the feature (n,) they are coloured by."""

    def found() -> list[Any]:
        from tenfma.viz import simplices

        table, index = features(chosen, cutoff), simplices.RANKS.index(rank)
        corners = simplices.corners(chosen.structure, table.complex, index)
        return [corners.tolist(), simplices.values(table, rank, name).tolist()]

    kept = first.value("simplices", f"{_key(chosen.structure)} {cutoff:g} {rank} {name}", found)
    corners, values = np.array(kept[0]), np.array(kept[1])
    return corners.reshape(len(values), -1, 3), values


def topology(chosen: Crystal, cutoff: float) -> Any:
    """Betti numbers and spectra of that complex."""
    return _topology(chosen.structure, _key(chosen.structure), cutoff)


@st.cache_resource(max_entries=64, show_spinner=False)
def _topology(_structure: Any, key: str, cutoff: float) -> Any:
    from tenfma.viz import simplices

    return simplices.topology(_complex(_structure, key, cutoff))


def upload(data: bytes, name: str) -> Any:
    """An uploaded file as `Frames` kept in this session, its first readable crystal the chosen one."""
    from tenfma.crystal import structures

    found = structures.parse_frames(data, name, limit=1000)
    st.session_state["_upload_frames"] = found
    show_frame(0)
    return found


def show_frame(index: int) -> None:
    """Make a frame of the upload the uploaded crystal."""
    from tenfma.crystal.structures import notes
    from tenfma.viz.bonds import near_bonds

    structure = st.session_state["_upload_frames"].structures[index]
    st.session_state["_upload"] = Crystal(
        UPLOAD,
        structure.composition.reduced_formula,
        structure,
        near_bonds(structure),
        notes(structure),
    )


@st.cache_data(max_entries=4, show_spinner=False)
def prototype_table() -> list[tuple[str, str, tuple[str, ...], str]]:
    """(slug, title, elements, words to search in) of every prototype."""
    from tenfma.crystal import prototypes

    rows = []
    for item in prototypes.library():
        elements = tuple(sorted(set(item.species)))
        words = f"{item.name} {item.title} {item.strukturbericht} {item.aflow} {item.pearson}".lower()
        rows.append((item.name, item.title, elements, words))
    return sorted(rows, key=lambda row: row[1].lower())


@st.cache_resource(max_entries=4, show_spinner=False)
def model(name: str | None = None) -> Any:
    """A learned Hamiltonian by name; the default says itself whether it was trained."""
    from tenfma.embedding.pipeline import load

    return load(name)


def motion(chosen: Crystal, dt: float, steps: int, kT: float) -> Any:
    """Energies along the path of the crystal's simplices under the default model."""
    return _motion(chosen.structure, _key(chosen.structure), dt, steps, kT)


@st.cache_data(max_entries=64, show_spinner=WAIT)
def _motion(_structure: Any, key: str, dt: float, steps: int, kT: float) -> Any:
    from tenfma.viz.evolution import energies

    return energies(model(), _structure, dt, steps, p0="thermal" if kT else "zero", kT=kT)


def standard(chosen: Crystal) -> Crystal:
    """The same crystal in its conventional cell, for looking at; itself where that is enormous or unknown."""
    return _standard(chosen, _key(chosen.structure))


@st.cache_resource(max_entries=64, show_spinner=False)
def _standard(_chosen: Crystal, key: str) -> Crystal:
    from tenfma.viz import crystal_tables as tables
    from tenfma.viz.bonds import near_bonds

    structure = tables.conventional(_chosen.structure)
    if structure is None:
        return _chosen
    return Crystal(_chosen.source, _chosen.title, structure, near_bonds(structure), _chosen.notes)


@st.cache_data(max_entries=1, show_spinner=False)
def trained_models() -> list[str]:
    """Names of the trained models that are shipped: folders of assets/models with a card."""
    from tenfma.site import assets

    folder = assets() / "models"
    return sorted(card.parent.name for card in folder.glob("*/card.json")) if folder.is_dir() else []


@st.cache_data(max_entries=32, show_spinner=False)
def known_elements(name: str) -> set[str]:
    """Elements of the crystals a shipped model was trained on, as its card says."""
    return set(card(name).get("elements", []))


@st.cache_data(max_entries=32, show_spinner=False)
def card(name: str) -> dict[str, Any]:
    """The card of a shipped model: what it was trained on, how, and how well it does."""
    import json

    from tenfma.site import assets

    return json.loads((assets() / "models" / name / "card.json").read_text(encoding="utf-8"))


@st.cache_data(max_entries=1, show_spinner=False, ttl=600)
def evidence() -> Any:
    """Every file of measurements that is shipped."""
    from tenfma.site import assets
    from tenfma.viz.evidence import read

    return read(assets() / "evidence")


@st.cache_data(max_entries=1, show_spinner=False, ttl=600)
def moved() -> Any:
    """What was measured of the motion under H_θ: comparisons, training curves, verdicts on claims."""
    from tenfma.site import assets
    from tenfma.viz.motion import read

    return read(assets() / "evidence")
