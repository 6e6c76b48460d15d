"""`train --task forces`: frames in, a folder with a force model out, resumable and within a time budget.

The folder holds `config.json` (what was asked for), `log.jsonl` (every event, one per line), `weights.safetensors` with
`model.json` (the model, for `tenfma.load`), `card.json` and `card.md` (where it comes from and how good it is), and,
until training is finished, `state/` (the normal equations so far, finished turns of validation, processor time spent).
"""

import json
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tenfma.embedding.forces_model import BodyOrder
from tenfma.embedding.model import Model
from tenfma.errors import TenfmaError
from tenfma.hamiltonian.body_ordered import BodyOrdered
from tenfma.training.card import cut_short, write_card
from tenfma.training.choice import Candidate, Choice, Turns, by_centre, choose
from tenfma.training.data import Frame, digest, read_frames
from tenfma.training.folder import claimed
from tenfma.training.least_squares import Solver, solving_seconds, split
from tenfma.training.moments import Assembly
from tenfma.training.recipe import Recipe, symbols
from tenfma.whole import write_text

LOG, STATE, SPENT = "log.jsonl", "state", "spent.json"
#: share of a time budget that adding up the normal equations may take; the rest is for solving them
ASSEMBLY_SHARE = 0.8


@dataclass
class Report:
    """What a caller may want to show: called with (done, total) chunks and turns, each candidate, and sentences."""

    chunks: Callable[[int, int], None] | None = None
    turns: Callable[[int, int], None] | None = None
    candidate: Callable[[Candidate], None] | None = None
    said: Callable[[str], None] | None = None


def train_forces(
    data: Sequence[str | Path],
    out: str | Path,
    *,
    valid: float = 0.1,
    seed: int = 0,
    minutes: float | None = None,
    recipe: Recipe | None = None,
    name: str | None = None,
    command: str = "",
    report: Report | None = None,
) -> Model:
    """Train on the frames of these files, resuming what `out` holds of the same run.

    `minutes` bound the whole run. When they are spent, the frames that are in, the turns of validation that are done and
    one last solution make the model, its card says so, and the same call goes on from there.

    Raises TenfmaError where no frame has forces, or `out` holds a run with other settings.
    """
    started, clock = time.monotonic(), time.process_time()
    recipe, report, out = recipe or Recipe(), report or Report(), Path(out)
    if minutes is not None and not 0 < minutes < float("inf"):
        raise TenfmaError(f"the time budget is {minutes} minutes; a finite number above 0 is expected")
    frames = [frame for path in data for frame in read_frames(path)]
    check_labels(frames)
    folds = split(len(frames), valid, seed)
    elements = sorted({z for frame in frames for z in frame.elements})
    description = recipe.description(elements)
    config = {
        "task": "forces",
        "data": [Path(path).name for path in data],
        "data_sha256": digest(frames),
        "valid": valid,
        "seed": seed,
        "recipe": recipe.to_dict(),
    }
    with claimed(out, config):
        pass
    if (out / "weights.safetensors").is_file() and not (out / STATE).exists():
        return Model.restore(out)
    log = _Log(out / LOG)
    log("start", frames=len(frames), atoms=sum(map(len, frames)), elements=symbols(elements))
    spent = Spent(out / STATE, clock)

    budget = float("inf") if minutes is None else 60 * minutes
    spare = solving_seconds(len(elements) * (len(description.invariants) + 1), len(frames))
    assembly = Assembly(description, frames, folds, seed, out / STATE)
    if assembly.done:
        log("resumed", chunks=assembly.done, of=assembly.total)

    def added(done: int, total: int) -> None:
        spent.save()
        if report.chunks is not None:
            report.chunks(done, total)

    assembled = assembly.run(started + min(ASSEMBLY_SHARE * budget, budget - 2 * spare), added)
    log("assembled", chunks=assembly.done, of=assembly.total, seconds=time.monotonic() - started)

    def judged(candidate: Candidate) -> None:
        log(
            "candidate",
            energy_weight=candidate.energy_weight,
            ridge=candidate.ridge,
            valid=candidate.errors.to_dict(),
        )
        if report.candidate is not None:
            report.candidate(candidate)

    def turned(done: int, total: int) -> None:
        spent.save()
        log("turn", done=done, of=total, seconds=time.monotonic() - started)
        if report.turns is not None:
            report.turns(done, total)

    penalties, ridges = recipe.penalties(description), recipe.candidates(description)
    everything = sorted(set(folds.tolist()))
    turns = [fold for fold in everything if fold > 0]

    def without(turn: int) -> Solver:
        sums = assembly.sums([fold for fold in everything if fold != turns[turn]])
        return Solver(sums, recipe.virial_weight, penalties)

    choice = choose(
        description,
        without,
        [[frame for frame, fold in zip(frames, folds) if fold == turn] for turn in turns],
        recipe.energy_weights,
        ridges,
        deadline=started + budget,
        spare=spare,
        kept=Turns(out / STATE, assembly.done),
        progress=turned,
        report=judged,
    )
    final = Solver(assembly.sums(everything), recipe.virial_weight, penalties)
    energy_weight, ridge, (weights, offsets) = _solved(final, choice, recipe.energy_weights, ridges)
    model = force_model(BodyOrder(description), weights, offsets, name or out.name)
    model.save(out)
    best = choice.candidates[0].errors.to_dict() if choice.candidates else {}
    facts: dict[str, Any] = {
        "name": model.name,
        "task": "forces",
        "elements": symbols(elements),
        "data": config["data"],
        "data_sha256": config["data_sha256"],
        "frames": len(frames),
        "atoms": sum(map(len, frames)),
        "frames_used": sum(m.frames for m in assembly.moments.values()),
        "validation_frames": int((folds > 0).sum()),
        "turns": choice.turns,
        "turns_of": choice.of,
        "candidates": len(choice.candidates),
        "minutes": minutes,
        "complete": assembled and choice.complete,
        "command": command,
        "seed": seed,
        "cutoff": description.cutoff,
        "functions_per_element": len(description.invariants),
        "parameters": int(weights.size + offsets.size),
        "recipe": recipe.to_dict(),
        "energy_weight": energy_weight,
        "ridge": ridge,
        "validation": best,
        "processor_seconds": round(spent.save(), 1),
    }
    write_card(out, facts)
    log("finished", complete=facts["complete"], energy_weight=energy_weight, ridge=ridge)
    if facts["complete"]:
        shutil.rmtree(out / STATE, ignore_errors=True)
    elif report.said is not None:
        report.said(f"{cut_short(facts)} The same command goes on from there.")
    return model


def _solved(
    final: Solver, choice: Choice, weights: Sequence[float], ridges: Sequence[float]
) -> tuple[float, float, tuple[np.ndarray, np.ndarray]]:
    """The best pair and its solution; where none was judged, the middle one, or the least larger ridge that has one."""
    if choice.candidates:
        best = choice.candidates[0]
        return best.energy_weight, best.ridge, final(best.energy_weight, best.ridge)
    weight, middle = by_centre(weights, ridges)[0]
    larger = sorted(ridge for ridge in ridges if ridge >= middle)
    for ridge in larger[:-1]:
        try:
            return weight, ridge, final(weight, ridge)
        except TenfmaError:
            continue
    return weight, larger[-1], final(weight, larger[-1])


def force_model(body_order: BodyOrder, weights: np.ndarray, offsets: np.ndarray, name: str) -> Model:
    """A trained model with these θ (Z, functions) and ε (Z,)."""
    model = Model.of_body_order(body_order, name, trained=True)
    assert isinstance(model.potential, BodyOrdered)
    with torch.no_grad():
        model.potential.weights.copy_(torch.from_numpy(weights))
        model.potential.offsets.copy_(torch.from_numpy(offsets))
    return model


def check_labels(frames: Sequence[Frame]) -> None:
    """Raise TenfmaError unless some frames have forces and some have energies."""
    if not any(frame.forces is not None for frame in frames):
        raise TenfmaError(
            f"{frames[0].place} and all others have no forces; forces in eV/Å are needed for --task forces"
        )
    if not any(frame.energy is not None for frame in frames):
        raise TenfmaError(f"{frames[0].place} and all others have no energy; total energies in eV are needed")


class _Log:
    """Events, one JSON object per line."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self, event: str, **facts: Any) -> None:
        facts = {
            key: float(f"{value:.6g}") if isinstance(value, float) else value for key, value in facts.items()
        }
        with self.path.open("a") as file:
            file.write(json.dumps({"time": round(time.time(), 1), "event": event, **facts}) + "\n")


class Spent:
    """Processor time of a run, s, summed over the processes that have worked on it and kept in its state.

    `clock` is this process's time (time.process_time) when it began on the run.
    """

    def __init__(self, folder: Path, clock: float) -> None:
        self.path, self._clock = folder / SPENT, clock
        try:
            self._before = float(json.loads(self.path.read_text()))
        except (OSError, ValueError, TypeError):
            self._before = 0.0

    def save(self) -> float:
        """Write it down and give it back."""
        total = self._before + time.process_time() - self._clock
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_text(json.dumps(total), self.path)
        return total
