"""What a file of labelled frames holds, before any of it is believed: bytes of a sensible size, counts that are there."""

from pathlib import Path
from typing import TYPE_CHECKING

from tenfma.crystal import structures
from tenfma.errors import TenfmaError
from tenfma.unpacking import unpacked

if TYPE_CHECKING:
    from pymatgen.core import Structure

#: files of which `tenfma embed` says, too, what is wrong in them
EXPLAINED = (".json", ".xyz", ".extxyz")
#: bytes, as they lie on disk and unpacked
LARGEST = 4 * 2**30


def content_of(path: Path, expected: str) -> bytes:
    """The bytes of a file, unpacked where its name ends in .gz. Raises TenfmaError where there are none, or too many."""
    try:
        if not path.is_file():
            raise TenfmaError(f"there is no file {_named(path)}; {expected} is expected")
        if path.stat().st_size == 0:
            raise TenfmaError(f"{path} is empty; {expected} is expected")
        if path.stat().st_size > LARGEST:
            raise TenfmaError(f"{path} is larger than {LARGEST / 2**30:.0f} GB; split it")
        raw = path.read_bytes()
    except (OSError, ValueError) as error:
        if isinstance(error, TenfmaError):
            raise
        reason = getattr(error, "strerror", None) or error
        raise TenfmaError(f"{_named(path)} could not be opened: {reason}") from error
    return unpacked(raw, path, LARGEST) if path.name.lower().endswith(".gz") else raw


def plain_name(path: Path) -> str:
    """The file's name in lower case, without .gz: its ending tells the format."""
    return path.name.lower().removesuffix(".gz")


def check_counts(text: str, path: Path) -> None:
    """Raise TenfmaError where a frame of an extxyz text says that it has more atoms than lines follow."""
    lines, place, frame = text.splitlines(), 0, 1
    while place < len(lines) and lines[place].strip():
        try:
            count = int(lines[place])
        except ValueError:
            return  # no count: the reader says what it is
        left = max(len(lines) - place - 2, 0)
        if not 0 <= count <= left:
            raise TenfmaError(
                f"frame {frame} of {path.name} says that it has {count} atoms, and {left} lines follow; write it again"
            )
        place, frame = place + 2 + count, frame + 1


def unreadable(path: Path, expected: str, error: Exception) -> TenfmaError:
    """The sentence for a file in which a library's parser met `error`: that of `tenfma embed`, else the library's."""
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
    if plain_name(path).endswith(EXPLAINED):
        try:
            refused = structures.unread(path).built().refused
        except TenfmaError as told:
            reason = str(told)
        else:
            reason = str(refused[0][1]) if refused else reason
    return TenfmaError(f"{path} could not be read as {expected}: {reason}")


def check_ordered(structure: "Structure", place: str) -> None:
    """Raise TenfmaError where a site is more than one element, or partly empty: labels are those of one crystal."""
    if not structure.is_ordered:
        site = next(site for site in structure if not site.is_ordered)
        raise TenfmaError(
            f"{place} has partial occupancies ({site.species_string}); give a cell with one element on each site"
        )


def _named(path: Path) -> str:
    text = str(path)
    return text if len(text) <= 200 else text[:197] + "…"
