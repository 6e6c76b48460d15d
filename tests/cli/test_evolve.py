"""`tenfma evolve`: a good run says what happened; every bad one is a sentence and exit code 2."""

import subprocess
import sys
from contextlib import contextmanager
from functools import partial

import numpy as np
import pytest

from tenfma.cli import run
from tenfma.dynamics.path import Path

FAST = ["--steps", "5"]


def test_a_prototype_evolves_and_the_summary_is_readable(tmp_path, capsys):
    out = tmp_path / "path.npz"
    assert (
        run(["evolve", "prototype:NaCl", "--method", "leapfrog", "--dt", "0.05", *FAST, "--out", str(out)])
        == 0
    )
    said = capsys.readouterr().out
    for wanted in ("NaCl", "atoms", "bonds", "triangles", "energy", "drift", "untrained", str(out)):
        assert wanted in said
    path = Path.load(out)
    assert path.t[-1] == pytest.approx(0.25)
    assert np.isfinite(path.energy).all()


def test_heat_seed_and_learned_momenta(tmp_path):
    paths = []
    for seed in ("1", "1", "2"):
        out = tmp_path / "path.npz"
        heat = ["--method", "baoab", "--kT", "0.05", "--friction", "0.5", "--seed", seed, "--p0", "learned"]
        assert run(["evolve", "prototype:NaCl", *heat, *FAST, "--out", str(out)]) == 0
        paths.append(Path.load(out))
    assert np.array_equal(paths[0].q, paths[1].q)
    assert not np.array_equal(paths[0].q, paths[2].q)


def test_thermal_start_without_a_bath(tmp_path):
    out = tmp_path / "path.npz"
    settings = ["--p0", "thermal", "--kT", "0.05", "--chart", "atoms", "--dt", "1"]
    assert run(["evolve", "prototype:NaCl", *settings, *FAST, "--out", str(out)]) == 0
    assert Path.load(out).q.shape[1:] == (2, 3)


@contextmanager
def bar_interrupted_at(share, label, total):
    """A progress bar during which Ctrl-C is pressed."""

    def report(done):
        if done >= share:
            raise KeyboardInterrupt

    yield report


@pytest.mark.parametrize("save_every", ["1", "7"])
def test_what_is_done_is_kept_on_ctrl_c(save_every, tmp_path, capsys, monkeypatch):
    command = ["evolve", "prototype:NaCl", "--steps", "20", "--save-every", save_every, "--out"]
    assert run([*command, str(tmp_path / "whole.npz")]) == 0
    monkeypatch.setattr("tenfma.cli.output.progress_bar", partial(bar_interrupted_at, 0.5))
    capsys.readouterr()
    assert run([*command, str(tmp_path / "part.npz")]) == 130
    said = capsys.readouterr()
    assert "10 of 20 steps" in said.out and "Traceback" not in said.err
    part, whole = (Path.load(tmp_path / name) for name in ("part.npz", "whole.npz"))
    assert part.stopped and "step 10" in part.stopped and whole.stopped is None
    assert part.t[-1] == pytest.approx(0.5)
    if save_every == "1":
        assert np.array_equal(part.q, whole.q[:11])
    assert not list(tmp_path.glob("part-*"))


def test_nothing_done_leaves_no_file(tmp_path, capsys, monkeypatch):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("tenfma.embedding.pipeline.load", interrupted)
    assert run(["evolve", "prototype:NaCl", "--out", str(tmp_path / "path.npz")]) == 130
    assert not list(tmp_path.iterdir())


BAD = {
    "missing file": (["no/such.cif"], "no file"),
    "unknown prototype": (["prototype:perovsite"], "cubic-perovskite"),
    "unknown method": (["prototype:NaCl", "--method", "frogleap"], "leapfrog"),
    "bad chart": (["prototype:NaCl", "--chart", "pie"], "simplices"),
    "bad momenta": (["prototype:NaCl", "--p0", "hot"], "thermal"),
    "thermal without kT": (["prototype:NaCl", "--p0", "thermal"], "kT"),
    "no bath": (["prototype:NaCl", "--method", "baoab"], "kT"),
    "kT for nothing": (["prototype:NaCl", "--kT", "0.1"], "kT"),
    "no steps": (["prototype:NaCl", "--steps", "-3"], "steps"),
    "dt is no number": (["prototype:NaCl", "--dt", "nan"], "dt"),
    "dt is text": (["prototype:NaCl", "--dt", "soon"], "dt"),
    "huge dt": (["prototype:NaCl", "--dt", "1e200"], "dt"),
    "save-every is negative": (["prototype:NaCl", "--save-every", "-1"], "save"),
    "unknown model": (["prototype:NaCl", "--model", "gpt"], "untrained"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_sentence_and_exit_code_2(case, tmp_path, capsys):
    arguments, expected = BAD[case]
    out = tmp_path / "path.npz"
    assert run(["evolve", *arguments, "--out", str(out)]) == 2
    said = capsys.readouterr()
    assert said.err.startswith("tenfma: ")
    assert expected in said.err
    assert said.err.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("name", "why"), [("path.txt", ".npz"), ("no/path.npz", "no folder")])
def test_where_output_cannot_go_is_said_before_any_work(name, why, tmp_path, capsys):
    assert run(["evolve", "prototype:NaCl", "--out", str(tmp_path / name)]) == 2
    assert why in capsys.readouterr().err


def test_no_traceback_reaches_a_person(tmp_path):
    noise = tmp_path / "noise.cif"
    noise.write_bytes(np.random.default_rng(0).integers(0, 256, 2**20).astype(np.uint8).tobytes())
    program = "from tenfma.cli import main; main()"
    command = [sys.executable, "-c", program, "evolve", str(noise), "--out", str(tmp_path / "p.npz")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "not text" in done.stderr
