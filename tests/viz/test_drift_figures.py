"""Energy drift, fitted orders and the race between Runge–Kutta and leapfrog."""

import numpy as np
import pytest

import tenfma
from tenfma.dynamics.methods import METHODS
from tenfma.viz import drift


@pytest.fixture(scope="module")
def pendulum():
    H = tenfma.textbook("pendulum")
    return H, drift.drift(H, H.q0, H.p0, 0.4, 5000, ["euler", "rk4", "leapfrog"])


def test_runge_kutta_wins_early_and_loses_late(pendulum):
    _, result = pendulum
    found = drift.race(result, "leapfrog")
    assert found.ahead > 1
    assert found.seen
    assert found.slope == pytest.approx(1, abs=0.15)
    before = result.times["rk4"] < found.crossing / 4
    assert result.errors["rk4"][before].max() < result.errors["leapfrog"][before].max()
    assert result.ends["rk4"] > result.ends["leapfrog"]


def test_no_race_against_oneself(pendulum):
    _, result = pendulum
    found = drift.race(result, "rk4")
    assert found.crossing is None, "a wrong comparison must not announce a crossing"


def test_euler_is_lost(pendulum):
    _, result = pendulum
    assert result.lost["euler"] < 50
    assert result.lost["leapfrog"] is None


def test_envelope_keeps_the_largest():
    times, errors = np.arange(1, 1001) * 0.1, np.abs(np.sin(np.arange(1000)))
    t, e = drift.envelope(times, errors, bins=40)
    assert e.max() == errors.max()
    assert np.all(np.diff(t) > 0)
    assert len(t) <= 40


@pytest.mark.parametrize("method", ["euler", "symplectic_euler", "leapfrog", "yoshida4", "rk4"])
def test_fitted_order_is_the_methods(method):
    H = tenfma.textbook("kepler")
    found = drift.orders(H, H.q0, H.p0, 0.005 if method == "euler" else 0.02, [method])
    assert found.order[method] == pytest.approx(METHODS[method].order, abs=0.25)


def test_figures_have_a_dash_and_marker_per_method(pendulum):
    _, result = pendulum
    chart = drift.drift_figure(result, str, "t", "error")
    looks = {(trace.line.dash, trace.marker.symbol) for trace in chart.data}
    assert len(looks) == len(chart.data) == 3
    assert all(len(trace.x) for trace in chart.data)


def test_zero_start_energy_is_shown_absolutely():
    H = tenfma.textbook("harmonic")
    result = drift.drift(H, np.zeros(1), np.zeros(1), 0.1, 100, ["leapfrog"])
    assert not result.relative
    assert result.ends["leapfrog"] == 0
