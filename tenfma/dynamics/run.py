"""A method set up for one Hamiltonian, state shape and source of noise: what walks from step to step."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from tenfma.dynamics.arrays import is_torch, like, namespace, plain
from tenfma.dynamics.flows import Setting, State, Step
from tenfma.dynamics.methods import method_named, step_of
from tenfma.dynamics.noise import Noise, Recorded
from tenfma.dynamics.words import Method
from tenfma.hamiltonian.protocol import Array, Hamiltonian

#: normals made at a time: enough to spread the cost, little enough to hold
_CHUNK_STEPS, _CHUNK_NUMBERS = 64, 1 << 20


@dataclass(frozen=True)
class Run:
    """Setting, method and noise of one call of `integrate`."""

    setting: Setting
    method: Method
    source: Noise | Recorded | None
    t0: float
    ensemble: tuple[int, ...]
    gradient: str = "backprop"

    @property
    def divisible(self) -> bool:
        """Whether a stretch may be cut for progress reports without changing what its gradient stores."""
        return self.gradient in ("backprop", "none")

    def time(self, step: int) -> Any:
        """t at the start of a step: multiplied, not accumulated."""
        return self.t0 + step * self.setting.h

    def advance(self, state: State, first: int, count: int) -> State:
        """The state `count` steps later, with gradients through time as asked for."""
        if not is_torch(state.q):
            return self.walk(state, first, count)
        torch = namespace(state.q)
        if self.gradient == "none" or not torch.is_grad_enabled():
            with torch.no_grad():
                return self.walk(state, first, count)
        if self.gradient == "backprop":
            return self.walk(state, first, count)
        from tenfma.dynamics.gradients import checkpointed, retraced

        return (checkpointed if self.gradient == "checkpoint" else retraced)(self, state, first, count)

    def walk(self, state: State, first: int, count: int) -> State:
        """`count` steps from step `first` on."""
        step = self._step(state.q)
        for n, normals in self._normals(state.q, range(first, first + count)):
            state = step(state, self.time(n), normals)
        return state

    def retrace(self, state: State, first: int, count: int) -> State:
        """From the state after `count` steps back to the state before step `first`, with the same noise."""
        from tenfma.dynamics.splitting import inverse_word_step

        assert self.method.word is not None
        step = inverse_word_step(self.setting, self.method.word, state.q)
        for n, normals in self._normals(state.q, range(first + count - 1, first - 1, -1)):
            state = step(state, self.time(n + 1), normals)
        return state

    def compiled_noise(self, first: int, count: int) -> Any:
        """Noise as a compiled kernel takes it: the counter-based source, or these steps of a record."""
        return self.source.values[first : first + count] if isinstance(self.source, Recorded) else self.source

    @cached_property
    def _steps(self) -> dict[Any, Step]:
        return {}

    def _step(self, q: Array) -> Step:
        key = (is_torch(q), q.dtype, is_torch(q) and namespace(q).is_grad_enabled())
        if key not in self._steps:
            self._steps[key] = step_of(self.method, self.setting, q)
        return self._steps[key]

    def _normals(self, q: Array, steps: range):
        """(step, its normals), in the order of `steps`, made a chunk at a time."""
        if self.source is None:
            yield from ((n, None) for n in steps)
            return
        shape = tuple(q.shape)
        event = shape[len(self.ensemble) :]
        numbers = self.method.draws * max(1, q.size if not is_torch(q) else q.numel())
        size = max(1, min(_CHUNK_STEPS, _CHUNK_NUMBERS // numbers))
        for begin in range(0, len(steps), size):
            part = steps[begin : begin + size]
            low = min(part)
            values = like(self.source.draw(low, len(part), self.method.draws, self.ensemble, event), q)
            if np.ndim(plain(self.setting.friction)) == 0:  # one friction keeps a total momentum apart
                values = self.setting.H.free_normals(values)
            yield from ((n, values[n - low]) for n in part)


def one_step(
    H: Hamiltonian,
    q: Array,
    p: Array,
    *,
    dt: float,
    method: str | Method,
    t: float = 0.0,
    kT: Any = None,
    friction: Any = None,
    normals: Array | None = None,
    omega: float = 20.0,
    tolerance: float = 1e-14,
    copy: tuple[Array, Array] | None = None,
) -> State:
    """One step as a function of its state: what Jacobians, affine solves and certificates differentiate.

    `normals` are the step's standard normals, (draws, *ensemble, *event); `copy` the second copy (x, y) of a
    method in extended phase space, (q, p) if not given. Nothing is checked: a wrong pairing can be stepped,
    to show what it does.
    """
    chosen = method_named(method)
    setting = Setting(H, float(dt), kT, friction, omega, tolerance, account=False)
    return step_of(chosen, setting, q)(State(q, p, copy=copy), t, normals)
