"""Least squares on energies, forces and stresses: θ of U_θ, with the ridge and the energy weight chosen on validation.

    θ = argmin Σ|F θ − f|² + w² Σ(E θ − e)² + v² Σ|W θ − s|² + ρ Σ_k π_k G_kk θ_k²,    G = FᵀF + w² EᵀE + v² WᵀW

e, f and s less what reference energies per element (offsets, found first on energies alone) explain. The ridge ρ acts on
columns scaled to unit length, times a penalty π_k (1 unless the recipe says otherwise); `choice` finds (w, ρ).
"""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import scipy.linalg

from tenfma.errors import TenfmaError
from tenfma.hamiltonian.evaluator import Evaluator, pairs_of
from tenfma.training.data import Frame
from tenfma.training.moments import Sums

#: energies (meV/atom), force components (eV/Å) and stress components (GPa) of some frames, prediction less label
Residuals = tuple[np.ndarray, np.ndarray, np.ndarray]
#: with so many frames or fewer, each is held out once: a few held-out frames alone would decide by luck
CROSS_VALIDATED = 600


@dataclass(frozen=True)
class Errors:
    """Mean absolute and root mean square errors: energy in meV/atom, forces in eV/Å, stress in GPa."""

    energy_mae: float
    energy_rmse: float
    force_mae: float
    force_rmse: float
    stress_mae: float
    stress_rmse: float
    frames: int
    atoms: int

    def to_dict(self) -> dict:
        return {key: value for key, value in asdict(self).items() if value == value}


def split(count: int, valid: float, seed: int) -> np.ndarray:
    """Fold of each frame, (count,): frames of fold 1, 2, … are held out in turn, those of fold 0 never.

    Up to `CROSS_VALIDATED` frames are cross-validated: each is held out once, a share `valid` at a time. Of more, a
    random share `valid` is held out. Raises TenfmaError where nothing would be left.
    """
    if not 0 < valid < 1:
        raise TenfmaError(
            f"the validation share is {valid}; a number between 0 and 1 is expected, such as 0.1"
        )
    if count < 2:
        raise TenfmaError(
            "there is only one frame; at least two are needed, one to train on and one to validate"
        )
    order = np.random.default_rng(seed).permutation(count)
    folds = np.zeros(count, dtype=int)
    if count <= CROSS_VALIDATED:
        folds[order] = 1 + np.arange(count) % min(max(2, round(1 / valid)), count)
    else:
        folds[order[: round(valid * count)]] = 1
    return folds


def reference_energies(sums: Sums) -> np.ndarray:
    """Energy per atom of each element, (Z,), by least squares of the energies on the composition alone."""
    if not len(sums.energies):
        return np.zeros(sums.elements)
    counts = sums.energy_rows[:, sums.elements * sums.functions :]
    return np.linalg.lstsq(counts, sums.energies, rcond=None)[0]


class Solver:
    """Solves the normal equations for any (w, ρ); θ as weights (Z, functions) and offsets (Z,).

    penalties (functions,) are π_k of each function, the same for every element.
    """

    def __init__(self, sums: Sums, virial_weight: float, penalties: np.ndarray | None = None) -> None:
        self.sums, self.virial_weight = sums, virial_weight
        penalties = np.ones(sums.functions) if penalties is None else penalties
        self.penalties = np.concatenate([np.tile(penalties, sums.elements), np.ones(sums.elements)])
        self.reference = reference_energies(sums)
        columns = sums.elements * sums.functions
        self.energies = sums.energies - sums.energy_rows[:, columns:] @ self.reference
        self._weight: float | None = None

    def __call__(self, energy_weight: float, ridge: float) -> tuple[np.ndarray, np.ndarray]:
        """(weights, offsets). Raises TenfmaError where the equations have no finite solution."""
        self._prepare(energy_weight)
        matrix = self._scaled.copy(order="F")
        matrix[np.diag_indices_from(matrix)] += ridge * self.penalties
        try:
            factor = scipy.linalg.cho_factor(matrix, overwrite_a=True, check_finite=False)
        except np.linalg.LinAlgError as error:
            raise TenfmaError(f"the ridge {ridge:g} is too small for these data; use a larger one") from error
        theta = scipy.linalg.cho_solve(factor, self._moment, check_finite=False) / self._scale
        if not np.isfinite(theta).all():
            raise TenfmaError(f"the ridge {ridge:g} is too small for these data; use a larger one")
        columns = self.sums.elements * self.sums.functions
        return theta[:columns].reshape(self.sums.elements, -1), theta[columns:] + self.reference

    def _prepare(self, w: float) -> None:
        """G/√(G_kk G_ll) and b/√G_kk for this energy weight; kept until another is asked for."""
        if self._weight == w:
            return
        s, v = self.sums, self.virial_weight
        gram = s.gram + (w * s.energy_rows.T) @ (w * s.energy_rows)
        moment = s.moment + w * w * (self.energies @ s.energy_rows)
        if s.virial_gram is not None:
            gram += v * v * s.virial_gram
            moment += v * v * s.virial_moment
        scale = np.sqrt(np.diag(gram))
        scale[scale == 0] = 1.0  # a function that never occurs keeps θ = 0
        gram /= scale
        gram /= scale[:, None]
        self._scaled, self._scale, self._moment, self._weight = gram, scale, moment / scale, w


def solving_seconds(columns: int, energies: int) -> float:
    """About how long one `Solver` and its first solution take here, judged by small ones: n³/3 + n² energies flops."""
    small, passed = 600, []
    for _ in range(4):  # the first loads the library, and others may share the machine
        matrix = np.eye(small, order="F") + 1e-3
        begun = time.perf_counter()
        scipy.linalg.cho_factor(matrix, overwrite_a=True, check_finite=False)
        passed.append(time.perf_counter() - begun)
    rate = small**3 / 3 / max(min(passed[1:]), 1e-6)
    copies = 8 * columns**2 / 5e8  # eight passes over the matrix at 4 GB/s
    return (columns**3 / 3 + columns**2 * energies) / rate + copies


def predictions(evaluator: Evaluator, frame: Frame) -> tuple[float, np.ndarray, np.ndarray]:
    """Energy (eV), forces (N, 3) eV/Å and ∂E/∂ε (3, 3) eV of a frame."""
    pairs = pairs_of(frame.positions, frame.cell, frame.pbc, evaluator.description.cutoff)
    energies, forces, virial = evaluator.energy_forces(frame.numbers, pairs)
    return float(energies.sum()), forces, 0.5 * (virial + virial.T)


def residuals(results: Sequence[tuple[float, np.ndarray, np.ndarray]], frames: Sequence[Frame]) -> Residuals:
    """Prediction less label: energies in meV/atom, force components in eV/Å, stress components in GPa."""
    from ase import units

    energy, force, stress = [np.zeros(0)], [np.zeros(0)], [np.zeros(0)]
    for (E, F, W), frame in zip(results, frames):
        if frame.energy is not None:
            energy.append(np.array([1e3 * (E - frame.energy) / len(frame)]))
        if frame.forces is not None:
            force.append((F - frame.forces).ravel())
        if frame.virial is not None:
            stress.append((W - frame.virial).ravel() / frame.volume / units.GPa)
    return np.concatenate(energy), np.concatenate(force), np.concatenate(stress)


def errors_of(results: Sequence[tuple[float, np.ndarray, np.ndarray]], frames: Sequence[Frame]) -> Errors:
    """Errors of predictions over the frames' labels; NaN for what no frame has."""
    return summed([residuals(results, frames)], frames)


def summed(parts: Sequence[Residuals], frames: Sequence[Frame]) -> Errors:
    """Errors over these residuals, which are of these frames."""
    (e, e2), (f, f2), (s, s2) = (_mae_rmse(np.concatenate(column)) for column in zip(*parts))
    return Errors(e, e2, f, f2, s, s2, len(frames), sum(map(len, frames)))


def _mae_rmse(values: np.ndarray) -> tuple[float, float]:
    if not len(values):
        return float("nan"), float("nan")
    return float(np.abs(values).mean()), float(np.sqrt((values**2).mean()))
