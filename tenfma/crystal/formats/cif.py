"""CIF, block by block: its numbers, elements and symmetry are looked at before pymatgen expands them.

A block is a frame where it has a cell and atom sites; blocks without them (authors, powder patterns) are passed
over.
"""

import math
import re
import warnings
from collections.abc import Sequence

from pymatgen.core import Structure
from pymatgen.core.periodic_table import Element
from pymatgen.io.cif import CifBlock, CifParser

from tenfma.crystal.checks import note
from tenfma.crystal.formats.numbers import finite, shown
from tenfma.errors import StructureError

#: rows of atom sites times symmetry operations that a CIF may ask to be expanded
MOST_EXPANDED = 400_000
#: the largest sum of occupancies on one site that is taken for 1, as roundings of experiments make it
MOST_OCCUPIED = 1.05
LONGEST_LINE = 4096
NEEDED = ("data_", "_cell_length_a", "_atom_site")
LENGTHS = ("_cell_length_a", "_cell_length_b", "_cell_length_c")
ANGLES = ("_cell_angle_alpha", "_cell_angle_beta", "_cell_angle_gamma")
PLACES = ("_atom_site_fract_x", "_atom_site_fract_y", "_atom_site_fract_z")
OPERATIONS = ("_symmetry_equiv_pos_as_xyz", "_space_group_symop_operation_xyz")
GROUPS = (
    "_symmetry_space_group_name_h-m",
    "_space_group_name_h-m_alt",
    "_space_group_name_hall",
    "_symmetry_space_group_name_hall",
    "_space_group_it_number",
    "_symmetry_int_tables_number",
)
ALONE = "neither symmetry operations nor a space group are given: the sites are taken as all there are"
_NUMBER = r"(\d+\.?\d*|\.\d+)(/\d+)?"
_TERM = rf"({_NUMBER}\*?)?[xyz](/\d+)?|{_NUMBER}"
_OPERATION = re.compile(rf"[-+]?({_TERM})([-+]({_TERM}))*")


def split(text: str, name: str) -> list[str]:
    """The blocks that hold a crystal."""
    lower = text.lower()
    for needed in NEEDED:
        if needed not in lower:
            raise StructureError(
                f"{name} is not a whole CIF: it has no {needed}; cell and atom sites are expected"
            )
    if max(map(len, text.splitlines())) > LONGEST_LINE:
        raise StructureError(f"{name} is not a CIF: it has lines of more than {LONGEST_LINE:,} characters")
    blocks = [block for block in re.split(r"(?im)^\s*(?=data_)", text) if block.lower().startswith("data_")]
    crystals = [block for block in blocks if all(needed in block.lower() for needed in NEEDED)]
    if not crystals:
        raise StructureError(
            f"{name} has no block with both a cell and atom sites; one with both is expected"
        )
    return crystals


def build(text: str, name: str) -> Structure:
    """The crystal of one block."""
    operations = len(re.findall(r"[-+\dxyz/.]*[xyz][-+\dxyz/. ]*,[-+\dxyz/. ]*,[-+\dxyz/. ]*", text.lower()))
    block = _block(text, name)
    rows = len(_sites(block, name))
    if rows * max(1, operations) > MOST_EXPANDED:
        raise StructureError(
            f"{name} has {rows:,} atom sites and {operations:,} symmetry operations, too many to expand"
        )
    _check_cell(block, name)
    _check_sites(block, name)
    said = _check_symmetry(block, name)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            rounded = 1e-4 if operations > 1 else 0.0  # 0.3333 is 1/3 only where symmetry says so
            found = CifParser.from_str(
                text, occupancy_tolerance=MOST_OCCUPIED, frac_tolerance=rounded
            ).parse_structures(primitive=False, on_error="raise")
        except Exception as error:  # the parser may raise anything on a broken file
            words = " ".join([str(error), *(str(warning.message) for warning in caught)])
            raise StructureError(f"{name} {_reason(words)}") from error
    if said and any("Defaulting to P1" in str(warning.message) for warning in caught):
        said = [_without_symmetry(block, name)]
    return note(found[0], *said)


def _reason(words: str) -> str:
    """In plain words, why the sites could not be expanded."""
    if over := re.search(r"[Oo]ccupanc(?:y|ies) \(?\[?(?:np\.float64\()?([\d.]+)", words):
        return (
            f"has sites on one place whose occupancies add up to {float(over[1].rstrip('.')):g}; at most 1 is "
            "expected: remove the atom that is given twice, or give it an occupancy below 1"
        )
    return (
        "could not be read as CIF: its symmetry operations and atom sites do not make a crystal; "
        "write it again from the program it came from"
    )


def _block(text: str, name: str) -> CifBlock:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            block = CifBlock.from_str(text)
        except Exception as error:  # as above
            raise StructureError(
                f"{name} could not be read as CIF: a loop_ has no rows, or rows that are not as long as its list of "
                "names; mend the loop"
            ) from error
    block.data = {key.lower().rstrip("_"): value for key, value in block.data.items()}
    return block


def _list(value: object) -> list[str]:
    return [str(entry) for entry in value] if isinstance(value, list) else [str(value)]


def _sites(block: CifBlock, name: str) -> list[str]:
    """What names each site in messages: its number and label."""
    missing = [key for key in PLACES if key not in block.data]
    if missing:
        raise StructureError(
            f"{name} has no {missing[0]}; fractional coordinates of every atom site are expected"
        )
    count = len(_list(block.data[PLACES[0]]))
    if "_atom_site_label" not in block.data:
        raise StructureError(f"{name} does not name its atoms; _atom_site_label is expected, such as Na1")
    labels = _list(block.data["_atom_site_label"])
    return [f"{row + 1} ({shown(label)[1:-1]})" for row, label in zip(range(count), labels)]


def _number(word: str) -> str:
    """A CIF number without the uncertainty in brackets."""
    return re.sub(r"\([^)]*\)?$", "", word.strip())


def _check_cell(block: CifBlock, name: str) -> None:
    """Positive lengths, and angles that three vectors can make with each other."""
    for key in (*LENGTHS, *ANGLES):
        if key not in block.data:
            raise StructureError(f"{name} has no {key}; three lengths in Å and three angles are expected")
    lengths, angles = (
        [finite(_number(_list(block.data[key])[0]), f"{name} has a {key} that") for key in keys]
        for keys in (LENGTHS, ANGLES)
    )
    for key, length in zip(LENGTHS, lengths):
        if length <= 0:
            raise StructureError(f"{name} has {key} {length:g}; a length above 0 Å is expected")
    for key, angle in zip(ANGLES, angles):
        if not 0 < angle < 180:
            raise StructureError(
                f"{name} has {key} {angle:g}; an angle between 0 and 180 degrees is expected"
            )
    if max(angles) < math.pi:
        raise StructureError(
            f"{name} has cell angles {_words(angles)}, which look like radians; degrees are expected"
        )
    if sum(angles) >= 360 or 2 * max(angles) >= sum(angles):
        raise StructureError(
            f"{name} has cell angles {_words(angles)}, which no three vectors make: each must be smaller than the sum "
            "of the other two, and all together below 360 degrees"
        )


def _words(values: Sequence[float]) -> str:
    return ", ".join(f"{value:g}" for value in values[:-1]) + f" and {values[-1]:g}"


def _check_sites(block: CifBlock, name: str) -> None:
    """Finite coordinates, elements and occupancies for every site."""
    sites = _sites(block, name)
    for key, axis in zip(PLACES, "xyz"):
        words = _list(block.data[key])
        if len(words) != len(sites):
            raise StructureError(
                f"{name} has {len(sites)} atom sites and {len(words)} {axis} coordinates; as many are expected"
            )
        for site, word in zip(sites, words):
            if word in ("?", "."):
                raise StructureError(
                    f"{name} has no {axis} coordinate at atom site {site}; give it, or leave the site out"
                )
            value = finite(_number(word), f"{name} has at atom site {site} an {axis} coordinate that")
            if abs(value) > 1e6:
                raise StructureError(
                    f"{name} has atom site {site} a million cells away; give positions inside or near the cell"
                )
    symbols = block.data.get("_atom_site_type_symbol", block.data.get("_atom_site_label"))
    for site, symbol in zip(sites, _list(symbols)):
        if not _is_element(symbol):
            raise StructureError(
                f"{name} has {shown(symbol)} at atom site {site}, which is no element; name one of the periodic table"
            )
    _check_occupancies(block, sites, name)


def _check_occupancies(block: CifBlock, sites: list[str], name: str) -> None:
    """Between 0 and 1, on each site and on each place that several sites share."""
    words = _list(block.data.get("_atom_site_occupancy", ["1"] * len(sites)))
    axes = [_list(block.data[key]) for key in PLACES]
    places: dict[tuple[float, ...], list[str]] = {}
    held: dict[tuple[float, ...], float] = {}
    for row, (site, word) in enumerate(zip(sites, words)):
        amount = 1.0
        if word not in ("?", "."):
            amount = finite(_number(word), f"{name} has at atom site {site} an occupancy that")
        if not 0 <= amount <= MOST_OCCUPIED:
            raise StructureError(f"{name} has atom site {site} occupied {amount:g} times; 0 to 1 is expected")
        place = tuple(round(float(_number(axis[row])) % 1, 4) % 1 for axis in axes)
        places.setdefault(place, []).append(site)
        held[place] = held.get(place, 0.0) + amount
        if held[place] > MOST_OCCUPIED:
            raise StructureError(
                f"{name} has atom sites {' and '.join(places[place][-2:])} on the same place, together occupied "
                f"{held[place]:g} times; remove the one given twice, or give both occupancies below 1"
            )
    if not any(held.values()):
        raise StructureError(
            f"{name} has no atoms: every occupancy is 0, and at least one above 0 is expected"
        )


def _is_element(word: str) -> bool:
    """Whether a CIF's symbol or label begins with an element: Na, NA1, Fe3+, D, Ow, but not X1, M or ?."""
    letters = re.match(r"[A-Za-z]+", word)
    if not letters:
        return False
    return any(Element.is_valid_symbol(letters[0][:size].title()) for size in (2, 1))


def _check_symmetry(block: CifBlock, name: str) -> list[str]:
    """Operations that can be read, or a space group that is known; what is to be said about them."""
    for key in OPERATIONS:
        operations = [word for word in _list(block.data.get(key, [])) if word.strip()]
        for operation in operations:
            parts = re.sub(r"[\s'\"]", "", operation.lower()).split(",")
            if (
                len(parts) != 3
                or not all(map(_OPERATION.fullmatch, parts))
                or re.search(r"/0+(?!\d)", operation)
            ):
                raise StructureError(
                    f"{name} has the symmetry operation {shown(operation)}; three parts such as x, y+1/2, -z are expected"
                )
        if operations:
            return []
    if any("magn" in key for key in block.data):
        return []
    group = _group(block)
    return (
        [f"no symmetry operations are listed: those of the space group {group} are taken"]
        if group
        else [ALONE]
    )


def _group(block: CifBlock) -> str:
    """The space group as the file names it, empty where it does not."""
    named = (_list(block.data.get(key, ""))[0].strip() for key in GROUPS)
    return next((word for word in named if word not in ("", "?", ".")), "")


def _without_symmetry(block: CifBlock, name: str) -> str:
    """What is said where no operations are known; refused where a space group is named that nobody knows."""
    if group := _group(block):
        raise StructureError(
            f"{name} names the space group {shown(group)}, which is not known, and lists no symmetry operations; "
            "list them, or name one of the 230 groups"
        )
    return ALONE
