"""Numbers that come beside a crystal: which are properties, in what units, and which words are labels."""

import json
import math
import re
from collections.abc import Collection, Mapping
from typing import Any

#: what a record's own name may be called, best first
IDENTIFIERS = ("identifier", "material_id", "id", "mp_id", "jid", "entry_id", "name")
LABELS = ("licence", "license", "url", "source", "units")
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
#: first letters of what a spreadsheet takes for a formula, and an export marks
FORMULA = ("=", "+", "-", "@", "\t", "\r")
#: cells that say there is no value
MISSING = ("", "nan", "na", "n/a", "null", "none", "-", "–", "—", "<na>")


def values_of(record: Mapping[str, Any]) -> dict[str, float]:
    """The finite numbers of a record by name; names and labels left out."""
    found = {}
    for name, value in record.items():
        number = number_of(value)
        if _may_be(name) and number is not None and math.isfinite(number) and len(name) <= MOST_NAME:
            found[name] = number
    return found


def left_out(record: Mapping[str, Any], numeric: Collection[str] = ()) -> list[str]:
    """Which values are not taken, each in words: those without end, of too long a name, and text in `numeric` columns."""
    found = []
    for name, value in record.items():
        if not _may_be(name) or isinstance(value, bool) or str(value).strip().lower() in MISSING:
            continue
        number, told = number_of(value), f"{name[:40]} is {str(value).strip()[:40]!r}"
        if number is None and name in numeric:
            found.append(f"{told}, which is no number; such as 24.5 is expected")
        elif number is not None and not math.isfinite(number):
            found.append(f"{told}, which is not finite")
        elif number is not None and len(name) > MOST_NAME:
            found.append(f"{told}, and its name has more than {MOST_NAME} letters")
    return found


def number_of(value: Any) -> float | None:
    """A number, or text that is one; None for other things."""
    if isinstance(value, bool):
        return None
    try:
        return None if isinstance(value, str) and "_" in value else float(value)
    except OverflowError:
        return math.inf
    except (TypeError, ValueError):
        return None


def _may_be(name: str) -> bool:
    """Whether a value of this name may be a property."""
    return name.lower() not in PASSED_OVER and name not in IDENTIFIERS and name not in LABELS


def labels_of(record: Mapping[str, Any]) -> dict[str, str]:
    """The record's own identifier, licence and address."""
    plain = {name: unmarked(str(value).strip()) for name, value in record.items() if value is not None}
    found = {}
    for name in IDENTIFIERS:
        if plain.get(name, "") not in ("", "nan"):
            found["identifier"] = plain[name][:200]
            break
    for name, label in (("licence", "licence"), ("license", "licence"), ("url", "url"), ("source", "source")):
        if isinstance(record.get(name), str) and plain[name]:
            found[label] = plain[name][:500]
    return found


def unmarked(text: str) -> str:
    """Text as it was before an export marked it against spreadsheets."""
    return text[1:] if text[:1] == "'" and text[1:2] in FORMULA else text


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
    plain = unmarked(column.strip())
    found = re.fullmatch(r"(.+?)\s*(?:\[(.*)\]|\(([^()]*)\))", plain)
    return (found[1], (found[2] or found[3] or "").strip()) if found else (plain, "")
