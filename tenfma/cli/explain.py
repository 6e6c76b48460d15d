"""`tenfma explain`: a crystal and a model in, a report for a chemist out."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from tenfma.errors import TenfmaError

#: atoms up to which the motion is certified unasked; beyond, Jacobians take long
CERTIFIED = 8


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
    from tenfma.cli.interrupts import held_interrupts
    from tenfma.cli.output import progress_bar, writable
    from tenfma.crystal.structures import read
    from tenfma.explanation.supercells import check_size

    writable(out, (".html", ".json"))
    cells = _cells(supercell)
    if flow < 0 or flow > 1_000_000:
        raise TenfmaError(f"--flow is {flow}; a number of steps from 0 to 1000000 is expected")
    if dt is not None and not 0 < dt < float("inf"):
        raise TenfmaError(f"--dt is {dt:g}; a step above 0 is expected, or leave it out")
    structure = read(source)
    check_size(len(structure), cells, "--supercell")

    from tenfma.dynamics.methods import method_named
    from tenfma.embedding.pipeline import load
    from tenfma.explanation import explain as explained
    from tenfma.explanation.summary import few_enough

    chosen = method_named(method)
    with (
        _compiled_work(),
        held_interrupts("after this part") as check,
        progress_bar("explaining", 4.0) as bar,
    ):

        def report(done: float) -> None:
            bar(done)
            check()

        start = "thermal" if flow else "zero"
        found = explained(load(model), structure, chart=chart, p0=start, kT=kT, seed=seed)
        _heeded(found, cells)
        told = None
        if flow:
            bath: dict[str, Any] = {"kT": kT, "friction": friction, "seed": seed} if chosen.stochastic else {}
            told = found.flow(dt=dt, steps=flow, method=method, progress=report, **bath)
        made, passed_by = None, ""
        atoms = 0 if found.subject.numbers is None else len(found.subject.numbers)
        if certificate or (certificate is None and 0 < atoms <= CERTIFIED):
            made = _certified(found, dt, lambda done: report(1.0 + done))
        elif certificate is None:
            passed_by = "not certified unasked: "
            passed_by += f"more than {CERTIFIED} atoms" if atoms else "simplices chart"
            passed_by += "; --certificate takes minutes and gigabytes"
        if atoms and few_enough(found):
            found.modes(cells, lambda done: report(2.0 + done))
        found.verify()
        report(3.0)
        _write(found, out, told, cells, made)
        report(4.0)
    parts = found.parts
    typer.echo(f"{'explained':<12} {found.name}")
    typer.echo(f"{'energy':<12} {parts.total:.6f} {parts.unit}, in {len(parts.labels)} parts")
    typer.echo(f"{'gauge':<12} {found.gauge}")
    checks = found.verify()
    passed = sum(check.verdict == "pass" for check in checks.checks)
    typer.echo(f"{'checks':<12} {passed} of {len(checks.checks)} hold")
    if told is not None and told.warning:
        typer.echo(f"{'flow':<12} {told.warning}")
    if passed_by:
        typer.echo(f"{'motion':<12} {passed_by}")
    typer.echo(f"{'saved':<12} {out}")


@contextmanager
def _compiled_work() -> Iterator[None]:
    """Ctrl-C that broke into machine code is Ctrl-C all the same."""
    try:
        yield
    except SystemError as error:
        if isinstance(error.__cause__ or error.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from error
        raise


def _heeded(found: Any, cells: tuple[int, int, int]) -> None:
    """Refuse a supercell that would not be used."""
    from tenfma.explanation.summary import few_enough, most_coupled

    if cells == (1, 1, 1):
        return
    if found.subject.numbers is None:
        raise TenfmaError(
            "--supercell is for normal modes, and the simplices chart has none; use --chart atoms or leave it out"
        )
    if not few_enough(found):
        raise TenfmaError(
            f"--supercell would not be used: normal modes are told of crystals of at most {most_coupled(found)} "
            f"atoms under this model, and there are {len(found.subject.numbers)}; leave it out"
        )


def _certified(found: Any, dt: float | None, progress: Callable[[float], None]) -> Any:
    from tenfma.dynamics.certificates import certify

    step = found.usual_step() if dt is None else dt
    return certify(
        found.H,
        "leapfrog",
        dt=step,
        q=found.q,
        p=found.p,
        steps=200,
        progress=lambda done, name: progress(done),
    )


def _write(found: Any, out: Path, flow: Any, cells: tuple[int, int, int], certificate: Any) -> None:
    from tenfma.viz.explanation_report import write_report
    from tenfma.whole import write_text

    if out.suffix.lower() == ".html":
        write_report(found, out, flow=flow, supercell=cells, certificate=certificate)
        return
    content = found.to_dict(flow, cells) | {
        "certificate": None if certificate is None else certificate.to_dict()
    }
    write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", out)


def _cells(text: str) -> tuple[int, int, int]:
    """'2,2,2' as three whole numbers."""
    try:
        a, b, c = (int(part) for part in text.replace("x", ",").split(","))
    except ValueError:
        raise TenfmaError(f"--supercell is {text!r}; three whole numbers are expected, as in 2,2,2") from None
    if not all(1 <= n <= 20 for n in (a, b, c)):
        raise TenfmaError(f"--supercell is {text}; numbers from 1 to 20 are expected")
    return a, b, c
