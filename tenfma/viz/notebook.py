"""From a Lagrangian to a Hamiltonian, one step at a time, as formulas to read.

    pᵢ = ∂L/∂q̇ᵢ,    q̇ = q̇(q, p),    H = Σ pᵢ q̇ᵢ − L

Source: Arnold, Mathematical Methods of Classical Mechanics, §15.
"""

from dataclasses import dataclass

import sympy

from tenfma.dynamics.brackets import bracket
from tenfma.dynamics.invariants import Invariant, find_invariants
from tenfma.errors import FormulaError, TenfmaError
from tenfma.hamiltonian import formula as formulas
from tenfma.hamiltonian.legendre import legendre
from tenfma.hamiltonian.symbolic import (
    SymbolicFunction,
    SymbolicHamiltonian,
    latex,
    momentum_name,
    symbolic,
    tidy,
)

MOST_COORDINATES = 4


@dataclass(frozen=True)
class Notebook:
    """The steps from L to H. Formulas are SymPy expressions; `…_latex` are ready to print."""

    lagrangian: sympy.Expr
    coordinates: tuple[str, ...]
    velocities: tuple[str, ...]
    momenta: tuple[str, ...]
    parameters: tuple[str, ...]
    momentum_formulas: tuple[sympy.Expr, ...]
    velocity_formulas: tuple[sympy.Expr, ...]
    hamiltonian: sympy.Expr
    cyclic: tuple[str, ...]
    """coordinates that L does not contain: their momenta are conserved"""

    def lagrangian_latex(self) -> str:
        return f"L = {self._dotted(self.lagrangian)}"

    def momenta_latex(self) -> list[str]:
        """p = ∂L/∂q̇ = …"""
        rows = zip(self.coordinates, self.momenta, self.momentum_formulas)
        return [
            rf"{latex(sympy.Symbol(p))} = \frac{{\partial L}}{{\partial \dot{{{latex(sympy.Symbol(q))}}}}}"
            rf" = {self._dotted(f)}"
            for q, p, f in rows
        ]

    def velocities_latex(self) -> list[str]:
        """q̇ = …"""
        rows = zip(self.coordinates, self.velocity_formulas)
        return [rf"\dot{{{latex(sympy.Symbol(q))}}} = {latex(tidy(f))}" for q, f in rows]

    def sum_latex(self) -> str:
        """H = Σ p q̇ − L = …"""
        terms = " + ".join(
            rf"{latex(sympy.Symbol(p))}\,\dot{{{latex(sympy.Symbol(q))}}}"
            for q, p in zip(self.coordinates, self.momenta)
        )
        return rf"H = {terms} - L = {latex(self.hamiltonian)}"

    def _dotted(self, expression: sympy.Expr) -> str:
        """LaTeX with velocities as dotted coordinates."""
        names = {
            sympy.Symbol(v, real=True): rf"\dot{{{latex(sympy.Symbol(q))}}}"
            for q, v in zip(self.coordinates, self.velocities)
        }
        return sympy.latex(expression, symbol_names=names)

    def system(self, values: dict[str, float] | None = None) -> SymbolicHamiltonian:
        """H as a Hamiltonian to integrate; parameters are 1 unless given."""
        numbers = {name: (values or {}).get(name, 1.0) for name in self.parameters}
        return symbolic(str(self.hamiltonian), self.coordinates, self.momenta, numbers)


def _coordinate(velocity: str) -> str:
    """v → q, v1 → q1, vx → x, vtheta → theta."""
    rest = velocity[1:]
    return f"q{rest}" if rest == "" or rest.isdigit() else rest


def from_lagrangian(text: str) -> Notebook:
    """Read L(q, q̇) and carry it to H(q, p).

    Raises FormulaError for a formula that is not accepted, and TenfmaError where ∂L/∂q̇ cannot be solved for q̇:
    a singular Lagrangian, or one that is not quadratic in the velocities.
    """
    names = formulas.names_in(text)
    velocities = tuple(sorted(name for name in names if name.startswith("v")))
    if not velocities:
        raise FormulaError(
            "the Lagrangian holds no velocity; write v for q̇, or vx, vtheta for the velocities of x, theta"
        )
    if len(velocities) > MOST_COORDINATES:
        raise FormulaError(
            f"the Lagrangian has {len(velocities)} velocities; at most {MOST_COORDINATES} are worked out here"
        )
    coordinates = tuple(_coordinate(name) for name in velocities)
    momenta = tuple(momentum_name(name) for name in coordinates)
    taken = {*velocities, *coordinates, *momenta}
    parameters = tuple(name for name in names if name not in taken)
    if "t" in parameters:
        raise FormulaError("the Lagrangian depends on t; this notebook works out those that do not")
    if set(names) & set(momenta):
        raise FormulaError(
            f"{', '.join(sorted(set(names) & set(momenta)))} is a momentum; a Lagrangian holds velocities"
        )
    known = formulas.coordinates_of((*coordinates, *velocities, *parameters))
    symbols = {name: sympy.Symbol(name, real=True) for name in (*known, *momenta)}
    L = formulas.parse(text, {name: symbols[name] for name in known}, f"coordinates {', '.join(coordinates)}")
    v, p, q = ([symbols[name] for name in group] for group in (velocities, momenta, coordinates))
    slopes = [sympy.expand(sympy.diff(L, each)) for each in v]
    if any(sympy.diff(slope, first, second) != 0 for slope in slopes for first in v for second in v):
        raise TenfmaError(
            "∂L/∂q̇ is not linear in the velocities, so q̇(p) has no short formula; a Lagrangian quadratic in its "
            "velocities is expected here"
        )
    H = legendre(text, coordinates, velocities, dict.fromkeys(parameters, 1.0))
    if not isinstance(H, SymbolicHamiltonian):
        raise TenfmaError("p = ∂L/∂q̇ has no short solution for q̇; write a Lagrangian with fewer terms")
    plain = {symbol: symbols[symbol.name] for symbol in H.expression.free_symbols}
    expression = sympy.expand(H.expression.xreplace(plain))
    solved = [sympy.simplify(sympy.diff(expression, each)) for each in p]  # q̇ = ∂H/∂p
    return Notebook(
        L, coordinates, velocities, momenta, parameters, tuple(slopes), tuple(solved), tidy(expression),
        tuple(name for name, symbol in zip(coordinates, q) if sympy.diff(L, symbol) == 0),
    )  # fmt: skip


@dataclass(frozen=True)
class Bracket:
    """{A, B} of two typed formulas."""

    left: SymbolicFunction
    right: SymbolicFunction
    value: SymbolicFunction

    @property
    def vanishes(self) -> bool:
        return sympy.simplify(self.value.expression) == 0

    def latex(self) -> str:
        value = latex(sympy.simplify(self.value.expression))
        return rf"\left\{{{self.left.latex()},\; {self.right.latex()}\right\}} = {value}"


def typed_bracket(H: SymbolicHamiltonian, left: str, right: str) -> Bracket:
    """{A, B} in H's variables; the letter H stands for the Hamiltonian itself."""
    a, b = (H.function(H.expression if text.strip() == "H" else text, "A") for text in (left, right))
    return Bracket(a, b, bracket(a, b))  # type: ignore[arg-type]


def conserved(H: SymbolicHamiltonian, degree: int = 2) -> list[Invariant]:
    """Conserved quantities among polynomials up to `degree`; an empty list for H whose energy is not kept."""
    return [] if H.time_dependent or H.damping else find_invariants(H, degree)
