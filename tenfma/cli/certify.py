"""`tenfma certify`: measure what a method does to a Hamiltonian and write the report."""

import json
import os
import re
from pathlib import Path
from typing import Annotated, Any

import typer

from tenfma.errors import TenfmaError

#: a system's name rather than a formula: letters joined by - or _, four at least
NAME = re.compile(r"[^\W\d_]{2}[^\W\d]*(?:[- –_]?\w+)*[^\W\d_]{2}")

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
        None, "--kT", help="Temperature in units of energy, for Langevin methods."
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
    for bad input.
    """
    from tenfma.cli.output import progress_bar, writable

    if out is not None:
        writable(out, (".json",))
    H, start_q, start_p = _system(
        system, coordinates, _pairs(parameter, "--parameter", float), structure, chart, kT, seed
    )
    start_q = _numbers(q, "--q", start_q)
    start_p = _numbers(p, "--p", start_p)

    from tenfma.dynamics.certificates import certify as made

    with progress_bar("certifying", 1.0) as report:
        certificate = made(
            H,
            method,
            dt=dt,
            q=start_q,
            p=start_p,
            kT=kT,
            friction=friction,
            steps=steps,
            invariants=_pairs(invariant, "--invariant", str),
            seed=seed,
            progress=lambda done, name: report(done),
        )
    typer.echo(str(certificate))
    if out is not None:
        part = out.with_name(out.name + ".part")
        part.write_text(json.dumps(certificate.to_dict(), indent=1, ensure_ascii=False) + "\n")
        part.replace(out)
    if strict and not certificate.green:
        raise typer.Exit(NOT_GREEN)


def _system(
    system: str, coordinates, parameters: dict[str, float], structure, chart, kT, seed
) -> tuple[Any, Any, Any]:
    """(H, q0 or None, p0 or None): a model where a structure is given, a textbook name, or a formula."""
    is_model = structure is not None or os.path.isdir(system) or system.split(":")[0] == "untrained"
    if is_model:
        if structure is None:
            raise TenfmaError(f"{system} is a model; name the crystal to certify it on with --structure FILE")
        from tenfma.crystal.structures import read
        from tenfma.embedding.pipeline import load

        model = load(system)
        start = {"p0": "thermal", "kT": kT, "seed": seed} if kT else {}
        H, q0, p0 = model.hamiltonian(read(structure), chart=chart, **start)
        return H, q0, p0
    from tenfma.hamiltonian.symbolic import symbolic
    from tenfma.hamiltonian.textbook import textbook

    if NAME.fullmatch(system.strip()):
        return textbook(system, **parameters), None, None
    return symbolic(system, coordinates, parameters=parameters), None, None


def _numbers(text: str | None, option: str, default: Any) -> Any:
    """'0.1,0' as a list of floats."""
    if text is None:
        return default
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
