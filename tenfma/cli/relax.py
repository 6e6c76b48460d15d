"""`tenfma relax`: a crystal to its nearest minimum of energy."""

from pathlib import Path
from typing import Annotated

import typer

#: the file was written, but forces are above --fmax
NOT_CONVERGED = 1


def relax(
    source: Annotated[str, typer.Argument(metavar="FILE", help="A structure file, or prototype:NAME.")],
    out: Annotated[
        Path, typer.Option("--out", help="Relaxed crystal: .cif, .extxyz or any format ASE writes.")
    ],
    model: Annotated[str | None, typer.Option("--model", help="A model's name or folder.")] = None,
    calculator: Annotated[
        str | None, typer.Option("--calculator", help="Instead of a model: emt, lj, morse or module:factory.")
    ] = None,
    cell: bool = typer.Option(False, "--cell", help="Relax the cell too."),
    pressure: float = typer.Option(0.0, "--pressure", help="GPa, with --cell."),
    fmax: float = typer.Option(0.01, "--fmax", help="Largest force left, eV/Å."),
    steps: int = typer.Option(500, "--steps", min=0, help="Steps at most."),
    optimizer: str = typer.Option("LBFGS", "--optimizer", help="FIRE, BFGS or LBFGS."),
) -> None:
    """Relax a crystal's atoms, and with --cell its cell, under a learned Hamiltonian or an ASE calculator.

    Example: tenfma relax si.cif --model Si --cell --out si.cif

    Exit code 1 where --steps were not enough, 130 on Ctrl-C; the crystal as it then stands is written all the same.
    """
    from contextlib import suppress

    import ase.io

    from tenfma.cli.interrupts import held_interrupts
    from tenfma.cli.output import writable
    from tenfma.crystal.structures import notes, read
    from tenfma.errors import TenfmaError
    from tenfma.simulation import relaxation
    from tenfma.simulation.potentials import atoms_of
    from tenfma.simulation.potentials import calculator as chosen
    from tenfma.simulation.recording import trajectory_format
    from tenfma.whole import whole

    writable(out, (out.suffix.lower(),))
    kind = trajectory_format(out)
    structure = read(source)
    for said in notes(structure):
        typer.echo(said)
    atoms = atoms_of(structure)
    atoms.calc = chosen(model, calculator)

    def line(now: relaxation.Progress) -> None:
        check()
        typer.echo(
            f"{now.step:>6} {now.energy:>14.6f} {now.largest_force:>12.5f} {now.volume / len(atoms):>12.4f}"
        )

    typer.echo(f"{'step':>6} {'E eV':>14} {'force eV/Å':>12} {'Å³/atom':>12}")
    done = None
    with suppress(KeyboardInterrupt), held_interrupts("after this step") as check:
        done = relaxation.relax(
            atoms, cell=cell, fmax=fmax, steps=steps, optimizer=optimizer, pressure=pressure, on_step=line
        )
    with whole(out) as part:
        try:
            ase.io.write(part, atoms, format=kind)
        except Exception as error:  # a writer may not know such a crystal
            raise TenfmaError(f"{out} could not be written: {error}") from error
    a, b, c, alpha, beta, gamma = atoms.cell.cellpar()
    typer.echo(f"cell       {a:.4f} {b:.4f} {c:.4f} Å, {alpha:.2f} {beta:.2f} {gamma:.2f}°")
    typer.echo(f"saved      {out}")
    if done is None:
        raise KeyboardInterrupt
    if not done.converged:
        typer.echo(f"not converged: {done.largest_force:.4f} eV/Å is left; raise --steps or --fmax")
        raise typer.Exit(NOT_CONVERGED)
