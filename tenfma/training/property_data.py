"""Crystals with properties: which labels a file holds, in which unit, and how they are split into folds.

A target is written NAME, NAME/atom (a label per cell, divided by its atoms), log10(NAME) or log10(NAME/atom). A file may
hold log10 of a property as its own label (`log10_K` for `K_vrh`); where a frame has it, that one is taken.
"""

import hashlib
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tenfma.crystal.formats.numbers import shown
from tenfma.errors import TenfmaError
from tenfma.training.files import check_counts, check_ordered, content_of, plain_name, unreadable

#: the label that H at rest is taught, eV per atom
ENERGY = "e_form_per_atom"
_TARGET = re.compile(r"(?P<log>log10\()?(?P<name>[A-Za-z]\w*)(?P<atom>/atom)?(?(log)\))")
#: units of labels by how their names begin, for cards and tables; heat_all is per atom, as its authors give it
_UNITS = {
    "K_": "GPa", "G_": "GPa", "Cv": "J/(mol K)", "e_form": "eV/atom", "energy_per_atom": "eV/atom",
    "heat_all": "eV/atom", "energy": "eV", "heat_ref": "eV", "dir_gap": "eV", "ind_gap": "eV",
}  # fmt: skip


@dataclass(frozen=True)
class Target:
    """A property as it is learned: log10 of it or itself, per atom or as the file has it."""

    name: str
    log: bool = False
    per_atom: bool = False

    def __str__(self) -> str:
        inner = f"{self.name}/atom" if self.per_atom else self.name
        return f"log10({inner})" if self.log else inner

    @property
    def unit(self) -> str:
        """Unit of the values that are learned and scored."""
        plain = next((unit for start, unit in _UNITS.items() if self.name.startswith(start)), "")
        plain = plain + "/atom" if plain and self.per_atom else plain
        return f"log10({plain})" if self.log and plain else plain

    def label(self, info: dict[str, Any], atoms: int, place: str) -> float:
        """The value in one frame's labels, NaN where it has none or NaN.

        Raises TenfmaError for one that is infinite or no number, or has no logarithm.
        """
        own = f"log10_{self.name.removesuffix('_vrh')}"
        if self.log and not self.per_atom:
            logarithm = _number(info.get(own), own, place)
            if not np.isnan(logarithm):
                return logarithm
        value = _number(info.get(self.name), self.name, place) / (atoms if self.per_atom else 1)
        if not self.log or np.isnan(value):
            return value
        if value <= 0:
            raise TenfmaError(f"{self.name} of {place} is {value:g}; a logarithm needs a value above 0")
        return float(np.log10(value))


@dataclass(frozen=True, eq=False)
class Labelled:
    """Crystals (ASE Atoms) with labels (n, targets), NaN where missing; `places` say where each came from."""

    structures: Sequence[Any]
    labels: np.ndarray
    targets: tuple[Target, ...]
    places: tuple[str, ...]
    mark: str

    def __len__(self) -> int:
        return len(self.structures)

    @property
    def formulas(self) -> list[str]:
        """Reduced formulas, by which crystals are grouped."""
        return [atoms.get_chemical_formula("metal", empirical=True) for atoms in self.structures]


def targets_of(text: str, log: bool = False) -> tuple[Target, ...]:
    """Targets from 'K_vrh,G_vrh'; `log` takes log10 of all. Raises TenfmaError for a text that names none."""
    found = []
    for part in (piece.strip() for piece in text.split(",")):
        match = _TARGET.fullmatch(part)
        if match is None:
            raise TenfmaError(
                f"the target {part!r} is not readable; NAME, NAME/atom, log10(NAME) or log10(NAME/atom) is expected"
            )
        found.append(Target(match["name"], log or bool(match["log"]), bool(match["atom"])))
    if len(set(found)) < len(found):
        raise TenfmaError(f"the targets {text!r} name one property twice; name each once")
    return tuple(found)


def read_labelled(paths: Sequence[str | Path], targets: Sequence[Target], needed: bool = True) -> Labelled:
    """Every frame of the files with the labels of these targets.

    Raises TenfmaError where a file is missing or broken or, if `needed`, a target has no label in any frame.
    """
    structures, rows, places, mark = [], [], [], hashlib.sha256()
    available: set[str] = set()
    for path in map(Path, paths):
        raw = content_of(path, "a file of labelled crystals")
        mark.update(path.read_bytes())
        for index, atoms in enumerate(_read(path, raw)):
            place = f"frame {index + 1} of {path.name}"
            info = {**_calculated(atoms), **atoms.info}
            available |= {key for key, value in info.items() if isinstance(value, int | float | np.number)}
            structures.append(atoms)
            rows.append([target.label(info, len(atoms), place) for target in targets])
            places.append(place)
    labels = np.array(rows, dtype=float).reshape(len(structures), len(targets))
    if not structures:
        raise TenfmaError(f"{', '.join(map(str, paths))} hold no crystal; at least one is expected")
    missing = [str(t) for t, column in zip(targets, labels.T) if np.isnan(column).all()]
    if needed and missing:
        raise TenfmaError(
            f"no frame has a label for {', '.join(missing)}; labels here are {', '.join(sorted(available)) or 'none'}"
        )
    return Labelled(structures, labels, tuple(targets), tuple(places), mark.hexdigest())


def folds(count: int, parts: int, seed: int, groups: Sequence[str] | None = None) -> np.ndarray:
    """The fold of each crystal, (count,): seeded and random, crystals of one group together where groups are given.

    Raises TenfmaError where there are fewer crystals or groups than folds.
    """
    generator = np.random.default_rng(seed)
    names, member = np.unique(np.arange(count) if groups is None else np.array(groups), return_inverse=True)
    if parts < 2 or len(names) < parts:
        raise TenfmaError(f"{len(names)} crystals or groups cannot make {parts} folds; give more data")
    sizes = np.bincount(member)
    order = generator.permutation(len(names))
    fold_of, filled = np.empty(len(names), dtype=int), np.zeros(parts, dtype=int)
    for name in order:
        fold_of[name] = int(np.argmin(filled))
        filled[fold_of[name]] += sizes[name]
    return fold_of[member]


def _calculated(atoms: Any) -> dict[str, Any]:
    """The energy per cell that ASE keeps with a calculator instead of among the labels."""
    results = {} if atoms.calc is None else atoms.calc.results
    return {"energy": results["energy"]} if results.get("energy") is not None else {}


def _number(value: Any, name: str, place: str) -> float:
    """A label as a number; one that is absent or NaN is missing."""
    if value is None:
        return np.nan
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = np.inf
    if np.isinf(number):
        raise TenfmaError(
            f"{name} of {place} is {shown(value)}; a finite number is expected, NaN or no label where there is none"
        )
    return number


def _read(path: Path, raw: bytes) -> list[Any]:
    name = plain_name(path)
    try:
        if name.endswith(".json"):
            return _json(path, raw)
        from ase.io import read
        from ase.io.formats import filetype

        kind, text = filetype(name, read=False), raw.decode()
        if kind in ("extxyz", "xyz"):
            check_counts(text, path)
        frames = read(io.StringIO(text), ":", format=kind)
        return frames if isinstance(frames, list) else [frames]
    except TenfmaError:
        raise
    except Exception as error:  # a parser may raise anything on a broken file
        raise unreadable(path, "labelled crystals", error) from error


def _json(path: Path, raw: bytes) -> list[Any]:
    """Records of pymatgen structures, each alone or under `structure` with its labels beside it."""
    from pymatgen.core import Structure
    from pymatgen.io.ase import AseAtomsAdaptor

    held = json.loads(raw)
    frames = []
    for index, record in enumerate(held if isinstance(held, list) else [held]):
        structure = Structure.from_dict(record.get("structure", record))
        check_ordered(structure, f"record {index + 1} of {path.name}")
        atoms = AseAtomsAdaptor.get_atoms(structure, msonable=False)
        labels = {key: value for key, value in record.items() if isinstance(value, int | float)}
        atoms.info = {**(structure.properties or {}), **labels}
        frames.append(atoms)
    return frames
