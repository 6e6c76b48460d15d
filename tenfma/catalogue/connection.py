"""Where the catalogue lives, and how readers and the one writer reach it.

SQLite in the user's data folder unless `TENFMA_DATABASE_URL` names another database; `TENFMA_DATA_HOME` moves the folder.
Write-ahead logging lets any number of processes read while one writes; what a transaction has not finished is not there
after a kill. A store that may only be read is searched all the same; writing to it is refused.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, NoSuchModuleError, OperationalError

from tenfma.catalogue.schema import MIGRATIONS, migrate, version
from tenfma.errors import TenfmaError

#: how long a writer waits for another one, seconds
PATIENCE = 60.0
#: the advisory lock of PostgreSQL's one writer; any fixed number
LOCK = 7_350_211


class CatalogueError(TenfmaError):
    """The catalogue could not be opened, read or written."""


def data_home() -> Path:
    """The folder of the user's catalogue, made if it is not there."""
    from platformdirs import user_data_path

    stated = os.environ.get("TENFMA_DATA_HOME", "").strip()
    folder = Path(stated).expanduser() if stated else user_data_path("tenfma", appauthor=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CatalogueError(
            f"the data folder {folder} could not be made ({error.strerror or error}); "
            "set TENFMA_DATA_HOME to one that can"
        ) from error
    return folder


def database_url(url: str | None = None) -> str:
    """The database asked for, by argument, by `TENFMA_DATABASE_URL`, or the SQLite file of the data folder."""
    stated = (url or os.environ.get("TENFMA_DATABASE_URL", "")).strip()
    if not stated:
        return f"sqlite:///{data_home() / 'catalogue.sqlite'}"
    for short in ("postgres://", "postgresql://"):
        if stated.startswith(short):
            return "postgresql+psycopg://" + stated[len(short) :]
    return stated


class Database:
    """An engine with `read()` and `write()` transactions, its schema up to date."""

    def __init__(self, url: str | None = None) -> None:
        self.url = database_url(url)
        self.engine = _engine(self.url)
        self.lite = self.engine.dialect.name == "sqlite"
        #: an SQLite file that is there and may not be written, or lies where no file may be written
        self.read_only = self.lite and (path := _file(self.url)) is not None and _only_read(path)
        with told(self.shown):
            with self.engine.connect() as connection:
                current = version(connection) == len(MIGRATIONS)
            if not current:
                self._migrate()

    def _migrate(self) -> None:
        if self.read_only:
            raise CatalogueError(
                f"the catalogue {self.shown} is of another version of the program and may only be read; open it once "
                "where it may be written"
            )
        with self.write() as connection:
            migrate(connection)

    @property
    def shown(self) -> str:
        """The database's address without a password."""
        return make_url(self.url).render_as_string(hide_password=True)

    @property
    def key(self) -> str:
        """A short name of this database for files kept beside it."""
        return hashlib.sha256(self.url.encode()).hexdigest()[:12]

    def cache(self) -> Path:
        """The folder for files made from this database, which may be deleted at any time."""
        from platformdirs import user_cache_path

        if self.read_only:
            folder = user_cache_path("tenfma", appauthor=False) / "vectors"
        else:
            path = _file(self.url) if self.lite else None
            folder = (path.parent if path else data_home()) / "vectors"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CatalogueError(
                f"the folder {folder} for vectors could not be made ({error.strerror or error})"
            ) from error
        return folder

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent view of the store."""
        with told(self.shown), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction of the one writer: all of it happens, or nothing. Raises CatalogueError where none may."""
        if self.read_only:
            raise CatalogueError(
                f"the catalogue {self.shown} may only be read; it is searched and exported as it is, and to write, "
                "allow it on the file and its folder, or set TENFMA_DATA_HOME to another folder"
            )
        with (
            told(self.shown),
            self.engine.connect().execution_options(writes=True) as connection,
            connection.begin(),
        ):
            if not self.lite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
            yield connection

    def close(self) -> None:
        """Give back every connection."""
        self.engine.dispose()


@contextmanager
def told(where: str) -> Iterator[None]:
    """A database's own error as one sentence."""
    try:
        yield
    except OperationalError as error:
        raise CatalogueError(
            f"the catalogue {where} could not be used: {_first_line(error)}; "
            "check that it is there, may be written, is not locked, and the disk not full"
        ) from error
    except DatabaseError as error:
        told = _first_line(error)
        broken = "malformed" in told or "not a database" in told
        remedy = "; it is damaged: move it away, a new one is made, and import again" if broken else ""
        raise CatalogueError(f"the catalogue {where} refused: {told}{remedy}") from error
    except UnicodeEncodeError as error:
        raise CatalogueError(
            f"{error.object[:60]!r} holds what is no text; plain Unicode is expected"
        ) from error


def _first_line(error: DBAPIError) -> str:
    return (
        str(error.orig).strip().splitlines()[0][:200].rstrip(".")
        if str(error.orig).strip()
        else "no reason given"
    )


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() not in ("sqlite", "postgresql"):
            raise CatalogueError(
                f"TENFMA_DATABASE_URL names {parsed.get_backend_name()}; "
                "sqlite:///FILE or postgresql://USER@HOST/NAME is expected"
            )
        if parsed.get_backend_name() == "sqlite":
            options = {"timeout": PATIENCE, "check_same_thread": False}
            path = _file(url)
            if path is not None and _only_read(path):
                query = {"uri": "true", "mode": "ro", "immutable": f"{int(not _written(path))}"}
                address = f"file:{quote(str(path))}"
                engine = create_engine(parsed.set(database=address, query=query), connect_args=options)
            else:
                engine = create_engine(url, connect_args=options)
                event.listen(engine, "connect", _lasting)
            event.listen(engine, "connect", _prepare)
            event.listen(engine, "begin", _begin)
            return engine
        return create_engine(url, pool_pre_ping=True)
    except (ArgumentError, NoSuchModuleError) as error:
        raise CatalogueError(
            "TENFMA_DATABASE_URL is no database address; sqlite:///FILE or postgresql://USER@HOST/NAME is expected"
        ) from error
    except ImportError as error:
        raise CatalogueError(
            "PostgreSQL needs the package psycopg; install tenfma[postgresql], or unset TENFMA_DATABASE_URL to use SQLite"
        ) from error


def _file(url: str) -> Path | None:
    """The plain file of an SQLite address; None where the database is in memory or the address has options."""
    parsed = make_url(url)
    name = parsed.database
    return Path(name) if name and name != ":memory:" and not parsed.query else None


def _only_read(path: Path) -> bool:
    """Whether a store is there and cannot be written: SQLite keeps its log beside the file, so the folder counts."""
    return path.is_file() and not (os.access(path, os.W_OK) and os.access(path.absolute().parent, os.W_OK))


def _written(path: Path) -> bool:
    """Whether a log lies beside a store: somebody writes to it, or was killed, and it holds what the file has not."""
    log = path.with_name(f"{path.name}-wal")
    return log.exists() and log.stat().st_size > 0


def _lasting(connection, _record) -> None:
    connection.execute("PRAGMA journal_mode = WAL")


def _prepare(connection, _record) -> None:
    connection.isolation_level = (
        None  # transactions begin where `_begin` says so, not where the driver guesses
    )
    cursor = connection.cursor()
    for pragma in (
        "synchronous = NORMAL",
        "foreign_keys = ON",
        "temp_store = MEMORY",
        "cache_size = -65536",
        "mmap_size = 1073741824",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
