"""Implicit Runge–Kutta steps for compiled kernels: iterated to round-off, with Newton's method in reserve.

    Kᵢ = f(z + h Σⱼ aᵢⱼ Kⱼ, t + cᵢ h),    z' = z + h Σ bᵢ Kᵢ,    f(q, p) = (∂H/∂p, −∂H/∂q − k p)

With Gauss coefficients the step is symplectic for any H, provided the equations are solved. Fixed-point iteration is
tried first; where it does not contract, Newton's method follows with a Jacobian by central differences, whose errors
cost iterations and not accuracy. Positions and momenta are judged apart, since their scales may differ by far.

Source: Hairer, Lubich & Wanner, Geometric Numerical Integration (2006), II.1.3 and VIII.6.

The loop is one for all formulas: it is compiled once and kept on disk, and a formula's derivatives reach it as
function pointers.
"""

from functools import cache
from typing import Any

import numba
import numpy as np
from numba import types

from tenfma.dynamics.fixed_point import STALLED
from tenfma.dynamics.implicit import GAUSS_MATRIX, GAUSS_NODES
from tenfma.hamiltonian.codegen import compile_source

#: a, b, c
MIDPOINT = (np.array([[0.5]]), np.array([1.0]), np.array([0.5]))
GAUSS_4 = (np.array(GAUSS_MATRIX), np.array([0.5, 0.5]), np.array(GAUSS_NODES))

_VECTOR = types.float64[::1]
#: field(q, p, t, k, dp, dq): dp ← ∂H/∂p, dq ← ∂H/∂q
FIELD = types.void(_VECTOR, _VECTOR, types.float64, _VECTOR, _VECTOR, _VECTOR)
#: energy(q, p, t, k)
ENERGY = types.float64(_VECTOR, _VECTOR, types.float64, _VECTOR)


def jitted(function: Any, signature: Any = None, cache: bool = False) -> Any:
    """Machine code of a function: no Python lock held, division by zero gives inf, no reordering of arithmetic."""
    numba_jit: Any = numba.njit
    return numba_jit(signature, cache=cache, nogil=True, error_model="numpy")(function)


def _kept(function: Any, signature: Any = None) -> Any:
    """Compiled and kept on disk; only compiled where nothing can be written."""
    try:
        return jitted(function, signature, cache=True)
    except RuntimeError:
        return jitted(function, signature)


#: iterations granted to the fixed point and to Newton's method
_FIXED, _NEWTON = 60, 30
_ROUND_OFF = 16 * float(np.finfo(float).eps)


@_kept
def _solve_linear(matrix, vector):
    """Gaussian elimination with row pivoting, in place; the solution replaces `vector`. False where singular."""
    size = vector.shape[0]
    for column in range(size):
        pivot = column
        for row in range(column + 1, size):
            if abs(matrix[row, column]) > abs(matrix[pivot, column]):
                pivot = row
        if not abs(matrix[pivot, column]) > 0.0:
            return False
        if pivot != column:
            for i in range(size):
                matrix[column, i], matrix[pivot, i] = matrix[pivot, i], matrix[column, i]
            vector[column], vector[pivot] = vector[pivot], vector[column]
        for row in range(column + 1, size):
            factor = matrix[row, column] / matrix[column, column]
            for i in range(column + 1, size):
                matrix[row, i] -= factor * matrix[column, i]
            vector[row] -= factor * vector[column]
    for row in range(size - 1, -1, -1):
        for i in range(row + 1, size):
            vector[row] -= matrix[row, i] * vector[i]
        vector[row] /= matrix[row, row]
    return True


@_kept
def _changes(new, old, q, p, h):
    """(change, rounded): how much h·K changed, and whether that is within round-off of the numbers at hand.

    change   relative to the size of positions and of momenta, the larger of the two
    rounded  below 16 ε of the largest component, or of 1: near an equilibrium a force is a difference of terms of
             order 1, and its round-off does not shrink with the amplitude
    """
    n = q.shape[0]
    worst = most = largest = 0.0
    for half in range(2):
        change = size = 0.0
        for i in range(n):
            size = max(size, abs(q[i] if half == 0 else p[i]))
        for start in range(half * n, new.shape[0], 2 * n):
            for i in range(start, start + n):
                difference = abs(h * (new[i] - old[i]))
                if not difference < np.inf:
                    return np.inf, False
                change, size = max(change, difference), max(size, abs(h * new[i]))
        if change > 0.0:
            worst = max(worst, change / size)
        most, largest = max(most, change), max(largest, size)
    return worst, most <= _ROUND_OFF * max(largest, 1.0)


@_kept
def _slopes(field, K, out, q, p, t, h, friction, k, a, c, work):
    """out ← f at the stages that K implies."""
    n = q.shape[0]
    x, y, v, g = work[0, :n], work[1, :n], work[2, :n], work[3, :n]
    for stage in range(c.shape[0]):
        for i in range(n):
            x[i], y[i] = q[i], p[i]
            for other in range(c.shape[0]):
                x[i] += h * a[stage, other] * K[2 * n * other + i]
                y[i] += h * a[stage, other] * K[2 * n * other + n + i]
        field(x, y, t + c[stage] * h, k, v, g)
        for i in range(n):
            out[2 * n * stage + i] = v[i]
            out[2 * n * stage + n + i] = -g[i] - friction * y[i]


@_kept
def _newton(field, K, q, p, t, h, friction, k, a, c, tolerance, least, work):
    """Solve K = F(K); True where the change falls to round-off. Differences are 6e-6 of K's size, or of `least`."""
    n, size = q.shape[0], K.shape[0]
    new, shifted, update = work[5, :size], work[6, :size], work[7, :size]
    matrix = work[8 : 8 + size, :size]
    last, stalled = np.inf, 0
    for _ in range(_NEWTON):
        for column in range(size):
            scale = least
            for i in range(column // n * n, column // n * n + n):
                scale = max(scale, abs(K[i]))
            kept, delta = K[column], 6e-6 * (scale if scale > 0.0 else 1.0)
            K[column] = kept + delta
            _slopes(field, K, new, q, p, t, h, friction, k, a, c, work)
            K[column] = kept - delta
            _slopes(field, K, shifted, q, p, t, h, friction, k, a, c, work)
            K[column] = kept
            for row in range(size):
                derivative = (new[row] - shifted[row]) / (2.0 * delta)
                matrix[row, column] = (1.0 if row == column else 0.0) - derivative
        _slopes(field, K, new, q, p, t, h, friction, k, a, c, work)
        for i in range(size):
            update[i] = new[i] - K[i]
        if not _solve_linear(matrix, update):
            return False
        for i in range(size):
            shifted[i] = K[i]
            K[i] += update[i]
        change, rounded = _changes(K, shifted, q, p, h)
        stalled = stalled + 1 if rounded else 0
        if change <= tolerance or ((rounded or change <= 1e-9) and change >= last) or stalled >= STALLED:
            return True
        if not change < np.inf:
            return False
        last = change
    return False


@_kept
def _step(field, q, p, t, h, friction, k, a, b, c, tolerance, work):
    """One step in place; False, and q and p as they were, where the equations are not solved."""
    n, stages = q.shape[0], c.shape[0]
    size = 2 * n * stages
    K, new = work[4, :size], work[5, :size]
    for attempt in range(3):
        for i in range(size):
            K[i] = 0.0
        _slopes(field, K, new, q, p, t, h, friction, k, a, c, work)
        for i in range(size):
            K[i] = new[i]
        if attempt > 0:
            # next to an equilibrium, differences as small as K drown in the round-off of the forces
            least = attempt - 1.0
            if _newton(field, K, q, p, t, h, friction, k, a, c, max(tolerance, _ROUND_OFF), least, work):
                break
            if attempt == 2:
                return False
            continue
        last, solved = np.inf, False
        for count in range(_FIXED):
            _slopes(field, K, new, q, p, t, h, friction, k, a, c, work)
            change, rounded = _changes(new, K, q, p, h)
            for i in range(size):
                K[i] = new[i]
            solved = change <= tolerance or (rounded and (change >= last or count == _FIXED - 1))
            if solved or not change < np.inf or (count >= 8 and change > 0.7 * last and not rounded):
                break
            last = change
        if solved:
            break
    for stage in range(stages):
        for i in range(n):
            q[i] += h * b[stage] * K[2 * n * stage + i]
            p[i] += h * b[stage] * K[2 * n * stage + n + i]
    return True


def _advance(
    field,
    energy,
    q_in,
    p_in,
    k,
    t0,
    h_in,
    friction,
    a,
    b,
    c,
    tolerance,
    begin,
    end,
    every,
    out_q,
    out_p,
    out_e,
    status,
):
    """Members begin … end − 1 through all saves; status[m] ← the step that was not solved, 0 where all were."""
    n = q_in.shape[1]
    rows = 2 * n * c.shape[0]
    work, q, p = np.empty((8 + rows, rows)), np.empty(n), np.empty(n)
    for m in range(begin, end):
        for i in range(n):
            q[i], p[i] = q_in[m, i], p_in[m, i]
        h = h_in[m % h_in.shape[0]]
        for s in range(out_e.shape[0]):
            for j in range(every):
                t = t0 + (s * every + j) * h
                if not _step(field, q, p, t, h, friction, k, a, b, c, tolerance, work):
                    status[m] = s * every + j + 1
                    break
            if status[m] > 0:
                break
            for i in range(n):
                out_q[s, m, i], out_p[s, m, i] = q[i], p[i]
            out_e[s, m] = energy(q, p, t0 + (s + 1) * every * h, k)


@cache
def advance() -> Any:
    """`_advance` compiled for function pointers, once for every formula."""
    matrix, cube = types.float64[:, ::1], types.float64[:, :, ::1]
    number, count = types.float64, types.int64
    return _kept(
        _advance,
        types.void(
            *(types.FunctionType(FIELD), types.FunctionType(ENERGY)),
            *(matrix, matrix, _VECTOR, number, _VECTOR, number),
            *(matrix, _VECTOR, _VECTOR, number),
            *(count, count, count),
            *(cube, cube, matrix, types.int64[::1]),
        ),
    )


def implicit_functions(energy_of: Any, gradient_q: Any, gradient_p: Any, parameters: int) -> tuple[Any, Any]:
    """(field, energy) of a formula as `advance` takes them, from its derivatives on arrays."""
    names = "".join(f", k[{i}]" for i in range(parameters))
    scope = {"energy_of": energy_of, "gradient_q": gradient_q, "gradient_p": gradient_p}
    field = compile_source(
        f"def field(q, p, t, k, v, g):\n    gradient_p(q, p, t, v{names})\n    gradient_q(q, p, t, g{names})\n",
        "field",
        scope,
    )
    energy = compile_source(
        f"def energy(q, p, t, k):\n    return energy_of(q, p, t{names})\n", "energy", scope
    )
    return jitted(field, FIELD), jitted(energy, ENERGY)
