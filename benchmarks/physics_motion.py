"""Forces against differences, energy conserved over time, two temperatures under a bath, and the certificate, for Si."""

from typing import Any

import numpy as np
import torch
from ase import units

import tenfma
from tenfma.dynamics.certificates.stationary import configurational_temperature, kinetic_temperature
from tenfma.dynamics.statistics import trend
from tenfma.simulation.molecular_dynamics import Plan, measured, run, start

#: averages over this many fs are compared to find jumps
WINDOW = 100


def force_error(H: Any, q: np.ndarray, count: int = 24, h: float = 1e-3) -> float:
    """Largest |F + ∂E/∂r| over `count` components at a displaced place, by fourth-order differences, eV/Å."""
    rng = np.random.default_rng(0)
    place = q + 0.05 * rng.normal(size=q.shape)
    forces, worst = H.forces(place), 0.0
    for atom, axis in zip(rng.integers(0, len(q), count), rng.integers(0, 3, count)):
        values = {}
        for k in (-2, -1, 1, 2):
            moved = place.copy()
            moved[atom, axis] += k * h
            values[k] = float(np.sum(H.potential_energy(moved)))
        slope = (8 * (values[1] - values[-1]) - (values[2] - values[-2])) / (12 * h)
        worst = max(worst, abs(slope + forces[atom, axis]))
    return worst


def microcanonical(H: Any, q: np.ndarray, picoseconds: float, dt: float = 1.0) -> dict[str, float]:
    """Drift of the total energy with its 99 % band, meV/atom/ps, and the largest step of its averages over WINDOW fs.

    Momenta are drawn at 600 K, half of which the crystal at rest takes up: about 300 K.
    """
    plan = Plan("nve", temperature=600.0, dt=dt, seed=0)
    rows = [
        measured(H, state, plan)
        for state in run(H, start(H, q, plan), plan, round(1e3 * picoseconds / dt), 1)
    ]
    time, drift, kelvin = (
        np.array([row[k] for row in rows]) for k in ("time_fs", "drift_meV_per_atom", "temperature_K")
    )
    slope = trend(time / 1e3, drift)
    window = round(WINDOW / dt)
    means = drift[: len(drift) // window * window].reshape(-1, window).mean(1)
    steps = np.abs(np.diff(means))
    return {
        "picoseconds": picoseconds,
        "dt_fs": dt,
        "mean_temperature_K": float(kelvin[len(kelvin) // 5 :].mean()),
        "drift_meV_per_atom_per_ps": slope.slope,
        "drift_low": slope.low,
        "drift_high": slope.high,
        "fluctuation_meV_per_atom": float(drift.std()),
        "largest_step_of_averages_meV_per_atom": float(steps.max()),
        "median_step_of_averages_meV_per_atom": float(np.median(steps)),
    }


def canonical(
    H: Any, q: np.ndarray, picoseconds: float, dt: float = 4.0, kelvin: float = 300.0
) -> dict[str, float]:
    """Kinetic and configurational temperature of BAOAB over the target, with the kinetic bias that theory predicts.

    For a harmonic crystal ⟨p²/m⟩ = kT (1 − h²ω²/4) and positions are exact, so the predicted kinetic ratio is
    1 − (h²/4) tr(∂²U/m)/(3N − 3). Source: Leimkuhler & Matthews, Appl. Math. Res. Express 2013, 34.
    """
    kT = units.kB * kelvin
    rng = np.random.default_rng(1)
    p = np.sqrt(np.asarray(H.mass) * 2 * kT) * np.asarray(H.free_normals(rng.normal(size=q.shape)))
    path = tenfma.integrate(
        H, q, p, dt=dt, steps=round(1e3 * picoseconds / dt), method="baoab", kT=kT, friction=0.02, seed=2, save_every=8
    )  # fmt: skip
    kept = slice(len(path) // 10, None)
    kinetic = kinetic_temperature(H, path.q[kept], path.p[kept])
    configurational = configurational_temperature(H, path.q[kept], path.p[kept])
    places, weights = torch.from_numpy(path.q[kept][::40].copy()), 1 / torch.as_tensor(np.asarray(H.mass))
    signs = torch.from_numpy(rng.choice([-1.0, 1.0], size=places.shape))
    scaled = signs * weights.sqrt()
    squares = float((scaled * H.curvature(places, scaled)).sum((-2, -1)).mean()) / H.degrees_of_freedom
    return {
        "picoseconds": picoseconds,
        "dt_fs": dt,
        "kinetic_ratio": kinetic.value / kT,
        "kinetic_error": kinetic.error / kT,
        "kinetic_predicted": 1 - dt**2 / 4 * squares,
        "configurational_ratio": configurational.value / kT,
        "configurational_error": configurational.error / kT,
        "configurational_predicted": 1.0,
    }


def certificate(model: Any, atoms: Any) -> dict[str, Any]:
    """The certificate of leapfrog at 1 fs and 300 K, in short."""
    H, q, p = model.hamiltonian(atoms, chart="atoms", p0="thermal", kT=units.kB * 300.0)
    made = tenfma.certify(H, "leapfrog", dt=1.0, q=q, p=p, steps=1000)
    return {
        "green": made.green,
        "checks": {check.name: [check.verdict, check.value] for check in made.checks},
    }
