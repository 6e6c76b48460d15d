"""Heat: walkers under Langevin dynamics against the Boltzmann distribution, and the wrong noise beside them."""

import pandas as pd
import streamlit as st

from tenfma.ui import layout, state, studies
from tenfma.viz import heat

t = layout.begin("heat")
picture = st.container()
OWN = "own"

first, second, third = st.columns(3, gap="medium")
with first:
    slug = state.choice(
        t("heat.potential"),
        "potential",
        [*heat.POTENTIALS, OWN],
        lambda s: t(f"heat.{s}"),
        default="double-well",
    )
    potential = slug if slug != OWN else state.words(t("heat.formula"), "V", "q**4/4 - q**2", limit=200)
    method = state.choice(
        t("heat.method"), "thermostat", list(heat.METHODS), lambda s: t(f"heat.{s}"), default="baoab"
    )
    seed = state.number(t("heat.seed"), "seed", 0, 0, 1_000_000)
with second:
    kT = state.number(t("heat.kT"), "kT", 0.5, 0.05, 5.0, step=0.05, kind="slider")
    friction = state.number(t("heat.friction"), "friction", 1.0, 0.05, 10.0, step=0.05, kind="slider")
    mass = state.number(t("heat.mass"), "mass", 2.0, 0.25, 8.0, step=0.25, kind="slider")
with third:
    dt = state.number(t("heat.dt"), "dt", 0.1, 0.005, 1.0, step=0.005, kind="slider", format="%.3f")
    steps = state.number(t("heat.steps"), "steps", 4000, 500, 20_000, step=500, kind="slider")
    walkers = state.number(t("heat.walkers"), "walkers", 300, 20, 1000, step=20, kind="slider")

with picture, layout.told():
    settings = {"friction": friction, "dt": dt, "steps": steps, "walkers": walkers, "seed": seed}
    found = studies.heat(potential, mass, kT, method, **settings)
    names = [t("heat.exact"), t("heat.walk"), t("heat.wrong")]
    layout.figure(
        t, heat.heat_figure(found, names, "q", t("heat.axis")), "heat", t("heat.picture"),
        pd.DataFrame(heat.table(found)),
    )  # fmt: skip

right, wrong = found.right, found.wrong
kinetic, conf = right.kinetic, right.configurational
agree = heat.agrees(kinetic, kT) and heat.agrees(conf, kT)
sentence = t(
    "heat.note.right" if agree else "heat.note.off",
    kT=kT,
    kinetic=kinetic.value,
    kinetic_error=kinetic.error,
    conf=conf.value,
    conf_error=conf.error,
)
if wrong:
    sentence += t("heat.note.wrong", mass=mass, wrong=wrong.kinetic.value, wrong_error=wrong.kinetic.error)
else:
    sentence += t("heat.note.same")
layout.notice(t, sentence)

rows = {t("heat.walk"): right, **({t("heat.wrong"): wrong} if wrong else {})}
st.dataframe(
    pd.DataFrame(
        {
            t("heat.row"): list(rows),
            t("heat.kinetic"): [f"{s.kinetic.value:.4f} ± {s.kinetic.error:.4f}" for s in rows.values()],
            t("heat.configurational"): [
                f"{s.configurational.value:.4f} ± {s.configurational.error:.4f}" for s in rows.values()
            ],
            t("heat.distance"): [f"{s.distance:.4f}" for s in rows.values()],
        }
    ),
    hide_index=True,
    alt=t("heat.kinetic"),
)
layout.equations(
    t,
    [
        ("", f"H = {studies.heat_formula(potential, mass)}"),
        (
            t("heat.eq.langevin"),
            r"\mathrm{d}p = -\frac{\partial H}{\partial q}\,\mathrm{d}t - \gamma p\,\mathrm{d}t"
            r" + \sqrt{2\gamma m k_B T}\,\mathrm{d}W",
        ),
        (
            t("heat.eq.wrong"),
            r"\sqrt{2\gamma k_B T}\,\mathrm{d}W \quad\Rightarrow\quad T_{\text{sampled}} = T/m",
        ),
        (t("heat.eq.word"), r"B_{h/2}\,A_{h/2}\,O_h\,A_{h/2}\,B_{h/2}"),
    ],
)
