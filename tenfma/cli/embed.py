"""`tenfma embed`: structures in, a table of named embeddings out."""

from pathlib import Path
from typing import Annotated

import typer


def embed(
    sources: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="Structure files, or prototype:NAME.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", help="Where the table goes: .parquet, .csv or .json.")
    ] = None,
    model: str = typer.Option("untrained", "--model", help="A model's name or folder, or untrained:SEED."),
    dt: float = typer.Option(0.1, "--dt", help="Step size, latent time."),
    steps: int = typer.Option(10, "--steps", help="Steps of leapfrog before pooling; 0 pools the start."),
    p0: str = typer.Option("zero", "--p0", help="Initial momenta: zero, learned or thermal (needs --kT)."),
    kT: float = typer.Option(0.0, "--kT", help="Temperature of thermal momenta, eV."),
    seed: int = typer.Option(0, "--seed", min=0, max=2**63 - 1, help="Seed of thermal momenta."),
) -> int:
    """Embed crystals: one row per structure, one named column per component.

    Files that cannot be read are listed and skipped (exit code 2); on Ctrl-C the rows finished so far
    are kept.

    Example: tenfma embed prototype:perovskite prototype:NaCl --out embeddings.csv
    """
    from tenfma.cli.output import TABLES, progress_bar, writable, write_table
    from tenfma.errors import TenfmaError

    if out is not None:
        writable(out, TABLES)

    import pandas as pd

    from tenfma.crystal.structures import read_frames
    from tenfma.embedding.pipeline import check_motion, load
    from tenfma.embedding.pipeline import embed as run

    check_motion(p0, kT, dt=dt, steps=steps)
    learned = load(model)
    rows: list[pd.DataFrame] = []
    failures: list[str] = []
    interrupted = False
    with progress_bar("embedding", len(sources)) as report:
        try:
            for done, source in enumerate(sources):
                try:
                    frames = read_frames(source)
                    structures = frames.structures
                    failures += (f"{source}: {error}" for _, error in frames.refused)
                    embedding = run(learned, structures, dt=dt, steps=steps, p0=p0, kT=kT, seed=seed)
                    frame = embedding.to_frame()
                    formulas = [structure.composition.reduced_formula for structure in structures]
                    frame.insert(0, "source", source)
                    frame.insert(1, "frame", frames.places)
                    frame.insert(2, "formula", formulas)
                    frame.insert(3, "model", learned.name)
                    rows.append(frame)
                except TenfmaError as error:
                    failures.append(f"{source}: {error}")
                report(done + 1)
        except KeyboardInterrupt:
            interrupted = True
    if rows:
        table = pd.concat(rows, ignore_index=True)
        if out is not None:
            write_table(table, out)
        counted = f"{len(table)} structures from {len(rows)} of {len(sources)} sources"
        typer.echo(f"embedded   {counted}, {table.shape[1] - 4} components each")
        typer.echo(f"weights    {learned.description}")
        if out is None:
            typer.echo(table.iloc[:, [0, 2, 4, 5, 6]].to_string(index=False, float_format="%.6g"))
        typer.echo(
            f"saved      {out}"
            if out is not None
            else "saved      nowhere; give --out F.parquet to keep them"
        )
    for failure in failures:
        typer.echo(f"tenfma: skipped {failure}", err=True)
    if interrupted:
        raise KeyboardInterrupt
    return 2 if failures else 0
