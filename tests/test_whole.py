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
