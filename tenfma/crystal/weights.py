"""The smooth cutoff: what a simplex contributes fades out before the simplex disappears.

    w(x) = 1 − I_x(8, 4) = (1 − x)⁴ (1 + 4x + 10x² + 20x³ + 35x⁴ + 56x⁵ + 84x⁶ + 120x⁷),    x = r / r_c ≤ 1,

and zero beyond, with I_x the regularised incomplete beta function, so that w′(x) = −1320 x⁷ (1 − x)³. At the
cutoff w and its first three derivatives vanish, one more than force constants need; at small x it stays flat,
so nearest neighbours count nearly in full. The envelope of Gasteiger et al., ICLR 2020 (Directional message
passing, eq. 8) is 1 − I_x(p, 3): the same family, with two derivatives.
"""

from math import comb

import torch
from torch import Tensor

#: how flat w is at small distance: 1 − w = O(x⁸)
_FLAT = 8
#: how many derivatives, the zeroth included, vanish at the cutoff
_VANISHING = 4

#: 1 − I_x(a, b) = (1 − x)ᵇ Σ_{j<a} C(j + b − 1, b − 1) xʲ: no cancellation near 1, never negative
_SERIES = [float(comb(j + _VANISHING - 1, _VANISHING - 1)) for j in range(_FLAT)]


def smooth_cutoff(x: Tensor) -> Tensor:
    """w(x) for x = r / r_c ≥ 0, elementwise: 1 at 0, 0 from 1 on, three times continuously differentiable."""
    x = torch.clamp(x, max=1.0)
    series = torch.full_like(x, _SERIES[-1])
    for coefficient in reversed(_SERIES[:-1]):
        series = series * x + coefficient
    return (1 - x) ** _VANISHING * series
