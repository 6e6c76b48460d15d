"""Methods as words over flows.

A word is a sequence of (flow, coefficient): `("B", 0.5)` kicks for half a step. Read left to right, first letter
applied first. The flows, with h the step and c the coefficient:

    B  kick        p ← p − c h ∂H/∂q
    A  drift       q ← q + c h ∂H/∂p
    O  thermostat  the exact Ornstein–Uhlenbeck flow of dp = −γ p dt + √(2 γ m kT) dW over c h
"""

from dataclasses import dataclass

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
