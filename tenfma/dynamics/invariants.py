"""Conserved quantities found by linear algebra: which A in the span of a basis have {A, H} = 0.

The bracket is linear in A, so with A = Σ c_k φ_k the condition Σ c_k {φ_k, H} = 0 is a null space: over the
rationals where H is a polynomial and the basis is monomials (exact), by singular values over sampled phase
points for any other H. Products of invariants are invariants too; only generators are reported: nothing that
is a polynomial in those before it.

What is found depends on the basis. Monomials of degree 2 hold momenta, angular momenta and quadratic
energies; the Laplace–Runge–Lenz vector of Kepler's problem needs 1/r among the extra functions.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import sympy
from numpy.typing import NDArray
from sympy.polys.matrices import DomainMatrix

from tenfma.dynamics.brackets import partial_derivatives
from tenfma.errors import TenfmaError
from tenfma.hamiltonian.formula import parse
from tenfma.hamiltonian.protocol import Hamiltonian
from tenfma.hamiltonian.structure import Structure
from tenfma.hamiltonian.symbolic import SymbolicFunction

Array = NDArray[np.float64]

#: basis functions beyond this number would make the search slow and its answer unreadable
MAX_BASIS = 1500
#: a singular value below this part of the largest counts as zero
TOLERANCE = 1e-10
#: coefficients this close to a fraction with a small denominator are written as that fraction
READABLE, MAX_DENOMINATOR = 1e-7, 48


@dataclass(frozen=True)
class Invariant:
    """A conserved quantity A and how well {A, H} = 0 was seen to hold."""

    function: SymbolicFunction
    #: max |{A, H}| over fresh random states, relative to the size of the bracket's terms
    residual: float
    #: True where the null space was computed in exact arithmetic
    exact: bool

    @property
    def expression(self) -> sympy.Expr:
        """A as a SymPy expression."""
        return self.function.expression

    def __str__(self) -> str:
        proof = "exact" if self.exact else f"residual {self.residual:.0e}"
        return f"{self.expression}   ({proof})"


def bracket_residual(A: Callable, H: Hamiltonian, q, p) -> float:
    """max |{A, H}| / Σ|terms of {A, H}| over torch states: 0 where H's flow conserves A."""
    a_q, a_p, rank = partial_derivatives(A, q, p)
    forward, backward = a_q * H.dp(q, p), a_p * H.dq(q, p)
    axes = tuple(range(-rank, 0))
    value = (forward - backward).sum(dim=axes).abs().max()
    size = (forward.abs() + backward.abs()).sum(dim=axes).max()
    value, size = value.item(), size.item()
    return value / size if size > 0 else 0.0


def find_invariants(
    H: Hamiltonian,
    degree: int = 2,
    extra: Sequence[str] = (),
    *,
    scale: float = 1.0,
    seed: int = 0,
) -> list[Invariant]:
    """Generators of the conserved quantities in the span of monomials up to `degree`, times `extra`
    functions.

    H        any Hamiltonian with a flat event shape; formulas with polynomial H are solved exactly
    degree   highest total degree of the monomials in q and p
    extra    further factors as formulas in H's coordinates (q1, p1, … where H has no names), for example
             "1/sqrt(x**2 + y**2)"; each multiplies the monomials of degree ≤ `degree` − 1
    scale    size of the random states the sampled search looks at

    The energy comes first where the basis can express it. Time-dependent or damped H are refused, because
    {A, H} = 0 does not mean conserved there. Raises TenfmaError for bases too large to read.
    """
    if H.time_dependent or H.damping:
        raise TenfmaError(
            f"{H.name} is {'time-dependent' if H.time_dependent else 'damped'}, so a vanishing bracket "
            f"with it does "
            "not mean conserved; search the invariants of an autonomous, undamped H"
        )
    if isinstance(degree, bool) or not isinstance(degree, int) or degree < 1:
        raise TenfmaError(f"degree is {degree!r}; an invariant needs a whole degree, 1 at least")
    search = _Search(H, scale, seed)
    basis = search.basis(degree, extra)
    exact = not extra and search.polynomial is not None
    found: list[Invariant] = []
    for step in range(1, degree + 1):
        part = [(order, phi) for order, phi in basis if order <= step]
        null = search.exact(part) if exact else search.sampled(part)
        found += search.generators(null, found, step, exact)
    return found


class _Search:
    """One search's variables, sample states and values."""

    def __init__(self, H: Hamiltonian, scale: float, seed: int):
        if len(H.event_shape) != 1:
            raise TenfmaError(
                f"{H.name} has states of shape {H.event_shape}; the search takes flat states (n,)"
            )
        self.H = H
        n = H.event_shape[0]
        structure = getattr(H, "structure", None)
        if structure is None:
            self.q = tuple(sympy.Symbol(f"q{i + 1}", real=True) for i in range(n))
            self.p = tuple(sympy.Symbol(f"p{i + 1}", real=True) for i in range(n))
            self.polynomial = self.energy = None
        else:
            self.q, self.p = structure.q, structure.p
            parameters: tuple[float, ...] = H.parameter_values  # type: ignore[attr-defined]
            values = {k: _rational(value) for k, value in zip(structure.k, parameters)}
            self.energy = structure.expression.subs(values)
            polynomial = self.energy.as_poly(*self.q, *self.p)
            self.polynomial = (
                polynomial if polynomial and polynomial.domain.is_QQ | polynomial.domain.is_ZZ else None
            )
        self.random = np.random.default_rng(seed)
        self.scale = scale
        self.fresh = self.states(64)

    def states(self, count: int) -> tuple[Array, Array]:
        """Random states away from the coordinate planes, where potentials are often singular."""
        shape = (2, count, len(self.q))
        return tuple(self.scale * self.random.uniform(0.3, 1.3, shape) * self.random.choice([-1, 1], shape))

    def basis(self, degree: int, extra: Sequence[str]) -> list[tuple[int, sympy.Expr]]:
        """(order, function) for every basis function."""
        variables = (*self.q, *self.p)
        symbols = {symbol.name: symbol for symbol in variables}
        factors = [parse(text, symbols) for text in extra]
        functions: dict[sympy.Expr, int] = {}
        for order in range(degree + 1):
            for chosen in itertools.combinations_with_replacement(variables, order):
                monomial = sympy.Mul(*chosen)
                functions.setdefault(monomial, order)
                if order < degree:
                    for factor in factors:
                        functions.setdefault(monomial * factor, order + 1)
        if len(functions) > MAX_BASIS:
            raise TenfmaError(
                f"the basis has {len(functions)} functions, more than {MAX_BASIS}; lower the degree, now "
                f"{degree}"
            )
        return [(order, phi) for phi, order in functions.items() if phi.free_symbols]

    def function(self, expression: sympy.Expr) -> SymbolicFunction:
        return SymbolicFunction(Structure(expression, self.q, self.p, ()), {}, "A")

    def exact(self, basis: list[tuple[int, sympy.Expr]]) -> list[sympy.Expr]:
        """Null space of φ ↦ {φ, H} on monomials, over the rationals."""
        rows: dict[tuple[int, ...], int] = {}
        entries: dict[int, dict[int, sympy.Rational]] = {}
        slopes_q, slopes_p = ([self._slope(x) for x in group] for group in (self.q, self.p))
        for k, (_, phi) in enumerate(basis):
            poly = phi.as_poly(*self.q, *self.p, domain="QQ")
            image = sum(
                (
                    poly.diff(q) * h_p - poly.diff(p) * h_q
                    for q, p, h_q, h_p in zip(self.q, self.p, slopes_q, slopes_p)
                ),
                start=poly.zero,
            )
            for monomial, coefficient in image.terms():
                if coefficient:
                    row = rows.setdefault(monomial, len(rows))
                    entries.setdefault(row, {})[k] = sympy.QQ(coefficient.p, coefficient.q)
        matrix = DomainMatrix(entries, (max(len(rows), 1), len(basis)), sympy.QQ)
        vectors = matrix.nullspace().to_Matrix()
        return [
            sympy.Add(*(vectors[i, k] * phi for k, (_, phi) in enumerate(basis))) for i in range(vectors.rows)
        ]

    def _slope(self, variable: sympy.Symbol) -> sympy.Poly:
        return sympy.diff(self.energy, variable).as_poly(*self.q, *self.p, domain="QQ")

    def sampled(self, basis: list[tuple[int, sympy.Expr]]) -> list[sympy.Expr]:
        """The same null space from the brackets' values at random states, in reduced echelon form."""
        q, p = self.states(4 * len(basis) + 32)
        h_q, h_p = self.H.dq(q, p), self.H.dp(q, p)
        family = [self.function(phi) for _, phi in basis]
        images = np.stack([(a.dq(q, p) * h_p - a.dp(q, p) * h_q).sum(-1) for a in family], axis=1)
        usable = np.isfinite(images).all(axis=1)
        images = images[usable] / np.linalg.norm(images[usable], axis=1, keepdims=True).clip(1e-300)
        sizes = np.linalg.norm(images, axis=0)
        sizes[sizes == 0] = 1.0
        _, values, rotation = np.linalg.svd(images / sizes)
        rank = int((values > TOLERANCE * values[0]).sum())
        vectors = _echelon(rotation[rank:] / sizes)
        return [
            sympy.Add(*(_readable(c) * phi for c, (_, phi) in zip(row, basis) if abs(c) > READABLE))
            for row in vectors
        ]

    def generators(
        self, null: list[sympy.Expr], found: list[Invariant], degree: int, exact: bool
    ) -> list[Invariant]:
        """Those of the null space that are not polynomials of what was found before, the energy first."""
        q, p = self.states(256)
        values = [self.function(a)(q, p) for a in null]
        if self.energy is not None and _within(self.H(q, p), values):
            null, values = [self.energy, *null], [self.H(q, p), *values]
        known = [invariant.function(q, p) for invariant in found]
        new: list[Invariant] = []
        for expression, value in zip(null, values):
            products = _products(known, degree)
            if _within(value, products):
                continue
            known.append(value)
            function = self.function(sympy.factor_terms(expression))
            new.append(Invariant(function, self.residual(function), exact))
        return [invariant for invariant in new if exact or invariant.residual < 1e-7]

    def residual(self, function: SymbolicFunction) -> float:
        q, p = self.fresh
        forward = function.dq(q, p) * self.H.dp(q, p)
        backward = function.dp(q, p) * self.H.dq(q, p)
        size = np.nanmax(np.abs(forward).sum(-1) + np.abs(backward).sum(-1))
        return float(np.nanmax(np.abs((forward - backward).sum(-1))) / size) if size > 0 else 0.0


def _products(values: list[Array], degree: int) -> list[Array]:
    """All products of up to `degree` of the given value vectors, and 1."""
    result = [np.ones(256)]
    for count in range(1, degree + 1):
        result += [np.prod(c, axis=0) for c in itertools.combinations_with_replacement(values, count)]
    return result


def _within(value: Array, span: list[Array]) -> bool:
    """Whether a value vector is a linear combination of others."""
    if not span:
        return False
    matrix = np.stack(span, axis=1)
    matrix = matrix / np.linalg.norm(matrix, axis=0).clip(1e-300)
    coefficients, *_ = np.linalg.lstsq(matrix, value, rcond=1e-12)
    return bool(np.linalg.norm(matrix @ coefficients - value) <= 1e-8 * np.linalg.norm(value))


def _echelon(vectors: Array) -> Array:
    """Reduced row echelon form, largest pivots first."""
    m = vectors.copy()
    done = 0
    for column in range(m.shape[1]):
        if done == len(m):
            break
        pivot = done + int(np.argmax(np.abs(m[done:, column])))
        if abs(m[pivot, column]) <= 1e-8 * np.abs(m[done:]).max():
            continue
        m[[done, pivot]] = m[[pivot, done]]
        m[done] /= m[done, column]
        others = np.arange(len(m)) != done
        m[others] -= m[others, column][:, None] * m[done]
        done += 1
    return m


def _rational(value: float) -> sympy.Rational:
    exact = Fraction(repr(float(value)))
    return sympy.Rational(exact.numerator, exact.denominator)


def _readable(value: float) -> sympy.Expr:
    near = Fraction(float(value)).limit_denominator(MAX_DENOMINATOR)
    close = abs(float(near) - value) <= READABLE * max(1.0, abs(value))
    return sympy.Rational(near.numerator, near.denominator) if close else sympy.Float(float(value))
