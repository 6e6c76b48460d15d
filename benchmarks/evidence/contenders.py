"""What evolution is compared with: the same crystals, splits, heads and loss; only what makes z differs."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tenfma.dynamics.integrate import integrate
from tenfma.embedding.concatenated import Concatenated
from tenfma.embedding.evolved import Evolved, Motion, Size
from tenfma.embedding.graphs import Graphs, static_names
from tenfma.embedding.kernel import Kernels
from tenfma.hamiltonian.layout import split_blocks
from tenfma.hamiltonian.network import squash
from tenfma.hamiltonian.pooled import PooledHamiltonian, invariant_count, invariants

#: the motion that all moving contenders share; methods differ
MOTION = Motion(dt=0.5, steps=4)
LANGEVIN = {"kT": 0.05, "friction": 0.5}


class StaticNet(Evolved):
    """A perceptron on the pooled static row alone, wide enough to have as many parameters: no messages, no motion."""

    WIDTH = 230

    def __init__(self, names: tuple[str, ...], targets: int, size: Size, motion: Motion) -> None:
        super().__init__(names, targets, size, motion)
        wide = self.WIDTH * size.hidden // Size().hidden
        self.heads = nn.Sequential(
            nn.Dropout(size.dropout),
            nn.Linear(len(names), wide),
            nn.SiLU(),
            nn.Dropout(size.dropout),
            nn.Linear(wide, wide),
            nn.SiLU(),
            nn.Linear(wide, targets),
        )

    def forward(self, g: Graphs, seed: int = 0) -> tuple[Tensor, Tensor]:
        static = self.static(g.static)
        q = static.new_zeros((len(g), sum(block.width for block in self.blocks)))
        return self.read(static), self.potential(q, self.cell(static))


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


class EndNet(Evolved):
    """z is read off q(T) alone: the mean over the path gives way to the end told twice, so that sizes stay equal."""

    def path(self, H: PooledHamiltonian, q0: Tensor, p0: Tensor, seed: int = 0) -> tuple[Tensor, Tensor]:
        end, _ = super().path(H, q0, p0, seed)
        return end, invariants(self.blocks, end)


class MomentaNet(Evolved):
    """z is read off q(T) and p(T): where the motion has come to, and how it goes on."""

    def path(self, H: PooledHamiltonian, q0: Tensor, p0: Tensor, seed: int = 0) -> tuple[Tensor, Tensor]:
        motion = self.motion
        walk: dict[str, Any] = {"dt": motion.dt, "steps": motion.steps, "method": motion.method}
        held = motion.gradient if torch.is_grad_enabled() else "none"
        path = integrate(H, q0, p0, gradient=held, save_every=motion.steps, **walk)
        return path.q[-1], invariants(self.blocks, path.p[-1])


class SpectrumNet(Evolved):
    """Masses that are set, not learned: from 1 to `HEAVIEST` in even ratios among the copies of each irrep."""

    HEAVIEST = 100.0

    def __init__(self, names: tuple[str, ...], targets: int, size: Size, motion: Motion) -> None:
        super().__init__(names, targets, size, motion)
        spread = [torch.linspace(0.0, math.log(self.HEAVIEST), block.copies) for block in self.blocks]
        self.log_mass = nn.Parameter(torch.cat(spread), requires_grad=False)


class EvenNet(SpectrumNet):
    """All masses are one, and stay so."""

    HEAVIEST = 1.0


class AtomTransformer(Evolved):
    """A Transformer encoder over the cell's atoms, told by elements and Module A's numbers, not by distances."""

    WIDTH, HEADS, LAYERS = 56, 4, 2

    def __init__(self, names: tuple[str, ...], targets: int, size: Size, motion: Motion) -> None:
        super().__init__(names, targets, size, motion)
        self.token = nn.Linear(self.messages.atom[0].in_features, self.WIDTH)
        layer = nn.TransformerEncoderLayer(
            self.WIDTH, self.HEADS, 2 * self.WIDTH, 0.0, "gelu", batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, self.LAYERS, enable_nested_tensor=False)
        self.said = nn.Linear(self.WIDTH, 2 * invariant_count(self.blocks))
        self.state = nn.Linear(self.WIDTH, self.blocks[0].copies)
        for unused in (self.messages.rounds, self.messages.bond, self.messages.triangle):
            unused.requires_grad_(False)

    def forward(self, g: Graphs, seed: int = 0) -> tuple[Tensor, Tensor]:
        static, m = self.static(g.static), self.messages
        tokens = self.token(torch.cat([m.of_element(m.table[g.numbers]), m.of_atom(g.atoms)], dim=1))
        most = int(g.counts[:, 0].max())
        inside = torch.arange(most) < g.counts[:, :1]
        padded = tokens.new_zeros((len(g), most, self.WIDTH))
        padded[inside] = tokens
        told = self.encoder(padded, src_key_padding_mask=~inside)
        mean = (told * inside[..., None]).sum(1) / g.counts[:, :1]
        q = static.new_zeros((len(g), sum(block.width for block in self.blocks)))
        q = torch.cat([self.state(mean), q[:, self.blocks[0].copies :]], dim=1)
        return self.read(torch.cat([self.said(mean), static], dim=1)), self.potential(q, self.cell(static))


#: name → (what it is, class, motion)
NETS: dict[str, tuple[str, type[Evolved], Motion]] = {
    "static": (
        "pooled static features, perceptron: no messages, no motion",
        StaticNet,
        replace(MOTION, steps=0),
    ),
    "static_long": (
        "as static, with as much processor time as leapfrog",
        StaticNet,
        replace(MOTION, steps=0),
    ),
    "messages": (
        "messages and pooling, no motion: a message-passing network",
        Evolved,
        replace(MOTION, steps=0),
    ),
    "messages_long": (
        "as messages, with as much processor time as leapfrog",
        Evolved,
        replace(MOTION, steps=0),
    ),
    "transformer": (
        "a Transformer encoder over atoms, beside the static row",
        AtomTransformer,
        replace(MOTION, steps=0),
    ),
    "transformer_long": (
        "as transformer, with as much processor time as leapfrog",
        AtomTransformer,
        replace(MOTION, steps=0),
    ),
    "ode": ("messages, then an unstructured neural ODE", OdeNet, MOTION),
    "ode_long": ("as ode, with as much processor time as leapfrog", OdeNet, MOTION),
    "euler": ("messages, then H_θ by Euler steps", Evolved, replace(MOTION, method="euler")),
    "leapfrog": ("messages, then H_θ by leapfrog", Evolved, MOTION),
    "langevin": (
        "messages, then H_θ with a bath, BAOAB",
        Evolved,
        replace(MOTION, method="baoab", **LANGEVIN),
    ),
    "learned_bath": (
        "as langevin, with a learned friction per irrep copy",
        Evolved,
        replace(MOTION, method="baoab", bath="learned", **LANGEVIN),
    ),
    "concatenated": (
        "every atom, bond and triangle moves under H_θ, leapfrog, then pooling",
        Concatenated,
        replace(MOTION, dt=1.0, steps=2),
    ),
    "concatenated_short": (
        "as concatenated, with as little processor time as leapfrog",
        Concatenated,
        replace(MOTION, dt=1.0, steps=2),
    ),
    "still": ("as leapfrog, started at rest (p₀ = 0)", Evolved, replace(MOTION, p0="zero")),
    "long": ("as leapfrog, twice the steps", Evolved, replace(MOTION, steps=8)),
    "one_step": ("as leapfrog, one step (T = 0.5)", Evolved, replace(MOTION, steps=1)),
    "longer": ("as leapfrog, 16 steps (T = 8)", Evolved, replace(MOTION, steps=16)),
    "hot": (
        "as langevin, kT = 0.5 eV",
        Evolved,
        replace(MOTION, method="baoab", kT=0.5, friction=0.5),
    ),
    "untaught": ("as leapfrog, H at rest not taught the formation energy", Evolved, MOTION),
    "end": ("as leapfrog, z from q(T) alone, without the path's mean", EndNet, MOTION),
    "momenta": ("as leapfrog, z from q(T) and p(T)", MomentaNet, MOTION),
    "even_masses": ("as leapfrog, every mass one", EvenNet, MOTION),
    "wide_masses": ("as leapfrog, masses from 1 to 100, not learned", SpectrumNet, MOTION),
}
#: passes of a contender, in those of the others
PASSES = {
    "static_long": 10.0,
    "messages_long": 1.5,
    "transformer_long": 1.4,
    "ode_long": 1.35,
    "concatenated_short": 0.25,
}
#: contenders whose H at rest is taught nothing
UNTAUGHT = ("untaught",)
#: contenders that are fitted at once, without a network
TREES = {
    "kernel": "kernel ridge on pooled static features",
    "soap": "kernel ridge on SOAP averaged over sites (dscribe)",
    "trees": "extra trees on pooled static features",
    "composition": "extra trees on the composition alone",
}


def net(name: str, targets: int, seed: int, size: Size) -> Evolved:
    """A contender with weights drawn from a seed."""
    _, kind, motion = NETS[name]
    torch.manual_seed(seed)
    return kind(static_names(), targets, size, motion)


def fitted(
    name: str, rows: np.ndarray, labels: np.ndarray, train: np.ndarray, seed: int, soap: np.ndarray | None
) -> np.ndarray:
    """Predictions (crystals, targets) of a contender of `TREES`."""
    if name == "kernel":
        return Kernels.fitted(rows[train], labels[train], [np.arange(len(train))]).predict(rows)[0]
    if name == "soap":
        assert soap is not None
        return polynomial(soap, labels, train, seed)
    return trees(name, rows, labels, train, seed)


def polynomial(rows: np.ndarray, labels: np.ndarray, train: np.ndarray, seed: int) -> np.ndarray:
    """Kernel ridge with (x·x')^ζ on unit vectors; ζ and the ridge by a tenth of the training crystals."""
    own = np.random.default_rng(seed).permutation(train)
    asked, known = own[: len(own) // 10], own[len(own) // 10 :]
    dots = np.clip(rows @ rows[train].T, 0, 1).astype(np.float64)
    place = np.full(len(rows), -1)
    place[train] = np.arange(len(train))
    found = []
    for column in labels.T:

        def fit(taught: np.ndarray, power: float, ridge: float, column: np.ndarray = column) -> np.ndarray:
            here = taught[~np.isnan(column[taught])]
            K = dots[:, place[here]] ** power
            block = K[here] + ridge * np.eye(len(here))
            return K @ np.linalg.solve(block, column[here] - column[here].mean()) + column[here].mean()

        tried = [(power, ridge) for power in (2.0, 8.0, 32.0) for ridge in (1e-4, 1e-3, 1e-2)]
        best = min(tried, key=lambda one: float(np.nanmean(np.abs(fit(known, *one)[asked] - column[asked]))))
        found.append(fit(train, *best))
    return np.stack(found, axis=1)


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
