"""A name that is not held, or a question that nothing answers, is told in words, with what is near."""

import re

import pytest

from tenfma.catalogue import CatalogueError, Query
from tenfma.catalogue.space_groups import number_of, symbols
from tenfma.errors import TenfmaError


@pytest.mark.parametrize(
    ("filters", "sentence"),
    [
        ({"properties": {"K_vhr": (1, None)}}, "no property|K_vrh"),
        ({"properties": {"nothing like it": (1, None)}}, "Cv_300K, .* are held"),
        ({"properties": {"K_vrh": (1, None)}, "origin": "stated"}, "--origin dft or model"),
        ({"source": "Alexandri"}, "Alexandria is held"),
        ({"elements": ["Aluminum"]}, "no element; Al is expected"),
        ({"elements": ["Nickle"]}, "Ni is expected"),
        ({"formula": "nacl"}, "NaCl is expected"),
        ({"formula": "CaTi03"}, "CaTiO3 is expected"),
        ({"formula": "XY2"}, "is no formula"),
        ({"space_group": "Fm3mm"}, "Fm-3m"),
        ({"space_group": "@"}, "a symbol such as"),
        ({"properties": {"K_vrh": (float("nan"), None)}}, "finite"),
        ({"n_atoms": (None, float("inf"))}, "finite"),
    ],
)
def test_what_is_not_held_is_told_with_what_is_near(filters, sentence, filled):
    for ask in (filled.search, filled.count, filled.ids):
        with pytest.raises(TenfmaError, match=sentence) as told:
            ask(**filters)
        assert "\n" not in str(told.value)


def test_a_property_to_sort_by_must_be_held(filled):
    with pytest.raises(CatalogueError, match="K_vrh"):
        filled.search(sort="K_wrh")


@pytest.mark.parametrize(
    ("filters", "sentence"),
    [
        ({"elements": ["Rn", "Al"]}, "no entry holds Rn"),
        ({"elements": ["Rn"], "match": "any"}, "no entry holds Rn"),
        ({"elements": ["Rn"], "match": "only"}, "no entry holds nothing but Rn"),
        ({"formula": "Al3O"}, "with the same elements there are Al2O3"),
        ({"formula": "XeRn"}, "nor any of the same elements"),
        ({"formula": "A7B19"}, "no entry has the formula A7B19"),
        ({"chemical_system": "Al-Xe"}, "no entry is of the system Al-Xe"),
        ({"space_group": "P42"}, "no entry has space group P42"),
        ({"n_atoms": (900, None)}, "cells have 1 to 180 atoms"),
        ({"text": "quartz kwartz"}, "no entry bears the word 'kwartz'"),
        ({"properties": {"K_vrh": (50, None)}, "units": {"K_vrh": "TPa"}}, "from 0.000521 to 0.411017 TPa"),
        ({"elements": ["Al"], "formula": "NaCl"}, "no entry fits all of them"),
    ],
)
def test_where_nothing_fits_it_says_why(filters, sentence, filled):
    query = Query(**filters)
    assert filled.count(query) == 0
    (*_, why) = filled.notes(query, fits=0)
    assert re.search(sentence, why), why


def test_an_empty_catalogue_says_so(empty):
    assert empty.notes(Query(formula="NaCl"), fits=0) == ["the catalogue is empty"]


def test_every_space_group_is_found_by_number_and_symbol():
    assert len(symbols()) == 230
    for number, symbol in symbols().items():
        assert number_of(number) == number_of(symbol) == number_of(symbol.replace("_", "").upper()) == number
    for symbol, number in (("P21/n", 14), ("P 1 21/c 1", 14), ("Fm3m", 225), ("R-3m:H", 166), ("Pbnm", 62)):
        assert number_of(symbol) == number
