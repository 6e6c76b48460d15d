"""How quick the catalogue is: first and later starts, filters and likeness among 100,000 entries, a million vectors.

    python -m benchmarks.catalogue [--url postgresql://…] [--entries 100000] [--vectors 1000000] [--write]

`--url` names an empty database, whose tables are dropped. Processor seconds are this process's own, and firmer than wall
times where the machine does other work. Entries are the starter library's crystals, each strained by itself up to 2 %;
their vectors are the library's, moved at random. What is timed is the search, which does not care where they come from.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import EVIDENCE
from tenfma import catalogue
from tenfma.catalogue import Catalogue, Record
from tenfma.catalogue.embedders import DIMENSION, ROWS, embedder
from tenfma.catalogue.likeness import Vectors, _mapped, _write, store, vectors
from tenfma.catalogue.query import Query
from tenfma.catalogue.starter import LIBRARY, _crystals, library

ROUNDS = 9
BATCH = 5_000
#: seconds aimed at
TARGETS = {
    "first start": 60.0,
    "later start": 2.0,
    "filter": 0.2,
    "likeness": 0.1,
    "likeness, a million": 0.5,
}
FILTERS = {
    "filter: elements": {"elements": ["Al", "Ni"], "match": "all"},
    "filter: only these elements": {"elements": ["Al", "Ni", "Ti", "Fe"], "match": "only"},
    "filter: formula": {"formula": "MgO"},
    "filter: ABC-formula and space group": {"formula": "AB3", "space_group": 221},
    "filter: property range": {"properties": {"K_vrh": (195.0, 200.0)}},
    "filter: two ranges and an element": {
        "properties": {"K_vrh": (100.0, None), "G_vrh": (None, 60.0)},
        "elements": ["Ti"],
    },
    "filter: words": {"text": "quartz"},
}
#: what likeness is asked among: narrow and far from the crystal asked for, wide and far, wide and near
AMONG = {
    "those with Al": {"elements": ["Al"]},
    "those with O, S, N, F, Cl or C": {"elements": ["O", "S", "N", "F", "Cl", "C"], "match": "any"},
    "those of a range": {"properties": {"K_vrh": (50.0, 200.0)}},
    "those of a range and with O": {"properties": {"K_vrh": (150.0, None)}, "elements": ["O"]},
}


def timed(run: Callable[[], Any], rounds: int = ROUNDS) -> tuple[float, float, float]:
    """(median, slowest, median of processor time) seconds of a call, after one that is not counted."""
    run()
    spent, busy = [], []
    for _ in range(rounds):
        start, own = time.perf_counter(), time.process_time()
        run()
        spent.append(time.perf_counter() - start)
        busy.append(time.process_time() - own)
    return statistics.median(spent), max(spent), statistics.median(busy)


def emptied(url: str) -> None:
    """Drop the tables of a PostgreSQL database."""
    if url:
        with catalogue.open(url, filled=False) as held, held.database.write() as connection:
            for command in ("drop schema public cascade", "create schema public"):
                connection.exec_driver_sql(command)


def start_up(folder: Path, url: str, rounds: int = 1) -> dict[str, Any]:
    """Seconds until a new process has the filled catalogue open and has counted it, and those of its processor."""
    code = "from tenfma import catalogue; print(catalogue.open().count())"
    environment = {**os.environ, "TENFMA_DATA_HOME": str(folder), "TENFMA_DATABASE_URL": url}
    spent, busy = [], []
    for _ in range(rounds):
        begun, before = time.perf_counter(), os.times()
        subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True)
        after = os.times()
        spent.append(time.perf_counter() - begun)
        busy.append(
            after.children_user + after.children_system - before.children_user - before.children_system
        )
    return told((statistics.median(spent), max(spent), statistics.median(busy)))


def fill(held: Catalogue, count: int) -> float:
    """Put `count` strained crystals and their vectors in; seconds it took."""
    base = _crystals(library() / LIBRARY)
    rows = np.load(library() / ROWS)["rows"][-len(base) :]
    rng = np.random.default_rng(0)
    begun = time.perf_counter()
    for start in range(0, count, BATCH):
        chosen = [number % len(base) for number in range(start, min(start + BATCH, count))]
        records = [strained(base[place], start + n, rng) for n, place in enumerate(chosen)]
        ids = held.add(records, "benchmark")
        moved = rows[chosen] + rng.normal(scale=0.1, size=(len(chosen), DIMENSION)).astype(np.float32)
        store(held, embedder(), ids, moved)
    return time.perf_counter() - begun


def strained(record: Record, number: int, rng: np.random.Generator) -> Record:
    """The crystal swollen or shrunk by up to 2 %, under a name of its own."""
    scale = 1 + rng.uniform(-0.02, 0.02)
    entry = replace(
        record.entry, identifier=f"{record.entry.identifier}-{number}", volume=record.entry.volume * scale**3
    )
    values = tuple(
        replace(value, value=value.value * (1 + rng.uniform(-0.05, 0.05))) for value in record.properties
    )
    return Record(f"{number}", record.sites._replace(lattice=record.sites.lattice * scale), entry, values)


def measure(held: Catalogue, count: int) -> dict[str, Any]:
    """Times among `count` entries."""
    found: dict[str, Any] = {"filled_s": fill(held, count), "entries": held.count()}
    for name, filters in FILTERS.items():
        query = Query(**filters)
        found[name] = told(timed(lambda query=query: held.search(query)), matches=held.count(query))
        found[f"{name} (count)"] = told(timed(lambda query=query: held.count(query)))
    start, own = time.perf_counter(), time.process_time()
    held.like(1, 10)
    spent = time.perf_counter() - start
    found["likeness: first, the file of vectors is written"] = told((spent, spent, time.process_time() - own))
    found["likeness: to an entry"] = told(timed(lambda: held.like(1, 10)))
    crystal = held.structure(1)
    found["likeness: to a crystal, its embedding included"] = told(timed(lambda: held.like(crystal, 10)))
    for name, filters in AMONG.items():
        query = Query(**filters)
        found[f"likeness: to an entry, among {name}"] = told(
            timed(lambda query=query: held.like(1, 10, query=query)), matches=held.count(query)
        )
    x = np.random.default_rng(1).normal(size=DIMENSION)
    mapped = vectors(held, embedder())
    found["likeness: the product alone"] = told(timed(lambda: mapped.nearest(x, 10)))
    return found


def million(count: int, folder: Path) -> dict[str, Any]:
    """The nearest of `count` vectors in a file."""
    rng = np.random.default_rng(2)
    path = folder / "million.vectors"

    class Made:
        def partitions(self, size: int):
            for start in range(0, count, size):
                rows = rng.normal(size=(min(size, count - start), DIMENSION)).astype("<f4")
                yield [(start + n, row.tobytes()) for n, row in enumerate(rows)]

    _write(path, Made(), DIMENSION)
    mapped = _mapped(path, DIMENSION)
    x = rng.normal(size=DIMENSION).astype(np.float32)
    begun = time.perf_counter()
    ids, distances = mapped.nearest(x, 10)
    first = time.perf_counter() - begun
    check(mapped, x, ids, distances)
    return {
        "vectors": count,
        "dimension": DIMENSION,
        "first_s": first,
        **told(timed(lambda: mapped.nearest(x, 10))),
    }


def check(mapped: Vectors, x: np.ndarray, ids: np.ndarray, distances: np.ndarray) -> None:
    """Stop unless these are the nearest by float64, every row measured."""
    whole = np.concatenate(
        [
            np.linalg.norm(mapped.rows[start : start + 50_000].astype(float) - x, axis=1)
            for start in range(0, len(mapped.ids), 50_000)
        ]
    )
    order = np.lexsort((mapped.ids, whole))[: len(ids)]
    if mapped.ids[order].tolist() != ids.tolist() or not np.allclose(whole[order], distances, rtol=1e-12):
        raise SystemExit("the nearest are not the nearest")


def told(spent: tuple[float, float, float], **more: Any) -> dict[str, Any]:
    median, slowest, processor = (round(seconds, 5) for seconds in spent)
    return {"median_s": median, "slowest_s": slowest, "processor_s": processor, **more}


def main() -> None:
    """Measure, print, and with --write keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", default="")
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--vectors", type=int, default=1_000_000)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        os.environ["TENFMA_DATA_HOME"] = str(folder / "measured")
        emptied(options.url)
        found: dict[str, Any] = {
            "load": round(os.getloadavg()[0], 1),
            "first start": start_up(folder / "new", options.url),
            "later start": start_up(folder / "new", options.url, 3),
        }
        emptied(options.url)
        with catalogue.open(options.url or None, filled=False) as held:
            found["database"] = held.database.engine.dialect.name
            found |= measure(held, options.entries)
        found["likeness, a million"] = million(options.vectors, folder)
    found["load at the end"] = round(os.getloadavg()[0], 1)
    keep(found["database"], found, options.write)


def keep(name: str, found: dict[str, Any], write: bool) -> None:
    """Print the figures and, if asked, put them beside those kept before."""
    print(json.dumps(found, indent=1))
    if write:
        machine = {"date": f"{date.today()}", "machine": platform.machine(), "cores": os.cpu_count()}
        path = EVIDENCE / "catalogue.json"
        held = json.loads(path.read_text()) if path.exists() else {}
        kept = {**held, "machine": machine, "targets_s": TARGETS, name: found}
        path.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
