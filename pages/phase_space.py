"""Phase space: trajectories, energy contours and a patch carried by the flow, animated in the browser."""

import pandas as pd
import streamlit as st

from tenfma.ui import components, layout, learned, state, studies, systems
from tenfma.viz import phase
from tenfma.viz import section as sections

t = layout.begin("phase")
of = state.choice(
    t("phase.of"), "of", ["formula", "learned"], lambda s: t(f"phase.of.{s}"), kind="segments",
    label_visibility="collapsed",
)  # fmt: skip
if of == "learned":
    learned.page(t)
    st.stop()
picture = st.container()
first, second, third = st.columns([1.1, 1, 1], gap="medium")

with first:
    chosen = systems.choose(t, "pendulum")
    H = chosen.H
    planes = phase.planes(H)
    plane = state.choice(t("plane"), "plane", list(planes), lambda s: " – ".join(planes[s].names))
    known = phase.methods_for(H)
    plain = phase.default_method(H)
    methods = state.choices(
        t("methods"), "methods", known, lambda s: t(f"method.{s}"), default=[plain, "euler"], max_selections=4
    ) or [plain]
with second:
    q0, p0 = systems.start(t, H)
with third:
    dt, steps = systems.step(t, H, getattr(H, "dt", 0.05), phase.default_steps(H))
    radius = state.number(t("radius"), "radius", phase.patch_radius(H), 0.0, 2.0, step=0.01, format="%.3g")

with picture, layout.told():
    study = studies.phase(chosen, q0, p0, dt, steps, methods, plane, radius)
    study.movie.values = {t("patch.area"): area for area in study.movie.values.values()}
    study.movie.missing = t("patch.folded")
    study.movie.paths = {t(f"method.{name}"): points for name, points in study.movie.paths.items()}
    study.movie.energies = {t(f"method.{name}"): series for name, series in study.movie.energies.items()}
    components.player(t, study.movie, t("phase.picture", system=chosen.title))
    layout.data(t, f"phase-space-{chosen.slug}", pd.DataFrame(study.table))
    for name in study.stopped:
        st.caption(t("stopped", name=t(f"method.{name}")))

lead = t(f"method.{methods[0]}")
if study.area is None:
    layout.notice(t, t("phase.note.plain", method=lead, drift=study.drift[methods[0]], time=dt * steps))
else:
    summary = phase.area_summary(study, dt, H.damping)
    layout.notice(
        t,
        t(
            f"phase.note.{summary.kind}",
            method=lead,
            area=summary.start,
            end=summary.end,
            factor=summary.end / summary.start,
            change=summary.change,
            drift=study.drift[methods[0]],
            damping=H.damping,
            expected=summary.expected,
        )
        + (t("phase.note.folded", time=summary.until) if summary.folded else ""),
    )


@st.fragment
def section() -> None:
    """Poincaré section at an energy."""
    st.subheader(t("section.title"), anchor=False)
    controls = st.columns(3)
    with controls[0]:
        start = float(H(q0, p0))
        energy = state.number(
            t("section.energy"), "energy", start, -abs(start) * 10 - 10, abs(start) * 10 + 10, format="%.4g"
        )
    with controls[1]:
        orbits = state.number(t("section.orbits"), "orbits", 14, 1, 40)
    with layout.told(stop=False):
        found = studies.section(chosen, energy, orbits, dt)
        with st.columns([2, 1])[0]:
            layout.figure(
                t,
                sections.section_figure(found),
                f"poincare-{chosen.slug}",
                t("section.picture", system=chosen.title, energy=f"{energy:.4g}"),
                pd.DataFrame(found.table()),
            )
        layout.notice(
            t,
            t("section.note", orbits=orbits, energy=energy, plane=found.names[0], dots=len(found.section)),
            "section",
        )


if len(H.coordinates) == 2 and not (H.damping or H.time_dependent):
    section()
display = H.display() if hasattr(H, "display") else H.latex()
layout.equations(
    t,
    [
        (t("phase.eq.hamilton"), f"H = {display}"),
        *(("", line) for line in H.equations()[:12]),
        (t("phase.eq.area"), r"\sum_i \oint p_i\,\mathrm{d}q_i = \text{const}"),
    ],
)
