"""The discrete features: decisions about a crystal, computed without gradients, joined to the rest."""

from dataclasses import replace

import torch

from tenfma.crystal.complex import SimplicialComplex, complex_of
from tenfma.crystal.features import motifs, symmetry
from tenfma.crystal.features.geometry import Geometry
from tenfma.crystal.features.tables import Channel, Features, FeatureTable
from tenfma.crystal.topology import BOND_RULE, betti, bloch_betti

#: what the Betti numbers are of; it does not depend on the cutoffs that features were asked for
BOND_COMPLEX = f"complex of bonds up to {BOND_RULE}"

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
    Channel("betti_0", "1", smooth=False, source=f"pieces of the cell's {BOND_COMPLEX}"),
    Channel("betti_1", "1", smooth=False, source=f"unfilled loops of the cell's {BOND_COMPLEX}, exact rank"),
    Channel("euler_per_atom", "1", smooth=False, source=f"χ / atoms of the {BOND_COMPLEX}"),
    Channel(
        "pieces_per_atom", "1", smooth=False, source=f"b₀ at generic Bloch phases / atoms, {BOND_COMPLEX}"
    ),
    Channel(
        "loops_per_atom", "1", smooth=False, source=f"b₁ at generic Bloch phases / atoms, {BOND_COMPLEX}"
    ),
)


@torch.no_grad()
def with_discrete(smooth: Features, g: Geometry) -> Features:
    """The same features with the discrete channels of atoms and cells added."""
    K = g.complex
    motif, shell = motifs.classify(g)
    groups = symmetry.space_groups(K)
    bonds = bond_complex_of(K)
    cell, generic = betti(bonds), bloch_betti(bonds)
    atoms = [motif, shell, motifs.organic(g)]
    systems = symmetry.crystal_systems(groups)
    cells = [
        *(torch.from_numpy(codes) for codes in (groups, systems)),
        *(cell.b0, cell.b1, generic.euler, generic.b0, generic.b1),
    ]
    return replace(smooth, atoms=_joined(smooth.atoms, ATOMS, atoms), cell=_joined(smooth.cell, CELL, cells))


def bond_complex_of(K: SimplicialComplex) -> SimplicialComplex:
    """The complex of chemical bonds of the same crystals, without gradients and on the CPU."""
    from ase import Atoms

    ends = K.counts(0).cumsum(0).tolist()
    numbers, positions = K.numbers.cpu().numpy(), K.positions.detach().cpu().double().numpy()
    cells, pbc = K.cells.detach().cpu().double().numpy(), K.pbc.cpu().numpy()
    crystals = [
        Atoms(numbers=numbers[start:end], positions=positions[start:end], cell=cell, pbc=periodic)
        for start, end, cell, periodic in zip([0, *ends[:-1]], ends, cells, pbc)
    ]
    return complex_of(crystals, BOND_RULE, BOND_RULE)


def _joined(table: FeatureTable, channels: tuple[Channel, ...], columns: list[torch.Tensor]) -> FeatureTable:
    with torch.enable_grad():
        added = torch.stack([column.to(table.values) for column in columns], dim=1)
        return replace(
            table, channels=table.channels + channels, values=torch.cat([table.values, added], dim=1)
        )
