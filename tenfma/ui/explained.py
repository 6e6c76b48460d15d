"""What the Couplings page explains: a shipped model on a crystal, or a textbook system; computed once and kept."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import streamlit as st

from tenfma.ui import cache, layout, state
from tenfma.ui.texts import Texts
from tenfma.viz import couplings as view
from tenfma.viz import first
from tenfma.viz.bonds import near_bonds
from tenfma.viz.scenes import scene_key

#: the crystal chosen on the Materials page
CHOSEN = "crystal"
SYSTEMS = ("coupled-oscillators", "fput-alpha", "toda", "henon-heiles")
#: pictures stay quick below this many atoms
MOST_ATOMS = 130
FEW_ATOMS = 8
UNTRAINED = "untrained"
#: steps of a network's run, all looked at
SLOW_STEPS = 30
OWNED = ("atom", "partner", "cells")


@dataclass(frozen=True)
class Pairs:
    """Names of the n things coupled, ‖∂²H/∂q_i∂q_j‖ (n, n) in `unit`, and how far apart they are (n, n)."""

    labels: list[str]
    strengths: np.ndarray
    distances: np.ndarray
    unit: str


@dataclass(frozen=True)
class Explained:
    """What the page explains; `structure` and `bonds` are of crystals only. The explanation is made when asked for."""

    slug: str
    title: str
    make: Callable[[], Any]
    structure: Any = None
    bonds: tuple[Any, ...] = ()
    model: str = ""

    @cached_property
    def explanation(self) -> Any:
        """The explanation itself."""
        return self.make()

    @property
    def trained(self) -> bool:
        """Whether its weights were fitted to data; a formula needs none."""
        return self.model != UNTRAINED

    @cached_property
    def pairs(self) -> Pairs:
        """Every pair's coupling and distance."""
        kept = first.value("couplings", f"{self.model} {self.key}", self._pairs)
        return Pairs(kept["labels"], np.array(kept["strengths"]), np.array(kept["distances"]), kept["unit"])

    def _pairs(self) -> dict[str, Any]:
        couplings, count = self.explanation.couplings(), np.arange(len(self.explanation.couplings().labels))
        apart = (
            np.abs(count[:, None] - count[None, :])
            if self.structure is None
            else self.explanation.distances()
        )
        return {
            "labels": list(couplings.labels),
            "strengths": np.asarray(couplings.strengths(), float).tolist(),
            "distances": np.asarray(apart, float).tolist(),
            "unit": couplings.unit,
        }

    @cached_property
    def key(self) -> str:
        """What the picture shows: the camera stays while it is the same."""
        return scene_key(self.structure, self.slug, self.model) if self.structure is not None else self.slug


def choose(t: Texts, subject: Any, repeat: Any, move: Any) -> Explained:
    """The chosen subject, its controls in three places; what the model cannot answer for is told and ends the page."""
    models = cache.trained_models()
    options = [*models, CHOSEN, *SYSTEMS]
    names = {name: t("couplings.model", element=name) for name in models}
    names |= {CHOSEN: t("couplings.crystal")} | {name: t(f"system.{name}") for name in SYSTEMS}
    with subject:
        slug = state.choice(
            t("couplings.subject"),
            "subject",
            options,
            names,
            default="Si",
            on_change=state.forget,
            args=OWNED,
        )
        if slug in SYSTEMS:
            return Explained(slug, names[slug], lambda: system(slug))
        structure, model = (own_crystal(slug), slug) if slug != CHOSEN else _carried(t)
    few = len(structure) >= FEW_ATOMS or model == UNTRAINED  # whose network is slow
    with repeat:
        cells = state.number(t("couplings.cells"), "cells", 1 if few else 2, 1, 3, kind="slider")
    while cells > 1 and len(structure) * cells**3 > MOST_ATOMS:
        cells -= 1
    with move:
        size = state.number(t("couplings.rattle"), "rattle", 0.08, 0.0, 0.3, step=0.01, kind="slider")
    title = f"{layout.formula(structure)}"
    return crystal(model, slug, title, structure, scene_key(structure), cells, size)


@st.cache_resource(max_entries=16, show_spinner=False)
def system(name: str) -> Any:
    """A textbook system at its own start."""
    from tenfma.explanation import explain
    from tenfma.hamiltonian.textbook import textbook

    return explain(textbook(name))


@st.cache_resource(max_entries=16, show_spinner=cache.WAIT)
def crystal(
    model: str, slug: str, title: str, _structure: Any, key: str, cells: int, size: float
) -> Explained:
    """A model on a repeated crystal whose atoms are moved a little."""
    repeated = _structure * (cells, cells, cells)
    structure = view.rattled(repeated, size)

    def make() -> Any:
        from tenfma.explanation import explain

        return explain(cache.model(model), structure, chart="atoms")

    return Explained(slug, title, make, structure, tuple(near_bonds(repeated)), model)


@st.cache_data(max_entries=64, show_spinner=False)
def turned_forces(_e: Explained, key: str, model: str, degrees: float) -> tuple[Any, np.ndarray, float]:
    """The crystal turned, its forces computed anew, and max |F(Rx) − R F(x)|, eV/Å."""
    R = view.rotation(degrees)
    turned = view.rotated(_e.structure, R)

    def compared() -> list[Any]:
        from tenfma.explanation import explain

        forces = explain(cache.model(model), turned, chart="atoms").sensitivities.forces
        expected = _e.explanation.sensitivities.forces @ R.T
        return [forces.tolist(), float(np.linalg.norm(forces - expected))]

    forces, error = first.value("forces", f"{model} {key} {degrees:g}", compared)
    return turned, np.array(forces), error


@st.cache_data(max_entries=8, show_spinner=cache.WAIT)
def flow(_e: Explained, key: str, kT: float, steps: int, samples: int) -> Any:
    """Energy flow along a run from thermal momenta (crystals) or the system's start."""
    from tenfma.explanation import explain

    if _e.structure is None:
        return _e.explanation.flow(samples=samples)
    if not _e.trained:
        steps, samples = SLOW_STEPS, SLOW_STEPS
    moving = explain(cache.model(_e.model), _e.structure, chart="atoms", p0="thermal", kT=kT)
    return moving.flow(dt=1.0, steps=steps, samples=samples)


@st.cache_resource(max_entries=8, show_spinner=False)
def own_crystal(symbol: str) -> Any:
    """The crystal a shipped model is shown on: its element as found; an alloy ordered on its first element's lattice."""
    from ase.build import bulk
    from pymatgen.io.ase import AseAtomsAdaptor

    elements = cache.card(symbol).get("elements", [symbol]) if symbol in cache.trained_models() else [symbol]
    pure = [bulk(element, cubic=True) for element in elements]
    if len(pure) == 1:
        return AseAtomsAdaptor.get_structure(pure[0])
    mixed = pure[0].repeat((1, 1, -(-len(elements) // len(pure[0]))))
    mixed.symbols[:] = [elements[k % len(elements)] for k in range(len(mixed))]
    volume = np.mean([each.get_volume() / len(each) for each in pure])
    scale = (volume * len(mixed) / mixed.get_volume()) ** (1 / 3)
    mixed.set_cell(mixed.cell * scale, scale_atoms=True)
    return AseAtomsAdaptor.get_structure(mixed)


def _carried(t: Texts) -> tuple[Any, str]:
    """The crystal chosen on the Materials page, with the model that answers for it."""
    from tenfma.ui import choose as crystals

    source = state.carried().get("crystal") or crystals.DEFAULT
    with layout.told():
        found = cache.crystal(source)
    models = [*cache.trained_models(), UNTRAINED]
    present = {str(site.specie.symbol) for site in found.structure}
    fitting = next(
        (name for name in models if name != UNTRAINED and present <= cache.known_elements(name)), UNTRAINED
    )
    name = state.choice(
        t("couplings.with"), "with", models, lambda s: t("couplings.untrained") if s == UNTRAINED else s,
        default=fitting,
    )  # fmt: skip
    strange = sorted(present - cache.known_elements(name)) if name != UNTRAINED else []
    if strange:
        known = ", ".join(sorted(cache.known_elements(name)))
        st.warning(
            t("couplings.outside", model=name, strange=", ".join(strange), known=known),
            icon=":material/explore_off:",
        )
        st.stop()
    return found.structure, name
