"""A model against labelled frames: errors over all of them and by group, predictions of each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tenfma.embedding.model import Model
from tenfma.errors import TenfmaError
from tenfma.training.data import Frame
from tenfma.training.least_squares import Errors, errors_of, predictions
from tenfma.training.recipe import symbols


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Predictions (E, forces, ∂E/∂ε) of every frame, with their errors."""

    frames: Sequence[Frame]
    results: Sequence[tuple[float, np.ndarray, np.ndarray]]
    errors: Errors

    @classmethod
    def of(
        cls, model: Model, frames: Sequence[Frame], report: Callable[[float], None] | None = None
    ) -> "Evaluation":
        """Predict every frame. Raises TenfmaError for elements the model does not know, or no labels."""
        evaluator = model.evaluator
        if evaluator is None:
            raise TenfmaError(f"{model.name} was not trained on forces; give a folder made by tenfma train")
        known = evaluator.description.elements
        for frame in frames:
            if missing := sorted(set(frame.elements) - set(known)):
                raise TenfmaError(
                    f"{frame.place} holds {', '.join(symbols(missing))}, and {model.name} knows "
                    f"{', '.join(symbols(known))}; train on data with every element"
                )
        if all(frame.energy is None and frame.forces is None for frame in frames):
            raise TenfmaError(
                f"{frames[0].place} and all others have no energy and no forces to compare with"
            )
        results = []
        for index, frame in enumerate(frames):
            results.append(predictions(evaluator, frame))
            if report is not None:
                report(index + 1)
        return cls(frames, results, errors_of(results, frames))

    @property
    def groups(self) -> dict[str, Errors]:
        """Errors of each group of frames, where frames say which group they are of."""
        names = sorted({frame.group for frame in self.frames if frame.group})
        chosen = {name: [i for i, f in enumerate(self.frames) if f.group == name] for name in names}
        return {
            name: errors_of([self.results[i] for i in rows], [self.frames[i] for i in rows])
            for name, rows in chosen.items()
        }

    def to_dict(self, model: str, data: str) -> dict[str, Any]:
        """JSON-ready: errors, errors by group, and for each frame prediction beside label."""
        return {
            "model": model,
            "data": data,
            "units": {
                "energy": "eV",
                "forces": "eV/Å",
                "stress": "eV/Å³",
                "energy_mae": "meV/atom",
                "force_mae": "eV/Å",
                "stress_mae": "GPa",
            },
            "errors": self.errors.to_dict(),
            "groups": {name: errors.to_dict() for name, errors in self.groups.items()},
            "frames": [_described(f, *result) for f, result in zip(self.frames, self.results)],
        }


def _described(frame: Frame, energy: float, forces: np.ndarray, virial: np.ndarray) -> dict[str, Any]:
    periodic = bool(frame.pbc.all()) and frame.volume > 0
    return {
        "place": frame.place,
        "group": frame.group,
        "atoms": len(frame),
        "energy": energy,
        "energy_label": frame.energy,
        "forces": forces.tolist(),
        "force_mae": None if frame.forces is None else float(np.abs(forces - frame.forces).mean()),
        "stress": (virial / frame.volume).tolist() if periodic else None,
    }
