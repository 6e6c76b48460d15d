"""SOAP of whole crystals, for a peer of our features; run by an interpreter that has dscribe and ASE.

    PEERS_PYTHON benchmarks/evidence/soap_rows.py DATA runs/soap [elasticity heat perov_5 carbon_24]

The power spectrum is averaged over sites before it is squared ("inner"), compressed so that its size goes with the number
of elements and not with its square, and scaled to unit length. Bartók et al., Phys. Rev. B 87, 184115 (2013); Darby et
al., npj Comput. Mater. 8, 166 (2022) for the compression.
"""

import sys
import time
from pathlib import Path

import numpy as np

FILES = {
    "elasticity": "elasticity/mp_binary_elasticity.extxyz.gz",
    "heat": "heat_capacity/alexandria_binary_cv.extxyz.gz",
    "perov_5": "perov_5/perov_5_dev.extxyz.gz",
    "carbon_24": "carbon_24/carbon_24_dev.extxyz.gz",
}
SETTINGS = {"r_cut": 5.0, "n_max": 4, "l_max": 4, "sigma": 0.5}


def main() -> None:
    from ase.io import read
    from dscribe.descriptors import SOAP

    data, out = Path(sys.argv[1]), Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[3:] or FILES:
        frames = read(data / FILES[name], ":")
        species = sorted({symbol for atoms in frames for symbol in atoms.get_chemical_symbols()})
        soap = SOAP(
            species=species, periodic=True, average="inner", compression={"mode": "mu1nu1"}, **SETTINGS
        )
        begun = time.perf_counter()
        rows = np.stack([np.asarray(soap.create(atoms), dtype=np.float32) for atoms in frames])
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        rows = rows[:, np.abs(rows).max(0) > 0]
        np.save(out / f"{name}.npy", rows)
        print(name, rows.shape, f"{time.perf_counter() - begun:.0f} s", flush=True)


if __name__ == "__main__":
    main()
