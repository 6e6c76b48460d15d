"""One run with its files: begin or go on, keep every interval whole, finish also when interrupted."""

from collections.abc import Generator
from pathlib import Path

import numpy as np
from ase import Atoms

from tenfma.errors import TenfmaError
from tenfma.hamiltonian.protocol import Hamiltonian
from tenfma.simulation import geometry
from tenfma.simulation.molecular_dynamics import Plan, State, frame, measured, run, start
from tenfma.simulation.recording import Frames, Restart, Table, restart_file


class Session:
    """H, crystal and plan with the files they fill: trajectory, table beside it (.csv), bonds and angles if asked for.

    Raises TenfmaError where `restart` finds no such run, or a run is there and is not gone on with.
    """

    def __init__(
        self,
        H: Hamiltonian,
        atoms: Atoms,
        plan: Plan,
        out: Path,
        geometry_file: Path | None = None,
        bonds: tuple[str, ...] = (),
        angles: tuple[str, ...] = (),
        restart: bool = False,
    ) -> None:
        self.H, self.atoms, self.plan, self.out = H, atoms, plan, out
        self.restart_file = restart_file(out)
        self.table_file = out.with_name(out.name + ".csv")
        self.held = Restart.load(self.restart_file) if restart else None
        if self.held is not None:
            self.held.check(plan, H.name, atoms)
        elif self.restart_file.exists():
            raise TenfmaError(
                f"{out} belongs to a run that is there; add --restart, or remove {self.restart_file}"
            )
        self.geometry_file = geometry_file
        self.measures = None
        if geometry_file is not None:
            named = bonds or angles
            self.measures = (
                geometry.chosen(atoms, list(bonds), list(angles)) if named else geometry.nearest(atoms)
            )

    def run(self, steps: int, every: int) -> Generator[dict[str, float], None, None]:
        """The rows of the table up to step `steps`, each after all files hold its interval."""
        held = self.held
        rows = None if held is None else held.rows
        frames = Frames(self.out) if held is None else Frames(self.out, held.frames, held.size)
        table = Table(self.table_file, rows)
        shapes = None if self.geometry_file is None else Table(self.geometry_file, rows)
        first = start(self.H, self.atoms.positions, self.plan) if held is None else held.state
        try:
            if held is None:
                yield self._keep(first, frames, table, shapes)
            for state in run(self.H, first, self.plan, steps, every):
                yield self._keep(state, frames, table, shapes)
        finally:
            table.close()
            if shapes is not None:
                shapes.close()
            frames.close()

    def _keep(self, state: State, frames: Frames, table: Table, shapes: Table | None) -> dict[str, float]:
        row = measured(self.H, state, self.plan)
        frames.add(frame(self.H, self.atoms, state, self.plan))
        table.add(row)
        if shapes is not None and self.measures is not None:
            shapes.add({"step": state.step, "time_fs": row["time_fs"], **self.measures.measured(state.q)})
        Restart(
            state,
            self.plan,
            self.H.name,
            self.atoms.numbers,
            np.array(self.atoms.cell.array),
            frames.count,
            table.count,
            frames.size,
        ).save(self.restart_file)
        return row
