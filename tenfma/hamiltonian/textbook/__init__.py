"""Textbook systems: `textbook(name)` is one of them, `textbook.names()` lists them."""

from typing import TYPE_CHECKING, Any

from tenfma.errors import TenfmaError
from tenfma.hamiltonian.syntax import nearest
from tenfma.hamiltonian.textbook import bodies, fields, lattices, oscillators
from tenfma.hamiltonian.textbook.entry import Entry

if TYPE_CHECKING:
    from tenfma.hamiltonian.textbook.system import TextbookSystem

__all__ = ["Textbook", "TextbookSystem", "textbook"]

_ENTRIES: dict[str, Entry] = {
    entry.name: entry for module in (oscillators, bodies, lattices, fields) for entry in module.ENTRIES
}


class Textbook:
    """The collection: call it with a name, and with parameter values to change.

    >>> textbook("henon-heiles").capability.name
    'QUADRATIC'
    """

    def __call__(self, name: str, **parameters: float) -> "TextbookSystem":
        """The named system. Raises TenfmaError, with the nearest names, where there is none of that name."""
        system = self.entry(name).build()
        return system.with_parameters(**parameters) if parameters else system

    @staticmethod
    def entry(name: str) -> Entry:
        """The named system as data, nothing built: SymPy is not imported."""
        key = (
            str(name).strip().lower().replace("_", "-").replace(" ", "-").replace("é", "e").replace("–", "-")
        )
        if key not in _ENTRIES:
            close = nearest(key, _ENTRIES)
            raise TenfmaError(
                f"there is no textbook system {name!r}{close}; the systems are {', '.join(_ENTRIES)}"
            )
        return _ENTRIES[key]

    @staticmethod
    def names() -> list[str]:
        """The names of all systems, simplest first."""
        return list(_ENTRIES)

    @staticmethod
    def sizes() -> dict[str, int]:
        """How many coordinates each system has, told without building it."""
        return {name: len(entry.coordinates) for name, entry in _ENTRIES.items()}


textbook = Textbook()


def __getattr__(name: str) -> Any:
    if name == "TextbookSystem":  # imported when asked for, since it brings SymPy
        from tenfma.hamiltonian.textbook.system import TextbookSystem

        return TextbookSystem
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
