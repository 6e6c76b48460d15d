"""Couplings, evidence, lessons, learned phase space, uploads of several frames, and the catalogue's pages."""

import json
import re

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from test_pages import CIF, charts, markdown, opened, upload

from tenfma.site import assets
from tenfma.ui import called, library
from tenfma.ui.layout import PAGES
from tenfma.ui.lessons import LESSONS
from tenfma.ui.texts import CATALOGUE, texts
from tenfma.viz import evidence


def number(text: str) -> float:
    """5.7×10⁻⁹ as a number."""
    digits, _, power = text.partition("×10")
    return float(f"{digits}e{power.translate(str.maketrans('⁻⁰¹²³⁴⁵⁶⁷⁸⁹', '-0123456789')) or 0}")


def captions(at: AppTest) -> str:
    return "\n".join(each.value for each in at.caption)


def test_couplings_of_a_textbook_pair_and_its_chosen_cell():
    at = opened("couplings", subject="coupled-oscillators", atom="0", partner="1")
    assert not at.exception
    assert not at.error
    assert "q1" in markdown(at)
    assert "norm 0.1" in markdown(at), "the pair's coupling is −c = −0.1"


def test_couplings_of_a_model_whose_atoms_pass_messages_say_so():
    told = captions(opened("couplings", subject="Si-large"))
    assert "Its atoms pass messages" in told
    assert "pass messages" not in captions(opened("couplings", subject="Si"))


def test_couplings_of_a_learned_crystal_turn_with_it():
    at = opened("couplings", subject="Si", turn="70", atom="1", partner="4")
    assert not at.exception
    assert not at.error
    told = captions(at)
    error = number(told.split("R F(x)‖ = ")[1].split(" ")[0])
    assert error < 1e-10
    assert "Pair Si2 – Si5" in markdown(at)
    squares = next(c for c in charts(at) if c["data"][0]["type"] == "heatmap")["data"][1]
    assert len(squares["customdata"]) == 64 or "bdata" in squares["customdata"]


def test_couplings_outside_the_domain_are_refused_in_words():
    at = opened("couplings", subject="crystal", crystal="diamond")
    at.selectbox(key="with").set_value("Si").run()
    assert not at.exception
    assert len(at.warning) == 1
    assert "never seen C" in at.warning[0].value


def test_evidence_says_where_we_lose():
    at = opened("evidence")
    assert not at.exception
    assert CATALOGUE["evidence.loses"][0] in [each.value for each in at.subheader]
    assert charts(at)


def test_measured_rows_are_called_in_the_pages_language():
    t, english = texts("zh"), texts("en")
    assert (
        called.row(t, "Hénon–Heiles, one trajectory, end only (leapfrog)")
        == "Hénon–Heiles 系统, 单条轨迹, 只留终点 (蛙跳法)"
    )
    assert called.row(t, "no such row (log10(K))") == "no such row (log10(K))"
    files = evidence.read(assets() / "evidence")
    speeds = list(evidence.ratios(files)["task"])
    assert [called.row(english, task) for task in speeds] == speeds
    tasks = speeds + [each.task for each in evidence.losses(files)]
    assert len(tasks) > 20
    shown = [library.worded(t, called.row(t, task)) for task in tasks]
    assert not [task for task in shown if not re.search(r"[一-鿿]", task)]
    at = opened("evidence", lang="zh")
    assert not at.exception
    names = [each["text"] for chart in charts(at) for each in chart["layout"].get("annotations", [])]
    assert any(name.startswith("外太阳系, 只留终点 (蛙跳法)") for name in names)
    lost = next(table.value["项目"] for table in at.dataframe if "项目" in table.value)
    assert not [task for task in lost if not re.search(r"[一-鿿]", task)]


def test_learned_crystal_keeps_area_with_leapfrog_and_not_with_euler():
    at = opened("phase", of="learned", model="Si", count="50")
    assert not at.exception
    assert "area" in markdown(at)
    change = number(markdown(at).split("stays within ")[1].split(" ")[0])
    assert change < 1e-9
    at = opened("phase", of="learned", model="Si", count="50", ways="euler,leapfrog")
    wrong = number(markdown(at).split("stays within ")[1].split(" ")[0])
    assert wrong > 1e-3


@pytest.mark.parametrize("name", LESSONS)
def test_last_step_of_every_lesson_draws_and_sets_its_controls(name):
    number = len(LESSONS[name])
    step = LESSONS[name][-1]
    at = opened(step.page, **step.controls, lesson=name, step=str(number))
    assert not at.exception
    assert not at.error
    assert CATALOGUE[f"lesson.{name}.{number}"][0] in [each.value for each in at.markdown]
    held = {w.key: w.value for w in [*at.selectbox, *at.slider, *at.number_input, *at.text_input]}
    assert all(str(held[key]) == value for key, value in step.controls.items() if key in held)


def test_every_step_has_words_in_both_languages_and_a_page():
    for name, steps in LESSONS.items():
        for number, step in enumerate(steps, 1):
            assert step.page in PAGES
            assert f"lesson.{name}.{number}" in CATALOGUE
        assert "**Try**" in CATALOGUE[f"lesson.{name}.{len(steps)}"][0]


def test_a_step_on_the_same_page_sets_controls_anew():
    at = opened("heat", **LESSONS["bath"][0].controls, lesson="bath", step="1")
    assert {w.key: w.value for w in at.slider}["mass"] == 1.0
    for key, value in {**LESSONS["bath"][1].controls, "step": "2"}.items():
        at.query_params[key] = value
    at.run()
    assert {w.key: w.value for w in at.slider}["mass"] == 4.0


def test_bad_frames_of_an_upload_are_told_and_the_rest_shown():
    good = b'2\nLattice="4 0 0 0 4 0 0 0 4" Properties=species:S:1:pos:R:3 pbc="T T T"\nCs 0 0 0\nCl 2 2 2\n'
    bad = good.replace(b"Cl 2 2 2", b"Xx 2 2 2")
    at = upload("frames.extxyz", good + bad + good)
    assert not at.exception
    assert not at.error
    assert {w.key: w.value for w in at.selectbox}["crystal"] == "upload"
    assert any("1 of 3" in each.value for each in at.warning)
    assert at.number_input(key="_frame").max == 1


def test_caesium_has_bonds_by_the_librarys_rule():
    caesium = CIF.replace(b"_cell_length_a 4.2", b"_cell_length_a 6.1").replace(
        b"_cell_length_b 4.2", b"_cell_length_b 6.1"
    )
    caesium = caesium.replace(b"_cell_length_c 4.2", b"_cell_length_c 6.1").replace(b"Cl1 Cl", b"Cs2 Cs")
    at = upload("cs.cif", caesium)
    assert not at.exception
    metrics = {each.label: each.value for each in at.metric}
    assert int(metrics["Bonds"]) > 0
    assert int(metrics["Triangles"]) > 0


def test_certificate_rows_are_translated():
    at = opened("drift", lang="zh")
    tables = [each.value for each in at.dataframe]
    verdicts = next(t["结论"] for t in tables if "结论" in t)
    assert any("置信带含 0" in " ".join(table.astype(str).to_numpy().ravel()) for table in tables)
    assert set(verdicts) <= {CATALOGUE[f"verdict.{v}"][1] for v in ("pass", "fail", "shown", "n/a")}


@pytest.mark.slow
def test_catalogue_filters_list_and_choose_the_first_row():
    at = opened("materials", **{"from": "catalogue", "name": "perovskite", "property": "any"})
    assert not at.exception
    assert not at.error
    assert "catalogue:" in str(at.query_params["crystal"])
    at = opened("materials", **{"from": "catalogue", "name": "no such crystal anywhere"})
    assert len(at.warning) == 1


@pytest.mark.slow
def test_published_values_stand_beside_the_models_own():
    from tenfma.ui import library

    entry = library.catalogue().get("mp-2663")
    at = opened("materials", **{"from": "catalogue", "crystal": f"catalogue:{entry.id}"})
    assert not at.exception
    known = next(each.value for each in at.dataframe if "published" in each.value)
    row = known.set_index("property").loc["bulk modulus K"]
    assert row["published"] == entry.value("K_vrh")
    assert row["lower"] < row["model"] < row["upper"]
    assert 0 <= row["fold left out"] < 5


@pytest.mark.slow
def test_embedding_map_finds_neighbours_in_the_whole_space():
    at = opened("atlas")
    assert not at.exception
    assert "64 dimensions" in markdown(at)
    names = [trace.get("name") for trace in charts(at)[0]["data"]]
    assert any("64" in str(name) for name in names)


@pytest.mark.slow
def test_chemiscope_file_holds_the_axes_shown():
    from tenfma.ui import library

    told = json.loads(library.exported([1, 2, 3], "json", {"principal axis 1": ("1", [0.0, 1.0, 2.0])}))
    assert len(told["structures"]) == 3
    assert told["properties"]["principal axis 1"]["values"] == [0.0, 1.0, 2.0]
    assert np.isfinite(told["properties"]["volume"]["values"]).all()
