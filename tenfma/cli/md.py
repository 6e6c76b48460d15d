"""`tenfma md`: molecular dynamics of a crystal's atoms, streamed to disk."""

from pathlib import Path
from typing import Annotated

import typer


def md(
    source: Annotated[str, typer.Argument(metavar="FILE", help="A structure file, or prototype:NAME.")],
    out: Annotated[Path, typer.Option("--out", help="Trajectory: .traj, .extxyz or any format ASE writes.")],
    model: Annotated[str | None, typer.Option("--model", help="A model's name or folder.")] = None,
    calculator: Annotated[
        str | None, typer.Option("--calculator", help="Instead of a model: emt, lj, morse or module:factory.")
    ] = None,
    supercell: Annotated[
        tuple[int, int, int], typer.Option("--supercell", help="Repeats along the lattice vectors.")
    ] = (1, 1, 1),
    ensemble: str = typer.Option("nve", "--ensemble", help="nve (leapfrog) or nvt (BAOAB)."),
    temperature: float = typer.Option(
        300.0, "--temperature", help="K, of the first momenta and of the bath."
    ),
    friction: float = typer.Option(0.01, "--friction", help="Friction of the bath, 1/fs."),
    dt: float = typer.Option(1.0, "--dt", help="Step, fs."),
    steps: int = typer.Option(1000, "--steps", min=0, help="Steps in all, those before a restart too."),
    every: int = typer.Option(10, "--every", min=1, help="Keep every n-th step."),
    seed: int = typer.Option(0, "--seed", min=0, max=2**63 - 1, help="Seed of momenta and noise."),
    restart: bool = typer.Option(False, "--restart", help="Go on with the run that --out holds."),
    geometry: Annotated[
        Path | None,
        typer.Option("--geometry", help="Bond lengths and angles over time (.csv, .parquet); see --bond."),
    ] = None,
    bond: Annotated[
        list[str] | None, typer.Option("--bond", help="A bond for --geometry, as in 0-1; repeatable.")
    ] = None,
    angle: Annotated[
        list[str] | None, typer.Option("--angle", help="An angle for --geometry, as in 1-0-2; repeatable.")
    ] = None,
) -> None:
    """Molecular dynamics under a learned Hamiltonian or an ASE calculator: NVE by leapfrog, NVT by BAOAB.

    Frames and tables are written as they come; a run that was interrupted or killed goes on with --restart,
    bit for bit, from the last frame. --geometry without --bond and --angle keeps averages over nearest neighbours.

    Example: tenfma md si.cif --model Si --supercell 2 2 2 --ensemble nvt --temperature 300 --out si.traj
    """
    from contextlib import closing

    from tenfma.cli.interrupts import held_interrupts
    from tenfma.cli.output import writable
    from tenfma.crystal.structures import notes, read
    from tenfma.errors import TenfmaError
    from tenfma.simulation.molecular_dynamics import Plan
    from tenfma.simulation.potentials import atoms_of, hamiltonian
    from tenfma.simulation.recording import TABLES, trajectory_format
    from tenfma.simulation.session import Session

    writable(out, (out.suffix.lower(),))
    trajectory_format(out)
    if geometry is not None:
        writable(geometry, TABLES, "--geometry")
    elif bond or angle:
        raise TenfmaError("--bond and --angle are kept in --geometry FILE; name that file")
    plan = Plan(ensemble.lower(), temperature, friction, dt, seed)
    structure = read(source)
    for said in notes(structure):
        typer.echo(said)
    atoms = atoms_of(structure, supercell)
    H = hamiltonian(atoms, model, calculator)
    session = Session(H, atoms, plan, out, geometry, tuple(bond or ()), tuple(angle or ()), restart)
    typer.echo(f"{H.name}: {len(atoms)} atoms, {plan.ensemble.upper()}, {temperature:g} K, dt {dt:g} fs")
    lines = max(1, -(-steps // every) // 20)
    with held_interrupts("after this interval") as check, closing(session.run(steps, every)) as rows:
        for number, row in enumerate(rows):
            if number == 0:
                typer.echo(f"{'time fs':>10} {'T K':>8} {'E eV':>14} {'drift meV/atom':>14}")
            if number % lines == 0 or row["step"] == steps:
                typer.echo(
                    f"{row['time_fs']:>10.1f} {row['temperature_K']:>8.1f} {row['total_eV']:>14.5f} "
                    f"{row['drift_meV_per_atom']:>14.5f}"
                )
            check()
    typer.echo(f"saved      {out}, {session.table_file}" + (f", {geometry}" if geometry else ""))
