"""The 288 AFLOW prototypes that pymatgen ships, by any of their names.

The data file is read directly, and only the crystal asked for is built: pymatgen's own module builds all of
them and needs seconds for it.

Source: Mehl, Hicks, Toher, Levy, Hanson, Hart and Curtarolo, Comput. Mater. Sci. 136, S1
(2017); pymatgen (MIT licence).
"""

import difflib
import gzip
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from pymatgen.core import Composition, Lattice, Structure

from tenfma.errors import StructureError

#: everyday names that the library does not carry, as Strukturbericht symbols
EVERYDAY = {
    "fcc": "A1",
    "bcc": "A2",
    "hcp": "A3",
    "simple cubic": "A_h",
    "salt": "B1",
    "caesium chloride": "B2",
    "cesium chloride": "B2",
}


@dataclass(frozen=True)
class Prototype:
    """One crystal of the library: a unique name, the library's labels, its cell (Å) and fractional sites."""

    name: str
    formula: str
    mineral: str
    strukturbericht: str
    aflow: str
    pearson: str
    lattice: tuple[tuple[float, ...], ...] = field(repr=False)
    species: tuple[str, ...] = field(repr=False)
    fractional: tuple[tuple[float, ...], ...] = field(repr=False)

    @property
    def n_atoms(self) -> int:
        return len(self.species)

    @property
    def title(self) -> str:
        """Formula, mineral and Strukturbericht symbol for a person to read."""
        mineral = self.mineral.replace("(", "").replace(")", "")
        known = [text for text in (mineral, self.strukturbericht) if text]
        return f"{self.formula} ({', '.join(known)})" if known else f"{self.formula} ({self.aflow})"

    def structure(self) -> Structure:
        """The crystal, cell vectors in Å."""
        return Structure(Lattice(self.lattice), self.species, self.fractional)


@lru_cache(maxsize=1)
def library() -> tuple[Prototype, ...]:
    """All prototypes, in the library's order, each under a unique name."""
    entries = [_labels(entry) for entry in _entries()]
    by_mineral = Counter(_key(entry["mineral"]) for entry in entries)
    by_formula = Counter(_key(entry["formula"]) for entry in entries)
    taken: Counter[str] = Counter()
    prototypes = []
    for entry in entries:
        if len(_key(entry["mineral"])) > 5 and by_mineral[_key(entry["mineral"])] == 1:
            name = entry["mineral"]
        elif by_formula[_key(entry["formula"])] == 1:
            name = entry["formula"]
        else:
            name = f"{entry['formula']} {entry['strukturbericht'] or entry['aflow']}"
        name = _slug(name)
        taken[name] += 1
        if taken[name] > 1:
            name = f"{name}-{taken[name]}"
        prototypes.append(Prototype(name=name, **entry))
    return tuple(prototypes)


def names() -> list[str]:
    """The unique names of all prototypes, in alphabetical order."""
    return sorted(prototype.name for prototype in library())


def find(name: str) -> Prototype:
    """The prototype called `name`, whatever case and punctuation; see `search` for the rule when several fit.

    Raises StructureError with the nearest names when there is none.

    >>> find("perovskite").formula
    'CaTiO3'
    """
    return search(name)[0]


def search(name: str) -> list[Prototype]:
    """Every prototype that `name` fits, best first.

    Labels are tried in this order and the first kind that fits decides: unique name, mineral, Strukturbericht
    symbol, AFLOW label, formula, Pearson symbol, words of the mineral. Within one kind the order is:
    fewest atoms in the cell, then AFLOW label, then the library's order.
    """
    asked = EVERYDAY.get(" ".join(re.findall(r"[a-z]+", name.lower())), name)
    key = _key(asked)
    for table in _tables():
        if key in table:
            return table[key]
    same_formula = _tables()[4].get(_key(_reduced(asked)))
    if same_formula:
        return same_formula
    words = set(re.findall(r"[a-z0-9]+", asked.lower()))
    within = [p for p in library() if words and words <= set(re.findall(r"[a-z0-9]+", p.mineral.lower()))]
    if within:
        return _ordered(within)
    raise StructureError(
        f"no prototype is called {_shown(name)}; the nearest names are {', '.join(nearest(name))} "
        "(a mineral name, Strukturbericht symbol, formula or AFLOW label is expected)"
    )


def nearest(name: str, count: int = 4) -> list[str]:
    """The `count` names that look most like `name`."""
    known: dict[str, str] = {}
    for prototype in library():
        for label in (
            prototype.name,
            *_aliases(prototype.mineral),
            prototype.formula,
            prototype.strukturbericht,
        ):
            known.setdefault(_key(label), prototype.name)
    found = difflib.get_close_matches(_key(name[:60]), known, n=3 * count, cutoff=0.0)
    return list(dict.fromkeys(known[label] for label in found))[:count]


@lru_cache(maxsize=1)
def _tables() -> tuple[dict[str, list[Prototype]], ...]:
    labels = (
        lambda p: [p.name],
        lambda p: _aliases(p.mineral),
        lambda p: [p.strukturbericht],
        lambda p: [p.aflow],
        lambda p: [p.formula],
        lambda p: [p.pearson],
    )
    tables = []
    for kind in labels:
        table: dict[str, list[Prototype]] = {}
        for prototype in library():
            for key in {_key(label) for label in kind(prototype)} - {""}:
                table.setdefault(key, []).append(prototype)
        tables.append({key: _ordered(found) for key, found in table.items()})
    return tuple(tables)


def _ordered(prototypes: list[Prototype]) -> list[Prototype]:
    return sorted(prototypes, key=lambda p: (p.n_atoms, p.aflow))


def _aliases(mineral: str) -> list[str]:
    """A mineral's name, its parts between commas, and both without what stands in brackets."""
    parts = [mineral, *mineral.split(",")]
    return [alias for part in parts for alias in (part, re.sub(r"\([^)]*\)", "", part))]


def _key(label: str) -> str:
    """Letters and digits only, lower case; a prime counts (A3' is not A3)."""
    return "".join(re.findall(r"[a-z0-9]", label.lower().replace("'", "prime")))


def _slug(label: str) -> str:
    return "-".join(re.findall(r"[a-z0-9]+", label.lower().replace("\\mu", "mu").replace("'", "")))


def _shown(name: str) -> str:
    return repr(name if len(name) <= 60 else name[:57] + "...")


def _reduced(formula: str) -> str:
    """The reduced formula of what may be a formula, elements in any order; empty if it is none."""
    if not re.fullmatch(r"[A-Za-z0-9()]{1,40}", formula):
        return ""
    try:
        return Composition(formula).reduced_formula
    except (ValueError, KeyError):
        return ""


def _labels(entry: dict) -> dict:
    sites = entry["snl"]["sites"]
    tags = {key: "" if value in (None, "None") else value.strip() for key, value in entry["tags"].items()}
    species = tuple(site["species"][0]["element"] for site in sites)
    return {
        "formula": Composition(Counter(species)).reduced_formula,
        "mineral": tags["mineral"].replace("\\'", "").replace("{", "").replace("}", "").replace("$", ""),
        "strukturbericht": tags["strukturbericht"].replace("\\", "").replace('"', ""),
        "aflow": tags["aflow"],
        "pearson": tags["pearson"],
        "lattice": tuple(map(tuple, entry["snl"]["lattice"]["matrix"])),
        "species": species,
        "fractional": tuple(tuple(site["abc"]) for site in sites),
    }


def _entries() -> list[dict]:
    package = find_spec("pymatgen.analysis.prototypes")
    if package is None or package.origin is None:
        raise StructureError(
            "this pymatgen does not ship the AFLOW prototypes; install pymatgen 2025.1 or later"
        )
    with gzip.open(Path(package.origin).parent / "aflow_prototypes.json.gz", "rt") as file:
        return json.load(file)
