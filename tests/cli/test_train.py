"""`tenfma train` and `tenfma evaluate`: a folder with everything in it, resumable; bad input in one sentence."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from ase.io import write

import tenfma
from tenfma.cli import run

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))
from synthetic import labelled

SMALL = ["--functions", "100", "--cutoff", "4.0"]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Training and test frames, and a folder trained on them."""
    folder = tmp_path_factory.mktemp("train")
    write(folder / "train.extxyz", labelled(24))
    write(folder / "test.extxyz", labelled(4, seed=8))
    out = folder / "model"
    assert run(["train", "--data", str(folder / "train.extxyz"), "--out", str(out), *SMALL]) == 0
    return folder


def test_the_folder_holds_config_log_weights_and_card(files):
    out = files / "model"
    names = {path.name for path in out.iterdir()}
    assert names == {"config.json", "log.jsonl", "weights.safetensors", "model.json", "card.json", "card.md"}
    card = json.loads((out / "card.json").read_text())
    assert card["elements"] == ["B", "N"]
    assert (card["frames"], card["frames_used"], card["seed"]) == (24, 24, 0)
    assert card["validation"]["force_mae"] > 0
    assert "messages" not in (out / "card.md").read_text()
    assert str(files) not in (out / "card.md").read_text()
    events = [json.loads(line)["event"] for line in (out / "log.jsonl").read_text().splitlines()]
    assert events[0] == "start" and events[-1] == "finished" and "candidate" in events


def test_evaluate_reports_what_the_model_itself_predicts(files, tmp_path):
    result = tmp_path / "result.json"
    out, test = str(files / "model"), str(files / "test.extxyz")
    assert run(["evaluate", out, "--data", test, "--json", str(result)]) == 0
    held = json.loads(result.read_text())
    model, atoms = tenfma.load(out), labelled(4, seed=8)
    errors = []
    for frame, one in zip(held["frames"], atoms, strict=True):
        labels = one.get_forces()
        one.calc = model.calculator()
        assert frame["energy"] == pytest.approx(one.get_potential_energy(), abs=1e-5)
        errors.append(one.get_forces() - labels)
    assert held["errors"]["force_mae"] == pytest.approx(np.abs(np.concatenate(errors)).mean(), rel=1e-4)


def test_the_same_command_again_goes_on_and_another_is_refused(files, capsys):
    arguments = ["train", "--data", str(files / "train.extxyz"), "--out", str(files / "model"), *SMALL]
    before = tenfma.load(files / "model").potential.weights.numpy().copy()
    assert run([*arguments, "--minutes", "1e-9"]) == 0  # trained already: nothing is done again, or on less
    np.testing.assert_array_equal(tenfma.load(files / "model").potential.weights.numpy(), before)
    capsys.readouterr()
    assert run([*arguments, "--seed", "1"]) == 2
    assert "other data or settings" in capsys.readouterr().err


def without(label, tmp_path):
    """The training frames with one label taken away, or spoilt."""
    atoms = labelled(4)
    for one in atoms:
        if label in ("forces", "energy"):
            del one.calc.results[label]
    if label == "nan":
        atoms[2].calc.results["energy"] = float("nan")
    path = tmp_path / "frames.extxyz"
    write(path, atoms)
    return path


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("forces", "have no forces"),
        ("energy", "have no energy"),
        ("nan", "frame 3 of frames.extxyz has an energy"),
    ],
)
def test_missing_and_spoilt_labels_are_refused_and_leave_nothing(label, said, tmp_path, capsys):
    path = without(label, tmp_path)
    assert run(["train", "--data", str(path), "--out", str(tmp_path / "out"), *SMALL]) == 2
    message = capsys.readouterr().err
    assert said in message and message.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--task", "dreams"], "--task dreams"),
        (["--minutes", "0"], "time budget"),
        (["--minutes", "inf"], "time budget"),
        (["--valid", "1.5"], "validation share"),
        (["--cutoff", "99"], "cutoff"),
        (["--functions", "1"], "no basis"),
        (["--ridges", "small"], "--ridges small"),
        (["--ridges", "1e-3,nan"], "--ridges 1e-3,nan"),
        (["--ridges", "1e-3,-1"], "--ridges 1e-3,-1"),
    ],
)
def test_bad_settings_are_refused(arguments, said, files, tmp_path, capsys):
    data = ["--data", str(files / "train.extxyz"), "--out", str(tmp_path / "out")]
    assert run(["train", *data, *arguments]) == 2
    message = capsys.readouterr().err
    assert said in message and message.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_the_ridges_asked_for_are_those_tried_and_a_card_tells_of_messages(tmp_path):
    train, out = tmp_path / "train.extxyz", tmp_path / "model"
    write(train, labelled(12, kinds=("B",)))
    asked = ["--size", "large", "--functions", "60", "--cutoff", "4", "--ridges", "1e-2,1e-4"]
    assert run(["train", "--data", str(train), "--out", str(out), *asked]) == 0
    log = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert {line["ridge"] for line in log if line["event"] == "candidate"} == {1e-2, 1e-4}
    assert "Atoms pass messages" in (out / "card.md").read_text()


def test_a_folder_of_other_things_is_not_written_into(files, tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("keep")
    assert run(["train", "--data", str(files / "train.extxyz"), "--out", str(tmp_path), *SMALL]) == 2
    assert "holds other files" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_unknown_element_at_evaluation_is_named(files, tmp_path, capsys):
    atoms = labelled(1)
    atoms[0].symbols[0] = "C"
    write(tmp_path / "carbon.extxyz", atoms)
    assert run(["evaluate", str(files / "model"), "--data", str(tmp_path / "carbon.extxyz")]) == 2
    message = capsys.readouterr().err
    assert "holds C" in message and "knows B, N" in message


def test_a_model_that_saw_no_forces_cannot_be_evaluated(files, capsys):
    assert run(["evaluate", "untrained", "--data", str(files / "test.extxyz")]) == 2
    assert "not trained on forces" in capsys.readouterr().err
