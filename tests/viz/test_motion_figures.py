"""Differences to leapfrog as measured: one number of passes of each, placed and coloured by what they decide."""

import json

import numpy as np
import pytest

from tenfma.viz import motion

WORDS = {
    "axis": "%",
    "reference": "leapfrog",
    "worse": "for leapfrog",
    "better": "against",
    "undecided": "open",
}


def row(contender="messages", difference=0.01, low=-0.01, high=0.03, mae=0.11, **other):
    """A comparison in which leapfrog's error is 0.1 unless told otherwise."""
    fields = {
        "split": "random",
        "share": 1.0,
        "epochs": 8,
        "target": "log10(K_vrh)",
        "seeds": 3,
        "what": contender,
    }
    errors = {"mae": mae, "difference": difference, "low": low, "high": high, "processor_seconds": 10.0}
    return {"contender": contender, **fields, **errors, **other}


def curve(contender="leapfrog", mae=(0.4, 0.2), seconds=3.0, **other):
    fields = {"split": "random", "share": 1.0, "epochs": 2, "target": "log10(K_vrh)", "seeds": 3}
    return {"contender": contender, **fields, "seconds_per_pass": seconds, "mae": list(mae), **other}


def kept(tmp_path, **held):
    for name, content in held.items():
        text = content if isinstance(content, str) else json.dumps(content)
        (tmp_path / f"{name}.json").write_text(text)
    return motion.read(tmp_path)


def marks(chart):
    """Every mark of a forest plot: its verdict's name, place, ends of its interval, symbol, height on the page."""
    return [
        (trace.name, x, x - less, x + more, symbol, y)
        for trace in chart.data
        if trace.error_x.array is not None
        for x, less, more, symbol, y in zip(
            trace.x, trace.error_x.arrayminus, trace.error_x.array, trace.marker.symbol, trace.y
        )
    ]


def test_differences_are_percent_of_leapfrogs_error():
    table = motion.compared([row(mae=0.26, difference=0.06, low=0.02, high=0.1)])
    assert table.loc[0, ["percent", "low", "high"]].tolist() == pytest.approx([30.0, 10.0, 50.0])


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.01, 0.02, "worse"),
        (-0.2, -0.1, "better"),
        (-0.1, 0.1, "undecided"),
        (0, 1, "undecided"),
    ],
)
def test_verdict_is_of_the_interval_not_of_the_mean(low, high, said):
    assert motion.verdict(low, high) == said


def test_of_several_numbers_of_passes_the_one_most_contenders_had_is_taken():
    rows = [row(name, epochs=8) for name in ("a", "b", "c")] + [row(name, epochs=12) for name in ("a", "b")]
    rows += [row("a", share=0.5, epochs=epochs) for epochs in (8, 12)]
    table = motion.compared(rows)
    assert motion.lengths(table) == [8, 12], "the one most contenders had comes first"
    found = motion.of_one(table, "a")
    assert list(found[found["share"] == 1]["epochs"]) == [8]
    assert list(found[found["share"] == 0.5]["epochs"]) == [12], "the longer training where as many had both"
    assert set(motion.of_everyone(table, 8)["contender"]) == {"a", "b", "c"}
    assert set(motion.of_everyone(table, 12)["contender"]) == {"a", "b"}


def test_everyone_is_ordered_by_error_and_only_of_all_labels():
    rows = [
        row("bad", 0.05, 0.04, 0.06),
        row("good", -0.01, -0.02, 0.0),
        row("good", share=0.5),
        row("bad", split="heat"),
    ]
    rows += [row("bad", 0.03, target="e_form_per_atom"), row("good", target="e_form_per_atom")]
    table = motion.of_everyone(motion.compared(rows), 8)
    assert list(table["contender"]) == ["good", "good", "bad", "bad"]
    assert list(table["target"]) == ["log10(K_vrh)", "e_form_per_atom"] * 2


def test_one_contender_on_every_split_from_known_to_new():
    splits = [
        ("noise-0.5", 1.0),
        ("new-kind", 1.0),
        ("random", 0.05),
        ("family-halides", 1.0),
        ("random", 1.0),
    ]
    rows = [row(split=split, share=share) for split, share in splits] + [row("other")]
    table = motion.of_one(motion.compared(rows), "messages")
    found = list(zip(table["split"], table["share"]))
    assert found == [
        ("random", 1.0),
        ("random", 0.05),
        ("family-halides", 1.0),
        ("noise-0.5", 1.0),
        ("new-kind", 1.0),
    ]


def test_forest_places_colours_and_names_every_difference():
    rows = [
        row("a", 0.02, 0.01, 0.03),
        row("a", -0.02, -0.03, -0.01, mae=0.08, target="log10(G_vrh)"),
        row("b", 0.01, -0.01, 0.03),
    ]
    rows[0] = rows[0] | {"mae": 0.12}
    table = motion.of_everyone(motion.compared(rows), 8)
    chart = motion.forest_figure(table, [name.upper() for name in table["contender"]], str.lower, WORDS)
    found = {(name, symbol): (x, left, right) for name, x, left, right, symbol, _ in marks(chart)}
    expected = {
        ("for leapfrog", "circle"): (20, 10, 30),
        ("against", "square"): (-20, -30, -10),
        ("open", "circle"): (10, -10, 30),
    }
    assert set(found) == set(expected)
    for key, percents in expected.items():
        assert list(found[key]) == pytest.approx(motion.placed(percents).tolist())
    heights = [each[-1] for each in marks(chart)]
    assert min(abs(a - b) for k, a in enumerate(heights) for b in heights[:k]) >= motion.INTERVAL
    assert [each.text for each in chart.layout.annotations] == ["A", "B"]
    names = {trace.name for trace in chart.data if trace.showlegend is not False}
    assert names == {"for leapfrog", "against", "open", "log10(k_vrh)", "log10(g_vrh)"}
    assert dict(zip(chart.layout.xaxis2.tickvals, chart.layout.xaxis2.ticktext))[0.0] == "leapfrog"


def test_all_marks_and_names_lie_inside_the_picture():
    rows = [row(f"c{k}", 0.1 * k, 0.1 * k - 0.02, 0.1 * k + 0.02, mae=0.1 + 0.1 * k) for k in range(-1, 30)]
    rows = [each for each in rows if each["mae"] > 0]
    table = motion.of_everyone(motion.compared(rows), 8)
    chart = motion.forest_figure(table, list(table["contender"]), str, WORDS)
    (left, right), (bottom, top) = chart.layout.xaxis.range, chart.layout.yaxis.range
    assert all(left < low and high < right and top < y < bottom for _, _, low, high, _, y in marks(chart))
    assert all(top < each.y < bottom for each in chart.layout.annotations)
    assert chart.layout.height > bottom, "a band is as high as it is said to be"
    assert motion.placed([-5, 0, 5]).tolist() == pytest.approx([-np.arcsinh(1), 0, np.arcsinh(1)])


def test_ticks_of_two_percent_only_where_there_is_room():
    for low, high, shown in ((-0.004, 0.008, True), (-0.02, 0.15, False)):
        table = motion.compared([row(difference=0.0, low=low, high=high, mae=0.1)])
        chart = motion.forest_figure(table, ["a"], str, WORDS)
        ticks = chart.layout.xaxis.tickvals
        assert (float(motion.placed(2)) in ticks) == shown
        places = 330 * np.diff(ticks) / np.diff(chart.layout.xaxis.range)
        assert min(places) > 25, "numbers do not touch on a screen of 390 px, where the axis has about 330"


def test_curves_run_over_time_or_passes_and_lie_apart():
    table = motion.curves(
        [curve(), curve("messages", (0.3, 0.25), 2.0), curve("x", share=0.5), curve("trees", ())]
    )
    assert set(table["contender"]) == {"leapfrog", "messages"}
    charts = [
        motion.curves_figure(table, ["messages", "leapfrog"], by, str.upper, (by, "MAE"))
        for by in ("seconds", "pass")
    ]
    assert [list(trace.x) for trace in charts[0].data] == [[2.0, 4.0], [3.0, 6.0]]
    assert [list(trace.x) for trace in charts[1].data] == [[1, 2], [1, 2]]
    assert [list(trace.y) for trace in charts[0].data] == [[0.3, 0.25], [0.4, 0.2]]
    assert [trace.name for trace in charts[0].data] == ["MESSAGES", "LEAPFROG"]


def test_six_contenders_never_look_alike_and_known_ones_keep_their_look():
    looks = motion.looks(["trees", "euler", "hot", "leapfrog", "long", "still"])
    assert len(set(looks.values())) == 6
    assert looks["euler"] == motion.looks(["euler"])["euler"]


def test_missing_broken_and_odd_files_hold_nothing(tmp_path):
    found = motion.read(tmp_path)
    assert not len(found.compared) and not len(found.curves) and not found.claims
    found = kept(tmp_path, evolution="{", claims="[]")
    assert not len(found.compared) and not len(found.curves) and not found.claims
    odd = [
        1,
        {"contender": "a"},
        row(low=None),
        row(high=float("nan")),
        row(mae=True),
        row(mae=0.0),
        row("fine"),
    ]
    found = kept(tmp_path, evolution={"rows": odd, "curves": {"no": "list"}}, claims={"rows": [{"claim": 1}]})
    assert list(found.compared["contender"]) == ["fine"]
    assert not len(found.curves) and not found.claims


def test_a_file_without_curves_still_compares(tmp_path):
    claim = {"claim": "It helps.", "verdict": "undecided", "found": "Nothing."}
    found = kept(tmp_path, evolution={"rows": [row(what="words")]}, claims={"rows": [claim]})
    assert len(found.compared) == 1 and not len(found.curves)
    assert found.called == {"messages": "words"}
    assert found.claims == [("It helps.", "undecided", "Nothing.")]
