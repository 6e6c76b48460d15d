"""How a formula splits into parts: one per coordinate, or parts that a person names.

    H = Σ terms,    E_i = Σ over terms (share of i) · term

A term with coordinates or momenta of several degrees of freedom is shared equally among them: the coupling
½ c (q₁ − q₂)² belongs half to each. That is the gauge.
"""

from collections.abc import Mapping

import sympy

from tenfma.errors import TenfmaError
from tenfma.explanation.parted import FunctionParts
from tenfma.hamiltonian.symbolic import SymbolicHamiltonian

EQUAL_SHARES = (
    "one part per coordinate; a term that holds several coordinates is shared equally among them "
    "(a choice: another sharing gives other parts and flows with the same total)"
)
GIVEN = "parts as given; another split gives other parts and flows with the same total"


def formula_parts(H: SymbolicHamiltonian, parts: Mapping[str, str] | None = None) -> FunctionParts:
    """H as a sum of parts: `parts` name → formula in H's variables, or one per coordinate.

    Raises FormulaError for a part that is no formula, TenfmaError for an empty choice.
    """
    if parts is not None:
        if not parts:
            raise TenfmaError("there are no parts; give at least one, as in {'left': 'p1**2/2'}")
        return FunctionParts(H, {name: H.function(text, name) for name, text in parts.items()}, GIVEN)
    shared = shares(H.expression, H.structure.q, H.structure.p)
    functions = {name: H.function(part, name) for name, part in zip(H.coordinates, shared)}
    return FunctionParts(H, functions, EQUAL_SHARES)


def shares(
    expression: sympy.Expr, q: tuple[sympy.Symbol, ...], p: tuple[sympy.Symbol, ...]
) -> list[sympy.Expr]:
    """E_i of every degree of freedom: its own terms and equal shares of those it is in.

    Terms that hold none (constants, functions of time) are shared by all.
    """
    found = [sympy.Integer(0)] * len(q)
    for term in terms(expression, {*q, *p}):
        symbols = term.free_symbols
        members = [i for i in range(len(q)) if q[i] in symbols or p[i] in symbols] or list(range(len(q)))
        for i in members:
            found[i] += term / len(members)
    return found


def terms(expression: sympy.Expr, variables: set[sympy.Symbol]) -> list[sympy.Expr]:
    """The summands of an expression, constant factors multiplied in; squares of sums stay whole."""
    if expression.is_Add:
        return [part for each in expression.args for part in terms(each, variables)]
    if expression.is_Mul:
        sums = [factor for factor in expression.args if factor.is_Add and factor.free_symbols & variables]
        rest = [factor for factor in expression.args if factor not in sums]
        constant = not any(factor.free_symbols & variables for factor in rest)
        if len(sums) == 1 and constant:
            outside = sympy.Mul(*rest)
            return [outside * part for part in terms(sums[0], variables)]
    return [expression]
