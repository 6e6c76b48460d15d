"""A crystal in motion: run a model's Hamiltonian from a structure, sum the run up in words, save it."""

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path as FilePath

import numpy as np
import torch
from pymatgen.core import Structure

from tenfma.crystal.structures import notes
from tenfma.dynamics.integrate import integrate
from tenfma.dynamics.methods import method_named
from tenfma.dynamics.path import Path
from tenfma.dynamics.record import Interrupted
from tenfma.embedding.model import Model, Start
from tenfma.whole import whole

#: the largest trajectory that is kept by default, numbers in q and p
KEPT = 4_000_000


@dataclass(frozen=True)
class Evolution:
    """A path with the model, the crystal and the Hamiltonian behind it."""

    structure: Structure
    model: Model
    start: Start
    path: Path

    @property
    def energies(self) -> np.ndarray:
        """Energy along the kept states, (times,), eV."""
        return np.asarray(self.path.energy, dtype=float).reshape(len(self.path.t), -1).sum(1)

    def summary(self) -> dict[str, str]:
        """What a person wants to know of the run, one line per entry."""
        structure, energies = self.structure, self.energies
        H, path = self.start.H, self.path
        K = self.model.complex(structure)
        change = energies[-1] - energies[0]
        swing = float(np.abs(energies - energies[0]).max())
        lines = {
            "crystal": f"{structure.composition.reduced_formula}, {len(structure)} atoms in the cell",
            "simplices": f"{K.n_atoms} atoms, {K.n_edges} bonds, {K.n_triangles} triangles",
            "state": f"q and p hold {int(np.prod(H.event_shape)):,} numbers each",
            "motion": f"{path.method} at dt = {path.dt:g} to t = {path.t[-1]:g} {_named(path.units.time)}",
            "energy": f"{energies[0]:.6f} eV at the start, {energies[-1]:.6f} eV at the end",
            "drift": f"{change:+.2e} eV from start to end; at most {swing:.2e} eV on the way, "
            f"{swing / len(structure):.1e} eV per atom ({len(energies)} states kept)",
            "weights": self.model.description,
        }
        said = notes(structure)
        return lines | ({"notes": "; ".join(said)} if said else {})

    def save(self, out: str | FilePath) -> None:
        """Write the path with the layout of its state, the crystal and the model's name as JSON texts
        beside it.

        `Path.load` reads the trajectory. The file appears whole or not at all. Raises TenfmaError if it
        cannot.
        """
        texts = {
            "layout": json.dumps(_described(self.start)),
            "structure": json.dumps(self.structure.as_dict(), default=str),
            "model": json.dumps({"name": self.model.name, "trained": self.model.trained}),
        }
        with whole(FilePath(out)) as part:
            self.path.save(part)
            with zipfile.ZipFile(part, "a", zipfile.ZIP_DEFLATED) as archive:
                for name, text in texts.items():
                    buffer = io.BytesIO()
                    np.save(buffer, np.asarray(text))
                    archive.writestr(f"{name}.npy", buffer.getvalue())


def evolve(
    model: Model,
    structure: Structure,
    *,
    chart: str = "simplices",
    method: str = "leapfrog",
    dt: float = 0.05,
    steps: int = 400,
    p0: str = "zero",
    kT: float | None = None,
    friction: float | None = None,
    seed: int = 0,
    save_every: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> Evolution:
    """Run a crystal from (q₀, p₀) under H_θ. kT (eV) is for thermal momenta and, with friction,
    Langevin methods.

    Without `save_every`, states are kept as seldom as keeps the trajectory below `KEPT` numbers.
    `progress` is called with the finished fraction. Raises TenfmaError for settings that do not fit together, and on
    Ctrl-C `Interrupted`, whose `kept` is the Evolution so far.
    """
    chosen = method_named(method)
    with torch.no_grad():
        start = model.hamiltonian(structure, chart, p0=p0, kT=kT or 0.0, seed=seed)
        run = partial(
            integrate,
            start.H,
            start.q0,
            start.p0,
            dt=dt,
            steps=steps,
            method=chosen,
            save_every=save_every or spacing(start.q0.numel(), steps),
            gradient="none",
            progress=progress,
            kT=kT if chosen.stochastic or p0 != "thermal" else None,
            friction=friction,
            seed=seed if chosen.stochastic else None,
        )
        try:
            return Evolution(structure, model, start, run())
        except Interrupted as stop:
            raise Interrupted(Evolution(structure, model, start, stop.kept)) from None


def spacing(size: int, steps: int, kept: int = KEPT) -> int:
    """Every how many steps to keep a state of `size` numbers so that the trajectory stays below `kept`
    numbers.
    """
    states = max(2, kept // max(1, 2 * size))
    return max(1, -(-steps // states))


def _named(unit: str) -> str:
    return "in latent time" if unit == "1" else f"in {unit}"


def _described(start: Start) -> dict:
    layout = getattr(start.H, "layout", None)
    if layout is None:
        return {}
    return {
        rank: {
            "cells": layout.cells(rank),
            "width": layout.width(rank),
            "blocks": [[block.irrep, block.copies, block.flip] for block in layout.blocks[rank]],
        }
        for rank in layout.ranks
    }
