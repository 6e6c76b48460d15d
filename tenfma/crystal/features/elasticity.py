"""What bonds as springs say about stiffness: the Born tensor of a network of central forces.

    C_abcd = (1/V) Σ_bonds w k r² û_a û_b û_c û_d

with k the bonds' force constants. In Mandel's six components it is a symmetric matrix whose trace of the
volume part gives the bulk modulus and whose deviatoric part the shear stiffness: Born & Huang, Dynamical
Theory of Crystal Lattices, 1954, §11. It knows central forces only, so it is an estimate and enters the
pooled features as one.
"""

import math

import torch

from tenfma.crystal.features.tables import Features

#: 1 eV/Å³ in GPa
GPA = 160.21766208
#: the strain that changes volume alone, in Mandel's components
_VOLUME = torch.tensor([1.0, 1.0, 1.0, 0.0, 0.0, 0.0], dtype=torch.float64) / math.sqrt(3)


def born_tensor(h: Features) -> torch.Tensor:
    """C in GPa as Mandel matrices, (G, 6, 6): xx, yy, zz, √2 yz, √2 xz, √2 xy."""
    K = h.complex
    x, y, z = h.bonds["harmonic_1"].unbind(1)
    root2 = math.sqrt(2)
    strain = torch.stack([x * x, y * y, z * z, root2 * y * z, root2 * x * z, root2 * x * y], dim=1)
    stiffness = h.bonds.weights * h.bonds["force_constant"] * h.bonds["length"] ** 2
    each = stiffness[:, None, None] * strain[:, :, None] * strain[:, None, :]
    total = each.new_zeros((K.n_crystals, 6, 6)).index_add(0, K.edge_crystal, each)
    volume = h.cell["volume_per_atom"] * K.counts(0)
    return GPA * total / volume[:, None, None]


def stiffness(h: Features) -> tuple[tuple[str, ...], torch.Tensor]:
    """Names and values (G, 8), GPa: bulk and shear moduli (Voigt), then six eigenvalues, smallest first."""
    C = born_tensor(h)
    volume = _VOLUME.to(C)
    bulk = torch.einsum("a,gab,b->g", volume, C, volume) / 3
    shear = (torch.einsum("gaa->g", C) - 3 * bulk) / 10
    names = ("bulk_modulus", "shear_modulus", *(f"stiffness_{n}" for n in range(1, 7)))
    return names, torch.cat([bulk[:, None], shear[:, None], torch.linalg.eigvalsh(C)], dim=1)
