"""What a file of labelled frames holds, before any of it is believed: bytes of a sensible size, counts that are there."""

from pathlib import Path

from tenfma.errors import TenfmaError
from tenfma.unpacking import unpacked

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


def _named(path: Path) -> str:
    text = str(path)
    return text if len(text) <= 200 else text[:197] + "…"
