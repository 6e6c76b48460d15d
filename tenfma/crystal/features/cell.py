"""h_global: what belongs to the whole cell. Intensive, so that a supercell reads as its primitive cell."""

import math

import torch
from ase import units

from tenfma.crystal import elements
from tenfma.crystal.complex import SimplicialComplex
from tenfma.crystal.features.geometry import Geometry
from tenfma.crystal.features.tables import Channel, FeatureTable

#: element data whose statistics over the composition are features of a cell
COMPOSED = (
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
STATISTICS = ("mean", "std", "min", "max")
#: amu/Å³ in g/cm³
GRAMS = 1 / units._Nav * 1e24

_UNITS = {p.name: p.unit for p in elements.PROPERTIES}

CHANNELS = (
    Channel(
        "volume_per_atom",
        "Å³",
        source="|det cell| / atoms; Σ (4π/3) R³ / atoms unless periodic along all axes",
    ),
    Channel("density", "g/cm³", source="Σ mass / volume"),
    Channel("packing_fraction", "1", source="Σ (4π/3) R³ / volume, R the covalent radius"),
    *(
        Channel(f"{name}_{statistic}", _UNITS[name], source=f"{statistic} over the atoms of the cell")
        for name in COMPOSED
        for statistic in STATISTICS
    ),
    Channel("quadrupole_mean", "1", irreps="2e", source="mean of the atoms' A_i"),
)


def mean_over_atoms(K: SimplicialComplex, values: torch.Tensor) -> torch.Tensor:
    """Plain mean per crystal of something per atom: (N, d) → (G, d)."""
    total = values.new_zeros((K.n_crystals, values.shape[1])).index_add(0, K.atom_crystal, values)
    return total / K.counts(0).to(values.dtype)[:, None]


def composition(K: SimplicialComplex, names: tuple[str, ...], dtype: torch.dtype) -> torch.Tensor:
    """Mean, standard deviation, least and greatest over each crystal's atoms: (G, len(names), 4)."""
    data = elements.data(K.numbers, names, dtype)
    mean = mean_over_atoms(K, data)
    deviation = mean_over_atoms(K, (data - mean[K.atom_crystal]) ** 2).sqrt()
    owner = K.atom_crystal[:, None].expand_as(data)
    least, greatest = (
        torch.zeros_like(mean).scatter_reduce(0, owner, data, how, include_self=False)
        for how in ("amin", "amax")
    )
    return torch.stack([mean, deviation, least, greatest], dim=2)


def volumes(K: SimplicialComplex) -> torch.Tensor:
    """Volume of each cell in Å³, (G,); of its atoms' covalent spheres unless periodic along all axes.

    The box around a molecule or a slab is a choice and not a property, hence the spheres.
    """
    volume = K.volumes()
    spheres = mean_over_atoms(K, _spheres(K, volume.dtype)[:, None])[:, 0] * K.counts(0)
    return torch.where(K.pbc.all(1), volume, spheres)


def cell_features(g: Geometry, tilt: torch.Tensor) -> FeatureTable:
    """The smooth table of cells; `tilt` is the atoms' quadrupole A_i, (N, 5)."""
    K = g.complex
    per_atom = volumes(K) / K.counts(0)
    mass = elements.data(K.numbers, ["mass"], per_atom.dtype)
    mean = mean_over_atoms(K, torch.cat([mass, _spheres(K, per_atom.dtype)[:, None], tilt], dim=1))
    values = torch.cat(
        [
            per_atom[:, None],
            GRAMS * mean[:, :1] / per_atom[:, None],
            mean[:, 1:2] / per_atom[:, None],
            composition(K, COMPOSED, per_atom.dtype).flatten(1),
            mean[:, 2:],
        ],
        dim=1,
    )
    return FeatureTable("cell", CHANNELS, values, values.new_ones(len(values)))


def _spheres(K: SimplicialComplex, dtype: torch.dtype) -> torch.Tensor:
    """Volume of each atom's covalent sphere, Å³, (N,)."""
    return 4 * math.pi / 3 * elements.data(K.numbers, ["covalent_radius"], dtype)[:, 0] ** 3
