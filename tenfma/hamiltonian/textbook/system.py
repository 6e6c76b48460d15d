"""What a textbook system is: a formula with a place to start, its invariants, a lesson and a reference."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from tenfma.hamiltonian.protocol import DIMENSIONLESS, Units
from tenfma.hamiltonian.symbolic import SymbolicFunction, SymbolicHamiltonian, symbolic


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
        H = symbolic(
            self.formula,
            self.coordinates,
            self.momenta,
            self.parameters,
            damping=self.damping,
            name=self.name,
            units=self.units,
            start=(self.q0, self.p0),
        )
        return TextbookSystem(self, H)


class TextbookSystem(SymbolicHamiltonian):
    """A Hamiltonian from the textbooks, with what a lesson on it needs.

    q0, p0, t0    where it starts, shape (n,)
    dt, steps     a step and a length that show the system's character; save_every thins the stored path
    invariants    name → function of (q, p) that every path keeps
    title, lesson, reference
    """

    def __init__(self, entry: Entry, H: SymbolicHamiltonian):
        super().__init__(
            H.structure, H.parameters, name=H.name, units=H.units, damping=H.damping, text=entry.formula
        )
        self.entry = entry
        self.title = entry.title
        self.lesson = entry.lesson
        self.reference = entry.reference
        self.q0 = np.array(entry.q0, dtype=float)
        self.p0 = np.array(entry.p0, dtype=float)
        self.t0 = 0.0
        self.dt = entry.dt
        self.steps = entry.steps
        self.save_every = entry.save_every

    @property
    def invariants(self) -> dict[str, SymbolicFunction]:
        """Functions of (q, p) that stay constant, at the current parameter values."""
        return {name: self.function(text, name) for name, text in self.entry.invariants.items()}

    def display(self) -> str:
        """H in LaTeX as a book would print it: with sums where there are many bodies."""
        return self.entry.compact or self.latex()
