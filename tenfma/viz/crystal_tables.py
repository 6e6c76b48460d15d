"""What the pages say of a crystal in tables: cell, symmetry, atoms, and the files it can be saved as."""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pymatgen.core import Structure

from tenfma.viz.bonds import Bond, coordination


@dataclass(frozen=True)
class Symmetry:
    """Space group symbol and number, crystal system, point group; 'unknown' and 0 where spglib finds none."""

    symbol: str
    number: int
    system: str
    point_group: str


def symmetry(structure: Structure, tolerance: float = 1e-2) -> Symmetry:
    """Symmetry by spglib within `tolerance` Å."""
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer, SymmetryUndeterminedError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = SpacegroupAnalyzer(structure, symprec=tolerance)
            return Symmetry(
                found.get_space_group_symbol(),
                found.get_space_group_number(),
                found.get_crystal_system(),
                found.get_point_group_symbol(),
            )
        except (SymmetryUndeterminedError, TypeError, ValueError):
            return Symmetry("P1", 0, "unknown", "1")


def conventional(structure: Structure, most: int = 240) -> Structure | None:
    """The conventional standard cell; None where spglib finds none or it has more than `most` atoms."""
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer, SymmetryUndeterminedError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = SpacegroupAnalyzer(structure).get_conventional_standard_structure()
        except (SymmetryUndeterminedError, TypeError, ValueError):
            return None
    return found if len(found) <= most else None


def cell(structure: Structure) -> pd.DataFrame:
    """Cell lengths (Å), angles (°), volume (Å³) and density (g/cm³)."""
    lattice = structure.lattice
    return pd.DataFrame(
        {
            "quantity": [
                "a / Å",
                "b / Å",
                "c / Å",
                "α / °",
                "β / °",
                "γ / °",
                "V / Å³",
                "V per atom / Å³",
                "ρ / g cm⁻³",
            ],
            "value": np.round(
                [
                    *lattice.abc,
                    *lattice.angles,
                    lattice.volume,
                    lattice.volume / len(structure),
                    structure.density,
                ],
                4,
            ),
        }
    )


def sites(structure: Structure, bonds: list[Bond]) -> pd.DataFrame:
    """Atoms of the cell: element, fractional and Cartesian coordinates (Å), near neighbours."""
    fractional, cartesian = structure.frac_coords, structure.cart_coords
    table = {"atom": range(len(structure)), "element": [site.specie.symbol for site in structure]}
    table |= {f"{axis}": np.round(fractional[:, k], 5) for k, axis in enumerate("abc")}
    table |= {f"{axis} / Å": np.round(cartesian[:, k], 4) for k, axis in enumerate("xyz")}
    return pd.DataFrame(table | {"near neighbours": coordination(structure, bonds)})


def bond_table(structure: Structure, bonds: list[Bond]) -> pd.DataFrame:
    """Near-neighbour bonds: atoms, elements, lattice image of the second, length in Å."""
    symbols = [site.specie.symbol for site in structure]
    return pd.DataFrame(
        {
            "from": [bond.i for bond in bonds],
            "to": [bond.j for bond in bonds],
            "elements": [f"{symbols[bond.i]}–{symbols[bond.j]}" for bond in bonds],
            "image": [" ".join(f"{value:+d}" if value else "0" for value in bond.shift) for bond in bonds],
            "length / Å": [round(bond.length, 4) for bond in bonds],
        }
    )


def exports(structure: Structure) -> dict[str, str]:
    """The crystal as CIF and POSCAR text."""
    from pymatgen.io.cif import CifWriter
    from pymatgen.io.vasp import Poscar

    return {"cif": str(CifWriter(structure)), "poscar": Poscar(structure).get_str()}
