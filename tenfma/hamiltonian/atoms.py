"""The atoms chart: H(r, π) = Σ |π|²/2m + U_θ(q₀(r)), the learned energy pulled back through Module A.

Units: r in Å, time in fs, energies in eV, so masses are in eV·fs²/Å² (1 amu = 103.64 of them) and
momenta in eV·fs/Å. Who is joined to whom is found again when an atom has moved half the skin; pairs
between the cutoff and the cutoff plus the skin have weight zero, so finding them again changes nothing
but the cost.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from ase import Atoms, units
from torch import Tensor, nn

from tenfma.crystal import elements
from tenfma.crystal.complex import SimplicialComplex, complex_of
from tenfma.crystal.cutoffs import Cutoff, cutoff_rule
from tenfma.crystal.features import LOCAL_RANKS, FeatureTable, featurize
from tenfma.errors import TenfmaError
from tenfma.hamiltonian.evaluator import Evaluator, side_by_side
from tenfma.hamiltonian.learned import as_given, differenced, slope, without_total
from tenfma.hamiltonian.lift import Lift
from tenfma.hamiltonian.network import Connectivity
from tenfma.hamiltonian.protocol import Array, Capability, Hamiltonian, Units
from tenfma.hamiltonian.verlet import VerletList

#: one atomic mass unit in eV·fs²/Å²
AMU = 1 / units.fs**2


@dataclass(frozen=True)
class Widened:
    """A cutoff rule with a skin around it, Å."""

    rule: Cutoff
    skin: float

    def radius(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return self.rule.radius(first, second) + self.skin


class AtomsHamiltonian(Hamiltonian):
    """H(r, π) of the atoms of one crystal or of several at fixed cells; states are (*ensemble, N, 3).

    `cutoff` and `triangle_cutoff` are the model's, `skin` is in Å. `tables` are the features U_θ sees, Module A's
    by default. Where U_θ has machine code, an `evaluator`, it is used wherever no gradient is asked for.
    """

    capability = Capability.QUADRATIC
    mass: Tensor
    units = Units(q="Å", p="eV·fs/Å", energy="eV", time="fs")

    def __init__(
        self,
        lift: Lift,
        potential: nn.Module,
        K: SimplicialComplex,
        cutoff: Any,
        triangle_cutoff: Any,
        skin: float = 0.5,
        name: str = "H_θ (atoms)",
        tables: Callable[[SimplicialComplex], dict[str, FeatureTable]] | None = None,
        evaluator: Evaluator | None = None,
    ) -> None:
        if not skin >= 0:
            raise TenfmaError(f"the skin is {skin}; a length of at least 0 Å is expected")
        self.lift, self.potential, self.name, self.skin = lift, potential, name, skin
        self.cutoffs = tuple(Widened(cutoff_rule(value), skin) for value in (cutoff, triangle_cutoff))
        self.numbers, self.cells, self.pbc, self.owner = K.numbers, K.cells, K.pbc, K.atom_crystal
        self.positions = K.positions
        self.mass = AMU * elements.data(K.numbers, ["mass"], K.dtype)
        self.event_shape = (K.n_atoms, 3)
        self.n_crystals = K.n_crystals
        self._tables, self._evaluator = tables or _module_a, evaluator
        self._lists: dict[int, VerletList] = {}
        self._cached: tuple[Tensor, SimplicialComplex] | None = None
        self._last: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None

    @property
    def degrees_of_freedom(self) -> int:
        """3N, less three for each crystal's total momentum, which the forces conserve."""
        return 3 * len(self.numbers) - 3 * self.n_crystals

    def free_normals(self, normals: Array) -> Array:
        """Normals (…, N, 3) that leave the total momentum of each crystal alone."""
        return as_given(lambda xi: without_total(xi, self.mass, self.owner, self.n_crystals), normals)

    def __call__(self, q: Array, p: Array, t: float = 0.0) -> Array:
        """H per crystal, (*ensemble, crystals), eV."""
        return as_given(lambda r, pi: self._potential(r) + self._kinetic(pi), q, p)

    def dq(self, q: Array, p: Array | None = None, t: float = 0.0) -> Array:
        """∂H/∂r = −forces, eV/Å."""
        return as_given(self._slope, q)

    def dp(self, q: Array | None, p: Array, t: float = 0.0) -> Array:
        """∂H/∂π = π/m, the velocities, Å/fs."""
        return as_given(lambda pi: pi / self.mass.to(pi), p)

    def forces(self, positions: Array) -> Array:
        """−∂U_θ/∂r, (*ensemble, N, 3), eV/Å."""
        return -self.dq(positions)

    def kinetic_energy(self, p: Array) -> Array:
        """Σ |π|²/2m per crystal, (*ensemble, crystals)."""
        return as_given(self._kinetic, p)

    def potential_energy(self, q: Array) -> Array:
        """U_θ(q₀(r)) per crystal, (*ensemble, crystals)."""
        return as_given(self._potential, q)

    def curvature(self, q: Tensor, v: Tensor) -> Tensor:
        """∂²U_θ/∂r²·v, shaped as q: by differences of machine-code forces where there are any, else exact."""
        if self._evaluator is not None:
            return differenced(lambda r: -self._evaluated(r)[1], q, v)
        with torch.enable_grad():
            r = q.detach().requires_grad_()
            rises = slope(self._potential, r, ())
            return torch.autograd.grad((rises * v).sum(), r)[0].detach()

    def parts(self, q: Tensor, p: Tensor) -> dict[str, Tensor]:
        """Energy of every simplex of one state (N, 3), {rank: (cells,)}; kinetic energy is the atoms'.
        They add to H.

        Bonds and triangles are those of `complex(q)`, some of which lie in the skin and have none.
        """
        parts = self._cells(self.complex(q))
        return {**parts, "atoms": parts["atoms"] + (p * p / (2 * self.mass.to(p))).sum(-1)}

    def transforms(self, seed: int = 0) -> list[tuple[str, Callable]]:
        """Maps (r, π) → (r, π) that leave H as it is: a translation, and atoms taken to other images."""
        generator = torch.Generator().manual_seed(seed)
        shift = torch.randn(3, dtype=self.positions.dtype, generator=generator)
        images = torch.randint(-2, 3, (len(self.numbers), 3), generator=generator) * self.pbc[self.owner]
        steps = torch.einsum("na,nab->nb", images.to(self.cells), self.cells[self.owner])
        return [
            ("translation", lambda r, p: (r + shift.to(r), p)),
            ("choice of images", lambda r, p: (r + steps.to(r), p)),
        ]

    def equivariances(self, seed: int = 0) -> list[tuple[str, Hamiltonian, Callable]]:
        """Random (name, H′, D) with H′(D r, D π) = H(r, π): the crystal turned, mirrored, its atoms renumbered."""
        generator = torch.Generator().manual_seed(seed)
        R, _ = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64, generator=generator))
        R = (R * torch.sign(torch.linalg.det(R))).to(self.positions)
        order = torch.randperm(len(self.numbers), generator=generator)
        order = order[self.owner[order].argsort(stable=True)]  # each crystal's own atoms stay together
        return [
            ("rotation", self._turned(R), lambda x: x @ R.to(x).T),
            ("rotation with reflection", self._turned(-R), lambda x: x @ -R.to(x).T),
            ("order of the atoms", self._renumbered(order), lambda x: x[..., order, :]),
        ]

    def _turned(self, R: Tensor) -> "AtomsHamiltonian":
        return self._changed(positions=self.positions @ R.T, cells=self.cells @ R.T)

    def _renumbered(self, order: Tensor) -> "AtomsHamiltonian":
        names = ("numbers", "owner", "positions", "mass")
        return self._changed(**{name: getattr(self, name)[order] for name in names})

    def _changed(self, **values: Tensor) -> "AtomsHamiltonian":
        """A copy with other values, and nothing remembered of where the atoms were."""
        other = copy.copy(self)
        vars(other).update(values, _lists={}, _cached=None, _last=None)
        return other

    def complex(self, positions: Tensor) -> SimplicialComplex:
        """The complex at these positions (*ensemble, N, 3), members in a row, with the pairs of the skin."""
        rows = positions.reshape(-1, *self.event_shape)
        place = rows.detach()
        if self._cached is not None and self._cached[0].shape == place.shape:
            moved = (place - self._cached[0]).norm(dim=-1).max()
            if moved < self.skin / 2 or moved == 0:
                return self._cached[1].with_positions(rows.flatten(0, 1))
        K = self._found(place)
        self._cached = (place, K)
        return K.with_positions(rows.flatten(0, 1))

    def _found(self, rows: Tensor) -> SimplicialComplex:
        if not bool(torch.isfinite(rows).all()):
            raise TenfmaError("a position stopped being finite; use a smaller dt")
        members = [
            Atoms(
                numbers=self.numbers[self.owner == crystal].numpy(),
                positions=row[self.owner == crystal].numpy(),
                cell=self.cells[crystal].numpy(),
                pbc=self.pbc[crystal].numpy(),
            )
            for row in rows
            for crystal in range(self.n_crystals)
        ]
        K = complex_of(members, *self.cutoffs, dtype=rows.dtype)
        return replace(K, cutoffs=K.cutoffs - self.skin, triangle_cutoffs=K.triangle_cutoffs - self.skin)

    def _cells(self, K: SimplicialComplex) -> dict[str, Tensor]:
        return self.potential(self.lift(self._tables(K)), Connectivity.of(K))

    def _potential(self, r: Tensor) -> Tensor:
        if self._evaluator is not None and not self._records(r):
            return self._evaluated(r)[0]
        K = self.complex(r)
        parts = self._cells(K)
        owners = dict(zip(LOCAL_RANKS, (K.atom_crystal, K.edge_crystal, K.triangle_crystal)))
        total = r.new_zeros(K.n_crystals)
        for rank in LOCAL_RANKS:
            total = total.index_add(0, owners[rank], parts[rank])
        return total.reshape(*r.shape[:-2], self.n_crystals)

    def _kinetic(self, p: Tensor) -> Tensor:
        per_atom = (p * p / (2 * self.mass.to(p))).sum(-1)
        return p.new_zeros((*p.shape[:-2], self.n_crystals)).index_add(-1, self.owner, per_atom)

    def _slope(self, r: Tensor) -> Tensor:
        if self._evaluator is not None and not self._records(r):
            return -self._evaluated(r)[1]
        return slope(self._potential, r, self.potential.parameters())

    def _records(self, r: Tensor) -> bool:
        """Whether what is computed from r must be part of a graph."""
        asked = r.requires_grad or any(p.requires_grad for p in self.potential.parameters())
        return asked and torch.is_grad_enabled()

    def _evaluated(self, r: Tensor) -> tuple[Tensor, Tensor]:
        """Energies (*ensemble, crystals) and forces (*ensemble, N, 3) by machine code, those of the last place kept."""
        rows = r.detach().cpu().double().reshape(-1, *self.event_shape).numpy()
        if self._last is None or not np.array_equal(self._last[0], rows):
            self._last = (rows.copy(), *self._computed(rows))
        shape = r.shape[:-2]
        return (
            torch.from_numpy(self._last[1].copy()).to(r).reshape(*shape, self.n_crystals),
            torch.from_numpy(self._last[2].copy()).to(r).reshape(r.shape),
        )

    def _computed(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        assert self._evaluator is not None
        owner, numbers, crystals = self.owner.numpy(), self.numbers.numpy(), range(self.n_crystals)
        places = [np.flatnonzero(owner == crystal) for crystal in crystals]
        found = []
        for member, row in enumerate(rows):
            for crystal in crystals:
                near = self._lists.setdefault(
                    member * self.n_crystals + crystal,
                    VerletList(self._evaluator.description.cutoff, self.skin),
                )
                cell, pbc = self.cells[crystal].numpy(), self.pbc[crystal].numpy()
                found.append(near.pairs(row[places[crystal]], cell, pbc))
        order = np.concatenate(places)
        energy, force, _ = self._evaluator.energy_forces(
            np.tile(numbers[order], len(rows)), side_by_side(found)
        )
        ends = np.cumsum([len(place) for place in places])
        parts = np.split(energy.reshape(len(rows), -1), ends[:-1], axis=1)
        forces = np.empty(rows.shape)
        forces[:, order] = force.reshape(rows.shape)
        return np.stack([part.sum(1) for part in parts], axis=1), forces


def _module_a(K: SimplicialComplex) -> dict[str, FeatureTable]:
    return featurize(K, smooth_only=True).for_potential()
