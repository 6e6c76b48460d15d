"""One member of a property model: crystal → q₀ → motion under H_θ → z → properties."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tenfma.dynamics.integrate import integrate
from tenfma.dynamics.path import Path
from tenfma.embedding.certificate import at_rest, certificate
from tenfma.embedding.graphs import Graphs
from tenfma.embedding.links import einstein
from tenfma.embedding.messages import Messages, Static
from tenfma.errors import TenfmaError
from tenfma.hamiltonian.layout import Block, split_blocks
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
BATHS = ("even", "learned")
#: states kept along a path besides its start; however many steps it has, so that memory need not grow with them
KEPT = 4


@dataclass(frozen=True)
class Motion:
    """How q₀ moves: `steps` of `method` with `dt`; kT (eV) and friction (1/time) for Langevin methods and thermal p₀.

    `p0` is 'zero', 'learned' (equivariant in q₀) or 'thermal'. With the bath 'learned' every irrep copy has a friction of
    its own, Γ_θ = friction · m e^θ ≥ 0, learned from e^θ = 1; 'even' is one for all. No steps: z is read off q₀.
    """

    method: str = "leapfrog"
    dt: float = 0.5
    steps: int = 4
    p0: str = "learned"
    kT: float = 0.0
    friction: float = 0.0
    gradient: str = "backprop"
    bath: str = "even"

    def __post_init__(self) -> None:
        for name, known in (("p0", MOMENTA), ("bath", BATHS)):
            if getattr(self, name) not in known:
                raise TenfmaError(f"{name} is {getattr(self, name)!r}; {', '.join(known)} are accepted")
        for name, unit in (("kT", "eV"), ("friction", "1/time")):
            if not 0 <= getattr(self, name) < float("inf"):
                raise TenfmaError(
                    f"{name} is {getattr(self, name)}; a finite number of at least 0 ({unit}) is expected"
                )
        if self.bath == "learned" and not self.friction > 0:
            raise TenfmaError("the bath 'learned' starts from a friction above 0; give one, and kT in eV")
        if self.p0 == "thermal" and not 0 < self.kT < float("inf"):
            raise TenfmaError(
                f"p0 'thermal' draws momenta at kT, which is {self.kT}; give a finite kT > 0 in eV"
            )
        if self.steps < 0 or not 0 < abs(self.dt) < float("inf"):
            raise TenfmaError(
                f"{self.steps} steps of {self.dt} are no motion; give steps ≥ 0 and a finite dt"
            )

    @property
    def noisy(self) -> bool:
        """Whether z depends on a draw of noise: of a bath, or of thermal p₀."""
        return self.steps > 0 and self.kT > 0 and (self.friction > 0 or self.p0 == "thermal")

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

    aggregation = "pool"
    scales: Tensor
    potential: Any
    momenta: Any

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
        self._add_chart()
        if motion.bath == "learned":
            self.log_friction = nn.Parameter(torch.zeros_like(self.log_mass))
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

    @staticmethod
    def check_motion(motion: Motion) -> None:
        """Raise TenfmaError for a motion that this kind of member has not."""

    @staticmethod
    def context_width(size: Size) -> int:
        """Numbers that the cell's static row gives to what moves."""
        return size.context

    def _add_chart(self) -> None:
        """What moves, and how: the cell's context, U_θ, masses and initial momenta."""
        self.cell = nn.Sequential(nn.Linear(len(self.static.names), self.context_width(self.size)), nn.SiLU())
        self.potential = PooledPotential(self.blocks, self.size.context)
        self.log_mass = nn.Parameter(torch.zeros(sum(block.copies for block in self.blocks)))
        self.momenta = mixing(self.blocks)

    def start(self, g: Graphs, seed: int = 0) -> tuple[Any, Tensor, Tensor, Tensor]:
        """H with q₀ and p₀, (G, D), and the standardised static rows."""
        static = self.static(g.static)
        q0 = self.messages(g, static)
        mass = per_component(self.blocks, self.log_mass.exp())
        H = PooledHamiltonian(self.potential, q0, self.cell(static), mass)
        return H, q0, self._momenta(q0, mass, seed), static

    def pooled(self, H: Any, q: Tensor) -> Tensor:
        """One row of `blocks` per crystal, (…, G, D), from states q: here they are that."""
        return q

    def energy_at_rest(self, H: Any, q0: Tensor) -> Tensor:
        """H at (q₀, 0), (G,), eV per atom."""
        return self.potential(q0, H.context)

    def friction(self, H: Any) -> float | Tensor:
        """γ of the bath, 1/time: one number, or one per component of q where it is learned, Γ = γ m."""
        motion = self.motion
        if motion.bath == "even":
            return motion.friction
        return motion.friction * per_component(self.blocks, self.log_friction.exp())

    def path(self, H: Any, q0: Tensor, p0: Tensor, seed: int = 0) -> tuple[Tensor, Tensor]:
        """q(T) pooled, (G, D), and the mean of its invariants over the kept states."""
        return self._seen(H, q0, self.walk(H, q0, p0, seed))

    def walk(self, H: Any, q0: Tensor, p0: Tensor, seed: int = 0) -> Path | None:
        """The motion from (q₀, p₀), `KEPT` states of it besides the start; None where there are no steps.

        Beyond training all crystals meet the same noise, so that z does not depend on the rest of the batch.
        """
        motion = self.motion
        if motion.steps == 0:
            return None
        bath: dict[str, Any] = {}
        if motion.friction > 0:
            streams = None if self.training else np.zeros(len(q0), dtype=int)
            bath = {"kT": motion.kT, "friction": self.friction(H), "seed": seed, "streams": streams}
        held = motion.gradient if torch.is_grad_enabled() else "none"
        return integrate(
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

    def embed(self, g: Graphs, seed: int = 0) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """z (G, n), standardised static rows, q(T) pooled, and H at rest, eV per atom."""
        H, q0, p0, static = self.start(g, seed)
        end, average = self.path(H, q0, p0, seed)
        return self._z(end, average), static, end, self.energy_at_rest(H, q0)

    def certified(self, g: Graphs, seed: int = 0) -> tuple[Tensor, Tensor, Tensor, dict[str, Tensor]]:
        """z (G, n), q(T) pooled, H at rest, eV per atom, and the `certificate` of the path that made them."""
        motion = self.motion
        with torch.no_grad():
            H, q0, p0, _ = self.start(g, seed)
            path = self.walk(H, q0, p0, seed)
            end, average = self._seen(H, q0, path)
            atoms = self.energy_atoms(g)
            if path is None:
                told = at_rest(atoms, q0)
            else:
                walk: dict[str, Any] = {"dt": motion.dt, "steps": motion.steps, "method": motion.method}
                told = certificate(H, path, partial(self.by_crystal, H), atoms, **walk)
            return self._z(end, average), end, self.energy_at_rest(H, q0), told

    def draws(self, g: Graphs, seeds: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Standardised targets of one draw of noise per seed, (seeds, G, targets), from one q₀, and H at rest (G,)."""
        H, q0, p0, static = self.start(g, seeds[0])
        found = []
        for seed in seeds:
            p0 = self._momenta(q0, H.mass, seed)
            z = self._z(*self.path(H, q0, p0, seed))
            found.append(self.read(torch.cat([z, static], dim=1)))
        return torch.stack(found), self.energy_at_rest(H, q0)

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
        """What the path behind z is worth, {name: (G,)}; see `tenfma.embedding.certificate`."""
        return self.certified(g, seed)[3]

    def energy_atoms(self, g: Graphs) -> Tensor:
        """How many atoms each crystal's H counts, (G,): one, for H per atom."""
        return torch.ones(len(g), dtype=g.static.dtype)

    def by_crystal(self, H: Any, q: Tensor) -> Tensor:
        """A state with one row per crystal, (G, …), filled up with zeros."""
        return q

    def single(self, H: Any, q0: Tensor, p0: Tensor) -> tuple[Any, Tensor, Tensor]:
        """H, q₀ and p₀ of one crystal without the axis of crystals."""
        H.q0, H.context = H.q0[0], H.context[0]
        return H, q0[0], p0[0]

    @property
    def names(self) -> tuple[str, ...]:
        """One name per component of z."""
        own = invariant_names(self.blocks)
        return (*(f"end.{name}" for name in own), *(f"path_mean.{name}" for name in own))

    def _seen(self, H: Any, q0: Tensor, path: Path | None) -> tuple[Tensor, Tensor]:
        """The path's end pooled, and the mean of invariants over what of it is kept."""
        pooled = self.pooled(H, q0)[None] if path is None else self.pooled(H, path.q)
        return pooled[-1], invariants(self.blocks, pooled).mean(0)

    def _z(self, end: Tensor, average: Tensor) -> Tensor:
        return torch.cat([invariants(self.blocks, end), average], dim=1)

    def _momenta(self, q0: Tensor, mass: Tensor, seed: int) -> Tensor:
        if self.motion.p0 == "zero":
            return torch.zeros_like(q0)
        if self.motion.p0 == "thermal":
            generator = torch.Generator().manual_seed(seed)
            noise = torch.randn(width(self.blocks), generator=generator).to(q0)
            return (noise * (mass * self.motion.kT).sqrt()).expand_as(q0)
        return mixed(self.blocks, self.momenta, q0)


def mixing(blocks: tuple[Block, ...]) -> nn.ParameterDict:
    """One matrix over the copies of each irrep, small at first."""
    return nn.ParameterDict(
        {
            block.key: nn.Parameter(0.1 * torch.randn(block.copies, block.copies) / block.copies**0.5)
            for block in blocks
        }
    )


def mixed(blocks: tuple[Block, ...], weights: Any, q: Tensor) -> Tensor:
    """P_θ(q): each irrep's copies mixed linearly, (…, width) → (…, width)."""
    parts = split_blocks(blocks, q)
    return torch.cat(
        [torch.einsum("vu,...ud->...vd", weights[b.key], parts[b.key]).flatten(-2) for b in blocks], dim=-1
    )
