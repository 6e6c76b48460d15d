import csv

import pytest
import torch

from tenfma.crystal import elements
from tenfma.crystal.data import build_elements
from tenfma.errors import TenfmaError


def test_every_element_has_every_property():
    values = elements.table().values[1:]
    assert values.shape == (103, len(elements.PROPERTIES))
    assert torch.isfinite(values).all()
    for name in ("electronegativity", "covalent_radius", "ionisation_energy", "mass", "bond_valence_size"):
        assert (elements.table().column(name)[1:] > 0.1).all(), name


@pytest.mark.parametrize(
    "symbol, name, value",
    [
        ("H", "electronegativity", 2.20),
        ("O", "electronegativity", 3.44),
        ("C", "covalent_radius", 0.76),
        ("Cu", "covalent_radius", 1.32),
        ("He", "ionisation_energy", 24.587),
        ("Fe", "valence_d", 6),
        ("Fe", "unpaired", 4),
        ("Gd", "unpaired", 8),
        ("Pd", "valence_s", 0),
        ("Br", "valence_d", 10),
        ("Ne", "valence_p", 6),
        ("U", "valence_f", 3),
        ("U", "row", 7),
        ("Si", "bond_valence_size", 1.12),
        ("W", "shell_l", 2),
        ("He", "shell_l", 0),
    ],
)
def test_known_values(symbol, name, value):
    number = torch.tensor([elements.number(symbol)])
    assert float(elements.data(number, [name])) == pytest.approx(value, rel=1e-4)


def test_fill_ins_are_flagged_and_plausible():
    flags = elements.filled_in(["He", "Ne", "Ar", "Kr", "Bk", "Fe"])
    assert "electronegativity" in flags["He"] and "electronegativity" in flags["Ar"]
    assert "electronegativity" not in flags["Kr"]
    assert "covalent_radius" in flags["Bk"]
    assert "Fe" not in flags
    chi = elements.table().column("electronegativity")
    assert chi[2] > chi[10] > chi[18] > chi[36] > chi[54]
    radii = elements.table().column("covalent_radius")[97:]
    assert ((radii > 1.5) & (radii < 1.75)).all()


@pytest.mark.filterwarnings("ignore:No ")
def test_table_is_what_the_script_writes():
    rows = build_elements.collect()
    build_elements.fill(rows)
    with build_elements.TARGET.open() as file:
        shipped = list(csv.DictReader(file))
    assert [row["symbol"] for row in shipped] == [row["symbol"] for row in rows]
    for built, kept in zip(rows, shipped):
        assert built["filled"] == kept["filled"]
        for p in elements.PROPERTIES:
            assert float(kept[p.name]) == pytest.approx(built[p.name], rel=1e-8), (kept["symbol"], p.name)


def test_symbols_with_decorations():
    assert elements.number("D") == elements.number("T") == elements.number("H") == 1
    assert elements.number("Fe2+") == elements.number("Fe3+") == 26
    assert elements.number("O2-") == 8


@pytest.mark.parametrize("bad", [0, 104, -1])
def test_numbers_beyond_the_table_are_refused_in_words(bad):
    with pytest.raises(TenfmaError, match=f"{bad} has no element data"):
        elements.data(torch.tensor([1, bad]), ["mass"])


def test_unknown_symbols_are_refused_in_words():
    with pytest.raises(TenfmaError, match="'Xx' is not an element"):
        elements.number("Xx")
