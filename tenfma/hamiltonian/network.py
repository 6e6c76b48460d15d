"""U_θ(q): the learned potential, a smooth invariant function of the simplices' q and of who is joined
to whom.

Geometry enters through q alone. Messages run along the boundary maps, with their signs:

    atoms → bonds       sums and signed differences over a bond's ends                       (|B₁|ᵀ, B₁ᵀ)
    bonds → triangles   sums and signed circulations over a triangle's sides                 (|B₂|ᵀ, B₂ᵀ)
    triangles → bonds   sums over the triangles on a bond                                    (|B₂|)
    bonds → atoms       densities S, V, M, X: what the bonds bring as scalar, vector, quadrupole, axial
    vector,
                        signed where the channel is odd under reversal, times what the neighbour is

and each simplex reads a scalar energy off tensor products of its own q with what has arrived. q is
squashed first, x/√(1 + |x|²/s²), so U_θ is bounded for any |q|; every part carries a factor that is
zero where the simplex's q is zero, so nothing jumps when a neighbour enters.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import add

import torch
from torch import Tensor, nn

from tenfma.crystal.complex import SimplicialComplex
from tenfma.crystal.features.tensors import matrix
from tenfma.hamiltonian.layout import Block, split_blocks

#: s in x/√(1 + |x|²/s²); features have unit scale, so ordinary values pass nearly unchanged
SATURATION = 8.0
#: the same for what messages bring and for products of them, whose slopes it keeps in hand
ARRIVED = 3.0
#: typical numbers of bonds on an atom and of triangles on a bond, which keep sums near one
BONDS_PER_ATOM = 24.0
TRIANGLES_PER_BOND = 6.0
#: scale of readouts before training, eV: small, so that dense crystals move gently too
FIRST_ENERGY = 0.2


@dataclass(frozen=True, eq=False)
class Connectivity:
    """Who is joined to whom, without any geometry: all of the complex that the potential may see."""

    n_atoms: int
    tails: Tensor
    """(E,) atoms."""
    heads: Tensor
    """(E,) atoms."""
    sides: Tensor
    """(F, 3) edges of each triangle."""
    signs: Tensor
    """(F, 3) ±1, the entries of B₂: ∂(ijk) = (ij) + (jk) − (ik), each side in its stored direction."""

    @classmethod
    def of(cls, K: SimplicialComplex) -> "Connectivity":
        tails, heads = K.edges.unbind(1)
        around = K.triangle_signs * K.triangle_signs.new_tensor([1, 1, -1])
        return cls(K.n_atoms, tails, heads, K.triangle_edges, around.to(K.dtype))

    def repeated(self, times: int) -> "Connectivity":
        """`times` separate copies, as for the members of an ensemble."""
        if times == 1:
            return self

        def shifted(index: Tensor, count: int) -> Tensor:
            steps = torch.arange(times, device=index.device) * count
            return (index + steps.view(-1, *[1] * index.dim())).flatten(0, 1)

        return Connectivity(
            times * self.n_atoms,
            shifted(self.tails, self.n_atoms),
            shifted(self.heads, self.n_atoms),
            shifted(self.sides, len(self.tails)),
            self.signs.repeat(times, 1),
        )


class Potential(nn.Module):
    """U_θ, as one energy per atom, bond and triangle, eV. `blocks` says what q holds (see `Layout`)."""

    def __init__(
        self,
        blocks: dict[str, tuple[Block, ...]],
        generator: torch.Generator,
        channels: int = 16,
        tensor_channels: int = 8,
        hidden: int = 32,
    ) -> None:
        super().__init__()
        self.blocks, self.tensor_channels = blocks, tensor_channels
        C, K = channels, tensor_channels
        n = {rank: {block.key: block.copies for block in blocks[rank]} for rank in blocks}
        self.scalars = nn.ModuleDict(
            {rank: linear(n[rank]["0e+"], C, generator, bias=False) for rank in blocks}
        )
        self.neighbour = linear(C, C + K, generator, bias=False)
        self.differences = linear(C, n["bonds"]["0e-"], generator, bias=False)
        pairs = n["triangles"]["2e+"] ** 2
        self.of_triangle = perceptron(
            2 * C + n["bonds"]["0e-"] + n["bonds"]["1o-"] + pairs, hidden, C, generator
        )
        seen = (
            n["bonds"]["0e-"] + n["bonds"]["1o-"] * n["atoms"]["1o+"] + n["bonds"]["2e+"] * n["atoms"]["2e+"]
        )
        self.of_bond = perceptron(3 * C + seen, hidden, C + K + n["bonds"]["1e-"], generator)
        own = n["atoms"]["1o+"] * (K + n["atoms"]["1o+"]) + n["atoms"]["2e+"] * (K + n["atoms"]["2e+"])
        self.of_atom = perceptron(2 * C + 4 * K + n["bonds"]["1e-"] + own, hidden, C + 1, generator)
        self.bond_reader = linear(C, 1, generator, bias=False)
        self.triangle_reader = linear(C, 1, generator, bias=False)
        with torch.no_grad():
            for reader in (list(self.of_atom.parameters())[-2][:1], self.bond_reader.weight):
                reader *= FIRST_ENERGY

    def forward(self, rows: dict[str, Tensor], links: Connectivity) -> dict[str, Tensor]:
        """{rank: q (cells, width)} → {rank: energy (cells,)}."""
        q = {
            rank: {key: squash(part) for key, part in split_blocks(self.blocks[rank], rows[rank]).items()}
            for rank in self.blocks
        }
        atom, bond, triangle = (
            self.scalars[rank](q[rank]["0e+"][..., 0]) for rank in ("atoms", "bonds", "triangles")
        )
        dipole, quadrupole = q["atoms"]["1o+"], q["atoms"]["2e+"]
        odd, vector, tensor, axial = (q["bonds"][key] for key in ("0e-", "1o-", "2e+", "1e-"))
        tails, heads, sides = links.tails, links.heads, links.sides.unbind(1)
        signs = links.signs.to(bond).unbind(1)

        # bonds → triangles
        summed = total(take(bond, side) for side in sides)
        curl = total(sign[:, None, None] * take(odd, side) for sign, side in zip(signs, sides))
        circulation = total(sign[:, None, None] * take(vector, side) for sign, side in zip(signs, sides))
        shape = products(q["triangles"]["2e+"], q["triangles"]["2e+"])
        seen = [triangle, summed, arrived(square(curl), square(circulation), shape)]
        corner = triangle * (1 + torch.tanh(self.of_triangle(torch.cat(seen, dim=1))))

        # triangles → bonds ← atoms
        around = total(add_at(side, corner, len(tails)) for side in sides) / TRIANGLES_PER_BOND
        seen = [
            bond,
            arrived(around),
            take(atom, tails) + take(atom, heads),
            arrived(
                odd[..., 0] * self.differences(take(atom, heads) - take(atom, tails)),
                products(vector, take(dipole, heads) - take(dipole, tails)),
                products(tensor, take(quadrupole, heads) + take(quadrupole, tails)),
            ),
        ]
        C, K = bond.shape[1], self.tensor_channels
        gates = 1 + torch.tanh(self.of_bond(torch.cat(seen, dim=1)))
        strength = bond * gates[:, :C]
        twist = axial * gates[:, C + K :, None]

        # bonds → atoms: towards the tail the head is the neighbour, and the other way round
        names = self.neighbour(atom)
        harmonics = torch.cat([vector.sum(1), tensor.sum(1)], dim=1)[:, None, :]
        mirrored = torch.cat([-vector.sum(1), tensor.sum(1)], dim=1)[:, None, :]
        to_tail, to_head = take(names, heads), take(names, tails)
        gate = gates[:, C : C + K]
        scale = BONDS_PER_ATOM**-0.5
        S = self._gather(links, strength * to_tail[:, :C], strength * to_head[:, :C]) * scale
        Y = self._gather(
            links,
            (gate * to_tail[:, C:])[..., None] * harmonics,
            (gate * to_head[:, C:])[..., None] * mirrored,
        )
        X = squash(self._gather(links, twist, -twist) * scale, ARRIVED)
        S = arrived(S)
        V, M = squash(Y[..., :3] * scale, ARRIVED), squash(Y[..., 3:] * scale, ARRIVED)

        # readouts
        m = matrix(M)
        invariants = [
            atom,
            S,
            square(V),
            square(M),
            square(X),
            (V * (m @ V[..., None])[..., 0]).sum(-1),
            (m * (m @ m)).sum((-2, -1)),
            products(V, dipole),
            products(M, quadrupole),
            products(dipole, dipole),
            products(quadrupole, quadrupole),
        ]
        state = self.of_atom(arrived(*invariants))
        own = (atom**2).mean(1)
        ends = 1 + torch.tanh(state[:, 1:])
        return {
            "atoms": state[:, 0] * own / (1 + own),
            "bonds": self.bond_reader(strength * (take(ends, tails) + take(ends, heads)))[:, 0]
            / BONDS_PER_ATOM,
            "triangles": self.triangle_reader(corner)[:, 0] / (BONDS_PER_ATOM * TRIANGLES_PER_BOND),
        }

    def _gather(self, links: Connectivity, to_tail: Tensor, to_head: Tensor) -> Tensor:
        """Σ over the bonds of each atom of what each sends to that end."""
        total = to_tail.new_zeros((links.n_atoms, *to_tail.shape[1:]))
        return total.index_add(0, links.tails, to_tail).index_add(0, links.heads, to_head)


def squash(x: Tensor, s: float = SATURATION) -> Tensor:
    """x/√(1 + |x|²/s²) over the last axis: smooth, equivariant, near the identity for |x| ≪ s, bounded by
    s.
    """
    size = x * x if x.shape[-1] == 1 else (x * x).sum(-1, keepdim=True)
    return x * torch.rsqrt(1 + size / s**2)


def arrived(*scalars: Tensor) -> Tensor:
    """Scalars (n, k) side by side, each squashed to `ARRIVED`."""
    return squash(torch.cat(scalars, dim=1)[..., None], ARRIVED)[..., 0]


def square(u: Tensor) -> Tensor:
    """|u|², (n, copies, 2ℓ + 1) → (n, copies)."""
    return (u * u).sum(-1)


def products(u: Tensor, v: Tensor) -> Tensor:
    """Scalar products of every copy of u with every copy of v, (n, copies of u · copies of v)."""
    return (u @ v.transpose(1, 2)).flatten(1)


def total(terms: Iterable[Tensor]) -> Tensor:
    """Σ of the terms."""
    return reduce(add, terms)


def take(values: Tensor, index: Tensor) -> Tensor:
    """Rows of `values` at an index; its gradient adds up faster than that of `values[index]`."""
    return values.index_select(0, index)


def add_at(index: Tensor, values: Tensor, count: int) -> Tensor:
    """Σ of the rows of `values` with the same index, (count, …)."""
    return values.new_zeros((count, *values.shape[1:])).index_add(0, index, values)


def linear(inputs: int, outputs: int, generator: torch.Generator, bias: bool = True) -> nn.Linear:
    """A linear layer in float64 drawn from the generator."""
    layer = nn.Linear(inputs, outputs, bias=bias, dtype=torch.float64)
    with torch.no_grad():
        layer.weight.copy_(_normal(outputs, inputs, generator) / inputs**0.5)
        if bias:
            layer.bias.zero_()
    return layer


def perceptron(inputs: int, hidden: int, outputs: int, generator: torch.Generator) -> nn.Sequential:
    """One hidden layer with SiLU, smooth of every order."""
    return nn.Sequential(linear(inputs, hidden, generator), nn.SiLU(), linear(hidden, outputs, generator))


def _normal(rows: int, columns: int, generator: torch.Generator) -> Tensor:
    return torch.randn(rows, columns, dtype=torch.float64, generator=generator)
