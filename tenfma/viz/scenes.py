"""Crystals as plain scenes: dictionaries of spheres, lines and triangles in Å that the viewer draws as they are.

    {key, atoms: [{site, element, at, radius, colour, picked}], bonds: [[atom, atom]], stick, cell: [[from, to]],
     sticks: [{from, to, radius, colour}], triangles: [{corners, colour}], arrows, labels, legend, scale}

Atoms that complete a face of the cell or a bond across it are drawn as images of their site; clicking either gives
the site.
"""

import hashlib
from collections.abc import Iterable, Sequence
from itertools import product
from typing import Any

import numpy as np
from ase.data import covalent_radii
from ase.data.colors import jmol_colors
from pymatgen.core import Structure

from tenfma.viz.bonds import Bond
from tenfma.viz.style import SEQUENTIAL, colours

Scene = dict[str, Any]

#: how many spheres a scene may hold before boundary images are left out
MOST_ATOMS = 1500
IMAGE_SHRINK = 0.82
#: triangles are drawn this much smaller, so that those behind show between them
TRIANGLE_SHRINK = 0.8
_EDGE = 1e-3


def element_colour(number: int) -> str:
    """Jmol's colour of an element, as ASE ships it."""
    rgb = jmol_colors[number] if number < len(jmol_colors) else (0.6, 0.6, 0.6)
    return "#" + "".join(f"{round(255 * float(part)):02x}" for part in rgb)


def element_radius(number: int) -> float:
    """Radius to draw, Å: 0.30 of the covalent radius plus a floor, so that hydrogen is still seen."""
    radius = covalent_radii[number] if number < len(covalent_radii) else 1.5
    return round(0.16 + 0.27 * float(radius), 3)


def scene_key(structure: Structure, *extra: object) -> str:
    """A short name for what is looked at: the camera is kept as long as it stays the same."""
    digest = hashlib.sha1(usedforsecurity=False)
    digest.update(np.round(structure.lattice.matrix, 4).tobytes())
    digest.update(np.round(structure.frac_coords, 4).tobytes())
    digest.update(repr(([str(site.specie) for site in structure], extra)).encode())
    return digest.hexdigest()[:12]


def cell_edges(matrix: np.ndarray, cells: Sequence[int] = (1, 1, 1)) -> list[list[list[float]]]:
    """The twelve edges of every cell shown, each once, as [from, to] in Å."""
    lines = []
    counts = tuple(cells)
    for axis in range(3):
        others = [a for a in range(3) if a != axis]
        for first, second in product(*(range(counts[a] + 1) for a in others)):
            for step in range(counts[axis]):
                start = np.zeros(3)
                start[others[0]], start[others[1]], start[axis] = first, second, step
                end = start.copy()
                end[axis] += 1
                lines.append([_list(start @ matrix), _list(end @ matrix)])
    return lines


class _Atoms:
    """Sites placed in space: an atom is named by its site and its lattice translation."""

    def __init__(self, structure: Structure) -> None:
        self.structure = structure
        self.matrix = structure.lattice.matrix
        self.fractional = structure.frac_coords % 1.0
        self.fractional[self.fractional > 1 - _EDGE] = 0.0
        #: the whole lattice vectors by which wrapping moved each site
        self.moved = np.round(self.fractional - structure.frac_coords).astype(int)
        self.placed: dict[tuple[int, int, int, int], int] = {}
        self.rows: list[dict[str, Any]] = []

    def place(self, site: int, cell: Iterable[int], image: bool) -> int:
        """Index of that atom in the scene; drawn now if it was not yet there."""
        a, b, c = (int(value) for value in cell)
        key = (site, a, b, c)
        if key not in self.placed:
            number = self.structure[site].specie.Z
            at = (self.fractional[site] + np.asarray(key[1:])) @ self.matrix
            radius = element_radius(number) * (IMAGE_SHRINK if image else 1.0)
            self.placed[key] = len(self.rows)
            self.rows.append(
                {
                    "site": site,
                    "element": self.structure[site].specie.symbol,
                    "at": _list(at),
                    "radius": round(radius, 3),
                    "colour": element_colour(number),
                }
            )
        return self.placed[key]

    def fill(self, cells: Sequence[int]) -> None:
        """All atoms of the cells shown, and those on a far face that a near face has too."""
        inside = list(product(*(range(count) for count in cells)))
        for site, cell in product(range(len(self.structure)), inside):
            self.place(site, cell, image=False)
        if len(self.rows) > MOST_ATOMS:
            return
        for site in range(len(self.structure)):
            reach = [
                range(count + 1) if self.fractional[site][axis] < _EDGE else range(count)
                for axis, count in enumerate(cells)
            ]
            for cell in product(*reach):
                self.place(site, cell, image=False)

    def join(self, bond: Bond) -> set[tuple[int, int]]:
        """The bond wherever both its ends are drawn; where they nowhere are, with images of its ends outside the cell."""
        shift = np.asarray(bond.shift) + self.moved[bond.i] - self.moved[bond.j]
        heres = [key[1:] for key in self.placed if key[0] == bond.i]
        pairs = set()
        for here in heres:
            a, b, c = (int(near + step) for near, step in zip(here, shift))
            there = (bond.j, a, b, c)
            if there in self.placed:
                pairs.add((self.placed[bond.i, *here], self.placed[there]))
        if pairs or len(self.rows) > MOST_ATOMS:
            return pairs
        first = self.placed[bond.i, 0, 0, 0], self.place(bond.j, shift, image=True)
        second = self.place(bond.i, -shift, image=True), self.placed[bond.j, 0, 0, 0]
        return {first, second}


def crystal_scene(
    structure: Structure,
    bonds: Sequence[Bond],
    cells: Sequence[int] = (1, 1, 1),
    picked: int | None = None,
    labels: bool = False,
    stick: float = 0.09,
) -> Scene:
    """Ball-and-stick picture of a crystal with its cell and bonds across the boundary."""
    atoms = _Atoms(structure)
    atoms.fill(cells)
    joined = set()
    for bond in bonds:
        joined |= atoms.join(bond)
    for row in atoms.rows:
        row["picked"] = row["site"] == picked
    return {
        "key": scene_key(structure, tuple(cells)),
        "atoms": atoms.rows,
        "bonds": [list(pair) for pair in sorted(joined) if pair[0] != pair[1]],
        "stick": stick,
        "cell": cell_edges(atoms.matrix, cells),
        "labels": [{"text": row["element"], "at": row["at"]} for row in atoms.rows] if labels else [],
        "legend": legend(structure),
    }


def legend(structure: Structure) -> list[dict[str, str]]:
    """One entry per element, in the order of the formula."""
    numbers = {site.specie.Z: site.specie.symbol for site in structure}
    return [{"name": symbol, "colour": element_colour(number)} for number, symbol in sorted(numbers.items())]


def scale(name: str, values: np.ndarray) -> dict[str, Any]:
    """The colour bar of a feature, from its least to its greatest value."""
    low, high = float(np.min(values)), float(np.max(values))
    return {"name": name, "low": f"{low:.4g}", "high": f"{high:.4g}", "colours": list(SEQUENTIAL)}


def simplex_scene(
    structure: Structure,
    rank: int,
    corners: np.ndarray,
    values: np.ndarray,
    name: str,
    limit: int = 600,
    picked: int | None = None,
) -> Scene:
    """Atoms, bonds or triangles of a complex coloured by one feature.

    `corners`: (n, rank + 1, 3) Å, one row per simplex with its images closed; `values`: (n,). At most `limit` simplices
    are drawn, the shortest first; `hidden` says how many are left out.
    """
    base = crystal_scene(structure, [], picked=picked)
    low, high = float(np.min(values, initial=0.0)), float(np.max(values, initial=0.0))
    if len(values):
        low, high = float(values.min()), float(values.max())
    tint = colours(values, low, high)
    size = (
        np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=-1).max(axis=1)
        if rank
        else np.zeros(len(values))
    )
    shown = np.argsort(size, kind="stable")[:limit]
    scene: Scene = {**base, "hidden": int(len(values) - len(shown)), "legend": legend(structure)}
    if rank == 0:
        for row in scene["atoms"]:
            row["colour"] = tint[row["site"]]
        scene["legend"] = []
    else:
        for row in scene["atoms"]:
            row["radius"] = round(0.7 * row["radius"], 3)
    if rank == 1:
        scene["sticks"] = [
            {"from": _list(corners[k, 0]), "to": _list(corners[k, 1]), "radius": 0.07, "colour": tint[k]}
            for k in shown
        ]
    if rank == 2:
        middle = corners.mean(axis=1, keepdims=True)
        drawn = middle + TRIANGLE_SHRINK * (corners - middle)
        scene["triangles"] = [{"corners": [_list(c) for c in drawn[k]], "colour": tint[k]} for k in shown]
        scene["alpha"] = 0.8 if len(shown) < 60 else 0.55
    if len(values):
        scene["scale"] = scale(name, values)
    return scene


def _list(vector: np.ndarray) -> list[float]:
    return [round(float(value), 4) for value in vector]
