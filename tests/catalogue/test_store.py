"""The store: what goes in comes out, once, whole, whoever else is reading or writing."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from catalogue_crystals import perovskite
from sqlalchemy import text

from tenfma import catalogue
from tenfma.catalogue import CatalogueError, Property
from tenfma.catalogue.packing import Sites, unpack
from tenfma.errors import TenfmaError

HERE = str(Path(__file__).parent)


def test_an_entry_comes_back_as_it_went_in(empty):
    record = perovskite(3)
    (id,) = empty.add([record], "test")
    entry = empty.get(id)
    assert entry.reduced_formula == "CaTiO3" and entry.chemical_system == "Ca-O-Ti"
    assert (entry.space_group, entry.space_group_symbol, entry.pearson) == (221, "Pm-3m", "cP5")
    assert entry.properties == record.properties
    assert entry.licence == "CC0"
    assert empty.get("p3") == entry
    back = empty.sites([id])[0]
    assert np.array_equal(back.lattice, record.sites.lattice)
    assert np.array_equal(back.fractional, record.sites.fractional)
    assert empty.structure(id).composition.reduced_formula == "CaTiO3"


def test_columns_are_what_the_entries_hold(empty):
    values = (
        (),
        (Property("K_vrh", 1.0, origin="model"), Property("K_vrh", 2.0), Property("K_vrh", 3.0)),
        (Property("G_vrh", 4.0), Property("K_vrh", 5.0, origin="model")),
    )
    empty.add([replace(perovskite(k), properties=each) for k, each in enumerate(values)], "test")
    held = empty.columns(("identifier", "volume"), ("K_vrh", "G_vrh"))
    entries = empty.search(limit=None)
    assert held["id"] == [entry.id for entry in entries]
    assert held["identifier"] == ["p0", "p1", "p2"] == [entry.identifier for entry in entries]
    assert held["volume"] == [entry.volume for entry in entries]
    for name in ("K_vrh", "G_vrh"):
        assert held[name] == [entry.value(name) for entry in entries]
    assert held["K_vrh"] == [None, 2.0, None], "the first that is no model's"


def test_what_was_brought_before_is_not_added_again(empty):
    records = [perovskite(number) for number in range(5)]
    first = empty.add(records, "test")
    assert empty.add(records[::-1], "test") == first[::-1]
    assert empty.add([records[0], records[0]], "another origin") == [first[0]] * 2
    assert empty.count() == 5
    assert empty.seen("test", ["p1", "p9"]) == {"p1": first[1]}


def test_a_failed_batch_leaves_nothing(empty):
    broken = perovskite(2)
    object.__setattr__(broken.entry, "formula", None)
    with pytest.raises(CatalogueError, match="refused"):
        empty.add([perovskite(1), broken], "test")
    assert empty.count() == 0
    with empty.database.read() as connection:
        assert connection.scalar(text("select count(*) from structures")) == 0


def test_packing_keeps_every_bit_and_notices_broken_bytes():
    rng = np.random.default_rng(0)
    sites = Sites(
        rng.normal(size=(3, 3)), rng.normal(size=(7, 3)), np.arange(1, 8, dtype=np.uint8), (True, False, True)
    )
    back = unpack(sites.pack())
    assert np.array_equal(back.fractional, sites.fractional) and back.pbc == sites.pbc
    assert np.array_equal(back.numbers, sites.numbers)
    with pytest.raises(TenfmaError, match="broken"):
        unpack(sites.pack()[:-1])
    with pytest.raises(TenfmaError, match="broken"):
        unpack(b"\x01")


def test_a_reader_sees_whole_batches_while_another_process_writes(empty):
    writer = (
        f"import sys; sys.path.insert(0, {HERE!r})\n"
        "from catalogue_crystals import perovskite\n"
        "from tenfma import catalogue\n"
        "records = [perovskite(n) for n in range(120)]\n"
        "with catalogue.open(filled=False) as held:\n"
        "    for start in range(0, 120, 10): held.add(records[start:start + 10], 'test')\n"
    )
    process = subprocess.Popen([sys.executable, "-c", writer])
    counts = []
    while process.poll() is None:
        counts.append(empty.count())
        for entry in empty.search(limit=None):
            assert len(entry.properties) == 1
    assert process.returncode == 0
    assert empty.count() == 120
    assert all(count % 10 == 0 for count in counts) and counts == sorted(counts)


def test_two_writers_take_turns(empty):
    """Both come through, and no id is given twice."""
    code = (
        f"import sys; sys.path.insert(0, {HERE!r})\n"
        "from catalogue_crystals import perovskite\n"
        "from tenfma import catalogue\n"
        "first = int(sys.argv[1])\n"
        "with catalogue.open(filled=False) as held:\n"
        "    for n in range(first, first + 15): held.add([perovskite(n)], 'test')\n"
    )
    running = [subprocess.Popen([sys.executable, "-c", code, first]) for first in ("0", "10")]
    assert [process.wait() for process in running] == [0, 0]
    assert sorted(entry.identifier for entry in empty.search(limit=None)) == sorted(
        f"p{n}" for n in range(25)
    )


def test_a_store_of_an_older_program_is_brought_up_to_date(empty):
    """Version 1 had other indexes; its entries stay."""
    empty.add([perovskite(1)], "test")
    with empty.database.write() as connection:
        for name in ("entries_by_elements", "properties_by_unit", "properties_of_one"):
            connection.execute(text(f"drop index {name}"))
        connection.execute(text("create index properties_by_value on properties (name, value)"))
        connection.execute(text("update facts set value = '1' where name = 'schema'"))
    with catalogue.open(filled=False) as held, held.database.read() as connection:
        indexes = {
            name
            for (name,) in connection.execute(text("select name from sqlite_master where type = 'index'"))
        }
        assert {"entries_by_elements", "properties_by_unit", "properties_of_one"} <= indexes
        assert "properties_by_value" not in indexes and held.count(elements=["Ca"]) == 1


def test_a_store_of_a_newer_program_is_refused(empty):
    with empty.database.write() as connection:
        connection.execute(text("update facts set value = '99' where name = 'schema'"))
    with pytest.raises(TenfmaError, match="schema 99"):
        catalogue.open(filled=False)


def test_a_store_whose_version_is_no_number_is_refused(empty):
    with empty.database.write() as connection:
        connection.execute(text("update facts set value = 'seven' where name = 'schema'"))
    with pytest.raises(TenfmaError, match="names its schema 'seven'"):
        catalogue.open(filled=False)


@pytest.mark.parametrize("share", [0.0001, 0.3])
def test_a_store_cut_short_is_told_to_be_damaged(empty, home, share):
    empty.add([perovskite(number) for number in range(200)], "test")
    empty.close()
    path = home / "catalogue.sqlite"
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size) or 100])
    with (
        pytest.raises(CatalogueError, match="it is damaged: move it away"),
        catalogue.open(filled=False) as held,
    ):
        held.stats()


@pytest.mark.parametrize("url", ["mysql://x/y", "no address", "sqlite:////no/such/folder/x.sqlite"])
def test_a_database_that_cannot_be_used_is_one_sentence(url, monkeypatch):
    monkeypatch.setenv("TENFMA_DATABASE_URL", url)
    with pytest.raises(CatalogueError) as told:
        catalogue.open(filled=False)
    assert "\n" not in str(told.value)


def test_a_file_that_is_no_database_is_refused(home):
    home.mkdir()
    (home / "catalogue.sqlite").write_bytes(b"not a database" * 1000)
    with pytest.raises(CatalogueError, match="not a database"):
        catalogue.open(filled=False)


def test_an_unknown_entry_is_one_sentence(empty):
    for asked in (7, "mp-0", "' OR 1=1 --"):
        with pytest.raises(CatalogueError, match="no entry"):
            empty.get(asked)
    with pytest.raises(CatalogueError, match="no entry"):
        empty.structures([7])
