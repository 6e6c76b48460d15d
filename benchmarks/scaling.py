"""Two Dask workers beside one process, one thread each: `featurize` and `embed` of the elasticity crystals.

    python -m benchmarks.scaling DATA [--workers 2] [--rounds 3] [--write]

`DATA` is the folder of the reference data. Each round runs every command once with one process and once with workers that
are up, reading and writing included; the files must be the same to the last bit. `start` is what workers that are not up
cost once: their processes, and the imports that the first chunk asks for. Processor times do not care what else the
machine does: `expected` is what they say that free cores would give.
"""

import argparse
import contextlib
import io
import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import EVIDENCE
from tenfma.catalogue.parallel import cluster, embed_chunk, mapped
from tenfma.catalogue.starter import LIBRARY, _crystals, library
from tenfma.cli import run

CRYSTALS = "elasticity/mp_binary_elasticity.extxyz.gz"
COMMANDS = {
    "featurize": ["featurize"],
    "featurize, smooth only": ["featurize", "--smooth-only"],
    "embed, model binaries": ["embed", "--model", "binaries"],
}
#: ratio aimed at with two workers
TARGET = 1.7


class Table:
    """A command that writes a table of the crystals in a file."""

    def __init__(self, words: list[str], file: Path, folder: Path) -> None:
        self.words, self.file, self.folder = words, file, folder

    def __call__(self, address: str) -> bytes:
        """The table's bytes, made here or by the workers at `address`."""
        out = self.folder / "table.parquet"
        words = [*self.words, str(self.file), "--out", str(out), *(["--dask", address] if address else [])]
        with contextlib.redirect_stdout(io.StringIO()):
            if run(words):
                raise SystemExit(f"tenfma {' '.join(words)} failed")
        return out.read_bytes()


class Vectors:
    """The catalogue's static vectors of the same crystals, as `tenfma catalogue embed` makes them."""

    def __init__(self) -> None:
        blobs = [record.sites.pack() for record in _crystals(library() / LIBRARY)[:3319]]
        self.work = [("static", blobs[start : start + 64]) for start in range(0, len(blobs), 64)]

    def __call__(self, address: str) -> bytes:
        return np.concatenate([rows for _, rows in mapped(embed_chunk, self.work, address)]).tobytes()


def measured(work: Any, client: Any, address: str) -> dict[str, float]:
    """Wall seconds, and processor seconds of this process and of the workers together."""
    before = client.run(time.process_time)
    own, begun = time.process_time(), time.perf_counter()
    made = work(address)
    wall, own = time.perf_counter() - begun, time.process_time() - own
    after = client.run(time.process_time)
    return {
        "wall": wall,
        "here": own,
        "workers": sum(after[name] - before[name] for name in before),
        "made": hash(made),
    }


def compare(work: Any, client: Any, address: str, rounds: int) -> dict[str, Any]:
    """One process and the workers in turn, and what their times come to."""
    one, many = [], []
    for _ in range(rounds):
        one.append(measured(work, client, ""))
        many.append(measured(work, client, address))
    cores = os.cpu_count() or 1
    workers = len(client.nthreads())
    best = min(row["here"] for row in one), min(many, key=lambda row: row["workers"])
    # where there is no core left for the one that gives out the work, it takes its share from the workers
    busy = (best[1]["workers"] + best[1]["here"] * (cores <= workers)) / min(cores, workers)
    ratios = [a["wall"] / b["wall"] for a, b in zip(one, many)]
    return {
        "what": f"time of one process / time of {workers} workers",
        "one process, s": round(statistics.median(row["wall"] for row in one), 2),
        "workers, s": round(statistics.median(row["wall"] for row in many), 2),
        "ratio": round(statistics.median(ratios), 3),
        "ratios": [round(ratio, 3) for ratio in ratios],
        "target": TARGET,
        "met": statistics.median(ratios) >= TARGET,
        "processor s: one process": round(best[0], 2),
        "processor s: workers together": round(best[1]["workers"], 2),
        "processor s: giving out and writing": round(best[1]["here"], 2),
        "expected of free cores": round(best[0] / max(busy, best[1]["here"]), 2),
        "identical": len({row["made"] for row in one + many}) == 1,
    }


def main() -> None:
    """Measure, print, and with --write keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    file = options.data / CRYSTALS
    found: dict[str, Any] = {"crystals": 3319, "workers": options.workers}
    rows = []
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        first = folder / "first.extxyz"
        from ase.build import bulk
        from ase.io import write

        write(first, [bulk("Cu")] * 64 * 3 * options.workers)
        tasks = {name: Table(words, file, folder) for name, words in COMMANDS.items()}
        works: dict[str, Any] = {"static vectors": Vectors(), **tasks}
        begun = time.perf_counter()
        with cluster(options.workers) as client:
            address = client.scheduler.address
            found["start: processes, s"] = round(time.perf_counter() - begun, 2)
            begun = time.perf_counter()
            client.run(embed_chunk, works["static vectors"].work[0])
            for words in COMMANDS.values():
                Table(words, first, folder)(address)
            found["start: imports and first chunks, s"] = round(time.perf_counter() - begun, 2)
            embed_chunk(works["static vectors"].work[0])
            for name, work in works.items():
                if name in tasks:
                    Table(COMMANDS[name], first, folder)("")
                rows.append({"task": name, **compare(work, client, address, options.rounds)})
                print(json.dumps(rows[-1]), flush=True)
    found |= {"load": round(os.getloadavg()[0], 1), "rows": rows}
    print(json.dumps(found, indent=1))
    if options.write:
        path = EVIDENCE / "catalogue.json"
        held = json.loads(path.read_text()) if path.exists() else {}
        path.write_text(json.dumps({**held, "many machines": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
