"""`tenfma md` and `tenfma relax`: good runs leave their files; every bad one is a sentence and exit code 2."""

import os
import signal
import time

import ase.io
import pandas as pd
import pytest
from ase.build import bulk

from tenfma.cli import run
from tenfma.cli.interrupts import held_interrupts

FAST = ["--steps", "6", "--every", "3"]


@pytest.fixture
def silicon(tmp_path):
    path = tmp_path / "si.cif"
    ase.io.write(path, bulk("Si", "diamond", a=5.46, cubic=True))
    return str(path)


def test_a_shipped_model_runs_and_goes_on(silicon, tmp_path, capsys):
    out, bonds = tmp_path / "si.extxyz", tmp_path / "bonds.parquet"
    command = ["md", silicon, "--model", "Si", "--every", "3", "--out", str(out), "--geometry", str(bonds)]
    assert run([*command, "--steps", "6"]) == 0
    assert run([*command, "--steps", "12", "--restart"]) == 0
    said = capsys.readouterr().out
    assert "8 atoms, NVE" in said and str(bonds) in said
    assert len(ase.io.read(out, ":")) == 5
    table = pd.read_parquet(bonds)
    assert table["step"].tolist() == [0, 3, 6, 9, 12]
    assert table["mean_bond_A"].iloc[0] == pytest.approx(5.46 * 3**0.5 / 4, abs=1e-4)


def test_a_calculator_and_a_supercell(tmp_path, capsys):
    out = tmp_path / "cu.traj"
    settings = ["--calculator", "emt", "--supercell", "2", "2", "1", "--ensemble", "nvt", "--out", str(out)]
    assert (
        run(["md", "prototype:Cu", *settings, *FAST, "--bond", "0-1", "--geometry", str(tmp_path / "b.csv")])
        == 0
    )
    assert "4 atoms, NVT" in capsys.readouterr().out
    assert list(pd.read_csv(tmp_path / "b.csv").columns) == ["step", "time_fs", "bond_0_1_A"]


def test_relax_writes_a_crystal_at_rest(silicon, tmp_path, capsys):
    out = tmp_path / "relaxed.cif"
    assert run(["relax", silicon, "--model", "Si", "--cell", "--fmax", "0.001", "--out", str(out)]) == 0
    assert ase.io.read(out).get_volume() ** (1 / 3) == pytest.approx(5.469, rel=0.01)
    assert (
        run(
            ["relax", silicon, "--model", "Si", "--cell", "--fmax", "1e-9", "--steps", "1", "--out", str(out)]
        )
        == 1
    )
    assert "not converged" in capsys.readouterr().out


BAD = {
    "no energy": ([], "--model"),
    "two energies": (["--model", "Si", "--calculator", "emt"], "either"),
    "unknown calculator": (["--calculator", "vasp9"], "emt"),
    "broken factory": (["--calculator", "no.such:thing"], "no.such:thing"),
    "unknown ensemble": (["--model", "Si", "--ensemble", "npt"], "nvt"),
    "dt backwards": (["--model", "Si", "--dt", "-1"], "--dt"),
    "bond without a file": (["--model", "Si", "--bond", "0-1"], "--geometry"),
    "no repeats": (["--model", "Si", "--supercell", "0", "1", "1"], "--supercell"),
    "no end of repeats": (["--model", "Si", "--supercell", "100000", "100000", "100000"], "atoms; at most"),
    "a model without forces": (["--model", "binaries"], "atoms"),
    "nothing to go on from": (["--model", "Si", "--restart"], "--restart"),
    "another element": (["--model", "Cu"], "knows Cu"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_sentence_and_exit_code_2(case, silicon, tmp_path, capsys):
    arguments, expected = BAD[case]
    assert run(["md", silicon, *arguments, *FAST, "--out", str(tmp_path / "out.traj")]) == 2
    said = capsys.readouterr().err
    assert said.startswith("tenfma: ") and said.count("\n") == 1
    assert expected in said


def test_a_model_without_forces_relaxes_nothing(silicon, tmp_path, capsys):
    assert run(["relax", silicon, "--model", "binaries", "--out", str(tmp_path / "out.cif")]) == 2
    said = capsys.readouterr().err
    assert "no forces" in said and said.count("\n") == 1


@pytest.mark.parametrize("command", ["md", "relax"])
def test_where_output_cannot_go_is_said_before_any_work(command, silicon, tmp_path, capsys):
    assert run([command, silicon, "--model", "Si", "--out", str(tmp_path / "out.strange")]) == 2
    assert "ending" in capsys.readouterr().err


def test_a_model_is_certified_from_a_thermal_start(tmp_path, capsys):
    two = tmp_path / "si.cif"
    ase.io.write(two, bulk("Si", "diamond", a=5.46))
    start = ["--structure", str(two), "--chart", "atoms", "--dt", "1", "--steps", "20"]
    assert run(["certify", "Si", *start, "--kT", "0.03"]) == 0
    assert "symplectic defect" in capsys.readouterr().out
    assert run(["certify", "p**2/2 + q**2/2", "--dt", "0.1", "--q", "1", "--p", "0", "--kT", "0.03"]) == 2
    assert "kT" in capsys.readouterr().err


@pytest.fixture
def interruptible():
    """Python's own answer to SIGINT, which a shell may have switched off for what it starts in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def ctrl_c():
    os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_waits_for_the_end_of_the_work_in_hand(capsys):
    done = []
    with pytest.raises(KeyboardInterrupt), held_interrupts("soon") as check:
        check()
        ctrl_c()
        done.append("the rest of this piece")
        check()
        done.append("the next piece")
    assert done == ["the rest of this piece"]
    assert "soon" in capsys.readouterr().err
    with pytest.raises(KeyboardInterrupt):
        ctrl_c()
        time.sleep(5)


def test_a_second_ctrl_c_does_not_wait():
    done = []
    with pytest.raises(KeyboardInterrupt), held_interrupts("soon"):
        ctrl_c()
        done.append("work")
        ctrl_c()
        time.sleep(5)
        done.append("more work")
    assert done == ["work"]


def test_an_interrupted_relaxation_keeps_the_crystal_as_it_stands(tmp_path, monkeypatch, capsys):
    from tenfma.simulation import relaxation

    wait = relaxation._progress

    def interrupting(step, *rest):
        if step == 1:
            ctrl_c()
        return wait(step, *rest)

    monkeypatch.setattr(relaxation, "_progress", interrupting)
    out = tmp_path / "cu.cif"
    start = ["relax", "prototype:Cu", "--calculator", "emt", "--cell", "--pressure", "3", "--fmax", "1e-6"]
    assert run([*start, "--out", str(out)]) == 130
    assert len(ase.io.read(out)) == 1
