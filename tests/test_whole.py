"""Files appear whole or not at all."""

import os

import pytest
import torch
from safetensors import safe_open

from tenfma.errors import TenfmaError
from tenfma.whole import whole, write_tensors, write_text


def test_a_file_cut_short_leaves_the_older_one(tmp_path):
    out = tmp_path / "x.txt"
    write_text("old", out)
    for cut in (KeyboardInterrupt, ValueError):
        with pytest.raises(cut), whole(out) as part:
            part.write_text("half")
            raise cut
        assert out.read_text() == "old" and list(tmp_path.iterdir()) == [out]
    write_text("new", out)
    assert out.read_text() == "new" and list(tmp_path.iterdir()) == [out]


def test_a_disk_that_refuses_is_one_sentence(tmp_path):
    with pytest.raises(TenfmaError, match="could not be written: No such file or directory"):
        write_text("x", tmp_path / "none" / "x.txt")
    full = OSError(28, "No space left on device")
    with (
        pytest.raises(TenfmaError, match="No space left on device; make room"),
        whole(tmp_path / "y", TenfmaError, "make room"),
    ):
        raise full
    assert list(tmp_path.iterdir()) == []


def test_tensors_can_be_read_by_whoever_may_read_other_new_files(tmp_path):
    before = os.umask(0o022)
    try:
        write_tensors({"x": torch.arange(6.0).reshape(2, 3).T}, tmp_path / "w.safetensors", {"mark": "m"})
    finally:
        os.umask(before)
    assert (tmp_path / "w.safetensors").stat().st_mode & 0o777 == 0o644
    with safe_open(tmp_path / "w.safetensors", "pt") as file:
        assert file.metadata() == {"mark": "m"}
        assert file.get_tensor("x").tolist() == [[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]]
    with pytest.raises(TenfmaError, match="could not be written"):
        write_tensors({"x": torch.zeros(1)}, tmp_path / "none" / "w.safetensors")


def test_the_path_to_write_to_has_the_ending_that_writers_go_by(tmp_path):
    with whole(tmp_path / "frames.extxyz.gz") as part:
        assert part.parent == tmp_path and part.name.endswith(".extxyz.gz")
        part.write_bytes(b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["frames.extxyz.gz"]


def test_no_other_part_of_the_program_moves_files_into_place():
    import re
    from pathlib import Path

    import tenfma

    folder = Path(tenfma.__file__).parent
    moves = re.compile(r"\.replace\((path|out|self\.\w+|target)\)|\bos\.(replace|rename)\(")
    found = {str(file.relative_to(folder)) for file in folder.rglob("*.py") if moves.search(file.read_text())}
    assert found == {"whole.py"}
