"""Crystals of the Materials Project, with the user's own key, through the client that pymatgen ships."""

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tenfma.catalogue.sources import Item, Loaded, SourceError
from tenfma.errors import StructureError

KEYS = ("MP_API_KEY", "PMG_MAPI_KEY")
#: their fields that are kept, with units; bulk and shear modulus come as Voigt, Reuss and Hill averages
UNITS = {
    "formation_energy_per_atom": "eV/atom",
    "energy_above_hull": "eV/atom",
    "band_gap": "eV",
    "bulk_modulus": "GPa",
    "shear_modulus": "GPa",
}
#: our names for theirs
NAMES = {"formation_energy_per_atom": "e_form_per_atom", "bulk_modulus": "K_vrh", "shear_modulus": "G_vrh"}
LICENCE = "CC BY 4.0"


class MaterialsProject:
    """Summaries that fit the criteria of its web interface: {"chemsys": "Al-Ni"}, {"formula": "SiO2"}."""

    def __init__(self, criteria: Mapping[str, str], client: Any = None) -> None:
        if not criteria:
            raise SourceError(
                "the whole of the Materials Project is not asked for; give criteria such as chemsys=Al-Ni"
            )
        self.criteria = dict(criteria)
        self.client = client
        self.origin = f"materials project {sorted(self.criteria.items())}"[:500]
        self.name = "Materials Project"
        self._count: int | None = None

    def size(self) -> int | None:
        return self._count

    def items(self, cursor: str = "") -> Iterator[Item]:
        fields = ",".join(("material_id", "structure", *UNITS))
        try:
            rows = self._open().summary_search(**self.criteria, _fields=fields)
        except SourceError:
            raise
        except Exception as error:  # the client raises whatever its web library does
            raise SourceError(
                f"the Materials Project did not answer ({type(error).__name__}: {str(error)[:120]}); "
                "check the key and the criteria"
            ) from error
        self._count = len(rows)
        for row in rows:
            name = str(row.get("material_id", "without a name"))
            yield Item(name, f"Materials Project {name}", _load(row, name))

    def _open(self) -> Any:
        if self.client is not None:
            return self.client
        key = next((os.environ[name] for name in KEYS if os.environ.get(name)), "")
        if not key:
            raise SourceError(
                "the Materials Project needs your key; get one at materialsproject.org and set MP_API_KEY to it"
            )
        try:
            from pymatgen.ext.matproj import MPRester
        except ImportError as error:
            raise SourceError(
                "this pymatgen has no client for the Materials Project; install mp-api"
            ) from error
        return MPRester(key)


def _load(row: Mapping[str, Any], name: str) -> Callable[[], list[Loaded]]:
    def load() -> list[Loaded]:
        from tenfma.crystal.checks import checked
        from tenfma.crystal.formats.records import build

        structure = row.get("structure")
        if structure is None:
            raise StructureError(f"{name} comes without a structure")
        structure = checked(build(structure, name) if isinstance(structure, Mapping) else structure, name)
        values, units = {}, {}
        for field, unit in UNITS.items():
            value = row.get(field)
            value = value.get("vrh") if isinstance(value, Mapping) else value
            if value is not None:
                values[NAMES.get(field, field)] = float(value)
                units[NAMES.get(field, field)] = unit
        url = f"https://next-gen.materialsproject.org/materials/{name}"
        return [Loaded(structure, values, units, {"identifier": name, "licence": LICENCE, "url": url})]

    return load
