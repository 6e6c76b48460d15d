"""Parts of a brought-in calculator in the atoms chart, as far as differences tell.

Where the calculator gives energies per atom, ∂E_i/∂r_j · v_j is their difference along the motion of atom j; where it
gives the total alone, the potential energy is one part, and atoms exchange energy with it: J_i,U = v_i · ∂U/∂r_i.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from tenfma.dynamics.arrays import plain
from tenfma.explanation.couplings import STENCIL, STEP
from tenfma.explanation.crystals import CALCULATOR_ATOMS, KINETIC_ONLY
from tenfma.explanation.labels import atom_labels
from tenfma.explanation.parted import SPLIT_TOLERANCE, PartedHamiltonian

#: name of the part that holds the potential energy where it cannot be split
POTENTIAL = "potential energy"


class CalculatorParts(PartedHamiltonian):
    """Atoms of an H with `numbers` and `mass`; `atoms` carry the calculator, asked for energies per atom."""

    def __init__(self, H: Any, atoms: Any = None) -> None:
        numbers = np.asarray(plain(H.numbers))
        labels = atom_labels(numbers)
        #: q → energies per atom (N,), where the calculator has them
        self.site = None if atoms is None else site_energies(atoms)
        super().__init__(
            H,
            labels if self.site is not None else (*labels, POTENTIAL),
            CALCULATOR_ATOMS if self.site is not None else KINETIC_ONLY,
        )
        self.numbers = numbers
        self.masses = np.asarray(plain(H.mass), dtype=float).reshape(len(numbers), -1)[:, :1]

    def kinetic_energy(self, p: np.ndarray) -> np.ndarray:
        """T of every part, (parts,)."""
        atoms = (np.asarray(p) ** 2 / (2 * self.masses)).sum(-1)
        return atoms if self.site is not None else np.append(atoms, 0.0)

    def energies(self, q: np.ndarray, p: np.ndarray, t: float = 0.0) -> np.ndarray:
        kinetic = self.kinetic_energy(p)
        if self.site is not None:
            return kinetic + self.site(q)
        kinetic[-1] += float(np.sum(plain(self.H(q, np.zeros_like(q)))))
        return kinetic

    def transfer(self, q: np.ndarray, p: np.ndarray, t: float = 0.0) -> np.ndarray:
        v = p / self.masses
        if self.site is None:
            M = np.zeros((len(self.labels),) * 2)
            M[-1, :-1] = (plain(self.H.dq(q, p)) * v).sum(1)
            return M
        columns = []
        for atom, velocity in enumerate(v):
            size = float(np.linalg.norm(velocity))
            if size == 0.0:
                columns.append(np.zeros(len(v)))
                continue
            step = np.zeros_like(q)
            step[atom] = velocity / size * STEP
            changes = np.stack([weight * self.site(q + place * step) for place, weight in STENCIL])
            columns.append(changes.sum(0) * size / STEP)
        return np.stack(columns, axis=1)


def site_energies(atoms: Any) -> Callable[[np.ndarray], np.ndarray] | None:
    """q → energies per atom (N,), eV, of ASE atoms whose calculator has them and they add up to the energy, or None."""
    if "energies" not in getattr(atoms.calc, "implemented_properties", ()):
        return None
    held = atoms.copy()
    held.calc = atoms.calc

    def energies(q: np.ndarray) -> np.ndarray:
        held.positions = q
        return np.array(held.get_potential_energies(), dtype=float)

    total = atoms.get_potential_energy()
    if abs(energies(atoms.positions).sum() - total) > SPLIT_TOLERANCE * max(1.0, abs(total)):
        return None
    return energies
