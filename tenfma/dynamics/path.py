"""A trajectory as a value: states, energies and what they were made with, time first."""

import os
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from tenfma.dynamics.arrays import plain
from tenfma.errors import TenfmaError
from tenfma.hamiltonian.protocol import DIMENSIONLESS, Array, Units

_ARRAYS = ("t", "q", "p", "energy", "heat", "work", "copies_divergence")
_TEXTS = ("method", "name", "stopped")


@dataclass(frozen=True)
class Path:
    """What `integrate` returns. Shapes: t (times,) or (times, *ensemble) for a dt per system; q and p
    (times, *ensemble, *event_shape); energies (times, *ensemble), as H gives them.

    t may be given as a function without arguments, which is called when t is first read.
    """

    t: Array
    q: Array
    p: Array
    energy: Array
    method: str
    dt: Any
    #: the Hamiltonian's name and units
    name: str = "H"
    units: Units = DIMENSIONLESS
    #: energy taken from the bath since the start: the change over O (or D and N) letters
    heat: Array | None = None
    #: shadow work, ΔE − heat: what kicks and drifts of finite size (and a time-dependent or damped H) did
    work: Array | None = None
    #: distance of the two copies, for methods in extended phase space
    copies_divergence: Array | None = None
    #: why the path ends early, where it does and the caller asked to keep the finished part
    stopped: str | None = None

    def __len__(self) -> int:
        return len(self.t)

    @property
    def drift(self) -> float:
        """max |ΔE/E₀| over times and members, plain |ΔE| for members with E₀ = 0."""
        energy = plain(self.energy).astype(float)
        start = np.abs(energy[0])
        return float(np.max(np.abs(energy - energy[0]) / np.where(start > 0, start, 1.0)))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the path to a .npz file of plain arrays, without pickle."""
        content: dict[str, Any] = {"dt": np.asarray(plain(self.dt))}
        content |= {name: plain(getattr(self, name)) for name in _ARRAYS if getattr(self, name) is not None}
        content |= {
            name: np.asarray(getattr(self, name)) for name in _TEXTS if getattr(self, name) is not None
        }
        content["units"] = np.asarray([getattr(self.units, field.name) for field in fields(Units)])
        with open(path, "wb") as file:
            np.savez_compressed(file, **content)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Path":
        """Read what `save` wrote. Raises `TenfmaError` where the file is not a saved path."""
        try:
            with np.load(path, allow_pickle=False) as file:
                values: dict[str, Any] = {name: file[name] for name in file.files}
            units = Units(*(str(unit) for unit in values.pop("units")))
            dt = values.pop("dt")
            texts = {name: str(values.pop(name)) for name in _TEXTS if name in values}
            arrays = {name: values[name] for name in _ARRAYS if name in values}
            return cls(dt=float(dt) if dt.shape == () else dt, units=units, **arrays, **texts)
        except FileNotFoundError as error:
            raise TenfmaError(f"There is no file {os.fspath(path)}.") from error
        except Exception as error:
            raise TenfmaError(
                f"{os.fspath(path)} is not a saved path ({type(error).__name__}); "
                "expected a .npz written by Path.save."
            ) from error


class _WhenRead:
    """An attribute that may be set to a function: its value takes its place at the first reading."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, path: Path | None, owner: type | None = None) -> Any:
        if path is None:
            return self
        value = vars(path)[self.name]
        if callable(value):
            value = vars(path)[self.name] = value()
        return value

    def __set__(self, path: Path, value: Any) -> None:
        vars(path)[self.name] = value


Path.t = _WhenRead("t")
