"""Molecular dynamics on the atoms chart: NVE by leapfrog, NVT by BAOAB, both through `tenfma.integrate`.

A run is a pure function of its plan: the noise of step n depends on the seed and n alone, so a run that was stopped
goes on as if it had not been, to the last bit.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from ase import Atoms, units
from ase.calculators.singlepoint import SinglePointCalculator

from tenfma.dynamics.integrate import integrate
from tenfma.dynamics.methods import method_named
from tenfma.dynamics.noise import Noise
from tenfma.errors import TenfmaError
from tenfma.hamiltonian.protocol import Hamiltonian

METHODS = {"nve": "leapfrog", "nvt": "baoab"}
#: added to the seed for the momenta, so that they are not the first noise
MOMENTA_STREAM = 1
#: normals made at a time
TOGETHER = 2_000_000


@dataclass(frozen=True)
class Plan:
    """What decides a run besides H and the crystal: temperature in K, friction in 1/fs, dt in fs."""

    ensemble: str = "nve"
    temperature: float = 300.0
    friction: float = 0.01
    dt: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.ensemble not in METHODS:
            raise TenfmaError(f"--ensemble is {self.ensemble}; {', '.join(METHODS)} are expected")
        for name, value, least in (
            ("--temperature", self.temperature, 0.0),
            ("--friction", self.friction, 0.0),
        ):
            if not least <= value < float("inf"):
                raise TenfmaError(f"{name} is {value}; a finite number of at least 0 is expected")
        if not 0 < self.dt < float("inf"):
            raise TenfmaError(f"--dt is {self.dt}; a finite step above 0 fs is expected")

    @property
    def kT(self) -> float:
        """k_B T, eV."""
        return units.kB * self.temperature


@dataclass(frozen=True, eq=False)
class State:
    """Where a run stands: q in Å, p in eV·fs/Å, energies in eV; `heat` is what the bath gave since the start."""

    step: int
    q: np.ndarray
    p: np.ndarray
    start_energy: float
    heat: float = 0.0


def start(H: Hamiltonian, q: np.ndarray, plan: Plan) -> State:
    """Positions as they are and momenta drawn at T with the centre of mass at rest."""
    normals = Noise(plan.seed, np.array(MOMENTA_STREAM)).draw(0, 1, 1, (), H.event_shape)[0, 0]
    mass = np.asarray(H.mass)
    p = np.sqrt(mass * plan.kT) * H.free_normals(normals)
    return State(0, np.array(q), p, _energy(H, q, p))


def advance(H: Hamiltonian, state: State, plan: Plan, count: int) -> State:
    """The state `count` steps later. Raises TenfmaError where the energy stops being finite."""
    method = method_named(METHODS[plan.ensemble])
    bath: dict[str, Any] = {}
    if method.stochastic:
        noise = Noise(plan.seed).draw(state.step, count, method.draws, (), H.event_shape)
        bath = {"kT": plan.kT, "friction": plan.friction, "noise": noise}
    path = integrate(
        H, state.q, state.p, dt=plan.dt, steps=count, method=method, save_every=count, t0=state.step * plan.dt, **bath
    )  # fmt: skip
    heat = state.heat if path.heat is None else state.heat + float(np.sum(path.heat[-1]))
    return replace(state, step=state.step + count, q=path.q[-1], p=path.p[-1], heat=heat)


def run(H: Hamiltonian, state: State, plan: Plan, steps: int, every: int) -> Iterator[State]:
    """The states after every `every`-th step and after the last, up to step `steps`, as they come."""
    most = max(1, TOGETHER // state.q.size)
    while state.step < steps:
        following = min(steps, (state.step // every + 1) * every)
        while state.step < following:
            state = advance(H, state, plan, min(most, following - state.step))
        yield state


def measured(H: Hamiltonian, state: State, plan: Plan) -> dict[str, float]:
    """One row of the table: energies in eV, T = 2K/(degrees of freedom · k_B) in K, drift in meV/atom.

    The drift is E − E(start) − heat, what the finite step alone did to the energy.
    """
    total = _energy(H, state.q, state.p)
    kinetic = float(np.sum(0.5 * state.p**2 / np.asarray(H.mass)))
    freedom = max(H.degrees_of_freedom, 1)
    return {
        "step": state.step,
        "time_fs": state.step * plan.dt,
        "potential_eV": total - kinetic,
        "kinetic_eV": kinetic,
        "total_eV": total,
        "temperature_K": 2 * kinetic / (freedom * units.kB),
        "drift_meV_per_atom": 1e3 * (total - state.start_energy - state.heat) / len(state.q),
    }


def frame(H: Hamiltonian, atoms: Atoms, state: State, plan: Plan) -> Atoms:
    """The state as ASE atoms with momenta, energy, forces, step and time."""
    image = atoms.copy()
    image.positions = state.q
    image.set_masses(np.asarray(H.mass)[:, 0] * units.fs**2)
    image.set_momenta(state.p * units.fs)
    row = measured(H, state, plan)
    image.info |= {"step": state.step, "time_fs": row["time_fs"], "temperature_K": row["temperature_K"]}
    energy = row["potential_eV"]
    image.calc = SinglePointCalculator(image, energy=energy, forces=-np.asarray(H.dq(state.q, state.p)))
    return image


def _energy(H: Hamiltonian, q: np.ndarray, p: np.ndarray) -> float:
    return float(np.sum(H(q, p)))
