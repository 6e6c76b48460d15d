"""Numbers that come beside a crystal: which are properties, in what units, and which words are labels."""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

#: what a record's own name may be called, best first
IDENTIFIERS = ("identifier", "material_id", "id", "mp_id", "jid", "entry_id", "name")
LABELS = ("licence", "license", "url")
#: numbers that say where a record stood, or what a crystal's sites tell already
PASSED_OVER = {
    "spacegroup_number",
    "spacegroup",
    "space_group",
    "nsites",
    "natoms",
    "n_atoms",
    "index",
    "frame",
    "distance",
}
#: units of names whose meaning a format fixes: ASE's energies are eV
KNOWN = {"energy": "eV", "free_energy": "eV"}
MOST_NAME = 80


def values_of(record: Mapping[str, Any]) -> dict[str, float]:
    """The finite numbers of a record by name; names and labels left out."""
    found = {}
    for name, value in record.items():
        if isinstance(value, bool) or name.lower() in PASSED_OVER or name in IDENTIFIERS or name in LABELS:
            continue
        try:
            number = float(value)
        except (TypeError, ValueError):
            continue
        if math.isfinite(number) and len(name) <= MOST_NAME:
            found[name] = number
    return found


def labels_of(record: Mapping[str, Any]) -> dict[str, str]:
    """The record's own identifier, licence and address."""
    found = {}
    for name in IDENTIFIERS:
        if str(record.get(name) or "").strip() not in ("", "nan"):
            found["identifier"] = str(record[name]).strip()[:200]
            break
    for name, label in (("licence", "licence"), ("license", "licence"), ("url", "url"), ("source", "source")):
        if isinstance(record.get(name), str) and record[name].strip():
            found[label] = record[name].strip()[:500]
    return found


def units_of(record: Mapping[str, Any]) -> dict[str, str]:
    """Units stated in a record's `units`: a mapping, or its JSON."""
    stated = record.get("units")
    if isinstance(stated, str):
        try:
            stated = json.loads(stated)
        except ValueError:
            stated = None
    return {str(k): str(v)[:40] for k, v in stated.items()} if isinstance(stated, Mapping) else {}


def split_unit(column: str) -> tuple[str, str]:
    """A column's name and unit.

    >>> split_unit("K_vrh [GPa]")
    ('K_vrh', 'GPa')
    """
    found = re.fullmatch(r"(.+?)\s*(?:\[(.*)\]|\(([^()]*)\))", column.strip())
    return (found[1], (found[2] or found[3] or "").strip()) if found else (column.strip(), "")
