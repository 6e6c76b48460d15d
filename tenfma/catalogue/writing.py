"""Writing into the store, within a transaction of its one writer."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

import numpy as np
from sqlalchemy import Connection, func, select

from tenfma.catalogue.entries import Entry, Record, masks
from tenfma.catalogue.schema import entries, facts, imported, properties, structures

#: items asked for in one statement
CHUNK = 500
#: columns of an entry that are its fields
COLUMNS = tuple(field.name for field in fields(Entry) if field.name not in ("id", "properties"))
#: what `words` is made of
_TOLD = (
    "formula",
    "reduced_formula",
    "anonymous_formula",
    "chemical_system",
    "mineral",
    "prototype",
    "strukturbericht",
    "pearson",
    "space_group_symbol",
    "source",
    "identifier",
)


def insert(connection: Connection, records: Sequence[Record], origin: str) -> list[int]:
    """Add records within a transaction of the writer; the id each became or repeats."""
    known = seen(connection, origin, [record.key for record in records])
    held = _by_identifier(connection, records)
    start = int(connection.scalar(select(func.max(entries.c.id))) or 0)
    line = int(connection.scalar(select(func.max(properties.c.id))) or 0)
    ids: list[int] = []
    rows: list[dict[str, Any]] = []
    blobs: list[dict[str, Any]] = []
    values: list[dict[str, Any]] = []
    keys: list[dict[str, Any]] = []
    for record in records:
        if record.key in known:
            ids.append(known[record.key])
            continue
        name = (record.entry.source, record.entry.identifier)
        if name not in held:
            held[name] = start + len(rows) + 1
            rows.append(_row(record.entry, held[name]))
            blobs.append({"entry": held[name], "data": record.sites.pack()})
            for value in record.properties:
                values.append({"id": line + len(values) + 1, "entry": held[name], **asdict(value)})
        known[record.key] = held[name]
        keys.append({"origin": origin, "key": record.key, "entry": held[name]})
        ids.append(held[name])
    for table, new in ((entries, rows), (structures, blobs), (properties, values), (imported, keys)):
        if new:
            connection.execute(table.insert(), new)
    return ids


def note_seen(connection: Connection, origin: str, keys: Mapping[str, int]) -> None:
    """Record that `origin` brought these keys and that they are entries held already."""
    new = {key: id for key, id in keys.items() if key not in seen(connection, origin, list(keys))}
    if new:
        connection.execute(
            imported.insert(), [{"origin": origin, "key": k, "entry": i} for k, i in new.items()]
        )


def set_fact(connection: Connection, name: str, value: str) -> None:
    """Keep a fact about the store, in place of an older one."""
    connection.execute(facts.delete().where(facts.c.name == name))
    connection.execute(facts.insert().values(name=name, value=value))


def seen(connection: Connection, origin: str, keys: Sequence[str]) -> dict[str, int]:
    """Which keys of an origin are dealt with, and the entry each became."""
    found: dict[str, int] = {}
    for part in chunks(keys):
        rows = connection.execute(
            select(imported.c.key, imported.c.entry).where(
                imported.c.origin == origin, imported.c.key.in_(part)
            )
        )
        found.update({key: entry for key, entry in rows})
    return found


def _by_identifier(connection: Connection, records: Sequence[Record]) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for part in chunks(sorted({record.entry.identifier for record in records})):
        rows = connection.execute(
            select(entries.c.source, entries.c.identifier, entries.c.id).where(entries.c.identifier.in_(part))
        )
        found.update({(source, identifier): id for source, identifier, id in rows})
    return found


def _row(entry: Entry, id: int) -> dict[str, Any]:
    row = {name: getattr(entry, name) for name in COLUMNS}
    low, high = masks(entry.chemical_system)
    words = " ".join(dict.fromkeys(str(row[name]) for name in _TOLD if row[name])).lower()
    return {"id": id, **row, "low": low, "high": high, "words": words}


def chunks(items: Sequence[Any] | np.ndarray) -> Iterator[list[Any]]:
    plain = [item.item() if isinstance(item, np.generic) else item for item in items]
    for start in range(0, len(plain), CHUNK):
        yield plain[start : start + CHUNK]
