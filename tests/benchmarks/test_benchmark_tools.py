"""The benchmarks' own tools: what they call a ratio, the data they draw, and the metric they report."""

import dataclasses
import json
import sys
import time
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import harness
import hnn_data


def sleeper(name, seconds, units=1.0):
    return harness.Contender(name, lambda: time.sleep(seconds), units)


def test_ratio_is_ours_over_the_peer_and_a_target_is_judged_by_it():
    # sleeping 2 ms against 40 ms: a ratio near 20, and beyond 4 whatever else the machine does
    task = harness.Task(
        "sleep",
        "naps",
        sleeper("quick", 0.002),
        [sleeper("slow", 0.04)],
        [harness.Target("slow", 2.0)],
    )
    (row,) = harness.measure(task, rounds=3)
    assert row.ratio > 2 and row.met
    assert row.spread[0] <= row.ratio <= row.spread[1]
    assert dataclasses.replace(row, target=1e6).met is False
    assert dataclasses.replace(row, target=None).met is None
    (other,) = harness.measure(
        dataclasses.replace(task, ours=task.peers[0], peers=[task.ours], targets=[]), rounds=3
    )
    assert other.ratio < 1


def test_saved_evidence_says_when_and_on_what(tmp_path):
    path = harness.save("found", {"rows": [1, 2]}, folder=tmp_path)
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["rows"] == [1, 2] and content["machine"] and len(content["date"]) == 10


@pytest.mark.parametrize("task", hnn_data.TASKS.values(), ids=lambda task: task.name)
def test_fields_are_the_symplectic_gradients_of_the_energies(task):
    x = task.test_starts(np.random.default_rng(0), 5)
    h, slopes = 1e-6, np.empty_like(x)
    for i in range(2 * task.n):
        step = h * np.eye(2 * task.n)[i]
        slopes[:, i] = (task.energy(x + step) - task.energy(x - step)) / (2 * h)
    field = np.concatenate([slopes[:, task.n :], -slopes[:, : task.n]], axis=1)
    np.testing.assert_allclose(task.field(x), field, atol=1e-8)
    assert np.abs(task.field(x) + field).max() > 0.1  # the wrong sign would be noticed


@pytest.mark.parametrize("task", hnn_data.TASKS.values(), ids=lambda task: task.name)
def test_data_have_the_published_shape_noise_and_exact_derivatives(task):
    few = dataclasses.replace(task, paths=30)
    clean, slopes = hnn_data.dataset(dataclasses.replace(few, noise=0.0), np.random.default_rng(1))
    assert clean.shape == slopes.shape == (30, len(task.times), 2 * task.n)
    np.testing.assert_allclose(slopes, task.field(clean))
    energies = task.energy(clean)
    np.testing.assert_allclose(energies, np.broadcast_to(energies[:, :1], energies.shape), atol=1e-8)
    noisy, _ = hnn_data.dataset(few, np.random.default_rng(1))
    assert np.std(noisy - clean) == pytest.approx(task.noise, rel=0.1)


@pytest.mark.parametrize("task", hnn_data.TASKS.values(), ids=lambda task: task.name)
def test_energy_error_is_nought_for_the_truth_and_not_for_friction(task):
    starts = task.test_starts(np.random.default_rng(2), 4)
    times = np.linspace(0, 5, 21)
    true = hnn_data.solve(task.field, starts, times)
    assert hnn_data.energy_errors(task, true).max() < 1e-14

    def rubbed(x):
        return task.field(x) - 0.05 * np.concatenate([0 * x[:, : task.n], x[:, task.n :]], axis=1)

    assert hnn_data.energy_errors(task, hnn_data.solve(rubbed, starts, times)).min() > 1e-6
