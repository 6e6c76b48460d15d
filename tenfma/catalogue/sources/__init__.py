"""Where crystals are brought from: each source gives items, each item loads what it holds when asked.

An item that an earlier run has dealt with is never loaded, which is what makes an import resumable.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

from tenfma.errors import TenfmaError

if TYPE_CHECKING:
    from pymatgen.core import Structure


class SourceError(TenfmaError):
    """A source, or one item of it, cannot be brought in."""


@dataclass(frozen=True)
class Loaded:
    """One crystal with its numbers, their units where stated, and labels such as identifier, licence and url.

    `left` are sentences on values that were not taken.
    """

    structure: "Structure"
    values: Mapping[str, float] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    left: Sequence[str] = ()


class Item(NamedTuple):
    """One unit of work: it is brought whole or not at all.

    `key` names it whatever its file is called, `where` tells a person which it is, `load` gives its crystals, and `after`
    is where the source goes on once everything up to here is kept (paged sources).
    """

    key: str
    where: str
    load: Callable[[], list[Loaded]]
    after: str | None = None


class Source(Protocol):
    """Items from one place; `origin` tells it from others, `name` is what entries bear as their source."""

    origin: str
    name: str

    def items(self, cursor: str) -> Iterator[Item]:
        """The items, from where `cursor` says (empty: from the start)."""

    def size(self) -> int | None:
        """About how much there is, in items; None where nobody knows."""
