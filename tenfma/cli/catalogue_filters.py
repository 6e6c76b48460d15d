"""The filters that `tenfma catalogue` search and export share, and the query they ask."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tenfma.catalogue import Query

Formula = Annotated[str, typer.Option("--formula", help="Reduced formula, or ABC3 for any elements.")]
Elements = Annotated[str, typer.Option("--elements", help="Elements, comma-separated: Al,Ni.")]
Match = Annotated[str, typer.Option("--match", help="all of the elements, any of them, or only them.")]
System = Annotated[str, typer.Option("--system", help="Chemical system, exactly: Al-Ni.")]
SpaceGroup = Annotated[str, typer.Option("--space-group", help="Number or symbol: 225 or Fm-3m.")]
Where = Annotated[
    list[str] | None,
    typer.Option("--where", help="A property's range, or that of n_atoms: K_vrh>=100; may be repeated."),
]
Origin = Annotated[
    str, typer.Option("--origin", help="Whose values ranges read: dft, experiment, stated or model.")
]
Source = Annotated[str, typer.Option("--source", help="Only entries of this source.")]


def asked(
    *,
    formula: str,
    elements: str,
    match: str,
    system: str,
    space_group: str,
    where: Sequence[str] | None,
    origin: str,
    source: str,
    text: str,
) -> "Query":
    """What the options mean. Two ranges of one property both hold."""
    from tenfma.catalogue import Query
    from tenfma.catalogue.query import OPEN, narrower, property_range

    ranges: dict[str, tuple[float | None, float | None]] = {}
    for name, ends in map(property_range, where or []):
        ranges[name] = narrower(ranges.get(name, OPEN), ends)
    atoms = ranges.pop("n_atoms", OPEN)
    return Query(
        formula=formula,
        elements=[symbol for symbol in elements.split(",") if symbol.strip()],
        match=match,
        chemical_system=system,
        space_group=space_group or None,
        n_atoms=atoms,
        properties=ranges,
        origin=origin or None,
        source=source,
        text=text,
    )
