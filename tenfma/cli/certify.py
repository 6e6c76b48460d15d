"""`tenfma certify`: measure what a method does to a Hamiltonian and write the report."""

import json
import os
import re
from pathlib import Path
from typing import Annotated, Any

import typer

from tenfma.errors import TenfmaError
from tenfma.whole import write_text

#: a system's name rather than a formula: letters joined by - or _, four at least
NAME = re.compile(r"[^\W\d_]{2}[^\W\d]*(?:[- –_]?\w+)*[^\W\d_]{2}")

CHARTS = ("simplices", "atoms")

#: the certificate was made, --strict was asked for, and it is not green
NOT_GREEN = 1


def certify(
    system: Annotated[
        str,
        typer.Argument(
            metavar="SYSTEM", help="A formula, a textbook system's name, or a model (--structure)."
        ),
    ],
    method: str = typer.Option("leapfrog", "--method", help="How to step, such as leapfrog, tao4 or baoab."),
    dt: float | None = typer.Option(None, "--dt", help="Step size in the system's time unit."),
    q: str | None = typer.Option(None, "--q", help="Start: coordinates, as in 0.1,0"),
    p: str | None = typer.Option(None, "--p", help="Start: momenta, as in 0,0.5"),
    steps: int | None = typer.Option(
        None, "--steps", help="Length of the run that shows drift and temperature."
    ),
    kT: float | None = typer.Option(
        None,
        "--kT",
        help="Temperature in units of energy: of Langevin methods, and of a model's first momenta.",
    ),
    friction: float | None = typer.Option(None, "--friction", help="Friction, 1/time, for Langevin methods."),
    coordinates: str | None = typer.Option(
        None, "--coordinates", help="Names of a formula's coordinates: x,y"
    ),
    parameter: Annotated[
        list[str] | None, typer.Option("--parameter", help="A formula's parameter, as in k=2; repeatable.")
    ] = None,
    invariant: Annotated[
        list[str] | None, typer.Option("--invariant", help="A candidate, as in L=x*py-y*px; repeatable.")
    ] = None,
    structure: str | None = typer.Option(
        None, "--structure", help="The crystal, for a model: a file or prototype:NAME."
    ),
    chart: str = typer.Option("simplices", "--chart", help="For a model: simplices or atoms."),
    seed: int = typer.Option(
        0, "--seed", min=0, max=2**63 - 1, help="Seed of the noise and of thermal momenta."
    ),
    out: Annotated[Path | None, typer.Option("--json", help="Where the report goes (.json).")] = None,
    strict: bool = typer.Option(False, "--strict", help="Exit with 1 when a check fails."),
) -> None:
    """Certify a method on a Hamiltonian: symplectic defect, reversal, order, drift, temperature, invariants.

    Example: tenfma certify henon-heiles --method leapfrog --dt 0.1 --json report.json

    Example: tenfma certify "p**2/2 + q**4/4" --method yoshida4 --dt 0.1 --q 1 --p 0

    Exit code 0 when the certificate was made, whatever its verdict; 1 with --strict when it is not green; 2
    for bad input; 130 when interrupted: the checks made until then are printed and written.
    """
    from tenfma.cli.output import progress_bar, writable

    if out is not None:
        writable(out, (".json",), "--json")
    parameters, candidates = (
        _pairs(parameter, "--parameter", float),
        _pairs(invariant, "--invariant", str),
    )
    start = [_numbers(q, "--q"), _numbers(p, "--p")]
    bath = None if structure is not None and not _stochastic(method) else kT  # a model is also started at kT
    _settings(
        method, dt, steps, bath, friction
    )  # all that can be refused without SymPy and torch is refused before their import
    _readable(system, structure, chart, candidates)
    _complete(system, structure, dt=dt, q=q, p=p)
    H, *own = _system(system, coordinates, parameters, structure, chart, kT, seed)
    start = [given if default is None else default for default, given in zip(start, own)]
    _pairing(H, method, dt, start, candidates)

    from tenfma.dynamics.certificates import certify as made
    from tenfma.dynamics.record import Interrupted

    try:
        with progress_bar("certifying", 1.0) as report:
            certificate = made(
                H,
                method,
                dt=dt,
                q=start[0],
                p=start[1],
                kT=bath,
                friction=friction,
                steps=steps,
                invariants=candidates,
                seed=seed,
                progress=lambda done, name: report(done),
            )
    except Interrupted as stop:
        if stop.kept.checks:
            _keep(stop.kept, out)
        raise
    _keep(certificate, out)
    if strict and not certificate.green:
        raise typer.Exit(NOT_GREEN)


def _keep(certificate: Any, out: Path | None) -> None:
    """Print a certificate, and write it where a file is named: whole or not at all."""
    typer.echo(str(certificate))
    if out is None:
        return
    write_text(json.dumps(certificate.to_dict(), indent=1, ensure_ascii=False) + "\n", out)


def _stochastic(method: str) -> bool:
    from tenfma.dynamics.methods import method_named

    return method_named(method).stochastic


def _settings(method: str, dt: Any, steps: Any, kT: Any, friction: Any) -> None:
    """Raise TenfmaError for settings that no system could be certified with."""
    from tenfma.dynamics import arguments
    from tenfma.dynamics.methods import method_named

    chosen = method_named(method)
    if dt is not None:
        arguments.certified_step(dt)
    if steps is not None:
        arguments.certified_length(steps)
    arguments.bath_named(chosen, kT, friction)
    if chosen.stochastic:
        arguments.checked_temperature(kT)


def _is_model(system: str, structure: str | None) -> bool:
    return structure is not None or os.path.isdir(system) or system.split(":")[0] == "untrained"


def _readable(system: str, structure: str | None, chart: str, candidates: dict[str, str]) -> None:
    """Raise TenfmaError for formulas and names that no system, model or candidate goes by."""
    from tenfma.crystal.sources import check_source
    from tenfma.hamiltonian.syntax import Reader, read
    from tenfma.hamiltonian.textbook import textbook

    formulas = list(candidates.values())
    if _is_model(system, structure):
        from tenfma.embedding.shipped import located

        if structure is None:
            raise TenfmaError(f"{system} is a model; name the crystal to certify it on with --structure FILE")
        if chart not in CHARTS:
            raise TenfmaError(f"--chart is {chart!r}; {' or '.join(CHARTS)} is expected")
        located(system)
        check_source(structure)
    elif NAME.fullmatch(system.strip()):
        textbook.entry(system)
    else:
        formulas.append(system)
    for formula in formulas:
        read(formula, Reader())


def _complete(system: str, structure: str | None, **given: Any) -> None:
    """Raise TenfmaError where a formula, which has no start and step of its own, is given none."""
    missing = [name for name, value in given.items() if value is None]
    if missing and not _is_model(system, structure) and not NAME.fullmatch(system.strip()):
        raise TenfmaError(f"a certificate needs {', '.join(missing)}; a formula has no default for it")


def _pairing(H: Any, method: str, dt: Any, start: list, candidates: dict[str, str]) -> None:
    """Raise TenfmaError where the method is not right for H, the start none of its states, or a candidate unreadable."""
    from tenfma.dynamics.arguments import candidate, certified_start
    from tenfma.dynamics.arrays import plain
    from tenfma.dynamics.methods import check_pairing, method_named

    _, q, p = certified_start(H, dt, *start)
    check_pairing(method_named(method), H, plain(q), plain(p))
    for name, text in candidates.items():
        candidate(H, name, text)


def _system(
    system: str, coordinates, parameters: dict[str, float], structure: str | None, chart, kT, seed
) -> tuple[Any, Any, Any]:
    """(H, q0 or None, p0 or None): a model where a structure is given, a textbook name, or a formula."""
    if structure is not None:
        from tenfma.crystal.structures import read

        crystal = read(structure)
        from tenfma.embedding.pipeline import load

        start = {"p0": "thermal", "kT": kT, "seed": seed} if kT else {}
        H, q0, p0 = load(system).hamiltonian(crystal, chart=chart, **start)
        return H, q0, p0
    from tenfma.hamiltonian.symbolic import symbolic
    from tenfma.hamiltonian.textbook import textbook

    if NAME.fullmatch(system.strip()):
        return textbook(system, **parameters), None, None
    return symbolic(system, coordinates, parameters=parameters), None, None


def _numbers(text: str | None, option: str) -> list[float] | None:
    """'0.1,0' as a list of floats."""
    if text is None:
        return None
    try:
        return [float(part) for part in text.replace(",", " ").split()]
    except ValueError:
        raise TenfmaError(f"{option} is {text!r}; give numbers separated by commas, as in 0.1,0") from None


def _pairs(given: list[str] | None, option: str, kind: type) -> dict[str, Any]:
    """name=value options as a mapping."""
    pairs = {}
    for text in given or []:
        name, equals, value = text.partition("=")
        try:
            pairs[name.strip()] = kind(value.strip())
        except ValueError:
            equals = ""
        if not equals or not name.strip() or not value.strip():
            raise TenfmaError(f"{option} is {text!r}; write it as name=value")
    return pairs
