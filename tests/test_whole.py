"""Files appear whole or not at all."""

import pytest

from tenfma.errors import TenfmaError
from tenfma.whole import whole, write_text


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
