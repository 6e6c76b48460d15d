"""What was claimed for evolved embeddings, and what the tables say: supported, refuted or undecided, and by how much.

    python benchmarks/evidence/claims.py

Reads assets/evidence/evolution.json and robustness.json, writes claims.json. A gain is (error of the other contender −
error of leapfrog) / error of leapfrog, with the paired bootstrap interval (95 %) of its row. Of the rows that speak to a
claim: *supported* where at least half have an interval above zero and none below; *refuted* where some lie below zero and
none above, or where no interval reaches a gain of 5 %; *undecided* otherwise. Where
chemistry or energies are left out a row needs two seeds to count. Of searches the interval of each noise counts as a row,
and all must lie above zero.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import EVIDENCE, save

#: a gain that nobody would notice
SMALL = 0.05


@dataclass(frozen=True)
class Claim:
    """A sentence, the contender it is measured against, and the beginnings of the splits that speak to it."""

    text: str
    against: str
    splits: tuple[str, ...]
    largest_share: float = 1.0
    smallest_share: float = 1.0


CLAIMS = (
    Claim("Moving under H_θ says more than pooling q₀ at rest.", "messages", ("random", "formula")),
    Claim(
        "It still does when the network without motion gets as much processor time.",
        "messages_long",
        ("random",),
    ),
    Claim("A Hamiltonian says more than an unstructured neural ODE.", "ode", ("random",)),
    Claim("Symplectic steps say more than Euler's.", "euler", ("random",)),
    Claim("A path without noise says more than one in a bath.", "langevin", ("random",)),
    Claim("Several steps say more than one.", "one_step", ("random",)),
    Claim(
        "One pooled vector says more than every simplex moving, for the same passes.",
        "concatenated",
        ("random",),
    ),
    Claim(
        "One pooled vector says more than every simplex moving, for the same processor time.",
        "concatenated_short",
        ("random",),
    ),
    Claim("One friction for all says more than a learned one per irrep copy.", "learned_bath", ("random",)),
    Claim("H taught the formation energy says more than H taught nothing.", "untaught", ("random",)),
    Claim("The path's mean beside its end says more than the end alone.", "end", ("random",)),
    Claim("The path's mean says more than the momenta at its end.", "momenta", ("random",)),
    Claim("Learned masses say more than equal ones.", "even_masses", ("random",)),
    Claim("Learned masses say more than a wide spectrum of them.", "wide_masses", ("random",)),
    Claim("Momenta learned from q₀ say more than a start at rest.", "still", ("random",)),
    Claim("It beats a perceptron on static features.", "static", ("random",)),
    Claim(
        "It beats a perceptron on static features with as much processor time.", "static_long", ("random",)
    ),
    Claim("It beats a Transformer encoder over the atoms.", "transformer", ("random",)),
    Claim("It beats a Transformer encoder with as much processor time.", "transformer_long", ("random",)),
    Claim("It beats an unstructured neural ODE with as much processor time.", "ode_long", ("random",)),
    Claim("It beats SOAP with kernel ridge.", "soap", ("random",)),
    Claim("It beats kernel ridge on Module A's static features.", "kernel", ("random",)),
    Claim("It beats extra trees on Module A's static features.", "trees", ("random", "formula")),
    Claim("Dynamic information: heat capacities better than without motion.", "messages", ("heat",)),
    Claim("Dynamic information: heat capacities better than a static kernel.", "kernel", ("heat",)),
    Claim("Few labels: better than static features with a kernel.", "kernel", ("random",), 0.25, 0.0),
    Claim("Few labels: motion helps where data are few.", "messages", ("random",), 0.25, 0.0),
    Claim("New chemistry: better than a network without motion.", "messages", ("family", "anion")),
    Claim("New chemistry: better than static features with a kernel.", "kernel", ("family", "anion")),
    Claim("Low to high energy (carbon): better than without motion.", "messages", ("energy",)),
    Claim("Low to high energy (carbon): better than a static kernel.", "kernel", ("energy",)),
    Claim("Elements to solid solutions: better than without motion.", "messages", ("alloys",)),
    Claim("Elements to solid solutions: better than a static kernel.", "kernel", ("alloys",)),
    Claim("Noisy labels: better than a network without motion.", "messages", ("noise",)),
    Claim("Noisy labels: better than static features with a kernel.", "kernel", ("noise",)),
)


#: representations as robustness.py calls them
KINDS = ("z, evolved", "z, no motion", "static features")
#: queries, the claim, and the noise (Å) at which it has to hold
SEARCHES = (
    ("library", "The evolved embedding finds structures of one type better than static features.", (0.0,)),
    (
        "library",
        "The evolved embedding finds structures of one type better than static features under noise.",
        (0.05, 0.1, 0.2),
    ),
    ("prototypes", "It finds the prototype's type better than static features.", (0.0,)),
)


def speaking(claim: Claim, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of the other contender that speak to a claim, of short and of long training."""
    return [
        row
        for row in rows
        if row["contender"] == claim.against
        and row["split"].split("-")[0] in claim.splits
        and "difference" in row
        and claim.smallest_share <= row["share"] <= claim.largest_share
    ]


def judged(claim: Claim, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The verdict on a claim, in two sentences with its figures."""
    seen = speaking(claim, rows)
    if not seen:
        return {
            "claim": claim.text,
            "verdict": "undecided",
            "found": "Not measured. No cell of it is finished.",
        }
    own = [row["mae"] - row["difference"] for row in seen]
    gains = [(r["difference"] / m, r["low"] / m, r["high"] / m) for r, m in zip(seen, own)]
    # where chemistry is left out, seeds differ more than crystals: one alone decides nothing
    enough = [row["split"].startswith(("random", "noise", "heat")) or row["seeds"] > 1 for row in seen]
    better = sum(low > 0 and sure for (_, low, _), sure in zip(gains, enough))
    worse = sum(high < 0 and sure for (_, _, high), sure in zip(gains, enough))
    if 2 * better >= len(gains) and not worse:
        verdict = "supported"
    elif any(enough) and ((worse and not better) or max(high for _, _, high in gains) < SMALL):
        verdict = "refuted"
    else:
        verdict = "undecided"
    mean = sum(gain for gain, _, _ in gains) / len(gains)
    least, most = min(low for _, low, _ in gains), max(high for _, _, high in gains)
    told = (
        f"'{claim.against}' errs by {abs(mean):.1%} {'more' if mean >= 0 else 'less'} than leapfrog on average over "
        f"{len(gains)} row{'s' if len(gains) > 1 else ''} (their 95 % intervals span {least:+.1%} to {most:+.1%}). "
        f"Leapfrog is better for certain in {better} of them and worse in {worse}."
    )
    return {"claim": claim.text, "verdict": verdict, "found": told}


def of_curves(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The claim that motion speeds learning, from the errors after half the passes of the longest training."""
    both = {name: [r for r in rows if r["contender"] == name] for name in ("leapfrog", "messages")}
    shared = {r["epochs"] for r in both["leapfrog"]} & {r["epochs"] for r in both["messages"]}
    if not shared:
        return []
    most = max(shared)
    half = most // 2
    held = {name: {r["target"]: r for r in kept if r["epochs"] == most} for name, kept in both.items()}
    ratios = [
        held["messages"][target]["mae"][half - 1] / r["mae"][half - 1] - 1
        for target, r in held["leapfrog"].items()
    ]
    mean = sum(ratios) / len(ratios)
    seconds = {name: next(iter(kept.values()))["seconds_per_pass"] for name, kept in held.items()}
    return [
        {
            "claim": "Motion makes training converge in fewer passes.",
            "verdict": "supported" if mean > SMALL else "refuted",
            "found": f"After {half} of {most} passes 'messages' errs by {abs(mean):.1%} "
            f"{'more' if mean >= 0 else 'less'} than leapfrog on average over {len(ratios)} rows. "
            f"A pass takes {seconds['messages']:.1f} and {seconds['leapfrog']:.1f} s of processor time.",
        }
    ]


def of_robustness(held: dict[str, Any]) -> list[dict[str, Any]]:
    """Claims on noise and search, by comparison of the representations."""
    shift = {(r["disturbance"], r["representation"]): r for r in held["shift"]}
    held_search = held["search"]
    noise = "noise 0.1 Å"
    moved, rest, static = (shift[noise, name] for name in KINDS)
    rows = [
        {
            "claim": "Motion makes the embedding less sensitive to displacements.",
            "verdict": "supported"
            if moved["median shift"] < (1 - SMALL) * rest["median shift"]
            else "refuted",
            "found": f"With {noise} of noise z moves by {moved['median shift']:.3f} of the typical distance between "
            f"crystals, {rest['median shift']:.3f} without motion and {static['median shift']:.3f} for static features. "
            f"Its own original is still nearest for {moved['found again']:.0%}, {rest['found again']:.0%} and "
            f"{static['found again']:.0%}.",
        }
    ]
    for queries, words, noises in SEARCHES:
        held = {
            (r["noise, Å"], r["representation"]): r
            for r in held_search
            if r["queries"] == queries and r["representation"] != "by chance"
        }
        ends = [
            tuple(held[sigma, "static features"][f"evolved more@5 {end}"] for end in ("low", "high"))
            for sigma in noises
        ]
        better, worse = sum(low > 0 for low, _ in ends), sum(high < 0 for _, high in ends)
        sigma = noises[-1]
        share = {name: held[sigma, name]["precision@5"] for name in (*KINDS, "composition")}
        rows.append(
            {
                "claim": words,
                "verdict": "supported"
                if better == len(ends)
                else "refuted"
                if worse and not better
                else "undecided",
                "found": f"Of the five nearest crystals {share['z, evolved']:.1%} share the query's Strukturbericht "
                f"type, {share['static features']:.1%} with static features and {share['z, no motion']:.1%} without "
                f"motion (noise {sigma:g} Å). The composition alone finds {share['composition']:.1%}. "
                "Evolved minus static, 95 %: "
                + ", ".join(f"{low:+.1%} to {high:+.1%} ({s:g} Å)" for s, (low, high) in zip(noises, ends))
                + ".",
            }
        )
    return rows


def _read(name: str, folder: Path = EVIDENCE) -> dict[str, Any] | None:
    path = folder / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None


def main() -> None:
    evolution, robustness = _read("evolution"), _read("robustness")
    rows = [judged(claim, evolution["rows"]) for claim in CLAIMS] if evolution else []
    rows += of_curves(evolution.get("curves", [])) if evolution else []
    rows += of_robustness(robustness) if robustness else []
    save(
        "claims",
        {
            "what": "Claims made for evolved embeddings, and what was found",
            "command": "python benchmarks/evidence/claims.py",
            "rows": rows,
        },
    )
    for row in rows:
        print(f"- **{row['claim']}** {row['verdict'].capitalize()}. {row['found']}")


if __name__ == "__main__":
    main()
