"""`train_property`: labelled crystals in, a folder with an ensemble of evolved embeddings out.

Each member leaves out another share of the crystals. On what it left out its errors are honest: they choose how heads, H
at rest, trees and kernel ridge are blended, and they calibrate the intervals.
"""

import hashlib
import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tenfma.crystal.elements import table
from tenfma.embedding.concatenated import aggregation_named
from tenfma.embedding.evolved import Evolved, Motion, Size
from tenfma.embedding.graphs import Graphs, graphs_of, static_names
from tenfma.embedding.kernel import Kernels
from tenfma.embedding.links import EINSTEIN, log_ratio
from tenfma.embedding.property_model import PREDICTORS, Domain, Head, PropertyModel
from tenfma.embedding.trees import Trees, randomised
from tenfma.errors import TenfmaError
from tenfma.training.distributed import ALONE, Ranks, Served, joined
from tenfma.training.folder import claimed
from tenfma.training.property_card import write_property_card
from tenfma.training.property_data import ENERGY, Labelled, Target, folds, read_labelled
from tenfma.training.property_evaluation import errors_of
from tenfma.training.property_loop import Progress, Schedule, fit

LOG, CACHE = "log.jsonl", "features.safetensors"
#: a target with fewer labels than this is not learned: nothing could be left out to bound its errors
LEAST_LABELS = 10
#: the share of the time budget that members may take; the rest is for trees and kernels
SHARE = 0.9
#: blends are tried in steps of this
BLEND_STEP = 0.1
#: up to this many labels of a target, trees are grown beside the kernel; with more they add nothing to it
FEW = 1000
#: how many held-out scores a model keeps, evenly along their rise
SCORES = 400


@dataclass(frozen=True)
class PropertyRecipe:
    """All that a run depends on besides data, targets, time and seed."""

    members: int = 3
    valid: float = 0.1
    trees: int = 40
    kernel: bool = True
    size: Size = field(default_factory=Size)
    motion: Motion = field(default_factory=Motion)
    schedule: Schedule = field(default_factory=Schedule)
    aggregation: str = "pool"
    """What moves: 'pool', one vector per crystal; 'concatenate', every atom, bond and triangle."""

    def __post_init__(self) -> None:
        aggregation_named(self.aggregation).check_motion(self.motion)
        if self.schedule.epochs < 1:
            raise TenfmaError(f"{self.schedule.epochs} passes were asked for; at least 1 is expected")
        if self.members < 1:
            raise TenfmaError(f"{self.members} members were asked for; at least 1 is expected")
        if not 0 < self.valid <= 0.5:
            raise TenfmaError(
                f"the held-out share is {self.valid}; a fraction above 0 and up to 0.5 is expected"
            )


def train_property(
    data: Sequence[str | Path],
    targets: Sequence[Target],
    out: str | Path,
    *,
    minutes: float = 60.0,
    seed: int = 0,
    recipe: PropertyRecipe | None = None,
    command: str = "",
    report: Callable[[Progress], None] | None = None,
) -> PropertyModel:
    """Train on the frames of these files, save model and card to `out`. The same call goes on where it was stopped.

    Processes that torchrun has started share the members: `tenfma.training.distributed`.

    Raises TenfmaError for unreadable data, targets with too few labels or with one value only, a folder that cannot be
    written, or one that holds another run or other files.
    """
    if not 0 < minutes < float("inf"):
        raise TenfmaError(f"the time budget is {minutes} minutes; a finite number above 0 is expected")
    recipe = PropertyRecipe() if recipe is None else recipe
    labelled = read_labelled(data, targets)
    check_labels(labelled)
    known = ~np.isnan(labelled.labels).all(1)
    if known.sum() < 10 * recipe.members:
        raise TenfmaError(
            f"{int(known.sum())} crystals have labels; {recipe.members} members need at least {10 * recipe.members}"
        )
    out = Path(out)
    here = joined()
    config = _described(labelled, recipe, seed)
    with here.first():
        with claimed(out, config):
            kept = Graphs.restore(out / CACHE, labelled.mark)
            graphs = graphs_of(labelled.structures) if kept is None else kept
        if kept is None:
            graphs.save(out / CACHE, labelled.mark)
    mark = hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()
    asked: dict[str, Any] = {
        "minutes": minutes,
        "seed": seed,
        "recipe": recipe,
        "report": report,
        "mark": mark,
    }
    try:
        model, held_out = fit_ensemble(graphs, labelled, np.nonzero(known)[0], out, **asked, here=here)
    except Served:
        here.wait()
        return PropertyModel.restore(out)
    model.save(out)
    facts = {
        "name": model.name,
        "data": [Path(path).name for path in data],
        "crystals": int(known.sum()),
        "elements": list(model.domain.elements),
        "most_atoms": model.domain.most_atoms,
        "kinds": list(model.domain.kinds),
        "targets": [
            {
                "name": h.name,
                "unit": h.unit,
                "labels": int((~np.isnan(labelled.labels[:, i])).sum()),
                "blend": h.blend,
            }
            for i, h in enumerate(model.heads)
        ],
        "members": recipe.members,
        "aggregation": recipe.aggregation,
        "motion": recipe.motion.to_dict(),
        "energy_in_eV": model.energy_target is not None,
        "parameters": sum(p.numel() for p in model.first.parameters()),
        "seed": seed,
        "minutes": minutes,
        "command": command,
        "held_out": held_out,
    }
    write_property_card(out, facts)
    here.wait()
    return model


def fit_ensemble(
    graphs: Graphs,
    labelled: Labelled,
    train: np.ndarray,
    folder: Path,
    *,
    minutes: float,
    seed: int,
    recipe: PropertyRecipe,
    mark: str = "",
    report: Callable[[Progress], None] | None = None,
    here: Ranks = ALONE,
) -> tuple[PropertyModel, dict[str, Any]]:
    """The ensemble fitted on the rows `train`, checkpoints in `folder`; also its errors on what members left out.

    `mark` names the run: checkpoints of another one are refused.
    """
    labels = labelled.labels
    mean, scale = np.nanmean(labels[train], axis=0), np.nanstd(labels[train], axis=0)
    scale = np.where(scale > 1e-12, scale, 1.0)
    energy = next((i for i, t in enumerate(labelled.targets) if t.name == ENERGY and not t.log), None)
    standard = torch.as_tensor((labels - mean) / scale, dtype=torch.float32)
    fold = folds(len(train), max(recipe.members, round(1 / recipe.valid)), seed)
    schedule = replace(recipe.schedule, seconds=SHARE * 60 * minutes / here.turns(recipe.members))
    linked = linked_targets(labelled.targets)
    names = static_names()
    fitted: dict[int, Evolved] = {}
    trees: list[list[Trees | None]] = []
    for index in here.members(recipe.members):
        kept, left = train[fold != index], train[fold == index]
        own = seed * 1000 + index
        torch.manual_seed(own)
        kind = aggregation_named(recipe.aggregation)
        net = kind(names, labels.shape[1], recipe.size, recipe.motion, linked)
        for row, place in enumerate(linked):
            u = log_ratio(labels[kept, place])
            net.scales[row] = torch.tensor([np.nanmean(u), np.nanstd(u) or 1.0, mean[place], scale[place]])
        chosen = graphs.take(torch.as_tensor(kept))
        net.static.fit(chosen.static)
        net.messages.fit(chosen)
        if energy is not None:
            net.potential.shift.fill_(mean[energy])
            net.potential.scale.fill_(scale[energy])
        fitted[index] = fit(
            net,
            graphs,
            standard,
            torch.as_tensor(kept),
            torch.as_tensor(left),
            scales=torch.as_tensor(scale),
            energy=energy,
            schedule=schedule,
            checkpoint=folder / f"member-{index}.ckpt",
            seed=own,
            mark=f"{mark} {index}" if mark else "",
            member=index,
            report=_logged(folder / LOG, report),
        )
    members = [fitted[index] for index in range(recipe.members)]
    shares = [(train[fold != index], train[fold == index]) for index in range(recipe.members)]
    rows = graphs.static.float().numpy()
    if recipe.trees:
        trees = [
            _trees(rows, labels, kept, seed * 1000 + i, recipe.trees, linked)
            for i, (kept, _) in enumerate(shares)
        ]
    kernels = _kernels(rows, labels, train, [kept for kept, _ in shares], linked) if recipe.kernel else None
    heads = [
        Head(str(t), t.unit, float(m), float(s), link=EINSTEIN if i in linked else "")
        for i, (t, m, s) in enumerate(zip(labelled.targets, mean, scale))
    ]
    domain = _domain(labelled, train)
    name = f"properties {', '.join(head.name for head in heads)}"
    model = PropertyModel(members, heads, domain, name=name, energy=energy, trees=trees, kernels=kernels)
    held_out = _calibrate(model.requires_grad_(False).eval(), graphs, labels, [left for _, left in shares])
    return model, held_out


def _calibrate(
    model: PropertyModel, graphs: Graphs, labels: np.ndarray, left: Sequence[np.ndarray]
) -> dict[str, Any]:
    """Choose blends and take conformal scores on what each member left out; returns errors there per target."""
    # a member's predictors on what it left out, and their disagreement there; other members have seen those crystals
    own, spread_parts = [], []
    for index, rows in enumerate(left):
        parts = model.predictors(graphs.take(torch.as_tensor(rows)))
        own.append(parts[index])
        spread_parts.append(parts[index : index + 1])
    honest = np.concatenate(own, axis=1)
    truth = labels[np.concatenate(left)]
    heads, report = [], {}
    for place, head in enumerate(model.heads):
        known = ~np.isnan(truth[:, place])
        heads.append(replace(head, blend=_blend(honest[:, known, place], truth[known, place])))
    model.heads = tuple(heads)
    spread = np.concatenate([model.combined(parts)[1] for parts in spread_parts])
    for place, head in enumerate(heads):
        known = ~np.isnan(truth[:, place])
        if not known.any():
            continue
        blend = np.array(head.blend)[:, None]
        value = np.where(blend > 0, np.nan_to_num(honest[:, :, place]) * blend, 0.0).sum(0)
        miss = np.abs(value - truth[:, place])[known]
        floor = float(max(np.median(miss), 1e-9))
        scores = np.sort(miss / (spread[known, place] + floor))
        kept = (
            scores
            if len(scores) <= SCORES
            else np.quantile(scores, (np.arange(SCORES) + 1) / (SCORES + 1), method="higher")
        )
        heads[place] = replace(head, floor=floor, scores=tuple(round(float(x), 5) for x in kept))
        single = {
            word: errors_of(row[known], truth[known, place])["mae"]
            for word, row in zip(PREDICTORS, honest[:, :, place])
            if not np.isnan(row[known]).any()
        }
        report[head.name] = {**errors_of(value[known], truth[known, place]), "mae_of": single}
    model.heads = tuple(heads)
    return report


def _blend(parts: np.ndarray, truth: np.ndarray) -> tuple[float, ...]:
    """α (3,) ≥ 0, Σ α = 1 in steps of `BLEND_STEP`, with the smallest mean absolute error; absent predictors get 0."""
    present = [i for i in range(len(parts)) if parts.shape[1] and not np.isnan(parts[i]).any()]
    if not present or not len(truth):
        return (1.0, *[0.0] * (len(parts) - 1))
    steps = round(1 / BLEND_STEP)
    best, least = (1.0, *[0.0] * (len(parts) - 1)), math.inf
    for shares in product(range(steps + 1), repeat=len(present)):
        if sum(shares) != steps:
            continue
        weights = np.zeros(len(parts))
        weights[present] = np.array(shares) / steps
        miss = float(np.abs(np.tensordot(weights[present], parts[present], 1) - truth).mean())
        if miss < least - 1e-12:
            best, least = tuple(round(float(w), 6) for w in weights), miss
    return best


def _trees(
    rows: np.ndarray, labels: np.ndarray, kept: np.ndarray, seed: int, count: int, linked: Sequence[int]
) -> list[Trees | None]:
    values, found = _linked_labels(labels, linked), []
    for column in values.T:
        known = kept[~np.isnan(column[kept])]
        few = 0 < len(known) <= FEW
        found.append(randomised(rows[known], column[known], seed, count) if few else None)
    return found


def _kernels(
    rows: np.ndarray,
    labels: np.ndarray,
    train: np.ndarray,
    shares: Sequence[np.ndarray],
    linked: Sequence[int],
) -> Kernels:
    place = np.full(len(labels), -1)
    place[train] = np.arange(len(train))
    return Kernels.fitted(
        rows[train], _linked_labels(labels, linked)[train], [place[share] for share in shares]
    )


def _linked_labels(labels: np.ndarray, linked: Sequence[int]) -> np.ndarray:
    values = labels.copy()
    for place in linked:
        values[:, place] = log_ratio(labels[:, place])
    return values


def linked_targets(targets: Sequence[Target]) -> list[int]:
    """Which targets are heat capacities per atom, read as an Einstein oscillator's."""
    return [i for i, t in enumerate(targets) if t.name.startswith("Cv") and t.per_atom and not t.log]


def _domain(labelled: Labelled, train: np.ndarray) -> Domain:
    numbers = sorted({int(z) for i in train for z in labelled.structures[i].numbers})
    symbols = tuple(table().symbols[z] for z in numbers)
    kinds = sorted({len(set(labelled.structures[i].numbers)) for i in train})
    return Domain(symbols, max(len(labelled.structures[i]) for i in train), len(train), tuple(kinds))


def check_labels(labelled: Labelled) -> None:
    """Raise TenfmaError for a target with fewer labels than `LEAST_LABELS`, or whose labels are all the same."""
    for target, column in zip(labelled.targets, labelled.labels.T):
        known = column[~np.isnan(column)]
        if len(known) < LEAST_LABELS:
            count = "1 label" if len(known) == 1 else f"{len(known)} labels"
            raise TenfmaError(
                f"{target} has {count} in these files; at least {LEAST_LABELS} are needed: add some, or leave it out"
            )
        if np.ptp(known) <= 1e-9 * np.abs(known).max():
            raise TenfmaError(
                f"{target} is {known[0]:g} in all {len(known)} labels, so there is nothing to learn; leave it out"
            )


def _described(labelled: Labelled, recipe: PropertyRecipe, seed: int) -> dict[str, Any]:
    """What the run is, as `config.json` keeps it."""
    described = {
        "task": "property",
        "targets": [str(target) for target in labelled.targets],
        "data": labelled.mark,
        "seed": seed,
        "recipe": asdict(recipe),
    }
    return json.loads(json.dumps(described, default=str))


def _logged(path: Path, report: Callable[[Progress], None] | None) -> Callable[[Progress], None]:
    def add(progress: Progress) -> None:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"time": round(time.time()), **asdict(progress)}) + "\n")
        if report is not None:
            report(progress)

    return add
