"""What may be asked of the catalogue, as one value, and the SQL it becomes.

Every word of a person travels as a parameter.
"""

import math
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import get_close_matches

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select

from tenfma.catalogue.entries import ORIGINS, masks
from tenfma.catalogue.schema import entries, properties
from tenfma.catalogue.space_groups import number_of
from tenfma.errors import TenfmaError

#: least and most, None where there is no end
Ends = tuple[float | None, float | None]
OPEN: Ends = (None, None)
#: property → unit it is held in → how many of these the unit of its range is
Units = Mapping[str, Mapping[str, float]]
NO_UNITS: Units = {}
#: SQL LIKE's own letters, which a person means as themselves
_WILD = str.maketrans({"%": r"\%", "_": r"\_", "\\": r"\\"})
#: names a query may be sorted by beside properties
COLUMNS = ("id", "reduced_formula", "n_atoms", "n_elements", "space_group", "volume", "source", "identifier")


@dataclass(frozen=True)
class Query:
    """A filter; every part that is given must hold.

    `formula`: a reduced formula in any order of elements, or anonymous such as ABC3. `elements`, with `match` all
    (every one is there), any (at least one) or only (nothing else). `chemical_system`: exactly these, as Al-Ni.
    `properties`: name → (least, most), either None; values whose origin is model count only if `origin` says model.
    `units`: name → unit its range is meant in, where values are held in several.
    `text`: words that formula, mineral, prototype, Strukturbericht and Pearson symbols, space group, source and
    identifier must contain.
    """

    formula: str = ""
    elements: Sequence[str] = ()
    match: str = "all"
    chemical_system: str = ""
    space_group: int | str | None = None
    n_atoms: Ends = OPEN
    properties: Mapping[str, Ends] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    origin: str | None = None
    source: str = ""
    text: str = ""

    def conditions(self, units: Units = NO_UNITS, leads: bool = True) -> list[ColumnElement[bool]]:
        """The filter as SQL; `units` are `meanings.meaning`'s. Raises TenfmaError for a part that means nothing.

        Without `leads` it is asked of entries that something else has found.
        """
        parts = self._own()
        for name, ends in self.properties.items():
            held = self._values(name, ends, units)
            if leads and not parts:  # a range is listed by value where it leads
                parts.append(entries.c.id.in_(select(properties.c.entry).where(*held)))
            else:  # and looked up for each entry that something else has found
                held = self._values(name, ends, units, listed=False)
                parts.append(
                    select(properties.c.id).where(properties.c.entry == entries.c.id, *held).exists()
                )
        return parts

    def lists(self, units: Units = NO_UNITS) -> list[Select]:
        """Ids that fit each part by itself; those in every list fit. A range's own list takes one index and no entry."""
        own = self._own()
        ranges = [
            select(properties.c.entry).where(*self._values(name, ends, units))
            for name, ends in self.properties.items()
        ]
        return [select(entries.c.id).where(*own), *ranges] if own or not ranges else ranges

    def _own(self) -> list[ColumnElement[bool]]:
        """What is asked of an entry's own columns."""
        parts: list[ColumnElement[bool]] = []
        if self.formula:
            parts.append(_formula(self.formula))
        if self.elements:
            parts.append(_elements(self.elements, self.match))
        if self.chemical_system:
            parts.append(
                entries.c.chemical_system == "-".join(sorted(_symbols(self.chemical_system.split("-"))))
            )
        if self.space_group is not None and str(self.space_group).strip():
            parts.append(entries.c.space_group == number_of(self.space_group))
        parts += _between(entries.c.n_atoms, self.n_atoms, "n_atoms")
        if self.source:
            parts.append(entries.c.source == self.source)
        for word in plain(self.text, "text").lower().split():
            parts.append(entries.c.words.like(f"%{word.translate(_WILD)}%", escape="\\"))
        return parts

    def _values(self, name: str, ends: Ends, units: Units, listed: bool = True) -> list[ColumnElement[bool]]:
        """The values of this name in a range, in each unit it may be held in, of the origin asked for."""
        value: ColumnElement = properties.c.value
        unit: ColumnElement = properties.c.unit
        if not listed:
            value, unit = value + 0.0, unit + ""  # keeps SQLite from listing it by value
        named = [properties.c.name == plain(name, "property"), origin_is(self.origin)]
        if name not in units:
            return [*named, *_between(value, ends, name)]
        scaled = [
            and_(unit == held, *_between(value, _scaled(ends, factor), name))
            for held, factor in units[name].items()
        ]
        return [*named, or_(*scaled)]

    def select(self, sort: str = "", descending: bool = False, units: Units = NO_UNITS) -> Select:
        """The entries that fit, in order of `sort` (a column or a property), then id."""
        statement = select(entries).where(*self.conditions(units))
        if sort and sort not in COLUMNS:
            value: ColumnElement = properties.c.value
            held_in = [properties.c.unit.in_(list(units[sort]))] if sort in units else []
            if len(set(units.get(sort, {}).values())) > 1:
                value = value / case(units[sort], value=properties.c.unit)
            held = (
                select(properties.c.entry, func.min(value).label("value"))
                .where(properties.c.name == plain(sort, "property"), origin_is(self.origin), *held_in)
                .group_by(properties.c.entry)
                .subquery()
            )
            statement = statement.join(held, held.c.entry == entries.c.id)
            return statement.order_by(held.c.value.desc() if descending else held.c.value, entries.c.id)
        column = entries.c[sort or "id"]
        return statement.order_by(column.desc() if descending else column, entries.c.id)

    def count(self, units: Units = NO_UNITS) -> Select:
        """How many fit."""
        return select(func.count()).select_from(entries).where(*self.conditions(units))


def origin_is(origin: str | None) -> ColumnElement[bool]:
    """Properties of one origin; of any but model where none is named."""
    if origin is not None and origin not in ORIGINS:
        raise TenfmaError(f"origin is {origin!r}; {', '.join(ORIGINS)} is expected")
    return properties.c.origin == origin if origin else properties.c.origin != "model"


def property_range(text: str) -> tuple[str, Ends, str]:
    """A range as a person writes it, and its unit: `K_vrh>=100 GPa`, `G_vrh<50`. Bounds are inclusive either way.

    >>> property_range("50<=K_vrh<=100 GPa")
    ('K_vrh', (50.0, 100.0), 'GPa')
    """
    number = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
    name = r"[^\W\d](?:[\w.()/ -]{0,90}[\w.)])?"
    unit = r"[^\W\d][^<>=;]{0,39}|1/[^<>=;]{1,38}"
    found = re.fullmatch(
        rf"(?:({number})\s*<=?)?\s*({name})\s*(?:(<=?|>=?|=)\s*({number})\s*({unit})?)?", text.strip()
    )
    if not found or not (found[1] or found[3]) or (found[1] and found[3] and not found[3].startswith("<")):
        raise TenfmaError(
            f"{text[:80]!r} is no range; NAME>=NUMBER, NAME<=NUMBER UNIT or NUMBER<=NAME<=NUMBER is expected"
        )
    low = float(found[1]) if found[1] else None
    high = None
    if found[3]:
        bound = float(found[4])
        low = bound if found[3][0] in ">=" else low
        high = bound if found[3][0] in "<=" else high
    return found[2], (low, high), (found[5] or "").strip()


def narrower(one: Ends, other: Ends) -> Ends:
    """Where both ranges hold.

    >>> narrower((50.0, None), (None, 100.0))
    (50.0, 100.0)
    """
    low = [end for end in (one[0], other[0]) if end is not None]
    high = [end for end in (one[1], other[1]) if end is not None]
    return max(low, default=None), min(high, default=None)


def _formula(text: str) -> ColumnElement[bool]:
    from pymatgen.core import Composition, Element

    text = plain(text, "formula").replace(" ", "")
    shown = text if len(text) <= 60 else text[:57] + "..."
    if re.fullmatch(r"[A-Za-z0-9().]{1,200}", text):
        if re.fullmatch(r"([A-H]\d*)+", text) and "A" in text:
            return entries.c.anonymous_formula == "".join(re.findall(r"[A-Z]\d*", text))
        with suppress(ValueError, KeyError):
            read = Composition(text)
            if all(isinstance(kind, Element) for kind in read) and not re.search(r"[A-Za-z)]0(?!\.)", text):
                return entries.c.reduced_formula == read.reduced_formula
    meant = " or ".join(_readings(text)) if len(text) <= 24 else ""
    raise TenfmaError(
        f"{shown!r} is no formula; {meant or 'one such as CaTiO3, or ABC3 for any elements,'} is expected"
    )


def _readings(text: str, most: int = 3) -> list[str]:
    """Formulas that differ from the text in the size of letters and in 0 for O, of as few elements as there may be."""
    from pymatgen.core import Element

    found: list[list[str]] = []

    def read(rest: str, parts: list[str]) -> None:
        if not rest:
            found.append(parts)
            return
        for size in (2, 1):
            symbol = rest[:size].replace("0", "o").capitalize()
            if len(rest) >= size and Element.is_valid_symbol(symbol) and Element(symbol).Z <= 103:
                count = re.match(r"[1-9]\d*|", rest[size:])[0]  # type: ignore[index]
                read(rest[size + len(count) :], [*parts, symbol + count])

    read(text, [])
    fewest = min(map(len, found), default=0)
    return ["".join(parts) for parts in found if len(parts) == fewest][:most]


def _elements(symbols: Sequence[str], match: str) -> ColumnElement[bool]:
    low, high = masks("-".join(_symbols(symbols)))
    has = entries.c
    if match == "all":
        return and_(has.low.bitwise_and(low) == low, has.high.bitwise_and(high) == high)
    if match == "any":
        return or_(has.low.bitwise_and(low) != 0, has.high.bitwise_and(high) != 0)
    if match == "only":
        every_low, every_high = (1 << 52) - 1, (1 << 51) - 1
        return and_(has.low.bitwise_and(every_low ^ low) == 0, has.high.bitwise_and(every_high ^ high) == 0)
    raise TenfmaError(f"match is {match!r}; all, any or only is expected")


def _symbols(symbols: Sequence[str]) -> list[str]:
    from pymatgen.core import Element

    found = []
    for symbol in symbols:
        text = symbol.strip().capitalize()
        if not Element.is_valid_symbol(text) or Element(text).Z > 103:
            raise TenfmaError(f"{symbol.strip()[:40]!r} is no element; {_named(text)} expected")
        found.append(Element.from_Z(Element(text).Z).symbol)
    return list(dict.fromkeys(found))


def _named(text: str) -> str:
    """The symbols of elements whose names are near to a text, as what is expected."""
    from pymatgen.core import Element

    names = {element.long_name: element.symbol for element in Element if element.Z <= 103}
    near = get_close_matches(text, [*names, *names.values()], 2, 0.7)
    if near:
        return " or ".join(f"{names.get(name, name)}" for name in near) + " is"
    return "symbols such as Al or Ni are"


def _between(column, ends: Ends, name: str) -> list[ColumnElement[bool]]:
    low, high = ends
    for end in ends:
        if end is not None and not math.isfinite(end):
            raise TenfmaError(f"{name} is asked from {low} to {high}; finite numbers, or None, are expected")
    if low is not None and high is not None and low > high:
        raise TenfmaError(
            f"{name} is asked from {low:g} to {high:g}, which nothing is; give the smaller end first"
        )
    parts = [] if low is None else [column >= low]
    return parts if high is None else [*parts, column <= high]


def _scaled(ends: Ends, factor: float) -> Ends:
    """The ends in another unit, a rounding wider where they are converted, for they are inclusive."""
    if factor == 1:
        return ends
    low, high = (None if end is None else end * factor for end in ends)
    return low if low is None else low - 1e-12 * abs(low), high if high is None else high + 1e-12 * abs(high)


def plain(text: str, what: str) -> str:
    if len(text) > 500:
        raise TenfmaError(f"the {what} has {len(text)} letters; at most 500 are expected")
    if "\0" in text:
        raise TenfmaError(f"the {what} holds a zero byte; plain text is expected")
    return text
