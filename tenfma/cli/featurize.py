"""`tenfma featurize`: structures in, tables of named features out."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tenfma.cli.pieces import Crystal, Piece, crystals, pieces

if TYPE_CHECKING:
    import pandas as pd

#: what a row may be about
TABLES = ("crystals", "atoms", "bonds", "triangles", "cell")
#: cutoffs of bonds and triangles: those of SimplicialFeaturizer for pooled rows, of tenfma.featurize for the others
USUAL = {
    "crystals": ("2.0 covalent", "1.3 covalent"),
    "simplices": ("max(5.0, 1.5 covalent)", "max(4.5, 1.4 covalent)"),
}


def featurize(
    sources: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="Structure files, or prototype:NAME.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", help="Where the table goes: .parquet, .csv or .json.")
    ] = None,
    rows: str = typer.Option(
        "crystals", "--rows", help="crystals (pooled, intensive), atoms, bonds, triangles or cell."
    ),
    cutoff: str = typer.Option(
        "",
        "--cutoff",
        help="Radius of bonds in Å, or a rule; 2.0 covalent for crystals, else max(5.0, 1.5 covalent).",
    ),
    triangle_cutoff: str = typer.Option(
        "",
        "--triangle-cutoff",
        help="Radius of triangles; 1.3 covalent for crystals, else max(4.5, 1.4 covalent).",
    ),
    smooth_only: bool = typer.Option(
        False, "--smooth-only", help="Leave out symmetry, motifs and other discrete features."
    ),
    dask: str = typer.Option(
        "",
        "--dask",
        metavar="ADDRESS",
        help="A Dask scheduler, tcp://host:8786, or local:N for N workers here.",
    ),
) -> int:
    """Features of crystals: one row per crystal, or per atom, bond, triangle or cell.

    Without --out the features of each crystal are printed. Files, and single frames of a file, that cannot be
    read are listed and skipped (exit code 2); on Ctrl-C the rows finished so far are kept.

    Example: tenfma featurize prototype:perovskite quartz.cif --out features.csv
    """
    from contextlib import nullcontext

    from tenfma.cli.output import TABLES as ENDINGS
    from tenfma.cli.output import progress_bar, writable
    from tenfma.cli.streaming import streamed_table
    from tenfma.crystal.cutoffs import cutoff_rule
    from tenfma.errors import TenfmaError

    if rows not in TABLES:
        raise TenfmaError(f"--rows {rows} is none of {', '.join(TABLES)}")
    usual = USUAL["crystals" if rows == "crystals" else "simplices"]
    radii = cutoff_rule(cutoff or usual[0]), cutoff_rule(triangle_cutoff or usual[1])
    if out is not None:
        writable(out, ENDINGS)

    from tenfma.catalogue.parallel import mapped

    settings = (rows, radii, smooth_only)
    failures: list[str] = []
    written = total = 0
    with (
        streamed_table(out) if out else nullcontext() as table,
        progress_bar("featurizing", len(sources)) as report,
    ):
        work = ((piece, settings) for piece in pieces(sources))
        for (piece, _), (frames, failed, count) in mapped(_featurized, work, dask):
            for frame in frames:
                if table is None:
                    _print(frame)
                else:
                    table.add(frame)
                written += len(frame)
            failures += failed
            total += count
            report(piece.done)
        report(len(sources))
    if out is not None and written:
        typer.echo(f"featurized {total} crystals from {len(sources)} sources: {written} rows of {rows}")
        typer.echo(f"saved      {out}")
    for failure in failures:
        typer.echo(f"tenfma: skipped {failure}", err=True)
    return 2 if failures else 0


def _featurized(work: tuple[Piece, tuple]) -> "tuple[list[pd.DataFrame], list[str], int]":
    """Tables, what failed, and how many crystals are in the tables; one by one where a batch fails."""
    from tenfma.catalogue.parallel import one_thread
    from tenfma.crystal.featurizer import batches
    from tenfma.errors import TenfmaError

    piece, settings = work
    tables: list[pd.DataFrame] = []
    count = 0
    with one_thread():
        held, failures = crystals(piece)
        for start, structures in batches([crystal.structure for crystal in held]):
            batch = held[start : start + len(structures)]
            try:
                tables.append(_table(batch, *settings))
                count += len(batch)
                continue
            except TenfmaError:
                pass  # one of them: told below
            for crystal in batch:
                try:
                    tables.append(_table([crystal], *settings))
                    count += 1
                except TenfmaError as error:
                    failures.append(f"{crystal.where}: {error}")
    return tables, failures, count


def _table(batch: Sequence[Crystal], rows: str, radii: tuple, smooth_only: bool) -> "pd.DataFrame":
    """One batch's rows, led by file, frame (its place in the file) and formula."""
    import pandas as pd
    import torch

    from tenfma.crystal.complex import complex_of
    from tenfma.crystal.features import featurize as features_of
    from tenfma.crystal.features.pooling import pool

    with torch.no_grad():
        h = features_of(complex_of([crystal.structure for crystal in batch], *radii), smooth_only=smooth_only)
        if rows == "crystals":
            pooled = pool(h)
            frame = pd.DataFrame(pooled.values.numpy(), columns=list(pooled.names))
            frame.insert(0, "crystal", range(len(frame)))
        else:
            frame = h.to_frame(rows)
    crystal = frame.pop("crystal").tolist()
    formulas = [crystal.structure.composition.reduced_formula for crystal in batch]
    frame.insert(0, "source", [batch[index].source for index in crystal])
    frame.insert(1, "frame", [batch[index].frame for index in crystal])
    frame.insert(2, "formula", [formulas[index] for index in crystal])
    return frame


def _print(frame: "pd.DataFrame") -> None:
    """A crystal's features as lines, a longer table as rows."""
    if len(frame) == 1:
        for name, value in frame.iloc[0].items():
            typer.echo(f"{name:42} {value:.6g}" if isinstance(value, float) else f"{name:42} {value}")
        return
    typer.echo(frame.to_string(index=False, max_rows=40, max_cols=12, float_format="%.4g"))
