"""`tenfma explain`: reports appear whole; bad input is one sentence and exit code 2."""

import json

import pytest
from ase.build import bulk

from tenfma.cli import run


@pytest.fixture
def silicon(tmp_path):
    path = tmp_path / "si.cif"
    bulk("Si", "diamond", a=5.469).write(path)
    return path


def test_a_json_report_holds_the_answers(silicon, tmp_path, capsys):
    out = tmp_path / "report.json"
    assert (
        run(["explain", str(silicon), "--model", "Si", "--flow", "10", "--no-certificate", "--out", str(out)])
        == 0
    )
    content = json.loads(out.read_text())
    assert content["verification"]["green"] and content["certificate"] is None
    assert len(content["tables"]["modes"]) == 6
    assert content["flow"]["method"] == "leapfrog"
    said = capsys.readouterr().out
    assert "7 of 7 hold" in said and "gauge" in said


def test_an_html_report_carries_the_certificate(silicon, tmp_path):
    out = tmp_path / "report.html"
    arguments = ["--model", "Si", "--supercell", "2,1,1", "--certificate", "--out", str(out)]
    assert run(["explain", str(silicon), *arguments]) == 0
    text = out.read_text()
    assert "Certificate of the motion" in text and "symplectic" in text
    assert len(text) < 5_000_000


def test_langevin_flow_in_the_simplices_chart(tmp_path):
    out = tmp_path / "report.json"
    options = [
        "--chart",
        "simplices",
        "--flow",
        "5",
        "--method",
        "baoab",
        "--friction",
        "1",
        "--out",
        str(out),
    ]
    assert run(["explain", "prototype:A1", *options]) == 0
    assert json.loads(out.read_text())["flow"]["method"] == "baoab"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--out", "x.pdf"], "x.pdf"),
        (["--supercell", "2,2", "--out", "x.html"], "supercell"),
        (["--supercell", "0,1,1", "--out", "x.html"], "supercell"),
        (["--flow", "-1", "--out", "x.html"], "flow"),
        (["--chart", "bonds", "--out", "x.html"], "chart"),
        (["--model", "nobody", "--out", "x.html"], "nobody"),
        (["--flow", "5", "--method", "baoab", "--out", "x.html"], "friction"),
    ],
)
def test_bad_input_is_one_sentence(options, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(["explain", "prototype:A1", *options]) == 2
    message = capsys.readouterr().err
    assert said in message and "Traceback" not in message
    assert not list(tmp_path.iterdir())
