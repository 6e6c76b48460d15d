"""Relaxation: the minimum of EMT copper, from afar, by each optimiser, with and without the cell."""

import numpy as np
import pytest
from ase import units
from ase.build import bulk
from ase.calculators.emt import EMT

from tenfma.errors import TenfmaError
from tenfma.simulation import relaxation
from tenfma.simulation.relaxation import OPTIMIZERS, relax


def copper(a=3.6, seed=0):
    atoms = bulk("Cu", cubic=True, a=a)
    atoms.rattle(0.05, seed=seed)
    atoms.calc = EMT()
    return atoms


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_atoms_and_cell_find_the_minimum(optimizer):
    atoms = copper(a=3.65)
    done = relax(atoms, cell=True, fmax=0.02, optimizer=optimizer)
    assert done.converged and done.largest_force < 0.02
    assert np.abs(atoms.get_stress()).max() < 2e-3
    assert atoms.get_volume() ** (1 / 3) == pytest.approx(3.59, abs=0.01)


def test_without_the_cell_only_atoms_move():
    atoms = copper()
    before = atoms.cell.array.copy()
    assert relax(atoms, fmax=1e-3).converged
    np.testing.assert_array_equal(atoms.cell.array, before)


def test_pressure_is_what_the_stress_ends_at():
    atoms = copper()
    relax(atoms, cell=True, pressure=5.0, fmax=1e-3)
    assert -atoms.get_stress()[:3].mean() / units.GPa == pytest.approx(5.0, abs=0.05)


def test_too_few_steps_are_said():
    seen = []
    assert not relax(copper(), fmax=1e-6, steps=2, on_step=seen.append).converged
    assert [now.step for now in seen] == [0, 1, 2]


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"optimizer": "NEWTON"}, "LBFGS"),
        ({"fmax": 0.0}, "--fmax"),
        ({"pressure": 1.0}, "--cell"),
        ({"pressure": float("nan"), "cell": True}, "--pressure"),
        ({"pressure": -1e9, "cell": True}, "--pressure"),
    ],
)
def test_settings_that_cannot_be(settings, why):
    with pytest.raises(TenfmaError, match=why):
        relax(copper(), **settings)


def test_a_crystal_that_is_torn_apart_is_told_and_not_followed_without_end(monkeypatch):
    monkeypatch.setattr(relaxation, "FALLEN_APART", 1.02)
    with pytest.raises(TenfmaError, match="falls apart"):
        relax(copper(), cell=True, pressure=-5.0)
    assert relax(copper(a=3.58), cell=True).converged


def test_a_calculator_that_does_not_know_the_element_is_told():
    atoms = bulk("Si", cubic=True)
    atoms.calc = EMT()
    with pytest.raises(TenfmaError, match="EMT could not be evaluated: No EMT-potential for Si"):
        relax(atoms)
