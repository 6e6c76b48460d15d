"""`tenfma embed`: tables in three formats, failures listed and skipped, finished work kept."""

import pandas as pd
import pytest

from tenfma.cli import run
from tenfma.embedding import pipeline

FAST = ["--steps", "1"]


@pytest.mark.parametrize(
    ("ending", "reader"), [(".csv", pd.read_csv), (".parquet", pd.read_parquet), (".json", pd.read_json)]
)
def test_one_row_per_structure_in_every_format(ending, reader, tmp_path, capsys):
    out = tmp_path / f"table{ending}"
    assert run(["embed", "prototype:NaCl", "prototype:fcc", *FAST, "--out", str(out)]) == 0
    table = reader(out)
    assert table["formula"].tolist() == ["NaCl", "Cu"]
    assert set(table["model"]) == {"untrained (seed 0)"}
    assert table["bonds.length.mean"].notna().all()
    assert "untrained" in capsys.readouterr().out
    assert [file.name for file in tmp_path.iterdir()] == [out.name]


def test_what_cannot_be_read_is_listed_and_skipped(tmp_path, capsys):
    (tmp_path / "empty.cif").write_text("")
    out = tmp_path / "table.csv"
    sources = ["prototype:NaCl", str(tmp_path / "empty.cif"), "no-such.cif", "prototype:fcc"]
    assert run(["embed", *sources, *FAST, "--out", str(out)]) == 2
    said = capsys.readouterr()
    assert pd.read_csv(out)["formula"].tolist() == ["NaCl", "Cu"]
    assert "empty.cif is empty" in said.err
    assert "no file no-such.cif" in said.err
    assert said.err.count("\n") == 2


def test_nothing_readable_writes_nothing(tmp_path):
    assert run(["embed", "no-such.cif", "--out", str(tmp_path / "table.csv")]) == 2
    assert not list(tmp_path.iterdir())


def test_an_interruption_keeps_what_is_finished(tmp_path, monkeypatch):
    original, calls = pipeline.embed, []

    def interrupted(*arguments, **options):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return original(*arguments, **options)

    monkeypatch.setattr(pipeline, "embed", interrupted)
    out = tmp_path / "table.csv"
    assert run(["embed", "prototype:NaCl", "prototype:fcc", *FAST, "--out", str(out)]) == 130
    assert pd.read_csv(out)["formula"].tolist() == ["NaCl"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--steps", "-1"],
        ["--dt", "0"],
        ["--p0", "hot"],
        ["--p0", "thermal"],
        ["--model", "gpt"],
    ],
)
def test_bad_settings_are_refused_before_any_file_is_touched(arguments, tmp_path, capsys):
    assert run(["embed", "prototype:NaCl", *arguments, "--out", str(tmp_path / "table.csv")]) == 2
    said = capsys.readouterr().err
    assert "skipped" not in said
    assert said.count("\n") == 1


def test_unknown_table_formats_are_refused(tmp_path, capsys):
    assert run(["embed", "prototype:NaCl", "--out", str(tmp_path / "table.xlsx")]) == 2
    assert ".parquet" in capsys.readouterr().err
