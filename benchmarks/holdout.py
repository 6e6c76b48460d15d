"""How a learned Hamiltonian fares on kinds of structure that it was not trained on.

    python benchmarks/holdout.py                       # Si and Mo without Surface, without Vacancy; about ten minutes
    python benchmarks/holdout.py --elements Si --groups Vacancy

For each element and group: the recipe of `tenfma train --task forces` on the published training file less every frame of
that group, then errors on the group's frames of both files (none was seen). Beside it, the errors on the same group of a
model that was trained on other frames of it: cross-validation over the whole training file, one tenth at a time, with the
energy weight and ridge that training chose.

Data: `mlearn` under TENFMA_DATA (default ../shared/data).
"""

import argparse
import json
import os
import tempfile
from pathlib import Path

import numpy as np
from harness import markdown, save, versions

from tenfma.hamiltonian.evaluator import Evaluator
from tenfma.site import assets
from tenfma.training.data import Frame, read_frames
from tenfma.training.evaluation import Evaluation
from tenfma.training.forces import train_forces
from tenfma.training.least_squares import Errors, Solver, errors_of, predictions, split
from tenfma.training.moments import Assembly
from tenfma.training.recipe import Recipe

DATA = Path(os.environ.get("TENFMA_DATA", Path(__file__).parents[2] / "shared" / "data"))


def without(frames: list[Frame], group: str, folder: Path) -> Path:
    """A training file with every frame but those of the group."""
    from ase import Atoms
    from ase.calculators.singlepoint import SinglePointCalculator
    from ase.io import write

    kept = []
    for frame in frames:
        if frame.group != group:
            atoms = Atoms(frame.numbers, frame.positions, cell=frame.cell, pbc=frame.pbc)
            atoms.calc = SinglePointCalculator(atoms, energy=frame.energy, forces=frame.forces)
            kept.append(atoms)
    path = folder / "train.extxyz"
    write(path, kept)
    return path


def held_out(element: str, group: str, frames: list[Frame], test: list[Frame]) -> Errors:
    """Errors on the group's frames of a model that has seen none of them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = train_forces([without(frames, group, folder)], folder / element)
        return Evaluation.of(model, [f for f in frames + test if f.group == group]).errors


def cross_validated(frames: list[Frame], card: dict) -> dict[str, Errors]:
    """Errors by group, each frame predicted by a fit to the other nine tenths."""
    recipe, folds = Recipe(), split(len(frames), 0.1, 0)
    description = recipe.description(sorted({z for f in frames for z in f.elements}))
    assembly = Assembly(description, frames, folds, 0)
    assembly.run()
    penalties = recipe.penalties(description)
    results: list = [None] * len(frames)
    for turn in sorted(set(folds.tolist())):
        sums = assembly.sums([fold for fold in set(folds.tolist()) if fold != turn])
        solver = Solver(sums, recipe.virial_weight, penalties)
        evaluator = Evaluator(description, *solver(card["energy_weight"], card["ridge"]))
        for index in np.flatnonzero(folds == turn):
            results[index] = predictions(evaluator, frames[index])
    groups = sorted({f.group for f in frames})
    rows = {group: [i for i, f in enumerate(frames) if f.group == group] for group in groups}
    return {g: errors_of([results[i] for i in at], [frames[i] for i in at]) for g, at in rows.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--elements", nargs="+", default=["Si", "Mo"])
    parser.add_argument("--groups", nargs="+", default=["Surface", "Vacancy"])
    options = parser.parse_args()
    rows = []
    for element in options.elements:
        frames, test = (
            read_frames(DATA / "mlearn" / f"{element}_{part}.extxyz.gz") for part in ("train", "test")
        )
        card = json.loads((assets() / "models" / element / "card.json").read_text())
        known = cross_validated(frames, card)
        for group in options.groups:
            unseen = held_out(element, group, frames, test)
            rows.append(
                {
                    "element": element,
                    "group": group,
                    "unseen_frames": unseen.frames,
                    "unseen_energy_mae": unseen.energy_mae,
                    "unseen_force_mae": unseen.force_mae,
                    "seen_energy_mae": known[group].energy_mae,
                    "seen_force_mae": known[group].force_mae,
                }
            )
            save("holdout", {**versions("numpy", "scipy"), "units": "meV/atom, eV/Å", "rows": rows})
    print(
        markdown(
            list(rows[0]),
            [[f"{x:.4g}" if isinstance(x, float) else str(x) for x in r.values()] for r in rows],
        )
    )


if __name__ == "__main__":
    main()
