"""Methods as words over flows.

A word is a sequence of (flow, coefficient): `("B", 0.5)` kicks for half a step. Read left to right, first
letter applied first. The flows, with h the step and c the coefficient:

    B  kick         p ← p − c h ∂H/∂q, or the exact flow of dp/dt = −∂H/∂q − k p where H has linear friction k
    A  drift        q ← q + c h ∂H/∂p,  t ← t + c h
    O  thermostat   the exact Ornstein–Uhlenbeck flow of dp = −γ p dt + √(2 γ m kT) dW over c h
    D  dissipation  dp/dt = −Γ ∂H/∂p over c h, by the implicit midpoint rule
    N  noise        p ← p + √(2 Γ kT c h) ξ
    M  motion       Hamilton's equations over c h by the implicit midpoint rule, t ← t + c h
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tenfma.hamiltonian.protocol import Capability

Word = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Method:
    """A one-step method: what it steps, its order, what it needs of H, and where it comes from."""

    name: str
    order: int
    needs: Capability
    symplectic: bool
    symmetric: bool
    reference: str
    #: the word over flows, for methods that are one
    word: Word | None = None
    stochastic: bool = False
    #: for the others: Setting → step; see `tenfma.dynamics.flows.Setting`
    build: Callable[[Any], Any] | None = None

    @property
    def draws(self) -> int:
        """Standard normals needed per momentum and step: one for each O or N."""
        if self.word is None:
            return int(self.stochastic)
        return sum(letter in "ON" for letter, _ in self.word)

    @property
    def explicit(self) -> bool:
        """True where every letter has an exact inverse: such a word can be retraced step by step."""
        return self.word is not None and all(letter in "ABO" for letter, _ in self.word)


def merged(word: Word) -> Word:
    """Neighbours of one flow joined: (A, ¼)(A, ½) is (A, ¾). Noise is not joined: each O draws once."""
    result: list[tuple[str, float]] = []
    for letter, coefficient in word:
        if result and result[-1][0] == letter and letter in "ABD":
            result[-1] = (letter, result[-1][1] + coefficient)
        else:
            result.append((letter, coefficient))
    return tuple(result)


def composed(base: Word, weights: tuple[float, ...]) -> Word:
    """The base word run with steps w₁h, w₂h, … in turn, neighbours joined."""
    return merged(tuple((letter, w * c) for w in weights for letter, c in base))
