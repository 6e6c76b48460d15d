"""The card of a property model, for people and for programs."""

import json
from pathlib import Path
from typing import Any

from tenfma.training.card import CARD, PAGE, read_card
from tenfma.whole import write_text


def write_property_card(folder: Path, facts: dict[str, Any]) -> None:
    """Write `card.json` and `card.md`."""
    write_text(json.dumps(facts, indent=1, ensure_ascii=False), folder / CARD)
    write_text(property_page(facts), folder / PAGE)


def add_property_test(folder: Path, data: str, errors: dict[str, Any]) -> None:
    """Add errors measured on a file to the card, if the folder has one."""
    facts = read_card(folder)
    if facts is not None:
        facts.setdefault("tests", {})[data] = errors
        write_property_card(folder, facts)


def property_page(facts: dict[str, Any]) -> str:
    """The card in words."""
    motion = facts["motion"]
    moved = (
        f"{motion['steps']} steps of {motion['method']}, dt = {motion['dt']:g}, from p₀ {motion['p0']}"
        if motion["steps"]
        else "no motion: z is read off q₀"
    )
    aggregation = facts.get("aggregation", "pool")
    moves = (
        "every atom, bond and triangle moves (ranks concatenated)"
        if aggregation == "concatenate"
        else "one vector moves per crystal (ranks pooled)"
    )
    unit = "crystal" if aggregation == "concatenate" else "atom"
    energy = (
        f"H at rest is taught the formation energy per atom, so H is in eV per {unit}."
        if facts["energy_in_eV"]
        else "No formation energies were given, so H has no physical unit."
    )
    lines = [
        f"# {facts['name']}",
        "",
        f"Evolved embeddings of crystals and what they say of {', '.join(t['name'] for t in facts['targets'])}.",
        "",
        f"- Trained on {facts['crystals']} crystals of {', '.join(facts['data'])}, cells of up to {facts['most_atoms']} "
        f"atoms with {' or '.join(map(str, facts['kinds']))} elements. Other elements, another number of them and "
        "larger cells are extrapolation, and predictions say so.",
        f"- Elements: {', '.join(facts['elements'])}.",
        f"- {facts['members']} members of {facts['parameters']:,} parameters, seed {facts['seed']}, "
        f"at most {facts['minutes']:g} minutes. Motion: {moved}; {moves}. {energy} It never saw forces: "
        "motion off the relaxed crystals is extrapolation.",
    ]
    if facts["command"]:
        lines.append(f"- Made by `{facts['command']}`.")
    lines += ["", "| crystals | target | labels | MAE | RMSE | share in 90 % interval |", "|---" * 6 + "|"]
    for name, errors in {"left out of each member": facts["held_out"], **facts.get("tests", {})}.items():
        for target, e in errors.items():
            covered = f"{e['coverage']:.3f}" if e.get("coverage") is not None else ""
            unit = next((t["unit"] for t in facts["targets"] if t["name"] == target), "")
            lines.append(
                f"| {name} | {target} | {e['labels']} | {e['mae']:.4f} {unit} | {e['rmse']:.4f} | {covered} |"
            )
    return "\n".join(lines) + "\n"
