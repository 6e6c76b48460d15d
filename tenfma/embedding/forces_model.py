"""What makes a `Model` a force model: a finer description of bonds, and a potential linear in its parameters."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tenfma.crystal.complex import SimplicialComplex
from tenfma.crystal.features.atoms import quadrupole
from tenfma.crystal.features.cell import cell_features
from tenfma.crystal.features.expansion import atom_channels, bond_channels, expand_bonds, indicate_elements
from tenfma.crystal.features.geometry import geometry
from tenfma.crystal.features.tables import Channel, Features, FeatureTable
from tenfma.hamiltonian.body_ordered import BodyOrdered
from tenfma.hamiltonian.evaluator import Description, Evaluator
from tenfma.hamiltonian.invariants import Invariants
from tenfma.hamiltonian.layout import Block

#: bonds only: the invariants of an atom's neighbourhood hold the angles
NO_TRIANGLES = 0.1


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
        return BodyOrdered(blocks, self.description.invariants, self.description.embedding)

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
        """JSON-ready settings, read back by `from_dict`."""
        d = self.description
        return {
            "elements": list(d.elements),
            "invariants": asdict(d.invariants),
            "embedding": d.embedding.tolist(),
            "cutoff": d.cutoff,
        }

    @classmethod
    def from_dict(cls, held: dict[str, Any]) -> "BodyOrder":
        settings = dict(held["invariants"])
        settings["degrees"] = tuple(settings["degrees"])
        elements = tuple(int(z) for z in held["elements"])
        embedding = np.array(held["embedding"], dtype=float)
        return cls(Description(elements, Invariants(**settings), embedding, float(held["cutoff"])))
