"""What the numbers of a flat state are: rank, cell, irrep and copy; how they turn and how they flip.

A state of the simplices chart is one tensor (*ensemble, D). Per rank it holds `cells` rows of `width`
numbers, rank after rank; a row holds its blocks one after another, each `copies` × (2ℓ + 1) numbers in
e3nn's order.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from e3nn import o3
from torch import Tensor

from tenfma.crystal.features.tensors import components, matrix
from tenfma.errors import TenfmaError


@dataclass(frozen=True)
class Block:
    """`copies` of one irrep; `flip` is the sign that reversing a bond gives them."""

    irrep: str
    copies: int
    flip: int = 1

    @property
    def dim(self) -> int:
        """Numbers in one copy, 2ℓ + 1."""
        return 2 * int(self.irrep[0]) + 1

    @property
    def width(self) -> int:
        return self.copies * self.dim

    @property
    def key(self) -> str:
        """Irrep and flip parity, as '1o-'."""
        return self.irrep + ("+" if self.flip > 0 else "-")


@dataclass(frozen=True, eq=False)
class Layout:
    """Blocks per rank, and for each rank which crystal its cells belong to, (cells,)."""

    blocks: dict[str, tuple[Block, ...]]
    owners: dict[str, Tensor]
    n_crystals: int

    @property
    def ranks(self) -> tuple[str, ...]:
        return tuple(self.blocks)

    def cells(self, rank: str) -> int:
        """How many simplices of a rank the state holds."""
        return len(self.owners[rank])

    def width(self, rank: str) -> int:
        """How many numbers one simplex of a rank has."""
        return sum(block.width for block in self.blocks[rank])

    @cached_property
    def slices(self) -> dict[str, slice]:
        """Where each rank lies in the flat state."""
        found, start = {}, 0
        for rank in self.ranks:
            stop = start + self.cells(rank) * self.width(rank)
            found[rank] = slice(start, stop)
            start = stop
        return found

    @property
    def size(self) -> int:
        """D, the length of a flat state."""
        return sum(self.cells(rank) * self.width(rank) for rank in self.ranks)

    def split(self, state: Tensor) -> dict[str, Tensor]:
        """(*ensemble, D) → {rank: (*ensemble, cells, width)}, views where torch can.

        Raises TenfmaError when the state has another length.
        """
        if state.shape[-1] != self.size:
            raise TenfmaError(
                f"the state has {state.shape[-1]} numbers, and this layout has {self.size}; "
                "use the state that came with the Hamiltonian"
            )
        return {
            rank: state[..., place].unflatten(-1, (self.cells(rank), self.width(rank)))
            for rank, place in self.slices.items()
        }

    def join(self, parts: dict[str, Tensor]) -> Tensor:
        """The inverse of `split`."""
        return torch.cat([parts[rank].flatten(-2) for rank in self.ranks], dim=-1)

    def split_blocks(self, rank: str, rows: Tensor) -> dict[str, Tensor]:
        """(…, width) → {block key: (…, copies, 2ℓ + 1)}."""
        return split_blocks(self.blocks[rank], rows)

    @cached_property
    def crystals(self) -> Tensor:
        """(D,) the crystal that each component belongs to."""
        return torch.cat([self.owners[rank].repeat_interleave(self.width(rank)) for rank in self.ranks])

    def expand(self, per_copy: dict[str, Tensor]) -> Tensor:
        """One number per rank and copy, {rank: (copies of all blocks,)} → one per component, (D,)."""
        parts = []
        for rank in self.ranks:
            dims = [block.dim for block in self.blocks[rank] for _ in range(block.copies)]
            repeats = torch.tensor(dims, device=per_copy[rank].device)
            row = per_copy[rank].repeat_interleave(repeats)
            parts.append(row.expand(self.cells(rank), -1).flatten())
        return torch.cat(parts)

    def sum_crystals(self, rank: str, values: Tensor) -> Tensor:
        """(*ensemble, cells) → (*ensemble, crystals), summed over each crystal's cells."""
        total = values.new_zeros((*values.shape[:-1], self.n_crystals))
        return total.index_add(-1, self.owners[rank], values)

    def by_crystal(self, state: Tensor) -> Tensor:
        """A state (D,) with one row per crystal, (crystals, the longest), filled up with zeros."""
        order = torch.argsort(self.crystals, stable=True)
        counts = torch.bincount(self.crystals, minlength=self.n_crystals)
        first = torch.cumsum(counts, 0) - counts
        place = torch.arange(len(state)) - first.repeat_interleave(counts)
        table = state.new_zeros((len(counts), int(counts.max())))
        return table.index_put((self.crystals[order], place), state[order])

    # symmetry
    # -------------------------------------------------------------------------------------------------

    def rotated(self, state: Tensor, rotation: Tensor) -> Tensor:
        """The state of the crystal turned by an orthogonal matrix (3, 3), improper ones included."""
        turned = {}
        for rank, rows in self.split(state).items():
            blocks = self.split_blocks(rank, rows)
            turned[rank] = torch.cat(
                [turn(blocks[block.key], block.irrep, rotation).flatten(-2) for block in self.blocks[rank]],
                dim=-1,
            )
        return self.join(turned)

    def flipped(self, state: Tensor, mask: Tensor) -> Tensor:
        """The state after reversing the bonds in `mask` (bonds,): odd blocks change sign there."""
        parts = self.split(state)
        signs = 1.0 - 2.0 * mask.to(state.dtype)
        odd = torch.cat([torch.full((b.width,), float(b.flip < 0)) for b in self.blocks["bonds"]]).to(state)
        factor = 1.0 + odd * (signs[:, None] - 1.0)
        return self.join({**parts, "bonds": parts["bonds"] * factor})

    def to(self, device: torch.device | str) -> "Layout":
        owners = {rank: owner.to(device) for rank, owner in self.owners.items()}
        return Layout(self.blocks, owners, self.n_crystals)

    def summary(self) -> str:
        """One line per rank: cells and irreps."""
        return "\n".join(
            f"{rank}: {self.cells(rank)} × " + " + ".join(f"{b.copies}x{b.key}" for b in self.blocks[rank])
            for rank in self.ranks
        )


def split_blocks(blocks: tuple[Block, ...], rows: Tensor) -> dict[str, Tensor]:
    """(…, width) → {block key: (…, copies, 2ℓ + 1)}."""
    pieces = rows.split([block.width for block in blocks], dim=-1)
    return {block.key: piece.unflatten(-1, (block.copies, block.dim)) for block, piece in zip(blocks, pieces)}


def turn(values: Tensor, irrep: str, rotation: Tensor) -> Tensor:
    """D(R) applied to (…, 2ℓ + 1), for an orthogonal R (3, 3) with det R = ±1."""
    degree, parity = int(irrep[0]), irrep[1]
    # under −1 an irrep changes sign if it is odd; a Cartesian tensor of rank ℓ gives (−1)^ℓ by itself
    natural = "e" if degree % 2 == 0 else "o"
    sign = 1.0 if parity == natural else torch.sign(torch.linalg.det(rotation))
    if degree == 0:
        return values * sign
    if degree == 1:
        return sign * (values @ rotation.T)
    if degree == 2:
        return sign * components(rotation @ matrix(values) @ rotation.T)
    return sign * (values @ _harmonic_matrix(degree, rotation).to(values))


def _harmonic_matrix(degree: int, rotation: Tensor) -> Tensor:
    """Dᵀ with Y(R u) = D Y(u), solved on fixed directions u: to round-off, which e3nn's own tables are not."""
    generator = torch.Generator().manual_seed(degree)
    u = torch.randn(8 * degree, 3, dtype=torch.float64, generator=generator)
    u = u / u.norm(dim=1, keepdim=True)
    Y, turned = (
        o3.spherical_harmonics(degree, x, normalize=False, normalization="norm")
        for x in (u, u @ rotation.to(u).T)
    )
    return torch.linalg.lstsq(Y, turned).solution
