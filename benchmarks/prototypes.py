"""All 288 AFLOW prototypes through the pipeline: leapfrog under an untrained H_θ, and what became of each.

    python benchmarks/prototypes.py [--steps 400] [--dt 0.05] [--processes 2] [--json result.json]

Crystals are evolved as disjoint unions of about `BATCH` numbers, which is the same motion as one by
one: a union is its crystals (tests/hamiltonian/test_network.py). A batch that fails is run again
crystal by crystal. A crystal passes when every kept energy is finite and its drift stays below `DRIFT`.
"""

import argparse
import json
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from tenfma.crystal import prototypes
from tenfma.crystal.structures import PREFIX, read
from tenfma.errors import TenfmaError

#: numbers in q of one union
BATCH = 120_000
#: eV per atom; leapfrog at dt = 0.05 keeps the energy of the untrained model better than this
DRIFT = 0.05


@dataclass(frozen=True)
class Outcome:
    """What became of one prototype; seconds are its share of its batch by state size."""

    name: str
    atoms: int
    verdict: str
    reason: str = ""
    size: int = 0
    drift: float = 0.0
    seconds: float = 0.0


def outcomes(names: list[str], steps: int, dt: float) -> list[Outcome]:
    """Evolve the named prototypes together; one by one where that fails."""
    import torch

    from tenfma.dynamics.integrate import integrate
    from tenfma.embedding.model import Model

    torch.set_num_threads(1)
    began = time.perf_counter()
    try:
        structures = [read(PREFIX + name) for name in names]
        with torch.no_grad():
            H, q, p = Model.untrained().hamiltonian(structures)
            path = integrate(
                H, q, p, dt=dt, steps=steps, save_every=max(1, steps // 4), gradient="none", on_failure="stop"
            )
    except TenfmaError as error:
        if len(names) > 1:
            return [outcome for name in names for outcome in outcomes([name], steps, dt)]
        return [Outcome(names[0], prototypes.find(names[0]).n_atoms, "refused", str(error))]
    if path.stopped and len(names) > 1:
        return [outcome for name in names for outcome in outcomes([name], steps, dt)]
    seconds = time.perf_counter() - began
    sizes = torch.bincount(H.layout.crystals, minlength=len(names))
    found = []
    for index, structure in enumerate(structures):
        energies = path.energy[:, index]
        drift = float((energies - energies[0]).abs().max()) / len(structure)
        broken = path.stopped or not bool(torch.isfinite(energies).all())
        verdict = "NaN" if broken else "passed" if drift < DRIFT else "drifted"
        size = int(sizes[index])
        share = seconds * size / int(sizes.sum())
        found.append(Outcome(names[index], len(structure), verdict, path.stopped or "", size, drift, share))
    return found


def batches(names: list[str]) -> list[list[str]]:
    """Names in unions of similar work, the largest first."""
    from tenfma.crystal.complex import complex_of

    sizes = {}
    for name in names:
        K = complex_of(prototypes.find(name).structure())
        sizes[name] = 22 * K.n_atoms + 37 * K.n_edges + 18 * K.n_triangles
    held: list[list[str]] = []
    room: list[int] = []
    for name in sorted(names, key=lambda name: -sizes[name]):
        place = next((i for i, left in enumerate(room) if left >= sizes[name]), None)
        if place is None:
            held.append([])
            room.append(BATCH)
            place = -1
        held[place].append(name)
        room[place] -= sizes[name]
    return held


def run(names: list[str], steps: int = 400, dt: float = 0.05, processes: int = 2) -> list[Outcome]:
    """Evolve all the named prototypes, `processes` unions at a time."""
    found: list[Outcome] = []
    with ProcessPoolExecutor(processes) as pool:
        for some in pool.map(partial(outcomes, steps=steps, dt=dt), batches(names)):
            found.extend(some)
    return found


def report(found: list[Outcome]) -> str:
    """Counts, refusals, the largest drifts and the slowest crystals, for a person to read."""
    counts = Counter(outcome.verdict for outcome in found)
    lines = [
        f"{len(found)} prototypes: " + ", ".join(f"{n} {verdict}" for verdict, n in counts.most_common())
    ]
    lines += [
        f"  {o.verdict}: {o.name}: {o.reason or f'{o.drift:.2e} eV per atom'}"
        for o in found
        if o.verdict != "passed"
    ]
    lines.append("largest energy drift, eV per atom:")
    lines += [f"  {o.drift:.1e}  {o.name}" for o in sorted(found, key=lambda o: -o.drift)[:5]]
    lines.append("slowest, seconds:")
    lines += [
        f"  {o.seconds:5.1f}  {o.name}, {o.atoms} atoms, state of {o.size:,}"
        for o in sorted(found, key=lambda o: -o.seconds)[:5]
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--dt", type=float, default=0.05)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    began = time.perf_counter()
    found = run(prototypes.names(), options.steps, options.dt, options.processes)
    print(report(found))
    seconds = time.perf_counter() - began
    print(f"{seconds:.0f} s: {options.steps} steps of {options.dt:g} in {options.processes} processes")
    if options.json:
        options.json.write_text(json.dumps([asdict(outcome) for outcome in found], indent=1))


if __name__ == "__main__":
    main()
