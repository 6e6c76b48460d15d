"""What a complex holds, crystal by crystal, with a plain warning where a cutoff suits it badly."""

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from tenfma.crystal.elements import table

if TYPE_CHECKING:
    from tenfma.crystal.complex import SimplicialComplex

#: bonds per atom beyond which a warning says that the complex is large; a close-packed metal has 27 at 5 Å
MANY_BONDS = 100
#: triangles per atom beyond which a warning says so
MANY_TRIANGLES = 1000


@dataclass(frozen=True)
class Summary:
    """Counts for each crystal of a complex and warnings in words."""

    rows: list[dict[str, Any]]
    """per crystal: its index, formula, atoms, bonds, triangles, and least, mean and most neighbours."""
    warnings: list[str]

    def to_frame(self) -> Any:
        """The counts as a pandas table."""
        import pandas

        return pandas.DataFrame(self.rows)

    def __str__(self) -> str:
        return "\n".join([self.to_frame().to_string(index=False), *self.warnings])


def summary_of(complex_: "SimplicialComplex") -> Summary:
    """Counts per crystal; a warning where there are no bonds, isolated atoms, or very many simplices."""
    from ase.formula import Formula

    neighbours = torch.bincount(complex_.edges.flatten(), minlength=complex_.n_atoms).cpu().numpy()
    numbers = complex_.numbers.cpu().numpy()
    sizes = complex_.counts(0).tolist()
    symbols = table().symbols
    rows: list[dict[str, Any]] = []
    warnings: list[str] = []
    start = 0
    for index, (atoms, bonds, triangles) in enumerate(
        zip(sizes, complex_.counts(1).tolist(), complex_.counts(2).tolist())
    ):
        own = neighbours[start : start + atoms]
        counts = Counter(symbols[number] for number in numbers[start : start + atoms])
        formula = Formula.from_dict(counts).reduce()[0].format("hill")
        start += atoms
        rows.append(
            {
                "crystal": index,
                "formula": formula,
                "atoms": atoms,
                "bonds": bonds,
                "triangles": triangles,
                "neighbours_min": int(own.min()),
                "neighbours_mean": float(own.mean()),
                "neighbours_max": int(own.max()),
            }
        )
        name = f"Crystal {index} ({formula})"
        if bonds == 0:
            warnings.append(f"{name} has no bonds: no two atoms are within the cutoff; use a longer one.")
        elif own.min() == 0:
            isolated = int((own == 0).sum())
            warnings.append(
                f"{name} has {isolated} of {atoms} atoms with no neighbour within the cutoff; a longer one "
                "would join them."
            )
        if bonds > MANY_BONDS * atoms or triangles > MANY_TRIANGLES * atoms:
            warnings.append(
                f"{name} is large: {bonds / atoms:.0f} bonds and {triangles / atoms:.0f} triangles per "
                "atom; a shorter cutoff would be quicker."
            )
    return Summary(rows, warnings)
