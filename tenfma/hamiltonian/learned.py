"""What both charts of a learned Hamiltonian share: arrays in and out, and slopes by automatic differentiation."""

from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor

from tenfma.hamiltonian.protocol import Array


def as_given(f: Callable[..., Tensor], *arrays: Array) -> Array:
    """f on tensors; NumPy arrays are taken in without a graph, in float64, and given back as NumPy."""
    if any(isinstance(x, Tensor) for x in arrays):
        return f(*arrays)
    with torch.no_grad():
        return f(*(torch.as_tensor(np.ascontiguousarray(x, dtype=np.float64)) for x in arrays)).numpy()


def slope(f: Callable[[Tensor], Tensor], x: Tensor, parameters: Iterable[Tensor]) -> Tensor:
    """∂(Σ f)/∂x; part of a graph only where gradients are on and x or a parameter asks for them."""
    record = torch.is_grad_enabled() and (x.requires_grad or any(p.requires_grad for p in parameters))
    with torch.enable_grad():
        x = x if record and x.requires_grad else x.detach().requires_grad_()
        return torch.autograd.grad(f(x).sum(), x, create_graph=record)[0]


def without_total(normals: Tensor, mass: Tensor, owner: Tensor, systems: int) -> Tensor:
    """Standard normals ξ (…, N, 3) without what would move a whole system's centre of mass.

    ξ_i − √m_i Σ_j √m_j ξ_j / Σ_j m_j, sums over the atoms of one system (owner (N,)): momenta √(m kT) ξ then add up
    to zero and keep the covariance of all momenta that do. mass (N, 1).
    """
    root = mass.to(normals).sqrt()
    total = normals.new_zeros((*normals.shape[:-2], systems, 3)).index_add(-2, owner, root * normals)
    whole = root.new_zeros((systems, 1)).index_add(0, owner, root * root)
    return normals - root * (total / whole)[..., owner, :]


#: displacement at which slopes are differenced, Å: far above round-off and far below a bond
STRIDE = 2e-3


def differenced(slope: Callable[[Tensor], Tensor], r: Tensor, v: Tensor) -> Tensor:
    """∂²E·v, (*ensemble, N, 3), by differences of slopes g = ∂E/∂r,

        [8 (g(r + εv) − g(r − εv)) − (g(r + 2εv) − g(r − 2εv))] / 12ε,    ε max|v| = STRIDE for each member,

    of fourth order in ε.
    """
    r, v = r.detach(), v.detach()
    size = v.abs().amax((-2, -1), keepdim=True)
    stride = torch.where(size > 0, STRIDE / size, torch.ones_like(size))
    places = torch.stack([r + k * stride * v for k in (-2, -1, 1, 2)])
    far_below, below, above, far_above = slope(places)
    return (8 * (above - below) - (far_above - far_below)) / (12 * stride)
