"""The same work on one process or on many machines: fixed chunks, results in order, a bounded number on their way.

Chunks do not depend on who computes them and each is computed with one thread, so results are the same to the last bit. A
worker that dies has its chunks computed again by another.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np

from tenfma.catalogue.connection import CatalogueError
from tenfma.catalogue.packing import unpack

Chunk = TypeVar("Chunk")
#: chunks on their way for each worker, so that none waits for the next
AHEAD = 3
#: how often a chunk is tried again where its worker was lost
RETRIES = 5


def mapped(
    function: Callable[[Chunk], Any], chunks: Iterable[Chunk], address: str = ""
) -> Iterator[tuple[Chunk, Any]]:
    """(chunk, function(chunk)) in order: here, or with Dask where `address` names its scheduler or `local:N` workers.

    Raises CatalogueError where Dask is not installed or its scheduler does not answer.
    """
    if not address:
        for chunk in chunks:
            yield chunk, function(chunk)
        return
    with _client(address) as client:
        waiting: deque[tuple[Chunk, Any]] = deque()
        for chunk in chunks:
            waiting.append((chunk, client.submit(function, chunk, pure=False, retries=RETRIES)))
            if len(waiting) >= AHEAD * max(1, len(client.scheduler_info()["workers"])):
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
def _client(address: str) -> Iterator[Any]:
    try:
        from dask.distributed import Client, LocalCluster
    except ImportError as error:
        raise CatalogueError(
            "many machines need the package dask; install tenfma[dask], or leave --dask out"
        ) from error
    if address.startswith("local:"):
        count = address.removeprefix("local:")
        if not count.isdecimal() or not 1 <= int(count) <= 1024:
            raise CatalogueError(f"{address} names no number of workers; local:4 is expected")
        with (
            LocalCluster(n_workers=int(count), threads_per_worker=1, dashboard_address=None) as cluster,
            Client(cluster) as client,
        ):
            yield client
        return
    try:
        client = Client(address, timeout=20)
    except (OSError, ValueError, TimeoutError) as error:
        raise CatalogueError(
            f"no Dask scheduler answers at {address}; start one with `dask scheduler`, or use local:N"
        ) from error
    with client:
        yield client
