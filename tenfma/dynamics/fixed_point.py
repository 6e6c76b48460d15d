"""Equations z = F(z) of implicit steps, solved to round-off and differentiated by the implicit function theorem.

Fixed-point iteration goes on until it cannot improve; where the fixed point repels, Newton's method takes over.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from tenfma.dynamics.arrays import is_torch, largest, namespace, plain
from tenfma.errors import ConvergenceError
from tenfma.hamiltonian.protocol import Array

#: unknowns per ensemble member above which Newton's dense matrix is not formed
NEWTON_LIMIT = 512
#: Newton steps within round-off after which the equation is solved: next to an equilibrium a rounded force is a
#: staircase, on which they shrink only slowly
STALLED = 8


@dataclass(frozen=True)
class Judge:
    """When an equation z = F(z) counts as solved, each of the members apart.

    z's first axis counts its parts (positions, momenta, …), the next `ensemble` axes independent systems. A change is
    relative to the largest component of its part, which may differ in size from the other parts by far, or of the
    state the step starts from, `scale`.
    """

    scale: Array
    ensemble: int
    tolerance: float
    eps: float

    def sizes(self, x: Array) -> Array:
        """Largest component of each part of each member: (parts, members)."""
        shape = tuple(x.shape)
        members = math.prod(shape[1 : 1 + self.ensemble])
        return namespace(x).amax(abs(_detached(x)).reshape(shape[0], members, -1), -1)

    def changes(self, new: Array, old: Array) -> tuple[Array, Array]:
        """(change, rounded) of each member: the largest relative change of a part, and whether the change is below
        16 ε of the largest component, or of 1: near an equilibrium a force is a difference of terms of order 1, and
        its round-off does not shrink with the amplitude.
        """
        xp = namespace(new)
        moved, size = self.sizes(new - old), xp.maximum(self.sizes(new), self.sizes(self.scale))
        relative = xp.where(moved > 0, moved / xp.where(size > 0, size, xp.ones_like(size)), moved)
        largest = xp.maximum(xp.amax(size, 0), xp.ones_like(size[0]))
        return xp.amax(relative, 0), xp.amax(moved, 0) <= 16.0 * self.eps * largest

    def solved(self, change: Array, rounded: Array, last: Array) -> Array:
        """Within the tolerance, or at round-off and falling no further."""
        return (change <= self.tolerance) | ((rounded | (change <= 64.0 * self.eps)) & (change >= last))


def solve(
    F: Callable[[Array], Array],
    guess: Array,
    ensemble: int,
    tolerance: float,
    what: str,
    iterations: int = 60,
    scale: Array | None = None,
) -> Array:
    """z with z = F(z); z's first axis counts its parts, the next `ensemble` axes independent systems.

    Fixed-point iteration while it contracts, Newton's method otherwise. Derivatives are those of the solution, by the
    implicit function theorem. `scale` has z's shape: what a change is small against, besides z itself. Raises
    `ConvergenceError` where neither reaches `tolerance` (relative), or round-off if that is larger.
    """
    eps = float(np.finfo(str(guess.dtype).replace("torch.", "")).eps)
    judge = Judge(_detached(guess if scale is None else scale), ensemble, tolerance, eps)
    if not is_torch(guess):
        return _solution(F, guess, judge, what, iterations)
    with namespace(guess).no_grad():
        z = _solution(lambda z: _detached(F(_detached(z))), _detached(guess), judge, what, iterations)
    return _attached(F, z, judge, what)


def _solution(F: Callable[[Array], Array], guess: Array, judge: Judge, what: str, iterations: int) -> Array:
    """The solution without its derivatives."""
    unknowns = math.prod(guess.shape) // max(math.prod(guess.shape[1 : 1 + judge.ensemble]), 1)
    newton_cost = 5 * (2 * unknowns + 2) if unknowns <= NEWTON_LIMIT else iterations
    floor = 16.0 * judge.eps
    z, last, solved = guess, None, False
    for count in range(iterations):
        new = F(z)
        change, rounded = judge.changes(new, z)
        if not math.isfinite(largest(change)):
            break
        solved = solved | judge.solved(change, rounded, math.inf if last is None else last)
        if bool(solved.all()) or (count == iterations - 1 and bool((solved | rounded).all())):
            return new
        if count >= 3:
            left = _left(change, last, solved | rounded | (change <= floor), floor)
            if left > max(newton_cost, 8) or count + left > iterations:
                break
        z, last = new, change
    return _newton(F, guess, replace(judge, tolerance=max(judge.tolerance, floor)), what)


def _left(change: Array, last: Array, done: Array, floor: float) -> float:
    """Iterations that the slowest member still needs, from the rate at which its change falls."""
    change, last, open_ = plain(change), plain(last), ~plain(done)
    if not open_.any():
        return 0.0
    rate = change[open_] / np.where(last[open_] > 0, last[open_], 1.0)
    if (rate >= 1.0).any():
        return math.inf
    return float((np.log(floor / change[open_]) / np.log(rate)).max())


#: relative size and decrease of the disturbance from which the rate of contraction is read
_DISTURBANCE, _DECREASE = 1e-4, 1e-9
#: iterations granted to it; where it falls more slowly a matrix takes over
_FOLLOWED = 40


def _attached(F: Callable[[Array], Array], z: Array, judge: Judge, what: str) -> Array:
    """The solution z as part of the graph, with the derivatives of the implicit function: z' = (1 − ∂F)⁻¹ F'.

    Where F contracts, z ← F(z) on the graph from the constant z on: after m iterations the derivatives are right to
    (rate of contraction)ᵐ, whatever the path to z was. The rate is measured on a random disturbance, which has a
    share of every direction. Elsewhere two Newton steps on the graph with a constant matrix: each squares what its
    differences leave of an error, and two make second derivatives right as well.
    """
    torch = namespace(z)
    forward = torch.autograd.forward_ad
    level = forward._current_level >= 0
    if not (torch.is_grad_enabled() or level):
        return z
    once = F(z)
    if not (once.requires_grad or (level and forward.unpack_dual(once).tangent is not None)):
        return z
    count = _contraction(F, z, judge)
    if count is not None:
        for _ in range(count - 1):
            once = F(once)
        return once
    with torch.no_grad():
        inverse = _inverse(lambda z: _detached(F(_detached(z))), z, judge, what)
    for _ in range(2):
        z = z - _state(
            torch.einsum("mij,mj->mi", inverse, _rows(z - F(z), judge.ensemble)), z, judge.ensemble
        )
    return z


def _contraction(F: Callable[[Array], Array], z: Array, judge: Judge) -> int | None:
    """Iterations after which a disturbance has shrunk below round-off; None where it does not contract."""
    torch = namespace(z)
    generator = torch.Generator().manual_seed(0)
    noise = torch.rand(z.shape, generator=generator, dtype=torch.float64).to(z) + 0.5
    size = torch.maximum(judge.sizes(z), judge.sizes(judge.scale)).amax(0)
    size = torch.where(size > 0, size, torch.ones_like(size))
    shape = (1, *z.shape[1 : 1 + judge.ensemble], *[1] * (z.ndim - 1 - judge.ensemble))
    w = z + _DISTURBANCE * size.reshape(shape) * noise
    start = judge.sizes(w - z).amax(0)
    decrease = max(_DECREASE, 1e4 * judge.eps)
    with torch.no_grad():
        for count in range(1, _FOLLOWED + 1):
            w = _detached(F(_detached(w)))
            share = float((judge.sizes(w - z).amax(0) / start).max())
            if not share < 1e3:
                return None
            if share <= decrease:
                return math.ceil(count * math.log(judge.eps) / math.log(decrease)) + 2
    return None


def _inverse(F: Callable[[Array], Array], z: Array, judge: Judge, what: str) -> Array:
    """(1 − ∂F/∂z)⁻¹ of each member, (members, unknowns, unknowns)."""
    matrix = _residual_jacobian(F, z, judge.ensemble, what)
    try:
        return namespace(z).linalg.inv(matrix)
    except RuntimeError as error:
        raise ConvergenceError(f"{what} met a singular equation; use a smaller dt.") from error


def _detached(x: Array) -> Array:
    return x.detach() if is_torch(x) else x


def _rows(z: Array, ensemble: int) -> Array:
    """(parts, *ensemble, *event) → (members, unknowns)."""
    members = math.prod(z.shape[1 : 1 + ensemble])
    moved = namespace(z).moveaxis(z.reshape(z.shape[0], members, -1), 0, 1)
    return moved.reshape(members, -1)


def _state(x: Array, like_z: Array, ensemble: int) -> Array:
    """(members, unknowns) → the shape of z."""
    shape = tuple(like_z.shape)
    members = math.prod(shape[1 : 1 + ensemble])
    return namespace(x).moveaxis(x.reshape(members, shape[0], -1), 1, 0).reshape(shape)


def _residual_jacobian(F: Callable[[Array], Array], z: Array, ensemble: int, what: str) -> Array:
    """1 − ∂F/∂z by central differences, (members, unknowns, unknowns)."""
    xp, x = namespace(z), _rows(z, ensemble)
    unknowns = x.shape[1]
    if unknowns > NEWTON_LIMIT:
        raise ConvergenceError(
            f"{what} did not converge by iteration, and {unknowns} unknowns are too many for Newton's "
            "method; use a smaller dt."
        )

    def residual(x: Array) -> Array:
        return x - _rows(F(_state(x, z, ensemble)), ensemble)

    columns = []
    for i in range(unknowns):
        e = xp.zeros_like(x)
        e[:, i] = 6e-6 * (1.0 + abs(x[:, i]))
        columns.append((residual(x + e) - residual(x - e)) / (2.0 * e[:, i : i + 1]))
    return xp.stack(columns, -1)


def _newton(F: Callable[[Array], Array], guess: Array, judge: Judge, what: str) -> Array:
    """Newton's method with a Jacobian by central differences, for each system apart."""
    xp, ensemble = namespace(guess), judge.ensemble

    def residual(z: Array) -> Array:
        return z - F(z)

    z, remains, last, stalled = guess, residual(guess), math.inf, 0
    for _ in range(50):
        matrix = _residual_jacobian(F, z, ensemble, what)
        try:
            rows = xp.linalg.solve(matrix, _rows(remains, ensemble)[..., None])[..., 0]
        except (np.linalg.LinAlgError, RuntimeError) as error:
            raise ConvergenceError(f"{what} met a singular equation; use a smaller dt.") from error
        update = _state(rows, z, ensemble)
        change, rounded = judge.changes(z - update, z)
        if not math.isfinite(largest(change)):
            break
        close = rounded | (change <= 1e-9)
        stalled = (stalled + 1) * rounded
        done = (change <= judge.tolerance) | (close & (change >= last)) | (stalled >= STALLED)
        if bool(done.all()):
            return z - update
        last = change
        before = xp.amax(judge.sizes(remains), 0)
        share = xp.ones_like(rows[:, :1])
        for _ in range(8):  # shorter steps for the members whose equation would be left worse solved
            moved = z - _state(share * rows, z, ensemble)
            remains = residual(moved)
            worse = ~(xp.amax(judge.sizes(remains), 0) <= before) & ~close & ~(change <= 1e-6)
            if not bool(worse.any()):
                break
            share = xp.where(worse[:, None], 0.5 * share, share)
        z = z - _state(share * rows, z, ensemble)
        remains = residual(z)
    raise ConvergenceError(f"{what} did not converge (last change {largest(change):.1e}); use a smaller dt.")
