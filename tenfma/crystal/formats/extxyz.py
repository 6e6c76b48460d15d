"""extxyz and plain xyz: frames are told apart by their atom counts, so that a broken one harms no other.

A frame is a line with the number of atoms, a comment line (in extxyz with Lattice="…", Properties=… and
pbc="…"), and one line for each atom. Where a frame has more or fewer lines than it announces, reading goes on
at the next line that holds nothing but a number and is followed by what a frame looks like.
"""

import re
from dataclasses import dataclass

import numpy as np
from pymatgen.core import Lattice, Structure
from pymatgen.core.periodic_table import Element

from tenfma.crystal.checks import MOST_ATOMS, note
from tenfma.crystal.formats.numbers import cell, finite, shown
from tenfma.errors import StructureError

#: empty space put around a molecule, Å on each side
BOX_MARGIN = 10.0
#: columns an atom may have
MOST_COLUMNS = 1000
USUAL = "species:S:1:pos:R:3"
_KEY = r"""(?i:(?:^|\s){}\s*=\s*)(?:"([^"]*)"|'([^']*)'|\{{([^}}]*)\}}|\[([^\]]*)\]|(\S+))"""
_TRUTH = {"t": True, "true": True, "1": True, "f": False, "false": False, "0": False}


@dataclass(frozen=True)
class Frame:
    """One frame's comment and atom lines, or what is wrong with its extent."""

    comment: str
    atoms: list[str]
    fault: str = ""


def split(text: str, name: str) -> list[Frame]:
    """The frames of a file; those that announce more or fewer atoms than they have carry the fault."""
    lines = text.split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    frames = []
    start = _next(lines, 0)
    if start is None:
        raise StructureError(
            f"{name} is no extxyz file: its first line is {shown(lines[0].strip())}, and the number of atoms is "
            "expected"
        )
    if start > 0 and any(line.strip() for line in lines[:start]):
        frames.append(
            Frame("", [], f"begins with {shown(lines[0].strip())} where the number of atoms is expected")
        )
    while start is not None and start < len(lines):
        count = max(_count(lines[start]) or 0, 0)
        end = start + 2 + count
        early = next((i for i in range(start + 2, min(end, len(lines))) if _begins(lines, i)), None)
        following = early if early is not None else min(end, len(lines))
        while following < len(lines) and not lines[following].strip():
            following += 1
        after = following
        if following < len(lines) and _count(lines[following]) is None:
            found = _next(lines, following)
            after = len(lines) if found is None else found
        body = lines[start + 2 : min(end, early or end)]
        fault = ""
        if count < 1:
            fault = f"announces {lines[start].strip()} atoms; at least one is expected"
        elif len(body) < count:
            fault = f"announces more atoms than it has lines: {count:,} and {len(body):,}; it is not whole"
        elif after > following:
            fault = f"announces {count:,} atoms and has more lines than that; correct the number"
        frames.append(Frame(lines[start + 1] if start + 1 < len(lines) else "", [] if fault else body, fault))
        start = after
    return frames


def build(frame: Frame, name: str) -> Structure:
    """One structure; a molecule (no Lattice) goes in a box with 10 Å of vacuum on each side."""
    if frame.fault:
        raise StructureError(f"{name} {frame.fault}")
    if len(frame.atoms) > MOST_ATOMS:
        raise StructureError(
            f"{name} has {len(frame.atoms):,} atoms, and at most {MOST_ATOMS:,} are taken; use a smaller cell"
        )
    columns, width = _columns(_value(frame.comment, "Properties") or USUAL, name)
    species, positions = [], np.empty((len(frame.atoms), 3))
    for row, line in enumerate(frame.atoms):
        words = line.split()
        if len(words) < width:
            raise StructureError(f"{name} has {len(words)} columns at atom {row + 1}; {width} are expected")
        species.append(_species(words[columns["species"]], f"{name} has at atom {row + 1}"))
        for axis in range(3):
            where = f"{name} has a coordinate of atom {row + 1} that"
            positions[row, axis] = finite(words[columns["pos"] + axis], where)
    lattice = _value(frame.comment, "Lattice")
    if lattice is None:
        return boxed(species, positions)
    vectors = cell(re.split(r"[\s,]+", lattice.replace("[", " ").replace("]", " ").strip()), name)
    return Structure(
        Lattice(vectors, pbc=_pbc(frame.comment, name)), species, positions, coords_are_cartesian=True
    )


def boxed(species: list[str], positions: np.ndarray) -> Structure:
    """A molecule in a box with vacuum all round, which is said."""
    low = positions.min(0)
    extent = positions.max(0) - low + 2 * BOX_MARGIN
    structure = Structure(
        Lattice(np.diag(extent)), species, positions - low + BOX_MARGIN, coords_are_cartesian=True
    )
    return note(
        structure,
        "no lattice is given: boxed with 10 Å of vacuum all round, so volume and density are the box's",
    )


def _count(line: str) -> int | None:
    """The line as a number of atoms, None if it is none."""
    return int(line) if re.fullmatch(r"\s*[-+]?\d{1,20}\s*", line) else None


def _begins(lines: list[str], index: int) -> bool:
    """Whether a frame begins here, inside what an earlier count claims: a count, and a comment or an atom after it."""
    if _count(lines[index]) is None or index + 2 >= len(lines):
        return False
    return re.search(r"(?i)\b(Lattice|Properties)\s*=", lines[index + 1]) is not None or (
        _count(lines[index + 1]) is None
        and re.match(r"\s*[A-Za-z]{1,3}\S*(\s+[-+.\d]\S*){3}", lines[index + 2]) is not None
    )


def _next(lines: list[str], start: int) -> int | None:
    """The first line from `start` on that holds nothing but a count."""
    return next((i for i in range(start, len(lines)) if _count(lines[i]) is not None), None)


def _value(comment: str, key: str) -> str | None:
    """What stands behind key= in a comment line, without its quotes or brackets."""
    found = re.search(_KEY.format(key), comment)
    return None if found is None else next(text for text in found.groups() if text is not None)


def _columns(properties: str, name: str) -> tuple[dict[str, int], int]:
    """Where species and positions stand, and how many columns there are, from name:type:count triples."""
    words = properties.split(":")
    places: dict[str, int] = {}
    width = 0
    expected = f"triples of name, type and number such as {USUAL} are expected"
    if len(words) % 3:
        raise StructureError(f"{name} has Properties={shown(properties)}; {expected}")
    for key, kind, count in zip(words[::3], words[1::3], words[2::3]):
        if kind not in ("S", "R", "I", "L") or not re.fullmatch(r"[1-9]\d{0,3}", count):
            raise StructureError(f"{name} has Properties with {shown(f'{key}:{kind}:{count}')}; {expected}")
        if key == "pos" and (kind != "R" or count != "3"):
            raise StructureError(
                f"{name} has positions of {count} columns of type {kind}; pos:R:3 is expected"
            )
        places.setdefault(key, width)
        width += int(count)
    if width > MOST_COLUMNS:
        raise StructureError(f"{name} announces {width:,} columns; at most {MOST_COLUMNS:,} are expected")
    who = places.get("species", places.get("Z"))
    if who is None or "pos" not in places:
        raise StructureError(f"{name} has Properties without species or without pos; {expected}")
    return {"species": who, "pos": places["pos"]}, width


def _species(word: str, where: str) -> str:
    """The symbol of an element, deuterium (D) and tritium (T) among them, or its number."""
    if re.fullmatch(r"\d{1,3}", word):
        if 1 <= int(word) <= 118:
            return Element.from_Z(int(word)).symbol
        raise StructureError(f"{where} the atomic number {word}; 1 to 103 is expected")
    symbol = word.capitalize()
    if not Element.is_valid_symbol(symbol):
        raise StructureError(
            f"{where} {shown(word)}, which is no element; name an element of the periodic table"
        )
    return symbol


def _pbc(comment: str, name: str) -> tuple[bool, bool, bool]:
    """Which axes are periodic; all of them unless it is said."""
    text = _value(comment, "pbc")
    if text is None:
        return (True, True, True)
    words = [word for word in re.split(r"[\s,]+", text.strip().lower()) if word]
    if len(words) != 3 or not all(word in _TRUTH for word in words):
        raise StructureError(
            f'{name} has pbc={shown(text)}; three of T and F are expected, such as pbc="T T F"'
        )
    return (_TRUTH[words[0]], _TRUTH[words[1]], _TRUTH[words[2]])
