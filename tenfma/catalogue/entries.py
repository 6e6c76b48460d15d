"""What the catalogue holds: entries with properties, and how a crystal is described for it."""

import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tenfma.catalogue.packing import Sites

if TYPE_CHECKING:
    from pymatgen.core import Structure

#: where a value may come from
ORIGINS = ("dft", "experiment", "model", "stated")
#: tolerance of symmetry, Å
SYMPREC = 0.01


@dataclass(frozen=True)
class Property:
    """One value: name, number, unit, where from; a model's own carries its interval and the fold that was held out."""

    name: str
    value: float
    unit: str = ""
    origin: str = "stated"
    source: str = ""
    lower: float | None = None
    upper: float | None = None
    fold: int | None = None


@dataclass(frozen=True)
class Entry:
    """One crystal of the catalogue, without its sites (`Catalogue.structure(id)`); volume is Å³ per cell."""

    formula: str
    reduced_formula: str
    anonymous_formula: str
    chemical_system: str
    n_elements: int
    n_atoms: int
    volume: float
    space_group: int
    space_group_symbol: str
    pearson: str
    source: str
    identifier: str
    licence: str = ""
    url: str = ""
    strukturbericht: str = ""
    prototype: str = ""
    mineral: str = ""
    notes: str = ""
    id: int = 0
    properties: tuple[Property, ...] = field(default=())

    @property
    def elements(self) -> tuple[str, ...]:
        return tuple(self.chemical_system.split("-"))

    def value(self, name: str, origin: str | None = None) -> float | None:
        """The first property called `name` of this origin (any but model unless asked); None if there is none."""
        for held in self.properties:
            if held.name == name and (held.origin == origin if origin else held.origin != "model"):
                return held.value
        return None


def compared(entry: Entry) -> "list[tuple[Property | None, Property | None]]":
    """(published, a model's own) of each property, in the entry's order; None where there is no such value.

    A model's value stands beside the first published one of its name and unit, and alone where there is none.
    """
    own = [value for value in entry.properties if value.origin == "model"]
    pairs: list[tuple[Property | None, Property | None]] = []
    for published in entry.properties:
        if published.origin == "model":
            continue
        same = next((v for v in own if (v.name, v.unit) == (published.name, published.unit)), None)
        if same is not None:
            own.remove(same)
        pairs.append((published, same))
    return [*pairs, *((None, value) for value in own)]


@dataclass(frozen=True)
class Record:
    """A crystal on its way in: `key` names it within its origin, whatever else changes."""

    key: str
    sites: Sites
    entry: Entry
    properties: tuple[Property, ...] = ()

    @classmethod
    def of(
        cls, key: str, structure: "Structure", properties: tuple[Property, ...] = (), **labels: Any
    ) -> "Record":
        """A record of a checked structure, its symmetry found here; `labels` fill the entry's other fields."""
        from tenfma.crystal.structures import notes

        sites = Sites.of(structure)
        labels.setdefault("notes", "; ".join(notes(structure)))
        return cls(key, sites, described(sites, **labels), properties)


def described(sites: Sites, **labels: Any) -> Entry:
    """The entry of a crystal: formulas, chemical system, space group and Pearson symbol, with `labels` on top."""
    if "space_group" in labels and "pearson" in labels:
        symmetry: dict[str, Any] = {}
    else:
        symmetry = symmetry_of(sites)
    return Entry(
        **{
            **formulas(sites.numbers),
            "n_atoms": len(sites.numbers),
            "volume": float(abs(np.linalg.det(sites.lattice))),
            **symmetry,
            **labels,
        }
    )


def formulas(numbers: np.ndarray) -> dict[str, Any]:
    """The formulas of a cell, its elements in order of electronegativity as pymatgen writes them."""
    from pymatgen.core import Composition, Element

    kinds, counts = np.unique(numbers, return_counts=True)
    symbols = [Element.from_Z(int(number)).symbol for number in kinds]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # noble gases have no electronegativity to sort by, and say so
        composition = Composition(dict(zip(symbols, map(int, counts), strict=True)))
        written = composition.formula.replace(" ", ""), composition.reduced_formula
    return {
        "formula": written[0],
        "reduced_formula": written[1],
        "anonymous_formula": composition.anonymized_formula,
        "chemical_system": "-".join(sorted(symbols)),
        "n_elements": len(symbols),
    }


def symmetry_of(sites: Sites) -> dict[str, Any]:
    """Space group (number and Hermann–Mauguin symbol) and Pearson symbol, by spglib; P1 where spglib finds none."""
    import spglib

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = spglib.get_symmetry_dataset(
                (sites.lattice.tolist(), sites.fractional.tolist(), sites.numbers.tolist()), symprec=SYMPREC
            )
    except spglib.SpglibError:
        found = None
    if found is None:
        return {"space_group": 1, "space_group_symbol": "P1", "pearson": f"aP{len(sites.numbers)}"}
    count = len(found.std_types)
    return {
        "space_group": int(found.number),
        "space_group_symbol": str(found.international),
        "pearson": pearson(int(found.number), str(found.international), count),
    }


def pearson(number: int, symbol: str, count: int) -> str:
    """The Pearson symbol of a space group with `count` atoms in its conventional cell.

    Crystal family, centring, atoms: cF8. A, B and C centrings are all S in newer texts and C here, as in the AFLOW
    labels; rhombohedral cells count a third of the hexagonal cell's atoms.
    """
    families = ((2, "a"), (15, "m"), (74, "o"), (142, "t"), (194, "h"), (230, "c"))
    family = next(letter for last, letter in families if number <= last)
    centring = "C" if symbol[0] in "ABC" else symbol[0]
    return f"{family}{centring}{count // 3 if centring == 'R' else count}"


def masks(chemical_system: str) -> tuple[int, int]:
    """The elements of a system as two bit masks: Z = 1…52 and 53…103."""
    from pymatgen.core import Element

    bits = [Element(symbol).Z - 1 for symbol in chemical_system.split("-")]
    return sum(1 << bit for bit in bits if bit < 52), sum(1 << (bit - 52) for bit in bits if bit >= 52)
