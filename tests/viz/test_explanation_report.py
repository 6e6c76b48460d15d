"""The report: whole, offline, small enough to mail, and nothing a person wrote runs in it."""

import re
from html import unescape

import numpy as np
import pytest
from ase.build import bulk

import tenfma
from tenfma.errors import TenfmaError
from tenfma.explanation import explain
from tenfma.viz.explanation import crystal_figure, matrix_figure, modes_figure, parts_figure
from tenfma.viz.explanation_report import report, write_report


@pytest.fixture(scope="module")
def silicon():
    return explain(tenfma.load("Si"), bulk("Si", "diamond", a=5.469), p0="thermal", kT=0.03)


def test_a_report_is_whole_and_needs_no_network(silicon, tmp_path):
    out = write_report(
        silicon, tmp_path / "si.html", flow=silicon.flow(dt=1.0, steps=20), supercell=(2, 1, 1)
    )
    text = out.read_text()
    assert len(text) < 5_000_000
    outside = text.split('<script id="library"')[0]
    assert not re.search(r"(src|href)\s*=\s*[\"']?(https?:)?//", outside)
    for title in ("Who holds the energy", "What would change it", "What is coupled", "How it vibrates",
                  "Where energy flows", "Is this explanation true?"):  # fmt: skip
        assert title in text
    assert text.count('class="figure"') == text.count('data-into="') >= 8
    assert silicon.gauge in unescape(text)


def test_a_name_with_markup_in_it_stays_text():
    H = tenfma.symbolic("p**2/2 + q**2/2", name="</script><script>alert(1)</script>")
    text = report(explain(H, [1.0], [0.0], parts={"</script><b>": "p**2/2 + q**2/2"}))
    assert "<script>alert" not in text and "</script><b>" not in text


def test_a_report_that_cannot_be_written_says_so(silicon, tmp_path):
    with pytest.raises(TenfmaError, match="could not be written"):
        write_report(explain(tenfma.textbook("pendulum")), tmp_path / "no" / "such.html")
    assert not list(tmp_path.iterdir())


def test_figures_show_what_they_are_given(silicon):
    bars = parts_figure(silicon.parts)
    assert list(bars.data[0].y) == pytest.approx(list(silicon.parts.energy))
    centred = parts_figure(silicon.parts, centred=True)
    assert sum(centred.data[0].y) == pytest.approx(0.0, abs=1e-9)
    modes = silicon.modes()
    assert list(modes_figure(modes).data[0].x) == pytest.approx(list(modes.frequencies), abs=1e-5)
    values = np.array([[0.0, 2.0], [-2.0, 0.0]])
    heat = matrix_figure(["a", "b"], values, "eV", signed=True).data[0]
    assert heat.zmin == -heat.zmax == -2.0
    scene = crystal_figure(
        np.eye(3), ["Si"] * 3, np.array([1.0, 2.0, 3.0]), "eV", [(np.zeros(3), np.ones(3), -1.0)]
    )
    assert [trace.mode for trace in scene.data] == ["lines", "markers"]
    assert sorted(scene.data[1].marker.color) == [1.0, 2.0, 3.0]
