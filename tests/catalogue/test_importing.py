"""Bringing crystals in: everything kept, nothing twice, bad entries skipped, killed at any moment without harm."""

import gzip
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.io import write
from sqlalchemy.exc import OperationalError

from tenfma import catalogue
from tenfma.catalogue import CatalogueError, entries, importing
from tenfma.catalogue.export import cif_text
from tenfma.catalogue.importing import Report, Terms, import_from
from tenfma.catalogue.sources import SourceError
from tenfma.catalogue.sources.files import Files
from tenfma.catalogue.sources.materials_project import MaterialsProject
from tenfma.errors import TenfmaError


def salt(a: float) -> Atoms:
    return bulk("NaCl", "rocksalt", a=a)


@pytest.fixture
def folder(tmp_path):
    """A POSCAR, CIFs with a table beside them, extxyz with values, JSON records, and four bad files."""
    place = tmp_path / "crystals"
    (place / "deep").mkdir(parents=True)
    write(place / "POSCAR_Cu", bulk("Cu"), format="vasp")
    write(place / "deep" / "salt.cif", salt(5.6), format="cif")
    (place / "deep" / "properties.csv").write_text(
        "file,K_vrh [GPa],id,licence\nsalt.cif,24.5,halite-1,CC0\n"
    )
    frames = [bulk("Al", a=4.0 + 0.1 * step) for step in range(3)]
    for step, frame in enumerate(frames):
        frame.info.update(stiffness=70.0 + step, id=f"al-{step}", word="text", flag=True)
    write(place / "al.extxyz", frames)
    record = {"structure": structure(bulk("Si")), "material_id": "si-1", "gap": 1.1}
    (place / "list.json").write_text(json.dumps([record]))
    (place / "broken.cif").write_text("data_x\n_cell_length_a 4\n_atom_site_label X\n")
    (place / "empty.xyz").write_text("")
    (place / "words.json").write_text("{not json")
    (place / "cut.extxyz.gz").write_bytes(gzip.compress(b"2\nx\nH 0 0 0\n")[:-6])
    (place / "ignored.txt").write_text("no crystal")
    return place


def structure(atoms):
    from tenfma.crystal.structures import from_ase

    return json.loads(from_ase(atoms).to_json())


def test_a_folder_comes_in_with_values_units_and_licence(empty, folder):
    report = import_from(empty, Files(folder), Terms(units={"stiffness": "GPa"}, licence="CC BY 4.0"))
    assert (report.added, report.repeated, report.duplicates, report.n_refused) == (6, 0, 0, 4)
    assert report.without_unit == {"gap"}
    for name in ("broken.cif", "empty.xyz", "words.json", "cut.extxyz.gz"):
        assert any(name in sentence for sentence in report.refused), name
    halite = empty.get("halite-1")
    assert (halite.licence, halite.source) == ("CC0", "crystals")
    assert [(v.name, v.value, v.unit, v.origin) for v in halite.properties] == [
        ("K_vrh", 24.5, "GPa", "stated")
    ]
    al = empty.get("al-1")
    assert al.licence == "CC BY 4.0" and al.value("stiffness") == 71.0
    assert {v.name for v in al.properties} == {"stiffness"}
    assert empty.get("si-1").value("gap") == 1.1
    assert np.allclose(empty.structure("al-2").lattice.matrix, bulk("Al", a=4.2).cell.array, atol=1e-9)


def test_a_second_run_adds_nothing_and_a_new_file_alone(empty, folder):
    import_from(empty, Files(folder))
    again = import_from(empty, Files(folder))
    assert (again.added, again.duplicates, again.n_refused) == (0, 0, 4) and again.repeated == 6
    write(folder / "new.cif", bulk("W"), format="cif")
    (folder / "deep" / "salt.cif").rename(folder / "moved.cif")
    assert import_from(empty, Files(folder)).added == 1


def test_duplicates_are_recognised_in_any_cell_and_keep_their_values(empty, tmp_path):
    primitive, conventional = salt(5.64), bulk("NaCl", "rocksalt", a=5.641, cubic=True)
    conventional.rattle(1e-4, seed=1)
    conventional.info["gap"] = 8.5
    other = salt(5.9)
    write(tmp_path / "a.extxyz", [primitive, conventional, other])
    report = import_from(empty, Files(tmp_path / "a.extxyz"))
    assert report.added == 2 and report.duplicates + report.added == 3
    write(tmp_path / "b.extxyz", [bulk("NaCl", "rocksalt", a=5.642, cubic=True)])
    second = import_from(empty, Files(tmp_path / "b.extxyz"))
    assert (second.added, second.duplicates) == (0, 1)
    assert import_from(empty, Files(tmp_path / "b.extxyz")).repeated == 1
    assert empty.search(formula="NaCl")[0].value("gap") == 8.5
    kept = import_from(empty, Files(_copy(tmp_path)), Terms(keep_duplicates=True))
    assert kept.added == 1


def _copy(tmp_path):
    write(tmp_path / "c.extxyz", [bulk("NaCl", "rocksalt", a=5.643, cubic=True)])
    return tmp_path / "c.extxyz"


def test_frames_of_a_simulation_are_no_duplicates_unless_they_are(empty, tmp_path):
    frames = []
    for seed in (1, 2, 3, 1):
        frame = bulk("Mo", cubic=True) * (3, 3, 3)
        frame.rattle(0.08, seed=seed)
        frames.append(frame)
    write(tmp_path / "md.extxyz", frames)
    report = import_from(empty, Files(tmp_path / "md.extxyz"))
    assert (report.added, report.duplicates) == (3, 1)


def test_one_name_for_two_crystals_is_made_two(empty, tmp_path):
    frames = [bulk("Cu", a=a) for a in (3.6, 3.8)]
    for frame in frames:
        frame.info["id"] = "mp-30"
    write(tmp_path / "cu.extxyz", frames)
    import_from(empty, Files(tmp_path / "cu.extxyz"))
    assert [entry.identifier for entry in empty.search()] == ["mp-30", "mp-30 (2)"]


def test_csv_tables_with_cifs(empty, tmp_path):
    import pandas as pd

    from tenfma.catalogue.entries import Entry
    from tenfma.crystal.structures import from_ase

    crystals = [from_ase(bulk(symbol)) for symbol in ("Cu", "Al", "W")]
    cifs = [
        cif_text(Entry(symbol, *[""] * 3, 1, 1, 1.0, 1, "", "", "", symbol), crystal)
        for symbol, crystal in zip("abc", crystals)
    ]
    cifs[1] = cifs[1].replace("_cell_length_a", "_cell_length_x")
    pd.DataFrame({"material_id": ["x1", "x2", "x3"], "cif": cifs, "K (GPa)": [140, 76, 310]}).to_csv(
        tmp_path / "t.csv"
    )
    report = import_from(empty, Files(tmp_path / "t.csv"), Terms(origin="dft"))
    assert (report.added, report.n_refused) == (2, 1) and "row 2" in report.refused[0]
    held = empty.get("x3")
    assert [(v.name, v.value, v.unit, v.origin) for v in held.properties if v.name == "K"] == [
        ("K", 310.0, "GPa", "dft")
    ]
    (tmp_path / "no.csv").write_text("a,b\n1,2\n")
    assert "no column" in import_from(empty, Files(tmp_path / "no.csv")).refused[0]


def test_ase_databases(empty, tmp_path):
    from ase.db import connect

    with connect(tmp_path / "a.db") as rows:
        for a in (3.6, 3.7, 3.8):
            rows.write(bulk("Cu", a=a), bulk_modulus=140.0, label="x")
    report = import_from(empty, Files(tmp_path / "a.db"), Terms(units={"bulk_modulus": "GPa"}))
    assert report.added == 3 and empty.get(1).value("bulk_modulus") == 140.0
    assert import_from(empty, Files(tmp_path / "a.db")).repeated == 3
    (tmp_path / "b.db").write_bytes(b"not a database")
    assert "no ASE database" in import_from(empty, Files(tmp_path / "b.db")).refused[0]


TABLE = """file,K_vrh [GPa],gap,licence,note
a.cif,24.5,1.5,CC0,=1+2
b.cif,n/a,broken,CC0,x
c.cif,"1,234",inf,CC0,7 apples
gone.cif,1,2,CC0,x
d.cif,3 GPa,2
"""


def test_bad_values_beside_crystals_are_listed_with_their_reason(empty, tmp_path):
    for name, a in zip("abcd", (5.6, 5.8, 6.0, 6.2)):
        write(tmp_path / f"{name}.cif", salt(a), format="cif")
    (tmp_path / "properties.csv").write_text(TABLE)
    report = import_from(empty, Files(tmp_path))
    assert (report.added, report.n_refused, report.n_left) == (4, 1, 5)
    assert report.refused == ["properties.csv names 'gone.cif', which is not beside it"]
    for place, told in enumerate(
        (
            "line 3: gap is 'broken', which is no number",
            "line 4: K_vrh is '1,234', which is no number",
            "line 4: gap is 'inf', which is not finite",
            "line 6: K_vrh is '3 GPa', which is no number",
            "line 6: 3 cells, and 5 are expected",
        )
    ):
        assert told in report.left[place] and report.left[place].startswith("properties.csv")
    held = [(v.name, v.value) for e in empty.search(sort="id") for v in e.properties]
    assert held == [("K_vrh", 24.5), ("gap", 1.5), ("gap", 2.0)]


@pytest.mark.parametrize(
    ("encoding", "mark"), [("utf-8", ","), ("utf-8-sig", ";"), ("utf-16", "\t"), ("cp1252", ";")]
)
def test_tables_of_other_programs_are_read(empty, tmp_path, encoding, mark):
    write(tmp_path / "größe.cif", salt(5.6), format="cif")
    text = "file,K_vrh [GPa],licence\ngröße.cif,24.5,Übung\n".replace(",", mark)
    (tmp_path / "properties.csv").write_bytes(text.encode(encoding))
    report = import_from(empty, Files(tmp_path))
    assert (report.added, report.n_refused, report.n_left) == (1, 0, 0)
    (entry,) = empty.search()
    assert entry.value("K_vrh") == 24.5 and entry.licence == "Übung"


def test_values_without_end_in_other_files_are_told(empty, tmp_path):
    frame = salt(5.6)
    frame.info.update(gap=float("inf"), other=float("nan"), fine=1.0)
    write(tmp_path / "x.extxyz", [frame])
    report = import_from(empty, Files(tmp_path))
    assert report.n_left == 1 and "gap is 'inf', which is not finite" in report.left[0]
    assert [v.name for v in empty.search()[0].properties] == ["fine"]


def test_units_are_asked_for_once_where_nobody_stated_them(empty, folder):
    asked = []

    def ask(name):
        asked.append(name)
        return "arb"

    report = import_from(empty, Files(folder), Terms(ask=ask))
    assert asked == ["stiffness", "gap"] or asked == ["gap", "stiffness"]
    assert not report.without_unit
    assert {v.unit for v in empty.get("al-0").properties} == {"arb"}


def test_hostile_archives_and_names_do_no_harm(empty, tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.cif", b"0" * (80 * 2**20))
        archive.writestr("../../escape.cif", b"data_x")
    cu = bulk("Cu")
    cu.info.update({"id": "<script>alert(1)</script>'; DROP TABLE entries; --", "x": float("nan")})
    write(tmp_path / "names.extxyz", [cu])
    (tmp_path / "huge.xyz").write_text("999999999999999999999\nx\nH 0 0 0\n")
    (tmp_path / "deep.json").write_text("[" * 100_000)
    report = import_from(empty, Files(tmp_path))
    assert report.added == 1 and report.n_refused == 4
    assert any("64 MB" in sentence for sentence in report.refused)
    assert not (tmp_path.parent / "escape.cif").exists()
    (entry,) = empty.search(text="<script>")
    assert entry.identifier.startswith("<script>") and not entry.properties
    assert empty.count() == 1


def test_what_may_not_be_read_is_listed_and_links_in_a_circle_are_not_followed(empty, tmp_path, monkeypatch):
    """Whoever runs the tests may read everything, so the system's refusals are made here."""
    write(tmp_path / "fine.cif", salt(5.8), format="cif")
    (tmp_path / "closed").mkdir()
    for name in ("shut.cif", "closed/x.cif"):
        write(tmp_path / name, salt(5.9), format="cif")
    os.symlink("..", tmp_path / "closed" / "up")
    os.symlink("loop.cif", tmp_path / "loop.cif")
    os.symlink("nowhere", tmp_path / "gone.cif")
    os.mkfifo(tmp_path / "pipe.cif")
    assert [path.name for path in Files(tmp_path)._found] == ["x.cif", "fine.cif", "shut.cif"]
    scandir, read = os.scandir, Path.read_bytes

    def listed(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    def opened(path):
        if path.name == "shut.cif":
            raise PermissionError(13, "Permission denied", str(path))
        return read(path)

    monkeypatch.setattr(os, "scandir", listed)
    monkeypatch.setattr(Path, "read_bytes", opened)
    report = import_from(empty, Files(tmp_path))
    assert (report.added, report.n_refused) == (1, 2)
    assert report.refused[0] == "shut.cif could not be read (Permission denied)"
    assert report.refused[1].endswith("closed could not be listed (Permission denied)")


def test_names_that_are_no_text_and_numbers_nobody_thought_of_lose_nothing_else(empty, tmp_path, monkeypatch):
    name = os.fsdecode(b"bad\xff\xfe.cif")
    write(tmp_path / "fine.cif", salt(5.8), format="cif")
    (tmp_path / name).write_bytes((tmp_path / "fine.cif").read_bytes().replace(b"4.1", b"4.3"))
    record = {"structure": structure(bulk("Si")), "material_id": "\ud800half", "gap": 1.1}
    (tmp_path / "half.json").write_text(json.dumps([record]))
    assert import_from(empty, Files(tmp_path)).added == 3
    assert {entry.identifier for entry in empty.search()} == {"fine.cif", "bad??.cif", "?half"}
    for asked in (name, "\ud800"):
        with pytest.raises(CatalogueError, match="no text"):
            empty.get(asked)
        with pytest.raises(CatalogueError, match="no text"):
            empty.search(text=asked)

    def fail(sites):
        raise ZeroDivisionError("as a library may")

    write(tmp_path / "odd.cif", salt(6.4), format="cif")
    monkeypatch.setattr(entries, "symmetry_of", fail)
    report = import_from(empty, Files(tmp_path))
    assert (report.repeated, report.n_refused) == (3, 1) and "odd.cif" in report.refused[0]


def test_a_wrong_path_is_one_sentence(tmp_path):
    with pytest.raises(SourceError, match="no file or folder"):
        Files(tmp_path / "nothing")
    with pytest.raises(SourceError, match="holds no file"):
        Files(tmp_path)
    with pytest.raises(TenfmaError, match="origin"):
        Terms(origin="guess")


class FakeMaterialsProject:
    def __init__(self, rows):
        self.rows = rows

    def summary_search(self, **criteria):
        assert criteria["chemsys"] == "Cu"
        return self.rows


def test_materials_project_summaries(empty, monkeypatch):
    rows = [
        {
            "material_id": "mp-30",
            "structure": structure(bulk("Cu")),
            "band_gap": 0.0,
            "bulk_modulus": {"vrh": 151.0},
            "shear_modulus": None,
        },
        {"material_id": "mp-31", "structure": None},
    ]
    report = import_from(
        empty, MaterialsProject({"chemsys": "Cu"}, FakeMaterialsProject(rows)), Terms(origin="dft")
    )
    assert (report.added, report.n_refused) == (1, 1)
    entry = empty.get("mp-30")
    assert [(v.name, v.unit, v.value) for v in entry.properties] == [
        ("band_gap", "eV", 0.0),
        ("K_vrh", "GPa", 151.0),
    ]
    assert entry.licence == "CC BY 4.0" and entry.url.endswith("/mp-30")
    for name in ("MP_API_KEY", "PMG_MAPI_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SourceError, match="MP_API_KEY"):
        import_from(empty, MaterialsProject({"chemsys": "Cu"}))


# Killed at any moment

COUNT = 400
METALS = ("Li", "Na", "K", "Rb", "Mg", "Ca", "Sr", "Ba", "Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu")


def numbered(number):
    """One of many crystals of which no two are alike."""
    pair = METALS[number % 16] + ("O", "S", "F", "Cl", "N")[number // 16 % 5]
    return bulk(pair, "rocksalt", a=4.5 + 0.2 * (number // 80))


@pytest.fixture(scope="module")
def trajectory(tmp_path_factory):
    path = tmp_path_factory.mktemp("kill") / "many.extxyz"
    frames = []
    for number in range(COUNT):
        frame = numbered(number)
        frame.info.update(id=f"f{number}", K_vrh=float(number))
        frames.append(frame)
    write(path, frames)
    return path


def killed(home, path, wait):
    """Start an import, kill it after `wait` seconds; whether it had ended by itself."""
    code = (
        "import sys; from pathlib import Path\n"
        "from tenfma import catalogue\n"
        "from tenfma.catalogue.importing import import_from\n"
        "from tenfma.catalogue.sources.files import Files\n"
        "with catalogue.open(filled=False) as held:\n"
        "    print('open', flush=True)\n"
        "    import_from(held, Files(Path(sys.argv[1])))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True)
    process.stdout.readline()
    time.sleep(wait)
    done = process.poll() is not None
    process.send_signal(signal.SIGKILL)
    process.wait()
    return done


def whole(path):
    """How many entries are held, each of them complete."""
    with catalogue.open(filled=False) as held:
        entries = held.search(limit=None)
        for entry, sites in zip(entries, held.sites([entry.id for entry in entries])):
            number = int(entry.identifier[1:])
            assert entry.value("K_vrh") == number and len(entry.properties) == 1
            expected = numbered(number)
            assert sites.numbers.tolist() == expected.numbers.tolist()
            assert np.allclose(sites.lattice, expected.cell.array, atol=1e-7)
        identifiers = [entry.identifier for entry in entries]
        assert len(set(identifiers)) == len(identifiers)
        return len(entries)


def complete(path):
    with catalogue.open(filled=False) as held:
        report = import_from(held, Files(path))
    assert whole(path) == COUNT
    return report


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=pytest.mark.slow)])
def test_killed_at_random_moments(kills, home, trajectory, monkeypatch):
    rng = random.Random(kills)
    held = 0
    for _ in range(kills):
        done = killed(home, trajectory, rng.uniform(0.0, 1.5))
        now = whole(trajectory)
        assert now >= held
        held = now
        if done or held == COUNT:
            monkeypatch.setenv("TENFMA_DATA_HOME", str(home / f"{rng.random()}"))
            held = 0
    report = complete(trajectory)
    assert report.repeated == held and report.added == COUNT - held


def test_what_a_full_disk_did_not_keep_is_not_counted_and_comes_again(empty, trajectory, monkeypatch):
    reports, insert = [], importing.insert

    def full(*arguments):
        ids = insert(*arguments)
        if len(reports) == 3:
            raise OperationalError("", {}, sqlite3.OperationalError("database or disk is full"))
        return ids

    def note(report):
        reports.append(report)
        kept.append(report.added)

    kept: list[int] = []
    monkeypatch.setattr(importing, "insert", full)
    with pytest.raises(CatalogueError, match="disk is full"):
        import_from(empty, Files(trajectory), None, note)
    assert kept == [32, 64, 96] and reports[-1].added == empty.count() == 96


def test_a_report_counts_everything():
    assert Report(added=1, repeated=2, duplicates=3, n_refused=4).items == 10
