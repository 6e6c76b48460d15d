"""The tables of docs/embedding.md, as Markdown, from what `python benchmarks/evidence` and `claims.py` have summed up.

python benchmarks/evidence/tables.py
"""

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness import EVIDENCE, markdown

Row = dict[str, Any]

#: columns of the tables of contenders
TARGETS = {
    "log10(K_vrh)": "log10 K",
    "log10(G_vrh)": "log10 G",
    "e_form_per_atom": "formation energy",
    "heat_all": "heat of formation, eV/atom",
    "energy_per_atom": "energy, eV/atom",
    "energy/atom": "energy, eV/atom",
    "Cv_300K/atom": "Cv(300 K), J/(mol K) per atom",
}
CONTENDERS = {
    "soap": "SOAP (averaged, dscribe), kernel ridge",
    "kernel": "static features, kernel ridge",
    "trees": "static features, extra trees",
    "composition": "composition alone, extra trees",
    "static": "static features, perceptron",
    "static_long": "static features, perceptron, ten times the passes: near leapfrog's processor time",
    "transformer": "Transformer over atoms beside the static row",
    "transformer_long": "the same Transformer, 1.4 times the passes: near leapfrog's processor time",
    "messages": "messages, no motion",
    "messages_long": "messages, no motion, half as many passes again: leapfrog's processor time",
    "ode": "unstructured neural ODE",
    "ode_long": "the same ODE, 1.35 times the passes: near leapfrog's processor time",
    "euler": "H_θ, Euler steps",
    "langevin": "H_θ, BAOAB at kT = .05 eV",
    "learned_bath": "the same, learned friction",
    "hot": "H_θ, BAOAB at kT = .5 eV",
    "one_step": "H_θ, leapfrog, one step",
    "long": "H_θ, leapfrog, eight steps",
    "longer": "H_θ, leapfrog, sixteen steps",
    "still": "H_θ, leapfrog, p₀ = 0",
    "untaught": "H_θ, leapfrog, H not taught the formation energy",
    "end": "H_θ, leapfrog, z from q(T) alone",
    "momenta": "H_θ, leapfrog, z from q(T) and p(T)",
    "even_masses": "H_θ, leapfrog, all masses one",
    "wide_masses": "H_θ, leapfrog, masses from 1 to 100, set",
    "concatenated": "H_θ on every simplex, leapfrog, two steps",
    "concatenated_short": "H_θ on every simplex, a quarter of the passes: near leapfrog's processor time",
    "leapfrog": "H_θ, leapfrog, four steps",
}
#: whose curves are told
CURVES = ("static", "transformer", "messages", "ode", "euler", "leapfrog")
SPLITS = {
    "random": "{share:.0%} of the training crystals",
    "formula": "no formula in both parts",
    "heat": "heat capacities, a fifth asked",
    "anion-S": "perov_5: sulphur left out",
    "anion-F": "perov_5: fluorine left out",
    "anion-N": "perov_5: nitrogen left out",
    "energy": "carbon_24: highest quarter of energies",
    "family-chalcogenides": "chalcogenides left out",
    "family-halides": "halides left out",
    "family-pnictides": "pnictides left out",
    "family-lanthanides": "lanthanides left out",
    "alloys-elements": "alloys: elements teach, binary solid solutions of Mo, Nb, Ta, W asked",
    "alloys-pairs": "alloys: elements and four pairs teach, Nb–Mo and Ta–W asked",
    "noise-0.25": "labels with noise of a quarter of their spread",
    "noise-0.5": "labels with noise of half their spread",
}


def short(value: float, sign: bool = False) -> str:
    """.0513, or −.0004 and +.0012."""
    text = f"{value:+.4f}" if sign else f"{value:.4f}"
    return text.replace("0.", ".", 1).replace("-", "−")


def error(row: Row | None, interval: bool = True) -> str:
    """An error, with the interval of its difference to leapfrog's."""
    if row is None:
        return "–"
    if not interval or "difference" not in row:
        return short(row["mae"])
    return f"{short(row['mae'])} ({short(row['low'], True)} … {short(row['high'], True)})"


def contenders(rows: list[Row], epochs: int) -> str:
    """All contenders on the random split with every label, trained for so many passes."""
    lines = []
    for name, words in CONTENDERS.items():
        held = {
            row["target"]: row
            for row in rows
            if (row["contender"], row["split"], row["share"], row["epochs"]) == (name, "random", 1.0, epochs)
        }
        if held:
            one = next(iter(held.values()))
            size = f"{one['parameters']:,}" if one["parameters"] else "–"
            errors = [error(held.get(target)) for target in list(TARGETS)[:3]]
            lines.append([words, *errors, size, f"{one['processor_seconds']:.0f}", str(one["seeds"])])
    heads = ["contender", *list(TARGETS.values())[:3], "parameters", "processor, s", "seeds"]
    return markdown(heads, lines)


def axes(rows: list[Row], epochs: int = 8) -> str:
    """Fewer labels, left-out chemistry, higher energies, solid solutions and noisy labels."""
    held = {
        (row["split"], row["share"], row["target"], row["contender"]): row
        for row in rows
        if row["epochs"] == epochs
    }
    lines = []
    for split, words in SPLITS.items():
        shares = sorted({share for where, share, *_ in held if where == split})
        for share in shares:
            for target, name in TARGETS.items():
                messages, leapfrog = (held.get((split, share, target, c)) for c in ("messages", "leapfrog"))
                if messages is None:
                    continue
                others = [
                    error(held.get((split, share, target, c)), False) for c in ("soap", "kernel", "trees")
                ]
                apart = (
                    f"{short(messages['low'], True)} … {short(messages['high'], True)}"
                    if "low" in messages
                    else "–"
                )
                both = [error(messages, False), error(leapfrog, False)]
                lines.append([words.format(share=share), name, *others, *both, apart, str(messages["seeds"])])
    heads = [
        "crystals", "target", "SOAP", "kernel ridge", "extra trees", "messages, no motion", "leapfrog",
        "no motion − leapfrog (95 %)", "seeds",
    ]  # fmt: skip
    return markdown(heads, lines)


def curves(rows: list[Row], epochs: int) -> str:
    """Errors after 1, 2, 4, … passes of the networks that had as many."""
    lines = []
    after = sorted({1, 2, *(epochs * k // 4 for k in (1, 2, 3, 4))})
    held = {(r["contender"], r["target"]): r for r in rows if len(r["mae"]) == r["epochs"] == epochs}
    for name in CURVES:
        for target, quantity in list(TARGETS.items())[:3]:
            row = held.get((name, target))
            if row:
                errors = [short(row["mae"][n - 1]) for n in after]
                lines.append([CONTENDERS[name], quantity, f"{row['seconds_per_pass']:.1f}", *errors])
    return markdown(["contender", "target", "s per pass", *(f"after {n}" for n in after)], lines)


def main() -> None:
    held = json.loads((EVIDENCE / "evolution.json").read_text())
    rows = held["rows"]
    claims = json.loads((EVIDENCE / "claims.json").read_text())
    for epochs in sorted({row["epochs"] for row in rows}, reverse=True):
        print(f"\n{epochs} passes\n\n{contenders(rows, epochs)}")
        print(f"\nHow fast they converge\n\n{curves(held['curves'], epochs)}")
    print(f"\nOther axes\n\n{axes(rows)}\n\nClaims\n")
    for claim in claims["rows"]:
        print(f"- **{claim['claim']}** {claim['verdict'].capitalize()}. {claim['found']}")


if __name__ == "__main__":
    main()
