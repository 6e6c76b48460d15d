"""Labelled frames in: structures with energies, forces and stresses, checked, or one sentence saying why not.

Units: energies in eV (total, per cell), forces in eV/Å, stresses in eV/Å³ with ASE's sign (σ = ∂E/∂ε / V).
"""

import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tenfma.crystal.checks import NEAREST_PAIR
from tenfma.crystal.neighbours import refuse_wide
from tenfma.errors import StructureError, TenfmaError
from tenfma.hamiltonian.evaluator import pairs_of
from tenfma.training.files import check_counts, check_ordered, content_of, plain_name, unreadable

#: what data sets call their labels, the usual name first
ENERGY = ("energy", "Energy", "total_energy", "dft_energy", "REF_energy", "free_energy")
FORCES = ("forces", "force", "Forces", "dft_forces", "REF_forces")
STRESS = ("stress", "dft_stress", "REF_stress")
#: eV per atom and eV/Å beyond which a label is a mistake; uranium with all its electrons has 0.8 million eV
LARGEST_ENERGY, LARGEST_FORCE = 1e7, 1e5
#: Å³, below which a periodic cell is flat
LEAST_VOLUME = 1e-3


@dataclass(frozen=True, eq=False)
class Frame:
    """One structure with what is known of it; `place` says where it came from."""

    numbers: np.ndarray
    positions: np.ndarray
    cell: np.ndarray
    pbc: np.ndarray
    energy: float | None
    forces: np.ndarray | None
    stress: np.ndarray | None
    group: str
    place: str

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def volume(self) -> float:
        """Å³."""
        return abs(float(np.linalg.det(self.cell)))

    @property
    def virial(self) -> np.ndarray | None:
        """∂E/∂ε = V σ, (3, 3), eV."""
        return None if self.stress is None else self.volume * self.stress

    @property
    def elements(self) -> tuple[int, ...]:
        """Atomic numbers that occur, rising."""
        return tuple(int(z) for z in np.unique(self.numbers))


def read_frames(path: str | Path) -> list[Frame]:
    """Every frame of a file: extxyz, any format ASE reads (also .gz), or pymatgen JSON.

    In JSON a record is a structure, or has one under `structure`, with `energy`, `forces` and `stress` (eV/Å³)
    beside it. Raises TenfmaError where the file is missing, empty or broken, or a label is no finite number.
    """
    path = Path(path)
    raw = content_of(path, "a file of frames with energies and forces")
    try:
        found = _json(path, raw) if plain_name(path).endswith(".json") else _ase(path, raw)
    except TenfmaError:
        raise
    except Exception as error:  # a parser may raise anything on a broken file
        raise unreadable(path, "frames", error) from error
    if not found:
        raise TenfmaError(f"{path} holds no frame; at least one with energy and forces is expected")
    return found


def digest(frames: Sequence[Frame]) -> str:
    """A fingerprint of the frames' numbers and labels."""
    total = hashlib.sha256()
    for frame in frames:
        for part in (frame.numbers, frame.positions, frame.cell, frame.energy, frame.forces, frame.stress):
            total.update(b"-" if part is None else np.ascontiguousarray(part, dtype=float).tobytes())
    return total.hexdigest()


def frame_of(atoms: Any, place: str = "the structure") -> Frame:
    """A frame from ASE Atoms, labels from its calculator's results, `info` or `arrays`, checked.

    Stress is taken of crystals only: slabs and clusters have no volume to divide by.
    """
    results = dict(atoms.calc.results) if atoms.calc is not None else {}
    energy = _label((results, atoms.info), ENERGY)
    forces = _label((results, atoms.arrays), FORCES)
    stress = _label((results, atoms.info), STRESS)
    group = str(atoms.info.get("group", atoms.info.get("config_type", "")))
    return _checked(
        atoms.numbers, atoms.positions, atoms.cell.array, atoms.pbc, energy, forces, stress, group, place
    )


def _ase(path: Path, raw: bytes) -> list[Frame]:
    from ase.io import read
    from ase.io.formats import filetype, ioformats

    kind = (
        filetype(plain_name(path), read=False) if path.name.lower().endswith(".gz") else filetype(str(path))
    )
    if ioformats[kind].isbinary:
        if path.name.lower().endswith(".gz"):
            raise TenfmaError(f"{path} holds packed {kind}, which is read unpacked only; unpack it")
        atoms = read(path, ":", format=kind)
    else:  # read from memory: ASE seeks back and forth, which gzip redoes from the start
        text = raw.decode()
        if kind in ("extxyz", "xyz"):
            check_counts(text, path)
        atoms = read(io.StringIO(text), ":", format=kind)
    return [frame_of(one, f"frame {index + 1} of {path.name}") for index, one in enumerate(atoms)]


def _json(path: Path, raw: bytes) -> list[Frame]:
    from pymatgen.core import Structure

    held = json.loads(raw)
    frames = []
    for index, record in enumerate(held if isinstance(held, list) else [held]):
        place = f"record {index + 1} of {path.name}"
        if not isinstance(record, dict):
            raise TenfmaError(
                f"{place} is no structure; a pymatgen structure with energy and forces is expected"
            )
        structure = Structure.from_dict(record.get("structure", record))
        check_ordered(structure, place)
        labels = (record, structure.properties or {})
        frames.append(
            _checked(
                np.array([site.specie.Z for site in structure]),
                structure.cart_coords,
                structure.lattice.matrix,
                np.array(structure.lattice.pbc),
                _label(labels, ENERGY),
                _label((*labels, structure.site_properties), FORCES),
                _label(labels, STRESS),
                str(record.get("group", "")),
                place,
            )
        )
    return frames


def _label(places: Sequence[Any], names: Sequence[str]) -> Any:
    for held in places:
        for name in names:
            if name in held and held[name] is not None:
                return held[name]
    return None


def _checked(
    numbers: Any,
    positions: Any,
    cell: Any,
    pbc: Any,
    energy: Any,
    forces: Any,
    stress: Any,
    group: str,
    place: str,
) -> Frame:
    count = len(numbers)
    if count == 0:
        raise TenfmaError(f"{place} has no atoms; at least one is expected")
    for name, values in (("a position", positions), ("a cell vector", cell), ("an energy", energy)):
        if values is not None and not np.isfinite(np.asarray(values, dtype=float)).all():
            raise TenfmaError(
                f"{place} has {name} that is not a finite number; leave the frame out or mend it"
            )
    if forces is not None:
        forces = np.asarray(forces, dtype=float)
        if forces.shape != (count, 3):
            raise TenfmaError(
                f"{place} has forces of shape {forces.shape}; three for each of its {count} atoms are expected"
            )
        if not np.isfinite(forces).all():
            raise TenfmaError(
                f"{place} has a force that is not a finite number; leave the frame out or mend it"
            )
    if energy is not None and abs(float(energy)) > LARGEST_ENERGY * count:
        raise TenfmaError(
            f"{place} has an energy of {float(energy):.3g} eV for {count} atoms, out of all bounds; "
            "give total energies in eV"
        )
    if forces is not None and np.abs(forces).max() > LARGEST_FORCE:
        raise TenfmaError(
            f"{place} has a force of {np.abs(forces).max():.3g} eV/Å; at most {LARGEST_FORCE:g} is taken"
        )
    cell, pbc = np.asarray(cell, dtype=float), np.asarray(pbc, dtype=bool)
    positions = np.asarray(positions, dtype=float)
    if pbc.all() and abs(np.linalg.det(cell)) < LEAST_VOLUME:
        raise TenfmaError(
            f"{place} is periodic and its cell has no volume; give it a cell, or pbc='F F F' for a cluster"
        )
    _apart(positions, cell, pbc, place)
    if not pbc.all():
        stress = None  # a slab or a cluster has no volume to divide by
    return Frame(
        np.asarray(numbers, dtype=np.int64),
        positions,
        cell,
        pbc,
        None if energy is None else float(energy),
        forces,
        None if stress is None else _tensor(stress, place),
        group,
        place,
    )


def _apart(positions: np.ndarray, cell: np.ndarray, pbc: np.ndarray, place: str) -> None:
    """Refuse atoms on one spot, images included: they have no direction, and no calculation was made of them."""
    try:
        refuse_wide(positions, cell, pbc)
    except StructureError as error:
        raise TenfmaError(f"{place} is no crystal: {error}") from None
    near = pairs_of(positions, cell, pbc, NEAREST_PAIR)
    if not len(near.neighbour):
        return
    distances = np.linalg.norm(near.vectors, axis=1)
    worst = int(np.argmin(distances))
    i, j = int(near.centre[worst]) + 1, int(near.neighbour[worst]) + 1
    who = f"atoms {i} and {j}" if i != j else f"atom {i} and its own image"
    where = f"{distances[worst]:.2g} Å apart" if distances[worst] > 1e-3 else "on the same place"
    raise TenfmaError(
        f"{place} has {who} {where}; at least {NEAREST_PAIR} Å is expected: leave the frame out or mend it"
    )


def _tensor(stress: Any, place: str) -> np.ndarray:
    """(3, 3) from nine numbers or from Voigt's six: xx, yy, zz, yz, xz, xy."""
    values = np.asarray(stress, dtype=float)
    if values.size not in (6, 9) or not np.isfinite(values).all():
        raise TenfmaError(
            f"{place} has a stress that is not six or nine finite numbers; leave it out or mend it"
        )
    if values.size == 9:
        matrix = values.reshape(3, 3)
        return 0.5 * (matrix + matrix.T)
    xx, yy, zz, yz, xz, xy = values.ravel()
    return np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
