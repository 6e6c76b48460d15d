"""Body-ordered invariants: rotation-invariant polynomials in the density of an atom's neighbours.

With A_k, k = (c, n, ℓ, m), the density of atom i (c element channel, n radial function),

    ν = 1   A_{c n 0 0}                                              pairs
    ν = 2   Σ_m A_{·ℓm} A_{·ℓm} / √(2ℓ+1)                            three bodies
    ν = 3   Σ (ℓ₁m₁ ℓ₂m₂ | ℓ₃m₃) A A A / √(2ℓ₃+1)                    four bodies
    ν = 4   Σ_M [A A]_{LM} [A A]_{LM} / (2L+1)                       five bodies

with real coupling coefficients in e3nn's convention. Odd Σℓ is left out, so reflections are symmetries too. A
function is kept when the sum of its factors' costs, (n + 1) + cost_ℓ ℓ + cost_c [c > 0], is within the degree
given for its order ν. Source: Drautz, Phys. Rev. B 2019, 99, 014104; the products span and are not independent,
and least squares copes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice, product

import numpy as np

#: (channel, n, ℓ) of one factor
Factor = tuple[int, int, int]

_SMALL = 1e-12


@dataclass(frozen=True)
class Invariants:
    """Which invariants there are: `radial` functions, ℓ ≤ `lmax`, element `channels`, a degree per order ν ≤ 4."""

    radial: int
    lmax: int
    degrees: tuple[float, ...]
    channels: int = 1
    degree_l: float = 0.75
    degree_channel: float = 3.0

    @property
    def width(self) -> int:
        """How many numbers A has: channels · radial · (ℓmax + 1)²."""
        return self.channels * self.radial * (self.lmax + 1) ** 2

    def place(self, factor: Factor, m: int) -> int:
        """Index k of A_{c n ℓ m}; m counts from 0."""
        c, n, ell = factor
        return (c * self.radial + n) * (self.lmax + 1) ** 2 + ell * ell + m

    def cost(self, factor: Factor) -> float:
        c, n, ell = factor
        return n + 1 + self.degree_l * ell + self.degree_channel * (c > 0)

    @cached_property
    def functions(self) -> tuple[tuple[tuple[Factor, ...], int], ...]:
        """Each invariant as (factors, L); L joins the two pairs of ν = 4 and is 0 otherwise."""
        return tuple(self._enumerate())

    def __len__(self) -> int:
        return len(self.functions)

    def within(self, budget: int) -> bool:
        """Whether there are at most `budget` invariants, found without counting many more."""
        return sum(1 for _ in islice(self._enumerate(), budget + 1)) <= budget

    def monomials_within(self, functions: int, most: int) -> bool:
        """Whether there are just so many invariants, of at most `most` monomials, found without counting many more."""
        total = 0
        for count, (factors, _) in enumerate(self._enumerate(), start=1):
            total += int(np.prod([2 * ell + 1 for _, _, ell in factors]))
            if count > functions or total > most:
                return False
        return count == functions if total else functions == 0

    @cached_property
    def orders(self) -> np.ndarray:
        """ν of each invariant, (functions,)."""
        return np.array([len(factors) for factors, _ in self.functions])

    def _enumerate(self) -> Iterator[tuple[tuple[Factor, ...], int]]:
        every = sorted(
            product(range(self.channels), range(self.radial), range(self.lmax + 1)),
            key=lambda f: (self.cost(f), f),
        )
        for order, degree in enumerate(self.degrees, start=1):
            for factors in self._within(every, order, degree):
                for joint in joints([ell for _, _, ell in factors]):
                    yield factors, joint

    def _within(self, every: list[Factor], order: int, degree: float) -> Iterator[tuple[Factor, ...]]:
        """Multisets of `order` factors whose costs add up to at most `degree`."""
        cheapest = self.cost(every[0])

        def extend(chosen: tuple[Factor, ...], start: int, left: float) -> Iterator[tuple[Factor, ...]]:
            if len(chosen) == order:
                yield chosen
                return
            rest = (order - len(chosen) - 1) * cheapest
            for index in range(start, len(every)):
                cost = self.cost(every[index])
                if cost + rest > left + _SMALL:
                    return
                yield from extend((*chosen, every[index]), index, left - cost)

        return extend((), 0, degree)

    @cached_property
    def terms(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Monomials: function (T,), places k padded with −1 (T, 4), coefficient (T,)."""
        functions, places, coefficients = [], [], []
        for index, (factors, joint) in enumerate(self.functions):
            found: dict[tuple[int, ...], float] = {}
            tensor = coupling(tuple(ell for _, _, ell in factors), joint)
            for ms in np.argwhere(np.abs(tensor) > _SMALL):
                key = tuple(sorted(self.place(factor, int(m)) for factor, m in zip(factors, ms)))
                found[key] = found.get(key, 0.0) + float(tensor[tuple(ms)])
            for key, coefficient in found.items():
                if abs(coefficient) > _SMALL:
                    functions.append(index)
                    places.append(key + (-1,) * (4 - len(key)))
                    coefficients.append(coefficient)
        return np.array(functions), np.array(places), np.array(coefficients)


def joints(degrees: list[int]) -> Iterator[int]:
    """The intermediate degrees L with which factors of these ℓ couple to a scalar even under reflection."""
    if sum(degrees) % 2:
        return
    if len(degrees) == 1 and degrees[0] == 0:
        yield 0
    if len(degrees) == 2 and degrees[0] == degrees[1]:
        yield 0
    if len(degrees) == 3 and abs(degrees[0] - degrees[1]) <= degrees[2] <= degrees[0] + degrees[1]:
        yield 0
    if len(degrees) == 4:
        a, b, c, d = degrees
        for joint in range(max(abs(a - b), abs(c - d)), min(a + b, c + d) + 1):
            if (a + b + joint) % 2 == 0:
                yield joint


@lru_cache(maxsize=4096)
def coupling(degrees: tuple[int, ...], joint: int = 0) -> np.ndarray:
    """The invariant tensor that couples factors of these ℓ, (2ℓ₁+1, …, 2ℓ_ν+1), of unit norm for ν ≤ 3."""
    if len(degrees) == 1:
        return np.ones(1)
    if len(degrees) == 2:
        return np.eye(2 * degrees[0] + 1) / np.sqrt(2 * degrees[0] + 1)
    if len(degrees) == 3:
        return _wigner(*degrees)
    a, b, c, d = degrees
    return np.einsum("abm,cdm->abcd", _wigner(a, b, joint), _wigner(c, d, joint))


@lru_cache(maxsize=1024)
def _wigner(a: int, b: int, c: int) -> np.ndarray:
    import torch
    from e3nn import o3

    return o3.wigner_3j(a, b, c, dtype=torch.float64).numpy()
