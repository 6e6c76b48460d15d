"""The catalogue on pages: opened once, as one table, with its embedding; pages work without it."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from tenfma.ui import cache
from tenfma.ui.texts import CATALOGUE, Texts

if TYPE_CHECKING:
    import pandas as pd

PREFIX = cache.CATALOGUE
#: properties a person may filter and colour by, in this order, as the catalogue names them
PROPERTIES = ("K_vrh", "G_vrh", "e_form_per_atom", "Cv_300K_per_atom")
UNITS = {
    "K_vrh": "GPa", "G_vrh": "GPa", "e_form_per_atom": "eV/atom", "Cv_300K_per_atom": "J/(mol K)",
    "volume per atom": "Å³", "elements": "1", "space group": "1",
}  # fmt: skip
#: columns of the pages' table, and what the catalogue calls them; and columns whose words are searched
_COLUMNS = {
    "id": "id", "formula": "reduced_formula", "identifier": "identifier", "source": "source",
    "space group": "space_group_symbol", "number": "space_group", "atoms": "n_atoms", "elements": "n_elements",
    "system": "chemical_system",
}  # fmt: skip
_WORDS = (
    "reduced_formula", "identifier", "source", "space_group_symbol", "mineral", "prototype", "strukturbericht",
    "pearson", "formula",
)  # fmt: skip
#: entries nearer than this are the same crystal from another source
SAME = 0.01
_opening = threading.Lock()


def named(t: Texts, name: str, unit: bool = True) -> str:
    """What people call a property, with its unit; a name that is not known stays as it is."""
    key = f"property.{name}"
    told = t(key) if key in CATALOGUE else name
    return f"{told} / {UNITS[name]}" if unit and UNITS.get(name, "1") != "1" else told


def worded(t: Texts, sentence: str) -> str:
    """A sentence of a file in which properties are called by what people call them."""
    for name in PROPERTIES:
        sentence = sentence.replace(name, named(t, name, unit=False))
    return sentence


def headings(t: Texts, columns: Iterable[str]) -> dict[str, str]:
    """Headings of a table whose columns are called by the catalogue's names, with or without their units."""
    names = {column: column.split(" / ")[0] for column in columns}
    return {column: named(t, name) for column, name in names.items() if UNITS.get(name, "1") != "1"}


@st.cache_resource(show_spinner=cache.WAIT)
def catalogue() -> Any:
    """The user's catalogue; filled at its first use, which takes a while. Raises TenfmaError where it cannot be."""
    import tenfma.catalogue as store

    with _opening:
        held = store.open()
    _OPEN.set()
    return held


@st.cache_data(max_entries=1, show_spinner=cache.WAIT, ttl=3600)
def table() -> pd.DataFrame:
    """One row per entry: what it is called, where it is from, its properties where they are known."""
    import pandas as pd

    held = catalogue().columns(tuple(dict.fromkeys((*_COLUMNS.values(), *_WORDS, "volume"))), PROPERTIES)
    found = pd.DataFrame({name: held[column] for name, column in _COLUMNS.items()})
    found["volume per atom"] = np.array(held["volume"]) / np.array(held["n_atoms"])
    found = found.assign(**{name: np.array(held[name], float) for name in PROPERTIES})
    found["words"] = [" ".join(map(str, words)).lower() for words in zip(*(held[name] for name in _WORDS))]
    return found


def fitting(
    table: pd.DataFrame, text: str, elements: list[str], limits: tuple[str, float, float] | None
) -> np.ndarray:
    """Which rows hold all the words, all the elements, and a value in the range (name, least, most)."""
    fits = np.ones(len(table), bool)
    for word in text.lower().split():
        fits &= table["words"].str.contains(word, regex=False).to_numpy()
    if elements:
        wanted = set(elements)
        fits &= np.array([wanted <= set(system.split("-")) for system in table["system"]])
    if limits:
        name, least, most = limits
        fits &= ((table[name] >= least) & (table[name] <= most)).to_numpy()
    return fits


@st.cache_resource(max_entries=1, show_spinner=cache.WAIT, ttl=3600)
def vectors() -> tuple[np.ndarray, np.ndarray]:
    """Ids (n,) and static embedding vectors (n, d) of the entries that could be embedded."""
    from tenfma.catalogue.embedders import embedder
    from tenfma.catalogue.likeness import embed_missing
    from tenfma.catalogue.likeness import vectors as held

    store, maker = catalogue(), embedder()
    embed_missing(store, maker)
    found = held(store, maker)
    return np.array(found.ids), np.array(found.rows, float)


def crystal(source: str) -> cache.Crystal:
    """An entry as a crystal of the pages. Raises TenfmaError where there is none."""
    return _crystal(source.removeprefix(PREFIX))


@st.cache_resource(max_entries=64, show_spinner=False)
def _crystal(id: str) -> cache.Crystal:
    from tenfma.viz.bonds import near_bonds

    entry = catalogue().get(id)
    structure = catalogue().structures([entry.id])[0]
    title = f"{entry.reduced_formula} ({entry.identifier}, {entry.source})"
    notes = [note for note in (entry.notes, f"{entry.source}: {entry.licence}") if note]
    return cache.Crystal(f"{PREFIX}{entry.id}", title, structure, near_bonds(structure), notes)


def values(source: str) -> pd.DataFrame:
    """An entry's published values, and beside each what a model says that had not seen the crystal, with its interval."""
    import pandas as pd

    from tenfma.catalogue import compared

    rows = []
    for published, own in compared(catalogue().get(source.removeprefix(PREFIX))):
        name, unit = next((v.name, v.unit) for v in (published, own) if v is not None)
        rows.append(
            {
                "property": name,
                "unit": unit,
                "published": published and published.value,
                "source": published.source if published else "",
                "model": own and own.value,
                "lower": own and own.lower,
                "upper": own and own.upper,
                "fold left out": own and own.fold,
            }
        )
    numbers = {name: "float64" for name in ("published", "model", "lower", "upper")}
    return pd.DataFrame(rows).astype(numbers | {"fold left out": "Int64"}) if rows else pd.DataFrame()


@st.cache_data(max_entries=64, show_spinner=cache.WAIT)
def similar(_structure: Any, key: str, source: str, n: int = 8) -> pd.DataFrame:
    """The entries nearest to a crystal in the whole embedding space: id, formula, identifier, distance, properties."""
    import pandas as pd

    rows = [
        {
            "id": each.entry.id, "formula": each.entry.reduced_formula, "identifier": each.entry.identifier,
            "space group": each.entry.space_group_symbol, "distance": round(each.distance, 3),
            **{f"{name} / {UNITS[name]}": each.entry.value(name) for name in PROPERTIES},
        }
        for each in catalogue().like(int(source.removeprefix(PREFIX)) if source.startswith(PREFIX) else _structure, n=n)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def exported(ids: list[int], kind: str, extra: dict[str, tuple[str, list[float]]] | None = None) -> bytes:
    """These entries as `csv` or chemiscope `json`; `extra` name → (unit, values) are further properties of the latter."""
    import json

    from tenfma.catalogue.export import export

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"entries.{kind}"
        export(catalogue(), ids, path)
        if kind != "json" or not extra:
            return path.read_bytes()
        told = json.loads(path.read_text(encoding="utf-8"))
    for name, (unit, values) in extra.items():
        told["properties"][name] = {
            "target": "structure",
            "values": values,
            **({"units": unit} if unit != "1" else {}),
        }
    return json.dumps(told, ensure_ascii=False).encode()


def ready() -> bool:
    """Whether the catalogue has been opened already, so that asking it is quick."""
    return _OPEN.is_set()


_OPEN = threading.Event()
