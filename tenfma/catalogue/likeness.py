"""The nearest crystals in an embedding space, exactly, among as many as a disk holds.

|x − v|² = |x|² + |v|² − 2 x·v is one matrix product in float32 over vectors in a memory-mapped file. Rounding can swap
near neighbours, so every candidate that its error bound leaves open is measured again in float64.
"""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import Connection, func, select

from tenfma.catalogue.connection import CatalogueError
from tenfma.catalogue.embedders import STATIC, Embedder, embedder
from tenfma.catalogue.entries import Entry
from tenfma.catalogue.parallel import embed_chunk, mapped, one_thread
from tenfma.catalogue.query import Query
from tenfma.catalogue.schema import embedders, entries
from tenfma.catalogue.schema import vectors as table
from tenfma.whole import whole

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from tenfma.catalogue.store import Catalogue, Progress

#: rows of one matrix product: 65,536 × 256 float32 are 64 MB
BLOCK = 65_536
#: crystals embedded and stored in one transaction
BATCH = 256
#: the nearest of all that are asked first whether a filter holds for them, before everything that fits is listed
FIRST = 64


@dataclass(frozen=True)
class Neighbour:
    """An entry and its Euclidean distance in the embedding space."""

    entry: Entry
    distance: float


@dataclass(frozen=True)
class Vectors:
    """All vectors of one embedder: ids (n,) ascending, rows (n, d) float32, squares (n,) = |row|²."""

    ids: np.ndarray
    rows: np.ndarray
    squares: np.ndarray

    def nearest(
        self, vector: np.ndarray, n: int, within: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Ids and distances of the `n` rows nearest to `vector`, ties by id; `within` (sorted ids) restricts them."""
        x = np.asarray(vector, np.float32)
        if within is None:
            near, order = self._squared(x), None
        else:
            places = np.minimum(np.searchsorted(self.ids, within), max(len(self.ids) - 1, 0))
            order = places[self.ids[places] == within] if len(self.ids) else places[:0]
            near = self._squared(x, order) if len(order) < len(self.ids) // 4 else self._squared(x)[order]
        if not len(near):
            return np.empty(0, np.int64), np.empty(0)
        n = min(n, len(near))
        # |fl(x·v) − x·v| ≤ d u |x||v|, u = 2⁻²⁴ (Higham 2002, §3.1), twice, and the roundings of the sum
        largest = float(self.squares.max()) ** 0.5
        size = float(np.linalg.norm(x))
        error = (len(x) + 8) * 2.0**-23 * (size + largest) ** 2
        bound = np.partition(near, n - 1)[n - 1] + 2 * error
        open_ = np.flatnonzero(near <= bound)
        places = open_ if order is None else order[open_]
        distances = np.empty(len(places))
        for start in range(0, len(places), BLOCK):
            part = places[start : start + BLOCK]
            distances[start : start + BLOCK] = np.linalg.norm(self.rows[part].astype(float) - x, axis=1)
        best = np.lexsort((self.ids[places], distances))[:n]
        return self.ids[places[best]], distances[best]

    def _squared(self, x: np.ndarray, order: np.ndarray | None = None) -> np.ndarray:
        """|row|² − 2 x·row in float32, block by block."""
        count = len(self.ids) if order is None else len(order)
        near = np.empty(count, np.float32)
        for start in range(0, count, BLOCK):
            part = slice(start, start + BLOCK) if order is None else order[start : start + BLOCK]
            near[start : start + BLOCK] = self.squares[part] - 2 * (self.rows[part] @ x)
        return near


def like(
    catalogue: "Catalogue",
    structure: "Structure | int | str",
    n: int = 10,
    *,
    model: str = STATIC,
    query: Query | None = None,
    progress: "Progress | None" = None,
) -> list[Neighbour]:
    """The `n` entries nearest to a crystal, nearest first; entries without a vector of this embedder get one first.

    Given an entry's id or identifier, that entry itself is left out. `query` restricts the entries. Raises TenfmaError
    where the crystal cannot be embedded, and where entries have no vector and the store may only be read.
    """
    maker = embedder(model)
    embed_missing(catalogue, maker, progress)
    held = vectors(catalogue, maker)
    itself = None
    if isinstance(structure, (int, str)):
        itself = catalogue.get(structure).id
        place = np.searchsorted(held.ids, itself)
        if place == len(held.ids) or held.ids[place] != itself:
            raise CatalogueError(
                f"entry {itself} could not be embedded with {maker.version}; choose another crystal"
            )
        x = held.rows[place]
    else:
        with one_thread():  # a crystal is less work than waking threads for it
            x = maker.vectors([structure])[0]
        if not np.isfinite(x).all():
            raise CatalogueError(
                f"the crystal could not be embedded with {maker.version}; check its elements and cell"
            )
    ids, distances = _nearest(catalogue, held, x, n + (itself is not None), query)
    keep = np.flatnonzero(ids != itself)[:n] if itself is not None else slice(None)
    return [
        Neighbour(entry, float(distance))
        for entry, distance in zip(catalogue.entries(ids[keep].tolist()), distances[keep])
    ]


def _nearest(
    catalogue: "Catalogue", held: Vectors, x: np.ndarray, n: int, query: Query | None
) -> tuple[np.ndarray, np.ndarray]:
    """The `n` nearest that fit. Where a filter leaves much, enough of the nearest `FIRST` fit, and nothing is listed."""
    if query is None or not query.conditions():
        return held.nearest(x, n)
    ids, distances = held.nearest(x, max(FIRST, 4 * n))
    fit = np.flatnonzero(np.isin(ids, catalogue.ids(query, among=ids)))[:n]
    if len(fit) == n or len(ids) == len(held.ids):
        return ids[fit], distances[fit]
    return held.nearest(x, n, catalogue.ids(query))


def embed_missing(
    catalogue: "Catalogue",
    maker: Embedder,
    progress: "Progress | None" = None,
    *,
    name: str = "",
    dask: str = "",
) -> int:
    """Embed the entries that have no vector of this embedder yet, chunk by chunk; how many there were.

    A chunk is the missing ones of `BATCH` successive ids, whoever computes it: with `dask` (and the embedder's `name`)
    many machines do, to the same last bit. A crystal that cannot be embedded keeps an empty vector, so that it is not
    tried again and again.
    """
    with catalogue.database.read() as connection:
        state = _state(connection, maker)
        if catalogue.embedded.get(maker.version) == state:
            return 0
        done = select(table.c.entry).where(table.c.embedder == maker.version)
        missing = list(
            connection.scalars(select(entries.c.id).where(entries.c.id.not_in(done)).order_by(entries.c.id))
        )
    if missing and catalogue.database.read_only:
        raise CatalogueError(
            f"{len(missing)} entries have no vector of {maker.version} yet, and the catalogue may only be read; "
            "run `tenfma catalogue embed` once where it may be written"
        )
    held = 0
    if name:
        work = ((name, [sites.pack() for sites in catalogue.sites(ids)], ids) for ids in _chunks(missing))
        rows = ((chunk[2], made) for chunk, made in mapped(_made, work, dask))
    else:
        rows = ((ids, maker.vectors(catalogue.structures(ids))) for ids in _chunks(missing))
    for ids, vectors_ in rows:
        store(catalogue, maker, ids, vectors_)
        held += len(ids)
        if progress:
            progress("embedding", held, len(missing))
    if not missing:
        catalogue.embedded[maker.version] = state
    return len(missing)


def _made(work: tuple[str, list[bytes], list[int]]) -> np.ndarray:
    return embed_chunk(work[:2])


def _chunks(missing: Sequence[int]) -> Iterator[list[int]]:
    """Ids together whose numbers lie in one block of `BATCH`."""
    for _, block in groupby(missing, key=lambda id: id // BATCH):
        yield list(block)


def _state(connection: Connection, maker: Embedder) -> tuple[int, int]:
    """What changes when entries or vectors are added: the last entry, and the revision of the vectors."""
    revision = connection.scalar(select(embedders.c.revision).where(embedders.c.name == maker.version))
    return int(connection.scalar(select(func.max(entries.c.id))) or 0), int(revision or 0)


def store(catalogue: "Catalogue", maker: Embedder, ids: Sequence[int], rows: np.ndarray) -> None:
    """Keep vectors (n, d) of these entries in one transaction, unless another process has kept them meanwhile."""
    with catalogue.database.write() as connection:
        revision = connection.scalar(select(embedders.c.revision).where(embedders.c.name == maker.version))
        if (
            revision is None
        ):  # counted from anywhere: a store filled anew never meets the files of the one before
            first = secrets.randbelow(2**30)
            connection.execute(
                embedders.insert().values(name=maker.version, dimension=maker.dimension, revision=first)
            )
        else:
            connection.execute(
                embedders.update().where(embedders.c.name == maker.version).values(revision=revision + 1)
            )
        held: set[int] = set()
        for start in range(0, len(ids), 500):
            part = [int(id) for id in ids[start : start + 500]]
            statement = select(table.c.entry).where(
                table.c.embedder == maker.version, table.c.entry.in_(part)
            )
            held.update(connection.scalars(statement))
        new = [
            {
                "embedder": maker.version,
                "entry": int(id),
                "data": np.asarray(row, "<f4").tobytes() if np.isfinite(row).all() else b"",
            }
            for id, row in zip(ids, rows)
            if int(id) not in held
        ]
        if new:
            connection.execute(table.insert(), new)


def forget(catalogue: "Catalogue", prefix: str, keep: str) -> None:
    """Drop the vectors of every embedder whose name begins with `prefix`, but those of `keep`."""
    with catalogue.database.write() as connection:
        old = [
            name
            for name in connection.scalars(select(embedders.c.name))
            if name.startswith(prefix) and name != keep
        ]
        connection.execute(table.delete().where(table.c.embedder.in_(old)))
        connection.execute(embedders.delete().where(embedders.c.name.in_(old)))
    for name in old:
        for path in catalogue.database.cache().glob(f"{catalogue.database.key}-{_file_name(name)}-*.vectors"):
            path.unlink(missing_ok=True)


def vectors(catalogue: "Catalogue", maker: Embedder) -> Vectors:
    """The embedder's vectors as a memory-mapped file, written anew when the database holds others."""
    with catalogue.database.read() as connection:
        revision = connection.scalar(select(embedders.c.revision).where(embedders.c.name == maker.version))
        if revision is None:
            return Vectors(
                np.empty(0, np.int64), np.empty((0, maker.dimension), np.float32), np.empty(0, np.float32)
            )
        stem = f"{catalogue.database.key}-{_file_name(maker.version)}"
        folder = catalogue.database.cache()
        path = folder / f"{stem}-{revision}.vectors"
        if not path.exists():
            rows = connection.execution_options(stream_results=True).execute(
                select(table.c.entry, table.c.data)
                .where(table.c.embedder == maker.version, func.length(table.c.data) > 0)
                .order_by(table.c.entry)
            )
            _write(path, rows, maker.dimension)
            for old in folder.glob(f"{stem}-*.vectors"):
                if old != path:
                    old.unlink(missing_ok=True)
    return _mapped(path, maker.dimension)


def _write(path: Path, rows, dimension: int) -> None:
    """Rows of float32, then squares, then ids, then how many; under its name only when whole."""
    ids: list[np.ndarray] = []
    squares: list[np.ndarray] = []
    with whole(path, CatalogueError, "make room on the disk") as part, part.open("wb") as file:
        for batch in rows.partitions(10_000):
            block = np.frombuffer(b"".join(data for _, data in batch), "<f4").reshape(-1, dimension)
            file.write(block.tobytes())
            squares.append(np.einsum("ij,ij->i", block, block, dtype=np.float64).astype("<f4"))
            ids.append(np.array([id for id, _ in batch], "<i8"))
        for array in (*squares, *ids, np.array([sum(map(len, ids))], "<i8")):
            file.write(array.tobytes())


def _mapped(path: Path, dimension: int) -> Vectors:
    whole = np.asarray(np.memmap(path, np.uint8, "r"))
    count = int(whole[-8:].view("<i8")[0])
    if len(whole) != count * (4 * dimension + 12) + 8:
        raise CatalogueError(f"{path} is broken; delete it, and it is made again")
    rows_end, squares_end = 4 * dimension * count, 4 * (dimension + 1) * count
    return Vectors(
        np.frombuffer(whole[squares_end:-8].tobytes(), "<i8"),
        whole[:rows_end].view("<f4").reshape(count, dimension),
        whole[rows_end:squares_end].view("<f4"),
    )


def _file_name(text: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-." else "_" for letter in text)[:80]
