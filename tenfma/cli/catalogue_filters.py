"""The filters that `tenfma catalogue` search and export share, and the query they ask."""

from collections.abc import Callable
from functools import wraps
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from tenfma.errors import TenfmaError

if TYPE_CHECKING:
    from tenfma.catalogue.query import Ends


def asked(
    formula: Annotated[str, typer.Option(help="Reduced formula, or ABC3 for any elements.")] = "",
    elements: Annotated[str, typer.Option(help="Elements, comma-separated: Al,Ni.")] = "",
    match: Annotated[str, typer.Option(help="all of the elements, any of them, or only them.")] = "all",
    system: Annotated[str, typer.Option(help="Chemical system, exactly: Al-Ni.")] = "",
    space_group: Annotated[str, typer.Option(help="Number or symbol: 225 or Fm-3m.")] = "",
    where: Annotated[
        list[str] | None,
        typer.Option(help='A range of a property or n_atoms: "K_vrh>=100 GPa"; may be repeated.'),
    ] = None,
    origin: Annotated[
        str, typer.Option(help="Whose values ranges read: dft, experiment, stated or model.")
    ] = "",
    source: Annotated[str, typer.Option(help="Only entries of this source.")] = "",
) -> Any:
    """The `Query` that the options mean. Two ranges of one property both hold."""
    from tenfma.catalogue import Query
    from tenfma.catalogue.query import OPEN, narrower, property_range

    ranges: dict[str, Ends] = {}
    units: dict[str, str] = {}
    for name, ends, unit in map(property_range, where or []):
        if name in ranges and unit != units.get(name, ""):
            raise TenfmaError(f"two ranges of {name} are in different units; give the same unit in both")
        ranges[name] = narrower(ranges.get(name, OPEN), ends)
        units |= {name: unit} if unit else {}
    if "n_atoms" in units:
        raise TenfmaError(f"n_atoms is a number of atoms and has no unit {units['n_atoms']}; leave it out")
    atoms = ranges.pop("n_atoms", OPEN)
    return Query(
        formula=formula,
        elements=[symbol for symbol in elements.split(",") if symbol.strip()],
        match=match,
        chemical_system=system,
        space_group=space_group or None,
        n_atoms=atoms,
        properties=ranges,
        units=units,
        origin=origin or None,
        source=source,
    )


def filtered(command: Callable[..., Any]) -> Callable[..., Any]:
    """A command whose first parameter is the query, with the options of `asked` in its place."""
    own = list(signature(command).parameters.values())[1:]
    options = list(signature(asked).parameters.values())
    names = {option.name for option in options}

    @wraps(command)
    def run(**given: Any) -> Any:
        query = asked(**{name: value for name, value in given.items() if name in names})
        return command(query, **{name: value for name, value in given.items() if name not in names})

    parameters = [one.replace(kind=Parameter.KEYWORD_ONLY) for one in (*options, *own)]
    run.__signature__ = signature(command).replace(parameters=parameters)  # type: ignore[attr-defined]
    run.__annotations__ = get_type_hints(asked, include_extras=True) | get_type_hints(
        command, include_extras=True
    )
    return run
