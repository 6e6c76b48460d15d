"""Averages of correlated series with honest error bars: autocorrelation time, effective sample size, trends.

A series of n correlated values holds n/τ independent ones, with the integrated autocorrelation time
τ = 1 + 2 Σ_{k≥1} ρ_k, so the standard error of its mean is σ √(τ/n). Time comes first: (times, *chains).

Sources: A. Sokal, "Monte Carlo methods in statistical mechanics" (1997), §3 (the window); J. Goodman and
J. Weare, Comm. App. Math. Comp. Sci. 5 (2010) 65 (pooling chains).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from tenfma.errors import TenfmaError

#: Sokal's window: stop summing ρ_k at the first lag k ≥ WINDOW · τ_k; 5 biases an exponential ρ by under 1 %
WINDOW = 5.0


@dataclass(frozen=True)
class Mean:
    """A sample mean with its standard error and the number of independent values behind it."""

    value: float
    error: float
    effective_samples: float

    def agrees(self, expected: float, sigmas: float = 4.0) -> bool:
        """Whether `expected` lies within `sigmas` standard errors."""
        return bool(abs(self.value - expected) <= sigmas * self.error)


@dataclass(frozen=True)
class Trend:
    """A fitted slope with its two-sided confidence band."""

    slope: float
    low: float
    high: float
    confidence: float
    effective_samples: float

    @property
    def contains_zero(self) -> bool:
        """Whether a slope of zero is inside the band."""
        return self.low <= 0.0 <= self.high


def autocorrelation(series: ArrayLike) -> NDArray[np.float64]:
    """ρ_k = ⟨(x_t − x̄)(x_{t+k} − x̄)⟩ / ⟨(x_t − x̄)²⟩ for all lags, by FFT; (times, *chains) as given."""
    x = _series(series)
    x = x - x.mean(axis=0)
    n = len(x)
    spectrum = np.fft.rfft(x, n=2 * n, axis=0)
    covariance = np.fft.irfft(spectrum * spectrum.conj(), n=2 * n, axis=0)[:n] / n
    variance = covariance[0]
    return np.divide(covariance, variance, out=np.zeros_like(covariance), where=variance > 0)


def autocorrelation_time(series: ArrayLike, window: float = WINDOW) -> float:
    """Integrated autocorrelation time τ = 1 + 2 Σ_{k=1}^{K} ρ_k in samples, ρ pooled over chains.

    K is the smallest lag with K ≥ `window` · max(τ_K, 2). Uncorrelated values give 1; an AR(1) series with
    coefficient φ gives (1 + φ)/(1 − φ). A constant series gives 1.

        >>> round(autocorrelation_time([1.0, 1.0, 1.0, 1.0]), 3)
        1.0
    """
    rho = autocorrelation(series)
    pooled = rho.reshape(len(rho), -1).mean(axis=1)
    taus = 2.0 * np.cumsum(pooled) - 1.0
    enough = np.arange(len(taus)) >= window * np.maximum(
        taus, 2.0
    )  # the 2: alternating ρ may sum to ≤ 0 early
    last = int(np.argmax(enough)) if enough.any() else len(taus) - 1
    return float(max(taus[last], 1e-3)) if pooled[0] > 0 else 1.0


def effective_sample_size(series: ArrayLike) -> float:
    """n·chains/τ: how many independent values the series is worth; more than n where anticorrelated."""
    x = _series(series)
    return float(x.size / autocorrelation_time(x))


def mean_and_error(series: ArrayLike) -> Mean:
    """Mean over times and chains with the standard error σ √(τ/n)."""
    x = _series(series)
    effective = effective_sample_size(x)
    spread = float(x.std())
    return Mean(float(x.mean()), spread / np.sqrt(max(effective, 1.0)), effective)


def ratio_and_error(numerator: ArrayLike, denominator: ArrayLike) -> Mean:
    """⟨a⟩/⟨b⟩ with the error of its linearisation: the mean of (a − r b)/⟨b⟩ about zero."""
    a, b = _series(numerator), _series(denominator)
    below = float(b.mean())
    if below == 0.0:
        raise TenfmaError("the denominator of the ratio averages to 0, so the ratio has no value")
    ratio = float(a.mean()) / below
    spread = mean_and_error((a - ratio * b) / below)
    return Mean(ratio, spread.error, spread.effective_samples)


def standard_error(series: ArrayLike) -> float:
    """Standard error of the mean of a correlated series, in the series' own unit."""
    return mean_and_error(series).error


def trend(times: ArrayLike, series: ArrayLike, confidence: float = 0.99) -> Trend:
    """Slope of `series` on `times` by least squares, with a band that allows for correlated residuals.

    The residuals' τ (never below 1, so a periodic residual does not narrow the band) widens the usual
    error: s² = τ · σ²_res / Σ (t − t̄)², judged by Student's t with n/τ − 2 degrees of freedom.
    """
    t, y = np.asarray(times, dtype=float), _series(series)
    if t.shape != y.shape or len(t) < 8:
        raise TenfmaError(
            f"a trend needs at least 8 values, one per time; got times {t.shape}, values {y.shape}"
        )
    centred = t - t.mean()
    slope = float(centred @ (y - y.mean()) / (centred @ centred))
    residuals = y - y.mean() - slope * centred
    tau = max(autocorrelation_time(residuals), 1.0)
    independent = len(t) / tau
    freedom = max(independent - 2.0, 1.0)
    error = np.sqrt(tau * (residuals @ residuals) / (len(t) - 2) / (centred @ centred))
    half = float(special.stdtrit(freedom, 0.5 + confidence / 2) * error)
    return Trend(slope, slope - half, slope + half, confidence, independent)


def _series(series: ArrayLike) -> NDArray[np.float64]:
    x = np.asarray(series, dtype=float)
    if x.ndim == 0 or len(x) < 2:
        raise TenfmaError(f"a series needs at least 2 values along its first axis, got shape {x.shape}")
    if not np.isfinite(x).all():
        raise TenfmaError("the series holds values that are not finite; the trajectory has diverged")
    return x
