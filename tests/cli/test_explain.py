"""`tenfma explain`: reports appear whole; bad input is one sentence and exit code 2."""

import json
import signal

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
        (["--supercell", "20,20,3", "--out", "x.html"], "--supercell 20,20,3 of 1 atoms makes 1200"),
        (
            ["--supercell", "2,2,2", "--chart", "simplices", "--out", "x.html"],
            "--supercell is for normal modes",
        ),
        (["--flow", "-1", "--out", "x.html"], "flow"),
        (["--flow", "5", "--dt", "0", "--out", "x.html"], "--dt is 0"),
        (["--out", "/proc/x.json"], "cannot be written"),
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


def test_a_supercell_that_would_not_be_used_is_refused(tmp_path, capsys):
    large = tmp_path / "large.cif"
    (bulk("Si", "diamond", a=5.469, cubic=True) * (3, 3, 2)).write(large)
    options = ["--model", "Si", "--supercell", "2,1,1", "--out", str(tmp_path / "x.json")]
    assert run(["explain", str(large), *options]) == 2
    assert "at most 100 atoms" in capsys.readouterr().err


def test_a_step_that_loses_the_motion_is_told_in_terms_of_dt(silicon, tmp_path, capsys):
    options = ["--model", "Si", "--flow", "50", "--dt", "500", "--out", str(tmp_path / "x.json")]
    assert run(["explain", str(silicon), *options]) == 2
    assert "dt 500 fs" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["si.cif"]


def test_ctrl_c_ends_with_a_sentence_and_leaves_no_file(silicon, tmp_path, monkeypatch, capsys):
    from tenfma.explanation.explain import Explanation

    flow = Explanation.flow

    def interrupted(self, **options):
        signal.raise_signal(signal.SIGINT)
        return flow(self, **options)

    monkeypatch.setattr(Explanation, "flow", interrupted)
    options = ["--model", "Si", "--flow", "50", "--out", str(tmp_path / "x.html")]
    assert run(["explain", str(silicon), *options]) == 130
    said = capsys.readouterr().err
    assert "interrupted" in said and "Traceback" not in said
    assert [path.name for path in tmp_path.iterdir()] == ["si.cif"]


def test_machine_code_broken_into_counts_as_ctrl_c(silicon, tmp_path, monkeypatch):
    from tenfma.explanation.explain import Explanation

    def broken(self, **options):
        raise SystemError("returned a result with an exception set") from cause

    monkeypatch.setattr(Explanation, "flow", broken)
    options = ["--model", "Si", "--flow", "50", "--out", str(tmp_path / "x.html")]
    cause: BaseException = KeyboardInterrupt()
    assert run(["explain", str(silicon), *options]) == 130
    cause = ValueError()
    with pytest.raises(SystemError):
        run(["explain", str(silicon), *options])
