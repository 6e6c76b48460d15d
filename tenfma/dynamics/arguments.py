"""What `integrate` was given, checked: one plain sentence for what cannot be used, with what was expected."""

import math
from typing import Any

import numpy as np

from tenfma.dynamics.arrays import is_torch, like, plain
from tenfma.dynamics.langevin import checked_friction, checked_temperature
from tenfma.dynamics.words import Method
from tenfma.errors import PairingError, TenfmaError
from tenfma.hamiltonian.protocol import Array, Hamiltonian

#: steps that 64-bit counters and float64 times can tell apart
MOST_STEPS = 10**15
GRADIENTS = ("backprop", "checkpoint", "reversible", "none")


def state(H: Hamiltonian, q: Array, p: Array) -> tuple[Array, Array, tuple[int, ...]]:
    """q and p as floating arrays of one shape (*ensemble, *event_shape), and the ensemble's shape."""
    hamiltonian(H)
    if is_torch(q) != is_torch(p):
        raise TenfmaError("q and p are of two kinds; give both as NumPy arrays or both as torch tensors.")
    if not is_torch(q):
        q, p = (_floating(x, name) for x, name in ((q, "q"), (p, "p")))
    elif not (q.is_floating_point() and p.is_floating_point()):
        raise TenfmaError(f"q and p have dtypes {q.dtype} and {p.dtype}, expected floating point.")
    event = tuple(H.event_shape)
    if tuple(q.shape) != tuple(p.shape):
        raise TenfmaError(f"q has shape {tuple(q.shape)} and p {tuple(p.shape)}; they must be the same.")
    cut = q.ndim - len(event)
    if cut < 0 or tuple(q.shape[cut:]) != event:
        raise TenfmaError(
            f"q has shape {tuple(q.shape)}, expected (*ensemble, {', '.join(map(str, event))})."
        )
    return q, p, tuple(q.shape[:cut])


def hamiltonian(H: Any) -> None:
    """Raise where H is no Hamiltonian."""
    if not isinstance(H, Hamiltonian):
        given = repr(H) if len(repr(H)) <= 40 else type(H).__name__
        raise TenfmaError(
            f"H is {given}, expected a Hamiltonian: make one with tenfma.symbolic, tenfma.textbook or "
            "TorchHamiltonian."
        )


def number(name: str, value: Any, least: float = -math.inf) -> float:
    """A finite number ≥ `least` as a float; raises with the argument's name."""
    try:
        result = float(value)
    except (TypeError, ValueError):
        result = math.nan
    if isinstance(value, str) or not math.isfinite(result) or result < least:
        bound = "" if least == -math.inf else f" ≥ {least:g}"
        raise TenfmaError(f"{name} is {value!r}, expected a finite number{bound}.")
    return result


def seeded(seed: Any) -> None:
    """Raise where the seed is no whole number; None is none."""
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int | np.integer)):
        raise TenfmaError(f"seed is {seed!r}, expected a whole number.")


def _floating(x: Any, name: str) -> np.ndarray:
    try:
        array = np.asarray(x)
        if array.dtype.kind not in "fiub":
            raise TypeError
        return np.ascontiguousarray(
            array, dtype=array.dtype if array.dtype in (np.float32, np.float64) else float
        )
    except (TypeError, ValueError) as error:
        raise TenfmaError(f"{name} is not an array of numbers.") from error


def counts(steps: Any, save_every: Any) -> tuple[int, int]:
    """steps ≥ 0 and save_every ≥ 1 as integers."""
    for name, value, least in (("steps", steps, 0), ("save_every", save_every, 1)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
            raise TenfmaError(f"{name} is {value!r}, expected an integer ≥ {least}.")
        if value > MOST_STEPS:
            raise TenfmaError(
                f"{name} has more than {len(str(MOST_STEPS))} digits; at most {MOST_STEPS:.0e} can be counted."
            )
    return int(steps), int(save_every)


def run_length(steps: Any) -> int:
    """steps ≥ 1 as an integer, for what is read from a run and not from its start."""
    counts(steps, 1)
    if steps < 1:
        raise TenfmaError(f"steps is {steps}, expected an integer ≥ 1.")
    return int(steps)


def step_size(dt: Any, H: Hamiltonian, method: Method, ensemble: tuple[int, ...], q: Array) -> Any:
    """dt as a float, or as an array (*ensemble, 1, …) that cannot be mistaken for one of components."""
    if isinstance(dt, str) or callable(dt):
        raise PairingError(
            f"{method.name} takes fixed steps: a step size that adapts to the state breaks what the method "
            "conserves. Give dt as a number."
        )
    value = plain(dt)
    if value.dtype.kind not in "fiu" or not np.isfinite(value).all() or (value == 0).any():
        raise TenfmaError(f"dt is {dt}, expected a finite number other than 0.")
    if method.stochastic and (value < 0).any():
        raise PairingError(
            f"{method.name} has no backward step, dt is {dt}; heat does not flow back by itself."
        )
    if value.shape == ():
        return float(value)
    if value.shape != ensemble:
        raise TenfmaError(
            f"dt has shape {value.shape}, expected one number or one per system of the ensemble, {ensemble}."
        )
    if H.time_dependent:
        raise TenfmaError("A time-dependent H needs one dt for all systems, so that they share one clock.")
    return like(value.reshape(*ensemble, *[1] * len(H.event_shape)), q)


def bath(method: Method, H: Hamiltonian, kT: Any, friction: Any, seed: Any, noise: Any) -> tuple[Any, Any]:
    """kT and friction for a Langevin method; raises where missing, or where the method has no bath."""
    bath_named(method, kT, friction, seed, noise)
    return (checked_temperature(kT), checked_friction(friction, H)) if method.stochastic else (None, None)


def bath_named(method: Method, kT: Any, friction: Any, seed: Any = None, noise: Any = None) -> None:
    """Raise where a Langevin method lacks its bath, or another is given one."""
    if not method.stochastic:
        given = {"kT": kT, "friction": friction, "seed": seed, "noise": noise}
        extra = [name for name, value in given.items() if value is not None]
        if extra:
            raise PairingError(
                f"{method.name} is deterministic and knows no {' or '.join(extra)}. "
                "Use baoab, or leave it out."
            )
        return
    missing = [name for name, value in (("kT", kT), ("friction", friction)) if value is None]
    if missing:
        raise PairingError(
            f"{method.name} needs {' and '.join(missing)}: give kT (energy) and friction (1/time), "
            "or use leapfrog."
        )


#: fewest steps of the run behind a certificate
CERTIFIED = 20


def certified_start(H: Hamiltonian, dt: Any, q: Any, p: Any) -> tuple[float, Array, Array]:
    """dt, q and p of a certificate, H's own where they are None; raises where one is missing or unusable."""
    dt = getattr(H, "dt", None) if dt is None else dt
    q = getattr(H, "q0", None) if q is None else q
    p = getattr(H, "p0", None) if p is None else p
    missing = [name for name, value in (("dt", dt), ("q", q), ("p", p)) if value is None]
    if missing:
        raise TenfmaError(f"a certificate needs {', '.join(missing)}; {H.name} has no default for it")
    certified_step(dt)
    q, p, ensemble = state(H, q, p)
    if ensemble:
        raise TenfmaError(
            f"q has shape {tuple(q.shape)}; a certificate is made from one state of shape {tuple(H.event_shape)}"
        )
    return float(dt), q, p


def certified_step(dt: Any) -> None:
    """Raise where dt is not one finite number > 0."""
    value = plain(dt)
    if value.shape != () or value.dtype.kind not in "fiu" or not np.isfinite(value) or value <= 0:
        raise TenfmaError(f"dt is {dt}; a certificate is made at one finite step > 0")


def certified_length(steps: Any) -> None:
    """Raise where the number of steps is none that a certificate can be read from."""
    if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or steps < CERTIFIED:
        raise TenfmaError(f"steps is {steps!r}; a certificate needs an integer ≥ {CERTIFIED}")


def candidate(H: Hamiltonian, name: str, function: Any) -> Any:
    """A candidate invariant as a function of (q, p): formulas are read in H's variables."""
    if isinstance(function, str):
        read = getattr(H, "function", None)
        if read is None:
            raise TenfmaError(
                f"the invariant {name} is a formula, but {H.name} has no named variables; give a function"
            )
        return read(function, name)
    if not callable(function):
        raise TenfmaError(f"the invariant {name} is {function!r}; expected a function of (q, p) or a formula")
    return function


def options(method: Method, gradient: str, on_failure: str) -> None:
    """The two named choices; raises where one is unknown, or the path cannot be retraced."""
    if gradient not in GRADIENTS:
        raise TenfmaError(f"gradient is {gradient!r}, expected one of {', '.join(GRADIENTS)}.")
    if on_failure not in ("raise", "stop"):
        raise TenfmaError(f"on_failure is {on_failure!r}, expected 'raise' or 'stop'.")
    if gradient == "reversible" and not method.explicit:
        raise PairingError(
            f"{method.name} cannot be retraced exactly, so gradient='reversible' is not for it. "
            "Use gradient='checkpoint'."
        )


def segment_length(h: Any, rates: list[Any], growth: float = 1e3) -> float:
    """How many steps may be retraced before e^{γt} multiplies round-off by `growth`."""
    rate = max(float(np.max(np.abs(plain(r)))) for r in rates) * float(np.max(np.abs(plain(h))))
    return max(1.0, math.log(growth) // rate) if rate > 0 else math.inf
