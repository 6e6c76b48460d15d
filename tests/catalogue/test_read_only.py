"""A store that may only be read is searched, shown and exported; only writing is refused, in a sentence."""

import ctypes
import os
import subprocess
import sys

import pytest
from catalogue_crystals import perovskite

from tenfma import catalogue
from tenfma.catalogue import CatalogueError, Database

#: capabilities(7): with these, root writes where it may not
DAC_OVERRIDE, DAC_READ_SEARCH, PR_CAPBSET_DROP = 1, 2, 24


def without_privilege():
    """Root of the child obeys permissions as everybody does."""
    if os.geteuid() == 0:
        for capability in (DAC_OVERRIDE, DAC_READ_SEARCH):
            ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)


def tenfma(*arguments, home, cache):
    return subprocess.run(
        [sys.executable, "-c", "from tenfma.cli import main; main()", "catalogue", *map(str, arguments)],
        env=os.environ | {"TENFMA_DATA_HOME": str(home), "XDG_CACHE_HOME": str(cache)},
        preexec_fn=without_privilege,
        capture_output=True,
        text=True,
        timeout=200,
    )


@pytest.fixture
def kept(home):
    """A small store in a folder where nothing may be written."""
    with catalogue.open(filled=False) as held:
        held.add([perovskite(number) for number in range(3)], "test")
        held.like("p0")
    (home / "catalogue.sqlite").chmod(0o444)
    home.chmod(0o555)
    yield home
    home.chmod(0o755)


@pytest.mark.skipif(
    sys.platform != "linux", reason="drops Linux capabilities, so that root may not write either"
)
def test_everything_but_writing(kept, tmp_path):
    where = {"home": kept, "cache": tmp_path / "cache"}
    before = sorted(kept.iterdir())
    found = tenfma("search", "--elements", "Ca", "--where", "K_vrh>=101 GPa", **where)
    assert found.returncode == 0 and "2 of 2 entries" in found.stdout and "Traceback" not in found.stderr
    near = tenfma("search", "--like", "p1", "--limit", "2", **where)
    assert near.returncode == 0 and "nearest first" in near.stdout
    assert tenfma("show", "p2", **where).returncode == 0
    out = tmp_path / "out.csv"
    assert tenfma("export", out, "--elements", "Ca", **where).returncode == 0 and out.stat().st_size > 1000
    refused = tenfma("import", out, **where)
    assert refused.returncode == 2 and "may only be read" in refused.stderr
    assert "Traceback" not in refused.stderr and refused.stderr.count("\n") == 1
    assert sorted(kept.iterdir()) == before


def test_what_a_writer_has_not_brought_into_the_file_yet_is_seen(home, monkeypatch):
    with catalogue.open(filled=False) as writer:
        writer.add([perovskite(1)], "test")
        assert (home / "catalogue.sqlite-wal").stat().st_size > 0
        monkeypatch.setattr("tenfma.catalogue.connection._only_read", lambda path: True)
        with catalogue.open() as reader:
            assert reader.count() == 1 and reader.get("p1").reduced_formula == "CaTiO3"
            with pytest.raises(CatalogueError, match="may only be read; it is searched"):
                reader.add([perovskite(2)], "test")


def test_a_store_of_another_version_is_told(home, monkeypatch):
    home.mkdir()
    (home / "catalogue.sqlite").write_bytes(b"")
    monkeypatch.setattr("tenfma.catalogue.connection._only_read", lambda path: True)
    with pytest.raises(CatalogueError, match="of another version of the program and may only be read"):
        Database()
