"""What makes a `Model` a force model: a finer description of bonds, and a potential linear in its parameters."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tenfma.crystal.complex import SimplicialComplex
from tenfma.crystal.elements import LAST
from tenfma.crystal.features.atoms import quadrupole
from tenfma.crystal.features.cell import cell_features
from tenfma.crystal.features.expansion import atom_channels, bond_channels, expand_bonds, indicate_elements
from tenfma.crystal.features.geometry import geometry
from tenfma.crystal.features.tables import Channel, Features, FeatureTable
from tenfma.embedding.saved import Settings
from tenfma.errors import TenfmaError
from tenfma.hamiltonian.body_ordered import BodyOrdered
from tenfma.hamiltonian.evaluator import Description, Evaluator
from tenfma.hamiltonian.invariants import Invariants
from tenfma.hamiltonian.kernels import LMAX
from tenfma.hamiltonian.layout import Block
from tenfma.hamiltonian.messages import Messages

#: bonds only: the invariants of an atom's neighbourhood hold the angles
NO_TRIANGLES = 0.1
#: what a saved model may ask for, so that an edited one is refused before it takes all memory
MOST_RADIAL, MOST_MONOMIALS, LONGEST_CUTOFF = 64, 50_000_000, 20.0


@dataclass(frozen=True, eq=False)
class BodyOrder:
    """The description of a force model: which features its q holds and which potential reads them."""

    description: Description

    @property
    def channels(self) -> dict[str, Sequence[Channel]]:
        d = self.description
        bonds = bond_channels(d.invariants.radial, d.invariants.lmax)
        return {"atoms": atom_channels(d.elements), "bonds": bonds, "triangles": ()}

    def potential(self, blocks: dict[str, tuple[Block, ...]]) -> BodyOrdered:
        """U_θ with θ = 0."""
        d = self.description
        return BodyOrdered(blocks, d.invariants, d.embedding, d.messages)

    def features(self, K: SimplicialComplex) -> Features:
        """Element indicators, radial functions and harmonics, and Module A's cell."""
        g, tables = geometry(K), self.tables(K)
        cell = cell_features(g, quadrupole(g))
        return Features(K, tables["atoms"], tables["bonds"], tables["triangles"], cell)

    def tables(self, K: SimplicialComplex) -> dict[str, FeatureTable]:
        """What U_θ sees of a complex."""
        d = self.description
        bonds = expand_bonds(K, d.invariants.radial, d.invariants.lmax)
        empty = FeatureTable(
            "triangles", (), bonds.values.new_zeros(K.n_triangles, 0), bonds.values.new_zeros(K.n_triangles)
        )
        return {"atoms": indicate_elements(K, d.elements), "bonds": bonds, "triangles": empty}

    def evaluator(self, potential: BodyOrdered) -> Evaluator:
        """The same U_θ in machine code."""
        weights, offsets = potential.weights.detach(), potential.offsets.detach()
        return Evaluator(self.description, weights.cpu().numpy(), offsets.cpu().numpy())

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready settings, read back by `read`."""
        d = self.description
        return {
            "elements": list(d.elements),
            "invariants": asdict(d.invariants),
            "embedding": d.embedding.tolist(),
            "cutoff": d.cutoff,
            "messages": [list(one) for one in d.messages.told],
        }

    @classmethod
    def read(cls, held: Settings, functions: int) -> "BodyOrder":
        """What `to_dict` gave, which must describe just so many functions. Raises TenfmaError for anything else."""
        held.only("elements", "invariants", "embedding", "cutoff", "messages")
        elements = held.many("elements")
        if not all(type(z) is int and 1 <= z <= LAST for z in elements) or elements != sorted(set(elements)):
            raise TenfmaError(f"{held.where} has elements that are no rising atomic numbers from 1 to {LAST}")
        found = held.part("invariants")
        found.only("radial", "lmax", "degrees", "channels", "degree_l", "degree_channel")
        invariants = Invariants(
            found.whole("radial", 1, MOST_RADIAL),
            found.whole("lmax", 0, LMAX),
            found.numbers("degrees", 0.0, 1000.0),
            found.whole("channels", 1, LAST),
            found.number("degree_l", 0.01, 1000.0),
            found.number("degree_channel", 0.0, 1000.0),
        )
        rows = [
            Settings({"row": row}, f"{held.where} embedding").numbers("row") for row in held.many("embedding")
        ]
        messages = _messages(held, invariants)
        columns = invariants.channels - len(messages)
        if columns < 1 or [len(row) for row in rows] != [columns] * len(elements):
            raise TenfmaError(
                f"{held.where} has an embedding that is not of {len(elements)} elements by {columns} channels"
            )
        embedding = np.array(rows)
        if not 1 <= len(invariants.degrees) <= 4 or not invariants.monomials_within(
            functions, MOST_MONOMIALS
        ):
            raise TenfmaError(
                f"{held.where} has invariants that are not the {functions} which the weights are of"
            )
        cutoff = held.number("cutoff", 0.1, LONGEST_CUTOFF)
        return cls(Description(tuple(elements), invariants, embedding, cutoff, messages))


def _messages(held: Settings, invariants: Invariants) -> Messages:
    """What atoms tell; models made before messages tell nothing."""
    told = held.many("messages") if "messages" in held.held else []
    bounds = (invariants.radial, invariants.lmax + 1)
    for one in told:
        fits = isinstance(one, list) and len(one) == 2
        if not fits or not all(type(x) is int and 0 <= x < most for x, most in zip(one, bounds)):
            raise TenfmaError(
                f"{held.where} has messages that are no pairs of a radial function and a degree below "
                f"{bounds[0]} and {bounds[1]}"
            )
    return Messages(tuple((n, ell) for n, ell in told))
