"""Shadow (modified) energy: what a splitting method conserves almost exactly while H itself oscillates.

A word over kicks and drifts of H = T(p) + V(q) with step h is, up to terms beyond every power of h, the flow
of

    H̃ = H + h c₁ {T, V} + h² (a {T, {T, V}} + b {V, {V, T}}) + …

with {T, {T, V}} = vᵀ(∂²V)v and {V, {V, T}} = fᵀ(∂²T)f, where v = ∂T/∂p and f = ∂V/∂q. The coefficients come
from the word itself, by the Baker–Campbell–Hausdorff series: leapfrog (kick first) has c₁ = 0, a = 1/12, b =
−1/24. A method whose h and h² terms vanish, such as Yoshida's fourth order, has H̃ = H here and is told so.

Source: Hairer, Lubich & Wanner, Geometric Numerical Integration, IX.3; Yoshida, Celest. Mech. 56 (1993) 27.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from tenfma.dynamics.arrays import event_sum, is_torch, plain
from tenfma.dynamics.brackets import partial_derivatives
from tenfma.dynamics.methods import method_named
from tenfma.dynamics.path import Path
from tenfma.dynamics.statistics import Mean, mean_and_error
from tenfma.dynamics.words import Method, Word
from tenfma.errors import PairingError, TenfmaError
from tenfma.hamiltonian.protocol import Array, Capability, Hamiltonian


@dataclass(frozen=True)
class ShadowTerms:
    """Coefficients of H̃ = (drift) T + (kick) V + h c₁ {T, V} + h² (a {T, {T, V}} + b {V, {V, T}}) +
    O(h³)."""

    drift: float
    kick: float
    first: float
    a: float
    b: float


def shadow_terms(word: Word) -> ShadowTerms:
    """The coefficients of a word of kicks B and drifts A, from the Baker–Campbell–Hausdorff series.

    With [F, G] = {G, F} the word's flows multiply as exponentials in the order in which they are applied, and
    log(e^X e^Y) = X + Y + ½[X, Y] + (1/12)([X, [X, Y]] + [Y, [Y, X]]) + … Each factor here is a single T or
    V.
    """
    t = v = tv = ttv = vvt = 0.0  # log = tT + vV + tv[T,V] + ttv[T,[T,V]] + vvt[V,[V,T]]
    for letter, c in word:
        if letter == "A":  # Y = cT:  [X, Y] = vc[V,T] + tv·c[[T,V],T]
            tv, ttv, vvt = (
                tv - 0.5 * c * v,
                ttv - 0.5 * c * tv + c * (c - t) * v / 12,
                vvt + v * v * c / 12,
            )
            t += c
        elif letter == "B":  # Y = cV:  [X, Y] = tc[T,V] + tv·c[[T,V],V]
            tv, ttv, vvt = (
                tv + 0.5 * c * t,
                ttv + t * t * c / 12,
                vvt + 0.5 * c * tv + c * (c - v) * t / 12,
            )
            v += c
        else:
            raise PairingError(
                f"a word with the letter {letter} has a bath or is implicit, and no shadow energy here"
            )
    # [T, V] = {V, T} = −{T, V};  [T, [T, V]] = {{V, T}, T} = {T, {T, V}};  [V, [V, T]] = {V, {V, T}}
    return ShadowTerms(t, v, -tv, ttv, vvt)


class ShadowEnergy:
    """H̃(q, p) through h² for a method and step; callable on NumPy or torch states, differentiable in torch.

    Its drift along the method's trajectory is O(h⁴) for symmetric words of order 2 (O(h³) for others), where
    H's own is O(h²).
    """

    def __init__(self, H: Hamiltonian, method: str | Method = "leapfrog", *, dt: float):
        chosen = method_named(method)
        if chosen.word is None or chosen.stochastic:
            raise PairingError(
                f"{chosen.name} is no word of kicks and drifts, so its shadow energy is not built here; "
                f"use leapfrog"
            )
        if H.capability < Capability.SEPARABLE:
            raise PairingError(f"a shadow energy needs H = T(p) + V(q), and {H.name} couples q and p")
        if H.damping or H.time_dependent:
            raise TenfmaError(
                f"{H.name} is damped or driven; a shadow energy is conserved by an autonomous H only"
            )
        self.H, self.dt, self.name = H, float(dt), f"shadow of {H.name} under {chosen.name}"
        self.terms = shadow_terms(chosen.word)
        self.event_shape = H.event_shape

    def __call__(self, q: Array, p: Array) -> Array:
        """H̃ of states (*ensemble, *event), shape (*ensemble,)."""
        H, h, c = self.H, self.dt, self.terms
        rank = len(H.event_shape)
        v, f = H.dp(q, p), H.dq(q, p)
        bend_v, bend_t = self._curved(q, p, v, f)
        result = H(q, p)
        extra = event_sum(h * h * (c.a * v * bend_v + c.b * f * bend_t) - h * c.first * f * v, rank)
        return result + extra  # {T, V} = −v·f

    def _curved(self, q: Array, p: Array, v: Array, f: Array) -> tuple[Array, Array]:
        """(∂²V) v and (∂²T) f."""
        H = self.H
        if hasattr(H, "hessian"):
            hessian, n = H.hessian(q, p), H.event_shape[0]
            return (
                (hessian[..., :n, :n] @ v[..., None])[..., 0],
                (hessian[..., n:, n:] @ f[..., None])[..., 0],
            )
        if is_torch(q):
            return self._products(q, p, v, f)
        import torch

        made = self._products(*(torch.from_numpy(np.array(x)) for x in (q, p, v, f)))
        return plain(made[0]), plain(made[1])

    def _products(self, q, p, v, f):
        """Hessian products by differentiating v·∂H/∂q at fixed v, and f·∂H/∂p at fixed f."""
        rank = len(self.H.event_shape)
        along_q, _, _ = partial_derivatives(lambda x, y: event_sum(self.H.dq(x, y) * v, rank), q, p)
        _, along_p, _ = partial_derivatives(lambda x, y: event_sum(self.H.dp(x, y) * f, rank), q, p)
        return along_q, along_p


def shadow_energy(H: Hamiltonian, method: str | Method = "leapfrog", *, dt: float) -> ShadowEnergy:
    """H̃ through h². Raises PairingError for methods that are no words of kicks and drifts, or H that couple
    q, p."""
    return ShadowEnergy(H, method, dt=dt)


@dataclass(frozen=True)
class BathAccount:
    """First law along a Langevin path: ΔE = heat + work, per path and member."""

    #: mean shadow work per unit time
    work_rate: Mean
    #: mean heat taken from the bath per unit time
    heat_rate: Mean
    #: max |ΔE − heat − work|, which is round-off
    imbalance: float


def bath_account(path: Path) -> BathAccount:
    """Rates of heat and shadow work with standard errors. Raises TenfmaError for a path that kept no
    account."""
    if path.heat is None or path.work is None:
        raise TenfmaError(
            f"a path of {path.method} keeps no account of heat; integrate with a Langevin splitting such "
            f"as baoab"
        )
    t, energy, heat, work = (plain(x) for x in (path.t, path.energy, path.heat, path.work))
    spans = np.diff(t, axis=0)
    spans = spans.reshape(len(spans), *[1] * (energy.ndim - t.ndim), *t.shape[1:])
    rates: list[Any] = [mean_and_error(np.diff(x, axis=0) / spans) for x in (work, heat)]
    imbalance = float(np.abs(energy - energy[0] - heat - work).max())
    return BathAccount(rates[0], rates[1], imbalance)


def leapfrog_coefficients() -> tuple[Fraction, Fraction]:
    """a = 1/12 and b = −1/24 of kick–drift–kick, as fractions, for a page to show."""
    terms = shadow_terms((("B", 0.5), ("A", 1.0), ("B", 0.5)))
    return tuple(Fraction(x).limit_denominator(1000) for x in (terms.a, terms.b))  # type: ignore[return-value]
