"""A property model against labelled crystals: errors per target, coverage of intervals, predictions per crystal."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tenfma.embedding.property_model import Predictions, PropertyModel
from tenfma.errors import TenfmaError
from tenfma.training.property_data import Labelled


@dataclass(frozen=True, eq=False)
class PropertyEvaluation:
    """Predictions beside labels."""

    labelled: Labelled
    predictions: Predictions

    @classmethod
    def of(cls, model: PropertyModel, labelled: Labelled, coverage: float = 0.9) -> "PropertyEvaluation":
        """Predict every crystal. Raises TenfmaError where no target has a label."""
        if np.isnan(labelled.labels).all():
            raise TenfmaError(
                f"no frame has a label for {', '.join(model.targets)}; there is nothing to compare with"
            )
        return cls(labelled, model.predict(labelled.structures, coverage))

    @property
    def errors(self) -> dict[str, dict[str, Any]]:
        """Per target: labels, MAE, RMSE, median, share of labels inside their interval and its mean half-width."""
        found = {}
        for i, head in enumerate(self.predictions.heads):
            truth = self.labelled.labels[:, i]
            known = ~np.isnan(truth)
            if known.any():
                value, width = self.predictions.values[known, i], self.predictions.half_widths[known, i]
                inside = np.abs(value - truth[known]) <= width
                found[head.name] = {
                    **errors_of(value, truth[known]),
                    "coverage": float(inside.mean()),
                    "half_width": _finite(width.mean()),
                }
        return found

    def to_dict(self, model: str, data: str) -> dict[str, Any]:
        """JSON-ready: errors, units, and for each crystal prediction beside label."""
        p = self.predictions
        return {
            "model": model,
            "data": data,
            "units": {head.name: head.unit for head in p.heads},
            "coverage_aimed_at": p.coverage,
            "errors": self.errors,
            "frames": [
                {
                    "place": place,
                    "formula": formula,
                    "warning": p.warnings[i],
                    "values": {h.name: float(p.values[i, j]) for j, h in enumerate(p.heads)},
                    "half_widths": {h.name: _finite(p.half_widths[i, j]) for j, h in enumerate(p.heads)},
                    "labels": {
                        h.name: float(x) for h, x in zip(p.heads, self.labelled.labels[i]) if not np.isnan(x)
                    },
                }
                for i, (place, formula) in enumerate(zip(self.labelled.places, self.labelled.formulas))
            ],
        }


def _finite(x: float) -> float | None:
    """A number, or None where too few crystals were left out to bound an interval."""
    return float(x) if np.isfinite(x) else None


def errors_of(values: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Count, MAE, RMSE and median absolute error."""
    miss = np.abs(values - truth)
    return {
        "labels": len(miss),
        "mae": float(miss.mean()),
        "rmse": float(np.sqrt((miss**2).mean())),
        "median": float(np.median(miss)),
    }


def record(
    task: str, targets: Sequence[str], folds: Sequence[dict[str, Any]], description: str
) -> dict[str, Any]:
    """A record in the manner of Matbench's: per fold seconds, identifiers, predictions and scores; their mean and spread.

    Each fold brings `seconds`, `ids`, `values` (n, targets) and `labels` (n, targets), NaN where missing.
    """
    results: dict[str, Any] = {}
    per_target: dict[str, list[float]] = {target: [] for target in targets}
    for number, fold in enumerate(folds):
        values, labels = np.asarray(fold["values"]), np.asarray(fold["labels"])
        scores = {}
        for place, target in enumerate(targets):
            known = ~np.isnan(labels[:, place])
            if known.any():
                scores[target] = errors_of(values[known, place], labels[known, place])
                per_target[target].append(scores[target]["mae"])
        results[f"fold_{number}"] = {
            "seconds": fold.get("seconds"),
            "data": {
                str(name): dict(zip(targets, map(float, row))) for name, row in zip(fold["ids"], values)
            },
            "scores": scores,
        }
    summary = {
        target: {"mae_mean": float(np.mean(maes)), "mae_std": float(np.std(maes)), "folds": len(maes)}
        for target, maes in per_target.items()
        if maes
    }
    return {"task": task, "algorithm": description, "results": results, "scores": summary}
