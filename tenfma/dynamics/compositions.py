"""Weights w₁ … w_s that raise the order of a symmetric method of order 2, and the proof that they do.

A symmetric method of order 2 is S(h) = exp(hY₁ + h³Y₃ + h⁵Y₅ + …) with operators Y that do not commute. The
product S(w₁h) … S(w_s h) has order r when it equals exp(hY₁) through degree r, whatever the Y: `order_defect`
multiplies the series out in the free algebra, so nothing is left to a formula copied from a paper.

Sources: Yoshida, Phys. Lett. A 150 (1990) 262; Suzuki, Phys. Lett. A 146 (1990) 319; Kahan & Li, Math. Comp.
66 (1997) 1089 (s15odr8, s17odr8a), listed in Hairer, Lubich & Wanner, Geometric Numerical Integration, V.3.2,
eqs. (3.8)-(3.11).
"""

import math

Series = dict[tuple[int, ...], float]


def triple_jump(order: int) -> tuple[float, float, float]:
    """Yoshida's three weights that raise an even order by two: w³⁺ such that Σw = 1 and Σw^{order+1} = 0."""
    w = 1.0 / (2.0 - 2.0 ** (1.0 / (order + 1)))
    return (w, 1.0 - 2.0 * w, w)


def quintuple_jump(order: int) -> tuple[float, float, float, float, float]:
    """Suzuki's five weights that raise an even order by two; all smaller than the step in size."""
    w = 1.0 / (4.0 - 4.0 ** (1.0 / (order + 1)))
    return (w, w, 1.0 - 4.0 * w, w, w)


def palindrome(half: tuple[float, ...]) -> tuple[float, ...]:
    """w₁ … w_m, w₀, w_m … w₁ with the middle weight set so that Σw = 1."""
    return (*half, 1.0 - 2.0 * math.fsum(half), *reversed(half))


def order_defect(weights: tuple[float, ...], order: int) -> float:
    """Largest coefficient of S(w₁h)…S(w_s h) − exp(hY₁) through degree `order`; 0 means that order."""
    product: Series = {(): 1.0}
    for w in weights:
        product = _times(product, _exponential({(k,): w**k for k in range(1, order + 1, 2)}, order), order)
    exact = _exponential({(1,): 1.0}, order)
    return max(abs(value - exact.get(word, 0.0)) for word, value in product.items())


def _times(a: Series, b: Series, degree: int) -> Series:
    result: Series = {}
    for x, alpha in a.items():
        for y, beta in b.items():
            if sum(x) + sum(y) <= degree:
                result[x + y] = result.get(x + y, 0.0) + alpha * beta
    return result


def _exponential(x: Series, degree: int) -> Series:
    result: Series = {(): 1.0}
    power: Series = {(): 1.0}
    for n in range(1, degree + 1):
        power = {word: value / n for word, value in _times(power, x, degree).items()}
        for word, value in power.items():
            result[word] = result.get(word, 0.0) + value
    return result


def polished(half: tuple[float, ...], iterations: int = 4) -> tuple[float, ...]:
    """A seven-stage set of order 6 given to print precision, brought to round-off by Newton's method.

    The conditions left once Σw = 1: Σw³ = 0, Σw⁵ = 0 and Σ w³u² = 0, with u the middle of each stage,
    measured from the middle of the step.
    """
    import numpy as np

    def conditions(x: np.ndarray) -> np.ndarray:
        w = np.array(palindrome(tuple(x)))
        u = np.cumsum(w) - w / 2 - 0.5
        return np.array([np.sum(w**3), np.sum(w**5), np.sum(w**3 * u**2)])

    x = np.array(half)
    for _ in range(iterations):
        steps = 1e-6 * np.eye(3)
        jacobian = np.stack([(conditions(x + e) - conditions(x - e)) / 2e-6 for e in steps], axis=1)
        x = x - np.linalg.solve(jacobian, conditions(x))
    return tuple(float(value) for value in x)


#: Yoshida's solution A of order 6, outermost weight first, as printed, then polished
YOSHIDA_6A = palindrome(polished((0.784513610477560, 0.235573213359357, -1.17767998417887)))

#: fifteen stages of order 8, outermost first, as printed to 26 digits: Kahan and Li's s15odr8 (Suzuki and Umeno's)
KAHAN_LI_8 = palindrome(
    (
        0.74167036435061295344822780,
        -0.40910082580003159399730010,
        0.19075471029623837995387626,
        -0.57386247111608226665638773,
        0.29906418130365592384446354,
        0.33462491824529818378495798,
        0.31529309239676659663205666,
    )
)

#: Kahan and Li's seventeen stages of order 8, s17odr8a: smaller weights, a sixth of the error for an eighth more work
KAHAN_LI_8_17 = palindrome(
    (
        0.13020248308889008087881763,
        0.56116298177510838456196441,
        -0.38947496264484728640807860,
        0.15884190655515560089621075,
        -0.39590389413323757733623154,
        0.18453964097831570709183254,
        0.25837438768632204729397911,
        0.29501172360931029887096624,
    )
)
