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
