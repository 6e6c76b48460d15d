"""The same catalogue on PostgreSQL: a server of the test's own, started and stopped here."""

import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from catalogue_crystals import perovskite
from sqlalchemy import text

from tenfma import catalogue
from tenfma.catalogue import CatalogueError
from tenfma.catalogue.connection import database_url

HERE = str(Path(__file__).parent)


def programs():
    """The folder of initdb and postgres; None where there is none."""
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return next((folder for folder in reversed(folders) if (folder / "initdb").exists()), None)


@pytest.fixture(scope="module")
def server():
    """The address of an empty database."""
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    folder = programs()
    if folder is None:
        pytest.skip("PostgreSQL is not installed (initdb is not found)")
    root = os.geteuid() == 0  # PostgreSQL refuses to be run by root
    if root and subprocess.run(["id", "postgres"], capture_output=True).returncode:
        pytest.skip("PostgreSQL will not run as root, and there is no user postgres")
    as_user = ["runuser", "-u", "postgres", "--"] if root else []
    user = "postgres" if root else getpass.getuser()
    place = Path(tempfile.mkdtemp(prefix="pg"))
    if root:
        shutil.chown(place, "postgres", "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    initdb = [*as_user, str(folder / "initdb"), "-D", str(place / "data"), "-U", user, "-A", "trust", "-N"]
    subprocess.run(initdb, check=True, capture_output=True, cwd=place)
    options = ["-p", str(port), "-k", str(place), "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
    process = subprocess.Popen(
        [*as_user, str(folder / "postgres"), "-D", str(place / "data"), *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=place,
    )
    url = f"postgresql://{user}@127.0.0.1:{port}/postgres"
    try:
        for _ in range(100):
            try:
                catalogue.open(url, filled=False).close()
                break
            except CatalogueError:
                time.sleep(0.2)
        yield url
    finally:
        process.terminate()
        process.wait(30)
        shutil.rmtree(place, ignore_errors=True)


@pytest.fixture
def held(server, home):
    """An empty catalogue on the server."""
    with catalogue.open(server, filled=False) as store:
        with store.database.engine.begin() as connection:
            connection.execute(text("drop schema public cascade"))
            connection.execute(text("create schema public"))
        store.close()
    with catalogue.open(server, filled=False) as store:
        yield store


def test_filled_searched_and_compared_as_on_sqlite(held, filled, server):
    from tenfma.catalogue.starter import fill

    fill(held)
    assert held.count() == filled.count()
    for filters in (
        {"elements": ["Al", "I"], "match": "any"},
        {"elements": ["Al", "Ni"], "match": "only"},
        {"formula": "ABC3"},
        {"space_group": "fm-3m", "properties": {"K_vrh": (50, 100)}},
        {"text": "quartz"},
        {"text": "%"},
        {"text": "\\"},
    ):
        here = [e.identifier for e in held.search(limit=None, **filters)]
        assert here == [e.identifier for e in filled.search(limit=None, **filters)], filters
    here = [e.identifier for e in held.search(sort="K_vrh", descending=True)]
    assert here == [e.identifier for e in filled.search(sort="K_vrh", descending=True)]
    near = [n.entry.identifier for n in held.like("mp-2663", 5)]
    assert near == [n.entry.identifier for n in filled.like("mp-2663", 5)]
    assert held.sites([5])[0].pack() == filled.sites([5])[0].pack()
    catalogue.open(server, progress=lambda *_: pytest.fail("a filled catalogue was filled again")).close()


def test_a_password_is_never_shown(monkeypatch):
    monkeypatch.setenv("TENFMA_DATABASE_URL", "postgresql://u:secret@127.0.0.1:9/x")
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    with pytest.raises(CatalogueError) as told:
        catalogue.open(filled=False)
    assert "secret" not in str(told.value) and "u:***@" in str(told.value)
    assert database_url("postgres://a/b").startswith("postgresql+psycopg://")


def test_a_failed_batch_leaves_nothing_and_writers_take_turns(held, server, monkeypatch):
    broken = perovskite(99)
    object.__setattr__(broken.entry, "formula", None)
    with pytest.raises(CatalogueError):
        held.add([perovskite(98), broken], "test")
    assert held.count() == 0
    code = (
        f"import sys; sys.path.insert(0, {HERE!r})\n"
        "from catalogue_crystals import perovskite\n"
        "from tenfma import catalogue\n"
        "first = int(sys.argv[1])\n"
        "with catalogue.open(filled=False) as held:\n"
        "    for n in range(first, first + 15): held.add([perovskite(n)], 'test')\n"
    )
    monkeypatch.setenv("TENFMA_DATABASE_URL", server)
    running = [subprocess.Popen([sys.executable, "-c", code, first]) for first in ("0", "10")]
    assert [process.wait() for process in running] == [0, 0]
    assert sorted(entry.identifier for entry in held.search(limit=None)) == sorted(f"p{n}" for n in range(25))


def test_killed_while_writing_nothing_is_half_there(held, server, monkeypatch):
    code = (
        f"import sys; sys.path.insert(0, {HERE!r})\n"
        "from catalogue_crystals import perovskite\n"
        "from tenfma import catalogue\n"
        "records = [perovskite(n) for n in range(300)]\n"
        "with catalogue.open(filled=False) as held:\n"
        "    print('ready', flush=True)\n"
        "    for start in range(0, 300, 10): held.add(records[start:start + 10], 'test')\n"
    )
    monkeypatch.setenv("TENFMA_DATABASE_URL", server)
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    process.stdout.readline()
    time.sleep(0.15)
    process.send_signal(signal.SIGKILL)
    process.wait()
    entries = held.search(limit=None)
    assert len(entries) % 10 == 0
    assert all(len(entry.properties) == 1 for entry in entries)
    assert len(held.sites([entry.id for entry in entries])) == len(entries)
    held.add([perovskite(n) for n in range(300)], "test")
    assert held.count() == 300


def test_a_store_of_an_older_program_is_brought_up_to_date(held, server):
    held.add([perovskite(1)], "test")
    with held.database.write() as connection:
        connection.execute(text("drop index entries_by_elements, properties_by_unit, properties_of_one"))
        connection.execute(text("create index properties_by_value on properties (name, value)"))
        connection.execute(text("update facts set value = '1' where name = 'schema'"))
    with catalogue.open(server, filled=False) as store, store.database.read() as connection:
        indexes = set(connection.scalars(text("select indexname from pg_indexes")))
        assert {"entries_by_elements", "properties_by_unit", "properties_of_one"} <= indexes
        assert "properties_by_value" not in indexes and store.count(properties={"K_vrh": (1, None)}) == 1
