"""Runs on disk: restarted bit for bit, whole after an interruption, in any trajectory format; counted temperature."""

from functools import lru_cache

import ase.io
import numpy as np
import pandas as pd
import pytest
from ase import units
from ase.build import bulk
from ase.calculators.emt import EMT

import tenfma
from tenfma.dynamics.statistics import mean_and_error
from tenfma.errors import TenfmaError
from tenfma.simulation.molecular_dynamics import Plan, measured, run, start
from tenfma.simulation.recording import Restart, restart_file
from tenfma.simulation.session import Session

NVT = Plan("nvt", temperature=600.0, friction=0.02, dt=2.0, seed=3)


def copper():
    return bulk("Cu", cubic=True, a=3.6).repeat((2, 1, 1))


def emt():
    atoms = copper()
    atoms.calc = EMT()
    return tenfma.from_ase(atoms).H


@lru_cache
def silicon():
    return tenfma.load("Si")


def session(out, plan=NVT, **options):
    """A run of a shipped model, which remembers nothing of where the atoms have been."""
    atoms = bulk("Si", cubic=True, a=5.46)
    return Session(silicon().hamiltonian(atoms, chart="atoms").H, atoms, plan, out, **options)


def finished(out, steps=24, every=4, **options):
    rows = list(session(out, **options).run(steps, every))
    return rows, Restart.load(restart_file(out)).state


class Killed(BaseException):
    """Nothing catches it, as nothing catches a kill."""


def broken_off(out, when, **options):
    with pytest.raises(Killed):
        for row in session(out, **options).run(24, 4):
            if row["step"] == when:
                raise Killed
    return out


@pytest.mark.parametrize("name", ["run.extxyz", "run.traj", "run.pdb"])
def test_a_run_broken_off_goes_on_to_the_same_bits(name, tmp_path):
    rows, whole = finished(tmp_path / f"whole-{name}")
    out = broken_off(tmp_path / name, 12)
    more, state = finished(out, restart=True)
    np.testing.assert_array_equal(state.q, whole.q)
    np.testing.assert_array_equal(state.p, whole.p)
    assert [row["step"] for row in more] == [16, 20, 24]
    images = ase.io.read(out, ":")
    assert len(images) == len(rows) == 7
    table = pd.read_csv(out.with_name(out.name + ".csv"))
    assert table["step"].tolist() == list(range(0, 25, 4))
    assert table["total_eV"].iloc[-1] == rows[-1]["total_eV"]


@pytest.mark.parametrize("name", ["run.extxyz", "run.traj"])
def test_what_was_written_after_the_last_whole_interval_is_cut_off(name, tmp_path):
    out = broken_off(tmp_path / name, 12, geometry_file=tmp_path / "bonds.csv")
    extra = ase.io.read(out, -1)
    ase.io.write(out, extra, format=None if name.endswith("traj") else "extxyz", append=True)
    if name.endswith("xyz"):
        with out.open("a") as file:
            file.write("8\nLattice=half a li")
    with (tmp_path / "bonds.csv").open("a") as file:
        file.write("16,32.0,2.5")
    finished(out, restart=True, geometry_file=tmp_path / "bonds.csv")
    assert [image.info["step"] for image in ase.io.read(out, ":")] == list(range(0, 25, 4))
    assert pd.read_csv(tmp_path / "bonds.csv")["step"].tolist() == list(range(0, 25, 4))


def test_frames_hold_what_the_state_was(tmp_path):
    rows, state = finished(tmp_path / "run.traj")
    last = ase.io.read(tmp_path / "run.traj", -1)
    np.testing.assert_array_equal(last.positions, state.q)
    assert last.get_total_energy() == pytest.approx(rows[-1]["total_eV"], abs=1e-9)
    assert last.info["time_fs"] == 48.0
    last.calc, energy, forces = silicon().calculator(), last.get_potential_energy(), last.get_forces()
    assert last.get_potential_energy() == pytest.approx(energy, abs=1e-12)
    np.testing.assert_allclose(last.get_forces(), forces, atol=1e-12)


def test_another_run_is_not_gone_on_with_nor_written_over(tmp_path):
    out = broken_off(tmp_path / "run.extxyz", 4)
    with pytest.raises(TenfmaError, match="--restart"):
        session(out)
    with pytest.raises(TenfmaError, match=r"temperature 600.0 \(asked: 300.0\)"):
        session(out, Plan("nvt", 300.0, 0.02, 2.0, 3), restart=True)
    with pytest.raises(TenfmaError, match=r"no .*other\.traj\.restart\.npz to go on from"):
        session(tmp_path / "other.traj", restart=True)


def test_momenta_are_drawn_at_rest_and_counted_over_what_moves():
    H, q = emt(), copper().positions
    assert H.degrees_of_freedom == 21
    found = []
    for seed in range(400):
        state = start(H, q, Plan(temperature=300.0, seed=seed))
        assert np.abs(state.p.sum(0)).max() < 1e-10
        found.append(measured(H, state, Plan())["temperature_K"])
    mean = mean_and_error(found)
    assert mean.agrees(300.0)
    assert not mean.agrees(300.0 * 21 / 24), "counting all 3N momenta would read 12 % low, and must be seen"


def test_nve_conserves_energy_to_second_order_in_dt():
    H, q = emt(), copper().positions
    swings = []
    for dt, steps in ((4.0, 100), (2.0, 200)):
        plan = Plan("nve", 600.0, dt=dt)
        rows = [measured(H, state, plan) for state in run(H, start(H, q, plan), plan, steps, 1)]
        swings.append(max(abs(row["drift_meV_per_atom"]) for row in rows))
    assert swings[0] / swings[1] == pytest.approx(4, rel=0.25)


def test_the_baths_heat_is_no_drift():
    H, q = emt(), copper().positions
    rows = [measured(H, state, NVT) for state in run(H, start(H, q, NVT), NVT, 200, 10)]
    totals = np.array([row["total_eV"] for row in rows])
    assert np.ptp(totals) / 8 > 0.02  # the bath moved tens of meV an atom
    assert max(abs(row["drift_meV_per_atom"]) for row in rows) < 2
    assert units.kB * 600 > 0.02


@pytest.mark.parametrize(
    ("settings", "why"),
    [({"ensemble": "npt"}, "nve"), ({"dt": 0.0}, "--dt"), ({"temperature": -1.0}, "--temperature")],
)
def test_plans_that_cannot_be_are_refused(settings, why):
    with pytest.raises(TenfmaError, match=why):
        Plan(**settings)


def test_the_noise_of_a_step_does_not_depend_on_how_the_run_is_cut_into_pieces(monkeypatch):
    from tenfma.simulation import molecular_dynamics

    H, first = emt(), None
    ends = []
    for every in (24, 5, 1):
        first = start(H, copper().positions, NVT)
        *_, last = run(H, first, NVT, 24, every)
        ends.append(last)
    monkeypatch.setattr(molecular_dynamics, "TOGETHER", 7 * first.q.size)  # pieces within an interval
    *_, last = run(H, first, NVT, 24, 24)
    assert last.step == 24
    for end in [*ends[1:], last]:
        np.testing.assert_allclose(end.q, ends[0].q, rtol=0, atol=1e-10)
        np.testing.assert_allclose(end.p, ends[0].p, rtol=0, atol=1e-8)
        assert end.heat == pytest.approx(ends[0].heat, rel=1e-8)
