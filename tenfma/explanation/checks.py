"""That an explanation is true of its own H: every identity measured, with a verdict."""

from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from tenfma.dynamics.arrays import plain
from tenfma.dynamics.certificates.report import MARKS, Check, judged, shown
from tenfma.errors import TenfmaError
from tenfma.explanation.couplings import STENCIL, Couplings
from tenfma.explanation.simplex_couplings import SimplexCouplings

if TYPE_CHECKING:
    from tenfma.explanation.explain import Explanation

#: relative error allowed of sums, and of second derivatives against differences
SUMS, DIFFERENCES = 1e-6, 1e-5
#: displacement of q, and temperature in eV, at which the flows of a crystal at rest are checked
MOVED, THERMAL = 0.05, 0.025
#: pairs of simplices whose couplings are compared both ways
PAIRS = 4


@dataclass(frozen=True)
class Verification:
    """Checks of one explanation; `green` where all that apply pass."""

    name: str
    checks: tuple[Check, ...]

    @property
    def green(self) -> bool:
        return all(check.verdict != "fail" for check in self.checks)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"green": self.green, "checks": [check.to_dict() for check in self.checks]}

    def __str__(self) -> str:
        return "\n".join(f"{MARKS[c.verdict]} {c.name}: {shown(c.value)} ({c.limit})" for c in self.checks)

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr title="{escape(c.meaning)}"><td>{MARKS[c.verdict]} {escape(c.verdict)}</td><td>{escape(c.name)}</td>'
            f"<td>{shown(c.value)}</td><td>{escape(c.limit)}</td><td>{escape(c.meaning)}</td></tr>"
            for c in self.checks
        )
        head = "".join(f"<th>{name}</th>" for name in ("verdict", "check", "value", "limit", "meaning"))
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def verify(explanation: "Explanation", seed: int = 0) -> Verification:
    """Measure the identities an explanation stands on, flows with momenta drawn from `seed`."""
    e = explanation
    checks = [
        _check("parts add up to H", e.parts.defect, SUMS, "|Σ E_i − H| over the sum of sizes"),
        *_flow_checks(e, seed),
        *_tension_check(e),
        *_coupling_checks(e),
    ]
    return Verification(e.name, tuple(checks))


def _check(name: str, value: float, limit: float, meaning: str) -> Check:
    return Check(name, judged(value <= limit), meaning, value, limit=f"≤ {limit:g}")


def _flow_checks(e: "Explanation", seed: int) -> list[Check]:
    """J + Jᵀ, and Σ_j J_ij against dE_i/dt by differences of the parts along Hamilton's equations."""
    mass = e.H.mass
    scale = 1.0 if mass is None else np.sqrt(np.broadcast_to(plain(mass), e.p.shape))
    crystal = e.subject.numbers is not None or e.subject.complex is not None
    # at rest in a symmetric crystal nothing flows: look a little beside it
    q = e.q + (MOVED * _draw(e.q.shape, seed + 1) if crystal else 0.0)
    at_rest = not np.abs(e.p).max(initial=0.0) > 0
    p = _draw(e.p.shape, seed) * scale * np.sqrt(THERMAL if crystal else 0.1) if at_rest else e.p
    J = e.parted.currents(q, p)
    v, force = plain(e.H.dp(q, p)), -plain(e.H.dq(q, p))
    # neither q nor p moves by more than a thousandth
    fastest = float(np.abs(v).max(initial=0.0)), float(np.abs(force).max(initial=0.0))
    h = 1e-3 / max(1e-3, fastest[0], fastest[1] / max(1.0, float(np.abs(p).max(initial=0.0))))
    steps = [weight * e.parted.energies(q + k * h * v, p + k * h * force) for k, weight in STENCIL]
    rate = np.sum(steps, axis=0) / h
    # one part alone exchanges nothing: then the powers ∂E/∂q·q̇ that cancel in dE/dt set the scale
    powers = float(np.abs(force * v).sum())
    round_off = 1e-15 * float(np.abs(e.parted.energies(q, p)).sum()) / h / SUMS
    size = max(float(np.abs(J).sum(1).max(initial=0.0)), powers, round_off, 1e-12)
    return [
        _check(
            "flow is antisymmetric",
            float(np.abs(J + J.T).max(initial=0.0)) / size,
            1e-12,
            "max |J_ij + J_ji| over the largest flow: what one part gains another loses",
        ),
        _check(
            "flows add up to the change of every part",
            float(np.abs(J.sum(1) - rate).max(initial=0.0)) / size,
            SUMS,
            "max |Σ_j J_ij − dE_i/dt|, the rate by differences along the motion, over the largest flow",
        ),
    ]


def _draw(shape: tuple[int, ...], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def _tension_check(e: "Explanation") -> list[Check]:
    try:
        tensions = e.sensitivities.tensions
    except TenfmaError:
        return []
    forces = e.sensitivities.forces
    size = max(1.0, float(np.abs(forces).max(initial=0.0)))
    check = _check(
        "tensions and torques add up to the forces",
        float(np.abs(tensions.forces(len(forces)) - forces).max(initial=0.0)) / size,
        SUMS,
        "max |F − F from bond tensions and angle torques alone|, eV/Å",
    )
    K = e.subject.complex
    if check.verdict == "fail" and K is not None and not bool(K.pbc.any()):
        twist = "a molecule can twist without any angle changing; the rest is `tensions.remainder`"
        return [replace(check, verdict="shown", note=twist)]
    return [check]


def _coupling_checks(e: "Explanation") -> list[Check]:
    """One row of blocks: against second-order differences, its sum, and its mirror image."""
    couplings = e.couplings()
    if isinstance(couplings, SimplexCouplings):
        return _simplex_checks(e, couplings)
    assert isinstance(couplings, Couplings)
    row = couplings.row(0)
    largest = float(np.abs(row).max(initial=0.0)) or 1.0
    v = np.zeros(e.q.shape)
    v.flat[0] = 1.0
    h = 3e-4
    found = (plain(e.H.dq(e.q + h * v, e.p)) - plain(e.H.dq(e.q - h * v, e.p))) / (2 * h)
    strongest = int(np.argsort(np.abs(row).sum((1, 2)))[-2:][0]) if len(row) > 1 else 0
    mirror = couplings.row(strongest)[0]
    checks = [
        _check(
            "couplings equal differences of ∂H/∂q",
            float(np.abs(row[:, :, 0] - found.reshape(row.shape[:2])).max()) / largest,
            DIFFERENCES,
            "one column, against central differences of second order, over the largest coupling",
        ),
        _check(
            "couplings are symmetric",
            float(np.abs(row[strongest] - mirror.T).max()) / largest,
            DIFFERENCES,
            "the strongest block against its transpose",
        ),
    ]
    if e.subject.numbers is not None:
        checks.append(
            _check(
                "acoustic sum rule",
                float(np.abs(row.sum(0)).max()) / largest,
                SUMS,
                "|Σ_j ∂²U/∂r_i∂r_j| over the largest: moving all atoms together changes nothing",
            )
        )
    return checks


def _simplex_checks(e: "Explanation", couplings: SimplexCouplings) -> list[Check]:
    """One direction of the first simplex: its image against differences, and against those of what it is coupled to."""
    rng = np.random.default_rng(0)

    def direction(simplex: int) -> np.ndarray:
        v = np.where(couplings.owner == simplex, rng.normal(size=e.q.size), 0.0)
        return v / np.linalg.norm(v)

    v, h = direction(0), 3e-4
    image = couplings.hessian_vector(v)
    found = (plain(e.H.dq(e.q + h * v, e.p)) - plain(e.H.dq(e.q - h * v, e.p))) / (2 * h)
    largest = float(np.abs(image).max(initial=0.0)) or 1.0
    squares = np.bincount(couplings.owner, image**2, len(couplings.labels))
    others = [int(k) for k in np.argsort(-squares) if k != 0][:PAIRS]
    missed = 0.0
    for u in map(direction, others):
        missed = max(missed, abs(float(u @ image) - float(couplings.hessian_vector(u) @ v)))
    return [
        _check(
            "couplings equal differences of ∂H/∂q",
            float(np.abs(image - found).max()) / largest,
            DIFFERENCES,
            "one direction, against central differences of second order, over the largest coupling",
        ),
        _check(
            "couplings are symmetric",
            missed / largest,
            SUMS,
            f"|u·Hv − v·Hu| between the first simplex and the {len(others)} it is coupled to most",
        ),
    ]
