"""Discrete environments: the first shell of neighbours, the motif it makes, and whether an atom is organic.

These are decisions, so they jump; nothing differentiates through them.
"""

from functools import cache

import numpy as np
import torch

from tenfma.crystal import elements
from tenfma.crystal.features.geometry import Geometry

#: the first shell ends at the widest gap between neighbours no further than this many nearest distances
WIDEST = 1.7
#: an environment further than this from every ideal motif, in bond-orientational invariants, is irregular
TOLERANCE = 0.3
#: bonded, for the organic test: closer than this many covalent radii
BONDED = 1.3
#: elements that organic molecules are made of beside C
ORGANIC = (1, 5, 6, 7, 8, 9, 14, 15, 16, 17, 34, 35, 53)

ENVIRONMENTS = ("inorganic", "organic")


@cache
def motifs() -> dict[str, np.ndarray]:
    """Directions to the neighbours in each ideal motif, unit vectors (n, 3)."""
    root3 = np.sqrt(3)
    ring = {
        n: np.stack([np.cos(t := 2 * np.pi * np.arange(n) / n), np.sin(t), 0 * t], axis=1)
        for n in (3, 4, 5, 6)
    }
    poles = np.array([[0.0, 0, 1], [0, 0, -1]])
    cube = np.array(np.meshgrid([-1, 1], [-1, 1], [-1, 1])).reshape(3, -1).T / root3
    faces = np.concatenate([np.eye(3), -np.eye(3)])
    tetrahedron = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / root3
    edges = np.array([[a, b, 0] for a in (-1, 1) for b in (-1, 1)]) / np.sqrt(2)
    cuboctahedron = np.concatenate([np.roll(edges, k, axis=1) for k in range(3)])
    golden = (1 + np.sqrt(5)) / 2
    corner = np.array([[0, a, b * golden] for a in (-1, 1) for b in (-1, 1)])
    icosahedron = np.concatenate([np.roll(corner, k, axis=1) for k in range(3)]) / np.sqrt(1 + golden**2)
    prism = np.concatenate([ring[3] * np.sqrt(4 / 7) + [0, 0, z * np.sqrt(3 / 7)] for z in (-1, 1)])
    turned = ring[3] @ np.array([[-1, 0, 0], [0, -1, 0], [0, 0, 1]])
    cap = (
        1 / root3 * ring[3] @ np.array([[np.cos(np.pi / 6), -0.5, 0], [0.5, np.cos(np.pi / 6), 0], [0, 0, 1]])
    )
    height = np.sqrt(2 / 3)
    up = np.array([0, 0, height])
    anticuboctahedron = np.concatenate([ring[6], cap + up, cap - up])
    square = ring[4]
    antiprism = np.concatenate(
        [
            square * 0.855 + [0, 0, 0.518],
            square @ np.array([[1, 1, 0], [-1, 1, 0], [0, 0, 2**0.5]]) / 2**0.5 * 0.855 - [0, 0, 0.518],
        ]
    )
    return {
        "terminal": poles[:1],
        "linear": poles,
        "bent": np.stack([[1.0, 0, 0], [-0.25, np.sqrt(15 / 16), 0]]),
        "trigonal planar": ring[3],
        "trigonal pyramidal": tetrahedron[:3],
        "T-shaped": square[:3],
        "tetrahedral": tetrahedron,
        "square planar": square,
        "see-saw": np.concatenate([ring[3][:2], poles]),
        "trigonal bipyramidal": np.concatenate([ring[3], poles]),
        "square pyramidal": np.concatenate([square, poles[:1]]),
        "octahedral": faces,
        "trigonal prismatic": prism,
        "hexagonal planar": ring[6],
        "pentagonal bipyramidal": np.concatenate([ring[5], poles]),
        "capped octahedral": np.concatenate([faces, tetrahedron[:1]]),
        "cubic": cube,
        "square antiprismatic": antiprism,
        "hexagonal bipyramidal": np.concatenate([ring[6], poles]),
        "tricapped trigonal prismatic": np.concatenate([prism, turned]),
        "cuboctahedral": cuboctahedron,
        "anticuboctahedral": anticuboctahedron,
        "icosahedral": icosahedron,
        "body-centred": np.concatenate([cube, faces]),
    }


def motif_labels() -> tuple[str, ...]:
    """Names by code: 0 isolated, 1 irregular, then the ideal motifs."""
    return ("isolated", "irregular", *motifs())


def invariants(directions: torch.Tensor, owner: torch.Tensor, count: int) -> torch.Tensor:
    """Bond-orientational Q_ℓ = |Σ_j Y_ℓ(r̂_j)| / n for ℓ = 1…6, per owner: (count, 6).

    Steinhardt, Nelson & Ronchetti, Phys. Rev. B 1983, 28, 784, with |Y_ℓ| = 1.
    """
    from e3nn import o3

    orders = range(1, 7)
    Y = o3.spherical_harmonics(list(orders), directions, normalize=False, normalization="norm")
    total = Y.new_zeros((count, Y.shape[1])).index_add(0, owner, Y)
    size = torch.bincount(owner, minlength=count).clamp_min(1)[:, None]
    parts = torch.split(total / size, [2 * order + 1 for order in orders], dim=1)
    return torch.stack([part.norm(dim=1) for part in parts], dim=1)


def first_shell(g: Geometry) -> tuple[torch.Tensor, torch.Tensor]:
    """The directed bonds (owner, direction) of every atom's first shell: (M,), (M, 3).

    Neighbours are sorted by distance; the shell ends at the widest gap, in units of the nearest distance,
    before `WIDEST` nearest distances or the cutoff.
    """
    K = g.complex
    tail, head = K.edges.unbind(1)
    owner = torch.cat([tail, head])
    lengths = torch.cat([g.lengths, g.lengths])
    nearest = lengths.new_full((K.n_atoms,), torch.inf).scatter_reduce(0, owner, lengths, "amin")
    ratio = lengths / nearest[owner]
    reach = torch.clamp(torch.cat([K.cutoffs, K.cutoffs]).to(ratio.dtype) / nearest[owner], max=WIDEST)
    keep = torch.nonzero(ratio < reach)[:, 0]
    ratio = (ratio[keep] * 1e6).round() / 1e6  # neighbours that symmetry makes equal stay equal
    order = torch.from_numpy(np.lexsort((ratio.cpu().numpy(), owner[keep].cpu().numpy()))).to(keep.device)
    keep, ratio = keep[order], ratio[order]
    owner, reach = owner[keep], reach[keep]
    last = torch.ones_like(owner, dtype=torch.bool)
    last[:-1] = owner[1:] != owner[:-1]
    following = torch.where(last, reach, torch.roll(ratio, -1))
    gap = following - ratio
    widest = gap.new_zeros(K.n_atoms).scatter_reduce(0, owner, gap, "amax")
    ends_here = gap >= widest[owner] - 1e-6
    end = ratio.new_full((K.n_atoms,), torch.inf).scatter_reduce(
        0, owner[ends_here], ratio[ends_here], "amin"
    )
    inside = ratio <= end[owner]
    directions = torch.cat([g.units, -g.units])[keep[inside]]
    return owner[inside], directions


def classify(g: Geometry) -> tuple[torch.Tensor, torch.Tensor]:
    """Motif code and integer coordination of every atom, (N,) each."""
    count = g.complex.n_atoms
    owner, directions = first_shell(g)
    size = torch.bincount(owner, minlength=count)
    seen = invariants(directions, owner, count)
    ideal = [torch.as_tensor(vectors, dtype=seen.dtype, device=seen.device) for vectors in motifs().values()]
    sizes = torch.tensor([len(vectors) for vectors in ideal], device=seen.device)
    which = torch.repeat_interleave(torch.arange(len(ideal), device=seen.device), sizes)
    known = invariants(torch.cat(ideal), which, len(ideal))
    distance = torch.cdist(seen, known)
    distance = torch.where(size[:, None] == sizes[None], distance, torch.inf)
    best, code = distance.min(1)
    code = torch.where(best < TOLERANCE, code + 2, 1)
    return torch.where(size == 0, 0, code), size


def organic(g: Geometry) -> torch.Tensor:
    """1 for atoms of a molecule that holds a C–H bond, 0 elsewhere, (N,).

    A molecule is a connected set of non-metal atoms bonded within 1.3 covalent radii; diamond and carbonates
    have no C–H bond and count as inorganic.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    K = g.complex
    radii = elements.data(K.numbers, ["covalent_radius"], g.lengths.dtype)[:, 0]
    tail, head = K.edges.unbind(1)
    light = torch.isin(K.numbers, torch.tensor(ORGANIC, device=K.numbers.device))
    bonded = (g.lengths < BONDED * (radii[tail] + radii[head])) & light[tail] & light[head]
    i, j = tail[bonded].cpu().numpy(), head[bonded].cpu().numpy()
    graph = coo_matrix((np.ones(len(i)), (i, j)), shape=(K.n_atoms, K.n_atoms))
    count, molecule = connected_components(graph, directed=False)
    numbers = K.numbers.cpu().numpy()
    carbon_hydrogen = (np.minimum(numbers[i], numbers[j]) == 1) & (np.maximum(numbers[i], numbers[j]) == 6)
    hydrocarbon = np.zeros(count, dtype=bool)
    hydrocarbon[molecule[i[carbon_hydrogen]]] = True
    return torch.from_numpy(hydrocarbon[molecule]).to(K.numbers.device)
