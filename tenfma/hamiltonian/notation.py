"""How expressions are shown: LaTeX with the field's usual symbols, shortened where that is quick."""

import re

import sympy


def latex(expression: sympy.Expr) -> str:
    """LaTeX of an expression; px reads p_x, and omega0 reads ω₀."""
    names = {symbol: _latex_name(symbol.name) for symbol in expression.free_symbols}
    return sympy.latex(expression, symbol_names=names)


def tidy(expression: sympy.Expr) -> sympy.Expr:
    """The shortest of a few quick rewritings; SymPy's full simplification only where it is sure to be quick."""
    candidates = [expression, sympy.factor_terms(expression)]
    rational = all(power.exp.is_Integer for power in expression.atoms(sympy.Pow))
    if rational and sympy.count_ops(expression) <= 20:
        candidates.append(sympy.simplify(expression))
    return min(candidates, key=sympy.count_ops)


_GREEK = "alpha|beta|gamma|delta|epsilon|eta|theta|kappa|lambda|mu|xi|rho|sigma|phi|chi|psi|omega"
_CONJUGATE = re.compile(rf"([pv])_?((?:[a-z]|{_GREEK})\d*|\d+)")


def _latex_name(name: str) -> str:
    match = _CONJUGATE.fullmatch(name)
    if match and name not in ("phi", "psi", "pi"):
        return f"{match[1]}_{{{sympy.latex(sympy.Symbol(match[2]))}}}"
    return sympy.latex(sympy.Symbol(name))
