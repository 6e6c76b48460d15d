"""Forces told in a chemist's terms: tensions along bonds and torques on angles that add up to them.

U depends on positions through vectors r_b (each bond's, or each neighbour's as an atom sees it). With slopes
s_b = ∂U/∂r_b,

    s_b = t_b r̂_b + s_b⊥,      s_b⊥ = Σ over angles θ of b with another bond at the same atom: τ_θ ∂θ/∂r_b.

The tension t_b is the total derivative along r_b, the other vectors held, and is unique: ∂θ/∂r_b is always across.
Torques are not unique where angles outnumber directions; the choice is the least Σ c²/(w_b w_b′), c = ∂U/∂cos θ
= −τ/sin θ and w the smooth weights of both bonds, which is smooth through straight angles and at the cutoff.
Because U is invariant under rotations, the angles of a crystal span what there is. A molecule has one motion of its
bond directions that changes no angle, the twist δr_ij ∝ r_i × r_j, which a network that couples bonds without a common
atom can feel; that, and nothing else, is kept as a remainder.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from tenfma.explanation.tables import html_table

GAUGE = (
    "tensions are derivatives along each bond with the other bond vectors held; torques on angles are those of "
    "least weighted square that account for the rest of the slopes"
)
#: relative accuracy asked of the least-squares solution
TOLERANCE = 1e-13
#: relative misfit of the iteration above which singular values are asked, for systems up to this size
UNSETTLED, DENSE = 1e-10, 4000


@dataclass(frozen=True, eq=False)
class Tensions:
    """t (B,) eV/Å, torques τ (A,) eV/rad on angles (A,) rad, remainder (B, 3) eV/Å, for vectors (B, 3) Å.

    `ends` (B, 2) are the atoms a vector runs from and to; `corners` (A, 2) which two vectors make an angle and
    `senses` (A, 2) ±1 how each is turned so that both leave `apex` (A,).
    """

    ends: np.ndarray
    vectors: np.ndarray
    tension: np.ndarray
    corners: np.ndarray
    senses: np.ndarray
    apex: np.ndarray
    angle: np.ndarray
    torque: np.ndarray
    remainder: np.ndarray

    def slopes(self) -> np.ndarray:
        """s_b put together again from tensions and torques alone, (B, 3)."""
        unit = self.vectors / np.linalg.norm(self.vectors, axis=1)[:, None]
        gradients = _angle_gradients(self.vectors, self.corners, self.senses)
        total = self.tension[:, None] * unit
        for side in range(2):
            np.add.at(total, self.corners[:, side], self.torque[:, None] * gradients[side])
        return total

    def forces(self, atoms: int, remainder: bool = False) -> np.ndarray:
        """Forces on the atoms from tensions and torques alone, (N, 3) eV/Å, or with the remainder."""
        total, slopes = np.zeros((atoms, 3)), self.slopes() + (self.remainder if remainder else 0.0)
        np.add.at(total, self.ends[:, 0], slopes)
        np.add.at(total, self.ends[:, 1], -slopes)
        return total

    def _repr_html_(self) -> str:
        import pandas as pd

        lengths = np.linalg.norm(self.vectors, axis=1)
        bonds = pd.DataFrame(
            {"from": self.ends[:, 0], "to": self.ends[:, 1], "length": lengths, "tension": self.tension}
        ).sort_values("tension", key=abs, ascending=False, kind="stable")
        angles = pd.DataFrame(
            {"apex": self.apex, "degrees": np.degrees(self.angle), "torque": self.torque}
        ).sort_values("torque", key=abs, ascending=False, kind="stable")
        return html_table(bonds, "Tensions, Å and eV/Å") + html_table(angles, "Torques, eV/rad")


def resolve(
    vectors: np.ndarray,
    slopes: np.ndarray,
    weights: np.ndarray,
    ends: np.ndarray,
    corners: np.ndarray,
    senses: np.ndarray,
    apex: np.ndarray,
) -> Tensions:
    """Tensions and torques for slopes (B, 3) of vectors (B, 3) with smooth weights (B,)."""
    lengths = np.linalg.norm(vectors, axis=1)
    unit = vectors / lengths[:, None]
    tension = (slopes * unit).sum(1)
    across = slopes - tension[:, None] * unit
    outward = unit[corners] * senses[:, :, None]
    cosine = np.clip((outward[:, 0] * outward[:, 1]).sum(1), -1.0, 1.0)
    # ∂cos θ/∂r_b; rows are scaled by length and √w, columns by √(w w′), so that weak neighbours are no worse posed
    scale = np.sqrt(np.maximum(weights, 1e-30))
    gradients = [
        (outward[:, 1 - side] - cosine[:, None] * outward[:, side]) * senses[:, side, None]
        for side in range(2)
    ]
    count = len(corners)
    rows = (3 * corners[:, :, None] + np.arange(3)).ravel()
    columns = np.repeat(np.arange(count), 6)
    entries = np.stack([gradients[side] * scale[corners[:, 1 - side], None] for side in range(2)], axis=1)
    A = sparse.csr_array((entries.ravel(), (rows, columns)), (3 * len(vectors), count))
    aim = across * lengths[:, None] / scale[:, None]
    solution = _least_norm(A, aim.ravel())
    remainder = across - (A @ solution).reshape(-1, 3) * scale[:, None] / lengths[:, None]
    slope_of_cosine = solution * scale[corners].prod(axis=1)
    torque = -slope_of_cosine * np.sqrt(np.maximum(0.0, 1 - cosine**2))
    return Tensions(ends, vectors, tension, corners, senses, apex, np.arccos(cosine), torque, remainder)


def _least_norm(A: sparse.csr_array, b: np.ndarray) -> np.ndarray:
    """The shortest x with A x = b as nearly as can be: by LSMR, by singular values where that does not settle it."""
    from scipy.sparse.linalg import lsmr

    if A.shape[1] == 0 or not b.any():
        return np.zeros(A.shape[1])
    x = lsmr(A, b, atol=TOLERANCE, btol=TOLERANCE, conlim=0, maxiter=2000)[0]
    if np.abs(b - A @ x).max() < UNSETTLED * np.abs(b).max() or max(A.shape) > DENSE:
        return x
    return np.linalg.lstsq(A.toarray(), b, rcond=TOLERANCE)[0]


def _angle_gradients(
    vectors: np.ndarray, corners: np.ndarray, senses: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """∂θ/∂r_b of both vectors of each angle, (A, 3) each; zero where the angle is straight."""
    lengths = np.linalg.norm(vectors, axis=1)
    outward = (vectors / lengths[:, None])[corners] * senses[:, :, None]
    cosine = np.clip((outward[:, 0] * outward[:, 1]).sum(1), -1.0, 1.0)
    sine = np.sqrt(np.maximum(0.0, 1 - cosine**2))
    inverse = np.divide(1.0, sine, out=np.zeros_like(sine), where=sine > 1e-9)
    first, second = (
        (cosine[:, None] * outward[:, side] - outward[:, 1 - side])
        * (inverse / lengths[corners[:, side]] * senses[:, side])[:, None]
        for side in range(2)
    )
    return first, second


def angles_at(starts: np.ndarray) -> np.ndarray:
    """All pairs of rows that share a start, (A, 2), for rows sorted by `starts`."""
    order = np.argsort(starts, kind="stable")
    counts = np.bincount(starts)
    firsts = np.concatenate([[0], np.cumsum(counts)])
    pairs = []
    for first, count in zip(firsts, counts):
        i, j = np.triu_indices(count, 1)
        pairs.append(np.stack([order[first + i], order[first + j]], axis=1))
    return np.concatenate(pairs) if pairs else np.zeros((0, 2), int)
