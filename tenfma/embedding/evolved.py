"""One member of a property model: crystal → q₀ → motion under H_θ → z → properties."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from tenfma.dynamics.integrate import integrate
from tenfma.embedding.graphs import Graphs
from tenfma.embedding.links import einstein
from tenfma.embedding.messages import Messages, Static
from tenfma.errors import TenfmaError
from tenfma.hamiltonian.layout import split_blocks
from tenfma.hamiltonian.pooled import (
    PooledHamiltonian,
    PooledPotential,
    invariant_count,
    invariant_names,
    invariants,
    per_component,
    width,
)

MOMENTA = ("zero", "learned", "thermal")
#: states kept along a path besides its start; however many steps it has, so that memory need not grow with them
KEPT = 4


@dataclass(frozen=True)
class Motion:
    """How q₀ moves: `steps` of `method` with `dt`; kT (eV) and friction (1/time) for Langevin methods and thermal p₀.

    `p0` is 'zero', 'learned' (equivariant in q₀) or 'thermal'. No steps: z is read off q₀.
    """

    method: str = "leapfrog"
    dt: float = 0.5
    steps: int = 4
    p0: str = "learned"
    kT: float = 0.0
    friction: float = 0.0
    gradient: str = "backprop"

    def __post_init__(self) -> None:
        if self.p0 not in MOMENTA:
            raise TenfmaError(f"p0 is {self.p0!r}; {', '.join(MOMENTA)} are accepted")
        if self.p0 == "thermal" and not 0 < self.kT < float("inf"):
            raise TenfmaError(
                f"p0 'thermal' draws momenta at kT, which is {self.kT}; give a finite kT > 0 in eV"
            )
        if self.steps < 0 or not 0 < abs(self.dt) < float("inf"):
            raise TenfmaError(
                f"{self.steps} steps of {self.dt} are no motion; give steps ≥ 0 and a finite dt"
            )

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Size:
    """Widths: of atoms and bonds, tensor copies of messages, rounds, q's scalars and tensors, context, hidden layers."""

    channels: int = 96
    copies: int = 8
    rounds: int = 2
    scalars: int = 64
    tensors: int = 4
    context: int = 32
    hidden: int = 96
    dropout: float = 0.05


class Evolved(nn.Module):
    """Messages, H_θ and heads. `forward` gives standardised targets (G, targets) and H at rest (G,), eV per atom.

    The heads of the targets in `linked` give u = ln(θ/T) of an Einstein oscillator, standardised (see `links`).
    """

    scales: Tensor

    def __init__(
        self, names: Sequence[str], targets: int, size: Size, motion: Motion, linked: Sequence[int] = ()
    ) -> None:
        super().__init__()
        self.linked = tuple(linked)
        # per linked target: mean and scale of u, mean and scale of the heat capacity
        self.register_buffer("scales", torch.tensor([[0.0, 1.0, 0.0, 1.0]] * len(self.linked)).reshape(-1, 4))
        self.size, self.motion = size, motion
        self.static = Static(tuple(names))
        self.messages = Messages(
            len(names),
            channels=size.channels,
            copies=size.copies,
            rounds=size.rounds,
            scalars=size.scalars,
            tensors=size.tensors,
        )
        self.blocks = self.messages.blocks
        self.cell = nn.Sequential(nn.Linear(len(names), size.context), nn.SiLU())
        self.potential = PooledPotential(self.blocks, size.context)
        self.log_mass = nn.Parameter(torch.zeros(sum(block.copies for block in self.blocks)))
        self.momenta = nn.ParameterDict(
            {
                block.key: nn.Parameter(0.1 * torch.randn(block.copies, block.copies) / block.copies**0.5)
                for block in self.blocks
            }
        )
        seen = 2 * invariant_count(self.blocks) + len(names)
        self.heads = nn.Sequential(
            nn.Dropout(size.dropout),
            nn.Linear(seen, size.hidden),
            nn.SiLU(),
            nn.Dropout(size.dropout),
            nn.Linear(size.hidden, size.hidden),
            nn.SiLU(),
            nn.Linear(size.hidden, targets),
        )

    def start(self, g: Graphs, seed: int = 0) -> tuple[PooledHamiltonian, Tensor, Tensor, Tensor]:
        """H with q₀ and p₀ (G, D), and the standardised static rows."""
        static = self.static(g.static)
        q0 = self.messages(g, static)
        mass = per_component(self.blocks, self.log_mass.exp())
        H = PooledHamiltonian(self.potential, q0, self.cell(static), mass)
        return H, q0, self._momenta(q0, mass, seed), static

    def path(self, H: PooledHamiltonian, q0: Tensor, p0: Tensor, seed: int = 0) -> tuple[Tensor, Tensor]:
        """q(T) and the mean of the invariants over the kept states."""
        motion = self.motion
        if motion.steps == 0:
            return q0, invariants(self.blocks, q0)
        bath: dict[str, Any] = {}
        if motion.friction > 0:
            bath = {"kT": motion.kT, "friction": motion.friction, "seed": seed}
        held = motion.gradient if torch.is_grad_enabled() else "none"
        path = integrate(
            H,
            q0,
            p0,
            dt=motion.dt,
            steps=motion.steps,
            method=motion.method,
            gradient=held,
            save_every=-(-motion.steps // KEPT),
            **bath,
        )
        return path.q[-1], invariants(self.blocks, path.q).mean(0)

    def embed(self, g: Graphs, seed: int = 0) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """z (G, n), standardised static rows, q(T), and H at rest, eV per atom."""
        H, q0, p0, static = self.start(g, seed)
        end, average = self.path(H, q0, p0, seed)
        z = torch.cat([invariants(self.blocks, end), average], dim=1)
        return z, static, end, self.potential(q0, H.context)

    def forward(self, g: Graphs, seed: int = 0) -> tuple[Tensor, Tensor]:
        z, static, _, rest = self.embed(g, seed)
        return self.read(torch.cat([z, static], dim=1)), rest

    def read(self, seen: Tensor) -> Tensor:
        """Standardised targets from z and the static row."""
        y = self.heads(seen)
        if not self.linked:
            return y
        columns = list(y.unbind(1))
        for place, (mean, scale, value_mean, value_scale) in zip(self.linked, self.scales):
            columns[place] = (einstein(mean + scale * columns[place]) - value_mean) / value_scale
        return torch.stack(columns, dim=1)

    def certificate(self, g: Graphs, seed: int = 0) -> dict[str, Tensor]:
        """What the path behind z is worth, (G,) each, for motions without a bath.

        `energy_drift`: |H(T) − H(0)|, eV per atom; `reversal_error`: max |q̂ − q₀| after the way there and, with −p, back;
        `distance`: |q(T) − q₀| over |q₀|, how far the motion left what a crystal's own features can be.

        Raises TenfmaError for a method that is stochastic or without time reversal.
        """
        motion = self.motion
        if motion.friction > 0 or motion.method == "euler":
            raise TenfmaError(
                f"{motion.method} does not retrace its path; certificates are for leapfrog and its like"
            )
        with torch.no_grad():
            H, q0, p0, _ = self.start(g, seed)
            walk: dict[str, Any] = {"dt": motion.dt, "steps": motion.steps, "method": motion.method}
            walk |= {"save_every": max(1, motion.steps), "gradient": "none"}
            there = integrate(H, q0, p0, **walk)
            q, p = there.q[-1], there.p[-1]
            back = integrate(H, q, -p, **walk)
            return {
                "energy_drift": (H(q, p) - H(q0, p0)).abs(),
                "reversal_error": (back.q[-1] - q0).abs().amax(1),
                "distance": (q - q0).norm(dim=1) / q0.norm(dim=1),
            }

    @property
    def names(self) -> tuple[str, ...]:
        """One name per component of z."""
        own = invariant_names(self.blocks)
        return (*(f"end.{name}" for name in own), *(f"path_mean.{name}" for name in own))

    def _momenta(self, q0: Tensor, mass: Tensor, seed: int) -> Tensor:
        if self.motion.p0 == "zero":
            return torch.zeros_like(q0)
        if self.motion.p0 == "thermal":
            generator = torch.Generator().manual_seed(seed)
            noise = torch.randn(width(self.blocks), generator=generator).to(q0)
            return (noise * (mass * self.motion.kT).sqrt()).expand_as(q0)
        parts = split_blocks(self.blocks, q0)
        return torch.cat(
            [
                torch.einsum("vu,...ud->...vd", self.momenta[b.key], parts[b.key]).flatten(-2)
                for b in self.blocks
            ],
            dim=-1,
        )
