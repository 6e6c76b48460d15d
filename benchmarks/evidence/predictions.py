"""Learned values beside the published ones: for each crystal of the library, what models that never saw it say.

    python benchmarks/evidence/predictions.py [--work runs/published] [--out assets/library/predictions.parquet]

Reads the finished folds that `published.py` left in `--work` (random folds of both files) and writes one row per crystal
and property: value, lower and upper end of its 90 % interval, and the fold its model was not trained on.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import EVIDENCE

#: file of `published.py` → who published its crystals
SOURCES = {"elasticity": "Materials Project", "heat_capacity": "Alexandria"}
#: target → property and unit in the library; True where 10ˣ is taken
PROPERTIES = {
    "log10(K_vrh)": ("K_vrh", "GPa", True),
    "log10(G_vrh)": ("G_vrh", "GPa", True),
    "e_form_per_atom": ("e_form_per_atom", "eV/atom", False),
    "Cv_300K/atom": ("Cv_300K_per_atom", "J/(mol K)", False),
}
MODEL = "TEN-FMA, evolved embedding"


def rows(fold: dict[str, Any], number: int, targets: list[str], source: str) -> list[dict[str, Any]]:
    """The rows of one finished fold, whose crystals its model had not seen."""
    found = []
    for identifier, values, widths in zip(fold["ids"], fold["values"], fold["half_widths"]):
        for target, value, width in zip(targets, values, widths):
            name, unit, power = PROPERTIES[target]
            ends = (value, value - width, value + width)
            value, lower, upper = (10.0**x for x in ends) if power else ends
            found.append(
                {
                    "source": source,
                    "identifier": str(identifier),
                    "property": name,
                    "value": value,
                    "lower": lower,
                    "upper": upper,
                    "unit": unit,
                    "fold": number,
                    "model": MODEL,
                }
            )
    return found


def main() -> None:
    import pandas as pd
    from published import FILES, FOLDS

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, default=Path("runs") / "published")
    parser.add_argument("--out", type=Path, default=EVIDENCE.parent / "library" / "predictions.parquet")
    arguments = parser.parse_args()
    table, missing = [], []
    for file, source in SOURCES.items():
        targets = FILES[file][1].split(",")
        for number in range(FOLDS):
            path = arguments.work / f"{file}-random" / f"fold-{number}.json"
            if path.exists():
                table += rows(json.loads(path.read_text()), number, targets, source)
            else:
                missing.append(str(path))
    if missing:
        print(f"not yet there: {', '.join(missing)}; run published.py first")
    if not table:
        return
    frame = pd.DataFrame(table)
    for name in ("value", "lower", "upper"):
        frame[name] = frame[name].astype("float32").astype("float64")
    part = arguments.out.with_name(arguments.out.name + ".part")
    frame.to_parquet(part, index=False, compression="zstd")
    part.replace(arguments.out)
    print(
        f"{len(frame)} values of {len(frame.groupby(['source', 'identifier']))} crystals in {arguments.out}"
    )


if __name__ == "__main__":
    main()
