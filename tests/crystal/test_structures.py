"""Structures in: every format gives the same crystal, and every bad input one plain sentence."""

import gzip
import json
import time

import numpy as np
import pytest
from ase import Atoms
from ase.io import write
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure

from tenfma.crystal import prototypes
from tenfma.crystal.structures import notes, parse, read, read_all
from tenfma.errors import StructureError

CIF = """data_x
_cell_length_a 5.64
_cell_length_b 5.64
_cell_length_c 5.64
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'P 1'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
Na1 Na 0 0 0 1.0
Cl1 Cl 0.5 0.5 0.5 1.0
"""


@pytest.fixture(scope="module")
def salt():
    return read("prototype:NaCl")


def test_every_format_gives_the_same_crystal(salt, tmp_path):
    salt.to(str(tmp_path / "salt.cif"))
    salt.to(str(tmp_path / "POSCAR"), fmt="poscar")
    salt.to(str(tmp_path / "salt.json"))
    write(tmp_path / "salt.extxyz", salt.to_ase_atoms(), format="extxyz")
    (tmp_path / "salt.cif.gz").write_bytes(gzip.compress((tmp_path / "salt.cif").read_bytes()))
    (tmp_path / "no-ending").write_bytes((tmp_path / "salt.cif").read_bytes())
    for name in ("salt.cif", "POSCAR", "salt.json", "salt.extxyz", "salt.cif.gz", "no-ending"):
        found = read(tmp_path / name)
        assert found.composition == salt.composition, name
        assert found.volume == pytest.approx(salt.volume, rel=1e-4), name
        distances = np.sort(found.distance_matrix.ravel())
        assert np.allclose(distances, np.sort(salt.distance_matrix.ravel()), atol=1e-3), name


def test_a_trajectory_is_read_frame_by_frame(salt, tmp_path):
    frames = [salt.to_ase_atoms(), Atoms("OH2", [[0, 0, 0], [0.76, 0.59, 0], [-0.76, 0.59, 0]])]
    write(tmp_path / "two.extxyz", frames, format="extxyz")
    assert [len(s) for s in read_all(tmp_path / "two.extxyz")] == [2, 3]
    assert any("first" in said for said in notes(read(tmp_path / "two.extxyz")))


def test_a_molecule_is_boxed_and_it_is_said(tmp_path):
    write(tmp_path / "water.xyz", Atoms("OH2", [[0, 0, 0], [0.76, 0.59, 0], [-0.76, 0.59, 0]]))
    water = read(tmp_path / "water.xyz")
    assert min(water.lattice.abc) >= 20
    assert water.get_distance(0, 1) == pytest.approx(np.hypot(0.76, 0.59))
    assert any("vacuum" in said for said in notes(water))


def test_oxidation_states_and_isotopes_become_elements(salt, tmp_path):
    decorated = salt.copy()
    decorated.add_oxidation_state_by_element({"Na": 1, "Cl": -1})
    decorated.to(str(tmp_path / "ions.json"))
    found = read(tmp_path / "ions.json")
    assert [str(site.specie) for site in found] == [str(site.specie) for site in salt]
    assert any("oxidation states" in said for said in notes(found))
    heavy = parse(CIF.replace("Na1 Na", "D1 D").encode(), "d.cif")[0]
    assert sorted(site.specie.symbol for site in heavy) == ["Cl", "H"]
    assert any("deuterium" in said for said in notes(heavy))


def test_partial_occupancies_become_an_ordered_cell_and_it_is_said():
    mixed = CIF.replace("0 0 0 1.0", "0 0 0 0.5") + "K1 K 0 0 0 0.5\n"
    found = parse(mixed.encode(), "mixed.cif")[0]
    assert found.is_ordered
    assert found.composition["Na"] == found.composition["K"] == found.composition["Cl"] / 2
    assert any("ordered cell" in said and "seed 0" in said for said in notes(found))
    assert parse(mixed.encode(), "mixed.cif")[0] == found


def test_json_imports_nothing_it_names(salt, tmp_path):
    record = json.loads(salt.to_json())
    record["sites"][0]["properties"] = {"x": {"@module": "this_module_is_not_there", "@class": "Bad"}}
    (tmp_path / "bad.json").write_text(json.dumps(record))
    assert read(tmp_path / "bad.json").composition == salt.composition


def _noise(printable: bool) -> bytes:
    letters = np.random.default_rng(0).integers(32 if printable else 0, 127 if printable else 256, 2**20)
    return letters.astype(np.uint8).tobytes()


def _structure(species, coords, lattice=5.0) -> bytes:
    return Structure(Lattice.cubic(lattice), species, coords).to_json().encode()


def _slab(thickness: float) -> bytes:
    lattice = Lattice.orthorhombic(5, 5, thickness)
    return Structure(lattice, ["Na"], [[0, 0, 0]]).to_json().encode()


def _one_site(species: list) -> bytes:
    lattice = {"matrix": [[4, 0, 0], [0, 4, 0], [0, 0, 4]]}
    return json.dumps({"lattice": lattice, "sites": [{"species": species, "abc": [0, 0, 0]}]}).encode()


BAD = {
    "empty.cif": (b"  \n", "is empty"),
    "noise.cif": (_noise(False), "not text"),
    "noise.bin": (_noise(False), "not text"),
    "printable.cif": (_noise(True), "not a whole CIF"),
    "printable.json": (_noise(True), "not JSON"),
    "printable.extxyz": (_noise(True), "could not be read as extxyz"),
    "printable.vasp": (_noise(True), "POSCAR"),
    "printable.txt": (_noise(True), "format"),
    "disguised.cif": (CIF.encode() + _noise(True).replace(b"\n", b" "), "lines of more than"),
    "broken.cif": (CIF[:260].encode(), "cell, symmetry or atom sites|could not be read|not a whole"),
    "letters.cif": (CIF.replace("5.64", "long").encode(), "could not be read as CIF"),
    "lost.cif": (CIF.replace("1.0\nCl1", "0.001\nCl1").encode(), "partial occupancies"),
    "unknown.cif": (CIF.replace("Na1 Na", "Xx1 Xx").encode(), "no element|could not be read as CIF"),
    "flat.cif": (CIF.replace("_cell_length_c 5.64", "_cell_length_c 0.0").encode(), "cell|could not be read"),
    "half.cif.gz": (gzip.compress(CIF.encode())[:60], "gzip"),
    "nan.json": (_structure(["Na"], [[0, float("nan"), 0]]), "not a number"),
    "dummy.json": (_structure(["X"], [[0, 0, 0]]), "no element"),
    "list.json": (b"[]", "no structure"),
    "other.json": (b'{"a": 1}', "no pymatgen structure"),
    "deep.json": (b"[" * 100_000, "not JSON"),
    "wrong.json": (b'{"lattice": {"matrix": 3}, "sites": [1]}', "could not be read as JSON"),
    "overlap.json": (_structure(["Na", "Cl"], [[0, 0, 0], [0.05, 0, 0]]), "Å apart"),
    "tiny.json": (_structure(["Na"], [[0, 0, 0]], 0.1), "Å³ per atom"),
    "far.json": (_structure(["Na"], [[1e9, 0, 0]]), "million cells"),
    "short.vasp": (b"NaCl\n1.0\n", "whole POSCAR"),
    "vasp4.vasp": (b"cell\n1.0\n3 0 0\n0 3 0\n0 0 3\n1\ndirect\n0 0 0\n", "does not name its elements"),
    "announced.extxyz": (b"999999999\nx\nH 0 0 0\n", "announces more atoms"),
    "announced.vasp": (b"cell\n1.0\n3 0 0\n0 3 0\n0 0 3\nH\n999999999\ndirect\n0 0 0\n", "announces"),
    "expanded.cif": (
        CIF.replace("loop_", "x,y,z\n" * 2000 + "loop_").encode() + b"Na2 Na 0 0 0 1\n" * 999,
        "too many",
    ),
    "numbers.extxyz": (b"19999999919999999991\n", "announces more atoms"),
    "occupied.json": (_one_site([{"element": "Na", "occu": -1}]), "occupied|could not"),
    "nobody.json": (_one_site([]), "no atoms|could not"),
    "thin.json": (_slab(0.2), "thick"),
    "long.json": (_slab(1e9), "long"),
    "image.json": (_structure(["Na", "Na"], [[0.999, 0.5, 0.5], [0.001, 0.5, 0.5]]), "Å apart"),
    "none.extxyz": (b'0\nLattice="1 0 0 0 1 0 0 0 1"\n', "no atoms|no structure|could not be read"),
    "dummy.extxyz": (b"1\nx\nQq 0 0 0\n", "could not be read as extxyz"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_refused_in_one_sentence(name, tmp_path):
    contents, expected = BAD[name]
    (tmp_path / name).write_bytes(contents)
    began = time.process_time()
    with pytest.raises(StructureError, match=expected) as refused:
        read(tmp_path / name)
    assert time.process_time() - began < 20, "a refusal must not search for long"
    message = str(refused.value)
    assert name in message
    assert "\n" not in message
    assert len(message) < 400


@pytest.mark.parametrize("source", ["no/such.cif", "", "\0", "a" * 5000, "prototype:", "prototype:perovsite"])
def test_what_is_not_there_is_refused_in_one_sentence(source):
    with pytest.raises(StructureError) as refused:
        read(source)
    assert "\n" not in str(refused.value)


def test_folders_are_refused(tmp_path):
    with pytest.raises(StructureError, match="folder"):
        read(tmp_path)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(["x.cif", "POSCAR", "x.extxyz", "x.json", "x.gz", "x"]))
def test_any_bytes_are_read_or_refused(contents, name):
    try:
        assert parse(contents, name)
    except StructureError as refused:
        assert "\n" not in str(refused)


def test_all_prototypes_are_found_by_their_own_names():
    assert len(prototypes.names()) == len(set(prototypes.names())) == 288
    for name in prototypes.names():
        assert prototypes.find(name).name == name
    for prototype in prototypes.library():
        assert prototypes.find(prototype.aflow).aflow == prototype.aflow


@pytest.mark.parametrize(
    ("asked", "formula"),
    [
        ("Perovskite", "CaTiO3"),
        ("O3TiCa", "CaTiO3"),
        ("e2 1", "CaTiO3"),
        ("rock salt", "NaCl"),
        ("b1", "NaCl"),
        ("AB_cF8_216_c_a", "ZnS"),
        ("fcc", "Cu"),
        ("A3", "Mg"),
        ("A3'", "La"),
    ],
)
def test_prototypes_answer_to_all_their_names(asked, formula):
    assert prototypes.find(asked).formula == formula


def test_ambiguous_names_take_the_smallest_cell_and_say_so():
    found = prototypes.search("SiO2")
    assert len(found) > 1
    assert found[0].n_atoms == min(prototype.n_atoms for prototype in found)
    assert any("fits" in said for said in notes(read("prototype:SiO2")))


def test_unknown_names_are_answered_with_the_nearest():
    with pytest.raises(StructureError, match="cubic-perovskite"):
        prototypes.find("perovsite")
