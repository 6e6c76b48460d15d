"""A file that appears whole or not at all, for every part of the program that writes one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tenfma.errors import TenfmaError

if TYPE_CHECKING:
    from torch import Tensor


@contextmanager
def whole(out: Path, error: type[TenfmaError] = TenfmaError, remedy: str = "") -> Iterator[Path]:
    """A path beside `out` to write to; it takes the name of `out` when the block ends without an exception.

    Two processes that write the same file do not meet: each has a path of its own, and the last one stands. The path
    ends as `out` does, for writers that go by the ending. Raises `error` where the disk refuses; `remedy` ends its
    sentence.
    """
    part = out.with_name(f"part-{os.getpid()}-{out.name}")
    try:
        yield part
        part.replace(out)
    except OSError as refusal:
        told = f"{out} could not be written: {refusal.strerror or refusal}"
        raise error(f"{told}; {remedy}" if remedy else told) from refusal
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def write_text(text: str, out: Path) -> None:
    """Write a text in UTF-8, whole or not at all. Raises TenfmaError where it cannot be written."""
    with whole(out) as part:
        part.write_text(text, encoding="utf-8")


def write_tensors(tensors: dict[str, "Tensor"], out: Path, metadata: dict[str, str] | None = None) -> None:
    """Write safetensors, whole or not at all, for whoever may read other new files here.

    Raises TenfmaError where the file cannot be written.
    """
    from safetensors.torch import save

    held = save({key: value.contiguous() for key, value in tensors.items()}, metadata)
    with whole(out) as part:
        part.write_bytes(held)
