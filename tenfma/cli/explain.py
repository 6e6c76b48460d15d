"""`tenfma explain`: a crystal and a model in, a report for a chemist out."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from tenfma.errors import TenfmaError

#: atoms up to which the motion is certified unasked; beyond, Jacobians take minutes
CERTIFIED = 12


def explain(
    source: Annotated[str, typer.Argument(metavar="FILE", help="A structure file, or prototype:NAME.")],
    out: Annotated[Path, typer.Option("--out", help="Where the report goes (.html or .json).")],
    model: str = typer.Option("untrained", "--model", help="A model's name or folder, or untrained:SEED."),
    chart: str | None = typer.Option(
        None, "--chart", help="atoms or simplices; force models are explained in the atoms chart."
    ),
    supercell: str = typer.Option("1,1,1", "--supercell", help="Cells for the normal modes, as in 2,2,2."),
    flow: int = typer.Option(
        0, "--flow", help="Steps of a run that energy flow is told of; 0 leaves it out."
    ),
    dt: float | None = typer.Option(None, "--dt", help="Step of that run: fs, or latent time (simplices)."),
    method: str = typer.Option("leapfrog", "--method", help="How to step; baoab with --kT and --friction."),
    kT: float = typer.Option(0.025, "--kT", help="Temperature in eV of the run's momenta and bath."),
    friction: float | None = typer.Option(None, "--friction", help="Friction, 1/time, for Langevin methods."),
    seed: int = typer.Option(0, "--seed", min=0, max=2**63 - 1, help="Seed of momenta and noise."),
    certificate: bool | None = typer.Option(
        None, "--certificate/--no-certificate", help="Certify the motion too; small crystals by default."
    ),
) -> None:
    """Explain a crystal's energy: parts, tensions, torques, couplings, modes and energy flow, checked.

    Example: tenfma explain si.cif --model Si --supercell 2,2,2 --flow 500 --out report.html
    """
    from tenfma.cli.output import progress_bar, writable
    from tenfma.crystal.structures import read

    writable(out, (".html", ".json"))
    cells = _cells(supercell)
    if flow < 0 or flow > 1_000_000:
        raise TenfmaError(f"--flow is {flow}; a number of steps from 0 to 1000000 is expected")
    structure = read(source)

    from tenfma.dynamics.certificates import certify
    from tenfma.dynamics.methods import method_named
    from tenfma.embedding.pipeline import load
    from tenfma.explanation import explain as explained

    chosen = method_named(method)
    with progress_bar("explaining", 4.0) as report:
        found = explained(
            load(model), structure, chart=chart, p0="thermal" if flow else "zero", kT=kT, seed=seed
        )
        told = None
        if flow:
            bath: dict[str, Any] = {"kT": kT, "friction": friction, "seed": seed} if chosen.stochastic else {}
            told = found.flow(dt=dt, steps=flow, samples=min(200, flow + 1), method=method, **bath)
        report(1.0)
        made = None
        wanted = found.subject.numbers is not None and len(found.subject.numbers) <= CERTIFIED
        if certificate or (certificate is None and wanted):
            step = dt or (1.0 if found.subject.numbers is not None else 0.05)
            made = certify(found.H, "leapfrog", dt=step, q=found.q, p=found.p, steps=200)
        report(2.0)
        if out.suffix.lower() == ".html":
            from tenfma.viz.explanation_report import write_report

            write_report(found, out, flow=told, supercell=cells, certificate=made)
        else:
            content = found.to_dict(told, cells) | {"certificate": None if made is None else made.to_dict()}
            part = out.with_name(out.name + ".part")
            part.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
            part.replace(out)
        report(4.0)
    parts = found.parts
    typer.echo(f"{'explained':<12} {found.name}")
    typer.echo(f"{'energy':<12} {parts.total:.6f} {parts.unit}, in {len(parts.labels)} parts")
    typer.echo(f"{'gauge':<12} {found.gauge}")
    checks = found.verify()
    passed = sum(check.verdict == "pass" for check in checks.checks)
    typer.echo(f"{'checks':<12} {passed} of {len(checks.checks)} hold")
    typer.echo(f"{'saved':<12} {out}")


def _cells(text: str) -> tuple[int, int, int]:
    """'2,2,2' as three whole numbers."""
    try:
        a, b, c = (int(part) for part in text.replace("x", ",").split(","))
    except ValueError:
        raise TenfmaError(f"--supercell is {text!r}; three whole numbers are expected, as in 2,2,2") from None
    if not all(1 <= n <= 20 for n in (a, b, c)):
        raise TenfmaError(f"--supercell is {text}; numbers from 1 to 20 are expected")
    return a, b, c
