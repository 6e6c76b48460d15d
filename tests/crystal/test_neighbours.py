import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenfma.crystal.cutoffs import Fixed, Largest, ScaledCovalent, cutoff_rule
from tenfma.crystal.neighbours import Crystal, pairs_of
from tenfma.errors import StructureError, TenfmaError

LIMIT = 10**7


def crystal(positions, cell=None, pbc=True, numbers=None):
    positions = np.atleast_2d(np.array(positions, float))
    cell = np.zeros((3, 3)) if cell is None else np.array(cell, float)
    numbers = np.full(len(positions), 14) if numbers is None else np.array(numbers)
    return Crystal(numbers, positions, cell, np.broadcast_to(np.array(pbc), (3,)))


def brute_force(c, cutoff, images):
    """Every pair once, by looking at all images: (i, j, S) with i < j, or i = j and S > 0."""
    reach = [range(-images, images + 1) if periodic else range(1) for periodic in c.pbc]
    shifts = np.array(list(itertools.product(*reach)))
    found = set()
    for i, j in itertools.combinations_with_replacement(range(len(c.numbers)), 2):
        near = np.linalg.norm(c.positions[j] + shifts @ c.cell - c.positions[i], axis=1) < cutoff
        found |= {(i, j, *s) for s in shifts[near].tolist() if i < j or s > [0, 0, 0]}
    return found


def as_set(pairs):
    rows = [(*edge, *shift) for edge, shift in zip(pairs.edges.tolist(), pairs.shifts.tolist())]
    assert len(rows) == len(set(rows)), "a pair appears twice"
    return set(rows)


def random_crystal(rng, pbc):
    """A triclinic cell with one to four atoms, some of them outside it."""
    skew = np.eye(3) + np.tril(rng.uniform(-0.6, 0.6, (3, 3)), -1)
    cell = rng.uniform(2.0, 6.0, 3)[:, None] * skew
    return crystal(rng.uniform(-1.2, 1.8, (rng.integers(1, 5), 3)) @ cell, cell, pbc)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1), st.tuples(st.booleans(), st.booleans(), st.booleans()))
def test_finds_what_brute_force_finds(seed, pbc):
    rng = np.random.default_rng(seed)
    c, cutoff = random_crystal(rng, pbc), rng.uniform(1.0, 6.0)
    try:
        pairs = pairs_of([c], Fixed(cutoff), LIMIT)
    except StructureError:
        return  # two random atoms within 0.1 Å
    # lattice planes are at least 1.3 Å apart, and atoms lie within three cells of each other
    assert as_set(pairs) == brute_force(c, cutoff, images=8)


def test_many_self_images_of_a_small_cell():
    pairs = pairs_of([crystal([0, 0, 0], np.eye(3))], Fixed(3.01), LIMIT)
    points = sum(0 < np.dot(s, s) < 3.01**2 for s in itertools.product(range(-4, 5), repeat=3))
    assert len(pairs.edges) == points // 2 == 61
    assert (pairs.edges == 0).all()


def test_molecule_and_slab_have_no_images_along_open_axes():
    molecule = pairs_of([crystal([[0, 0, 0], [0, 0, 1.5]], pbc=False)], Fixed(5.0), LIMIT)
    assert molecule.edges.tolist() == [[0, 1]]
    assert (molecule.shifts == 0).all()
    flat = [[3, 0, 0], [0, 3, 0], [0, 0, 0]]
    slab = pairs_of([crystal([[0, 0, 0], [0, 0, 40]], flat, (True, True, False))], Fixed(3.5), LIMIT)
    assert sorted(map(tuple, slab.edges)) == [(0, 0), (0, 0), (1, 1), (1, 1)]
    assert (slab.shifts[:, 2] == 0).all()


def test_order_is_by_tail_head_shift_whatever_the_search_returned():
    rng = np.random.default_rng(0)
    batch = [crystal(rng.uniform(0, 4, (3, 3)), 4 * np.eye(3)) for _ in range(3)]
    pairs = pairs_of(batch, Fixed(4.5), LIMIT)
    rows = np.hstack([pairs.edges, pairs.shifts])
    assert (np.lexsort(rows.T[::-1]) == np.arange(len(rows))).all()
    alone = [pairs_of([c], Fixed(4.5), LIMIT) for c in batch]
    assert (pairs.edges == np.concatenate([one.edges + 3 * k for k, one in enumerate(alone)])).all()


def test_scaled_covalent_radii_cut_each_element_pair_by_itself():
    # H 0.31 Å, O 0.66 Å: at 1.3 × the O–H radius is 1.26 Å, the H–H radius 0.81 Å
    water = crystal([[0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]], pbc=False, numbers=[8, 1, 1])
    assert pairs_of([water], ScaledCovalent(1.3), LIMIT).edges.tolist() == [[0, 1], [0, 2]]
    both = pairs_of([water], Largest(1.6, ScaledCovalent(1.3)), LIMIT)
    assert both.edges.tolist() == [[0, 1], [0, 2], [1, 2]]
    assert both.cutoffs.tolist() == [1.6, 1.6, 1.6]


@pytest.mark.parametrize("text", ["5.0", "5 Å", "1.5 covalent", "1.5*covalent", "max(5.0, 1.5 covalent)"])
def test_rules_are_read_from_text_and_written_back(text):
    rule = cutoff_rule(text)
    assert cutoff_rule(str(rule)) == rule


@pytest.mark.parametrize(
    "bad", ["five", "", None, True, -1.0, 0, float("nan"), float("inf"), "max()", "2 metallic"]
)
def test_other_cutoffs_are_refused_in_words(bad):
    with pytest.raises(TenfmaError, match="cutoff"):
        cutoff_rule(bad)


def test_overlapping_atoms_work_and_coincident_ones_are_refused():
    close = pairs_of([crystal([[0, 0, 0], [0.3, 0, 0]], 4 * np.eye(3))], Fixed(2.0), LIMIT)
    assert close.lengths.min() == pytest.approx(0.3)
    twice = crystal([[0, 0, 0], [1, 1, 1], [5, 1, 1]], 4 * np.eye(3))
    with pytest.raises(StructureError, match="Atoms 1 and 2 of crystal 1"):
        pairs_of([crystal([0, 0, 0], 4 * np.eye(3)), twice], Fixed(2.0), LIMIT)


def test_an_enormous_search_is_refused_before_it_starts():
    with pytest.raises(TenfmaError, match="shorter cutoff"):
        pairs_of([crystal([0, 0, 0], 0.05 * np.eye(3))], Fixed(50.0), LIMIT)


def test_a_flat_cell_is_refused():
    with pytest.raises(StructureError, match="no volume"):
        pairs_of([crystal([0, 0, 0], [[1, 0, 0], [0, 1, 0], [1, 1, 0]])], Fixed(2.0), LIMIT)
