"""Folders, labels and checkpoints of `train --task property`: what is refused, before what, and what is left behind."""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from ase.io import write
from pymatgen.core import Lattice, Structure

import tenfma
from tenfma.cli import run
from tenfma.embedding.evolved import Motion, Size
from tenfma.errors import TenfmaError
from tenfma.training import property as training
from tenfma.training.data import read_frames
from tenfma.training.files import check_ordered
from tenfma.training.property import CACHE, PropertyRecipe, check_labels, train_property
from tenfma.training.property_card import property_page
from tenfma.training.property_data import Labelled, Target, read_labelled, targets_of
from tenfma.training.property_evaluation import PropertyEvaluation
from tenfma.training.property_loop import Schedule

sys.path.insert(0, str(Path(__file__).parent))
from labelled_crystals import labelled

RECIPE = PropertyRecipe(
    members=2,
    valid=0.4,
    trees=2,
    size=Size(channels=8, copies=2, scalars=6, tensors=2, context=4, hidden=16, dropout=0.0),
    motion=Motion(steps=1),
    schedule=Schedule(epochs=1, batch=16),
)
TARGET = targets_of("log10(K_vrh)")
SMALL = ["--members", "2", "--epochs", "1", "--steps", "0"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    write(folder / "train.extxyz", labelled(30))
    train_property([folder / "train.extxyz"], TARGET, folder / "model", recipe=RECIPE)
    return folder


def command(data: Path, out: object, *more: str) -> list[str]:
    return ["train", "--task", "property", "--target", "K_vrh", "--data", str(data), "--out", str(out), *more]


@pytest.fixture
def no_features(monkeypatch):
    def forbidden(structures):
        raise AssertionError("crystals were featurized")

    monkeypatch.setattr(training, "graphs_of", forbidden)


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("file", "is a file; a folder is expected"),
        ("file/x", "cannot be written (Not a directory)"),
        ("/dev/null/x", "cannot be written (Not a directory)"),
        ("/proc/x/y", "cannot be written"),
        ("x" * 300, "cannot be written (File name too long)"),
    ],
)
def test_a_folder_that_cannot_be_written_is_refused_first(
    place, said, trained, tmp_path, no_features, capsys
):
    (tmp_path / "file").write_text("mine")
    assert run(command(trained / "train.extxyz", tmp_path / place)) == 2
    message = capsys.readouterr().err
    assert said in message and message.count("\n") == 1
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("held", ["mine.txt", "model.json"])
def test_a_folder_of_other_files_is_left_alone(held, trained, tmp_path, no_features, capsys):
    (tmp_path / held).write_text("keep")
    assert run(command(trained / "train.extxyz", tmp_path)) == 2
    assert "holds other files" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == [held] and (tmp_path / held).read_text() == "keep"


@pytest.mark.parametrize("there", [False, True])
def test_refused_crystals_leave_nothing_and_the_mended_file_trains(there, tmp_path, capsys):
    frames = labelled(24)
    frames[3].positions[0] = np.nan
    data, out = tmp_path / "train.extxyz", tmp_path / "model"
    write(data, frames)
    if there:
        out.mkdir()
    assert run(command(data, out, *SMALL)) == 2
    assert "crystal 3" in capsys.readouterr().err
    assert out.exists() == there and not (there and list(out.iterdir()))
    write(data, labelled(24))
    assert run(command(data, out, *SMALL)) == 0


def _foreign(trained: Path, folder: Path, which: str) -> tuple[list[Path], dict]:
    """A run whose folder has its own config and features, and a checkpoint of another run."""
    data, recipe, seed = trained / "train.extxyz", RECIPE, 0
    if which == "data":
        data = folder / "train.extxyz"
        write(data, labelled(30, seed=5))
    if which == "epochs":
        recipe = replace(RECIPE, schedule=replace(RECIPE.schedule, epochs=2))
    if which == "seed":
        seed = 1
    return [data], {"recipe": recipe, "seed": seed}


@pytest.mark.parametrize("which", ["data", "epochs", "seed", "member", "target"])
def test_a_checkpoint_of_another_run_is_refused(which, trained, tmp_path):
    class Begun(Exception):
        """Stands for a power cut after the first pass."""

    def cut(progress):
        raise Begun

    data, settings = _foreign(trained, tmp_path, which)
    target = targets_of("K_vrh") if which == "target" else TARGET
    out = tmp_path / "out"
    with pytest.raises(Begun):
        train_property(data, target, out, **settings, report=cut)
    own = (out / "member-0.ckpt").read_bytes()
    other = "member-1.ckpt" if which == "member" else "member-0.ckpt"
    shutil.copy(trained / "model" / other, out / "member-0.ckpt")
    with pytest.raises(
        TenfmaError, match=r"member-0\.ckpt is a checkpoint of another run .* delete it and train"
    ):
        train_property(data, target, out, **settings)
    (out / "member-0.ckpt").write_bytes(own)
    train_property(data, target, out, **settings)


def test_a_checkpoint_without_a_mark_is_of_another_run(trained, tmp_path):
    out = tmp_path / "model"
    shutil.copytree(trained / "model", out)
    held = torch.load(out / "member-1.ckpt", weights_only=True)
    del held["mark"]
    torch.save(held, out / "member-1.ckpt")
    with pytest.raises(TenfmaError, match=r"member-1\.ckpt is a checkpoint of another run"):
        train_property([trained / "train.extxyz"], TARGET, out, recipe=RECIPE)


def _labels(*columns: list[float]) -> Labelled:
    names = tuple(Target(name) for name in ("K_vrh", "gap")[: len(columns)])
    return Labelled([], np.array(columns).T, names, (), "")


def test_too_few_labels_of_a_target_and_constant_ones_are_refused():
    rising = list(map(float, range(40)))
    check_labels(_labels(rising, [*rising[:10], *[np.nan] * 30]))
    with pytest.raises(TenfmaError, match="gap has 9 labels in these files; at least 10"):
        check_labels(_labels(rising, [*rising[:9], *[np.nan] * 31]))
    with pytest.raises(TenfmaError, match="gap has 1 label in these files"):
        check_labels(_labels(rising, [1.0, *[np.nan] * 39]))
    for constant in (0.0, 5.0, -3e10):
        with pytest.raises(TenfmaError, match=r"is .* in all 40 labels, so there is nothing to learn"):
            check_labels(_labels([constant] * 40))
    check_labels(_labels([1.0] * 39 + [1.0001]))


@pytest.mark.parametrize(
    ("kind", "said"), [("one", "gap has 1 label"), ("same", "gap is 2 in all 24 labels")]
)
def test_the_command_refuses_them_before_it_featurizes(kind, said, tmp_path, no_features, capsys):
    frames = labelled(24)
    for atoms in frames[: 1 if kind == "one" else 24]:
        atoms.info["gap"] = 2.0
    write(tmp_path / "train.extxyz", frames)
    out = tmp_path / "model"
    assert run([*command(tmp_path / "train.extxyz", out), "--target", "K_vrh,gap"]) == 2
    assert said in capsys.readouterr().err and not out.exists()


def test_without_scores_there_is_no_interval(trained, capsys):
    data = trained / "train.extxyz"
    model = tenfma.load(str(trained / "model"))
    model.heads = tuple(replace(head, scores=()) for head in model.heads)
    model.save(trained / "bare")
    errors = PropertyEvaluation.of(model, read_labelled([data], TARGET)).errors["log10(K_vrh)"]
    assert errors["coverage"] is None and errors["half_width"] is None
    facts = json.loads((trained / "model" / "card.json").read_text())
    facts["tests"] = {"x": {"log10(K_vrh)": errors}}
    assert "| x | log10(K_vrh) | 30 |" in property_page(facts)
    assert run(["evaluate", str(trained / "bare"), "--data", str(data)]) == 0
    told = capsys.readouterr().out
    assert "no interval" in told and "%" not in told
    assert run(["evaluate", str(trained / "model"), "--data", str(data)]) == 0
    assert "no interval" not in capsys.readouterr().out


def test_nan_is_a_missing_label_and_infinity_none(tmp_path):
    frames = labelled(6)
    frames[2].info["K_vrh"] = float("nan")
    frames[3].info["log10_K"] = float("nan")
    write(tmp_path / "train.extxyz", frames)
    for target in ("K_vrh", "log10(K_vrh)", "K_vrh/atom"):
        labels = read_labelled([tmp_path / "train.extxyz"], targets_of(target)).labels[:, 0]
        assert np.isnan(labels).tolist() == [False, False, True, False, False, False]
    for value in (np.inf, -np.inf, "much"):
        frames[4].info["K_vrh"] = value
        write(tmp_path / "train.extxyz", frames)
        with pytest.raises(
            TenfmaError, match=r"K_vrh of frame 5 of train\.extxyz is '(-?inf|much)'; a finite"
        ) as told:
            read_labelled([tmp_path / "train.extxyz"], targets_of("K_vrh"))
        assert "np." not in str(told.value)


def test_an_unknown_element_is_told_as_embed_tells_it(tmp_path, capsys):
    write(tmp_path / "good.extxyz", labelled(12))
    data = tmp_path / "train.extxyz"
    data.write_text((tmp_path / "good.extxyz").read_text().replace("Cl ", "Qq ", 1))
    assert run(["embed", str(data), "--out", str(tmp_path / "z.csv")]) == 2
    explanation = capsys.readouterr().err.split("train.extxyz: ", 1)[1].strip()
    assert "which is no element" in explanation
    for task in ("property", "forces"):
        assert run([*command(data, tmp_path / "out"), "--task", task]) == 2
        message = capsys.readouterr().err
        assert explanation in message and message.count("\n") == 1


def test_partial_occupancies_are_told_in_our_words(tmp_path):
    mixed = Structure(Lattice.cubic(3.6), [{"Cu": 0.5, "Zn": 0.5}], [[0, 0, 0]])
    plain = Structure(Lattice.cubic(3.6), ["Cu"], [[0, 0, 0]])
    records = [{"structure": one.as_dict(), "K_vrh": 1.0, "energy": -1.0} for one in (plain, mixed)]
    (tmp_path / "train.json").write_text(json.dumps(records, default=float))
    said = r"record 2 of train\.json has partial occupancies \((Cu:0\.5, Zn|Zn:0\.5, Cu):0\.5\); give a cell"
    with pytest.raises(TenfmaError, match=said):
        read_labelled([tmp_path / "train.json"], targets_of("K_vrh"))
    with pytest.raises(TenfmaError, match=said):
        read_frames(tmp_path / "train.json")
    check_ordered(plain, "here")


def test_ctrl_c_says_what_is_kept(trained, tmp_path, monkeypatch, capsys):
    def stopped(*given, **asked):
        raise KeyboardInterrupt

    data, out = trained / "train.extxyz", tmp_path / "model"
    with monkeypatch.context() as patched:
        patched.setattr(training, "graphs_of", stopped)
        assert run(command(data, out, *SMALL)) == 130
    message = capsys.readouterr().err
    assert "nothing is kept" in message and "what was finished" not in message and message.count("\n") == 1
    assert not out.exists()
    monkeypatch.setattr(training, "fit", stopped)
    assert run(command(data, out, *SMALL)) == 130
    assert capsys.readouterr().err == "tenfma: interrupted; what was finished is kept\n"
    assert (out / CACHE).is_file()


@pytest.mark.parametrize("ids", ["own", "shared"])
def test_evaluate_writes_a_record(ids, trained, tmp_path):
    frames = labelled(8, seed=3)
    for index, atoms in enumerate(frames):
        atoms.info["id"] = f"mp-{index}" if ids == "own" else "mp-0"
    del frames[5].info["K_vrh"]
    write(tmp_path / "test.extxyz", frames)
    out = tmp_path / "record.json"
    asked = ["--data", str(tmp_path / "test.extxyz"), "--record", str(out)]
    assert run(["evaluate", str(trained / "model"), *asked]) == 0
    found = json.loads(out.read_text())
    assert list(found) == ["benchmark_name", "user_metadata", "tasks"]
    assert found["benchmark_name"] == "tenfma_test" and list(found["tasks"]) == ["log10(K_vrh)"]
    results = found["tasks"]["log10(K_vrh)"]["results"]
    assert list(results) == ["fold_0"]
    names = [f"mp-{i}" if ids == "own" else f"frame {i + 1} of test.extxyz" for i in range(8)]
    values = tenfma.load(str(trained / "model")).predict(frames).values[:, 0]
    assert results["fold_0"]["data"] == pytest.approx(dict(zip(names, values)), abs=1e-6)
    known = [i for i in range(8) if i != 5]
    miss = [abs(values[i] - np.log10(frames[i].info["K_vrh"])) for i in known]
    assert results["fold_0"]["scores"]["mae"] == pytest.approx(np.mean(miss), abs=1e-6)


def test_a_record_is_of_property_models_and_of_json(trained, tmp_path, capsys):
    data = ["--data", str(trained / "train.extxyz")]
    assert run(["evaluate", "Si", *data, "--record", str(tmp_path / "r.json")]) == 2
    assert "--record is for models of properties" in capsys.readouterr().err
    assert run(["evaluate", str(trained / "model"), *data, "--record", str(tmp_path / "r.txt")]) == 2
    assert "--record" in capsys.readouterr().err and not list(tmp_path.iterdir())


def test_no_member_sees_what_it_leaves_out(tmp_path, monkeypatch):
    """Networks, trees and kernels learn from the rest, and blends and intervals come from what was left out alone."""
    shares, grown, kernels, calibrated, asked = [], [], [], [], []

    def fit(net, graphs, labels, train, valid, **settings):
        shares.append((train.numpy(), valid.numpy()))
        return net.eval()

    def noted(name, rows):
        own = getattr(training, name)

        def wrapped(*given, **settings):
            rows(*given)
            return own(*given, **settings)

        monkeypatch.setattr(training, name, wrapped)

    write(tmp_path / "train.extxyz", labelled(30))
    data = read_labelled([tmp_path / "train.extxyz"], TARGET)
    graphs = training.graphs_of(data.structures)
    train = np.arange(3, 30)
    monkeypatch.setattr(training, "fit", fit)
    noted("randomised", lambda rows, values, *_: grown.append(values))
    noted("_kernels", lambda rows, labels, train, parts, *_: kernels.extend(parts))
    noted("_calibrate", lambda model, graphs, labels, left: calibrated.extend(left))
    predictors = training.PropertyModel.predictors
    monkeypatch.setattr(
        training.PropertyModel,
        "predictors",
        lambda self, chosen: asked.append(chosen.static.numpy()) or predictors(self, chosen),
    )
    recipe = replace(RECIPE, valid=0.25, members=3)
    model, held_out = training.fit_ensemble(graphs, data, train, tmp_path, minutes=1.0, seed=2, recipe=recipe)
    assert len(shares) == len(grown) == len(kernels) == len(calibrated) == len(asked) == 3
    for (kept, left), values, kernel, scored, rows in zip(shares, grown, kernels, calibrated, asked):
        assert not set(kept) & set(left) and sorted([*kept, *left]) == train.tolist()
        assert len(left) in (6, 7)
        np.testing.assert_array_equal(np.sort(values), np.sort(data.labels[kept, 0]))
        np.testing.assert_array_equal(kernel, kept)
        np.testing.assert_array_equal(scored, left)
        np.testing.assert_array_equal(rows, graphs.static.numpy()[left])
    everyone = np.concatenate([left for _, left in shares])
    assert (
        len(set(everyone))
        == len(everyone)
        == held_out["log10(K_vrh)"]["labels"]
        == len(model.heads[0].scores)
    )
    own = np.concatenate(
        [
            predictors(model, graphs.take(torch.as_tensor(left)))[i, :, :, 0]
            for i, (_, left) in enumerate(shares)
        ],
        1,
    )
    value = np.where(np.array(model.heads[0].blend)[:, None] > 0, own, 0.0).T @ np.array(model.heads[0].blend)
    miss = np.abs(value - data.labels[everyone, 0]).mean()
    assert held_out["log10(K_vrh)"]["mae"] == pytest.approx(miss)
