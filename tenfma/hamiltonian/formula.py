"""Typed formulas as SymPy expressions: what `tenfma.hamiltonian.syntax` accepts, built node by node.

The text never reaches SymPy: every node that the whitelist accepts is turned into a SymPy object by this file.
"""

from typing import Any

import sympy

from tenfma.errors import FormulaError
from tenfma.hamiltonian.syntax import (
    DIVIDES_BY_ZERO,
    FUNCTIONS,
    MAX_EXPONENT,
    MAX_LENGTH,
    Reader,
    coordinates_of,
    names_in,
    nearest,
    read,
)

__all__ = ["FUNCTIONS", "MAX_LENGTH", "coordinates_of", "names_in", "nearest", "parse"]


def parse(text: str, symbols: dict[str, sympy.Symbol], describe: str = "") -> sympy.Expr:
    """The SymPy expression of a formula in the given symbols.

    symbols: name → symbol, every name the formula may use besides functions and constants
    describe: said of the known names in errors, for example "coordinates q, momenta p"

    Raises FormulaError, one plain sentence, for everything outside the whitelist, for constants that are not
    finite real numbers of moderate size, and for results with kinks.
    """
    return _checked(read(text, _Builder(symbols, describe)).expr)


def _checked(expr: sympy.Expr) -> sympy.Expr:
    if expr.has(sympy.nan, sympy.zoo, sympy.oo, -sympy.oo):
        raise FormulaError(DIVIDES_BY_ZERO)
    if expr.has(sympy.I):
        raise FormulaError(
            "the formula has complex values; an energy is real: check its roots and logarithms"
        )
    if expr.has(sympy.Abs, sympy.sign, sympy.Min, sympy.Max, sympy.Piecewise, sympy.arg, sympy.re, sympy.im):
        raise FormulaError(
            "the formula has a kink (an absolute value, perhaps as the root of a square), and forces need "
            "smooth functions; write sqrt(x**2 + c**2) with a small c"
        )
    return expr


class _Builder(Reader):
    """Turns accepted syntax nodes into SymPy."""

    def __init__(self, symbols: dict[str, sympy.Symbol], describe: str):
        super().__init__(symbols, describe)
        self.symbols = symbols

    def built(self, kind: str, *parts: Any) -> sympy.Expr:
        match kind, parts:
            case "number", (exact, value):
                small = exact.denominator <= 1_000
                return sympy.Rational(exact.numerator, exact.denominator) if small else sympy.Float(value)
            case "variable", (name,):
                return self.symbols[name]
            case "constant", (name,):
                return getattr(sympy, name)
            case (("sign" | "*"), (left, right)):
                return left * right
            case "+", (left, right):
                return left + right
            case "-", (left, right):
                return left - right
            case "/", (left, right):
                if right.is_zero:
                    raise FormulaError(DIVIDES_BY_ZERO)
                return left / right
            case "**", (base, exponent):
                return _power(base, exponent)
        return getattr(sympy, kind)(*parts)


def _power(base: sympy.Expr, exponent: sympy.Expr) -> sympy.Expr:
    power = base**exponent
    if any(abs(part.exp) > MAX_EXPONENT for part in power.atoms(sympy.Pow) if part.exp.is_Rational):
        raise FormulaError(f"the formula raises a power to a power beyond ±{MAX_EXPONENT}: use a smaller one")
    return power
