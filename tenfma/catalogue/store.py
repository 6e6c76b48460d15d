"""The catalogue: entries in, found again by what they are or by likeness."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import Connection, Row, Select, Text, cast, func, select

from tenfma.catalogue.connection import CatalogueError, Database
from tenfma.catalogue.entries import Entry, Property, Record
from tenfma.catalogue.meanings import meaning, reasons
from tenfma.catalogue.packing import Sites, unpack
from tenfma.catalogue.query import Query
from tenfma.catalogue.schema import entries, facts, properties, structures
from tenfma.catalogue.sources.numbers import split_unit
from tenfma.catalogue.writing import COLUMNS, chunks, insert, seen

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from tenfma.catalogue.likeness import Neighbour

#: told (what is being done, how much of it is done, how much there is)
Progress = Callable[[str, int, int], None]
#: ids that are joined to one text, which a database bounds at a thousand million letters
SPAN = 10_000_000
_VALUES = tuple(field.name for field in fields(Property))


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
        asked = _asked(query, filters)
        with self.database.read() as connection:
            return int(connection.scalar(asked.count(meaning(connection, asked).units)) or 0)

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
        """The entries that fit, with their properties; `filters` are `Query`'s fields.

        `sort` is a column or a property, as `K_vrh`, or `K_vrh [GPa]` where it is held in several units; entries
        without it are left out. Raises TenfmaError for what is not held, and for a unit that is not plain.
        """
        asked, sort = _sorted(_asked(query, filters), sort)
        with self.database.read() as connection:
            statement = asked.select(sort, descending, meaning(connection, asked, sort).units).offset(offset)
            if limit is not None:
                statement = statement.limit(limit)
            return _entries(connection, connection.execute(statement).all())

    def columns(self, names: Sequence[str], values: Sequence[str] = ()) -> dict[str, list[Any]]:
        """`names` of all entries in the order of their ids, `id` first, and `values` of properties as `Entry.value` gives
        them: one list each, and no entry is built."""
        names = ("id", *names)
        with self.database.read() as connection:
            rows = connection.execute(
                select(*(entries.c[name] for name in names)).order_by(entries.c.id)
            ).all()
            found: dict[str, list[Any]] = {name: [row[k] for row in rows] for k, name in enumerate(names)}
            found |= {name: [None] * len(rows) for name in values}
            place = {id: k for k, id in enumerate(found["id"])}
            held = select(properties.c.entry, properties.c.name, properties.c.value)
            wanted = properties.c.name.in_(values), properties.c.origin != "model"
            for entry, name, value in connection.execute(
                held.where(*wanted).order_by(properties.c.id.desc())
            ):
                found[name][place[entry]] = value  # of several the first is written last
        return found

    def notes(self, query: Query, sort: str = "", fits: int = 1) -> list[str]:
        """How a query was understood: units meant and what is left out; why nothing fits, where none `fits`."""
        asked, sort = _sorted(query, sort)
        with self.database.read() as connection:
            told = list(meaning(connection, asked, sort).notes)
            return told if fits else [*told, *reasons(connection, query)]

    def ids(
        self, query: Query | None = None, *, among: Sequence[int] | np.ndarray | None = None, **filters: Any
    ) -> np.ndarray:
        """The ids of all entries that fit, or of those `among` these ids, in order, int64."""
        asked = _asked(query, filters)
        with self.database.read() as connection:
            units = meaning(connection, asked).units
            if among is None:
                lists = [np.unique(_numbers(connection, statement)) for statement in asked.lists(units)]
                return reduce(lambda one, other: np.intersect1d(one, other, assume_unique=True), lists)
            statement = select(entries.c.id).where(*asked.conditions(units, leads=False))
            parts = [statement.where(entries.c.id.in_(part)) for part in chunks(among)]
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
            for part in chunks(ids):
                rows = connection.execute(select(entries).where(entries.c.id.in_(part))).all()
                found.update({entry.id: entry for entry in _entries(connection, rows)})
        return [_known(found, id) for id in ids]

    def sites(self, ids: Sequence[int]) -> list[Sites]:
        """The crystals with these ids as arrays, in the order given."""
        found: dict[int, Sites] = {}
        with self.database.read() as connection:
            for part in chunks(ids):
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
    for part in chunks(list(held)):
        found = connection.execute(
            select(properties.c.entry, *(properties.c[name] for name in _VALUES))
            .where(properties.c.entry.in_(part))
            .order_by(properties.c.id)
        )
        for id, *value in found:
            held[id].append(Property(*value))
    return [
        Entry(**{name: getattr(row, name) for name in COLUMNS}, id=row.id, properties=tuple(held[row.id]))
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


def _sorted(query: Query, sort: str) -> tuple[Query, str]:
    """The property to sort by without the unit in brackets behind it, which goes to the query."""
    name, unit = split_unit(sort)
    return (replace(query, units={**query.units, name: unit}), name) if unit else (query, sort.strip())


def _known(found: Mapping[int, Any], id: int) -> Any:
    try:
        return found[int(id)]
    except KeyError:
        raise CatalogueError(
            f"the catalogue has no entry {id}; `tenfma catalogue search` lists the ids"
        ) from None
