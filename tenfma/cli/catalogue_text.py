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
    for sentence in report.refused:
        typer.echo(f"tenfma: skipped {plain(sentence)}", err=True)
    if report.n_refused > len(report.refused):
        typer.echo(f"tenfma: and {report.n_refused - len(report.refused)} more", err=True)
    typer.echo(
        f"added {report.added}, duplicates of entries held {report.duplicates}, "
        f"imported before {report.repeated}, skipped {report.n_refused}"
    )
    if report.without_unit:
        names = ", ".join(map(plain, sorted(report.without_unit)[:10]))
        typer.echo(f"kept without a unit: {names}; state them with --unit NAME=UNIT when importing")


def plain(text: str) -> str:
    """Text from a file without what a terminal would obey."""
    return "".join(letter if letter.isprintable() else "�" for letter in text)


def told(value) -> str:
    """A property for a person: value, interval, unit, origin."""
    interval = (
        f" ({value.lower:.5g} to {value.upper:.5g})"
        if value.lower is not None and value.upper is not None
        else ""
    )
    fold = f", fold {value.fold}" if value.fold is not None else ""
    return f"{value.value:.6g}{interval} {plain(value.unit)}  [{value.origin}{fold}: {plain(value.source)}]"


def print_table(found, distances) -> None:
    if not found:
        return
    import pandas as pd

    shown = ("K_vrh", "G_vrh", "e_form_per_atom", "Cv_300K_per_atom")
    names = [name for name in shown if any(entry.value(name) is not None for entry in found)]
    rows = [
        {
            "id": entry.id,
            "formula": entry.reduced_formula,
            "atoms": entry.n_atoms,
            "space group": entry.space_group_symbol,
            "type": plain(entry.mineral or entry.prototype)[:28],
            **{name: entry.value(name) for name in names},
            "source": plain(f"{entry.source} {entry.identifier}")[:48],
        }
        for entry in found
    ]
    table = pd.DataFrame(rows)
    if distances:
        table.insert(1, "distance", distances)
    typer.echo(table.to_string(index=False, na_rep="–", float_format="%.4g"))


def print_json(found, distances) -> None:
    from dataclasses import asdict
    from json import dumps

    records = [asdict(entry) for entry in found]
    for record, distance in zip(records, distances, strict=False):
        record["distance"] = distance
    typer.echo(dumps(records, ensure_ascii=False, indent=1))
