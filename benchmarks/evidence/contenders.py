"""What evolution is compared with: the same crystals, splits, heads and loss; only what makes z differs."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from tenfma.embedding.evolved import Evolved, Motion, Size
from tenfma.embedding.graphs import Graphs, static_names
from tenfma.hamiltonian.layout import split_blocks
from tenfma.hamiltonian.network import squash
from tenfma.hamiltonian.pooled import PooledHamiltonian, invariant_count, invariants

#: the motion that all moving contenders share; methods differ
MOTION = Motion(dt=0.5, steps=4)
LANGEVIN = {"kT": 0.05, "friction": 0.5}


class StaticNet(Evolved):
    """A perceptron on the pooled static row: no messages, no motion."""

    def forward(self, g: Graphs, seed: int = 0) -> tuple[Tensor, Tensor]:
        static = self.static(g.static)
        q = static.new_zeros((len(g), sum(block.width for block in self.blocks)))
        seen = static.new_zeros((len(g), 2 * invariant_count(self.blocks)))
        return self.read(torch.cat([seen, static], dim=1)), self.potential(q, self.cell(static))


class OdeNet(Evolved):
    """An unstructured neural ODE of the same size: dq/dt = f_θ(I(q), c) for scalars, gates times q for the rest."""

    def __init__(self, names: tuple[str, ...], targets: int, size: Size, motion: Motion) -> None:
        super().__init__(names, targets, size, motion)
        copies = sum(block.copies for block in self.blocks)
        self.field = nn.Sequential(
            nn.Linear(invariant_count(self.blocks) + size.context, 64), nn.SiLU(), nn.Linear(64, copies)
        )

    def path(self, H: PooledHamiltonian, q0: Tensor, p0: Tensor, seed: int = 0) -> tuple[Tensor, Tensor]:
        q, kept = q0, [q0]
        for _ in range(self.motion.steps):
            change = self.field(torch.cat([invariants(self.blocks, q), H.context], dim=1))
            parts, start, moved = split_blocks(self.blocks, q), 0, []
            for block in self.blocks:
                gate = change[:, start : start + block.copies, None]
                start += block.copies
                moved.append((gate if block.dim == 1 else gate * squash(parts[block.key])).flatten(1))
            q = q + self.motion.dt * torch.cat(moved, dim=1)
            kept.append(q)
        return q, invariants(self.blocks, torch.stack(kept)).mean(0)


#: name → (what it is, class, motion)
NETS: dict[str, tuple[str, type[Evolved], Motion]] = {
    "static": (
        "pooled static features, perceptron: no messages, no motion",
        StaticNet,
        replace(MOTION, steps=0),
    ),
    "messages": (
        "messages and pooling, no motion: a message-passing network",
        Evolved,
        replace(MOTION, steps=0),
    ),
    "ode": ("messages, then an unstructured neural ODE", OdeNet, MOTION),
    "euler": ("messages, then H_θ by Euler steps", Evolved, replace(MOTION, method="euler")),
    "leapfrog": ("messages, then H_θ by leapfrog", Evolved, MOTION),
    "langevin": (
        "messages, then H_θ with a bath, BAOAB",
        Evolved,
        replace(MOTION, method="baoab", **LANGEVIN),
    ),
    "still": ("as leapfrog, started at rest (p₀ = 0)", Evolved, replace(MOTION, p0="zero")),
    "long": ("as leapfrog, twice the steps", Evolved, replace(MOTION, steps=8)),
}
TREES = {
    "trees": "extra trees on pooled static features",
    "composition": "extra trees on the composition alone",
}


def net(name: str, targets: int, seed: int, size: Size) -> Evolved:
    """A contender with weights drawn from a seed."""
    _, kind, motion = NETS[name]
    torch.manual_seed(seed)
    return kind(static_names(), targets, size, motion)


def trees(name: str, rows: np.ndarray, labels: np.ndarray, train: np.ndarray, seed: int) -> np.ndarray:
    """Predictions (crystals, targets) of extra trees fitted on the rows `train`."""
    from sklearn.ensemble import ExtraTreesRegressor

    if name == "composition":
        ends = ("_mean", "_std", "_min", "_max")
        kept = [
            i
            for i, column in enumerate(static_names())
            if column.startswith("cell.") and column.endswith(ends)
        ]
        rows = rows[:, kept]
    found = []
    for column in labels.T:
        known = train[~np.isnan(column[train])]
        model = ExtraTreesRegressor(100, max_features=0.4, min_samples_leaf=2, random_state=seed)
        found.append(model.fit(rows[known], column[known]).predict(rows))
    return np.stack(found, axis=1)
