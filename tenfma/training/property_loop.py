"""Fitting one member: AdamW on absolute errors, a cosine of the learning rate, and an average of the weights.

After every epoch the whole state is on disk, so a killed run goes on where it stopped.
"""

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tenfma.embedding.evolved import Evolved
from tenfma.embedding.graphs import Graphs
from tenfma.errors import TenfmaError
from tenfma.whole import whole


@dataclass(frozen=True)
class Schedule:
    """How a member is fitted: a cosine of the rate over `epochs` or over `seconds`, whichever ends first."""

    epochs: int = 60
    seconds: float = float("inf")
    batch: int = 48
    rate: float = 2e-3
    decay: float = 0.02
    averaging: float = 0.995
    rest_weight: float = 1.0
    balance: float = 0.5
    """A target with few labels counts more: each label's weight goes as (1/labels)^balance."""
    still: float = 0.6
    """For this share of the fit z is read off q₀; then motion sets in. Passes without it take two thirds of the time."""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Progress:
    """One line of the live table."""

    member: int
    epoch: int
    loss: float
    errors: tuple[float, ...]
    """MAE per target on the crystals left out, in the targets' units."""
    seconds: float


def predicted(net: Evolved, graphs: Graphs, atoms: int = 1500) -> tuple[Tensor, Tensor]:
    """Standardised predictions (G, targets) and H at rest (G,), without a graph."""
    net.eval()
    with torch.no_grad():
        parts = [net(batch) for batch in graphs.batches(atoms)]
    return torch.cat([y for y, _ in parts]), torch.cat([rest for _, rest in parts])


def fit(
    net: Evolved,
    graphs: Graphs,
    labels: Tensor,
    train: Tensor,
    valid: Tensor,
    *,
    scales: Tensor,
    energy: int | None,
    schedule: Schedule,
    checkpoint: Path,
    seed: int,
    mark: str = "",
    member: int = 0,
    report: Callable[[Progress], None] | None = None,
) -> Evolved:
    """Fit on `train` (rows of `graphs`); labels (G, targets) are standardised, NaN where missing, `scales` their σ.

    `energy` is the target that H at rest is taught as well. `mark` says which fit a checkpoint is of. Returns the net
    with averaged weights. Raises TenfmaError for a checkpoint that is broken or of another fit.
    """
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    averaged = {k: v.detach().clone() for k, v in net.state_dict().items()}
    plain = [p for n, p in net.named_parameters() if p.ndim < 2]
    matrices = [p for n, p in net.named_parameters() if p.ndim >= 2]
    optimiser = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": schedule.decay}, {"params": plain, "weight_decay": 0.0}],
        lr=schedule.rate,
        fused=True,
    )
    epoch, spent, steps, motion = 0, 0.0, 0, net.motion
    if checkpoint.is_file():
        try:
            held = torch.load(checkpoint, weights_only=True)
            _check(held, mark, checkpoint)
            averaged = held["averaged"]
            for weights in (averaged, held["net"]):  # both must fit; the net goes on
                net.load_state_dict(weights)
            optimiser.load_state_dict(held["optimiser"])
            epoch, spent, steps = int(held["epoch"]), float(held["spent"]), int(held["steps"])
            generator.set_state(held["generator"])
            torch.set_rng_state(held["random"])
        except TenfmaError:
            raise
        except Exception as error:  # a broken file raises what its reader meets
            raise TenfmaError(
                f"{checkpoint} is no checkpoint of this run; delete it and train again"
            ) from error
    held_out = graphs.take(valid)
    weights = _weights(labels[train], schedule.balance)
    per_epoch = math.ceil(len(train) / schedule.batch)
    while epoch < schedule.epochs and spent < schedule.seconds:
        begun = time.perf_counter()
        net.train()
        order = train[torch.randperm(len(train), generator=generator)]
        total = 0.0
        for place, chosen in enumerate(order.split(schedule.batch)):
            passed = spent + time.perf_counter() - begun
            done = max((epoch + place / per_epoch) / schedule.epochs, passed / schedule.seconds)
            rate = (
                schedule.rate
                * min(1.0, (steps + 1) / 100)
                * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(done, 1.0))))
            )
            for group in optimiser.param_groups:
                group["lr"] = rate
            net.motion = replace(motion, steps=0) if done < schedule.still else motion
            loss = _loss(
                net, graphs.take(chosen), labels[chosen], weights, energy, schedule.rest_weight, steps
            )
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            optimiser.step()
            steps += 1
            keep = min(schedule.averaging, (1 + steps) / (10 + steps))
            _average(averaged, net, keep)
            total += float(loss.detach()) * len(chosen)
        epoch += 1
        spent += time.perf_counter() - begun
        _keep(checkpoint, mark, net, averaged, optimiser, epoch, spent, steps, generator)
        if report is not None:
            errors = _errors(net, averaged, held_out, labels[valid], scales) if len(valid) else ()
            report(Progress(member, epoch, total / len(train), errors, spent))
    net.motion = motion
    net.load_state_dict(averaged)
    return net.eval()


def _weights(labels: Tensor, balance: float) -> Tensor:
    """Weight of a label of each target, (targets,), one on average over all labels."""
    counts = (~torch.isnan(labels)).sum(0).clamp_min(1).float()
    weights = counts**-balance
    return weights * counts.sum() / (weights * counts).sum()


def _loss(
    net: Evolved,
    batch: Graphs,
    labels: Tensor,
    weights: Tensor,
    energy: int | None,
    rest_weight: float,
    seed: int,
) -> Tensor:
    y, rest = net(batch, seed)
    known = ~torch.isnan(labels)
    count = known.sum().clamp_min(1)
    miss = torch.where(known, (y - torch.nan_to_num(labels)).abs() * weights, 0.0)
    loss = miss.sum() / count
    if energy is not None and bool(known[:, energy].any()):
        at_rest = (rest - net.potential.shift) / net.potential.scale
        miss = torch.where(known[:, energy], (at_rest - torch.nan_to_num(labels[:, energy])).abs(), 0.0)
        loss = loss + rest_weight * miss.sum() / count
    return loss


@torch.no_grad()
def _average(averaged: dict[str, Tensor], net: Evolved, keep: float) -> None:
    """Weights drift towards the net's; means and scales of features are the net's own."""
    names, values = zip(*net.named_parameters())
    torch._foreach_lerp_([averaged[name] for name in names], list(values), 1 - keep)


def _errors(
    net: Evolved, averaged: dict[str, Tensor], graphs: Graphs, labels: Tensor, scales: Tensor
) -> tuple[float, ...]:
    own = {k: v.clone() for k, v in net.state_dict().items()}
    net.load_state_dict(averaged)
    y, _ = predicted(net, graphs)
    net.load_state_dict(own)
    return tuple((torch.nanmean((y - labels).abs(), dim=0) * scales).tolist())


def _check(held: dict[str, Any], mark: str, path: Path) -> None:
    if held.get("mark", "") != mark:
        raise TenfmaError(
            f"{path} is a checkpoint of another run (other data, targets, settings, seed or version); delete it and "
            "train again"
        )


def _keep(
    path: Path,
    mark: str,
    net: Evolved,
    averaged: Any,
    optimiser: Any,
    epoch: int,
    spent: float,
    steps: int,
    generator: Any,
) -> None:
    held = {
        "mark": mark,
        "net": net.state_dict(),
        "averaged": averaged,
        "optimiser": optimiser.state_dict(),
        "epoch": epoch,
        "spent": spent,
        "steps": steps,
        "generator": generator.get_state(),
        "random": torch.get_rng_state(),
    }
    with whole(path) as part:
        torch.save(held, part)
