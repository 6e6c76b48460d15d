"""Couplings: arrows of −∂H/∂q on the crystal, heat map and distance linked; parts, sensitivities and energy flow."""

import streamlit as st

from tenfma.ui import certified, components, coupled, explained, layout, state

t = layout.begin("couplings")
picture = st.container()
controls = st.columns(3, gap="medium")
chosen = explained.choose(t, *controls)

with picture, layout.told():
    coupled.linked(t, chosen)

standing = f"{coupled.standing(t, chosen)} " if chosen.structure is not None else ""
st.caption(f"{standing}{t('couplings.click')}")
layout.notice(t, coupled.sentence(t, chosen))


@st.fragment
def parts() -> None:
    """Energy of every part; which bonds pull; which features H answers to."""
    if not components.drawn("parts", of="chart"):
        return
    left, right = st.columns(2, gap="medium")
    with left, layout.told(stop=False):
        coupled.parts(t, chosen)
    with right, layout.told(stop=False):
        coupled.sensitivities(t, chosen)
    if chosen.structure is not None:
        with layout.told(stop=False):
            coupled.features(t, chosen)


@st.fragment
def flow() -> None:
    """Energy running from part to part along a motion."""
    if not components.drawn("flow", of="chart"):
        return
    st.subheader(t("couplings.flow"), anchor=False)
    if not chosen.trained and not st.toggle(t("couplings.flow.run"), key="flowing"):
        return
    kT = 0.0
    if chosen.structure is not None:
        kT = state.number(
            t("couplings.flow.kT"), "kT", 0.05, 0.005, 0.15, step=0.005, kind="slider", format="%.3f"
        )
    with layout.told(stop=False):
        coupled.flow(t, chosen, kT)


@st.fragment
def truth() -> None:
    """Every identity the explanation stands on, when asked for."""
    with st.expander(t("couplings.check"), icon=":material/fact_check:"):
        if not st.toggle(t("couplings.check.run"), key="check"):
            return
        found = chosen.explanation.verify()
        failed = sum(check.verdict == "fail" for check in found.checks)
        told = t(
            "couplings.check.false" if failed else "couplings.check.true",
            failed=failed,
            count=len(found.checks),
        )
        (st.error if failed else st.success)(told)
        st.dataframe(certified.rows(t, found.to_dict()), hide_index=True, alt=t("couplings.check"))


parts()
flow()
truth()
layout.equations(
    t,
    [
        (t("couplings.eq.force"), r"F_i = -\frac{\partial H}{\partial r_i}"),
        (t("couplings.eq.coupling"), r"K_{ij} = \frac{\partial^2 H}{\partial q_i\,\partial q_j}"),
        (
            t("couplings.eq.flow"),
            r"H = \sum_i E_i, \quad J_{ij} = \{E_i, E_j\} = -J_{ji}, \quad \sum_j J_{ij} = \dot E_i",
        ),
        (t("couplings.eq.rotation"), r"F(Rx) = R\,F(x)"),
    ],
)
