"""Choosing a Hamiltonian system, by name or by typing its formula, with its start and step."""

from dataclasses import dataclass

import numpy as np
import streamlit as st

from tenfma.errors import FormulaError
from tenfma.hamiltonian.symbolic import SymbolicHamiltonian, symbolic
from tenfma.hamiltonian.textbook import textbook
from tenfma.ui import layout, state
from tenfma.ui.texts import Texts
from tenfma.viz.names import pretty, typeset
from tenfma.viz.phase import start_of

OWN = "own"
DEFAULT_FORMULA = "p**2/2 + q**4/4 - q**2/2"
#: controls that belong to one system and start afresh with another
OWNED = (
    "plane",
    "methods",
    "dt",
    "steps",
    "radius",
    "method",
    "energy",
    "certify",
    *(f"{a}{i}" for a in "qp" for i in range(6)),
)


@dataclass(frozen=True)
class Chosen:
    """A system as pages use it."""

    slug: str
    title: str
    H: SymbolicHamiltonian


@st.cache_resource(max_entries=64, show_spinner=False)
def _textbook(name: str) -> SymbolicHamiltonian:
    return textbook(name)


def slugs(most: int) -> list[str]:
    """Textbook systems with at most that many coordinates."""
    return [name for name, count in textbook.sizes().items() if count <= most]


def choose(t: Texts, default: str, most: int = 6) -> Chosen:
    """The chosen system; a formula that is not accepted is told in one sentence and ends the page."""
    options = [*slugs(most), OWN]
    slug = state.choice(
        t("system"), "system", options, {s: t(f"system.{s}") for s in options}, default=default,
        on_change=state.forget, args=OWNED,
    )  # fmt: skip
    if slug != OWN:
        return Chosen(slug, t(f"system.{slug}"), _textbook(slug))
    text = state.words(
        t("formula"),
        "formula",
        DEFAULT_FORMULA,
        limit=300,
        help=t("formula.help"),
        on_change=state.forget,
        args=OWNED,
    )
    with layout.told():
        H = symbolic(text)
        if len(H.coordinates) > most:
            raise FormulaError(t("formula.many", most=most, count=len(H.coordinates)))
        q0, p0 = start_of(H)
        if not np.isfinite(np.asarray(H(q0, p0), float)):
            q0 = q0 + 0.1
    return Chosen(OWN, t("system.own"), H)


def _at_start(name: str) -> str:
    """A control's label, a formula only where words cannot write it: readers of screens read it as it stands."""
    shown = pretty(name)
    return typeset(name, "(0)") if "_" in shown else f"{shown}(0)"


def start(t: Texts, H: SymbolicHamiltonian, most: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Number inputs for the initial coordinates and momenta, in the order q, p."""
    q0, p0 = start_of(H)
    for names, values, letter in ((H.coordinates, q0, "q"), (H.momenta, p0, "p")):
        columns = st.columns(min(len(names), 3)) if len(names) > 1 else [st.container()]
        for i, name in enumerate(names[:most]):
            with columns[i % len(columns)]:
                values[i] = state.number(
                    _at_start(name), f"{letter}{i}", float(values[i]), -50.0, 50.0,
                    step=0.1, format="%.4g",
                )  # fmt: skip
    return q0, p0


def step(
    t: Texts, H: SymbolicHamiltonian, dt: float, steps: int, most_steps: int = 20_000
) -> tuple[float, int]:
    """Step size and number of steps."""
    chosen = state.number(t("dt"), "dt", float(dt), dt / 200, dt * 50, step=dt / 10, format="%.4g")
    return chosen, state.number(t("steps"), "steps", int(min(steps, most_steps)), 10, most_steps, step=100)
