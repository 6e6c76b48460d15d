"""The folder of a training run: made, seen to be this run's or empty, and named by `config.json`."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from tenfma.errors import TenfmaError
from tenfma.whole import write_text

CONFIG = "config.json"


@contextmanager
def claimed(out: Path, config: dict[str, Any]) -> Iterator[None]:
    """Make the folder, or see that it is of the same run; `config.json` is written when the block ends well.

    A folder that was made here goes away again where the block does not. Raises TenfmaError, before the block, where
    `out` cannot be written or holds another run or other files.
    """
    made = _opened(out, config)
    try:
        yield
        write_text(json.dumps(config, indent=1), out / CONFIG)
    except BaseException:
        if made:
            with suppress(OSError):  # one that holds something stays
                out.rmdir()
        raise


def _opened(out: Path, config: dict[str, Any]) -> bool:
    """Make the folder where there is none; whether it was made."""
    try:
        if out.exists() and not out.is_dir():
            raise TenfmaError(f"--out {out} is a file; a folder is expected")
        made = not out.exists()
        out.mkdir(parents=True, exist_ok=True)
        path = out / CONFIG
        if path.is_file() and _held(path) != json.loads(json.dumps(config)):
            raise TenfmaError(
                f"{out} holds another run, with other data or settings; give another --out or delete it"
            )
        if not path.is_file() and any(out.iterdir()):
            raise TenfmaError(f"{out} holds other files; give a new folder")
        with NamedTemporaryFile(dir=out, prefix=".", suffix=".part"):
            return made
    except (OSError, ValueError) as error:
        if isinstance(error, TenfmaError):
            raise
        reason = getattr(error, "strerror", None) or error
        raise TenfmaError(f"--out {out} cannot be written ({reason}); give another folder") from None


def _held(path: Path) -> Any:
    """What a JSON file holds, None where it is broken."""
    try:
        return json.loads(path.read_text())
    except ValueError:
        return None
