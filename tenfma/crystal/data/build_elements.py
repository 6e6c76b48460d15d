"""Write `elements.csv`, the element data of Z = 1…103, from pymatgen and ASE.

Run as `python -m tenfma.crystal.data.build_elements`.

What is read
- Pauling electronegativity, first ionisation energy (eV), mass (amu), group, block, ground configuration:
  pymatgen's periodic table (NIST values for energies and configurations).
- Covalent radius (Å): Cordero et al., Dalton Trans. 2008, 2832, as kept by ASE.
- Bond-valence size r (Å) and softness c: O'Keeffe & Brese, J. Am. Chem. Soc. 1991, 113, 3226, as kept by
  pymatgen.
- Melting temperature (K) and molar volume (cm³/mol) of the element: pymatgen.

What is missing is filled by these rules and named in the column `filled`
- electronegativity: the straight line of χ on the ionisation energy through the same group's known members
  (He, Ne, Ar).
- covalent radius: the lanthanide above, times the ratio at the last pair that is known, Cm/Gd (Bk to Lr).
- bond-valence size and softness: straight lines on the covalent radius and on the electronegativity, through
  the known elements of the same block.
- melting temperature and molar volume: the mean of the element's known neighbours in its row, else in its
  group.
"""

import csv
import math
from functools import partial
from pathlib import Path

import numpy as np

LAST = 103
LAST_RADIUS = 96  # Cordero et al. end at curium
TARGET = Path(__file__).with_name("elements.csv")
NOBLE = (2, 10, 18, 36, 54, 86)
SHELLS = "spdf"


def collect() -> list[dict]:
    """One dictionary per element with what the libraries know; missing values are None."""
    from ase.data import covalent_radii
    from pymatgen.analysis.bond_valence import BV_PARAMS
    from pymatgen.core import Element

    rows = []
    for number in range(1, LAST + 1):
        element = Element.from_Z(number)
        valence = _valence(number, element.full_electronic_structure)
        bond_valence = BV_PARAMS.get(element, {})
        radius = float(covalent_radii[number])
        rows.append(
            {
                "number": number,
                "symbol": element.symbol,
                "electronegativity": _known(element.X),
                "covalent_radius": radius if number <= LAST_RADIUS else None,  # ASE holds placeholders beyond
                "ionisation_energy": _known(element.ionization_energies[0]),
                **{f"valence_{s}": sum(k for _, shell, k in valence if shell == s) for s in SHELLS},
                "row": 1 + sum(number > gas for gas in NOBLE),
                "group": element.group,
                "mass": float(element.atomic_mass),
                "unpaired": sum(min(k, 4 * SHELLS.index(s) + 2 - k) for _, s, k in valence),
                "shell_n": max(n for n, _, _ in valence),
                "shell_l": 0 if number == 2 else SHELLS.index(element.block),  # helium's shell is 1s
                "bond_valence_size": _known(bond_valence.get("r")),
                "bond_valence_softness": _known(bond_valence.get("c")),
                "melting_temperature": _known(element.melting_point),
                "molar_volume": _known(element.molar_volume),
            }
        )
    return rows


def fill(rows: list[dict]) -> None:
    """Fill what is missing by the rules above, in place, and name it in `filled`."""
    by_number = {row["number"]: row for row in rows}
    blanks = {row["number"]: [name for name, value in row.items() if value is None] for row in rows}
    for row in rows:
        if row["covalent_radius"] is None:
            ratio = by_number[96]["covalent_radius"] / by_number[64]["covalent_radius"]
            row["covalent_radius"] = by_number[row["number"] - 32]["covalent_radius"] * ratio
    for row in rows:
        if row["electronegativity"] is None:
            group = [
                r
                for r in rows
                if r["group"] == row["group"] and "electronegativity" not in blanks[r["number"]]
            ]
            row["electronegativity"] = _line(group, "ionisation_energy", "electronegativity", row)
    for name, cause in (
        ("bond_valence_size", "covalent_radius"),
        ("bond_valence_softness", "electronegativity"),
    ):
        for row in rows:
            if name in blanks[row["number"]]:
                block = [
                    r for r in rows if r["shell_l"] == row["shell_l"] and name not in blanks[r["number"]]
                ]
                row[name] = _line(block, cause, name, row)
    for name in ("melting_temperature", "molar_volume"):
        known = {r["number"]: r[name] for r in rows if name not in blanks[r["number"]]}
        for row in rows:
            if name in blanks[row["number"]]:
                same_row = [r["number"] for r in rows if r["row"] == row["row"] and r["number"] in known]
                same_group = [
                    r["number"] for r in rows if r["group"] == row["group"] and r["number"] in known
                ]
                near = same_group if row["group"] in (1, 18) else same_row
                near = sorted(near, key=partial(_apart, row["number"]))[:2]
                row[name] = float(np.mean([known[number] for number in near]))
    for row in rows:
        row["filled"] = ";".join(blanks[row["number"]])


def _known(value: float | None) -> float | None:
    return None if value is None or math.isnan(float(value)) else float(value)


def _valence(number: int, configuration: list[tuple[int, str, int]]) -> list[tuple[int, str, int]]:
    """Subshells outside the noble-gas core; a noble gas's own outer shell counts as valence."""
    core = max((gas for gas in NOBLE if gas < number), default=0)
    filled = NOBLE.index(core) + 1 if core else 0  # the row that the core's noble gas ends
    inside = {(n, s) for n in range(1, filled + 1) for s in _core_shells(n, filled)}
    return [(n, s, k) for n, s, k in configuration if (n, s) not in inside]


def _core_shells(n: int, row: int) -> str:
    """Subshells of principal number n that are full in the noble gas of this row."""
    shells = SHELLS[: min(n, 2)]
    if n >= 3 and n <= row - 1:
        shells += "d"
    if n >= 4 and n <= row - 2:
        shells += "f"
    return shells


def _apart(first: int, second: int) -> int:
    return abs(first - second)


def _line(known: list[dict], cause: str, name: str, row: dict) -> float:
    slope, constant = np.polyfit([r[cause] for r in known], [r[name] for r in known], 1)
    return float(slope * row[cause] + constant)


def main() -> None:
    rows = collect()
    fill(rows)
    with TARGET.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({k: f"{v:.10g}" if isinstance(v, float) else v for k, v in row.items()})


if __name__ == "__main__":
    main()
