"""The checks of a deterministic step, and of a Langevin step at frozen noise. Each returns one `Check`."""

import math
from dataclasses import replace

import numpy as np
import torch

from tenfma.dynamics.arrays import plain
from tenfma.dynamics.certificates.accuracy import CROSSINGS, crossings, drift, exact_path, measured_order
from tenfma.dynamics.certificates.case import Case
from tenfma.dynamics.certificates.geometry import (
    DENSE,
    equivariance_error,
    generic,
    reversal_error,
    symplectic_defect,
    tangent_error,
)
from tenfma.dynamics.certificates.report import Check, judged, per
from tenfma.dynamics.invariants import bracket_residual
from tenfma.dynamics.shadow import shadow_energy
from tenfma.errors import TenfmaError

#: float64 limits; float32 runs are judged against 1e-4 instead
SYMPLECTIC_LIMIT, EQUIVARIANCE_LIMIT, TANGENT_LIMIT = 1e-10, 1e-9, 1e-6
SINGLE_PRECISION_LIMIT = 1e-4
#: distance of the nearest multiple of Ω at which a small relative defect only says that J is huge
LOST = 1e-2
ORDER_MARGIN = 0.1
REVERSED_STEPS = 100
#: halvings of the step tried below dt, and doublings above it
FINER, COARSER = 6, 3
#: fewest states from which a slope is read
SHORTEST = 8
#: candidate invariants whose bracket with H is larger than this (relative) are none of H's
BRACKET_LIMIT = 1e-9


def friction_factor(case: Case) -> float | None:
    """The factor e^{−γh} that the method promises for JᵀΩJ; None where it promises none."""
    word = case.method.word or ()
    if not case.method.stochastic:
        if not case.method.symplectic:
            return 1.0
        explicit = bool(word) or case.stepper.extended
        return math.exp(-case.H.damping * case.dt) if explicit or not case.H.damping else None
    gamma = np.unique(plain(case.friction))
    if len(gamma) != 1 or not any(letter == "O" for letter, _ in word) or case.H.damping:
        return None
    return math.exp(-float(gamma[0]) * case.dt)


def completion(case: Case) -> Check:
    """Whether the shared run kept a finite energy to its end."""
    meaning = "fraction of the asked-for steps that the run finished with a finite energy"
    done = float((plain(case.path.t)[-1] - plain(case.path.t)[0]) / (case.dt * case.steps))
    return Check("run", judged(case.path.stopped is None), meaning, done, "1", "1", case.path.stopped or "")


def symplectic(case: Case) -> Check:
    """‖JᵀΩJ − cΩ‖/‖J‖² near the start and near the end of the run, the worse of the two."""
    conformal = case.method.stochastic or bool(case.H.damping)
    name = "conformal defect" if conformal else "symplectic defect"
    space = " in its doubled phase space" if case.stepper.extended else ""
    noise = " at frozen noise" if case.method.stochastic else ""
    target = "e^{−γh}Ω" if conformal else "Ω"
    meaning = (
        f"‖JᵀΩJ − {target}‖/‖J‖² of the step's Jacobian J{space}{noise}: 0 where the step is a canonical flow"
    )
    factor = friction_factor(case)
    q, p = case.states(2)
    defects = []
    for stepper in (case.stepper.at(*generic(q[0], p[0])), case.stepper.at(*generic(q[-1], p[-1]))):
        step = stepper.step(case.dt)
        promised = 1.0 if factor is None else factor
        defects.append(symplectic_defect(step, *stepper.start, factor=promised, scale=case.scale))
    worst = max(defects, key=lambda defect: defect.value)
    data = {"exact": worst.exact, "determinant": worst.determinant, "nearest_factor": worst.factor}
    note = "" if worst.exact else "estimated from random tangent vectors"
    if factor is None:
        return Check(
            name, "shown", meaning, worst.value, "1", "",
            f"{case.method.name} promises no factor here; nearest is {worst.factor:.6g}", data,
        )  # fmt: skip
    limit = SYMPLECTIC_LIMIT if case.eps < 1e-10 else SINGLE_PRECISION_LIMIT
    lost = abs(worst.factor - factor) > LOST
    passed = worst.value <= limit and not lost
    note = f"JᵀΩJ is nearest to {worst.factor:.3g} of Ω: the step is far too large" if lost else note
    return Check(
        name, judged(passed), meaning, worst.value, "1", f"≤ {limit:g}", note,
        data | {"factor": factor},
    )  # fmt: skip


def determinant(case: Case, symplectic_check: Check) -> Check:
    """det J, from the Jacobian formed for the symplectic defect."""
    meaning = "det J of one step: phase-space volume after over before; e^{−γhD} under friction γ, else 1"
    value = symplectic_check.data.get("determinant")
    if value is None:
        return Check(
            "det J", "n/a", meaning, note="the Jacobian is probed, not formed, in this many dimensions"
        )
    return Check("det J", "shown", meaning, value, "1", "", "follows from the defect above")


def tangent(case: Case) -> Check:
    """J·v by derivatives against differences of the step."""
    meaning = "relative difference of J·v by derivatives and by differences: guards the checks that use J"
    error = tangent_error(case.stepper.step(case.dt), *case.stepper.start)
    limit = TANGENT_LIMIT if case.eps < 1e-10 else 0.1
    return Check("Jacobian", judged(error <= limit), meaning, error, "1", f"≤ {limit:g}")


def reversal(case: Case) -> Check:
    """Forward and back again."""
    meaning = f"‖z − z₀‖/‖z₀‖ after up to {REVERSED_STEPS} steps of dt and as many of −dt"
    if case.method.stochastic:
        return Check("reversal error", "n/a", meaning, note="heat does not flow back by itself")
    if case.H.time_dependent:
        return Check(
            "reversal error", "n/a", meaning, note="H depends on time, and the clock is held fixed here"
        )
    steps = min(REVERSED_STEPS, case.steps)
    forward, backward = case.stepper.step(case.dt), case.stepper.step(-case.dt)
    with torch.no_grad():
        error = reversal_error(forward, backward, *case.stepper.start, steps)
    data = {"steps": steps}
    if not case.method.symmetric:
        note = f"{case.method.name} is not symmetric and does not claim to reverse"
        return Check("reversal error", "shown", meaning, error, "1", "", note, data)
    limit = max(2e4 * case.eps * steps, 1e-12)
    verdict = judged(error <= limit)
    return Check("reversal error", verdict, meaning, error, "1", f"≤ {limit:.1g}", "", data)


def order(case: Case) -> Check:
    """Slope of the error against an independent solution."""
    meaning = "slope of log(error) on log(dt), error against Dormand–Prince 8 at round-off tolerance"
    if case.method.stochastic:
        return Check("order", "n/a", meaning, note="strong, weak and measure orders of noise are other tests")
    if case.eps > 1e-10:
        return Check("order", "n/a", meaning, note="single precision hides the slope; use float64")
    span = 2**COARSER * 2 * case.dt
    fewest = 2
    large = plain(case.q).size > 2_000
    counts = [fewest * 2**k for k in range(COARSER + (2 if large else FINER) + 1)]
    times = span * np.arange(1, fewest + 1) / fewest
    try:
        reference = exact_path(case.H, case.q, case.p, times)
    except TenfmaError as problem:
        return Check("order", "n/a", meaning, note=str(problem))

    def solve(step: float, count: int) -> np.ndarray:
        path = case.run(step, count, count // fewest)
        if path.stopped:
            raise TenfmaError(path.stopped)
        return np.concatenate([plain(x)[1:].reshape(fewest, -1) for x in (path.q, path.p)], axis=1)

    found = measured_order(solve, reference, span, counts, floor=3e-13)
    data = {"steps": list(found.steps), "errors": list(found.errors), "claimed": case.method.order}
    if found.value is None:
        return Check("order", "n/a", meaning, note=found.note, data=data)
    low = found.value >= case.method.order - ORDER_MARGIN
    higher = found.value > case.method.order + ORDER_MARGIN
    note = "higher than claimed on this system" if higher else ""
    limit = f"{case.method.order} ± {ORDER_MARGIN}"
    return Check("order", judged(low), meaning, found.value, "1", limit, note, data)


def energy_drift(case: Case) -> Check:
    """Slope of the energy on time with its band."""
    unit = per(case.H.units, case.H.units.energy)
    meaning = "slope of the total energy on time with its 99 % band, residuals allowed to be correlated"
    if case.method.stochastic or case.dissipates:
        why = "a bath" if case.method.stochastic else "friction" if case.H.damping else "a driving force"
        return Check("energy drift", "n/a", meaning, note=f"{why} changes the energy")
    t = plain(case.path.t)
    if case.path.stopped:
        return Check("energy drift", "fail", meaning, note="the energy diverged before the run's end")
    if len(t) < SHORTEST:
        return Check(
            "energy drift", "n/a", meaning, note=f"the run kept {len(t)} states, too few for a slope"
        )
    scale = float(max(np.abs(case.energy).max(), np.abs(case.kinetic).max()))
    found = drift(t, case.energy, scale, case.steps, case.eps, case.solved_to)
    data = {
        "low": found.trend.low,
        "high": found.trend.high,
        "confidence": found.trend.confidence,
        "largest_error": found.largest * found.scale,
        "round_off": found.round_off,
    }
    band = f"band [{found.trend.low:.1e}, {found.trend.high:.1e}], max |ΔE| {found.largest * found.scale:.1e}"
    if found.holds:
        note = f"{band}; round-off only" if found.round_off else band
        return Check("energy drift", "pass", meaning, found.trend.slope, unit, "band contains 0", note, data)
    if _shadowed(case, found.largest * found.scale):
        note = f"{band}; the shadow energy holds ten times better, so this is a slow oscillation"
        return Check("energy drift", "pass", meaning, found.trend.slope, unit, "band contains 0", note, data)
    if crossings(case.kinetic) < CROSSINGS:
        note = f"{band}; the run holds too few oscillations to tell drift from oscillation: raise steps"
        return Check("energy drift", "n/a", meaning, found.trend.slope, unit, "", note, data)
    return Check("energy drift", "fail", meaning, found.trend.slope, unit, "band contains 0", band, data)


def _shadowed(case: Case, change: float) -> bool:
    """Whether the method's shadow energy changes less than a tenth as much as H does."""
    if case.method.word is None or plain(case.q).size > DENSE:
        return False
    try:
        shadow = plain(shadow_energy(case.H, case.method, dt=case.dt)(case.path.q, case.path.p))
    except TenfmaError:
        return False
    return bool(np.abs(shadow - shadow[0]).max() <= 0.1 * change)


def invariant(case: Case, name: str, function) -> Check:
    """Whether a candidate is conserved by H, and how far the method keeps it."""
    meaning = "largest change over the run relative to its largest value; does not decide the verdict"
    if case.path.stopped or len(case.path) < SHORTEST:
        return Check(f"invariant {name}", "n/a", meaning, note="the run is too short or diverged")
    q, p = case.path.q, case.path.p
    try:
        values = plain(function(q, p))
        values = values.reshape(len(values), -1)[:, 0]
        residual = bracket_residual(function, case.H, *case.states(16))
    except (TenfmaError, TypeError, RuntimeError, ValueError) as problem:
        return Check(f"invariant {name}", "n/a", meaning, note=f"it could not be evaluated: {problem}")
    scale = float(np.abs(values).max())
    found = drift(plain(case.path.t), values, scale, case.steps, case.eps, case.solved_to)
    data = {"bracket_residual": residual, "low": found.trend.low, "high": found.trend.high}
    if residual > BRACKET_LIMIT:
        note = f"not conserved by H: its bracket with H is {residual:.1e} of its terms"
    elif case.method.stochastic or case.dissipates:
        note = "conserved by H's bracket; the bath, friction or driving may change it"
    elif found.round_off or found.largest < 1e-9:
        note = "holds to round-off"
    else:
        note = "holds on average: its slope's band contains 0" if found.holds else "drifts"
    return Check(f"invariant {name}", "shown", meaning, found.largest, "1", "", note, data)


def equivariance(case: Case) -> Check:
    """step(Dz) = D step(z) for every symmetry offered, step′(Dz) = D step(z) for H′, the same H in another frame."""
    meaning = "largest ‖step′(Dz, Dξ) − D step(z, ξ)‖/‖step(z, ξ)‖ over the symmetries D; step′ steps H as D sees it"
    stepper, data = case.stepper, {}
    noise = stepper.normals
    maps = [(name, stepper, transform) for name, transform in case.symmetries]
    note = ""
    if case.friction is None or plain(case.friction).ndim == 0:
        for name, turned, D in case.equivariances:
            maps.append((name, replace(stepper, H=turned), lambda q, p, D=D: (D(q), D(p))))
    elif case.equivariances:
        note = "other frames are left out: the friction of each component does not turn with them"
    if not maps:
        return Check("equivariance", "n/a", meaning, note=note or f"{case.H.name} names no symmetries")
    for name, other, transform in maps:
        # noise transforms as momenta do
        carried = None if noise is None else torch.stack([transform(stepper.q, xi)[1] for xi in noise])
        step, moved = stepper.step(case.dt, noise), other.step(case.dt, carried)
        with torch.no_grad():
            data[name] = equivariance_error(step, transform, *stepper.start, moved=moved)
    worst = max(data.values())
    limit = EQUIVARIANCE_LIMIT if case.eps < 1e-10 else SINGLE_PRECISION_LIMIT
    return Check("equivariance", judged(worst <= limit), meaning, worst, "1", f"≤ {limit:g}", note, data)
