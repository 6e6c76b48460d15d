"""Second-rank tensors as real ℓ = 2 components, and the small algebra the features need.

A symmetric traceless matrix M has five components in e3nn's order (y is the polar axis), scaled so that
lengths agree, |components| = ‖M‖_F:

    (√2 M_xz, √2 M_xy, √(3/2) M_yy, √2 M_yz, (M_zz − M_xx)/√2)
"""

import math

import torch

ROOT2 = math.sqrt(2)
ROOT3_2 = math.sqrt(3 / 2)


def traceless_square(v: torch.Tensor) -> torch.Tensor:
    """Components of v⊗v − |v|²/3: (…, 3) → (…, 5), in the square of v's unit."""
    x, y, z = v.unbind(-1)
    xx, yy, zz = x * x, y * y, z * z
    middle = ROOT3_2 * (2 * yy - xx - zz) / 3
    return torch.stack([ROOT2 * x * z, ROOT2 * x * y, middle, ROOT2 * y * z, (zz - xx) / ROOT2], dim=-1)


def matrix(components: torch.Tensor) -> torch.Tensor:
    """The symmetric traceless matrix of five components: (…, 5) → (…, 3, 3)."""
    a, b, c, d, e = components.unbind(-1)
    xz, xy, yz, yy = a / ROOT2, b / ROOT2, d / ROOT2, c / ROOT3_2
    xx = -yy / 2 - e / ROOT2
    zz = -yy / 2 + e / ROOT2
    return torch.stack([xx, xy, xz, xy, yy, yz, xz, yz, zz], dim=-1).unflatten(-1, (3, 3))


def components(m: torch.Tensor) -> torch.Tensor:
    """Five components of the traceless part of a symmetric matrix: (…, 3, 3) → (…, 5)."""
    xx, yy, zz = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    parts = [
        ROOT2 * m[..., 0, 2],
        ROOT2 * m[..., 0, 1],
        ROOT3_2 * (2 * yy - xx - zz) / 3,
        ROOT2 * m[..., 1, 2],
        (zz - xx) / ROOT2,
    ]
    return torch.stack(parts, dim=-1)


def commutator(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """The so(3) element [A, B] = AB − BA of two traceless tensors as an axial vector: (…, 5)² → (…, 3).

    [A, B] is antisymmetric, [A, B]_ij = −ε_ijk v_k, and v = −Σ_k A_k × B_k over the rows of A and B. It
    vanishes when the principal axes coincide; for two uniaxial tensors at angle θ it goes as sin 2θ, largest
    at 45°.
    """
    return -torch.linalg.cross(matrix(a), matrix(b), dim=-1).sum(-2)


def harmonics2(u: torch.Tensor) -> torch.Tensor:
    """Y₂m of unit vectors, normalised so that |Y₂|² = 1: (…, 3) → (…, 5)."""
    return ROOT3_2 * traceless_square(u)
