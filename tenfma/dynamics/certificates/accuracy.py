"""Order and drift: how the error falls with the step, and whether the energy error grows with time.

The order is the slope of log(error) on log(step) against an independent solution of Hamilton's equations
(Dormand–Prince of order 8 at round-off tolerance), so a method that converges to something else is found out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.integrate import solve_ivp

from tenfma.dynamics.arrays import is_torch, plain
from tenfma.dynamics.statistics import Trend, trend
from tenfma.errors import TenfmaError
from tenfma.hamiltonian.protocol import Hamiltonian

#: the slope is fitted to this many of the finest steps whose error stands clear of round-off
FITTED = 3
#: change of the slope from one halving to the next below which it has converged
SETTLED = 0.01
#: parts of a run whose slopes are compared
SEGMENTS = 6
#: a run in which the kinetic energy crosses its mean fewer times than this is too short to speak of drift
CROSSINGS = 8


@dataclass(frozen=True)
class Order:
    """Measured order of convergence with the ladder it was read from."""

    #: None where fewer than three errors stand clear of round-off
    value: float | None
    steps: tuple[float, ...]
    errors: tuple[float, ...]
    note: str = ""


def exact_path(H: Hamiltonian, q: Any, p: Any, times: ArrayLike, t0: float = 0.0) -> NDArray[np.float64]:
    """(q, p) flattened at the given times after t0, by DOP853 at relative tolerance 1e-13: (times, 2D).

    Raises TenfmaError where the solution cannot be continued.
    """
    like_q, shape, size = q, tuple(q.shape), plain(q).size

    def state(x: NDArray) -> Any:
        x = x.reshape(shape)
        return like_q.new_tensor(x) if is_torch(like_q) else x

    def field(t: float, z: NDArray) -> NDArray:
        a, b = state(z[:size]), state(z[size:])
        force = -plain(H.dq(a, b, t)) - H.damping * plain(b)
        return np.concatenate([plain(H.dp(a, b, t)).ravel(), force.ravel()])

    start = np.concatenate([plain(q).ravel(), plain(p).ravel()]).astype(float)
    moments = t0 + np.asarray(times, dtype=float)
    scale = float(np.abs(start).max()) or 1.0
    solution = solve_ivp(
        field, (t0, float(moments[-1])), start, "DOP853", t_eval=moments, rtol=1e-13, atol=1e-14 * scale
    )
    if not solution.success:
        raise TenfmaError(f"the reference solution stopped: {solution.message}; start elsewhere or lower dt")
    return solution.y.T


def measured_order(
    solve: Callable[[float, int], ArrayLike],
    reference: ArrayLike,
    span: float,
    counts: Sequence[int],
    floor: float,
) -> Order:
    """Order of `solve(step, count)`, which returns the states at the reference's times, over a ladder of
    counts, ending once two successive slopes agree to SETTLED.

    The error is the largest ‖z − z_ref‖ over the times, relative to the largest ‖z_ref‖. Errors below
    `floor` are round-off and are left out; a ladder stops at the first of them.
    """
    exact = np.asarray(reference)
    size = np.linalg.norm(exact, axis=-1).max() or 1.0
    steps, errors = [], []
    for count in counts:
        try:
            error = np.linalg.norm(np.asarray(solve(span / count, count)) - exact, axis=-1).max() / size
        except TenfmaError:
            continue  # the step is too large to run at all
        if not np.isfinite(error):
            continue
        if error < floor:
            break
        steps.append(span / count)
        errors.append(float(error))
        if len(errors) > FITTED and abs(_slope(steps, errors) - _slope(steps[:-1], errors[:-1])) < SETTLED:
            break
    if len(errors) < FITTED:
        return Order(None, tuple(steps), tuple(errors), "fewer than three errors stand clear of round-off")
    return Order(_slope(steps, errors), tuple(steps), tuple(errors))


def _slope(steps: Sequence[float], errors: Sequence[float]) -> float:
    """Slope of log(error) on log(step) over the finest FITTED steps."""
    return float(np.polyfit(np.log(steps[-FITTED:]), np.log(errors[-FITTED:]), 1)[0])


@dataclass(frozen=True)
class Drift:
    """A quantity's trend along a run, and whether that is a drift."""

    trend: Trend
    #: max |A − A₀| over the run, relative to `scale`
    largest: float
    scale: float
    #: True where all there is to see is round-off
    round_off: bool

    @property
    def holds(self) -> bool:
        """The band of the slope contains zero, or there is nothing but round-off."""
        return self.round_off or self.trend.contains_zero


def drift(
    times: ArrayLike, values: ArrayLike, scale: float, steps: int, eps: float, tolerance: float = 0.0
) -> Drift:
    """Trend of `values` with its band, and whether all of it is round-off.

    Two bands are made and the wider is kept: residuals' autocorrelation over the whole run, and the spread
    of the slopes of SEGMENTS equal parts, which a slow modulation makes differ and a drift does not
    (Ibragimov and Müller, J. Bus. Econ. Stat. 28 (2010) 453). Changes below (20 eps √steps + `tolerance` ·
    steps) · scale are round-off; `tolerance` is what an implicit step is solved to.
    """
    t, y = np.asarray(times, dtype=float), np.asarray(values, dtype=float)
    scale = scale or 1.0
    found = trend(t, y)
    if len(t) >= 8 * SEGMENTS:
        parts = zip(np.array_split(t, SEGMENTS), np.array_split(y, SEGMENTS))
        slopes = np.array([np.polyfit(a - a.mean(), b - b.mean(), 1)[0] for a, b in parts])
        quantile = stats.t.ppf(0.5 + found.confidence / 2, SEGMENTS - 1)
        half = float(quantile * slopes.std(ddof=1) / np.sqrt(SEGMENTS))
        if half > (found.high - found.low) / 2:
            found = replace(found, low=found.slope - half, high=found.slope + half)
    change = float(np.abs(y - y[0]).max())
    moved = abs(found.slope) * abs(t[-1] - t[0])
    floor = (20.0 * eps * np.sqrt(steps) + tolerance * steps) * scale
    return Drift(found, change / scale, scale, bool(min(change, moved) <= floor))


def crossings(values: ArrayLike) -> int:
    """How often a series crosses its mean."""
    y = np.asarray(values, dtype=float)
    side = np.sign(y - y.mean())
    side = side[side != 0]
    return int((side[1:] != side[:-1]).sum())
