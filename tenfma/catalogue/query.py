"""What may be asked of the catalogue, as one value, and the SQL it becomes.

Every word of a person travels as a parameter.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from tenfma.catalogue.entries import ORIGINS, masks
from tenfma.catalogue.schema import entries, properties
from tenfma.errors import TenfmaError

#: a range without an end
OPEN = (None, None)
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
    `text`: words that formula, mineral, prototype, Strukturbericht and Pearson symbols, space group, source and
    identifier must contain.
    """

    formula: str = ""
    elements: Sequence[str] = ()
    match: str = "all"
    chemical_system: str = ""
    space_group: int | str | None = None
    n_atoms: tuple[float | None, float | None] = OPEN
    properties: Mapping[str, tuple[float | None, float | None]] = field(default_factory=dict)
    origin: str | None = None
    source: str = ""
    text: str = ""

    def conditions(self, leads: bool = True) -> list[ColumnElement[bool]]:
        """The filter as SQL. Raises TenfmaError for a part that means nothing.

        Without `leads` it is asked of entries that something else has found.
        """
        parts = self._own()
        for name, ends in self.properties.items():
            parts.append(self._property(name, ends, leads=leads and not parts))
        return parts

    def lists(self) -> list[Select]:
        """Ids that fit each part by itself; those in every list fit. A range's own list takes one index and no entry."""
        own = self._own()
        ranges = [
            select(properties.c.entry).where(*self._values(name, ends, properties.c.value))
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
            parts.append(_space_group(self.space_group))
        parts += _between(entries.c.n_atoms, self.n_atoms, "n_atoms")
        if self.source:
            parts.append(entries.c.source == self.source)
        for word in _plain(self.text, "text").lower().split():
            parts.append(entries.c.words.like(f"%{word.translate(_WILD)}%", escape="\\"))
        return parts

    def _property(
        self, name: str, ends: tuple[float | None, float | None], leads: bool
    ) -> ColumnElement[bool]:
        """A range: listed by value where it leads, looked up for each entry that something else has found."""
        value = (
            properties.c.value if leads else properties.c.value + 0.0
        )  # keeps SQLite from listing it by value
        held = self._values(name, ends, value)
        if leads:
            return entries.c.id.in_(select(properties.c.entry).where(and_(*held)))
        return select(properties.c.id).where(properties.c.entry == entries.c.id, *held).exists()

    def _values(self, name: str, ends: tuple[float | None, float | None], value) -> list[ColumnElement[bool]]:
        """The values of this name in a range, of the origin asked for."""
        named = properties.c.name == _plain(name, "property")
        return [named, *_between(value, ends, name), origin_is(self.origin)]

    def select(self, sort: str = "", descending: bool = False) -> Select:
        """The entries that fit, in order of `sort` (a column or a property), then id."""
        statement = select(entries).where(*self.conditions())
        if sort and sort not in COLUMNS:
            held = (
                select(properties.c.entry, func.min(properties.c.value).label("value"))
                .where(properties.c.name == _plain(sort, "property"), origin_is(self.origin))
                .group_by(properties.c.entry)
                .subquery()
            )
            statement = statement.join(held, held.c.entry == entries.c.id)
            return statement.order_by(held.c.value.desc() if descending else held.c.value, entries.c.id)
        column = entries.c[sort or "id"]
        return statement.order_by(column.desc() if descending else column, entries.c.id)

    def count(self) -> Select:
        """How many fit."""
        return select(func.count()).select_from(entries).where(*self.conditions())


def origin_is(origin: str | None) -> ColumnElement[bool]:
    """Properties of one origin; of any but model where none is named."""
    if origin is not None and origin not in ORIGINS:
        raise TenfmaError(f"origin is {origin!r}; {', '.join(ORIGINS)} is expected")
    return properties.c.origin == origin if origin else properties.c.origin != "model"


def property_range(text: str) -> tuple[str, tuple[float | None, float | None]]:
    """A range as a person writes it: `K_vrh>=100`, `G_vrh<50`, `50<=K_vrh<=100`. Bounds are inclusive either way.

    >>> property_range("50<=K_vrh<=100")
    ('K_vrh', (50.0, 100.0))
    """
    number = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
    found = re.fullmatch(
        rf"(?:({number})\s*<=?)?\s*([A-Za-z]\w*)\s*(?:(<=?|>=?|=)\s*({number}))?", text.strip()
    )
    if not found or not (found[1] or found[3]) or (found[1] and found[3] and not found[3].startswith("<")):
        raise TenfmaError(
            f"{text!r} is no range; NAME>=NUMBER, NAME<=NUMBER or NUMBER<=NAME<=NUMBER is expected"
        )
    low = float(found[1]) if found[1] else None
    high = None
    if found[3]:
        bound = float(found[4])
        low = bound if found[3][0] in ">=" else low
        high = bound if found[3][0] in "<=" else high
    return found[2], (low, high)


def narrower(
    one: tuple[float | None, float | None], other: tuple[float | None, float | None]
) -> tuple[float | None, float | None]:
    """Where both ranges hold.

    >>> narrower((50.0, None), (None, 100.0))
    (50.0, 100.0)
    """
    low = [end for end in (one[0], other[0]) if end is not None]
    high = [end for end in (one[1], other[1]) if end is not None]
    return max(low, default=None), min(high, default=None)


def _formula(text: str) -> ColumnElement[bool]:
    from pymatgen.core import Composition

    text = _plain(text, "formula").replace(" ", "")
    shown = text if len(text) <= 60 else text[:57] + "..."
    if re.fullmatch(r"[A-Za-z0-9().]{1,200}", text):
        if re.fullmatch(r"([A-H]\d*)+", text) and "A" in text:
            return entries.c.anonymous_formula == "".join(re.findall(r"[A-Z]\d*", text))
        try:
            return entries.c.reduced_formula == Composition(text).reduced_formula
        except (ValueError, KeyError):
            pass
    raise TenfmaError(f"{shown!r} is no formula; one such as CaTiO3, or ABC3 for any elements, is expected")


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
            raise TenfmaError(f"{symbol.strip()[:40]!r} is no element; symbols such as Al or Ni are expected")
        found.append(Element.from_Z(Element(text).Z).symbol)
    return list(dict.fromkeys(found))


def _space_group(asked: int | str) -> ColumnElement[bool]:
    text = str(asked).strip()
    if text.isdecimal():
        if not 1 <= int(text[:6]) <= 230:
            raise TenfmaError(
                f"space group {text[:20]} does not exist; 1 to 230, or a symbol such as Fm-3m, is expected"
            )
        return entries.c.space_group == int(text)
    return func.lower(entries.c.space_group_symbol) == _plain(text, "space group").replace(" ", "").lower()


def _between(column, ends: tuple, name: str) -> list[ColumnElement[bool]]:
    low, high = ends
    if low is not None and high is not None and low > high:
        raise TenfmaError(f"{name} is asked from {low} to {high}; give the smaller end first")
    parts = [] if low is None else [column >= low]
    return parts if high is None else [*parts, column <= high]


def _plain(text: str, what: str) -> str:
    if len(text) > 500:
        raise TenfmaError(f"the {what} has {len(text)} letters; at most 500 are expected")
    if "\0" in text:
        raise TenfmaError(f"the {what} holds a zero byte; plain text is expected")
    return text
