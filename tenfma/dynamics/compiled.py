"""Compiled integration of formulas: Numba kernels generated from a method's word and the exact derivatives.

`run` is what `integrate` calls for NumPy arrays and a `SymbolicHamiltonian`; `supports` says which methods have a
kernel. Kernels are kept with the formula's structure: changing a parameter, a step size or a coefficient compiles
nothing. Floating-point operations are neither reordered nor contracted (no fastmath), so a trajectory does not depend
on the batch it runs in, on the layout, or on the number of threads.
"""

import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from types import FunctionType
from typing import Any

import numba
import numpy as np

from tenfma.dynamics import noise as noises
from tenfma.dynamics.compiled_code import LANES, MOST_SCALARS, kernel_source
from tenfma.dynamics.compiled_implicit import GAUSS_4, MIDPOINT, advance, implicit_functions, jitted
from tenfma.dynamics.compiled_plan import Plan, plan
from tenfma.dynamics.compiled_writer import FUNCTIONS, derivative_sources
from tenfma.dynamics.compositions import triple_jump
from tenfma.dynamics.words import Method, Word
from tenfma.errors import ConvergenceError
from tenfma.hamiltonian.codegen import compile_source
from tenfma.hamiltonian.protocol import Capability
from tenfma.hamiltonian.structure import Structure
from tenfma.hamiltonian.symbolic import SymbolicHamiltonian

#: methods that are no word over flows, as a word of one letter
_SINGLE: dict[str, Word] = {
    "euler": (("E", 1.0),),
    "rk4": (("R", 1.0),),
    "euler_maruyama": (("Y", 1.0),),
    "tao2": (("T", 1.0),),
    "tao4": tuple(("T", w) for w in triple_jump(2)),
}
#: implicit Runge–Kutta methods, by their coefficients
_IMPLICIT = {"implicit_midpoint": MIDPOINT, "gauss_legendre4": GAUSS_4}
#: from this many trajectories on, blocks of them run in vector registers
_FEWEST_FOR_LANES = 8
#: steps × trajectories × degrees of freedom from which a second thread pays
_WORTH_A_THREAD = 400_000


def supports(H: SymbolicHamiltonian, method: Method) -> bool:
    """Whether a kernel can be generated for this method."""
    if method.name in _IMPLICIT:
        return True
    word = _word(method)
    return bool(word) and all(letter in "ABOERYT" for letter, _ in word)


def run(
    H: SymbolicHamiltonian,
    q: np.ndarray,
    p: np.ndarray,
    *,
    t0: float,
    dt: Any,
    steps: int,
    save_every: int,
    method: Method,
    kT: float | None = None,
    friction: Any = None,
    noise: Any = None,
    first_step: int = 0,
    tolerance: float = 1e-14,
    omega: float = 20.0,
    copy: tuple[np.ndarray, np.ndarray] | None = None,
    out: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]:
    """States and energies after every `save_every` of `steps` steps: (qs, ps, energies, heats).

    q, p     (*ensemble, n) float64, left as they are
    dt       a number, or one per trajectory, shape (*ensemble,)
    noise    `Noise`, or recorded normals (steps, draws, *ensemble, n)
    copy     for methods in two copies: (x, y), updated in place; (q, p) itself at the start of a path
    out      arrays (saves, *ensemble, n) twice and (saves, *ensemble) to write into
    heats    energy the thermostat has put in since the start of this call, or the distance of the two copies; None
             for other methods

    Raises ConvergenceError where an implicit step is not solved; its attribute `saves` says how many states were
    saved before, by every trajectory.
    """
    n, ensemble = H.structure.dimension, q.shape[:-1]
    members, saves = int(np.prod(ensemble, dtype=int)), steps // save_every
    h = np.ascontiguousarray(dt, dtype=float).reshape(-1)
    results = out or tuple(np.empty((saves, *shape)) for shape in (q.shape, q.shape, ensemble))
    qs, ps, energies = (
        array.reshape(saves, members, *shape) for array, shape in zip(results, ((n,), (n,), ()), strict=True)
    )
    span = _Span(
        H, q.reshape(members, n), p.reshape(members, n), float(t0), h, saves, save_every, qs, ps, energies
    )
    if method.name in _IMPLICIT:
        _run_implicit(span, method, tolerance)
        return (*results, None)
    x, y = (np.array(q), np.array(p)) if copy is None else copy
    second = (x.reshape(members, n), y.reshape(members, n))
    heats = _run_word(span, _plan(_word(method)), kT, friction, noise, first_step, omega, second, ensemble)
    return (*results, None if heats is None else heats.reshape(saves, *ensemble))


@dataclass(frozen=True)
class _Span:
    """A stretch of time to cover, trajectories along one axis, and where to write what is saved."""

    H: SymbolicHamiltonian
    q: np.ndarray
    p: np.ndarray
    t0: float
    h: np.ndarray
    saves: int
    every: int
    qs: np.ndarray
    ps: np.ndarray
    energies: np.ndarray

    @property
    def members(self) -> int:
        return len(self.q)

    @property
    def parameters(self) -> np.ndarray:
        return np.array(self.H.parameter_values, dtype=float)

    def in_parts(self, part: Callable[[int, int], None], block: int = 1) -> None:
        """Run part(begin, end) over all trajectories, shared among threads where that pays."""
        members, cost = self.members, self.q.size * self.saves * self.every
        threads = min(_threads(), -(-members // block), 1 + cost // _WORTH_A_THREAD)
        if threads <= 1:
            part(0, members)
            return
        share = -(-members // (threads * block)) * block
        bounds = [(begin, min(begin + share, members)) for begin in range(0, members, share)]
        with ThreadPoolExecutor(len(bounds)) as pool:
            for result in [pool.submit(part, *bound) for bound in bounds]:
                result.result()


def _run_word(
    span: _Span,
    cut: Plan,
    kT: float | None,
    friction: Any,
    noise: Any,
    first_step: int,
    omega: float,
    second: tuple[np.ndarray, np.ndarray],
    ensemble: tuple[int, ...],
) -> np.ndarray | None:
    """Methods that are words; the heats (saves, members), or for two copies their distance."""
    H, n = span.H, span.q.shape[1]
    if isinstance(noise, noises.Noise) and noise.streams is not None and np.shape(noise.streams) != ensemble:
        noise = noise.draw(first_step, span.saves * span.every, cut.draws, ensemble, (n,))
    kind = "none" if not cut.draws else "seed" if isinstance(noise, noises.Noise) else "recorded"
    lanes = kind == "none" and span.members >= _FEWEST_FOR_LANES and n <= MOST_SCALARS and not cut.doubled
    layout = "lanes" if lanes else "serial"
    kernel = _kernel(H.structure, cut, layout, kind, H.damping != 0, len(span.h) > 1)
    reports = cut.accounts or cut.doubled
    heats = np.zeros((span.saves, span.members) if reports else (1, 1))
    keys = noise.keys(ensemble) if kind == "seed" else (np.zeros(1, np.uint64), np.zeros(1, np.uint64))
    record = np.zeros((1, 1, 1, 1))
    if kind == "recorded":
        record = np.ascontiguousarray(noise, dtype=float).reshape(span.saves * span.every, cut.draws, -1, n)
    factors = _factors(H, cut, span.h, kT, friction, omega)
    inputs = (span.q, span.p, span.parameters, span.t0, span.h, *factors, first_step)
    counts = (span.saves, span.every, record, *(key.reshape(-1) for key in keys))
    outputs = (span.qs, span.ps, span.energies, heats, *second)
    span.in_parts(lambda begin, end: kernel(*inputs, begin, end, *counts, *outputs), LANES if lanes else 1)
    return heats if reports else None


def _run_implicit(span: _Span, method: Method, tolerance: float) -> None:
    """Implicit Runge–Kutta methods. Raises ConvergenceError where a step is not solved."""
    field, energy = _implicit_functions(span.H.structure)
    status = np.zeros(span.members, np.int64)
    inputs = (
        span.q,
        span.p,
        span.parameters,
        span.t0,
        span.h,
        span.H.damping,
        *_IMPLICIT[method.name],
        tolerance,
    )
    outputs = (span.every, span.qs, span.ps, span.energies, status)
    loop = advance()
    span.in_parts(lambda begin, end: loop(field, energy, *inputs, begin, end, *outputs))
    if status.any():
        raise _unsolved(method, span, int(status[status > 0].min()))


def _unsolved(method: Method, span: _Span, step: int) -> ConvergenceError:
    size = f"{span.h[0]:g}" if len(span.h) == 1 else "the given array"
    error = ConvergenceError(
        f"Step {step} of {method.name} at dt = {size} did not converge; use a smaller dt."
    )
    error.saves = (step - 1) // span.every  # type: ignore[attr-defined]
    return error


def _word(method: Method) -> Word:
    return method.word if method.word is not None else _SINGLE.get(method.name, ())


@cache
def _plan(word: Word) -> Plan:
    return plan(word)


def _threads() -> int:
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(available, numba.get_num_threads())


def _factors(
    H: SymbolicHamiltonian, cut: Plan, h: np.ndarray, kT: float | None, friction: Any, omega: float
) -> tuple[np.ndarray, np.ndarray]:
    """Per row (one, or one per trajectory) what the flows need.

    scalars  (rows, 2·flows + 1): length and, for damped kicks, what is kept of p, for two copies the angle 2ωh by
             which their difference turns; last the friction itself
    vectors  (rows, 2·flows + 1, n): the thermostats' e^{−γh} and √(m kT (1 − e^{−2γh})); last 1/2m for the heat
    """
    n, flows, k = H.structure.dimension, len(cut.lengths), H.damping
    scalars = np.zeros((len(h), 2 * flows + 1))
    vectors = np.zeros((len(h), 2 * flows + 1, n))
    scalars[:, -1] = k
    mass = np.ones(n) if H.mass is None else np.asarray(H.mass)
    for j, (letter, c) in enumerate(cut.lengths):
        b = c * h
        scalars[:, 2 * j] = -np.expm1(-k * b) / k if letter == "B" and k else b
        scalars[:, 2 * j + 1] = 2.0 * omega * b if letter == "T" else np.exp(-k * b)
        if letter == "O":
            rate = np.broadcast_to(np.asarray(friction, dtype=float), (n,)) * b[:, None]
            vectors[:, 2 * j] = np.exp(-rate)
            vectors[:, 2 * j + 1] = np.sqrt(-np.expm1(-2.0 * rate) * kT * mass)
        if letter == "Y":
            gamma = np.broadcast_to(np.asarray(friction, dtype=float), (n,))
            matrix = gamma * mass
            vectors[:, 2 * j] = matrix
            vectors[:, 2 * j + 1] = np.sqrt(2.0 * matrix * kT * b[:, None])
    if H.capability == Capability.QUADRATIC:
        vectors[:, -1] = 0.5 / mass
    return scalars, vectors


def _kernel(structure: Structure, cut: Plan, layout: str, noise: str, damped: bool, varied: bool) -> Any:
    """The compiled kernel for this formula and pattern of letters, made on first use."""
    varied = varied and layout == "lanes"
    key = ("kernel", cut.pattern, layout, noise, damped, varied)
    if key not in structure.kernels:
        derivatives = _derivatives(structure, structure.dimension <= MOST_SCALARS)
        namespace = derivatives | {
            "cos": math.cos,
            "sin": math.sin,
            "exp": math.exp,
            "s_sqrt": math.sqrt,
            "empty": np.empty,
            "uint64": np.uint64,
            "normal_pair": _normal_pair() if noise == "seed" else None,
        }
        source = kernel_source(structure, cut, layout, noise, damped, varied)
        structure.kernels[key] = jitted(compile_source(source, "kernel", namespace))
    return structure.kernels[key]


def _derivatives(structure: Structure, scalars: bool) -> dict[str, Any]:
    """energy, gradient_q and gradient_p as compiled functions, shared by all kernels of the formula."""
    key = ("derivatives", scalars)
    if key not in structure.kernels:
        structure.kernels[key] = {
            name: jitted(compile_source(source, name, FUNCTIONS))
            for name, source in derivative_sources(structure, scalars).items()
        }
    return structure.kernels[key]


def _implicit_functions(structure: Structure) -> tuple[Any, Any]:
    """The formula's derivatives and energy in the form the implicit loop calls."""
    if "implicit" not in structure.kernels:
        derivatives = _derivatives(structure, scalars=False)
        parts = [derivatives[name] for name in ("energy", "gradient_q", "gradient_p")]
        structure.kernels["implicit"] = implicit_functions(parts[0], parts[1], parts[2], len(structure.k))
    return structure.kernels["implicit"]


@cache
def _normal_pair() -> Any:
    """`noise.normal_pair` compiled: the same function the step-by-step path uses."""
    scope = vars(noises) | {"philox": jitted(noises.philox)}
    return jitted(FunctionType(noises.normal_pair.__code__, scope, "normal_pair"))
