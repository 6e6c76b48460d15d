"""The checks of a Langevin method: stationary covariance where it can be solved, temperatures where it
cannot."""

from typing import Any

import numpy as np
import torch

from tenfma.dynamics.arrays import is_torch, plain
from tenfma.dynamics.certificates.case import Case
from tenfma.dynamics.certificates.report import Check, judged, per
from tenfma.dynamics.certificates.stationary import (
    affine_map,
    configurational_temperature,
    kinetic_temperature,
    stationary_covariance,
)
from tenfma.dynamics.integrate import integrate
from tenfma.dynamics.statistics import Mean, mean_and_error
from tenfma.errors import TenfmaError

#: a step is affine when it deviates from Mz + Nξ + c by less than this (relative)
AFFINE = 1e-10
#: bias of finite dt that is accepted in a temperature or a covariance
BIAS = 0.05
#: states above this size are not solved for
SOLVED = 128
#: chains, and the part of each chain thrown away
CHAINS, BURN_IN = 16, 0.2


def bath_checks(case: Case) -> list[Check]:
    """Covariance or temperatures, and shadow work."""
    return [*(_covariance(case) or _temperatures(case)), _shadow_work(case)]


def _covariance(case: Case) -> list[Check]:
    """Stationary covariance of an affine step; empty where the step is not affine."""
    stepper, H = case.stepper, case.H
    size = plain(case.q).size
    if size > SOLVED or H.time_dependent:
        return []

    def step(q: torch.Tensor, p: torch.Tensor, normals: torch.Tensor):
        return stepper.step(case.dt, normals)(q, p)

    try:
        affine = affine_map(step, tuple(H.event_shape), case.method.draws)
    except (TenfmaError, RuntimeError, ZeroDivisionError):
        return []  # a potential that is singular at the origin is not quadratic
    if not affine.deviation <= AFFINE:
        return []
    meaning = "‖Σ − Σ_Gibbs‖/‖Σ_Gibbs‖ of the {} covariance, Σ = MΣMᵀ + NNᵀ solved, Σ_Gibbs = kT (∂²H)⁻¹"
    names = {"position covariance": "configurational", "momentum covariance": "momentum"}
    try:
        covariance = stationary_covariance(affine)
        exact = case.kT * np.linalg.inv(_hessian(case))
    except (TenfmaError, np.linalg.LinAlgError) as problem:
        why = str(problem) or "H has no normalisable Gibbs measure"
        return [Check(name, "n/a", meaning.format(word), note=why) for name, word in names.items()]
    checks = []
    for (name, word), part in zip(names.items(), (slice(0, size), slice(size, None))):
        seen, right = covariance[part, part], exact[part, part]
        error = float(np.linalg.norm(seen - right) / np.linalg.norm(right))
        data = {"solved": seen, "gibbs": right, "affine_deviation": affine.deviation}
        verdict = judged(error <= BIAS)
        checks.append(
            Check(name, verdict, meaning.format(word), error, "1", f"≤ {BIAS:g}", "solved, not sampled", data)
        )
    return checks


def _hessian(case: Case) -> np.ndarray:
    """∂²H over (q, p) of a quadratic H, from the derivatives at unit states."""
    size, event = plain(case.q).size, tuple(case.H.event_shape)

    def slope(z: np.ndarray) -> np.ndarray:
        q, p = (case.stepper.q.new_tensor(x.reshape(event)) for x in np.split(z, 2))
        return np.concatenate([plain(case.H.dq(q, p)).ravel(), plain(case.H.dp(q, p)).ravel()])

    origin = slope(np.zeros(2 * size))
    return np.stack([slope(e) - origin for e in np.eye(2 * size)], axis=1)


def _temperatures(case: Case) -> list[Check]:
    """Kinetic and configurational temperature over chains of the run's length."""
    H, q, p = case.H, case.q, case.p
    chains = CHAINS if plain(q).size <= 1_000 else 1
    if chains > 1:
        stack = torch.stack if is_torch(q) else np.stack
        q, p = stack([q] * chains), stack([p] * chains)
    options: dict[str, Any] = {"gradient": "none"} if is_torch(q) else {}
    path = integrate(
        H, q, p, dt=case.dt, steps=case.steps, method=case.method, save_every=max(1, case.steps // 4_000),
        kT=case.kT, friction=case.friction, seed=case.seed, **options,
    )  # fmt: skip
    kept = slice(int(BURN_IN * len(path)), None)
    q, p = path.q[kept], path.p[kept]
    unit = H.units.energy
    kinetic = kinetic_temperature(H, q, p)
    checks = [_temperature(case, "kinetic temperature", "⟨p·∂H/∂p⟩/degrees of freedom", kinetic, unit)]
    meaning = "⟨|∂H/∂q|²⟩/⟨tr ∂²H/∂q²⟩"
    try:
        configurational = configurational_temperature(H, q, p)
    except TenfmaError as problem:
        return [*checks, Check("configurational temperature", "n/a", meaning, note=str(problem))]
    return [*checks, _temperature(case, "configurational temperature", meaning, configurational, unit)]


def _temperature(case: Case, name: str, meaning: str, seen: Mean, unit: str) -> Check:
    allowed = 4 * seen.error + BIAS * case.kT
    data = {"standard_error": seen.error, "effective_samples": seen.effective_samples, "kT": case.kT}
    note = f"± {seen.error:.2g} from {seen.effective_samples:.0f} effective samples"
    limit = f"{case.kT:g} ± (4 standard errors + {BIAS:.0%})"
    if seen.error > 2 * BIAS * case.kT:
        return Check(
            name, "n/a", meaning, seen.value, unit, "", f"{note}: too few to judge, raise steps", data
        )
    verdict = judged(abs(seen.value - case.kT) <= allowed)
    return Check(name, verdict, meaning, seen.value, unit, limit, note, data)


def _shadow_work(case: Case) -> Check:
    """Mean rate at which finite kicks and drifts do work."""
    meaning = (
        "mean shadow work per time over kT: energy the step's finite size feeds in, ΔE − heat; 0 as dt → 0"
    )
    if case.path.work is None:
        return Check("shadow work", "n/a", meaning, note=f"{case.method.name} keeps no account of heat")
    work = plain(case.path.work).reshape(len(case.path), -1).sum(axis=1)
    t = plain(case.path.t)
    rates = mean_and_error(np.diff(work) / np.diff(t) / case.kT) if case.kT else Mean(0.0, 0.0, 0.0)
    note = f"± {rates.error:.2g}"
    data = {"standard_error": rates.error, "total": float(work[-1])}
    return Check("shadow work", "shown", meaning, rates.value, per(case.H.units, "1"), "", note, data)
