"""Langevin methods: stationary covariance solved, not sampled; conformal identity; noise; heat and shadow work."""

import numpy as np
import pytest
import scipy.interpolate
import scipy.linalg
import scipy.special
from dynamics_systems import Separable, harmonic, jacobian, omega, product, quartic_kinetic

from tenfma.dynamics.integrate import integrate
from tenfma.dynamics.methods import METHODS, SEPARABLE
from tenfma.dynamics.run import one_step
from tenfma.dynamics.words import Method

# Tolerances. For quadratic H the step is affine, M and N are read off it exactly, and the covariance is good to
# round-off over 1 − |λ|², about 1e-13. Quadratures of transition kernels use grids on which they have converged.


def affine(H, method, h, kT=1.0, friction=1.0):
    """M and N of the step x ← M x + N ξ, read off the step itself."""
    n, draws = H.event_shape[0], METHODS[method].draws

    def step(x, xi):
        state = one_step(
            H, x[:n], x[n:], dt=h, method=method, kT=kT, friction=friction, normals=xi.reshape(draws, n)
        )
        return np.concatenate([state.q, state.p])

    zero, quiet = np.zeros(2 * n), np.zeros(draws * n)
    M = np.stack([step(e, quiet) for e in np.eye(2 * n)], axis=1)
    N = np.stack([step(zero, e) for e in np.eye(draws * n)], axis=1)
    return M, N


def covariance(*args, **options):
    """Σ = M Σ Mᵀ + N Nᵀ."""
    M, N = affine(*args, **options)
    size = len(M) ** 2
    return np.linalg.solve(np.eye(size) - np.kron(M, M), (N @ N.T).ravel()).reshape(M.shape)


@pytest.mark.parametrize("h", [0.1, 0.5, 1.9])
@pytest.mark.parametrize("friction", [0.3, 1.0, 5.0])
@pytest.mark.parametrize(
    ("method", "qq", "pp"),
    [
        ("baoab", lambda h: 1.0, lambda h: 1 - h * h / 4),
        ("aboba", lambda h: 1.0, lambda h: 1 / (1 - h * h / 4)),
        ("obabo", lambda h: 1 / (1 - h * h / 4), lambda h: 1.0),
        ("oabao", lambda h: 1 - h * h / 4, lambda h: 1.0),
    ],
)
def test_stationary_covariance_of_the_unit_oscillator(method, qq, pp, h, friction):
    found = covariance(harmonic(), method, h, friction=friction)
    assert found[0, 0] == pytest.approx(qq(h), rel=1e-12)
    assert found[1, 1] == pytest.approx(pp(h), rel=1e-12)
    assert found[0, 1] == pytest.approx(0, abs=1e-12)


def test_stationary_covariance_of_euler_maruyama():
    found = covariance(harmonic(), "euler_maruyama", 0.1)
    assert [found[0, 0], found[1, 1]] == pytest.approx([1.114, 1.167], abs=5e-4)


@pytest.mark.parametrize("method", ["baoab", "aboba", "obabo", "oabao", "badndab", "dnmnd"])
def test_temperature_does_not_depend_on_the_masses(method):
    mass, k = np.array([0.2, 7.0]), np.array([3.0, 0.5])
    found = np.diag(covariance(harmonic(2, mass, k), method, 1e-3, kT=0.7, friction=np.array([2.0, 0.4])))
    assert found[:2] * k == pytest.approx([0.7, 0.7], rel=1e-5)
    assert found[2:] / mass == pytest.approx([0.7, 0.7], rel=1e-5)


def test_noise_without_the_mass_samples_the_wrong_temperature():
    """−γp with √(2γkT): temperature kT/m."""
    mass, h, gamma = 4.0, 1e-3, 1.0
    kept, scale = np.exp(-gamma * h), np.sqrt(1 - np.exp(-2 * gamma * h))

    def wrong(x, xi):
        q, p = x
        p = p - h / 2 * q
        q = q + h / 2 * p / mass
        p = kept * p + scale * xi
        q = q + h / 2 * p / mass
        return np.array([q, p - h / 2 * q])

    M = np.stack([wrong(e, 0.0) for e in np.eye(2)], axis=1)
    N = wrong(np.zeros(2), 1.0)[:, None]
    found = scipy.linalg.solve_discrete_lyapunov(M, N @ N.T)
    assert found[1, 1] / mass == pytest.approx(1 / mass, rel=1e-2)
    right = covariance(harmonic(1, mass), "baoab", h)
    assert right[1, 1] / mass == pytest.approx(1.0, rel=1e-2)


@pytest.mark.parametrize("method", ["baoab", "aboba", "obabo", "oabao"])
def test_conformal_identity_at_frozen_noise(method):
    """JᵀΩJ = e^{−γh}Ω, also for an anharmonic potential and unequal masses."""
    H = Separable(
        2,
        lambda q: np.sum(q**4, -1) + q[..., 0] * q[..., 1],
        lambda q: 4 * q**3 + q[..., ::-1],
        np.array([2.0, 0.5]),
    )
    normals = np.random.default_rng(0).standard_normal((METHODS[method].draws, 2))

    def step(z):
        state = one_step(H, z[:2], z[2:], dt=0.2, method=method, kT=1.0, friction=0.7, normals=normals)
        return np.concatenate([state.q, state.p])

    J = jacobian(step, np.array([0.3, -0.5, 0.2, 0.4]), h=1e-4)
    assert np.abs(J.T @ omega(2) @ J - np.exp(-0.7 * 0.2) * omega(2)).max() < 1e-9


def test_euler_maruyama_is_not_conformal():
    def step(z):
        state = one_step(
            harmonic(),
            z[:1],
            z[1:],
            dt=0.2,
            method="euler_maruyama",
            kT=1.0,
            friction=0.7,
            normals=np.zeros((1, 1)),
        )
        return np.concatenate([state.q, state.p])

    J = jacobian(step, np.array([0.3, 0.2]))
    assert abs(np.linalg.det(J) - np.exp(-0.7 * 0.2)) > 1e-2


# -- the right friction for a kinetic energy that is not quadratic -------------------------------------------------


def momentum_moments(friction_step, h):
    """⟨p ∂H/∂p⟩ and ⟨p²⟩ for T = p⁴/4 under the thermostat part alone, repeated to equilibrium."""
    grid = np.linspace(-5, 5, 1001)
    xi, weights = np.polynomial.hermite_e.hermegauss(24)
    weights = weights / weights.sum()
    points = [friction_step(grid, x) for x in xi]
    observables = np.stack([grid**4, grid**2])
    for _ in range(round(12 / h)):  # E[f(p_n) | p_0] forgets p_0
        spline = scipy.interpolate.CubicSpline(grid, observables, axis=1)
        observables = sum(w * spline(np.clip(x, -5, 5)) for x, w in zip(points, weights))
    return observables[:, grid.size // 2]


EXACT_PP = 2 * scipy.special.gamma(0.75) / scipy.special.gamma(0.25)  # ⟨p²⟩ under exp(−p⁴/4)


def right_step(h):
    thermostat = Method("dnd", 2, SEPARABLE, False, True, "", (("D", 0.5), ("N", 1.0), ("D", 0.5)), True)

    def step(p, xi):
        p = p[:, None]
        normals = np.full((1, *p.shape), xi)
        state = one_step(
            quartic_kinetic(), 0 * p, p, dt=h, method=thermostat, kT=1.0, friction=1.0, normals=normals
        )
        return state.p[:, 0]

    return step


def test_friction_on_the_velocity_keeps_gibbs_for_a_quartic_kinetic_energy():
    moments = np.array([momentum_moments(right_step(h), h) for h in (0.1, 0.05)])
    assert pytest.approx(0.676, abs=5e-4) == EXACT_PP
    errors = np.abs(moments - [1.0, EXACT_PP])
    assert errors[1].max() < 0.015
    assert np.log2(errors[0] / errors[1]) == pytest.approx([2, 2], abs=0.15)  # weak order 2


def test_friction_on_the_momentum_keeps_something_else():
    def wrong(p, xi, h=0.2):
        return np.exp(-h) * p + np.sqrt(1 - np.exp(-2 * h)) * xi

    assert momentum_moments(wrong, 0.2) == pytest.approx([3.0, 1.0], rel=1e-3)


def moments_of_ensemble(q, p):
    return np.mean(p**4), np.mean(p**2), np.mean(q**2)


def test_whole_method_samples_gibbs_for_a_quartic_kinetic_energy():
    """2,000 members started at equilibrium and moved for 6 time units; standard errors .04, .015, .03."""
    rng = np.random.default_rng(0)
    q = rng.standard_normal((2_000, 1))
    p = rng.choice([-1, 1], q.shape) * (4 * rng.gamma(0.25, size=q.shape)) ** 0.25  # p⁴/4 is Gamma(¼)
    H = quartic_kinetic()
    path = integrate(H, q, p, dt=0.1, steps=60, method="badndab", kT=1.0, friction=1.0, seed=1, save_every=20)
    found = np.mean([moments_of_ensemble(path.q[i], path.p[i]) for i in range(1, 4)], axis=0)
    assert found == pytest.approx([1.0, EXACT_PP, 1.0], abs=0.08)


def test_whole_method_with_friction_on_the_momentum_does_not():
    """The exact e^{−γh} step forced on p⁴/4: ⟨p ∂H/∂p⟩ near 3.2 and ⟨p²⟩ near 1.08 where 1 and .676 are right."""
    rng = np.random.default_rng(0)
    q, p, h = np.zeros(5_000), rng.standard_normal(5_000), 0.03
    kept, scale = np.exp(-h), np.sqrt(1 - np.exp(-2 * h))
    found = []
    for n in range(1200):
        p = p - h / 2 * q
        q = q + h / 2 * p**3
        p = kept * p + scale * rng.standard_normal(p.shape)
        q = q + h / 2 * p**3
        p = p - h / 2 * q
        if n > 300 and n % 50 == 0:
            found.append(moments_of_ensemble(q, p)[:2])
    assert np.mean(found, axis=0) == pytest.approx([3.2, 1.08], rel=0.06)


# -- order, on diffrax's two problems: dv = −γv − u∇f + √(2γu)dW is m = kT/u, V = kT f --------------------------------


def langevin_harmonic():
    u = np.array([0.5, 2.0])
    return Separable(2, lambda q: np.sum(q * q, -1), lambda q: 2 * q, 1 / u), np.array([2.0, 0.5])


def double_well():
    return (
        Separable(
            1, lambda q: np.sum((q * q - 1) ** 2, -1), lambda q: 4 * q * (q * q - 1), np.array([1 / 0.2])
        ),
        np.array([0.8]),
    )


@pytest.mark.parametrize(
    ("method", "order"),
    [
        ("baoab", 2),
        ("aboba", 2),
        ("obabo", 2),
        ("oabao", 2),
        ("badndab", 2),
        ("dnmnd", 2),
        ("euler_maruyama", 1),
    ],
)
def test_weak_order_on_the_harmonic_problem(method, order):
    """Mean and covariance at T = 1, both exact: the step is affine and so is the equation."""
    H, gamma = langevin_harmonic()
    inverse = np.diag(1 / H.mass)
    drift = np.block([[np.zeros((2, 2)), inverse], [-2 * np.eye(2), -np.diag(gamma)]])
    diffusion = np.diag([0, 0, *(2 * gamma * H.mass)])
    # exp of [[A, Q], [0, −Aᵀ]] holds both the flow and its covariance (Van Loan)
    big = scipy.linalg.expm(np.block([[drift, diffusion], [np.zeros((4, 4)), -drift.T]]))
    exact_M, exact_S = big[:4, :4], big[:4, 4:] @ big[:4, :4].T
    errors = []
    for steps in (32, 64):
        M, N = affine(H, method, 1 / steps, friction=gamma)
        S, power = np.zeros((4, 4)), np.eye(4)
        for _ in range(steps):
            S, power = M @ S @ M.T + N @ N.T, M @ power
        errors.append([np.abs(power - exact_M).max(), np.abs(S - exact_S).max()])
    assert np.log2(np.divide(*errors)) == pytest.approx([order, order], abs=0.1)


@pytest.mark.parametrize("problem", [langevin_harmonic, double_well])
@pytest.mark.parametrize("method", ["baoab", "obabo", "euler_maruyama"])
def test_strong_order_one_on_a_frozen_path(problem, method):
    """Pathwise error at T = 2 against 2⁻¹¹ steps of the same Ornstein–Uhlenbeck (or Wiener) path.

    Splittings see the path only through its value at the end of each O, so their strong order is 1, as
    Euler's is for additive noise; their weak order is 2.
    """
    H, gamma = problem()
    n = H.event_shape[0]
    fine, members = 11, 120
    draws = METHODS[method].draws
    normals = np.random.default_rng(5).standard_normal((2 << fine, draws, members, n))
    start = np.ones((members, n))
    ends = {}
    for level in range(fine, 3, -1):
        h = 2.0**-level
        path = integrate(
            H,
            start,
            0 * start,
            dt=h,
            steps=2 << level,
            method=method,
            kT=1.0,
            friction=gamma,
            noise=normals,
            save_every=2 << level,
        )
        ends[level] = path.q[-1]
        normals = coarsened(normals, method, gamma, h)
    errors = np.array([np.sqrt(np.mean((ends[level] - ends[fine]) ** 2)) for level in (5, 8)])
    assert np.log2(errors[0] / errors[1]) / 3 == pytest.approx(1, abs=0.15)


def coarsened(normals, method, gamma, h):
    """Normals of steps 2h that see the same path: O's noise is the OU integral, Euler's the Wiener increment."""
    steps, draws, *shape = normals.shape
    if draws == 1:
        first, second = normals[0::2], normals[1::2]
        kept = np.exp(-gamma * h) if method != "euler_maruyama" else 1.0
        return (kept * first + second) / np.sqrt(1 + kept**2)
    one, two, three, four = np.moveaxis(normals.reshape(steps // 2, 4, *shape), 1, 0)
    kept = np.exp(-gamma * h / 2)
    pair = [(kept * one + two), (kept * three + four)]
    return np.stack(pair, axis=1) / np.sqrt(1 + kept**2)


# -- the account ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["baoab", "aboba", "obabo", "oabao", "badndab", "dnmnd"])
def test_heat_and_shadow_work_add_up(method):
    H, gamma = double_well()
    options = {"method": method, "kT": 1.0, "friction": gamma, "seed": 3}
    works = []
    for steps in (64, 128):
        path = integrate(H, np.ones((200, 1)), np.ones((200, 1)), dt=4 / steps, steps=steps, **options)
        assert path.work + path.heat == pytest.approx(path.energy - path.energy[0], abs=1e-12)
        assert path.heat[0] == pytest.approx(0) and np.std(path.heat[-1]) > 0.1
        works.append(np.median(np.abs(path.work[-1])))
    assert np.log2(works[0] / works[1]) == pytest.approx(
        2, abs=0.5
    )  # shadow work is of the order of the method


def test_without_friction_there_is_no_heat_and_the_step_is_leapfrog():
    H, _ = double_well()
    options = {"dt": 0.05, "steps": 100}
    path = integrate(
        H, np.array([0.5]), np.array([1.0]), method="obabo", kT=1.0, friction=0.0, seed=0, **options
    )
    plain = integrate(H, np.array([0.5]), np.array([1.0]), method="leapfrog", **options)
    assert np.all(path.heat == 0)
    assert path.q == pytest.approx(plain.q, abs=1e-12)


def test_a_frozen_component_stays():
    """An infinite mass: no motion, no heat, and the rest as if it were not there."""
    H = harmonic(2, np.array([1.0, np.inf]))
    path = integrate(
        H, np.ones(2), np.zeros(2), dt=0.1, steps=50, method="baoab", kT=1.0, friction=1.0, seed=0
    )
    assert np.all(path.q[:, 1] == 1.0) and np.isfinite(path.energy).all()
    assert np.std(path.q[:, 0]) > 0.1


def test_langevin_for_a_nonseparable_system():
    """H = ½(q² + 1)(p² + 1): ⟨p ∂H/∂p⟩ = ⟨q ∂H/∂q⟩ = kT, by an ensemble of 2,000 (standard error .03)."""
    H, start = product(), np.zeros((2000, 1))
    path = integrate(
        H, start, start, dt=0.1, steps=80, method="dnmnd", kT=1.0, friction=1.0, seed=2, save_every=20
    )
    q, p = path.q[-1], path.p[-1]
    assert np.mean(p * H.dp(q, p)) == pytest.approx(1, abs=0.1)
    assert np.mean(q * H.dq(q, p)) == pytest.approx(1, abs=0.1)


def test_a_translation_invariant_system_has_no_gibbs_measure_until_its_centre_is_taken_out():
    """Two particles on a spring: the centre wanders for ever; the n − 1 degrees of freedom left are at kT."""
    H = Separable(2, lambda q: 0.5 * (q[..., 0] - q[..., 1]) ** 2, lambda q: q - q[..., ::-1])
    M, N = affine(H, "baoab", 0.1, kT=0.7)
    values, vectors = np.linalg.eig(M.T)
    assert np.abs(values).max() == pytest.approx(1, abs=1e-12)
    centre = vectors[:, np.argmin(np.abs(values - 1))].real
    assert (
        centre[0] == pytest.approx(centre[1]) and np.abs(centre @ N).max() > 1e-3
    )  # kicked, never pulled back
    relative = np.kron(np.eye(2), np.array([[1.0, -1.0]]) / np.sqrt(2))
    inner, kicks = relative @ M @ relative.T, relative @ N
    found = scipy.linalg.solve_discrete_lyapunov(inner, kicks @ kicks.T)
    k = 2.0  # of the relative coordinate, and BAOAB's ⟨p²⟩ = kT (1 − h²k/4)
    assert np.diag(found) == pytest.approx([0.7 / k, 0.7 * (1 - 0.01 * k / 4)], rel=1e-12)


@pytest.mark.slow
def test_sampling_an_anharmonic_well():
    """Kinetic and configurational temperature of BAOAB in the double well, judged by effective sample size."""
    H, gamma = double_well()
    path = integrate(
        H,
        np.ones((500, 1)),
        np.zeros((500, 1)),
        dt=0.05,
        steps=20_000,
        method="baoab",
        kT=1.0,
        friction=gamma,
        seed=11,
        save_every=10,
    )
    q, p = path.q[200:, :, 0], path.p[200:, :, 0]
    kinetic, force, curvature = p * p / H.mass, 4 * q * (q * q - 1), 12 * q * q - 4
    for values, target in ((kinetic, 1.0), (force * force - curvature, 0.0), (q * force, 1.0)):
        members = values.mean(axis=0)
        error = members.std(ddof=1) / np.sqrt(members.size)
        assert abs(members.mean() - target) < 4 * error + 2e-3
