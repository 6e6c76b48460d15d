"""Does the motion help: the section in both languages, of what is shipped, of new names, and of files that are broken."""

import json
import re

import pytest
import streamlit as st
from test_pages import charts, markdown, opened

from tenfma.site import assets
from tenfma.ui import motion
from tenfma.ui.texts import CATALOGUE, LANGUAGES, texts
from tenfma.viz import motion as view

CHINESE = re.compile(r"[一-鿿]")
SHIPPED = view.read(assets() / "evidence")
ROW = {"contender": "messages", "what": "no motion", "split": "random", "share": 1.0, "epochs": 8, "target": "T",
       "seeds": 3, "mae": 0.11, "difference": 0.01, "low": 0.005, "high": 0.02, "processor_seconds": 9.0}  # fmt: skip
CURVE = {"split": "random", "share": 1.0, "epochs": 2, "target": "T", "seeds": 3, "seconds_per_pass": 2.0}


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """Measurements of a test's own in place of the shipped ones: name → content or text."""

    def keep(**held):
        for name, content in held.items():
            text = content if isinstance(content, str) else json.dumps(content)
            (tmp_path / f"{name}.json").write_text(text)

    read = view.read
    monkeypatch.setattr(view, "read", lambda folder: read(tmp_path))
    st.cache_data.clear()
    yield keep
    st.cache_data.clear()


def captions(at) -> str:
    return " ".join(each.value for each in at.caption)


def found(at) -> list[dict]:
    """The charts of the section: those between the page's first and the speeds."""
    return [
        each
        for each in charts(at)
        if len(each["data"]) and each["layout"].get("yaxis", {}).get("visible") is False
    ]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("chosen", ["everyone", "one", "claims"])
def test_every_view_of_what_is_shipped_draws(lang, chosen):
    at = opened("evidence", lang=lang, motion=chosen)
    assert not at.exception
    column = list(LANGUAGES).index(lang)
    assert CATALOGUE["motion.title"][column] in [each.value for each in at.subheader]
    words = [verdict for _, verdict, _ in SHIPPED.claims]
    counts = {word: words.count(word) for word in motion.BADGES}
    assert texts(lang)("motion.claims.count", count=len(words), **counts) in markdown(at)
    assert len(found(at)) == (chosen != "claims"), "one picture at a time"
    assert ("-badge[" in markdown(at)) == (chosen == "claims")


def test_names_of_what_is_shipped_are_in_the_pages_language():
    t = texts("zh")
    contenders = {motion.contender(t, name) for name in SHIPPED.compared["contender"]}
    splits = {motion.split(t, *each) for each in zip(SHIPPED.compared["split"], SHIPPED.compared["share"])}
    targets = {motion.target(t, name) for name in SHIPPED.compared["target"]}
    assert not [name for name in contenders | splits | targets if not CHINESE.search(name)]
    assert not [told for _, _, told in SHIPPED.claims if not CHINESE.search(motion.result(t, told))]
    assert not [word for _, word, _ in SHIPPED.claims if not CHINESE.search(motion.verdict(t, word))]


def test_english_claims_are_those_of_the_measurements():
    keys = [key.removeprefix("claim:") for key in CATALOGUE if key.startswith("claim:")]
    assert [CATALOGUE[f"claim:{key}"][0] for key in keys] == keys


@pytest.mark.parametrize(
    "key", [key for key in CATALOGUE if key.startswith(("motion.contender", "motion.split"))]
)
def test_names_fit_a_narrow_screen(key):
    english, chinese = CATALOGUE[key]
    assert len(english) <= 45
    assert sum(2 if CHINESE.match(sign) else 1 for sign in chinese) <= 45


def test_figures_of_a_finding_are_told_in_both_languages():
    told = (
        "'messages' errs by 0.7% less than leapfrog on average over 1 row (their 95 % intervals span -3.9% to +6.2%). "
        "Leapfrog is better for certain in 4 of them and worse in 5."
    )
    for lang in LANGUAGES:
        said = motion.result(texts(lang), told)
        assert motion.contender(texts(lang), "messages") in said
        assert re.findall(r"[−+]?\d+(?:\.\d+)?", said) == ["−0.7", "−3.9", "+6.2", "1", "4", "5"]
        assert "+0.7" in motion.result(texts(lang), told.replace("less", "more"))
    assert motion.result(texts("zh"), "Otherwise worded.") == "Otherwise worded."


def test_searches_are_told_with_their_intervals_in_both_languages():
    told = (
        "Of the five nearest crystals 38.0% share the query's Strukturbericht type, 35.9% with static features and 37.1% "
        "without motion (noise 0.1 Å). The composition alone finds 21.5%. "
        "Evolved minus static, 95 %: +0.9% to +4.5% (0.05 Å), -2.0% to +1.0% (0.1 Å)."
    )
    for lang in LANGUAGES:
        said = motion.result(texts(lang), told)
        assert "+0.9% to +4.5% (0.05 Å), −2.0% to +1.0% (0.1 Å)" in said
    assert CHINESE.search(motion.result(texts("zh"), told))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_new_contenders_splits_targets_and_claims_keep_their_english(kept, lang):
    new = {**ROW, "contender": "new_one", "what": "a new contender", "target": "new target"}
    rows = [ROW, new, {**new, "split": "new-split", "share": 0.5}]
    claim = {"claim": "It *sings* | <b>aloud</b>.", "verdict": "open", "found": "Not <i>heard</i>."}
    kept(evolution={"rows": rows}, claims={"rows": [claim]})
    at = opened("evidence", lang=lang)
    assert not at.exception
    assert "a new contender" in json.dumps(found(at)[0]["layout"]["annotations"])
    at = opened("evidence", lang=lang, motion="one", contender="new_one")
    assert not at.exception
    assert "new-split, 50 %" in json.dumps(found(at)[0]["layout"]["annotations"])
    at = opened("evidence", lang=lang, motion="claims")
    assert not at.exception
    assert r"It \*sings\* \| \<b\>aloud\<\/b\>\." in markdown(at)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_curves_of_chosen_contenders(kept, lang):
    errors = {"leapfrog": [0.4, 0.1], "messages": [0.3, 0.2]}
    curves = [{**CURVE, "contender": name, "mae": mae} for name, mae in errors.items()]
    kept(evolution={"rows": [ROW], "curves": curves})
    at = opened("evidence", lang=lang, motion="curves")
    assert not at.exception
    lines = [each["data"] for each in charts(at) if each["data"][0].get("mode") == "lines+markers"]
    assert [line["name"] for line in lines[0]] == [motion.contender(texts(lang), name) for name in errors]
    assert "0.1000" in markdown(at), "the least error is told"
    at = at.multiselect(key="curves").set_value([]).run()
    assert not at.exception
    assert CATALOGUE["motion.curves.none"][list(LANGUAGES).index(lang)] in markdown(at)


def test_the_length_of_training_can_be_chosen_where_there_are_several(kept):
    long = {**ROW, "epochs": 60, "mae": 0.2, "difference": 0.1, "low": 0.09, "high": 0.11}
    kept(evolution={"rows": [ROW, {**ROW, "contender": "ode"}, long]})
    at = opened("evidence")
    assert not at.exception
    assert at.segmented_control(key="passes").value == "8" and "Training: 8 passes" in captions(at)
    at = at.segmented_control(key="passes").set_value("60").run()
    assert not at.exception and "Training: 60 passes" in captions(at)
    kept(evolution={"rows": [ROW]})
    st.cache_data.clear()
    assert "passes" not in [each.key for each in opened("evidence").segmented_control]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(
    "held", [{}, {"evolution": "{", "claims": "nothing"}, {"evolution": "[]", "claims": {"rows": 3}}]
)
def test_missing_and_broken_files_are_told_in_a_sentence(kept, held, lang):
    kept(**held)
    at = opened("evidence", lang=lang)
    assert not at.exception
    column = list(LANGUAGES).index(lang)
    for key in ("motion.none", "motion.claims.none"):
        assert CATALOGUE[key][column] in markdown(at)
    assert not found(at)


def test_without_curves_the_picture_is_left_out(kept):
    kept(evolution={"rows": [ROW]})
    at = opened("evidence", motion="curves")
    assert not at.exception
    options = at.get("button_group")[-1].options if at.get("button_group") else []
    assert CATALOGUE["motion.view.curves"][0] not in [str(each) for each in options]
    assert found(at), "the first view that there is"


def test_claims_stand_once_on_the_page():
    at = opened("evidence")
    assert CATALOGUE["evidence.name.claims"][0] not in [each.label for each in at.expander]
    assert CATALOGUE["evidence.name.evolution"][0] in [each.label for each in at.expander]
