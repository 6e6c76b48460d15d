"""Poincaré sections: where trajectories pierce the surface q_i = c, found to round-off, for whole ensembles.

A step that crosses the surface is taken again with a step length s chosen so that it ends on the surface:
Newton on q_i(s) = c with dq_i/dt = ∂H/∂p_i, every crossing of the ensemble at once. The point is therefore
one the method itself visits, not an interpolation (Hénon's trick, with the method's own step in place of an
exchanged variable).

Source: M. Hénon, Physica D 5 (1982) 412; M. Hénon & C. Heiles, Astron. J. 69 (1964) 73.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tenfma.dynamics import arguments
from tenfma.dynamics.arrays import plain
from tenfma.dynamics.integrate import integrate
from tenfma.dynamics.methods import method_named
from tenfma.dynamics.words import Method
from tenfma.errors import PairingError, TenfmaError
from tenfma.hamiltonian.protocol import Hamiltonian

Array = NDArray[np.float64]

#: steps integrated before crossings are looked for, times ensemble members: what is held in memory
CHUNK = 400_000
NEWTON_STEPS = 12


@dataclass(frozen=True)
class Section:
    """Crossings of all members, in order of member and then time."""

    #: (crossings,) which member of the flattened ensemble, and when
    member: NDArray[np.int64]
    t: Array
    #: (crossings, n) the states on the surface
    q: Array
    p: Array
    #: the coordinate held fixed and its value
    coordinate: int
    value: float

    def __len__(self) -> int:
        return len(self.t)

    def of(self, member: int) -> "Section":
        """The crossings of one member."""
        mine = self.member == member
        return Section(
            self.member[mine], self.t[mine], self.q[mine], self.p[mine], self.coordinate, self.value
        )


def poincare(
    H: Hamiltonian,
    q: Array,
    p: Array,
    *,
    coordinate: int = 0,
    value: float = 0.0,
    direction: int = 1,
    dt: float,
    steps: int,
    method: str | Method = "yoshida4",
    progress: Callable[[float], None] | None = None,
) -> Section:
    """Crossings of q[coordinate] = value, upward (`direction` 1), downward (−1) or both (0).

    q, p: (*ensemble, n), NumPy. The residual |q[coordinate] − value| of every crossing is at round-off.
    Raises TenfmaError for a coordinate H has not, PairingError for a Langevin method, and as `integrate`
    does.
    """
    chosen = method_named(method)
    q, p, _ = arguments.state(H, q, p)
    n = H.event_shape[0] if len(H.event_shape) == 1 else 0
    if (
        isinstance(coordinate, bool)
        or not isinstance(coordinate, int | np.integer)
        or not 0 <= coordinate < n
    ):
        raise TenfmaError(
            f"coordinate is {coordinate!r}; {H.name} has flat coordinates 0 … {n - 1}, by number"
        )
    value, steps = arguments.number("value", value), arguments.run_length(steps)
    if direction not in (-1, 0, 1):
        raise TenfmaError(f"direction is {direction}; give 1 (upward), −1 (downward) or 0 (both)")
    if chosen.stochastic:
        raise PairingError(f"{chosen.name} is a Langevin method and has no section; use yoshida4")
    q, p = (plain(x).astype(float).reshape(-1, n) for x in (q, p))
    found: list[tuple] = []
    chunk = max(1, CHUNK // len(q))
    done = 0
    while done < steps:
        count = min(chunk, steps - done)
        path = integrate(H, q, p, dt=dt, steps=count, method=chosen)
        height = path.q[:, :, coordinate] - value
        up = (height[:-1] < 0) & (height[1:] >= 0)
        down = (height[:-1] > 0) & (height[1:] <= 0)
        when, who = np.nonzero({1: up, -1: down, 0: up | down}[direction])
        if len(when):
            share = height[when, who] / (height[when, who] - height[when + 1, who])
            s, q_on, p_on = _landed(
                H, path.q[when, who], path.p[when, who], coordinate, value, share * dt, chosen
            )
            found.append((who, (done + when) * dt + s, q_on, p_on))
        q, p = path.q[-1], path.p[-1]
        done += count
        if progress is not None:
            progress(done / steps)
    if not found:
        empty = np.empty((0, n))
        return Section(np.empty(0, dtype=np.int64), np.empty(0), empty, empty, coordinate, value)
    who, t, q_on, p_on = (np.concatenate(parts) for parts in zip(*found))
    order = np.lexsort((t, who))
    return Section(who[order], t[order], q_on[order], p_on[order], coordinate, value)


def _landed(
    H: Hamiltonian, q: Array, p: Array, coordinate: int, value: float, s: Array, method: Method
) -> tuple[Array, Array, Array]:
    """Step lengths s and states with q[coordinate] = value after one step of s, by Newton for all
    crossings."""
    for _ in range(NEWTON_STEPS):
        s = np.where(s == 0.0, np.finfo(float).tiny, s)  # integrate takes no step of length 0
        path = integrate(H, q, p, dt=s, steps=1, method=method)
        q_on, p_on = path.q[-1], path.p[-1]
        error = q_on[:, coordinate] - value
        speed = H.dp(q_on, p_on)[:, coordinate]
        correction = np.divide(error, speed, out=np.zeros_like(error), where=speed != 0)
        if np.all(np.abs(error) <= 4e-16 * np.maximum(1.0, np.abs(q_on).max(axis=1))):
            break
        s = s - correction
    return s, q_on, p_on


def on_energy(
    H: Hamiltonian, q: Array, p: Array, energy: float, *, momentum: int = 0, sign: int = 1
) -> tuple[Array, Array, NDArray[np.bool_]]:
    """States with H = energy, made by solving for p[momentum] with the given sign; the other components are
    kept.

    q, p: (*ensemble, n). Returns q, p and which members could be put on the energy surface; the others hold
    nan. Bisection between the smallest H along p[momentum] (sought from 0 outwards) and where H exceeds the
    energy.
    """
    q, p = (np.array(x, dtype=float) for x in (q, p))
    sign = 1 if sign >= 0 else -1

    def height(x: Array) -> Array:
        moved = p.copy()
        moved[..., momentum] = sign * x
        return H(q, moved) - energy

    low, high = np.zeros(q.shape[:-1]), np.ones(q.shape[:-1])
    reachable = height(low) <= 0
    for _ in range(60):
        short = reachable & (height(high) < 0)
        if not short.any():
            break
        high = np.where(short, 2 * high, high)
    for _ in range(200):
        middle = (low + high) / 2
        below = height(middle) <= 0
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    p[..., momentum] = np.where(reachable, sign * low, np.nan)
    return q, p, reachable


def shell(
    H: Hamiltonian,
    energy: float,
    count: int,
    *,
    coordinate: int = 0,
    value: float = 0.0,
    extent: float = 1.0,
    seed: int = 0,
) -> tuple[Array, Array]:
    """`count` random starts on the section q[coordinate] = value at one energy, moving upward through it.

    The other variables are drawn evenly from ±`extent` and those beyond the energy are thrown away. Raises
    TenfmaError where hardly any draw lies inside the energy surface.
    """
    random = np.random.default_rng(seed)
    n = H.event_shape[0]
    kept_q, kept_p, held = [], [], 0
    for _ in range(200):
        q, p = random.uniform(-extent, extent, (2, 4 * count, n))
        q[:, coordinate] = value
        p[:, coordinate] = 0.0
        q, p, inside = on_energy(H, q, p, energy, momentum=coordinate)
        kept_q.append(q[inside])
        kept_p.append(p[inside])
        held += int(inside.sum())
        if held >= count:
            return np.concatenate(kept_q)[:count], np.concatenate(kept_p)[:count]
    raise TenfmaError(
        f"only {held} of {200 * 4 * count} starts within ±{extent:g} have energy ≤ {energy:g}; "
        "give an extent that fits the energy surface"
    )
