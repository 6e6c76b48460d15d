"""What a query's names and units mean in one catalogue, and why nothing fits where nothing does.

Values of one property may be held in several units. A range reads those that a factor turns into the unit it is meant in,
says which unit that is, and is refused where that is not plain.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

from sqlalchemy import Connection, func, select

from tenfma.catalogue.connection import CatalogueError
from tenfma.catalogue.query import COLUMNS, OPEN, Query, Units, origin_is
from tenfma.catalogue.schema import entries, properties
from tenfma.catalogue.units import factor

#: names that a sentence lists
LISTED = 12


@dataclass(frozen=True)
class Meaning:
    """Units of a query's properties, as `Query.conditions` takes them, and sentences on how they were understood."""

    units: Units = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def meaning(connection: Connection, query: Query, sort: str = "") -> Meaning:
    """What the names of a query mean here. Raises CatalogueError for one that is not held, and for a unit not plain."""
    if query.source:
        _held_source(connection, query.source)
    units, notes = {}, []
    for name in dict.fromkeys((*query.properties, *([sort] if sort and sort not in COLUMNS else []))):
        held = _held(connection, name, query.origin)
        asked = query.units.get(name, "")
        unit = asked or _only(name, held, by_range=name in query.properties)
        units[name] = {other: size for other in held if (size := factor(unit, other)) is not None}
        if not units[name]:
            raise CatalogueError(
                f"{name} is held {_in(held)}, which no factor turns {unit} into; give the range in one of these"
            )
        others = [other for other in units[name] if other != unit]
        notes.append(f"{name} asked {_in([unit])}, held {_in(others)}" if others else f"{name} {_in([unit])}")
        if left := [other for other in held if other not in units[name]]:
            notes.append(f"values of {name} held {_in(left)} are left out")
    return Meaning(units, tuple(notes))


def reasons(connection: Connection, query: Query) -> list[str]:
    """Where nothing fits: sentences on which parts fit nothing by themselves, and what is held instead."""
    if not connection.scalar(select(entries.c.id).limit(1)):
        return ["the catalogue is empty"]
    found: list[str] = []
    for part in _parts(query):
        if found and len(part.elements) > 1:
            continue  # one of them is missing, which says it
        units = meaning(connection, part).units
        if not connection.scalar(part.count(units)):
            found.append(_reason(connection, part, units))
    return found or ["each part fits some entries by itself, and no entry fits all of them"]


def _parts(query: Query) -> Iterator[Query]:
    """The query's parts, each by itself."""
    for symbol in query.elements if query.match == "all" else ():
        yield Query(elements=[symbol])
    for name in ("formula", "elements", "chemical_system", "space_group", "source"):
        if value := getattr(query, name):
            yield replace(Query(match=query.match), **{name: value})
    if query.n_atoms != OPEN:
        yield Query(n_atoms=query.n_atoms)
    for word in query.text.split():
        yield Query(text=word)
    for name, ends in query.properties.items():
        yield replace(Query(origin=query.origin, units=query.units), properties={name: ends})


def _reason(connection: Connection, part: Query, units: Units) -> str:
    if part.formula:
        return _formulas(connection, part)
    if part.elements:
        joined = {"all": " and ", "any": " or ", "only": " and "}[part.match].join(part.elements)
        return f"no entry holds {'nothing but ' if part.match == 'only' else ''}{joined}"
    if part.chemical_system:
        return f"no entry is of the system {part.chemical_system}"
    if part.space_group:
        return f"no entry has space group {part.space_group}"
    if part.n_atoms != OPEN:
        least, most = connection.execute(
            select(func.min(entries.c.n_atoms), func.max(entries.c.n_atoms))
        ).one()
        return f"cells have {least} to {most} atoms"
    for name in part.properties:
        least, most = _extent(connection, name, units[name], part.origin)
        unit = part.units.get(name) or next(iter(units[name]))
        return f"{name} is held from {least:.6g} to {most:.6g} {unit}".rstrip()
    return f"no entry bears the word {part.text!r}"


def _extent(connection: Connection, name: str, units, origin: str | None) -> tuple[float, float]:
    ends = [
        (end / size, end)
        for unit, size in units.items()
        for end in connection.execute(
            select(func.min(properties.c.value), func.max(properties.c.value)).where(
                properties.c.name == name, properties.c.unit == unit, origin_is(origin)
            )
        ).one()
    ]
    return min(ends)[0], max(ends)[0]


def _formulas(connection: Connection, part: Query) -> str:
    """That a formula is not held, with those of the same elements."""
    from pymatgen.core import Composition, Element

    read = Composition(part.formula.replace(" ", ""))
    if not all(isinstance(kind, Element) for kind in read):
        return f"no entry has the formula {part.formula}"
    elements = sorted(element.symbol for element in read)
    same = select(entries.c.reduced_formula).where(entries.c.chemical_system == "-".join(elements)).distinct()
    held = sorted(connection.scalars(same.limit(LISTED)))
    told = f"with the same elements there are {', '.join(held)}" if held else "nor any of the same elements"
    return f"no entry is {read.reduced_formula}, {told}"


def _held_source(connection: Connection, source: str) -> None:
    if connection.scalar(select(entries.c.id).where(entries.c.source == source).limit(1)):
        return
    near = _near(source, list(_following(connection, entries.c.source)))
    raise CatalogueError(f"no entry has the source {source[:60]!r}; {near}")


def _held(connection: Connection, name: str, origin: str | None) -> list[str]:
    """The units a property is held in."""
    named = properties.c.name == name
    if units := list(_following(connection, properties.c.unit, named, origin_is(origin))):
        return units
    if origins := sorted(connection.scalars(select(properties.c.origin).where(named).distinct())):
        asked = f"of origin {origin}" if origin else "but a model's"
        raise CatalogueError(f"no value of {name} {asked} is held; give --origin {' or '.join(origins)}")
    near = _near(name, list(_following(connection, properties.c.name)))
    raise CatalogueError(f"no entry has a property {name[:60]!r}; {near}")


def _following(connection: Connection, column, *where) -> Iterator[str]:
    """The different values of an indexed text column, each by one look into the index."""
    last = connection.scalar(select(func.min(column)).where(*where))
    while last is not None:
        yield last
        last = connection.scalar(select(func.min(column)).where(*where, column > last))


def _only(name: str, held: list[str], by_range: bool) -> str:
    """The one unit of a property, whatever its spelling. Raises CatalogueError where there are several."""
    if all(factor(held[0], other) == 1 for other in held):
        return held[0]
    example = (
        f"{name}>=1 {next(filter(None, held))}"
        if by_range
        else f"--sort '{name} [{next(filter(None, held))}]'"
    )
    raise CatalogueError(f"{name} is held {_in(held)}; say which is meant, as in {example}")


def _in(units: list[str]) -> str:
    return " and ".join(f"in {unit}" if unit else "without a unit" for unit in units)


def _near(asked: str, held: list[str]) -> str:
    """What is held with a name near to the one asked for, or else some of what is held."""
    lower = {name.lower(): name for name in held}
    near = [lower[name] for name in get_close_matches(asked.lower(), lower, 3, 0.6)]
    names = near or held[:LISTED]
    if near or len(names) < 2:
        return f"{' or '.join(names) or 'nothing'} is held"
    return f"{', '.join(names)} are held"
