"""The property branch of `tenfma train` and `tenfma evaluate`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from tenfma.cli.interrupts import Interrupted

if TYPE_CHECKING:
    from tenfma.embedding.property_model import PropertyModel

#: friction of a bath, 1/time, or where a learned one starts
FRICTION = 0.5


def run(
    data: list[str],
    out: Path,
    target: str,
    log: bool,
    *,
    minutes: float,
    seed: int,
    valid: float,
    members: int,
    steps: int,
    aggregation: str,
    bath: str,
    kT: float,
    p0: str,
    gradient: str,
    epochs: int,
    command: str,
) -> None:
    """Train an ensemble of evolved embeddings, with a line per epoch."""
    from tenfma.dynamics.arguments import GRADIENTS
    from tenfma.embedding.evolved import BATHS, Motion
    from tenfma.errors import TenfmaError
    from tenfma.training.distributed import started
    from tenfma.training.property import CACHE, PropertyRecipe, train_property
    from tenfma.training.property_data import targets_of
    from tenfma.training.property_loop import Progress, Schedule

    if not target:
        raise TenfmaError("--task property needs --target, such as --target K_vrh,G_vrh --log")
    targets = targets_of(target, log)
    gradients = [name for name in GRADIENTS if name != "none"]
    if gradient not in gradients:
        raise TenfmaError(f"--gradient {gradient} is not known; {', '.join(gradients)} are")
    start: dict[str, Any] = {"p0": p0, "gradient": gradient, "kT": kT if p0 == "thermal" else 0.0}
    motion = Motion(steps=steps, **start)
    if bath not in ("none", *BATHS):
        raise TenfmaError(f"--bath {bath} is not known; none, {' and '.join(BATHS)} are")
    if bath != "none":
        bathed = {"method": "baoab", "kT": kT, "friction": FRICTION, "bath": bath}
        motion = Motion(steps=steps, **{**start, **bathed})
    recipe = PropertyRecipe(
        members=members,
        valid=valid,
        motion=motion,
        schedule=Schedule(epochs=epochs),
        aggregation=aggregation,
    )
    names = [str(one) for one in targets]
    heading = (
        "member epoch    loss   "
        + "  ".join(f"{name:>16}" for name in names)
        + "   seconds   (MAE, left out)"
    )

    def line(progress: Progress) -> None:
        nonlocal heading
        if heading:
            typer.echo(heading)
            heading = ""
        errors = "  ".join(f"{error:>16.4f}" for error in progress.errors)
        typer.echo(
            f"{progress.member + 1:>6} {progress.epoch:>5} {progress.loss:>7.4f}   {errors}   {progress.seconds:>7.0f}"
        )

    try:
        model = train_property(
            data, targets, out, minutes=minutes, seed=seed, recipe=recipe, command=command, report=line
        )
    except KeyboardInterrupt:
        if (out / CACHE).is_file():
            raise
        raise Interrupted(
            "interrupted before all crystals were featurized; nothing is kept, and the same command begins anew"
        ) from None
    if started().rank:
        return  # the first process says it
    typer.echo(f"trained    {model.description}")
    card = json.loads((out / "card.json").read_text())
    for name, errors in card["held_out"].items():
        typer.echo(
            f"left out   {name}: MAE {errors['mae']:.4f}, RMSE {errors['rmse']:.4f} over {errors['labels']}"
        )
    typer.echo(f"use it     tenfma evaluate {out} --data FILE, or tenfma.load({str(out)!r})")


def evaluate_property(
    model: "PropertyModel", name: str, data: str, json_out: Path | None, record_out: Path | None, card: bool
) -> None:
    """Errors of a property model, coverage of its intervals, and which crystals lie outside its domain."""
    from tenfma.errors import TenfmaError
    from tenfma.training.files import plain_name
    from tenfma.training.property_card import add_property_test
    from tenfma.training.property_data import read_labelled, targets_of
    from tenfma.training.property_evaluation import PropertyEvaluation, record
    from tenfma.whole import write_text

    targets = targets_of(",".join(model.targets))
    found = PropertyEvaluation.of(model, read_labelled([data], targets, needed=False))
    errors = found.errors
    if card:
        if not Path(name).is_dir():
            raise TenfmaError(f"--card needs the folder of a model, and {name} is a name")
        add_property_test(Path(name), Path(data).name, errors)
    if json_out is not None:
        result: dict[str, Any] = found.to_dict(model.name, Path(data).name)
        write_text(json.dumps(result, indent=1, ensure_ascii=False), json_out)
    if record_out is not None:
        benchmark = f"tenfma_{plain_name(Path(data)).rsplit('.', 1)[0]}"
        kept = record(benchmark, model.targets, [found.fold(model)], f"TEN-FMA: {model.description}")
        write_text(json.dumps(kept, ensure_ascii=False), record_out)
    typer.echo(f"{model.description}: {len(found.labelled)} crystals of {Path(data).name}")
    units = {head.name: head.unit for head in model.heads}
    for target, e in errors.items():
        covered = (
            f"no interval for {e['labels']}: too few labels were left out in training"
            if e["coverage"] is None
            else f"{100 * e['coverage']:.1f} % of {e['labels']} in their 90 % interval"
        )
        typer.echo(f"{target:<18} MAE {e['mae']:8.4f}  RMSE {e['rmse']:8.4f}  {units[target]}   {covered}")
    outside = [w for w in found.predictions.warnings if w]
    if outside:
        typer.echo(f"outside    {len(outside)} crystals lie outside what was trained on, e.g.: {outside[0]}")
