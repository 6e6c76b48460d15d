"""Crystals in: files and prototype names become checked pymatgen structures, or one sentence saying why not.

A file may hold many frames (a trajectory, a CIF of several blocks, a list of records): each is read by itself, so
that a broken one harms no other. What was done to a structure on the way in (which prototype was taken, oxidation
states left out, a molecule put in a box) is told by `notes(structure)`.
"""

import re
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from pymatgen.core import Lattice, Structure

from tenfma.crystal import RESOLVERS, prototypes
from tenfma.crystal.checks import checked, note, notes
from tenfma.crystal.formats import FORMATS
from tenfma.crystal.formats.extxyz import boxed
from tenfma.crystal.sources import EXPECTED, LARGEST_LIST, PREFIX, check_file, check_source, size_of
from tenfma.errors import StructureError
from tenfma.unpacking import unpacked

__all__ = [
    "PREFIX",
    "Frames",
    "Unread",
    "from_ase",
    "notes",
    "parse",
    "parse_frames",
    "read",
    "read_all",
    "read_frames",
    "unread",
]

#: the largest text of one crystal that is read, bytes
LARGEST_CRYSTAL = 8 * 2**20


@dataclass(frozen=True)
class Frames:
    """What a file holds: the crystals that could be read, where each stands, and which frames could not."""

    structures: list[Structure]
    places: list[int]
    """the frame of the file that each structure is, counted from 0."""
    refused: list[tuple[int, StructureError]]
    """frames that could not be read, with the sentence that says why."""
    total: int
    """frames in the file, read or not."""


@dataclass(frozen=True)
class Unread:
    """Frames that are told apart and not yet read, so that another process may read them: `built()`."""

    kind: str
    """the format, or empty where `frames` are structures already."""
    name: str
    frames: list[Any]
    total: int
    """frames in the file; these may be some of them."""
    first: int = 0
    """the place of the first one, counted from 0."""

    def part(self, start: int, end: int | None) -> "Unread":
        """The frames from `start` to before `end` of these."""
        return replace(self, frames=self.frames[start:end], first=self.first + start)

    def built(self) -> Frames:
        """The frames read, each by itself."""
        if not self.kind:
            places = list(range(self.first, self.first + len(self.frames)))
            return Frames(self.frames, places, [], self.total)
        found = Frames([], [], [], self.total)
        for place, piece in enumerate(self.frames, start=self.first):
            label = self.name if self.total == 1 else f"frame {place} of {self.name} (counted from 0)"
            try:
                structure = _built(self.kind, piece, label)
            except StructureError as error:
                found.refused.append((place, error))
            else:
                found.structures.append(structure)
                found.places.append(place)
        return found


def read(source: str | Path) -> Structure:
    """The crystal that `source` names: a file or `prototype:NAME`.

    Files: CIF, POSCAR, extxyz, pymatgen JSON, each also as .gz. The first one where a file
    holds several. Raises StructureError with one sentence on anything else.
    """
    frames = read_frames(source, limit=1)
    structure = _whole(frames)[0]
    if frames.total > 1:
        note(structure, f"{source} holds several structures; this is the first")
    return structure


def read_all(source: str | Path, limit: int | None = None) -> list[Structure]:
    """Every crystal that `source` holds, or its first `limit`; raises StructureError if one cannot be read."""
    return _whole(read_frames(source, limit))


def read_frames(source: str | Path, limit: int | None = None) -> Frames:
    """The crystals that `source` holds and the frames that cannot be read, of all or of the first `limit`.

    Raises StructureError where nothing of it can be read.
    """
    return _some(unread(source), limit)


def unread(source: str | Path) -> Unread:
    """The frames that `source` holds, told apart only. Raises StructureError where there is nothing to read."""
    text = str(source)
    if text.lower().startswith(PREFIX):
        return Unread("", text, [_prototype(text[len(PREFIX) :].strip())], 1)
    for prefix, resolve in RESOLVERS.items():
        if text.lower().startswith(prefix):
            return Unread("", text, [resolve(text[len(prefix) :].strip())], 1)
    check_source(text)
    return _split(_bytes(Path(text)), Path(text).name)


def parse(data: bytes, name: str, limit: int | None = None) -> list[Structure]:
    """The crystals in `data`, the contents of a file called `name`; raises StructureError if one cannot be read."""
    return _whole(parse_frames(data, name, limit))


def parse_frames(data: bytes, name: str, limit: int | None = None) -> Frames:
    """The crystals in `data` and the frames that cannot be read, its format told by the name's ending or the text.

    Raises StructureError where nothing can be read.
    """
    return _some(_split(data, name), limit)


def _some(whole: Unread, limit: int | None) -> Frames:
    """All frames read, or the first `limit`; raises what the first one is refused for where none is left."""
    found = whole.part(0, limit).built()
    if not found.structures:
        raise found.refused[0][1]
    return found


def _split(data: bytes, name: str) -> Unread:
    """The frames in the contents of a file called `name`."""
    name = name or "the file without a name"
    if data[:2] == b"\x1f\x8b":
        data = unpacked(data, name, LARGEST_LIST, StructureError)
    elif name.lower().endswith(".gz"):
        raise StructureError(f"{name} is not a gzip file, though its name says so; rename it or compress it")
    text = _text(data, name)
    kind = _kind(text, name)
    if kind in ("CIF", "POSCAR") and len(data) > LARGEST_CRYSTAL:
        raise StructureError(
            f"{name} is {size_of(len(data))}, but at most {size_of(LARGEST_CRYSTAL)} of {kind} is read; split it"
        )
    pieces = FORMATS[kind].split(text, name)
    if not pieces:
        raise StructureError(f"{name} holds no structure; {EXPECTED} with at least one atom is expected")
    return Unread(kind, name, pieces, len(pieces))


def _whole(frames: Frames) -> list[Structure]:
    """All structures, where no frame was refused."""
    if frames.refused:
        raise frames.refused[0][1]
    return frames.structures


def _built(kind: str, piece: object, name: str) -> Structure:
    """One frame as a checked structure; what the libraries warned of is left to the notes of the format."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return checked(FORMATS[kind].build(piece, name), name)
        except StructureError:
            raise
        except Exception as error:  # a library may raise anything on a broken file
            raise StructureError(
                f"{name} could not be read as {kind}: its parts do not fit together; write the file again"
            ) from error


def _prototype(name: str) -> Structure:
    if not name:
        raise StructureError(f"{PREFIX} needs a name, such as {PREFIX}perovskite or {PREFIX}B1")
    found = prototypes.search(name)
    structure = note(found[0].structure(), f"prototype {found[0].name}: {found[0].title}, {found[0].aflow}")
    if len(found) > 1:
        others = ", ".join(prototype.name for prototype in found[1:4])
        note(
            structure, f"{name} fits {len(found)} prototypes; the smallest cell is taken, others are {others}"
        )
    return structure


# Bytes and text


def _bytes(path: Path) -> bytes:
    check_file(path)
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise StructureError(f"{str(path)[:80]} could not be opened: {_sentence(error)}") from error


def _text(data: bytes, name: str) -> str:
    if not data.strip():
        raise StructureError(f"{name} is empty; {EXPECTED} is expected")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    head = text[:65536]
    odd = sum(1 for letter in head if letter < " " and letter not in "\t\n\r\f\x1a")
    if odd > 0.001 * len(head):
        raise StructureError(f"{name} is not text; {EXPECTED} is expected")
    return text


def _kind(text: str, name: str) -> str:
    """The format, from the ending of the name, else from how the text begins."""
    plain = name.lower().removesuffix(".gz")
    stem = Path(plain).name
    for kind, endings in (
        ("CIF", (".cif", ".mcif")),
        ("POSCAR", (".vasp", ".poscar")),
        ("extxyz", (".extxyz", ".xyz")),
        ("JSON", (".json",)),
    ):
        if plain.endswith(endings):
            return kind
    if stem.startswith(("poscar", "contcar")) or stem.endswith(("poscar", "contcar")):
        return "POSCAR"
    start = text.lstrip()[:4096]
    if start[:1] in "{[":
        return "JSON"
    if re.search(r"(?m)^data_", start):
        return "CIF"
    if re.match(r"\s*\d+\s*\n.*Lattice=", start):
        return "extxyz"
    raise StructureError(
        f"the format of {name} is not known from its ending or its text; {EXPECTED} is expected"
    )


def from_ase(atoms) -> Structure:
    """A structure from ASE Atoms; a molecule (no lattice) goes in a box with 10 Å of vacuum on each side.

    Hydrogen with a mass of 2 or 3 amu is deuterium or tritium, for which ASE has no symbol.
    """
    pbc = np.asarray(atoms.pbc, dtype=bool)
    cell = np.asarray(atoms.cell.array, dtype=float)
    positions = np.asarray(atoms.positions, dtype=float)
    symbols = [
        {2: "D", 3: "T"}.get(round(mass), symbol) if symbol == "H" else symbol
        for symbol, mass in zip(atoms.get_chemical_symbols(), atoms.get_masses())
    ]
    if not cell.any():
        return boxed(symbols, positions)
    lattice = Lattice(cell, pbc=(bool(pbc[0]), bool(pbc[1]), bool(pbc[2])))
    return Structure(lattice, symbols, positions, coords_are_cartesian=True)


def _sentence(error: object) -> str:
    """The first line of a library's message, short, without its full stop."""
    line = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return (line if len(line) <= 160 else line[:157] + "...").rstrip(".")
