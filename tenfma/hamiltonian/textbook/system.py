"""A textbook system built: a Hamiltonian with what a lesson on it needs."""

import numpy as np

from tenfma.hamiltonian.symbolic import SymbolicFunction, SymbolicHamiltonian, symbolic
from tenfma.hamiltonian.textbook.entry import Entry


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


def built(entry: Entry) -> TextbookSystem:
    """The system with its default parameters."""
    H = symbolic(
        entry.formula,
        entry.coordinates,
        entry.momenta,
        entry.parameters,
        damping=entry.damping,
        name=entry.name,
        units=entry.units,
        start=(entry.q0, entry.p0),
    )
    return TextbookSystem(entry, H)
