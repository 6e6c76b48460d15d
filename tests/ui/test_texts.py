"""The catalogue is complete in both languages, and pages ask only for what it holds."""

import re
import string
from pathlib import Path

import pytest

from tenfma.ui import called, layout
from tenfma.ui.texts import CATALOGUE, LANGUAGES, PARTS, language_of, power, texts

ROOT = Path(__file__).parents[2]
SOURCES = [ROOT / "app.py", *sorted((ROOT / "pages").glob("*.py")), *sorted((ROOT / "tenfma" / "ui").glob("*.py")),
           ROOT / "tenfma" / "viz" / "drift.py"]  # fmt: skip
#: the same in every language
UNTRANSLATED = {"formula", "mechanics.formula", "heat.formula", "heat.exact", "heat.baoab", "heat.obabo", "heat.aboba",
                "and", "materials.search.hint", "couplings.nobody", "couplings.strength",
                "atlas.chemiscope", "evidence.made", "learned.mode.name"}  # fmt: skip


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", CATALOGUE)
def test_every_text_is_there_in_both_languages_with_the_same_values(key):
    english, chinese = CATALOGUE[key]
    assert english.strip()
    assert chinese.strip()
    assert fields(english) == fields(chinese), "one language says a number that the other leaves out"
    assert not re.search(r"[一-鿿]", english)


def test_chinese_is_chinese():
    same = {key for key, (_, chinese) in CATALOGUE.items() if not re.search(r"[一-鿿]", chinese)}
    assert same <= UNTRANSLATED


def stars(text: str) -> str:
    """What is left of a text's stars without code and bold words; Markdown would make slanted words of them."""
    return re.sub(r"[^*]", "", re.sub(r"`[^`]*`|\*\*[^*]+\*\*", "", text))


def test_formulas_in_sentences_keep_their_stars():
    assert stars("put x*py - y*px in") == "**"
    assert not {key for key, pair in CATALOGUE.items() if key.startswith("lesson.") and any(map(stars, pair))}


def test_no_key_stands_twice():
    assert sum(len(part) for part in PARTS) == len(CATALOGUE)


def test_pages_ask_only_for_texts_that_exist():
    asked = {}
    for path in SOURCES:
        for key in re.findall(r"""\bt\(\s*"([a-zA-Z0-9._-]+)\"""", path.read_text(encoding="utf-8")):
            asked.setdefault(key, path.name)
    missing = {key: name for key, name in asked.items() if key not in CATALOGUE}
    assert len(asked) > 60
    assert not missing


def test_unknown_key_is_an_error():
    with pytest.raises(KeyError):
        texts("en")("no.such.key")


def test_language_of_browser():
    assert [language_of(each) for each in ("zh-CN", "zh", "ZH-tw", "en-GB", "de", None, "")] == ["zh"] * 3 + [
        "en"
    ] * 4
    assert list(LANGUAGES) == ["en", "zh"]


def test_every_page_has_title_question_and_link():
    for page in layout.PAGES:
        for key in (f"{page}.title", f"{page}.question", f"nav.{page}"):
            assert key in CATALOGUE


@pytest.mark.parametrize(
    "hostile",
    [
        "![x](http://evil/a.png)",
        "[a](javascript:alert(1))",
        "<b>x</b>",
        "$\\href{x}{y}$",
        ":material/home:",
        "a_b*c`d`",
    ],
)
def test_plain_text_is_harmless_in_markdown(hostile):
    shown = layout.plain(hostile)
    for sign in "![<$:*`_":
        assert not re.search(rf"(?<!\\){re.escape(sign)}", shown), shown
    assert re.sub(r"\\(.)", r"\1", shown) == hostile


def test_file_names_are_tamed():
    assert layout.file_name("../../etc/passwd") == "passwd"
    assert layout.file_name("<b>:x?.cif") == "b-x-.cif"
    assert layout.file_name("…") == "crystal"


@pytest.mark.parametrize(
    ("number", "shown"),
    [("5.7e-09", "5.7×10⁻⁹"), ("2e+03", "2×10³"), ("0e+00", "0"), ("1.5e+00", "1.5"), ("0.25", "0.25"), ("nan", "nan"),
     ("-3.1e-12", "-3.1×10⁻¹²"), ("1e", "1e")],
)  # fmt: skip
def test_exponents_are_written_as_people_write_them(number, shown):
    assert power(number) == shown


def test_every_feature_has_a_chinese_name():
    from tenfma.crystal.features import featurize
    from tenfma.crystal.structures import read
    from tenfma.viz import simplices

    table = featurize(read("prototype:cubic-perovskite"), smooth_only=True)
    shown = [
        simplices.label(table, rank, name)
        for rank in simplices.RANKS
        for name in simplices.invariants(table, rank)
    ]
    assert len(shown) > 40
    told = {label: called.feature(texts("zh"), label) for label in shown}
    assert not [label for label, name in told.items() if not re.search(r"[一-鿿]", name)]
    assert [called.feature(texts("en"), label) for label in shown] == shown
    assert called.feature(texts("zh"), "|gyration| / Å²") == "|回转张量| / Å²"
    assert called.feature(texts("zh"), "harmonic_3_-2") == "球谐函数 3 -2"
    assert called.feature(texts("zh"), "no such feature") == "no such feature"


def test_notes_and_gauges_of_the_package_have_a_chinese_sentence():
    from tenfma.crystal.structures import notes, read
    from tenfma.explanation import crystals

    t = texts("zh")
    told = [called.note(t, each) for each in notes(read("prototype:cubic-perovskite"))]
    told += [
        called.gauge(t, each) for each in (crystals.SITE_ENERGIES, crystals.EQUAL_ENDS, crystals.SIMPLICES)
    ]
    assert [each for each in told if not re.search(r"[一-鿿]", each)] == []
    assert (
        called.note(t, "band [-3.0e-07, 3.0e-07], max |ΔE| 3.2e-02")
        == "置信带 [-3.0e-07, 3.0e-07]，最大 |ΔE| 3.2e-02"
    )
    assert called.note(t, "as it is") == "as it is"
