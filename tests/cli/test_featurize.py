import json

import pandas as pd
import pytest
from ase.build import bulk
from ase.io import write

from tenfma.cli import run
from tenfma.cli.streaming import streamed_table
from tenfma.crystal.complex import complex_of
from tenfma.crystal.structures import read


@pytest.fixture
def frames(tmp_path):
    path = tmp_path / "metals.extxyz"
    write(path, [bulk("Cu"), bulk("W"), bulk("Mg")])
    return path


def table(path):
    readers = {".parquet": pd.read_parquet, ".csv": pd.read_csv, ".json": pd.read_json}
    return readers[path.suffix](path)


@pytest.mark.parametrize("ending", ["parquet", "csv", "json"])
def test_one_row_per_crystal(frames, tmp_path, ending, capsys):
    out = tmp_path / f"features.{ending}"
    assert run(["featurize", str(frames), "prototype:rock-salt", "--out", str(out)]) == 0
    rows = table(out)
    assert rows["formula"].tolist() == ["Cu", "W", "Mg", "NaCl"]
    assert rows["frame"].tolist() == [0, 1, 2, 0]
    assert rows["cell.density"].iloc[1] == pytest.approx(19.25, rel=0.03)
    assert rows.notna().all().all()
    assert "featurized 4 crystals from 2 sources" in capsys.readouterr().out
    assert not list(out.parent.glob("part-*"))


@pytest.mark.parametrize(
    "rows, column",
    [("atoms", "coordination"), ("bonds", "length"), ("triangles", "shape"), ("cell", "density")],
)
def test_rows_of_each_rank(frames, tmp_path, rows, column):
    out = tmp_path / "rows.csv"
    assert run(["featurize", str(frames), "--rows", rows, "--smooth-only", "--out", str(out)]) == 0
    written = table(out)
    assert column in written and set(written["frame"]) == {0, 1, 2}


def test_without_cutoffs_the_command_reads_as_the_library_does(frames, tmp_path):
    from tenfma.cli.featurize import USUAL
    from tenfma.crystal.complex import DEFAULT_CUTOFF, DEFAULT_TRIANGLE_CUTOFF
    from tenfma.crystal.cutoffs import cutoff_rule
    from tenfma.crystal.featurizer import SimplicialFeaturizer

    assert tuple(map(cutoff_rule, USUAL["simplices"])) == (DEFAULT_CUTOFF, DEFAULT_TRIANGLE_CUTOFF)
    pooled = SimplicialFeaturizer()
    assert USUAL["crystals"] == (pooled.cutoff, pooled.triangle_cutoff)
    out = tmp_path / "rows.csv"
    assert run(["featurize", "prototype:fcc", "--rows", "triangles", "--smooth-only", "--out", str(out)]) == 0
    assert len(table(out)) == complex_of(read("prototype:fcc")).n_triangles


def test_bad_files_are_listed_and_the_rest_is_kept(frames, tmp_path, capsys):
    broken = tmp_path / "broken.cif"
    broken.write_text("data_nothing\n")
    out = tmp_path / "features.json"
    assert (
        run(["featurize", str(broken), str(frames), "missing.cif", "--smooth-only", "--out", str(out)]) == 2
    )
    assert [record["formula"] for record in json.loads(out.read_text())] == ["Cu", "W", "Mg"]
    told = capsys.readouterr().err
    assert "broken.cif" in told and "missing.cif" in told and "Traceback" not in told


def test_a_bad_frame_is_named_and_the_others_are_kept(frames, tmp_path, capsys):
    lines = frames.read_text().splitlines()
    at = next(index for index, line in enumerate(lines) if line.startswith("W"))
    lines[at] = lines[at].replace("W", "Qq")
    frames.write_text("\n".join(lines) + "\n")
    out = tmp_path / "features.csv"
    assert run(["featurize", str(frames), "--smooth-only", "--out", str(out)]) == 2
    rows = table(out)
    assert rows["formula"].tolist() == ["Cu", "Mg"] and rows["frame"].tolist() == [0, 2]
    told = capsys.readouterr()
    assert "skipped" in told.err and "frame 1 of metals.extxyz (counted from 0)" in told.err
    assert "'Qq'" in told.err and "featurized 2 crystals" in told.out


def test_nothing_readable_leaves_an_older_file_alone(tmp_path):
    out = tmp_path / "features.csv"
    out.write_text("kept\n")
    assert run(["featurize", "missing.cif", "--out", str(out)]) == 2
    assert out.read_text() == "kept\n" and list(tmp_path.iterdir()) == [out]


def test_without_out_the_features_are_printed(capsys):
    assert run(["featurize", "prototype:rock-salt"]) == 0
    assert "cell.volume_per_atom" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments, told",
    [
        (["--out", "features.txt"], ".txt; expected .parquet"),
        (["--rows", "edges"], "--rows edges is none of crystals, atoms"),
        (["--cutoff", "far"], "cutoff 'far' is not understood"),
    ],
)
def test_bad_options_are_refused_before_any_work(arguments, told, capsys):
    assert run(["featurize", "prototype:rock-salt", *arguments]) == 2
    assert told in capsys.readouterr().err


def test_interruption_keeps_what_is_finished(tmp_path):
    out = tmp_path / "rows.csv"
    with pytest.raises(KeyboardInterrupt), streamed_table(out) as rows:
        rows.add(pd.DataFrame({"a": [1]}))
        raise KeyboardInterrupt
    assert table(out)["a"].tolist() == [1]


def test_a_fault_leaves_no_half_file(tmp_path):
    out = tmp_path / "rows.json"
    with pytest.raises(RuntimeError), streamed_table(out) as rows:
        rows.add(pd.DataFrame({"a": [1]}))
        raise RuntimeError("disk gone")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("letters", [300, 235])
def test_a_name_too_long_is_refused_before_any_work(letters, tmp_path, capsys):
    out = tmp_path / ("a" * letters + ".csv")
    assert run(["featurize", str(tmp_path / "not-even-read.cif"), "--out", str(out)]) == 2
    assert f"a name of {letters + 4} bytes" in capsys.readouterr().err
