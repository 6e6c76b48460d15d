"""MACE's side of `mace.py`, run by the Python that has mace-torch: answers requests, a JSON line each.

{"errors": FILE}   energies per atom and forces of every frame against REF_energy and REF_forces: MAE and RMSE
{"steps": N}       seconds for one step of velocity Verlet on the 64-atom Si cell, mean of N
"""

import json
import sys
import time

import ase.io
import numpy as np
from ase import units
from ase.build import bulk
from ase.md.verlet import VelocityVerlet
from mace.calculators import MACECalculator


def errors(calculator, path):
    """MAE and RMSE, eV/atom and eV/Å."""
    energy, force = [], []
    for atoms in ase.io.read(path, ":"):
        expected, forces = atoms.info["REF_energy"], atoms.arrays["REF_forces"]
        atoms.calc = calculator
        energy.append((atoms.get_potential_energy() - expected) / len(atoms))
        force.append((atoms.get_forces() - forces).ravel())
    found = {"energy": np.array(energy), "force": np.concatenate(force)}
    return {
        f"{name}_{kind}": float(value)
        for name, apart in found.items()
        for kind, value in (("mae", np.abs(apart).mean()), ("rmse", np.sqrt((apart**2).mean())))
    }


def moving(calculator):
    """Velocity Verlet at 1 fs on 64 atoms of silicon near 300 K."""
    atoms = bulk("Si", "diamond", a=5.469, cubic=True).repeat(2)
    rng = np.random.default_rng(0)
    momenta = rng.normal(size=(64, 3)) * np.sqrt(atoms.get_masses()[:, None] * units.kB * 600)
    atoms.set_momenta(momenta - momenta.mean(0))
    atoms.calc = calculator
    return VelocityVerlet(atoms, units.fs)


def main():
    calculator = MACECalculator(model_paths=sys.argv[1], device="cpu", default_dtype="float32")
    dynamics = moving(calculator)
    dynamics.run(3)
    print("ready", file=sys.stderr)
    for line in sys.stdin:
        asked = json.loads(line)
        if "errors" in asked:
            answer = errors(calculator, asked["errors"])
        else:
            begun = time.perf_counter()
            dynamics.run(asked["steps"])
            answer = {"seconds": (time.perf_counter() - begun) / asked["steps"]}
        print("answer " + json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
