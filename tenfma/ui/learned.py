"""Phase space of a learned crystal: a shipped model, one of its normal modes, methods side by side."""

from typing import Any

import pandas as pd
import streamlit as st

from tenfma.ui import cache, components, explained, layout, state
from tenfma.ui.texts import Texts

METHODS = ("leapfrog", "yoshida4", "symplectic_euler", "euler", "rk4")


def page(t: Texts) -> None:
    """The animated player with its controls after it, and what to notice."""
    picture = st.container()
    first, second, third = st.columns(3, gap="medium")
    with first:
        model = state.choice(t("learned.model"), "model", cache.trained_models(), default="Si")
        with layout.told():
            modes = _modes(model)
        known = [str(k) for k in modes]
        mode = state.choice(
            t("learned.mode"), "mode", known, default=known[-1],
            names=lambda s: t("learned.mode.name", k=int(s) + 1, f=modes[int(s)][0], cm=modes[int(s)][1]),
        )  # fmt: skip
        methods = state.choices(
            t("methods"),
            "ways",
            METHODS,
            lambda s: t(f"method.{s}"),
            default=["leapfrog", "euler"],
            max_selections=3,
        ) or ["leapfrog"]
    with second:
        size = state.number(t("learned.size"), "pulled", 0.1, 0.02, 0.4, step=0.02, kind="slider")
        radius = state.number(t("learned.radius"), "spread", 0.2, 0.0, 0.5, step=0.05, kind="slider")
    with third:
        dt = state.number(t("learned.dt"), "fs", 1.0, 0.25, 8.0, step=0.25, kind="slider")
        steps = state.number(t("steps"), "count", 200, 50, 1000, step=50)
    with picture, layout.told():
        study = _study(model, int(mode), size, dt, steps, tuple(methods), radius, t("learned.area"))
        study.movie.missing = t("patch.folded")
        study.movie.paths = {t(f"method.{name}"): points for name, points in study.movie.paths.items()}
        study.movie.energies = {t(f"method.{name}"): series for name, series in study.movie.energies.items()}
        components.player(
            t, study.movie, t("learned.picture", model=model, f=modes[int(mode)][0]), key="learned-player"
        )
        layout.data(t, f"learned-{model}-{mode}", pd.DataFrame(study.table))
        for name in study.stopped:
            st.caption(t("stopped", name=t(f"method.{name}")))
    told = t(
        "learned.note",
        model=model,
        f=modes[int(mode)][0],
        method=t(f"method.{methods[0]}"),
        drift=study.drift[methods[0]],
    )
    if study.area is not None:
        change = float(abs(study.area / study.area[0] - 1).max())
        told += t("learned.note.area", change=change, area=float(study.area[0])) if change == change else ""
    layout.notice(t, told)
    layout.equations(
        t,
        [
            (t("learned.eq.mode"), r"Q = \sum_i \sqrt{m_i}\,e_i\cdot(r_i - r_i^0), \qquad P = \dot Q"),
            (t("learned.eq.slice"), r"H(Q, P) = U_\theta(r^0 + Q\,e/\sqrt m) + \tfrac12 P^2"),
            (t("phase.eq.area"), r"\sum_i \oint p_i\cdot\mathrm{d}r_i = \text{const}"),
        ],
    )


@st.cache_resource(max_entries=8, show_spinner=cache.WAIT)
def _rest(model: str) -> Any:
    """The model's own crystal, in its primitive cell if that can vibrate: explanation, and modes."""
    from tenfma.explanation import explain

    structure = explained.own_crystal(model)
    primitive = structure.get_primitive_structure()
    e = explain(cache.model(model), primitive if len(primitive) > 1 else structure, chart="atoms")
    return e, e.modes()


def _modes(model: str) -> dict[int, tuple[float, float]]:
    """Modes that have a frequency: number → THz, cm⁻¹."""
    _, modes = _rest(model)
    return {k: (float(f), float(modes.wavenumbers[k])) for k, f in enumerate(modes.frequencies) if f > 0.1}


@st.cache_data(max_entries=24, show_spinner=cache.WAIT)
def _study(
    model: str,
    mode: int,
    size: float,
    dt: float,
    steps: int,
    methods: tuple[str, ...],
    radius: float,
    area: str,
) -> Any:
    from tenfma.viz import learned_phase

    e, modes = _rest(model)
    return learned_phase.study(e.H, e.q, modes.patterns[mode], size, dt, steps, methods, radius, area)
