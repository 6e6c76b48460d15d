"""Which energy weight and ridge: every pair is judged on frames held out of training, each in turn where there are few.

(w, ρ) is the pair with the least √(force MAE · energy MAE). A turn that is finished is kept on disk, so a run that is
stopped goes on with the next; where time is short, fewer turns or fewer pairs decide, and `Choice` says how many.
"""

import time
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from tenfma.errors import TenfmaError
from tenfma.hamiltonian.evaluator import Description, Evaluator
from tenfma.training.data import Frame
from tenfma.training.least_squares import Errors, Residuals, Solver, predictions, residuals, summed
from tenfma.whole import whole

#: validation frames that candidates are judged on, at most
JUDGES = 300

#: (w, ρ)
Pair = tuple[float, float]


@dataclass(frozen=True)
class Candidate:
    """One (w, ρ) with its errors on validation frames."""

    energy_weight: float
    ridge: float
    errors: Errors

    @property
    def score(self) -> float:
        """√(force MAE · energy MAE): a factor on either counts the same; the one there is where only one is."""
        known = [x for x in (self.errors.force_mae, self.errors.energy_mae) if x == x]
        return float(np.prod(known) ** (1 / len(known)))


@dataclass(frozen=True)
class Choice:
    """Candidates, best first, and how many turns judged them of all there are; no candidate where no time was left."""

    candidates: list[Candidate]
    turns: int
    of: int

    @property
    def complete(self) -> bool:
        """Whether every turn judged."""
        return self.turns == self.of


@dataclass(frozen=True)
class Turns:
    """Finished turns in a folder; `state` says of which sums they are, and turns of other sums are not read."""

    folder: Path
    state: int

    def read(self, turn: int) -> dict[Pair, Residuals | None] | None:
        """What a turn found for each pair, None for a pair without solution; None where it is not finished."""
        try:
            with np.load(self._path(turn)) as held:
                if int(held["state"]) != self.state:
                    return None
                found: dict[Pair, Residuals | None] = {}
                for index, (weight, ridge, solved) in enumerate(held["pairs"].tolist()):
                    energy, forces, stress = (held[f"{name}{index}"] for name in "efs")
                    found[weight, ridge] = (energy, forces, stress) if solved else None
                return found
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None

    def save(self, turn: int, found: dict[Pair, Residuals | None]) -> None:
        """Write a finished turn to a file that appears whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        nothing = (np.zeros(0),) * 3
        parts: dict[str, Any] = {
            f"{name}{index}": piece
            for index, held in enumerate(found.values())
            for name, piece in zip("efs", held or nothing)
        }
        pairs = [(weight, ridge, held is not None) for (weight, ridge), held in found.items()]
        with whole(self._path(turn)) as part:
            np.savez(part, state=self.state, pairs=np.array(pairs, dtype=float), **parts)

    def _path(self, turn: int) -> Path:
        return self.folder / f"turn{turn}.npz"


def choose(
    description: Description,
    solver: Callable[[int], Solver],
    held: Sequence[Sequence[Frame]],
    energy_weights: Sequence[float],
    ridges: Sequence[float],
    *,
    deadline: float = float("inf"),
    spare: float = 0.0,
    kept: Turns | None = None,
    progress: Callable[[int, int], None] | None = None,
    report: Callable[[Candidate], None] | None = None,
) -> Choice:
    """Every (w, ρ), best first, with its errors on the frames `held[k]` that `solver(k)` has not seen.

    At most about `JUDGES` frames are judged. `spare` is how long one solution takes, s, until that has been seen: none is
    begun that would not leave time for another one before the deadline (time.monotonic). A turn cut short counts only
    where it is the first.
    """
    most = -(-JUDGES // len(held))
    found: dict[Pair, list[Residuals]] = {pair: [] for pair in by_centre(energy_weights, ridges)}
    judges: list[Frame] = []
    turns, whole = 0, True
    for turn, frames in enumerate(frames[:most] for frames in held):
        judged = None if kept is None else kept.read(turn)
        if judged is None:
            if time.monotonic() + 2 * spare > deadline:
                break
            begun, judged = time.monotonic(), {}
            solve = solver(turn)
            for pair in found:
                if judged and time.monotonic() + 2 * spare > deadline:
                    break
                judged[pair] = _judged(description, solve, pair, frames)
                if len(judged) == 1:
                    spare = time.monotonic() - begun
            del solve  # its matrices are large
            whole = len(judged) == len(found)
            if whole and kept is not None:
                kept.save(turn, judged)
            if turn and not whole:
                break
        judges.extend(frames)
        found = {pair: [*found[pair], parts] for pair, parts in judged.items() if parts is not None}
        if not found:
            raise TenfmaError(
                f"every ridge of {', '.join(f'{r:g}' for r in ridges)} is too small; use larger ones"
            )
        if not whole:  # some pairs on the first turn's frames: better than none, and no turn
            break
        turns += 1
        if progress is not None:
            progress(turns, len(held))
    ranked = [Candidate(*pair, summed(parts, judges)) for pair, parts in found.items() if parts]
    if report is not None:
        for candidate in ranked:
            report(candidate)
    return Choice(sorted(ranked, key=lambda one: one.score), turns, len(held))


def by_centre(energy_weights: Iterable[float], ridges: Iterable[float]) -> list[Pair]:
    """All pairs, those in the middle of their ranges first, so that few of them are a fair choice; of two, the larger."""

    def middle_first(values: Iterable[float]) -> list[float]:
        rising = sorted(values)
        centre = (len(rising) - 1) / 2
        return sorted(rising, key=lambda x: (abs(rising.index(x) - centre), -x))

    return list(product(middle_first(energy_weights), middle_first(ridges)))


def _judged(description: Description, solve: Solver, pair: Pair, frames: Sequence[Frame]) -> Residuals | None:
    try:
        evaluator = Evaluator(description, *solve(*pair))
    except TenfmaError:
        return None
    return residuals([predictions(evaluator, frame) for frame in frames], frames)
