"""Faithfulness: completeness, curves that beat chance, finite changes, shuffled weights, and agreement of two."""

from functools import cache

import numpy as np
import pytest
from ase.build import bulk

import tenfma
from tenfma.errors import TenfmaError
from tenfma.explanation import compare, explain, gauge_stability
from tenfma.explanation.faithfulness import Removal, agreement, orders, randomised, substitutions


@cache
def silicon():
    crystal = bulk("Si", "diamond", a=5.47, cubic=True)
    crystal.rattle(0.1, seed=1)
    return crystal


@cache
def removal():
    return Removal(tenfma.load("Si"), silicon())


@cache
def importance():
    return removal().importance()


def test_importances_on_the_way_add_up_to_the_energy_of_the_bonds():
    r = removal()
    gone = r.energy(np.ones(r.cells)) - r.energy(np.zeros(r.cells))
    assert importance().path.sum() == pytest.approx(gone, rel=1e-6)
    assert abs(importance().first_order.sum() - gone) > 0.01 * abs(gone)  # one point is not the integral


def test_the_most_important_bonds_matter_more_than_chance():
    curves = {name: removal().curve(order) for name, order in orders(removal(), importance()).items()}
    ours, chance = curves["importance"], curves["random"]
    assert ours.deletion_mean > 2 * chance.deletion_mean
    assert ours.insertion_mean < 0.5 * chance.insertion_mean
    backwards = removal().curve(orders(removal(), importance())["importance"][::-1])  # the wrong twin
    assert backwards.deletion_mean < chance.deletion_mean


def test_importances_and_curves_show_themselves_in_a_notebook():
    for shown in (importance(), removal().curve(np.arange(removal().cells), steps=2)):
        assert "<table>" in shown._repr_html_()


def test_importances_foretell_what_removing_a_bond_does():
    some = np.random.default_rng(0).permutation(removal().cells)[:30]
    actual = removal().removals(some)
    assert agreement(-importance().first_order[some], actual)["rank"] > 0.9
    shuffled = np.random.default_rng(1).permutation(importance().first_order)[some]
    assert agreement(-shuffled, actual)["rank"] < 0.6


def test_shuffled_weights_destroy_the_explanation():
    model = tenfma.load("Si")
    first = explain(model, silicon())
    cosines = []
    for seed in range(8):  # one shuffle may point along the old forces, or straight against them, by chance
        second = explain(randomised(model, seed), silicon())
        cosines.append({a.quantity: a for a in compare(first, second).agreements}["forces"].cosine)
    assert abs(np.mean(cosines)) < 0.6 and min(cosines) < 0
    itself = {a.quantity: a for a in compare(first, explain(model, silicon())).agreements}
    assert itself["forces"].cosine == pytest.approx(1.0)
    assert itself["bond tensions"].rank == pytest.approx(1.0)


def test_the_order_of_parts_hangs_on_the_gauge_and_this_is_told():
    first = gauge_stability(explain(tenfma.load("Si"), silicon()))
    assert first.gauge and -1 <= first.rank <= 1
    with pytest.raises(TenfmaError, match="neighbours"):
        gauge_stability(explain(tenfma.textbook("pendulum")))


def test_two_crystals_are_compared_by_kind():
    model = tenfma.load()
    both = [explain(model, tenfma.read(name)) for name in ("prototype:B1", "prototype:B2")]
    side = compare(*both).sides
    assert {"rank", "kind", "mean 1", "mean 2"} <= set(side.columns)
    assert "<table>" in compare(*both)._repr_html_()


def test_a_substitution_is_foretold_to_first_order():
    model = type(tenfma.load()).untrained(0, cutoff=3.2, triangle_cutoff=2.0)
    crystal = bulk("NaCl", "rocksalt", a=5.6)

    def swap(structure, site, element):
        changed = structure.copy()
        changed.symbols[site] = element
        return changed

    elements = ["K", "Li", "Ag", "Rb", "Cu"]
    predicted, actual = substitutions(model, crystal, 0, elements, swap)
    nothing, same = substitutions(model, crystal, 0, ["Na"], swap)
    assert nothing == pytest.approx(0.0, abs=1e-12) and same == pytest.approx(0.0, abs=1e-12)
    near = np.argmin(np.abs(actual))
    assert np.sign(predicted[near]) == np.sign(actual[near]) or abs(actual[near]) < 1e-3


def test_trained_weights_foretell_which_site_takes_an_element_best():
    alloy = bulk("Mo", "bcc", a=3.24, cubic=True) * (3, 2, 2)
    rng = np.random.default_rng(0)
    alloy.symbols[:] = rng.permutation(["Mo", "Nb", "Ta", "W"] * 6)
    alloy.positions += 0.05 * rng.normal(size=(24, 3))

    def swap(structure, site, element):
        changed = structure.copy()
        changed.symbols[site] = element
        return changed

    sites = [int(k) for k in np.flatnonzero(alloy.symbols == "Mo")]
    model = tenfma.load("MoNbTaW")
    found = [substitutions(model, alloy, site, ["W", "Nb"], swap) for site in sites]
    predicted, actual = np.array(found).transpose(1, 2, 0)
    assert (actual[1] > actual[0]).all() and (predicted[1] > predicted[0]).all()
    assert agreement(predicted[1], actual[1])["rank"] > 0.7
    assert agreement(np.roll(predicted[1], 1), actual[1])["rank"] < 0.7  # of other sites


def test_a_rank_without_simplices_is_refused():
    with pytest.raises(TenfmaError, match="triangles"):
        Removal(tenfma.load("Si"), silicon(), rank="triangles")
