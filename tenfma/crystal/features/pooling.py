"""Pooled static features: one intensive, rotation-invariant row per crystal.

Every statistic is a mean over atoms, or a weighted mean over bonds or triangles, so that a supercell gives
the row of its primitive cell:

    mean = g m,    std = g (√(v + δ²) − δ),    g = W / (W + ε N),    W = Σ w

with m = Σ w x / W and v = Σ w (x − m)² / W, N atoms, ε = .01 and δ a thousandth of x's unit (of the spread among the
elements for contrasts of their data). g lets a crystal's first or last bond come and go twice differentiably (without
any, all is zero), and falls short of one by a part in a thousand where W is ten per atom; δ rounds the root where all
x are equal. Of the smooth columns only the sorted `springs.stiffness_1` to `_6` have kinks, where two eigenvalues cross.
Bonds are pooled twice: by their smooth weight, which counts all neighbours, and by weight × bond
valence, which counts those that bond. Tensors enter by their squared length. Nothing here is meant for a
potential.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from tenfma.crystal import elements
from tenfma.crystal.features.cell import composition, mean_over_atoms
from tenfma.crystal.features.elasticity import stiffness
from tenfma.crystal.features.tables import Features, FeatureTable

#: Å, where the Gaussians of the radial histogram sit; their width is the spacing
RADIAL_CENTRES = torch.linspace(1.25, 6.0, 20, dtype=torch.float64)
#: the same for distances in units of the covalent radii's sum
SCALED_CENTRES = torch.linspace(0.7, 2.2, 16, dtype=torch.float64)
#: and for the cosine at a triangle's corner
ANGULAR_CENTRES = torch.linspace(-1.0, 1.0, 9, dtype=torch.float64)
#: weight per atom that every weighted mean has in its denominator
FLOOR = 0.01
#: what rounds a standard deviation at zero, in units of its column
ROUNDING = 1e-3
#: GPa, added to moduli before their logarithm
SOFTEST = 1e-3
#: element data that stand in the pooled row beside those of the cell's table
EXTRA = (
    "melting_temperature",
    "molar_volume",
    "bond_valence_size",
    "bond_valence_softness",
    "shell_n",
    "shell_l",
)
#: element data whose differences across bonds are pooled
CONTRASTS = (
    "electronegativity",
    "covalent_radius",
    "ionisation_energy",
    "valence_p",
    "valence_d",
    "row",
    "group",
    "mass",
    "melting_temperature",
    "molar_volume",
)
#: invariants of bonds whose moments are pooled
_BOND_NAMES = (
    "length",
    "bond_valence",
    "bond_order",
    "ionic_character",
    "shared_neighbours",
    "shell_n_mean",
    "shell_l_mean",
    "spin_sum",
    "inverse_reduced_mass",
    "force_constant",
    "frequency",
)

#: discrete features of a cell that are intensive
_DISCRETE_CELL = ("space_group", "crystal_system", "euler_per_atom", "pieces_per_atom", "loops_per_atom")

Block = tuple[list[str], torch.Tensor]


@dataclass(frozen=True, eq=False)
class Pooled:
    """Rows per crystal: `values` (G, D) with one name per column."""

    names: tuple[str, ...]
    values: torch.Tensor


@torch.no_grad()
def pool(h: Features) -> Pooled:
    """Pooled features of every crystal of `h`; discrete ones take part where `h` has them."""
    names: list[str] = []
    columns: list[torch.Tensor] = []
    for block_names, values in _blocks(h):
        names += block_names
        columns.append(values)
    return Pooled(tuple(names), torch.cat(columns, dim=1))


def moments(
    values: torch.Tensor,
    weights: torch.Tensor,
    owner: torch.Tensor,
    atoms: torch.Tensor,
    unit: torch.Tensor | float = 1.0,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Weighted mean and standard deviation of each crystal, (G, d) each, as at the top of this file.

    `values` (n, d), `weights` (n,) ≥ 0, `owner` (n,) the crystal of each row, `atoms` (G,) of each crystal, and the
    `unit` of each column, (d,), that rounding goes by.
    """
    total = weights.new_zeros(len(atoms)).index_add(0, owner, weights)
    share = (weights / total.clamp_min(torch.finfo(total.dtype).tiny)[owner])[:, None]
    empty = values.new_zeros((len(atoms), values.shape[1]))
    mean = empty.index_add(0, owner, share * values)
    variance = empty.index_add(0, owner, share * (values - mean[owner]) ** 2)
    gate = (total / (total + FLOOR * atoms.to(total)))[:, None]
    rounding = ROUNDING * unit
    return gate * mean, gate * ((variance + rounding**2).sqrt() - rounding)


def bumps(x: torch.Tensor, centres: torch.Tensor) -> torch.Tensor:
    """Gaussians of x around `centres`, as wide as the centres are apart: (n,) → (n, len(centres))."""
    centres = centres.to(x)
    width = centres[1] - centres[0]
    return torch.exp(-(((x[:, None] - centres) / width) ** 2) / 2)


def _blocks(h: Features) -> Iterator[Block]:
    yield _cell(h)
    yield _extra_composition(h)
    yield _electrons(h)
    yield _atoms(h)
    yield from _bonds(h)
    yield from _triangles(h)
    names, values = stiffness(h)
    yield [f"springs.{name}" for name in names], torch.log10(values.clamp_min(0) + SOFTEST)
    if "motif" in h.atoms.names:
        yield _discrete(h)


def _invariants(table: FeatureTable) -> Block:
    """Smooth channels as invariants: scalars as they are, tensors by their squared length."""
    names, columns = [], []
    for channel in table.channels:
        if channel.smooth:
            values = table.values[:, table.slice(channel.name)]
            squared = channel.dim > 1
            names.append(f"{channel.name}_squared" if squared else channel.name)
            columns.append((values * values).sum(1) if squared else values[:, 0])
    return names, torch.stack(columns, dim=1)


def _cell(h: Features) -> Block:
    names, values = _invariants(h.cell)
    return [f"cell.{name}" for name in names], values


def _extra_composition(h: Features) -> Block:
    values = composition(h.complex, EXTRA, h.cell.values.dtype)
    names = [f"cell.{name}_{statistic}" for name in EXTRA for statistic in ("mean", "std", "min", "max")]
    volume = h.cell["volume_per_atom"]
    elemental = values[:, EXTRA.index("molar_volume"), 0]
    swelling = volume / elemental
    return [*names, "cell.volume_ratio"], torch.cat([values.flatten(1), swelling[:, None]], dim=1)


def _electrons(h: Features) -> Block:
    """How full the valence shells are, and how densely valence electrons and binding energy fill space.

    A shell of capacity m with k electrons binds most when half full, as k (m − k): Friedel's band filling.
    """
    K = h.complex
    names = ("valence_s", "valence_p", "valence_d", "valence_f", "ionisation_energy", "electronegativity")
    data = elements.data(K.numbers, names, h.cell.values.dtype)
    shells, energies = data[:, :4], data[:, 4:]
    capacity = shells.new_tensor([2.0, 6.0, 10.0, 14.0])
    filling = 4 * shells * (capacity - shells) / capacity**2
    open_electrons = torch.where(shells < capacity, shells, 0).sum(1, keepdim=True)
    mean, deviation = moments(
        torch.cat([filling, open_electrons], dim=1), h.atoms.weights, K.atom_crystal, K.counts(0)
    )
    dense = (
        mean_over_atoms(K, torch.cat([energies, open_electrons], dim=1)) / h.cell["volume_per_atom"][:, None]
    )
    labels = [f"cell.{shell}_filling" for shell in "spdf"] + ["cell.open_electrons"]
    return (
        [
            *(f"{label}_mean" for label in labels),
            *(f"{label}_std" for label in labels),
            *(f"cell.{name}_density" for name in (*names[4:], "open_electrons")),
        ],
        torch.cat([mean, deviation, dense], dim=1),
    )


def _atoms(h: Features) -> Block:
    environment = h.atoms.select(names=["coordination", "dipole", "quadrupole"])
    names, values = _invariants(environment)
    K = h.complex
    mean, deviation = moments(values, h.atoms.weights, K.atom_crystal, K.counts(0))
    labels = [f"atoms.{name}.{statistic}" for statistic in ("mean", "std") for name in names]
    return labels, torch.cat([mean, deviation], dim=1)


def _bonds(h: Features) -> Iterator[Block]:
    K, bonds = h.complex, h.bonds
    tail, head = K.edges.unbind(1)
    data = elements.data(K.numbers, CONTRASTS, bonds.values.dtype)
    radii = data[:, CONTRASTS.index("covalent_radius")]
    tilt = (bonds["tilt"] ** 2).sum(1)
    scaled = bonds["length"] / (radii[tail] + radii[head])
    own = torch.stack([*(bonds[name] for name in _BOND_NAMES), tilt, scaled], dim=1)
    own_names = [*_BOND_NAMES, "tilt_squared", "scaled_length"]
    contrast = (data[tail] - data[head]).abs()
    names = [*own_names, *(f"{name}_contrast" for name in CONTRASTS)]
    values = torch.cat([own, contrast], dim=1)
    spread = elements.data(torch.arange(1, elements.LAST + 1, device=data.device), CONTRASTS, data.dtype).std(
        0
    )
    unit = torch.cat([torch.ones(len(own_names)).to(spread), spread])
    for label, weights in (("bonds", bonds.weights), ("bonded", bonds.weights * bonds["bond_valence"])):
        mean, deviation = moments(values, weights, K.edge_crystal, K.counts(0), unit)
        yield (
            [f"{label}.{name}.{statistic}" for statistic in ("mean", "std") for name in names],
            torch.cat([mean, deviation], dim=1),
        )
    per_atom = bonds.weights[:, None] * torch.cat(
        [
            bumps(bonds["length"], RADIAL_CENTRES),
            bumps(scaled, SCALED_CENTRES),
            torch.stack([bonds["bond_valence"], bonds["bond_order"], bonds["force_constant"]], dim=1),
        ],
        dim=1,
    )
    total = per_atom.new_zeros((K.n_crystals, per_atom.shape[1])).index_add(0, K.edge_crystal, per_atom)
    labels = [
        *(f"bonds.at_{centre:.2f}A" for centre in RADIAL_CENTRES.tolist()),
        *(f"bonds.at_{centre:.1f}R" for centre in SCALED_CENTRES.tolist()),
        "bonds.bond_valence.sum",
        "bonds.bond_order.sum",
        "bonds.force_constant.sum",
    ]
    yield labels, total / K.counts(0)[:, None]


def _triangles(h: Features) -> Iterator[Block]:
    K = h.complex
    names, values = _invariants(h.triangles)
    mean, deviation = moments(values, h.triangles.weights, K.triangle_crystal, K.counts(0))
    labels = [f"triangles.{name}.{statistic}" for statistic in ("mean", "std") for name in names]
    yield labels, torch.cat([mean, deviation], dim=1)
    cosines = _corner_cosines(h)
    spread = bumps(cosines.flatten(), ANGULAR_CENTRES).unflatten(0, (-1, 3)).sum(1)
    mean, _ = moments(spread, h.triangles.weights, K.triangle_crystal, K.counts(0))
    yield [f"triangles.at_cosine_{centre:.2f}" for centre in ANGULAR_CENTRES.tolist()], mean


def _corner_cosines(h: Features) -> torch.Tensor:
    """(F, 3), by the law of cosines from the lengths of the sides."""
    ij, jk, ik = h.bonds["length"][h.complex.triangle_edges].unbind(1)
    opposite = torch.stack([jk, ik, ij], dim=1)
    beside = torch.stack([ij * ik, ij * jk, ik * jk], dim=1)
    total = (ij**2 + jk**2 + ik**2)[:, None]
    return (total - 2 * opposite**2) / (2 * beside)


def _discrete(h: Features) -> Block:
    K = h.complex
    motif = h.atoms["motif"].long()
    count = len(h.atoms.channels[h.atoms.names.index("motif")].labels)
    fractions = mean_over_atoms(K, torch.nn.functional.one_hot(motif, count).to(h.atoms.values))
    shell = h.atoms["first_shell"][:, None]
    mean, deviation = moments(shell, h.atoms.weights, K.atom_crystal, K.counts(0))
    organic = mean_over_atoms(K, h.atoms["environment"][:, None])
    labels = h.atoms.channels[h.atoms.names.index("motif")].labels
    own = torch.stack([h.cell[name] for name in _DISCRETE_CELL], dim=1)
    names = [
        *(f"atoms.motif.{label}" for label in labels),
        "atoms.first_shell.mean",
        "atoms.first_shell.std",
        "atoms.organic.mean",
        *(f"cell.{name}" for name in _DISCRETE_CELL),
    ]
    return names, torch.cat([fractions, mean, deviation, organic, own], dim=1)
