from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure

from tenfma.crystal.complex import complex_of
from tenfma.crystal.disorder import order
from tenfma.crystal.supercells import compact_supercell, hermite_normal_forms
from tenfma.errors import StructureError

FCC = Lattice([[0, 1.8, 1.8], [1.8, 0, 1.8], [1.8, 1.8, 0]])


def solution(**occupancies):
    return Structure(FCC, [occupancies], [[0, 0, 0]])


def nearest_like_pairs(structure, first, second):
    """The fraction of nearest-neighbour pairs of an fcc alloy that are one `first` and one `second`."""
    complex_ = complex_of(structure, 2.7, None)
    symbols = [site.specie.symbol for site in structure]
    pairs = [{symbols[i], symbols[j]} for i, j in complex_.edges.tolist()]
    return sum(pair == {first, second} for pair in pairs) / len(pairs)


def test_composition_and_pairs_are_those_of_a_random_alloy():
    found = order(solution(Cu=0.5, Au=0.5))
    assert found.structure.is_ordered
    assert found.structure.composition.get_atomic_fraction("Cu") == 0.5
    assert found.composition_error == 0
    assert found.pair_mismatch < 0.03
    assert nearest_like_pairs(found.structure, "Cu", "Au") == pytest.approx(0.5, abs=0.05)
    # wrong twin: the ordered L1₀ cell has the composition, and not the pairs, of the alloy
    layered = Structure(Lattice.tetragonal(2.546, 3.6), ["Cu", "Au"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    assert nearest_like_pairs(layered, "Cu", "Au") == pytest.approx(2 / 3)


def test_the_same_seed_gives_the_same_structure_and_another_need_not():
    alloy = solution(Mo=0.25, Nb=0.25, Ta=0.25, W=0.25)
    symbols = [[s.specie.symbol for s in order(alloy, seed).structure] for seed in (0, 0, 1)]
    assert symbols[0] == symbols[1]
    assert symbols[0] != symbols[2]
    assert Counter(symbols[2]) == Counter(symbols[0])


def test_vacancies_are_counted_out_and_ordered_sites_stay():
    oxygen = {"O": 0.9}
    structure = Structure(
        Lattice.cubic(4),
        [{"Ba": 0.5, "Sr": 0.5}, "Ti", oxygen, oxygen, oxygen],
        [[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]],
    )
    found = order(structure)
    cells = round(abs(np.linalg.det(found.supercell)))
    counts = found.structure.composition.as_dict()
    assert counts["Ti"] == cells
    assert counts["Ba"] == counts["Sr"] == cells / 2
    assert counts["O"] + found.vacancies == 3 * cells
    assert counts["O"] / (3 * cells) == pytest.approx(0.9, abs=found.composition_error + 1e-12)
    assert found.composition_error <= 0.02
    titanium = [site for site in found.structure if site.specie.symbol == "Ti"]
    assert all(site.species_string == "Ti" for site in titanium)
    assert complex_of(found.structure).n_edges > 0


def test_rounded_thirds_are_full_and_oxidation_states_stay():
    found = order(solution(**{"Cu+": 0.333, "Au+": 0.333, "Ag+": 0.333}))
    assert found.vacancies == 0
    assert {str(site.specie) for site in found.structure} == {"Cu+", "Au+", "Ag+"}


def test_split_sites_hold_one_atom_at_most():
    half = {"Li": 0.5}
    split = Structure(Lattice.cubic(4), [half, half, "O"], [[0.1, 0, 0], [-0.1, 0, 0], [0.5, 0.5, 0.5]])
    found = order(split).structure
    distances = found.distance_matrix[np.triu_indices(len(found), 1)]
    assert distances.min() > 1.0
    crowded = Structure(Lattice.cubic(4), [{"Li": 0.9}] * 2, [[0.1, 0, 0], [-0.1, 0, 0]])
    with pytest.raises(StructureError, match="split sites"):
        order(crowded)


def test_an_ordered_structure_comes_back_as_it_is():
    salt = Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.6), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    found = order(salt)
    assert found.structure is salt
    assert (found.composition_error, found.pair_mismatch, found.vacancies) == (0, 0, 0)


def test_an_element_that_would_be_lost_is_refused_with_the_size_it_needs():
    with pytest.raises(StructureError, match=r"no room for Er .* max_atoms of about 200"):
        order(solution(Fe=0.995, Er=0.005), max_atoms=32)
    assert "Er" in order(solution(Fe=0.98, Er=0.02), max_atoms=64).structure.composition


def test_the_report_says_what_was_chosen():
    text = str(order(solution(Fe=0.95), seed=5))
    assert "1 vacancies, seed 5" in text
    assert "composition off by" in text


@pytest.mark.parametrize("size, count", [(1, 1), (2, 7), (3, 13), (4, 35), (6, 91)])
def test_there_are_as_many_superlattices_as_there_should_be(size, count):
    forms = hermite_normal_forms(size)
    assert len(forms) == count
    assert (np.rint(np.linalg.det(forms)) == size).all()


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1), st.integers(1, 12))
def test_supercells_have_the_volume_asked_for_and_are_compact(seed, size):
    rng = np.random.default_rng(seed)
    cell = rng.uniform(2, 5, 3)[:, None] * (np.eye(3) + np.tril(rng.uniform(-0.5, 0.5, (3, 3)), -1))
    matrix = compact_supercell(cell, size)
    assert round(np.linalg.det(matrix)) == size
    rows = np.linalg.norm(matrix @ cell, axis=1)
    naive = np.linalg.norm(np.diag([size, 1, 1]) @ cell, axis=1)
    assert rows.min() >= naive.min() - 1e-9


@pytest.mark.parametrize("size, shortest", [(2, 2**0.5), (4, 3**0.5)])
def test_two_and_four_cubes_make_the_face_and_body_centred_cell(size, shortest):
    rows = np.linalg.norm(compact_supercell(np.eye(3), size), axis=1)
    assert rows.tolist() == pytest.approx([shortest] * 3)


@pytest.mark.parametrize("long", [300.0, 9_999.0])
def test_a_long_thin_cell_is_repeated_across_without_a_long_search(long):
    matrix = compact_supercell(np.diag([5.0, long, 4.0]), 16)
    assert (matrix == np.diag([4, 1, 4])).all()
    mixed = Structure(Lattice.orthorhombic(5, long, 4), [{"Na": 0.5, "K": 0.5}], [[0, 0, 0]])
    found = order(mixed).structure
    assert found.composition["Na"] == found.composition["K"] == 8
