"""Crystals in rows: CSV tables with a CIF column, and ASE databases."""

import csv
import hashlib
import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tenfma.catalogue.sources import Item, Loaded, SourceError
from tenfma.catalogue.sources.numbers import labels_of, left_out, number_of, split_unit, units_of, values_of

#: the longest cell of a CSV table, bytes
LONGEST_CELL = 16 * 2**20


def csv_rows(path: Path, shown: str) -> Iterator[Item]:
    """The rows of a CSV table, one of whose columns holds CIFs or pymatgen JSON; units stand in brackets behind names.

    Raises SourceError where no column does.
    """
    csv.field_size_limit(min(LONGEST_CELL, sys.maxsize))
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        reader = csv.reader(file)
        column = None
        numeric: set[str] = set()
        heads: list[tuple[str, str]] = []
        try:
            heads = [split_unit(head) for head in next(reader, [])]
            for place, row in enumerate(reader):
                if not row:
                    continue
                if column is None:
                    column = next((i for i, cell in enumerate(row) if _is_crystal(cell)), None)
                if column is None:
                    raise SourceError(
                        f"{shown} has no column with CIFs or pymatgen JSON in its first row; one is expected"
                    )
                numeric |= {
                    name for (name, unit), cell in zip(heads, row) if unit or number_of(cell) is not None
                }
                where = f"{shown}, row {place + 1}"
                key = hashlib.sha256("\0".join(row).encode()).hexdigest()[:24]
                yield Item(f"{key}:csv", where, _row(row, heads, column, where, frozenset(numeric)))
        except csv.Error as error:
            raise SourceError(f"{shown} is no CSV table: {error}; write it again") from error


def _is_crystal(cell: str) -> bool:
    return "_atom_site" in cell or ('"lattice"' in cell and '"sites"' in cell)


def _row(
    row: list[str], heads: list[tuple[str, str]], column: int, where: str, numeric: frozenset[str]
) -> Callable[[], list[Loaded]]:
    def load() -> list[Loaded]:
        from tenfma.crystal.structures import parse

        if len(row) != len(heads):
            raise SourceError(f"{where} has {len(row)} cells, and {len(heads)} are expected")
        kind = ".json" if row[column].lstrip()[:1] in ("{", "[") else ".cif"
        structure = parse(row[column].encode(), f"{where}{kind}")[0]
        record: dict[str, Any] = {
            name: cell
            for place, ((name, _), cell) in enumerate(zip(heads, row))
            if place != column and cell.strip()
        }
        labels = labels_of(record)
        labels.setdefault("identifier", where)
        left = [f"{where}: {sentence}" for sentence in left_out(record, numeric)]
        return [
            Loaded(structure, values_of(record), {name: unit for name, unit in heads if unit}, labels, left)
        ]

    return load


def ase_rows(path: Path, shown: str) -> Iterator[Item]:
    """The rows of an ASE database (SQLite), with their key–value pairs and energies. Raises SourceError for others."""
    from ase.db import connect

    with path.open("rb") as file:
        head = file.read(16)
    if not head.startswith(b"SQLite format 3"):
        raise SourceError(f"{shown} is no ASE database in SQLite; write it with ase.db.connect('NAME.db')")
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as names:
            found = {row[0] for row in names.execute("select name from sqlite_master where type = 'table'")}
        if "systems" not in found:
            raise SourceError(f"{shown} is a database, but none of ASE's; its table systems is missing")
        for row in connect(path, type="db").select():
            where = f"{shown}, row {row.id}"
            yield Item(f"{row.unique_id}:ase", where, _ase_row(row, where))
    except SourceError:
        raise
    except Exception as error:  # ASE decodes rows with whatever they hold
        raise SourceError(f"{shown} could not be read as an ASE database: {str(error)[:160]}") from error


def _ase_row(row: Any, where: str) -> Callable[[], list[Loaded]]:
    def load() -> list[Loaded]:
        from tenfma.crystal.checks import checked
        from tenfma.crystal.structures import from_ase

        structure = checked(from_ase(row.toatoms()), where)
        record = dict(row.key_value_pairs)
        if row.get("energy") is not None:
            record["energy"] = float(row.energy)
        data = row.get("data")
        units = units_of(data) if isinstance(data, dict) else {}
        labels = labels_of(record)
        labels.setdefault("identifier", where)
        left = [f"{where}: {sentence}" for sentence in left_out(record)]
        return [Loaded(structure, values_of(record), units, labels, left)]

    return load
