"""Chunks on many machines: the same bits as on one, also when a worker dies on the way."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
from catalogue_crystals import perovskite

from tenfma import catalogue
from tenfma.catalogue import CatalogueError, likeness, parallel
from tenfma.catalogue.embedders import embedder
from tenfma.catalogue.parallel import mapped
from tenfma.catalogue.schema import vectors as table


def double(number):
    return 2 * number


def kept(held):
    """Every vector, as bytes."""
    with held.database.read() as connection:
        return [
            (row.entry, bytes(row.data)) for row in connection.execute(table.select().order_by(table.c.entry))
        ]


def test_without_dask_it_is_a_loop_in_order():
    assert list(mapped(double, range(5))) == [(n, 2 * n) for n in range(5)]


def test_a_wrong_address_is_one_sentence():
    pytest.importorskip("distributed", reason="dask is not installed")
    for address in ("local:none", "local:0"):
        with pytest.raises(CatalogueError, match="local:4"):
            list(mapped(double, [1], address))


def test_chunks_do_not_depend_on_what_was_done_before():
    assert list(likeness._chunks([1, 2, 255, 256, 511, 600])) == [[1, 2, 255], [256, 511], [600]]


def die_once(work):
    """A worker that meets the mark dies of it, the first time."""
    number, mark = work
    if number == 5 and not os.path.exists(mark):
        open(mark, "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    return double(number)


@pytest.mark.slow
def test_a_dead_worker_costs_nothing_and_the_bits_are_the_same(home, tmp_path, monkeypatch, capfd):
    pytest.importorskip("distributed", reason="dask is not installed")
    monkeypatch.setattr(likeness, "BATCH", 8)
    work = [(number, str(tmp_path / "mark")) for number in range(12)]
    assert [made for _, made in mapped(die_once, work, "local:2")] == [2 * n for n in range(12)]
    assert (tmp_path / "mark").exists()
    found = []
    for address in ("", "local:2"):
        with catalogue.open(f"sqlite:///{tmp_path / f'{len(found)}.sqlite'}", filled=False) as held:
            held.add([perovskite(number) for number in range(40)], "test")
            assert likeness.embed_missing(held, embedder(), name="static", dask=address) == 40
            found.append(kept(held))
    assert found[0] == found[1] and len(found[0]) == 40
    assert capfd.readouterr() == ("", "")  # Dask says nothing of workers lost or ended


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kills", [1, pytest.param(20, marks=pytest.mark.slow)])
def test_embedding_killed_at_random_moments_goes_on(kills, home, monkeypatch):
    with catalogue.open(filled=False) as held:
        held.add([perovskite(number) for number in range(600)], "test")
    code = (
        "from tenfma import catalogue\n"
        "from tenfma.catalogue import likeness\n"
        "from tenfma.catalogue.embedders import embedder\n"
        "likeness.BATCH = 16\n"
        "with catalogue.open(filled=False) as held:\n"
        "    print('ready', flush=True)\n"
        "    likeness.embed_missing(held, embedder(), name='static')\n"
    )
    before = 0
    for kill in range(kills):
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        process.stdout.readline()
        time.sleep(1.0 + 0.37 * kill % 2)
        process.send_signal(signal.SIGKILL)
        process.wait()
        with catalogue.open(filled=False) as held:
            now = kept(held)
        assert len(now) >= before and all(len(data) == 4 * 64 for _, data in now)
        before = len(now)
    monkeypatch.setattr(likeness, "BATCH", 16)
    with catalogue.open(filled=False) as held:
        assert likeness.embed_missing(held, embedder(), name="static") == 600 - before
        assert len(kept(held)) == 600


@pytest.mark.parametrize(
    ("name", "sentence"), [("KilledWorker", "again and again"), ("CancelledError", "went away")]
)
def test_what_dask_raises_is_one_sentence(name, sentence, monkeypatch):
    pytest.importorskip("distributed", reason="dask is not installed")
    from concurrent.futures import CancelledError

    from distributed.scheduler import KilledWorker

    class Client:
        """Gives futures that fail as Dask's do."""

        def nthreads(self):
            return {"worker": 1}

        def submit(self, *_, **__):
            return self

        def result(self):
            raise CancelledError if name == "CancelledError" else KilledWorker("task", None, 3)

    @contextmanager
    def client(address):
        yield Client()

    monkeypatch.setattr(parallel, "_client", client)
    with pytest.raises(CatalogueError, match=sentence) as told:
        list(mapped(double, [1], "tcp://x:1"))
    assert "\n" not in str(told.value)


def test_workers_that_do_not_start_are_one_sentence(monkeypatch):
    distributed = pytest.importorskip("dask.distributed", reason="dask is not installed")

    def refuse(**_):
        raise RuntimeError("Nanny failed to start.")

    monkeypatch.setattr(distributed, "LocalCluster", refuse)
    with pytest.raises(CatalogueError, match=r"could not be started \(Nanny failed to start\); try fewer"):
        list(mapped(double, [1], "local:2"))
