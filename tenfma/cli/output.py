"""What commands share: a progress bar, checks of where output goes, and tables in Parquet, CSV or JSON."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

from tenfma.errors import TenfmaError
from tenfma.whole import whole

if TYPE_CHECKING:
    import pandas as pd

TABLES = (".parquet", ".csv", ".json")
#: bytes; file systems take 255, and a file bears a longer name until it is whole
LONGEST_NAME = 200


@contextmanager
def progress_bar(label: str, total: float) -> Iterator[Callable[[float], None]]:
    """A progress bar on stderr; the value is called with how much of `total` is done."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    console = Console(file=sys.stderr)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(label, total=total)
        yield lambda done: bar.update(task, completed=done)


def writable(out: Path, endings: tuple[str, ...], option: str = "--out") -> None:
    """Refuse, before any work, an output that could not be written or has an unknown ending; `option` named it."""
    if out.suffix.lower() not in endings:
        raise TenfmaError(f"{option} {out} ends in {out.suffix or 'nothing'}; expected {', '.join(endings)}")
    if len(os.fsencode(out.name)) > LONGEST_NAME:
        raise TenfmaError(
            f"{option} has a name of {len(os.fsencode(out.name))} bytes; at most {LONGEST_NAME} are taken"
        )
    if out.is_dir():
        raise TenfmaError(f"{option} {out} is a folder; give a file name")
    if not out.parent.is_dir():
        raise TenfmaError(f"{option} {out} lies in {out.parent}, which is no folder; make it first")
    try:
        with NamedTemporaryFile(dir=out.parent, prefix=".", suffix=".part"):
            pass
    except OSError as error:
        raise TenfmaError(
            f"{option} {out} cannot be written, {out.parent} takes no file ({error.strerror or error})"
        ) from error


def write_table(frame: "pd.DataFrame", out: Path) -> None:
    """Write a table in the format of its ending; the file appears whole or not at all."""
    with whole(out) as part:
        if out.suffix.lower() == ".parquet":
            frame.to_parquet(part, index=False)
        elif out.suffix.lower() == ".csv":
            frame.to_csv(part, index=False)
        else:
            frame.to_json(part, orient="records", indent=1, force_ascii=False, double_precision=15)
