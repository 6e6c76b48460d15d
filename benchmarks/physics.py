"""What the shipped force models say of crystals, beside DFT: lattice, moduli, phonons, conserved energy, temperatures.

    python benchmarks/physics.py                            # everything; about a quarter of an hour
    python benchmarks/physics.py --parts static --no-save   # a minute

Figures go to assets/evidence/physics.json, where those of models and parts that were not asked for stay; phonon bands go
to assets/evidence/phonons.png where all models are asked for. Phonons need phonopy
(`pip install 'tenfma[phonons]'`).
"""

import argparse
import json
from typing import Any

from harness import EVIDENCE, markdown, save, versions
from physics_motion import canonical, certificate, force_error, microcanonical
from physics_static import (
    CRYSTALS,
    Crystal,
    band_picture,
    bulk_modulus,
    elastic_constants,
    lattice_constant,
    phonons,
)

import tenfma

PARTS = ("static", "phonons", "motion")
#: what the figures are compared with, and where it comes from
REFERENCE: dict[str, dict[str, Any]] = {
    "Si": {
        "gamma": (15.1, "PBE; measured 15.53 THz"),
        "elastic": (
            {"C11": 153.1, "C12": 57.0, "C44": 74.3},
            "DFT (Zongo et al., npj Comput. Mater. 10 (2024) 218, table 2); measured 165.8, 63.9, 79.6 (McSkimin and "
            "Andreatch, J. Appl. Phys. 35 (1964) 2161)",
        ),
    },
    "Mo": {
        "elastic": (
            {"C11": 472.0, "C12": 158.0, "C44": 106.0},
            "PBE, as listed with UNEP-v1 (Song et al., Nat. Commun. 15 (2024) 10208)",
        ),
    },
    "Cu": {
        "elastic": (
            {"C11": 180.0, "C12": 127.0, "C44": 78.0},
            "PBE, as listed with UNEP-v1 (Song et al., Nat. Commun. 15 (2024) 10208)",
        ),
    },
}  # fmt: skip
#: aims: largest relative deviation from the reference, or largest value
AIMS = {
    "a": 0.01,
    "B": 0.05,
    "gamma": 0.04,
    "lowest": -0.05,
    "drift": 0.01,
    "forces": 1e-6,
    "temperature": 0.01,
}


def reference(element: str, name: str) -> tuple[float, str]:
    """A reference value with its source: the table's, else the Delta collection's (PBE, Wien2k) from ASE."""
    if name in REFERENCE[element]:
        return REFERENCE[element][name]
    from ase.collections import dcdft

    held = dcdft.data[element]
    source = "PBE, Wien2k (Lejaeghere et al., Crit. Rev. Solid State 39 (2014) 1), from ase.collections.dcdft"
    if name == "B":
        return held["wien2k_B"], source
    return (len(CRYSTALS[element].cubic(1.0)) * held["wien2k_volume"]) ** (1 / 3), source


def compared(seen: float, crystal: Crystal, name: str) -> dict[str, Any]:
    """A figure with its reference, deviation and, for Si, whether it meets the aim."""
    element = crystal.element
    value, source = reference(element, name)
    row: dict[str, Any] = {"value": seen, "reference": value, "deviation": seen / value - 1, "source": source}
    if element == "Si" and name in AIMS:
        row["met"] = bool(abs(row["deviation"]) <= AIMS[name])
    return row


def static(crystal: Crystal, calculator: Any) -> dict[str, Any]:
    """Lattice constant, bulk modulus in two ways, and elastic constants."""
    a = lattice_constant(crystal, calculator)
    constants = elastic_constants(crystal, calculator, a)
    beside, source = REFERENCE[crystal.element]["elastic"]
    return {
        "lattice constant, Å": compared(a, crystal, "a"),
        "bulk modulus at rest, (C11 + 2 C12)/3, GPa": compared(
            (constants["C11"] + 2 * constants["C12"]) / 3, crystal, "B"
        ),
        "bulk modulus, fit over volumes ± 6 %, GPa": compared(bulk_modulus(crystal, calculator, a), crystal, "B"),
        **{
            f"{name}, GPa": {
                "value": constants[name], "reference": value, "deviation": constants[name] / value - 1, "source": source
            }
            for name, value in beside.items()
        },
        **{f"{name} clamped, GPa": {"value": constants[f"{name} clamped"]} for name in beside},
    }  # fmt: skip


def vibrations(crystal: Crystal, calculator: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Figures of the bands, and the bands."""
    bands = phonons(crystal, calculator, lattice_constant(crystal, calculator))
    lowest = {"value": bands["lowest"], "met": bool(bands["lowest"] >= AIMS["lowest"])}
    figures = {"lowest branch, THz": lowest, "highest branch, THz": {"value": bands["highest"]}}
    if crystal.element == "Si":
        figures["optical phonon at Γ, THz"] = compared(max(bands["gamma"]), crystal, "gamma")
    return figures, bands


def motion(name: str, picoseconds: float) -> dict[str, Any]:
    """NVE, NVT, forces and the certificate of a model of Si."""
    model = tenfma.load(name)
    crystal = CRYSTALS[name]
    a = lattice_constant(crystal, model.calculator())
    H, q, _ = model.hamiltonian(crystal.cubic(a).repeat(2), chart="atoms")
    place = q.numpy()
    forces = force_error(H, place)
    nve = microcanonical(H, place, picoseconds)
    nvt = canonical(H, place, 5 * picoseconds)
    drift = abs(nve["drift_meV_per_atom_per_ps"])
    within = all(
        nvt[f"{kind}_error"] <= AIMS["temperature"]
        and abs(nvt[f"{kind}_ratio"] - nvt[f"{kind}_predicted"]) <= 3 * nvt[f"{kind}_error"]
        for kind in ("kinetic", "configurational")
    )
    made = certificate(model, crystal.cubic(a))
    return {
        "forces against differences, eV/Å": {"value": forces, "met": bool(forces <= AIMS["forces"])},
        "NVE, 64 atoms": {**nve, "met": bool(drift <= AIMS["drift"])},
        "NVT by BAOAB, 64 atoms": {**nvt, "met": bool(within)},
        "certificate of leapfrog, 8 atoms": {**made, "met": made["green"]},
    }


def table(figures: dict[str, dict[str, Any]]) -> str:
    """What was measured, one line a figure."""
    rows = []
    for model, held in figures.items():
        for name, row in held.items():
            if "value" not in row:
                rows.append((model, name, json.dumps(row, ensure_ascii=False), "", "", ""))
                continue
            beside = f"{row['reference']:.4g}" if "reference" in row else "–"
            apart = f"{row['deviation']:+.1%}" if "deviation" in row else ""
            met = {True: "met", False: "MISSED"}.get(row.get("met"), "")
            rows.append((model, name, f"{row['value']:.5g}", beside, apart, met))
    return markdown(("", "figure", "measured", "reference", "deviation", "aim"), rows)


def main() -> None:
    """Measure, print, save."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--models", nargs="+", choices=tuple(CRYSTALS), default=tuple(CRYSTALS))
    parser.add_argument(
        "--picoseconds", type=float, default=5.0, help="length of NVE; NVT is five times as long"
    )
    parser.add_argument("--no-save", action="store_true", help="only print")
    options = parser.parse_args()
    figures: dict[str, dict[str, Any]] = {name: {} for name in options.models}
    bands = {}
    for name in options.models:
        calculator = tenfma.load(name).calculator()
        if "static" in options.parts:
            figures[name] |= static(CRYSTALS[name], calculator)
        if "phonons" in options.parts:
            found, bands[name] = vibrations(CRYSTALS[name], calculator)
            figures[name] |= found
        if figures[name]:
            print(table({name: figures[name]}), flush=True)
    if "motion" in options.parts:
        for name in options.models:
            if CRYSTALS[name].element == "Si":
                figures[f"{name}, moving"] = motion(name, options.picoseconds)
                print(table({name: figures[f"{name}, moving"]}), flush=True)
    if len(bands) == len(CRYSTALS) and not options.no_save:
        band_picture(bands, EVIDENCE / "phonons.png")
    if not options.no_save:
        held = EVIDENCE / "physics.json"
        known = json.loads(held.read_text())["figures"] if held.is_file() else {}
        figures = {**known, **{name: {**known.get(name, {}), **found} for name, found in figures.items()}}
        save("physics", {"figures": figures, "aims": AIMS, "versions": versions("ase", "phonopy", "numpy")})


if __name__ == "__main__":
    main()
