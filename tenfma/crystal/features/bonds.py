"""h⁽¹⁾: a bond as a length, a valence, a pair of shells, an oscillator, and a tilt of environments."""

import math

import torch
from ase import units

from tenfma.crystal import elements
from tenfma.crystal.features.geometry import Geometry
from tenfma.crystal.features.tables import Channel, FeatureTable
from tenfma.crystal.features.tensors import commutator, harmonics2

#: how many functions the radial basis has
RADIAL = 8
#: Å, the universal softness of bond valence: Brown & Altermatt, Acta Cryst. B 1985, 41, 244
VALENCE_LENGTH = 0.37
#: Å per decade of bond order: Pauling, J. Am. Chem. Soc. 1947, 69, 542, eq. 1
ORDER_LENGTH = 0.60
#: mdyn/Å and the exponent in Gordy's rule, J. Chem. Phys. 1946, 14, 305, eq. 1, with electronegativities on
#: Pauling's scale
GORDY = 1.67
GORDY_POWER = 0.75
#: 1 mdyn/Å = 100 N/m in eV/Å²
MDYN_PER_ANGSTROM = 100 * units.J / units.m**2
#: √(eV/Å²/amu) in THz as a plain frequency: ω/2π, with ω in rad/fs × 1000
TERAHERTZ = units.fs * 1000 / (2 * math.pi)

CHANNELS = (
    Channel("length", "Å", source="|r_j + S·cell − r_i|"),
    *(
        Channel(f"radial_{n}", "1", source=f"√2 sin({n}πr/c)/(πr/c), c the cutoff")
        for n in range(1, RADIAL + 1)
    ),
    Channel(
        "bond_valence",
        "1",
        source="exp((r₀ − r)/0.37 Å), Brown and Altermatt 1985; r₀ of O'Keeffe and Brese 1991, eq. 3",
    ),
    Channel("bond_order", "1", source="10^((R_i + R_j − r)/0.60 Å), Pauling 1947, eq. 1"),
    Channel("electronegativity_difference", "1", flip=-1, source="χ_head − χ_tail"),
    Channel("ionic_character", "1", source="1 − exp(−Δχ²/4), Pauling 1932"),
    Channel("shared_neighbours", "1", source="Σ of the weights of the triangles on the bond"),
    Channel("shell_n_mean", "1", source="mean principal quantum number of the two valence shells"),
    Channel("shell_n_difference", "1", flip=-1, source="n_head − n_tail"),
    Channel("shell_l_mean", "1", source="mean angular momentum of the two valence shells"),
    Channel("shell_l_difference", "1", flip=-1, source="Δℓ = ℓ_head − ℓ_tail"),
    Channel("spin_sum", "1", source="½ (unpaired electrons of both atoms)"),
    Channel("spin_difference", "1", flip=-1, source="½ (unpaired electrons, head − tail)"),
    Channel(
        "inverse_reduced_mass", "1/amu", source="sp(2,ℝ) generator [[0, 1/μ], [−k, 0]]: 1/μ = 1/m_i + 1/m_j"
    ),
    Channel(
        "force_constant",
        "eV/Å²",
        source="sp(2,ℝ) generator: k = 1.67 n (χ_i χ_j / r²)^¾ mdyn/Å, Gordy 1946 with Pauling's bond order "
        "n and without his constant .30, so that atoms far apart have no spring",
    ),
    Channel("frequency", "THz", source="ω/2π, ω = √(k/μ), eigenvalues ±iω of the sp(2,ℝ) generator"),
    Channel("harmonic_0", "1", source="Y₀ = 1"),
    Channel("harmonic_1", "1", irreps="1o", flip=-1, source="Y₁m(r̂), |Y₁| = 1"),
    Channel("harmonic_2", "1", irreps="2e", source="Y₂m(r̂), |Y₂| = 1"),
    Channel("tilt", "1", irreps="1e", flip=-1, source="so(3) element [A_tail, A_head] as an axial vector"),
)


def bond_valence(lengths: torch.Tensor, sizes: torch.Tensor, softness: torch.Tensor) -> torch.Tensor:
    """exp((r₀ − r)/0.37 Å), with r₀ of any pair from both elements' size r and softness c, each (E, 2).

    r₀ = r_i + r_j − r_i r_j (√c_i − √c_j)² / (c_i r_i + c_j r_j): O'Keeffe & Brese, JACS 1991, 113, 3226, eq.
    3.
    """
    mismatch = (softness[:, 0].sqrt() - softness[:, 1].sqrt()) ** 2
    natural = sizes.sum(1) - sizes.prod(1) * mismatch / (softness * sizes).sum(1)
    return torch.exp((natural - lengths) / VALENCE_LENGTH)


def bond_order(lengths: torch.Tensor, radii: torch.Tensor) -> torch.Tensor:
    """Pauling's n = 10^((D₁ − r)/0.60 Å), D₁ the sum of both covalent radii, `radii` (E, 2) in Å."""
    return torch.exp((radii.sum(1) - lengths) * (math.log(10) / ORDER_LENGTH))


def force_constant(
    lengths: torch.Tensor, order: torch.Tensor, electronegativity: torch.Tensor
) -> torch.Tensor:
    """k in eV/Å², Gordy's rule k = 1.67 n (χ_i χ_j / r²)^¾ mdyn/Å; the channel says what is left out."""
    attraction = electronegativity.prod(1) / lengths**2
    return GORDY * MDYN_PER_ANGSTROM * order * attraction**GORDY_POWER


def radial_basis(lengths: torch.Tensor, cutoffs: torch.Tensor, count: int = RADIAL) -> torch.Tensor:
    """√2 sin(nπx)/(πx) for n = 1…count, x = r/cutoff: spherical Bessel functions of order 0, (E, count)."""
    n = torch.arange(1, count + 1, dtype=lengths.dtype, device=lengths.device)
    return math.sqrt(2) * n * torch.sinc(n * (lengths / cutoffs)[:, None])


def bond_features(g: Geometry, tilt: torch.Tensor) -> FeatureTable:
    """The table of bonds; `tilt` is the atoms' quadrupole A_i, (N, 5)."""
    K, r = g.complex, g.lengths
    ends = _ends(K.numbers, K.edges, r.dtype)
    order = bond_order(r, ends["covalent_radius"])
    difference = _difference(ends["electronegativity"])
    spring = force_constant(r, order, ends["electronegativity"])
    lightness = (1 / ends["mass"]).sum(1)
    shared = r.new_zeros(K.n_edges)
    for side in range(3):
        shared = shared.index_add(0, K.triangle_edges[:, side], g.triangle_weights)
    tail, head = K.edges.unbind(1)
    invariants = [
        bond_valence(r, ends["bond_valence_size"], ends["bond_valence_softness"]),
        order,
        difference,
        1 - torch.exp(-(difference**2) / 4),
        shared,
        ends["shell_n"].mean(1),
        _difference(ends["shell_n"]),
        ends["shell_l"].mean(1),
        _difference(ends["shell_l"]),
        ends["unpaired"].sum(1) / 2,
        _difference(ends["unpaired"]) / 2,
        lightness,
        spring,
        TERAHERTZ * (spring * lightness).sqrt(),
        torch.ones_like(r),
    ]
    values = torch.cat(
        [
            r[:, None],
            radial_basis(r, K.cutoffs.to(r.dtype)),
            torch.stack(invariants, dim=1),
            g.units,
            harmonics2(g.units),
            commutator(tilt[tail], tilt[head]),
        ],
        dim=1,
    )
    return FeatureTable("bonds", CHANNELS, values, g.edge_weights)


_ENDS = (
    "covalent_radius",
    "electronegativity",
    "mass",
    "bond_valence_size",
    "bond_valence_softness",
    "shell_n",
    "shell_l",
    "unpaired",
)


def _ends(numbers: torch.Tensor, edges: torch.Tensor, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """Element data at (tail, head) of every bond: name → (E, 2)."""
    data = elements.data(numbers, _ENDS, dtype)[edges]
    return {name: data[:, :, place] for place, name in enumerate(_ENDS)}


def _difference(ends: torch.Tensor) -> torch.Tensor:
    """Head − tail: odd under flipping."""
    return ends[:, 1] - ends[:, 0]
