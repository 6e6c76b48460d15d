"""The same work on one process or on many machines: fixed chunks, results in order, a bounded number on their way.

Chunks do not depend on who computes them and each is computed with one thread, so results are the same to the last bit. A
worker that dies has its chunks computed again by another.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

import numpy as np

from tenfma.catalogue.connection import CatalogueError
from tenfma.catalogue.packing import unpack

Chunk = TypeVar("Chunk")
#: chunks on their way for each worker, so that none waits for the next
AHEAD = 3
#: how often a chunk is tried again where its worker was lost
RETRIES = 5
#: seconds between two looks at how many workers there are
LOOK = 1.0
#: what local workers are started with. A task runs in a thread of its own, whose memory glibc would hand back to the
#: system after every large array and fetch again: a quarter of the time. Sampling what a worker does costs as well.
WORKERS = {
    "distributed.nanny.pre-spawn-environ.MALLOC_ARENA_MAX": 1,
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": 2**28,
    "distributed.nanny.pre-spawn-environ.MALLOC_MMAP_THRESHOLD_": 2**25,
    "distributed.nanny.pre-spawn-environ.NUMBA_NUM_THREADS": 1,
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "1s",
    "distributed.nanny.pre-spawn-environ.DASK_LOGGING__DISTRIBUTED": "critical",
}
#: seconds until a scheduler must have its first worker; a queue may keep them waiting
FIRST_WORKER = 600


def mapped(
    function: Callable[[Chunk], Any], chunks: Iterable[Chunk], address: str = ""
) -> Iterator[tuple[Chunk, Any]]:
    """(chunk, function(chunk)) in order: here, or with Dask where `address` names its scheduler or `local:N` workers.

    Raises CatalogueError where Dask is not installed, its scheduler does not answer or goes away, or a chunk costs one
    worker after another.
    """
    if not address:
        for chunk in chunks:
            yield chunk, function(chunk)
        return
    with _client(address) as client, _told(address):
        waiting: deque[tuple[Chunk, Any]] = deque()
        room, looked = 0, -LOOK
        for chunk in chunks:
            if time.monotonic() - looked >= LOOK:
                room, looked = AHEAD * max(1, sum(client.nthreads().values())), time.monotonic()
            waiting.append((chunk, client.submit(function, chunk, pure=False, retries=RETRIES)))
            while len(waiting) >= room:
                first, future = waiting.popleft()
                yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()


def embed_chunk(work: tuple[str, Sequence[bytes]]) -> np.ndarray:
    """Vectors of packed crystals by the embedder of this name, with one thread."""
    from tenfma.catalogue.embedders import embedder

    name, blobs = work
    with one_thread():
        return embedder(name).vectors([unpack(blob).structure() for blob in blobs])


@contextmanager
def one_thread() -> Iterator[None]:
    """torch with one thread: sums then come in one order, wherever they are made."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@contextmanager
def cluster(workers: int) -> Iterator[Any]:
    """A Dask client of this many single-thread workers on this machine, which end with the block."""
    import dask
    from dask.distributed import Client, LocalCluster

    with dask.config.set(WORKERS), _quiet(), ExitStack() as stack:
        try:
            local = LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None)
            client = stack.enter_context(Client(stack.enter_context(local)))
        except (RuntimeError, OSError, TimeoutError) as error:
            raise CatalogueError(
                f"{workers} workers could not be started ({str(error)[:120].rstrip('.')}); try fewer, or leave --dask out"
            ) from error
        yield client


@contextmanager
def _client(address: str) -> Iterator[Any]:
    try:
        from dask.distributed import Client
    except ImportError as error:
        raise CatalogueError(
            "many machines need the package dask; install tenfma[dask], or leave --dask out"
        ) from error
    if address.startswith("local:"):
        count = address.removeprefix("local:")
        if not count.isdecimal() or not 1 <= int(count) <= 1024:
            raise CatalogueError(f"{address} names no number of workers; local:4 is expected")
        with cluster(int(count)) as client:
            yield client
        return
    with _quiet():
        try:
            client = Client(address, timeout=20)
        except (OSError, ValueError, TimeoutError) as error:
            raise CatalogueError(
                f"no Dask scheduler answers at {address}; start one with `dask scheduler`, or use local:N"
            ) from error
        with client:
            try:
                client.wait_for_workers(1, timeout=FIRST_WORKER)
            except (OSError, TimeoutError) as error:
                raise CatalogueError(
                    f"no worker joined the scheduler at {address}; start one with `dask worker {address}`"
                ) from error
            yield client


@contextmanager
def _told(address: str) -> Iterator[None]:
    """Dask's own errors as one sentence; those of the work itself pass."""
    from concurrent.futures import CancelledError

    from distributed.comm import CommClosedError
    from distributed.scheduler import KilledWorker

    try:
        yield
    except KilledWorker as error:
        raise CatalogueError(
            "one piece of the work cost its worker again and again; give workers more memory, and run it again"
        ) from error
    except (CancelledError, CommClosedError) as error:
        raise CatalogueError(
            f"the scheduler at {address} went away; start it and run the same command again"
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what Dask logs of workers that end or are lost: their pieces are done again, and a failure is told."""
    loggers = [
        logging.getLogger(name) for name in ("distributed", "distributed.client", "tornado.application")
    ]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels):
            logger.setLevel(level)
