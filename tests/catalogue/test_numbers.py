"""What beside a crystal is a property, what a label, and in what unit."""

import pytest

from tenfma.catalogue.sources.numbers import labels_of, split_unit, units_of, values_of


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("K_vrh [GPa]", ("K_vrh", "GPa")),
        ("K (GPa)", ("K", "GPa")),
        ("log10_K [log10(GPa)]", ("log10_K", "log10(GPa)")),
        ("Cv [J/(mol K) per cell]", ("Cv", "J/(mol K) per cell")),
        ("gap", ("gap", "")),
        (" x [] ", ("x", "")),
    ],
)
def test_units_stand_in_brackets(column, expected):
    assert split_unit(column) == expected


def test_only_finite_numbers_are_properties():
    record = {
        "a": 1,
        "b": "2.5",
        "c": True,
        "d": "text",
        "e": float("nan"),
        "f": None,
        "id": 7,
        "nsites": 3,
        "g": "1e999",
    }
    assert values_of(record) == {"a": 1.0, "b": 2.5}


def test_labels_and_units():
    record = {
        "material_id": "mp-1",
        "name": "x",
        "license": "CC0",
        "url": "https://x",
        "units": '{"a": "GPa"}',
    }
    assert labels_of(record) == {"identifier": "mp-1", "licence": "CC0", "url": "https://x"}
    assert units_of(record) == {"a": "GPa"}
    assert units_of({"units": "{broken"}) == units_of({}) == {}
