"""Energy drift: which methods keep the energy, how fast the others lose it, and with what order errors fall."""

import pandas as pd
import streamlit as st

from tenfma.ui import certified, components, layout, state, studies, systems
from tenfma.viz import drift as study
from tenfma.viz import phase

t = layout.begin("drift")
picture = st.container()
first, second, third = st.columns(3, gap="medium")


def name(method: str) -> str:
    return t(f"method.{method}")


with first:
    chosen = systems.choose(t, "pendulum", most=18)
    H = chosen.H
    known = phase.methods_for(H)
    wanted = study.default_methods(H, known)
    methods = (
        state.choices(t("drift.methods"), "methods", known, name, default=wanted, max_selections=6) or wanted
    )
with second:
    q0, p0 = systems.start(t, H) if len(H.coordinates) <= 3 else phase.start_of(H)
with third:
    dt, steps = systems.step(t, H, 4 * getattr(H, "dt", 0.1), 5000, most_steps=50_000)

with picture, layout.told():
    result = studies.drift(chosen, q0, p0, dt, steps, methods)
    layout.figure(
        t,
        study.drift_figure(
            result, name, t("time") + " t", t("drift.axis" if result.relative else "drift.axis.zero")
        ),
        f"energy-drift-{chosen.slug}",
        t("drift.picture", system=chosen.title),
        pd.DataFrame({key: pd.Series(values) for key, values in study.table(result).items()}),
    )

if H.damping or H.time_dependent:
    layout.notice(t, t("drift.note.not_kept", why=t("drift.why.damped" if H.damping else "drift.why.time")))
else:
    layout.notice(t, study.sentence(result, t, name))


@st.fragment
def order() -> None:
    """How the error falls with the step."""
    if not components.drawn("order", of="chart"):
        return
    st.subheader(t("order.title"), anchor=False)
    with layout.told():
        fitted = studies.orders(chosen, q0, p0, dt / 2, [m for m in methods if m in known])
        layout.figure(
            t,
            study.order_figure(
                fitted,
                lambda m: (
                    t("order.legend", name=name(m), order=fitted.order[m]) if m in fitted.order else name(m)
                ),
                t("order.axis.x"),
                t("order.axis.y"),
            ),
            f"order-{chosen.slug}",
            t("order.picture", system=chosen.title),
            pd.DataFrame({"dt": fitted.steps, **fitted.errors}),
        )
    told = t("and").join(f"{name(m)}: {order:.2f}" for m, order in fitted.order.items())
    st.markdown(t("order.note", orders=told))


@st.fragment
def certificate() -> None:
    """What the chosen method is measured to do to this system at this step."""
    if not components.drawn("certificate", of="chart"):
        return
    st.subheader(t("certificate.title"), anchor=False)
    st.markdown(t("certificate.text", dt=dt / 4))
    method = state.choice(t("certificate.method"), "certify", known, name, default=phase.default_method(H))
    with layout.told():
        found = studies.certificate(chosen, q0, p0, dt / 4, method)
        certified.show(t, found, f"certificate-{chosen.slug}-{method}")


order()
certificate()
layout.equations(
    t,
    [
        (t("phase.eq.hamilton"), f"H = {H.display() if hasattr(H, 'display') else H.latex()}"),
        (
            t("drift.eq.defect"),
            r"J^\top \Omega J = \Omega, \qquad \Omega = \begin{pmatrix} 0 & 1 \\ -1 & 0 \end{pmatrix}",
        ),
        (
            t("drift.eq.shadow"),
            r"\tilde H = H + \Delta t^{\,r} H_r + \dots, \qquad |\Delta E| = O(\Delta t^{\,r})",
        ),
    ],
)
