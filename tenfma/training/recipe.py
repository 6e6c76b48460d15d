"""The one recipe for every element: how large the body-ordered basis is, and what validation may choose.

All numbers were chosen on validation frames held out of training data; `docs/potential.md` tells what was tried.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import count

import numpy as np
import torch

from tenfma.crystal.elements import data, table
from tenfma.errors import TenfmaError
from tenfma.hamiltonian.evaluator import Description
from tenfma.hamiltonian.invariants import Invariants
from tenfma.hamiltonian.kernels import LMAX
from tenfma.hamiltonian.messages import Messages


@dataclass(frozen=True)
class Recipe:
    """Basis, and the candidates among which validation chooses.

    Energies are fitted per atom with `energy_weights` (Å), forces with 1, virials per atom with `virial_weight` (Å);
    `ridges` are added to the normal matrix scaled to unit diagonal. A model of one element has up to
    `functions` invariants, of several up to `functions_mixed` per element. A factor in element channel c multiplies
    its function's ridge by `channel_penalties[c]`: what data cannot tell apart depends on a neighbour's group first,
    on its row next, which is how binaries teach what ternaries and quaternaries are like.

    In a model of one element atoms may also tell `messages`, (n, ℓ) of their own surroundings. A factor that listens
    costs as much as one that tells elements apart and multiplies its function's ridge by `message_penalty`; a function
    of order ν has its ridge multiplied by `order_penalty`^ν Π (n + 1 + degree_l ℓ)^`smoothness` besides, over its
    median. Mixtures do without these: their ridge, of `ridges_mixed`, was chosen for compositions that were never seen.
    """

    cutoff: float = 5.2
    radial: int = 12
    lmax: int = 5
    degrees: tuple[float, ...] = (16, 16, 15, 13)
    degree_l: float = 0.75
    degree_channel: float = 5.0
    functions: int = 2400
    functions_mixed: int = 1400
    channels: int = 4
    channel_penalties: tuple[float, ...] = (1.0, 30.0, 1000.0, 3000.0)
    energy_weights: tuple[float, ...] = (50.0, 150.0, 500.0)
    ridges: tuple[float, ...] = (1e-4, 1e-5, 1e-6, 1e-7)
    ridges_mixed: tuple[float, ...] = (1e-4, 1e-5, 1e-6, 1e-7)
    virial_weight: float = 10.0
    messages: tuple[tuple[int, int], ...] = ()
    message_penalty: float = 10.0
    smoothness: float = 0.0
    order_penalty: float = 1.0

    def __post_init__(self) -> None:
        if not 1.0 <= self.cutoff <= 12.0:
            raise TenfmaError(f"the cutoff is {self.cutoff} Å; a radius from 1 to 12 Å is expected")
        if not 0 <= self.lmax <= LMAX:
            raise TenfmaError(f"lmax is {self.lmax}; a whole number from 0 to {LMAX} is expected")
        ridges = (*self.ridges, *self.ridges_mixed)
        if not self.energy_weights or not self.ridges or not self.ridges_mixed:
            raise TenfmaError(
                "there is no energy weight or no ridge to choose from; give at least one of each"
            )
        if min(*self.energy_weights, *ridges, self.virial_weight) <= 0:
            raise TenfmaError(
                "an energy weight, virial weight or ridge is not positive; give numbers above 0"
            )

        if len(self.channel_penalties) < self.channels or min(self.channel_penalties) <= 0:
            raise TenfmaError(
                f"{self.channels} channels need as many penalties above 0, and there are {self.channel_penalties}"
            )

    def candidates(self, description: Description) -> tuple[float, ...]:
        """The ridges ρ to choose from."""
        return self.ridges if len(description.elements) == 1 else self.ridges_mixed

    def penalties(self, description: Description) -> np.ndarray:
        """π of each function, (functions,): of its factors' channels, times that of smoothness and order."""
        functions = [factors for factors, _ in description.invariants.functions]
        told = len(description.messages)
        by_element = self.channel_penalties[: description.embedding.shape[1]]
        each = (*by_element, *[self.message_penalty] * told)
        channels = np.array([np.prod([each[c] for c, _, _ in f]) for f in functions])
        if len(description.elements) > 1:
            return channels
        sizes = np.array([np.prod([n + 1 + self.degree_l * ell for _, n, ell in f]) for f in functions])
        smooth = sizes**self.smoothness * self.order_penalty**description.invariants.orders
        return channels * (smooth / np.median(smooth))

    def to_dict(self) -> dict:
        return asdict(self)

    def description(self, elements: Sequence[int]) -> Description:
        """The basis for these elements: the largest of the recipe's shape that stays within its budget."""
        elements = tuple(sorted(int(z) for z in elements))
        embedding = element_embedding(elements, self.channels)
        budget = self.functions if len(elements) == 1 else self.functions_mixed
        messages = Messages(self.messages if len(elements) == 1 else ())
        channels = embedding.shape[1] + len(messages)
        first = Invariants(self.radial, self.lmax, self.degrees, channels, self.degree_l, self.degree_channel)
        for step in count():
            lowered = tuple(degree - 0.25 * step for degree in self.degrees)
            if lowered[-1] <= len(self.degrees):
                raise TenfmaError(f"no basis has at most {budget} functions; raise the budget")
            invariants = replace(first, degrees=lowered)
            if invariants.within(budget):
                return Description(elements, invariants, embedding, float(self.cutoff), messages)
        raise AssertionError("unreachable: the loop above ends")


#: `medium` made the shipped models; in `large` atoms pass messages, and smooth functions come first
SIZES = {
    "medium": Recipe(),
    "large": Recipe(
        functions=3700,
        messages=((0, 1), (0, 2)),
        smoothness=4.0,
        order_penalty=10.0,
        ridges=(1e-3, 1e-4, 1e-5),
    ),
}


def element_embedding(elements: Sequence[int], channels: int) -> np.ndarray:
    """Columns e_c (Z, C ≤ channels): 1, then orthonormalised group, row, their product, χ and radius.

    Columns have mean square 1; one that earlier columns already span is left out. Mo, Nb, Ta and W get
    [1, ±1 by group, ±1 by row, ±1 by their product].
    """
    columns = [np.ones(len(elements))]
    names = ["group", "row", "electronegativity", "covalent_radius", "mass"]
    values = data(torch.tensor(elements), names).numpy()
    centred = values - values.mean(0)
    spread = np.sqrt((centred**2).mean(0))
    centred = centred / np.where(spread > 1e-9, spread, 1.0)
    proposals = [centred[:, 0], centred[:, 1], centred[:, 0] * centred[:, 1], *centred[:, 2:].T]
    for proposal in proposals:
        rest = proposal.copy()
        for _ in range(2):
            for column in columns:
                rest -= column * (column @ rest) / len(elements)
        size = np.sqrt((rest**2).mean())
        if size > 1e-6 and len(columns) < min(channels, len(elements)):
            columns.append(rest / size)
    return np.stack(columns, axis=1)


def symbols(elements: Sequence[int]) -> list[str]:
    """Chemical symbols of atomic numbers."""
    return [table().symbols[int(z)] for z in elements]
