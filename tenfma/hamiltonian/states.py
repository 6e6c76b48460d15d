"""States as they are given to a function of (q, p): arrays, or plain numbers where there is one coordinate."""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from tenfma.errors import TenfmaError
from tenfma.hamiltonian.protocol import Array


def is_torch(array: object) -> bool:
    """Whether this is a torch tensor; torch is not imported to find out."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(array, torch.Tensor)


def fits(x: Any, n: int) -> bool:
    """Whether x can be used as it stands: None, or floating point of shape (*ensemble, n)."""
    if type(x) is np.ndarray:
        return x.ndim > 0 and x.shape[-1] == n and x.dtype.kind == "f"
    return x is None or (is_torch(x) and x.ndim > 0 and x.shape[-1] == n and x.is_floating_point())


def on_states(f: Callable[[Array, Array], Array], q: Any, p: Any, n: int, event: int) -> Array:
    """f(q, p) of states with n coordinates; `event` counts the axes that f's result has after the ensemble's.

    Lists and integers become arrays of floats. For n = 1 a number is a state too, and a vector (1,) that f makes of
    numbers becomes a number again. Raises TenfmaError for what is no state.
    """
    if fits(q, n) and fits(p, n) and (q is None or p is None or (type(q) is type(p) and q.shape == p.shape)):
        return f(q, p)
    q, p = (numbers(x, name) for x, name in ((q, "q"), (p, "p")))
    given = [x for x in (q, p) if x is not None]
    if len(given) == 2 and is_torch(q) != is_torch(p):
        plain = [isinstance(x, np.ndarray) and x.ndim == 0 for x in (q, p)]
        if not any(plain):
            raise TenfmaError("q and p are of two kinds; give both as NumPy arrays or both as torch tensors")
        like = p if plain[0] else q
        q, p = (x if is_torch(x) else like.new_tensor(float(x)) for x in (q, p))
        given = [q, p]
    single = n == 1 and bool(given) and all(x.ndim == 0 for x in given)
    if single:
        q, p = (None if x is None else x[None] for x in (q, p))
    else:
        for x, name in ((q, "q"), (p, "p")):
            if x is not None and (x.ndim == 0 or x.shape[-1] != n):
                told = "a number" if x.ndim == 0 else f"of shape {tuple(x.shape)}"
                kinds = "numbers or arrays" if n == 1 else "arrays"
                raise TenfmaError(f"{name} is {told}; expected {kinds} of shape (*ensemble, {n})")
        if len(given) == 2:
            _broadcast(q, p)
    result = f(q, p)
    if not single:
        return result
    result = result[0] if event == 1 else result
    return float(result) if event < 2 and not is_torch(result) else result


def numbers(x: Any, name: str) -> Any:
    """x as floating point, its own precision kept. Raises TenfmaError for what is no array of real numbers."""
    if x is None:
        return None
    if is_torch(x):
        if x.is_complex():
            raise TenfmaError(f"{name} is complex; expected real numbers")
        return x if x.is_floating_point() else x.double()
    try:
        array = np.asarray(x)
        kind = array.dtype.kind
        if kind == "f":
            return array
        if kind in "iub":
            return array.astype(float)
    except (TypeError, ValueError):
        pass
    raise TenfmaError(f"{name} is {_shown(x)}; expected real numbers")


def _shown(x: Any) -> str:
    text = repr(x)
    return text if len(text) <= 40 else text[:40] + "…"


def _broadcast(q: Array, p: Array) -> None:
    try:
        np.broadcast_shapes(tuple(q.shape), tuple(p.shape))
    except ValueError:
        raise TenfmaError(
            f"q has shape {tuple(q.shape)} and p {tuple(p.shape)}; they must be of one ensemble"
        ) from None
