"""Folders and single files: CIF, POSCAR, extxyz, pymatgen JSON, zip archives of them, CSV tables and ASE databases.

Items are named by the contents of their file, so that a file brought once is known again wherever it lies.
"""

import hashlib
import os
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from tenfma.catalogue.sources import Item, Loaded, SourceError
from tenfma.catalogue.sources.beside import BESIDE, Row, rows_beside
from tenfma.catalogue.sources.numbers import labels_of, left_out, units_of, values_of
from tenfma.errors import StructureError
from tenfma.unpacking import unpacked

LARGEST = 512 * 2**20
#: members of an archive, and bytes they may unpack to together
MOST_MEMBERS = 1_000_000
MOST_UNPACKED = 4 * 2**30
ENDINGS = (".cif", ".mcif", ".vasp", ".poscar", ".extxyz", ".xyz", ".json", ".gz", ".csv", ".db", ".zip")


class Files:
    """Every crystal under a path: a folder, walked in order of names, or one file."""

    def __init__(self, path: Path, name: str = "") -> None:
        self.path = Path(path)
        if not self.path.exists():
            raise SourceError(
                f"there is no file or folder {path}; a folder, a file or an address is expected"
            )
        self.origin = "files"
        self.name = name or self.path.resolve().name
        self._closed: list[OSError] = []
        self._found = sorted(self._walk())
        if not self._found and not self._closed:
            raise SourceError(f"{path} holds no file that may be a crystal; {', '.join(ENDINGS)} are read")

    def size(self) -> int | None:
        return len(self._found)

    def items(self, cursor: str = "") -> Iterator[Item]:
        for path in self._found:
            shown = str(path.relative_to(self.path)) if path != self.path else path.name
            try:
                yield from of_file(path, shown)
            except OSError as error:
                yield refused(shown, SourceError(f"{shown} could not be read ({error.strerror or error})"))
            except (StructureError, SourceError) as error:
                yield refused(shown, error)
        for closed in self._closed:
            told = f"{closed.filename} could not be listed ({closed.strerror})"
            yield refused(str(closed.filename), SourceError(told))
        for folder in dict.fromkeys(path.parent for path in self._found if self.path.is_dir()):
            table = folder / BESIDE
            with suppress(OSError, SourceError):  # told of each crystal beside it
                if table.is_file():
                    names = {path.name for path in folder.iterdir()}
                    yield from _without_file(
                        rows_beside(table.read_bytes()), names, str(table.relative_to(self.path))
                    )

    def _walk(self) -> Iterator[Path]:
        if self.path.is_file():
            yield self.path
            return
        for folder, _, names in os.walk(self.path, onerror=self._closed.append):
            for path in (Path(folder, name) for name in names if name != BESIDE and not name.startswith(".")):
                stem = path.name.lower()
                if (stem.endswith(ENDINGS) or stem.startswith(("poscar", "contcar"))) and path.is_file():
                    yield path


def of_file(path: Path, shown: str) -> Iterator[Item]:
    """The items of one file."""
    if path.stat().st_size > LARGEST and path.suffix.lower() not in (".csv", ".db", ".zip"):
        raise SourceError(f"{shown} is larger than {LARGEST // 2**20} MB; split it")
    suffix = path.suffix.lower()
    if suffix == ".db":
        from tenfma.catalogue.sources.tables import ase_rows

        yield from ase_rows(path, shown)
    elif suffix == ".csv":
        from tenfma.catalogue.sources.tables import csv_rows

        yield from csv_rows(path, shown)
    elif suffix == ".zip":
        yield from _archive(path, shown)
    else:
        yield from of_bytes(path.read_bytes(), shown, _beside(path))


def of_bytes(data: bytes, shown: str, beside: Row | None = None) -> Iterator[Item]:
    """The items of a file's contents: one for a CIF or POSCAR, one for each frame of a list."""
    digest = hashlib.sha256(data).hexdigest()[:24]
    plain = Path(shown).name.lower().removesuffix(".gz")
    if not plain.endswith((".extxyz", ".xyz", ".json")):
        yield Item(f"{digest}:0", shown, lambda: _whole_file(data, shown, beside or Row()))
        return
    from tenfma.crystal.formats import FORMATS

    kind = "JSON" if plain.endswith(".json") else "extxyz"
    pieces = FORMATS[kind].split(_text(data, shown), shown)
    for place, piece in enumerate(pieces):
        where = shown if len(pieces) == 1 else f"{shown}, frame {place}"
        yield Item(f"{digest}:{place}", where, _framed(kind, piece, where, beside or Row()))


def _text(data: bytes, shown: str) -> str:
    """The text of a file, unpacked where it is gzip, and no longer than is read."""
    if data[:2] == b"\x1f\x8b":
        data = unpacked(data, shown, LARGEST, SourceError)
    elif len(data) > LARGEST:
        raise SourceError(f"{shown} is larger than {LARGEST // 2**20} MB; split it")
    if not data.strip():
        raise SourceError(f"{shown} is empty; at least one crystal is expected")
    return data.decode("utf-8-sig", errors="replace")


def refused(where: str, error: Exception) -> Item:
    """An item that says why it cannot be loaded."""

    def fail() -> list[Loaded]:
        raise SourceError(str(error)) from error

    return Item(f"refused:{where}"[:500], where, fail)


def _whole_file(data: bytes, shown: str, beside: Row) -> list[Loaded]:
    from tenfma.crystal.structures import parse_frames

    frames = parse_frames(data, Path(shown).name)
    if frames.refused:
        raise frames.refused[0][1]
    return [_beside_it(structure, {}, beside, shown) for structure in frames.structures]


def _framed(kind: str, piece: Any, where: str, beside: Row) -> Callable[[], list[Loaded]]:
    def load() -> list[Loaded]:
        from tenfma.crystal.checks import checked
        from tenfma.crystal.formats import FORMATS

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                structure = checked(FORMATS[kind].build(piece, where), where)
            except StructureError:
                raise
            except Exception as error:  # a parser may raise anything on a broken frame
                raise SourceError(f"{where} could not be read as {kind}: {str(error)[:160]}") from error
        info = _comment(piece.comment) if kind == "extxyz" else _flat(piece)
        return [_beside_it(structure, info, beside, where)]

    return load


def _beside_it(structure: Any, info: Mapping[str, Any], beside: Row, shown: str) -> Loaded:
    record = {**info, **beside.cells}
    labels = labels_of(record)
    labels.setdefault("identifier", shown)
    left = (*(f"{shown}: {sentence}" for sentence in left_out(info)), *beside.left)
    return Loaded(structure, values_of(record), units_of(record), labels, left)


def _comment(comment: str) -> dict[str, Any]:
    from ase.io.extxyz import key_val_str_to_dict

    try:
        found = key_val_str_to_dict(comment)
    except Exception:  # plain xyz: the comment is a person's own
        return {}
    return {key: value for key, value in found.items() if key not in ("Lattice", "Properties", "pbc")}


def _flat(record: Any) -> dict[str, Any]:
    """The plain values beside a structure in a JSON record."""
    if not isinstance(record, dict):
        return {}
    beside = record if "structure" in record else record.get("properties") or {}
    return {
        key: value for key, value in beside.items() if isinstance(value, (int, float, str)) or key == "units"
    }


def _beside(path: Path) -> Row | None:
    table = path.parent / BESIDE
    return rows_beside(table.read_bytes()).get(path.name) if table.is_file() else None


def _without_file(rows: Mapping[str, Row], names: set[str], where: str) -> Iterator[Item]:
    """What a table says of files that are not there, each as an item that cannot be loaded."""
    for name in rows.keys() - names:
        yield refused(where, SourceError(f"{where} names {name[:80]!r}, which is not beside it"))


def _archive(path: Path, shown: str) -> Iterator[Item]:
    """The members of a zip archive, one in memory at a time."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if len(members) > MOST_MEMBERS or sum(member.file_size for member in members) > MOST_UNPACKED:
                raise SourceError(
                    f"{shown} unpacks to {len(members):,} files and {sum(m.file_size for m in members) / 2**30:.1f} GB; "
                    f"at most {MOST_MEMBERS:,} and {MOST_UNPACKED / 2**30:.0f} GB are taken: split it"
                )
            table = next((member for member in members if Path(member.filename).name == BESIDE), None)
            beside = rows_beside(_member(archive, table), f"{shown}/{BESIDE}") if table else {}
            yield from _without_file(
                beside, {Path(member.filename).name for member in members}, f"{shown}/{BESIDE}"
            )
            for member in sorted(members, key=lambda m: m.filename):
                name = Path(member.filename).name
                where = f"{shown}/{member.filename}"
                if name == BESIDE or not name.lower().endswith(ENDINGS[:8]):
                    continue
                try:
                    yield from of_bytes(_member(archive, member), where, beside.get(name))
                except (StructureError, SourceError) as error:
                    yield refused(where, error)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise SourceError(f"{shown} could not be unpacked: {str(error)[:120]}; zip it again") from error


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, most: int = 64 * 2**20) -> bytes:
    """A member's bytes; what it says of its size is not believed."""
    with archive.open(member) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise SourceError(f"{member.filename} unpacks to more than {most // 2**20} MB; split it")
    return data
