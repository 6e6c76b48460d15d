"""Error bars against series whose autocorrelation time is known."""

import numpy as np
import pytest

from tenfma.dynamics.statistics import (
    autocorrelation,
    autocorrelation_time,
    effective_sample_size,
    mean_and_error,
    ratio_and_error,
    standard_error,
    trend,
)
from tenfma.errors import TenfmaError


def ar1(phi: float, length: int, chains: int, seed: int = 0) -> np.ndarray:
    """x_{t+1} = φ x_t + noise, started from its stationary law: τ = (1 + φ)/(1 − φ), variance 1."""
    random = np.random.default_rng(seed)
    x = np.empty((length, chains))
    x[0] = random.standard_normal(chains)
    for i in range(1, length):
        x[i] = phi * x[i - 1] + np.sqrt(1 - phi**2) * random.standard_normal(chains)
    return x


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9, -0.5])
def test_autocorrelation_time_of_ar1(phi):
    known = (1 + phi) / (1 - phi)
    assert autocorrelation_time(ar1(phi, 20_000, 8)) == pytest.approx(known, rel=0.06)


def test_autocorrelation_of_ar1_decays_geometrically():
    rho = autocorrelation(ar1(0.8, 20_000, 16)).mean(axis=1)
    np.testing.assert_allclose(rho[:6], 0.8 ** np.arange(6), atol=0.02)


def test_standard_error_covers_and_the_naive_error_does_not():
    chains = ar1(0.9, 4_000, 200, seed=1)
    honest = np.array([abs(c.mean()) <= 2 * standard_error(c) for c in chains.T])
    naive = np.array([abs(c.mean()) <= 2 * c.std() / np.sqrt(len(c)) for c in chains.T])
    assert honest.mean() > 0.90
    assert naive.mean() < 0.60  # the wrong twin: pretending the values are independent


def test_effective_sample_size_counts_chains_and_antithetic_series():
    assert effective_sample_size(ar1(0.5, 10_000, 4)) == pytest.approx(40_000 / 3, rel=0.1)
    assert effective_sample_size(ar1(-0.5, 10_000, 1)) > 20_000


def test_ratio_of_means():
    x = ar1(0.5, 20_000, 4, seed=2)
    ratio = ratio_and_error(2.0 + x, 4.0 + 0.5 * x)
    assert ratio.agrees(0.5)
    assert 0 < ratio.error < 0.01


def test_constant_series_is_certain():
    mean = mean_and_error(np.full(100, 3.0))
    assert (mean.value, mean.error) == (3.0, 0.0)


@pytest.mark.parametrize("slope, inside", [(0.0, True), (1e-4, False)])
def test_trend_band_under_correlated_noise(slope, inside):
    t = np.arange(20_000.0)
    noise = ar1(0.9, len(t), 1, seed=3)[:, 0]
    assert trend(t, slope * t + noise).contains_zero is inside


def test_trend_band_of_a_periodic_error_contains_zero():
    t = np.linspace(0, 100, 5_000)
    assert trend(t, np.sin(t) ** 2).contains_zero
    assert not trend(t, np.sin(t) ** 2 + 0.05 * t).contains_zero


def test_coverage_of_the_trend_band():
    t = np.arange(2_000.0)
    noise = ar1(0.8, len(t), 200, seed=4)
    covered = np.mean([trend(t, y).contains_zero for y in noise.T])
    assert covered >= 0.96


@pytest.mark.parametrize("series", [[1.0], [1.0, np.nan], 3.0])
def test_unusable_series_are_refused(series):
    with pytest.raises(TenfmaError):
        mean_and_error(series)


def test_short_trends_are_refused():
    with pytest.raises(TenfmaError, match="at least 8"):
        trend([0, 1, 2], [0, 1, 2])
