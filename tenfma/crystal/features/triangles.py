"""h⁽²⁾: a triangle by its angles, its size and shape, and two tensors of its plane.

A triangle's corners have no natural order, so every channel is a symmetric function of them. The three
cosines enter through their elementary symmetric functions, which fix them as a set and stay smooth where two
angles are equal, as a sorted list would not. The cosine at one named corner is `corner_cosines`.
"""

import torch

from tenfma.crystal.features.geometry import SHORTEST, Geometry
from tenfma.crystal.features.tables import Channel, FeatureTable
from tenfma.crystal.features.tensors import traceless_square

CHANNELS = (
    Channel("cosine_sum", "1", source="Σ cos α over the corners"),
    Channel("cosine_pairs", "1", source="Σ cos α cos β over pairs of corners"),
    Channel("cosine_product", "1", source="cos α cos β cos γ"),
    Channel("area_squared", "Å⁴", source="|a × b|²/4"),
    Channel("perimeter", "Å", source="Σ ℓ"),
    Channel(
        "shape", "1", source="16 area² / (Σ ℓ²)²: 1/3 for an equilateral triangle, 0 for a collinear one"
    ),
    Channel("gyration", "Å²", irreps="2e", source="(1/3) Σ (x − x̄)(x − x̄)ᵀ over the corners, traceless part"),
    Channel("normal", "Å⁴", irreps="2e", source="N ⊗ N with N = a × b, traceless part"),
)


def corner_cosines(g: Geometry) -> torch.Tensor:
    """cos of the angle at corners i, j, k of every triangle, (F, 3)."""
    a, b = g.complex.triangle_vectors(g.vectors)
    return _cosines(a, b, b - a, _sides(g))


def triangle_features(g: Geometry) -> FeatureTable:
    """The table of triangles."""
    a, b = g.complex.triangle_vectors(g.vectors)
    c = b - a
    sides = _sides(g)
    at_i, at_j, at_k = _cosines(a, b, c, sides).unbind(1)
    normal = torch.linalg.cross(a, b)
    area_squared = (normal * normal).sum(1) / 4
    # Σ (x − x̄)(x − x̄)ᵀ = (aaᵀ + bbᵀ + ccᵀ)/3 for the three sides
    gyration = (traceless_square(a) + traceless_square(b) + traceless_square(c)) / 9
    size = (sides * sides).sum(1)
    invariants = [
        at_i + at_j + at_k,
        at_i * at_j + at_j * at_k + at_k * at_i,
        at_i * at_j * at_k,
        area_squared,
        sides.sum(1),
        16 * area_squared / size**2,
    ]
    values = torch.cat([torch.stack(invariants, dim=1), gyration, traceless_square(normal)], dim=1)
    return FeatureTable("triangles", CHANNELS, values, g.triangle_weights)


def _sides(g: Geometry) -> torch.Tensor:
    """Lengths of the sides ij, jk, ik, (F, 3) Å."""
    return g.lengths[g.complex.triangle_edges].clamp_min(SHORTEST)


def _cosines(a: torch.Tensor, b: torch.Tensor, c: torch.Tensor, sides: torch.Tensor) -> torch.Tensor:
    """From the sides' vectors a = ij, b = ik, c = jk and lengths: (F, 3), by scalar products."""
    ij, jk, ik = sides.unbind(1)
    at_i = (a * b).sum(1) / (ij * ik)
    at_j = -(a * c).sum(1) / (ij * jk)
    at_k = (b * c).sum(1) / (ik * jk)
    return torch.stack([at_i, at_j, at_k], dim=1)
