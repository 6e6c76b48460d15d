"""`certify`: run every check that applies to a method on a Hamiltonian and hand back the certificate."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np

from tenfma.dynamics import arguments
from tenfma.dynamics.arrays import plain
from tenfma.dynamics.certificates import checks
from tenfma.dynamics.certificates.bath import bath_checks
from tenfma.dynamics.certificates.case import Case, named_maps
from tenfma.dynamics.certificates.report import Certificate, Check
from tenfma.dynamics.methods import check_pairing, method_named
from tenfma.dynamics.record import Interrupted
from tenfma.dynamics.words import Method
from tenfma.errors import TenfmaError
from tenfma.hamiltonian.protocol import Hamiltonian

#: steps of the shared run where none are named: with machine code, and step by step
STEPS_COMPILED, STEPS_STEPWISE = 20_000, 1_000

Progress = Callable[[float, str], None]


def certify(
    H: Hamiltonian,
    method: str | Method = "leapfrog",
    *,
    dt: float | None = None,
    q: Any = None,
    p: Any = None,
    kT: float | None = None,
    friction: Any = None,
    steps: int | None = None,
    invariants: Mapping[str, Any] | None = None,
    symmetries: Iterable | Mapping | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Certificate:
    """Measure what a method does to H at this step size, from this state.

    Decides the verdict (green when all that apply pass): that the run stays finite, symplectic or conformal
    defect, agreement of the Jacobian with differences, reversal error, order, energy drift, equivariance,
    and for Langevin methods the stationary covariance or the two temperatures. Shown beside them: det J,
    candidate invariants, shadow work.

    Args:
        H: any Hamiltonian; formulas and torch functions alike. `H.invariants` (name → function of (q, p)) and
            `H.transforms` (pairs of name and map of states) are examined where H has them, and
            `H.equivariances(seed)`, the same H in other frames.
        dt, q, p: one state of shape H.event_shape; a textbook system's own where left out.
        kT, friction: for Langevin methods, in H's units; refused for others.
        steps: length of the run that shows drift, invariants and temperatures.
        invariants: more candidates, functions of (q, p) or formulas in H's variables.
        symmetries: more maps (q, p) → (q, p), as pairs with names, a mapping, or alone; they act on
        ensembles too. progress: called with the finished fraction and the name of the check at work.

    Raises:
        PairingError: the method is not right for H. TenfmaError: a state or number is unusable, or the run
        diverged. Interrupted: Ctrl-C; a KeyboardInterrupt whose `kept` is the certificate of the checks made so far.
    """
    chosen = method_named(method)
    case = _case(H, chosen, dt, q, p, kT, friction, steps, invariants, symmetries, seed)
    tell = progress or (lambda fraction, name: None)
    made: list[Check] = []
    jobs: list[tuple[str, Callable[[], list[Check]]]] = [
        ("run", lambda: [checks.completion(case)]),
        ("symplectic defect", lambda: _geometry(case)),
        ("reversal error", lambda: [checks.reversal(case)]),
        ("order", lambda: [checks.order(case)]),
        ("energy drift", lambda: [checks.energy_drift(case)]),
        ("equivariance", lambda: [checks.equivariance(case)]),
    ]
    if chosen.stochastic:
        jobs.append(("stationary state", lambda: bath_checks(case)))
    jobs += [(name, partial(_invariant, case, name)) for name in case.invariants]
    stopped = None
    try:
        for i, (name, job) in enumerate(jobs):
            stopped = name
            tell(i / len(jobs), name)
            made += job()
        stopped = None
        tell(1.0, "done")
    except KeyboardInterrupt:
        raise Interrupted(_certificate(case, tuple(made), stopped)) from None
    return _certificate(case, tuple(made), None)


def _certificate(case: Case, made: tuple[Check, ...], stopped: str | None) -> Certificate:
    H, method = case.H, case.method
    settings = {
        "capability": H.capability.name.lower(),
        "dimensions": int(plain(case.q).size),
        "precision": str(case.stepper.q.dtype).removeprefix("torch."),
        "kT": case.kT,
        "friction": None if case.friction is None else plain(case.friction),
        "seed": case.seed if method.stochastic else None,
        "phase_space": "doubled" if case.stepper.extended else "plain",
        "units": {name: getattr(H.units, name) for name in ("q", "p", "energy", "time")},
    }
    return Certificate(H.name, method.name, case.dt, case.steps, settings, made, stopped)


def _invariant(case: Case, name: str) -> list[Check]:
    return [checks.invariant(case, name, case.invariants[name])]


def _geometry(case: Case) -> list[Check]:
    defect = checks.symplectic(case)
    return [defect, checks.determinant(case, defect), checks.tangent(case)]


def _case(H, method, dt, q, p, kT, friction, steps, invariants, symmetries, seed) -> Case:
    arguments.hamiltonian(H)
    arguments.seeded(seed)
    if invariants is not None and not isinstance(invariants, Mapping):
        raise TenfmaError(
            f"invariants is {invariants!r}; expected names with functions or formulas, as a mapping"
        )
    dt, q, p = arguments.certified_start(H, dt, q, p)
    check_pairing(method, H, plain(q), plain(p))
    kT, friction = arguments.bath(method, H, kT, friction, None, None)
    compiled = isinstance(q, np.ndarray) and hasattr(H, "structure")
    steps = (STEPS_COMPILED if compiled else STEPS_STEPWISE) if steps is None else steps
    arguments.certified_length(steps)
    candidates = dict(getattr(H, "invariants", None) or {})
    for name, function in (invariants or {}).items():
        candidates[name] = arguments.candidate(H, name, function)
    transforms = getattr(H, "transforms", None)
    offered = named_maps(transforms() if callable(transforms) else transforms)
    return Case(
        H,
        method,
        dt,
        q,
        p,
        int(steps),
        kT,
        friction,
        int(seed),
        candidates,
        (*offered, *named_maps(symmetries)),
        tuple(H.equivariances(int(seed))),
    )
