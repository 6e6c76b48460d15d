"""`tenfma train`: labelled frames in, a folder with a trained model out."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer


def train(
    data: Annotated[
        list[str],
        typer.Option("--data", help="Frames with energies and forces: extxyz(.gz), ASE, pymatgen JSON."),
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder for config, log, weights and model card.")],
    task: str = typer.Option("forces", "--task", help="What is learned: forces or property."),
    target: str = typer.Option(
        "", "--target", help="Of properties: K_vrh,G_vrh; Cv_300K/atom; log10(K_vrh); several by commas."
    ),
    log: bool = typer.Option(False, "--log", help="Learn log10 of every target."),
    members: int = typer.Option(3, "--members", help="Of properties: members of the ensemble."),
    steps: int = typer.Option(4, "--steps", help="Of properties: steps of the latent motion; 0 for none."),
    aggregation: str = typer.Option(
        "pool",
        "--aggregation",
        help="Of properties: pool, one vector moves per crystal; concatenate, every atom, bond and triangle moves.",
    ),
    bath: str = typer.Option(
        "none",
        "--bath",
        help="Of properties: none; even or learned, BAOAB at --kT with one friction or one per copy.",
    ),
    kT: float = typer.Option(0.05, "--kT", help="Of properties: temperature of the bath, eV."),
    p0: str = typer.Option(
        "learned",
        "--p0",
        help="Of properties: momenta at the start: zero; learned, a linear map of q₀; thermal, drawn at --kT.",
    ),
    gradient: str = typer.Option(
        "backprop",
        "--gradient",
        help="Of properties: backprop; checkpoint or reversible, for long paths in flat memory.",
    ),
    epochs: int = typer.Option(
        40, "--epochs", help="Of properties: passes over the data at most, per member."
    ),
    valid: float = typer.Option(
        0.1, "--valid", help="Share held out: to choose the ridge; left out of each member."
    ),
    minutes: float = typer.Option(60.0, "--minutes", help="Time budget; what is finished by then is used."),
    seed: int = typer.Option(0, "--seed", min=0, max=2**63 - 1, help="Seed of the held-out share."),
    cutoff: float = typer.Option(5.2, "--cutoff", help="How far an atom sees, Å."),
    size: str = typer.Option(
        "medium", "--size", help="Of forces: medium, or large, in which atoms pass messages."
    ),
    functions: int = typer.Option(0, "--functions", help="Functions per element at most; 0: the recipe's."),
    ridges: str = typer.Option("", "--ridges", help="Ridges to choose from, by commas; else the recipe's."),
) -> None:
    """Train a Hamiltonian on DFT energies, forces and (where present) stresses, or embeddings on properties.

    Interrupted, even killed, the same command goes on where it stopped. At most half a minute of work is lost; of
    properties the featurization or the pass that was under way.

    Example: tenfma train --task forces --data train.extxyz.gz --out si
    or: tenfma train --task property --target K_vrh,G_vrh --log --data F.extxyz.gz --out moduli --minutes 20
    """
    from dataclasses import replace

    from tenfma.cli.output import progress_bar
    from tenfma.errors import TenfmaError

    if task == "property":
        from tenfma.cli.train_property import run

        return run(
            data,
            out,
            target,
            log,
            minutes=minutes,
            seed=seed,
            valid=valid,
            members=members,
            steps=steps,
            aggregation=aggregation,
            bath=bath,
            kT=kT,
            p0=p0,
            gradient=gradient,
            epochs=epochs,
            command="tenfma " + shlex.join(_portable(sys.argv[1:])),
        )
    if task != "forces":
        raise TenfmaError(f"--task {task} is not known; forces and property are")

    from tenfma.training.choice import Candidate
    from tenfma.training.forces import ASSEMBLY_SHARE, Report, train_forces
    from tenfma.training.recipe import SIZES

    if size not in SIZES:
        raise TenfmaError(f"--size {size} is not known; {' and '.join(SIZES)} are")
    recipe = replace(SIZES[size], cutoff=cutoff)
    if functions < 0:
        raise TenfmaError(
            f"--functions {functions} is below 0; a number of functions, or 0 for the recipe's, is expected"
        )
    if functions:
        recipe = replace(recipe, functions=functions, functions_mixed=functions)
    if ridges:
        recipe = replace(recipe, ridges=_numbers(ridges), ridges_mixed=_numbers(ridges))
    heading = f"{'energy weight':>13} {'ridge':>7}   {'E MAE meV/atom':>14} {'F MAE eV/Å':>10}   (validation)"

    with progress_bar("training", 1.0) as bar:

        def candidate(one: Candidate) -> None:
            nonlocal heading
            if heading:
                typer.echo(heading)
                heading = ""
            e = one.errors
            typer.echo(
                f"{one.energy_weight:>13g} {one.ridge:>7.0e}   {e.energy_mae:>14.3f} {e.force_mae:>10.4f}"
            )

        model = train_forces(
            data,
            out,
            valid=valid,
            seed=seed,
            minutes=minutes,
            recipe=recipe,
            command="tenfma " + shlex.join(_portable(sys.argv[1:])),
            report=Report(
                lambda done, total: bar(ASSEMBLY_SHARE * done / total),
                lambda done, total: bar(ASSEMBLY_SHARE + (1 - ASSEMBLY_SHARE) * done / total),
                candidate,
                typer.echo,
            ),
        )
    typer.echo(f"trained    {model.name}; card in {out / 'card.md'}")
    typer.echo(f"use it     tenfma evaluate {out} --data FILE, or tenfma.load({str(out)!r})")


def _numbers(text: str) -> tuple[float, ...]:
    from tenfma.errors import TenfmaError

    try:
        found = tuple(float(part) for part in text.split(","))
    except ValueError:
        found = ()
    if not found or not all(0 < number < float("inf") for number in found):
        raise TenfmaError(f"--ridges {text} is not understood; positive numbers by commas, as in 1e-5,1e-6")
    return found


def _portable(arguments: list[str]) -> list[str]:
    """Files by name only, so that a card does not tell where they lay; NAME/atom in a target is no file."""
    before = ["", *arguments]
    return [
        Path(part).name if "/" in part and option != "--target" and not part.startswith("--target=") else part
        for option, part in zip(before, arguments)
    ]
