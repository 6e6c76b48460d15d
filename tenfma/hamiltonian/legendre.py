"""The Legendre transform: from a Lagrangian L(q, q̇) to the Hamiltonian H(q, p).

    p = ∂L/∂q̇,    H(q, p) = p·q̇ − L(q, q̇)  with q̇ such that p = ∂L/∂q̇

Where SymPy can invert p = ∂L/∂q̇ the result is a formula; elsewhere the velocities come from Newton's method, and the
derivatives are still exact: ∂H/∂q = −∂L/∂q and ∂H/∂p = q̇. A Lagrangian with det ∂²L/∂q̇² = 0 determines no velocities
and is refused.

Source: Goldstein, Poole, Safko, Classical Mechanics, 3rd ed. (2002), section 8.1.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sympy

from tenfma.errors import FormulaError, TenfmaError
from tenfma.hamiltonian import formula as formulas
from tenfma.hamiltonian.legendre_newton import FormulaLagrangian, FunctionLagrangian, LegendreHamiltonian
from tenfma.hamiltonian.protocol import Hamiltonian
from tenfma.hamiltonian.structure import TIME, Structure
from tenfma.hamiltonian.symbolic import (
    from_expression,
    latex,
    listed,
    momentum_name,
    parameter_values,
)

#: size up to which SymPy is asked to invert a nonlinear relation
_MOST_OPERATIONS = 30


def legendre(
    lagrangian: str | Callable[..., Any],
    coordinates: Sequence[str] | str | None = None,
    velocities: Sequence[str] | str | None = None,
    parameters: Mapping[str, float] | None = None,
    *,
    name: str = "H",
) -> Hamiltonian:
    """The Hamiltonian of a Lagrangian: a formula where p = ∂L/∂q̇ can be inverted, solved by Newton's method elsewhere.

    lagrangian   a formula in coordinates, velocities, parameters and t, or a torch function L(q, v) of arrays
                 (*ensemble, n) that returns (*ensemble,)
    coordinates  names; by default q (one) or q1, q2, … or x, y, … as their velocities v1, v2, … or vx, vy, … tell
    velocities   names; by default q ↔ v, q1 ↔ v1, x ↔ vx

    The result's `derivation` tells the steps in LaTeX: p = ∂L/∂q̇, the inversion, H.

    >>> H = legendre("m*v**2/2 - k*q**2/2", parameters={"m": 1, "k": 1})
    >>> H.expression
    k*q**2/2 + p**2/(2*m)

    Raises TenfmaError for a singular Lagrangian, FormulaError for a formula that is not accepted.
    """
    values = parameter_values(parameters)
    if not isinstance(lagrangian, str):
        if not callable(lagrangian):
            raise TenfmaError(
                f"a Lagrangian is a formula or a function L(q, v), not {type(lagrangian).__name__}; "
                "write one such as m*v**2/2 - k*q**2/2"
            )
        names = listed(coordinates) if coordinates is not None else ("q",)
        return LegendreHamiltonian(FunctionLagrangian(lagrangian, len(names)), names, name=name)
    relation = _relation(lagrangian, coordinates, velocities, values)
    _refuse_singular(relation, values)

    def by_newton() -> LegendreHamiltonian:
        return LegendreHamiltonian(
            FormulaLagrangian(relation.structure, tuple(values.values())),
            tuple(symbol.name for symbol in relation.structure.q),
            name=name,
            derivation=[
                *relation.told(),
                r"\dot q \text{ by Newton's method from } p = \partial L / \partial \dot q",
            ],
            separable=relation.structure.split is not None,
        )

    solved = relation.solved(values)
    if solved is None:
        return by_newton()
    expression = relation.hamiltonian(solved)
    if expression.has(sympy.Abs, sympy.sign, sympy.Piecewise, sympy.LambertW):
        return by_newton()
    H = from_expression(
        expression.xreplace(relation.plain),
        relation.structure.q,
        relation.p,
        {relation.plain.get(symbol, symbol): values[symbol.name] for symbol in relation.structure.k},
        name=name,
    )
    H.derivation = [
        *relation.told(),
        *relation.told_inverse(solved),
        rf"H = {_pv(relation)} - L = {H.latex()}",
    ]
    return H


@dataclass(frozen=True)
class _Relation:
    """A Lagrangian as a structure in (q, v), and names for the momenta."""

    structure: Structure
    p: tuple[sympy.Symbol, ...]

    @property
    def plain(self) -> dict[sympy.Symbol, sympy.Symbol]:
        """Parameters known to be positive → the symbols they have in H."""
        return {
            symbol: sympy.Symbol(symbol.name, real=True) for symbol in self.structure.k if symbol.is_positive
        }

    def hamiltonian(self, solved: Sequence[sympy.Expr]) -> sympy.Expr:
        """p·v − L at these velocities, what moves simplified apart from what does not."""
        v, lagrangian = self.structure.p, self.structure.expression
        if not self.second().free_symbols & set(v):  # ½ (p − b)·W⁻¹(p − b) − L(q, 0) for a quadratic L
            moving = sum((p - b) * x for p, b, x in zip(self.p, self.offsets(), solved)) / 2
            return sympy.simplify(moving) - lagrangian.subs(dict.fromkeys(v, 0))
        resting, kinetic = lagrangian.as_independent(*v, as_Add=True)
        kinetic = kinetic.subs(dict(zip(v, solved)), simultaneous=True)
        return sympy.simplify(sum(p * x for p, x in zip(self.p, solved)) - kinetic) - resting

    def offsets(self) -> list[sympy.Expr]:
        """∂L/∂v at v = 0."""
        return [slope.subs(dict.fromkeys(self.structure.p, 0)) for slope in self.structure.dp]

    def told(self) -> list[str]:
        """L, and p = ∂L/∂q̇, in LaTeX."""
        lines = [f"L = {latex(self.structure.expression)}"]
        for p, v, derivative in zip(self.p, self.structure.p, self.structure.dp):
            lines.append(rf"{latex(p)} = \frac{{\partial L}}{{\partial {latex(v)}}} = {latex(derivative)}")
        return lines

    def told_inverse(self, solved: Sequence[sympy.Expr]) -> list[str]:
        return [f"{latex(v)} = {latex(expression)}" for v, expression in zip(self.structure.p, solved)]

    def second(self) -> sympy.Matrix:
        """W = ∂²L/∂q̇²."""
        v = self.structure.p
        return sympy.Matrix(len(v), len(v), lambda i, j: sympy.diff(self.structure.dp[i], v[j]))

    def solved(self, values: Mapping[str, float]) -> list[sympy.Expr] | None:
        """The velocities in terms of (q, p), or None where that is beyond reach."""
        v, slopes = self.structure.p, self.structure.dp
        matrix = self.second()
        if not matrix.free_symbols & set(v):  # p = W v + b is linear
            right = sympy.Matrix([p - b for p, b in zip(self.p, self.offsets())])
            return [sympy.simplify(entry) for entry in matrix.LUsolve(right)]
        found = []
        for p, velocity, slope in zip(self.p, v, slopes):
            if slope.free_symbols & (set(v) - {velocity}) or sympy.count_ops(slope) > _MOST_OPERATIONS:
                return None
            inverse = self._inverted(p, velocity, slope, values)
            if inverse is None:
                return None
            found.append(inverse)
        return found

    def _inverted(
        self, p: sympy.Symbol, v: sympy.Symbol, slope: sympy.Expr, values: Mapping[str, float]
    ) -> sympy.Expr | None:
        """v from p = slope(v), on the branch that goes through generic velocities."""
        if slope.is_polynomial(v) and sympy.degree(slope, v) > 2:
            return None  # roots of cubics are of no use to a reader
        try:
            candidates = sympy.solve(p - slope, v)
        except (NotImplementedError, ValueError, TypeError):
            return None
        for candidate in candidates:
            if sympy.count_ops(candidate) > 2 * _MOST_OPERATIONS:
                continue
            candidate = sympy.simplify(candidate)
            if self._is_inverse(candidate, p, v, slope, values):
                return candidate
        return None

    def _is_inverse(self, candidate, p, v, slope, values) -> bool:
        """Whether v = candidate(p) undoes p = slope(v), tried at velocities of both signs."""
        numbers = {symbol: values[symbol.name] for symbol in self.structure.k}
        numbers |= {q: 0.3 + 0.1 * i for i, q in enumerate(self.structure.q)} | {TIME: 0.2}
        tried = 0
        for velocity in (-0.9, -0.5, -0.1, 0.2, 0.6, 0.95):
            momentum = sympy.N(slope.subs(numbers).subs(v, velocity))
            if not momentum.is_real:
                continue
            back = sympy.N(candidate.subs(numbers).subs(p, momentum))
            if not back.is_real or abs(back - velocity) > 1e-9:
                return False
            tried += 1
        return tried >= 3


def _pv(relation: _Relation) -> str:
    return " + ".join(rf"{latex(p)} {latex(v)}" for p, v in zip(relation.p, relation.structure.p))


def velocity_name(coordinate: str) -> str:
    """q ↔ v, q1 ↔ v1, and x ↔ vx."""
    match = re.fullmatch(r"q(_?\d*)", coordinate)
    return f"v{match[1]}" if match else f"v{coordinate}"


def _relation(text: str, coordinates, velocities, values: Mapping[str, float]) -> _Relation:
    if coordinates is None:
        used = [name for name in formulas.names_in(text) if name not in values]
        found = []
        for each in used:
            match = re.fullmatch(r"([qv])(_?\d*)", each)
            if match:
                found.append(f"q{match[2]}")
            elif each.startswith("v") and len(each) > 1:
                found.append(each[1:])
        coordinates = tuple(
            sorted(dict.fromkeys(found), key=lambda c: (re.sub(r"\d+", "", c), len(c), c))
        ) or ("q",)
    coordinates = listed(coordinates)
    velocities = tuple(map(velocity_name, coordinates)) if velocities is None else listed(velocities)
    if len(velocities) != len(coordinates):
        raise FormulaError(f"{len(coordinates)} coordinates need as many velocities, not {len(velocities)}")
    momenta = tuple(map(momentum_name, coordinates))
    names = formulas.coordinates_of((*coordinates, *velocities, *values, *momenta))
    if len(set(names)) < len(names):
        raise FormulaError(f"each name may stand for one thing only; got {', '.join(names)}")
    symbols = {each: sympy.Symbol(each, real=True) for each in names}
    symbols |= {each: sympy.Symbol(each, positive=True) for each, value in values.items() if value > 0}
    scope = {each: symbols[each] for each in (*coordinates, *velocities, *values)}
    describe = f"coordinates {', '.join(coordinates)}; velocities {', '.join(velocities)}"
    if values:
        describe += f"; parameters {', '.join(values)}"
    expression = formulas.parse(text, {"t": TIME} | scope, f"{describe}; time t")
    q, v, k = (tuple(symbols[each] for each in group) for group in (coordinates, velocities, values))
    return _Relation(Structure(expression, q, v, k), tuple(symbols[each] for each in momenta))


def _refuse_singular(relation: _Relation, values: Mapping[str, float]) -> None:
    """Raise where det ∂²L/∂q̇² vanishes identically, at these parameter values."""
    lagrangian = FormulaLagrangian(relation.structure, tuple(values.values()))
    if lagrangian.singular():
        v = [symbol.name for symbol in relation.structure.p]
        matrix = relation.second()
        idle = [name for name, row in zip(v, range(len(v))) if all(entry == 0 for entry in matrix.row(row))]
        reason = (
            f"it is not quadratic or higher in {', '.join(idle)}"
            if idle
            else f"the momenta of {', '.join(v)} are not independent"
        )
        raise TenfmaError(
            f"the Lagrangian is singular: det ∂²L/∂v² = 0, because {reason}, so velocities do not follow from "
            "momenta; remove the redundant coordinate, or add the kinetic energy it lacks"
        )


__all__ = ["LegendreHamiltonian", "legendre", "velocity_name"]
