"""`tenfma catalogue`: import, search, show, export and count crystals."""

from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from tenfma.cli.catalogue_filters import filtered
from tenfma.cli.catalogue_text import counter, plain, print_json, print_table, told, told_import, told_query

catalogue = typer.Typer(
    help="Crystals with properties and provenance: bring your own, search, export.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@contextmanager
def opened(filled: bool = True):
    """The user's catalogue; the first filling is shown as it goes."""
    from tenfma import catalogue as library
    from tenfma.cli.output import progress_bar

    held = library.open(filled=False)
    try:
        if filled:
            from tenfma.catalogue.starter import fill

            with progress_bar("filling the catalogue", 1.0) as report:
                fill(held, lambda _, done, total: report(done / total))
        yield held
    finally:
        held.close()


@catalogue.command("import")
def import_(
    what: str = typer.Argument(
        "", metavar="PATH|URL", help="A folder, file or address: CIF, POSCAR, extxyz, JSON, zip, CSV, ASE db."
    ),
    optimade: str = typer.Option(
        "", "--optimade", metavar="BASE_URL", help="Import from an OPTIMADE provider."
    ),
    filter: str = typer.Option("", "--filter", help='OPTIMADE filter: elements HAS ALL "Al","Ni".'),
    field: Annotated[
        list[str] | None,
        typer.Option("--field", help="OPTIMADE: a provider's own number to keep; may be repeated."),
    ] = None,
    pause: float = typer.Option(0.5, "--pause", min=0.0, help="Seconds between requests."),
    again: bool = typer.Option(
        False, "--again", help="OPTIMADE: ask from the first page, for what is new there since."
    ),
    materials_project: Annotated[
        list[str] | None,
        typer.Option(
            "--materials-project",
            metavar="NAME=VALUE",
            help="Its criteria: chemsys=Al-Ni (needs MP_API_KEY).",
        ),
    ] = None,
    unit: Annotated[
        list[str] | None,
        typer.Option("--unit", metavar="NAME=UNIT", help="A property's unit; may be repeated."),
    ] = None,
    origin: str = typer.Option(
        "stated", "--origin", help="Whose values these are: stated, dft, experiment or model."
    ),
    licence: str = typer.Option("", "--licence", help="Terms of use, where the records do not state them."),
    source: str = typer.Option(
        "", "--source", help="What the entries bear as their source; the file's name if not given."
    ),
    keep_duplicates: bool = typer.Option(
        False, "--keep-duplicates", help="Add crystals that are held already, too."
    ),
) -> int:
    """Import crystals with their properties; what was imported before is skipped, so run it again to go on.

    Bad entries and bad values are listed and skipped (exit code 2). Ctrl-C keeps what is finished.

    Example: tenfma catalogue import my-cifs/ --unit K_vrh=GPa --licence "CC BY 4.0"
    """
    import sys

    from tenfma.catalogue.importing import Report, Terms, import_from
    from tenfma.errors import TenfmaError

    if sum(map(bool, (what, optimade, materials_project))) != 1:
        raise TenfmaError("give one of PATH|URL, --optimade BASE_URL and --materials-project NAME=VALUE")
    units = dict(_pair(text, "--unit") for text in unit or [])
    ask = _asked_unit if sys.stdin.isatty() and sys.stderr.isatty() else None
    terms = Terms(units, origin, licence, keep_duplicates, ask)
    last = Report()
    with opened() as held:
        place = _source(what, optimade, filter, field or [], pause, again, materials_project or [], source)
        try:
            with counter(quiet=ask is not None) as report:

                def step(now: Report) -> None:
                    nonlocal last
                    last = now
                    report(now, place.size())

                last = import_from(held, place, terms, step)
        finally:
            told_import(last)
    return 2 if last.n_refused or last.n_left else 0


@catalogue.command("export")
@filtered
def export(
    query,
    out: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="Where to: .zip (CIFs), .extxyz, .csv, .json (chemiscope) or .jsonl."
        ),
    ],
    ids: Annotated[list[str] | None, typer.Option("--id", help="Only this entry; may be repeated.")] = None,
    text: str = typer.Option("", "--text", help="Words every entry must bear."),
) -> None:
    """Write entries that fit, with properties, source and licence.

    Example: tenfma catalogue export carbides.zip --elements C
    """
    from tenfma.catalogue.export import FORMATS
    from tenfma.catalogue.export import export as write
    from tenfma.cli.output import progress_bar, writable

    writable(out, FORMATS)
    query = replace(query, text=text)
    with opened() as held:
        wanted = [held.get(id).id for id in ids] if ids else held.ids(query).tolist()
        told_query([] if ids else held.notes(query, fits=len(wanted)))
        with progress_bar("exporting", max(1, len(wanted))) as report:
            count = write(held, wanted, out, report)
    typer.echo(f"exported {count} entries to {plain(str(out))}")


@catalogue.command("search")
@filtered
def search(
    query,
    text: Annotated[
        list[str] | None, typer.Argument(metavar="[WORDS...]", help="Words every entry must bear.")
    ] = None,
    like: str = typer.Option("", "--like", help="A structure file, prototype:NAME or id: nearest first."),
    model: str = typer.Option("static", "--model", help="Whose embedding likeness is measured in."),
    sort: str = typer.Option("", "--sort", help="A property or n_atoms, volume, reduced_formula …"),
    descending: bool = typer.Option(False, "--descending", help="Largest first."),
    limit: int = typer.Option(20, "--limit", min=1, max=100_000, help="How many to list."),
    json: bool = typer.Option(False, "--json", help="Print JSON instead of a table."),
) -> None:
    """Find entries by formula, elements, symmetry, properties, words, and by likeness to a crystal.

    Example: tenfma catalogue search --elements Al,Ni --where "K_vrh>=150"
    """
    query = replace(query, text=" ".join(text or []))
    with opened() as held:
        if like:
            from tenfma.cli.output import progress_bar

            with progress_bar("embedding", 1.0) as report:
                near = held.like(
                    crystal(held, like),
                    limit,
                    model=model,
                    query=query,
                    progress=lambda _, a, b: report(a / b),
                )
            found, distances = [item.entry for item in near], [item.distance for item in near]
            count = held.count(query)
        else:
            found = held.search(query, limit=limit, sort=sort, descending=descending)
            distances, count = [], held.count(query)
        told_query(held.notes(query, "" if like else sort, count))
    if json:
        print_json(found, distances)
        return
    print_table(found, distances)
    typer.echo(f"{len(found)} of {count} entries" + (", nearest first" if distances else ""))


@catalogue.command("embed")
def embed(
    model: str = typer.Option("static", "--model", help="static, or a model's name or folder."),
    dask: str = typer.Option(
        "",
        "--dask",
        metavar="ADDRESS",
        help="A Dask scheduler, tcp://host:8786, or local:N for N workers here.",
    ),
) -> None:
    """Give every entry its vector, so that likeness answers at once; run again after a kill, it goes on.

    Example: tenfma catalogue embed --dask local:4
    """
    from tenfma.catalogue.embedders import embedder
    from tenfma.catalogue.likeness import embed_missing
    from tenfma.cli.output import progress_bar

    with opened() as held, progress_bar("embedding", 1.0) as report:
        maker = embedder(model)
        count = embed_missing(held, maker, lambda _, a, b: report(a / b), name=model, dask=dask)
    typer.echo(f"embedded {count} entries with {maker.version}")


@catalogue.command("show")
def show(
    id: str = typer.Argument(help="An entry's id, or an identifier such as mp-2663."),
    json: bool = typer.Option(False, "--json", help="Print JSON."),
    cif: bool = typer.Option(False, "--cif", help="Print the crystal as CIF."),
) -> None:
    """Show one entry with its properties and where it comes from.

    Example: tenfma catalogue show mp-2663
    """
    from tenfma.catalogue import compared

    with opened() as held:
        entry = held.get(id)
        if cif:
            from tenfma.catalogue.export import cif_text

            typer.echo(cif_text(entry, held.structure(entry.id)))
            return
    if json:
        print_json([entry], [])
        return
    lines = {
        "id": entry.id,
        "formula": f"{entry.reduced_formula} ({entry.formula}, {entry.n_atoms} atoms, {entry.volume:.4g} Å³)",
        "space group": f"{entry.space_group_symbol} ({entry.space_group}), Pearson symbol {entry.pearson}",
        "structure type": ", ".join(t for t in (entry.mineral, entry.prototype, entry.strukturbericht) if t),
        "source": f"{entry.source} {entry.identifier}",
        "licence": entry.licence or "not stated",
        "address": entry.url,
        "notes": entry.notes,
    }
    for name, value in lines.items():
        if value:
            typer.echo(f"{name:15} {plain(str(value))}")
    for pair in compared(entry):
        label = ""
        for value in filter(None, pair):
            label = "" if label else plain(value.name)
            typer.echo(f"{label:15} {told(value)}")


@catalogue.command("stats")
def stats() -> None:
    """Count what the catalogue holds, by source and property.

    Example: tenfma catalogue stats
    """
    with opened() as held:
        counts = held.stats()
    typer.echo(f"{counts['entries']} entries in {counts['database']}")
    for source, licence, count in counts["sources"]:
        typer.echo(f"{count:9,}  {plain(source)} ({plain(licence) or 'licence not stated'})")
    for name, unit, origin, count in counts["properties"]:
        typer.echo(f"{count:9,}  values of {plain(name)} [{plain(unit) or 'no unit'}], {origin}")
    for name, count in counts["vectors"].items():
        typer.echo(f"{count:9,}  vectors of {plain(name)}")


def _source(what, optimade, filter, field, pause, again, criteria, name):
    """What the options mean."""
    if optimade:
        from tenfma.catalogue.sources.optimade import Optimade

        return Optimade(optimade, filter, fields=field, pause=pause, name=name, again=again)
    if criteria:
        from tenfma.catalogue.sources.materials_project import MaterialsProject

        return MaterialsProject(dict(_pair(text, "--materials-project") for text in criteria))
    from tenfma.catalogue.sources.files import Files

    if what.startswith(("http://", "https://")):
        from tenfma.catalogue.connection import data_home
        from tenfma.catalogue.sources.web import Web, shown

        return Files(Web(pause).file(what, data_home() / "downloads"), name or shown(what))
    return Files(Path(what), name)


def _pair(text: str, option: str) -> tuple[str, str]:
    from tenfma.errors import TenfmaError

    name, sign, value = text.partition("=")
    if not (sign and name.strip() and value.strip()):
        raise TenfmaError(f"{option} {text} is no pair; NAME=VALUE is expected")
    return name.strip(), value.strip()


def _asked_unit(name: str) -> str:
    return typer.prompt(
        f"unit of {plain(name)} (empty if it has none)", default="", show_default=False, err=True
    )


def crystal(held, name: str):
    """What likeness is asked to: an entry's id or identifier, else anything `tenfma.read` reads."""
    from tenfma.catalogue import CatalogueError
    from tenfma.crystal.structures import PREFIX, read

    if name.lower().startswith((PREFIX, "catalogue:")) or Path(name).exists():
        return read(name)
    try:
        return held.get(name).id
    except CatalogueError:
        return read(name)
