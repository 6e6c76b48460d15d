"""POSCAR as VASP 4, 5 and 6 write it: title, scale, lattice, elements, counts, coordinates; one crystal a file."""

import re
from itertools import chain, repeat

import numpy as np
from pymatgen.core import Lattice, Structure
from pymatgen.core.periodic_table import Element

from tenfma.crystal.checks import note
from tenfma.crystal.formats.numbers import cell, finite, shown
from tenfma.errors import StructureError


def split(text: str, name: str) -> list[list[str]]:
    """The lines, which are one frame."""
    return [text.splitlines()]


def build(lines: list[str], name: str) -> Structure:
    """The structure; velocities and whatever else follows the coordinates are not read."""
    if len(lines) < 8:
        raise StructureError(
            f"{name} is not a whole POSCAR: it has {len(lines)} lines, and at least 8 are expected"
        )
    vectors = cell([word for line in lines[2:5] for word in line.split()[:3]], name)
    scale = _scale(lines[1].split(), vectors, name)
    symbols, counts, row = _elements(lines, name)
    atoms = sum(counts)
    if _initial(lines, row) == "s":  # selective dynamics
        row += 1
    cartesian = _initial(lines, row) in ("c", "k")
    rows = [line.split() for line in lines[row + 1 : row + 1 + atoms] if line.strip()]
    if len(rows) < atoms:
        raise StructureError(
            f"{name} announces {atoms:,} atoms and has {len(rows):,} lines of coordinates; it is not whole"
        )
    places = np.array([_place(words, index, name) for index, words in enumerate(rows)])
    said: list[str] = []
    if symbols:
        species = list(chain.from_iterable(map(repeat, symbols, counts)))
    else:
        species, said = _species_of_vasp4(lines[0].split(), counts, rows, name)
    if cartesian:
        places = places * scale
    structure = Structure(Lattice(vectors * scale), species, places, coords_are_cartesian=cartesian)
    return note(structure, *said)


def _scale(words: list[str], vectors: np.ndarray, name: str) -> np.ndarray:
    """The factor on x, y and z, (3,); a single negative number is the cell's volume in Å³."""
    numbers = [finite(word, f"{name} has a scale on line 2 that") for word in words[:1]]
    if len(words) >= 3 and all(_is_number(word) for word in words[1:3]):
        numbers += [finite(word, f"{name} has a scale on line 2 that") for word in words[1:3]]
    if not numbers:
        raise StructureError(f"{name} has no scale on line 2; a number such as 1.0 is expected")
    if 0 in numbers:
        raise StructureError(
            f"{name} has the scale 0 on line 2, so that its cell has no volume; 1.0 is usual"
        )
    if len(numbers) == 3 and min(numbers) < 0:
        raise StructureError(
            f"{name} has a negative number among the three scales on line 2; give positive ones"
        )
    if numbers[0] < 0:
        return np.full(3, (-numbers[0] / abs(np.linalg.det(vectors))) ** (1 / 3))
    return np.array(numbers if len(numbers) == 3 else 3 * numbers)


def _elements(lines: list[str], name: str) -> tuple[list[str], list[int], int]:
    """Symbols (none in VASP 4), counts, and the number of the line that comes next."""
    row = 5
    words: list[str] = []
    while row < len(lines) and not re.match(r"\s*[-+]?\d", lines[row]):
        words += lines[row].split("!")[0].split()
        row += 1
    symbols = [re.split(r"[_/]", word)[0] for word in words]
    for symbol in symbols:
        if not Element.is_valid_symbol(symbol):
            raise StructureError(
                f"{name} has {shown(symbol)} on the line of its elements, which is none; name elements of the "
                "periodic table"
            )
    counts: list[int] = []
    while row < len(lines) and (not counts or len(counts) < len(symbols)):
        found = _counts(lines[row], name)
        if not found:
            break
        counts += found
        row += 1
    if symbols and len(counts) != len(symbols):
        raise StructureError(
            f"{name} names {len(symbols)} elements and gives {len(counts)} numbers of atoms; as many are expected"
        )
    if sum(counts) < 1:
        raise StructureError(f"{name} has no atoms; at least one is expected")
    if sum(counts) > len(lines):
        raise StructureError(
            f"{name} announces {sum(counts):,} atoms and has {len(lines)} lines; it is not whole"
        )
    return symbols, counts, row


def _counts(line: str, name: str) -> list[int]:
    """Numbers of atoms up to the first word that is none, as a comment may follow."""
    found: list[int] = []
    for word in line.split():
        if not re.fullmatch(r"\d{1,18}", word):
            if found and not _is_number(word):
                break
            raise StructureError(
                f"{name} has {shown(word)} among its numbers of atoms; whole numbers from 0 on are expected"
            )
        found.append(int(word))
    return found


def _species_of_vasp4(
    title: list[str], counts: list[int], rows: list[list[str]], name: str
) -> tuple[list[str], list[str]]:
    """Elements where no line names them: behind the coordinates, else in the title; and what is to be said of it."""
    last = [row[-1] for row in rows]
    if all(len(row) > 3 and Element.is_valid_symbol(row[-1]) for row in rows) and set(last) != {"F"}:
        return last, []
    if len(title) == len(counts) and all(map(Element.is_valid_symbol, title)):
        return list(chain.from_iterable(map(repeat, title, counts))), [
            f"no line names the elements: {' '.join(title)} is taken from the title"
        ]
    raise StructureError(f"{name} does not name its elements; put their symbols on line 6, as VASP 5 does")


def _place(words: list[str], index: int, name: str) -> list[float]:
    """Three coordinates of one atom."""
    if len(words) < 3:
        raise StructureError(f"{name} has {len(words)} coordinates at atom {index + 1}; three are expected")
    return [finite(word, f"{name} has a coordinate of atom {index + 1} that") for word in words[:3]]


def _initial(lines: list[str], row: int) -> str:
    return lines[row].strip()[:1].lower() if row < len(lines) else ""


def _is_number(word: str) -> bool:
    return re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", word) is not None
