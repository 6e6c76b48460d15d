"""What training reports as validation, and what it fits in the end, against both written out by hand."""

import json
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write
from synthetic import SMALL, labelled

from tenfma.hamiltonian.evaluator import Evaluator
from tenfma.training.data import read_frames
from tenfma.training.forces import train_forces
from tenfma.training.least_squares import Solver, errors_of, predictions, split
from tenfma.training.moments import Assembly

WEIGHTS, RIDGES = (2.0, 20.0, 200.0), (1e-6, 1e-8)
RECIPE = replace(SMALL, energy_weights=WEIGHTS, ridges=RIDGES, ridges_mixed=RIDGES)
DESCRIPTION = RECIPE.description((5, 7))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A training run on noisy labels: its folder's card, its model, its frames and their folds."""
    folder = tmp_path_factory.mktemp("validation")
    rng = np.random.default_rng(3)
    noisy = labelled(16)
    for atoms in noisy:
        energy, forces = atoms.get_potential_energy(), atoms.get_forces()
        atoms.calc = SinglePointCalculator(
            atoms, energy=energy + 0.02 * rng.normal(), forces=forces + 0.3 * rng.normal(size=forces.shape)
        )
    write(folder / "train.extxyz", noisy)
    model = train_forces([folder / "train.extxyz"], folder / "out", valid=0.25, recipe=RECIPE)
    frames = read_frames(folder / "train.extxyz")
    return json.loads((folder / "out/card.json").read_text()), model, frames, split(len(frames), 0.25, 0)


def fitted(frames, weight, ridge):
    assembly = Assembly(DESCRIPTION, frames, np.zeros(len(frames), int), 0)
    assembly.run()
    solver = Solver(assembly.sums((0,)), RECIPE.virial_weight, RECIPE.penalties(DESCRIPTION))
    return Evaluator(DESCRIPTION, *solver(weight, ridge))


def cross_validated(frames, folds, pair):
    """Errors of every frame by a fit to the frames of the other folds."""
    results, judged = [], []
    for fold in sorted(set(folds)):
        evaluator = fitted([f for f, k in zip(frames, folds) if k != fold], *pair)
        held = [f for f, k in zip(frames, folds) if k == fold]
        results += [predictions(evaluator, frame) for frame in held]
        judged += held
    return errors_of(results, judged)


def test_the_pair_is_the_one_with_the_least_product_of_errors_on_frames_its_fits_have_not_seen(run):
    card, _, frames, folds = run
    errors = {pair: cross_validated(frames, folds, pair) for pair in product(WEIGHTS, RIDGES)}
    best = min(errors, key=lambda pair: errors[pair].force_mae * errors[pair].energy_mae)
    assert (card["energy_weight"], card["ridge"]) == best
    for name, value in card["validation"].items():
        assert value == pytest.approx(errors[best].to_dict()[name], rel=1e-4), name
    by_forces = min(errors, key=lambda pair: errors[pair].force_mae)
    assert by_forces != best, "these labels cannot tell the rule from one that reads forces alone"


def test_the_model_is_fitted_to_all_frames_in_the_end(run):
    card, model, frames, folds = run
    pair = card["energy_weight"], card["ridge"]
    own = [predictions(model.evaluator, frame)[0] for frame in frames]
    assert own == pytest.approx([predictions(fitted(frames, *pair), frame)[0] for frame in frames], abs=1e-5)
    fewer = fitted([f for f, k in zip(frames, folds) if k != folds[0]], *pair)
    assert max(abs(np.array(own) - [predictions(fewer, frame)[0] for frame in frames])) > 1e-2
