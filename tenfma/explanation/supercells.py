"""A structure repeated, as the kind it came in."""

from typing import Any

from tenfma.errors import TenfmaError
from tenfma.explanation.couplings import LARGEST


def repeated(structure: Any, cells: tuple[int, ...]) -> Any:
    """The structure `cells` times along its lattice vectors. Raises TenfmaError for counts that are none."""
    if len(cells) != 3 or not all(isinstance(n, int) and 1 <= n <= 20 for n in cells):
        raise TenfmaError(f"the supercell is {cells}; three whole numbers from 1 to 20 are expected")
    if hasattr(structure, "get_positions"):
        return structure.repeat(cells)
    made = structure.copy()
    return made.make_supercell(cells, in_place=True) or made


def check_size(atoms: int, cells: tuple[int, ...], name: str = "supercell") -> None:
    """Refuse a supercell whose couplings and modes would not fit, before any work; `name` is what asked for it."""
    total = atoms
    for count in cells:
        total *= count
    if total > LARGEST:
        size = ",".join(map(str, cells))
        raise TenfmaError(
            f"{name} {size} of {atoms} atoms makes {total}, and couplings and modes are told of at most {LARGEST} "
            "atoms; take a smaller one"
        )
