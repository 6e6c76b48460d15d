"""The first filling: complete, labelled, resumable, and quick to skip."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from catalogue_crystals import perovskite

from tenfma import catalogue
from tenfma.catalogue import CatalogueError, Property, likeness, starter
from tenfma.catalogue.embedders import embedder
from tenfma.catalogue.entries import compared
from tenfma.errors import TenfmaError


def test_everything_that_comes_with_the_program_is_there(filled):
    counts = {source: count for source, _, count in filled.stats()["sources"]}
    assert counts == {
        "AFLOW prototypes": 288,
        "ASE reference states": 72,
        "Materials Project": 3319,
        "Alexandria": 936,
    }


def test_every_row_says_where_it_is_from_and_on_what_terms(filled):
    for entry in filled.search(limit=None):
        assert entry.source and entry.identifier and entry.licence and entry.url.startswith("https://")
        assert 1 <= entry.space_group <= 230 and entry.pearson[-1].isdigit()


def test_names_symmetry_and_symbols_are_the_known_ones(filled):
    (salt,) = filled.search(text="halite", source="AFLOW prototypes")
    assert (salt.strukturbericht, salt.pearson, salt.space_group_symbol) == ("B1", "cF8", "Fm-3m")
    copper = filled.search(formula="Cu", source="ASE reference states")[0]
    assert (copper.strukturbericht, copper.pearson, copper.space_group) == ("A1", "cF4", 225)
    bismuth = filled.search(formula="Bi", source="ASE reference states")[0]
    assert bismuth.pearson == "hR2"
    mgo = filled.search(formula="MgO", space_group=225, source="Materials Project")[0]
    assert mgo.prototype and mgo.strukturbericht == "B1"
    assert 140 < mgo.value("K_vrh") < 170


def test_published_values_are_kept_as_published(filled):
    entry = filled.get("mp-2663")
    assert entry.value("K_vrh") == 203.6 and entry.value("G_vrh") == 81.716
    assert entry.value("e_form_per_atom") == -0.3190175629
    assert {value.unit for value in entry.properties if value.name == "K_vrh"} == {"GPa"}
    assert {value.origin for value in entry.properties} == {"dft", "model"}
    hot = filled.search(source="Alexandria", limit=None)
    assert all(e.value("Cv_300K") == pytest.approx(e.n_atoms * e.value("Cv_300K_per_atom")) for e in hot)


def test_a_filling_cut_short_goes_on_and_a_finished_one_is_skipped(home):
    class Cut(Exception):
        pass

    def cut(name, done, total):
        if name == "library" and done >= 1000:
            raise Cut

    with pytest.raises(Cut):
        catalogue.open(progress=cut)
    with catalogue.open(filled=False) as held:
        assert 1000 <= held.count() < 4615
    told = []
    with catalogue.open(progress=lambda *step: told.append(step)) as held:
        assert held.count() == 4615
        assert sum(row[3] for row in held.stats()["properties"] if row[::2] == ("K_vrh", "dft")) == 3319
    assert {step[0] for step in told} == {"library"}
    with catalogue.open(progress=lambda *step: pytest.fail("a filled catalogue was filled again")):
        pass


@pytest.mark.slow
def test_two_first_starts_at_once_fill_it_once(home):
    code = "from tenfma import catalogue; print(catalogue.open().count())"
    running = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    assert [process.communicate()[0].strip() for process in running] == ["4615"] * 2
    with catalogue.open() as held:
        assert held.stats()["vectors"] == {embedder().version: 4615}
        assert sum(row[3] for row in held.stats()["properties"] if row[::2] == ("K_vrh", "dft")) == 3319


def table(**changes):
    row = {
        "source": "test",
        "identifier": "p1",
        "property": "K_vrh",
        "value": 99.0,
        "lower": 90.0,
        "upper": 110.0,
        "unit": "GPa",
        "fold": 2,
        "model": "K-1",
    }
    return pd.DataFrame([{**row, **changes}])


def test_out_of_fold_values_stand_beside_the_published_ones(empty, tmp_path):
    (id,) = empty.add([perovskite(1)], "test")
    path = tmp_path / "predictions.parquet"
    for value in (95.0, 99.0):
        table(value=value).to_parquet(path)
        assert starter.load_predictions(empty, path) == 1
    entry = empty.get(id)
    assert entry.value("K_vrh") == 101.0 and entry.value("K_vrh", "model") == 99.0
    model = entry.properties[-1]
    assert (model.lower, model.upper, model.fold, model.source) == (90.0, 110.0, 2, "K-1")
    assert len(entry.properties) == 2
    assert empty.count(properties={"K_vrh": (None, 100)}) == 0
    assert empty.count(properties={"K_vrh": (None, 100)}, origin="model") == 1


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [({"identifier": "p7"}, "does not hold"), ({"value": 200.0}, "own interval")],
)
def test_a_wrong_table_of_predictions_is_refused(changes, sentence, empty, tmp_path):
    empty.add([perovskite(1)], "test")
    table(**changes).to_parquet(tmp_path / "p.parquet")
    with pytest.raises(CatalogueError, match=sentence):
        starter.load_predictions(empty, tmp_path / "p.parquet")
    table().drop(columns="fold").to_parquet(tmp_path / "p.parquet")
    with pytest.raises(TenfmaError, match="fold"):
        starter.load_predictions(empty, tmp_path / "p.parquet")


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """A folder of what comes with the program, empty at first."""
    monkeypatch.setattr(starter, "library", lambda: tmp_path)
    monkeypatch.setattr(starter, "parts", lambda table: {})
    return tmp_path


def test_a_catalogue_older_than_the_predictions_picks_them_up_and_later_ones(empty, shipped):
    (id,) = empty.add([perovskite(1)], "test")
    starter.fill(empty)
    assert len(empty.get(id).properties) == 1
    mine = Property("K_vrh", 77.0, "GPa", "model", "my own model")
    with empty.database.write() as connection:
        starter.add_properties(connection, {id: [mine]})
    for model, value in (("K-1", 95.0), ("K-2", 99.0)):
        table(value=value, model=model).to_parquet(shipped / starter.PREDICTIONS)
        starter.fill(empty)
        ((published, own), *others) = compared(empty.get(id))
        assert published.value == 101.0 and own in (mine, others[0][1])
        assert [v.value for v in empty.get(id).properties if v.source.startswith("K-")] == [value]
        assert mine in empty.get(id).properties
    before = empty.get(id)
    starter.fill(empty)
    assert empty.get(id) == before


def test_predictions_cut_short_change_nothing_and_are_loaded_next_time(empty, shipped, monkeypatch):
    (id,) = empty.add([perovskite(1)], "test")
    table(value=95.0).to_parquet(shipped / starter.PREDICTIONS)
    starter.fill(empty)
    table(value=99.0).to_parquet(shipped / starter.PREDICTIONS)

    def cut(connection, name, value):
        raise KeyboardInterrupt

    with monkeypatch.context() as broken, pytest.raises(KeyboardInterrupt):
        broken.setattr(starter, "set_fact", cut)
        starter.fill(empty)
    assert empty.get(id).value("K_vrh", "model") == 95.0
    starter.fill(empty)
    assert empty.get(id).value("K_vrh", "model") == 99.0


def test_newer_published_values_replace_their_own_kind_only(empty):
    (id,) = empty.add([perovskite(1)], "starter:library")
    mine = Property("K_vrh", 88.0, "GPa", "dft", "my own run")
    with empty.database.write() as connection:
        starter.add_properties(connection, {id: [mine]})
    newer = replace(perovskite(1).properties[0], value=102.0)
    with empty.database.write() as connection:
        starter.replace_published(connection, {id: [newer]})
    assert empty.get(id).properties == (mine, newer)


def test_vectors_of_another_version_replace_the_older_ones(empty):
    ids = empty.add([perovskite(number) for number in range(3)], "test")
    old, new = (replace(embedder(), version=f"static-{mark}") for mark in ("old", "new"))
    for maker in (old, new):
        likeness.store(empty, maker, ids, np.eye(3, 64, dtype=np.float32))
        likeness.vectors(empty, maker)
    likeness.forget(empty, "static-", new.version)
    assert empty.stats()["vectors"] == {new.version: 3}
    assert [path.name.count("new") for path in empty.database.cache().iterdir()] == [1]
    assert len(likeness.vectors(empty, old).ids) == 0 and len(likeness.vectors(empty, new).ids) == 3


def test_the_shipped_vectors_are_what_the_program_makes(filled):
    """Features that change without the library being made again would be told apart from the shipped ones."""
    rows = np.load(starter.library() / "static-rows.npz")["rows"]
    ids = filled.ids()[[0, 100, 300, 400, 2000, 4600]]
    made = embedder().vectors(filled.structures(ids))
    assert np.allclose(made, rows[ids - 1], atol=1e-3)
