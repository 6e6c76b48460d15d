"""A file that appears whole or not at all, for every part of the program that writes one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tenfma.errors import TenfmaError


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
