"""From simplices to one small vector per crystal: messages along the boundary maps, then equivariant, intensive pooling.

    triangles → bonds    b ← b + Σ_t w_t φ(t, Σ sides)                              (|B₂|)
    bonds → atoms        x_ij = w_ij σ(A h_i + B h_j + b_ij),   S_i = Σ x_ij,  V_i = Σ x_ij r̂_ij,  M_i = Σ x_ij Y₂(r̂_ij)
    atoms                h ← h + f(h, S, |V|², |M|²)
    cell                 mean and spread of h, means of V (1o) and M (2e) over its atoms

Every sum carries the smooth weights; invariants meet SiLU perceptrons, ℓ = 1, 2 parts only linear maps over copies.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tenfma.crystal import elements
from tenfma.embedding.chemistry import known_elements
from tenfma.embedding.graphs import ATOM_CHANNELS, BOND_CHANNELS, TRIANGLE_CHANNELS, Graphs
from tenfma.hamiltonian.layout import Block
from tenfma.hamiltonian.network import squash

#: typical numbers of near bonds on an atom and of triangles on a bond, which keep sums near one
BONDS_PER_ATOM = 12.0
TRIANGLES_PER_BOND = 3.0
#: s of x/√(1 + x²/s²) for standardised inputs: outliers are kept in hand
OUTLIER = 4.0
#: softening of pooled standard deviations, in units of their scale over the training crystals
SOFTENING = 0.05


class Standard(nn.Module):
    """x → squash((x − μ)/σ) with μ, σ of the training data; columns that never vary become 0."""

    mean: Tensor
    scale: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("scale", torch.ones(size))

    @torch.no_grad()
    def fit(self, x: Tensor, weights: Tensor | None = None) -> None:
        """Take μ and σ, weighted."""
        x = x.double()
        w = torch.ones(len(x), dtype=x.dtype) if weights is None else weights.double()
        w = w[:, None] / w.sum().clamp_min(1e-12)
        mean = (w * x).sum(0)
        scale = (w * (x - mean) ** 2).sum(0).sqrt()
        self.mean.copy_(mean)
        self.scale.copy_(torch.where(scale > 1e-6 * (1 + mean.abs()), scale, torch.inf))

    def forward(self, x: Tensor) -> Tensor:
        return squash(((x - self.mean) / self.scale)[..., None], OUTLIER)[..., 0]


class Static(nn.Module):
    """The pooled static row of a crystal, standardised. Standard deviations s enter as √(s² + δ²).

    That is smooth where a deviation vanishes, and does not show the round-off of a square root there.
    """

    deviation: Tensor
    softening: Tensor

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__()
        self.names = names
        self.standard = Standard(len(names))
        self.register_buffer("deviation", torch.tensor(["std" in name for name in names]))
        self.register_buffer("softening", torch.zeros(len(names)))

    @torch.no_grad()
    def fit(self, rows: Tensor) -> None:
        """Take scales from the training crystals."""
        self.softening.copy_(torch.where(self.deviation, SOFTENING * rows.double().std(0), 0.0))
        self.standard.fit(self._softened(rows))

    def forward(self, rows: Tensor) -> Tensor:
        return self.standard(self._softened(rows))

    def _softened(self, rows: Tensor) -> Tensor:
        δ = self.softening.to(rows.dtype)
        return torch.where(self.deviation, (rows * rows + δ * δ).sqrt(), rows)


@dataclass(frozen=True, eq=False)
class Cells:
    """What messages leave on the simplices: atoms (N, C) with vectors (N, T, 3) and quadrupoles (N, T, 5), bonds (E, C),
    and triangles (F, C/3), which alone carry their weights. T is `tensors`.
    """

    atoms: Tensor
    vectors: Tensor
    quadrupoles: Tensor
    bonds: Tensor
    triangles: Tensor


class Round(nn.Module):
    """One round of messages between atoms along their bonds."""

    def __init__(self, channels: int, copies: int, mixing: bool) -> None:
        super().__init__()
        C, self.copies = channels, copies
        self.own, self.other = nn.Linear(C, C), nn.Linear(C, C, bias=False)
        self.update = nn.Sequential(
            nn.LayerNorm(2 * C + 2 * copies), nn.Linear(2 * C + 2 * copies, C), nn.SiLU(), nn.Linear(C, C)
        )
        self.mixing = nn.Linear(C, C, bias=False) if mixing else None

    def forward(
        self, h: Tensor, b: Tensor, ends: tuple[Tensor, Tensor], geometry: tuple[Tensor, Tensor, Tensor]
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """(h, b) after the round, with V (N, copies, 3) and M (N, copies, 5)."""
        (to, at), (w, u, Y) = ends, geometry
        E, k = len(b), self.copies
        near, far = self.own(h), self.other(h)
        # both directions of every bond: the first E messages go to tails, the others to heads
        x = torch.cat([b, b]) + near.index_select(0, to) + far.index_select(0, at)
        x = nn.functional.silu(x) * w
        harmonics = torch.cat(
            [(x[:, :k, None] * u[:, None, :]).flatten(1), (x[:, k : 2 * k, None] * Y[:, None, :]).flatten(1)],
            dim=1,
        )
        total = x.new_zeros((len(h), x.shape[1] + harmonics.shape[1]))
        total = total.index_add(0, to, torch.cat([x, harmonics], dim=1)) / BONDS_PER_ATOM**0.5
        S, V, M = total.split([x.shape[1], 3 * k, 5 * k], dim=1)
        V, M = V.unflatten(1, (k, 3)), M.unflatten(1, (k, 5))
        h = h + self.update(torch.cat([h, S, (V * V).sum(-1), (M * M).sum(-1)], dim=1))
        if self.mixing is not None:
            b = b + self.mixing(x[:E] + x[E:])
        return h, b, V, M


class Messages(nn.Module):
    """Features of all ranks → q₀ (G, D): `scalars` 0e, `vectors` 1o and `quadrupoles` 2e per crystal."""

    table: Tensor

    def __init__(
        self,
        static: int,
        *,
        channels: int = 48,
        copies: int = 8,
        rounds: int = 2,
        scalars: int = 64,
        tensors: int = 4,
    ) -> None:
        super().__init__()
        C = channels
        self.blocks = (Block("0e", scalars), Block("1o", tensors), Block("2e", tensors))
        known = known_elements()
        self.register_buffer("table", known.float())
        self.of_element = Standard(known.shape[1])
        self.of_atom, self.of_bond, self.of_triangle = (
            Standard(len(names)) for names in (ATOM_CHANNELS, BOND_CHANNELS, TRIANGLE_CHANNELS)
        )
        self.element = nn.Embedding(elements.LAST + 1, C)
        self.atom = nn.Sequential(
            nn.Linear(known.shape[1] + len(ATOM_CHANNELS), C), nn.SiLU(), nn.Linear(C, C)
        )
        self.bond = nn.Linear(len(BOND_CHANNELS), C)
        self.triangle = nn.Linear(len(TRIANGLE_CHANNELS), C // 3)
        self.sides = nn.Linear(C, C // 3, bias=False)
        self.on_bond = nn.Linear(C // 3, C, bias=False)
        self.rounds = nn.ModuleList(Round(C, copies, mixing=i + 1 < rounds) for i in range(rounds))
        self.scalars = nn.Sequential(nn.LayerNorm(2 * C), nn.Linear(2 * C, scalars))
        self.of_static = nn.Linear(static, scalars)
        self.vectors = nn.Linear(rounds * copies, tensors, bias=False)
        self.quadrupoles = nn.Linear(rounds * copies + 1, tensors, bias=False)
        nn.init.zeros_(self.element.weight)  # an element never seen in training is told by its features alone

    @torch.no_grad()
    def fit(self, graphs: Graphs) -> None:
        """Take means and scales from the training crystals."""
        self.of_element.fit(self.table[graphs.numbers])
        self.of_atom.fit(graphs.atoms)
        self.of_bond.fit(graphs.bonds, graphs.bond_weights)
        self.of_triangle.fit(graphs.triangles, graphs.triangle_weights)

    def forward(self, g: Graphs, static: Tensor) -> Tensor:
        """q₀ (G, D) from a union of crystals and their standardised static rows (G, S)."""
        cells = self.cells(g)
        return self.pooled(g, static, cells.atoms, cells.vectors, cells.quadrupoles)

    def cells(self, g: Graphs) -> Cells:
        """What the simplices of a union of crystals know after all rounds."""
        tails, heads, sides = g.linked
        own = torch.cat([self.of_element(self.table[g.numbers]), self.of_atom(g.atoms)], dim=1)
        h = self.element(g.numbers) + self.atom(own)
        b = self.bond(self.of_bond(g.bonds))
        corners, around = self._around(b, g, sides)
        b = b + self.on_bond(around)
        ends = torch.cat([tails, heads]), torch.cat([heads, tails])
        geometry = (
            torch.cat([g.bond_weights, g.bond_weights])[:, None],
            torch.cat([g.units, -g.units]),
            torch.cat([g.harmonics, g.harmonics]),
        )
        vectors, quadrupoles = [], []
        for one in self.rounds:
            h, b, V, M = one(h, b, ends, geometry)
            vectors.append(V)
            quadrupoles.append(M)
        V = self.vectors(torch.cat(vectors, dim=1).transpose(1, 2)).transpose(1, 2)
        M = torch.cat(quadrupoles, dim=1).transpose(1, 2)
        M = nn.functional.linear(M, self.quadrupoles.weight[:, :-1]).transpose(1, 2)
        return Cells(h, V, M, b, corners)

    def pooled(self, g: Graphs, static: Tensor, h: Tensor, vectors: Tensor, quadrupoles: Tensor) -> Tensor:
        """One row (G, D) per crystal from its atoms' scalars, vectors and quadrupoles, shaped as in `Cells`."""
        owner, atoms = g.owners(0), g.counts[:, :1].to(h)

        def mean(x: Tensor) -> Tensor:
            return x.new_zeros((len(g), x.shape[1])).index_add(0, owner, x) / atoms

        middle = mean(h)
        spread = (mean((h - middle.index_select(0, owner)) ** 2) + 1e-4).sqrt()
        scalars = self.scalars(torch.cat([middle, spread], dim=1)) + self.of_static(static)
        tilt = self.quadrupoles.weight[:, -1:] * g.tilt[:, None, :] / BONDS_PER_ATOM
        return torch.cat(
            [scalars, mean(vectors.flatten(1)), mean(quadrupoles.flatten(1)) + tilt.flatten(1)], dim=1
        )

    def _around(self, b: Tensor, g: Graphs, sides: Tensor) -> tuple[Tensor, Tensor]:
        """What each triangle says, (F, C/3), and what the triangles on each bond say, (E, C/3)."""
        seen = self.sides(b)
        corner = self.triangle(self.of_triangle(g.triangles))
        corner = corner + seen.index_select(0, sides.flatten()).unflatten(0, (-1, 3)).sum(1)
        corner = nn.functional.silu(corner) * g.triangle_weights[:, None] / TRIANGLES_PER_BOND
        thrice = corner[:, None, :].expand(-1, 3, -1).reshape(-1, corner.shape[1])
        return corner, corner.new_zeros((len(b), corner.shape[1])).index_add(0, sides.flatten(), thrice)
