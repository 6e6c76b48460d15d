"""The discrete features: decisions about a crystal, computed without gradients, joined to the rest."""

from dataclasses import replace

import torch

from tenfma.crystal.features import motifs, symmetry
from tenfma.crystal.features.geometry import Geometry
from tenfma.crystal.features.tables import Channel, Features, FeatureTable

ATOMS = (
    Channel(
        "motif",
        "1",
        smooth=False,
        source="ideal motif nearest in Q₁…Q₆ (Steinhardt et al. 1983) among those with as many neighbours",
        labels=motifs.motif_labels(),
    ),
    Channel(
        "first_shell",
        "1",
        smooth=False,
        source="neighbours before the widest gap within 1.7 nearest distances",
    ),
    Channel(
        "environment",
        "1",
        smooth=False,
        source="organic: in a molecule of non-metals that holds a C–H bond",
        labels=motifs.ENVIRONMENTS,
    ),
)

CELL = (
    Channel(
        "space_group", "1", smooth=False, source="international number, spglib at 0.01 Å; 0 if there is none"
    ),
    Channel("crystal_system", "1", smooth=False, source="from the space group", labels=symmetry.SYSTEMS),
    Channel("euler_per_atom", "1", smooth=False, source="(atoms − bonds + triangles) / atoms"),
)


@torch.no_grad()
def with_discrete(smooth: Features, g: Geometry) -> Features:
    """The same features with the discrete channels of atoms and cells added."""
    K = g.complex
    motif, shell = motifs.classify(g)
    groups = symmetry.space_groups(K)
    euler = K.counts(0) - K.counts(1) + K.counts(2)
    atoms = [motif, shell, motifs.organic(g)]
    cells = [
        torch.from_numpy(groups),
        torch.from_numpy(symmetry.crystal_systems(groups)),
        euler / K.counts(0),
    ]
    return replace(smooth, atoms=_joined(smooth.atoms, ATOMS, atoms), cell=_joined(smooth.cell, CELL, cells))


def _joined(table: FeatureTable, channels: tuple[Channel, ...], columns: list[torch.Tensor]) -> FeatureTable:
    with torch.enable_grad():
        added = torch.stack([column.to(table.values) for column in columns], dim=1)
        return replace(
            table, channels=table.channels + channels, values=torch.cat([table.values, added], dim=1)
        )
