"""Every atom, bond and triangle moves: ranks concatenated into one state, and pooled after the motion instead of before.

    atoms       C 0e + T 1o + T 2e          what messages left there, with the cell's context added
    bonds       w · (B 0e + B 0e− + 1 1o− + 1 2e + 1 1e−)        1e−: the so(3) element of both ends' quadrupoles
    triangles   w · (F 0e + 1 2e)           − marks what changes sign with the direction of a bond

    H_θ(q, p) = ½ Σ p²/m + Σ_cells U_θ(q) + ½ κ |q − q₀|²,    eV per crystal

The chart is `SimplicesHamiltonian` with the messages along boundary maps of `Potential`. Weights are in q, and a bond or
triangle is heavier by 1/w: at its cutoff a simplex adds nothing and does not move, so nothing jumps when a neighbour
enters (a force on it need not vanish there, as U_θ may be linear in its q). z has the names it has where the ranks are
pooled first.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from tenfma.crystal.features.tensors import commutator
from tenfma.embedding.evolved import Evolved, Motion, Size, mixed, mixing
from tenfma.embedding.graphs import Graphs
from tenfma.embedding.messages import BONDS_PER_ATOM, Cells
from tenfma.errors import TenfmaError
from tenfma.hamiltonian.layout import Block, Layout, split_blocks
from tenfma.hamiltonian.network import Connectivity, Potential
from tenfma.hamiltonian.simplices import SimplicesHamiltonian, weighed

#: scalars of a bond and of a triangle
BOND_SCALARS, TRIANGLE_SCALARS = 8, 4
#: widths of U_θ's messages, their tensors and hidden layers, near the pooled potential's number of parameters
CHANNELS, TENSOR_CHANNELS, HIDDEN = 8, 4, 22


class Lifted(nn.Module):
    """What messages left on the simplices → rows of q₀ per rank, linear in it and times the weights."""

    def __init__(self, channels: int, tensors: int) -> None:
        super().__init__()
        C, B, F = channels, BOND_SCALARS, TRIANGLE_SCALARS
        self.blocks = {
            "atoms": (Block("0e", C), Block("1o", tensors), Block("2e", tensors)),
            "bonds": (
                Block("0e", B),
                Block("0e", B, -1),
                Block("1o", 1, -1),
                Block("2e", 1),
                Block("1e", 1, -1),
            ),
            "triangles": (Block("0e", F), Block("2e", 1)),
        }
        self.even, self.odd = nn.Linear(C, B + 2), nn.Linear(C, B, bias=False)
        self.axes = nn.Linear(tensors, 1, bias=False)
        self.corner = nn.Linear(C // 3, F + 1, bias=False)

    def forward(self, g: Graphs, cells: Cells, context: Tensor) -> dict[str, Tensor]:
        """{rank: q₀ (cells, width)}; context (G, C)."""
        tails, heads, sides = g.linked
        h = cells.atoms + context.index_select(0, g.owners(0))
        even = self.even(cells.bonds)
        B = even.shape[1] - 2
        difference = self.odd(cells.atoms)
        axis = self.axes(cells.quadrupoles.transpose(1, 2))[..., 0]
        bonds = [
            even[:, :B],
            difference.index_select(0, heads) - difference.index_select(0, tails),
            even[:, B : B + 1] * g.units,
            even[:, B + 1 :] * g.harmonics,
            commutator(axis.index_select(0, tails), axis.index_select(0, heads)),
        ]
        corner = self.corner(cells.triangles)
        around = g.harmonics.index_select(0, sides.flatten()).unflatten(0, (-1, 3)).sum(1)
        return {
            "atoms": torch.cat([h, cells.vectors.flatten(1), cells.quadrupoles.flatten(1)], dim=1),
            "bonds": g.bond_weights[:, None] * torch.cat(bonds, dim=1),
            "triangles": torch.cat([corner[:, :-1], corner[:, -1:] * around], dim=1),
        }


class CellEnergies(nn.Module):
    """U_θ of every simplex in eV: `Potential` times a scale, with a shift per atom."""

    shift: Tensor
    scale: Tensor

    def __init__(self, blocks: dict[str, tuple[Block, ...]]) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(int(torch.randint(2**31, ())))
        self.net = Potential(blocks, generator, CHANNELS, TENSOR_CHANNELS, HIDDEN).float()
        self.register_buffer("shift", torch.zeros(()))
        self.register_buffer("scale", torch.ones(()))

    def forward(self, rows: dict[str, Tensor], links: Connectivity) -> dict[str, Tensor]:
        """{rank: q (cells, width)} → {rank: energy (cells,)}."""
        energies = {rank: self.scale * energy for rank, energy in self.net(rows, links).items()}
        return {**energies, "atoms": energies["atoms"] + self.shift}


class UnionHamiltonian(SimplicesHamiltonian):
    """H_θ of a union of crystals, with what of them does not move: their graphs and static rows."""

    frozen: tuple[Graphs, Tensor]


class Concatenated(Evolved):
    """As `Evolved`, with every simplex moving. Deterministic motion alone: a bath would depend on the batch.

    Raises TenfmaError for thermal momenta and friction.
    """

    aggregation = "concatenate"

    def __init__(
        self, names: Sequence[str], targets: int, size: Size, motion: Motion, linked: Sequence[int] = ()
    ) -> None:
        self.check_motion(motion)
        super().__init__(names, targets, size, motion, linked)

    @staticmethod
    def check_motion(motion: Motion) -> None:
        if motion.p0 == "thermal" or motion.friction > 0:
            raise TenfmaError(
                "aggregation 'concatenate' moves without a bath; choose p0 'zero' or 'learned' and no friction, "
                "or aggregation 'pool'"
            )

    @staticmethod
    def context_width(size: Size) -> int:
        return size.channels

    def _add_chart(self) -> None:
        self.cell = nn.Sequential(nn.Linear(len(self.static.names), self.context_width(self.size)), nn.SiLU())
        self.lift = Lifted(self.size.channels, self.size.tensors)
        blocks = self.lift.blocks
        self.potential = CellEnergies(blocks)
        self.copies = {rank: sum(block.copies for block in blocks[rank]) for rank in blocks}
        self.log_mass = nn.Parameter(torch.zeros(sum(self.copies.values())))
        self.momenta = nn.ModuleDict({rank: mixing(blocks[rank]) for rank in blocks})
        said = sum(2 * block.copies if block.key == "0e+" else block.copies for block in self._pooled_too)
        self.said = nn.Linear(said, self.size.scalars, bias=False)

    def start(self, g: Graphs, seed: int = 0) -> tuple[Any, Tensor, Tensor, Tensor]:
        """H of the union with q₀ and p₀, (D,), and the standardised static rows."""
        static = self.static(g.static)
        rows = self.lift(g, self.messages.cells(g), self.cell(static))
        blocks = self.lift.blocks
        layout = Layout(blocks, {rank: g.owners(place) for place, rank in enumerate(blocks)}, len(g))
        mass = layout.expand(dict(zip(blocks, self.log_mass.exp().split(list(self.copies.values())))))
        mass = weighed(mass, layout, {"bonds": g.bond_weights, "triangles": g.triangle_weights})
        tails, heads, sides = g.linked
        links = Connectivity(len(g.numbers), tails, heads, sides, g.signs)
        q0 = layout.join(rows)
        H = UnionHamiltonian(self.potential, layout, links, q0, mass)
        H.frozen = g, static
        if self.motion.p0 == "zero":
            return H, q0, torch.zeros_like(q0), static
        momenta = {rank: mixed(blocks[rank], self.momenta[rank], rows[rank]) for rank in blocks}
        return H, q0, layout.join(momenta), static

    def pooled(self, H: UnionHamiltonian, q: Tensor) -> Tensor:
        """One row of `blocks` per crystal, (…, G, D), from states q (…, D of the union)."""
        if q.ndim > 1:
            return torch.stack([self.pooled(H, one) for one in q])
        g, static = H.frozen
        rows = H.layout.split(q)
        atoms = H.layout.split_blocks("atoms", rows["atoms"])
        row = self.messages.pooled(g, static, atoms["0e+"][..., 0], atoms["1o+"], atoms["2e+"])
        said = torch.cat([self._summed(H.layout, rank, rows[rank]) for rank in ("bonds", "triangles")], dim=1)
        scalars = self.said(said / (BONDS_PER_ATOM * g.counts[:, :1]))
        return torch.cat([row[:, : self.size.scalars] + scalars, row[:, self.size.scalars :]], dim=1)

    def energy_at_rest(self, H: UnionHamiltonian, q0: Tensor) -> Tensor:
        return H.potential_energy(q0) / self.energy_atoms(H.frozen[0])

    def energy_atoms(self, g: Graphs) -> Tensor:
        return g.counts[:, 0].to(g.static.dtype)

    def by_crystal(self, H: UnionHamiltonian, q: Tensor) -> Tensor:
        return H.layout.by_crystal(q)

    def single(self, H: Any, q0: Tensor, p0: Tensor) -> tuple[Any, Tensor, Tensor]:
        return H, q0, p0

    @property
    def _pooled_too(self) -> tuple[Block, ...]:
        return (*self.lift.blocks["bonds"], *self.lift.blocks["triangles"])

    def _summed(self, layout: Layout, rank: str, rows: Tensor) -> Tensor:
        """Sums over each crystal's cells of scalars that no flip changes, and of every copy's square: (G, n)."""
        parts = split_blocks(layout.blocks[rank], rows)
        seen = torch.cat([parts["0e+"][..., 0], *[(x * x).sum(-1) for x in parts.values()]], dim=1)
        return seen.new_zeros((layout.n_crystals, seen.shape[1])).index_add(0, layout.owners[rank], seen)


AGGREGATIONS: dict[str, type[Evolved]] = {kind.aggregation: kind for kind in (Evolved, Concatenated)}


def aggregation_named(name: str) -> type[Evolved]:
    """The kind of member of this name. Raises TenfmaError for another."""
    if name not in AGGREGATIONS:
        raise TenfmaError(f"aggregation is {name!r}; {' and '.join(AGGREGATIONS)} are accepted")
    return AGGREGATIONS[name]
