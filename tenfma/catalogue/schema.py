"""The catalogue's tables, the same on SQLite and PostgreSQL, and the steps from one version to the next.

Structures and vectors live apart from the columns that are searched, so that a filter reads little.

A few tables that only ever grow need no migration framework: `MIGRATIONS` is an ordered list, each step runs once,
inside the transaction that records it.
"""

from collections.abc import Callable

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    select,
    text,
)

from tenfma.errors import TenfmaError

metadata = MetaData()

#: facts about the store itself: its schema version, which starter data it holds
facts = Table("facts", metadata, Column("name", String(64), primary_key=True), Column("value", Text))

#: `low` and `high` are bit masks of the elements present, Z − 1 from 0 to 51 and from 52 to 102
entries = Table(
    "entries",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("formula", Text, nullable=False),
    Column("reduced_formula", Text, nullable=False, index=True),
    Column("anonymous_formula", Text, nullable=False),
    Column("chemical_system", Text, nullable=False, index=True),
    Column("low", BigInteger, nullable=False),
    Column("high", BigInteger, nullable=False),
    Column("n_elements", Integer, nullable=False),
    Column("n_atoms", Integer, nullable=False),
    Column("volume", Float, nullable=False),
    Column("space_group", Integer, nullable=False, index=True),
    Column("space_group_symbol", Text, nullable=False),
    Column("pearson", Text, nullable=False),
    Column("strukturbericht", Text, nullable=False),
    Column("prototype", Text, nullable=False),
    Column("mineral", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("identifier", Text, nullable=False),
    Column("licence", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("notes", Text, nullable=False),
    Column("words", Text, nullable=False),
    UniqueConstraint("source", "identifier"),
)

#: elements are looked for entry by entry; this way 20 bytes of each are read and not 400
by_elements = Index("entries_by_elements", entries.c.low, entries.c.high, entries.c.id)

structures = Table(
    "structures",
    metadata,
    Column("entry", ForeignKey("entries.id", ondelete="CASCADE"), primary_key=True),
    Column("data", LargeBinary, nullable=False),
)

#: `origin` is dft, experiment, model or stated; `lower` and `upper` bound an interval; `fold` is the part held out
properties = Table(
    "properties",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("entry", ForeignKey("entries.id", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),
    Column("value", Float, nullable=False),
    Column("unit", Text, nullable=False),
    Column("origin", String(16), nullable=False),
    Column("source", Text, nullable=False),
    Column("lower", Float),
    Column("upper", Float),
    Column("fold", Integer),
    Index("properties_by_unit", "name", "unit", "value", "origin", "entry"),
    Index("properties_of_one", "entry", "name", "origin", "value", "unit"),
)

#: `revision` counts the changes to a model's vectors, so that a copy of them in a file knows when it is old
embedders = Table(
    "embedders",
    metadata,
    Column("name", String(128), primary_key=True),
    Column("dimension", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
)

vectors = Table(
    "vectors",
    metadata,
    Column("embedder", ForeignKey("embedders.name", ondelete="CASCADE"), primary_key=True),
    Column("entry", ForeignKey("entries.id", ondelete="CASCADE"), primary_key=True),
    Column("data", LargeBinary, nullable=False),
)

#: what an import has dealt with: `key` names one record of `origin`, `entry` is what it became or repeats
imported = Table(
    "imported",
    metadata,
    Column("origin", String(512), primary_key=True),
    Column("key", String(512), primary_key=True),
    Column("entry", ForeignKey("entries.id", ondelete="CASCADE"), nullable=False),
)

#: where a paged import goes on; empty when it reached the end
cursors = Table(
    "cursors", metadata, Column("origin", String(512), primary_key=True), Column("next", Text, nullable=False)
)


def _first(connection: Connection) -> None:
    metadata.create_all(connection)


def _second(connection: Connection) -> None:
    for index in (by_elements, *properties.indexes):
        index.create(connection, checkfirst=True)
    for name in ("properties_by_value", "properties_of_entry"):
        connection.execute(text(f"DROP INDEX IF EXISTS {name}"))


#: step n brings the schema from version n to n + 1
MIGRATIONS: tuple[Callable[[Connection], None], ...] = (_first, _second)


def version(connection: Connection) -> int:
    """The schema version of an open store; 0 for an empty database."""
    if not connection.dialect.has_table(connection, "facts"):
        return 0
    found = connection.scalar(select(facts.c.value).where(facts.c.name == "schema"))
    if found and not found.isdecimal():
        raise TenfmaError(
            f"this catalogue names its schema {found[:20]!r}, which no tenfma writes; use another one"
        )
    return int(found or 0)


def migrate(connection: Connection) -> None:
    """Bring the store to this program's schema, inside the transaction of `connection`.

    Raises TenfmaError where a newer program has written the store.
    """
    held = version(connection)
    if held > len(MIGRATIONS):
        raise TenfmaError(
            f"this catalogue has schema {held}, and this program knows up to {len(MIGRATIONS)}; use a newer tenfma "
            "or another TENFMA_DATA_HOME"
        )
    for step in MIGRATIONS[held:]:
        step(connection)
    if held < len(MIGRATIONS):
        connection.execute(facts.delete().where(facts.c.name == "schema"))
        connection.execute(facts.insert().values(name="schema", value=str(len(MIGRATIONS))))
