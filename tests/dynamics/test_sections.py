"""Crossings lie on the surface to round-off and on the trajectory to the method's order."""

import numpy as np
import pytest

from tenfma.dynamics.chaos import indicators
from tenfma.dynamics.sections import on_energy, poincare, shell
from tenfma.errors import PairingError, TenfmaError
from tenfma.hamiltonian.symbolic import symbolic

HENON_HEILES = symbolic("(px**2 + py**2)/2 + (x**2 + y**2)/2 + x**2*y - y**3/3")


def test_two_oscillators_cross_where_and_when_the_solution_says():
    H = symbolic("(p1**2 + p2**2)/2 + q1**2/2 + q2**2")
    section = poincare(
        H, np.array([-1.0, 0.3]), np.array([0.0, 0.5]), dt=0.05, steps=2_000, method="kahan_li8"
    )
    times = np.pi / 2 + 2 * np.pi * np.arange(len(section))
    np.testing.assert_allclose(section.t, times, atol=1e-10)
    w = np.sqrt(2)
    np.testing.assert_allclose(
        section.q[:, 1], 0.3 * np.cos(w * times) + 0.5 / w * np.sin(w * times), atol=1e-9
    )
    assert np.abs(section.q[:, 0]).max() < 1e-15


def test_directions_partition_the_crossings():
    start = np.array([0.0, 0.1]), np.array([0.3, 0.05])
    counts = [len(poincare(HENON_HEILES, *start, direction=d, dt=0.05, steps=4_000)) for d in (1, -1, 0)]
    assert counts[0] + counts[1] == counts[2] > 50


def test_crossings_are_on_the_surface_and_on_the_energy_for_every_member():
    q, p = shell(HENON_HEILES, 1 / 12, 6, extent=0.5, seed=0)
    section = poincare(HENON_HEILES, q, p, dt=0.05, steps=4_000)
    assert np.abs(section.q[:, 0]).max() < 1e-15
    assert (section.p[:, 0] > 0).all()
    np.testing.assert_allclose(HENON_HEILES(section.q, section.p), 1 / 12, atol=1e-6)
    alone = poincare(HENON_HEILES, q[2], p[2], dt=0.05, steps=4_000)
    np.testing.assert_allclose(section.of(2).q, alone.q, atol=1e-12)
    path_points = np.abs(np.diff(section.of(2).t))
    assert path_points.min() > 1.0  # no crossing is counted twice


def test_linear_interpolation_would_miss_the_surface_of_motion():
    """The wrong twin: a crossing interpolated between stored states leaves the energy surface."""
    from tenfma.dynamics.integrate import integrate

    q, p = np.array([0.0, 0.1]), np.array([0.3, 0.05])
    path = integrate(HENON_HEILES, q, p, dt=0.05, steps=400, method="yoshida4")
    before = np.nonzero((path.q[:-1, 0] < 0) & (path.q[1:, 0] >= 0))[0]
    share = (path.q[before, 0] / (path.q[before, 0] - path.q[before + 1, 0]))[:, None]
    mixed = [x[before] + share * (x[before + 1] - x[before]) for x in (path.q, path.p)]
    section = poincare(HENON_HEILES, q, p, dt=0.05, steps=400)
    energy = HENON_HEILES(q, p)
    assert np.abs(HENON_HEILES(section.q, section.p) - energy).max() < 1e-7
    assert np.abs(HENON_HEILES(*mixed) - energy).max() > 1e-6


@pytest.mark.parametrize(
    "energy, low, high", [(1 / 12, 0.0, 0.1), (1 / 8, 0.2, 0.7), (1 / 6 - 1e-6, 0.85, 1.0)]
)
def test_share_of_chaos_in_henon_heiles_grows_with_energy(energy, low, high):
    q, p = shell(HENON_HEILES, energy, 24, extent=0.6, seed=1)
    chaotic = indicators(HENON_HEILES, q, p, dt=0.05, steps=10_000).chaotic.mean()
    assert low <= chaotic <= high


def test_energy_shell_states_have_that_energy():
    q, p, inside = on_energy(HENON_HEILES, [[0.0, 0.1], [0.0, 1.0]], np.zeros((2, 2)), 0.125)
    assert inside.tolist() == [True, False]
    assert HENON_HEILES(q[0], p[0]) == pytest.approx(0.125, abs=1e-15)
    assert np.isnan(p[1, 0])


@pytest.mark.parametrize(
    "options, error",
    [
        ({"coordinate": 2}, TenfmaError),
        ({"direction": 3}, TenfmaError),
        ({"method": "baoab"}, PairingError),
    ],
)
def test_bad_sections_are_refused(options, error):
    with pytest.raises(error):
        poincare(HENON_HEILES, np.zeros(2), np.ones(2), dt=0.1, steps=10, **options)


def test_unreachable_shells_are_refused():
    with pytest.raises(TenfmaError, match="extent"):
        shell(HENON_HEILES, -1.0, 4, extent=0.3)


def test_no_crossing_is_an_empty_section():
    assert len(poincare(symbolic("p**2/2 + q**2/2"), [5.0], [0.0], value=9.0, dt=0.1, steps=100)) == 0
