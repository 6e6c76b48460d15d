"""Properties: what a target means, folds, learning with missing labels, resuming, intervals, folders that load."""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk
from ase.io import write

import tenfma
from tenfma.cli import run
from tenfma.embedding.evolved import Motion, Size
from tenfma.embedding.property_model import Head, PropertyModel
from tenfma.embedding.trees import randomised
from tenfma.errors import DomainWarning, TenfmaError
from tenfma.training.property import PropertyRecipe, train_property
from tenfma.training.property_data import Target, folds, read_labelled, targets_of
from tenfma.training.property_evaluation import PropertyEvaluation, record
from tenfma.training.property_loop import Progress, Schedule

sys.path.insert(0, str(Path(__file__).parent))
from labelled_crystals import labelled

TARGETS = "log10(K_vrh),e_form_per_atom,Cv_300K/atom"
RECIPE = PropertyRecipe(
    members=2,
    valid=0.5,
    trees=20,
    size=Size(channels=16, copies=4, scalars=12, tensors=2, context=8, hidden=32, dropout=0.0),
    motion=Motion(steps=4),
    schedule=Schedule(epochs=25, rate=6e-3, batch=16),
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("property")
    write(folder / "train.extxyz", labelled(80))
    write(folder / "test.extxyz", labelled(60, seed=7))
    train_property([folder / "train.extxyz"], targets_of(TARGETS), folder / "model", recipe=RECIPE)
    return folder


def test_targets_are_read_as_written():
    assert targets_of("K_vrh,G_vrh", log=True) == (Target("K_vrh", log=True), Target("G_vrh", log=True))
    assert targets_of("log10(Cv_300K/atom), gap") == (Target("Cv_300K", True, True), Target("gap"))
    for text in ("", "K-vrh", "log10(K_vrh", "K_vrh)", "K_vrh,K_vrh"):
        with pytest.raises(TenfmaError, match="target"):
            targets_of(text)


def test_a_files_own_logarithm_comes_first():
    target = Target("K_vrh", log=True)
    assert target.label({"K_vrh": 100.0}, 1, "here") == pytest.approx(2.0)
    assert target.label({"K_vrh": 100.0, "log10_K": 2.5}, 1, "here") == 2.5
    assert np.isnan(target.label({}, 1, "here"))
    assert np.isnan(target.label({"K_vrh": np.nan}, 1, "here"))
    assert target.label({"K_vrh": 100.0, "log10_K": np.nan}, 1, "here") == pytest.approx(2.0)
    assert Target("Cv_300K", per_atom=True).label({"Cv_300K": 48.0}, 2, "here") == 24.0
    with pytest.raises(TenfmaError, match="above 0"):
        target.label({"K_vrh": -1.0}, 1, "here")
    with pytest.raises(TenfmaError, match="finite"):
        target.label({"log10_K": "inf"}, 1, "here")


def test_folds_keep_groups_together_and_share_crystals_evenly():
    groups = [f"f{i % 17}" for i in range(100)]
    fold = folds(100, 5, 3, groups)
    assert all(len({f for f, g in zip(fold, groups) if g == name}) == 1 for name in set(groups))
    assert np.bincount(fold, minlength=5).min() >= 15
    plain = folds(100, 5, 3)
    assert np.bincount(plain).tolist() == [20] * 5
    assert any(len({f for f, g in zip(plain, groups) if g == name}) > 1 for name in set(groups))
    with pytest.raises(TenfmaError, match="folds"):
        folds(10, 5, 0, ["a"] * 10)


def test_it_learns_from_labels_that_are_partly_missing(trained):
    model = tenfma.load(str(trained / "model"))
    assert isinstance(model, PropertyModel) and model.trained
    test = read_labelled([trained / "test.extxyz"], targets_of(TARGETS))
    errors = PropertyEvaluation.of(model, test).errors
    spread = np.nanstd(test.labels, axis=0)
    assert errors["log10(K_vrh)"]["mae"] < 0.35 * spread[0]
    assert errors["e_form_per_atom"]["mae"] < 0.35 * spread[1]
    assert errors["e_form_per_atom"]["labels"] == 48
    assert errors["Cv_300K/atom"]["mae"] < 0.5
    # the twin that must fail: labels that belong to other crystals
    shuffled = np.abs(PropertyEvaluation.of(model, test).predictions.values[::-1] - test.labels)
    assert np.nanmean(shuffled, axis=0)[0] > 2 * errors["log10(K_vrh)"]["mae"]


def test_h_at_rest_is_an_energy_in_ev(trained):
    model = tenfma.load(str(trained / "model"))
    frames = labelled(20, seed=9)
    energies = []
    for atoms in frames:
        H, q0, p0 = model.hamiltonian(atoms, p0="zero")
        energies.append(float(H(q0, p0)))
    truth = [f.info.get("e_form_per_atom", np.nan) for f in frames]
    assert H.units.energy == "eV"
    assert np.nanmean(np.abs(np.array(energies) - truth)) < 0.15


def test_a_folder_gives_back_what_was_saved(trained, tmp_path):
    model = tenfma.load(str(trained / "model"))
    frames = labelled(6, seed=3)
    model.save(tmp_path)
    again = tenfma.load(str(tmp_path)).predict(frames)
    np.testing.assert_array_equal(again.values, model.predict(frames).values)
    settings = json.loads((tmp_path / "model.json").read_text())
    settings["members"] = 3
    (tmp_path / "model.json").write_text(json.dumps(settings))
    with pytest.raises(TenfmaError, match="not saved together"):
        tenfma.load(str(tmp_path))


def test_outside_the_domain_it_warns_in_words(trained):
    model = tenfma.load(str(trained / "model"))
    assert model.warning(bulk("Cu")) == ""
    assert "W" in model.warning(bulk("W")) and "never" in model.warning(bulk("W"))
    assert "64 atoms" in model.warning(bulk("Cu").repeat(4))
    with pytest.warns(DomainWarning, match="1 of 2 crystals .* number 2: W never") as told:
        assert model.predict([bulk("Cu"), bulk("W")]).warnings[1]
    assert len(told) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert model.predict([bulk("Cu")]).warnings == ("",)
        assert model.predict([bulk("W")], warn=False).warnings[0]


def test_supercells_have_the_same_properties(trained):
    model = tenfma.load(str(trained / "model")).double()
    values = model.predict([bulk("Cu"), bulk("Cu", cubic=True), bulk("Cu").repeat((1, 2, 3))]).values
    np.testing.assert_allclose(values, values[:1].repeat(3, axis=0), rtol=0, atol=1e-8)


class Killed(Exception):
    """Stands for a power cut."""


def test_a_killed_run_goes_on_where_it_stopped(tmp_path):
    from dataclasses import replace

    write(tmp_path / "train.extxyz", labelled(30))
    recipe = replace(RECIPE, trees=0, schedule=Schedule(epochs=4, batch=8))
    arguments = ([tmp_path / "train.extxyz"], targets_of("log10(K_vrh)"))
    lines: list[Progress] = []

    def cut(progress: Progress) -> None:
        lines.append(progress)
        if (progress.member, progress.epoch) == (1, 2):
            raise Killed

    with pytest.raises(Killed):
        train_property(*arguments, tmp_path / "cut", recipe=recipe, report=cut)
    resumed = train_property(*arguments, tmp_path / "cut", recipe=recipe, report=lines.append)
    assert [(p.member, p.epoch) for p in lines] == [(m, e) for m in (0, 1) for e in (1, 2, 3, 4)]
    whole = train_property(*arguments, tmp_path / "whole", recipe=recipe)
    for name, value in whole.state_dict().items():
        torch.testing.assert_close(resumed.state_dict()[name], value, rtol=0, atol=0, msg=name)
    with pytest.raises(TenfmaError, match="another run"):
        train_property(*arguments, tmp_path / "cut", recipe=recipe, seed=1)


def test_conformal_intervals_cover_what_they_say():
    generator = np.random.default_rng(0)
    scores = np.sort(np.abs(generator.standard_t(3, 400)))
    head = Head("x", "", 0.0, 1.0, floor=1.0, scores=tuple(scores))
    fresh = np.abs(generator.standard_t(3, 20_000))
    for coverage in (0.5, 0.8, 0.9, 0.95):
        assert (fresh <= head.radius(coverage)).mean() == pytest.approx(coverage, abs=0.03)
    # the twin: a normal law with the same spread is far too narrow in the middle or in the tail
    normal = 1.645 * np.quantile(scores, 0.5) / 0.6745
    assert abs((fresh <= normal).mean() - 0.9) > 0.02
    assert head.radius(0.9999) == np.inf
    with pytest.raises(TenfmaError, match="coverage"):
        head.radius(1.0)


def test_intervals_of_a_trained_model_cover_fresh_crystals(trained):
    model = tenfma.load(str(trained / "model"))
    test = read_labelled([trained / "test.extxyz"], targets_of(TARGETS))
    errors = PropertyEvaluation.of(model, test, coverage=0.8).errors
    assert 0.6 < errors["log10(K_vrh)"]["coverage"] <= 1.0
    narrow = PropertyEvaluation.of(model, test, coverage=0.3).errors
    assert narrow["log10(K_vrh)"]["half_width"] < errors["log10(K_vrh)"]["half_width"]


def test_trees_kept_as_arrays_predict_what_scikit_learn_does(monkeypatch):
    from sklearn.ensemble import ExtraTreesRegressor

    generator = np.random.default_rng(1)
    X = generator.normal(size=(200, 5)).astype(np.float32)
    y = X[:, 0] * X[:, 1] + X[:, 2]
    fitted = []
    original = ExtraTreesRegressor.fit
    monkeypatch.setattr(
        ExtraTreesRegressor, "fit", lambda self, *a: fitted.append(original(self, *a)) or self
    )
    trees = randomised(X, y, seed=0, trees=30)
    fresh = generator.normal(size=(500, 5)).astype(np.float32)
    np.testing.assert_allclose(trees.predict(fresh), fitted[0].predict(fresh), rtol=0, atol=1e-5)


def test_a_record_holds_every_fold():
    fold = {
        "ids": ["a", "b", "c"],
        "values": [[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]],
        "labels": [[1.5, np.nan], [np.nan, np.nan], [0.0, np.nan]],
        "parameters": {"seconds": 1.0},
    }
    found = record("benchmark", ["x", "without labels"], [fold, fold], "words")
    assert list(found["tasks"]) == ["x"]
    results = found["tasks"]["x"]["results"]
    assert list(results) == ["fold_0", "fold_1"]
    assert results["fold_1"]["data"] == {"a": 1.0, "b": 2.0, "c": 3.0}
    assert results["fold_1"]["parameters"] == {"seconds": 1.0}
    scores = results["fold_1"]["scores"]
    assert scores == {
        "mae": 1.75,
        "rmse": pytest.approx(np.sqrt(4.625)),
        "mape": pytest.approx(1 / 3),
        "max_error": 3.0,
    }


@pytest.mark.parametrize(
    ("target", "unit"),
    [
        ("heat_all", "eV/atom"),
        ("energy_per_atom", "eV/atom"),
        ("energy/atom", "eV/atom"),
        ("energy", "eV"),
        ("e_form_per_atom", "eV/atom"),
        ("Cv_300K/atom", "J/(mol K)/atom"),
        ("log10(K_vrh)", "log10(GPa)"),
        ("ind_gap", "eV"),
        ("something", ""),
    ],
)
def test_units_of_labels(target, unit):
    assert targets_of(target)[0].unit == unit


def test_the_commands_train_evaluate_and_embed(tmp_path, capsys):
    write(tmp_path / "train.extxyz", labelled(30))
    out, data = str(tmp_path / "model"), str(tmp_path / "train.extxyz")
    command = ["train", "--task", "property", "--data", data, "--out", out, "--members", "2", "--epochs", "2"]
    assert run([*command, "--target", "K_vrh", "--log", "--steps", "2"]) == 0
    assert "log10(K_vrh)" in capsys.readouterr().out
    page = (tmp_path / "model" / "card.md").read_text()
    assert str(tmp_path) not in page and "train.extxyz" in page
    result = tmp_path / "result.json"
    assert run(["evaluate", out, "--data", data, "--json", str(result), "--card"]) == 0
    held = json.loads(result.read_text())
    assert held["errors"]["log10(K_vrh)"]["labels"] == 30 and len(held["frames"]) == 30
    assert "train.extxyz" in json.loads((tmp_path / "model" / "card.json").read_text())["tests"]
    table = tmp_path / "z.csv"
    assert run(["embed", "prototype:NaCl", "--model", out, "--out", str(table)]) == 0
    assert "end.scalar_0" in table.read_text().splitlines()[0]
    capsys.readouterr()
    assert run([*command, "--target", "nothing"]) == 2
    assert "nothing" in capsys.readouterr().err


def test_the_featurizer_is_an_estimator(trained):
    from sklearn.base import clone

    rows = clone(tenfma.TenFMAFeaturizer(str(trained / "model"))).fit_transform(
        [bulk("Cu"), bulk("Cu", cubic=True)]
    )
    np.testing.assert_allclose(rows[0], rows[1], rtol=1e-4, atol=1e-5)
    still = tenfma.TenFMAFeaturizer(str(trained / "model"), motion={"steps": 0}).fit()
    assert len(still.get_feature_names_out()) == rows.shape[1]
    assert np.abs(still.transform([bulk("Cu")]) - rows[:1]).max() > 1e-4
    with pytest.raises(TenfmaError, match="embed takes"):
        tenfma.TenFMAFeaturizer(str(trained / "model"), motion={"pace": 1}).fit()


def test_bad_files_are_told_in_a_sentence(tmp_path):
    with pytest.raises(TenfmaError, match="no file"):
        read_labelled([tmp_path / "none.extxyz"], targets_of("K_vrh"))
    write(tmp_path / "plain.extxyz", [Atoms("Cu", cell=[3] * 3, pbc=True)])
    with pytest.raises(TenfmaError, match="no frame has a label"):
        read_labelled([tmp_path / "plain.extxyz"], targets_of("K_vrh"))
    (tmp_path / "broken.extxyz.gz").write_bytes(b"no gzip")
    with pytest.raises(TenfmaError, match="not a whole gzip file"):
        read_labelled([tmp_path / "broken.extxyz.gz"], targets_of("K_vrh"))


def test_scarce_labels_weigh_more_and_the_mean_weight_is_one():
    from tenfma.training.property_loop import _weights

    labels = torch.zeros(100, 2)
    labels[25:, 1] = torch.nan
    weights = _weights(labels, 0.5)
    assert float(weights[1] / weights[0]) == pytest.approx(2.0)
    assert float((weights * torch.tensor([100.0, 25.0])).sum()) == pytest.approx(125.0)
    torch.testing.assert_close(_weights(labels, 0.0), torch.ones(2))


def test_what_needs_forces_is_refused_in_a_sentence(trained):
    model = tenfma.load(str(trained / "model"))
    with pytest.raises(TenfmaError, match="no forces"):
        tenfma.explain(model, bulk("Cu"))
    with pytest.raises(TenfmaError, match="simplices chart"):
        model.hamiltonian(bulk("Cu"), chart="atoms")


def test_the_path_behind_an_embedding_has_a_certificate(trained):
    model = tenfma.load(str(trained / "model")).double()
    found = model.certificates(labelled(5), dt=0.05, steps=40)
    assert found["reversal_error"].max() < 1e-10 and found["energy_drift"].shape == (5,)
    H, q0, p0 = model.hamiltonian(bulk("Cu"))
    report = tenfma.certify(H, dt=0.1, q=q0, p=p0, steps=50)
    assert "symplectic" in str(report.to_dict())


def test_heat_capacities_are_an_einstein_oscillators():
    from tenfma.embedding.links import CLASSICAL, einstein, log_ratio

    ratios = np.array([-2.0, 0.0, 1.0, 2.5])
    x = np.exp(ratios)
    textbook = CLASSICAL * x**2 * np.exp(x) / np.expm1(x) ** 2
    np.testing.assert_allclose(einstein(torch.as_tensor(ratios)).numpy(), textbook, rtol=1e-12)
    np.testing.assert_allclose(log_ratio(textbook), ratios, atol=1e-5)
    assert pytest.approx(24.943, abs=1e-3) == CLASSICAL
    assert np.isnan(log_ratio(np.array([np.nan]))[0])


def test_a_linked_head_stays_below_dulong_and_petit(trained):
    model = tenfma.load(str(trained / "model"))
    place = model.targets.index("Cv_300K/atom")
    assert model.heads[place].link == "einstein" and model.first.linked == (place,)
    values = model.predict(labelled(10, seed=4)).values[:, place]
    assert (values > 20).all() and (values < 24.944).all()


def test_a_cards_command_keeps_targets_and_drops_folders():
    from tenfma.cli.train import _portable

    given = [
        "train",
        "--target",
        "Cv_300K/atom,K_vrh",
        "--data",
        "/a/b/F.extxyz",
        "--target=x/atom",
        "--out",
        "c/d",
    ]
    kept = ["train", "--target", "Cv_300K/atom,K_vrh", "--data", "F.extxyz", "--target=x/atom", "--out", "d"]
    assert _portable(given) == kept


@pytest.mark.parametrize("still", [0.0, 1.0])
def test_motion_may_set_in_late(still, tmp_path):
    from tenfma.embedding.evolved import Evolved
    from tenfma.embedding.graphs import graphs_of, static_names
    from tenfma.training.property_loop import fit

    frames = labelled(12)
    graphs = graphs_of(frames)
    torch.manual_seed(0)
    net = Evolved(static_names(), 1, RECIPE.size, Motion(steps=2))
    net.static.fit(graphs.static)
    net.messages.fit(graphs)
    fitted = fit(
        net,
        graphs,
        torch.randn(12, 1),
        torch.arange(12),
        torch.arange(0),
        scales=torch.ones(1),
        energy=None,
        schedule=Schedule(epochs=2, batch=6, still=still),
        checkpoint=tmp_path / "net.ckpt",
        seed=0,
    )
    assert fitted.motion == Motion(steps=2)
    moved = bool(fitted.log_mass.abs().max() > 0)
    assert moved == (still == 0.0)
