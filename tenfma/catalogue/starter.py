"""What a new catalogue holds at first: the AFLOW prototypes, ASE's reference elements, the starter library.

Where a table of them is shipped, learned values of the library's crystals stand beside the published ones, each made
by a model that had not seen that crystal.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, func, select

from tenfma.catalogue import space_groups
from tenfma.catalogue.connection import CatalogueError
from tenfma.catalogue.entries import Property, Record, described
from tenfma.catalogue.packing import Sites, unpack
from tenfma.catalogue.schema import entries, facts, properties
from tenfma.catalogue.store import Catalogue, Progress
from tenfma.catalogue.writing import chunks, insert, seen, set_fact
from tenfma.site import assets

if TYPE_CHECKING:
    import pandas as pd

#: changed when what `_prototypes` and `_elements` give changes
EDITION = 1
BATCH = 500
LIBRARY = "crystals.parquet"
PREDICTIONS = "predictions.parquet"
#: the fact that names every model whose table was loaded
MODELS = "prediction models"
#: property columns of the library: unit, and who published the value
VALUES = {
    "K_vrh": ("GPa", "Materials Project"),
    "G_vrh": ("GPa", "Materials Project"),
    "e_form_per_atom": ("eV/atom", "Matbench v0.1"),
    "log10_K": ("log10(GPa)", "Matbench v0.1"),
    "log10_G": ("log10(GPa)", "Matbench v0.1"),
    "Cv_300K": ("J/(mol K) per cell", "Alexandria"),
    "Cv_300K_per_atom": ("J/(mol K)", "Alexandria"),
}
#: columns a table of learned values must have; `fold` is the part its model was not trained on
PREDICTED = ("source", "identifier", "property", "value", "lower", "upper", "unit", "fold", "model")


def library() -> Path:
    """The folder of the starter library."""
    return assets() / "library"


def fill(catalogue: Catalogue, progress: Progress | None = None) -> None:
    """Fill the catalogue with what comes with the program, or with what is missing of it; quick where nothing is.

    Killed at any moment, it goes on where it was. A store that may only be read stays as it is.
    """
    if catalogue.database.read_only:
        return
    table = library() / LIBRARY
    for name, records in parts(table).items():
        edition = digest(table) if name == "library" else f"{EDITION}"
        _step(catalogue, name, edition, records, progress)
    _vectors(catalogue, table)
    learned = library() / PREDICTIONS
    if learned.exists() and catalogue.fact("predictions") != digest(learned):
        load_predictions(catalogue, learned)


def load_predictions(catalogue: Catalogue, path: Path) -> int:
    """Put a table of out-of-fold values beside the published ones, in place of earlier tables'; how many there are.

    One transaction. Columns `PREDICTED`. Raises CatalogueError where the table has others, or names a crystal that is
    not held.
    """
    import pandas as pd

    table = pd.read_parquet(path)
    missing = [name for name in PREDICTED if name not in table.columns]
    if missing:
        raise CatalogueError(
            f"{path} has no column {', '.join(missing)}; {', '.join(PREDICTED)} are expected"
        )
    wrong = table[~(table["lower"] <= table["value"]) | ~(table["value"] <= table["upper"])]
    if len(wrong):
        raise CatalogueError(
            f"{path} has {len(wrong)} values outside their own interval, the first for "
            f"{wrong.iloc[0]['identifier']}; make it again"
        )
    with catalogue.database.write() as connection:
        held = _known(connection, set(table["source"]))
        values: dict[int, list[Property]] = {}
        for row in table.itertuples(index=False):
            if (row.source, row.identifier) not in held:
                raise CatalogueError(
                    f"{path} names {row.source} {row.identifier}, which the catalogue does not hold"
                )
            fold = None if pd.isna(row.fold) or row.fold < 0 else int(row.fold)
            numbers = float(row.value), float(row.lower), float(row.upper)
            values.setdefault(held[row.source, row.identifier], []).append(
                Property(row.property, numbers[0], row.unit, "model", row.model, *numbers[1:], fold)
            )
        models = sorted({*json.loads(_fact(connection, MODELS) or "[]"), *table["model"]})
        connection.execute(
            properties.delete().where(properties.c.origin == "model", properties.c.source.in_(models))
        )
        add_properties(connection, values)
        set_fact(connection, MODELS, json.dumps(models))
        set_fact(connection, "predictions", digest(path))
    return len(table)


def _known(connection: Connection, sources: set[str]) -> dict[tuple[str, str], int]:
    """The entries of these sources by source and identifier."""
    named = select(entries.c.source, entries.c.identifier, entries.c.id)
    rows = connection.execute(named.where(entries.c.source.in_(sorted(sources))))
    return {(source, identifier): id for source, identifier, id in rows}


def _fact(connection: Connection, name: str) -> str:
    return connection.scalar(select(facts.c.value).where(facts.c.name == name)) or ""


def add_properties(connection: Connection, values: dict[int, list[Property]]) -> None:
    """Give entries these properties besides those they have."""
    line = int(connection.scalar(select(func.max(properties.c.id))) or 0)
    rows = [{"entry": entry, **asdict(value)} for entry, held in values.items() for value in held]
    if rows:
        connection.execute(
            properties.insert(), [{"id": line + 1 + place, **row} for place, row in enumerate(rows)]
        )


def replace_published(connection: Connection, values: dict[int, list[Property]]) -> None:
    """Give entries these published properties in place of what the same publishers had; others' values stay."""
    published = {value.source for held in values.values() for value in held}
    for part in chunks(list(values)):
        connection.execute(
            properties.delete().where(
                properties.c.entry.in_(part),
                properties.c.origin == "dft",
                properties.c.source.in_(sorted(published)),
            )
        )
    add_properties(connection, values)


def _step(catalogue: Catalogue, name: str, mark: str, records, progress: Progress | None) -> None:
    if catalogue.fact(name) == mark:
        return
    origin = f"starter:{name}"
    found: Sequence[Record] = records()
    for start in range(0, len(found), BATCH):
        batch = found[start : start + BATCH]
        with catalogue.database.write() as connection:
            old = seen(connection, origin, [record.key for record in batch])
            insert(connection, batch, origin)
            values = {old[record.key]: list(record.properties) for record in batch if record.key in old}
            replace_published(connection, values)
        if progress:
            progress(name, start + len(batch), len(found))
    with catalogue.database.write() as connection:
        set_fact(connection, name, mark)


def _prototypes() -> list[Record]:
    import numpy as np
    from ase.data import atomic_numbers

    from tenfma.crystal import prototypes

    records = []
    for held in prototypes.library():
        number = int(held.aflow.split("_")[2])
        sites = Sites(
            np.array(held.lattice, float),
            np.array(held.fractional, float),
            np.array([atomic_numbers[symbol] for symbol in held.species], np.uint8),
        )
        entry = described(
            sites,
            space_group=number,
            space_group_symbol=space_groups.symbols()[number],
            pearson=held.pearson,
            strukturbericht=held.strukturbericht,
            prototype=held.name,
            mineral=held.mineral,
            source="AFLOW prototypes",
            identifier=held.name,
            licence="MIT (as shipped with pymatgen)",
            url=f"https://aflow.org/prototype-encyclopedia/{held.aflow}.html",
            notes=held.aflow,
        )
        records.append(Record(held.name, sites, entry))
    return records


def _elements() -> list[Record]:
    from ase.build import bulk
    from ase.data import chemical_symbols, reference_states

    from tenfma.crystal.structures import from_ase

    records = []
    for number, symbol in enumerate(chemical_symbols[:104]):
        try:
            atoms = bulk(symbol) if number else None
        except (ValueError, RuntimeError, NotImplementedError):
            continue  # a gas, a molecule, or a cell whose sites the table does not give
        if atoms is None:
            continue
        kind = str((reference_states[number] or {})["symmetry"])
        record = Record.of(
            symbol,
            from_ase(atoms),
            source="ASE reference states",
            identifier=symbol,
            licence="LGPL-2.1-or-later (as shipped with ASE)",
            url="https://wiki.fysik.dtu.dk/ase/ase/build/build.html",
            prototype=kind,
            notes="element in its reference state",
        )
        letters = {"fcc": "A1", "bcc": "A2", "hcp": "A3", "diamond": "A4", "sc": "A_h"}
        records.append(replace(record, entry=replace(record.entry, strukturbericht=letters.get(kind, ""))))
    return records


def _crystals(table: Path) -> list[Record]:
    import pandas as pd

    return list(rows_of(pd.read_parquet(table)))


def parts(table: Path) -> dict[str, Callable[[], list[Record]]]:
    """What the filling consists of, in order."""
    found = {"prototypes": _prototypes, "elements": _elements}
    return {**found, "library": lambda: _crystals(table)} if table.exists() else found


def mark(table: Path) -> str:
    """What the shipped vectors belong to."""
    return f"{EDITION} {digest(table)}"


def _vectors(catalogue: Catalogue, table: Path) -> None:
    """The filling's static vectors, which take a minute to make anew."""
    import numpy as np

    from tenfma.catalogue.embedders import ROWS, STATIC, embedder
    from tenfma.catalogue.likeness import forget, store

    path = library() / ROWS
    if not (table.exists() and path.exists()) or catalogue.fact("vectors") == (edition := digest(path)):
        return
    held = np.load(path)
    if str(held["mark"]) == mark(table):
        ids: list[int] = []
        for name, records in parts(table).items():
            keys = [record.key for record in records()]
            known = catalogue.seen(f"starter:{name}", keys)
            ids += [known[key] for key in keys]
        maker = embedder(STATIC)
        store(catalogue, maker, ids, held["rows"])
        forget(catalogue, f"{STATIC}-", maker.version)
    with catalogue.database.write() as connection:
        set_fact(connection, "vectors", edition)


def rows_of(frame: "pd.DataFrame") -> Iterator[Record]:
    """The records of a library table, as `tenfma.catalogue.build_library` writes it."""
    names = [name for name in VALUES if name in frame.columns]
    labels = [name for name in frame.columns if name not in VALUES and name not in ("data", "matbench_id")]
    for row in frame.to_dict(orient="records"):
        sites = unpack(row["data"])
        values = tuple(
            Property(name, float(row[name]), VALUES[name][0], "dft", _published(name, row))
            for name in names
            if row[name] == row[name]
        )
        held: dict[str, Any] = {name: row[name] for name in labels}
        yield Record(f"{row['source']} {row['identifier']}", sites, described(sites, **held), values)


def _published(name: str, row: dict[str, Any]) -> str:
    source = VALUES[name][1]
    return f"{source} {row['matbench_id']}".strip() if name.startswith("log10") else source


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
