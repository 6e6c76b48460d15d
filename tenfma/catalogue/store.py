"""The catalogue: entries in, found again by what they are or by likeness."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import Connection, Row, Select, Text, cast, func, select

from tenfma.catalogue.connection import CatalogueError, Database
from tenfma.catalogue.entries import Entry, Property, Record, masks
from tenfma.catalogue.packing import Sites, unpack
from tenfma.catalogue.query import Query
from tenfma.catalogue.schema import entries, facts, imported, properties, structures

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from tenfma.catalogue.likeness import Neighbour

#: told (what is being done, how much of it is done, how much there is)
Progress = Callable[[str, int, int], None]
#: entries asked for in one statement
CHUNK = 500
#: ids that are joined to one text, which a database bounds at a thousand million letters
SPAN = 10_000_000
_COLUMNS = tuple(field.name for field in fields(Entry) if field.name not in ("id", "properties"))
_VALUES = tuple(field.name for field in fields(Property))
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


class Catalogue:
    """An open catalogue. Reading never waits for a writer; each `add` is one transaction.

    >>> # Catalogue(Database("sqlite:///mine.sqlite")); usually tenfma.catalogue.open()
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        #: embedder → state of the store in which every entry had its vector
        self.embedded: dict[str, tuple[int, int]] = {}

    # Reading

    def count(self, query: Query | None = None, **filters: Any) -> int:
        """How many entries fit; all of them without a filter."""
        with self.database.read() as connection:
            return int(connection.scalar(_asked(query, filters).count()) or 0)

    def search(
        self,
        query: Query | None = None,
        *,
        limit: int | None = 50,
        offset: int = 0,
        sort: str = "",
        descending: bool = False,
        **filters: Any,
    ) -> list[Entry]:
        """The entries that fit, with their properties; `filters` are `Query`'s fields."""
        statement = _asked(query, filters).select(sort, descending).offset(offset)
        if limit is not None:
            statement = statement.limit(limit)
        with self.database.read() as connection:
            return _entries(connection, connection.execute(statement).all())

    def ids(
        self, query: Query | None = None, *, among: Sequence[int] | np.ndarray | None = None, **filters: Any
    ) -> np.ndarray:
        """The ids of all entries that fit, or of those `among` these ids, in order, int64."""
        asked = _asked(query, filters)
        with self.database.read() as connection:
            if among is None:
                lists = [np.unique(_numbers(connection, statement)) for statement in asked.lists()]
                return reduce(lambda one, other: np.intersect1d(one, other, assume_unique=True), lists)
            statement = select(entries.c.id).where(*asked.conditions(leads=False))
            parts = [statement.where(entries.c.id.in_(part)) for part in _chunks(among)]
            return np.array(sorted(id for part in parts for id in connection.scalars(part)), np.int64)

    def get(self, id: int | str) -> Entry:
        """One entry by its id, or by an identifier such as mp-149. Raises CatalogueError where there is none."""
        text = str(id).strip()
        if text.isdecimal() and len(text) < 10:
            where = entries.c.id == int(text)
        else:
            where = entries.c.identifier == text
        with self.database.read() as connection:
            rows = connection.execute(select(entries).where(where).order_by(entries.c.id).limit(1)).all()
            if not rows:
                raise CatalogueError(
                    f"the catalogue has no entry {text[:60]!r}; `tenfma catalogue search` lists the ids and identifiers"
                )
            return _entries(connection, rows)[0]

    def entries(self, ids: Sequence[int]) -> list[Entry]:
        """The entries with these ids, in the order given."""
        found: dict[int, Entry] = {}
        with self.database.read() as connection:
            for part in _chunks(ids):
                rows = connection.execute(select(entries).where(entries.c.id.in_(part))).all()
                found.update({entry.id: entry for entry in _entries(connection, rows)})
        return [_known(found, id) for id in ids]

    def sites(self, ids: Sequence[int]) -> list[Sites]:
        """The crystals with these ids as arrays, in the order given."""
        found: dict[int, Sites] = {}
        with self.database.read() as connection:
            for part in _chunks(ids):
                for id, data in connection.execute(
                    select(structures.c.entry, structures.c.data).where(structures.c.entry.in_(part))
                ):
                    found[id] = unpack(data)
        return [_known(found, id) for id in ids]

    def structures(self, ids: Sequence[int]) -> "list[Structure]":
        """The crystals with these ids, in the order given."""
        return [sites.structure() for sites in self.sites(ids)]

    def structure(self, id: int | str) -> "Structure":
        """The crystal of one entry, by id or identifier."""
        return self.structures([self.get(id).id])[0]

    def stats(self) -> dict[str, Any]:
        """Counts: entries by source, values by property and origin, vectors by embedder."""
        from tenfma.catalogue.schema import vectors

        with self.database.read() as connection:
            by_source = connection.execute(
                select(entries.c.source, entries.c.licence, func.count()).group_by(
                    entries.c.source, entries.c.licence
                )
            ).all()
            by_property = connection.execute(
                select(properties.c.name, properties.c.unit, properties.c.origin, func.count())
                .group_by(properties.c.name, properties.c.unit, properties.c.origin)
                .order_by(properties.c.name)
            ).all()
            by_embedder = connection.execute(
                select(vectors.c.embedder, func.count()).group_by(vectors.c.embedder)
            ).all()
        return {
            "database": self.database.shown,
            "entries": sum(row[2] for row in by_source),
            "sources": [tuple(row) for row in by_source],
            "properties": [tuple(row) for row in by_property],
            "vectors": {name: count for name, count in by_embedder},
        }

    # Likeness

    def like(
        self, structure: "Structure | int | str", n: int = 10, *, model: str = "static", **options: Any
    ) -> "list[Neighbour]":
        """The `n` entries nearest to a crystal, or to an entry, in the embedding space of `model`: `likeness.like`."""
        from tenfma.catalogue.likeness import like

        return like(self, structure, n, model=model, **options)

    # Writing

    def add(self, records: Sequence[Record], origin: str) -> list[int]:
        """Add records in one transaction and return their ids; what `origin` brought before is not added again.

        A record whose source and identifier are held already is taken for the same entry.
        """
        with self.database.write() as connection:
            return insert(connection, records, origin)

    def seen(self, origin: str, keys: Iterable[str]) -> dict[str, int]:
        """Which of these keys `origin` has brought already, and the entry each became."""
        with self.database.read() as connection:
            return seen(connection, origin, list(keys))

    def fact(self, name: str) -> str:
        """A fact the store keeps about itself; empty if it does not."""
        with self.database.read() as connection:
            return connection.scalar(select(facts.c.value).where(facts.c.name == name)) or ""

    def close(self) -> None:
        """Give back the connections."""
        self.database.close()

    def __enter__(self) -> "Catalogue":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


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
    for part in _chunks(keys):
        rows = connection.execute(
            select(imported.c.key, imported.c.entry).where(
                imported.c.origin == origin, imported.c.key.in_(part)
            )
        )
        found.update({key: entry for key, entry in rows})
    return found


def _by_identifier(connection: Connection, records: Sequence[Record]) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for part in _chunks(sorted({record.entry.identifier for record in records})):
        rows = connection.execute(
            select(entries.c.source, entries.c.identifier, entries.c.id).where(entries.c.identifier.in_(part))
        )
        found.update({(source, identifier): id for source, identifier, id in rows})
    return found


def _row(entry: Entry, id: int) -> dict[str, Any]:
    row = {name: getattr(entry, name) for name in _COLUMNS}
    low, high = masks(entry.chemical_system)
    words = " ".join(dict.fromkeys(str(row[name]) for name in _TOLD if row[name])).lower()
    return {"id": id, **row, "low": low, "high": high, "words": words}


def _numbers(connection: Connection, statement: Select) -> np.ndarray:
    """The ids that a statement of one column selects, joined to one text by the database: a row each takes longer."""
    (column,) = statement.selected_columns
    last = int(connection.scalar(select(func.max(entries.c.id))) or 0)
    found = []
    for start in range(0, last, SPAN):
        part = statement.where(column > start, column <= start + SPAN) if last > SPAN else statement
        text = connection.scalar(part.with_only_columns(func.aggregate_strings(cast(column, Text), ",")))
        found.append(np.fromstring(text or "", np.int64, sep=","))
    return np.concatenate(found) if found else np.empty(0, np.int64)


def _entries(connection: Connection, rows: Sequence[Row]) -> list[Entry]:
    held: dict[int, list[Property]] = {row.id: [] for row in rows}
    for part in _chunks(list(held)):
        found = connection.execute(
            select(properties.c.entry, *(properties.c[name] for name in _VALUES))
            .where(properties.c.entry.in_(part))
            .order_by(properties.c.id)
        )
        for id, *value in found:
            held[id].append(Property(*value))
    return [
        Entry(**{name: getattr(row, name) for name in _COLUMNS}, id=row.id, properties=tuple(held[row.id]))
        for row in rows
    ]


def _asked(query: Query | None, filters: Mapping[str, Any]) -> Query:
    if query is not None and filters:
        raise CatalogueError(
            f"search was given a Query and {', '.join(filters)} besides; put them in the Query"
        )
    unknown = filters.keys() - {field.name for field in fields(Query)}
    if unknown:
        raise CatalogueError(
            f"search knows no {', '.join(sorted(unknown))}; it takes {', '.join(field.name for field in fields(Query))}"
        )
    return query or Query(**filters)


def _known(found: Mapping[int, Any], id: int) -> Any:
    try:
        return found[int(id)]
    except KeyError:
        raise CatalogueError(
            f"the catalogue has no entry {id}; `tenfma catalogue search` lists the ids"
        ) from None


def _chunks(items: Sequence[Any] | np.ndarray) -> Iterator[list[Any]]:
    plain = [item.item() if isinstance(item, np.generic) else item for item in items]
    for start in range(0, len(plain), CHUNK):
        yield plain[start : start + CHUNK]
