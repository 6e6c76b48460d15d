"""Memory for long paths, handed out again once the arrays in it are gone.

The system clears every page of fresh memory when it is first written, which can take longer than computing what goes
into it, and the C library gives large blocks back as soon as they are freed. One block is therefore kept when the last
array in it is gone, marked so that the system may take its pages whenever anything else needs them (MADV_FREE).
"""

import mmap
from collections import deque

import numpy as np

#: bytes of a block that is worth keeping, and that may lie idle
LEAST, MOST = 1 << 22, 1 << 28
#: blocks are multiples of this, so that paths of nearly one length share them
_GRAIN = 1 << 21

#: the block that waits for its next use; taken and put back by single operations, so that threads need no lock
_idle: deque[mmap.mmap] = deque(maxlen=1)
#: the advice by which idle pages may be taken away, where the system knows it
_MAY_GO: int | None = getattr(mmap, "MADV_FREE", None)


class _Lease:
    """A block in use; arrays made from it hold it, and after the last of them it waits for the next."""

    def __init__(self, block: mmap.mmap, count: int) -> None:
        self._block = block
        self._numbers = np.frombuffer(block, dtype=float, count=count)
        self.__array_interface__ = self._numbers.__array_interface__

    def __del__(self, idle: deque[mmap.mmap] = _idle, may_go: int | None = _MAY_GO) -> None:
        if may_go is not None:
            self._block.madvise(may_go)
            idle.append(self._block)


def numbers(count: int) -> np.ndarray:
    """A writable array of `count` float64 with any content. Raises MemoryError where there is no room for it."""
    size = 8 * count
    if _MAY_GO is None or not LEAST <= size <= MOST:
        return np.empty(count)
    block = _waiting(size) or _fresh(-(-size // _GRAIN) * _GRAIN)
    return np.asarray(_Lease(block, count))


def _waiting(size: int) -> mmap.mmap | None:
    """The idle block where it is large enough, and not far too large; one that is too small is let go."""
    try:
        block = _idle.pop()
    except IndexError:
        return None
    if len(block) > 4 * size:
        _idle.append(block)
        return None
    return block if len(block) >= size else None


def _fresh(size: int) -> mmap.mmap:
    try:
        block = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    except OSError as error:
        raise MemoryError(str(error)) from None
    if hasattr(mmap, "MADV_HUGEPAGE"):
        block.madvise(mmap.MADV_HUGEPAGE)
    return block
