"""Out and in again: no structure and no value changes, in any format."""

import csv
import io
import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from tenfma import catalogue
from tenfma.catalogue import CatalogueError, Property
from tenfma.catalogue.duplicates import matcher
from tenfma.catalogue.export import export
from tenfma.catalogue.importing import Terms, import_from
from tenfma.catalogue.sources.files import Files
from tenfma.catalogue.sources.numbers import FORMULA


@pytest.fixture(scope="module")
def some(filled):
    """Forty entries of every source, many lattices among them."""
    ids = filled.ids()
    chosen = np.concatenate([ids[:4615:200], filled.ids(source="AFLOW prototypes")[::25], ids[-5:]])
    return sorted({int(id) for id in chosen})


def same_values(one, other):
    def named(entry):
        return sorted(
            (v.name, v.unit, v.value, v.origin == "model", v.lower or 0, v.upper or 0, v.fold or 0)
            for v in entry.properties
        )

    return named(one) == named(other)


def moved(one, other):
    """The farthest any site has gone, Å, to the nearest site of its element; every site must be met once."""
    apart = (one.fractional[:, None] - other.fractional[None] + 0.5) % 1 - 0.5
    distances = np.linalg.norm(apart @ other.lattice, axis=-1)
    distances[one.numbers[:, None] != other.numbers[None]] = np.inf
    nearest = distances.argmin(axis=1)
    assert sorted(nearest) == list(range(len(other.numbers)))
    return distances.min(axis=1).max()


def test_a_moved_site_is_seen(filled):
    (sites,) = filled.sites([filled.get("mp-2663").id])
    shift = np.zeros_like(sites.fractional)
    shift[3, 0] = 1e-5
    assert moved(sites._replace(fractional=sites.fractional + shift), sites) > 1e-6


@pytest.mark.parametrize("ending", [".zip", ".extxyz", ".csv"])
def test_round_trip(ending, filled, some, tmp_path):
    out = tmp_path / f"out{ending}"
    assert export(filled, some, out) == len(some)
    assert [path.name for path in tmp_path.iterdir()] == [out.name]
    with catalogue.open(f"sqlite:///{tmp_path / 'back.sqlite'}", filled=False) as back:
        report = import_from(back, Files(out), Terms(origin="dft", keep_duplicates=True))
        assert (report.added, report.refused) == (len(some), [])
        held = {(entry.source, entry.identifier): entry for entry in back.search(limit=None)}
        for entry, sites in zip(filled.entries(some), filled.sites(some)):
            again = held[entry.source, entry.identifier]
            assert same_values(entry, again), entry.identifier
            assert (again.licence, again.url) == (entry.licence, entry.url)
            assert again.space_group == entry.space_group or entry.source == "AFLOW prototypes"
            crystal = back.sites([again.id])[0]
            assert moved(crystal, sites) < 1e-6, entry.identifier
            assert np.allclose(
                crystal.lattice @ crystal.lattice.T, sites.lattice @ sites.lattice.T, atol=1e-6
            )
            assert matcher().fit(crystal.structure(), sites.structure())
        second = tmp_path / f"second{ending}"
        export(back, back.ids().tolist(), second)
        assert import_from(back, Files(second), Terms(origin="dft")).added == 0


def test_chemiscope_has_every_crystal_and_value(filled, some, tmp_path):
    out = tmp_path / "map.json"
    export(filled, some, out)
    held = json.loads(out.read_text())
    assert len(held["structures"]) == len(some)
    values = held["properties"]["K_vrh"]
    assert values["units"] == "GPa" and len(values["values"]) == len(some)
    first = held["structures"][0]
    assert first["size"] == len(first["names"]) == len(first["x"]) and len(first["cell"]) == 9


def test_a_spreadsheet_meets_no_formula_and_an_archive_no_strange_name(empty, tmp_path):
    from catalogue_crystals import perovskite

    ids = empty.add([perovskite(1, identifier="=HYPERLINK(1)"), perovskite(2, identifier="../../x")], "test")
    export(empty, ids, tmp_path / "a.csv")
    assert (
        "\n=HYPER" not in (tmp_path / "a.csv").read_text() and "'=HYPER" in (tmp_path / "a.csv").read_text()
    )
    export(empty, ids, tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.namelist() == ["CaTiO3-1.cif", "CaTiO3-2.cif", "properties.csv"]


@pytest.mark.parametrize("lead", ["=", "+", "-", "@"])
def test_text_is_marked_and_numbers_stay_numbers(lead, empty, home, tmp_path):
    from catalogue_crystals import perovskite

    label, name = f"{lead}1+1", f"{lead}shift"
    value = Property(name, -1.5, "eV", "dft", "test")
    crystal = perovskite(1, identifier=label)
    empty.add([replace(crystal, properties=(value,))], "test")
    for ending in ("csv", "zip"):
        export(empty, [1], tmp_path / f"a.{ending}")
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        archived = archive.read("properties.csv").decode()
    for table in ((tmp_path / "a.csv").read_text(), archived):
        (row,) = csv.DictReader(io.StringIO(table, newline=""))
        assert row["identifier"] == f"'{label}" and row[f"'{name} [eV]"] == "-1.5"
        assert not [cell for cell in (*row, *row.values()) if cell[:1] in FORMULA and cell != "-1.5"]
    for ending in ("csv", "zip"):
        with catalogue.open(f"sqlite:///{tmp_path / ending}.sqlite", filled=False) as again:
            import_from(again, Files(tmp_path / f"a.{ending}"), Terms())
            (entry,) = again.search()
            assert entry.identifier == label
            assert [(v.name, v.value, v.unit) for v in entry.properties] == [(name, -1.5, "eV")]


def test_a_failed_export_leaves_nothing(filled, tmp_path):
    with pytest.raises(CatalogueError, match=r"\.xlsx"):
        export(filled, [1], tmp_path / "a.xlsx")
    with pytest.raises(CatalogueError, match="no entry"):
        export(filled, [1, 10**8], tmp_path / "a.zip")
    assert not list(tmp_path.iterdir())
