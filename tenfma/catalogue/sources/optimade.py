"""Crystals of an OPTIMADE provider, page by page.

Where the next page is, is kept with the crystals of this one, so that a run cut short goes on there. Specification:
Andersen et al., Sci. Data 8, 217 (2021), version 1.2.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urljoin, urlsplit

from tenfma.catalogue.sources import Item, Loaded, SourceError
from tenfma.catalogue.sources.web import NoAnswer, Web, shown

if TYPE_CHECKING:
    from pymatgen.core import Structure

FIELDS = (
    "lattice_vectors",
    "cartesian_site_positions",
    "species",
    "species_at_sites",
    "structure_features",
    "dimension_types",
    "nsites",
    "last_modified",
)
PAGE = 50
#: what a cursor says at the end
END = "end"
#: features that mean the sites given are not all there are
INCOMPLETE = ("implicit_atoms", "unknown_positions")


class Optimade:
    """The structures of the provider at `base` that `filter` picks; `fields` are provider's own numbers to keep.

    `again` asks from the first page where an earlier import came to the end, for what the provider has got since.
    """

    def __init__(
        self,
        base: str,
        filter: str = "",
        *,
        fields: Sequence[str] = (),
        page: int = PAGE,
        pause: float = 0.5,
        name: str = "",
        again: bool = False,
        web: Web | None = None,
    ) -> None:
        base = base.rstrip("/")
        if urlsplit(base).scheme not in ("http", "https") or not urlsplit(base).netloc:
            raise SourceError(
                f"{base!r} is no OPTIMADE address; one such as https://example.org/optimade is expected"
            )
        wrong = [name for name in fields if not re.fullmatch(r"[a-z_][a-z_0-9]*", name)]
        if wrong:
            raise SourceError(f"{wrong[0]!r} is no OPTIMADE field; names such as _exmpl_energy are expected")
        self.base = base if re.search(r"/v\d+(\.\d+)*$", base) else f"{base}/v1"
        self.filter, self.fields, self.page, self.again = filter, tuple(fields), page, again
        self.origin = f"optimade {self.base} {filter}"[:500]
        self.name = name or urlsplit(base).netloc
        self.web = web or Web(pause)
        self.licence = ""
        self.total: int | None = None

    def size(self) -> int | None:
        return self.total

    def items(self, cursor: str = "") -> Iterator[Item]:
        cursor = "" if self.again else cursor
        if cursor == END:
            return
        self._introduce()
        url = cursor or self._first()
        while url:
            page = self.web.json(url)
            rows, following = self._page(page, url)
            if not rows:
                return
            after = following or END
            for place, row in enumerate(rows):
                name = row.get("id") if isinstance(row, Mapping) else None
                key = str(name or f"{shown(url)} row {place + 1}")[:400]
                where = f"{self.name} {key}"
                yield Item(key, where, self._load(row, where), after if place == len(rows) - 1 else None)
            if following == url:
                raise SourceError(f"{shown(url)} names itself as its next page; tell its provider")
            url = following

    def _first(self) -> str:
        asked = {"page_limit": str(self.page), "response_fields": ",".join((*FIELDS, *self.fields))}
        if self.filter:
            asked["filter"] = self.filter
        return f"{self.base}/structures?{urlencode(asked, quote_via=quote)}"

    def _introduce(self) -> None:
        """The provider's own name and licence, where it states them."""
        try:
            told = self.web.json(f"{self.base}/info")
        except NoAnswer:
            raise  # its crystals would not answer either
        except SourceError:
            return
        try:
            attributes = told["data"]["attributes"]
            licence = attributes.get("license") or attributes.get("available_licenses") or ""
            if isinstance(licence, Mapping):
                licence = licence.get("href", "")
            self.licence = ", ".join(licence) if isinstance(licence, list) else str(licence)
            provider = told.get("meta", {}).get("provider", {}).get("name", "")
            if provider and self.name == urlsplit(self.base).netloc:
                self.name = str(provider)[:100]
        except (KeyError, TypeError, AttributeError):
            return

    def _page(self, page: Any, url: str) -> tuple[list[Any], str]:
        if not isinstance(page, Mapping) or not isinstance(page.get("data"), list):
            raise SourceError(f"{shown(url)} did not answer as OPTIMADE does; check the address")
        meta = page.get("meta") or {}
        count = meta.get("data_returned", meta.get("data_available"))
        self.total = count if isinstance(count, int) else self.total
        following = (page.get("links") or {}).get("next") or ""
        if isinstance(following, Mapping):
            following = following.get("href") or ""
        following = urljoin(url, str(following)) if following else ""
        if following and urlsplit(following).hostname != urlsplit(url).hostname:
            raise SourceError(
                f"{shown(url)} sends on to another host, {shown(following)}; its next page is not asked for"
            )
        return page["data"], following

    def _load(self, row: Any, where: str) -> Callable[[], list[Loaded]]:
        def load() -> list[Loaded]:
            from tenfma.catalogue.sources.numbers import values_of
            from tenfma.crystal.checks import checked

            if not isinstance(row, Mapping) or not row.get("id"):
                raise SourceError(f"{where} bears no id; it is passed over")
            try:
                attributes = row["attributes"]
                structure = checked(structure_of(attributes, where), where)
            except (KeyError, TypeError, IndexError, AttributeError) as error:
                raise SourceError(f"{where} lacks lattice, sites or species; it is passed over") from error
            labels = {
                "identifier": str(row["id"])[:200],
                "licence": self.licence,
                "url": f"{self.base}/structures/{quote(str(row['id']), safe='')}",
            }
            numbers = {name: attributes[name] for name in self.fields if attributes.get(name) is not None}
            return [Loaded(structure, values_of(numbers), {}, {k: v for k, v in labels.items() if v})]

        return load


def structure_of(attributes: Mapping[str, Any], where: str) -> "Structure":
    """The crystal of an OPTIMADE structure. Raises SourceError where its sites do not tell all."""
    from pymatgen.core import Lattice, Structure

    missing = [name for name in attributes.get("structure_features") or () if name in INCOMPLETE]
    if missing:
        raise SourceError(f"{where} does not give all its atoms ({missing[0]}); it is passed over")
    vectors = attributes["lattice_vectors"]
    if vectors is None or any(number is None for row in vectors for number in row):
        raise SourceError(f"{where} has no lattice in three directions; it is passed over")
    kinds = {kind["name"]: _occupants(kind) for kind in attributes["species"]}
    species = [kinds[name] for name in attributes["species_at_sites"]]
    sites = attributes["cartesian_site_positions"]
    if len(sites) != len(species):
        raise SourceError(f"{where} has {len(sites)} sites and {len(species)} species; it is passed over")
    full = [(kind, site) for kind, site in zip(species, sites) if kind]
    periodic = tuple(bool(flag) for flag in attributes.get("dimension_types") or (1, 1, 1))
    return Structure(
        Lattice(vectors, pbc=(periodic[0], periodic[1], periodic[2])),
        [kind for kind, _ in full],
        [site for _, site in full],
        coords_are_cartesian=True,
    )


def _occupants(kind: Mapping[str, Any]) -> dict[str, float]:
    """Element → occupancy; vacancies are what is left out."""
    found: dict[str, float] = {}
    for symbol, amount in zip(kind["chemical_symbols"], kind["concentration"]):
        if symbol == "X":
            raise SourceError("it has an atom of unknown element (X); it is passed over")
        if symbol != "vacancy":
            found[symbol] = found.get(symbol, 0.0) + float(amount)
    return found
