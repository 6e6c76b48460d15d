"""h⁽⁰⁾: who an atom is, and the shape of what surrounds it."""

import torch

from tenfma.crystal import elements
from tenfma.crystal.features.geometry import Geometry
from tenfma.crystal.features.tables import Channel, FeatureTable
from tenfma.crystal.features.tensors import traceless_square

#: element data that are features of an atom, by their names in the element table
ELEMENT_FEATURES = (
    "electronegativity",
    "covalent_radius",
    "ionisation_energy",
    "valence_s",
    "valence_p",
    "valence_d",
    "valence_f",
    "row",
    "group",
    "mass",
    "unpaired",
)
#: the counting function's steepness and reach in covalent radii, Grimme et al., J. Chem. Phys. 2010, 132,
#: 154104, eq. 15
STEEPNESS = 16.0
REACH = 4 / 3

_SOURCES = {p.name: p for p in elements.PROPERTIES}

CHANNELS = (
    *(Channel(name, _SOURCES[name].unit, source=_SOURCES[name].source) for name in ELEMENT_FEATURES),
    Channel(
        "coordination", "1", source="Σ_j w / (1 + exp(−16(4/3·(R_i+R_j)/r − 1))), Grimme et al. 2010, eq. 15"
    ),
    Channel("dipole", "1", irreps="1o", source="d_i = Σ_j w(r) r̂_ij"),
    Channel("quadrupole", "1", irreps="2e", source="A_i = Σ_j w(r) (r̂_ij ⊗ r̂_ij − 1/3)"),
)


def coordination(g: Geometry) -> torch.Tensor:
    """Smooth coordination number, (N,): a bond counts 1 below 4/3 of the covalent radii, 0 well beyond."""
    radii = elements.data(g.complex.numbers, ["covalent_radius"], g.lengths.dtype)[:, 0]
    touching = radii[g.complex.edges].sum(1)
    counted = g.edge_weights * torch.sigmoid(STEEPNESS * (REACH * touching / g.lengths - 1))
    return g.at_atoms(counted, counted)


def dipole(g: Geometry) -> torch.Tensor:
    """d_i = Σ_j w r̂_ij, (N, 3), 1o."""
    pull = g.edge_weights[:, None] * g.units
    return g.at_atoms(pull, -pull)


def quadrupole(g: Geometry) -> torch.Tensor:
    """A_i = Σ_j w (r̂ r̂ᵀ − 1/3), (N, 5), 2e."""
    spread = g.edge_weights[:, None] * traceless_square(g.units)
    return g.at_atoms(spread, spread)


def atom_features(g: Geometry, tilt: torch.Tensor) -> FeatureTable:
    """The smooth table of atoms; `tilt` is `quadrupole(g)`, which the bonds use as well."""
    data = elements.data(g.complex.numbers, ELEMENT_FEATURES, g.lengths.dtype)
    values = torch.cat([data, coordination(g)[:, None], dipole(g), tilt], dim=1)
    return FeatureTable("atoms", CHANNELS, values, values.new_ones(len(values)))
