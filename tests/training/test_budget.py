"""A time budget bounds the whole run: what is done by then makes a model, the card says so, the run goes on."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from ase.io import write
from synthetic import SMALL, labelled

from tenfma.training import choice, forces, moments
from tenfma.training.choice import Turns, by_centre, choose
from tenfma.training.data import frame_of
from tenfma.training.forces import Report, train_forces
from tenfma.training.least_squares import Solver, split
from tenfma.training.moments import Assembly

RIDGES = (1e-6, 1e-8, 1e-10)
RECIPE = replace(SMALL, energy_weights=(5.0, 20.0), ridges=RIDGES, ridges_mixed=RIDGES)
DESCRIPTION = RECIPE.description((5, 7))


class Clock:
    """Stands still but for `tick`."""

    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        return self.now

    process_time = perf_counter = monotonic
    time = monotonic


@pytest.fixture
def held():
    """Frames in four folds with their sums."""
    frames = [frame_of(atoms) for atoms in labelled(16)]
    folds = split(len(frames), 0.25, seed=0)
    assembly = Assembly(DESCRIPTION, frames, folds, 0)
    assembly.run()
    return assembly, [[f for f, fold in zip(frames, folds) if fold == turn] for turn in (1, 2, 3, 4)]


def chosen(held, monkeypatch, deadline, solution=1.0, **options):
    """A choice by a clock on which every solution takes `solution` seconds and nothing else takes any."""
    assembly, frames = held
    clock = Clock()
    monkeypatch.setattr(choice, "time", SimpleNamespace(monotonic=clock.monotonic))

    def solver(turn):
        solve = Solver(assembly.sums([k for k in (1, 2, 3, 4) if k != turn + 1]), 1.0)

        def timed(weight, ridge):
            clock.now += solution
            return solve(weight, ridge)

        return timed

    found = choose(
        DESCRIPTION, solver, frames, RECIPE.energy_weights, RECIPE.ridges, deadline=deadline, **options
    )
    return found, clock.now


@pytest.mark.parametrize(
    ("deadline", "turns", "pairs"),
    [(0.0, 0, 0), (2.5, 0, 1), (4.5, 0, 3), (8.0, 1, 6), (13.5, 2, 6), (25.0, 4, 6), (float("inf"), 4, 6)],
)
def test_the_choice_ends_before_its_deadline_with_one_solution_to_spare(
    deadline, turns, pairs, held, monkeypatch
):
    found, now = chosen(held, monkeypatch, deadline, spare=1.0)
    assert (found.turns, found.of, len(found.candidates)) == (turns, 4, pairs)
    assert now + 1.0 <= max(deadline, 1.0)
    assert found.complete == (turns == 4)


def test_a_turn_that_is_cut_is_not_mixed_with_whole_ones(held, monkeypatch):
    one, _ = chosen(held, monkeypatch, 8.0)
    cut, _ = chosen(held, monkeypatch, 10.0)
    assert repr(cut) == repr(one)  # NaN stresses are equal as text
    assert {c.errors.frames for c in cut.candidates} == {4}


def test_finished_turns_are_read_again_unless_the_sums_are_others(held, monkeypatch, tmp_path):
    first, _ = chosen(held, monkeypatch, 14.0, kept=Turns(tmp_path, 16))
    assert first.turns == 2
    rest, took = chosen(held, monkeypatch, float("inf"), kept=Turns(tmp_path, 16))
    whole, _ = chosen(held, monkeypatch, float("inf"))
    assert repr(rest) == repr(whole) and took == 12.0
    _, again = chosen(held, monkeypatch, float("inf"), kept=Turns(tmp_path, 15))
    assert again == 24.0
    (tmp_path / "turn0.npz").write_bytes(b"PK\x03\x04 half a file")
    _, mended = chosen(held, monkeypatch, float("inf"), kept=Turns(tmp_path, 15))
    assert mended == 6.0


def test_pairs_in_the_middle_come_first():
    assert by_centre((1.0, 2.0, 3.0), (1e-4, 1e-5, 1e-6, 1e-7))[0] == (2.0, 1e-5)
    assert len(set(by_centre((3.0, 1.0), (1e-2, 1e-3)))) == 4


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setattr(moments, "ROWS", 48)
    write(tmp_path / "train.extxyz", labelled(16))
    return tmp_path / "train.extxyz"


def trained(data, out, **options):
    said = []
    model = train_forces([data], out, valid=0.25, recipe=RECIPE, report=Report(said=said.append), **options)
    return model, json.loads((out / "card.json").read_text()), said


def test_no_time_at_all_still_makes_a_model_which_says_so_and_goes_on(data, tmp_path):
    whole, card, said = trained(data, tmp_path / "whole")
    assert card["complete"] and card["turns"] == 4 and not said
    out = tmp_path / "cut"
    cut, card, (sentence,) = trained(data, out, minutes=1e-9)
    assert not card["complete"] and card["turns"] == 0 and card["validation"] == {}
    assert "nothing was validated" in sentence and "The same command goes on" in sentence
    assert "nothing was validated" in (out / "card.md").read_text()
    frame = frame_of(labelled(1, seed=5)[0])
    assert np.isfinite(cut.calculator().get_potential_energy(labelled(1, seed=5)[0])) and len(frame)
    model, card, said = trained(data, out)
    assert card["complete"] and not said and not (out / "state").exists()
    np.testing.assert_array_equal(model.potential.weights.numpy(), whole.potential.weights.numpy())


def test_a_run_killed_during_validation_keeps_its_finished_turns(data, tmp_path, monkeypatch):
    whole, _, _ = trained(data, tmp_path / "whole")
    out = tmp_path / "killed"

    def stop(done, total):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_forces([data], out, valid=0.25, recipe=RECIPE, report=Report(turns=stop))
    solved = []
    once = Solver.__call__
    monkeypatch.setattr(Solver, "__call__", lambda self, w, r: (solved.append((w, r)), once(self, w, r))[1])
    model, card, _ = trained(data, out)
    assert len(solved) == 2 * 6 + 1  # two turns of six pairs, and the last solution
    assert card["turns"] == 4
    np.testing.assert_array_equal(model.potential.weights.numpy(), whole.potential.weights.numpy())


def test_the_card_adds_up_the_processor_time_of_every_process(data, tmp_path, monkeypatch):
    out, clock = tmp_path / "run", Clock()
    monkeypatch.setattr(forces, "time", clock)

    def stop(done, total):
        clock.now += 10.0
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_forces([data], out, valid=0.25, recipe=RECIPE, report=Report(turns=stop))
    first = clock.now
    assert first == 20.0

    def tick(done, total):
        clock.now += 1.0

    train_forces([data], out, valid=0.25, recipe=RECIPE, report=Report(turns=tick))
    card = json.loads((out / "card.json").read_text())
    assert card["processor_seconds"] == 10.0 + 4.0  # 10 s were written down before the interruption
