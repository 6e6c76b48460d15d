"""What evolution adds to an embedding: the same crystals, splits and heads with and without it.

    python benchmarks/evidence [--profile reduced|full] [--data ../shared/data] [--minutes 55]

Every cell of the table (contender × split × share of the training data × seed) is trained for the same number of passes
and written to assets/evidence/evolution/ as soon as it is done; the same command goes on with the cells that are missing,
and begins none after `--minutes`. All finished cells are summed up in assets/evidence/evolution.json: mean absolute
errors, and paired bootstrap intervals (95 %) of the difference to `leapfrog` over the crystals and seeds that both have.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import contenders
import splits
from harness import EVIDENCE, markdown, save, versions

from tenfma.embedding.evolved import Size
from tenfma.embedding.graphs import Graphs, graphs_of
from tenfma.training.property_data import Labelled
from tenfma.training.property_loop import Schedule, fit, predicted

CELLS = EVIDENCE / "evolution"
SIZE = Size(channels=48, dropout=0.05)
REFERENCE = "leapfrog"
SEEDS = (0, 1, 2)
BOOTSTRAP = 2000


@dataclass(frozen=True)
class Cell:
    """One training run: a split (see `splits`), a share of its training crystals, so many passes."""

    contender: str
    split: str
    share: float
    seed: int
    epochs: int

    @property
    def name(self) -> str:
        return f"{self.contender}-{self.split}-{self.share:g}-{self.seed}-{self.epochs}"


def profile(name: str) -> list[Cell]:
    """Cells in the order in which they are worth having: the table of all contenders, then `axes`."""
    epochs = 8 if name == "reduced" else 60
    everyone = [*contenders.TREES, *contenders.NETS]
    cells = [Cell(one, "random", 1.0, seed, epochs) for seed in SEEDS for one in everyone]
    return list(dict.fromkeys([*cells, *axes(epochs)]))


def axes(epochs: int) -> list[Cell]:
    """Heat capacities, left-out chemistry, high energies, alloys, few and noisy labels, each seed for all."""
    some = ("kernel", "trees", "soap", "messages", "leapfrog")
    alloys = ("composition", "kernel", "trees", "messages", "leapfrog")
    asked: list[tuple[str, float, tuple[str, ...]]] = [
        ("heat", 1.0, (*some, "composition", "ode", "langevin"))
    ]
    asked += [(f"family-{name}", 1.0, some) for name in splits.FAMILIES]
    asked += [(split, 1.0, some) for split in ("anion-S", "anion-F", "anion-N", "energy")]
    asked += [(split, 1.0, alloys) for split in ("alloys-elements", "alloys-pairs")]
    asked += [("random", share, (*some, "static")) for share in (0.05, 0.1, 0.25, 0.5)]
    asked += [(split, 1.0, some) for split in ("noise-0.5", "noise-0.25", "formula")]
    return [
        Cell(one, split, share, seed, epochs)
        for split, share, contenders_here in asked
        for seed in SEEDS
        for one in contenders_here
    ]


def run(cell: Cell, graphs: Graphs, labelled: Labelled, soap: np.ndarray | None = None) -> dict[str, Any]:
    """Train and score one cell; errors per test crystal are kept, rounded, for paired comparison."""
    problem = splits.PROBLEMS[splits.problem_of(cell.split)]
    energy = problem.energy
    train, test = splits.parts(cell.split, labelled)
    labels = splits.taught(cell.split, labelled.labels, train, cell.seed)
    curve: list[list[float]] = []
    train = np.sort(
        np.random.default_rng(100 + cell.seed).permutation(train)[: round(cell.share * len(train))]
    )
    begun, clock = time.perf_counter(), time.process_time()
    parameters = None
    if cell.contender in contenders.TREES:
        rows = graphs.static.numpy()
        values = contenders.fitted(cell.contender, rows, labels, train, cell.seed, soap)[test]
    else:
        mean, scale = np.nanmean(labels[train], 0), np.nanstd(labels[train], 0)
        net = contenders.net(cell.contender, labels.shape[1], cell.seed, SIZE)
        chosen = graphs.take(torch.as_tensor(train))
        net.static.fit(chosen.static)
        net.messages.fit(chosen)
        if energy is not None:
            net.potential.shift.fill_(mean[energy])
            net.potential.scale.fill_(scale[energy])
        # a small share gets as many updates as the whole would, up to fourfold passes
        passes = problem.passes * min(4.0, 1 / cell.share) * contenders.PASSES.get(cell.contender, 1.0)
        with tempfile.TemporaryDirectory() as folder:
            net = fit(
                net,
                graphs,
                torch.as_tensor((labels - mean) / scale, dtype=torch.float32),
                torch.as_tensor(train),
                torch.as_tensor(test),
                scales=torch.as_tensor(scale),
                energy=None if cell.contender in contenders.UNTAUGHT else energy,
                schedule=Schedule(
                    epochs=round(cell.epochs * passes), batch=problem.batch, balance=0.0, still=0.0
                ),
                checkpoint=Path(folder) / "cell.ckpt",
                seed=cell.seed,
                report=lambda p: curve.append([round(e, 5) for e in p.errors]),
            )
        # those that a gradient has reached
        parameters = sum(p.numel() for p in net.parameters() if p.grad is not None)
        values = predicted(net, graphs.take(torch.as_tensor(test)))[0].numpy() * scale + mean
    errors = np.abs(values - labelled.labels[test])
    return {
        **cell.__dict__,
        "train": len(train),
        "parameters": parameters,
        "seconds": round(time.perf_counter() - begun, 1),
        "processor_seconds": round(time.process_time() - clock, 1),
        "mae": {str(t): round(float(e), 5) for t, e in zip(labelled.targets, np.nanmean(errors, 0))},
        "curve": curve,
        "errors": [[None if np.isnan(e) else round(float(e), 4) for e in row] for row in errors],
    }


def summed_up(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row per contender, split, share and target: MAE over seeds, and the paired difference to the reference."""
    groups: dict[tuple, dict[int, dict]] = {}
    for cell in cells:
        key = (cell["split"], cell["share"], cell["epochs"], cell["contender"])
        groups.setdefault(key, {})[cell["seed"]] = cell
    rows = []
    for (split, share, epochs, contender), by_seed in groups.items():
        other = groups.get((split, share, epochs, REFERENCE), {})
        shared = sorted(by_seed.keys() & other.keys())
        first = next(iter(by_seed.values()))
        for place, target in enumerate(first["mae"]):
            row = {
                "contender": contender,
                "what": {**{k: v[0] for k, v in contenders.NETS.items()}, **contenders.TREES}[contender],
                "split": split,
                "share": share,
                "epochs": epochs,
                "target": target,
                "seeds": len(by_seed),
                "parameters": first["parameters"],
                "processor_seconds": float(np.mean([c["processor_seconds"] for c in by_seed.values()])),
                "mae": float(np.mean([c["mae"][target] for c in by_seed.values()])),
                "mae_spread": float(np.std([c["mae"][target] for c in by_seed.values()])),
            }
            if shared and contender != REFERENCE:
                mine, theirs = (
                    np.array([[_number(e[place]) for e in group[s]["errors"]] for s in shared])
                    for group in (by_seed, other)
                )
                row |= paired(mine - theirs)
            rows.append(row)
    return rows


def curves(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """How fast each network converges: MAE on the crystals asked for after every pass, mean over the seeds.

    Of the random split with every label; the weights are the running average that the fit would end with.
    """
    groups: dict[tuple, list[dict]] = {}
    for cell in cells:
        if cell["curve"] and (cell["split"], cell["share"]) == ("random", 1.0):
            groups.setdefault((cell["contender"], cell["epochs"]), []).append(cell)
    rows = []
    for (contender, epochs), held in groups.items():
        mean = np.mean([cell["curve"] for cell in held], axis=0)
        spent = float(np.mean([cell["processor_seconds"] for cell in held]))
        rows += [
            {
                "contender": contender,
                "split": "random",
                "share": 1.0,
                "epochs": epochs,
                "target": target,
                "seeds": len(held),
                "seconds_per_pass": round(spent / len(mean), 2),
                "mae": [round(float(e), 5) for e in mean[:, place]],
            }
            for place, target in enumerate(held[0]["mae"])
        ]
    return rows


def paired(difference: np.ndarray) -> dict[str, float]:
    """Mean difference of errors (contender − reference) with its 95 % interval: crystals and seeds drawn again.

    `difference` is (crystals,) or (seeds, crystals); with one seed the interval is over crystals alone.
    """
    d = np.atleast_2d(difference)
    d = d[:, ~np.isnan(d).any(0)]
    generator = np.random.default_rng(0)
    means = []
    for _ in range(BOOTSTRAP):
        drawn = d[generator.integers(len(d), size=len(d))].mean(0)
        means.append(drawn[generator.integers(len(drawn), size=len(drawn))].mean())
    low, high = np.quantile(means, [0.025, 0.975])
    return {"difference": float(d.mean()), "low": float(low), "high": float(high)}


def _number(x: float | None) -> float:
    return np.nan if x is None else x


def main() -> None:
    default = os.environ.get("TENFMA_DATA", Path(__file__).resolve().parents[3] / "shared" / "data")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default=str(default))
    parser.add_argument("--profile", choices=("reduced", "full"), default="reduced")
    parser.add_argument("--minutes", type=float, default=55.0, help="no new cell is begun after this long")
    parser.add_argument("--only", default="", help="beginnings of the names of cells, with commas")
    parser.add_argument("--soap", type=Path, default=Path("runs") / "soap", help="made by soap_rows.py")
    arguments = parser.parse_args()
    data = Path(arguments.data)
    if not splits.data_file(data, "elasticity").exists():
        print(f"{splits.data_file(data, 'elasticity')} is not there; give --data")
        return
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    CELLS.mkdir(parents=True, exist_ok=True)
    wanted = profile(arguments.profile)
    begun = time.perf_counter()
    missing = [cell for cell in wanted if not (CELLS / f"{cell.name}.json").exists()]
    held: dict[str, tuple[Graphs, Labelled]] = {}
    for cell in missing:
        problem = splits.problem_of(cell.split)
        rows_of_soap = arguments.soap / f"{problem}.npy"
        if cell.contender == "soap" and not rows_of_soap.exists():
            continue
        if time.perf_counter() - begun > 60 * arguments.minutes:
            break
        if arguments.only and not any(cell.name.startswith(one) for one in arguments.only.split(",")):
            continue
        if problem not in held:
            labelled = splits.read(data, problem)
            held[problem] = graphs_of(labelled.structures), labelled
        soap = np.load(rows_of_soap) if cell.contender == "soap" else None
        found = run(cell, *held[problem], soap)
        part = CELLS / f"{cell.name}.json.part"
        part.write_text(json.dumps(found))
        part.replace(CELLS / f"{cell.name}.json")
        print(cell.name, found["mae"], f"{found['seconds']:.0f} s", flush=True)
    done = [json.loads(file.read_text()) for file in sorted(CELLS.glob("*.json"))]
    rows = summed_up(done)
    left = sum(not (CELLS / f"{cell.name}.json").exists() for cell in wanted)
    save(
        "evolution",
        {
            "command": f"python benchmarks/evidence --profile {arguments.profile}",
            "reference": REFERENCE,
            "cells": len(done),
            "cells_missing": left,
            "rows": rows,
            "curves": curves(done),
            "versions": versions("numpy", "torch", "scikit-learn"),
        },
    )
    shown = [
        [
            r["contender"],
            r["split"],
            f"{r['share']:g}",
            str(r["epochs"]),
            r["target"],
            str(r["seeds"]),
            f"{r['mae']:.4f}",
            _interval(r),
        ]
        for r in rows
    ]
    print(
        markdown(
            ["contender", "split", "share", "passes", "target", "seeds", "MAE", "minus leapfrog (95 %)"],
            shown,
        )
    )
    print(f"{len(done)} cells kept, {left} of this profile missing")


def _interval(row: dict[str, Any]) -> str:
    if "difference" not in row:
        return "–"
    return f"{row['difference']:+.4f} ({row['low']:+.4f} … {row['high']:+.4f})"
