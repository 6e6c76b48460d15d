"""A cell or a cloud of atoms out of all bounds is refused: the compiled search would end the whole process."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys
import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write
import tenfma
from tenfma.errors import TenfmaError
from tenfma.training.data import read_frames

folder = sys.argv[1]
model, untrained = tenfma.load("Si"), tenfma.load("untrained")
near, far = [[0, 0, 0], [1.35, 1.35, 1.35]], [[0, 0, 0], [1e12, 1, 1]]
for cell, positions, pbc in [([1e12, 5, 5], near, True), ([5, 5, 1e300], near, True), ([5, 5, 5], far, False)]:
    atoms = Atoms("Si2", positions=positions, cell=cell, pbc=pbc)
    atoms.calc = SinglePointCalculator(atoms, energy=-8.0, forces=np.zeros((2, 3)))
    write(f"{folder}/frames.extxyz", atoms)
    for reading in (
        lambda: model.calculator().get_forces(atoms),
        lambda: model.energy(atoms),
        lambda: untrained.energy(atoms),
        lambda: read_frames(f"{folder}/frames.extxyz"),
    ):
        try:
            reading()
            print("no refusal")
        except TenfmaError as error:
            print(error)
"""


@pytest.mark.filterwarnings("ignore")
def test_they_are_told_and_the_process_lives(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)], capture_output=True, text=True, timeout=200
    )
    told = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr[-500:]
    assert len(told) == 12 and all("Å is expected" in line or "no volume" in line for line in told), told
