"""What noise, strain and the choice of cell do to an embedding, and whether like structures are still found.

    python benchmarks/evidence/robustness.py [--model binaries] [--crystals 200]

No training: the shipped model's z after motion, its q₀ without motion, the pooled static row it is made from, and the
composition alone, side by side on the same crystals of the starter library. Distances are taken in columns scaled to the
library's spread. A shift is told in units of the median distance between two crystals; 'found again' is the share of
disturbed crystals whose nearest neighbour among all undisturbed ones is their own original. Search asks for crystals of
the same Strukturbericht type, whatever their elements: precision among the k nearest, the crystal itself left out, and
the paired bootstrap interval (95 %, over queries) of what z after motion has more than the others.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from ase import Atoms
from ase.build import make_supercell

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from evolution import paired
from harness import markdown, save, versions

import tenfma
from tenfma.catalogue.packing import unpack
from tenfma.catalogue.starter import LIBRARY, library
from tenfma.crystal import prototypes
from tenfma.embedding.graphs import graphs_of, static_names
from tenfma.embedding.property_model import PropertyModel

EVOLVED = "z, evolved"
NOISE = (0.02, 0.05, 0.1, 0.2)
STRAIN = (-0.05, 0.05)
NEAREST = (1, 5, 10)
#: types with fewer crystals in the library are not asked for
LEAST = 12
CELLS = {
    "doubled": [[1, 0, 0], [0, 1, 0], [0, 0, 2]],
    "sheared": [[1, 1, 0], [0, 1, 0], [0, 0, 1]],
    "supercell of 4": [[1, 1, 0], [-1, 1, 0], [0, 0, 2]],
}


def embedded(model: PropertyModel, crystals: list[Atoms]) -> dict[str, np.ndarray]:
    """Rows of every representation."""
    static = graphs_of(crystals).static.numpy()
    names = static_names()
    chemical = [
        i
        for i, n in enumerate(names)
        if n.startswith("cell.") and n.endswith(("_mean", "_std", "_min", "_max"))
    ]
    return {
        EVOLVED: model.embed(crystals).values,
        "z, no motion": model.embed(crystals, steps=0).values,
        "static features": static,
        "composition": static[:, chemical],
    }


class Scaled:
    """Columns in units of the library's spread, outliers held in hand."""

    def __init__(self, rows: np.ndarray) -> None:
        self.mean, scale = rows.mean(0), rows.std(0)
        self.scale = np.where(scale > 1e-6 * (1 + np.abs(self.mean)), scale, np.inf)
        self.rows = self(rows)

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        x = (rows - self.mean) / self.scale
        return x / np.sqrt(1 + x * x / 16)

    def distances(self, rows: np.ndarray) -> np.ndarray:
        """(queries, library)."""
        return _between(self(rows), self.rows)


def shaken(atoms: Atoms, sigma: float, seed: int) -> Atoms:
    """Normal displacements of `sigma` Å along each axis."""
    moved = atoms.copy()
    moved.positions += np.random.default_rng(seed).normal(0, sigma, moved.positions.shape)
    return moved


def strained(atoms: Atoms, strain: float) -> Atoms:
    """All lengths times 1 + strain."""
    moved = atoms.copy()
    moved.set_cell(atoms.cell.array * (1 + strain), scale_atoms=True)
    return moved


def disturbances(crystals: list[Atoms]) -> dict[str, list[Atoms]]:
    """Every disturbance with the disturbed crystals."""
    found = {f"noise {s:g} Å": [shaken(a, s, i) for i, a in enumerate(crystals)] for s in NOISE}
    return found | {f"strain {100 * s:+.0f} %": [strained(a, s) for a in crystals] for s in STRAIN}


def hits(distances: np.ndarray, types: np.ndarray, own: np.ndarray, k: int, itself: np.ndarray) -> np.ndarray:
    """Share of each query's k nearest whose type is its own, (queries,); `itself` is the place left out, or −1."""
    d = distances.copy()
    rows = np.nonzero(itself >= 0)[0]
    d[rows, itself[rows]] = np.inf
    nearest = np.argpartition(d, k, axis=1)[:, :k]
    return (types[nearest] == own[:, None]).mean(1)


def crystals_of_the_library() -> tuple[list[Atoms], np.ndarray]:
    """All crystals with their Strukturbericht symbols, '' where none."""
    table = pd.read_parquet(library() / LIBRARY)
    crystals = []
    for data in table["data"]:
        sites = unpack(data)
        crystals.append(Atoms(sites.numbers, scaled_positions=sites.fractional, cell=sites.lattice, pbc=True))
    return crystals, table["strukturbericht"].fillna("").to_numpy(str)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="binaries")
    parser.add_argument("--crystals", type=int, default=200)
    arguments = parser.parse_args()
    model = tenfma.load(arguments.model)
    crystals, types = crystals_of_the_library()
    scaled = {name: Scaled(rows) for name, rows in embedded(model, crystals).items()}
    chosen = np.random.default_rng(0).permutation(len(crystals))[: arguments.crystals]
    originals = [crystals[i] for i in chosen]
    before = model.predict(originals).values
    shifts: list[dict[str, Any]] = []
    changes: list[dict[str, Any]] = []
    for what, moved in disturbances(originals).items():
        after = model.predict(moved).values
        for place, target in enumerate(model.targets):
            change = np.abs(after[:, place] - before[:, place])
            changes.append(
                {
                    "disturbance": what,
                    "target": target,
                    "median": float(np.median(change)),
                    "mean": float(change.mean()),
                }
            )
        for name, rows in embedded(model, moved).items():
            space = scaled[name]
            d = space.distances(rows)
            typical = float(np.median(_between(space.rows[chosen], space.rows)))
            shift = d[np.arange(len(chosen)), chosen] / typical
            shifts.append(
                {
                    "disturbance": what,
                    "representation": name,
                    "median shift": float(np.median(shift)),
                    "found again": float((d.argmin(1) == chosen).mean()),
                }
            )
    cells = []
    own = model.embed(originals[:60]).values
    double = tenfma.load(arguments.model).double()
    exact = double.embed(originals[:60]).values
    for what, matrix in CELLS.items():
        other = [make_supercell(atoms, matrix) for atoms in originals[:60]]
        for precision_of, embedding, first in (("float32", model, own), ("float64", double, exact)):
            rows = embedding.embed(other).values
            cells.append({"cell": what, "precision": precision_of, "largest relative": relative(rows, first)})
    search = searched(model, scaled, crystals, types)
    save(
        "robustness",
        {
            "what": "Embeddings under noise, strain and another choice of cell; search for structures of one type",
            "command": "python benchmarks/evidence/robustness.py " + " ".join(sys.argv[1:]),
            "crystals": len(chosen),
            "library": len(crystals),
            "shift": shifts,
            "predictions": changes,
            "cells": cells,
            "search": search,
            "versions": versions("numpy", "torch"),
        },
    )
    for rows in (shifts, changes, cells, search):
        columns = list(dict.fromkeys(column for row in rows for column in row))
        print(markdown(columns, [[_text(row.get(c, "–")) for c in columns] for row in rows]))


def searched(
    model: PropertyModel, scaled: dict[str, Scaled], crystals: list[Atoms], types: np.ndarray
) -> list[dict[str, Any]]:
    """Precision among the nearest for library crystals and for the prototypes themselves, clean and shaken."""
    counts = Counter(types[types != ""])
    asked = np.array([i for i, kind in enumerate(types) if counts.get(kind, 0) >= LEAST])
    asked = np.sort(np.random.default_rng(1).permutation(asked)[:400])
    known = [p for p in prototypes.library() if counts.get(p.strukturbericht, 0) >= LEAST]
    models = [_atoms(p.structure()) for p in known]
    symbols = np.array([p.strukturbericht for p in known])
    rows = []
    for sigma in (0.0, 0.05, 0.1, 0.2):
        queries = {
            "library": ([shaken(crystals[i], sigma, int(i)) for i in asked], types[asked], asked),
            "prototypes": (
                [shaken(a, sigma, i) for i, a in enumerate(models)],
                symbols,
                np.full(len(models), -1),
            ),
        }
        for kind, (moved, own, itself) in queries.items():
            held = {}
            for name, vectors in embedded(model, moved).items():
                d = scaled[name].distances(vectors)
                held[name] = {k: hits(d, types, own, k, itself) for k in NEAREST}
            rows += [
                {
                    "queries": kind,
                    "count": len(moved),
                    "noise, Å": sigma,
                    "representation": name,
                    **told(held, name),
                }
                for name in held
            ]
    share = sum((counts[kind] / len(types)) ** 2 for kind in counts if counts[kind] >= LEAST)
    whole = sum(counts[kind] for kind in counts if counts[kind] >= LEAST) / len(types)
    by_chance = {f"precision@{k}": share / whole for k in NEAREST}
    rows.append(
        {
            "queries": "library",
            "count": len(asked),
            "noise, Å": 0.0,
            "representation": "by chance",
            **by_chance,
        }
    )
    return rows


def told(held: dict[str, dict[int, np.ndarray]], name: str) -> dict[str, float]:
    """Mean precision of a representation, and the interval of what `EVOLVED` has more on the same queries."""
    found = {f"precision@{k}": float(share.mean()) for k, share in held[name].items()}
    if name != EVOLVED:
        for k, share in held[name].items():
            apart = paired(held[EVOLVED][k] - share)
            found |= {f"evolved more@{k} {end}": apart[end] for end in ("low", "high")}
    return found


def relative(rows: np.ndarray, reference: np.ndarray) -> float:
    """The largest |row − reference| / |reference| over crystals."""
    return float((np.linalg.norm(rows - reference, axis=1) / np.linalg.norm(reference, axis=1)).max())


def _between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    a, b = a.astype(np.float64), b.astype(np.float64)
    squares = (a * a).sum(1)[:, None] + (b * b).sum(1)[None] - 2 * a @ b.T
    return np.sqrt(np.maximum(squares, 0))


def _atoms(structure: Any) -> Atoms:
    return Atoms(
        [site.specie.Z for site in structure],
        scaled_positions=structure.frac_coords,
        cell=structure.lattice.matrix,
        pbc=True,
    )


def _text(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
