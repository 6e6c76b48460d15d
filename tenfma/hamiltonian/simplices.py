"""The simplices chart: H_θ(q, p) = ½ Σ p²/m + U_θ(q) + ½ κ |q − q₀|², one energy per crystal.

q holds atoms, bonds and triangles; the cell is frozen. Masses are one positive number per rank and
irrep copy, as equivariance asks, over the simplex's weight. Energies are in eV; q, p and the latent time are
dimensionless.
"""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor, nn

from tenfma.hamiltonian.layout import Layout
from tenfma.hamiltonian.learned import as_given, slope
from tenfma.hamiltonian.network import Connectivity
from tenfma.hamiltonian.protocol import Array, Capability, Hamiltonian, Units

#: weights below this no longer make a simplex heavier
FAINT = 1e-12


def weighed(mass: Tensor, layout: Layout, weights: Mapping[str, Tensor]) -> Tensor:
    """Masses m/w, (D,), of simplices with these weights, {rank: (cells,)}; ranks that are not named keep theirs.

    U_θ may be linear in the q of a bond, so that the force on one that enters is not small; with its mass it does not
    move there, and paths are continuous as H is.
    """
    divisors = {
        rank: weights[rank].clamp_min(FAINT) if rank in weights else mass.new_ones(layout.cells(rank))
        for rank in layout.ranks
    }
    return mass / layout.join(
        {rank: w[:, None].expand(-1, layout.width(rank)) for rank, w in divisors.items()}
    )


class SimplicesHamiltonian(Hamiltonian):
    """H_θ of one crystal or of a disjoint union of them, started from q₀ (D,).

    `mass` (D,) is expanded from the learned masses by the layout; `confinement` is κ ≥ 0 in eV.
    """

    capability = Capability.QUADRATIC
    mass: Tensor
    units = Units(q="1", p="1", energy="eV", time="1")

    def __init__(
        self,
        potential: nn.Module,
        layout: Layout,
        links: Connectivity,
        q0: Tensor,
        mass: Tensor,
        confinement: float | Tensor = 1.0,
        name: str = "H_θ (simplices)",
    ) -> None:
        self.potential, self.layout, self.links = potential, layout, links
        self.q0, self.mass, self.confinement, self.name = q0, mass, confinement, name
        self.event_shape = (layout.size,)
        self._repeated = {1: links}

    def __call__(self, q: Array, p: Array, t: float = 0.0) -> Array:
        """H per crystal, (*ensemble, crystals), eV."""
        return as_given(self._energy, q, p)

    def dq(self, q: Array, p: Array | None = None, t: float = 0.0) -> Array:
        """∂H/∂q = ∂U_θ/∂q + κ (q − q₀)."""
        return as_given(self._slope, q)

    def dp(self, q: Array | None, p: Array, t: float = 0.0) -> Array:
        """∂H/∂p = p/m."""
        return as_given(lambda p: p / self.mass.to(p), p)

    def kinetic_energy(self, p: Array) -> Array:
        """T(p) = ½ Σ p²/m per crystal, (*ensemble, crystals)."""
        return as_given(lambda p: self._per_crystal(0.5 * p * p / self.mass.to(p)), p)

    def potential_energy(self, q: Array) -> Array:
        """U_θ(q) + ½ κ |q − q₀|² per crystal."""
        return as_given(lambda q: self._learned(q) + self._per_crystal(self._confined(q)), q)

    def parts(self, q: Tensor, p: Tensor) -> dict[str, Tensor]:
        """Energy of every simplex, {rank: (*ensemble, cells)}: kinetic, learned and confinement. They add
        up to H.
        """
        learned = self._cells(q)
        rest = self.layout.split(0.5 * p * p / self.mass.to(p) + self._confined(q))
        return {rank: learned[rank] + rest[rank].sum(-1) for rank in self.layout.ranks}

    def learned_parts(self, q: Tensor) -> dict[str, Tensor]:
        """U_θ of every simplex, {rank: (*ensemble, cells)}."""
        return self._cells(q)

    def rotated(self, rotation: Tensor) -> "SimplicesHamiltonian":
        """H of the crystal turned by an orthogonal matrix: H.rotated(R)(D q, D p) = H(q, p), D from the
        layout.
        """
        return self._like(q0=self.layout.rotated(self.q0, rotation.to(self.q0)))

    def flipped(self, mask: Tensor) -> "SimplicesHamiltonian":
        """H with the bonds in `mask` stored the other way round."""
        links = self.links
        tails = torch.where(mask, links.heads, links.tails)
        heads = torch.where(mask, links.tails, links.heads)
        signs = torch.where(mask[links.sides], -links.signs, links.signs)
        turned = Connectivity(links.n_atoms, tails, heads, links.sides, signs)
        return self._like(q0=self.layout.flipped(self.q0, mask), links=turned)

    def equivariances(self, seed: int = 0) -> list[tuple[str, Hamiltonian, Callable]]:
        """Random (name, H′, D) with H′(D q, D p) = H(q, p), and so step′(D x) = D step(x).

        q₀ turns with the crystal, so D maps the motion of H onto that of H′, the same crystal turned or with
        bonds stored the other way round.
        """
        generator = torch.Generator().manual_seed(seed)
        R, _ = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64, generator=generator))
        R = R * torch.sign(torch.linalg.det(R))
        mask = torch.rand(len(self.links.tails), generator=generator) < 0.5
        turn, flip = self.layout.rotated, self.layout.flipped
        return [
            ("rotation", self.rotated(R), lambda x: turn(x, R)),
            ("rotation with reflection", self.rotated(-R), lambda x: turn(x, -R)),
            ("bonds stored the other way round", self.flipped(mask), lambda x: flip(x, mask)),
        ]

    def to(self, dtype: torch.dtype) -> "SimplicesHamiltonian":
        """q₀ and masses in another precision; the potential keeps its own."""
        return self._like(q0=self.q0.to(dtype), mass=self.mass.to(dtype))

    def _like(
        self, *, links: Connectivity | None = None, q0: Tensor | None = None, mass: Tensor | None = None
    ) -> "SimplicesHamiltonian":
        return SimplicesHamiltonian(
            self.potential,
            self.layout,
            self.links if links is None else links,
            self.q0 if q0 is None else q0,
            self.mass if mass is None else mass,
            self.confinement,
            self.name,
        )

    def _energy(self, q: Tensor, p: Tensor) -> Tensor:
        return self._learned(q) + self._per_crystal(0.5 * p * p / self.mass.to(p) + self._confined(q))

    def _slope(self, q: Tensor) -> Tensor:
        return slope(self._learned, q, self.potential.parameters()) + self.confinement * (q - self.q0.to(q))

    def _learned(self, q: Tensor) -> Tensor:
        parts = self._cells(q)
        return torch.stack([self.layout.sum_crystals(rank, parts[rank]) for rank in self.layout.ranks]).sum(0)

    def _cells(self, q: Tensor) -> dict[str, Tensor]:
        ensemble = q.shape[:-1]
        members = int(np.prod(ensemble))
        rows = {rank: part.flatten(0, -2) for rank, part in self.layout.split(q.reshape(members, -1)).items()}
        if members not in self._repeated:
            self._repeated[members] = self.links.repeated(members)
        energies = self.potential(rows, self._repeated[members])
        return {rank: value.reshape(*ensemble, self.layout.cells(rank)) for rank, value in energies.items()}

    def _confined(self, q: Tensor) -> Tensor:
        displacement = q - self.q0.to(q)
        return 0.5 * self.confinement * displacement * displacement

    def _per_crystal(self, components: Tensor) -> Tensor:
        total = components.new_zeros((*components.shape[:-1], self.layout.n_crystals))
        return total.index_add(-1, self.layout.crystals, components)
