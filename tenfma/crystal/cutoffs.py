"""Cutoff rules: how far apart two atoms may be and still be joined.

A rule gives one radius for each pair of elements, so a complex cut by it is a function of the crystal alone:
it does not depend on the cell or on the other atoms around.

    Fixed(5.0)             the same radius for every pair, Å
    ScaledCovalent(1.5)    1.5 (r_i + r_j), r the covalent radii of Cordero et al., Dalton Trans. 2008, 2832
    Largest(a, b)          whichever of the rules reaches further

A plain number is read as `Fixed`; the texts `"5.0"`, `"1.5 covalent"` and `"max(5.0, 1.5 covalent)"` are
read as the three rules above.
"""

import math
import re
from dataclasses import dataclass
from functools import cache
from typing import Protocol, runtime_checkable

import numpy as np

from tenfma.crystal.elements import table
from tenfma.errors import TenfmaError


@runtime_checkable
class Cutoff(Protocol):
    """A radius for every pair of elements."""

    def radius(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Radii in Å for pairs of atomic numbers; symmetric in the two."""


@dataclass(frozen=True)
class Fixed:
    """The same radius, in Å, for every pair."""

    value: float

    def __post_init__(self) -> None:
        _positive("a fixed cutoff", self.value)

    def radius(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return np.full(np.broadcast_shapes(np.shape(first), np.shape(second)), float(self.value))

    def __str__(self) -> str:
        return f"{self.value:g} Å"


@dataclass(frozen=True)
class ScaledCovalent:
    """factor · (r_i + r_j) with covalent radii r."""

    factor: float

    def __post_init__(self) -> None:
        _positive("the factor of a scaled covalent cutoff", self.factor)

    def radius(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        radii = covalent_radii()
        return self.factor * (radii[first] + radii[second])

    def __str__(self) -> str:
        return f"{self.factor:g} covalent"


@dataclass(frozen=True, init=False)
class Largest:
    """The largest radius among several rules."""

    rules: tuple[Cutoff, ...]

    def __init__(self, *rules: "float | str | Cutoff") -> None:
        if not rules:
            raise TenfmaError("The cutoff rule Largest() has no rules inside; give at least one.")
        object.__setattr__(self, "rules", tuple(cutoff_rule(rule) for rule in rules))

    def radius(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return np.maximum.reduce([rule.radius(first, second) for rule in self.rules])

    def __str__(self) -> str:
        return f"max({', '.join(map(str, self.rules))})"


@cache
def covalent_radii() -> np.ndarray:
    """Covalent radii in Å by atomic number, from the element table; entry 0 is NaN."""
    return table().column("covalent_radius").numpy()


def cutoff_rule(value: "float | int | str | Cutoff") -> Cutoff:
    """Read a number, a text or a rule as a cutoff rule.

    Raises TenfmaError for anything else.

    >>> cutoff_rule("max(5.0, 1.5 covalent)")
    Largest(rules=(Fixed(value=5.0), ScaledCovalent(factor=1.5)))
    """
    if isinstance(value, Cutoff):
        return value
    if isinstance(value, (int, float, np.floating, np.integer)) and not isinstance(value, bool):
        return Fixed(float(value))
    if isinstance(value, str):
        text = value.strip()
        number = r"([0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?)"
        if match := re.fullmatch(r"max\((.+)\)", text):
            return Largest(*match.group(1).split(","))
        if match := re.fullmatch(rf"{number}\s*(?:Å|A)?", text):
            return Fixed(float(match.group(1)))
        if match := re.fullmatch(rf"{number}\s*[*x×]?\s*covalent", text):
            return ScaledCovalent(float(match.group(1)))
    raise TenfmaError(
        f"The cutoff {value!r} is not understood; give a radius in Å such as 5.0, or a rule such as "
        "'1.5 covalent' or 'max(5.0, 1.5 covalent)'."
    )


def _positive(what: str, value: float) -> None:
    if not (isinstance(value, (int, float)) and math.isfinite(value) and value > 0):
        raise TenfmaError(f"{what[0].upper()}{what[1:]} must be a positive number, not {value!r}.")
