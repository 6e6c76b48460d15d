"""Compiled integration of formulas: Numba kernels generated from a method's word and the exact derivatives.

`run` is what `integrate` calls for NumPy arrays and a `SymbolicHamiltonian`; `supports` says which methods have a
kernel. Kernels are kept with the formula's structure: changing a parameter, a step size or a coefficient compiles
nothing. Floating-point operations are neither reordered nor contracted (no fastmath), so a trajectory does not depend
on the batch it runs in, on the layout, or on the number of threads.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from types import FunctionType
from typing import Any

import numba
import numpy as np

from tenfma.dynamics import noise as noises
from tenfma.dynamics.compiled_code import (
    FUNCTIONS,
    LANES,
    MOST_SCALARS,
    Plan,
    derivative_sources,
    kernel_source,
    plan,
)
from tenfma.dynamics.words import Method, Word
from tenfma.hamiltonian.codegen import compile_source
from tenfma.hamiltonian.protocol import Capability
from tenfma.hamiltonian.structure import Structure
from tenfma.hamiltonian.symbolic import SymbolicHamiltonian

#: methods that are no word over flows, as a word of one letter
_SINGLE: dict[str, Word] = {
    "euler": (("E", 1.0),),
    "rk4": (("R", 1.0),),
    "euler_maruyama": (("Y", 1.0),),
}
#: from this many trajectories on, blocks of them run in vector registers
_FEWEST_FOR_LANES = 8
#: steps × trajectories × degrees of freedom from which a second thread pays
_WORTH_A_THREAD = 400_000
_JIT = {"nogil": True, "error_model": "numpy"}


def supports(H: SymbolicHamiltonian, method: Method) -> bool:
    """Whether a kernel can be generated for this method."""
    word = _word(method)
    return word is not None and all(letter in "ABOERY" for letter, _ in word)


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
    out: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]:
    """States and energies after every `save_every` of `steps` steps: (qs, ps, energies, heats).

    q, p     (*ensemble, n) float64, left as they are
    dt       a number, or one per trajectory, shape (*ensemble,)
    noise    `Noise`, or recorded normals (steps, draws, *ensemble, n)
    out      arrays (saves, *ensemble, n) twice and (saves, *ensemble) to write into
    heats    energy the thermostat has put in since the start of this call; None for deterministic methods
    """
    word = _word(method)
    assert word is not None
    structure, n = H.structure, H.structure.dimension
    ensemble = q.shape[:-1]
    members, saves = int(np.prod(ensemble, dtype=int)), steps // save_every
    h = np.ascontiguousarray(np.broadcast_to(np.asarray(dt, dtype=float), ensemble if np.ndim(dt) else ()))
    h = h.reshape(-1)
    cut = _plan(word)
    kind = "none" if not cut.draws else "seed" if isinstance(noise, noises.Noise) else "recorded"
    lanes = kind == "none" and members >= _FEWEST_FOR_LANES and n <= MOST_SCALARS
    layout = "lanes" if lanes else "serial"
    kernel = _kernel(structure, cut, layout, kind, H.damping != 0, len(h) > 1)
    qs, ps, energies = out or (
        np.empty((saves, *ensemble, n)),
        np.empty((saves, *ensemble, n)),
        np.empty((saves, *ensemble)),
    )
    heats = np.zeros((saves, *ensemble)) if cut.accounts else None
    lo, hi = noise.keys(ensemble) if kind == "seed" else (np.zeros(1, np.uint64), np.zeros(1, np.uint64))
    record = np.zeros((1, 1, 1, 1))
    if kind == "recorded":
        record = np.ascontiguousarray(noise, dtype=float).reshape(steps, cut.draws, members, n)
    parameters = np.array(H.parameter_values, dtype=float)
    factors, thermostats = _factors(H, cut, h, kT, friction)

    def part(begin: int, end: int) -> None:
        kernel(
            q.reshape(members, n),
            p.reshape(members, n),
            parameters,
            float(t0),
            h,
            factors,
            thermostats,
            first_step,
            begin,
            end,
            saves,
            save_every,
            record,
            lo.reshape(-1),
            hi.reshape(-1),
            qs.reshape(saves, members, n),
            ps.reshape(saves, members, n),
            energies.reshape(saves, members),
            heats.reshape(saves, members) if heats is not None else np.zeros((1, 1)),
        )

    _in_parts(part, members, steps * n, LANES if lanes else 1)
    return qs, ps, energies, heats


def _word(method: Method) -> Word | None:
    return method.word if method.word is not None else _SINGLE.get(method.name)


@cache
def _plan(word: Word) -> Plan:
    return plan(word)


def _in_parts(part: Any, members: int, cost: int, block: int) -> None:
    """Run part(begin, end) over all members, shared among threads where that pays."""
    threads = min(_threads(), -(-members // block), 1 + members * cost // _WORTH_A_THREAD)
    if threads <= 1:
        part(0, members)
        return
    share = -(-members // (threads * block)) * block
    bounds = [(begin, min(begin + share, members)) for begin in range(0, members, share)]
    with ThreadPoolExecutor(len(bounds)) as pool:
        for result in [pool.submit(part, *bound) for bound in bounds]:
            result.result()


def _threads() -> int:
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(available, numba.config.NUMBA_NUM_THREADS)


def _factors(
    H: SymbolicHamiltonian, cut: Plan, h: np.ndarray, kT: float | None, friction: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Per row (one, or one per trajectory) what the flows need.

    scalars  (rows, 2·flows + 1): length and, for damped kicks, what is kept of p; last the friction itself
    vectors  (rows, 2·flows + 1, n): the thermostats' e^{−γh} and √(m kT (1 − e^{−2γh})); last 1/2m for the heat
    """
    n, flows, k = H.structure.dimension, len(cut.lengths), H.damping
    scalars = np.zeros((len(h), 2 * flows + 1))
    vectors = np.zeros((len(h), 2 * flows + 1, n))
    scalars[:, -1] = k
    for j, (letter, c) in enumerate(cut.lengths):
        b = c * h
        scalars[:, 2 * j] = -np.expm1(-k * b) / k if letter == "B" and k else b
        scalars[:, 2 * j + 1] = np.exp(-k * b)
        if letter == "O":
            rate = np.broadcast_to(np.asarray(friction, dtype=float), (n,)) * b[:, None]
            vectors[:, 2 * j] = np.exp(-rate)
            vectors[:, 2 * j + 1] = np.sqrt(-np.expm1(-2.0 * rate) * kT * H.mass)
        if letter == "Y":
            gamma = np.broadcast_to(np.asarray(friction, dtype=float), (n,))
            matrix = gamma if H.mass is None else gamma * H.mass
            vectors[:, 2 * j] = matrix
            vectors[:, 2 * j + 1] = np.sqrt(2.0 * matrix * kT * b[:, None])
    if H.capability == Capability.QUADRATIC:
        vectors[:, -1] = 0.5 / H.mass
    return scalars, vectors


def _kernel(structure: Structure, cut: Plan, layout: str, noise: str, damped: bool, varied: bool) -> Any:
    """The compiled kernel for this formula and pattern of letters, made on first use."""
    varied = varied and layout == "lanes"
    key = ("kernel", cut.pattern, layout, noise, damped, varied)
    if key not in structure.kernels:
        namespace = _derivatives(structure) | {
            "empty": np.empty,
            "uint64": np.uint64,
            "normal_pair": _normal_pair() if noise == "seed" else None,
        }
        source = kernel_source(structure, cut, layout, noise, damped, varied)
        structure.kernels[key] = numba.njit(**_JIT)(compile_source(source, "kernel", namespace))
    return structure.kernels[key]


def _derivatives(structure: Structure) -> dict[str, Any]:
    """energy, gradient_q and gradient_p as compiled functions, shared by all kernels of the formula."""
    if "derivatives" not in structure.kernels:
        structure.kernels["derivatives"] = {
            name: numba.njit(**_JIT)(compile_source(source, name, FUNCTIONS))
            for name, source in derivative_sources(structure).items()
        }
    return structure.kernels["derivatives"]


@cache
def _normal_pair() -> Any:
    """`noise.normal_pair` compiled: the same function the step-by-step path uses."""
    scope = vars(noises) | {"philox": numba.njit(**_JIT)(noises.philox)}
    return numba.njit(**_JIT)(FunctionType(noises.normal_pair.__code__, scope, "normal_pair"))
