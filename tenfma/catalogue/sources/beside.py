"""properties.csv: the table that may lie beside crystals and give their numbers by file name."""

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from tenfma.catalogue.sources import SourceError
from tenfma.catalogue.sources.numbers import left_out, number_of, split_unit

#: its name; its column `file` names the crystals
BESIDE = "properties.csv"
LARGEST = 256 * 2**20


@dataclass(frozen=True)
class Row:
    """What a table says of one file: cells by name, with `units`, and sentences on values that were left out."""

    cells: Mapping[str, Any] = field(default_factory=dict)
    left: tuple[str, ...] = ()


@lru_cache(maxsize=1)
def rows_beside(data: bytes, where: str = BESIDE) -> dict[str, Row]:
    """A table of properties by file name, its units in brackets behind the names.

    A column is one of numbers where any of its cells is; the other cells of it are left out, and told. Raises SourceError
    for what is no table or has no column `file`.
    """
    if len(data) > LARGEST:
        raise SourceError(f"{where} is larger than {LARGEST // 2**20} MB; split it")
    text = table_text(data)
    first = text.partition("\n")[0]
    try:
        table = list(csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count)))
    except csv.Error as error:
        raise SourceError(f"{where} is no CSV table: {error}; write it again") from error
    heads = [split_unit(head) for head in table[0]] if table else []
    names = [name for name, _ in heads]
    if "file" not in names:
        raise SourceError(f"{where} has no column file; names of the files beside it are expected there")
    units = json.dumps({name: unit for name, unit in heads if unit})
    rows = [(number, row) for number, row in enumerate(table[1:], 2) if any(cell.strip() for cell in row)]
    numeric = {
        name
        for place, (name, unit) in enumerate(heads)
        if unit or any(number_of(row[place]) is not None for _, row in rows if place < len(row))
    }
    found: dict[str, Row] = {}
    for number, row in rows:
        told = f"{where}, line {number}"
        cells = {name: cell.strip() for name, cell in zip(names, row) if name}
        file = cells.pop("file", "")
        left = [f"{told}: {sentence}" for sentence in left_out(cells, numeric)]
        if len(row) != len(heads):
            left.append(f"{told}: {len(row)} cells, and {len(heads)} are expected")
        if file in found:
            left.append(f"{told}: {file} stands there twice, and its last line counts")
        kept = {name: cell for name, cell in cells.items() if cell}
        found[file] = Row({**kept, "units": units}, tuple(left))
    return found


def table_text(data: bytes) -> str:
    """The text of a table, as UTF-8, UTF-16 where it begins like that, or else as Western Windows writes it."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")
