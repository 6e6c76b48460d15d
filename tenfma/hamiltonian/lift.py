"""The lift: named features of each rank ⇄ irreps of q.

With w the weight of a simplex, x its features, μ and σ fixed reference means and scales, and 1 a
constant channel,

    f = w · [1, (x − μ)/σ],        q₀ = W f,        f = W⁺ q

per irrep and flip parity (μ = 0 and no constant but for even scalars). The weight is inside q: it
reaches zero at the cutoff and takes q₀ along. W has full column rank, so f is read back exactly from q₀
and, by the same W⁺, from q(T).
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from tenfma.crystal.features.tables import LOCAL_RANKS, Channel, FeatureTable
from tenfma.hamiltonian.layout import Block, Layout, split_blocks

#: name of the constant channel, whose weighted value is the weight itself
WEIGHT = "weight"
#: scales below this are taken for a feature that never varies
SMALLEST_SCALE = 1e-6


class RankLift(nn.Module):
    """The lift of one rank: features (n, dim) with weights (n,) → rows of q (n, width), and back."""

    mean: Tensor
    scale: Tensor
    order: Tensor

    def __init__(self, channels: Sequence[Channel], generator: torch.Generator) -> None:
        super().__init__()
        self.channels = (Channel(WEIGHT, "1", source="the smooth weight of the simplex"), *channels)
        groups: dict[tuple[str, int], list[int]] = {}
        for index, channel in enumerate(self.channels):
            groups.setdefault((channel.irreps, channel.flip), []).append(index)
        self.groups = groups
        self.blocks = tuple(Block(irrep, len(members), flip) for (irrep, flip), members in groups.items())
        starts = [0]
        for channel in self.channels:
            starts.append(starts[-1] + channel.dim)
        order = [c for members in groups.values() for i in members for c in range(starts[i], starts[i + 1])]
        self.register_buffer("order", torch.tensor(order))
        self.register_buffer("mean", torch.zeros(starts[-1], dtype=torch.float64))
        self.register_buffer("scale", torch.ones(starts[-1], dtype=torch.float64))
        self.matrices = nn.ParameterDict(
            {block.key: nn.Parameter(_orthogonal(block.copies, generator)) for block in self.blocks}
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """One name per column of f: 'weight', then every component of every feature."""
        return tuple(name for channel in self.channels for name in channel.components)

    def fit(self, table: FeatureTable) -> None:
        """Take μ and σ from reference features: weighted mean (even scalars) and root mean square per
        channel.
        """
        w = table.weights[:, None]
        total = w.sum().clamp_min(SMALLEST_SCALE)
        column = 1
        for channel in self.channels[1:]:
            place = slice(column, column + channel.dim)
            values = table[channel.name].reshape(len(table), channel.dim)
            if channel.irreps == "0e" and channel.flip > 0:
                self.mean[place] = (w * values).sum(0) / total
            spread = (w * (values - self.mean[place].to(values)) ** 2).sum() / total / channel.dim
            self.scale[place] = spread.sqrt() if spread.sqrt() > SMALLEST_SCALE else 1.0
            column = place.stop

    def standardised(self, table: FeatureTable) -> Tensor:
        """f = w · [1, (x − μ)/σ], (n, 1 + dim)."""
        ones = torch.ones_like(table.weights)[:, None]
        values = torch.cat([ones, table.values], dim=1)
        return table.weights[:, None] * (values - self.mean) / self.scale

    def forward(self, table: FeatureTable) -> Tensor:
        """q₀ of every simplex, (n, width)."""
        pieces = split_blocks(self.blocks, self.standardised(table)[:, self.order])
        return torch.cat(
            [
                torch.einsum("vu,nud->nvd", self.matrices[block.key], pieces[block.key]).flatten(1)
                for block in self.blocks
            ],
            dim=1,
        )

    def inverse(self, rows: Tensor) -> Tensor:
        """f = W⁺ q, (…, width) → (…, 1 + dim): weighted, standardised features, named by `columns`."""
        pieces = split_blocks(self.blocks, rows)
        grouped = torch.cat(
            [
                torch.einsum(
                    "uv,...vd->...ud", torch.linalg.pinv(self.matrices[b.key]), pieces[b.key]
                ).flatten(-2)
                for b in self.blocks
            ],
            dim=-1,
        )
        return torch.empty_like(grouped).index_copy(-1, self.order, grouped)

    def readings(self, rows: Tensor) -> Tensor:
        """w · x, features in their own units times the weight, first column the weight: (…, 1 + dim)."""
        f = self.inverse(rows)
        return f * self.scale + f[..., :1] * self.mean

    def pullback(self, gradient: Tensor) -> Tensor:
        """∂H/∂f = Wᵀ ∂H/∂q, (…, width) → (…, 1 + dim); divide by σ and times w for ∂H/∂x at fixed weight."""
        pieces = split_blocks(self.blocks, gradient)
        grouped = torch.cat(
            [
                torch.einsum("vu,...vd->...ud", self.matrices[b.key], pieces[b.key]).flatten(-2)
                for b in self.blocks
            ],
            dim=-1,
        )
        return torch.empty_like(grouped).index_copy(-1, self.order, grouped)


class Lift(nn.Module):
    """The lifts of atoms, bonds and triangles; the cell is frozen and has no place in q."""

    def __init__(self, channels: Mapping[str, Sequence[Channel]], generator: torch.Generator) -> None:
        super().__init__()
        self.ranks = nn.ModuleDict({rank: RankLift(channels[rank], generator) for rank in LOCAL_RANKS})

    def rank(self, name: str) -> RankLift:
        found = self.ranks[name]
        assert isinstance(found, RankLift)
        return found

    @property
    def blocks(self) -> dict[str, tuple[Block, ...]]:
        return {rank: self.rank(rank).blocks for rank in LOCAL_RANKS}

    def fit(self, tables: Mapping[str, FeatureTable]) -> None:
        """Take means and scales of all ranks from reference features."""
        for rank in LOCAL_RANKS:
            self.rank(rank).fit(tables[rank])

    def forward(self, tables: Mapping[str, FeatureTable]) -> dict[str, Tensor]:
        """{rank: q₀ (cells, width)}."""
        return {rank: self.rank(rank)(tables[rank]) for rank in LOCAL_RANKS}

    def layout(self, owners: Mapping[str, Tensor], n_crystals: int) -> Layout:
        """The layout of states made by this lift."""
        return Layout(self.blocks, dict(owners), n_crystals)


def _orthogonal(n: int, generator: torch.Generator) -> Tensor:
    """A random orthogonal matrix, uniform: full rank and perfectly conditioned."""
    q, r = torch.linalg.qr(torch.randn(n, n, dtype=torch.float64, generator=generator))
    return q * torch.sign(torch.diagonal(r))


def plain_lift(channels: Mapping[str, Sequence[Channel]]) -> Lift:
    """A lift that keeps every channel as it is, times the weight: W = 1, μ = 0, σ = 1."""
    lift = Lift(channels, torch.Generator())
    with torch.no_grad():
        for matrix in lift.parameters():
            matrix.copy_(torch.eye(len(matrix)))
    return lift.requires_grad_(False)
