"""What a structure must be before anything is computed from it, and what is done to make it so.

What was changed (oxidation states left out, partial occupancies ordered) is told by `notes(structure)`.
"""

from itertools import product

import numpy as np
from pymatgen.core import DummySpecies, Element, PeriodicSite, Structure
from scipy.spatial import cKDTree

from tenfma.errors import StructureError

MOST_ATOMS = 20_000
#: pairs nearer than this, Å, are taken for a mistake: the shortest known bond, H–H, has 0.74
NEAREST_PAIR = 0.35
#: cells smaller than this, Å³ per atom, are taken for a mistake
SMALLEST_VOLUME = 0.5
#: Å
LONGEST_CELL = 10_000.0
#: which of the equally good orderings of partial occupancies is taken
DISORDER_SEED = 0


def notes(structure: Structure) -> list[str]:
    """What was done to the structure when it was read, one sentence each."""
    return list((structure.properties or {}).get("notes", []))


def note(structure: Structure, *sentences: str) -> Structure:
    """The structure with more said of it."""
    structure.properties = {**(structure.properties or {}), "notes": [*notes(structure), *sentences]}
    return structure


def checked(structure: Structure, name: str = "the structure") -> Structure:
    """The structure with one element on each site, finite and of sensible size; what was changed is noted.

    Raises StructureError saying what is wrong with it.
    """
    if len(structure) == 0:
        raise StructureError(f"{name} has no atoms; at least one is expected")
    if len(structure) > MOST_ATOMS:
        raise StructureError(
            f"{name} has {len(structure):,} atoms, and at most {MOST_ATOMS:,} are taken; use a smaller cell"
        )
    if not np.isfinite(structure.lattice.matrix).all():
        raise StructureError(f"{name} has a cell that is not finite; give three cell vectors in Å")
    if not np.isfinite(structure.frac_coords).all():
        bad = int(np.argmin(np.isfinite(structure.frac_coords).all(axis=1)))
        raise StructureError(
            f"{name} has a coordinate that is not a number at atom {bad + 1}; give finite positions"
        )
    if np.abs(structure.frac_coords).max() > 1e6:
        raise StructureError(
            f"{name} has an atom a million cells away; give positions inside or near the cell"
        )
    if max(structure.lattice.abc) > LONGEST_CELL:
        raise StructureError(
            f"{name} has a cell {max(structure.lattice.abc):.3g} Å long; at most {LONGEST_CELL:g} Å is expected"
        )
    volume = abs(structure.lattice.volume) / len(structure)
    if volume < SMALLEST_VOLUME:
        raise StructureError(
            f"{name} has a cell of {volume:.3g} Å³ per atom; at least {SMALLEST_VOLUME} is expected"
        )
    structure, changes = _plain(structure, name)
    structure, ordered = _ordered(structure, name)
    _apart(structure, name)
    structure.properties = {"notes": list(dict.fromkeys([*notes(structure), *changes, *ordered]))}
    return structure


def _plain(structure: Structure, name: str) -> tuple[Structure, list[str]]:
    """Elements without oxidation states, isotopes or site properties."""
    said = []
    kinds = {kind for site in structure for kind in site.species}
    for kind in kinds:
        if isinstance(kind, DummySpecies):
            atom = next(index for index, site in enumerate(structure) if kind in site.species)
            raise StructureError(
                f"{name} has {kind.symbol} at {_who(structure, atom)}, which is no element; name one of the periodic "
                "table"
            )
        if kind.Z > 103:
            raise StructureError(
                f"{name} has {kind}, and elements up to lawrencium (Z = 103) are described; replace it"
            )
    if any(getattr(kind, "oxi_state", None) is not None and not isinstance(kind, Element) for kind in kinds):
        said.append("oxidation states are left out: the model reads elements")
    if any(getattr(kind, "element", kind).name in ("D", "T") for kind in kinds):
        said.append("deuterium and tritium are taken as hydrogen, mass included")
    species = []
    for site in structure:
        amounts: dict[str, float] = {}
        for kind, amount in site.species.items():
            if not 0 <= amount <= 1.05:
                raise StructureError(
                    f"{name} has a site occupied {amount:g} times by {kind.symbol}; 0 to 1 is expected"
                )
            if amount > 0:
                amounts[kind.symbol] = amounts.get(kind.symbol, 0.0) + float(amount)
        species.append(amounts)
    held = [index for index, amounts in enumerate(species) if amounts]
    if not held:
        raise StructureError(f"{name} has no atoms; at least one is expected")
    if len(held) < len(species):
        said.append(f"{len(species) - len(held)} sites that hold nothing are left out")
    plain = Structure(
        structure.lattice,
        [species[index] for index in held],
        structure.frac_coords[held],
        labels=[_label(structure[index]) for index in held],
    )
    plain.properties = dict(structure.properties or {})
    return plain, said


def _ordered(structure: Structure, name: str) -> tuple[Structure, list[str]]:
    """Partial occupancies as a seeded quasirandom cell; what was chosen is noted."""
    if structure.is_ordered:
        return structure, []
    from tenfma.crystal.disorder import order

    site = next(site for site in structure if not site.is_ordered)
    try:
        chosen = order(structure, seed=DISORDER_SEED)
    except StructureError as error:
        raise StructureError(f"{name} has partial occupancies ({site.species_string}): {error}") from error
    ordered = chosen.structure.copy()
    ordered.properties = dict(structure.properties or {})
    return ordered, [f"partial occupancies became an ordered cell: {str(chosen).rstrip('.')}"]


def _apart(structure: Structure, name: str) -> None:
    """Refuse two atoms on one spot, images included."""
    lattice = structure.lattice.get_lll_reduced_lattice()
    thinnest = float(np.min(1 / np.linalg.norm(lattice.inv_matrix, axis=0)))
    if thinnest < NEAREST_PAIR:
        raise StructureError(
            f"{name} has a cell only {thinnest:.2g} Å thick, so that an atom meets its own image; check the cell"
        )
    inside = lattice.get_fractional_coords(structure.cart_coords) % 1.0
    margin = NEAREST_PAIR * np.linalg.norm(lattice.inv_matrix, axis=0)
    images = np.array(list(product((-1, 0, 1), repeat=3)))
    everywhere = (inside[None] + images[:, None]).reshape(-1, 3)
    owner = np.tile(np.arange(len(inside)), len(images))
    near = ((everywhere > -margin) & (everywhere < 1 + margin)).all(axis=1)
    places = cKDTree(lattice.get_cartesian_coords(everywhere[near]))
    home = lattice.get_cartesian_coords(inside)
    nearest = places.query(home, k=2, distance_upper_bound=NEAREST_PAIR)
    distances, found = np.asarray(nearest[0]), np.asarray(nearest[1])
    worst = int(np.argmin(distances[:, 1]))
    if np.isfinite(distances[worst, 1]):
        owners = owner[near][found[worst]]  # itself and the other one, in either order where they coincide
        other = int(owners[1] if owners[0] == worst else owners[0])
        apart = f"{distances[worst, 1]:.2f} Å apart" if distances[worst, 1] > 1e-3 else "on the same place"
        raise StructureError(
            f"{name} has atoms {_who(structure, worst)} and {_who(structure, other)} {apart}; "
            f"at least {NEAREST_PAIR} Å is expected: remove the one given twice, or check coordinates and cell"
        )


def _label(site: PeriodicSite) -> str | None:
    """What the file calls an atom, where that is more than its element."""
    return site.label if site.is_ordered and site.label != site.species_string else None


def _who(structure: Structure, index: int) -> str:
    """An atom's number, counted from 1, and what it is called."""
    kind = next(iter(structure[index].species))
    return f"{index + 1} ({_label(structure[index]) or kind.symbol})"
