"""Motions that the pages on dynamics show, each computed once for everybody; keys are plain values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from tenfma.ui import cache
from tenfma.viz import first

if TYPE_CHECKING:
    from tenfma.ui.systems import Chosen
    from tenfma.viz.drift import Drift, Orders
    from tenfma.viz.heat import Comparison
    from tenfma.viz.phase import Study


def named(chosen: Chosen) -> str:
    """What a result is kept under: the system and its formula."""
    return f"{chosen.slug} {chosen.H.expression}"


def _told(*parts: Any) -> str:
    return " ".join(str(part).replace(" ", "") for part in parts)


@st.cache_data(max_entries=256, show_spinner=False)
def heat(potential: str, mass: float, kT: float, method: str, **settings: Any) -> Comparison:
    """Walkers in a potential against Boltzmann's density."""
    from tenfma.viz import heat as walks

    def walked() -> dict[str, Any]:
        H = walks.hamiltonian(potential, mass)
        return walks.compare(H, kT, method=method, **settings).plain()

    key = _told(potential, mass, kT, method, *settings.values())
    return walks.comparison_of(first.value("heat", key, walked))


@st.cache_data(max_entries=256, show_spinner=False)
def heat_formula(potential: str, mass: float) -> str:
    """LaTeX of that Hamiltonian."""
    from tenfma.viz import heat as walks

    return walks.hamiltonian(potential, mass).latex()


def drift(chosen: Chosen, q0: np.ndarray, p0: np.ndarray, dt: float, steps: int, methods: list[str]) -> Drift:
    """Energy errors of every method along its path."""
    return _drift(chosen, named(chosen), tuple(q0.tolist()), tuple(p0.tolist()), dt, steps, tuple(methods))


@st.cache_data(max_entries=128, show_spinner=False)
def _drift(_chosen: Chosen, name: str, q0: tuple, p0: tuple, dt: float, steps: int, methods: tuple) -> Drift:
    from tenfma.viz import drift as study

    def run() -> dict[str, Any]:
        H = soonest(_chosen, steps)
        return study.drift(H, np.array(q0), np.array(p0), dt, steps, methods).plain()

    return study.drift_of(first.value("drift", _told(name, q0, p0, dt, steps, methods), run))


def orders(chosen: Chosen, q0: np.ndarray, p0: np.ndarray, dt: float, methods: list[str]) -> Orders:
    """How every method's error falls with the step."""
    return _orders(chosen.H, named(chosen), tuple(q0.tolist()), tuple(p0.tolist()), dt, tuple(methods))


@st.cache_data(max_entries=128, show_spinner=False)
def _orders(_H: Any, name: str, q0: tuple, p0: tuple, dt: float, methods: tuple) -> Orders:
    from tenfma.viz import drift as study

    def run() -> dict[str, Any]:
        return study.orders(_H, np.array(q0), np.array(p0), dt, methods).plain()

    return study.orders_of(first.value("orders", _told(name, q0, p0, dt, methods), run))


def phase(
    chosen: Chosen,
    q0: np.ndarray,
    p0: np.ndarray,
    dt: float,
    steps: int,
    methods: list[str],
    plane: str,
    radius: float,
) -> Study:
    """Trajectories in a plane of phase space, with a patch carried along; a copy of its own for every caller."""
    start = tuple(q0.tolist()), tuple(p0.tolist())
    return _phase(chosen.H, named(chosen), *start, dt, steps, tuple(methods), plane, radius)


@st.cache_data(max_entries=64, show_spinner=False)
def _phase(
    _H: Any, name: str, q0: tuple, p0: tuple, dt: float, steps: int, methods: tuple, plane: str, radius: float
) -> Study:
    from tenfma.viz import phase as motions

    chosen = motions.planes(_H)[plane]
    return motions.study(_H, np.array(q0), np.array(p0), dt, steps, methods, chosen, radius)


def soonest(chosen: Any, steps: int) -> Any:
    """H as a first run is over soonest: by NumPy before machine code is there, which later runs have."""
    from tenfma.viz import phase

    name = named(chosen)
    seen = _seen()
    if name in seen or steps > 3 * phase.SHORT:
        return chosen.H
    seen.add(name)
    return phase.Stepwise(chosen.H)


@st.cache_resource(show_spinner=False)
def _seen() -> set[str]:
    return set()


def certificate(chosen: Any, q0: np.ndarray, p0: np.ndarray, dt: float, method: str) -> dict[str, Any]:
    """A certificate as plain values, by system (or its formula), start, step and method."""
    return _certificate(chosen.H, named(chosen), tuple(q0.tolist()), tuple(p0.tolist()), dt, method)


@st.cache_data(max_entries=128, show_spinner=cache.WAIT)
def _certificate(_H: Any, name: str, q0: tuple, p0: tuple, dt: float, method: str) -> dict[str, Any]:
    def certified() -> dict[str, Any]:
        from tenfma.dynamics.certificates import certify

        return certify(_H, method, dt=dt, q=np.array(q0), p=np.array(p0)).to_dict()

    return first.value("certificate", _told(name, q0, p0, dt, method), certified)


def section(chosen: Any, energy: float, orbits: int, dt: float) -> Any:
    """A Poincaré section of a system of two coordinates."""
    return _section(chosen.H, named(chosen), energy, orbits, dt)


@st.cache_data(max_entries=64, show_spinner=cache.WAIT)
def _section(_H: Any, name: str, energy: float, orbits: int, dt: float) -> Any:
    from tenfma.viz import section as sections

    return sections.dots(_H, energy, orbits, dt=min(max(dt, 0.05), 0.1))
