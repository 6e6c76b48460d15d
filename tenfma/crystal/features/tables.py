"""What a feature is: a named, typed channel; what features are: one table per rank of simplices."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import torch

from tenfma.crystal.complex import SimplicialComplex
from tenfma.errors import TenfmaError

if TYPE_CHECKING:
    import pandas as pd

RANKS = ("atoms", "bonds", "triangles", "cell")
#: the ranks that a potential may read; what belongs to the whole cell breaks additivity
LOCAL_RANKS = ("atoms", "bonds", "triangles")
#: suffixes of the components, in e3nn's order
COMPONENTS = {
    "0e": ("",),
    "0o": ("",),
    "1o": ("_x", "_y", "_z"),
    "1e": ("_x", "_y", "_z"),
    "2e": ("_xz", "_xy", "_y2", "_yz", "_z2-x2"),
    **{
        f"{ell}{'e' if ell % 2 == 0 else 'o'}": tuple(f"_{m:+d}" for m in range(-ell, ell + 1))
        for ell in range(3, 8)
    },
}


@dataclass(frozen=True)
class Channel:
    """One feature: name, unit, irreps, parity under flipping a bond, whether differentiable in r, source.

    `labels` names the integer codes of a categorical (hence discrete) feature.
    """

    name: str
    unit: str
    irreps: str = "0e"
    flip: int = 1
    smooth: bool = True
    source: str = ""
    labels: tuple[str, ...] = ()

    @property
    def dim(self) -> int:
        """How many numbers: 2ℓ + 1."""
        return 2 * int(self.irreps[:-1]) + 1

    @property
    def components(self) -> tuple[str, ...]:
        """Names of its components: ('dipole_x', 'dipole_y', 'dipole_z')."""
        suffixes = COMPONENTS.get(self.irreps) or tuple(f"_{m}" for m in range(self.dim))
        return tuple(self.name + suffix for suffix in suffixes)


@dataclass(frozen=True, eq=False)
class FeatureTable:
    """Features of all simplices of one rank: `values` (n, dim), `weights` (n,), one `Channel` per feature.

    Values are plain readings (a length is in Å). A simplex counts with its weight, and what it adds to
    anything is weight × value (`weighted`), which reaches zero with two continuous derivatives at the cutoff.
    """

    rank: str
    channels: tuple[Channel, ...]
    values: torch.Tensor
    weights: torch.Tensor

    def __len__(self) -> int:
        return len(self.values)

    @property
    def names(self) -> tuple[str, ...]:
        """One name per channel."""
        return tuple(channel.name for channel in self.channels)

    @property
    def units(self) -> tuple[str, ...]:
        """One unit per channel."""
        return tuple(channel.unit for channel in self.channels)

    @property
    def irreps(self) -> str:
        """All channels as an e3nn irreps string, in order: '1x0e+1x1o+…'."""
        return "+".join(f"1x{channel.irreps}" for channel in self.channels)

    @property
    def components(self) -> tuple[str, ...]:
        """One name per column of `values`."""
        return tuple(name for channel in self.channels for name in channel.components)

    @property
    def flips(self) -> torch.Tensor:
        """+1 or −1 per column of `values`: what reversing a bond does to it; shape (dim,)."""
        signs = [channel.flip for channel in self.channels for _ in channel.components]
        return torch.tensor(signs, dtype=self.values.dtype, device=self.values.device)

    @cached_property
    def _slices(self) -> dict[str, slice]:
        found, start = {}, 0
        for channel in self.channels:
            found[channel.name] = slice(start, start + channel.dim)
            start += channel.dim
        return found

    def slice(self, name: str) -> slice:
        """The columns of `values` that hold a channel."""
        try:
            return self._slices[name]
        except KeyError:
            raise TenfmaError(
                f"{self.rank} have no feature {name!r}; they have {', '.join(self.names) or 'none'}"
            ) from None

    def __getitem__(self, name: str) -> torch.Tensor:
        """One channel: shape (n,) for an invariant, (n, 3) or (n, 5) for a tensor."""
        columns = self.values[:, self.slice(name)]
        return columns[:, 0] if columns.shape[1] == 1 else columns

    @property
    def weighted(self) -> torch.Tensor:
        """weight × value, (n, dim): what a simplex adds to a sum."""
        return self.weights[:, None] * self.values

    def select(
        self,
        *,
        smooth: bool | None = None,
        irreps: str | Sequence[str] | None = None,
        flip: int | None = None,
        names: Sequence[str] | None = None,
    ) -> "FeatureTable":
        """The same simplices with only the channels that meet every condition given."""
        wanted_irreps = (irreps,) if isinstance(irreps, str) else irreps
        for name in names or ():
            self.slice(name)
        kept = [
            channel
            for channel in self.channels
            if (smooth is None or channel.smooth == smooth)
            and (wanted_irreps is None or channel.irreps in wanted_irreps)
            and (flip is None or channel.flip == flip)
            and (names is None or channel.name in names)
        ]
        if len(kept) == len(self.channels):
            return self
        columns = [
            i for channel in kept for i in range(*self.slice(channel.name).indices(self.values.shape[1]))
        ]
        index = torch.tensor(columns, dtype=torch.long, device=self.values.device)
        return replace(self, channels=tuple(kept), values=self.values.index_select(1, index))

    def to_frame(self) -> "pd.DataFrame":
        """A DataFrame: a row per simplex, a column per component, the weight last; categories in words."""
        import pandas as pd

        values = self.values.detach().cpu().numpy()
        columns: dict[str, object] = {}
        for channel in self.channels:
            for name, index in zip(
                channel.components, range(*self.slice(channel.name).indices(values.shape[1]))
            ):
                column = values[:, index]
                columns[name] = [channel.labels[int(code)] for code in column] if channel.labels else column
        columns["weight"] = self.weights.detach().cpu().numpy()
        return pd.DataFrame(columns)


@dataclass(frozen=True, eq=False)
class Features:
    """Module A's reading of a crystal, or of a disjoint union of many: four tables and their complex."""

    complex: SimplicialComplex
    atoms: FeatureTable
    bonds: FeatureTable
    triangles: FeatureTable
    cell: FeatureTable

    def table(self, rank: str) -> FeatureTable:
        """The table of a rank: 'atoms', 'bonds', 'triangles' or 'cell'."""
        if rank not in RANKS:
            raise TenfmaError(f"there is no rank {rank!r}; ranks are {', '.join(RANKS)}")
        return getattr(self, rank)

    @property
    def names(self) -> dict[str, tuple[str, ...]]:
        """Feature names per rank."""
        return {rank: self.table(rank).names for rank in RANKS}

    def select(self, *, smooth: bool | None = None) -> "Features":
        """Only smooth (True) or only discrete (False) features, at every rank."""
        return Features(self.complex, *(self.table(rank).select(smooth=smooth) for rank in RANKS))

    def for_potential(self) -> dict[str, FeatureTable]:
        """What U_θ may see: smooth features of atoms, bonds and triangles; nothing of the whole cell."""
        return {rank: self.table(rank).select(smooth=True) for rank in LOCAL_RANKS}

    def to_frame(self, rank: str = "atoms") -> "pd.DataFrame":
        """A rank's table as a DataFrame, led by columns that say which crystal and atoms a row is about."""
        frame = self.table(rank).to_frame()
        for position, (name, values) in enumerate(self._labels(rank).items()):
            frame.insert(position, name, values)
        return frame

    def _labels(self, rank: str) -> dict[str, object]:
        from tenfma.crystal.elements import table

        K = self.complex
        symbols = [table().symbols[number] for number in K.numbers.tolist()]
        if rank == "atoms":
            return {"crystal": K.atom_crystal.tolist(), "element": symbols}
        if rank == "bonds":
            tails, heads = K.edges.T.tolist()
            labels: dict[str, object] = {"crystal": K.edge_crystal.tolist(), "tail": tails, "head": heads}
            labels["elements"] = [f"{symbols[i]}-{symbols[j]}" for i, j in zip(tails, heads)]
            return labels
        if rank == "triangles":
            corners = K.triangles.tolist()
            labels = {"crystal": K.triangle_crystal.tolist()}
            labels |= {corner: [row[place] for row in corners] for place, corner in enumerate("ijk")}
            labels["elements"] = ["-".join(symbols[i] for i in row) for row in corners]
            return labels
        return {"crystal": list(range(K.n_crystals))}
