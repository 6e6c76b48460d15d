"""Uploads that are broken, hostile or enormous end in a sentence, and nothing else on the page is disturbed."""

import gzip
import io
import re
import zipfile

import pytest
from test_pages import CIF, markdown, opened, upload

from tenfma.ui.layout import PAGES
from tenfma.ui.texts import CATALOGUE

MARKUP = "<img/src=x/onerror=alert(1)>"
#: the same crystal, its block and labels named by somebody who wishes us ill
HOSTILE = CIF.replace(b"data_<script>", f"data_{MARKUP}".encode()).replace(b"Cs1 Cs", b"Cs<b>1</b> Cs")


def told(at) -> list[str]:
    """Every text of the page that is read as Markdown."""
    kinds = ("markdown", "caption", "error", "warning", "success", "info", "title", "subheader", "header")
    return [element.value for kind in kinds for element in getattr(at, kind)]


def held(at) -> str:
    return {widget.key: widget.value for widget in at.selectbox}["crystal"]


def zipped() -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../crystal.cif", b"0" * 30_000_000)
    return memory.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("bomb.cif.gz", gzip.compress(b"0" * 60_000_000)),
        ("bomb.cif.gz", gzip.compress(gzip.compress(b"0" * 30_000_000))),
        ("cut.cif.gz", gzip.compress(CIF)[:-20]),
        ("bomb.zip", zipped()),
        ("large.cif", b"#" * 9_000_000),
        (f"../../{MARKUP}.cif", b"no crystal"),
        ("x.cif", b"data_x\n_cell_length_a 1e308\n" + CIF[14:].replace(b"4.2", b"1e308")),
        ("x.cif", CIF.replace(b"0.5 0.5 0.5", b"nan nan nan")),
        ("x.cif", CIF.replace(b"Cl1 Cl", b"Qq1 Qq")),
        ("POSCAR", b"x\n1.0\n4 0 0\n0 4 0\n0 0 4\nSi\n999999999\nDirect\n0 0 0\n"),
    ],
    ids=["gzip bomb", "gzip twice", "gzip cut", "zip bomb", "9 MB", "path", "1e308", "nan", "element", "count"],
)  # fmt: skip
def test_bad_upload_is_one_sentence_and_disturbs_nothing(name, content):
    at = upload(name, content)
    assert not at.exception
    assert len(at.error) == 1
    assert "Traceback" not in at.error[0].value
    assert len(at.error[0].value) < 800
    assert not re.search(r"(?<!\\)<", at.error[0].value)
    assert held(at) == "cubic-perovskite"
    assert CATALOGUE["notice"][0] in markdown(at), "the page goes on below the sentence"


@pytest.mark.parametrize("page", ["materials", "simplices", "couplings"])
def test_names_out_of_a_file_are_never_markup(page):
    at = upload(f"{MARKUP}.cif", HOSTILE)
    assert not at.exception
    assert not at.error
    if page != "materials":
        at.switch_page(PAGES[page])
        at.query_params["crystal"] = "upload"
        if page == "couplings":
            at.query_params["subject"] = "crystal"
        at.run()
    assert not at.exception
    assert not at.error
    assert "CsCl" in markdown(at)
    for text in told(at):
        assert not re.search(r"(?<!\\)<(img|b|script)", text), text


@pytest.mark.parametrize("text", [MARKUP, "[a](javascript:alert(1))", "![x](//evil/a.png)"])
@pytest.mark.parametrize(
    ("page", "key"), [("materials", "name"), ("phase", "formula"), ("heat", "V"), ("mechanics", "L"), ("mechanics", "A")]
)  # fmt: skip
def test_typed_text_is_never_markup(page, key, text):
    own = {"phase": {"system": "own"}, "heat": {"potential": "own"}}
    chosen = {"lagrangian": "own"} if key == "L" else own.get(page, {})
    at = opened(page, **{key: text}, **chosen)
    assert not at.exception
    for shown in told(at):
        assert not re.search(r"(?<!\\)<img|(?<!\\)\]\((?:javascript|//evil)", shown), shown


def test_a_cell_of_two_thousand_atoms_is_drawn():
    sites = "".join(
        f"{symbol}{i}_{j}_{k} {symbol} {(i + shift) / 10:.3f} {(j + shift) / 10:.3f} {(k + shift) / 10:.3f}\n"
        for i in range(10) for j in range(10) for k in range(10) for symbol, shift in (("Cs", 0), ("Cl", 0.5))
    )  # fmt: skip
    head = CIF.decode().split("Cs1 Cs")[0].replace("4.2", "42.0")
    at = upload("large.cif", (head + sites).encode())
    assert not at.exception
    assert not at.error
    assert held(at) == "upload"
    assert {each.label: each.value for each in at.metric}["Atoms"] in ("2000", "2,000", 2000)
