"""Energy flow along a trajectory: who feeds whom, how fast, and that the account balances.

J_ij = {E_i, E_j},    dE_i/dt = Σ_j J_ij + bath heat of i per time
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from tenfma.dynamics.path import Path
from tenfma.errors import TenfmaError
from tenfma.explanation.parted import PartedHamiltonian
from tenfma.explanation.tables import html_table, sentence

if TYPE_CHECKING:
    import pandas as pd

#: numbers in J along a path that are kept; of longer ones the averages are
KEPT = 5_000_000
#: steps between states looked at unasked; until so many states, and so many numbers in J, have been looked at
OFTEN, STATES, NUMBERS = 5, 2_000, 200_000_000
#: the least number of states looked at unasked, where the run has them
FEWEST = 200
#: share of the swing of the energies that may be missing from the balance
MISSED = 0.01
#: change of the total, relative to the parts, from which a run can be lost
LOST = 1e-6


@dataclass(frozen=True, eq=False)
class Flow:
    """J along a path, in `unit`, under a `gauge`.

    `power` (times, parts) is Σ_j J_ij and what drives and dampers do; `energies` (times, parts) the path's own E_i.
    `currents` (times, parts, parts) is None where it would be too large; `mean` and `spread` (parts, parts) are its
    average over the path and standard deviation. `heat` (times, parts) is what the bath has given each part so far.
    """

    labels: tuple[str, ...]
    unit: str
    gauge: str
    t: np.ndarray
    energies: np.ndarray
    power: np.ndarray
    mean: np.ndarray
    spread: np.ndarray
    currents: np.ndarray | None = field(repr=False)
    heat: np.ndarray | None = None
    path: Path | None = field(default=None, repr=False)

    @cached_property
    def gained(self) -> np.ndarray:
        """∫ Σ_j J_ij dt from the start, (times, parts), by a cubic spline through the states looked at."""
        from scipy.interpolate import CubicSpline

        if len(self.t) < 4:
            steps = np.diff(self.t)[:, None] * (self.power[1:] + self.power[:-1]) / 2
            return np.concatenate([np.zeros((1, self.power.shape[1])), np.cumsum(steps, axis=0)])
        whole = CubicSpline(self.t, self.power, axis=0).antiderivative()
        return whole(self.t) - whole(self.t[0])

    @property
    def balance(self) -> np.ndarray:
        """E_i(t) − E_i(0) − ∫ Σ_j J_ij dt − heat of i, (times, parts): the error of integration and sampling."""
        heat = 0.0 if self.heat is None else self.heat
        return self.energies - self.energies[0] - self.gained - heat

    @property
    def swing(self) -> float:
        """max |E_i(t) − E_i(0)| over the parts: against it the balance is to be seen."""
        return float(np.abs(self.energies - self.energies[0]).max(initial=0.0))

    @property
    def warning(self) -> str:
        """A sentence where the balance misses more than `MISSED` of the swing; empty where it does not."""
        missed, swing = float(np.abs(self.balance).max(initial=0.0)), self.swing
        # what is exchanged may be nothing but round-off
        if missed <= max(MISSED * swing, 1e-12 * float(np.abs(self.energies).sum(1).max(initial=0.0))):
            return ""
        return (
            f"The account of energies misses {missed / swing if swing > 0 else np.inf:.2g} of the largest change: "
            "the steps are too large, or too few states were looked at; take a smaller dt or more samples."
        )

    @property
    def antisymmetry(self) -> float:
        """max |J_ij + J_ji| over the mean flow."""
        return float(np.abs(self.mean + self.mean.T).max(initial=0.0))

    def network(self, share: float = 0.0) -> "pd.DataFrame":
        """Who feeds whom: columns from, to, mean flow, spread; strongest first, each pair once, in its sense.

        `share` leaves out flows below that share of the strongest.
        """
        import pandas as pd

        i, j = np.nonzero(np.triu(np.abs(self.mean) + self.spread, 1))
        mean = self.mean[i, j]
        to, source = np.where(mean >= 0, i, j), np.where(mean >= 0, j, i)
        frame = pd.DataFrame(
            {
                "from": [self.labels[k] for k in source],
                "to": [self.labels[k] for k in to],
                "flow": np.abs(mean),
                "spread": self.spread[i, j],
            }
        ).sort_values("flow", ascending=False, kind="stable", ignore_index=True)
        return frame[frame["flow"] >= share * frame["flow"].max()] if len(frame) else frame

    def _repr_html_(self) -> str:
        said = sentence(f"Gauge: {self.gauge}.") + (sentence(self.warning) if self.warning else "")
        return said + html_table(self.network(), f"Energy flow, {self.unit}")


def interval(parted: PartedHamiltonian, steps: int) -> int:
    """How many steps lie between the states looked at of a run of `steps`: `OFTEN`, more where that is dear."""
    most = max(FEWEST, min(STATES, NUMBERS // len(parted.labels) ** 2))
    return max(1, min(OFTEN, steps // FEWEST), -(-steps // most))


def flow_along(
    parted: PartedHamiltonian,
    path: Path,
    samples: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> Flow:
    """Energy flow at the states a path kept, or at `samples` of them spread evenly.

    Raises TenfmaError for a path of another system or of an ensemble.
    """
    q, p, t = (np.asarray(x, dtype=float) for x in (path.q, path.p, path.t))
    if q.shape[1:] != tuple(parted.event_shape):
        raise TenfmaError(
            f"the path's states have shape {q.shape[1:]}, and {parted.name} has {tuple(parted.event_shape)}; "
            "give a path of this Hamiltonian, of one member"
        )
    chosen = np.arange(len(t))
    if samples is not None and 1 < samples < len(t):
        chosen = np.unique(np.round(np.linspace(0, len(t) - 1, samples)).astype(int))
    parts, own = len(parted.labels), np.ndim(path.energy) == 2 and path.energy.shape[1] == len(parted.labels)
    keep = len(chosen) * parts * parts <= KEPT
    kept: list[np.ndarray] = []
    power, energies = np.zeros((2, len(chosen), parts))
    total, square = np.zeros((2, parts, parts))
    for place, k in enumerate(chosen):
        J = parted.currents(q[k], p[k], float(t[k]))
        outside = parted.outside(q[k], p[k], float(t[k]))
        power[place] = J.sum(1) if outside is None else J.sum(1) + outside
        energies[place] = path.energy[k] if own else parted.energies(q[k], p[k], float(t[k]))
        total += J
        square += J * J
        if keep:
            kept.append(J)
        if progress is not None:
            progress((place + 1) / len(chosen))
    mean = total / len(chosen)
    heat = None
    if path.heat is not None and own:
        heat = np.asarray(path.heat)[chosen] - np.asarray(path.heat)[chosen[0]]
    unit = f"{parted.units.energy}/{parted.units.time}" if parted.units.time != "1" else parted.units.energy
    return Flow(
        parted.labels,
        unit,
        parted.gauge,
        t[chosen],
        energies,
        power,
        mean,
        np.sqrt(np.maximum(square / len(chosen) - mean * mean, 0.0)),
        np.stack(kept) if keep else None,
        heat,
        path,
    )


def run_flow(parted: PartedHamiltonian, q: np.ndarray, p: np.ndarray, *, dt: float, **motion: Any) -> Path:
    """A path of H from (q, p) whose energies, and bath heat, are told part by part; options as for `integrate`.

    Raises TenfmaError for a run that does not hold, in terms of dt.
    """
    from tenfma.dynamics.integrate import integrate

    path = integrate(parted, q, p, dt=dt, **motion)
    energies = np.asarray(path.energy)
    if len(parted.labels) > 1 and not (parted.damping or parted.time_dependent):
        total = energies.sum(1) - (0.0 if path.heat is None else np.asarray(path.heat).sum(1))
        change, swing = float(np.ptp(total)), float(np.abs(energies - energies[0]).max())
        if change > max(swing / 2, LOST * float(np.abs(energies[0]).sum())):
            time, unit = parted.units.time, parted.units.energy
            raise TenfmaError(
                f"with dt {dt:g}{'' if time == '1' else ' ' + time} the total energy changes by {change:.2g} {unit}, "
                "more than the parts exchange: the steps are too large and the motion is lost; take a smaller dt"
            )
    return path
