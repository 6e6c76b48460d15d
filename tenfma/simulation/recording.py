"""What a run leaves on disk while it goes: frames, tables, and a file to go on from.

Whatever a kill interrupts, the restart file names the last interval that all files hold whole; going on cuts the
others back to it. Frames in .traj and extxyz are appended as they come; any other format that ASE writes is made
from a .traj beside it when the run ends.
"""

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import ase.io
import numpy as np
import pandas as pd
from ase import Atoms
from ase.io.formats import UnknownFileTypeError, filetype, ioformats
from ase.io.trajectory import Trajectory

from tenfma.errors import TenfmaError
from tenfma.simulation.molecular_dynamics import Plan, State
from tenfma.whole import whole, write_text

#: formats that grow frame by frame as text, so that a broken end can be cut off
TEXT = ("extxyz",)
TABLES = (".csv", ".parquet")


class Frames:
    """A growing trajectory; `keep` frames (of `size` bytes) of one that is there are kept, None starts anew."""

    def __init__(self, out: Path, keep: int | None = None, size: int = 0) -> None:
        self.out, self.format = out, trajectory_format(out)
        growing = self.format in (*TEXT, "traj")
        self.stream = out if growing else out.with_name(out.name + ".part.traj")
        self.kind = self.format if growing else "traj"
        self.count = 0 if keep is None else keep
        if keep is None:
            self.stream.unlink(missing_ok=True)
        else:
            self._cut(size)

    @property
    def size(self) -> int:
        """Bytes of what is written."""
        return self.stream.stat().st_size

    def add(self, image: Atoms) -> None:
        """Append one frame."""
        if self.kind == "traj":
            with Trajectory(self.stream, "a") as held:
                held.write(image)
        else:
            ase.io.write(self.stream, image, format=self.kind, append=self.count > 0)
        self.count += 1

    def close(self) -> None:
        """Make the file in its own format where that does not grow."""
        if self.stream != self.out and self.stream.exists():
            with whole(self.out, remedy=f"frames are in {self.stream}") as part:
                try:
                    ase.io.write(part, ase.io.read(self.stream, ":"), format=self.format)
                except Exception as error:  # a writer may not know frames, or these cells
                    raise TenfmaError(
                        f"{self.out} could not be written ({error}); frames are in {self.stream}"
                    ) from error

    def _cut(self, size: int) -> None:
        if not self.stream.exists() or (self.kind in TEXT and self.size < size):
            raise TenfmaError(
                f"{self.stream} has lost frames of the run to go on with; remove its restart file"
            )
        if self.kind in TEXT:
            os.truncate(self.stream, size)
            return
        with Trajectory(self.stream) as held:
            if len(held) == self.count:
                return
            if len(held) < self.count:
                raise TenfmaError(
                    f"{self.stream} holds {len(held)} of {self.count} frames; remove its restart file"
                )
            with whole(self.stream) as part, Trajectory(part, "w") as kept:
                for index in range(self.count):
                    kept.write(held[index])


class Table:
    """A growing table, .csv or .parquet; rows are on disk as they come, in a .csv beside it for Parquet."""

    def __init__(self, out: Path, keep: int | None = None) -> None:
        self.out = out
        self.stream = out if out.suffix == ".csv" else out.with_name(out.name + ".part.csv")
        self.count = 0 if keep is None else keep
        if keep is not None:
            self._cut(keep)
        self._file = self.stream.open("a" if keep else "w", encoding="utf-8")

    def add(self, row: dict[str, float]) -> None:
        """Append one row; every call brings the same columns."""
        if self.count == 0:
            self._file.write(",".join(row) + "\n")
        self._file.write(",".join(repr(value) for value in row.values()) + "\n")
        self._file.flush()
        self.count += 1

    def close(self) -> None:
        """Finish the file."""
        self._file.close()
        if self.count == 0:
            self.stream.unlink()
        elif self.stream != self.out:
            with whole(self.out, remedy=f"rows are in {self.stream}") as part:
                pd.read_csv(self.stream, nrows=self.count).to_parquet(part, index=False)

    def _cut(self, keep: int) -> None:
        lines: Sequence[str] = ()
        with suppress(FileNotFoundError):
            lines = self.stream.read_text(encoding="utf-8").splitlines(keepends=True)
        if len(lines) < keep + 1:
            raise TenfmaError(
                f"{self.stream} has lost rows of the run to go on with; remove its restart file"
            )
        write_text("".join(lines[: keep + 1]), self.stream)


@dataclass(frozen=True, eq=False)
class Restart:
    """The file a run goes on from: its state, its plan and who it was, and how much the other files hold."""

    state: State
    plan: Plan
    potential: str
    numbers: np.ndarray
    cell: np.ndarray
    frames: int
    rows: int
    size: int

    def save(self, path: Path) -> None:
        """Write to a .npz; the file appears whole or not at all."""
        texts = {"plan": asdict(self.plan), "potential": self.potential}
        counts = {"frames": self.frames, "rows": self.rows, "size": self.size}
        arrays: dict[str, Any] = {key: np.asarray(value) for key, value in asdict(self.state).items()}
        with whole(path) as part, part.open("wb") as file:  # whatever the ending
            np.savez(
                file,
                texts=json.dumps(texts | counts),
                numbers=self.numbers,
                cell=self.cell,
                **arrays,
            )

    @classmethod
    def load(cls, path: Path) -> "Restart":
        """Read what `save` wrote. Raises TenfmaError where there is none."""
        if not path.exists():
            raise TenfmaError(f"there is no {path} to go on from; leave --restart out to begin")
        try:
            with np.load(path, allow_pickle=False) as held:
                texts = json.loads(str(held["texts"]))
                state = State(
                    int(held["step"]), held["q"], held["p"], float(held["start_energy"]), float(held["heat"])
                )
                return cls(
                    state, Plan(**texts.pop("plan")), numbers=held["numbers"], cell=held["cell"], **texts
                )
        except TenfmaError:
            raise
        except Exception as error:
            raise TenfmaError(f"{path} is no restart file ({type(error).__name__}); remove it") from error

    def check(self, plan: Plan, potential: str, atoms: Atoms) -> None:
        """Raise TenfmaError unless this is the run that is asked for."""
        asked, held = (
            {**asdict(p), "potential": name} for p, name in ((plan, potential), (self.plan, self.potential))
        )
        other = [f"{key} {held[key]} (asked: {asked[key]})" for key in held if held[key] != asked[key]]
        if not (np.array_equal(self.numbers, atoms.numbers) and np.allclose(self.cell, atoms.cell.array)):
            other.append("other atoms or another cell")
        if other:
            raise TenfmaError(f"the run to go on with has {', '.join(other)}; give the same or another --out")


def restart_file(out: Path) -> Path:
    """Where the run that writes `out` keeps what it needs to go on."""
    return out.with_name(out.name + ".restart.npz")


def trajectory_format(out: Path) -> str:
    """ASE's name of a trajectory's format, by the file's ending. Raises TenfmaError for one ASE cannot write."""
    try:
        name = filetype(str(out), read=False)
    except UnknownFileTypeError:
        name = ""
    if name not in ioformats or not ioformats[name].can_write:
        raise TenfmaError(f"{out} has an ending ASE writes no trajectory for; .traj or .extxyz will do")
    return "extxyz" if name == "xyz" else str(name)
