"""What every rank's features start from: bond vectors, lengths, weights, and sums over a simplex's faces."""

from dataclasses import dataclass

import torch

from tenfma.crystal.complex import SimplicialComplex

#: Å; below it a length is held fixed so that its derivative stays finite where two atoms coincide
SHORTEST = 1e-6


@dataclass(frozen=True, eq=False)
class Geometry:
    """Bond vectors (E, 3), lengths (E,), unit vectors (E, 3) and smooth weights (E,), (F,) of one complex."""

    complex: SimplicialComplex
    vectors: torch.Tensor
    lengths: torch.Tensor
    units: torch.Tensor
    edge_weights: torch.Tensor
    triangle_weights: torch.Tensor

    def at_atoms(self, forward: torch.Tensor, backward: torch.Tensor) -> torch.Tensor:
        """Sum over each atom's bonds: `forward` (E, d) goes to tails, `backward` to heads; returns (N, d)."""
        tail, head = self.complex.edges.unbind(1)
        total = forward.new_zeros((self.complex.n_atoms, *forward.shape[1:]))
        return total.index_add(0, tail, forward).index_add(0, head, backward)


def safe_norm(v: torch.Tensor) -> torch.Tensor:
    """|v| over the last axis, with finite derivatives where v = 0 (there it reads `SHORTEST`)."""
    square = (v * v).sum(-1)
    return torch.where(square > SHORTEST**2, square, SHORTEST**2).sqrt()


def geometry(K: SimplicialComplex) -> Geometry:
    """Vectors, lengths, directions and weights of a complex, differentiable in its positions and cells."""
    vectors = K.vectors()
    lengths = safe_norm(vectors)
    units = vectors / lengths[:, None]
    return Geometry(K, vectors, lengths, units, K.edge_weights(lengths), K.triangle_weights(lengths))
