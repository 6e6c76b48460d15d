"""pymatgen's JSON: lattice and sites only; nothing that the file names is imported."""

import contextlib
import json
import re
from typing import Any

import numpy as np
from pymatgen.core import DummySpecies, Element, Lattice, Species, Structure
from pymatgen.core.periodic_table import get_el_sp

from tenfma.crystal.formats.numbers import cell, finite, shown
from tenfma.errors import StructureError


def split(text: str, name: str) -> list[Any]:
    """One record for each structure: the file is one, or a list of them."""
    try:
        held = json.loads(text)
    except (ValueError, RecursionError) as error:
        line = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise StructureError(
            f"{name} is not JSON{line}; brackets, quotes and commas must be whole: write the file again"
        ) from error
    return held if isinstance(held, list) else [held]


def build(record: Any, name: str) -> Structure:
    """The structure of a record."""
    if isinstance(record, dict) and "structure" in record:
        record = record["structure"]
    if not isinstance(record, dict) or not {"lattice", "sites"} <= record.keys():
        raise StructureError(
            f"{name} is JSON but no pymatgen structure; the keys lattice and sites are expected"
        )
    lattice, sites = record["lattice"], record["sites"]
    rows = lattice.get("matrix") if isinstance(lattice, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise StructureError(f"{name} has no lattice matrix; three rows of three numbers are expected")
    if not isinstance(sites, list) or not all(isinstance(site, dict) for site in sites):
        raise StructureError(
            f"{name} has sites that are no list of records; species and abc are expected in each"
        )
    if not sites:
        raise StructureError(f"{name} has no atoms; at least one is expected")
    periodic = lattice.get("pbc", (True, True, True))
    if not isinstance(periodic, (list, tuple)) or len(periodic) != 3:
        raise StructureError(f"{name} has pbc {shown(periodic)}; three of true and false are expected")
    vectors = cell([number for row in rows for number in row], name)
    species, places = [], np.empty((len(sites), 3))
    for index, site in enumerate(sites):
        species.append(_occupants(site.get("species"), f"{name} has at atom {index + 1}"))
        abc = site.get("abc")
        if not isinstance(abc, list) or len(abc) != 3:
            raise StructureError(
                f"{name} has no abc at atom {index + 1}; three fractional coordinates are expected"
            )
        for axis, word in enumerate(abc):
            places[index, axis] = finite(word, f"{name} has a coordinate of atom {index + 1} that")
    pbc = (bool(periodic[0]), bool(periodic[1]), bool(periodic[2]))
    return Structure(Lattice(vectors, pbc=pbc), species, places, validate_proximity=False)


def _occupants(parts: Any, where: str) -> dict[Element | Species | DummySpecies, float]:
    if not isinstance(parts, list) or not all(isinstance(part, dict) and "element" in part for part in parts):
        raise StructureError(f"{where} no list of species; an element and occu are expected in each")
    held: dict[Element | Species | DummySpecies, float] = {}
    for part in parts:
        kind = _kind_of_atom(part, where)
        amount = finite(part.get("occu", 1.0), f"{where} an occupancy that")
        if not 0 <= amount <= 1.05:
            raise StructureError(f"{where} {kind.symbol} occupied {amount:g} times; 0 to 1 is expected")
        held[kind] = held.get(kind, 0.0) + amount
    if not 0 <= sum(held.values()) <= 1.05:
        raise StructureError(
            f"{where} occupancies that add up to {sum(held.values()):g}; at most 1 is expected"
        )
    return held


def _kind_of_atom(part: dict, where: str) -> Element | Species | DummySpecies:
    word = str(part["element"])
    kind = None
    if re.fullmatch(r"[A-Z][a-z]?(\d*\.?\d*[-+])?", word):
        with contextlib.suppress(ValueError):
            kind = get_el_sp(word)
    if kind is None or isinstance(kind, DummySpecies):
        raise StructureError(
            f"{where} {shown(word)}, which is no element; name an element of the periodic table"
        )
    state = part.get("oxidation_state")
    if state is None or not isinstance(kind, Element):
        return kind
    return Species(kind.name, finite(state, f"{where} an oxidation state that"))
