"""What a textbook system is: a formula with a place to start, its invariants, a lesson and a reference."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tenfma.hamiltonian.protocol import DIMENSIONLESS, Units

if TYPE_CHECKING:
    from tenfma.hamiltonian.textbook.system import TextbookSystem


@dataclass(frozen=True)
class Entry:
    """One system as data; `build` makes the Hamiltonian."""

    name: str
    title: str
    formula: str
    q0: Sequence[float]
    p0: Sequence[float]
    dt: float
    steps: int
    lesson: str
    reference: str
    coordinates: Sequence[str] = ("q",)
    momenta: Sequence[str] | None = None
    parameters: dict[str, float] = field(default_factory=dict)
    #: name → formula of a function that stays constant along every path
    invariants: dict[str, str] = field(default_factory=dict)
    units: Units = DIMENSIONLESS
    damping: float = 0.0
    save_every: int = 1
    #: H in LaTeX with sums, where the written-out formula is too long to read
    compact: str | None = None

    def build(self) -> "TextbookSystem":
        """The system with its default parameters."""
        from tenfma.hamiltonian.textbook.system import built

        return built(self)
