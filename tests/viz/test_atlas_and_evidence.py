"""The embedding map's geometry, the evidence tables, flows and the saved crystal."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from tenfma.site import assets
from tenfma.viz import atlas, beside, evidence, flows


def test_principal_axes_are_those_of_the_spread():
    draw = np.random.default_rng(0)
    rows = draw.normal(size=(500, 5)) * [5.0, 3.0, 1.0, 0.1, 0.1] + 7
    places, shares = atlas.principal(rows)
    assert np.allclose(np.cov(places.T), np.diag(np.diag(np.cov(places.T))), atol=1e-9)
    assert shares[0] > shares[1] > shares[2]
    assert shares.sum() == pytest.approx(1.0, abs=1e-2)


def test_nearest_is_of_the_whole_space_not_of_the_map():
    rows = np.array([[0.0, 0, 0, 0], [0.1, 0, 0, 9], [2.0, 0, 0, 0], [50.0, 0, 0, 0], [-50.0, 5, 2, 0]])
    order, apart = atlas.nearest(rows, 0, 2)
    assert list(order) == [2, 1]
    assert apart[0] == pytest.approx(2.0)
    on_the_map, _ = atlas.nearest(rows[:, :2], 0, 1)
    assert on_the_map[0] == 1, "the two dimensions alone would mislead"


def test_map_marks_the_chosen_and_its_neighbours():
    table = pd.DataFrame({"formula": list("abcd"), "identifier": list("wxyz"), "K": [1.0, np.nan, 3.0, 4.0]})
    chart = atlas.map_figure(
        np.eye(4)[:, :2], table, "K", "K / GPa", ("1", "2"), ("near", "unknown"), 0, [2, 3]
    )
    traces = {trace.name: list(trace.customdata) for trace in chart.data}
    assert traces["unknown"] == [1]
    assert traces["near"] == [2, 3]
    assert list(chart.data[-1].customdata) == [0]
    assert {trace.type for trace in chart.data} == {"scatter"}, (
        "a browser draws WebGL's dots above all others"
    )


def test_of_very_many_entries_a_sample_is_drawn_with_the_chosen_in_it():
    count = 3 * atlas.MOST_DOTS
    places = np.random.default_rng(1).normal(size=(count, 2))
    values = np.where(np.arange(count) % 3, 1.0, np.nan)
    table = pd.DataFrame({"formula": "X", "identifier": np.arange(count).astype(str), "K": values})
    charts = [atlas.map_figure(places, table, "K", "K", ("1", "2"), ("near", "?"), 7, [8, 9]) for _ in "ab"]
    unknown, known, near, chosen = (np.array(trace.customdata) for trace in charts[0].data)
    assert len(unknown) + len(known) == atlas.MOST_DOTS
    assert set(unknown % 3) == {0} and set(known % 3) == {1, 2}
    np.testing.assert_allclose(charts[0].data[1].x, places[known, 0], atol=5e-4)
    assert list(near) == [8, 9] and list(chosen) == [7]
    assert list(charts[0].data[1].customdata) == list(charts[1].data[1].customdata)


@pytest.fixture
def folder(tmp_path):
    rows = [
        {
            "task": "one",
            "ours": "a",
            "peer": "b",
            "ratio": 0.5,
            "spread": [0.4, 0.6],
            "met": False,
            "target": 1.0,
        },
        {
            "task": "two",
            "ours": "a",
            "peer": "b",
            "ratio": 2.0,
            "spread": [1.9, 2.1],
            "met": True,
            "target": 1.0,
        },
    ]
    (tmp_path / "speed.json").write_text(
        json.dumps({"date": "today", "rows": rows, "deep": {"x": 1, "many": [1, 2]}})
    )
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "list.json").write_text(json.dumps([{"model": "m", "at_least_as_low_as_peer": False}]))
    return tmp_path


def test_evidence_reads_what_is_there_and_tells_what_is_broken(folder):
    files = {each.name: each for each in evidence.read(folder)}
    assert files["broken"].broken
    assert list(files["speed"].tables["rows"]["task"]) == ["one", "two"]
    assert dict(files["speed"].numbers.values.tolist()) == {"deep · x": "1", "deep · many": "1, 2"}
    assert evidence.read(folder / "missing") == []


def test_losses_are_the_rows_that_fall_short_and_no_others(folder):
    lost = evidence.losses(evidence.read(folder))
    assert [(each.where, each.than) for each in lost] == [("list", "at least as low as peer"), ("speed", "b")]


def test_ahead_and_behind_peers():
    def card(energy, force):
        return {"tests": {"t": {"energy_mae": energy, "force_mae": force}}}

    assert evidence.behind(evidence.accuracy({"Si": card(1.0, 0.01)})) == []
    behind = evidence.behind(evidence.accuracy({"Si": card(9.0, 0.01)}))
    assert [(row[0], row[3]) for row in behind] == [("Si", "MTP")]


def test_words_stand_on_free_sides():
    places = np.array([[0.0, 0.0], [12.0, 0.0], [0.0, 40.0], [12.0, 40.0]])
    words, marks = ["Mo", "Si", "Cu", "W"], [10.0] * 4
    found = beside.sides(places, words, marks)
    boxes = np.array([beside.box(at, word, 10.0, side) for at, word, side in zip(places, words, found)])
    covered = sum(beside.overlap(each, np.delete(boxes, k, axis=0)) for k, each in enumerate(boxes))
    assert covered == 0
    same = np.array([beside.box(at, word, 10.0, "top center") for at, word in zip(places, words)])
    assert sum(beside.overlap(each, np.delete(same, k, axis=0)) for k, each in enumerate(same)) > 0


def test_elements_of_the_shipped_models_do_not_lie_on_each_other_on_a_narrow_screen():
    cards = {
        path.parent.name: json.loads(path.read_text()) for path in (assets() / "models").glob("*/card.json")
    }
    chart = evidence.accuracy_figure(evidence.accuracy(cards))
    x = np.log(np.concatenate([trace.x for trace in chart.data]))
    y = np.log(np.concatenate([trace.y for trace in chart.data]))
    places = np.stack([(x - x.min()) / np.ptp(x), (y - y.min()) / np.ptp(y)], axis=1) * evidence.NARROW
    words = [word for trace in chart.data for word in trace.text]
    sides = [side for trace in chart.data for side in trace.textposition]
    marks = [trace.marker.size for trace in chart.data for _ in trace.x]
    boxes = np.array([beside.box(*each) for each in zip(places, words, marks, sides)])
    assert sum(beside.overlap(each, np.delete(boxes, k, axis=0)) for k, each in enumerate(boxes)) == 0


def test_flow_picture_is_the_flow_in_its_sense():
    t = np.linspace(0, 1, 5)
    J = np.zeros((5, 2, 2))
    J[:, 0, 1], J[:, 1, 0] = 0.3, -0.3
    energies = np.stack([0.3 * t, -0.3 * t], axis=1)
    held = flows.flow_picture(
        SimpleNamespace(t=t, currents=J, energies=energies, labels=("a", "b")), flows.on_a_line(2), "eV"
    )
    assert held["links"] == [[0, 1]]
    assert np.allclose(held["flow"], 0.3), "positive: from the second part into the first"
    assert np.allclose(np.sum(held["energy"], axis=1), 0)


def test_no_atom_hides_another_in_the_flat_picture():
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], float)
    seen = flows.flat(corners)
    apart = np.linalg.norm(seen[:, None] - seen[None], axis=-1) + np.eye(8)
    assert apart.min() > 0.2
    assert np.linalg.norm(corners[:, None, :2] - corners[None, :, :2], axis=-1)[0, 1] == 0, (
        "a plain view hides half"
    )
