"""Two atoms on one place, or .05 Å apart, have no energy to believe: plain words wherever they come from."""

from functools import cache

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write

import tenfma
from tenfma.cli import run
from tenfma.errors import TenfmaError
from tenfma.training.data import read_frames

model_named = cache(tenfma.load)

READINGS = {
    "calculator": lambda model, atoms: model.calculator().get_forces(atoms),
    "energy": lambda model, atoms: model.energy(atoms),
    "atoms": lambda model, atoms: model.hamiltonian(atoms, chart="atoms").H.dq(atoms.positions),
    "simplices": lambda model, atoms: model.hamiltonian(atoms),
    "embed": lambda model, atoms: model.embed([atoms]),
}


def close(distance, symbol="Si", image=False):
    """A crystal with two atoms so near to each other; `image`: across the cell's border."""
    atoms = bulk(symbol, cubic=True)
    atoms.positions[1] = atoms.positions[0] + [distance, 0.0, 0.0]
    if image:
        atoms.positions[1] += atoms.cell.array[2]
    return atoms


@pytest.mark.parametrize(("distance", "image"), [(0.0, False), (0.05, True)])
@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("name", ["Si", "untrained"])
def test_no_reading_of_a_model_believes_them(name, reading, distance, image):
    with pytest.raises(TenfmaError, match=r"apart|same place"):
        READINGS[reading](model_named(name), close(distance, image=image))


def test_near_but_apart_is_still_an_energy():
    assert np.isfinite(model_named("Si").calculator().get_potential_energy(close(0.2)))


@pytest.mark.parametrize("calculator", [EMT, LennardJones])
def test_no_calculator_is_believed_where_it_gives_no_number(calculator):
    atoms = close(0.0, "Cu")
    atoms.calc = calculator()
    with pytest.raises(TenfmaError, match="finite"):
        H, q, p = tenfma.from_ase(atoms)
        H(q, p)


@pytest.mark.parametrize(("distance", "image"), [(0.0, True), (0.05, False)])
def test_frames_with_them_are_neither_trained_on_nor_compared_with(distance, image, tmp_path, capsys):
    frames = [bulk("Si", cubic=True), close(distance, image=image)]
    for atoms in frames:
        atoms.calc = SinglePointCalculator(atoms, energy=-40.0, forces=np.zeros((len(atoms), 3)))
    path = tmp_path / "frames.extxyz"
    write(path, frames)
    with pytest.raises(TenfmaError, match=r"frame 2 of frames\.extxyz has atoms 1 and 2"):
        read_frames(path)
    out = tmp_path / "out"
    assert run(["train", "--data", str(path), "--out", str(out)]) == 2 and not out.exists()
    assert run(["evaluate", "Si", "--data", str(path)]) == 2
    write(path, frames[1])
    assert run(["md", str(path), "--model", "Si", "--out", str(tmp_path / "run.traj")]) == 2
    assert run(["relax", str(path), "--model", "Si", "--out", str(tmp_path / "relaxed.cif")]) == 2
    assert "Traceback" not in capsys.readouterr().err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["frames.extxyz"]


def test_a_cell_that_brings_an_atom_onto_its_image_is_named(tmp_path):
    thin = bulk("Cu", cubic=True)
    thin.set_cell([0.1, 3.6, 3.6])
    thin.calc = SinglePointCalculator(thin, energy=-3.0, forces=np.zeros((len(thin), 3)))
    write(tmp_path / "thin.extxyz", thin)
    with pytest.raises(TenfmaError, match=r"apart|own image"):
        read_frames(tmp_path / "thin.extxyz")
