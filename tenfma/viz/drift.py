"""How far a method's energy wanders, and how its error falls with the step."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from tenfma.dynamics.integrate import integrate
from tenfma.dynamics.methods import METHODS
from tenfma.hamiltonian.protocol import Capability
from tenfma.hamiltonian.symbolic import SymbolicHamiltonian
from tenfma.viz.style import figure, line, mark

#: one look per method wherever it is drawn
LOOK = {
    "leapfrog": 0, "implicit_midpoint": 0, "euler": 1, "rk4": 3, "yoshida4": 2, "gauss_legendre4": 2,
    "symplectic_euler": 4, "suzuki4": 5, "yoshida6": 5, "kahan_li8": 3, "tao2": 4, "tao4": 5,
}  # fmt: skip
#: |ΔE/E₀| below which only round-off is drawn
FLOOR = 1e-16
#: energy errors above this mean that the path has nothing to do with the system any more
LOST = 1.0
BINS = 260


@dataclass(frozen=True)
class Drift:
    """Envelopes of |ΔE/E₀| (|ΔE| where E₀ = 0) of each method over time; a path that blew up ends early."""

    times: dict[str, np.ndarray]
    errors: dict[str, np.ndarray]
    relative: bool
    ends: dict[str, float]
    """largest error in the last tenth of each method's path"""
    lost: dict[str, float | None]
    """the first time each method's energy is off by `LOST`"""

    def plain(self) -> dict[str, Any]:
        """Numbers and lists alone, from which `drift_of` makes it again."""
        lists = {
            name: {k: v.tolist() for k, v in getattr(self, name).items()} for name in ("times", "errors")
        }
        return {**lists, "relative": self.relative, "ends": self.ends, "lost": self.lost}


def drift_of(plain: Mapping[str, Any]) -> Drift:
    """What `Drift.plain` told, as arrays again."""
    times, errors = ({k: np.array(v) for k, v in plain[name].items()} for name in ("times", "errors"))
    return Drift(times, errors, plain["relative"], plain["ends"], plain["lost"])


def drift(
    H: SymbolicHamiltonian, q0: np.ndarray, p0: np.ndarray, dt: float, steps: int, methods: Sequence[str]
) -> Drift:
    """Energy errors along the path of every method."""
    start = float(np.asarray(H(q0, p0)))
    relative = abs(start) > 1e-12
    times, errors, ends, lost = {}, {}, {}, {}
    for name in methods:
        every = max(1, steps // 20_000)
        path = integrate(H, q0, p0, dt=dt, steps=steps, method=name, save_every=every, on_failure="stop")
        t = np.asarray(path.t)[1:]
        with np.errstate(over="ignore"):
            off = np.abs(np.asarray(path.energy)[1:] - start) / (abs(start) if relative else 1.0)
        times[name], errors[name] = envelope(t, off)
        ends[name] = float(off[-max(1, len(off) // 10) :].max(initial=0.0))
        over = np.flatnonzero(off >= LOST)
        lost[name] = float(t[over[0]]) if len(over) else None
    return Drift(times, errors, relative, ends, lost)


def envelope(times: np.ndarray, errors: np.ndarray, bins: int = BINS) -> tuple[np.ndarray, np.ndarray]:
    """The largest error in each of `bins` intervals of log t: what a log plot of a wiggling line is read for."""
    if len(times) == 0:
        return times, errors
    edges = np.geomspace(times[0], times[-1] * (1 + 1e-9), bins + 1)
    place = np.clip(np.searchsorted(edges, times, side="right") - 1, 0, bins - 1)
    largest = np.full(bins, -np.inf)
    np.maximum.at(largest, place, errors)
    filled = np.isfinite(largest)
    return np.sqrt(edges[:-1] * edges[1:])[filled], np.maximum(largest[filled], FLOOR)


def largest_so_far(result: Drift, method: str) -> tuple[np.ndarray, np.ndarray]:
    """The largest error up to each time: a bounded error is a level line, a growing one a slope."""
    times, errors = result.times[method], result.errors[method]
    return times, np.maximum.accumulate(errors) if len(errors) else errors


def drift_figure(result: Drift, name_of: Callable[[str], str], x: str, y: str) -> go.Figure:
    """|ΔE/E₀| against time on log axes, a line, dash and marker per method."""
    chart = figure(x, y, height=440, log_x=True, log_y=True)
    for method in result.errors:
        times, errors = largest_so_far(result, method)
        look = mark(LOOK[method])
        chart.add_scatter(
            x=times, y=errors, name=name_of(method), mode="lines+markers", line=line(LOOK[method]),
            marker={"symbol": look.symbol, "size": 9, "color": look.colour, "maxdisplayed": 8},
            hovertemplate="t = %{x:.3g}<br>%{y:.2e}<extra>" + name_of(method) + "</extra>",
        )  # fmt: skip
    chart.update_xaxes(dtick=1)
    chart.update_yaxes(range=_decades(result))
    return chart


def _decades(result: Drift) -> list[float]:
    """Log range from just under the smallest envelope to a factor above one."""
    ends = [largest_so_far(result, method)[1] for method in result.errors]
    values = np.concatenate([part for part in ends if len(part)] or [np.array([FLOOR, 1.0])])
    return [float(np.floor(np.log10(values.min()))), float(np.clip(np.ceil(np.log10(values.max())), -2, 3))]


@dataclass(frozen=True)
class Race:
    """Runge–Kutta 4 against a symplectic rival: who is ahead when."""

    rival: str
    ahead: float
    """rival's early error divided by Runge–Kutta's: above 1, Runge–Kutta begins ahead"""
    slope: float
    """growth of Runge–Kutta's error, t^slope"""
    crossing: float | None
    """when it falls behind; None if never ahead"""
    seen: bool
    """whether that happens within the picture"""


def race(result: Drift, rival: str) -> Race | None:
    """Compare envelopes; the crossing is extrapolated from the slope of the later half where it is not reached."""
    if "rk4" not in result.errors or rival not in result.errors:
        return None
    t, e = result.times["rk4"], result.errors["rk4"]
    tr, er = result.times[rival], result.errors[rival]
    if len(t) < 20 or len(tr) < 20:
        return None
    rk4, other = np.maximum.accumulate(e), np.interp(t, tr, np.maximum.accumulate(er))
    late = t > t[-1] / 10
    slope = float(np.polyfit(np.log(t[late]), np.log(rk4[late]), 1)[0])
    settled = slice(len(t) // 4, len(t) // 2)
    ahead = float(np.median(other[settled] / rk4[settled]))
    behind = np.flatnonzero(rk4 > other)
    if ahead <= 1:
        return Race(rival, ahead, slope, None, False)
    late_behind = behind[behind > len(t) // 4]
    if len(late_behind):
        return Race(rival, ahead, slope, float(t[late_behind[0]]), True)
    if slope < 0.2:
        return Race(rival, ahead, slope, None, False)
    return Race(rival, ahead, slope, float(t[-1] * (other[-1] / rk4[-1]) ** (1 / slope)), False)


@dataclass(frozen=True)
class Orders:
    """Error of the end state against step, and the slope fitted where it is a power law."""

    steps: np.ndarray
    errors: dict[str, np.ndarray]
    order: dict[str, float]

    def plain(self) -> dict[str, Any]:
        """Numbers and lists alone, from which `orders_of` makes it again."""
        errors = {name: found.tolist() for name, found in self.errors.items()}
        return {"steps": self.steps.tolist(), "errors": errors, "order": self.order}


def orders_of(plain: Mapping[str, Any]) -> Orders:
    """What `Orders.plain` told, as arrays again."""
    errors = {name: np.array(found) for name, found in plain["errors"].items()}
    return Orders(np.array(plain["steps"]), errors, plain["order"])


def orders(
    H: SymbolicHamiltonian,
    q0: np.ndarray,
    p0: np.ndarray,
    dt: float,
    methods: Sequence[str],
    halvings: int = 6,
) -> Orders:
    """‖(q, p)(T) − reference‖ for dt, dt/2, … at T = 32 dt; the reference is of order 8 (4 where H is not separable)
    at a step 16 times finer than the finest. Slopes are fitted to errors between 1e-11 and 0.3."""
    counts = 32 * 2 ** np.arange(halvings)
    fine = "kahan_li8" if H.capability >= Capability.SEPARABLE else "gauss_legendre4"
    span = 32 * dt
    n = int(counts[-1]) * (2 if fine == "kahan_li8" else 16)
    best = _end(H, q0, p0, span, n, fine)
    errors: dict[str, np.ndarray] = {}
    order: dict[str, float] = {}
    for name in methods:
        found = np.array([np.linalg.norm(_end(H, q0, p0, span, int(count), name) - best) for count in counts])
        errors[name] = found
        usable = np.isfinite(found) & (found > 1e-11) & (found < 0.3)
        if usable.sum() >= 3:
            order[name] = float(np.polyfit(np.log(span / counts[usable]), np.log(found[usable]), 1)[0])
    return Orders(span / counts, errors, order)


def _end(
    H: SymbolicHamiltonian, q0: np.ndarray, p0: np.ndarray, span: float, count: int, method: str
) -> np.ndarray:
    path = integrate(
        H, q0, p0, dt=span / count, steps=count, method=method, save_every=count, on_failure="stop"
    )
    if path.stopped:
        return np.full(2 * len(q0), np.nan)
    return np.concatenate([np.asarray(path.q)[-1], np.asarray(path.p)[-1]])


def order_figure(result: Orders, label: Callable[[str], str], x: str, y: str) -> go.Figure:
    """Error against step on log axes; `label` names each line with its fitted order."""
    chart = figure(x, y, height=400, log_x=True, log_y=True)
    chart.update_xaxes(tickvals=result.steps, ticktext=[f"{step:.2g}" for step in result.steps])
    for method, errors in result.errors.items():
        look = mark(LOOK[method])
        shown = np.isfinite(errors) & (errors > 0)
        chart.add_scatter(
            x=result.steps[shown], y=errors[shown], name=label(method), mode="lines+markers", line=line(LOOK[method]),
            marker={"symbol": look.symbol, "size": 8}, hovertemplate="Δt = %{x:.3g}<br>%{y:.2e}<extra></extra>",
        )  # fmt: skip
    found = np.concatenate([e[np.isfinite(e) & (e > 0)] for e in result.errors.values()] or [np.ones(1)])
    decades = np.log10(found.max(initial=1e-16) / found.min(initial=1.0))
    chart.update_yaxes(dtick=max(1, round(decades / 6)))
    return chart


def default_methods(H: SymbolicHamiltonian, known: Sequence[str]) -> list[str]:
    """Those whose comparison teaches most."""
    wanted = (
        "euler",
        "rk4",
        "symplectic_euler",
        "leapfrog",
        "yoshida4",
        "implicit_midpoint",
        "gauss_legendre4",
    )
    first = [name for name in wanted if name in known]
    if H.capability >= Capability.SEPARABLE:
        first = [name for name in first if METHODS[name].word is not None or name in ("euler", "rk4")]
    return first


def table(result: Drift) -> Mapping[str, np.ndarray]:
    """Columns for the download: each method's envelope."""
    columns: dict[str, np.ndarray] = {}
    for method in result.errors:
        columns[f"t {method}"], columns[f"error {method}"] = result.times[method], result.errors[method]
    return columns


def sentence(result: Drift, t: Callable[..., str], name_of: Callable[[str], str]) -> str:
    """What to notice: Runge–Kutta's early lead and when it is lost, or plainly the best and the worst method.

    `t` is the page's catalogue of sentences; the numbers are computed here.
    """
    rivals = [
        m for m in ("leapfrog", "yoshida4", "implicit_midpoint", "gauss_legendre4") if m in result.errors
    ]
    runs = [found for found in (race(result, rival) for rival in rivals) if found]
    led = [found for found in runs if found.ahead > 1 and found.crossing is not None]
    if led:
        found = min(led, key=lambda item: item.crossing or np.inf)
        when = t("drift.when.crossed" if found.seen else "drift.when.later", time=found.crossing)
        gone = result.lost.get("euler")
        return t(
            "drift.note.crossing",
            ratio=found.ahead,
            rival=name_of(found.rival),
            slope=found.slope,
            when=when,
            euler=t("drift.euler", time=gone) if gone else "",
        )
    if runs and all(found.ahead <= 1 for found in runs):
        rival = min((found.rival for found in runs), key=result.ends.__getitem__)
        return t("drift.note.worse", rival=name_of(rival), best=result.ends[rival], rk4=result.ends["rk4"])
    best, worst = (pick(result.ends, key=result.ends.__getitem__) for pick in (min, max))
    last = max(float(times[-1]) for times in result.times.values() if len(times))
    return t(
        "drift.note.plain",
        time=last,
        best=result.ends[best],
        name=name_of(best),
        worst=result.ends[worst],
        loser=name_of(worst),
    )
