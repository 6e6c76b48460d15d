"""The few array operations integrators need, for NumPy arrays and torch tensors alike."""

import sys
from typing import Any

import numpy as np

from tenfma.hamiltonian.protocol import Array


def is_torch(x: Any) -> bool:
    """True for a torch tensor; does not import torch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(x, torch.Tensor)


def namespace(x: Any) -> Any:
    """The module, numpy or torch, whose functions take x."""
    return sys.modules["torch"] if is_torch(x) else np


def like(value: Any, x: Array) -> Array:
    """`value` as the kind, precision and device of x."""
    if is_torch(x):
        torch = namespace(x)
        if is_torch(value):
            return value.to(dtype=x.dtype, device=x.device)
        return torch.as_tensor(np.asarray(value), dtype=x.dtype, device=x.device)
    return np.asarray(value.detach().cpu() if is_torch(value) else value, dtype=x.dtype)


def plain(x: Any) -> np.ndarray:
    """x as a NumPy array, without its graph."""
    return x.detach().cpu().numpy() if is_torch(x) else np.asarray(x)


def largest(x: Array) -> float:
    """max |x|, or nan where anything is not a number."""
    return float(abs(x.detach() if is_torch(x) else x).max())


def event_sum(x: Array, dimensions: int) -> Array:
    """Σ over the last `dimensions` axes."""
    return x.sum(tuple(range(-dimensions, 0))) if dimensions else x
