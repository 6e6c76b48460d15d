"""An explanation's own checks: green where it is true, red where a part lies; tables, JSON and notebook faces."""

import json

import numpy as np
import pytest
from ase.build import bulk

import tenfma
from tenfma.errors import TenfmaError
from tenfma.explanation import explain, gauge_stability
from tenfma.explanation.tables import html_table


@pytest.fixture(scope="module")
def silicon():
    return explain(tenfma.load("Si"), bulk("Si", "diamond", a=5.469))


@pytest.mark.parametrize("name", tenfma.textbook.names())
def test_textbook_explanations_verify(name):
    assert explain(tenfma.textbook(name)).verify().green


def test_a_lie_about_one_part_alone_is_still_found():
    e = explain(tenfma.textbook("morse"))
    e.parted.currents = lambda q, p, t=0.0: np.array([[1e-5]])
    assert not e.verify().green


@pytest.mark.parametrize("chart", ["atoms", "simplices"])
def test_a_network_verifies_in_both_charts_even_at_rest(chart):
    verification = explain(tenfma.load(), tenfma.read("prototype:B1"), chart=chart).verify()
    assert verification.green, str(verification)


def test_a_force_model_verifies_every_check_it_has(silicon):
    verification = silicon.verify()
    assert verification.green, str(verification)
    assert len(verification.checks) == 7


def test_a_lie_turns_the_verdict_red(silicon):
    e = explain(tenfma.load("Si"), bulk("Si", "diamond", a=5.469))
    true = e.parted.transfer
    e.parted.transfer = lambda q, p, t=0.0: 1.001 * true(q, p, t)
    assert [check.name for check in e.verify().checks if check.verdict == "fail"] == [
        "flows add up to the change of every part"
    ]
    row = e.couplings(of=0)
    row[1] += 0.01
    failed = {check.name for check in e.verify().checks if check.verdict == "fail"}
    assert {"acoustic sum rule", "couplings equal differences of ∂H/∂q"} <= failed


def test_couplings_of_simplices_that_are_not_symmetric_turn_the_verdict_red():
    e = explain(tenfma.load(), tenfma.read("prototype:B1"), chart="simplices")
    couplings = e.couplings()
    true, far = couplings.hessian_vector, couplings.owner != 0
    couplings.__dict__["hessian_vector"] = lambda v: true(v) + 0.01 * far * np.roll(v, 1).sum()
    failed = {check.name for check in e.verify().checks if check.verdict == "fail"}
    assert failed == {"couplings are symmetric", "couplings equal differences of ∂H/∂q"}


def test_json_holds_numbers_and_names(silicon):
    content = json.loads(json.dumps(silicon.to_dict(silicon.flow(dt=1.0, steps=4))))
    assert content["verification"]["green"]
    assert {"parts", "bond tensions", "angle torques", "couplings", "modes", "energy flow"} <= set(
        content["tables"]
    )
    assert content["tables"]["parts"][0]["part"] == "Si1"
    assert content["total"] == pytest.approx(silicon.parts.energy.sum())


def test_objects_show_themselves_in_a_notebook(silicon):
    flow = explain(tenfma.textbook("coupled-oscillators")).flow(steps=20)
    for shown in (
        silicon,
        silicon.parts,
        silicon.modes(),
        silicon.verify(),
        flow,
        silicon.sensitivities,
        silicon.couplings(),
        silicon.sensitivities.bonds,
        silicon.sensitivities.tensions,
        silicon.sensitivities.features,
        explain(tenfma.load(), tenfma.read("prototype:B1"), chart="simplices").couplings(),
        gauge_stability(silicon),
    ):
        assert "<table>" in shown._repr_html_()
    assert "Gauge" in silicon._repr_html_()


def test_tables_escape_what_they_show():
    import pandas as pd

    frame = pd.DataFrame({"<b>": ["<script>alert(1)</script>"]})
    assert "<script>" not in html_table(frame, "<i>") and "<b>" not in html_table(frame)


def test_a_flow_network_names_giver_and_taker():
    H = tenfma.textbook("coupled-oscillators")
    flow = explain(H).flow(dt=0.02, steps=700, method="yoshida4")
    first = flow.network().iloc[0]
    assert (first["from"], first["to"]) == ("q1", "q2")  # the first mass holds all energy at the start
    assert first["flow"] == pytest.approx(np.abs(flow.mean[0, 1]))


def test_watching_a_run_changes_none_of_its_states(silicon):
    watched = []
    flow = silicon.flow(dt=1.0, steps=401, progress=watched.append)
    assert np.array_equal(flow.t, silicon.flow(dt=1.0, steps=401).t)
    assert len(flow.t) == 202 and np.diff(watched).min() >= 0 and watched[-1] == 1.0


def test_a_flow_looked_at_too_seldom_says_so():
    e = explain(tenfma.textbook("coupled-oscillators"))
    assert e.flow(dt=0.02, steps=4000).warning == ""
    seldom = e.flow(dt=0.02, steps=4000, samples=12)
    assert "more samples" in seldom.warning and "more samples" in seldom._repr_html_()


def test_a_run_that_is_lost_is_told_in_terms_of_dt():
    e = explain(tenfma.textbook("coupled-oscillators"))
    with pytest.raises(TenfmaError, match="dt 3"):
        e.flow(dt=3.0, steps=40)
    with pytest.raises(TenfmaError, match="dt is 0"):
        e.flow(dt=0.0, steps=40)


def test_a_supercell_that_would_not_fit_is_refused_before_any_work(silicon):
    with pytest.raises(TenfmaError, match="9,9,9 of 2 atoms makes 1458"):
        silicon.modes((9, 9, 9))
    assert silicon.modes((2, 1, 1)) is silicon.modes((2, 1, 1))
