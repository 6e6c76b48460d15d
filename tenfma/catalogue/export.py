"""Entries out: CIFs in a zip archive, extended XYZ, CSV, JSON for chemiscope, and OPTIMADE's JSON Lines.

What `import` reads of these is what was exported: structures to the last digit written, properties with their units.
"""

import csv
import io
import json
import math
import re
import string
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenfma.catalogue.connection import CatalogueError
from tenfma.catalogue.entries import Entry, Property
from tenfma.catalogue.packing import Sites
from tenfma.catalogue.sources.numbers import FORMULA
from tenfma.catalogue.store import Catalogue
from tenfma.whole import whole

if TYPE_CHECKING:
    from pymatgen.core import Structure

CHUNK = 500
FORMATS = (".zip", ".extxyz", ".csv", ".json", ".jsonl")
#: columns of every table, before the properties
TOLD = ("identifier", "source", "licence", "url")
Rows = Iterator[tuple[Entry, Sites]]


def export(
    catalogue: Catalogue, ids: list[int], out: Path, progress: Callable[[int], None] | None = None
) -> int:
    """Write these entries in the format of the ending of `out`; the file appears whole or not at all.

    `.zip` holds a CIF each and properties.csv, `.json` is for chemiscope, `.jsonl` for OPTIMADE servers. Raises
    CatalogueError for other endings.
    """
    if out.suffix.lower() not in FORMATS:
        raise CatalogueError(
            f"--out {out} ends in {out.suffix or 'nothing'}; {', '.join(FORMATS)} is expected"
        )
    write = {".zip": _zip, ".extxyz": _extxyz, ".csv": _csv, ".json": _chemiscope, ".jsonl": _optimade}
    with whole(out, CatalogueError) as part:
        write[out.suffix.lower()](part, lambda: _rows(catalogue, ids, progress), _columns(catalogue, ids))
    return len(ids)


def cif_text(entry: Entry, structure: "Structure") -> str:
    """The crystal as CIF with every site written out (P1), 12 digits."""
    lattice = structure.lattice
    name = re.sub(r"[^A-Za-z0-9_-]", "_", f"{entry.reduced_formula}_{entry.identifier}")[:70]
    lines = [f"data_{name}", f"_chemical_formula_sum   '{structure.composition.formula}'"]
    for key, value in zip(("a", "b", "c"), lattice.abc):
        lines.append(f"_cell_length_{key}   {value:.12g}")
    for key, value in zip(("alpha", "beta", "gamma"), lattice.angles):
        lines.append(f"_cell_angle_{key}   {value:.12g}")
    lines += [
        "_space_group_name_H-M_alt   'P 1'",
        "_space_group_IT_number   1",
        "loop_",
        "_space_group_symop_operation_xyz",
        "  'x, y, z'",
        "loop_",
        "_atom_site_label",
        "_atom_site_type_symbol",
        "_atom_site_fract_x",
        "_atom_site_fract_y",
        "_atom_site_fract_z",
        "_atom_site_occupancy",
    ]
    for place, site in enumerate(structure):
        x, y, z = site.frac_coords
        symbol = site.specie.symbol
        lines.append(f"  {symbol}{place + 1} {symbol} {x:.12f} {y:.12f} {z:.12f} 1")
    return "\n".join(lines) + "\n"


def _rows(catalogue: Catalogue, ids: list[int], progress: Callable[[int], None] | None) -> Rows:
    for start in range(0, len(ids), CHUNK):
        part = ids[start : start + CHUNK]
        yield from zip(catalogue.entries(part), catalogue.sites(part))
        if progress:
            progress(start + len(part))


def _columns(catalogue: Catalogue, ids: list[int]) -> dict[tuple[str, str, str], str]:
    """(name, unit, origin) → the column's name; a model's values bear its origin in their name."""
    found: dict[tuple[str, str, str], None] = {}
    for start in range(0, len(ids), CHUNK):
        for entry in catalogue.entries(ids[start : start + CHUNK]):
            for value in entry.properties:
                found.update(dict.fromkeys(_numbers(value)))
    names: dict[tuple[str, str, str], str] = {}
    for name, unit, origin in found:
        wanted = f"{name}_{origin}" if origin.startswith("model") else name
        taken = set(names.values())
        free = next(
            n for k in range(len(found) + 1) if (n := wanted if k == 0 else f"{wanted}_{k + 1}") not in taken
        )
        names[name, unit, origin] = free
    return names


def _values(entry: Entry, columns: dict[tuple[str, str, str], str]) -> dict[str, float]:
    found: dict[str, float] = {}
    for value in entry.properties:
        for key, number in _numbers(value).items():
            found.setdefault(columns[key], number)
    return found


def _numbers(value: Property) -> dict[tuple[str, str, str], float]:
    """(name, unit, origin) → number; a model's value brings interval and fold, which an import puts together again."""
    numbers = {(value.name, value.unit, value.origin): value.value}
    if value.origin == "model":
        parts = {"lower": value.lower, "upper": value.upper, "fold": value.fold}
        for part, number in parts.items():
            if number is not None:
                numbers[value.name, "" if part == "fold" else value.unit, f"model_{part}"] = number
    return numbers


def _heads(columns: dict[tuple[str, str, str], str]) -> list[str]:
    return [safe(f"{column} [{unit}]" if unit else column) for (_, unit, _), column in columns.items()]


def _cells(entry: Entry, columns: dict[tuple[str, str, str], str]) -> list[str]:
    values = _values(entry, columns)
    return [
        *(safe(getattr(entry, name)) for name in TOLD),
        *(repr(values[column]) if column in values else "" for column in columns.values()),
    ]


def safe(text: str) -> str:
    """Text that a spreadsheet does not take for a formula; `numbers.unmarked` takes the mark off again."""
    return f"'{text}" if text[:1] in FORMULA else text


def _zip(part: Path, rows: Callable[[], Rows], columns: dict[tuple[str, str, str], str]) -> None:
    table = io.StringIO(newline="")
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["file", *TOLD, *_heads(columns)])
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, sites in rows():
            name = f"{entry.reduced_formula}-{entry.id}.cif"
            archive.writestr(name, cif_text(entry, sites.structure()))
            writer.writerow([name, *_cells(entry, columns)])
        archive.writestr("properties.csv", table.getvalue())


def _csv(part: Path, rows: Callable[[], Rows], columns: dict[tuple[str, str, str], str]) -> None:
    with part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*TOLD, "formula", *_heads(columns), "cif"])
        for entry, sites in rows():
            told = _cells(entry, columns)
            cells = [*told[: len(TOLD)], entry.formula, *told[len(TOLD) :]]
            writer.writerow([*cells, cif_text(entry, sites.structure())])


def _extxyz(part: Path, rows: Callable[[], Rows], columns: dict[tuple[str, str, str], str]) -> None:
    from ase.data import chemical_symbols

    units = {column: unit for (_, unit, _), column in columns.items() if unit}
    with part.open("w", encoding="utf-8") as file:
        for entry, sites in rows():
            values = _values(entry, columns)
            lattice = " ".join(repr(float(number)) for number in sites.lattice.ravel())
            periodic = " ".join("T" if flag else "F" for flag in sites.pbc)
            told = [f'Lattice="{lattice}"', "Properties=species:S:1:pos:R:3", f'pbc="{periodic}"']
            told += [f"{name}={_quoted(getattr(entry, name))}" for name in TOLD if getattr(entry, name)]
            told += [f"{_key(name)}={value!r}" for name, value in values.items()]
            own = {_key(name): unit for name, unit in units.items() if name in values}
            if own:
                told.append(f"units={_quoted(json.dumps(own))}")
            file.write(f"{len(sites.numbers)}\n{' '.join(told)}\n")
            for number, (x, y, z) in zip(sites.numbers, sites.fractional @ sites.lattice):
                file.write(f"{chemical_symbols[number]} {x:.12f} {y:.12f} {z:.12f}\n")


def _quoted(text: str) -> str:
    plain = " ".join(text.split()).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{plain}"'


def _key(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.()/-]", "_", name)


def _chemiscope(part: Path, rows: Callable[[], Rows], columns: dict[tuple[str, str, str], str]) -> None:
    """chemiscope's input: structures as columns of x, y, z, and one target per property."""
    from ase.data import chemical_symbols

    held = list(rows())
    targets: dict[str, Any] = {
        name: {"target": "structure", "values": [getattr(entry, name) for entry, _ in held]}
        for name in ("identifier", "source", "licence", "reduced_formula", "space_group_symbol")
    }
    for name in ("n_atoms", "volume", "space_group"):
        targets[name] = {"target": "structure", "values": [getattr(entry, name) for entry, _ in held]}
    for (_, unit, _), column in columns.items():
        values = [_values(entry, columns).get(column) for entry, _ in held]
        targets[column] = {"target": "structure", "values": values, **({"units": unit} if unit else {})}
    structures = []
    for _, sites in held:
        positions = sites.fractional @ sites.lattice
        structures.append(
            {
                "size": len(sites.numbers),
                "names": [chemical_symbols[number] for number in sites.numbers],
                **{axis: positions[:, place].tolist() for place, axis in enumerate("xyz")},
                "cell": sites.lattice.ravel().tolist(),
            }
        )
    told = {
        "meta": {
            "name": "TEN-FMA catalogue",
            "description": "Crystals with their properties, source and licence.",
        },
        "structures": structures,
        "properties": targets,
    }
    part.write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")


def _optimade(part: Path, rows: Callable[[], Rows], columns: dict[tuple[str, str, str], str]) -> None:
    """OPTIMADE structures, version 1.2, one per line; properties bear the prefix `_tenfma_`, lower case."""
    from ase.data import chemical_symbols

    with part.open("w", encoding="utf-8") as file:
        file.write(json.dumps({"x-optimade": {"meta": {"api_version": "1.2.0"}}}) + "\n")
        for entry, sites in rows():
            symbols = [chemical_symbols[number] for number in sites.numbers]
            kinds = sorted(set(symbols))
            counts = [symbols.count(kind) for kind in kinds]
            unit = math.gcd(*counts)
            attributes = {
                "elements": kinds,
                "nelements": len(kinds),
                "elements_ratios": [count / len(symbols) for count in counts],
                "chemical_formula_reduced": _formula(kinds, [count // unit for count in counts]),
                "chemical_formula_anonymous": _formula(
                    list(string.ascii_uppercase), sorted((count // unit for count in counts), reverse=True)
                ),
                "chemical_formula_descriptive": entry.reduced_formula,
                "dimension_types": [int(flag) for flag in sites.pbc],
                "nperiodic_dimensions": sum(sites.pbc),
                "lattice_vectors": sites.lattice.tolist(),
                "cartesian_site_positions": (sites.fractional @ sites.lattice).tolist(),
                "nsites": len(symbols),
                "species": [{"name": k, "chemical_symbols": [k], "concentration": [1.0]} for k in kinds],
                "species_at_sites": symbols,
                "structure_features": [],
                "last_modified": None,
                **{f"_tenfma_{name}": getattr(entry, name) for name in TOLD},
                **{f"_tenfma_{_key(name).lower()}": value for name, value in _values(entry, columns).items()},
            }
            file.write(
                json.dumps({"type": "structures", "id": f"{entry.id}", "attributes": attributes}) + "\n"
            )


def _formula(names: list[str], counts: list[int]) -> str:
    return "".join(f"{name}{count if count > 1 else ''}" for name, count in zip(names, counts))
