"""A finer description of bonds and atoms for force models: more radial functions, higher harmonics.

Element indicators too. The same quantities as Module A's bond table, radial basis and Y_ℓm, carried further; all smooth.
"""

from collections.abc import Sequence

import torch
from e3nn import o3

from tenfma.crystal.complex import SimplicialComplex
from tenfma.crystal.elements import table
from tenfma.crystal.features.bonds import radial_basis
from tenfma.crystal.features.geometry import geometry
from tenfma.crystal.features.tables import Channel, FeatureTable
from tenfma.errors import TenfmaError


def bond_channels(radial: int, lmax: int) -> tuple[Channel, ...]:
    """`radial` radial functions, then Y_ℓm for ℓ = 1…lmax."""
    functions = (
        Channel(f"radial_{n}", "1", source=f"√2 sin({n}πr/c)/(πr/c), c the cutoff")
        for n in range(1, radial + 1)
    )
    harmonics = (
        Channel(
            f"harmonic_{ell}",
            "1",
            irreps=f"{ell}{'e' if ell % 2 == 0 else 'o'}",
            flip=1 if ell % 2 == 0 else -1,
            source=f"Y{ell}m(r̂), |Y{ell}| = 1",
        )
        for ell in range(1, lmax + 1)
    )
    return (*functions, *harmonics)


def expand_bonds(K: SimplicialComplex, radial: int, lmax: int) -> FeatureTable:
    """Radial functions and harmonics of every bond, (E, radial + Σ (2ℓ + 1)), differentiable in positions."""
    g = geometry(K)
    functions = radial_basis(g.lengths, K.cutoffs.to(g.lengths.dtype), radial)
    harmonics = o3.spherical_harmonics(
        list(range(1, lmax + 1)), g.units, normalize=False, normalization="norm"
    )
    return FeatureTable(
        "bonds", bond_channels(radial, lmax), torch.cat([functions, harmonics], dim=1), g.edge_weights
    )


def atom_channels(elements: Sequence[int]) -> tuple[Channel, ...]:
    """One indicator per atomic number."""
    return tuple(
        Channel(f"is_{table().symbols[z]}", "1", source=f"1 on {table().symbols[z]}, 0 elsewhere")
        for z in elements
    )


def indicate_elements(K: SimplicialComplex, elements: Sequence[int]) -> FeatureTable:
    """Which of `elements` each atom is, (N, len(elements)).

    Raises TenfmaError for an element that is not among them.
    """
    known = torch.tensor(sorted(elements), device=K.numbers.device)
    if missing := sorted(set(K.numbers.tolist()) - set(elements)):
        names = ", ".join(table().symbols[z] for z in missing)
        raise TenfmaError(
            f"this model knows {', '.join(table().symbols[z] for z in known.tolist())}, and was given {names}"
        )
    values = (K.numbers[:, None] == known[None, :]).to(K.dtype)
    return FeatureTable("atoms", atom_channels(known.tolist()), values, values.new_ones(len(values)))
