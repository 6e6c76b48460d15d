"""What SymPy knows of a formula: its symbols, exact derivatives, capability, and code for NumPy and torch.

A structure holds no parameter values, so one formula is differentiated and compiled once however its sliders move.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import sympy

from tenfma.errors import TenfmaError
from tenfma.hamiltonian.codegen import FUNCTION_NAMES, Program, compile_source, function_source
from tenfma.hamiltonian.protocol import Array, Capability
from tenfma.hamiltonian.states import is_torch, on_states

TIME = sympy.Symbol("t", real=True)
_PYTHON_MATH = {f"s_{name}": getattr(math, name) for name in FUNCTION_NAMES}
_INVERSE = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "atan2": "arctan2"}


@dataclass(frozen=True, eq=False)
class Structure:
    """A formula in symbols: q coordinates, p momenta, k parameters, and the time t.

    Functions take arrays q, p of shape (*ensemble, n), parameter values k in order, and t.
    """

    expression: sympy.Expr
    q: tuple[sympy.Symbol, ...]
    p: tuple[sympy.Symbol, ...]
    k: tuple[sympy.Symbol, ...]
    #: compiled kernels, kept here by who makes them
    kernels: dict[Any, Any] = field(default_factory=dict, repr=False)
    _faces: dict[Any, Callable] = field(default_factory=dict, repr=False)

    @property
    def dimension(self) -> int:
        return len(self.q)

    @cached_property
    def names(self) -> dict[sympy.Symbol, str]:
        """symbol → name in generated source."""
        groups = (("q", self.q), ("p", self.p), ("k", self.k))
        return {symbol: f"{letter}{i}" for letter, group in groups for i, symbol in enumerate(group)} | {
            TIME: "t"
        }

    @cached_property
    def time_dependent(self) -> bool:
        return TIME in self.expression.free_symbols

    @cached_property
    def split(self) -> tuple[sympy.Expr, sympy.Expr] | None:
        """(T, V) with H = T(p) + V(q) exactly, or None where H couples q and p."""
        return _split(self.expression, set(self.q), set(self.p)) or self._split_further()

    def _split_further(self) -> tuple[sympy.Expr, sympy.Expr] | None:
        """Separability hidden by the way a formula is written, as in (q + p)² − 2qp.

        H(a, b) − H(a, b′) − H(a′, b) + H(a′, b′) vanishes for every a, b just if H is separable: generic numbers
        settle that it does not, algebra that it does.
        """
        rng = np.random.default_rng(20)
        k = tuple(rng.uniform(0.5, 1.5, len(self.k)))
        a, a2, b, b2 = rng.uniform(0.2, 0.9, (4, self.dimension))
        with np.errstate(all="ignore"):
            corners = [float(self.energy(q, p, k, 0.3)) for q, p in ((a, b), (a, b2), (a2, b), (a2, b2))]
        cross = corners[0] - corners[1] - corners[2] + corners[3]
        if not math.isfinite(cross) or abs(cross) > 1e-10 * max(map(abs, corners)):
            return None
        if sympy.count_ops(self.expression) > 200:
            return None
        for rewrite in (sympy.expand, sympy.simplify):
            found = _split(rewrite(self.expression), set(self.q), set(self.p))
            if found:
                return found
        return None

    @cached_property
    def capability(self) -> Capability:
        """What an integrator may assume, as long as the masses come out positive."""
        if self.split is None:
            return Capability.GENERAL
        return Capability.SEPARABLE if self.masses is None else Capability.QUADRATIC

    @cached_property
    def masses(self) -> tuple[sympy.Expr, ...] | None:
        """The masses m, in parameters only, where T = Σ p²/2m + constant; None otherwise."""
        if self.split is None:
            return None
        kinetic, _ = self.split
        moving = set(self.p) | set(self.q) | {TIME}
        found = []
        for p in self.p:
            velocity = sympy.diff(kinetic, p)
            inverse = sympy.diff(velocity, p)
            if inverse.free_symbols & moving or inverse == 0:
                inverse = sympy.expand(inverse)
            if inverse.free_symbols & moving or inverse == 0 or sympy.expand(velocity - inverse * p) != 0:
                return None
            found.append(1 / inverse)
        return tuple(found)

    @cached_property
    def dq(self) -> tuple[sympy.Expr, ...]:
        """∂H/∂q."""
        source = self.expression if self.split is None else self.split[1]
        return tuple(sympy.diff(source, q) for q in self.q)

    @cached_property
    def dp(self) -> tuple[sympy.Expr, ...]:
        """∂H/∂p."""
        source = self.expression if self.split is None else self.split[0]
        return tuple(sympy.diff(source, p) for p in self.p)

    @cached_property
    def second(self) -> tuple[tuple[sympy.Expr, ...], ...]:
        """The Hessian of H in (q, p), 2n × 2n."""
        variables = (*self.q, *self.p)
        rows = [[sympy.Integer(0)] * len(variables) for _ in variables]
        for i, first in enumerate((*self.dq, *self.dp)):
            for j in range(i, len(variables)):
                rows[i][j] = rows[j][i] = sympy.diff(first, variables[j])
        return tuple(tuple(row) for row in rows)

    def program(self, prefix: str = "v") -> Program:
        return Program(self.names, scalars=(*self.k, TIME), prefix=prefix)

    def energy(self, q: Array, p: Array, k: Sequence[float], t: float) -> Array:
        """H(q, p, t), shape (*ensemble,)."""
        return self._on_states(
            lambda q, p: self.evaluate("energy", (self.expression,), q, p, k, t)[..., 0], q, p, 0
        )

    def gradient_q(self, q: Array, p: Array | None, k: Sequence[float], t: float) -> Array:
        return self._on_states(lambda q, p: self.evaluate("gradient_q", self.dq, q, p, k, t), q, p, 1)

    def gradient_p(self, q: Array | None, p: Array, k: Sequence[float], t: float) -> Array:
        return self._on_states(lambda q, p: self.evaluate("gradient_p", self.dp, q, p, k, t), q, p, 1)

    def hessian(self, q: Array, p: Array, k: Sequence[float], t: float) -> Array:
        """∂²H over (q, p), shape (*ensemble, 2n, 2n)."""
        size = 2 * self.dimension

        def matrix(q: Array, p: Array) -> Array:
            flat = self.evaluate("hessian", tuple(entry for row in self.second for entry in row), q, p, k, t)
            return flat.reshape(*flat.shape[:-1], size, size)

        return self._on_states(matrix, q, p, 2)

    def _on_states(self, f: Callable[[Array, Array], Array], q: Any, p: Any, event: int) -> Array:
        try:
            return on_states(f, q, p, self.dimension, event)
        except TypeError:
            if q is not None and p is not None:
                raise
            raise TenfmaError(
                f"{'q' if q is None else 'p'} is missing; only derivatives of a separable H can do without it"
            ) from None

    def evaluate(self, name: str, expressions: tuple[sympy.Expr, ...], q, p, k, t) -> Array:
        """Expressions in the structure's symbols, stacked along a last axis; kept compiled under `name`."""
        given = q if q is not None else p
        library = "torch" if is_torch(given) else "numpy"
        key = (name, library)
        if key not in self._faces:
            self._faces[key] = self._face(name, expressions, library)
        return self._faces[key](q, p, k, t)

    def _face(self, name: str, expressions: tuple[sympy.Expr, ...], library: str) -> Callable:
        statements, results = self.program().source(expressions)
        used = set().union(*(expression.free_symbols for expression in expressions))
        unpack = [
            f"{self.names[symbol]} = {letter}[{'..., ' * (letter != 'k')}{i}]"
            for letter, group in (("q", self.q), ("p", self.p), ("k", self.k))
            for i, symbol in enumerate(group)
            if symbol in used
        ]
        joined = f"stack(({', '.join(results)},), q, p)"
        source = function_source(name, ("q", "p", "k", "t"), [*unpack, *statements], joined)
        return compile_source(source, name, _namespace(library))


def _namespace(library: str) -> dict:
    if library == "numpy":
        functions = {name: getattr(np, _INVERSE.get(name, name)) for name in FUNCTION_NAMES}
        return functions | _PYTHON_MATH | {"stack": _stack_numpy}
    import torch

    functions = {name: getattr(torch, name) for name in FUNCTION_NAMES}
    return functions | _PYTHON_MATH | {"stack": _stack_torch}


def _shape(q: Array, p: Array) -> tuple[int, ...]:
    if q is None or p is None or q.shape == p.shape:
        return tuple((q if q is not None else p).shape[:-1])
    return np.broadcast_shapes(tuple(q.shape[:-1]), tuple(p.shape[:-1]))


def _stack_numpy(parts: tuple, q: Array, p: Array) -> np.ndarray:
    given = q if q is not None else p
    out = np.empty((*_shape(q, p), len(parts)), dtype=given.dtype)
    for i, part in enumerate(parts):
        out[..., i] = part
    return out


def _stack_torch(parts: tuple, q, p):
    import torch

    given = q if q is not None else p
    shape = _shape(q, p)
    tensors = [part if is_torch(part) else given.new_full((), part) for part in parts]
    return torch.stack([tensor.expand(shape) for tensor in tensors], dim=-1)


def _split(expression: sympy.Expr, q: set, p: set) -> tuple[sympy.Expr, sympy.Expr] | None:
    kinetic: list[sympy.Expr] = []
    potential: list[sympy.Expr] = []
    for term in sympy.Add.make_args(expression):
        symbols = term.free_symbols
        if symbols & q and symbols & p:
            return None
        (kinetic if symbols & p else potential).append(term)
    return sympy.Add(*kinetic), sympy.Add(*potential)
