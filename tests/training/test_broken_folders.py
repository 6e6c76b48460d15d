"""Training folders that were damaged or come from elsewhere: one sentence says what to delete."""

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from ase.io import write
from labelled_crystals import labelled as crystals
from synthetic import SMALL, labelled

from tenfma.cli import run
from tenfma.errors import TenfmaError
from tenfma.training import moments
from tenfma.training.forces import Report, train_forces
from tenfma.training.moments import Moments
from tenfma.training.property import PropertyRecipe, train_property
from tenfma.training.property_data import targets_of
from tenfma.training.property_loop import Schedule

RECIPE = replace(SMALL, ridges=(1e-8,))


@pytest.fixture
def stopped(tmp_path, monkeypatch):
    """A training run that was interrupted after two chunks, and how to go on with it."""
    monkeypatch.setattr(moments, "ROWS", 48)
    write(tmp_path / "train.extxyz", labelled(12))
    out = tmp_path / "out"

    def stop(done, total):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_forces([tmp_path / "train.extxyz"], out, valid=0.25, recipe=RECIPE, report=Report(chunks=stop))
    return out, lambda: train_forces([tmp_path / "train.extxyz"], out, valid=0.25, recipe=RECIPE)


@pytest.mark.parametrize("spoil", ["empty", "half", "pickle", "nan", "shape"])
def test_sums_that_are_broken_are_named(stopped, spoil):
    out, go_on = stopped
    path = sorted((out / "state").glob("fold*.npz"))[0]
    whole = path.read_bytes()
    if spoil in ("nan", "shape"):
        held = Moments.read(path)
        if spoil == "nan":
            held.gram[0, 0] = np.nan
        else:
            held.gram = held.gram[1:]
        held.save(path)
    else:
        path.write_bytes({"empty": b"", "half": whole[:500], "pickle": pickle.dumps([1, 2])}[spoil])
    with pytest.raises(TenfmaError, match=r"is broken .* delete it") as told:
        go_on()
    assert path.name in str(told.value) and "\n" not in str(told.value)


def test_a_broken_config_is_another_run_and_broken_spent_time_counts_as_none(stopped):
    out, go_on = stopped
    config = (out / "config.json").read_text()
    (out / "config.json").write_text("{")
    with pytest.raises(TenfmaError, match="other data or settings"):
        go_on()
    (out / "config.json").write_text(config)
    (out / "state" / "spent.json").write_text('"long"')
    assert go_on().trained


def test_a_broken_card_is_not_added_to(stopped, tmp_path, capsys):
    out, go_on = stopped
    go_on()
    arguments = ["evaluate", str(out), "--data", str(tmp_path / "train.extxyz"), "--card"]
    assert run(arguments) == 0
    assert "train.extxyz" in json.loads((out / "card.json").read_text())["tests"]
    for text in ("[]", "{", '{"tests": 3}'):
        (out / "card.json").write_text(text)
        capsys.readouterr()
        assert run(arguments) == 2
        assert "no model card" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["pickle", "text", "foreign"])
def test_a_checkpoint_from_elsewhere_is_named(kind, tmp_path):
    write(tmp_path / "data.extxyz", crystals(24))
    recipe = PropertyRecipe(members=1, valid=0.2, trees=2, schedule=Schedule(epochs=1))
    targets = targets_of("e_form_per_atom", False)
    train_property([tmp_path / "data.extxyz"], targets, tmp_path / "out", recipe=recipe)
    checkpoint = tmp_path / "out" / "member-0.ckpt"
    if kind == "foreign":
        torch.save({"net": {}, "averaged": {}}, checkpoint)
    else:
        checkpoint.write_bytes(pickle.dumps(print) if kind == "pickle" else b"no checkpoint")
    said = "a checkpoint of another run" if kind == "foreign" else "no checkpoint of this run"
    with pytest.raises(TenfmaError, match=rf"member-0\.ckpt is {said}.*; delete it and train again"):
        train_property([tmp_path / "data.extxyz"], targets, tmp_path / "out", recipe=recipe)
