"""Chaos measured: tangent dynamics, maximal Lyapunov exponent, SALI and MEGNO.

Small deviations (δq, δp) from a path obey the linearised equations. These are Hamilton's equations again, of

    K(q, δq; δp, p) = δq·∂H/∂q + δp·∂H/∂p        coordinates (q, δq), momenta (δp, p)

and K separates when H does. So every method of this package applied to K carries (q, p) exactly as it would
on H, and (δq, δp) by the exact Jacobian of that very step: nothing is approximated, and formulas run as
machine code.

Sources: Benettin, Galgani, Giorgilli & Strelcyn, Meccanica 15 (1980) 9 (Lyapunov); Skokos, J. Phys. A 34
(2001) 10029 (SALI); Cincotta & Simó, Astron. Astrophys. Suppl. 147 (2000) 205 (MEGNO).
"""

from dataclasses import dataclass
from functools import singledispatch
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from tenfma.dynamics import arguments
from tenfma.dynamics.arrays import event_sum, is_torch, plain
from tenfma.dynamics.brackets import partial_derivatives
from tenfma.dynamics.integrate import integrate
from tenfma.dynamics.methods import method_named
from tenfma.dynamics.words import Method
from tenfma.errors import PairingError, TenfmaError
from tenfma.hamiltonian.protocol import Array, Capability, Hamiltonian
from tenfma.hamiltonian.symbolic import SymbolicHamiltonian, from_expression

#: deviations are brought back to length 1 after this much time, or every 10 steps if that is longer
RENORMALISED = 1.0
#: SALI below this at the end of a run is called chaotic; regular motion keeps it near 1
SALI_CHAOTIC = 1e-6


class TangentHamiltonian(Hamiltonian):
    """K = δq·∂H/∂q + δp·∂H/∂p for any torch-differentiable H; states (*ensemble, 2D), coordinates (q, δq)."""

    def __init__(self, H: Hamiltonian):
        self.H, self.name, self.units = H, f"tangent of {H.name}", H.units
        size = int(np.prod(H.event_shape, dtype=int))
        self.event_shape = (2 * size,)
        self.capability = min(H.capability, Capability.SEPARABLE)
        self.time_dependent, self.damping = H.time_dependent, H.damping

    def __call__(self, q: Array, p: Array, t: float = 0.0) -> Array:
        return _evaluated(self._energy, q, p, t)

    def dq(self, q: Array, p: Array, t: float = 0.0) -> Array:
        """(−dδp/dt, −dp/dt)."""
        return _evaluated(lambda q, p, t: self._slopes(q, p, t)[0], q, p, t)

    def dp(self, q: Array, p: Array, t: float = 0.0) -> Array:
        """(dq/dt, dδq/dt)."""
        return _evaluated(lambda q, p, t: self._slopes(q, p, t)[1], q, p, t)

    def _energy(self, q, p, t):
        x, dx, y, dy = self._parts(q, p)
        return event_sum(dx * self.H.dq(x, y, t) + dy * self.H.dp(x, y, t), len(self.H.event_shape))

    def _slopes(self, q, p, t):
        import torch

        given = q if q is not None else p
        q, p = (torch.zeros_like(given) if z is None else z for z in (q, p))
        x, dx, y, dy = self._parts(q, p)
        rank = len(self.H.event_shape)

        def directional(a, b):
            return event_sum(dx * self.H.dq(a, b, t) + dy * self.H.dp(a, b, t), rank)

        along_q, along_p, _ = partial_derivatives(directional, x, y)
        flat = (*q.shape[:-1], -1)
        slope_q = torch.cat([along_q.reshape(flat), self.H.dq(x, y, t).reshape(flat)], dim=-1)
        slope_p = torch.cat([self.H.dp(x, y, t).reshape(flat), along_p.reshape(flat)], dim=-1)
        return slope_q, slope_p

    def _parts(self, q, p):
        shape = (*q.shape[:-1], *self.H.event_shape)
        (x, dx), (dy, y) = q.chunk(2, dim=-1), p.chunk(2, dim=-1)
        return x.reshape(shape), dx.reshape(shape), y.reshape(shape), dy.reshape(shape)


@singledispatch
def tangent(H: Hamiltonian) -> Hamiltonian:
    """The Hamiltonian of (q, δq; δp, p): a formula's is a formula, any other's is differentiated by torch."""
    return TangentHamiltonian(H)


@tangent.register
def _(H: SymbolicHamiltonian) -> Hamiltonian:
    cached = H.structure.kernels.get("tangent")
    if cached is None:
        s = H.structure
        dx, dy = (tuple(sympy.Symbol(f"delta_{v.name}", real=True) for v in group) for group in (s.q, s.p))
        expression = sympy.Add(*(a * b for a, b in zip((*dx, *dy), (*s.dq, *s.dp))))
        cached = H.structure.kernels["tangent"] = (expression, (*s.q, *dx), (*dy, *s.p))
    expression, coordinates, momenta = cached
    parameters = {symbol: H.parameters[symbol.name] for symbol in H.structure.k}
    return from_expression(expression, coordinates, momenta, parameters, name=f"tangent of {H.name}")


@dataclass(frozen=True)
class Lyapunov:
    """The maximal Lyapunov exponent's running estimate."""

    #: times at which deviations were brought back to length 1, (times,)
    t: NDArray[np.float64]
    #: running estimate (1/t) ln |δ(t)|/|δ(0)|, (times, *ensemble), 1/time
    running: NDArray[np.float64]

    @property
    def exponent(self) -> Any:
        """The estimate at the end, per ensemble member."""
        return self.running[-1]


@dataclass(frozen=True)
class Indicators:
    """SALI and MEGNO along a run, (times, *ensemble)."""

    t: NDArray[np.float64]
    #: min(|u + v|, |u − v|) of two unit deviations: stays of order 1 where regular, falls like e^{−(λ₁−λ₂)t}
    #: where chaotic
    sali: NDArray[np.float64]
    #: time-averaged MEGNO ⟨Y⟩: tends to 2 where regular, to λt/2 where chaotic
    megno: NDArray[np.float64]

    @property
    def chaotic(self) -> Any:
        """Which members SALI calls chaotic at the end."""
        return self.sali[-1] < SALI_CHAOTIC


def lyapunov(
    H: Hamiltonian,
    q: Array,
    p: Array,
    *,
    dt: float,
    steps: int,
    method: str | Method = "leapfrog",
    seed: int = 0,
) -> Lyapunov:
    """Maximal Lyapunov exponent λ = lim (1/t) ln |δ(t)|/|δ(0)| of every ensemble member, by Benettin's
    method.

    q, p of shape (*ensemble, *event); H autonomous and undamped. Raises TenfmaError as `integrate` does.
    """
    sums, t, running = 0.0, [], []
    for moment, growth, _, _ in _renormalised(H, q, p, dt, steps, method, vectors=1, seed=seed):
        sums = sums + np.log(growth[0])
        t.append(moment)
        running.append(sums / moment)
    return Lyapunov(np.array(t), np.stack(running))


def indicators(
    H: Hamiltonian,
    q: Array,
    p: Array,
    *,
    dt: float,
    steps: int,
    method: str | Method = "leapfrog",
    seed: int = 0,
) -> Indicators:
    """SALI and MEGNO from two deviation vectors per member; cheaper to read than a Lyapunov exponent's slow
    limit."""
    t, sali, megno = [], [], []
    last, weighted, area = 0.0, 0.0, 0.0
    for moment, growth, unit, _ in _renormalised(H, q, p, dt, steps, method, vectors=2, seed=seed):
        u, v = unit
        apart = [np.linalg.norm(u + sign * v, axis=-1) for sign in (1, -1)]
        width = moment - last
        # Y(t) = (2/t) ∫ s (d/ds) ln|δ| ds, its rate constant between renormalisations; ⟨Y⟩ its time average
        weighted = weighted + np.log(growth[0]) * (moment + last) / 2
        area = area + 2.0 * weighted / moment * width
        last = moment
        t.append(moment)
        sali.append(np.minimum(*apart))
        megno.append(area / moment)
    return Indicators(np.array(t), np.stack(sali), np.stack(megno))


def _renormalised(H, q, p, dt, steps, method, vectors, seed):
    """Yield (t, growth (vectors, *ensemble), unit deviations (vectors, *ensemble, 2D), state) after every
    stretch."""
    if H.time_dependent or H.damping:
        raise TenfmaError(
            f"{H.name} is driven or damped; its exponents are not those of an autonomous Hamiltonian flow"
        )
    method = method_named(method)
    if method.stochastic:
        raise PairingError(
            f"{method.name} is a Langevin method, and exponents are those of Hamilton's equations; use yoshida4"
        )
    q, p, ensemble = arguments.state(H, q, p)
    arguments.certified_step(abs(arguments.number("dt", dt)))
    steps = arguments.run_length(steps)
    arguments.seeded(seed)
    K = tangent(H)
    q, p = (plain(x).astype(float) for x in (q, p))
    size = int(np.prod(H.event_shape, dtype=int))
    q, p = (np.broadcast_to(x.reshape(*ensemble, size), (vectors, *ensemble, size)) for x in (q, p))
    random = np.random.default_rng(seed)
    delta = random.standard_normal((vectors, 1, 2 * size)).reshape(vectors, *[1] * len(ensemble), 2 * size)
    delta = np.broadcast_to(delta, (vectors, *ensemble, 2 * size))
    delta = delta / np.linalg.norm(delta, axis=-1, keepdims=True)
    stretch = max(10, round(RENORMALISED / abs(dt)))
    done = 0
    while done < steps:
        count = min(stretch, steps - done)
        path = integrate(
            K, np.concatenate([q, delta[..., :size]], -1), np.concatenate([delta[..., size:], p], -1),
            dt=dt, steps=count, method=method, save_every=count,
        )  # fmt: skip
        q, dq = np.split(path.q[-1], 2, axis=-1)
        dp, p = np.split(path.p[-1], 2, axis=-1)
        delta = np.concatenate([dq, dp], -1)
        length = np.linalg.norm(delta, axis=-1)
        delta = delta / length[..., None]
        done += count
        yield done * abs(dt), length, delta, (q, p)


def _evaluated(f, q, p, t):
    """f on torch tensors; NumPy in, NumPy out."""
    if is_torch(q) or is_torch(p):
        return f(q, p, t)
    import torch

    made = f(*(None if x is None else torch.from_numpy(np.array(x, dtype=float)) for x in (q, p)), t)
    return made.detach().numpy()
