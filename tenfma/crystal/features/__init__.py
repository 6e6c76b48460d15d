"""Module A: from a simplicial complex to named features of atoms, bonds, triangles and cell.

`featurize` reads a crystal; `Features` holds four tables (`atoms`, `bonds`, `triangles`, `cell`) whose
channels carry name, unit, irreps, parity under flipping a bond, source, and whether they are differentiable
in the positions.
"""

from typing import Any

from tenfma.crystal.complex import SimplicialComplex, complex_of
from tenfma.crystal.features.atoms import atom_features, quadrupole
from tenfma.crystal.features.bonds import bond_features
from tenfma.crystal.features.cell import cell_features
from tenfma.crystal.features.geometry import geometry
from tenfma.crystal.features.tables import LOCAL_RANKS, RANKS, Channel, Features, FeatureTable
from tenfma.crystal.features.triangles import triangle_features

__all__ = ["LOCAL_RANKS", "RANKS", "Channel", "FeatureTable", "Features", "featurize"]


def featurize(structure: Any, smooth_only: bool = False, **complex_options: Any) -> Features:
    """Features of a crystal, a list of crystals (one disjoint union), or a `SimplicialComplex`.

    Smooth features are torch functions of the complex's positions and cells, so gradients flow through them.
    With `smooth_only` the discrete ones (symmetry, motifs, Betti numbers), which take longer, are left out.
    Further arguments go to `complex_of`: cutoff, triangle_cutoff, dtype, device.
    """
    K = structure if isinstance(structure, SimplicialComplex) else complex_of(structure, **complex_options)
    g = geometry(K)
    tilt = quadrupole(g)
    smooth = Features(
        K, atom_features(g, tilt), bond_features(g, tilt), triangle_features(g), cell_features(g, tilt)
    )
    if smooth_only:
        return smooth
    from tenfma.crystal.features.discrete import with_discrete

    return with_discrete(smooth, g)
