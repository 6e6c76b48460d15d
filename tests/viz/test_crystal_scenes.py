"""Crystal scenes: bonds a chemist expects, images that close, corners of simplices at their stated lengths."""

import numpy as np
import pytest

import tenfma
from tenfma.viz import bonds, crystal_tables, scenes, simplices
from tenfma.viz.periodic import LAST, periodic_table, place

COORDINATION = {"diamond": {4}, "rocksalt": {6}, "fluorite": {4, 8}}


@pytest.mark.parametrize(("name", "numbers"), COORDINATION.items())
def test_near_neighbours_are_the_textbooks(name, numbers):
    structure = tenfma.read(f"prototype:{name}")
    assert set(bonds.coordination(structure, bonds.near_bonds(structure))) == numbers


@pytest.mark.parametrize("name", ["diamond", "perovskite", "rutile", "hcp", "spinel"])
@pytest.mark.parametrize("cells", [(1, 1, 1), (2, 1, 1)])
def test_drawn_bonds_have_their_lengths(name, cells):
    structure = tenfma.read(f"prototype:{name}")
    structure.translate_sites(
        range(len(structure)), [0.37, -1.2, 2.9], to_unit_cell=False
    )  # sites far outside the cell
    found = bonds.near_bonds(structure)
    scene = scenes.crystal_scene(structure, found, cells)
    at = np.array([atom["at"] for atom in scene["atoms"]])
    drawn = [np.linalg.norm(at[a] - at[b]) for a, b in scene["bonds"]]
    known = np.array([bond.length for bond in found])
    assert len(drawn) >= len(found) > 0
    assert max(np.abs(known - length).min() for length in drawn) < 2e-3


def test_every_bond_of_the_cell_is_drawn_at_least_once():
    structure = tenfma.read("prototype:perovskite")
    found = bonds.near_bonds(structure)
    scene = scenes.crystal_scene(structure, found)
    pairs = {tuple(sorted((scene["atoms"][a]["site"], scene["atoms"][b]["site"]))) for a, b in scene["bonds"]}
    assert pairs == {tuple(sorted((bond.i, bond.j))) for bond in found}


def test_cell_has_twelve_edges_and_two_cells_twenty():
    matrix = np.diag([1.0, 2.0, 3.0])
    assert len(scenes.cell_edges(matrix)) == 12
    assert len(scenes.cell_edges(matrix, (2, 1, 1))) == 20


def test_corners_are_the_complex_and_not_the_unclosed_images():
    structure = tenfma.read("prototype:perovskite")
    K = tenfma.complex_of(structure, 3.0, 3.0)
    edges = simplices.corners(structure, K, 1)
    np.testing.assert_allclose(
        np.linalg.norm(edges[:, 1] - edges[:, 0], axis=1), K.lengths().numpy(), atol=1e-9
    )
    triangles = simplices.corners(structure, K, 2)
    sides = np.stack(
        [np.linalg.norm(triangles[:, a] - triangles[:, b], axis=1) for a, b in ((0, 1), (1, 2), (0, 2))], 1
    )
    np.testing.assert_allclose(sides, K.lengths().numpy()[K.triangle_edges.numpy()], atol=1e-9)
    centre = structure.lattice.get_fractional_coords(triangles.mean(axis=1))
    assert (centre > -1e-5).all()
    assert (centre < 1 + 1e-5).all()


def test_simplex_scene_says_what_it_leaves_out():
    structure = tenfma.read("prototype:perovskite")
    features = tenfma.featurize(structure, smooth_only=True, cutoff=3.0, triangle_cutoff=3.0)
    K = features.complex
    values = simplices.values(features, "triangles", "perimeter")
    scene = scenes.simplex_scene(
        structure, 2, simplices.corners(structure, K, 2), values, "perimeter / Å", limit=10
    )
    assert len(scene["triangles"]) == 10
    assert scene["hidden"] == K.n_triangles - 10
    assert scene["scale"]["name"] == "perimeter / Å"


def test_scene_key_changes_with_the_crystal_and_not_with_the_choice():
    one, two = (tenfma.read(f"prototype:{name}") for name in ("diamond", "rocksalt"))
    assert scenes.scene_key(one) != scenes.scene_key(two)
    assert scenes.crystal_scene(one, [], picked=0)["key"] == scenes.crystal_scene(one, [], picked=1)["key"]


def test_topology_of_the_simple_cubic_net_is_three_loops():
    structure = tenfma.read("prototype:simple cubic")
    K = tenfma.complex_of(structure, 1.1 * structure.lattice.a, 1.1 * structure.lattice.a)
    shape = simplices.topology(K)
    assert (shape.b0, shape.b1) == (1, 3)
    assert (shape.spectra[1] < 1e-9).sum() == 3


def test_tables_and_exports():
    structure = tenfma.read("prototype:rocksalt")
    found = bonds.near_bonds(structure)
    assert crystal_tables.symmetry(structure).number == 225
    assert len(crystal_tables.bond_table(structure, found)) == len(found) == 6
    files = crystal_tables.exports(structure)
    assert "_cell_length_a" in files["cif"]
    assert len(crystal_tables.conventional(structure)) == 8


def test_periodic_table_has_a_place_for_everyone():
    places = [place(number) for number in range(1, LAST + 1)]
    assert len(set(places)) == LAST
    chart = periodic_table({"Fe"}, {"Fe", "O"})
    assert chart.data[0].customdata[25] == "Fe"
