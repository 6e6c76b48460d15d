"""A learned Hamiltonian on one small vector per crystal: the ranks are pooled equivariantly before they move.

    H_θ(q, p; c) = ½ Σ p²/m + U_θ(I(q), c) + ½ κ |q − q₀|²,    eV per atom

q holds scalars, vectors (1o) and quadrupoles (2e), one row per crystal; I(q) are its invariants, of q squashed as
x/√(1 + |x|²/s²), so U_θ is bounded for any |q| and exp(−H/kT) can be normalised; c is the frozen context of the cell,
without momentum. One mass per irrep copy. q is intensive, so a supercell moves as its primitive cell does.
"""

from collections.abc import Callable
from functools import cached_property

import torch
from torch import Tensor, nn

from tenfma.hamiltonian.layout import Block, split_blocks, turn
from tenfma.hamiltonian.learned import as_given, slope
from tenfma.hamiltonian.network import squash
from tenfma.hamiltonian.protocol import Array, Capability, Hamiltonian, Units


class PooledPotential(nn.Module):
    """U_θ: invariants of q (…, width) beside a context (…, n) → energies (…,), eV per atom."""

    shift: Tensor
    scale: Tensor

    def __init__(self, blocks: tuple[Block, ...], context: int, hidden: int = 64) -> None:
        super().__init__()
        self.blocks = blocks
        inputs = invariant_count(blocks) + context
        self.net = nn.Sequential(
            nn.Linear(inputs, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU(), nn.Linear(hidden, 1)
        )
        self.register_buffer("shift", torch.zeros(()))
        self.register_buffer("scale", torch.ones(()))

    def forward(self, q: Tensor, context: Tensor) -> Tensor:
        seen = invariants(self.blocks, q)
        context = context.expand(*seen.shape[:-1], context.shape[-1])
        return self.shift + self.scale * self.net(torch.cat([seen, context], dim=-1))[..., 0]


class PooledHamiltonian(Hamiltonian):
    """H_θ of one crystal, q₀ (D,), or of n side by side, q₀ (n, D): the crystals are the ensemble's last axis."""

    capability = Capability.QUADRATIC
    units = Units(q="1", p="1", energy="eV", time="1")
    mass: Tensor

    def __init__(
        self,
        potential: PooledPotential,
        q0: Tensor,
        context: Tensor,
        mass: Tensor,
        confinement: float = 1.0,
        name: str = "H_θ (pooled)",
    ) -> None:
        self.potential, self.q0, self.context, self.mass = potential, q0, context, mass
        self.confinement, self.name = confinement, name
        self.event_shape = (q0.shape[-1],)

    def __call__(self, q: Array, p: Array, t: float = 0.0) -> Array:
        """H, (*ensemble), eV per atom."""
        return as_given(lambda q, p: self._kinetic(p) + self._potential(q), q, p)

    def dq(self, q: Array, p: Array | None = None, t: float = 0.0) -> Array:
        """∂H/∂q = ∂U_θ/∂q + κ (q − q₀)."""
        return as_given(self._slope, q)

    def dp(self, q: Array | None, p: Array, t: float = 0.0) -> Array:
        """∂H/∂p = p/m."""
        return as_given(lambda p: p / self.mass.to(p), p)

    def kinetic_energy(self, p: Array) -> Array:
        """½ Σ p²/m."""
        return as_given(self._kinetic, p)

    def potential_energy(self, q: Array) -> Array:
        """U_θ + ½ κ |q − q₀|²."""
        return as_given(self._potential, q)

    def rotated(self, rotation: Tensor) -> "PooledHamiltonian":
        """H of the crystal turned by an orthogonal matrix: H.rotated(R)(D q, D p) = H(q, p)."""
        q0 = turned(self.potential.blocks, self.q0, rotation)
        return PooledHamiltonian(self.potential, q0, self.context, self.mass, self.confinement, self.name)

    def equivariances(self, seed: int = 0) -> list[tuple[str, Hamiltonian, Callable]]:
        """A random rotation, and the same with a reflection."""
        generator = torch.Generator().manual_seed(seed)
        R, _ = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64, generator=generator))
        R = (R * torch.sign(torch.linalg.det(R))).to(self.q0.dtype)
        blocks = self.potential.blocks
        return [
            ("rotation", self.rotated(R), lambda x: turned(blocks, x, R)),
            ("rotation with reflection", self.rotated(-R), lambda x: turned(blocks, x, -R)),
        ]

    @cached_property
    def _parameters(self) -> list[nn.Parameter]:
        return list(self.potential.parameters())

    def _kinetic(self, p: Tensor) -> Tensor:
        return (0.5 * p * p / self.mass.to(p)).sum(-1)

    def _potential(self, q: Tensor) -> Tensor:
        return self._learned(q) + 0.5 * self.confinement * ((q - self.q0.to(q)) ** 2).sum(-1)

    def _slope(self, q: Tensor) -> Tensor:
        return slope(self._learned, q, self._parameters) + self.confinement * (q - self.q0.to(q))

    def _learned(self, q: Tensor) -> Tensor:
        own = next(iter(self._parameters)).dtype
        return self.potential(q.to(own), self.context.to(own)).to(q)


def width(blocks: tuple[Block, ...]) -> int:
    """Numbers in one state."""
    return sum(block.width for block in blocks)


def invariant_count(blocks: tuple[Block, ...]) -> int:
    """How many `invariants` there are."""
    copies = {block.key: block.copies for block in blocks}
    v, m = copies["1o+"], copies["2e+"]
    return copies["0e+"] + v * (v + 1) // 2 + m * (m + 1) // 2


def invariants(blocks: tuple[Block, ...], q: Tensor) -> Tensor:
    """Squashed scalars, and the scalar products of every two vectors and of every two quadrupoles: (…, D) → (…, n)."""
    parts = split_blocks(blocks, q)
    columns = [squash(parts["0e+"])[..., 0]]
    for key in ("1o+", "2e+"):
        x = squash(parts[key])
        products = x @ x.transpose(-1, -2)
        first, second = torch.triu_indices(x.shape[-2], x.shape[-2])
        columns.append(products[..., first, second])
    return torch.cat(columns, dim=-1)


def invariant_names(blocks: tuple[Block, ...]) -> tuple[str, ...]:
    """One name per invariant: 'scalar_0', 'vector_0·vector_1', 'quadrupole_0·quadrupole_0'."""
    copies = {block.key: block.copies for block in blocks}
    names = [f"scalar_{i}" for i in range(copies["0e+"])]
    for key, word in (("1o+", "vector"), ("2e+", "quadrupole")):
        pairs = torch.triu_indices(copies[key], copies[key]).T.tolist()
        names += [f"{word}_{i}·{word}_{j}" for i, j in pairs]
    return tuple(names)


def turned(blocks: tuple[Block, ...], q: Tensor, rotation: Tensor) -> Tensor:
    """The state of the crystal turned by an orthogonal matrix (3, 3), improper ones included."""
    parts = split_blocks(blocks, q)
    return torch.cat(
        [turn(parts[block.key], block.irrep, rotation.to(q)).flatten(-2) for block in blocks], dim=-1
    )


def per_component(blocks: tuple[Block, ...], per_copy: Tensor) -> Tensor:
    """One number per irrep copy → one per component of q, (D,)."""
    dims = [block.dim for block in blocks for _ in range(block.copies)]
    return per_copy.repeat_interleave(torch.tensor(dims, device=per_copy.device))
