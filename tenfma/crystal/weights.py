"""The smooth cutoff: what makes everything a simplex contributes fade out before the simplex disappears.

    w(x) = 1 − I_x(6, 4) = 1 − x⁶ (84 − 216 x + 189 x² − 56 x³),   0 ≤ x = r / r_c ≤ 1;   w = 0 beyond,

with I_x the regularised incomplete beta function, so that w′(x) = −504 x⁵ (1 − x)³. At the cutoff w and its first three
derivatives vanish, one more than forces and force constants need; at small x it stays flat, so nearest neighbours
count nearly in full. With (6, 3) in place of (6, 4) it would be the envelope of Gasteiger et al., Directional message
passing for molecular graphs, ICLR 2020, eq. 8, which has two.
"""

import torch
from torch import Tensor


def smooth_cutoff(x: Tensor) -> Tensor:
    """w(x) for x = r / r_c, elementwise: 1 at 0, 0 from 1 on, three times continuously differentiable."""
    x = torch.clamp(x, max=1.0)
    return 1 - x**6 * (84 + x * (-216 + x * (189 - 56 * x)))
