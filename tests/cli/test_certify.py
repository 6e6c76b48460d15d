"""`tenfma certify` from the command line: reports, verdicts, exit codes."""

import json
import subprocess
import sys
from contextlib import contextmanager

import pytest

from tenfma.cli import run

QUICK = ["--steps", "400"]


def test_formula_to_json(tmp_path, capsys):
    out = tmp_path / "report.json"
    code = run(
        ["certify", "p**2/2 + q**4/4", "--dt", "0.1", "--q", "1", "--p", "0", *QUICK, "--json", str(out)]
    )
    assert code == 0
    printed = capsys.readouterr().out
    assert "symplectic defect" in printed and "green" in printed
    report = json.loads(out.read_text())
    assert report["green"] is True and report["method"] == "leapfrog"
    checks = {check["name"]: check for check in report["checks"]}
    assert checks["order"]["value"] == pytest.approx(2, abs=0.1)
    assert set(report["decides"]) >= {"symplectic defect", "order", "energy drift"}
    assert all(check["meaning"] for check in report["checks"])


def test_textbook_name_and_candidates(capsys):
    code = run(["certify", "kepler", "--steps", "2000", "--invariant", "momentum=px", "--method", "yoshida4"])
    printed = capsys.readouterr().out
    assert code == 0
    assert "invariant angular momentum" in printed and "holds to round-off" in printed
    assert "not conserved by H" in printed


def test_verdict_and_strictness(capsys):
    arguments = [
        "certify",
        "p**2/2 + q**2/2",
        "--method",
        "euler",
        "--dt",
        "0.1",
        "--q",
        "1",
        "--p",
        "0",
        *QUICK,
    ]
    assert run(arguments) == 0
    assert "red: symplectic defect" in capsys.readouterr().out
    assert run([*arguments, "--strict"]) == 1
    arguments[3] = "leapfrog"
    assert run([*arguments, "--strict"]) == 0


def test_langevin_with_parameters(capsys):
    arguments = [
        "certify",
        "p**2/(2*m) + k*q**2/2",
        "--parameter",
        "m=2",
        "--parameter",
        "k=3",
        "--method",
        "baoab",
    ]
    assert (
        run([*arguments, "--dt", "0.2", "--q", "0", "--p", "0", "--kT", "0.7", "--friction", "1", *QUICK])
        == 0
    )
    printed = capsys.readouterr().out
    assert "position covariance" in printed and "conformal defect" in printed


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["p**2/2 + q**2"], "needs dt, q, p"),
        (["p**2/2 + nonsense(q)", "--dt", "0.1"], "unknown function"),
        (["p**2*q**2 + q**2", "--dt", "0.1", "--q", "1", "--p", "1"], "implicit_midpoint"),
        (["p**2/2 + q**2", "--dt", "-1", "--q", "1", "--p", "1"], "finite step > 0"),
        (["p**2/2 + q**2", "--dt", "0.1", "--q", "one", "--p", "1"], "separated by commas"),
        (["p**2/2 + q**2", "--dt", "0.1", "--q", "1,2", "--p", "1,2"], "expected (*ensemble, 1)"),
        (["p**2/2 + q**2", "--dt", "0.1", "--q", "1", "--p", "1", "--steps", "3"], "integer ≥ 20"),
        (["p**2/2 + q**2", "--dt", "0.1", "--q", "1", "--p", "1", "--kT", "1"], "deterministic"),
        (["p**2/2 + q**2", "--dt", "0.1", "--q", "1", "--p", "1", "--method", "magic"], "no method 'magic'"),
        (["p**2/2 + q**2", "--parameter", "k"], "name=value"),
        (["untrained"], "--structure"),
        (["henon-hieles"], "henon-heiles"),
        (["kepler", "--json", "report.txt"], "--json report.txt"),
        (["kepler", "--q", "1,2,3", "--p", "0,0"], "must be the same"),
        (["kepler", "--method", "baoab"], "needs kT and friction"),
        (["kepler", "--method", "baoab", "--kT", "-1", "--friction", "1"], "kT is -1"),
        (["untrained", "--structure", "prototype:NaCl", "--chart", "pie"], "--chart is 'pie'"),
        (["untrained", "--structure", "no/such.cif"], "no file"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(arguments, message, capsys):
    assert run(["certify", *arguments]) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1 and "Traceback" not in said


def test_help_has_an_example(capsys):
    run(["certify", "--help"])
    assert "tenfma certify henon-heiles" in capsys.readouterr().out


@pytest.mark.slow
def test_model_on_a_crystal(tmp_path):
    out = tmp_path / "model.json"
    arguments = [
        "certify",
        "untrained",
        "--structure",
        "prototype:cscl",
        "--dt",
        "0.05",
        "--steps",
        "100",
    ]
    assert run([*arguments, "--json", str(out)]) == 0
    checks = {check["name"]: check for check in json.loads(out.read_text())["checks"]}
    assert checks["symplectic defect"]["verdict"] == "pass"
    assert checks["Jacobian"]["verdict"] == "pass"


@pytest.mark.parametrize(
    "arguments",
    [
        ["p**2/2+" + "(" * 5000 + "q" + ")" * 5000],
        ["p**2/2 + " + " + ".join(["q**2"] * 60)],
        ["p**2/2 + q**2/2", "--dt", "1e300", "--q", "1", "--p", "0"],
        ["p**2/2 - q**4", "--dt", "5", "--q", "10", "--p", "1", "--steps", "50"],
        ["p**2/2 + q**2/2", "--dt", "0.1", "--q", "1", "--p", "0", "--seed", "9" * 23],
    ],
)
def test_long_formulas_and_wild_numbers_get_one_sentence(arguments, capsys):
    from tenfma.cli import run

    assert run(["certify", *arguments]) == 2
    said = capsys.readouterr().err.strip()
    assert said.startswith("tenfma: ") and "\n" not in said


@pytest.mark.parametrize(
    "arguments",
    [
        ["kepler", "--dt", "-1"],
        ["kepler", "--method", "magic"],
        ["kepler", "--json", "report.txt"],
        ["kepler", "--kT", "1"],
        ["kepler", "--q", "1,2,3", "--p", "0,0"],
        ["p**2*q**2 + q**2", "--dt", "0.1", "--q", "1", "--p", "1"],
    ],
)
def test_refusals_come_before_heavy_imports(arguments):
    program = (
        "import sys; from tenfma.cli import run; code = run(sys.argv[1:]); "
        "heavy = {'torch', 'pymatgen', 'numba'} & set(sys.modules); sys.exit(code if not heavy else str(heavy))"
    )
    command = [sys.executable, "-c", program, "certify", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2, done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["p**2/2 + q.real", "--dt", "0.1", "--q", "1", "--p", "1"],
        ["p**2/2 + nonsense(q)", "--dt", "0.1", "--q", "1", "--p", "1"],
        ["p**2/2 + q**2/0", "--dt", "0.1", "--q", "1", "--p", "1"],
        ["p**2/2 + q**2"],
        ["kepler", "--invariant", "L=x*"],
        ["untrained:zero", "--structure", "prototype:NaCl"],
        ["no-such-model", "--structure", "prototype:NaCl"],
        ["nonsense"],
        ["Si", "--structure", "no-such-file.cif"],
        ["Si", "--structure", "."],
    ],
)
def test_what_cannot_be_read_is_refused_before_sympy(arguments):
    program = (
        "import sys; from tenfma.cli import run; code = run(sys.argv[1:]); "
        "heavy = {'torch', 'pymatgen', 'numba', 'sympy'} & set(sys.modules); sys.exit(code if not heavy else str(heavy))"
    )
    command = [sys.executable, "-c", program, "certify", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2 and done.stderr.startswith("tenfma: "), done.stderr


def test_checks_made_before_ctrl_c_are_kept(tmp_path, capsys, monkeypatch):
    @contextmanager
    def bar(label, total):
        def report(done):
            if done > 0.5:
                raise KeyboardInterrupt

        yield report

    out = tmp_path / "report.json"
    command = ["certify", "henon-heiles", "--steps", "200", "--json", str(out)]
    assert run(command) == 0
    whole = json.loads(out.read_text())
    out.unlink()
    monkeypatch.setattr("tenfma.cli.output.progress_bar", bar)
    assert run(command) == 130
    part = json.loads(out.read_text())
    assert 0 < len(part["checks"]) < len(whole["checks"])
    assert part["checks"] == whole["checks"][: len(part["checks"])]
    assert whole["green"] and not part["green"] and "interrupted at" in part["verdict"]
    assert "interrupted" in capsys.readouterr().err and [each.name for each in tmp_path.iterdir()] == [
        out.name
    ]
