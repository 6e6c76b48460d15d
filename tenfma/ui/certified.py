"""Certificates on pages: measured once, shown as a translated table."""

import json
from typing import Any

import pandas as pd
import streamlit as st

from tenfma.ui import cache, called, layout
from tenfma.ui.texts import CATALOGUE, Texts
from tenfma.viz import certificates

#: step (fs) and temperature (eV) of the shipped models' certificates
DT, KT = 1.0, 0.025


def rows(t: Texts, certificate: Any) -> pd.DataFrame:
    """The checks as a table in the page's language; a name or sentence without a translation stays as it is."""
    table = certificates.rows(certificate)
    table["verdict"] = [t(f"verdict.{check['verdict']}") for check in certificate["checks"]]
    for column in ("check", "limit", "meaning", "note"):
        table[column] = [_told(t, column, value) for value in table[column]]
    return table.rename(
        columns={name: t(f"check.{'name' if name == 'check' else name}") for name in table.columns}
    )


def _told(t: Texts, column: str, text: str) -> str:
    if text.startswith("invariant "):
        return f"{t('check:invariant')} {text.removeprefix('invariant ')}"
    key = f"{column}:{text}"
    if key not in CATALOGUE and column == "note" and "; " in text:
        return "; ".join(_told(t, column, part) for part in text.split("; "))
    return t(key) if key in CATALOGUE else called.note(t, text)


def show(t: Texts, certificate: dict[str, Any], name: str) -> None:
    """Verdict, table and downloads."""
    checks = certificate["checks"]
    failed = [layout.plain(_told(t, "check", each["name"])) for each in checks if each["verdict"] == "fail"]
    passed = sum(each["verdict"] == "pass" for each in checks)
    if failed:
        st.error(t("certificate.red", count=len(failed), names=", ".join(failed)))
    elif certificate.get("green"):
        st.success(t("certificate.green", count=passed))
    else:
        st.info(t("certificate.open", count=passed))
    table = rows(t, certificate)
    st.dataframe(table, hide_index=True, alt=t("certificate.title"), key=f"checks-{name}")
    layout.data(t, name, table, {"json": json.dumps(certificate)})


@st.cache_data(max_entries=16, show_spinner=cache.WAIT)
def of_model(name: str) -> dict[str, Any]:
    """The certificate of a shipped model on its own crystal, atoms chart, leapfrog, from thermal momenta."""
    from tenfma.dynamics.certificates import certify
    from tenfma.ui.explained import own_crystal

    H, q0, p0 = cache.model(name).hamiltonian(own_crystal(name), chart="atoms", p0="thermal", kT=KT, seed=0)
    return certify(H, "leapfrog", dt=DT, q=q0, p=p0).to_dict()


def heading(t: Texts, name: str) -> str:
    """What a file of measurements is called."""
    key = f"evidence.name.{name}"
    return t(key) if key in CATALOGUE else name.replace("_", " ").capitalize()
