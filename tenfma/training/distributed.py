"""Several processes, one ensemble: `torchrun --nproc-per-node N -m tenfma train --task property …`.

Members do not depend on each other, so each process fits its share of them, from the same seeds and batches as one
process would: the numbers are the same. What a member has become lies in its checkpoint in the run's folder, which all
processes must see; the first process reads them all and writes the model. Nothing but "I am done" travels between
processes, which torch.distributed says by itself.
"""

import atexit
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

#: how long a process waits for the others' members
PATIENCE = timedelta(days=7)


class Served(Exception):
    """This process has fitted its members; the first one goes on alone."""


@dataclass(frozen=True)
class Ranks:
    """Which of `world` processes this one is, counted from 0; alone unless told otherwise."""

    rank: int = 0
    world: int = 1

    def members(self, count: int) -> Iterator[int]:
        """The members that this process fits, every `world`-th; then, in the first process, those of the others.

        Raises Served in the others, when all have done theirs.
        """
        own = range(self.rank, count, self.world)
        yield from own
        self.wait()
        if self.rank:
            raise Served
        yield from (member for member in range(count) if member not in own)

    def turns(self, count: int) -> int:
        """How many members the busiest process fits one after the other."""
        return -(-count // self.world)

    def wait(self) -> None:
        """Until every process has come here."""
        if self.world > 1:
            import torch.distributed

            torch.distributed.barrier()

    @contextmanager
    def first(self) -> Iterator[None]:
        """The first process does the block, then the others, who find what it has written."""
        if self.rank:
            self.wait()
        yield
        if not self.rank:
            self.wait()


ALONE = Ranks()


def joined() -> Ranks:
    """This process among those that torchrun has started, connected until it ends; alone where torchrun has not."""
    here = started()
    if here.world > 1:
        import torch.distributed as distributed

        if not distributed.is_initialized():
            distributed.init_process_group("gloo", timeout=PATIENCE)
            atexit.register(distributed.destroy_process_group)
    return here


def started() -> Ranks:
    """Which process this is, by what torchrun has put into the environment."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:  # other launchers set RANK as well, for their own ends
        return ALONE
    return Ranks(int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1)))
