"""Hamiltonians from formulas: exact derivatives, for NumPy, torch and compiled code, and Hamilton's equations.

H = symbolic("p**2/2 + q**4/4")
H = symbolic("(px**2 + py**2)/2 + k*x**2*y**2", coordinates=("x", "y"), parameters={"k": 2.0})
"""

import copy
import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Self

import numpy as np
import sympy

from tenfma.errors import FormulaError, TenfmaError
from tenfma.hamiltonian import formula as formulas
from tenfma.hamiltonian.notation import latex, tidy
from tenfma.hamiltonian.protocol import DIMENSIONLESS, Array, Capability, Hamiltonian, Units
from tenfma.hamiltonian.structure import TIME, Structure

MAX_COORDINATES = 32
_KEPT_STRUCTURES = 256
_lock = Lock()
_structures: OrderedDict[tuple, Structure] = OrderedDict()

#: names taken for coordinates when only their momenta appear in a formula
_USUAL_COORDINATES = {"x", "y", "z", "r", "theta", "phi", "psi", "u", "v", "w", "s"}


class SymbolicFunction:
    """A function of (q, p[, t]) given by a formula, such as an invariant or a Poisson bracket.

    Callable on arrays q, p of shape (*ensemble, n), NumPy or torch, or on numbers where n = 1; `dq`, `dp` and
    `hessian` are exact.
    """

    def __init__(self, structure: Structure, parameters: Mapping[str, float], name: str = "A"):
        self.structure = structure
        self.name = name
        self.parameters = dict(parameters)
        self._k = tuple(self.parameters[symbol.name] for symbol in structure.k)

    @property
    def expression(self) -> sympy.Expr:
        return self.structure.expression

    @property
    def coordinates(self) -> tuple[str, ...]:
        return tuple(symbol.name for symbol in self.structure.q)

    @property
    def momenta(self) -> tuple[str, ...]:
        return tuple(symbol.name for symbol in self.structure.p)

    def __call__(self, q: Array, p: Array, t: float = 0.0) -> Array:
        return self.structure.energy(q, p, self._k, t)

    def dq(self, q: Array, p: Array, t: float = 0.0) -> Array:
        return self.structure.gradient_q(q, p, self._k, t)

    def dp(self, q: Array, p: Array, t: float = 0.0) -> Array:
        return self.structure.gradient_p(q, p, self._k, t)

    def hessian(self, q: Array, p: Array, t: float = 0.0) -> Array:
        return self.structure.hessian(q, p, self._k, t)

    def latex(self) -> str:
        return latex(self.expression)

    def __repr__(self) -> str:
        return f"<{self.name} = {self.expression}>"


class SymbolicHamiltonian(Hamiltonian):
    """H(q, p[, t]) given by a formula, with exact derivatives.

    Arrays q, p have shape (*ensemble, n), NumPy or torch; for n = 1 they may be plain numbers. The capability is
    read off the formula: QUADRATIC where T = Σ p²/2m with positive masses, SEPARABLE where H = T(p) + V(q), GENERAL
    otherwise.
    """

    def __init__(
        self,
        structure: Structure,
        parameters: Mapping[str, float],
        *,
        name: str = "H",
        units: Units = DIMENSIONLESS,
        damping: float = 0.0,
        degrees_of_freedom: int | None = None,
        text: str | None = None,
    ):
        self.structure = structure
        self.name = name
        self.units = units
        self.damping = parameter_values({"damping": damping})["damping"]
        self.text = text
        #: how H was derived, in LaTeX, where it was derived from something else
        self.derivation: list[str] = []
        self.event_shape = (structure.dimension,)
        self.time_dependent = structure.time_dependent
        self._degrees_of_freedom = degrees_of_freedom
        self._set_parameters(parameters)

    def _set_parameters(self, parameters: Mapping[str, float]) -> None:
        self.parameters = {key: float(value) for key, value in parameters.items()}
        self._k = tuple(self.parameters[symbol.name] for symbol in self.structure.k)
        self.mass = _masses(self.structure, self._k)
        self.capability = self.structure.capability
        if self.capability == Capability.QUADRATIC and self.mass is None:
            self.capability = Capability.SEPARABLE

    @property
    def expression(self) -> sympy.Expr:
        """H as a SymPy expression in coordinates, momenta, parameters and t."""
        return self.structure.expression

    @property
    def coordinates(self) -> tuple[str, ...]:
        return tuple(symbol.name for symbol in self.structure.q)

    @property
    def momenta(self) -> tuple[str, ...]:
        return tuple(symbol.name for symbol in self.structure.p)

    @property
    def degrees_of_freedom(self) -> int:
        return self.structure.dimension if self._degrees_of_freedom is None else self._degrees_of_freedom

    @property
    def parameter_values(self) -> tuple[float, ...]:
        """Values of the parameters in the order of `structure.k`."""
        return self._k

    def __call__(self, q: Array, p: Array, t: float = 0.0) -> Array:
        return self.structure.energy(q, p, self._k, t)

    def dq(self, q: Array, p: Array, t: float = 0.0) -> Array:
        return self.structure.gradient_q(q, p, self._k, t)

    def dp(self, q: Array, p: Array, t: float = 0.0) -> Array:
        return self.structure.gradient_p(q, p, self._k, t)

    def hessian(self, q: Array, p: Array, t: float = 0.0) -> Array:
        """∂²H over (q, p), shape (*ensemble, 2n, 2n)."""
        return self.structure.hessian(q, p, self._k, t)

    def with_parameters(self, **values: float) -> Self:
        """The same formula with other parameter values: nothing is differentiated or compiled again."""
        for name in values:
            if name not in self.parameters:
                known = ", ".join(self.parameters) or "none"
                raise TenfmaError(
                    f"{self.name} has no parameter {name!r}{formulas.nearest(name, self.parameters)}; it has {known}"
                )
        changed = copy.copy(self)
        changed._set_parameters(self.parameters | parameter_values(values))
        return changed

    def function(self, formula: str | sympy.Expr, name: str = "A") -> SymbolicFunction:
        """A function of the same variables and parameters, from text or from a SymPy expression in them."""
        structure = self.structure
        if isinstance(formula, str):
            symbols = {symbol.name: symbol for symbol in (*structure.q, *structure.p, *structure.k)}
            formula = formulas.parse(formula, symbols | {"t": TIME}, self._describe())
        return SymbolicFunction(
            Structure(formula, structure.q, structure.p, structure.k), self.parameters, name
        )

    def latex(self) -> str:
        """H in LaTeX."""
        return latex(self.expression)

    def equations(self) -> list[str]:
        """Hamilton's equations in LaTeX, q̇ = ∂H/∂p for every coordinate, then ṗ = −∂H/∂q − c p."""
        structure, lines = self.structure, []
        for q, p, derivative in zip(structure.q, structure.p, structure.dp):
            left = rf"\dot{{{latex(q)}}} = \frac{{\partial H}}{{\partial {latex(p)}}}"
            lines.append(f"{left} = {latex(tidy(derivative))}")
        for q, p, derivative in zip(structure.q, structure.p, structure.dq):
            force = tidy(-derivative)
            left = rf"\dot{{{latex(p)}}} = -\frac{{\partial H}}{{\partial {latex(q)}}}"
            if self.damping:
                friction = sympy.Rational(str(self.damping)) * p
                left, force = rf"{left} - {latex(friction)}", force - friction
            lines.append(f"{left} = {latex(force)}")
        return lines

    def _describe(self) -> str:
        return _describe(self.coordinates, self.momenta, self.parameters)

    def __repr__(self) -> str:
        return f"<{self.name} = {self.expression}, {self.capability.name.lower()}>"


def symbolic(
    formula: str,
    coordinates: Sequence[str] | str | None = None,
    momenta: Sequence[str] | str | None = None,
    parameters: Mapping[str, float] | None = None,
    *,
    damping: float = 0.0,
    name: str = "H",
    units: Units = DIMENSIONLESS,
    start: tuple[Sequence[float], Sequence[float]] | None = None,
) -> SymbolicHamiltonian:
    """The Hamiltonian a formula stands for, H(q, p) or, where `t` appears in it, H(q, p, t).

    coordinates  names of q; by default q and p, q1, q2, … with p1, p2, …, or x, y, … with px, py, …
    momenta      names of p, by default each coordinate's name after a p (q ↔ p, q1 ↔ p1, x ↔ px)
    parameters   names with values; changing a value later costs nothing
    damping      linear friction c: dp/dt = −∂H/∂q − c p
    start        (q, p) at which the energy must be a finite number

    >>> H = symbolic("p**2/(2*m) + k*q**4/4", parameters={"m": 2.0, "k": 1.0})
    >>> H.capability.name, H.mass
    ('QUADRATIC', array([2.]))

    A formula in coordinates alone, or in momenta alone, is accepted: the other half of the state then stands still.

    Raises FormulaError, one plain sentence, for every formula this program does not accept, among them those that
    come to a constant.
    """
    values = parameter_values(parameters)
    coordinates, momenta = _variables(formula, coordinates, momenta, values)
    key = (formula, coordinates, momenta, tuple(values))
    with _lock:
        structure = _structures.get(key)
    if structure is None:
        names = formulas.coordinates_of((*coordinates, *momenta, *values))
        if len(set(names)) < len(names):
            raise FormulaError(f"each name may stand for one thing only; got {', '.join(names)}")
        symbols = {each: sympy.Symbol(each, real=True) for each in names}
        scope = symbols if "t" in symbols else symbols | {"t": TIME}
        expression = formulas.parse(formula, scope, _describe(coordinates, momenta, values))
        q, p, k = (tuple(symbols[each] for each in group) for group in (coordinates, momenta, values))
        if not expression.free_symbols & {*q, *p}:
            raise FormulaError(
                f"the formula comes to {expression}, the same for all {', '.join((*coordinates, *momenta))}, so "
                "nothing moves; write one with coordinates or momenta in it, such as p**2/2 + q**4/4"
            )
        structure = Structure(expression, q, p, k)
    with _lock:
        structure = _structures.setdefault(key, structure)
        _structures.move_to_end(key)
        while len(_structures) > _KEPT_STRUCTURES:
            _structures.popitem(last=False)
    H = SymbolicHamiltonian(structure, values, name=name, units=units, damping=damping, text=formula)
    _probe(H, start)
    return H


def from_expression(
    expression: sympy.Expr,
    coordinates: Sequence[sympy.Symbol],
    momenta: Sequence[sympy.Symbol],
    parameters: Mapping[sympy.Symbol, float] | None = None,
    **options,
) -> SymbolicHamiltonian:
    """The Hamiltonian of a SymPy expression; symbols should be declared real. Options as SymbolicHamiltonian's."""
    parameters = parameters or {}
    structure = Structure(expression, tuple(coordinates), tuple(momenta), tuple(parameters))
    stray = expression.free_symbols - {*coordinates, *momenta, *parameters, TIME}
    if stray:
        names = ", ".join(sorted(symbol.name for symbol in stray))
        raise FormulaError(
            f"the expression holds {names}, which is no coordinate, momentum or parameter: declare it"
        )
    return SymbolicHamiltonian(
        structure, {symbol.name: value for symbol, value in parameters.items()}, **options
    )


def _masses(structure: Structure, k: Sequence[float]) -> np.ndarray | None:
    """The masses at these parameter values; None where T is not quadratic or a mass is not positive."""
    if structure.masses is None:
        return None
    values = dict(zip(structure.k, k))
    masses = [sympy.sympify(entry).subs(values) for entry in structure.masses]
    if not all(mass.is_finite and mass.is_positive for mass in masses):
        return None
    return np.array([float(mass) for mass in masses])


def _describe(coordinates: Sequence[str], momenta: Sequence[str], parameters: Mapping[str, float]) -> str:
    known = [f"coordinates {', '.join(coordinates)}", f"momenta {', '.join(momenta)}"]
    if parameters:
        known.append(f"parameters {', '.join(parameters)}")
    return "; ".join([*known, "time t, constants pi and E"])


def parameter_values(parameters: Mapping[str, float] | None) -> dict[str, float]:
    """Parameters as floats. Raises FormulaError for what is no finite number."""
    if parameters is not None and not isinstance(parameters, Mapping):
        raise FormulaError(f"parameters is {parameters!r}; give names with values, such as {{'k': 2.0}}")
    values = {}
    for name, value in (parameters or {}).items():
        try:
            values[name] = float(value)
        except (TypeError, ValueError):
            raise FormulaError(f"parameter {name} is {value!r}; give it a number") from None
        if not np.isfinite(values[name]):
            raise FormulaError(f"parameter {name} is {value!r}; give it a finite number")
    return values


def momentum_name(coordinate: str) -> str:
    """q ↔ p, q1 ↔ p1, and x ↔ px."""
    match = re.fullmatch(r"q(_?\d*)", coordinate)
    return f"p{match[1]}" if match else f"p{coordinate}"


def _variables(formula, coordinates, momenta, parameters) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of coordinates and momenta, inferred from the formula where they are not given."""
    if coordinates is None:
        if momenta is not None:
            raise FormulaError("momenta were named without coordinates; name both, or neither")
        coordinates = _infer(formulas.names_in(formula), parameters)
    coordinates = listed(coordinates)
    momenta = tuple(map(momentum_name, coordinates)) if momenta is None else listed(momenta)
    if not 1 <= len(coordinates) <= MAX_COORDINATES:
        raise FormulaError(
            f"{len(coordinates)} coordinates were named; between 1 and {MAX_COORDINATES} are accepted"
        )
    if len(momenta) != len(coordinates):
        raise FormulaError(f"{len(coordinates)} coordinates need as many momenta, not {len(momenta)}")
    return coordinates, momenta


def listed(names: Sequence[str] | str) -> tuple[str, ...]:
    """Names as a tuple; text is split at commas and blanks. Raises FormulaError for what is no list of names."""
    if not isinstance(names, str | Sequence):
        raise FormulaError(f"names are given as text or a list, such as 'x, y', not {names!r}")
    return tuple(re.split(r"[\s,]+", names.strip())) if isinstance(names, str) else tuple(names)


def _infer(names: Sequence[str], parameters: Mapping[str, float]) -> tuple[str, ...]:
    free = [name for name in names if name not in parameters]
    found = []
    for name in free:
        match = re.fullmatch(r"([qp])(_?\d*)", name)
        if match:
            found.append(f"q{match[2]}")
        elif name.startswith("p") and (name[1:] in free or name[1:] in _USUAL_COORDINATES):
            found.append(name[1:])
    ordered = sorted(dict.fromkeys(found), key=lambda name: (re.sub(r"\d+", "", name), len(name), name))
    return tuple(ordered) or ("q",)


def _probe(H: SymbolicHamiltonian, start: tuple | None) -> None:
    """Refuse a formula whose energy or forces are finite real numbers nowhere we look, or not at the start."""
    if start is not None:
        try:
            points = [tuple(np.asarray(part, dtype=float).reshape(H.event_shape) for part in start)]
        except (TypeError, ValueError):
            n = H.event_shape[0]
            raise FormulaError(f"the start {start!r} is no state; give (q, p), {n} numbers each") from None
    else:
        rng = np.random.default_rng(5)
        n = H.structure.dimension
        scales = (1.0, 1.0, 0.3, 0.3, 0.1, 3.0, 10.0)
        points = [
            tuple(scale * rng.uniform(0.1 if i % 2 else -1, 1, (2, n))) for i, scale in enumerate(scales)
        ]
    with np.errstate(all="ignore"):
        for q, p in points:
            try:
                values = (H(q, p), H.dq(q, p), H.dp(q, p))
            except (ArithmeticError, ValueError):
                continue
            if all(np.all(np.isfinite(value)) for value in values):
                return
    where = "at the start" if start is not None else "at any point tried"
    raise FormulaError(
        f"the energy or a force is not a finite real number {where}; check divisions, roots and logarithms"
    )
