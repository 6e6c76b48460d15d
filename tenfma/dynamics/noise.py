"""Noise as an argument: standard normals that are a function of (seed, stream, step, draw, component).

Counter-based (Philox-4×32-10), so any step's noise can be had without the steps before it: reversing a
Langevin path needs the seed, not the record; and a member's noise does not depend on the rest of the batch.

`philox` and `normal_pair` work elementwise on NumPy uint64 arrays and compile under `numba.njit` unchanged.

Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC11), multipliers and Weyl
increments of Philox-4×32; normals by Box and Muller (1958).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from tenfma.errors import TenfmaError

_WORD = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)
_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_HIGH, _LOW = np.uint64(5), np.uint64(6)  # 27 + 26 bits make the 53 of a double
_SCALE = 2.0**-53
_TWO_26 = 2.0**26
_TWO_PI = 2.0 * np.pi


def philox(c0, c1, c2, c3, k0, k1):
    """Ten rounds of Philox-4×32 on counter words c0…c3 under the key (k0, k1): 32-bit values in uint64."""
    for _ in range(10):
        low, high = c0 * _M0, c2 * _M1
        c0, c1, c2, c3 = (high >> _SHIFT) ^ c1 ^ k0, high & _WORD, (low >> _SHIFT) ^ c3 ^ k1, low & _WORD
        k0 = (k0 + _W0) & _WORD
        k1 = (k1 + _W1) & _WORD
    return c0, c1, c2, c3


def normal_pair(key_lo, key_hi, step, draw, block):
    """Two independent standard normals: components 2·block and 2·block + 1 of one draw in one step."""
    a, b, c, d = philox(block, draw, step & _WORD, step >> _SHIFT, key_lo, key_hi)
    u = ((a >> _HIGH) * _TWO_26 + (b >> _LOW) + 0.5) * _SCALE
    v = ((c >> _HIGH) * _TWO_26 + (d >> _LOW)) * _SCALE
    radius = np.sqrt(-2.0 * np.log(u))
    return radius * np.cos(_TWO_PI * v), radius * np.sin(_TWO_PI * v)


def _mixed(x: Any) -> Any:
    """SplitMix64's finaliser: a bijection of uint64 that spreads neighbouring seeds apart."""
    x = np.asarray(x, dtype=np.uint64)
    with np.errstate(over="ignore"):
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@dataclass(frozen=True)
class Noise:
    """Standard normals from a seed, one independent stream per system.

    `streams` says which stream each system draws from: integers of the ensemble's shape (default: the
    member's index), or of the full state shape (*ensemble, *event) where one state holds several systems;
    components of one stream are numbered in the order in which they appear. A system's noise depends on its
    stream and the seed alone.
    """

    seed: int
    streams: Any = None

    def keys(self, ensemble: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Low and high 32 bits of the key of every ensemble member, as uint64 of shape `ensemble`."""
        count = int(np.prod(ensemble, dtype=int))
        streams = np.arange(count).reshape(ensemble) if self.streams is None else np.asarray(self.streams)
        if streams.shape != ensemble:
            raise TenfmaError(
                f"streams have shape {streams.shape}, expected one per ensemble member, {ensemble}, "
                "or one per component of the state."
            )
        if streams.dtype.kind not in "iu":
            raise TenfmaError(
                f"streams are {streams.dtype}, expected whole numbers that name each system's own"
            )
        return self._keys_of(streams)

    def _keys_of(self, streams: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        with np.errstate(over="ignore"):
            spread = (streams.astype(np.int64).astype(np.uint64) + np.uint64(1)) * np.uint64(
                0x9E3779B97F4A7C15
            )
        key = _mixed(_mixed(np.uint64(self.seed & 0xFFFFFFFFFFFFFFFF)) ^ spread)
        return key & _WORD, key >> _SHIFT

    def draw(
        self, first: int, count: int, draws: int, ensemble: tuple[int, ...], event: tuple[int, ...]
    ) -> np.ndarray:
        """Normals of steps first … first + count − 1: (count, draws, *ensemble, *event), float64."""
        size = int(np.prod(event, dtype=int))
        steps = np.arange(first, first + count, dtype=np.uint64)
        draw = np.arange(draws, dtype=np.uint64)
        per_component = (
            self.streams is not None and np.shape(self.streams) == (*ensemble, *event) and event != ()
        )
        if per_component and np.shape(self.streams) != ensemble:
            streams = np.asarray(self.streams).reshape(-1)
            lo, hi = self._keys_of(streams)
            rank = _rank_within(streams).astype(np.uint64)
            z0, z1 = normal_pair(lo, hi, steps[:, None, None], draw[:, None], rank // np.uint64(2))
            values = np.where(rank % np.uint64(2) == 0, z0, z1)
            return values.reshape(count, draws, *ensemble, *event)
        lo, hi = (key.reshape(-1, 1) for key in self.keys(ensemble))
        block = np.arange((size + 1) // 2, dtype=np.uint64)
        pairs = normal_pair(lo, hi, steps[:, None, None, None], draw[:, None, None], block)
        values = np.stack(pairs, axis=-1).reshape(count, draws, lo.shape[0], -1)[..., :size]
        return values.reshape(count, draws, *ensemble, *event)


def _rank_within(streams: np.ndarray) -> np.ndarray:
    """How many earlier components share each component's stream."""
    order = np.argsort(streams, kind="stable")
    run = streams[order]
    starts = np.concatenate([[0], np.flatnonzero(np.diff(run)) + 1])
    begin = np.repeat(starts, np.diff(np.concatenate([starts, [run.size]])))
    rank = np.empty(streams.size, dtype=np.int64)
    rank[order] = np.arange(streams.size) - begin
    return rank


@dataclass(frozen=True)
class Recorded:
    """A recorded path of standard normals, (steps, draws per step, *ensemble, *event)."""

    values: Any

    def draw(
        self, first: int, count: int, draws: int, ensemble: tuple[int, ...], event: tuple[int, ...]
    ) -> Any:
        """The record's steps first … first + count − 1."""
        return self.values[first : first + count]


def noise_source(
    seed: int | None, noise: Any, streams: Any, shape: tuple[int, ...], steps: int, draws: int
) -> Noise | Recorded:
    """What `integrate` was given, as one of the two sources.

    A NumPy or torch generator gives one number, the seed of a `Noise`: so its path, too, can be replayed.
    Raises `TenfmaError` where neither seed nor noise is given, or a record has the wrong shape.
    """
    if noise is None and seed is None:
        raise TenfmaError("A Langevin method needs its randomness as an argument; give seed=0 or noise=….")
    if noise is not None and seed is not None:
        raise TenfmaError(
            "Both seed and noise are given; noise already decides the path, so give one of them."
        )
    if noise is None:
        return Noise(int(seed), streams)  # type: ignore[arg-type]
    if isinstance(noise, Noise):
        return noise
    if isinstance(noise, np.random.Generator):
        return Noise(int(noise.integers(2**63)), streams)
    if type(noise).__module__.startswith("torch") and type(noise).__name__ == "Generator":
        import torch

        number = torch.randint(2**63 - 1, (), generator=noise, device=noise.device)
        return Noise(int(number), streams)
    if tuple(np.shape(noise)) != (steps, draws, *shape):
        raise TenfmaError(
            f"noise has shape {tuple(np.shape(noise))}, expected (steps, draws per step, *state) = "
            f"{(steps, draws, *shape)}."
        )
    return Recorded(noise)
