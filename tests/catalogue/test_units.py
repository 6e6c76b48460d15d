"""Units: what a factor converts is converted, what it does not is refused, and nothing is mixed silently."""

import pytest
from catalogue_crystals import perovskite

from tenfma.catalogue import CatalogueError, Property, Query
from tenfma.catalogue.units import factor, plain


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("GPa", "kbar", 10.0),
        ("meV/atom", "eV / atom", 1e-3),
        ("kJ/mol per atom", "eV/atom", 0.0103642696563),
        ("A^3", "Å³", 1.0),
        ("A^3/atom", "nm3 per atom", 1e-3),
        ("eV/Å3", "GPa", 160.2176634),
        ("J/mol/K", "J/(mol K)", 1.0),
        ("eV", "eV/atom", None),
        ("MeV", "meV", None),
        ("GPa", "eV", None),
        ("", "GPa", None),
        ("log10(GPa)", "GPa", None),
        ("J/(mol K) per cell", "J/(mol K)", None),
    ],
)
def test_what_one_unit_is_of_another(one, other, expected):
    assert factor(one, other) == (None if expected is None else pytest.approx(expected, rel=1e-11))
    if expected:
        assert factor(other, one) == pytest.approx(1 / expected, rel=1e-11)


def test_a_unit_has_one_spelling():
    assert plain("eV per atom") == plain("eV / atom") == plain("ev/atom") == "eV/atom"
    assert plain("Angstrom^3") == plain("\N{ANGSTROM SIGN}\N{SUPERSCRIPT THREE}") == "Å3"


@pytest.fixture
def mixed(empty):
    """The same property of crystals 0, 1, 2 … in GPa, kbar, without a unit, and in something else."""
    for number, (value, unit) in enumerate(
        [(100.0, "GPa"), (1500.0, "kbar"), (90.0, ""), (3.0, "eV"), (50.0, "GPa")]
    ):
        record = perovskite(number)
        object.__setattr__(record, "properties", (Property("K", value, unit, "dft", "test"),))
        empty.add([record], "test")
    return empty


def names(entries):
    return [entry.identifier for entry in entries]


def test_a_range_reads_what_its_unit_converts_to(mixed):
    """The wrong twin, the bare number, would take 90 without a unit and 1500 kbar as they stand."""
    for unit, low in (("GPa", 100.0), ("kbar", 1000.0), ("TPa", 0.1)):
        query = Query(properties={"K": (low, None)}, units={"K": unit})
        assert names(mixed.search(query)) == ["p0", "p1"] and mixed.count(query) == 2
        assert mixed.ids(query).tolist() == [1, 2] and mixed.ids(query, among=[2, 3, 4]).tolist() == [2]
        query = Query(properties={"K": (None, low)}, units={"K": unit}, text="p0")
        assert names(mixed.search(query)) == ["p0"]  # 100 GPa is within both, whatever the rounding
    query = Query(properties={"K": (80.0, 95.0)}, units={"K": "GPa"})
    assert mixed.count(query) == 0
    assert mixed.notes(query) == [
        "K asked in GPa, held in kbar",
        "values of K held without a unit and in eV are left out",
    ]


def test_a_range_without_a_unit_is_refused_where_there_are_several(mixed):
    for ask in (mixed.search, mixed.count, mixed.ids):
        with pytest.raises(
            CatalogueError, match="held without a unit and in GPa and in eV and in kbar"
        ) as told:
            ask(Query(properties={"K": (90.0, None)}))
        assert "say which is meant, as in K>=1 " in str(told.value)
    with pytest.raises(CatalogueError, match="no factor turns Å into"):
        mixed.count(Query(properties={"K": (1.0, None)}, units={"K": "Å"}))


def test_sorting_compares_in_one_unit(mixed):
    assert names(mixed.search(sort="K [GPa]")) == ["p4", "p0", "p1"]
    assert names(mixed.search(sort="K [kbar]", descending=True)) == ["p1", "p0", "p4"]
    assert names(mixed.search(sort="K [meV]")) == ["p3"]
    with pytest.raises(CatalogueError, match="say which is meant, as in --sort"):
        mixed.search(sort="K")


def test_a_single_unit_needs_no_word(filled):
    query = Query(properties={"K_vrh": (390.0, None)})
    assert filled.notes(query) == ["K_vrh in GPa"]
    in_kbar = Query(properties={"K_vrh": (3900.0, None)}, units={"K_vrh": "kbar"})
    assert names(filled.search(query)) == names(filled.search(in_kbar)) and filled.count(query) == 6
