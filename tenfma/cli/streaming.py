"""Tables written batch by batch: what is finished survives an interruption, and no half file is left."""

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from tenfma.errors import TenfmaError

if TYPE_CHECKING:
    import pandas as pd


#: rows written together: a Parquet file of many small groups is slow to write and to read
GROUP = 1024


class Rows(Protocol):
    """A table that grows."""

    def add(self, frame: "pd.DataFrame") -> None:
        """Append rows; every call brings the same columns."""

    def close(self) -> None:
        """Finish the file."""


class _Parquet:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.writer: Any = None

    def add(self, frame: "pd.DataFrame") -> None:
        import pyarrow
        from pyarrow import parquet

        schema = self.writer.schema if self.writer else None
        table = pyarrow.Table.from_pandas(frame, schema=schema, preserve_index=False)
        if self.writer is None:
            self.writer = parquet.ParquetWriter(self.path, table.schema)
        self.writer.write_table(table)

    def close(self) -> None:
        if self.writer:
            self.writer.close()


class _Csv:
    def __init__(self, path: Path) -> None:
        self.file = path.open("w", newline="", encoding="utf-8")
        self.columns: list[str] | None = None

    def add(self, frame: "pd.DataFrame") -> None:
        writer = csv.writer(self.file, lineterminator="\n")
        if self.columns is None:
            self.columns = list(frame.columns)
            writer.writerow(self.columns)
        writer.writerows(frame.itertuples(index=False))

    def close(self) -> None:
        self.file.close()


class _Json:
    """One JSON array, a record per line."""

    def __init__(self, path: Path) -> None:
        self.file = path.open("w", encoding="utf-8")
        self.lead = "[\n"

    def add(self, frame: "pd.DataFrame") -> None:
        for record in frame.to_dict(orient="records"):
            self.file.write(self.lead + json.dumps(record, ensure_ascii=False))
            self.lead = ",\n"

    def close(self) -> None:
        self.file.write("\n]\n" if self.lead == ",\n" else "[]\n")
        self.file.close()


class _Grouped:
    """Rows held back until there are `GROUP` of them; `any` says whether there were any."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.held: list[pd.DataFrame] = []
        self.count = 0
        self.any = False

    def add(self, frame: "pd.DataFrame") -> None:
        self.held.append(frame)
        self.count += len(frame)
        self.any = True
        if self.count >= GROUP:
            self._write()

    def close(self) -> None:
        try:
            self._write()
        finally:
            self.rows.close()

    def _write(self) -> None:
        import pandas as pd

        if self.held:
            self.rows.add(pd.concat(self.held, ignore_index=True) if len(self.held) > 1 else self.held[0])
        self.held, self.count = [], 0


_KINDS: dict[str, Any] = {".parquet": _Parquet, ".csv": _Csv, ".json": _Json}


@contextmanager
def streamed_table(out: Path) -> Iterator[Rows]:
    """A growing table that becomes `out` when the block ends, on Ctrl-C too, if any row was added.

    Raises TenfmaError where the disk refuses.
    """
    part = out.with_name(out.name + ".part")
    try:
        rows = _Grouped(_KINDS[out.suffix.lower()](part))
        finished = False
        try:
            yield rows
            finished = True
        except KeyboardInterrupt:
            finished = True
            raise
        finally:
            rows.close()
            if finished and rows.any:
                part.replace(out)
    except OSError as error:
        raise TenfmaError(f"{out} could not be written: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)
