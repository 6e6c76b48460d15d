"""Make the starter library from the reference data: `python -m tenfma.catalogue.build_library DATA [OUT]`.

One row per crystal with its sites, symmetry, published values, source, identifier, licence and address. Materials Project
and Alexandria data are CC BY 4.0. A crystal that matches an AFLOW prototype, whatever its elements, bears its name.
"""

import gzip
import io
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from tenfma.catalogue.embedders import DIMENSION, ROWS, SCALES, measure
from tenfma.catalogue.entries import described
from tenfma.catalogue.packing import Sites
from tenfma.catalogue.starter import LIBRARY, library, mark, parts
from tenfma.crystal import prototypes
from tenfma.crystal.checks import checked
from tenfma.crystal.structures import from_ase

LICENCE = "CC BY 4.0"
#: file, source, address of one crystal
FILES = (
    (
        "elasticity/mp_binary_elasticity.extxyz.gz",
        "Materials Project",
        "https://next-gen.materialsproject.org/materials/{id}",
    ),
    (
        "heat_capacity/alexandria_binary_cv.extxyz.gz",
        "Alexandria",
        "https://alexandria.icams.rub.de/",
    ),
)
PUBLISHED = ("K_vrh", "G_vrh", "e_form_per_atom", "log10_K", "log10_G", "Cv_300K")
LABELS = (
    "space_group",
    "space_group_symbol",
    "pearson",
    "strukturbericht",
    "prototype",
    "mineral",
    "source",
    "identifier",
    "licence",
    "url",
    "notes",
)


def frames(path: Path) -> Iterator[Any]:
    """ASE Atoms of a gzipped extended XYZ file."""
    from ase.io.extxyz import read_xyz

    yield from read_xyz(io.StringIO(gzip.decompress(path.read_bytes()).decode()), slice(None))


def rows(data: Path) -> Iterator[dict[str, Any]]:
    """The library's rows, one per crystal."""
    for name, source, address in FILES:
        for atoms in frames(data / name):
            structure = checked(from_ase(atoms), str(atoms.info["id"]))
            sites = Sites.of(structure)
            labels = {
                "source": source,
                "identifier": str(atoms.info["id"]),
                "licence": LICENCE,
                "url": address.format(id=atoms.info["id"]),
            }
            entry = described(sites, **labels)
            known = prototype_of(structure, entry.space_group, entry.pearson)
            if known:
                entry = described(
                    sites,
                    **labels,
                    prototype=known.name,
                    strukturbericht=known.strukturbericht,
                )
            values = {key: float(atoms.info[key]) for key in PUBLISHED if key in atoms.info}
            if "Cv_300K" in values:
                values["Cv_300K_per_atom"] = values["Cv_300K"] / len(atoms)
            yield {
                **{label: getattr(entry, label) for label in LABELS},
                "matbench_id": str(atoms.info.get("matbench_id", "")),
                **values,
                "data": sites.pack(),
            }


def prototype_of(structure: Any, space_group: int, pearson: str) -> "prototypes.Prototype | None":
    """The AFLOW prototype with this space group and Pearson symbol that the crystal maps onto with other elements."""
    from pymatgen.analysis.structure_matcher import StructureMatcher

    anonymous = structure.composition.anonymized_formula
    matcher = StructureMatcher()
    for held in _by_symmetry()[space_group, pearson]:
        model = held.structure()
        if model.composition.anonymized_formula == anonymous and matcher.fit_anonymous(structure, model):
            return held
    return None


def _by_symmetry() -> "dict[tuple[int, str], list[prototypes.Prototype]]":
    if not _TABLE:
        for held in prototypes.library():
            _TABLE[int(held.aflow.split("_")[2]), held.pearson].append(held)
    return _TABLE


_TABLE: "dict[tuple[int, str], list[prototypes.Prototype]]" = defaultdict(list)


def main(arguments: list[str]) -> None:
    """Write the table and say how large it is."""
    if not 1 <= len(arguments) <= 2:
        raise SystemExit("usage: python -m tenfma.catalogue.build_library DATA [OUT]")
    out = Path(arguments[1]) if len(arguments) == 2 else library()
    table = pd.DataFrame(list(rows(Path(arguments[0]))))
    out.mkdir(parents=True, exist_ok=True)
    table.to_parquet(out / LIBRARY, index=False, compression="zstd", compression_level=19)
    crystals = [record.sites.structure() for part in parts(out / LIBRARY).values() for record in part()]
    kept = measure(crystals, out, mark(out / LIBRARY))
    size = sum((out / name).stat().st_size for name in (LIBRARY, SCALES, ROWS))
    print(f"{DIMENSION} axes keep {kept:.1%} of the static features' variance")
    print(f"{len(table)} crystals, {(table['prototype'] != '').sum()} with a prototype, {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main(sys.argv[1:])
