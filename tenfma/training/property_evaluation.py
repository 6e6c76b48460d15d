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
        return cls(labelled, model.predict(labelled.structures, coverage, warn=False))

    @property
    def errors(self) -> dict[str, dict[str, Any]]:
        """Per target: labels, MAE, RMSE, median, share of labels inside their interval and its mean half-width.

        The last two are None where too few labels were left out of the members to bound an interval.
        """
        found = {}
        for i, head in enumerate(self.predictions.heads):
            truth = self.labelled.labels[:, i]
            known = ~np.isnan(truth)
            if known.any():
                value, width = self.predictions.values[known, i], self.predictions.half_widths[known, i]
                inside = np.abs(value - truth[known]) <= width
                found[head.name] = {
                    **errors_of(value, truth[known]),
                    "coverage": float(inside.mean()) if np.isfinite(width).all() else None,
                    "half_width": _finite(width.mean()),
                }
        return found

    def fold(self, model: PropertyModel) -> dict[str, Any]:
        """Predictions and labels as a fold of `record`, by the crystals' own ids where each has one."""
        own = [str(atoms.info.get("id", "")) for atoms in self.labelled.structures]
        unique = len(set(own)) == len(own) and all(own)
        return {
            "ids": own if unique else list(self.labelled.places),
            "values": self.predictions.values,
            "labels": self.labelled.labels,
            "parameters": {
                "model": model.name,
                "members": len(model.members),
                "training_crystals": model.domain.crystals,
            },
        }

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
    benchmark: str, targets: Sequence[str], folds: Sequence[dict[str, Any]], algorithm: str
) -> dict[str, Any]:
    """A record in the layout of Matbench 0.6: a task per target, its folds with data, scores and parameters.

    Each fold brings `ids`, `values` (n, targets) and `labels` (n, targets), NaN where missing, which are predicted but
    not scored; what else it brings as `parameters` is kept. The benchmark is our own: its crystals and folds are not
    those of a Matbench task. Layout: Dunn et al., npj Comput. Mater. 2020, 6, 138.
    """
    tasks = {}
    for place, target in enumerate(targets):
        results = {}
        for number, fold in enumerate(folds):
            values = np.asarray(fold["values"], dtype=float)[:, place]
            labels = np.asarray(fold["labels"], dtype=float)[:, place]
            known = ~np.isnan(labels)
            if known.any():
                results[f"fold_{number}"] = {
                    "data": {str(name): float(value) for name, value in zip(fold["ids"], values)},
                    "scores": _scores(values[known], labels[known]),
                    "parameters": fold.get("parameters", {}),
                    "uncertainty": None,
                }
        if results:
            tasks[target] = {"benchmark_name": benchmark, "dataset_name": target, "results": results}
    return {"benchmark_name": benchmark, "user_metadata": {"algorithm": algorithm}, "tasks": tasks}


def _scores(values: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Matbench's four scores of a fold; the percentage leaves labels within 1e-5 of 0 out."""
    miss, large = np.abs(values - truth), np.abs(truth) > 1e-5
    share = miss[large] / np.abs(truth[large])
    return {
        "mae": float(miss.mean()),
        "rmse": float(np.sqrt((miss**2).mean())),
        "mape": float(share.mean()) if large.any() else 0.0,
        "max_error": float(miss.max()),
    }
