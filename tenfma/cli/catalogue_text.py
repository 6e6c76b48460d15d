"""What `tenfma catalogue` says: tables, counts while it works, and text that no terminal obeys."""

from contextlib import contextmanager

import typer


@contextmanager
def counter(quiet: bool):
    """Counts on stderr while an import runs; a bar where its size is known."""
    import sys

    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    console = Console(file=sys.stderr)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        console=console,
        transient=True,
        disable=quiet or not console.is_terminal,
    ) as bar:
        task = bar.add_task("importing", total=None)

        def report(now, total) -> None:
            text = f"{now.added} added, {now.duplicates} duplicates, {now.repeated} here before, {now.n_refused} skipped"
            bar.update(task, description=text, completed=now.items, total=max(total or 0, now.items) or None)

        yield report


def told_import(report) -> None:
    for what, sentences, count in (
        ("skipped", report.refused, report.n_refused),
        ("left out a value,", report.left, report.n_left),
    ):
        for sentence in sentences:
            typer.echo(f"tenfma: {what} {plain(sentence)}", err=True)
        if count > len(sentences):
            typer.echo(f"tenfma: and {count - len(sentences)} more", err=True)
    typer.echo(
        f"added {report.added}, duplicates of entries held {report.duplicates}, "
        f"imported before {report.repeated}, skipped {report.n_refused}"
    )
    if report.without_unit:
        names = ", ".join(map(plain, sorted(report.without_unit)[:10]))
        typer.echo(f"kept without a unit: {names}; state them with --unit NAME=UNIT when importing")


def told_query(notes) -> None:
    """How a query was understood, beside its answer."""
    if notes:
        typer.echo(f"tenfma: {plain('; '.join(notes))}", err=True)


def plain(text: str) -> str:
    """Text from a file without what a terminal would obey."""
    return "".join(letter if letter.isprintable() else "�" for letter in text)


def told(value) -> str:
    """A property for a person: value, interval, unit, origin; whether its model had seen the crystal."""
    fold = f", crystal not seen in training, fold {value.fold}" if value.fold is not None else ""
    return f"{value.value:.6g}{interval(value, 5)} {plain(value.unit)}  [{value.origin}: {plain(value.source)}{fold}]"


def interval(value, digits: int) -> str:
    """A value's interval in brackets; nothing where it has none."""
    if value.lower is None or value.upper is None:
        return ""
    return f" ({value.lower:.{digits}g} to {value.upper:.{digits}g})"


def print_table(found, distances) -> None:
    if not found:
        return
    import pandas as pd

    shown = ("K_vrh", "G_vrh", "e_form_per_atom", "Cv_300K_per_atom")
    modelled = {value.name for entry in found for value in entry.properties if value.origin == "model"}
    names = [n for n in shown if n in modelled or any(entry.value(n) is not None for entry in found)]
    rows = [
        {
            "id": entry.id,
            "formula": entry.reduced_formula,
            "atoms": entry.n_atoms,
            "space group": entry.space_group_symbol,
            "type": plain(entry.mineral or entry.prototype)[:28],
            **{title: cell for name in names for title, cell in _cells(entry, name, name in modelled)},
            "source": plain(f"{entry.source} {entry.identifier}")[:48],
        }
        for entry in found
    ]
    table = pd.DataFrame(rows)
    if distances:
        table.insert(1, "distance", distances)
    typer.echo(table.to_string(index=False, na_rep="–", float_format="%.4g"))


def _cells(entry, name: str, modelled: bool):
    """The columns of a property: the published value and, where some entry has one, a model's with its interval."""
    yield name, entry.value(name)
    if modelled:
        own = next((v for v in entry.properties if v.name == name and v.origin == "model"), None)
        yield f"{name} model", "–" if own is None else f"{own.value:.4g}{interval(own, 3)}"


def print_json(found, distances) -> None:
    from dataclasses import asdict
    from json import dumps

    records = [asdict(entry) for entry in found]
    for record, distance in zip(records, distances, strict=False):
        record["distance"] = distance
    typer.echo(dumps(records, ensure_ascii=False, indent=1))
