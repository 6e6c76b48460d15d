"""Bringing crystals in: skip what was brought, load, describe, recognise duplicates, keep a batch at a time.

A batch is one transaction, which also records what of the source it dealt with and where a paged source goes on: an
import killed at any moment has lost nothing that was kept, kept nothing by half, and does not repeat it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection, func, select

from tenfma.catalogue.duplicates import Duplicates
from tenfma.catalogue.entries import ORIGINS, Property, Record
from tenfma.catalogue.schema import cursors, entries, properties
from tenfma.catalogue.sources import Item, Loaded, Source, SourceError
from tenfma.catalogue.sources.numbers import KNOWN
from tenfma.catalogue.store import Catalogue
from tenfma.catalogue.writing import insert, note_seen
from tenfma.errors import TenfmaError

#: items kept in one transaction
BATCH = 32
#: refusals that are listed one by one
LISTED = 1_000

#: what follows NAME_model in the names of a model's value, its interval and its fold
_PARTS = ("", "_lower", "_upper", "_fold")


@dataclass
class Report:
    """What an import did: entries added, records brought before, duplicates of entries held, and what was refused.

    `left` are values that crystals came without.
    """

    added: int = 0
    repeated: int = 0
    duplicates: int = 0
    refused: list[str] = field(default_factory=list)
    n_refused: int = 0
    left: list[str] = field(default_factory=list)
    n_left: int = 0
    without_unit: set[str] = field(default_factory=set)

    @property
    def items(self) -> int:
        return self.added + self.repeated + self.duplicates + self.n_refused


@dataclass(frozen=True)
class Terms:
    """What the person says of the records: units by property, whose values, licence; `ask` is asked for a unit."""

    units: Mapping[str, str] = field(default_factory=dict)
    origin: str = "stated"
    licence: str = ""
    keep_duplicates: bool = False
    ask: Callable[[str], str] | None = None

    def __post_init__(self) -> None:
        if self.origin not in ORIGINS:
            raise TenfmaError(f"origin is {self.origin!r}; {', '.join(ORIGINS)} is expected")


def import_from(
    catalogue: Catalogue,
    source: Source,
    terms: Terms | None = None,
    progress: Callable[[Report], None] | None = None,
) -> Report:
    """Bring everything of a source into the catalogue; what cannot be read is listed in the report and skipped."""
    run = _Run(catalogue, source, terms or Terms())
    for batch in _batches(source.items(_cursor(catalogue, source.origin))):
        run.keep(batch)
        if progress:
            progress(run.report)
    return run.report


class _Run:
    def __init__(self, catalogue: Catalogue, source: Source, terms: Terms) -> None:
        self.catalogue, self.source, self.terms = catalogue, source, terms
        self.report = Report()
        self.duplicates = Duplicates()
        self.units = {**KNOWN, **terms.units}

    def keep(self, batch: list[Item]) -> None:
        """Load what is new of a batch and keep it, with the source's place, in one transaction."""
        batch = [item._replace(key=_plain(item.key)) for item in batch]
        seen = self.catalogue.seen(self.source.origin, [item.key for item in batch])
        records: list[Record] = []
        for item in batch:
            if item.key in seen:
                self.report.repeated += 1
                continue
            try:
                records += self._records(item)
            except (TenfmaError, OSError) as error:
                self._refuse(item, str(error))
            except Exception as error:  # numbers that no one has thought of; the others still come in
                self._refuse(item, f"it could not be understood ({type(error).__name__}: {str(error)[:120]})")
        with self.catalogue.database.write() as connection:
            added, again = self._store(connection, records)
            if batch and batch[-1].after is not None:
                _set_cursor(connection, self.source.origin, batch[-1].after)
        self.report.added += added  # what a disk or server that failed did not keep is not counted
        self.report.duplicates += again

    def _records(self, item: Item) -> list[Record]:
        loaded = item.load()
        if not loaded:
            raise SourceError(f"{item.where} holds no crystal")
        return [
            self._record(item.key if place == 0 else f"{item.key}.{place}", one, place)
            for place, one in enumerate(loaded)
        ]

    def _record(self, key: str, one: Loaded, place: int) -> Record:
        labels = {"source": self.source.name, "licence": self.terms.licence, "url": "", **one.labels}
        if place:
            labels["identifier"] = f"{labels['identifier']} #{place + 1}"
        labels = {name: _plain(text) for name, text in labels.items()}
        self.report.n_left += len(one.left)
        self.report.left += one.left[: max(0, LISTED - len(self.report.left))]
        values = tuple(self._properties(one, labels["source"]))
        return Record.of(key, one.structure, values, **labels)

    def _properties(self, one: Loaded, source: str) -> Iterator[Property]:
        """The values of a crystal; NAME_model, as exports call a model's value of NAME, with its interval and fold."""
        for name, value in one.values.items():
            of, model, part = name.partition("_model")
            if model and part in _PARTS and f"{of}_model" in one.values:
                if not part:
                    lower, upper, fold = (one.values.get(f"{name}{end}") for end in _PARTS[1:])
                    held_out = None if fold is None else int(fold)
                    unit = self._unit(name, one.units)
                    yield Property(_plain(of), value, unit, "model", source, lower, upper, held_out)
            else:
                yield Property(_plain(name), value, self._unit(name, one.units), self.terms.origin, source)

    def _unit(self, name: str, stated: Mapping[str, str]) -> str:
        unit = self.terms.units.get(name) or stated.get(name) or self.units.get(name)
        if unit is None:
            unit = self.terms.ask(name).strip() if self.terms.ask else ""
            self.units[name] = unit
        if not unit:
            self.report.without_unit.add(name)
        return unit

    def _refuse(self, item: Item, sentence: str) -> None:
        self.report.n_refused += 1
        if len(self.report.refused) < LISTED:
            self.report.refused.append(sentence if item.where in sentence else f"{item.where}: {sentence}")

    def _store(self, connection: Connection, records: list[Record]) -> tuple[int, int]:
        """How many of these became entries, and how many repeat one."""
        new: list[Record] = []
        again: dict[str, int | Record] = {}
        for record in records:
            found = None if self.terms.keep_duplicates else self.duplicates.of(connection, record, new)
            if found is None:
                new.append(_named(connection, record, new))
            else:
                again[record.key] = found
        ids = dict(zip((record.key for record in new), insert(connection, new, self.source.origin)))
        by_key = {record.key: record for record in records}
        same = {key: found if isinstance(found, int) else ids[found.key] for key, found in again.items()}
        for key, entry in same.items():
            _add_values(connection, entry, by_key[key].properties)
        note_seen(connection, self.source.origin, same)
        return len(new), len(again)


def _plain(text: str) -> str:
    """Text as a database takes it: no zero bytes, and no halves of letters, which names of files may hold."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def _named(connection: Connection, record: Record, pending: list[Record]) -> Record:
    """The record under an identifier that no other crystal of its source bears."""
    taken = {other.entry.identifier for other in pending if other.entry.source == record.entry.source}
    name, number = record.entry.identifier, 1
    while name in taken or connection.scalar(
        select(entries.c.id).where(entries.c.source == record.entry.source, entries.c.identifier == name)
    ):
        number += 1
        name = f"{record.entry.identifier} ({number})"
    return record if number == 1 else replace(record, entry=replace(record.entry, identifier=name))


def _add_values(connection: Connection, entry: int, values: Iterable[Property]) -> None:
    """Give an entry the values it does not have yet under the same name, unit and origin."""
    rows = connection.execute(
        select(properties.c.name, properties.c.value, properties.c.unit, properties.c.origin).where(
            properties.c.entry == entry
        )
    )
    held = {tuple(row) for row in rows}
    line = int(connection.scalar(select(func.max(properties.c.id))) or 0)
    new = [v for v in values if (v.name, v.value, v.unit, v.origin) not in held]
    if new:
        connection.execute(
            properties.insert(),
            [{"id": line + 1 + place, "entry": entry, **vars(value)} for place, value in enumerate(new)],
        )


def _batches(items: Iterator[Item]) -> Iterator[list[Item]]:
    """At most `BATCH` items together; a page's end ends a batch."""
    batch: list[Item] = []
    for item in items:
        batch.append(item)
        if len(batch) == BATCH or item.after is not None:
            yield batch
            batch = []
    if batch:
        yield batch


def _cursor(catalogue: Catalogue, origin: str) -> str:
    with catalogue.database.read() as connection:
        return connection.scalar(select(cursors.c.next).where(cursors.c.origin == origin)) or ""


def _set_cursor(connection: Connection, origin: str, place: str) -> None:
    connection.execute(cursors.delete().where(cursors.c.origin == origin))
    connection.execute(cursors.insert().values(origin=origin, next=place))
