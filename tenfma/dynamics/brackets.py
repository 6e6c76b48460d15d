"""Poisson brackets: symbolic where both sides are formulas, by automatic differentiation elsewhere.

    {A, B} = Σ ∂A/∂qᵢ ∂B/∂pᵢ − ∂A/∂pᵢ ∂B/∂qᵢ

so that {q, p} = 1, and along a trajectory of H dA/dt = {A, H} (plus ∂A/∂t where A depends on time itself).

    >>> angular = bracket("x*py - y*px", "(px**2 + py**2)/2 + exp(-x**2 - y**2)")
    >>> angular.expression
    0
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import sympy

from tenfma.dynamics.arrays import is_torch
from tenfma.errors import TenfmaError
from tenfma.hamiltonian.formula import parse
from tenfma.hamiltonian.protocol import Array, Hamiltonian
from tenfma.hamiltonian.states import numbers
from tenfma.hamiltonian.structure import TIME, Structure
from tenfma.hamiltonian.symbolic import SymbolicFunction, SymbolicHamiltonian, symbolic, tidy

#: a function of (q, p): a formula, a symbolic function, a Hamiltonian, or any torch callable
Observable = str | SymbolicFunction | SymbolicHamiltonian | Hamiltonian | Callable[..., Any]

#: brackets with more operations than this are left as the product rule gives them
EXPANDED = 400


class AutogradBracket:
    """{A, B} as a function of (q, p[, t]), its derivatives taken by torch; NumPy in, NumPy out.

    Where A and B give one number per ensemble member, so does the bracket; (*ensemble, systems) energies are
    summed.
    """

    def __init__(self, a: Callable, b: Callable):
        self.a, self.b = a, b

    def __call__(self, q: Array, p: Array, t: float = 0.0) -> Array:
        import torch

        q, p, single = self._states(q, p)
        if is_torch(q):
            value = self._evaluate(q, p, t)
        else:
            q, p = (torch.from_numpy(np.array(x, dtype=float)) for x in (q, p))
            value = self._evaluate(q, p, t).detach().numpy()
        return float(value) if single and not is_torch(value) else value

    def _states(self, q: Any, p: Any) -> tuple[Array, Array, bool]:
        """q and p checked against the Hamiltonians in the bracket; numbers as (1,), and whether they were numbers."""
        q, p = (numbers(x, name) for x, name in ((q, "q"), (p, "p")))
        if q is None or p is None:
            raise TenfmaError(f"{'q' if q is None else 'p'} is missing; a bracket is evaluated at (q, p)")
        if is_torch(q) != is_torch(p):
            raise TenfmaError("q and p are of two kinds; give both as NumPy arrays or both as torch tensors")
        events = {tuple(f.event_shape) for f in (self.a, self.b) if isinstance(f, Hamiltonian)}
        single = q.ndim == p.ndim == 0 and (not events or events == {(1,)})
        if single:
            q, p = q[None], p[None]
        if tuple(q.shape) != tuple(p.shape):
            raise TenfmaError(f"q has shape {tuple(q.shape)} and p {tuple(p.shape)}; they must be the same")
        for event in events:
            if q.ndim < len(event) or tuple(q.shape[q.ndim - len(event) :]) != event:
                expected = ", ".join(map(str, ("*ensemble", *event)))
                raise TenfmaError(f"q has shape {tuple(q.shape)}; expected ({expected})")
        return q, p, single

    def _evaluate(self, q, p, t: float):
        a_q, a_p, _ = partial_derivatives(self.a, q, p, t)
        b_q, b_p, rank = partial_derivatives(self.b, q, p, t)
        products = a_q * b_p - a_p * b_q  # Σ ∂A/∂q ∂B/∂p − ∂A/∂p ∂B/∂q
        return products.sum(dim=tuple(range(-rank, 0))) if rank else products

    def __repr__(self) -> str:
        return f"<bracket {{{_name(self.a)}, {_name(self.b)}}} by automatic differentiation>"


def bracket(
    A: Observable,
    B: Observable,
    *,
    coordinates: Sequence[str] | str | None = None,
    momenta: Sequence[str] | str | None = None,
    parameters: Mapping[str, float] | None = None,
) -> SymbolicFunction | AutogradBracket:
    """{A, B} = Σ ∂A/∂qᵢ ∂B/∂pᵢ − ∂A/∂pᵢ ∂B/∂qᵢ, itself a function of (q, p), so brackets nest.

    A, B        formulas as text, symbolic functions, Hamiltonians, or torch functions of (q, p[, t])
    coordinates, momenta, parameters
                how texts are to be read where both A and B are texts; as for `symbolic`

    Two formulas give a SymbolicFunction with `.expression` and `.latex()`; anything else is differentiated
    by torch at each call, differentiably, and takes NumPy or torch states (*ensemble, *event).

    Raises FormulaError for a text that is no formula, TenfmaError where the two speak of different
    coordinates.
    """
    if isinstance(A, str) and isinstance(B, str):
        both = symbolic(f"({A}) + ({B})", coordinates, momenta, parameters)
        A, B = both.function(A), both.function(B)
    A = _read(A, B) if isinstance(A, str) else A
    B = _read(B, A) if isinstance(B, str) else B
    if isinstance(A, SymbolicFunction | SymbolicHamiltonian) and isinstance(
        B, SymbolicFunction | SymbolicHamiltonian
    ):
        return _symbolic_bracket(A, B)
    for each in (A, B):
        if not callable(each):
            raise TenfmaError(f"a bracket is of functions of (q, p), formulas or Hamiltonians; got {each!r}")
    return AutogradBracket(A, B)


def partial_derivatives(f: Callable, q, p, t: float = 0.0):
    """(∂f/∂q, ∂f/∂p, number of event axes) at torch states, f summed over what it returns.

    Part of the graph where gradients are on. Raises TenfmaError for a function torch cannot differentiate.
    """
    import torch

    if isinstance(f, Hamiltonian):
        return f.dq(q, p, t), f.dp(q, p, t), len(f.event_shape)
    record = torch.is_grad_enabled()
    with torch.enable_grad():
        # new nodes, so that ∂/∂q is at fixed p even where p was computed from q
        q, p = (x.view_as(x) if x.requires_grad else x.detach().requires_grad_() for x in (q, p))
        value = f(q, p) if _arity(f) == 2 else f(q, p, t)
        if not is_torch(value):
            raise TenfmaError(
                f"{_name(f)} returned {type(value).__name__}, not a torch tensor, so its bracket cannot "
                f"be taken; "
                "write it in torch operations or as a formula"
            )
        rank = q.ndim - value.ndim
        if rank < 0 or value.shape != q.shape[: value.ndim]:
            raise TenfmaError(
                f"{_name(f)} returned shape {tuple(value.shape)} for states of shape {tuple(q.shape)}; "
                "a bracket needs one number per ensemble member"
            )
        if not value.requires_grad:
            return torch.zeros_like(q), torch.zeros_like(p), rank
        slopes = torch.autograd.grad(value.sum(), (q, p), create_graph=record, allow_unused=True)
    q_slope, p_slope = (torch.zeros_like(q) if slope is None else slope for slope in slopes)
    return q_slope, p_slope, rank


def _symbolic_bracket(A, B) -> SymbolicFunction:
    a, b = A.structure, B.structure
    if (a.q, a.p) != (b.q, b.p):
        raise TenfmaError(
            f"the bracket's sides speak of different coordinates: {', '.join(A.coordinates)} and "
            f"{', '.join(B.coordinates)}; name the same coordinates for both"
        )
    for name in A.parameters.keys() & B.parameters.keys():
        if A.parameters[name] != B.parameters[name]:
            raise TenfmaError(
                f"the parameter {name} is {A.parameters[name]:g} on one side of the bracket and "
                f"{B.parameters[name]:g} on the other; give it one value"
            )
    expression = sum(
        (a_q * b_p - a_p * b_q for a_q, a_p, b_q, b_p in zip(a.dq, a.dp, b.dq, b.dp)), sympy.Integer(0)
    )
    k = tuple(dict.fromkeys((*a.k, *b.k)))
    name = f"{{{A.name}, {B.name}}}"
    return SymbolicFunction(Structure(tidied(expression), a.q, a.p, k), A.parameters | B.parameters, name)


def tidied(expression: sympy.Expr) -> sympy.Expr:
    """The shorter of an expression as it is and expanded, simplified where that is quick."""
    if sympy.count_ops(expression) > EXPANDED:
        return expression
    expanded = sympy.expand(expression)
    return tidy(min(expression, expanded, key=sympy.count_ops))


def _read(text: str, other: Any) -> SymbolicFunction:
    """A text in the variables of the bracket's other side."""
    if not isinstance(other, SymbolicFunction | SymbolicHamiltonian):
        raise TenfmaError(
            f"the formula {text!r} has no coordinates to be read in, because the bracket's other side is "
            f"no formula; "
            "write it as a torch function of (q, p)"
        )
    structure = other.structure
    symbols = {symbol.name: symbol for symbol in (*structure.q, *structure.p, *structure.k)}
    expression = parse(text, symbols | {"t": TIME})
    return SymbolicFunction(
        Structure(expression, structure.q, structure.p, structure.k), other.parameters, text
    )


def _arity(f: Callable) -> int:
    """2 where f takes (q, p) only, else 3."""
    import inspect

    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        return 2
    positional = [x for x in parameters if x.kind in (x.POSITIONAL_ONLY, x.POSITIONAL_OR_KEYWORD)]
    return 3 if len(positional) >= 3 or any(x.kind is x.VAR_POSITIONAL for x in parameters) else 2


def _name(f: Any) -> str:
    return str(getattr(f, "name", None) or getattr(f, "__name__", type(f).__name__))
