"""A TEN-FMA model: everything learned, and how a crystal becomes (H, q₀, p₀) with it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from tenfma.crystal import prototypes
from tenfma.crystal.complex import (
    DEFAULT_CUTOFF,
    DEFAULT_TRIANGLE_CUTOFF,
    SimplicialComplex,
    complex_of,
)
from tenfma.crystal.cutoffs import Cutoff, cutoff_rule
from tenfma.crystal.features import LOCAL_RANKS, Channel, Features, FeatureTable, featurize
from tenfma.embedding.forces_model import NO_TRIANGLES, BodyOrder
from tenfma.embedding.pooling import Embedding
from tenfma.embedding.saved import WEIGHTS, write_settings
from tenfma.errors import TenfmaError
from tenfma.hamiltonian.body_ordered import BodyOrdered
from tenfma.hamiltonian.evaluator import Evaluator
from tenfma.hamiltonian.layout import Layout, split_blocks
from tenfma.hamiltonian.lift import Lift, plain_lift
from tenfma.hamiltonian.network import Connectivity, Potential
from tenfma.hamiltonian.protocol import Hamiltonian
from tenfma.hamiltonian.simplices import SimplicesHamiltonian, weighed
from tenfma.whole import write_tensors

if TYPE_CHECKING:
    from tenfma.embedding.calculator import Calculator

CHARTS = ("simplices", "atoms")
MOMENTA = ("zero", "learned", "thermal")
#: crystals of many kinds of bonding whose features set the reference means and scales
REFERENCE = (
    "B1",
    "B3",
    "A1",
    "A2",
    "A4",
    "A9",
    "C1",
    "C4",
    "E2_1",
    "H1_1",
    "L1_2",
    "B2",
    "quartz",
    "calcite",
    "A7",
)


@dataclass(frozen=True)
class Start:
    """A Hamiltonian with its initial state; unpacks as `H, q0, p0`."""

    H: Hamiltonian
    q0: Tensor
    p0: Tensor

    def __iter__(self) -> Iterator[Any]:
        return iter((self.H, self.q0, self.p0))


class Model(nn.Module):
    """Lift, potential, masses and initial momenta, with the cutoffs (Å) of the complexes they are for.

    `confinement` is κ in eV, of the simplices chart only. `trained` says whether the weights have seen data.
    """

    def __init__(
        self,
        channels: Mapping[str, Sequence[Channel]],
        *,
        name: str,
        trained: bool,
        seed: int = 0,
        cutoff: float | str | Cutoff = DEFAULT_CUTOFF,
        triangle_cutoff: float | str | Cutoff = DEFAULT_TRIANGLE_CUTOFF,
        confinement: float = 1.0,
        body_order: BodyOrder | None = None,
    ) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.name, self.trained, self.seed = name, trained, seed
        self.cutoff, self.triangle_cutoff = cutoff_rule(cutoff), cutoff_rule(triangle_cutoff)
        self.confinement = confinement
        self.body_order = body_order
        self.potential: nn.Module
        if body_order is None:
            self.lift = Lift(channels, generator)
            self.potential = Potential(self.lift.blocks, generator)
        else:
            self.lift = plain_lift(channels)
            self.potential = body_order.potential(self.lift.blocks)
        copies = {rank: sum(block.copies for block in self.lift.blocks[rank]) for rank in LOCAL_RANKS}
        self.log_mass = nn.ParameterDict(
            {rank: nn.Parameter(torch.zeros(copies[rank], dtype=torch.float64)) for rank in LOCAL_RANKS}
        )
        self.momenta = nn.ModuleDict(
            {
                rank: nn.ParameterDict(
                    {
                        block.key: nn.Parameter(
                            0.1
                            * torch.randn(
                                block.copies, block.copies, dtype=torch.float64, generator=generator
                            )
                            / block.copies**0.5
                        )
                        for block in self.lift.blocks[rank]
                    }
                )
                for rank in LOCAL_RANKS
            }
        )

    @classmethod
    def untrained(cls, seed: int = 0, **settings: Any) -> "Model":
        """Seeded random weights: right in every symmetry and knowing no chemistry."""
        reference = _reference(
            settings.get("cutoff", DEFAULT_CUTOFF), settings.get("triangle_cutoff", DEFAULT_TRIANGLE_CUTOFF)
        )
        channels = {rank: table.channels for rank, table in reference.items()}
        model = cls(channels, name=f"untrained (seed {seed})", trained=False, seed=seed, **settings)
        with torch.no_grad():
            model.lift.fit(reference)
        return model.requires_grad_(False).eval()

    @property
    def description(self) -> str:
        """What to say of the weights wherever the model's numbers are shown."""
        return self.name if self.trained else f"{self.name}: random weights that know no chemistry"

    def complex(self, structures: Any) -> SimplicialComplex:
        """The complex of a structure or a list, at the model's cutoffs."""
        return complex_of(
            structures, cutoff=self.cutoff, triangle_cutoff=self.triangle_cutoff, dtype=self.dtype
        )

    @property
    def dtype(self) -> torch.dtype:
        return next(self.potential.parameters()).dtype

    @property
    def evaluator(self) -> Evaluator | None:
        """U_θ in machine code, where this model has it."""
        if self.body_order is None:
            return None
        assert isinstance(self.potential, BodyOrdered)
        return self.body_order.evaluator(self.potential)

    def calculator(self, skin: float = 0.5) -> "Calculator":
        """An ASE calculator: energy, free_energy, forces and stress of U_θ."""
        from tenfma.embedding.calculator import Calculator

        return Calculator(self, skin)

    @classmethod
    def of_body_order(cls, body_order: BodyOrder, name: str, trained: bool = False) -> "Model":
        """A force model; its weights are zero until they are set."""
        model = cls(
            body_order.channels,
            name=name,
            trained=trained,
            cutoff=body_order.description.cutoff,
            triangle_cutoff=NO_TRIANGLES,
            body_order=body_order,
        )
        return model.requires_grad_(False).eval()

    def features(self, K: SimplicialComplex) -> Features:
        """The smooth features of a complex."""
        if self.body_order is not None:
            return self.body_order.features(K)
        return featurize(K, smooth_only=True)

    def hamiltonian(
        self,
        structure: Any,
        chart: str = "simplices",
        p0: str = "zero",
        kT: float = 0.0,
        seed: int = 0,
    ) -> Start:
        """H with its initial state: `H, q0, p0 = model.hamiltonian(structure)`.

        A list of structures becomes one union. p0: 'zero', 'learned' (equivariant in q₀) or 'thermal'
        (a Maxwell– Boltzmann draw at kT, eV, from `seed`). Raises TenfmaError for another chart or p0.
        """
        if chart not in CHARTS:
            raise TenfmaError(f"there is no chart {chart!r}; charts here are {', '.join(CHARTS)}")
        check_momenta(p0, kT)
        K = structure if isinstance(structure, SimplicialComplex) else self.complex(structure)
        if chart == "atoms":
            from tenfma.hamiltonian.atoms import AtomsHamiltonian

            if p0 == "learned":
                raise TenfmaError(
                    "p0 'learned' belongs to the simplices chart; use 'zero' or 'thermal' for atoms"
                )
            H: Hamiltonian = AtomsHamiltonian(
                self.lift,
                self.potential,
                K,
                self.cutoff,
                self.triangle_cutoff,
                name=f"H_θ of {self.name}, atoms",
                tables=None if self.body_order is None else self.body_order.tables,
                evaluator=self.evaluator,
            )
            q0 = K.positions
            return Start(H, q0, _thermal(H, q0, kT, seed) if p0 == "thermal" else torch.zeros_like(q0))
        return self.start(self.features(K), p0, kT, seed)

    def start(self, features: Features, p0: str = "zero", kT: float = 0.0, seed: int = 0) -> Start:
        """The simplices chart from features already computed."""
        K = features.complex
        layout = self.layout(K)
        rows = self.lift(features.for_potential())
        q0 = layout.join(rows)
        weights = {"bonds": features.bonds.weights, "triangles": features.triangles.weights}
        mass = weighed(
            layout.expand({rank: self.log_mass[rank].exp() for rank in LOCAL_RANKS}), layout, weights
        )
        H = SimplicesHamiltonian(
            self.potential, layout, Connectivity.of(K), q0, mass, self.confinement, f"H_θ of {self.name}"
        )
        if p0 == "learned":
            return Start(H, q0, layout.join({rank: self._momentum(rank, rows[rank]) for rank in LOCAL_RANKS}))
        return Start(H, q0, _thermal(H, q0, kT, seed) if p0 == "thermal" else torch.zeros_like(q0))

    def layout(self, K: SimplicialComplex) -> Layout:
        """The layout of states on a complex."""
        owners = dict(zip(LOCAL_RANKS, (K.atom_crystal, K.edge_crystal, K.triangle_crystal)))
        return self.lift.layout(owners, K.n_crystals)

    def energy(self, structure: Any) -> float:
        """U_θ(q₀) of a structure, eV."""
        return float(self.energies([structure])[0])

    def energies(self, structures: Any) -> Tensor:
        """U_θ(q₀) of each structure, (n,), eV."""
        with torch.no_grad():
            H, q0, p0 = self.hamiltonian(structures)
            return H(q0, p0)

    def embed(self, structures: Sequence[Any], **options: Any) -> Embedding:
        """Named invariants of each structure, (n, d); see `pipeline.embed` for the options."""
        from tenfma.embedding.pipeline import embed

        return embed(self, structures, **options)

    def save(self, folder: str | Path) -> None:
        """Write weights (safetensors) and settings (JSON) to a folder."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        channels = {rank: [asdict(c) for c in self.lift.rank(rank).channels[1:]] for rank in LOCAL_RANKS}
        settings = {
            "name": self.name,
            "trained": self.trained,
            "seed": self.seed,
            "cutoff": _text(self.cutoff),
            "triangle_cutoff": _text(self.triangle_cutoff),
            "confinement": self.confinement,
            "channels": channels,
        }
        if self.body_order is not None:
            settings["body_order"] = self.body_order.to_dict()
        write_tensors(self.state_dict(), folder / WEIGHTS)
        write_settings(settings, folder, indent=1)

    @classmethod
    def restore(cls, folder: str | Path) -> "Model":
        """Read what `save` wrote. Raises TenfmaError where the folder holds no model, or one that was edited."""
        from tenfma.embedding.restored import restored_model

        return restored_model(Path(folder))

    def _momentum(self, rank: str, rows: Tensor) -> Tensor:
        """P_θ(q₀): each irrep's copies mixed linearly."""
        weights = self.momenta[rank]
        assert isinstance(weights, nn.ParameterDict)
        blocks = self.lift.blocks[rank]
        pieces = split_blocks(blocks, rows)
        mixed = [torch.einsum("vu,nud->nvd", weights[b.key], pieces[b.key]).flatten(1) for b in blocks]
        return torch.cat(mixed, dim=1)


def check_momenta(p0: str, kT: float) -> None:
    """Raise TenfmaError unless p0 is a known choice and has the temperature it needs."""
    if p0 not in MOMENTA:
        raise TenfmaError(f"p0 is {p0!r}; {', '.join(MOMENTA)} are accepted")
    if p0 == "thermal" and not 0 < kT < float("inf"):
        raise TenfmaError(f"p0 'thermal' draws momenta at kT, which is {kT}; give a finite kT > 0 in eV")


def _text(rule: Cutoff) -> str:
    """A cutoff rule as a text that `cutoff_rule` reads."""
    return str(rule).replace(" Å", "")


def _thermal(H: Hamiltonian, q0: Tensor, kT: float, seed: int) -> Tensor:
    """p ~ exp(−p²/2m kT)."""
    generator = torch.Generator().manual_seed(seed)
    mass = torch.as_tensor(H.mass, dtype=q0.dtype)
    return torch.randn(q0.shape, dtype=q0.dtype, generator=generator) * torch.sqrt(mass * kT)


@lru_cache(maxsize=4)
def _reference(cutoff: Any, triangle_cutoff: Any) -> dict[str, FeatureTable]:
    structures = [prototypes.find(name).structure() for name in REFERENCE]
    K = complex_of(structures, cutoff=cutoff, triangle_cutoff=triangle_cutoff)
    with torch.no_grad():
        return featurize(K, smooth_only=True).for_potential()
