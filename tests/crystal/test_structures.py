"""Structures in: every format gives the same crystal, and every bad input one plain sentence."""

import gzip
import json
import re
import time

import numpy as np
import pytest
from ase import Atoms
from ase.io import write
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure

from tenfma.crystal import prototypes
from tenfma.crystal.checks import checked
from tenfma.crystal.structures import from_ase, notes, parse, parse_frames, read, read_all
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


def _frame(columns: str = "pos:R:3", first: str = "Na") -> bytes:
    comment = f'Lattice="4 0 0 0 4 0 0 0 4" Properties=species:S:1:{columns}'
    return f"2\n{comment}\n{first} 0 0 0\nCl 2 2 2\n".encode()


def _poscar(old: str = "", new: str = "") -> bytes:
    text = "cell\n1.0\n3 0 0\n0 3 0\n0 0 3\nNa Cl\n1 1\ndirect\n0 0 0\n0.5 0.5 0.5\n"
    assert old in text
    return text.replace(old, new, 1).encode()


BAD = {
    "empty.cif": (b"  \n", "is empty"),
    "noise.cif": (_noise(False), "not text"),
    "noise.bin": (_noise(False), "not text"),
    "printable.cif": (_noise(True), "not a whole CIF"),
    "printable.json": (_noise(True), "not JSON"),
    "printable.extxyz": (_noise(True), "no extxyz file"),
    "printable.vasp": (_noise(True), "POSCAR"),
    "printable.txt": (_noise(True), "format"),
    "disguised.cif": (CIF.encode() + _noise(True).replace(b"\n", b" "), "lines of more than"),
    "broken.cif": (CIF[:260].encode(), "cell, symmetry or atom sites|could not be read|not a whole"),
    "letters.cif": (CIF.replace("5.64", "long").encode(), "'long', and a number is expected"),
    "lost.cif": (CIF.replace("1.0\nCl1", "0.001\nCl1").encode(), "partial occupancies"),
    "unknown.cif": (CIF.replace("Na1 Na", "Xx1 Xx").encode(), "no element|could not be read as CIF"),
    "flat.cif": (CIF.replace("_cell_length_c 5.64", "_cell_length_c 0.0").encode(), "cell|could not be read"),
    "half.cif.gz": (gzip.compress(CIF.encode())[:60], "gzip"),
    "nan.json": (_structure(["Na"], [[0, float("nan"), 0]]), "atom 1 that is 'nan'"),
    "dummy.json": (_structure(["X"], [[0, 0, 0]]), "no element"),
    "list.json": (b"[]", "no structure"),
    "other.json": (b'{"a": 1}', "no pymatgen structure"),
    "deep.json": (b"[" * 100_000, "not JSON"),
    "wrong.json": (b'{"lattice": {"matrix": 3}, "sites": [1]}', "no lattice matrix"),
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
    "decorated.json": (_one_site([{"element": "Na,spin=", "occu": 1}]), "'Na,spin=', which is no element"),
    "nobody.json": (_one_site([]), "no atoms|could not"),
    "thin.json": (_slab(0.2), "thick"),
    "long.json": (_slab(1e9), "long"),
    "image.json": (_structure(["Na", "Na"], [[0.999, 0.5, 0.5], [0.001, 0.5, 0.5]]), "Å apart"),
    "none.extxyz": (b'0\nLattice="1 0 0 0 1 0 0 0 1"\n', "announces 0 atoms"),
    "dummy.extxyz": (b"1\nx\nQq 0 0 0\n", "atom 1 'Qq', which is no element"),
    "negative.extxyz": (b"-2\n\nH 0 0 0\n", "announces -2 atoms"),
    "columns.extxyz": (_frame("pos:R:3:forces:R:999999999999"), "'forces:R:999999999999'"),
    "wide.extxyz": (_frame("pos:R:3" + ":f:R:9999" * 3), "30,001 columns"),
    "noposition.extxyz": (_frame("forces:R:3"), "without pos"),
    "pbc.extxyz": (_frame("pos:R:3 pbc=yes"), "three of T and F"),
    "singular.extxyz": (_frame().replace(b"0 4 0 0", b"4 0 0 0"), "flat cell|lattice vector"),
    "word.extxyz": (_frame().replace(b"2 2 2", b"2 two 2"), "atom 2 that is 'two'"),
    "negative.cif": (CIF.replace("_a 5.64", "_a -5.64").encode(), "_cell_length_a -5.64; a length above 0"),
    "grouped.cif": (CIF.replace("_a 5.64", "_a 1_000").encode(), "'1_000', and a number is expected"),
    "zero.cif": (CIF.replace("_a 5.64", "_a 0").encode(), "_cell_length_a 0; a length above 0"),
    "angle.cif": (CIF.replace("beta 90", "beta 190").encode(), "_cell_angle_beta 190"),
    "angles.cif": (
        CIF.replace("beta 90", "beta 10").replace("gamma 90", "gamma 40").encode(),
        "no three vectors",
    ),
    "radians.cif": (re.sub("(alpha|beta|gamma) 90", r"\1 1.57", CIF).encode(), "radians"),
    "infinite.cif": (
        CIF.replace("0.5 0.5", "inf 0.5").encode(),
        r"site 2 \(Cl1\) an x coordinate that is 'inf'",
    ),
    "unknowncoordinate.cif": (
        CIF.replace("0.5 0.5", "? 0.5").encode(),
        r"no x coordinate at atom site 2 \(Cl1\)",
    ),
    "unlabelled.cif": (
        CIF.replace("_atom_site_label\n", "").replace("Na1 ", "").replace("Cl1 ", "").encode(),
        "_atom_site_label is expected",
    ),
    "rowless.cif": (CIF[: CIF.index("Na1")].encode(), "a loop_ has no rows"),
    "same.cif": (
        CIF.replace("0.5 0.5 0.5", "1 0 0").encode(),
        r"sites 1 \(Na1\) and 2 \(Cl1\) on the same place",
    ),
    "X.cif": (CIF.replace("Na1 Na", "X1 X").encode(), r"'X' at atom site 1 \(X1\), which is no element"),
    "numbered.cif": (CIF.replace("Na1 Na", "11 11").encode(), "'11' at atom site 1"),
    "minus.cif": (CIF.replace("0 0 0 1.0", "0 0 0 -0.5").encode(), "occupied -0.5 times"),
    "vacant.cif": (CIF.replace(" 1.0\n", " 0\n").encode(), "every occupancy is 0"),
    "group.cif": (CIF.replace("P 1", "Q 9").encode(), "space group 'Q 9', which is not known"),
    "operation.cif": (
        CIF.replace("loop_", "_symmetry_equiv_pos_as_xyz x/0,y,z\nloop_").encode(),
        "symmetry operation 'x/0,y,z'",
    ),
    "plain.cif.gz": (CIF.encode(), "not a gzip file"),
    "cut.cif.gz": (gzip.compress(CIF.encode())[:-6] + b"xxxxxx", "not a whole gzip file"),
    "scale.vasp": (_poscar("1.0", "0"), "scale 0 on line 2"),
    "missing.vasp": (_poscar("1 1", "1"), "'direct' among its numbers of atoms|names 2 elements"),
    "less.vasp": (_poscar("1 1", "1 -1"), "'-1' among its numbers of atoms"),
    "dummy.vasp": (_poscar("Na Cl", "X Cl"), "'X' on the line of its elements"),
    "word.vasp": (_poscar("0.5 0.5 0.5", "a b c"), "atom 2 that is 'a'"),
    "twice.vasp": (_poscar("0.5 0.5 0.5", "0 1 0"), r"atoms 1 \(Na\) and 2 \(Cl\) on the same place"),
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


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (_frame().replace(b"2 2 2", b"2 two 2"), "is 'two'"),
        (_frame().replace(b"Cl 2 2 2\n", b""), "announces more atoms than it has lines: 2 and 1"),
        (_frame() + b"Na 1 1 1\n", "has more lines than that"),
        (_frame().replace(b"2\n", b"two\n", 1), "has more lines than that"),
        (_frame().replace(b"Cl 2 2 2", b"Cl 0 0 0"), r"atoms 1 \(Na\) and 2 \(Cl\) on the same place"),
        (b"0\nnothing\n", "announces 0 atoms"),
    ],
)
def test_a_broken_frame_harms_no_other(broken, why):
    found = parse_frames(_frame() + broken + _frame(first="K"), "run.extxyz")
    assert [structure.formula for structure in found.structures][-1] == "K1 Cl1"
    assert len(found.refused) == 1
    place, error = found.refused[0]
    assert re.search(rf"frame {place} of run.extxyz \(counted from 0\).*{why}", str(error))
    assert sorted([place, *found.places]) == list(range(found.total))
    with pytest.raises(StructureError, match=why):
        parse(_frame() + broken + _frame(), "run.extxyz")


def test_blocks_and_records_are_frames_too(salt):
    text = "data_who\n_author me\n" + CIF + CIF.replace("5.64", "0") + CIF.replace("Na", "K")
    found = parse_frames(text.encode(), "three.cif")
    assert [structure.formula for structure in found.structures] == ["Na1 Cl1", "K1 Cl1"]
    assert found.places == [0, 2]
    assert "frame 1 of three.cif" in str(found.refused[0][1])
    records = json.dumps([json.loads(salt.to_json()), {"a": 1}, json.loads(salt.to_json())])
    assert parse_frames(records.encode(), "list.json").places == [0, 2]


def test_plain_and_numbered_species_are_read_like_ase_does(tmp_path):
    atoms = Atoms(
        "NaCl", [[0, 0, 0], [2, 2, 2.5]], cell=[[4, 0, 0.5], [0, 4, 0], [0.25, 0, 5]], pbc=(1, 0, 1)
    )
    atoms.set_momenta([[1, 2, 3], [4, 5, 6]])
    atoms.info["energy"] = -1.5
    write(tmp_path / "a.extxyz", atoms, format="extxyz")
    found = read(tmp_path / "a.extxyz")
    assert np.allclose(found.lattice.matrix, atoms.cell.array)
    assert np.allclose(found.cart_coords, atoms.positions)
    assert found.lattice.pbc == (True, False, True)
    numbered = _frame().replace(b"species:S:1", b"Z:I:1").replace(b"Na", b"11").replace(b"Cl", b"17")
    assert parse(numbered, "z.extxyz")[0].formula == "Na1 Cl1"


def test_poscar_of_vasp_4_takes_its_elements_from_the_title_and_says_so():
    old = _poscar("Na Cl\n", "")
    with pytest.raises(StructureError, match="does not name its elements"):
        parse(old, "POSCAR")
    found = parse(old.replace(b"cell", b"Na Cl"), "POSCAR")[0]
    assert found.formula == "Na1 Cl1"
    assert any("title" in said for said in notes(found))
    assert parse(_poscar("1.0", "-54.0"), "POSCAR")[0].volume == pytest.approx(54)


@pytest.mark.parametrize("symbol", ["D", "T"])
def test_heavy_hydrogen_is_hydrogen_in_every_format_and_it_is_said(symbol):
    atoms = Atoms(
        "HCl",
        [[0, 0, 0], [2, 2, 2]],
        cell=[4, 4, 4],
        pbc=True,
        masses=[2.014 if symbol == "D" else 3.016, 35],
    )
    for structure in (
        parse(_frame(first=symbol), "d.extxyz")[0],
        parse(CIF.replace("Na1 Na", f"{symbol}1 {symbol}").encode(), "d.cif")[0],
        parse(_poscar("Na", symbol), "POSCAR")[0],
        parse(_one_site([{"element": symbol, "occu": 1, "oxidation_state": 1}]), "d.json")[0],
        checked(from_ase(atoms)),
    ):
        assert structure[0].specie.symbol == "H" and structure[0].specie.Z == 1
        assert float(structure[0].specie.atomic_mass) == pytest.approx(1.008, abs=1e-3)
        assert "deuterium and tritium are taken as hydrogen, mass included" in notes(structure)
    light = Atoms("HCl", [[0, 0, 0], [2, 2, 2]], cell=[4, 4, 4], pbc=True)
    assert not notes(checked(from_ase(light)))


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
