"""Bond lengths and angles: known crystals, atoms that cross the cell's edge, names that are not there."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from tenfma.errors import TenfmaError
from tenfma.simulation.geometry import chosen, nearest

SHELLS = {
    "diamond": (bulk("Si", "diamond", a=5.43), 5.43 * 3**0.5 / 4, 109.4712206, 0.0),
    "bcc": (bulk("Mo", "bcc", a=3.15), 3.15 * 3**0.5 / 2, None, None),
    "sc": (bulk("Po", "sc", a=3.35), 3.35, 108.0, 36.0),
}


@pytest.mark.parametrize("name", SHELLS)
def test_nearest_neighbours_of_known_crystals(name):
    atoms, length, angle, spread = SHELLS[name]
    row = nearest(atoms).measured(atoms.positions)
    assert row["mean_bond_A"] == pytest.approx(length)
    assert row["spread_bond_A"] == pytest.approx(0, abs=1e-12)
    if angle is not None:
        assert row["mean_angle_deg"] == pytest.approx(angle)
        assert row["spread_angle_deg"] == pytest.approx(spread, abs=1e-5)


def test_water_and_a_bond_across_the_edge():
    d, half = 0.9572, np.radians(104.52 / 2)
    water = Atoms(
        "OHH", [[0, 0, 0], [d * np.sin(half), d * np.cos(half), 0], [-d * np.sin(half), d * np.cos(half), 0]]
    )
    measure = chosen(water, ["0-1"], ["1-0-2"])
    row = measure.measured(water.positions)
    assert row == pytest.approx({"bond_0_1_A": 0.9572, "angle_1_0_2_deg": 104.52})
    pair = Atoms("Cu2", [[0.2, 0, 0], [4.8, 0, 0]], cell=[5, 5, 5], pbc=True)
    assert chosen(pair, ["0-1"], []).measured(pair.positions)["bond_0_1_A"] == pytest.approx(0.4)
    moved = pair.positions + np.array([[-1.0, 0, 0], [1.0, 0, 0]])
    assert chosen(pair, ["0-1"], []).measured(moved)["bond_0_1_A"] == pytest.approx(1.6)


@pytest.mark.parametrize(
    ("bonds", "angles", "why"),
    [(["0"], [], "i-j"), (["0-0"], [], "different"), (["0-9"], [], "atoms 0 to 2"), ([], ["0-1"], "i-j-k")],
)
def test_names_that_are_not_there(bonds, angles, why):
    with pytest.raises(TenfmaError, match=why):
        chosen(Atoms("OHH", np.eye(3)), bonds, angles)
