"""Work cut into pieces that do not depend on who does them: files are split here, their frames are read there."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from tenfma.errors import TenfmaError

if TYPE_CHECKING:
    from pymatgen.core import Structure

#: frames read and worked on together, of one file or of several
CHUNK = 64


class Piece(NamedTuple):
    """Frames of some sources, not read yet, or why a source has none; `done` sources are finished with them."""

    parts: list[tuple[str, Any]]
    done: float


class Crystal(NamedTuple):
    """A structure, the source it is from, and its frame there; `several` where the source has more than one."""

    structure: "Structure"
    source: str
    frame: int
    several: bool

    @property
    def where(self) -> str:
        """How a message names it."""
        return f"{self.source}, frame {self.frame} (counted from 0)" if self.several else self.source


def pieces(sources: Sequence[str]) -> Iterator[Piece]:
    """The frames of all sources in order, at most `CHUNK` together, and at most a fiftieth of the sources."""
    from tenfma.crystal.structures import unread

    together = min(CHUNK, max(1, len(sources) // 50))
    parts: list[tuple[str, Any]] = []
    room = CHUNK
    for number, source in enumerate(sources):
        try:
            whole = unread(source)
        except TenfmaError as error:
            parts.append((source, str(error)))
        else:
            start = 0
            while start < whole.total:
                part = whole.part(start, start + room)
                parts.append((source, part))
                start, room = start + len(part.frames), room - len(part.frames)
                if not room:
                    yield Piece(parts, number + start / whole.total)
                    parts, room = [], CHUNK
        if len(parts) >= together:
            yield Piece(parts, number + 1.0)
            parts, room = [], CHUNK
    if parts:
        yield Piece(parts, float(len(sources)))


def crystals(piece: Piece) -> tuple[list[Crystal], list[str]]:
    """The structures of a piece, and a sentence for each frame or source that cannot be read."""
    found: list[Crystal] = []
    failures: list[str] = []
    for source, part in piece.parts:
        if isinstance(part, str):
            failures.append(f"{source}: {part}")
            continue
        frames = part.built()
        failures += (f"{source}: {error}" for _, error in frames.refused)
        found += (
            Crystal(structure, source, place, frames.total > 1)
            for place, structure in zip(frames.places, frames.structures)
        )
    return found, failures
