"""The pipeline: crystal → simplices → (q₀, p₀) → motion under H_θ → pooled embedding."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pymatgen.core import Structure

from tenfma.dynamics.integrate import integrate
from tenfma.embedding.certificate import at_rest, certificate, distance
from tenfma.embedding.model import Model, check_momenta
from tenfma.embedding.pooling import Embedding, energies_per_atom, pool
from tenfma.embedding.property_model import PropertyModel, is_property_model
from tenfma.embedding.shipped import located
from tenfma.errors import TenfmaError

#: how the motion behind an embedding is run
EMBED = {"method": "leapfrog", "dt": 0.1, "steps": 10}
#: crystals are evolved together up to this many numbers in a state
BATCH = 200_000
#: a path that goes farther than so many |q₀| has run away: what it says is of H's bounds, not of the crystal
FARTHEST = 1e3


def load(name: str | None = None) -> Any:
    """A model by name: a shipped one (`shipped.shipped()`), `untrained`, `untrained:SEED`, or a folder with one in it.

    Without a name: the default, which are seeded, untrained weights and says so (`model.trained` is False).
    Raises TenfmaError where there is no such model.
    """
    found = located("untrained" if name is None else str(name))
    return Model.untrained(found) if isinstance(found, int) else _restored(found)


def _restored(folder: Path) -> Model | PropertyModel:
    """The model in a folder: one of forces and energies, or one of properties."""
    return PropertyModel.restore(folder) if is_property_model(folder) else Model.restore(folder)


def embed(
    model: Model | PropertyModel,
    structures: Sequence[Structure],
    *,
    p0: str | None = None,
    kT: float = 0.0,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
    certify: bool = True,
    warn: bool = True,
    **motion: Any,
) -> Embedding:
    """The embedding of each structure: evolve (q₀, p₀), pool q(T), add energies per atom and the cell.

    `motion` overrides method, dt and steps (`EMBED`); steps=0 pools q₀; without p₀ the motion starts at rest. A property
    model moves as it was trained to, and only what is given here is changed. `progress` is told how many are done.
    With `certify` every row has the certificate of its path, for which the way back is run too. A property model warns
    (DomainWarning) of crystals unlike those of its training, unless `warn` is False.
    Raises TenfmaError for an empty list, and where a path runs away.
    """
    if not structures:
        raise TenfmaError("there is nothing to embed; give at least one structure")
    if isinstance(model, PropertyModel):
        given: dict[str, Any] = {} if p0 is None else {"p0": p0}
        given |= {"kT": kT} if kT else {}
        given |= {"progress": progress, "seed": seed, "certify": certify, "warn": warn}
        return model.embed(structures, **given, **motion)
    p0 = "zero" if p0 is None else p0
    check_motion(p0, kT, **motion)
    parts: list[Embedding] = []
    for batch in _batches(model, structures):
        before = sum(map(len, parts))
        parts.append(_embedded(model, batch, p0, kT, seed, {**EMBED, **motion}, certify, before))
        if progress is not None:
            progress(sum(map(len, parts)))
    return Embedding.concatenate(parts)


def check_motion(p0: str, kT: float, **motion: Any) -> None:
    """Raise TenfmaError for settings of the motion that no crystal could be embedded with."""
    check_momenta(p0, kT)
    held = {**EMBED, **motion}
    if held.keys() != EMBED.keys():
        raise TenfmaError(f"embed takes {', '.join(EMBED)}; it was given {', '.join(motion)}")
    if held["steps"] < 0:
        raise TenfmaError(f"steps is {held['steps']}; a whole number of at least 0 is expected")
    if not 0 < abs(held["dt"]) < float("inf"):
        raise TenfmaError(f"dt is {held['dt']}; a finite step other than 0 is expected")


def _embedded(
    model: Model,
    structures: Sequence[Structure],
    p0: str,
    kT: float,
    seed: int,
    motion: dict[str, Any],
    certify: bool,
    before: int = 0,
) -> Embedding:
    with torch.no_grad():
        features = model.features(model.complex(list(structures)))
        H, q, p = model.start(features, p0, kT, seed)
        atoms = torch.bincount(features.complex.atom_crystal, minlength=H.layout.n_crystals)
        told: dict[str, torch.Tensor] = {}
        if motion["steps"] > 0:
            path = integrate(H, q, p, save_every=motion["steps"], gradient="none", **motion)
            q = path.q[-1]
            _check_stayed(model, distance(H.layout.by_crystal, q, path.q[0]), before)
            if certify:
                told = certificate(H, path, H.layout.by_crystal, atoms, **motion)
        elif certify:
            told = at_rest(atoms, q)
        pooled = pool(model.lift, H.layout, q, features.for_potential())
        energies, names = energies_per_atom(H.layout, H.learned_parts(q))
        cell = features.cell.select(smooth=True, irreps="0e")
    values = np.concatenate([energies.numpy(), pooled.values, cell.values.numpy()], axis=1)
    return Embedding(
        values,
        (*names, *pooled.names, *(f"cell.{name}" for name in cell.names)),
        pooled.tensors,
        {name: value.numpy() for name, value in told.items()},
    )


def _check_stayed(model: Model, far: torch.Tensor, before: int) -> None:
    """Raise TenfmaError where a path has run away from its q₀."""
    away = torch.nonzero(~(far <= FARTHEST))[:, 0]
    if len(away):
        first = int(away[0])
        raise TenfmaError(
            f"the path of number {before + first + 1} ran away from q₀, by {float(far[first]):.3g} |q₀|: "
            f"{model.name} is not bounded so far from crystals; take fewer steps or a smaller dt, "
            "or steps=0, which pools q₀"
        )


def _batches(model: Model, structures: Sequence[Structure]):
    """Consecutive structures whose states together hold about `BATCH` numbers, judged by atoms and
    density.
    """
    batch: list[Structure] = []
    held = 0.0
    for structure in structures:
        size = 3000.0 * len(structure)
        if batch and held + size > BATCH:
            yield batch
            batch, held = [], 0.0
        batch.append(structure)
        held += size
    yield batch
