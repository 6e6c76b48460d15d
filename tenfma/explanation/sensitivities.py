"""What would change H: ∂H/∂q of every simplex, forces, bond tensions and angle torques, and ∂H/∂(named features)."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from tenfma.crystal.complex import SimplicialComplex
from tenfma.crystal.features import LOCAL_RANKS, FeatureTable
from tenfma.crystal.weights import smooth_cutoff
from tenfma.dynamics.arrays import plain
from tenfma.errors import TenfmaError
from tenfma.explanation.crystals import SiteParts
from tenfma.explanation.labels import atom_labels, kind, symbols
from tenfma.explanation.tables import html_table
from tenfma.explanation.tensions import Tensions, angles_at, resolve
from tenfma.hamiltonian.atoms import AtomsHamiltonian
from tenfma.hamiltonian.lift import Lift, RankLift

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Bonds:
    """Bonds of one crystal, once each: atoms i, j, r_ij (B, 3) Å, tension t (B,) eV/Å, from both ends together."""

    ends: np.ndarray
    vectors: np.ndarray
    tension: np.ndarray

    @property
    def lengths(self) -> np.ndarray:
        """|r_ij|, (B,) Å."""
        return np.linalg.norm(self.vectors, axis=1)

    def frame(self, numbers: np.ndarray) -> "pd.DataFrame":
        """Columns bond, pair, i, j, length (Å), tension (eV/Å), strongest first."""
        import pandas as pd

        names, kinds = atom_labels(numbers), symbols(numbers)
        frame = pd.DataFrame(
            {
                "bond": [f"{names[i]}–{names[j]}" for i, j in self.ends],
                "pair": [kind((kinds[i], kinds[j])) for i, j in self.ends],
                "i": self.ends[:, 0],
                "j": self.ends[:, 1],
                "length": self.lengths,
                "tension": self.tension,
            }
        )
        return frame.sort_values("tension", key=abs, ascending=False, kind="stable", ignore_index=True)

    def _repr_html_(self) -> str:
        import pandas as pd

        i, j = self.ends.T
        frame = pd.DataFrame({"i": i, "j": j, "length": self.lengths, "tension": self.tension})
        return html_table(
            frame.sort_values("tension", key=abs, ascending=False, kind="stable"), "Bonds, Å and eV/Å"
        )


def angles_frame(tensions: Tensions, numbers: np.ndarray, most: int | None = None) -> "pd.DataFrame":
    """Columns angle, apex, degrees, torque (eV/rad), strongest first; a torque > 0 wants the angle smaller."""
    import pandas as pd

    order = np.argsort(-np.abs(tensions.torque), kind="stable")[:most]
    names = atom_labels(numbers)
    corners, senses = tensions.corners[order], tensions.senses[order]
    outer = np.where(senses > 0, tensions.ends[corners, 1], tensions.ends[corners, 0])
    apex = tensions.apex[order]
    return pd.DataFrame(
        {
            "angle": [f"{names[a]}–{names[i]}–{names[b]}" for (a, b), i in zip(outer, apex)],
            "apex": apex,
            "degrees": np.degrees(tensions.angle[order]),
            "torque": tensions.torque[order],
        }
    )


def of_sites(parted: SiteParts, q: np.ndarray) -> tuple[Tensions, Bonds]:
    """Tensions and torques of a force model, each atom's neighbours as it sees them; bonds join both ends.

    Where atoms pass messages, what one sees turns with what its neighbours see, and slopes of both ends come together.
    """
    _, slopes, pairs = parted.read(q)
    centre, lengths = pairs.centre, np.linalg.norm(pairs.vectors, axis=1)
    weights = smooth_cutoff(torch.from_numpy(lengths / parted.evaluator.description.cutoff)).numpy()
    ends = np.stack([centre, pairs.neighbour], axis=1)
    order = np.lexsort((*pairs.vectors.T, ends[:, 1], ends[:, 0]))
    back = np.lexsort((*(-pairs.vectors).T, ends[:, 0], ends[:, 1]))
    other = np.empty_like(order)
    other[order] = back
    once = np.arange(len(order)) < other
    if not parted.evaluator.description.messages:
        corners = angles_at(centre)
        found = resolve(
            pairs.vectors, slopes, weights, ends, corners, np.ones(corners.shape), centre[corners[:, 0]]
        )
        return found, Bonds(ends[once], pairs.vectors[once], found.tension[once] + found.tension[other[once]])
    return of_bonds(ends[once], pairs.vectors[once], slopes[once] - slopes[other[once]], weights[once])


def of_bonds(
    ends: np.ndarray, vectors: np.ndarray, slopes: np.ndarray, weights: np.ndarray
) -> tuple[Tensions, Bonds]:
    """Tensions of bonds with ends (B, 2) and vectors (B, 3), and torques on the angles between those of one atom."""
    half, edge = ends.T.ravel(), np.tile(np.arange(len(ends)), 2)
    sense = np.repeat([1.0, -1.0], len(ends))
    corners = angles_at(half)
    corners = corners[edge[corners[:, 0]] != edge[corners[:, 1]]]
    found = resolve(vectors, slopes, weights, ends, edge[corners], sense[corners], half[corners[:, 0]])
    return found, Bonds(ends, vectors, found.tension)


@dataclass(frozen=True, eq=False)
class _Loose(SimplicialComplex):
    """A complex whose bond vectors can be moved one by one: `offset` (E, 3) is added to them."""

    offset: Tensor

    def vectors(self) -> Tensor:
        return super().vectors() + self.offset


def of_network(H: AtomsHamiltonian, q: np.ndarray) -> tuple[Tensions, Bonds]:
    """Tensions and torques of any potential in the atoms chart, from its slopes with respect to bond vectors."""
    K = H.complex(torch.as_tensor(q))
    fields = {name: getattr(K, name) for name in SimplicialComplex.__dataclass_fields__}
    with torch.enable_grad():
        offset = torch.zeros(K.n_edges, 3, dtype=K.dtype, requires_grad=True)
        energies = H._cells(_Loose(**fields, offset=offset))
        total = torch.stack([part.sum() for part in energies.values()]).sum()
        slopes = torch.autograd.grad(total, offset)[0].numpy()
    weights = K.edge_weights().numpy()
    near = weights > 0  # the rest lies in the skin and has no slope
    return of_bonds(K.edges.numpy()[near], K.vectors().numpy()[near], slopes[near], weights[near])


def feature_slopes(lift: RankLift, table: FeatureTable, gradient: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """∂H/∂x of every feature at fixed weight, (n, dim), eV per unit, and ∂H/∂w of the weight at fixed features, (n,).

    f = w [1, (x − μ)/σ],   ∂H/∂x = (w/σ) ∂H/∂f,   ∂H/∂w = Σ ∂H/∂f · [1, (x − μ)/σ]
    """
    by_f = lift.pullback(gradient)
    weights = table.weights[:, None]
    scaled = torch.cat([torch.ones_like(weights), table.values], dim=1)
    by_weight = (by_f * (scaled - lift.mean) / lift.scale).sum(1)
    return (weights * by_f / lift.scale)[:, 1:].numpy(), by_weight.numpy()


@dataclass(frozen=True, eq=False)
class FeatureSensitivities:
    """∂H/∂(named features) of every simplex, {rank: (n, dim)}, with names, units and scales."""

    names: dict[str, tuple[str, ...]]
    units: dict[str, tuple[str, ...]]
    scales: dict[str, np.ndarray]
    slopes: dict[str, np.ndarray]
    by_weight: dict[str, np.ndarray]

    def frame(self) -> "pd.DataFrame":
        """Columns rank, feature, unit, mean, rms (of ∂H/∂x over simplices), scaled: rms · σ in eV, strongest first.

        σ is the lift's reference scale: it makes features of different units comparable.
        """
        import pandas as pd

        rows = []
        for rank in LOCAL_RANKS:
            slopes = self.slopes[rank]
            if len(slopes) == 0:
                continue
            rms = np.sqrt((slopes**2).mean(0))
            for place, name in enumerate(self.names[rank]):
                unit = self.units[rank][place]
                rows.append(
                    {
                        "rank": rank,
                        "feature": name,
                        "unit": "eV" if unit == "1" else f"eV/({unit})",
                        "mean": slopes[:, place].mean(),
                        "rms": rms[place],
                        "scaled": rms[place] * self.scales[rank][place],
                    }
                )
        columns = ["rank", "feature", "unit", "mean", "rms", "scaled"]
        return pd.DataFrame(rows, columns=columns).sort_values(
            "scaled", ascending=False, kind="stable", ignore_index=True
        )

    def _repr_html_(self) -> str:
        return html_table(self.frame(), "∂H/∂(named features)")


def of_features(lift: Lift, tables: Any, gradient: dict[str, Tensor]) -> FeatureSensitivities:
    """∂H/∂q of each rank, {rank: (n, width)}, carried to the named features through the lift."""
    names, units, scales, slopes, by_weight = {}, {}, {}, {}, {}
    for rank in LOCAL_RANKS:
        own = lift.rank(rank)
        channels = own.channels[1:]
        names[rank] = tuple(part for channel in channels for part in channel.components)
        units[rank] = tuple(channel.unit for channel in channels for _ in range(channel.dim))
        scales[rank] = own.scale[1:].numpy()
        slopes[rank], by_weight[rank] = feature_slopes(own, tables[rank], gradient[rank])
    return FeatureSensitivities(names, units, scales, slopes, by_weight)


class Sensitivities:
    """What would change H, computed when asked for; `subject` is what is explained."""

    def __init__(self, subject: Any) -> None:
        self.subject: Any = subject

    @cached_property
    def slope(self) -> np.ndarray:
        """∂H/∂q, shaped as q."""
        return plain(self.subject.H.dq(self.subject.q, self.subject.p))

    @property
    def forces(self) -> np.ndarray:
        """−∂H/∂r, (N, 3) eV/Å, in the atoms chart."""
        return -self.slope

    @cached_property
    def resolved(self) -> tuple[Tensions, Bonds]:
        """Tensions and torques, and bonds with both ends joined. Raises TenfmaError where U is no function of bonds."""
        subject = self.subject
        if isinstance(subject.parted, SiteParts):
            return of_sites(subject.parted, subject.q)
        if isinstance(subject.H, AtomsHamiltonian):
            return of_network(subject.H, subject.q)
        raise TenfmaError(
            f"{subject.name} does not tell its energy by bonds; bond tensions need a model in the atoms chart"
        )

    @property
    def tensions(self) -> Tensions:
        """t and τ per bond and angle, as the model sees them."""
        return self.resolved[0]

    @property
    def bonds(self) -> Bonds:
        """Every bond once with its tension from both ends, eV/Å."""
        return self.resolved[1]

    def bond_table(self) -> "pd.DataFrame":
        """Columns bond, pair, i, j, length (Å), tension (eV/Å), strongest first."""
        return self.bonds.frame(self.subject.numbers)

    def angle_table(self, most: int | None = None) -> "pd.DataFrame":
        """Columns angle, apex, degrees, torque (eV/rad), strongest first; a torque > 0 wants the angle smaller."""
        return angles_frame(self.tensions, self.subject.numbers, most)

    @cached_property
    def features(self) -> FeatureSensitivities:
        """∂U/∂(named features) at the crystal's q₀. Raises TenfmaError for what has no features."""
        model, K = self.subject.model, self.subject.complex
        if K is None or model is None:
            raise TenfmaError(f"{self.subject.name} has no named features; explain a model")
        with torch.no_grad():
            features = model.features(K)
            H, q0, _ = model.start(features)
            gradient = H.layout.split(H.dq(q0))
        return of_features(model.lift, features.for_potential(), gradient)

    @cached_property
    def per_simplex(self) -> dict[str, np.ndarray]:
        """|∂H/∂q| of every simplex in the simplices chart, {rank: (cells,)}; of every coordinate elsewhere."""
        layout = getattr(self.subject.H, "layout", None)
        if layout is None:
            return {"parts": np.linalg.norm(np.atleast_2d(self.slope.reshape(len(self.slope), -1)), axis=1)}
        split = layout.split(torch.as_tensor(self.slope))
        return {rank: rows.norm(dim=-1).numpy() for rank, rows in split.items()}

    def frame(self) -> "pd.DataFrame":
        """One row per coordinate or atom: name and |∂H/∂q|; in the atoms chart the force."""
        import pandas as pd

        subject = self.subject
        if subject.numbers is not None:
            columns = dict(zip(("force_x", "force_y", "force_z"), self.forces.T))
            return pd.DataFrame(
                {"atom": subject.atoms, **columns, "size": np.linalg.norm(self.forces, axis=1)}
            )
        if hasattr(subject.H, "coordinates"):
            return pd.DataFrame({"coordinate": subject.H.coordinates, "slope": self.slope})
        rows = [
            (rank, place, value)
            for rank, values in self.per_simplex.items()
            for place, value in enumerate(values)
        ]
        return pd.DataFrame(rows, columns=["rank", "simplex", "size"])

    def _repr_html_(self) -> str:
        return html_table(self.frame())
