"""Is this crystal held already? First what is cheap, then pymatgen's structure matcher.

Candidates have the same reduced formula and space group and a volume per atom within `VOLUME`; among them the matcher
decides on primitive cells without rescaling, so that a strained crystal is another one. Large cells without symmetry,
such as frames of a simulation, are compared site by site as they stand: matching them in general takes seconds a pair.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import Connection, select

from tenfma.catalogue.entries import Record
from tenfma.catalogue.packing import Sites, unpack
from tenfma.catalogue.schema import entries, structures

if TYPE_CHECKING:
    from pymatgen.core import Structure

#: relative difference of volumes per atom up to which two crystals may be the same
VOLUME = 0.01
#: the matcher's tolerances: lengths (relative), sites (in units of the mean spacing), angles (degrees)
TOLERANCES: dict[str, Any] = {"ltol": 0.01, "stol": 0.01, "angle_tol": 1.0}
#: atoms above which a cell without symmetry is compared as it stands, and the farthest a site may be, Å
LARGE = 16
APART = 0.02
#: crystals kept ready to be compared
KEPT = 2_000


@lru_cache(maxsize=1)
def matcher() -> Any:
    """pymatgen's matcher with the tolerances above."""
    from pymatgen.analysis.structure_matcher import StructureMatcher

    return StructureMatcher(**TOLERANCES, primitive_cell=True, scale=False)


def _large(record: Record) -> bool:
    return record.entry.space_group == 1 and record.entry.n_atoms > LARGE


def _as_they_stand(one: Sites, other: Sites) -> bool:
    """Whether two cells have the same lattice and the same atoms in the same order, within `APART`."""
    if not np.array_equal(one.numbers, other.numbers) or np.abs(one.lattice - other.lattice).max() > APART:
        return False
    shift = (one.fractional - other.fractional + 0.5) % 1.0 - 0.5
    return float(np.abs(shift @ other.lattice).max()) <= APART


@dataclass
class Duplicates:
    """Finds the entry that a new crystal repeats, among those of the store and those of the batch on its way in."""

    ready: "OrderedDict[int, Structure]" = field(default_factory=OrderedDict)

    def of(self, connection: Connection, record: Record, pending: list[Record]) -> int | Record | None:
        """The id of the entry, or the record of the batch, that `record` repeats; None if it is new."""
        entry = record.entry
        size = entry.volume / entry.n_atoms
        volume = entries.c.volume / entries.c.n_atoms
        rows = connection.execute(
            select(entries.c.id, structures.c.data)
            .join(structures, structures.c.entry == entries.c.id)
            .where(
                entries.c.reduced_formula == entry.reduced_formula,
                entries.c.space_group == entry.space_group,
                volume.between(size * (1 - VOLUME), size * (1 + VOLUME)),
            )
            .order_by(entries.c.id)
        )
        crystal = None
        for id, data in rows:
            sites = unpack(data)
            if _large(record):
                if _as_they_stand(record.sites, sites):
                    return int(id)
                continue
            crystal = crystal or record.sites.structure()
            if matcher().fit(crystal, self._structure(id, sites)):
                return int(id)
        for other in pending:
            near = abs(other.entry.volume / other.entry.n_atoms - size) <= VOLUME * size
            same = (other.entry.reduced_formula, other.entry.space_group) == (
                entry.reduced_formula,
                entry.space_group,
            )
            if same and near and _large(record):
                if _as_they_stand(record.sites, other.sites):
                    return other
            elif same and near:
                crystal = crystal or record.sites.structure()
                if matcher().fit(crystal, other.sites.structure()):
                    return other
        return None

    def _structure(self, id: int, sites: Sites) -> "Structure":
        if id not in self.ready:
            self.ready[id] = sites.structure()
            if len(self.ready) > KEPT:
                self.ready.popitem(last=False)
        return self.ready[id]
