"""U_θ as a body-ordered polynomial in q, linear in its parameters.

An atom sees the density of its neighbours,

    A_{c n ℓ m}(i) = Σ_j e_c(q_j) R_n(q_ij) Y_ℓm(q_ij),

e_c a channel of the neighbour's element or what the neighbour tells of its own surroundings (`messages.py`), R_n and
Y_ℓm what the bond's q holds (both carry the weight w). Its energy is

    U_i = Σ_z q_iz (ε_z + Σ_b θ_zb B_b(A)),

B_b the invariants of `invariants.py`; ν = 1, the pairs, is told on the bonds. q is squashed first,
x/√(1 + |x|²/s²), so U_θ is bounded on a given complex. Because U_θ is linear in θ, θ is found by least squares on
energies and forces in minutes.
"""

import numpy as np
import torch
from torch import Tensor, nn

from tenfma.hamiltonian.invariants import Invariants
from tenfma.hamiltonian.layout import Block, split_blocks
from tenfma.hamiltonian.messages import SILENT, Messages
from tenfma.hamiltonian.network import SATURATION, Connectivity, add_at, squash, take

#: 1 / squash(1): an indicator of 1 stays 1
ONE = (1 + 1 / SATURATION**2) ** 0.5


class BodyOrdered(nn.Module):
    """U_θ with weights θ (elements, functions), eV; `blocks` says what q holds (see `Layout`).

    `messages` says what atoms tell, in the last of the invariants' channels; `embedding` (elements, channels) holds e_c
    of each element. The lift must keep channels as they are: atoms hold [weight, element indicators…], bonds [weight,
    R₁…R_n] and Y₁…Y_ℓmax.
    """

    function: Tensor
    places: Tensor
    coefficient: Tensor
    embedding: Tensor

    def __init__(
        self,
        blocks: dict[str, tuple[Block, ...]],
        invariants: Invariants,
        embedding: np.ndarray,
        messages: Messages = SILENT,
    ) -> None:
        super().__init__()
        self.blocks, self.invariants, self.messages = blocks, invariants, messages
        function, places, coefficient = invariants.terms
        self.register_buffer("function", torch.from_numpy(function), persistent=False)
        self.register_buffer("places", torch.from_numpy(places), persistent=False)
        self.register_buffer("coefficient", torch.from_numpy(coefficient), persistent=False)
        self.register_buffer("embedding", torch.as_tensor(embedding, dtype=torch.float64))
        self.weights = nn.Parameter(torch.zeros(len(embedding), len(invariants), dtype=torch.float64))
        self.offsets = nn.Parameter(torch.zeros(len(embedding), dtype=torch.float64))

    def forward(self, rows: dict[str, Tensor], links: Connectivity) -> dict[str, Tensor]:
        """{rank: q (cells, width)} → {rank: energy (cells,)}, eV."""
        q = {
            rank: {key: squash(part) for key, part in split_blocks(self.blocks[rank], rows[rank]).items()}
            for rank in ("atoms", "bonds")
        }
        species = q["atoms"]["0e+"][:, 1:, 0] * ONE  # (N, elements)
        channels = species @ self.embedding.to(species)
        scalars = q["bonds"]["0e+"][..., 0]
        radial = scalars[:, 1:]
        harmonics = [scalars[:, :1]] + [
            q["bonds"][f"{ell}{'e' if ell % 2 == 0 else 'o'}{'+' if ell % 2 == 0 else '-'}"][:, 0]
            for ell in range(1, self.invariants.lmax + 1)
        ]
        seen = torch.cat(harmonics, dim=1)
        mirrored = torch.cat([-y if ell % 2 else y for ell, y in enumerate(harmonics)], dim=1)

        forth, back = take(channels, links.heads), take(channels, links.tails)
        if self.messages:
            told = self._told(radial, seen, mirrored, links)
            forth = torch.cat([forth, self._heard(take(told, links.heads), seen)], dim=1)
            back = torch.cat([back, self._heard(take(told, links.tails), mirrored)], dim=1)

        def density(centre: Tensor, channel: Tensor, harmonic: Tensor) -> Tensor:
            brought = torch.einsum("ec,en,em->ecnm", channel, radial, harmonic)
            return add_at(centre, brought.flatten(1), links.n_atoms)

        A = density(links.tails, forth, seen) + density(links.heads, back, mirrored)
        many = self._many_body(A, species)
        return {
            "atoms": many + species @ self.offsets,
            "bonds": self._pairs(species, forth, back, radial * scalars[:, :1], links),
            "triangles": A.new_zeros(len(rows["triangles"])),
        }

    def _told(self, radial: Tensor, seen: Tensor, mirrored: Tensor, links: Connectivity) -> Tensor:
        """What every atom tells of the bonds it has, A_w (N, W)."""
        n, k = (torch.from_numpy(index) for index in (self.messages.radial, self.messages.angular))
        forth, back = radial[:, n] * seen[:, k], radial[:, n] * mirrored[:, k]
        return add_at(links.tails, forth, links.n_atoms) + add_at(links.heads, back, links.n_atoms)

    def _heard(self, told: Tensor, harmonics: Tensor) -> Tensor:
        """κ: what the other end tells, (E, W), read along the bond, (E, M)."""
        m = self.messages
        words = told * harmonics[:, torch.from_numpy(m.angular)]
        return words.new_zeros(len(words), len(m)).index_add(1, torch.from_numpy(m.channel), words)

    def _many_body(self, A: Tensor, species: Tensor) -> Tensor:
        """Σ_b θ_zb B_b(A) over ν ≥ 2, (N,)."""
        order = (self.places >= 0).sum(1)
        energy = A.new_zeros(len(A))
        for nu in range(2, len(self.invariants.degrees) + 1):
            chosen = order == nu
            monomials = A[:, self.places[chosen, 0]]
            for factor in range(1, nu):
                monomials = monomials * A[:, self.places[chosen, factor]]
            theta = self.weights[:, self.function[chosen]] * self.coefficient[chosen]
            energy = energy + (species * (monomials @ theta.T.to(A))).sum(1)
        return energy

    def _pairs(
        self, species: Tensor, forth: Tensor, back: Tensor, radial: Tensor, links: Connectivity
    ) -> Tensor:
        """ν = 1 told on the bonds: what each end reads of the other, (E,)."""
        single = self.places[:, 1] < 0
        per_atom = (self.invariants.lmax + 1) ** 2
        theta = self.weights.new_zeros(len(self.embedding), self.invariants.channels * self.invariants.radial)
        theta = theta.index_add(
            1,
            self.places[single, 0] // per_atom,
            self.weights[:, self.function[single]] * self.coefficient[single],
        ).unflatten(1, (-1, self.invariants.radial))
        reading = torch.einsum("iz,zcn->icn", species, theta.to(species))

        def read(centre: Tensor, channel: Tensor) -> Tensor:
            return torch.einsum("ecn,ec,en->e", take(reading, centre), channel, radial)

        return read(links.tails, forth) + read(links.heads, back)
