"""What names a crystal, and whether a file of that name is there: known before any library that reads it is imported."""

import os
from pathlib import Path

from tenfma.crystal import RESOLVERS
from tenfma.errors import StructureError

PREFIX = "prototype:"
#: how the formats are named in messages
EXPECTED = "CIF, POSCAR, extxyz or pymatgen JSON"
#: the largest list of crystals that is read, bytes
LARGEST_LIST = 512 * 2**20


def check_source(source: str | Path) -> None:
    """Raise StructureError where `source` names a file that cannot be there; names with a prefix pass."""
    text = str(source)
    if any(text.lower().startswith(prefix) for prefix in (PREFIX, *RESOLVERS)):
        return
    if not text.strip():
        raise StructureError(
            f"the name of the file is empty; a file ({EXPECTED}) or {PREFIX}NAME is expected"
        )
    check_file(Path(text))


def check_file(path: Path) -> None:
    """Raise StructureError unless there is a plain file of a size that is read."""
    try:
        if os.path.isdir(path):
            raise StructureError(f"{path} is a folder; a file ({EXPECTED}) or {PREFIX}NAME is expected")
        if not os.path.exists(path):
            raise StructureError(f"there is no file {path}; a file ({EXPECTED}) or {PREFIX}NAME is expected")
        if not path.is_file():
            raise StructureError(f"{path} is not a plain file; {EXPECTED} is expected")
        if path.stat().st_size > LARGEST_LIST:
            raise StructureError(
                f"{path} is {size_of(path.stat().st_size)}, and at most {size_of(LARGEST_LIST)} is read; split it"
            )
    except StructureError:
        raise
    except (OSError, ValueError) as error:
        raise StructureError(f"{str(path)[:80]} could not be opened: {error}") from error


def size_of(n_bytes: int) -> str:
    """Bytes in words."""
    return f"{n_bytes / 2**20:.0f} MB"
