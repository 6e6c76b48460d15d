"""Cases with known answers, each reproduced to the digits it is known to.

`digits(3)` means: agrees to three significant digits, rounding included.
"""

from itertools import pairwise

import numpy as np
import pytest
from scipy.special import ellipj

from tenfma.dynamics.certificates.stationary import affine_map, stationary_covariance
from tenfma.dynamics.integrate import integrate
from tenfma.dynamics.run import one_step
from tenfma.dynamics.statistics import mean_and_error
from tenfma.hamiltonian.symbolic import symbolic
from tenfma.hamiltonian.textbook import textbook

#: outer solar system, days
SPAN = 200_000


def digits(value: float, count: int):
    """What agrees with `value` when both are written with `count` digits."""
    return pytest.approx(value, abs=0.5000001 * 10 ** (np.floor(np.log10(abs(value))) - count + 1))


@pytest.mark.parametrize(
    "method, known",
    [
        ("leapfrog", [("0.268", 3), ("0.0676", 3), ("0.0169", 3)]),
        ("yoshida4", [("3.60e-3", 3), ("2.29e-4", 3), ("1.44e-5", 3)]),
        ("suzuki4", [("1.67e-4", 3), ("1.04e-5", 3), ("6.5e-7", 2)]),
        ("yoshida6", [("9.9e-6", 2), ("1.56e-7", 3), ("2.4e-9", 2)]),
        ("kahan_li8", [("1.1e-9", 2)]),
    ],
)
def test_kepler_position_errors_after_two_periods(method, known):
    H = textbook("kepler")
    for n, (value, count) in zip((200, 400, 800), known):
        path = integrate(H, H.q0, H.p0, dt=2 * np.pi / n, steps=2 * n, method=method, save_every=2 * n)
        assert np.linalg.norm(path.q[-1] - H.q0) == digits(float(value), count)


def test_kepler_error_of_order_eight_reaches_round_off():
    """The second step's 3.9e-12 is a hundred round-offs, so only its size is reproducible."""
    H = textbook("kepler")
    path = integrate(H, H.q0, H.p0, dt=2 * np.pi / 400, steps=800, method="kahan_li8", save_every=800)
    assert np.linalg.norm(path.q[-1] - H.q0) == pytest.approx(3.9e-12, rel=0.3)


@pytest.mark.parametrize("method, largest, count", [("leapfrog", 3.76e-6, 3), ("yoshida4", 1.3e-10, 2)])
def test_henon_heiles_energy_error(method, largest, count):
    H = textbook("henon-heiles")
    assert H(H.q0, H.p0) == pytest.approx(0.13)
    path = integrate(H, H.q0, H.p0, dt=0.01, steps=10_000, method=method)
    assert np.abs(path.energy - path.energy[0]).max() == digits(largest, count)


def test_outer_solar_system_energy():
    H = textbook("outer-solar-system")
    assert H(H.q0, H.p0) == digits(-3.215453e-8, 7)


@pytest.mark.parametrize(
    "method, h, largest, count",
    [
        ("euler", 10, 0.66, 2),
        ("symplectic_euler", 100, 2.5e-2, 2),
        ("leapfrog", 200, 1.96e-3, 3),
        ("yoshida4", 100, 3.7e-5, 2),
        ("yoshida6", 100, 7.8e-8, 2),
    ],
)
def test_outer_solar_system_energy_errors(method, h, largest, count):
    H = textbook("outer-solar-system")
    every = 10 if method == "euler" else 1  # Euler's energy only climbs
    path = integrate(H, H.q0, H.p0, dt=float(h), steps=SPAN // h, method=method, save_every=every)
    assert path.drift == digits(largest, count)


NONSEPARABLE = textbook("nonseparable")


@pytest.mark.parametrize(
    "method, h, options, largest, count",
    [
        ("tao2", 0.1, {"omega": 20.0}, 7.9e-2, 2),
        ("tao2", 0.1, {"omega": 0.0}, 4.0, 2),
        ("implicit_midpoint", 0.1, {}, 1.2e-2, 2),
        ("tao2", 0.01, {"omega": 20.0}, 6.2e-4, 2),
    ],
)
def test_nonseparable_energy_errors(method, h, options, largest, count):
    path = integrate(
        NONSEPARABLE, np.array([-3.0]), np.array([0.0]), dt=h, steps=round(200 / h), method=method, **options
    )
    assert path.drift == digits(largest, count)


@pytest.mark.parametrize("h, largest", [(0.1, 0.89), (0.01, 0.82)])
def test_naive_leapfrog_on_the_nonseparable_system(h, largest):
    """What the pairing check refuses: kicks and drifts that each see the other's variable."""
    H, q, p = NONSEPARABLE, np.array([-3.0]), np.array([0.0])
    start, worst = H(q, p), 0.0
    for _ in range(round(200 / h)):
        p = p - h / 2 * H.dq(q, p)
        q = q + h * H.dp(q, p)
        p = p - h / 2 * H.dq(q, p)
        worst = max(worst, abs(H(q, p) / start - 1))
    assert worst == digits(largest, 2)


@pytest.mark.parametrize("k", [0.3, 0.9, 0.999])
def test_pendulum_follows_the_elliptic_sine(k):
    H = symbolic("p**2/2 + 1 - cos(q)")
    path = integrate(H, np.array([0.0]), np.array([2 * k]), dt=0.02, steps=1_500, method="kahan_li8")
    sn = ellipj(path.t, k**2)[0]
    np.testing.assert_allclose(path.q[:, 0], 2 * np.arcsin(k * sn), atol=1e-10)


def fput_recurrence(H, dt: float) -> tuple[float, float, float]:
    """(when, in periods of mode 1, its energy returns; the share that returns; the largest share on the
    way)."""
    n = H.event_shape[0]
    j = np.arange(1, n + 1)
    omega = 2 * np.sin(np.pi / (2 * (n + 1)))
    period = 2 * np.pi / omega
    q, steps = np.sin(np.pi * j / (n + 1)), round(170 * period / dt)
    path = integrate(H, q, 0 * q, dt=dt, steps=steps, method="leapfrog", save_every=10)
    mode = np.sqrt(2 / (n + 1)) * np.sin(np.pi * j / (n + 1))
    energy = 0.5 * (path.p @ mode) ** 2 + 0.5 * omega**2 * (path.q @ mode) ** 2
    share, periods = energy / energy[0], path.t / period
    late = periods > 140
    away = share[(periods > 40) & (periods < 120)].max()
    return periods[late][share[late].argmax()], share[late].max(), away


@pytest.mark.slow
def test_fput_recurrence_near_157_periods():
    """The motion itself returns after 153.4 periods of q = sin(πj/33); steps of 0.2 put it at 156.7."""
    H = textbook("fput-alpha")
    assert H.event_shape == (32,)
    exact, share, away = fput_recurrence(H, 0.05)
    assert exact == pytest.approx(153.6, abs=0.4) and share > 0.97
    assert away < 0.7  # shared out on the way
    coarse, _, _ = fput_recurrence(H, 0.2)
    assert coarse == pytest.approx(157, abs=0.5)


@pytest.mark.slow
def test_fput_recurrence_with_one_mass_less_and_a_coarse_step():
    """N = 32 read as 32 springs, so 31 masses, and dt² = 1/8: leapfrog's error puts the recurrence at 157 too."""
    n = 31
    ends = ["0", *(f"q{i}" for i in range(1, n + 1)), "0"]
    springs = (f"({b}-{a})**2/2+({b}-{a})**3/12" for a, b in pairwise(ends))
    momenta = (f"p{i}**2/2" for i in range(1, n + 1))
    H = symbolic("+".join([*springs, *momenta]))
    when, share, _ = fput_recurrence(H, np.sqrt(1 / 8))
    assert when == pytest.approx(157, abs=0.5) and share > 0.97


TABLE = {
    "baoab": lambda h: (1.0, 1 - h**2 / 4),
    "aboba": lambda h: (1.0, 1 / (1 - h**2 / 4)),
    "obabo": lambda h: (1 / (1 - h**2 / 4), 1.0),
    "oabao": lambda h: (1 - h**2 / 4, 1.0),
}


def covariance(method: str, h: float, gamma: float = 1.0) -> np.ndarray:
    H = symbolic("p**2/2 + q**2/2")

    def step(q, p, normals):
        state = one_step(H, q, p, dt=h, method=method, kT=1.0, friction=gamma, normals=normals)
        return state.q, state.p

    affine = affine_map(step, (1,), {"obabo": 2, "oabao": 2}.get(method, 1))
    assert affine.deviation < 1e-13
    return stationary_covariance(affine)


@pytest.mark.parametrize("method", TABLE)
@pytest.mark.parametrize("h, gamma", [(0.1, 1.0), (0.5, 0.3), (1.0, 1.0), (1.9, 2.0)])
def test_langevin_table_of_the_unit_oscillator(method, h, gamma):
    known = np.diag(TABLE[method](h))
    np.testing.assert_allclose(covariance(method, h, gamma), known, rtol=1e-12, atol=1e-12)


def test_euler_maruyama_of_the_unit_oscillator():
    seen = np.diag(covariance("euler_maruyama", 0.1))
    assert seen[0] == digits(1.114, 4) and seen[1] == digits(1.167, 4)


def quartic_averages(method: str, steps: int) -> tuple:
    H = textbook("quartic-kinetic")
    q, p = np.random.default_rng(1).normal(size=(2, 400, 1))
    path = integrate(
        H, q, p, dt=0.05, steps=steps, method=method, save_every=10, kT=1.0, friction=1.0, seed=2
    )
    p = path.p[len(path) // 4 :, :, 0]
    return mean_and_error(p * H.dp(None, p[..., None])[..., 0]), mean_and_error(p**2)


@pytest.mark.slow
def test_quartic_kinetic_energy_with_the_right_friction():
    equipartition, squared = quartic_averages("badndab", 20_000)
    assert equipartition.effective_samples > 1e4
    assert equipartition.agrees(1.0) and equipartition.error < 0.02
    assert squared.agrees(0.676) and squared.error < 0.01


@pytest.mark.slow
def test_quartic_kinetic_energy_with_friction_on_the_momentum():
    """The wrong twin, −γp with √(2γkT): a temperature of 3.2 instead of 1."""
    random = np.random.default_rng(3)
    h, gamma = 0.01, 1.0
    q, p = random.normal(size=(2, 4_000))
    kept, noise = np.exp(-gamma * h), np.sqrt(1 - np.exp(-2 * gamma * h))
    series = []
    for i in range(20_000):
        p = p - h / 2 * q
        q = q + h / 2 * p**3
        p = kept * p + noise * random.normal(size=p.shape)
        q = q + h / 2 * p**3
        p = p - h / 2 * q
        if i >= 5_000 and i % 20 == 0:
            series.append((p**4, p**2))
    fourth, squared = (mean_and_error(np.array(x)) for x in zip(*series))
    assert fourth.agrees(3.2, sigmas=5) and fourth.error < 0.05
    assert squared.agrees(1.08, sigmas=5) and squared.error < 0.01
    assert not fourth.agrees(1.0, sigmas=20)
