"""What Module A's pooled features are worth: shear and bulk moduli of binary crystals by trees, five folds.

    python benchmarks/usefulness.py [--data ../shared/data] [--seed 0] [--save]

Targets are log10 of G_VRH and K_VRH in GPa: Matbench's own where a crystal is joined to it, else the frame's. The
model is the mean of extra trees and histogram gradient boosting, the same for both tables:

    Module A      `SimplicialFeaturizer(discrete=True)`
    plain table   statistics of element data over the composition, volume, density, and a radial histogram

Models are trained on all crystals of four folds and scored on the fifth: on all its crystals, and on the joined ones
apart, whose targets are Matbench's. The rest (a quarter: what Matbench filtered out as unstable or odd) is harder.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from harness import markdown, save, versions
from sklearn.ensemble import ExtraTreesRegressor, HistGradientBoostingRegressor
from sklearn.model_selection import KFold

FOLDS = 5
TREES = 100
#: what a plain table of element statistics and a radial histogram reaches on these files, log10 GPa
REFERENCE = {"G": 0.093, "K": 0.060}


def targets(frames: list[Any]) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """log10 GPa of G and K, and which frames carry a Matbench target."""
    joined = np.array(["log10_G" in frame.info for frame in frames])
    values = {
        name: np.array([f.info.get(f"log10_{name}", np.log10(f.info[f"{name}_vrh"])) for f in frames])
        for name in ("G", "K")
    }
    return values, joined


def plain_columns(names: np.ndarray) -> np.ndarray:
    """Which columns make the plain table: composition, volume and density, and how many bonds at which distance."""
    from tenfma.crystal.features.cell import COMPOSED

    plain = [
        name in ("cell.volume_per_atom", "cell.density", "cell.packing_fraction")
        or name.rpartition("_")[0].removeprefix("cell.") in COMPOSED
        or (name.startswith("bonds.at_") and name.endswith("A"))
        for name in names
    ]
    return np.array(plain)


def extra_trees(seed: int) -> Any:
    return ExtraTreesRegressor(TREES, max_features=0.6, n_jobs=2, random_state=seed)


def boosting(seed: int) -> Any:
    return HistGradientBoostingRegressor(
        loss="absolute_error",
        max_iter=400,
        learning_rate=0.06,
        max_leaf_nodes=16,
        min_samples_leaf=8,
        max_features=0.2,
        random_state=seed,
    )


def out_of_fold(X: np.ndarray, y: np.ndarray, seed: int, makers: list[Callable[[int], Any]]) -> np.ndarray:
    """Each crystal's prediction by models that never saw it: (models, crystals)."""
    found = np.zeros((len(makers), len(y)))
    for train, test in KFold(FOLDS, shuffle=True, random_state=seed).split(X):
        for place, make in enumerate(makers):
            found[place, test] = make(seed).fit(X[train], y[train]).predict(X[test])
    return found


def scores(X: np.ndarray, y: np.ndarray, joined: np.ndarray, seed: int) -> dict[str, float]:
    """MAE of each model and of their mean, on all crystals and on the joined ones."""
    found = out_of_fold(X, y, seed, [extra_trees, boosting])
    errors = {"extra trees": found[0], "boosting": found[1], "mean of both": found.mean(0)}
    result = {}
    for name, prediction in errors.items():
        miss = abs(prediction - y)
        result[name] = round(float(miss.mean()), 4)
        result[f"{name}, joined"] = round(float(miss[joined].mean()), 4)
    return result


def main() -> None:
    default = os.environ.get("TENFMA_DATA", Path(__file__).resolve().parents[2] / "shared" / "data")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default=str(default))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save", action="store_true", help="write assets/evidence/usefulness.json")
    arguments = parser.parse_args()
    path = Path(arguments.data) / "elasticity" / "mp_binary_elasticity.extxyz.gz"
    if not path.exists():
        print(f"{path} is not there; give --data")
        return

    from ase.io import read

    from tenfma.crystal.featurizer import SimplicialFeaturizer

    frames = read(path, ":")
    y, joined = targets(frames)
    start = time.perf_counter()
    featurizer = SimplicialFeaturizer(discrete=True).fit(frames)
    rows = featurizer.transform(frames)
    print(
        f"{rows.shape[1]} columns for {len(frames)} crystals in {time.perf_counter() - start:.0f} s",
        flush=True,
    )
    plain = plain_columns(featurizer.get_feature_names_out())
    results = []
    for table, X in (("Module A", rows), ("plain table", rows[:, plain])):
        for name in ("G", "K"):
            found = scores(X, y[name], joined, arguments.seed)
            row = {"target": f"log10 {name}_VRH", "table": table, "columns": X.shape[1], "mae": found}
            results.append({**row, "reference": REFERENCE[name]})
            print(table, name, found, flush=True)
    shown = [
        [r["target"], r["table"], *(f"{r['mae'][f'mean of both{which}']:.4f}" for which in ("", ", joined"))]
        for r in results
    ]
    print(markdown(["target", "table", "MAE, all", "MAE, joined"], shown))
    if arguments.save:
        found = {
            "command": " ".join(["python", "benchmarks/usefulness.py", *sys.argv[1:]]),
            "seed": arguments.seed,
            "crystals": len(frames),
            "joined": int(joined.sum()),
            "folds": FOLDS,
            "rows": results,
            "versions": versions("scikit-learn", "numpy", "torch", "spglib"),
        }
        print(save("usefulness", found))


if __name__ == "__main__":
    main()
