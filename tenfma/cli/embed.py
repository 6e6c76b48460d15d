"""`tenfma embed`: structures in, a table of named embeddings out."""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

if TYPE_CHECKING:
    import pandas as pd
    from pymatgen.core import Structure

    from tenfma.embedding.model import Model

#: structures embedded together, wherever that is done
CHUNK = 64


def embed(
    sources: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="Structure files, or prototype:NAME.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", help="Where the table goes: .parquet, .csv or .json.")
    ] = None,
    model: str = typer.Option("untrained", "--model", help="A model's name or folder, or untrained:SEED."),
    dt: float | None = typer.Option(None, "--dt", help="Step size, latent time; else the model's own."),
    steps: int | None = typer.Option(
        None, "--steps", help="Steps before pooling, else the model's own; 0 pools the start."
    ),
    p0: str | None = typer.Option(
        None, "--p0", help="Initial momenta: zero, learned or thermal (needs --kT)."
    ),
    kT: float = typer.Option(0.0, "--kT", help="Temperature of thermal momenta, eV."),
    seed: int = typer.Option(0, "--seed", min=0, max=2**63 - 1, help="Seed of thermal momenta."),
    dask: str = typer.Option(
        "",
        "--dask",
        metavar="ADDRESS",
        help="A Dask scheduler, tcp://host:8786, or local:N for N workers here.",
    ),
) -> int:
    """Embed crystals: one row per structure, one named column per component.

    Files that cannot be read are listed and skipped (exit code 2); on Ctrl-C the rows finished so far
    are kept.

    Example: tenfma embed prototype:perovskite prototype:NaCl --out embeddings.csv
    """
    from contextlib import nullcontext

    from tenfma.cli.output import TABLES, progress_bar, writable
    from tenfma.cli.streaming import streamed_table

    if out is not None:
        writable(out, TABLES)

    import pandas as pd

    from tenfma.catalogue.parallel import mapped
    from tenfma.embedding.pipeline import check_motion, load

    steered = {name: value for name, value in (("dt", dt), ("steps", steps)) if value is not None}
    check_motion(p0 or "zero", kT, **steered)
    motion: dict[str, Any] = {"p0": p0, "kT": kT, "seed": seed, **steered}
    learned = load(model)
    _loaded.cache_clear()  # a folder's weights may be others than last time
    shown: list[pd.DataFrame] = []
    failures: list[str] = []
    read: set[str] = set()
    count = width = 0
    interrupted = False
    with (
        streamed_table(out) if out else nullcontext() as table,
        progress_bar("embedding", len(sources)) as report,
    ):
        try:
            for piece, made in mapped(_embedded, _pieces(sources, model, motion, failures), dask):
                if isinstance(made, str):
                    failures.append(f"{piece.source}: {made}")
                else:
                    if table is None:
                        shown.append(made.iloc[:, [0, 2, 4, 5, 6]])
                    else:
                        table.add(made)
                    read.add(piece.source)
                    count, width = count + len(made), made.shape[1] - 4
                report(piece.done)
        except KeyboardInterrupt:
            interrupted = True
    if count:
        counted = f"{count} structures from {len(read)} of {len(sources)} sources"
        typer.echo(f"embedded   {counted}, {width} components each")
        typer.echo(f"weights    {learned.description}")
        if shown:
            typer.echo(pd.concat(shown).to_string(index=False, float_format="%.6g"))
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


class Piece(NamedTuple):
    """Some structures of a file, their places in it, the model's name, the motion, how many files are done with them."""

    source: str
    structures: "list[Structure]"
    places: list[int]
    model: str
    motion: dict[str, Any]
    done: float


def _pieces(sources: list[str], model: str, motion: dict[str, Any], failures: list[str]) -> Iterator[Piece]:
    """At most `CHUNK` structures of a file together; what cannot be read goes to `failures`."""
    from tenfma.crystal.structures import read_frames
    from tenfma.errors import TenfmaError

    for number, source in enumerate(sources):
        try:
            frames = read_frames(source)
        except TenfmaError as error:
            failures.append(f"{source}: {error}")
            continue
        failures += (f"{source}: {error}" for _, error in frames.refused)
        count = len(frames.structures)
        for start in range(0, count, CHUNK):
            end = min(start + CHUNK, count)
            some = frames.structures[start:end], frames.places[start:end]
            yield Piece(source, *some, model, motion, number + end / count)


def _embedded(piece: Piece) -> "pd.DataFrame | str":
    """The rows of a piece, or the sentence that says why there are none."""
    from tenfma.catalogue.parallel import one_thread
    from tenfma.embedding import pipeline
    from tenfma.errors import TenfmaError

    learned = _loaded(piece.model)
    with one_thread():
        try:
            frame = pipeline.embed(learned, piece.structures, **piece.motion).to_frame()
        except TenfmaError as error:
            return str(error)
    frame.insert(0, "source", piece.source)
    frame.insert(1, "frame", piece.places)
    frame.insert(2, "formula", [structure.composition.reduced_formula for structure in piece.structures])
    frame.insert(3, "model", learned.name)
    return frame


@lru_cache(maxsize=2)
def _loaded(model: str) -> "Model":
    from tenfma.embedding.pipeline import load

    return load(model)
