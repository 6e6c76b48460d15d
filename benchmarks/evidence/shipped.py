"""What the shipped model's embeddings are worth: rates, invariances, batches, and certificates of the paths behind them.

    python benchmarks/evidence/shipped.py [--model binaries] [--data ../shared/data] [--crystals 60] [--paths 600]

No training. Rates are of all crystals of the elasticity file, features included, on one thread. Relative differences are
|z − z'| / |z|, the largest over the crystals, of a crystal and the same crystal told otherwise, in both precisions.
"""

import argparse
import os
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ase import Atoms
from ase.build import make_supercell
from ase.io import read

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from harness import markdown, save, versions
from robustness import relative

import tenfma
from tenfma.errors import DomainWarning

Change = Callable[[Atoms, np.random.Generator], Atoms]


def turned(atoms: Atoms, generator: np.random.Generator, sign: int = 1) -> Atoms:
    """Turned by a random rotation; mirrored too where `sign` is −1."""
    Q, _ = np.linalg.qr(generator.normal(size=(3, 3)))
    Q *= sign * np.sign(np.linalg.det(Q))
    moved = atoms.copy()
    moved.set_cell(atoms.cell.array @ Q.T)
    moved.positions = atoms.positions @ Q.T
    return moved


def permuted(atoms: Atoms, generator: np.random.Generator) -> Atoms:
    return atoms[generator.permutation(len(atoms))]


def translated(atoms: Atoms, generator: np.random.Generator) -> Atoms:
    moved = atoms.copy()
    moved.positions += generator.normal(size=3)
    return moved


def imaged(atoms: Atoms, generator: np.random.Generator) -> Atoms:
    """Each atom moved by whole lattice vectors."""
    moved = atoms.copy()
    moved.positions += generator.integers(-2, 3, size=(len(atoms), 3)) @ atoms.cell.array
    return moved


def supercell(atoms: Atoms, generator: np.random.Generator) -> Atoms:
    return make_supercell(atoms, [[1, 1, 0], [-1, 1, 0], [0, 0, 2]])


def conventional(atoms: Atoms, generator: np.random.Generator) -> Atoms:
    """The conventional cell as spglib finds it, without idealising positions."""
    import spglib

    cell = (atoms.cell.array, atoms.get_scaled_positions(), atoms.numbers)
    lattice, scaled, numbers = spglib.standardize_cell(
        cell, to_primitive=False, no_idealize=True, symprec=1e-3
    )
    return Atoms(numbers, scaled_positions=scaled, cell=lattice, pbc=True)


CHANGES: dict[str, Change] = {
    "supercell": supercell,
    "conventional cell": conventional,
    "rotated": turned,
    "mirrored": lambda atoms, generator: turned(atoms, generator, -1),
    "permuted": permuted,
    "translated": translated,
    "shifted by images": imaged,
}


def rate(run: Callable[[], Any], count: int) -> float:
    """Crystals per second, the better of two runs."""
    best = float("inf")
    for _ in range(2):
        begun = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - begun)
    return count / best


def main() -> None:
    default = os.environ.get("TENFMA_DATA", Path(__file__).resolve().parents[3] / "shared" / "data")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default=str(default))
    parser.add_argument("--model", default="binaries")
    parser.add_argument("--crystals", type=int, default=60)
    parser.add_argument("--paths", type=int, default=600)
    arguments = parser.parse_args()
    path = Path(arguments.data) / "elasticity" / "mp_binary_elasticity.extxyz.gz"
    if not path.exists():
        print(f"{path} is not there; give --data")
        return
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", DomainWarning)
    crystals = read(path, ":")
    single = tenfma.load(arguments.model)
    double = tenfma.load(arguments.model).double()
    chosen = np.random.default_rng(0).permutation(len(crystals))
    some = [crystals[i] for i in chosen[: arguments.crystals]]
    rows = []
    for model, words in ((single, "float32"), (double, "float64")):
        own = model.embed(some).values
        alone = np.concatenate([model.embed([atoms]).values for atoms in some])
        rows.append({"what": "one by one", "precision": words, "largest relative": relative(alone, own)})
        for what, change in CHANGES.items():
            generator = np.random.default_rng(1)
            other = model.embed([change(atoms, generator) for atoms in some]).values
            rows.append({"what": what, "precision": words, "largest relative": relative(other, own)})
    found = single.certificates([crystals[i] for i in chosen[: arguments.paths]])
    paths = [
        {"quantity": name, "median": float(np.median(x)), "largest": float(np.max(x))}
        for name, x in found.items()
        if np.isfinite(x).all()
    ]
    rates = {
        "embedded": rate(lambda: single.embed(crystals), len(crystals)),
        "predicted": rate(lambda: single.predict(crystals), len(crystals)),
    }
    for table in (rows, paths):
        shown = [[f"{x:.3g}" if isinstance(x, float) else str(x) for x in row.values()] for row in table]
        print(markdown(list(table[0]), shown))
    print(", ".join(f"{name} {value:.0f} crystals/s" for name, value in rates.items()))
    save(
        "shipped",
        {
            "what": "The shipped property model: rates, the same crystal told otherwise, certificates of its paths",
            "command": "python benchmarks/evidence/shipped.py",
            "crystals": len(some),
            "paths": arguments.paths,
            "steps of the path": single.motion.steps,
            "crystals_per_second": {name: round(value, 1) for name, value in rates.items()},
            "invariance": rows,
            "certificates": paths,
            "versions": versions("numpy", "torch"),
        },
    )


if __name__ == "__main__":
    main()
