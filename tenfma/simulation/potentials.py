"""What a simulation starts from: ASE atoms of a crystal, and an energy for them by a model's or a calculator's name."""

import math
from importlib import import_module

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator
from pymatgen.core import Structure

from tenfma.embedding.pipeline import load
from tenfma.errors import TenfmaError
from tenfma.hamiltonian.calculated import CalculatorHamiltonian
from tenfma.hamiltonian.protocol import Hamiltonian

#: of a supercell; frames, tables and neighbours of more fill the memory
MOST_ATOMS = 1_000_000
#: ASE's own calculators that need no settings
CALCULATORS = {
    "emt": ("ase.calculators.emt", "EMT"),
    "lj": ("ase.calculators.lj", "LennardJones"),
    "morse": ("ase.calculators.morse", "MorsePotential"),
}


def atoms_of(structure: Structure, supercell: tuple[int, int, int] = (1, 1, 1)) -> Atoms:
    """ASE atoms of an ordered crystal, repeated along its lattice vectors.

    Raises TenfmaError for partial occupancies and repeats below 1.
    """
    if not structure.is_ordered:
        raise TenfmaError(
            f"{structure.composition.reduced_formula} has partially occupied sites; order them first, "
            "with tenfma.crystal.disorder.order(structure, seed=0)"
        )
    if min(supercell) < 1:
        raise TenfmaError(f"--supercell is {' '.join(map(str, supercell))}; three numbers ≥ 1 are expected")
    count = len(structure) * math.prod(supercell)
    if count > MOST_ATOMS:
        raise TenfmaError(
            f"--supercell {' '.join(map(str, supercell))} makes {count:,} atoms; at most {MOST_ATOMS:,} are taken"
        )
    atoms = Atoms(
        numbers=[site.specie.Z for site in structure],
        positions=np.array(structure.cart_coords),
        cell=np.array(structure.lattice.matrix),
        pbc=structure.lattice.pbc,
    )
    return atoms.repeat(supercell)


def calculator_named(name: str) -> Calculator:
    """A calculator by name (`CALCULATORS`), or `package.module:factory`, called without arguments.

    Raises TenfmaError for one that is not there or cannot be made.
    """
    module, _, attribute = name.partition(":")
    if not attribute:
        if name.lower() not in CALCULATORS:
            raise TenfmaError(
                f"there is no calculator {name}; {', '.join(CALCULATORS)} or package.module:factory is expected"
            )
        module, attribute = CALCULATORS[name.lower()]
    try:
        return getattr(import_module(module), attribute)()
    except Exception as error:  # somebody else's package may raise anything
        reason = (str(error).splitlines() or [""])[0][:160]
        raise TenfmaError(f"the calculator {name} could not be made: {reason}") from error


def calculator(model: str | None, name: str | None) -> Calculator:
    """The calculator of a model or one by name: exactly one of the two is given."""
    if (model is None) == (name is None):
        raise TenfmaError("give either --model M or --calculator NAME")
    return load(model).calculator() if name is None else calculator_named(name)


def hamiltonian(atoms: Atoms, model: str | None, name: str | None) -> Hamiltonian:
    """H in the atoms chart, of a model or of a calculator by name: exactly one of the two is given."""
    if (model is None) == (name is None):
        raise TenfmaError("give either --model M or --calculator NAME")
    if model is not None:
        return load(model).hamiltonian(atoms, chart="atoms").H
    assert name is not None
    held = atoms.copy()
    held.calc = calculator_named(name)
    return CalculatorHamiltonian(held, name=f"H of {name}")
