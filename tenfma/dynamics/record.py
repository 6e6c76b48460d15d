"""What `integrate` keeps on its way, and how it ends when the energy stops being finite."""

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np

from tenfma.dynamics.arrays import is_torch, namespace, plain
from tenfma.dynamics.flows import State
from tenfma.dynamics.memory import numbers
from tenfma.dynamics.path import Path
from tenfma.dynamics.run import Run
from tenfma.hamiltonian.protocol import Array


class NotFinite(Exception):
    """The energy stopped being finite; becomes a TenfmaError or the end of the path."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C during long work: a KeyboardInterrupt whose `kept` is what was finished."""

    def __init__(self, kept: Any) -> None:
        super().__init__("interrupted")
        self.kept = kept


class Record:
    """States kept so far, in blocks with time first."""

    def __init__(self, run: Run, q: Array, p: Array, energy: Array) -> None:
        self.run = run
        self.stopped: str | None = None
        self.steps: list[range] = [range(1)]
        self.q, self.p, self.energy = [q[None]], [p[None]], [energy[None]]
        accounts = run.method.word is not None and run.method.stochastic
        self.heat: list[Array] | None = [0.0 * energy[None]] if accounts else None
        self.divergence: list[Array] = []
        #: (steps done, state) at the last moment looked at, whether it is to be kept or not
        self.latest: tuple[int, State] | None = None
        self._whole: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None

    def room(self, saves: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """NumPy arrays q, p, energy for `saves` states to come; what is written there needs no copy later.

        They are parts of one block, which serves again after the path is gone: fresh memory costs more than
        computing what goes into it.
        """
        firsts = (self.q[0], self.p[0], self.energy[0])
        ends = np.cumsum([(saves + 1) * x.size for x in firsts])
        q, p, energy = np.split(numbers(ends[-1]), ends[:-1])
        q, p, energy = (
            part.reshape(saves + 1, *first.shape[1:]) for part, first in zip((q, p, energy), firsts)
        )
        for whole, first in zip((q, p, energy), firsts):
            whole[0] = first[0]
        self._whole = q, p, energy
        return q[1:], p[1:], energy[1:]

    def keep(self, steps: range, q: Array, p: Array, energy: Array, heat: Array | None = None) -> None:
        """Keep the states after `steps`; raises `NotFinite` after the last one whose energy is finite."""
        values = plain(energy)
        whole = bool(np.isfinite(values.sum()) or np.isfinite(values).all())  # a finite sum has finite terms
        good = len(steps) if whole else int(np.argmin(np.isfinite(values).reshape(len(steps), -1).all(1)))
        if good:
            self.steps.append(steps[:good])
            self.q.append(q[:good])
            self.p.append(p[:good])
            self.energy.append(energy[:good])
            if self.heat is not None and heat is not None:
                self.heat.append(heat[:good])
        if not whole:
            h = np.max(np.abs(plain(self.run.setting.h)))
            raise NotFinite(
                f"The energy of {self.run.setting.H.name} became {first_bad(energy[good])} between steps "
                f"{self.steps[-1][-1]} and {steps[good]} of {self.run.method.name}; use a dt smaller than "
                f"{h:g}, or on_failure='stop' to keep the finished part."
            )

    def interrupted(self) -> None:
        """Put the blocks in order after Ctrl-C, which may come between the parts of one."""
        lists: list[list[Any]] = [self.steps, self.q, self.p, self.energy]
        lists += [self.heat] if self.heat is not None else []
        whole = min(map(len, lists))
        if self.divergence:
            whole = min(whole, len(self.divergence) + 1)
            del self.divergence[whole - 1 :]
        for each in lists:
            del each[whole:]
        if self.latest is not None and self.latest[0] > self.steps[-1][-1] and not self.divergence:
            done, state = self.latest
            H = self.run.setting.H
            energy = H(state.q, state.p, self.run.time(done))
            heat = None if state.heat is None else state.heat[None]
            with suppress(NotFinite):
                self.keep(range(done, done + 1), state.q[None], state.p[None], energy[None], heat)
        self.stopped = f"interrupted after step {self.steps[-1][-1]}"

    def path(self, dt: Any) -> Path:
        """The kept states as a `Path`."""
        run, joined = self.run, namespace(self.q[0]).concatenate
        H = run.setting.H
        kept = sum(map(len, self.steps))
        q, p, energy = (
            (joined(self.q), joined(self.p), joined(self.energy))
            if self._whole is None
            else (x[:kept] for x in self._whole)
        )
        heat = None if self.heat is None else joined(self.heat)
        apart = [0.0 * self.divergence[0], *self.divergence] if self.divergence else None
        return Path(
            t=self._times(dt),
            q=q,
            p=p,
            energy=energy,
            method=run.method.name,
            dt=dt if isinstance(dt, int | float) else plain(dt),
            name=H.name,
            units=H.units,
            heat=heat,
            work=None if heat is None else energy - energy[0] - heat,
            copies_divergence=None if apart is None else joined(apart),
            stopped=self.stopped,
        )

    def _times(self, dt: Any) -> Any:
        """The times, or for NumPy a function that makes them when they are asked for."""
        q, made = self.q[0], partial(times, tuple(self.steps), np.array(plain(dt), dtype=float), self.run.t0)
        return namespace(q).as_tensor(made(), device=q.device) if is_torch(q) else made


def times(kept: Sequence[range], dt: np.ndarray, t0: float) -> np.ndarray:
    """t₀ + dt·(steps), shape (times,), or (times, *ensemble) where every system has a dt of its own."""
    t, done = np.empty(sum(map(len, kept))), 0
    for steps in kept:
        t[done : done + len(steps)] = np.arange(steps.start, steps.stop, steps.step)
        done += len(steps)
    t = t.reshape(-1, *[1] * dt.ndim)
    if dt.ndim:
        return t * dt + t0
    t *= dt
    t += t0
    return t


def first_bad(energy: Array) -> str:
    values = plain(energy)
    bad = np.argwhere(~np.isfinite(values))
    if values.ndim == 0 or len(bad) == 0:
        return str(values)
    index = tuple(int(i) for i in bad[0])
    return f"{values[index]} (member {index[0] if len(index) == 1 else index})"
