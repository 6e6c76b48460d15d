"""Lattice constant, bulk modulus, elastic constants and phonons of a cubic crystal, by any ASE calculator."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from ase import Atoms, units
from ase.build import bulk
from ase.filters import FrechetCellFilter
from ase.optimize import BFGS

#: strains for the equation of state and for stress differences
VOLUMES, STRAIN = np.linspace(0.94, 1.06, 13), 2e-3
#: path through the Brillouin zone of each lattice, in units of the reciprocal primitive vectors
PATHS = {
    "fcc": ("GXKGL", {"G": (0, 0, 0), "X": (0.5, 0, 0.5), "K": (0.375, 0.375, 0.75), "L": (0.5, 0.5, 0.5)}),
    "bcc": ("GHPGN", {"G": (0, 0, 0), "H": (0.5, -0.5, 0.5), "P": (0.25, 0.25, 0.25), "N": (0, 0, 0.5)}),
}
PATHS["diamond"] = PATHS["fcc"]
POINTS = 51


@dataclass(frozen=True)
class Crystal:
    """An element in its structure, with a first guess of the lattice constant, Å."""

    element: str
    lattice: str
    guess: float

    def cubic(self, a: float) -> Atoms:
        return bulk(self.element, self.lattice, a=a, cubic=True)

    def primitive(self, a: float) -> Atoms:
        return bulk(self.element, self.lattice, a=a)


#: shipped models and the crystal each is asked about
CRYSTALS = {
    "Si": Crystal("Si", "diamond", 5.469),
    "Si-large": Crystal("Si", "diamond", 5.469),
    "Mo": Crystal("Mo", "bcc", 3.16),
    "Cu": Crystal("Cu", "fcc", 3.63),
}


def lattice_constant(crystal: Crystal, calculator: Any) -> float:
    """a at vanishing stress, Å."""
    atoms = crystal.cubic(crystal.guess)
    atoms.calc = calculator
    BFGS(FrechetCellFilter(atoms, hydrostatic_strain=True), logfile=None).run(fmax=1e-5, steps=200)
    return float(atoms.get_volume() ** (1 / 3))


def bulk_modulus(crystal: Crystal, calculator: Any, a: float) -> float:
    """B₀ of a Birch–Murnaghan fit over volumes within 6 %, GPa."""
    from ase.eos import EquationOfState

    volumes, energies = [], []
    for ratio in VOLUMES:
        atoms = crystal.cubic(a * ratio ** (1 / 3))
        atoms.calc = calculator
        volumes.append(atoms.get_volume())
        energies.append(atoms.get_potential_energy())
    return float(EquationOfState(volumes, energies, eos="birchmurnaghan").fit()[2] / units.GPa)


def elastic_constants(crystal: Crystal, calculator: Any, a: float) -> dict[str, float]:
    """C11, C12 and C44 in GPa by central differences of stress with the atoms relaxed, and what clamped atoms give."""

    def stress(strain: np.ndarray, relaxed: bool) -> np.ndarray:
        atoms = crystal.cubic(a)
        atoms.set_cell(atoms.cell.array @ (np.eye(3) + strain), scale_atoms=True)
        atoms.calc = calculator
        if relaxed:
            BFGS(atoms, logfile=None).run(fmax=1e-5, steps=300)
        return atoms.get_stress(voigt=True)

    uniaxial, shear = np.zeros((3, 3)), np.zeros((3, 3))
    uniaxial[0, 0] = STRAIN
    shear[1, 2] = shear[2, 1] = STRAIN / 2
    found = {}
    for relaxed, mark in ((True, ""), (False, " clamped")):
        along, across = (
            (stress(e, relaxed) - stress(-e, relaxed)) / (2 * STRAIN * units.GPa) for e in (uniaxial, shear)
        )
        found |= {f"C11{mark}": along[0], f"C12{mark}": along[1:3].mean(), f"C44{mark}": across[3]}
    return {name: float(value) for name, value in found.items()}


def phonons(crystal: Crystal, calculator: Any, a: float, repeat: int = 4) -> dict[str, Any]:
    """Bands in THz along the path by phonopy, force constants of a repeat³ supercell of the primitive cell.

    `distance` and `frequencies` one array per leg; `lowest` and `highest` over the path and a 12³ mesh; `gamma`.
    """
    from phonopy import Phonopy
    from phonopy.structure.atoms import PhonopyAtoms

    cell = crystal.primitive(a)
    phonon = Phonopy(
        PhonopyAtoms(
            symbols=cell.get_chemical_symbols(),
            cell=cell.cell.array,
            scaled_positions=cell.get_scaled_positions(),
        ),
        supercell_matrix=np.eye(3, dtype=int) * repeat,
        primitive_matrix=np.eye(3),
    )
    phonon.generate_displacements(distance=0.01)
    forces = []
    for displaced in phonon.supercells_with_displacements:
        atoms = Atoms(
            displaced.symbols, cell=displaced.cell, scaled_positions=displaced.scaled_positions, pbc=True
        )
        atoms.calc = calculator
        forces.append(atoms.get_forces())
    phonon.forces = forces
    phonon.produce_force_constants()
    phonon.symmetrize_force_constants()
    names, places = PATHS[crystal.lattice]
    legs = [np.linspace(places[s], places[e], POINTS) for s, e in pairwise(names)]
    phonon.run_band_structure(legs)
    bands = phonon.get_band_structure_dict()
    phonon.run_mesh([12, 12, 12], is_gamma_center=True)
    mesh = phonon.get_mesh_dict()["frequencies"]
    every = np.concatenate([*(f.ravel() for f in bands["frequencies"]), mesh.ravel()])
    return {
        "names": names,
        "distance": [np.asarray(d) for d in bands["distances"]],
        "frequencies": [np.asarray(f) for f in bands["frequencies"]],
        "lowest": float(every.min()),
        "highest": float(every.max()),
        "gamma": [float(f) for f in np.asarray(bands["frequencies"][0])[0]],
    }


def band_picture(found: dict[str, dict[str, Any]], path: Any) -> None:
    """The bands of each element side by side."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(found), figsize=(4.2 * len(found), 3.6), squeeze=False)
    for axis, (element, bands) in zip(axes[0], found.items()):
        for distance, frequencies in zip(bands["distance"], bands["frequencies"]):
            axis.plot(distance, frequencies, color="#1f5fa8", linewidth=1)
        ticks = [bands["distance"][0][0], *(d[-1] for d in bands["distance"])]
        axis.set_xticks(ticks, [name.replace("G", "Γ") for name in bands["names"]])
        for tick in ticks:
            axis.axvline(tick, color="#bbbbbb", linewidth=0.6)
        axis.axhline(0, color="#888888", linewidth=0.6)
        axis.set(title=element, ylabel="frequency, THz", xlim=(ticks[0], ticks[-1]))
    figure.tight_layout()
    figure.savefig(path, dpi=130)
    pyplot.close(figure)
