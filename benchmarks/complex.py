"""How fast complexes are built, and what memory they take.

    python benchmarks/complex.py [--data ../shared/data] [--rounds 5] [--save]

1. Bonds and triangles of all binary crystals of the elasticity file, in one call, next to two peers that
find pairs
   only (matscipy and vesin, one call per crystal) and to dscribe's SOAP, where they are installed.
2. A copper cell of 4,000 atoms at 5 Å, bonds and triangles, in a process of its own: seconds and peak memory.
3. Boundary maps and exact Betti numbers of the same crystals.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from harness import Contender, Target, Task, markdown, measure, rows_table, save, versions


def pair_peers(frames: list[Any]) -> list[Contender]:
    """Neighbour searches alone, crystal by crystal, at 5 Å."""
    peers = []
    try:
        from matscipy.neighbours import neighbour_list

        def with_matscipy() -> None:
            for frame in frames:
                neighbour_list("ijS", frame, 5.0)

        peers.append(Contender("matscipy pairs", with_matscipy, len(frames)))
    except ImportError:
        print("matscipy is not installed; left out")
    from vesin import NeighborList

    def with_vesin() -> None:
        search = NeighborList(cutoff=5.0, full_list=False)
        for frame in frames:
            search.compute(frame.positions, frame.cell.array, True, "ijS")

    return [*peers, Contender("vesin pairs", with_vesin, len(frames))]


def soap(frames: list[Any]) -> list[Contender]:
    """dscribe's SOAP, n_max 6, l_max 4, 5 Å, compressed over elements."""
    try:
        from dscribe.descriptors import SOAP
    except ImportError:
        print("dscribe is not installed; left out")
        return []
    symbols = sorted({symbol for frame in frames for symbol in frame.get_chemical_symbols()})
    descriptor = SOAP(
        species=symbols, periodic=True, r_cut=5.0, n_max=6, l_max=4, compression={"mode": "mu1nu1"}
    )
    return [Contender("dscribe SOAP", lambda: [descriptor.create(frame) for frame in frames], len(frames))]


def large_cell() -> dict[str, float]:
    """Seconds and peak memory of 4,000 copper atoms at 5 Å, in this process."""
    from ase.build import bulk

    from tenfma.crystal.complex import complex_of

    copper = bulk("Cu", cubic=True) * 10
    copper.rattle(0.05, seed=0)
    complex_of(copper[:4])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    complex_ = complex_of(copper, 5.0, 5.0)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "atoms": complex_.n_atoms,
        "bonds": complex_.n_edges,
        "triangles": complex_.n_triangles,
        "seconds": seconds,
        "peak_gb": peak / 1e6,
        "grown_gb": (peak - before) / 1e6,
    }


def topology(frames: list[Any]) -> dict[str, float]:
    """Seconds for boundary maps and Betti numbers of all crystals."""
    from tenfma.crystal.complex import complex_of
    from tenfma.crystal.topology import betti, bloch_betti, bond_complex, boundary_1, boundary_2

    betti(bond_complex(complex_of(frames[:3])))  # compiles
    complex_ = complex_of(frames)
    timed: dict[str, float] = {"bonds": complex_.n_edges, "triangles": complex_.n_triangles}
    start = time.perf_counter()
    timed["nonzero_entries_of_B1B2"] = int((boundary_1(complex_) @ boundary_2(complex_)).count_nonzero())
    timed["seconds_B1B2"] = time.perf_counter() - start
    bonds = bond_complex(complex_)
    for name, function in (("seconds_betti_bonds", betti), ("seconds_bloch_betti_bonds", bloch_betti)):
        start = time.perf_counter()
        function(bonds)
        timed[name] = time.perf_counter() - start
    start = time.perf_counter()
    betti(complex_)
    timed["seconds_betti_whole"] = time.perf_counter() - start
    return timed


def main() -> None:
    default = os.environ.get("TENFMA_DATA", Path(__file__).resolve().parents[2] / "shared" / "data")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default=str(default))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--save", action="store_true", help="write assets/evidence/complex.json")
    parser.add_argument("--large", action="store_true", help="only the large cell, as JSON")
    arguments = parser.parse_args()
    if arguments.large:
        print(json.dumps(large_cell()))
        return

    from ase.io import read

    from tenfma.crystal.complex import complex_of

    large = json.loads(subprocess.check_output([sys.executable, __file__, "--large"], text=True))
    print(markdown(list(large), [[f"{value:.4g}" for value in large.values()]]))
    path = Path(arguments.data) / "elasticity" / "mp_binary_elasticity.extxyz.gz"
    if not path.exists():
        print(f"{path} is not there; give --data")
        return
    frames = read(path, ":")
    task = Task(
        "complexes of the binary crystals",
        "crystals",
        Contender("tenfma bonds and triangles", lambda: complex_of(frames), len(frames)),
        [*pair_peers(frames), *soap(frames)],
        [Target("dscribe SOAP", 1.0)],
    )
    rows = measure(task, arguments.rounds)
    print(rows_table(rows))
    timed = topology(frames)
    print(markdown(list(timed), [[f"{value:.4g}" for value in timed.values()]]))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"peak memory of everything: {peak:.2f} GB")
    if arguments.save:
        found = {"rows": [row.to_dict() for row in rows], "large_cell": large, "topology": timed}
        print(save("complex", {**found, "versions": versions("vesin", "matscipy", "dscribe", "torch")}))


if __name__ == "__main__":
    main()
