"""What the parts of a crystal are called: Si3, Si1–Si4 (0 0 1), and the kinds they belong to."""

from collections import Counter
from typing import Any

import numpy as np

from tenfma.crystal.elements import table


def symbols(numbers: np.ndarray) -> list[str]:
    """Element symbols of atomic numbers."""
    known = table().symbols
    return [known[int(z)] for z in numbers]


def atom_labels(numbers: np.ndarray) -> tuple[str, ...]:
    """Symbol with the atom's place in the cell, from 1: 'Na1', 'Cl2'."""
    return tuple(f"{symbol}{place}" for place, symbol in enumerate(symbols(numbers), start=1))


def kind(names: Any) -> str:
    """Elements of a simplex in alphabetical order: 'Cl–Na'."""
    return "–".join(sorted(names))


def simplex_labels(K: Any) -> tuple[str, ...]:
    """Names of all atoms, bonds and triangles of one crystal; a bond that leaves the cell says to which image."""
    atoms = atom_labels(K.numbers.numpy())
    bonds = [
        f"{atoms[i]}–{atoms[j]}" + (f" ({a} {b} {c})" if (a, b, c) != (0, 0, 0) else "")
        for (i, j), (a, b, c) in zip(K.edges.tolist(), K.shifts.tolist())
    ]
    triangles = ["–".join(atoms[i] for i in corners) for corners in K.triangles.tolist()]
    seen: Counter[str] = Counter()
    named = []
    for name in triangles:
        seen[name] += 1
        named.append(f"{name} #{seen[name]}")
    return (*atoms, *bonds, *named)


def simplex_kinds(K: Any) -> dict[str, list[str]]:
    """{rank: elements of every simplex}."""
    names = symbols(K.numbers.numpy())
    return {
        "atoms": list(names),
        "bonds": [kind(names[i] for i in pair) for pair in K.edges.tolist()],
        "triangles": [kind(names[i] for i in corners) for corners in K.triangles.tolist()],
    }
