"""Crystals and transformations that the tests of the learned Hamiltonian share."""

import numpy as np
import torch

from tenfma.crystal.complex import SimplicialComplex
from tenfma.crystal.structures import read


def shaken(name: str, seed: int = 0, amplitude: float = 0.15):
    """A prototype with every atom moved and the cell strained, so that no symmetry helps a test to pass."""
    rng = np.random.default_rng(seed)
    structure = read(f"prototype:{name}")
    structure.apply_strain(0.03 * rng.standard_normal(3))
    for index in range(len(structure)):
        structure.translate_sites([index], amplitude * rng.standard_normal(3), frac_coords=False)
    return structure


def improper(seed: int = 0) -> torch.Tensor:
    """A random orthogonal matrix with determinant −1."""
    q, _ = torch.linalg.qr(
        torch.randn(3, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    )
    return q * torch.sign(torch.linalg.det(q)) * -1.0


def turned(K: SimplicialComplex, rotation: torch.Tensor) -> SimplicialComplex:
    """The same complex, simplex by simplex, in a turned crystal."""
    return K.with_positions(K.positions @ rotation.T, K.cells @ rotation.T)


def normal(shape, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def relative(a: torch.Tensor, b: torch.Tensor) -> float:
    """max|a − b| / max|b|."""
    return float((a - b).detach().abs().max() / b.detach().abs().max())
