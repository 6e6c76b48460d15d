"""Bytes out of a gzip file, never more than asked for, for every part of the program that reads one."""

import gzip
import io
import zlib

from tenfma.errors import TenfmaError


def unpacked(data: bytes, name: object, largest: int, error: type[TenfmaError] = TenfmaError) -> bytes:
    """What a gzip file's bytes hold. Raises `error` where the file is broken or holds more than `largest` bytes."""
    try:
        with gzip.open(io.BytesIO(data)) as file:
            plain = file.read(largest + 1)
    except (OSError, EOFError, zlib.error) as broken:
        raise error(f"{name} is not a whole gzip file; compress it again") from broken
    if len(plain) > largest:
        limit = f"{largest / 2**30:.0f} GB" if largest >= 2**30 else f"{largest / 2**20:.0f} MB"
        raise error(f"{name} unpacks to more than {limit}; split it")
    return plain
