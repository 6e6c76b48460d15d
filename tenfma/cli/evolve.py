"""`tenfma evolve`: move one crystal under H_θ and save the path."""

from pathlib import Path
from typing import Annotated, Any

import typer


def evolve(
    source: Annotated[str, typer.Argument(metavar="FILE", help="A structure file, or prototype:NAME.")],
    out: Annotated[Path, typer.Option("--out", help="Where the path goes (.npz).")],
    model: str = typer.Option("untrained", "--model", help="A model's name or folder, or untrained:SEED."),
    chart: str = typer.Option("simplices", "--chart", help="simplices or atoms."),
    method: str = typer.Option(
        "leapfrog", "--method", help="How to step, such as leapfrog, yoshida4 or baoab."
    ),
    dt: float = typer.Option(0.05, "--dt", help="Step size, latent time (fs in the atoms chart)."),
    steps: int = typer.Option(400, "--steps", help="How many steps."),
    p0: str = typer.Option("zero", "--p0", help="Initial momenta: zero, learned or thermal (needs --kT)."),
    kT: float | None = typer.Option(
        None, "--kT", help="Temperature in eV, for thermal momenta and Langevin methods."
    ),
    friction: float | None = typer.Option(None, "--friction", help="Friction, 1/time, for Langevin methods."),
    seed: int = typer.Option(0, "--seed", min=0, max=2**63 - 1, help="Seed of thermal momenta and noise."),
    save_every: int = typer.Option(0, "--save-every", help="Keep every n-th state; 0 keeps about 30 MB."),
) -> None:
    """Move a crystal's simplices (or atoms) under the learned Hamiltonian and save the path.

    Example: tenfma evolve prototype:perovskite --method leapfrog --dt 0.05 --steps 400 --out path.npz

    On Ctrl-C the path so far is saved, and the exit code is 130.
    """
    from tenfma.cli.output import progress_bar, writable

    writable(out, (".npz",))
    from tenfma.crystal.structures import read

    structure = read(source)

    from tenfma.dynamics.record import Interrupted
    from tenfma.embedding.evolution import evolve as run
    from tenfma.embedding.pipeline import load

    try:
        with progress_bar("evolving", 1.0) as report:
            done = run(
                load(model),
                structure,
                chart=chart,
                method=method,
                dt=dt,
                steps=steps,
                p0=p0,
                kT=kT,
                friction=friction,
                seed=seed,
                save_every=save_every or None,
                progress=report,
            )
    except Interrupted as stop:
        kept = stop.kept
        if len(kept.path.t) > 1:
            _keep(kept, out)
            typer.echo(f"{'finished':<10} {round(float(kept.path.t[-1]) / dt)} of {steps} steps")
        raise
    _keep(done, out)


def _keep(done: Any, out: Path) -> None:
    """Save an evolution and sum it up."""
    done.save(out)
    for name, line in done.summary().items():
        typer.echo(f"{name:<10} {line}")
    typer.echo(f"{'saved':<10} {out}")
