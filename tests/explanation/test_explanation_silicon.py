"""Silicon with the shipped weights: what a chemist knows of it must come out."""

import numpy as np
import pytest
from ase.build import bulk

import tenfma
from tenfma.explanation import explain
from tenfma.explanation.couplings import shells_of
from tenfma.explanation.modes import WAVENUMBERS_PER_THZ, modes_of

A = 5.469


@pytest.fixture(scope="module")
def primitive():
    return explain(tenfma.load("Si"), bulk("Si", "diamond", a=A))


def test_the_optical_mode_at_gamma_is_threefold_degenerate(primitive):
    modes = primitive.modes()
    assert np.abs(modes.frequencies[:3]).max() < 1e-3  # moving the whole crystal costs nothing
    optical = modes.frequencies[3:]
    assert np.ptp(optical) < 1e-4
    assert optical[0] == pytest.approx(15.5, abs=1.5)
    assert modes.wavenumbers[5] == pytest.approx(optical[2] * 33.35641, rel=1e-6)
    assert [len(group) for group in modes.degenerate(1e-3)] == [3, 3]
    assert modes.participation[3:] == pytest.approx(1.0, abs=1e-6)


def test_a_tetragonal_strain_lifts_the_degeneracy():
    crystal = bulk("Si", "diamond", a=A)
    crystal.set_cell(crystal.cell.array * [1, 1, 1.02], scale_atoms=True)
    optical = explain(tenfma.load("Si"), crystal).modes().frequencies[3:]
    assert np.ptp(optical) > 0.01


def test_a_supercell_holds_the_modes_of_its_primitive_cell_and_more(primitive):
    modes = primitive.modes((2, 1, 1))
    assert len(modes.frequencies) == 12
    assert modes.frequencies[-3:] == pytest.approx(primitive.modes().frequencies[3:], abs=1e-3)


def test_nearest_neighbours_are_coupled_most():
    e = explain(tenfma.load("Si"), bulk("Si", "diamond", a=A, cubic=True) * (2, 2, 2))
    strength = np.linalg.norm(e.couplings(of=0), axis=(1, 2))
    distance = e.distances()[0]
    near, second = (
        np.isclose(distance, A * 3**0.5 / 4, atol=0.01),
        np.isclose(distance, A / 2**0.5, atol=0.01),
    )
    assert near.sum() == 4 and second.sum() == 12
    assert strength[near].min() > 3 * strength[second].max()
    assert strength[near].min() > 3 * strength[~near & (distance > 0)].max()


def test_shells_gather_couplings_by_distance():
    e = explain(tenfma.load("Si"), bulk("Si", "diamond", a=A, cubic=True))
    shells = shells_of(e.couplings(), e.kinds(), e.distances())
    assert shells["pairs"].sum() == 8 * 7 // 2
    assert list(shells["distance"]) == sorted(shells["distance"])
    assert shells["distance"].iloc[0] == pytest.approx(A * 3**0.5 / 4, abs=1e-3)
    assert shells["strength"].idxmax() == 0


def test_masses_enter_a_mode_as_they_should():
    k, masses = 2.0, np.array([1.0, 3.0])
    blocks = np.zeros((2, 2, 3, 3))
    for i in range(2):
        for j in range(2):
            blocks[i, j, 0, 0] = k if i == j else -k
    modes = modes_of(("a", "b"), blocks, masses)
    reduced = 1 / (1 / masses).sum()
    assert modes.frequencies[-1] == pytest.approx(1e3 * np.sqrt(k / reduced) / (2 * np.pi))
    assert modes.wavenumbers[-1] == pytest.approx(modes.frequencies[-1] * WAVENUMBERS_PER_THZ)
    step = modes.displacements[-1][:, 0]
    assert step[0] / step[1] == pytest.approx(-3.0)  # the centre of mass stays


def test_a_vacancy_shows_in_the_parts_and_in_the_tensions_around_it():
    crystal = bulk("Si", "diamond", a=A, cubic=True) * (2, 2, 2)
    site = crystal.positions[0].copy()
    del crystal[0]
    e = explain(tenfma.load("Si"), crystal)
    away = np.linalg.norm(_distances(crystal, site), axis=1)
    nearest = np.argsort(away)[:4]
    rest = np.setdiff1d(np.arange(len(crystal)), nearest)
    energy = e.parts.energy
    assert energy[nearest].min() > energy[rest].max() + 0.5  # dangling bonds cost energy, eV
    assert np.linalg.norm(e.sensitivities.forces, axis=1)[nearest].min() > 0.1


def _distances(crystal, point):
    fractional = (crystal.positions - point) @ np.linalg.inv(crystal.cell.array)
    return (fractional - np.round(fractional)) @ crystal.cell.array
