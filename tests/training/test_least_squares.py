"""Least squares finds the potential that made the labels, resumes where it was stopped, and cannot fit nonsense."""

from dataclasses import replace

import numpy as np
import pytest
from ase.calculators.singlepoint import SinglePointCalculator
from synthetic import SMALL, labelled

from tenfma.errors import TenfmaError
from tenfma.hamiltonian.evaluator import Evaluator, pairs_of
from tenfma.training.choice import choose
from tenfma.training.data import frame_of
from tenfma.training.least_squares import Solver, errors_of, predictions, split
from tenfma.training.moments import Assembly
from tenfma.training.recipe import SIZES

DESCRIPTION = SMALL.description((5, 7))


def frames_of(count, **options):
    return [frame_of(atoms) for atoms in labelled(count, **options)]


def fitted(frames, ridge=1e-12, weight=20.0):
    assembly = Assembly(DESCRIPTION, frames, np.zeros(len(frames), int), seed=0)
    assert assembly.run()
    return Evaluator(DESCRIPTION, *Solver(assembly.sums((0,)), SMALL.virial_weight)(weight, ridge))


def errors(evaluator, frames):
    return errors_of([predictions(evaluator, frame) for frame in frames], frames)


@pytest.mark.parametrize("stress", [False, True])
def test_a_known_potential_is_recovered_on_unseen_frames(stress):
    found = fitted(frames_of(24, stress=stress))
    unseen = frames_of(6, seed=9, stress=stress)
    e = errors(found, unseen)
    spread = np.concatenate([f.forces.ravel() for f in unseen]).std()
    assert e.force_rmse < 1e-6 * spread
    assert e.energy_rmse < 1e-5 * 1e3 * np.std([f.energy / len(f) for f in unseen])  # meV/atom
    assert (e.stress_rmse == e.stress_rmse) == stress


def test_shuffled_forces_are_not_fitted():
    """The wrong twin: labels that belong to other atoms leave most of their variance unexplained."""
    rng = np.random.default_rng(0)
    frames = [replace(f, forces=f.forces[rng.permutation(len(f))], energy=None) for f in frames_of(24)]
    unseen = frames_of(6, seed=9)
    spread = np.concatenate([f.forces.ravel() for f in unseen]).std()
    assert errors(fitted(frames, ridge=1e-6), unseen).force_rmse > 0.5 * spread


def test_energies_alone_and_forces_alone_are_each_enough_to_fit_themselves():
    frames = frames_of(24)
    forces = fitted([replace(f, energy=None) for f in frames])
    assert errors(forces, frames).force_rmse < 1e-5
    energies = fitted([replace(f, forces=None) for f in frames], ridge=1e-14)
    assert errors(energies, frames).energy_rmse < 1e-2


def test_stresses_alone_pin_the_strain_derivative():
    frames = [replace(f, energy=None, forces=None) for f in frames_of(40, stress=True)]
    assert errors(fitted(frames), frames).stress_rmse < 1e-4


def test_an_interrupted_assembly_resumes_to_the_same_sums(tmp_path, monkeypatch):
    from tenfma.training import moments

    monkeypatch.setattr(moments, "ROWS", 48)
    monkeypatch.setattr(moments, "SAVE_EVERY", 0.0)
    frames = frames_of(12)
    folds = split(len(frames), 0.25, seed=0)
    whole = Assembly(DESCRIPTION, frames, folds, 0)
    whole.run()

    def stop(done, total):
        if done == 3:
            raise KeyboardInterrupt

    first = Assembly(DESCRIPTION, frames, folds, 0, tmp_path)
    with pytest.raises(KeyboardInterrupt):
        first.run(report=stop)
    second = Assembly(DESCRIPTION, frames, folds, 0, tmp_path)
    assert second.done == 3 < second.total
    assert second.run()
    for fold in ((1,), (4,), (1, 2, 3, 4)):
        a, b = whole.sums(fold), second.sums(fold)
        np.testing.assert_array_equal(a.gram, b.gram)
        np.testing.assert_array_equal(a.energy_rows, b.energy_rows)
    assert not list(tmp_path.glob("part-*"))


def test_moments_of_another_basis_are_refused(tmp_path):
    frames = frames_of(4)
    Assembly(DESCRIPTION, frames, np.zeros(4, int), 0, tmp_path).run()
    other = replace(SMALL, functions_mixed=20).description((5, 7))
    with pytest.raises(TenfmaError, match="another basis"):
        Assembly(other, frames, np.zeros(4, int), 0, tmp_path)


def test_the_deadline_stops_between_chunks_and_keeps_what_is_in(monkeypatch):
    from tenfma.training import moments

    monkeypatch.setattr(moments, "ROWS", 24)
    assembly = Assembly(DESCRIPTION, frames_of(6), np.zeros(6, int), 0)
    assert not assembly.run(deadline=-1.0)
    assert 0 < assembly.done < assembly.total
    used = {z for (_, elements), moments in assembly.moments.items() if moments.frames for z in elements}
    assert used == {5, 7}  # an element without frames would have no energy at all
    assert assembly.run()
    assert assembly.done == assembly.total


def test_choice_prefers_the_smaller_error_and_leaves_out_what_cannot_be_solved():
    frames = frames_of(24)
    folds = split(len(frames), 0.25, seed=0)
    assembly = Assembly(DESCRIPTION, frames, folds, 0)
    assembly.run()
    held = [[f for f, fold in zip(frames, folds) if fold == turn] for turn in (1, 2)]

    def solver(turn):
        return Solver(assembly.sums([k for k in (1, 2, 3, 4) if k != turn + 1]), 1.0)

    found = choose(DESCRIPTION, solver, held, (20.0,), (1e-2, 1e-10))
    ranked = found.candidates
    assert (found.turns, found.of) == (2, 2)
    assert ranked[0].errors.frames == 12
    assert [c.ridge for c in ranked] == [1e-10, 1e-2]
    assert ranked[0].errors.force_mae < 1e-2 * ranked[1].errors.force_mae


def test_few_frames_are_held_out_in_turn_and_many_once():
    few = split(23, 0.1, seed=3)
    assert sorted(np.bincount(few)[1:]) == [2] * 7 + [3] * 3 and 0 not in few
    many = split(1000, 0.1, seed=3)
    assert np.bincount(many).tolist() == [900, 100]
    assert sorted(split(2, 0.1, seed=0)) == [1, 2]
    assert not np.array_equal(few, split(23, 0.1, seed=4)) and np.array_equal(few, split(23, 0.1, seed=3))


@pytest.mark.parametrize(
    ("weight", "ridge", "virial"), [(3.0, 1e-3, 2.0), (30.0, 1e-3, 2.0), (3.0, 1e-2, 20.0)]
)
def test_the_solution_is_that_of_the_stated_sum_of_squares(weight, ridge, virial):
    """Rows written out frame by frame, weighted as the docstring says, and solved as one dense problem."""
    frames = frames_of(9, stress=True)
    frames += [replace(f, energy=None) for f in frames_of(2, seed=3, stress=True)]
    small = labelled(1, seed=4, kinds=("BN",))[0][:2]  # two atoms in the same cell: another N
    small.calc = SinglePointCalculator(small, energy=-9.0, forces=np.ones((2, 3)), stress=np.ones(6))
    frames.append(frame_of(small))
    assembly = Assembly(DESCRIPTION, frames, np.zeros(len(frames), int), seed=0)
    assembly.run()
    rng = np.random.default_rng(0)
    penalties = rng.uniform(0.5, 2.0, len(DESCRIPTION.invariants))
    found, offsets = Solver(assembly.sums((0,)), virial, penalties)(weight, ridge)

    counts = np.array([[np.sum(f.numbers == z) / len(f) for z in (5, 7)] for f in frames])
    known = [k for k, f in enumerate(frames) if f.energy is not None]
    reference = np.linalg.lstsq(
        counts[known], np.array([frames[k].energy / len(frames[k]) for k in known]), rcond=None
    )[0]
    rows, targets = [], []
    for f, count in zip(frames, counts):
        pairs = pairs_of(f.positions, f.cell, f.pbc, DESCRIPTION.cutoff)
        B, F, V = DESCRIPTION.design_with_strain(f.numbers, pairs)
        none = np.zeros((9, 2))
        rows.append(np.hstack([F, np.zeros((len(F), 2))]))
        targets.append(f.forces.ravel())
        rows.append(virial * np.hstack([V, none]) / len(f))
        targets.append(virial * f.virial.ravel() / len(f))
        if f.energy is not None:
            rows.append(weight * np.hstack([B / len(f), count])[None])
            targets.append([weight * (f.energy / len(f) - count @ reference)])
    X, y = np.concatenate(rows), np.concatenate(targets)
    G = X.T @ X
    shrink = ridge * np.diag(G) * np.concatenate([penalties, penalties, [1.0, 1.0]])
    theta = np.linalg.solve(G + np.diag(shrink), X.T @ y)
    np.testing.assert_allclose(found.ravel(), theta[:-2], rtol=1e-7, atol=1e-9 * np.abs(theta).max())
    np.testing.assert_allclose(offsets, theta[-2:] + reference, rtol=1e-9)


def test_the_embedding_of_refractory_metals_is_a_table_of_signs():
    from tenfma.training.recipe import element_embedding

    e = element_embedding((41, 42, 73, 74), 4)  # Nb Mo Ta W: groups 5 6 5 6, rows 5 5 6 6
    np.testing.assert_allclose(e[:, 0], 1)
    np.testing.assert_allclose(e[:, 1], [-1, 1, -1, 1], atol=1e-12)
    np.testing.assert_allclose(e[:, 2], [-1, -1, 1, 1], atol=1e-12)
    np.testing.assert_allclose(e[:, 3], [1, -1, -1, 1], atol=1e-12)


@pytest.mark.parametrize(("count", "valid"), [(1, 0.1), (10, 0.0), (10, 1.0)])
def test_a_split_that_leaves_nothing_is_refused(count, valid):
    with pytest.raises(TenfmaError):
        split(count, valid, 0)


def test_what_data_cannot_tell_follows_the_penalties():
    """Two functions that the frames cannot tell apart: the dearer one gets the smaller share, by the ratio π."""
    frames = frames_of(4)
    assembly = Assembly(DESCRIPTION, frames, np.zeros(4, int), 0)
    assembly.run()
    sums = assembly.sums((0,))
    n, gram, moment, rows = (
        sums.functions,
        sums.gram.copy(),
        sums.moment.copy(),
        sums.energy_rows.copy(),
    )
    twin, first = 5, 4  # column 5 becomes a copy of column 4
    gram[twin], moment[twin], rows[:, twin] = gram[first], moment[first], rows[:, first]
    gram[:, twin] = gram[:, first]
    copied = replace(sums, gram=gram, moment=moment, energy_rows=rows)
    penalties = np.ones(n)
    penalties[twin] = 100.0
    weights = Solver(copied, SMALL.virial_weight, penalties)(20.0, 1e-6)[0][0]
    assert weights[first] / weights[twin] == pytest.approx(100.0, rel=1e-3)
    even = Solver(copied, SMALL.virial_weight)(20.0, 1e-6)[0][0]
    assert even[first] / even[twin] == pytest.approx(1.0, rel=1e-3)


def test_penalties_are_products_over_factors():
    recipe = replace(SMALL, functions_mixed=400, degree_channel=0.5, channel_penalties=(1.0, 7.0, 11.0, 13.0))
    description = recipe.description((5, 7))
    expected = {0: 1.0, 1: 7.0, 2: 49.0, 3: 343.0, 4: 2401.0}
    mixed = [sum(c > 0 for c, _, _ in factors) for factors, _ in description.invariants.functions]
    assert max(mixed) > 1
    np.testing.assert_allclose(recipe.penalties(description), [expected[k] for k in mixed])
    with pytest.raises(TenfmaError, match="penalties"):
        replace(SMALL, channel_penalties=(1.0,))


def test_smooth_functions_of_low_order_come_first_and_those_that_do_not_listen():
    recipe = SIZES["large"]
    description = recipe.description([14])
    functions, ridge = description.invariants.functions, recipe.penalties(description)
    place = {factors: ridge[index] for index, (factors, _) in enumerate(functions)}
    assert np.isclose(place[(0, 2, 0),] / place[(0, 1, 0),], (3 / 2) ** 4)
    assert np.isclose(place[(0, 0, 0), (0, 0, 0)] / place[(0, 0, 0),], 10.0)
    assert np.isclose(place[(1, 0, 0),] / place[(0, 0, 0),], 10.0)
    assert np.isclose(place[(1, 0, 1), (2, 0, 1)] / place[(0, 0, 1), (0, 0, 1)], 100.0)
    assert np.all(SIZES["medium"].penalties(SIZES["medium"].description([14])) == 1.0)
    mixture = recipe.description([41, 42])
    assert not mixture.messages and recipe.candidates(mixture) == recipe.ridges_mixed


def test_large_is_larger_for_one_element_and_the_same_for_several():
    sizes = {name: len(recipe.description([42]).invariants) for name, recipe in SIZES.items()}
    assert 1.2 * sizes["medium"] < sizes["large"] <= SIZES["large"].functions
    assert len({len(recipe.description([41, 42, 73, 74]).invariants) for recipe in SIZES.values()}) == 1


@pytest.mark.parametrize(
    "settings", [{"lmax": 8}, {"lmax": -1}, {"cutoff": 0.0}, {"ridges": ()}, {"energy_weights": (0.0,)}]
)
def test_recipes_beyond_what_the_machine_code_holds_are_refused(settings):
    with pytest.raises(TenfmaError):
        replace(SMALL, **settings)
