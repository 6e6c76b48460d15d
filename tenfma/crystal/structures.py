"""Crystals in: files and prototype names become checked pymatgen structures, or one sentence saying why not.

What was done to a structure on the way in (which prototype was taken, oxidation states left out, a molecule
put in a box) is told by `notes(structure)`.
"""

import gzip
import io
import json
import os
import re
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from pymatgen.core import DummySpecies, Element, Lattice, Species, Structure
from pymatgen.core.periodic_table import get_el_sp

from tenfma.crystal import prototypes
from tenfma.crystal.checks import checked, note, notes
from tenfma.errors import StructureError

__all__ = ["PREFIX", "from_ase", "notes", "parse", "read", "read_all"]

PREFIX = "prototype:"
#: the largest text that is read, bytes: one crystal, and trajectories or lists of crystals
LARGEST_CRYSTAL = 8 * 2**20
LARGEST_LIST = 512 * 2**20
#: rows of atom sites times symmetry operations that a CIF may ask to be expanded
MOST_EXPANDED = 400_000
#: empty space put around a molecule, Å on each side
BOX_MARGIN = 10.0
FORMATS = "CIF, POSCAR, extxyz or pymatgen JSON"


def read(source: str | Path) -> Structure:
    """The crystal that `source` names: a file or `prototype:NAME`.

    Files: CIF, POSCAR, extxyz, pymatgen JSON, each also as .gz. The first one where a file
    holds several. Raises StructureError with one sentence on anything else.
    """
    found = read_all(source, limit=2)
    if len(found) > 1:
        note(found[0], f"{source} holds several structures; this is the first")
    return found[0]


def read_all(source: str | Path, limit: int | None = None) -> list[Structure]:
    """Every crystal that `source` holds, or its first `limit`."""
    text = str(source)
    if text.lower().startswith(PREFIX):
        return [_prototype(text[len(PREFIX) :].strip())]
    return parse(_bytes(Path(text)), Path(text).name, limit)


def parse(data: bytes, name: str, limit: int | None = None) -> list[Structure]:
    """The crystals in `data`, the contents of a file called `name`, its format told by ending or text."""
    if data[:2] == b"\x1f\x8b":
        data = _unpacked(data, name)
    text = _text(data, name)
    kind = _kind(text, name)
    if kind in ("CIF", "POSCAR") and len(data) > LARGEST_CRYSTAL:
        raise StructureError(
            f"{name} is {_size(len(data))}, but at most {_size(LARGEST_CRYSTAL)} of {kind} is read; split it"
        )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            found = [checked(structure, name) for structure in _PARSERS[kind](text, name, limit)[:limit]]
        except StructureError:
            raise
        except KeyError as error:
            unknown = f"{error} is no symbol it knows (write deuterium as H)"
            raise StructureError(f"{name} could not be read as {kind}: {unknown}") from error
        except Exception as error:  # a parser may raise anything on a broken file
            raise StructureError(f"{name} could not be read as {kind}: {_sentence(error)}") from error
    if not found:
        raise StructureError(f"{name} holds no structure; {FORMATS} with at least one atom is expected")
    said = dict.fromkeys(
        _sentence(w.message) for w in caught if not issubclass(w.category, DeprecationWarning)
    )
    return [note(structure, *said) for structure in found]


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
    try:
        if os.path.isdir(path):
            raise StructureError(f"{path} is a folder; a file ({FORMATS}) or {PREFIX}NAME is expected")
        if not os.path.exists(path):
            raise StructureError(f"there is no file {path}; a file ({FORMATS}) or {PREFIX}NAME is expected")
        if not path.is_file():
            raise StructureError(f"{path} is not a plain file; {FORMATS} is expected")
        if path.stat().st_size > LARGEST_LIST:
            raise StructureError(
                f"{path} is {_size(path.stat().st_size)}, and at most {_size(LARGEST_LIST)} is read; split it"
            )
        return path.read_bytes()
    except StructureError:
        raise
    except (OSError, ValueError) as error:
        raise StructureError(f"{str(path)[:80]} could not be opened: {_sentence(error)}") from error


def _unpacked(data: bytes, name: str) -> bytes:
    try:
        with gzip.open(io.BytesIO(data)) as file:
            plain = file.read(LARGEST_LIST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise StructureError(f"{name} is not a whole gzip file; compress it again") from error
    if len(plain) > LARGEST_LIST:
        raise StructureError(f"{name} unpacks to more than {_size(LARGEST_LIST)}; split it")
    return plain


def _text(data: bytes, name: str) -> str:
    if not data.strip():
        raise StructureError(f"{name} is empty; {FORMATS} is expected")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    head = text[:65536]
    odd = sum(1 for letter in head if letter < " " and letter not in "\t\n\r\f\x1a")
    if odd > 0.001 * len(head):
        raise StructureError(f"{name} is not text; {FORMATS} is expected")
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
        f"the format of {name} is not known from its ending or its text; {FORMATS} is expected"
    )


# Formats


def _cif(text: str, name: str, limit: int | None) -> list[Structure]:
    from pymatgen.io.cif import CifParser

    lower = text.lower()
    for needed in ("data_", "_cell_length_a", "_atom_site"):
        if needed not in lower:
            raise StructureError(
                f"{name} is not a whole CIF: it has no {needed}; cell and atom sites are expected"
            )
    operations = len(re.findall(r"[-+\dxyz/.]*[xyz][-+\dxyz/. ]*,[-+\dxyz/. ]*,[-+\dxyz/. ]*", lower))
    loop = re.search(
        r"(?m)^\s*_atom_site_fract_x.*\n(?:\s*_.*\n)*((?:(?!\s*(?:_|loop_|data_|#)).*\n?)*)", lower
    )
    rows = len(loop[1].splitlines()) if loop else 0
    if rows * max(1, operations) > MOST_EXPANDED:
        raise StructureError(
            f"{name} has {rows:,} atom sites and {operations:,} symmetry operations, too many to expand"
        )
    if max(map(len, text.splitlines())) > 4096:
        raise StructureError(f"{name} is not a CIF: it has lines of more than 4,096 characters")
    try:
        return CifParser.from_str(text, occupancy_tolerance=1.05).parse_structures(
            primitive=False, on_error="raise"
        )
    except ValueError as error:
        if "Invalid CIF file with no structures" not in str(error):
            raise
        raise StructureError(
            f"{name} could not be read as CIF: its cell, symmetry or atom sites are broken"
        ) from error


def _poscar(text: str, name: str, limit: int | None) -> list[Structure]:
    from pymatgen.io.vasp.inputs import Poscar

    lines = text.splitlines()
    if len(lines) < 8:
        raise StructureError(
            f"{name} is not a whole POSCAR: it has {len(lines)} lines, and at least 8 are expected"
        )
    if re.fullmatch(r"[\d\s]+", lines[5]) and not re.fullmatch(r"(\s*[A-Z][a-z]?\d*(\.\d+)?)+\s*", lines[0]):
        raise StructureError(
            f"{name} does not name its elements; put their symbols on line 6, as VASP 5 does"
        )
    counts = [int(word) for line in lines[5:7] for word in line.split() if re.fullmatch(r"\d{1,18}", word)]
    if sum(counts) > len(lines):
        raise StructureError(
            f"{name} announces {sum(counts):,} atoms and has {len(lines)} lines; it is not whole"
        )
    return [Poscar.from_str(text).structure]


def _extxyz(text: str, name: str, limit: int | None) -> list[Structure]:
    from ase.io.extxyz import read_xyz

    lines = text.splitlines()
    start = 0
    while start < len(lines) and (count := _whole(lines[start])) is not None:
        start += count + 2
    if start > len(lines):
        raise StructureError(f"{name} announces more atoms than it has lines; it is not a whole extxyz file")
    index = slice(None) if limit is None else slice(0, limit)
    frames = list(read_xyz(io.StringIO(text), index))
    if not all(map(len, frames)):
        raise StructureError(f"{name} holds a frame with no atoms; at least one is expected")
    return [from_ase(atoms) for atoms in frames]


def _whole(line: str) -> int | None:
    """The line as a whole number, None if it is none."""
    try:
        return max(int(line), 0)
    except ValueError:
        return None


def _json(text: str, name: str, limit: int | None) -> list[Structure]:
    try:
        held = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise StructureError(f"{name} is not JSON: {_sentence(error)}") from error
    held = held if isinstance(held, list) else [held]
    return [_from_record(record, name) for record in held[:limit]]


def _from_record(record: object, name: str) -> Structure:
    """A structure from pymatgen's JSON: lattice and sites only; nothing named in the file is imported."""
    if isinstance(record, dict) and "structure" in record:
        record = record["structure"]
    if not isinstance(record, dict) or not {"lattice", "sites"} <= record.keys():
        raise StructureError(
            f"{name} is JSON but no pymatgen structure; the keys lattice and sites are expected"
        )
    lattice = Lattice(
        record["lattice"]["matrix"], pbc=tuple(record["lattice"].get("pbc", (True, True, True)))
    )
    species = [
        {_kind_of_atom(part): float(part.get("occu", 1.0)) for part in site["species"]}
        for site in record["sites"]
    ]
    return Structure(lattice, species, [site["abc"] for site in record["sites"]])


def _kind_of_atom(part: dict) -> Element | Species | DummySpecies:
    kind = get_el_sp(str(part["element"]))
    state = part.get("oxidation_state")
    return kind if state is None or not isinstance(kind, Element) else Species(kind.symbol, float(state))


_PARSERS: dict[str, Callable[[str, str, int | None], list[Structure]]] = {
    "CIF": _cif,
    "POSCAR": _poscar,
    "extxyz": _extxyz,
    "JSON": _json,
}


def from_ase(atoms) -> Structure:
    """A structure from ASE Atoms; a molecule (no lattice) goes in a box with 10 Å of vacuum on each side."""
    pbc = np.asarray(atoms.pbc, dtype=bool)
    cell = np.asarray(atoms.cell.array, dtype=float)
    symbols, positions = atoms.get_chemical_symbols(), np.asarray(atoms.positions, dtype=float)
    if not cell.any():
        extent = positions.max(0) - positions.min(0) + 2 * BOX_MARGIN
        centred = positions - positions.min(0) + BOX_MARGIN
        boxed = Structure(Lattice(np.diag(extent)), symbols, centred, coords_are_cartesian=True)
        return note(
            boxed,
            "no lattice is given: boxed with 10 Å of vacuum all round, so volume and density are the box's",
        )
    lattice = Lattice(cell, pbc=(bool(pbc[0]), bool(pbc[1]), bool(pbc[2])))
    return Structure(lattice, symbols, positions, coords_are_cartesian=True)


def _size(n_bytes: int) -> str:
    return f"{n_bytes / 2**20:.0f} MB"


def _sentence(error: object) -> str:
    """The first line of a library's message, short, without its full stop."""
    line = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return (line if len(line) <= 160 else line[:157] + "...").rstrip(".")
