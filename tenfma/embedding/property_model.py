"""A trained property model: evolved embeddings, a kernel and trees beside them, told apart by held-out errors.

    value = Σ_k α_k · predictor_k,    predictors: heads, H at rest, trees, kernel ridge, mean over members

α ≥ 0 with Σ α = 1 minimises errors on crystals that each member did not see. Intervals are conformal: value ± r · s(x),
where s is a smoothed disagreement between predictors and r the quantile of |error|/s on those held-out crystals.
"""

import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tenfma.crystal import elements
from tenfma.crystal.complex import SimplicialComplex, complex_of
from tenfma.embedding.evolved import Evolved, Motion
from tenfma.embedding.graphs import CUTOFF, TRIANGLE_CUTOFF, Graphs, graphs_of
from tenfma.embedding.kernel import Kernels
from tenfma.embedding.links import EINSTEIN, einstein
from tenfma.embedding.model import Start
from tenfma.embedding.pooling import Embedding
from tenfma.embedding.saved import WEIGHTS, read_settings, write_settings
from tenfma.embedding.trees import Trees
from tenfma.errors import DomainWarning, TenfmaError
from tenfma.hamiltonian.layout import split_blocks
from tenfma.whole import write_tensors

KIND = "property"
#: what a value is blended from
PREDICTORS = ("heads", "at_rest", "trees", "kernel")
#: draws of noise behind a prediction, where there is noise
REPLICAS = 8
#: atoms evolved together
ATOMS_AT_ONCE = 1500


@dataclass(frozen=True)
class Head:
    """One target: name, unit, mean and scale it was standardised with, weights of the predictors, conformal scores.

    `link` is 'einstein' for a heat capacity that is read as an Einstein oscillator's. `scores` are the held-out
    |error| / (spread + floor), rising; `floor` is in the target's unit.
    """

    name: str
    unit: str
    mean: float
    scale: float
    blend: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0)
    floor: float = 1.0
    scores: tuple[float, ...] = ()
    link: str = ""

    def radius(self, coverage: float) -> float:
        """r such that a fraction `coverage` of new crystals has |error| ≤ r (spread + floor)."""
        if not 0 < coverage < 1:
            raise TenfmaError(f"coverage is {coverage}; a fraction between 0 and 1 is expected")
        if not self.scores:
            return float("nan")
        place = int(np.ceil((len(self.scores) + 1) * coverage)) - 1
        return self.scores[place] if place < len(self.scores) else float("inf")


@dataclass(frozen=True)
class Domain:
    """What the training crystals were: elements, the most atoms in a cell, how many elements their cells joined."""

    elements: tuple[str, ...]
    most_atoms: int
    crystals: int
    kinds: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Predictions:
    """Values (n, targets) with half-widths of their intervals and the spread of predictors, in the targets' units.

    Where the motion is noisy, `thermal` (n, targets) is the deviation of the value from one draw of noise to another; it
    is no part of the interval, and None without noise.
    """

    heads: tuple[Head, ...]
    values: np.ndarray
    half_widths: np.ndarray
    spreads: np.ndarray
    coverage: float
    warnings: tuple[str, ...]
    """One per crystal, empty inside the domain."""
    thermal: np.ndarray | None = None

    def to_frame(self) -> Any:
        """A DataFrame: a value and an interval's half-width per target, the thermal spread if any, and a warning."""
        import pandas as pd

        columns: dict[str, Any] = {}
        for place, head in enumerate(self.heads):
            columns[head.name] = self.values[:, place]
            columns[f"{head.name} ±"] = self.half_widths[:, place]
            if self.thermal is not None:
                columns[f"{head.name} thermal spread"] = self.thermal[:, place]
        return pd.DataFrame({**columns, "warning": self.warnings})


class PropertyModel(nn.Module):
    """Members (`Evolved`) with heads; for each member's share of the data `trees` per target (or None), and a kernel."""

    trained = True

    def __init__(
        self,
        members: Sequence[Evolved],
        heads: Sequence[Head],
        domain: Domain,
        *,
        name: str,
        energy: int | None = None,
        trees: Sequence[Sequence[Trees | None]] = (),
        kernels: Kernels | None = None,
    ) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.heads, self.domain, self.name, self.energy_target = tuple(heads), domain, name, energy
        self.trees, self.kernels = tuple(tuple(row) for row in trees), kernels

    @property
    def description(self) -> str:
        """What to say of the model wherever its numbers are shown."""
        return (
            f"{self.name}: {len(self.members)} members trained on {self.domain.crystals} crystals of "
            f"{len(self.domain.elements)} elements; it never saw forces"
        )

    @property
    def first(self) -> Evolved:
        """The member whose Hamiltonian is shown."""
        member = self.members[0]
        assert isinstance(member, Evolved)
        return member

    @property
    def motion(self) -> Motion:
        return self.first.motion

    @property
    def dtype(self) -> torch.dtype:
        return self.first.log_mass.dtype

    @property
    def aggregation(self) -> str:
        """What moves: 'pool', one vector per crystal; 'concatenate', every atom, bond and triangle."""
        return self.first.aggregation

    @property
    def targets(self) -> tuple[str, ...]:
        """Names of what is predicted, in order."""
        return tuple(head.name for head in self.heads)

    @property
    def evaluator(self) -> None:
        """Raises TenfmaError: there are no forces to evaluate, and so no explanation in eV/Å."""
        raise TenfmaError(
            f"{self.name} knows one vector per crystal and no forces; explanations and calculators need a force model, "
            "or untrained"
        )

    def calculator(self, skin: float = 0.5) -> None:
        """Raises TenfmaError: see `evaluator`."""
        return self.evaluator

    def warning(self, structure: Any) -> str:
        """Why a crystal (ASE or pymatgen) lies outside what was trained on, in words; empty inside."""
        numbers = _numbers(structure)
        names = {elements.table().symbols[z] for z in numbers}
        reasons = []
        if unknown := sorted(names - set(self.domain.elements)):
            reasons.append(f"{', '.join(unknown)} never occurred in training")
        if len(names) not in self.domain.kinds:
            known = " or ".join(map(str, self.domain.kinds))
            here = "1 element" if len(names) == 1 else f"{len(names)} elements"
            reasons.append(f"it has {here}, training crystals had {known}")
        if len(numbers) > self.domain.most_atoms:
            reasons.append(
                f"its {len(numbers)} atoms exceed the {self.domain.most_atoms} of the largest training cell"
            )
        return "; ".join(reasons)

    def predict(
        self,
        structures: Sequence[Any],
        coverage: float = 0.9,
        graphs: Graphs | None = None,
        *,
        replicas: int = REPLICAS,
        warn: bool = True,
    ) -> Predictions:
        """Every target for each structure, with intervals meant to hold a fraction `coverage` of true values.

        In a bath, or from thermal p₀, the value yᵣ depends on the noise, whose seeds are r = 0 … R − 1, R = `replicas`:

            value = ⟨y⟩ = Σ yᵣ / R,    thermal = √(Σ (yᵣ − ⟨y⟩)² / (R − 1))

        `spreads` is the mean over the draws; intervals were calibrated on one draw, and a mean errs no more. One replica
        has no `thermal`, and without noise R does not matter. Warns (DomainWarning, once) of crystals unlike those of the
        training, unless `warn` is False. Raises TenfmaError for less than one replica.
        """
        if replicas < 1:
            raise TenfmaError(f"replicas is {replicas}; a whole number of at least 1 is expected")
        graphs = graphs_of(structures, self.dtype) if graphs is None else graphs
        drawn = [self.combined(parts) for parts in self._drawn(graphs, range(replicas))]
        each, spreads = np.stack([y for y, _ in drawn]), np.mean([s for _, s in drawn], axis=0)
        values, thermal = each.mean(0), each.std(0, ddof=1) if len(each) > 1 else None
        widths = np.stack(
            [head.radius(coverage) * (spreads[:, i] + head.floor) for i, head in enumerate(self.heads)],
            axis=1,
        )
        told = tuple(self.warning(structure) for structure in structures)
        if warn:
            self._warn(told)
        return Predictions(self.heads, values, widths, spreads, coverage, told, thermal)

    def predictors(self, graphs: Graphs) -> np.ndarray:
        """(members, 4, n, targets): `PREDICTORS` of each member, in the targets' units; NaN where there is none."""
        return self._drawn(graphs, (0,))[0]

    def _drawn(self, graphs: Graphs, seeds: Sequence[int]) -> np.ndarray:
        """`predictors` of one draw of noise per seed, (draws, members, 4, n, targets); one draw where there is none."""
        seeds = seeds if self.motion.noisy else seeds[:1]
        shape = (len(seeds), len(self.members), len(PREDICTORS), len(graphs), len(self.heads))
        found = np.full(shape, np.nan)
        mean = np.array([head.mean for head in self.heads])
        scale = np.array([head.scale for head in self.heads])
        rows = graphs.static.float().numpy()
        if self.kernels is not None:
            found[:, :, 3] = self.kernels.predict(rows)
        for place, member in enumerate(self.members):
            with torch.no_grad():
                results = [self._read(member, batch, seeds) for batch in graphs.batches(ATOMS_AT_ONCE)]
            found[:, place, 0] = torch.cat([y for y, _ in results], dim=1).double().numpy() * scale + mean
            if self.energy_target is not None:
                found[:, place, 1, :, self.energy_target] = (
                    torch.cat([rest for _, rest in results]).double().numpy()
                )
            if self.trees:
                for target, trees in enumerate(self.trees[place]):
                    if trees is not None:
                        found[:, place, 2, :, target] = trees.predict(rows)
        for target in linked_heads(self.heads):
            known = found[:, :, 2:, :, target]
            found[:, :, 2:, :, target] = einstein(torch.as_tensor(known)).numpy()
        return found

    @staticmethod
    def _read(member: Any, batch: Graphs, seeds: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Standardised targets (draws, G, targets) and H at rest."""
        if len(seeds) > 1:
            return member.draws(batch, seeds)
        y, rest = member(batch, seeds[0])
        return y[None], rest

    def combined(self, parts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Blend of the predictors, mean over members, and how far a member's predictors disagree, (n, targets) each.

        The disagreement is within members, so it means the same for crystals that other members were trained on.
        """
        blend = np.array([head.blend for head in self.heads]).T[:, None, :]
        each = np.where(blend > 0, np.nan_to_num(parts) * blend, 0.0).sum(1)
        present = ~np.isnan(parts)
        count = np.maximum(present.sum(1), 1)
        middle = np.nan_to_num(parts).sum(1) / count
        squares = np.where(present, (np.nan_to_num(parts) - middle[:, None]) ** 2, 0.0).sum(1) / count
        return each.mean(0), np.sqrt(squares).mean(0)

    def embed(
        self,
        structures: Sequence[Any],
        *,
        progress: Any = None,
        seed: int = 0,
        certify: bool = True,
        warn: bool = True,
        **motion: Any,
    ) -> Embedding:
        """z of the first member for each structure: invariants of q(T), their means along the path, H at rest.

        `motion` overrides fields of `Motion`. With `certify` the `certificate` of each path comes along, for which the
        way back is run too. Raises TenfmaError for an empty list or an unknown field; warns (DomainWarning) of crystals
        unlike those of the training, unless `warn` is False.
        """
        member = self._moving(motion)
        graphs = graphs_of(structures, self.dtype, progress)
        if warn:
            self._warn([self.warning(structure) for structure in structures])
        values, tensors = [], []
        told: list[dict[str, Tensor]] = []
        with torch.no_grad():
            for batch in graphs.batches(ATOMS_AT_ONCE):
                if certify:
                    z, end, rest, certificate = member.certified(batch, seed)
                    told.append(certificate)
                else:
                    z, _, end, rest = member.embed(batch, seed)
                values.append(torch.cat([z, rest[:, None]], dim=1))
                tensors.append(split_blocks(member.blocks, end))
        blocks = {"1o+": "end.vectors", "2e+": "end.quadrupoles"}
        return Embedding(
            torch.cat(values).numpy(),
            (*member.names, "energy_at_rest_per_atom"),
            {name: torch.cat([part[key] for part in tensors]).numpy() for key, name in blocks.items()},
            {name: torch.cat([part[name] for part in told]).numpy() for name in (told[0] if told else ())},
        )

    def _warn(self, told: Sequence[str]) -> None:
        """One DomainWarning for all crystals of which something is told, with the first of them named."""
        outside = [(place, words) for place, words in enumerate(told) if words]
        if outside:
            place, words = outside[0]
            many = f"{len(outside)} of {len(told)} crystals lie outside what {self.name} was trained on"
            warnings.warn(f"{many}; number {place + 1}: {words}", DomainWarning, stacklevel=3)

    def certificates(self, structures: Sequence[Any], seed: int = 0, **motion: Any) -> dict[str, np.ndarray]:
        """What the path behind the z of each structure is worth, {name: (n,)}; see `tenfma.embedding.certificate`."""
        return self.embed(structures, seed=seed, warn=False, **motion).certificate

    def hamiltonian(
        self, structure: Any, chart: str = "simplices", p0: str | None = None, kT: float = 0.0, seed: int = 0
    ) -> Start:
        """H of the simplices with q₀ and p₀.

        Where they are pooled: (D,) for a structure, (n, D) for a list, energies in eV per atom. Where they are
        concatenated: (D,) of the union, energies in eV per crystal, (n,).
        """
        if chart != "simplices":
            raise TenfmaError(
                f"{self.name} has the simplices chart alone; chart {chart!r} needs a force model"
            )
        changes: dict[str, Any] = {} if p0 is None else {"p0": p0, "kT": kT or self.motion.kT}
        several = isinstance(structure, list | tuple)
        with torch.no_grad():
            member = self._moving(changes)
            H, q0, momenta, _ = member.start(
                graphs_of(structure if several else [structure], self.dtype), seed
            )
        return Start(H, q0, momenta) if several else Start(*member.single(H, q0, momenta))

    def complex(self, structures: Any) -> SimplicialComplex:
        """The complex that is featurized."""
        return complex_of(structures, CUTOFF, TRIANGLE_CUTOFF)

    def save(self, folder: str | Path) -> None:
        """Write weights (safetensors) and settings (JSON) to a folder."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        tensors: dict[str, Tensor] = {}
        for key, value in self.state_dict().items():
            shared = key.endswith("messages.table")  # element data, the same in every member
            if not shared:
                tensors[key] = value
        for place, row in enumerate(self.trees):
            for target, trees in enumerate(row):
                for key, array in ({} if trees is None else trees.arrays()).items():
                    tensors[f"trees.{place}.{target}.{key}"] = torch.from_numpy(array)
        for key, array in ({} if self.kernels is None else self.kernels.arrays()).items():
            tensors[f"kernels.{key}"] = torch.from_numpy(array)
        settings = {
            "kind": KIND,
            "name": self.name,
            "energy": self.energy_target,
            "aggregation": self.aggregation,
            "size": asdict(self.first.size),
            "motion": self.motion.to_dict(),
            "static": list(self.first.static.names),
            "members": len(self.members),
            "heads": [asdict(head) for head in self.heads],
            "domain": asdict(self.domain),
        }
        write_tensors(tensors, folder / WEIGHTS)
        write_settings(settings, folder)

    @classmethod
    def restore(cls, folder: str | Path) -> "PropertyModel":
        """Read what `save` wrote. Raises TenfmaError where the folder holds no property model, or one that was edited."""
        from tenfma.embedding.restored_property import restored_property_model

        return restored_property_model(Path(folder))

    def _moving(self, changes: dict[str, Any]) -> Evolved:
        """The first member, with another motion where one is asked for."""
        if not changes:
            return self.first
        try:
            motion = replace(self.motion, **changes)
        except TypeError:
            known = ", ".join(self.motion.to_dict())
            raise TenfmaError(f"embed takes {known}; it was given {', '.join(changes)}") from None
        first = self.first
        other = type(first)(first.static.names, len(self.heads), first.size, motion, first.linked)
        other = other.to(self.dtype)
        # a bath that was not learned in training starts even, one that was and is no longer asked for is left out
        other.load_state_dict(first.state_dict(), strict=False)
        return other.requires_grad_(False).eval()


def linked_heads(heads: Sequence[Head]) -> list[int]:
    return [place for place, head in enumerate(heads) if head.link == EINSTEIN]


def is_property_model(folder: Path) -> bool:
    """Whether a folder's settings say that it holds a property model. Raises TenfmaError where they cannot be read."""
    return read_settings(folder).held.get("kind") == KIND


def _numbers(structure: Any) -> list[int]:
    if hasattr(structure, "get_atomic_numbers"):
        return structure.get_atomic_numbers().tolist()
    return [site.specie.Z for site in structure]
