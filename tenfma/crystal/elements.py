"""Element data for Z = 1…103, with every fill-in flagged.

Sources and the rules for what is missing stand in `tenfma/crystal/data/build_elements.py`, which wrote the
table. Deuterium and tritium count as hydrogen with hydrogen's mass: electrons, radii and bond lengths are the
same to the accuracy of these data, and a dataset that mixes the labels then gives one crystal one set of
features. Oxidation states are dropped: Fe²⁺ is read as Fe.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import torch

from tenfma.errors import TenfmaError

LAST = 103


@dataclass(frozen=True)
class Property:
    """One column of the element table: its name, its unit, and where its numbers come from."""

    name: str
    unit: str
    source: str


#: the columns, in the order of the table
PROPERTIES = (
    Property("electronegativity", "1", "Pauling scale, pymatgen"),
    Property("covalent_radius", "Å", "Cordero et al. 2008, ASE"),
    Property("ionisation_energy", "eV", "NIST, pymatgen"),
    Property("valence_s", "1", "ground configuration outside the noble-gas core, NIST, pymatgen"),
    Property("valence_p", "1", "ground configuration outside the noble-gas core, NIST, pymatgen"),
    Property("valence_d", "1", "ground configuration outside the noble-gas core, NIST, pymatgen"),
    Property("valence_f", "1", "ground configuration outside the noble-gas core, NIST, pymatgen"),
    Property("row", "1", "periodic table"),
    Property("group", "1", "periodic table; lanthanides and actinides count as group 3"),
    Property("mass", "amu", "IUPAC, pymatgen"),
    Property("unpaired", "1", "Hund's first rule on the ground configuration"),
    Property("shell_n", "1", "highest principal quantum number that is occupied"),
    Property("shell_l", "1", "angular momentum of the block: s 0, p 1, d 2, f 3"),
    Property("bond_valence_size", "Å", "O'Keeffe and Brese 1991, pymatgen"),
    Property("bond_valence_softness", "1", "O'Keeffe and Brese 1991, pymatgen"),
    Property("melting_temperature", "K", "pymatgen"),
    Property("molar_volume", "cm³/mol", "pymatgen"),
)


@dataclass(frozen=True)
class ElementTable:
    """`values[Z]` holds the properties of element Z in the order of `names`; row 0 is NaN."""

    symbols: tuple[str, ...]
    names: tuple[str, ...]
    values: torch.Tensor
    filled: frozenset[tuple[str, str]]

    def column(self, name: str) -> torch.Tensor:
        """One property of every element, indexed by Z: shape (104,), float64."""
        return self.values[:, self.names.index(name)]


@cache
def table() -> ElementTable:
    """Read the table, once."""
    text = files("tenfma.crystal.data").joinpath("elements.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    names = tuple(p.name for p in PROPERTIES)
    values = torch.full((LAST + 1, len(names)), torch.nan, dtype=torch.float64)
    values[1:] = torch.tensor([[float(row[name]) for name in names] for row in rows], dtype=torch.float64)
    filled = frozenset((row["symbol"], name) for row in rows for name in row["filled"].split(";") if name)
    return ElementTable(("", *(row["symbol"] for row in rows)), names, values, filled)


def check(numbers: torch.Tensor) -> None:
    """Raise `TenfmaError` for an atomic number outside 1…103."""
    wrong = numbers[(numbers < 1) | (numbers > LAST)]
    if len(wrong):
        raise TenfmaError(
            f"atomic number {int(wrong[0])} has no element data; features exist for Z = 1 to {LAST} (H to Lr)"
        )


def data(numbers: torch.Tensor, names: Sequence[str], dtype: torch.dtype = torch.float64) -> torch.Tensor:
    """Properties `names` of the atoms with these atomic numbers: shape (N, len(names)).

    >>> data(torch.tensor([1, 8]), ["electronegativity", "covalent_radius"])
    tensor([[2.2000, 0.3100],
            [3.4400, 0.6600]], dtype=torch.float64)
    """
    check(numbers)
    known = table()
    columns = [known.names.index(name) for name in names]
    chosen = known.values[:, columns].to(device=numbers.device, dtype=dtype)
    return chosen[numbers]


def number(symbol: str) -> int:
    """Atomic number of a symbol, with D and T as hydrogen and decorations such as Fe2+ removed."""
    name = symbol.strip().rstrip("+-0123456789.")
    if name in ("D", "T"):
        return 1
    try:
        return table().symbols.index(name) if name else table().symbols.index(symbol)
    except ValueError:
        raise TenfmaError(
            f"{symbol!r} is not an element with data here; symbols run from H to Lr, plus D and T (read as H)"
        ) from None


def filled_in(symbols: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Which properties of these elements are estimates rather than data: {'He': ('electronegativity', …)}."""
    wanted = sorted({table().symbols[number(symbol)] for symbol in symbols})
    flags = {s: tuple(p.name for p in PROPERTIES if (s, p.name) in table().filled) for s in wanted}
    return {symbol: names for symbol, names in flags.items() if names}
