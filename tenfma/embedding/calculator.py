"""A model as an ASE calculator, for ASE's optimisers, molecular dynamics and everything built on them."""

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from ase import Atoms
from ase.calculators.calculator import Calculator as AseCalculator
from ase.calculators.calculator import all_changes
from ase.stress import full_3x3_to_voigt_6_stress

from tenfma.crystal.elements import table
from tenfma.errors import TenfmaError
from tenfma.hamiltonian.network import Connectivity
from tenfma.hamiltonian.verlet import VerletList

if TYPE_CHECKING:
    from tenfma.embedding.model import Model


class Calculator(AseCalculator):
    """energy and free_energy (eV), energies per atom of force models, forces (eV/Å) and stress (eV/Å³, Voigt).

    Force models run in machine code on a neighbour list kept with a `skin` (Å); others through automatic
    differentiation. Raises TenfmaError for an element the model does not know.
    """

    implemented_properties = ["energy", "free_energy", "energies", "forces", "stress"]  # noqa: RUF012

    def __init__(self, model: "Model", skin: float = 0.5, **options: Any) -> None:
        super().__init__(**options)
        self.model, self.evaluator = model, model.evaluator
        self.neighbours = None
        if self.evaluator is not None:
            self.neighbours = VerletList(self.evaluator.description.cutoff, skin)

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: list[str] | None = None,
        system_changes: list[str] = all_changes,
    ) -> None:
        """Fill `results` for these atoms."""
        super().calculate(atoms, properties or ["energy"], system_changes)
        assert self.atoms is not None
        energies, forces, virial = self._compiled() if self.evaluator is not None else self._differentiated()
        energy = float(energies.sum())
        if not (np.isfinite(energy) and np.isfinite(forces).all()):
            raise TenfmaError(
                f"{self.model.name} gives no finite energy and forces here; check the structure and the weights"
            )
        self.results = {"energy": energy, "free_energy": energy, "forces": forces}
        if self.evaluator is not None:
            self.results["energies"] = energies
        volume = abs(np.linalg.det(self.atoms.cell.array))
        if self.atoms.pbc.all() and volume > 0:
            symmetric = 0.5 * (virial + virial.T)
            self.results["stress"] = full_3x3_to_voigt_6_stress(symmetric / volume)

    def _compiled(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        assert self.evaluator is not None and self.neighbours is not None and self.atoms is not None
        known = self.evaluator.description.elements
        if missing := sorted(set(self.atoms.numbers.tolist()) - set(known)):
            raise TenfmaError(
                f"{self.model.name} knows {_names(known)}, and was given {_names(missing)}; "
                "use a model trained on these elements"
            )
        pairs = self.neighbours.pairs(self.atoms.positions, self.atoms.cell.array, self.atoms.pbc)
        return self.evaluator.energy_forces(self.atoms.numbers, pairs)

    def _differentiated(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        assert self.atoms is not None
        model = self.model
        K = model.complex(self.atoms)
        with torch.enable_grad():
            r = K.positions.clone().requires_grad_()
            strain = torch.zeros(1, 3, 3, dtype=r.dtype, requires_grad=True)
            moved = K.with_positions(r).strained(strain)
            rows = model.lift(model.features(moved).for_potential())
            parts = model.potential(rows, Connectivity.of(moved))
            total = torch.stack([part.sum() for part in parts.values()]).sum()
            slopes = torch.autograd.grad(total, (r, strain))
        return np.array([total.item()]), -slopes[0].numpy(), slopes[1][0].numpy()


def _names(numbers: Any) -> str:
    return ", ".join(table().symbols[int(z)] for z in numbers)
