"""How fast Module A's smooth features are, complex included, next to SOAP and CrystalNN, and what memory they take.

    python benchmarks/features.py [--data ../shared/data] [--rounds 3] [--slow-rounds 1] [--save]

1. Complex and smooth features of all binary crystals of the elasticity file, in batches, against dscribe's SOAP.
2. The same of a seeded sample, crystal set for crystal set, against matminer's CrystalNN site fingerprint.
3. Symmetry, motifs and Betti numbers, timed apart; the pooled row, timed apart.
4. A copper cell of 4,000 atoms at 5 Å in a process of its own: seconds and peak memory.
Peers that are not installed are left out and said so.
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

import numpy as np
import torch
from complex import soap
from harness import Contender, Target, Task, markdown, measure, rows_table, save, versions

#: crystals featurized together
BATCH = 64
#: how many crystals the slow peer reads
SAMPLE = 60


def smooth(frames: list[Any]) -> int:
    """Complexes and smooth features of all frames; returns how many bonds they have."""
    from tenfma.crystal.complex import complex_of
    from tenfma.crystal.features import featurize

    bonds = 0
    with torch.no_grad():
        for start in range(0, len(frames), BATCH):
            bonds += len(featurize(complex_of(frames[start : start + BATCH]), smooth_only=True).bonds)
    return bonds


def crystal_nn(frames: list[Any]) -> list[Contender]:
    """matminer's CrystalNN fingerprint of every site, 'ops' preset."""
    try:
        from matminer.featurizers.site import CrystalNNFingerprint
    except ImportError:
        print("matminer is not installed; left out")
        return []
    from pymatgen.io.ase import AseAtomsAdaptor

    structures = [AseAtomsAdaptor.get_structure(frame) for frame in frames]
    fingerprint = CrystalNNFingerprint.from_preset("ops")

    def run() -> None:
        for structure in structures:
            for site in range(len(structure)):
                fingerprint.featurize(structure, site)

    return [Contender("matminer CrystalNN", run, len(frames))]


def parts(frames: list[Any]) -> dict[str, float]:
    """Seconds for each part over all frames, and the process's peak memory so far."""
    from tenfma.crystal.complex import complex_of
    from tenfma.crystal.features import featurize, motifs, symmetry
    from tenfma.crystal.features.discrete import bond_complex_of
    from tenfma.crystal.features.geometry import geometry
    from tenfma.crystal.features.pooling import pool
    from tenfma.crystal.topology import betti, bloch_betti

    seconds = dict.fromkeys(("complex", "smooth", "pooled", "symmetry", "motifs", "betti"), 0.0)

    def timed(name: str, function: Any) -> Any:
        start = time.perf_counter()
        result = function()
        seconds[name] += time.perf_counter() - start
        return result

    with torch.no_grad():
        for start in range(0, len(frames), BATCH):
            K = timed("complex", lambda s=start: complex_of(frames[s : s + BATCH]))
            h = timed("smooth", lambda K=K: featurize(K, smooth_only=True))
            timed("pooled", lambda h=h: pool(h))
            timed("symmetry", lambda K=K: symmetry.space_groups(K))
            g = geometry(K)
            timed("motifs", lambda g=g: (motifs.classify(g), motifs.organic(g)))
            bonds = bond_complex_of(K)
            timed("betti", lambda b=bonds: (betti(b), bloch_betti(b)))
    seconds["peak_gb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return seconds


def large_cell() -> dict[str, float]:
    """Seconds and peak memory of 4,000 copper atoms at 5 Å, bonds and triangles, in this process."""
    from ase.build import bulk

    from tenfma.crystal.complex import complex_of
    from tenfma.crystal.features import featurize

    copper = bulk("Cu", cubic=True) * 10
    copper.rattle(0.05, seed=0)
    featurize(copper[:4], smooth_only=True)
    found: dict[str, float] = {"atoms": len(copper)}
    for name, radius in (("default", 4.0), ("all_5A", 5.0)):
        start, used = time.perf_counter(), time.process_time()
        with torch.no_grad():
            h = featurize(complex_of(copper, 5.0, radius), smooth_only=True)
        found[f"seconds_{name}"] = time.perf_counter() - start
        found[f"cpu_seconds_{name}"] = time.process_time() - used
        found[f"triangles_{name}"] = len(h.triangles)
        found[f"peak_gb_{name}"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return found


def main() -> None:
    default = os.environ.get("TENFMA_DATA", Path(__file__).resolve().parents[2] / "shared" / "data")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default=str(default))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--slow-rounds", type=int, default=1, help="rounds against CrystalNN, a minute each")
    parser.add_argument("--save", action="store_true", help="write assets/evidence/features.json")
    parser.add_argument("--large", action="store_true", help="only the large cell, as JSON")
    parser.add_argument("--parts", action="store_true", help="only the parts, as JSON")
    arguments = parser.parse_args()
    if arguments.large:
        print(json.dumps(large_cell()))
        return

    from ase.io import read

    path = Path(arguments.data) / "elasticity" / "mp_binary_elasticity.extxyz.gz"
    if not path.exists():
        print(f"{path} is not there; give --data")
        return
    frames = read(path, ":")
    if arguments.parts:
        print(json.dumps(parts(frames)))
        return
    apart = [sys.executable, __file__, "--data", arguments.data]
    large = json.loads(subprocess.check_output([*apart, "--large"], text=True))
    print(markdown(list(large), [[f"{value:.4g}" for value in large.values()]]))
    divided = json.loads(subprocess.check_output([*apart, "--parts"], text=True))
    print(markdown(list(divided), [[f"{value:.4g}" for value in divided.values()]]))
    sample = [frames[i] for i in np.random.default_rng(0).choice(len(frames), SAMPLE, replace=False)]
    tasks = [
        Task(
            "complex and smooth features of the binary crystals",
            "crystals",
            Contender("tenfma Module A", lambda: smooth(frames), len(frames)),
            soap(frames),
            [Target("dscribe SOAP", 1.0)],
            f"rounds: {arguments.rounds}",
        ),
        Task(
            f"complex and smooth features of {SAMPLE} of them",
            "crystals",
            Contender("tenfma Module A", lambda: smooth(sample), len(sample)),
            crystal_nn(sample),
            [Target("matminer CrystalNN", 10.0)],
            f"rounds: {arguments.slow_rounds}",
        ),
    ]
    rounds = (arguments.rounds, arguments.slow_rounds)
    rows = [row for task, turns in zip(tasks, rounds) if task.peers for row in measure(task, turns)]
    print(rows_table(rows))
    if arguments.save:
        found = {"rows": [row.to_dict() for row in rows], "parts": divided, "large_cell": large}
        used = versions("torch", "vesin", "spglib", "dscribe", "matminer", "pymatgen")
        print(save("features", {**found, "versions": used}))


if __name__ == "__main__":
    main()
