"""`--dask`: featurize and embed write the same files with workers as without."""

import os
import signal
import threading

import pytest
from ase.build import bulk
from ase.io import write

from tenfma.cli import run


@pytest.fixture
def crystals(tmp_path):
    path = tmp_path / "many.extxyz"
    write(path, [bulk("Cu", a=3.4 + 0.01 * number, cubic=number % 2 == 0) for number in range(150)])
    return path


@pytest.mark.slow
@pytest.mark.parametrize(
    "command", [["featurize"], ["featurize", "--rows", "bonds"], ["embed", "--steps", "2"]]
)
def test_workers_change_no_bit(command, crystals, tmp_path):
    pytest.importorskip("distributed", reason="dask is not installed")
    sources = [str(crystals), str(tmp_path / "missing.cif"), "prototype:perovskite"]
    here, there = tmp_path / "here.parquet", tmp_path / "there.parquet"
    assert run([*command, *sources, "--out", str(here)]) == 2
    assert run([*command, *sources, "--out", str(there), "--dask", "local:2"]) == 2
    assert here.read_bytes() == there.read_bytes()


@pytest.mark.slow
def test_a_worker_killed_on_the_way_changes_no_bit(crystals, tmp_path):
    pytest.importorskip("distributed", reason="dask is not installed")
    from tenfma.catalogue.parallel import cluster

    here, there = tmp_path / "here.parquet", tmp_path / "there.parquet"
    assert run(["featurize", str(crystals), "--out", str(here)]) == 0
    with cluster(2) as client:
        process = min(client.run(os.getpid).values())
        killer = threading.Timer(3.0, os.kill, (process, signal.SIGKILL))
        killer.start()
        address = client.scheduler.address
        assert run(["featurize", str(crystals), "--out", str(there), "--dask", address]) == 0
        killer.join()
        assert process not in client.run(os.getpid).values()
    assert here.read_bytes() == there.read_bytes()


def test_a_wrong_number_of_workers_is_one_sentence(crystals, tmp_path, capsys):
    pytest.importorskip("distributed", reason="dask is not installed")
    assert run(["featurize", str(crystals), "--out", str(tmp_path / "x.csv"), "--dask", "local:0"]) == 2
    assert "local:4" in capsys.readouterr().err
    assert not (tmp_path / "x.csv").exists()
