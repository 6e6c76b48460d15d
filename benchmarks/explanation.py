"""Are explanations true, and what do they cost? Deletion curves, finite changes, shuffled weights, seconds.

    python benchmarks/explanation.py [--seeds 3] [--no-save]

Crystals are rattled ones of the shipped force models' elements, made from seeds. Means over crystals are told with their
standard deviation. Speed is that of a 64-atom silicon crystal; the last column of its table is in units of the bar.
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from ase.build import bulk
from harness import markdown, save, versions

import tenfma
from tenfma.explanation import explain
from tenfma.explanation.comparison import compare, gauge_stability
from tenfma.explanation.faithfulness import SHARE, Removal, agreement, orders, randomised, substitutions

SHUFFLES = 10
ELEMENTS = ("K", "Li", "Rb", "Cs", "Ag", "Cu", "Tl", "H")


def crystal(name: str, seed: int) -> Any:
    """Eight or four atoms, rattled by 0.1 Å."""
    atoms = {
        "Si": lambda: bulk("Si", "diamond", a=5.469, cubic=True),
        "Cu": lambda: bulk("Cu", cubic=True) * (2, 1, 1),
        "Mo": lambda: bulk("Mo", cubic=True) * (2, 2, 1),
    }[name]()
    atoms.rattle(0.1, seed=seed)
    return atoms


def curves(seeds: int) -> list[dict[str, Any]]:
    """Mean |ΔU|, eV, while the first `SHARE` of the bonds goes in each order, and in the reverse sense."""
    rows = []
    for name in ("Si", "Cu", "Mo"):
        found: dict[str, list[tuple[float, float]]] = {}
        for seed in range(seeds):
            removal = Removal(tenfma.load(name), crystal(name, seed))
            importance = removal.importance()
            for order, sequence in orders(removal, importance, seed).items():
                curve = removal.curve(sequence)
                found.setdefault(order, []).append((curve.deletion_mean, curve.insertion_mean))
        chance = np.array(found["random"])
        for order, values in found.items():
            mean, spread = np.mean(values, axis=0), np.std(values, axis=0)
            ratio = np.array(values)[:, 0] / chance[:, 0]
            rows.append(
                {
                    "model": name,
                    "order": order,
                    "deletion_eV": round(float(mean[0]), 3),
                    "deletion_spread": round(float(spread[0]), 3),
                    "insertion_eV": round(float(mean[1]), 3),
                    "over_random": round(float(ratio.mean()), 2),
                    "over_random_least": round(float(ratio.min()), 2),
                }
            )
    return rows


def finite_changes(seeds: int) -> list[dict[str, Any]]:
    """Predicted against measured: bonds removed, bonds stretched by 0.05 Å, atoms exchanged."""
    rows = []
    for name in ("Si", "Cu", "Mo"):
        removed: dict[str, list[float]] = {}
        stretched = []
        for seed in range(seeds):
            atoms = crystal(name, seed)
            model = tenfma.load(name)
            removal = Removal(model, atoms)
            importance = removal.importance()
            some = np.random.default_rng(seed).permutation(removal.cells)[:40]
            actual = removal.removals(some)
            parts = removal.H.parts(removal.q, 0 * removal.q)["bonds"].numpy()
            for label, predicted in (
                ("importance", -importance.first_order),
                ("path integral", -importance.path),
                ("bond's part of U", -parts),
            ):
                removed.setdefault(label, []).append(agreement(predicted[some], actual)["rank"])
            removed.setdefault("gradient (sizes)", []).append(
                agreement(importance.gradient[some], np.abs(actual))["rank"]
            )
            removed.setdefault("importance (sizes)", []).append(
                agreement(np.abs(importance.first_order)[some], np.abs(actual))["rank"]
            )
            stretched.append(_stretch(model, atoms, seed))
        for label, ranks in removed.items():
            rows.append(_change(name, "a bond removed", label, ranks))
        rows.append(_change(name, "an atom moved 0.05 Å along a bond", "tensions and torques", stretched))
    rows.append(_exchange())
    return rows


def _change(model: str, change: str, predicted_by: str, ranks: list[float]) -> dict[str, Any]:
    return {
        "model": model,
        "change": change,
        "predicted_by": predicted_by,
        "rank_correlation": round(float(np.mean(ranks)), 3),
        "least": round(float(np.min(ranks)), 3),
    }


def _stretch(model: Any, atoms: Any, seed: int) -> float:
    """Rank correlation of −F·δ, F from tensions and torques, with U moved minus U."""
    e = explain(model, atoms)
    bonds, forces = e.sensitivities.bonds, e.sensitivities.tensions.forces(len(atoms))
    some = np.random.default_rng(seed).permutation(len(bonds.lengths))[:40]
    predicted, actual = [], []
    whole = float(np.sum(e.H(e.q, e.p)))
    for bond in some:
        i, j = bonds.ends[bond]
        if i == j:
            continue
        step = 0.05 * bonds.vectors[bond] / bonds.lengths[bond]
        moved = e.q.copy()
        moved[j] += step
        predicted.append(-float(forces[j] @ step))
        actual.append(float(np.sum(e.H(moved, e.p))) - whole)
    return agreement(np.array(predicted), np.array(actual))["rank"]


def _exchange() -> dict[str, Any]:
    """Na exchanged in rock salt, under random weights that know no chemistry: a test of the mathematics alone."""
    model = type(tenfma.load()).untrained(0, cutoff=4.0, triangle_cutoff=3.0)

    def swap(structure: Any, site: int, element: str) -> Any:
        changed = structure.copy()
        changed.symbols[site] = element
        return changed

    predicted, actual = substitutions(model, bulk("NaCl", "rocksalt", a=5.6), 0, list(ELEMENTS), swap)
    rank = agreement(predicted, actual)["rank"]
    return _change("untrained", "an atom exchanged", "∂U/∂q · Δq", [rank])


def shuffled(seeds: int) -> list[dict[str, Any]]:
    """Agreement of explanations with those of shuffled weights, with the model's own as a check, and under two gauges."""
    rows = []
    for name in ("Si", "Cu", "Mo"):
        model = tenfma.load(name)
        found: dict[str, list[tuple[float, float]]] = {}
        gauges = []
        for seed in range(seeds):
            atoms = crystal(name, seed)
            first = explain(model, atoms)
            gauges.append(gauge_stability(first).rank)
            for k in range(SHUFFLES):
                second = explain(randomised(model, SHUFFLES * seed + k), atoms)
                for a in compare(first, second).agreements:
                    found.setdefault(a.quantity, []).append((a.rank, a.cosine))
        for quantity, values in found.items():
            mean, spread = np.nanmean(values, axis=0), np.nanstd(values, axis=0)
            rows.append(
                {
                    "model": name,
                    "quantity": quantity,
                    "against": f"{SHUFFLES} shuffles of the weights",
                    "rank": round(float(mean[0]), 3),
                    "rank_spread": round(float(spread[0]), 3),
                    "cosine": round(float(mean[1]), 3),
                    "cosine_spread": round(float(spread[1]), 3),
                }
            )
        rows.append(
            {
                "model": name,
                "quantity": "energy of the parts",
                "against": "half of every part shared with its neighbours",
                "rank": round(float(np.mean(gauges)), 3),
                "rank_spread": round(float(np.std(gauges)), 3),
                "cosine": None,
                "cosine_spread": None,
            }
        )
    return rows


def timed(run: Callable[[], Any], rounds: int = 3) -> float:
    """The quickest of some rounds, seconds, after one to warm up."""
    run()
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
    return best


def speed() -> list[dict[str, Any]]:
    """64-atom silicon: seconds, and the energy flow as a multiple of its trajectory in the same round."""
    model = tenfma.load("Si")
    atoms = bulk("Si", "diamond", a=5.469, cubic=True) * (2, 2, 2)
    atoms.rattle(0.05, seed=0)

    def answers() -> None:
        e = explain(model, atoms)
        _ = e.parts.energy, e.sensitivities.forces, e.sensitivities.bonds

    rows = [
        {"task": "parts, forces, tensions and torques", "seconds": timed(answers), "bar": 1.0, "unit": "s"},
        {
            "task": "∂U/∂(named features), apart from these",
            "seconds": timed(lambda: explain(model, atoms).sensitivities.features, 1),
            "bar": None,
            "unit": "s",
        },
        {
            "task": "all coupling blocks",
            "seconds": timed(lambda: explain(model, atoms).couplings().matrix(), 1),
            "bar": 30.0,
            "unit": "s",
        },
    ]
    e = explain(model, atoms, p0="thermal", kT=0.05)
    from tenfma.dynamics.integrate import integrate

    ratios = []
    for _ in range(3):
        start = time.perf_counter()
        integrate(e.H, e.q, e.p, dt=1.0, steps=1000, save_every=10)
        alone = time.perf_counter() - start
        start = time.perf_counter()
        flow = e.flow(dt=1.0, steps=1000, save_every=10)
        ratios.append((time.perf_counter() - start) / alone)
        assert len(flow.t) == 101
    rows.append(
        {
            "task": "energy flow at 100 of 1,000 steps, trajectory included",
            "seconds": float(np.median(ratios)),
            "bar": 5.0,
            "unit": "× the trajectory",
        }
    )
    return [
        {
            "task": row["task"],
            "value": float(f"{row['seconds']:.3g}"),
            "unit": row["unit"],
            "at_most": row["bar"],
            "met": None if row["bar"] is None else bool(row["seconds"] <= row["bar"]),
        }
        for row in rows
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=3, help="crystals per model")
    parser.add_argument("--no-save", action="store_true", help="print only")
    options = parser.parse_args()
    tables = {
        "speed": speed(),
        "curves": curves(options.seeds),
        "finite_changes": finite_changes(options.seeds),
        "randomised": shuffled(options.seeds),
    }
    for name, rows in tables.items():
        print(f"\n{name}\n")
        print(markdown(tuple(rows[0]), [tuple(str(value) for value in row.values()) for row in rows]))
    if not options.no_save:
        payload = {
            "command": f"python benchmarks/explanation.py --seeds {options.seeds}",
            "share_of_bonds": SHARE,
            "versions": versions("numpy", "torch", "numba"),
            **tables,
        }
        print(f"\nwritten to {save('explanation', payload)}")


if __name__ == "__main__":
    main()
