"""`tenfma evaluate`: a trained model against labelled frames."""

import json
from pathlib import Path
from typing import Annotated

import typer


def evaluate(
    model: Annotated[str, typer.Argument(metavar="DIR", help="Folder of a trained model, or its name.")],
    data: Annotated[str, typer.Option("--data", help="Frames with energies, forces or properties.")],
    json_out: Annotated[Path | None, typer.Option("--json", help="Where errors and predictions go.")] = None,
    record: Annotated[
        Path | None,
        typer.Option("--record", help="Of properties: where a record as Matbench has it goes, one fold."),
    ] = None,
    card: bool = typer.Option(False, "--card", help="Also add the errors to the model's card."),
) -> None:
    """Errors of a model on labelled frames: MAE and RMSE per target, predictions per frame.

    Example: tenfma evaluate si --data test.extxyz.gz --json result.json
    """
    from tenfma.cli.output import progress_bar, writable
    from tenfma.errors import TenfmaError

    if json_out is not None:
        writable(json_out, (".json",), "--json")
    if record is not None:
        writable(record, (".json",), "--record")

    from tenfma.cli.train_property import evaluate_property
    from tenfma.embedding.pipeline import load
    from tenfma.embedding.property_model import PropertyModel
    from tenfma.training.card import add_test
    from tenfma.training.data import read_frames
    from tenfma.training.evaluation import Evaluation
    from tenfma.whole import write_text

    learned = load(model)
    if isinstance(learned, PropertyModel):
        return evaluate_property(learned, model, data, json_out, record, card)
    if record is not None:
        raise TenfmaError(
            f"--record is for models of properties, and {model} is one of forces; --json takes its errors"
        )
    frames = read_frames(data)
    with progress_bar("evaluating", len(frames)) as report:
        found = Evaluation.of(learned, frames, report)
    if card:
        folder = Path(model)
        if not folder.is_dir():
            raise TenfmaError(f"--card needs the folder of a model, and {model} is a name")
        add_test(folder, Path(data).name, found.errors.to_dict())
    if json_out is not None:
        write_text(json.dumps(found.to_dict(learned.name, Path(data).name), indent=1), json_out)
    e = found.errors
    typer.echo(f"{learned.description}: {e.frames} frames, {e.atoms} atoms of {Path(data).name}")
    typer.echo(f"energy     MAE {e.energy_mae:8.3f}  RMSE {e.energy_rmse:8.3f}  meV/atom")
    typer.echo(f"forces     MAE {e.force_mae:8.4f}  RMSE {e.force_rmse:8.4f}  eV/Å")
    if e.stress_mae == e.stress_mae:
        typer.echo(f"stress     MAE {e.stress_mae:8.4f}  RMSE {e.stress_rmse:8.4f}  GPa")
