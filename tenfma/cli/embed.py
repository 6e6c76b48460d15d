"""`tenfma embed`: structures in, a table of named embeddings out."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tenfma.cli.pieces import Crystal, Piece, crystals, pieces

if TYPE_CHECKING:
    import pandas as pd

    from tenfma.embedding.model import Model


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
    certificate: bool = typer.Option(
        True, "--certificate/--no-certificate", help="Tell what the path behind each row is worth."
    ),
    dask: str = typer.Option(
        "",
        "--dask",
        metavar="ADDRESS",
        help="A Dask scheduler, tcp://host:8786, or local:N for N workers here.",
    ),
) -> int:
    """Embed crystals: one row per structure, one named column per component, and the certificate of the path behind it.

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
    from tenfma.embedding.pooling import CERTIFICATE

    steered = {name: value for name, value in (("dt", dt), ("steps", steps)) if value is not None}
    check_motion(p0 or "zero", kT, **steered)
    motion: dict[str, Any] = {"p0": p0, "kT": kT, "seed": seed, "certify": certificate, **steered}
    learned = load(model)
    _loaded.cache_clear()  # a folder's weights may be others than last time
    shown: list[pd.DataFrame] = []
    worst: dict[str, float] = {}
    failures: list[str] = []
    outside: list[str] = []
    read: set[str] = set()
    count = width = 0
    interrupted = False
    with (
        streamed_table(out) if out else nullcontext() as table,
        progress_bar("embedding", len(sources)) as report,
    ):
        try:
            work = ((piece, model, motion) for piece in pieces(sources))
            for (piece, *_), (made, failed, strange) in mapped(_embedded, work, dask):
                for frame in made:
                    told = [name for name in frame if name.startswith(CERTIFICATE)]
                    for name in told:
                        worst[name] = max(worst.get(name, 0.0), float(frame[name].abs().max()))
                    if table is None:
                        shown.append(frame.iloc[:, [0, 2, 4, 5, 6]])
                    else:
                        table.add(frame)
                    read.update(frame["source"])
                    count, width = count + len(frame), frame.shape[1] - 4 - len(told)
                failures += failed
                outside += strange
                report(piece.done)
        except KeyboardInterrupt:
            interrupted = True
    if count:
        counted = f"{count} structures from {len(read)} of {len(sources)} sources"
        typer.echo(f"embedded   {counted}, {width} components each")
        typer.echo(f"weights    {learned.description}")
        if worst:
            typer.echo(f"paths      at most: {_told(worst)}")
        if outside:
            typer.echo(
                f"outside    {len(outside)} of {count} structures lie outside what was trained on, e.g. {outside[0]}"
            )
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


def _told(worst: dict[str, float]) -> str:
    """The largest of each column of the certificate, in words."""
    units = {"energy_drift": " eV/atom", "shadow_work": " eV/atom"}
    names = {column: column.split(".", 1)[1] for column in worst}
    return ", ".join(
        f"{name.replace('_', ' ')} {worst[column]:.2g}{units.get(name, '')}" for column, name in names.items()
    )


def _embedded(work: tuple[Piece, str, dict[str, Any]]) -> "tuple[list[pd.DataFrame], list[str], list[str]]":
    """Rows, what failed and what lies outside the model's domain; one by one where the piece fails."""
    from tenfma.catalogue.parallel import one_thread
    from tenfma.errors import TenfmaError

    piece, model, motion = work
    learned = _loaded(model)
    with one_thread():
        held, failures = crystals(piece)
        if not held:
            return [], failures, []
        try:
            return [_rows(learned, held, motion)], failures, _outside(learned, held)
        except TenfmaError as error:
            if len(held) == 1:
                return [], [*failures, f"{held[0].where}: {error}"], []
        tables, outside = [], []
        for crystal in held:
            try:
                tables.append(_rows(learned, [crystal], motion))
                outside += _outside(learned, [crystal])
            except TenfmaError as error:
                failures.append(f"{crystal.where}: {error}")
    return tables, failures, outside


def _outside(learned: Any, batch: Sequence[Crystal]) -> list[str]:
    """What a property model has to say of crystals unlike those it was trained on; a force model refuses them."""
    from tenfma.embedding.property_model import PropertyModel

    if not isinstance(learned, PropertyModel):
        return []
    told = ((crystal.where, learned.warning(crystal.structure)) for crystal in batch)
    return [f"{where}: {words}" for where, words in told if words]


def _rows(learned: "Model", batch: Sequence[Crystal], motion: dict[str, Any]) -> "pd.DataFrame":
    """Rows led by file, frame (its place in the file), formula and model."""
    from tenfma.embedding import pipeline

    structures = [crystal.structure for crystal in batch]
    frame = pipeline.embed(learned, structures, **motion).to_frame(certificate=True)
    frame.insert(0, "source", [crystal.source for crystal in batch])
    frame.insert(1, "frame", [crystal.frame for crystal in batch])
    frame.insert(2, "formula", [structure.composition.reduced_formula for structure in structures])
    frame.insert(3, "model", learned.name)
    return frame


@lru_cache(maxsize=2)
def _loaded(model: str) -> "Model":
    from tenfma.embedding.pipeline import load

    return load(model)
