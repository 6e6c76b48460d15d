"""Tables written batch by batch: what is finished survives an interruption, and no half file is left."""

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from tenfma.whole import whole

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


class _Nothing(Exception):
    """No row was added, so that there is no file."""


@contextmanager
def streamed_table(out: Path) -> Iterator[Rows]:
    """A growing table that becomes `out` when the block ends, on Ctrl-C too, if any row was added.

    Raises TenfmaError where the disk refuses.
    """
    stopped: KeyboardInterrupt | None = None
    try:
        with whole(out) as part:
            rows = _Grouped(_KINDS[out.suffix.lower()](part))
            try:
                yield rows
            except KeyboardInterrupt as asked:
                stopped = asked
            finally:
                rows.close()
            if not rows.any:
                raise _Nothing
    except _Nothing:
        pass
    if stopped:
        raise stopped
