"""Learned values shown beside published ones: every crystal of the elasticity file has them, none was in training."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks" / "evidence"))

import predictions
import published

from tenfma.catalogue.starter import LIBRARY, PREDICTED, PREDICTIONS, library
from tenfma.training.property_data import folds

pd = pytest.importorskip("pandas")


@pytest.fixture(scope="module")
def table():
    return pd.read_parquet(library() / PREDICTIONS)


@pytest.fixture(scope="module")
def crystals():
    return pd.read_parquet(library() / LIBRARY, columns=["source", "identifier", "K_vrh", "e_form_per_atom"])


def of(table, source, name):
    return table[(table["source"] == source) & (table["property"] == name)]


def test_its_columns_are_those_the_catalogue_reads(table):
    assert list(table.columns) == list(PREDICTED)
    assert (table["lower"] <= table["value"]).all() and (table["value"] <= table["upper"]).all()
    assert np.isfinite(table[["value", "lower", "upper"]]).all(axis=None)


@pytest.mark.parametrize("name", ["K_vrh", "G_vrh", "e_form_per_atom"])
def test_every_crystal_of_the_elasticity_file_has_one_value(table, crystals, name):
    held = crystals.loc[crystals["source"] == "Materials Project", "identifier"]
    rows = of(table, "Materials Project", name)
    assert sorted(rows["identifier"]) == sorted(held)


def test_each_row_bears_the_fold_that_its_model_left_out(table, crystals):
    # the library lists crystals in the order of the files, so the folds can be drawn again
    for source, name in (("Materials Project", "K_vrh"), ("Alexandria", "Cv_300K_per_atom")):
        held = crystals.loc[crystals["source"] == source, "identifier"]
        drawn = dict(zip(held, folds(len(held), published.FOLDS, 0)))
        rows = of(table, source, name)
        assert len(rows)
        wrong = sum(drawn[row.identifier] != row.fold for row in rows.itertuples())
        assert wrong == 0
        # the twin: folds of another seed are others
        other = dict(zip(held, folds(len(held), published.FOLDS, 1)))
        assert sum(other[row.identifier] != row.fold for row in rows.itertuples()) > len(rows) / 2


def test_values_are_near_the_published_ones_but_not_copied(table, crystals):
    truth = crystals[crystals["source"] == "Materials Project"].set_index("identifier")
    for name, near in (("K_vrh", 0.2), ("e_form_per_atom", 0.2)):
        rows = of(table, "Materials Project", name).set_index("identifier")
        own = truth.loc[rows.index, name]
        known = own.notna() & ((own > 0) if name == "K_vrh" else True)
        a, b = rows.loc[known, "value"], own[known]
        miss = (np.log10(a) - np.log10(b)).abs() if name == "K_vrh" else (a - b).abs()
        assert 1e-3 < miss.median() < near
        inside = (rows.loc[known, "lower"] <= b) & (b <= rows.loc[known, "upper"])
        assert 0.8 < inside.mean() < 0.97


def test_a_fold_becomes_rows_in_the_units_of_the_library():
    fold = {"ids": ["a"], "values": [[2.0, -1.0]], "half_widths": [[0.3, 0.1]]}
    made = predictions.rows(fold, 3, ["log10(K_vrh)", "e_form_per_atom"], "somewhere")
    assert made[0]["value"] == pytest.approx(100) and made[0]["lower"] == pytest.approx(10**1.7)
    assert made[0]["unit"] == "GPa" and made[1]["upper"] == pytest.approx(-0.9)
    assert {row["fold"] for row in made} == {3}


def test_a_fold_is_trained_on_the_others_alone(monkeypatch, tmp_path):
    seen = {}

    def fit(graphs, labelled, train, folder, **rest):
        seen["train"] = set(train.tolist())
        raise InterruptedError

    monkeypatch.setattr(published, "fit_ensemble", fit)
    fold = np.array([0, 1, 2, 0, 1, 2])
    with pytest.raises(InterruptedError):
        published.run(None, None, fold, 1, tmp_path, None, 1.0)
    assert seen["train"] == {0, 2, 3, 5}
