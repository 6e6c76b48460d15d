"""Model cards: what a model was trained on, how, and how good it is, for people and for programs."""

import json
from pathlib import Path
from typing import Any

from tenfma.errors import TenfmaError
from tenfma.whole import write_text

CARD, PAGE = "card.json", "card.md"


def write_card(folder: Path, facts: dict[str, Any]) -> None:
    """Write `card.json` and `card.md`."""
    write_text(json.dumps(facts, indent=1, ensure_ascii=False), folder / CARD)
    write_text(page(facts), folder / PAGE)


def add_test(folder: Path, data: str, errors: dict[str, Any]) -> None:
    """Add errors measured on a test file to the card, if the folder has one."""
    facts = read_card(folder)
    if facts is not None:
        facts.setdefault("tests", {})[data] = errors
        write_card(folder, facts)


def read_card(folder: Path) -> dict[str, Any] | None:
    """`card.json` of a folder, None where there is none. Raises TenfmaError where it is no card."""
    path = folder / CARD
    if not path.is_file():
        return None
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        facts = None
    if not isinstance(facts, dict) or not isinstance(facts.setdefault("tests", {}), dict):
        raise TenfmaError(f"{path} is no model card; restore it, or leave --card out")
    return facts


def page(facts: dict[str, Any]) -> str:
    """The card in words."""
    lines = [
        f"# {facts['name']}",
        "",
        f"A body-ordered Hamiltonian for {', '.join(facts['elements'])}: energies, forces and stress. It knows no "
        "other element, and structures unlike its training data are extrapolation.",
        "",
        *([] if facts.get("complete", True) else [f"**{cut_short(facts)}**", ""]),
        f"- Trained on {facts['frames_used']} of {facts['frames']} frames ({facts['atoms']:,} atoms) of "
        f"{', '.join(facts['data'])}; {_validated(facts)}",
        f"- {facts['parameters']:,} parameters, {facts['functions_per_element']:,} functions per element, cutoff "
        f"{facts['cutoff']:g} Å; energy weight {facts['energy_weight']:g} Å, ridge {facts['ridge']:g}.",
    ]
    if facts.get("recipe", {}).get("messages") and len(facts["elements"]) == 1:
        lines.append(
            "- Atoms pass messages: an atom's share of the energy depends on what its neighbours tell it, so shares are "
            "not costs of an atom's own bonds; explain crystals by a medium model."
        )
    if facts["command"]:
        lines.append(
            f"- Made by `{facts['command']}` in {facts['processor_seconds']:.0f} s of processor time."
        )
    lines += ["", "| frames | " + " | ".join(COLUMNS.values()) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
    tables = {"validation": facts["validation"], **facts.get("tests", {})}
    tables = {name: errors for name, errors in tables.items() if errors}
    for name, errors in tables.items():
        cells = [f"{errors[key]:.4g}" if key in errors else "" for key in COLUMNS]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def cut_short(facts: dict[str, Any]) -> str:
    """What a run whose time was spent has left out, in a sentence."""
    used = f"{facts['frames_used']} of {facts['frames']} frames are in"
    if facts["turns"]:
        chosen = f"{facts['turns']} of {facts['turns_of']} turns of validation chose the ridge and the energy weight"
    elif facts["candidates"]:
        pairs = "one pair" if facts["candidates"] == 1 else f"{facts['candidates']} pairs"
        chosen = f"{pairs} of ridge and energy weight had time to be judged, on the first turn's frames"
    else:
        chosen = "nothing was validated, and the ridge and the energy weight are the middle ones"
    return f"The {facts['minutes']:g} minutes were spent: {used}, and {chosen}."


def _validated(facts: dict[str, Any]) -> str:
    if not facts.get("candidates", 1):
        return "none of them was held out to choose the ridge and the energy weight."
    if facts["validation_frames"] == facts["frames"]:
        return (
            f"all of them, cross-validated with seed {facts['seed']}, chose the ridge and the energy weight."
        )
    return (
        f"{facts['validation_frames']} of them, drawn with seed {facts['seed']}, chose the ridge and the energy weight "
        "and then joined the rest."
    )


COLUMNS = {
    "energy_mae": "energy MAE, meV/atom",
    "energy_rmse": "energy RMSE, meV/atom",
    "force_mae": "force MAE, eV/Å",
    "force_rmse": "force RMSE, eV/Å",
    "stress_mae": "stress MAE, GPa",
    "stress_rmse": "stress RMSE, GPa",
}
