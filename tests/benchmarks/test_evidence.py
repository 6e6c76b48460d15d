"""The tools behind the table of what evolution adds: fair pairs, resumable cells, contenders that keep the symmetry."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from ase.build import bulk

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks" / "evidence"))

import claims
import contenders
import evolution as evidence
import robustness
import splits

from tenfma.embedding.evolved import Size
from tenfma.embedding.graphs import graphs_of
from tenfma.hamiltonian.pooled import invariants
from tenfma.training.property_data import Labelled, targets_of

SMALL = Size(channels=16, copies=4, scalars=12, tensors=2, context=8, hidden=16)


def test_paired_intervals_cover_the_true_difference():
    generator = np.random.default_rng(5)
    inside = 0
    for _ in range(60):
        found = evidence.paired(generator.normal(0.3, 1.0, 100))
        inside += found["low"] <= 0.3 <= found["high"]
    assert inside >= 50
    far = evidence.paired(generator.normal(0.3, 0.1, 100))
    assert far["low"] > 0  # the twin: no difference is not within it
    assert np.isfinite(evidence.paired(np.array([0.1, np.nan, 0.2]))["difference"])


def test_rows_pair_the_same_seeds_and_crystals():
    base = {"split": "random", "share": 1.0, "epochs": 1, "parameters": 1, "processor_seconds": 1.0}
    cells = [
        {**base, "contender": "leapfrog", "seed": 0, "mae": {"x": 0.2}, "errors": [[0.1], [0.3]]},
        {**base, "contender": "static", "seed": 0, "mae": {"x": 0.3}, "errors": [[0.2], [0.4]]},
        {**base, "contender": "static", "seed": 1, "mae": {"x": 9.0}, "errors": [[9.0], [9.0]]},
    ]
    rows = {row["contender"]: row for row in evidence.summed_up(cells)}
    assert rows["static"]["difference"] == pytest.approx(0.1)
    assert rows["static"]["seeds"] == 2
    assert "difference" not in rows["leapfrog"]


def test_pairs_are_of_the_same_crystal_and_seed():
    """The contender errs by .1 more on each crystal with each seed, so the paired interval has no width."""
    base = {"split": "random", "share": 1.0, "epochs": 1, "parameters": 1, "processor_seconds": 1.0}
    errors = np.random.default_rng(0).uniform(size=(2, 8, 1)).round(3)
    cells = [
        {**base, "contender": name, "seed": seed, "mae": {"x": 0.5}, "errors": (errors[seed] + more).tolist()}
        for name, more in (("leapfrog", 0.0), ("static", 0.1))
        for seed in (0, 1)
    ]
    row = next(row for row in evidence.summed_up(cells) if row["contender"] == "static")
    assert row["low"] == pytest.approx(0.1) and row["high"] == pytest.approx(0.1)


def test_seeds_are_drawn_again_too():
    found = evidence.paired(np.array([[0.0] * 50, [1.0] * 50]))
    assert found["low"] == 0 and found["high"] == 1


def test_profiles_name_every_contender_and_every_cell_once():
    for name in ("reduced", "full"):
        cells = evidence.profile(name)
        assert len({cell.name for cell in cells}) == len(cells)
        assert {cell.contender for cell in cells} == {*contenders.NETS, *contenders.TREES}


@pytest.mark.parametrize("name", sorted(contenders.NETS))
def test_contenders_see_a_turned_crystal_as_the_same(name):
    atoms = bulk("MgO", "wurtzite", a=3.3, c=5.1)
    atoms.positions[0] += [0.1, 0.2, 0.05]
    turned = atoms.copy()
    Q, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))
    turned.set_cell(atoms.cell.array @ Q.T)
    turned.positions = atoms.positions @ Q.T
    net = contenders.net(name, 2, 0, SMALL).double().eval()
    graphs = graphs_of([atoms, turned], torch.float64)
    net.static.fit(graphs.static)
    net.messages.fit(graphs)
    y, rest = net(graphs)
    if contenders.NETS[name][2].friction == 0:  # noise does not turn with the crystal
        torch.testing.assert_close(y[0], y[1], rtol=0, atol=1e-9)
    torch.testing.assert_close(rest[0], rest[1], rtol=0, atol=1e-9)
    assert sum(p.numel() for p in net.parameters()) > 1000


def test_a_cell_runs_and_keeps_its_errors():
    frames = [
        bulk(name, a=4.0 + 0.02 * i, crystalstructure="fcc") for i in range(10) for name in ("Cu", "Ag", "Al")
    ]
    labels = np.array([[np.log10(f.get_volume()), 1.0 + i, 0.01 * i] for i, f in enumerate(frames)])
    labels[::4, 1] = np.nan
    labelled = Labelled(
        frames, labels, targets_of(splits.PROBLEMS["elasticity"].targets), tuple(map(str, range(30))), "mark"
    )
    graphs = graphs_of(frames)
    for name in ("trees", "leapfrog"):
        found = evidence.run(evidence.Cell(name, "random", 1.0, 0, 1), graphs, labelled)
        assert len(found["errors"]) == 6 and set(found["mae"]) == set(
            splits.PROBLEMS["elasticity"].targets.split(",")
        )


def test_curves_are_means_over_seeds_of_the_random_split_with_every_label():
    base = {"contender": "leapfrog", "epochs": 2, "share": 1.0, "split": "random", "processor_seconds": 6.0}
    cells = [
        {**base, "seed": 0, "mae": {"x": 0.2, "y": 1.0}, "curve": [[0.4, 3.0], [0.2, 1.0]]},
        {**base, "seed": 1, "mae": {"x": 0.4, "y": 2.0}, "curve": [[0.8, 4.0], [0.4, 2.0]]},
        {**base, "seed": 0, "mae": {"x": 9.0, "y": 9.0}, "curve": [[9.0, 9.0]], "share": 0.5},
        {**base, "seed": 0, "mae": {"x": 9.0, "y": 9.0}, "curve": [], "contender": "trees"},
    ]
    found = evidence.curves(cells)
    assert [(r["target"], r["mae"], r["seeds"]) for r in found] == [
        ("x", [0.6, 0.3], 2),
        ("y", [3.5, 1.5], 2),
    ]
    assert all(r["seconds_per_pass"] == 3.0 for r in found)


def test_convergence_is_judged_half_way_of_the_longest_training():
    def row(contender, epochs, mae, seconds):
        return {
            "contender": contender,
            "epochs": epochs,
            "target": "x",
            "mae": mae,
            "seconds_per_pass": seconds,
        }

    rows = [row("leapfrog", 4, [4.0, 2.0, 1.0, 1.0], 2.0), row("leapfrog", 2, [9.0, 9.0], 2.0)]
    slower, as_fast = (
        row("messages", 4, [4.0, 3.0, 1.0, 1.0], 1.0),
        row("messages", 4, [4.0, 2.0, 9.0, 9.0], 1.0),
    )
    assert claims.of_curves([*rows, slower])[0]["verdict"] == "supported"
    assert "50.0% more" in claims.of_curves([*rows, slower])[0]["found"]
    assert claims.of_curves([*rows, as_fast])[0]["verdict"] == "refuted"
    assert claims.of_curves(rows) == []


def crystals_with_labels():
    frames = [bulk(name, "rocksalt", a=4.0 + 0.1 * i) for i in range(4) for name in ("NaCl", "MgO")]
    return graphs_of(frames), torch.randn(len(frames), 2, generator=torch.Generator().manual_seed(0))


def with_gradients(name):
    graphs, labels = crystals_with_labels()
    net = contenders.net(name, 2, 0, SMALL)
    net.static.fit(graphs.static)
    net.messages.fit(graphs)
    net(graphs)[0].sub(labels).abs().sum().backward()
    return net


def test_masses_that_are_set_are_not_learned_and_span_what_they_say():
    for name, heaviest in (("even_masses", 1.0), ("wide_masses", 100.0)):
        net = with_gradients(name)
        assert net.log_mass.grad is None and not net.log_mass.requires_grad
        assert net.log_mass.exp().min() == 1 and float(net.log_mass.exp().max()) == pytest.approx(heaviest)
    net = with_gradients("leapfrog")
    assert float(net.log_mass.grad.abs().sum()) > 0  # the twin: there they are learned


def test_what_is_pooled_is_what_the_name_says():
    graphs, _ = crystals_with_labels()
    found = {}
    for name in ("leapfrog", "end", "momenta"):
        net = contenders.net(name, 2, 0, SMALL).eval()
        net.static.fit(graphs.static)
        net.messages.fit(graphs)
        found[name] = net.embed(graphs)[0].detach()
        width = found[name].shape[1] // 2
        if name == "momenta":
            net.motion = replace(net.motion, dt=1e-9)
            H, q0, p0, _ = net.start(graphs)
            seen = net.path(H, q0, p0)[1]
            torch.testing.assert_close(seen, invariants(net.blocks, p0), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(found["end"][:, :width], found["end"][:, width:])
    torch.testing.assert_close(found["end"][:, :width], found["leapfrog"][:, :width])
    assert not torch.allclose(found["leapfrog"][:, :width], found["leapfrog"][:, width:])


def test_h_is_taught_the_energy_unless_the_contender_says_not(monkeypatch):
    asked = []

    def told(net, *rest, energy, **others):
        asked.append(energy)
        return net.eval()

    monkeypatch.setattr(evidence, "fit", told)
    frames = [bulk(name, "fcc", a=4.0 + 0.02 * i) for i in range(5) for name in ("Cu", "Ag")]
    labels = np.random.default_rng(0).normal(size=(10, 3))
    targets = targets_of(splits.PROBLEMS["elasticity"].targets)
    labelled = Labelled(frames, labels, targets, tuple(map(str, range(10))), "mark")
    for name in ("leapfrog", "untaught"):
        evidence.run(evidence.Cell(name, "random", 1.0, 0, 1), graphs_of(frames), labelled)
    assert asked == [2, None]


def test_heat_capacities_are_a_problem_of_their_own():
    assert splits.problem_of("heat") == "heat" and splits.PROBLEMS["heat"].energy is None
    frames = [bulk(name, "fcc", a=4.0 + 0.02 * i) for i in range(5) for name in ("Cu", "Ag")]
    labels = 24 + np.random.default_rng(0).normal(size=(10, 1))
    labelled = Labelled(frames, labels, targets_of("Cv_300K/atom"), tuple(map(str, range(10))), "mark")
    learn, asked = splits.parts("heat", labelled)
    assert len(asked) == 2 and sorted([*learn, *asked]) == list(range(10))
    found = evidence.run(evidence.Cell("leapfrog", "heat", 1.0, 0, 1), graphs_of(frames), labelled)
    assert set(found["mae"]) == {"Cv_300K/atom"} and len(found["errors"]) == 2


@pytest.mark.parametrize("name", ["kernel", "trees", "composition", "leapfrog", "transformer"])
def test_what_is_asked_is_never_taught(name):
    """Labels of the crystals asked for, moved by 1000: the same predictions, so every error moves by just that."""
    frames = [
        bulk(name, a=4.0 + 0.02 * i, crystalstructure="fcc") for i in range(10) for name in ("Cu", "Ag", "Al")
    ]
    labels = np.random.default_rng(0).normal(size=(30, 3))
    targets = targets_of(splits.PROBLEMS["elasticity"].targets)
    cell = evidence.Cell(name, "random", 1.0, 0, 1)
    held = []
    for moved in (0.0, 1000.0):
        own = labels.copy()
        own[
            splits.parts("random", Labelled(frames, labels, targets, tuple(map(str, range(30))), "mark"))[1]
        ] += moved
        labelled = Labelled(frames, own, targets, tuple(map(str, range(30))), "mark")
        held.append(np.array(evidence.run(cell, graphs_of(frames), labelled)["errors"]))
    np.testing.assert_allclose(np.abs(held[1] - 1000), held[0], atol=3e-4)


def test_a_query_does_not_find_itself_and_neighbours_count_by_type():
    distances = np.array([[0.0, 1.0, 2.0, 3.0], [1.0, 0.0, 2.0, 3.0]])
    types, own = np.array(["a", "b", "a", "b"]), np.array(["a", "b"])
    found = robustness.hits(distances, types, own, 2, np.array([0, 1]))
    np.testing.assert_array_equal(found, [0.5, 0.0])
    guests = robustness.hits(distances, types, own, 1, np.array([-1, -1]))
    np.testing.assert_array_equal(guests, [1.0, 1.0])  # the twin: from elsewhere, nothing is left out


def shifts_and_searches(more=(0.1, 0.3)):
    """A table of robustness.py in which z moves by .3 with motion, .2 without, .1 static."""
    kinds = ("z, evolved", "z, no motion", "static features", "composition")
    shift = [
        {"disturbance": "noise 0.1 Å", "representation": kind, "median shift": moved, "found again": again}
        for kind, moved, again in zip(kinds, (0.3, 0.2, 0.1, 0.0), (0.7, 0.8, 0.9, 1.0))
    ]
    search = [
        {
            "queries": queries,
            "noise, Å": noise,
            "representation": kind,
            "precision@5": share,
            "evolved more@5 low": more[0],
            "evolved more@5 high": more[1],
        }
        for queries in ("library", "prototypes")
        for noise in (0.0, 0.05, 0.1, 0.2)
        for kind, share in zip(kinds, (0.5, 0.4, 0.3, 0.2))
    ]
    return {"shift": shift, "search": search}


def test_motion_is_blamed_for_its_own_shift():
    moved = claims.of_robustness(shifts_and_searches())[0]
    assert moved["verdict"] == "refuted"
    assert "z moves by 0.300" in moved["found"] and "0.200 without motion" in moved["found"]
    held = shifts_and_searches()
    held["shift"][0]["median shift"] = 0.1
    assert claims.of_robustness(held)[0]["verdict"] == "supported"


@pytest.mark.parametrize(
    ("more", "verdict"), [((0.1, 0.3), "supported"), ((-0.1, 0.3), "undecided"), ((-0.3, -0.1), "refuted")]
)
def test_searches_are_judged_by_their_intervals(more, verdict):
    found = claims.of_robustness(shifts_and_searches(more))[1:]
    assert len(found) == 3 and {row["verdict"] for row in found} == {verdict}
    assert "50.0% share" in found[0]["found"] and "30.0% with static" in found[0]["found"]


def labelled_of(crystals, labels):
    return Labelled(crystals, labels, targets_of("heat_all"), tuple(map(str, range(len(crystals)))), "mark")


def test_splits_leave_out_what_they_name():
    crystals = [
        bulk(name, "rocksalt", a=5.0) for name in ("NaCl", "MgO", "LiF", "MgS", "CaO", "NaBr", "KCl", "TiN")
    ]
    labelled = labelled_of(crystals, np.arange(8.0)[:, None])
    names = [atoms.get_chemical_formula() for atoms in crystals]
    for split, asked in (("family-halides", {"ClNa", "FLi", "BrNa", "ClK"}), ("anion-S", {"MgS"})):
        train, test = splits.parts(split, labelled)
        assert {names[i] for i in test} == asked and len(train) + len(test) == 8
        assert not set(train) & set(test)
    train, test = splits.parts("energy", labelled)
    assert labelled.labels[train].max() < labelled.labels[test].min()
    alloys = [bulk("Mo"), bulk("W"), *(bulk("CsCl", "cesiumchloride", a=3.2) for _ in range(3))]
    for atoms, group in zip(alloys, ("Mo_AIMD", "W_Elastic", "MoW_SS", "NbMo_SS", "TaW_Test")):
        atoms.info["group"] = group
    alloys = labelled_of(alloys, np.zeros((5, 1)))
    assert splits.parts("alloys-elements", alloys)[1].tolist() == [2, 3, 4]
    assert splits.parts("alloys-pairs", alloys)[1].tolist() == [3, 4]
    with pytest.raises(ValueError, match="split"):
        splits.parts("weekday", labelled)


def test_noise_reaches_what_is_taught_and_nothing_else():
    labels = np.random.default_rng(0).normal(size=(400, 2))
    train = np.arange(300)
    taught = splits.taught("noise-0.5", labels, train, seed=0)
    np.testing.assert_array_equal(taught[300:], labels[300:])
    assert np.std(taught[:300] - labels[:300]) == pytest.approx(0.5, rel=0.15)
    np.testing.assert_array_equal(splits.taught("random", labels, train, seed=0), labels)


def test_the_polynomial_kernel_learns_from_the_training_rows_alone():
    generator = np.random.default_rng(0)
    rows = np.abs(generator.normal(size=(150, 5)))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    y = (rows[:, :1] * rows[:, 1:2]) * 5
    train = np.arange(100)
    found = contenders.polynomial(rows, y, train, seed=0)
    assert np.abs(found[100:] - y[100:]).mean() < 0.3 * np.abs(y[100:] - y[:100].mean()).mean()
    other = y.copy()
    other[100:] = 99
    np.testing.assert_array_equal(contenders.polynomial(rows, other, train, seed=0), found)


def rows_of(differences):
    """Rows of 'messages' on the random split with errors near 0.1 and these intervals."""
    return [
        {
            "contender": "messages",
            "split": "random",
            "share": 1.0,
            "epochs": 8,
            "seeds": 1,
            "target": f"t{i}",
            "mae": 0.1 + middle,
            "difference": middle,
            "low": low,
            "high": high,
        }
        for i, (low, middle, high) in enumerate(differences)
    ]


@pytest.mark.parametrize(
    ("differences", "verdict"),
    [
        ([(0.01, 0.02, 0.03), (-0.001, 0.01, 0.02)], "supported"),
        ([(-0.03, -0.02, -0.01), (-0.01, 0.0, 0.01)], "refuted"),
        ([(-0.002, 0.0, 0.002), (-0.003, 0.001, 0.004)], "refuted"),  # no gain that anyone would notice
        ([(-0.02, 0.0, 0.02)], "undecided"),
        ([(0.01, 0.02, 0.03), (-0.03, -0.02, -0.01)], "undecided"),
        ([], "undecided"),
    ],
)
def test_verdicts_follow_the_intervals(differences, verdict):
    claim = claims.Claim("Motion helps.", "messages", ("random",))
    found = claims.judged(claim, rows_of(differences))
    assert found["verdict"] == verdict and found["found"].count(". ") >= 1


def test_a_claim_hears_short_and_long_training_of_its_own_rows():
    claim = claims.Claim("Few labels.", "messages", ("random",), 0.25, 0.0)
    rows = rows_of([(0.01, 0.02, 0.03)])
    assert claims.speaking(claim, rows) == []  # all labels do not speak of few
    short, long = {**rows[0], "share": 0.1}, {**rows[0], "share": 0.1, "epochs": 12}
    assert claims.speaking(claim, [short, long]) == [short, long]
    worse = {**long, "difference": -0.02, "low": -0.03, "high": -0.01}
    assert claims.judged(claim, [short, worse])["verdict"] == "undecided"  # they disagree
