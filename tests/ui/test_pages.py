"""Every page draws in both languages, keeps what a link says, and answers bad input in one sentence."""

import json
import re
from itertools import combinations
from pathlib import Path
from urllib.parse import quote

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tenfma.crystal import prototypes
from tenfma.ui.components import AT_ONCE
from tenfma.ui.layout import PAGES
from tenfma.ui.texts import CATALOGUE
from tenfma.viz.lagrangians import EXAMPLES

ROOT = Path(__file__).parents[2]
TIMEOUT = 120
#: the map reads the whole catalogue, which is filled at its first use
DRAWN = [pytest.param(page, marks=pytest.mark.slow) if page == "atlas" else page for page in PAGES]
HOSTILE = [
    "__import__('os').system('id')",
    "q.__class__",
    "<img src=x onerror=alert(1)>",
    "9**9**9**9",
    "lambda: 0",
    "q" * 299,
]


def opened(page: str, **address: str) -> AppTest:
    """The page as a browser would find it at that address, once its first picture stands."""
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=TIMEOUT)
    at.session_state[AT_ONCE] = True
    if page != "home":
        at.switch_page(PAGES[page])
    for key, value in address.items():
        at.query_params[key] = value
    return at.run()


def test_what_follows_the_first_picture_waits_for_it():
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=TIMEOUT)
    at.switch_page(PAGES["drift"]).run()
    assert len(charts(at)) == 1, "the first picture is there, and alone"
    at.session_state["_drawn-order"] = True
    assert len(charts(at.run())) == 2, "the browser has told that it stands"


def test_the_notebook_sends_its_picture_before_it_derives_anything(monkeypatch):
    def broken(text):
        raise RuntimeError("derived first")

    st.cache_resource.clear()
    monkeypatch.setattr("tenfma.viz.notebook.from_lagrangian", broken)
    at = (
        AppTest.from_file(str(ROOT / "app.py"), default_timeout=TIMEOUT).switch_page(PAGES["mechanics"]).run()
    )
    assert at.exception, "nothing has been derived at all"
    assert [each.proto.component_name for each in at.get("bidi_component")] == ["tenfma_player"]


def charts(at: AppTest) -> list[dict]:
    """The Plotly figures of a page, as plain JSON."""
    return [json.loads(element.proto.spec) for element in at.get("plotly_chart")]


def markdown(at: AppTest) -> str:
    return "\n".join(element.value for element in at.markdown)


def formulas(at: AppTest) -> list[str]:
    """All LaTeX of a page: its formulas, and those within its sentences."""
    within = re.findall(r"(?<!\\)\$([^$]+)(?<!\\)\$", markdown(at))
    return [element.value.strip("$\n") for element in at.latex] + within


def strange(formula: str) -> str:
    """What the browser's LaTeX would complain of: signs beyond ASCII, but for Chinese words within \\text."""
    outside = re.sub(
        r"\\text\{[^{}]*\}",
        lambda words: re.sub(r"[\u3000-\u30ff\u4e00-\u9faf\uff00-\uff60]", "", words[0]),
        formula,
    )
    return re.sub(r"[\x20-\x7e\n]", "", outside)


def test_what_is_strange_in_latex():
    assert strange(r"\text{(residual 1×10⁻¹⁶)}") == "×⁻¹⁶"
    assert strange(r"p_0 \quad 残差") == "残差"
    assert strange(r"p_{\theta} \qquad \text{(残差 3}\times 10^{-16}\text{)}") == ""


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("example", EXAMPLES)
def test_formulas_of_the_notebook_are_latex(example, language):
    at = opened("mechanics", lagrangian=example, lang=language)
    assert not at.exception
    assert len(formulas(at)) > 5
    assert [formula for formula in formulas(at) if strange(formula)] == []


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("page", DRAWN)
def test_page_draws_in_both_languages(page, language):
    at = opened(page, lang=language)
    assert not at.exception
    assert not at.error
    column = ["en", "zh"].index(language)
    assert at.title[0].value == CATALOGUE[f"{page}.title"][column]
    assert CATALOGUE["notice"][column] in markdown(at), "the page says nothing of what to notice"
    assert [formula for formula in formulas(at) if strange(formula)] == []
    for chart in charts(at):
        assert any(len(trace.get("x", [])) for trace in chart["data"]), "a figure without data"
        assert chart["layout"]["paper_bgcolor"] == "rgba(0,0,0,0)", "a figure that hides the page's colour"


@pytest.mark.parametrize("page", ["drift", "heat", "simplices", "materials"])
def test_pages_have_figures_with_names_and_downloads(page):
    at = opened(page)
    figures = at.get("plotly_chart")
    assert figures
    assert all(element.proto.alt for element in figures)
    assert len(at.get("download_button")) >= 2


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_formula_is_told_in_one_sentence(text):
    at = opened("phase", system="own", formula=text)
    assert not at.exception
    assert len(at.error) == 1
    assert "Traceback" not in at.error[0].value
    assert not re.search(r"(?<!\\)<", at.error[0].value), "an angle bracket must come out escaped"


def test_good_formula_is_no_error():
    at = opened("phase", system="own", formula="p**2/2 + q**4/4")
    assert not at.exception
    assert not at.error


def test_hostile_potential_lagrangian_and_bracket_are_told():
    for page, address in (
        ("heat", {"potential": "own", "V": "-q**4"}),
        ("mechanics", {"lagrangian": "own", "L": "v + q"}),
        ("mechanics", {"A": "__import__('os')"}),
    ):
        at = opened(page, **address)
        assert not at.exception
        assert len(at.error) == 1, page


def test_link_restores_the_controls():
    at = opened("heat", potential="harmonic", kT="1.0", mass="4.0", seed="7", lang="zh")
    values = {widget.key: widget.value for widget in [*at.selectbox, *at.slider, *at.number_input]}
    assert values["potential"] == "harmonic"
    assert values["kT"] == 1.0
    assert values["mass"] == 4.0
    assert values["seed"] == 7


@pytest.mark.parametrize("value", ["nonsense", "1e9", "-3", "nan", ""])
def test_address_out_of_range_falls_back_to_the_default(value):
    at = opened("heat", kT=value, potential=value)
    assert not at.exception
    assert {w.key: w.value for w in at.slider}["kT"] == 0.5
    assert {w.key: w.value for w in at.selectbox}["potential"] == "double-well"


def test_choice_is_written_to_the_address():
    at = opened("drift")
    at.selectbox(key="system").set_value("harmonic").run()
    assert not at.exception
    assert at.query_params["system"] in ("harmonic", ["harmonic"])
    at.selectbox(key="system").set_value("pendulum").run()
    assert "system" not in at.query_params, "the default leaves no trace"


def test_choice_survives_the_way_to_another_page():
    at = opened("materials", crystal="diamond", lang="zh")
    at.switch_page(PAGES["simplices"])
    at.query_params["crystal"], at.query_params["lang"] = "rocksalt-not-there", "zh"
    at.run()
    assert {w.key: w.value for w in at.selectbox}["crystal"] == "cubic-perovskite", (
        "the address of the new page decides"
    )
    at.switch_page(PAGES["materials"])
    at.query_params["crystal"] = "fluorite"
    at.run()
    assert {w.key: w.value for w in at.selectbox}["crystal"] == "fluorite"
    assert not at.exception


def test_crystal_from_the_address_and_unknown_crystal():
    at = opened("materials", crystal="diamond")
    assert {w.key: w.value for w in at.selectbox}["crystal"] == "diamond"
    at = opened("materials", crystal="no-such-thing")
    assert not at.exception
    assert {w.key: w.value for w in at.selectbox}["crystal"] == "cubic-perovskite"


def test_empty_filter_says_what_to_relax():
    together = [set(item.species) for item in prototypes.library()]
    known = sorted(set().union(*together))
    pair = next(pair for pair in combinations(known, 2) if not any(set(pair) <= each for each in together))
    at = opened("materials", elements=",".join(pair))
    assert not at.exception
    assert len(at.warning) == 1
    assert any(symbol in at.warning[0].value for symbol in pair)


def upload(name: str, content: bytes) -> AppTest:
    at = opened("materials")
    at.get("file_uploader")[0].set_value((name, content, "application/octet-stream"))
    return at.run()


CIF = b"""data_<script>
_cell_length_a 4.2
_cell_length_b 4.2
_cell_length_c 4.2
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'P 1'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
Cs1 Cs 0 0 0
Cl1 Cl 0.5 0.5 0.5
"""


def test_uploaded_crystal_becomes_the_chosen_one():
    at = upload("../../etc/evil<b>.cif", CIF)
    assert not at.exception
    assert not at.error
    assert {w.key: w.value for w in at.selectbox}["crystal"] == "upload"
    assert "CsCl" in markdown(at)


@pytest.mark.parametrize(
    "content", [b"", b"\x00\xff" * 5000, b"data_x\n_cell_length_a 4\n", b"<script>alert(1)</script>"]
)
def test_broken_upload_is_one_sentence_and_disturbs_nothing(content):
    at = upload("broken.cif", content)
    assert not at.exception
    assert len(at.error) == 1
    assert {w.key: w.value for w in at.selectbox}["crystal"] == "cubic-perovskite"


@pytest.mark.parametrize("place", ["prototypes", pytest.param("catalogue", marks=pytest.mark.slow)])
def test_links_carry_the_crystal_that_a_search_has_chosen(place):
    at = opened("materials", **{"from": place})
    at.text_input(key="name").set_value("diamond" if place == "prototypes" else "MgO").run()
    chosen = at.session_state["crystal"]
    addresses = [each.proto.query_string for each in at.get("page_link")]
    assert chosen not in ("cubic-perovskite", None)
    assert sum(f"crystal={quote(chosen)}" in each for each in addresses) > 8, addresses
