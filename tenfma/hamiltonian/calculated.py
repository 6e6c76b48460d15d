"""Any ASE calculator as a Hamiltonian in the atoms chart: H(r, π) = Σ |π|²/2m + E(r).

Units as in `atoms.py`: r in Å, time in fs, energies in eV, momenta in eV·fs/Å. A calculator gives energies and
forces and no second derivatives; where torch asks for them (Jacobians of steps, configurational temperatures),
they are differences of the forces along the direction asked for, of fourth order.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from ase import Atoms, units
from torch import Tensor

from tenfma.errors import TenfmaError
from tenfma.hamiltonian.learned import as_given, differenced, without_total
from tenfma.hamiltonian.protocol import Array, Capability, Hamiltonian, Units

#: one atomic mass unit in eV·fs²/Å², and one of ASE's units of momentum in eV·fs/Å
AMU, MOMENTUM = 1 / units.fs**2, 1 / units.fs


@dataclass(frozen=True)
class Start:
    """A Hamiltonian with its initial state, NumPy; unpacks as `H, q0, p0`."""

    H: "CalculatorHamiltonian"
    q0: np.ndarray
    p0: np.ndarray

    def __iter__(self) -> Iterator[Any]:
        return iter((self.H, self.q0, self.p0))


def from_ase(atoms: Atoms) -> Start:
    """H, q₀ (Å) and p₀ (eV·fs/Å) of ASE atoms with a calculator: `H, q0, p0 = tenfma.from_ase(atoms)`.

    p₀ are the momenta the atoms carry, zero where they carry none. Raises TenfmaError for atoms without a calculator.
    """
    return Start(CalculatorHamiltonian(atoms), atoms.positions.copy(), atoms.get_momenta() * MOMENTUM)


class CalculatorHamiltonian(Hamiltonian):
    """H(r, π) of atoms at a fixed cell with an ASE calculator's energy; states are (*ensemble, N, 3).

    The calculator is asked once for every place the atoms come to: energies and forces of the places of the last
    call are kept, so a leapfrog step costs one evaluation, its energy included. Energies are the calculator's
    `energy`, or `free_energy` where it has one, which is what forces are slopes of.
    """

    capability = Capability.QUADRATIC
    mass: Tensor
    units = Units(q="Å", p="eV·fs/Å", energy="eV", time="fs")

    def __init__(self, atoms: Atoms, name: str | None = None) -> None:
        if atoms.calc is None:
            raise TenfmaError("the atoms have no calculator; set atoms.calc, for instance to EMT()")
        if atoms.constraints:
            raise TenfmaError("the atoms carry constraints, which H does not know; remove them first")
        self._atoms = atoms.copy()
        self._atoms.calc = atoms.calc
        self.name = name or f"H of {type(atoms.calc).__name__}"
        self.numbers = atoms.numbers.copy()
        self.event_shape = (len(atoms), 3)
        self.mass = AMU * torch.from_numpy(atoms.get_masses()[:, None])
        #: how often the calculator was asked
        self.evaluations = 0
        self._held: dict[bytes, tuple[float, np.ndarray]] = {}

    @property
    def degrees_of_freedom(self) -> int:
        """3N, less three for the total momentum, which the forces conserve."""
        return 3 * len(self.numbers) - 3

    def free_normals(self, normals: Array) -> Array:
        """Normals (…, N, 3) that leave the total momentum alone."""
        owner = torch.zeros(len(self.numbers), dtype=torch.long)
        return as_given(lambda xi: without_total(xi, self.mass, owner, 1), normals)

    def __call__(self, q: Array, p: Array, t: float = 0.0) -> Array:
        """H, (*ensemble,), eV."""
        return as_given(lambda r, pi: self._energy(r) + self._kinetic(pi), q, p)

    def dq(self, q: Array, p: Array | None = None, t: float = 0.0) -> Array:
        """∂H/∂r = −forces, eV/Å."""
        return as_given(self._slope, q)

    def dp(self, q: Array | None, p: Array, t: float = 0.0) -> Array:
        """∂H/∂π = π/m, the velocities, Å/fs."""
        return as_given(lambda pi: pi / self.mass.to(pi), p)

    def forces(self, positions: Array) -> Array:
        """−∂E/∂r, (*ensemble, N, 3), eV/Å."""
        return -self.dq(positions)

    def kinetic_energy(self, p: Array) -> Array:
        """Σ |π|²/2m, (*ensemble,), eV."""
        return as_given(self._kinetic, p)

    def potential_energy(self, q: Array) -> Array:
        """The calculator's energy, (*ensemble,), eV."""
        return as_given(self._energy, q)

    def transforms(self, seed: int = 0) -> list[tuple[str, Callable]]:
        """Maps (r, π) → (r, π) that leave H as it is: a translation, and atoms taken to other images."""
        generator = np.random.default_rng(seed)
        shift = torch.from_numpy(generator.normal(size=3))
        pbc, cell = self._atoms.pbc, self._atoms.cell.array
        steps = torch.from_numpy((generator.integers(-2, 3, self.event_shape) * pbc) @ cell)
        moves = [("translation", lambda r, p: (r + shift.to(r), p))]
        if pbc.any():
            moves.append(("choice of images", lambda r, p: (r + steps.to(r), p)))
        return moves

    def evaluated(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Energies (n,) and slopes ∂E/∂r (n, N, 3) of n places (n, N, 3); each new place is one evaluation."""
        held: dict[bytes, tuple[float, np.ndarray]] = {}
        for row in rows:
            key = row.tobytes()
            held[key] = held.get(key) or self._held.get(key) or self._asked(row)
        self._held = held
        found = [held[row.tobytes()] for row in rows]
        return np.array([energy for energy, _ in found]), np.stack([slope for _, slope in found])

    def curvature(self, q: Tensor, v: Tensor) -> Tensor:
        """∂²E·v, shaped as q, by differences of the forces."""
        return differenced(
            lambda r: torch.from_numpy(self.evaluated(_rows(r))[1]).to(r).reshape(r.shape), q, v
        )

    def _asked(self, row: np.ndarray) -> tuple[float, np.ndarray]:
        if not np.isfinite(row).all():
            raise TenfmaError("a position stopped being finite; use a smaller dt")
        atoms = self._atoms
        atoms.positions = row
        self.evaluations += 1
        try:
            forces = np.array(atoms.get_forces(), dtype=float)
            consistent = "free_energy" in atoms.calc.results
            energy = float(atoms.get_potential_energy(force_consistent=consistent))
        except TenfmaError:
            raise
        except Exception as error:  # a calculator may raise anything
            reason = (str(error).splitlines() or [""])[0][:160] or type(error).__name__
            raise TenfmaError(f"{type(atoms.calc).__name__} could not be evaluated: {reason}") from error
        if not (np.isfinite(energy) and np.isfinite(forces).all()):
            raise TenfmaError(
                f"{type(atoms.calc).__name__} gives no finite energy and forces here; check the structure, or use a "
                "smaller dt"
            )
        return energy, -forces

    def _energy(self, r: Tensor) -> Tensor:
        return _Energy.apply(r, self)

    def _slope(self, r: Tensor) -> Tensor:
        return _Slope.apply(r, self)

    def _kinetic(self, p: Tensor) -> Tensor:
        return (p * p / (2 * self.mass.to(p))).sum((-2, -1))


def _rows(r: Tensor) -> np.ndarray:
    """Places as the calculator takes them, (n, N, 3) float64."""
    return np.ascontiguousarray(r.detach().cpu().double().reshape(-1, *r.shape[-2:]).numpy())


class _Energy(torch.autograd.Function):
    """E(r), (*ensemble,), with slopes from the same evaluation."""

    @staticmethod
    def forward(r: Tensor, H: CalculatorHamiltonian) -> Tensor:
        return torch.from_numpy(H.evaluated(_rows(r))[0]).to(r).reshape(r.shape[:-2])

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple, output: Tensor) -> None:
        r, ctx.H = inputs
        ctx.save_for_backward(r)
        ctx.save_for_forward(r)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        (r,) = ctx.saved_tensors
        return _Slope.apply(r, ctx.H) * grads[0][..., None, None], None

    @staticmethod
    def jvp(ctx: Any, *tangents: Tensor) -> Tensor:
        (r,) = ctx.saved_tensors
        return (_Slope.apply(r, ctx.H) * tangents[0]).sum((-2, -1))


class _Slope(torch.autograd.Function):
    """∂E/∂r, (*ensemble, N, 3); its own derivative, ∂²E·v, is symmetric and found by differences."""

    @staticmethod
    def forward(r: Tensor, H: CalculatorHamiltonian) -> Tensor:
        return torch.from_numpy(H.evaluated(_rows(r))[1]).to(r).reshape(r.shape)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple, output: Tensor) -> None:
        r, ctx.H = inputs
        ctx.save_for_backward(r)
        ctx.save_for_forward(r)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        (r,) = ctx.saved_tensors
        return ctx.H.curvature(r, grads[0]), None

    @staticmethod
    def jvp(ctx: Any, *tangents: Tensor) -> Tensor:
        (r,) = ctx.saved_tensors
        return ctx.H.curvature(r, tangents[0])
