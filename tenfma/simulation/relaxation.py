"""Atoms, and the cell if asked for, taken downhill to where forces and stress vanish, by ASE's optimisers."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from ase import Atoms, units
from ase.filters import FrechetCellFilter
from ase.optimize import BFGS, FIRE, LBFGS

from tenfma.errors import TenfmaError

#: GPa
LARGEST_PRESSURE = 10_000.0
#: a cell that has grown or shrunk so many times is no longer the crystal
FALLEN_APART = 20.0
OPTIMIZERS = {"FIRE": FIRE, "BFGS": BFGS, "LBFGS": LBFGS}


@dataclass(frozen=True)
class Progress:
    """Where a relaxation stands: energy in eV, largest force (and, with the cell, its generalised force) in eV/Å."""

    step: int
    energy: float
    largest_force: float
    volume: float
    converged: bool


def relax(
    atoms: Atoms,
    *,
    cell: bool = False,
    fmax: float = 0.01,
    steps: int = 500,
    optimizer: str = "LBFGS",
    pressure: float = 0.0,
    on_step: Callable[[Progress], None] = lambda progress: None,
) -> Progress:
    """Relax `atoms` in place with their calculator until no force is above `fmax` eV/Å; with `cell`, the cell too,
    at `pressure` in GPa.

    Raises TenfmaError for an unknown optimiser or settings out of range, and where the crystal falls apart.
    """
    if optimizer.upper() not in OPTIMIZERS:
        raise TenfmaError(f"--optimizer is {optimizer}; {', '.join(OPTIMIZERS)} are expected")
    if not 0 < fmax < float("inf") or steps < 0:
        raise TenfmaError(f"--fmax is {fmax} and --steps {steps}; fmax > 0 eV/Å and steps ≥ 0 are expected")
    if not abs(pressure) <= LARGEST_PRESSURE:
        raise TenfmaError(
            f"--pressure is {pressure} GPa; a number from -{LARGEST_PRESSURE:g} to {LARGEST_PRESSURE:g} is expected"
        )
    if pressure and not cell:
        raise TenfmaError("--pressure acts on the cell; add --cell")
    if cell and not atoms.pbc.all():
        raise TenfmaError("--cell needs a crystal that is periodic in all three directions; leave --cell out")
    moved = FrechetCellFilter(atoms, scalar_pressure=pressure * units.GPa) if cell else atoms
    search = OPTIMIZERS[optimizer.upper()](moved, logfile=None)
    with _evaluating(atoms):
        now = start = _progress(0, atoms, moved, fmax)
    states = search.irun(fmax=fmax, steps=steps)
    while True:
        with _evaluating(atoms):
            converged = next(states, None)
            now = _progress(search.nsteps, atoms, moved, fmax)
        if converged is None:
            break
        if not np.isfinite(now.energy) or not np.isfinite(now.largest_force):
            raise TenfmaError("the energy stopped being finite; start nearer to a crystal this energy knows")
        if cell and not start.volume / FALLEN_APART < now.volume < start.volume * FALLEN_APART:
            raise TenfmaError(
                f"the crystal falls apart: its cell went from {start.volume:.3g} to {now.volume:.3g} Å³; start "
                "nearer to a minimum, or at another pressure"
            )
        on_step(now)
        if converged:
            break
    return now


@contextmanager
def _evaluating(atoms: Atoms) -> Iterator[None]:
    """A calculator's own error, whatever it is, as one sentence."""
    try:
        yield
    except TenfmaError:
        raise
    except Exception as error:
        told = str(error).strip().splitlines()[:1] or [type(error).__name__]
        raise TenfmaError(f"{type(atoms.calc).__name__} could not be evaluated: {told[0]}") from error


def _progress(step: int, atoms: Atoms, moved: Atoms | FrechetCellFilter, fmax: float) -> Progress:
    largest = float(np.linalg.norm(moved.get_forces(), axis=1).max())
    volume = float(atoms.get_volume()) if atoms.cell.rank == 3 else float("nan")
    return Progress(step, float(atoms.get_potential_energy()), largest, volume, largest < fmax)
