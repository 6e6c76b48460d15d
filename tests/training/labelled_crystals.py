"""Small labelled crystals whose properties are known functions of what they are, so that learning can be checked."""

import numpy as np
from ase import Atoms
from ase.build import bulk

METALS = ("Al", "Cu", "Ag", "Au", "Ni", "Pd", "Pt", "Pb")
SALTS = (("Na", "Cl"), ("K", "Br"), ("Mg", "O"), ("Li", "F"), ("Ca", "S"))


def labelled(count: int, seed: int = 0) -> list[Atoms]:
    """Metals and rock salts at random lattice constants; stiffness falls with volume, energy and heat capacity rise."""
    generator = np.random.default_rng(seed)
    frames = []
    for index in range(count):
        stretch = generator.uniform(0.9, 1.15)
        if index % 2:
            first, second = SALTS[generator.integers(len(SALTS))]
            atoms = bulk(first + second, "rocksalt", a=5.0 * stretch)
        else:
            atoms = bulk(METALS[generator.integers(len(METALS))], "fcc", a=4.0 * stretch)
        volume = atoms.get_volume() / len(atoms)
        heat = 24.7 - 10.0 / volume
        atoms.info = {"K_vrh": 2000.0 / volume, "e_form_per_atom": float(np.log(volume) - 2.5)}
        if index % 3 == 0:
            atoms.info["Cv_300K"] = heat * len(atoms)
        if index % 5 == 0:
            del atoms.info["e_form_per_atom"]
        frames.append(atoms)
    return frames
