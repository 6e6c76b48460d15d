"""What the Couplings page draws, against what it is drawn from; with wrong twins."""

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from tenfma.viz import couplings as view

LABELS = ["A1", "A2", "A3"]
STRENGTHS = np.array([[9.0, 2.0, 0.5], [2.0, 9.0, 1.0], [0.5, 1.0, 9.0]])
DISTANCES = np.array([[0.0, 1.0, 2.5], [1.0, 0.0, 1.5], [2.5, 1.5, 0.0]])


@pytest.fixture
def crystal():
    return Structure(Lattice.cubic(4.0), ["Cs", "Cl"], [[0.1, 0.2, 0.3], [0.6, 0.7, 0.8]])


@pytest.mark.parametrize("degrees", [0.0, 25.0, 133.0])
def test_rotation_is_one(degrees):
    R = view.rotation(degrees)
    assert np.allclose(R @ R.T, np.eye(3), atol=1e-14)
    assert np.linalg.det(R) == pytest.approx(1.0)
    assert np.trace(R) == pytest.approx(1 + 2 * np.cos(np.radians(degrees)))
    assert np.allclose(R @ view.AXIS, view.AXIS)


def test_turned_crystal_keeps_distances_and_a_stretched_one_does_not(crystal):
    R = view.rotation(40.0)
    turned = view.rotated(crystal, R)
    assert np.allclose(turned.distance_matrix, crystal.distance_matrix)
    assert np.allclose(turned.cart_coords, crystal.cart_coords @ R.T)
    assert not np.allclose(view.rotated(crystal, 1.1 * R).distance_matrix, crystal.distance_matrix)


def test_rattle_moves_atoms_and_not_their_centre(crystal):
    moved = view.rattled(crystal, 0.1)
    assert np.allclose(moved.cart_coords.mean(0), crystal.cart_coords.mean(0))
    assert np.linalg.norm(moved.cart_coords - crystal.cart_coords) > 0.01
    assert np.allclose(view.rattled(crystal, 0.0).cart_coords, crystal.cart_coords)


def test_arrows_point_along_forces_and_only_where_there_is_one(crystal):
    forces = np.array([[0.0, 0.0, 2.0], [0.0, 0.0, 0.0]])
    scene = view.force_scene(crystal, [], forces, "key")
    at = [row["at"] for row in scene["atoms"] if row["site"] == 0]
    assert len(scene["arrows"]) == len(at)
    for arrow in scene["arrows"]:
        step = np.subtract(arrow["to"], arrow["from"])
        assert step[2] > 0
        assert np.allclose(step[:2], 0)
    assert view.force_scene(crystal, [], 0 * forces, "key")["arrows"] == []


def test_every_square_of_the_heat_map_knows_its_pair():
    chart = view.matrix_figure(LABELS, STRENGTHS, ("of", "to", "size"), atom=0, partner=2)
    heat, squares = chart.data
    assert np.isnan(np.diag(heat.z)).all()
    for x, y, (row, column) in zip(squares.x, squares.y, squares.customdata):
        assert (x, y) == (column, row)
    assert len(chart.layout.shapes) == 2


def test_pairs_of_the_atom_stand_out():
    names = ("x", "y", "all", "own")
    chart = view.distance_figure(LABELS, STRENGTHS, DISTANCES, names, atom=1, partner=2)
    found = {trace.name: sorted(np.asarray(trace.y).tolist()) for trace in chart.data}
    assert found == {"all": [0.5], "own": [2.0], "A2 – A3": [1.0]}


def test_table_has_each_pair_once_strongest_first():
    table = view.pair_table(LABELS, STRENGTHS, DISTANCES)
    assert list(table["coupling"]) == [2.0, 1.0, 0.5]
    assert list(table["distance / Å"]) == [1.0, 1.5, 2.5]
