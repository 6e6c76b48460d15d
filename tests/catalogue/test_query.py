"""Filters mean what they say, every word of a person stays a word, and likeness is exact."""

import pytest

from tenfma.catalogue import Query
from tenfma.catalogue.query import property_range
from tenfma.errors import TenfmaError


def systems(entries):
    return {frozenset(entry.elements) for entry in entries}


def test_elements_all_any_only(filled):
    every = filled.search(limit=None)
    for match, fits in (
        ("all", lambda held: held >= {"Al", "Ni"}),
        ("any", lambda held: bool(held & {"Al", "Ni"})),
        ("only", lambda held: held <= {"Al", "Ni"}),
    ):
        found = filled.search(elements=["Ni", "al"], match=match, limit=None)
        assert [e.id for e in found] == [e.id for e in every if fits(set(e.elements))]
        assert found and len(found) == filled.count(elements=["Ni", "al"], match=match)


def test_elements_on_both_sides_of_the_masks(filled):
    """Te is 52, I is 53: the first mask ends between them."""
    every = filled.search(limit=None)
    for pair in (["Te", "I"], ["H", "Pu"], ["Te"], ["I"], ["Ac"]):
        found = filled.search(elements=pair, match="any", limit=None)
        assert [e.id for e in found] == [e.id for e in every if set(e.elements) & set(pair)]


def test_formula_in_any_order_reduced_and_anonymous(filled):
    assert (
        filled.count(formula="O3TiCa")
        == filled.count(formula="Ca2Ti2O6")
        == filled.count(formula="CaTiO3")
        > 0
    )
    found = filled.search(formula="ABC3", limit=None)
    assert found and all(entry.anonymous_formula == "ABC3" for entry in found)
    assert filled.count(formula="B") == filled.count(chemical_system="B") > 0


def test_chemical_system_space_group_and_size(filled):
    assert systems(filled.search(chemical_system="Ni-Al", limit=None)) == {frozenset({"Al", "Ni"})}
    assert filled.count(space_group=225) == filled.count(space_group="fm-3m") > 100
    assert all(3 <= e.n_atoms <= 4 for e in filled.search(n_atoms=(3, 4), limit=None))


def test_property_ranges_are_inclusive_and_joined(filled):
    every = filled.search(limit=None)
    low = filled.get("mp-2663").value("K_vrh")
    found = filled.search(properties={"K_vrh": (low, 250), "G_vrh": (None, 90)}, limit=None)
    fits = [
        e.id
        for e in every
        if e.value("K_vrh") is not None and low <= e.value("K_vrh") <= 250 and e.value("G_vrh") <= 90
    ]
    assert [e.id for e in found] == fits and filled.get("mp-2663").id in fits
    for origin in ("dft", "model"):
        known = [e.id for e in every if (e.value("K_vrh", origin) or -1) >= 0]
        assert filled.count(properties={"K_vrh": (0, None)}, origin=origin) == len(known) > 3000


def test_sorting_and_paging(filled):
    pages = [filled.search(sort="K_vrh", descending=True, limit=30, offset=start) for start in (0, 30)]
    values = [entry.value("K_vrh") for page in pages for entry in page]
    assert values == sorted(values, reverse=True) and len(values) == 60
    assert len({entry.id for page in pages for entry in page}) == 60
    atoms = [entry.n_atoms for entry in filled.search(sort="n_atoms", limit=100)]
    assert atoms == sorted(atoms)


def test_words_are_words(filled):
    assert filled.count(text="quartz") > filled.count(text="QUARTZ aflow") == 2
    for odd in ("%", "100%", "qua_tz", "\\\\", "' OR 1=1 --", "<b>", '"; DROP TABLE entries; --'):
        assert filled.count(text=odd) == 0, odd
    every = filled.search(limit=None)
    for odd in ("_", "\\"):
        held = [
            e
            for e in every
            if odd in " ".join(map(str, (e.mineral, e.prototype, e.strukturbericht, e.space_group_symbol)))
        ]
        assert filled.count(text=odd) == len(held) > 0
    assert filled.count() == 4615


@pytest.mark.parametrize(
    ("filters", "sentence"),
    [
        ({"formula": "'; DROP TABLE entries; --"}, "is no formula"),
        ({"formula": "x" * 400}, "is no formula"),
        ({"formula": "x" * 4000}, "4000 letters"),
        ({"elements": ["Xx"]}, "'Xx' is no element"),
        ({"elements": ["Al"], "match": "most"}, "all, any or only"),
        ({"chemical_system": "Al-<b>"}, "is no element"),
        ({"space_group": 231}, "does not exist"),
        ({"space_group": "9" * 50}, "does not exist"),
        ({"properties": {"K_vrh": (3, 1)}}, "smaller end first"),
        ({"origin": "guess"}, None),
        ({"text": "a\0b"}, "zero byte"),
        ({"colour": "red"}, "knows no colour"),
    ],
)
def test_what_means_nothing_is_one_sentence(filters, sentence, filled):
    if sentence is None:
        filters, sentence = {**filters, "properties": {"K_vrh": (0, None)}}, "dft"
    with pytest.raises(TenfmaError, match=sentence) as told:
        filled.search(**filters)
    assert "\n" not in str(told.value)


def test_a_query_and_filters_together_are_refused(filled):
    with pytest.raises(TenfmaError, match="put them in the Query"):
        filled.search(Query(formula="NaCl"), text="x")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("K_vrh>=100", ("K_vrh", (100.0, None), "")),
        ("K_vrh < 1e2", ("K_vrh", (None, 100.0), "")),
        ("-.5<=e_form_per_atom<=0", ("e_form_per_atom", (-0.5, 0.0), "")),
        ("gap=1.5", ("gap", (1.5, 1.5), "")),
    ],
)
def test_ranges_as_a_person_writes_them(text, expected):
    assert property_range(text) == expected


@pytest.mark.parametrize("text", ["", "K_vrh", "K_vrh>", "1<=K_vrh>=2", "K>=ten", "1; DROP TABLE x"])
def test_no_range(text):
    with pytest.raises(TenfmaError, match="no range"):
        property_range(text)
