"""A small data set whose labels come from a known body-ordered potential."""

import numpy as np
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator

from tenfma.hamiltonian.evaluator import Evaluator, pairs_of
from tenfma.training.recipe import Recipe

SMALL = Recipe(
    cutoff=4.0,
    radial=4,
    lmax=3,
    degrees=(4, 5, 5, 5),
    functions=60,
    functions_mixed=30,
    degree_channel=3.0,
    energy_weights=(20.0,),
    ridges=(1e-12,),
    ridges_mixed=(1e-12,),
)


def crystals(count, seed=0, kinds=("BN", "B", "N")):
    """Rattled zincblende cells: the compound and, in turn, each element alone."""
    rng = np.random.default_rng(seed)
    for index in range(count):
        atoms = bulk("BN", "zincblende", a=3.6 + 0.1 * rng.normal(), cubic=True)
        kind = kinds[index % len(kinds)]
        if kind != "BN":
            atoms.symbols[:] = kind
        atoms.rattle(0.15, seed=int(rng.integers(1 << 30)))
        yield atoms


def teacher(recipe=SMALL, elements=(5, 7), seed=1):
    """A potential with random weights."""
    description = recipe.description(elements)
    rng = np.random.default_rng(seed)
    weights = 0.1 * rng.normal(size=(len(elements), len(description.invariants)))
    return Evaluator(description, weights, np.array([-3.0, -7.0])[: len(elements)])


def labelled(count, seed=0, stress=False, **options):
    """ASE Atoms with the teacher's energies and forces, and stresses if asked for."""
    known = teacher()
    found = []
    for atoms in crystals(count, seed, **options):
        pairs = pairs_of(atoms.positions, atoms.cell.array, atoms.pbc, known.description.cutoff)
        energy, forces, virial = known.energy_forces(atoms.numbers, pairs)
        results = {"energy": energy.sum(), "forces": forces}
        if stress:
            results["stress"] = virial / atoms.get_volume()
        atoms.calc = SinglePointCalculator(atoms, **results)
        found.append(atoms)
    return found
