"""Twelve traps found in shipped software: each wrong twin is caught by a check that its right twin passes.

The checks are those that certificates are made of, so what is caught here is caught for any H and any step.
"""

import numpy as np
import pytest
import torch

from tenfma.dynamics.certificates.accuracy import drift, exact_path, measured_order
from tenfma.dynamics.certificates.geometry import reversal_error, symplectic_defect
from tenfma.dynamics.certificates.stationary import (
    affine_map,
    configurational_temperature,
    kinetic_temperature,
    stationary_covariance,
)
from tenfma.dynamics.compositions import order_defect, triple_jump
from tenfma.dynamics.integrate import integrate
from tenfma.dynamics.methods import KICK_DRIFT_KICK, METHODS
from tenfma.dynamics.run import one_step
from tenfma.dynamics.statistics import mean_and_error
from tenfma.dynamics.words import Method, composed
from tenfma.errors import PairingError, TenfmaError
from tenfma.hamiltonian.functional import TorchHamiltonian
from tenfma.hamiltonian.protocol import Capability
from tenfma.hamiltonian.symbolic import symbolic

HENON_HEILES = symbolic("(px**2 + py**2)/2 + (x**2 + y**2)/2 + x**2*y - y**3/3")
NONSEPARABLE = symbolic("(q**2 + 1)*(p**2 + 1)/2")
START = np.array([0.3, -0.2]), np.array([0.2, 0.4])


def tensors(*arrays):
    return tuple(torch.tensor(x, dtype=torch.float64) for x in arrays)


def order_of(step, H=HENON_HEILES, start=START, finest=5) -> float:
    """Measured order of a step function (q, p, h) → (q, p) on H."""
    span = 1.6

    def solve(h, count):
        q, p = start
        for _ in range(count):
            q, p = step(q, p, h)
        return np.concatenate([q, p])[None]

    reference = exact_path(H, *start, [span])
    return measured_order(solve, reference, span, [2**k for k in range(2, 4 + finest)], floor=1e-12).value


def method_order(method: Method, H=HENON_HEILES) -> float:
    def step(q, p, h):
        path = integrate(H, q, p, dt=h, steps=1, method=method)
        return path.q[-1], path.p[-1]

    return order_of(step, H)


def test_1_composition_weights_with_the_wrong_exponent_sign():
    w = 1 / (2 - 2 ** (-1 / 3))  # 2^{1/3} is right
    wrong = (w, 1 - 2 * w, w)
    right = triple_jump(2)
    assert sum(wrong) == pytest.approx(1) and sum(right) == pytest.approx(1)  # the sum alone tells nothing
    assert abs(sum(x**3 for x in wrong)) > 0.1 and abs(sum(x**3 for x in right)) < 1e-14
    assert order_defect(right, 4) < 1e-14 < order_defect(wrong, 4)
    twin = Method(
        "twin", 4, Capability.SEPARABLE, True, True, "wrong on purpose", composed(KICK_DRIFT_KICK, wrong)
    )
    assert method_order(twin) == pytest.approx(2, abs=0.1)
    assert method_order(METHODS["yoshida4"]) == pytest.approx(4, abs=0.1)


def field(q, p):
    return HENON_HEILES.dp(q, p), -HENON_HEILES.dq(q, p)


def runge_kutta(last: float):
    """RK4 whose fourth stage is taken at `last`·h; 1 is right."""

    def step(q, p, h):
        a1, b1 = field(q, p)
        a2, b2 = field(q + h / 2 * a1, p + h / 2 * b1)
        a3, b3 = field(q + h / 2 * a2, p + h / 2 * b2)
        a4, b4 = field(q + last * h * a3, p + last * h * b3)
        return q + h / 6 * (a1 + 2 * a2 + 2 * a3 + a4), p + h / 6 * (b1 + 2 * b2 + 2 * b3 + b4)

    return step


def test_2_rk4_with_half_a_last_stage():
    assert order_of(runge_kutta(1.0)) == pytest.approx(4, abs=0.1)
    assert order_of(runge_kutta(0.5)) == pytest.approx(1, abs=0.1)


def test_2_leapfrog_that_takes_the_momentum_for_the_velocity():
    H = symbolic("p1**2/2 + p2**2/4 + q1**4/4 + q1*q2**2")  # masses 1 and 2

    def wrong(q, p, h):
        p = p - h / 2 * H.dq(q, p)
        q = q + h * p
        return q, p - h / 2 * H.dq(q, p)

    assert order_of(wrong, H) < 0.5  # converges to another system's motion
    assert method_order(METHODS["leapfrog"], H) == pytest.approx(2, abs=0.1)


def naive(H, h):
    """Kicks and drifts that each see the other's variable."""

    def step(q, p):
        p = p - h / 2 * H.dq(q, p)
        q = q + h * H.dp(q, p)
        return q, p - h / 2 * H.dq(q, p)

    return step


def of_method(H, method, h, **options):
    def step(q, p):
        state = one_step(H, q, p, dt=h, method=method, **options)
        return state.q, state.p

    return step


def test_3_leapfrog_on_a_nonseparable_system():
    # the size of det J − 1 depends on where; along this system's orbit from (−3, 0) it reaches −7e-2
    q, p = tensors([-3.0], [0.0])
    worst = 0.0
    for _ in range(100):
        defect = symplectic_defect(naive(NONSEPARABLE, 0.1), q, p)
        if abs(defect.determinant - 1) > abs(worst):
            worst = defect.determinant - 1
        assert symplectic_defect(of_method(NONSEPARABLE, "implicit_midpoint", 0.1), q, p).value < 1e-10
        q, p = naive(NONSEPARABLE, 0.1)(q, p)
    assert abs(worst) > 5e-2
    with pytest.raises(PairingError, match="separable"):
        integrate(NONSEPARABLE, np.array([-3.0]), np.array([0.0]), dt=0.1, steps=1)


def test_3_unit_determinant_is_not_enough_in_two_degrees_of_freedom():
    def volume_only(q, p):  # a shear among positions: det J = 1, but momenta do not follow
        return torch.stack([q[..., 0] + 0.3 * q[..., 1] ** 2, q[..., 1]], -1), p

    def point_map(q, p):  # its right twin carries the momenta contragrediently
        moved, _ = volume_only(q, p)
        return moved, torch.stack([p[..., 0], p[..., 1] - 0.6 * q[..., 1] * p[..., 0]], -1)

    q, p = tensors(*START)
    wrong, right = symplectic_defect(volume_only, q, p), symplectic_defect(point_map, q, p)
    assert wrong.determinant == pytest.approx(1, abs=1e-14) and wrong.value > 1e-2
    assert right.value < 1e-15


def midpoint_after(iterations: int, h: float):
    """Implicit midpoint by so many fixed-point iterations."""

    def step(q, p):
        middle_q, middle_p = q, p
        for _ in range(iterations):
            middle_q, middle_p = (
                q + h / 2 * NONSEPARABLE.dp(middle_q, middle_p),
                p - h / 2 * NONSEPARABLE.dq(middle_q, middle_p),
            )
        return 2 * middle_q - q, 2 * middle_p - p

    return step


def test_4_implicit_steps_stopped_early_are_not_symplectic():
    q, p = tensors([-1.0], [0.5])
    stopped = [symplectic_defect(midpoint_after(n, 0.1), q, p).value for n in (2, 4, 60)]
    assert stopped[0] > 1e-4 and stopped[1] > 1e-7
    assert stopped[2] < 1e-14
    assert symplectic_defect(of_method(NONSEPARABLE, "implicit_midpoint", 0.1), q, p).value < 1e-10


def test_4_tao_is_symplectic_in_the_doubled_space_and_omega_has_a_window():
    from tenfma.dynamics.certificates.steps import Stepper

    q, p = tensors([-1.0], [0.5])
    stepper = Stepper(NONSEPARABLE, METHODS["tao2"], q, p)
    assert stepper.extended
    assert symplectic_defect(stepper.step(0.1), *stepper.start).value < 1e-14
    assert symplectic_defect(of_method(NONSEPARABLE, "tao2", 0.1), q, p).value > 1e-6
    # at ωh = π the copies turn a whole circle in each step and are as free of each other as at ω = 0
    drifts = {
        omega: integrate(
            NONSEPARABLE, np.array([-3.0]), np.array([0.0]), dt=0.01, steps=5_000, method="tao2", omega=omega
        ).drift
        for omega in (0.0, 20.0, np.pi / 0.01)
    }
    assert drifts[20.0] < 0.01 < min(drifts[0.0], drifts[np.pi / 0.01])


def test_5_symplectic_euler_does_not_reverse_itself():
    q, p = tensors(*START)
    for method, small in (("symplectic_euler", False), ("leapfrog", True)):
        forward, back = (of_method(HENON_HEILES, method, h) for h in (0.1, -0.1))
        error = reversal_error(forward, back, q, p, 20)
        assert (error < 1e-12) is small and (small or error > 1e-3)


def langevin_covariance(mass: float, noise: float) -> np.ndarray:
    """BAOAB of p²/2m + q²/2 at kT = 1 with the O-step's noise amplitude given."""
    h, gamma = 0.1, 1.0
    kept = np.exp(-gamma * h)

    def step(q, p, normals):
        p = p - h / 2 * q
        q = q + h / 2 * p / mass
        p = kept * p + noise * np.sqrt(1 - kept**2) * normals[0]
        q = q + h / 2 * p / mass
        return q, p - h / 2 * q

    return stationary_covariance(affine_map(step, (1,), 1))


@pytest.mark.parametrize("mass", [0.25, 4.0])
def test_6_noise_that_forgets_the_mass_samples_the_temperature_over_m(mass):
    right, wrong = langevin_covariance(mass, np.sqrt(mass)), langevin_covariance(mass, 1.0)
    assert right[0, 0] == pytest.approx(1, rel=1e-10)
    assert wrong[0, 0] == pytest.approx(1 / mass, rel=1e-10)
    assert wrong[1, 1] / mass == pytest.approx(1 / mass, rel=0.02)
    H = symbolic("p**2/(2*m) + q**2/2", parameters={"m": mass})

    def ours(q, p, normals):
        state = one_step(H, q, p, dt=0.1, method="baoab", kT=1.0, friction=1.0, normals=normals)
        return state.q, state.p

    np.testing.assert_allclose(
        stationary_covariance(affine_map(ours, (1,), 1)), right, rtol=1e-10, atol=1e-12
    )


def test_6_exact_friction_step_is_refused_for_other_kinetic_energies():
    H = symbolic("p**4/4 + q**2/2")
    with pytest.raises(PairingError, match="badndab"):
        integrate(H, np.ones(1), np.ones(1), dt=0.1, steps=1, method="baoab", kT=1.0, friction=1.0, seed=0)
    integrate(H, np.ones(1), np.ones(1), dt=0.1, steps=1, method="badndab", kT=1.0, friction=1.0, seed=0)


def position_dependent_mass(corrected: bool, kT: float = 1.0):
    """H = p²/2M(q) + V(q), M = 1 + q², V = q²; with ½ kT log M added the marginal of q is exp(−V/kT)."""
    correction = f" + {kT / 2}*log(1 + q**2)" if corrected else ""
    return symbolic(f"p**2/(2*(1 + q**2)) + q**2{correction}")


def marginal(H, kT: float = 1.0) -> float:
    """⟨q²⟩ of exp(−H/kT), momenta integrated out by quadrature: what a right sampler of H finds."""
    q, p = np.linspace(-8, 8, 801), np.linspace(-40, 40, 1601)
    grid_q, grid_p = np.meshgrid(q, p, indexing="ij")
    weight = np.exp(-H(grid_q[..., None], grid_p[..., None]) / kT)
    return float((grid_q**2 * weight).sum() / weight.sum())


def test_7_position_dependent_mass_weighs_positions():
    target = 0.5  # ⟨q²⟩ of exp(−q²)
    assert marginal(position_dependent_mass(corrected=True)) == pytest.approx(target, rel=1e-6)
    uncorrected = marginal(position_dependent_mass(corrected=False))
    assert uncorrected > 1.2 * target
    q, p = np.random.default_rng(0).normal(size=(2, 200, 1))
    for corrected, expected in ((True, target), (False, uncorrected)):
        H = position_dependent_mass(corrected)
        path = integrate(
            H, q, p, dt=0.1, steps=300, method="dnmnd", kT=1.0, friction=1.0, seed=1, save_every=5
        )
        seen = mean_and_error(path.q[15:, :, 0] ** 2)
        assert seen.agrees(expected, sigmas=5), (corrected, seen, expected)
        assert not seen.agrees(target if not corrected else uncorrected, sigmas=4)


def test_8_a_bounded_potential_has_no_gibbs_measure():
    """Free at large |q|: the spread grows without end. Confinement ½κq² bounds it."""
    spreads = {}
    for name, formula in (("bounded", "p**2/2 + tanh(q)**2"), ("confined", "p**2/2 + tanh(q)**2 + q**2/4")):
        q, p = np.zeros((400, 1)), np.zeros((400, 1))
        path = integrate(
            symbolic(formula),
            q,
            p,
            dt=0.2,
            steps=2_000,
            method="baoab",
            kT=2.0,
            friction=0.5,
            seed=0,
            save_every=500,
        )
        spreads[name] = (path.q[1:, :, 0] ** 2).mean(axis=1)
    assert spreads["bounded"][-1] > 2.5 * spreads["bounded"][0]
    assert spreads["confined"][-1] < 1.5 * spreads["confined"][0]


def test_8_translation_invariant_systems_lose_a_degree_of_freedom():
    """Two bound atoms with the centre of mass at rest: 1 degree of freedom, and counting 2 halves the
    temperature."""

    def potential(q):
        return ((q[..., 0] - q[..., 1]) ** 2).sum(-1) / 2 if q.ndim > 2 else (q[..., 0] - q[..., 1]) ** 2 / 2

    kT = 0.5
    random = np.random.default_rng(0)
    relative_q, relative_p = random.normal(size=(2, 20_000)) * np.sqrt(kT) * np.array([[1.0], [np.sqrt(0.5)]])
    q, p = (
        np.stack([sign * x for sign in (0.5, -0.5)], -1) * scale
        for x, scale in ((relative_q, 1), (relative_p, 2))
    )
    right = TorchHamiltonian(potential=potential, event_shape=2, degrees_of_freedom=1)
    wrong = TorchHamiltonian(potential=potential, event_shape=2)
    assert kinetic_temperature(right, q, p).agrees(kT)
    assert kinetic_temperature(wrong, q, p).value == pytest.approx(kT / 2, rel=0.05)


def test_9_single_precision_puts_a_floor_under_energy_drift():
    H = TorchHamiltonian(potential=lambda q: (q**2).sum(-1) / 2 + (q**4).sum(-1) / 4, event_shape=2)
    errors = {}
    for dtype in (torch.float32, torch.float64):
        q, p = (torch.tensor(x, dtype=dtype) for x in START)
        path = integrate(H, q, p, dt=0.05, steps=400, method="yoshida6", gradient="none")
        errors[dtype] = path.drift
    assert errors[torch.float32] > 1e-7 > 1e2 * errors[torch.float64]


def test_9_round_off_wanders_and_a_bias_grows():
    random = np.random.default_rng(0)
    t, eps = np.arange(4_000.0), 2.2e-16
    wandering = 1 + eps * np.cumsum(random.choice([-1.0, 1.0], t.size))
    biased = 1 + 3 * eps * t
    assert drift(t, wandering, 1.0, t.size, eps).holds
    assert not drift(t, biased, 1.0, t.size, eps).holds


def test_9_kinks_break_the_measured_order():
    """|q| in place of a smooth potential: yoshida4 falls back to a low order across the kink."""
    kinked = TorchHamiltonian(potential=lambda q: torch.relu(q).sum(-1) + (q**2).sum(-1) / 2, event_shape=2)
    smooth = TorchHamiltonian(
        potential=lambda q: torch.nn.functional.softplus(q).sum(-1) + (q**2).sum(-1) / 2, event_shape=2
    )
    start = np.array([-0.31, 0.17]), np.array([0.9, -0.7])

    def order(H):
        def step(q, p, h):
            state = one_step(H, q, p, dt=h, method="yoshida4")
            return state.q, state.p

        return order_of(step, H, start)

    assert order(smooth) == pytest.approx(4, abs=0.1)
    assert order(kinked) < 3


def test_9_energies_at_unsynchronised_times_oscillate():
    """Leapfrog with q at whole and p at half steps: an energy error of order 1 that is no error of the
    motion."""
    H, h = HENON_HEILES, 0.05
    q, p = START
    synchronised, mixed = [], []
    for _ in range(400):
        half = p - h / 2 * H.dq(q, p)
        mixed.append(float(H(q, half)))
        q = q + h * H.dp(q, half)
        p = half - h / 2 * H.dq(q, half)
        synchronised.append(float(H(q, p)))
    assert np.ptp(mixed) > 20 * np.ptp(synchronised)


def test_10_weak_assertions_pass_whatever_the_code_does():
    """Potential energy, "below 1e13" and "outputs differ" all accept explicit Euler; the drift's band does
    not."""
    H = symbolic("p**2/2 + q**2/2")
    verdicts = {}
    for method in ("euler", "leapfrog"):
        path = integrate(H, np.array([1.0]), np.array([0.0]), dt=0.02, steps=2_000, method=method)
        potential = path.q[:, 0] ** 2 / 2
        assert potential.min() < 1e-2  # "the potential comes back down"
        assert np.abs(path.energy).max() < 1e13  # "no blow-up"
        assert not np.array_equal(path.q[0], path.q[-1])  # "something moved"
        verdicts[method] = drift(path.t, path.energy, 1.0, 2_000, 2.2e-16).holds
    assert verdicts == {"euler": False, "leapfrog": True}


def test_11_the_right_kinetic_temperature_does_not_make_gibbs():
    """OABAO at a large step: momenta exactly at kT, positions 25 % too cold; the configurational temperature
    sees it."""
    h, kT = 1.0, 1.0
    H = symbolic("p**2/2 + q**2/2")

    def samples(method, draws):
        def step(q, p, normals):
            state = one_step(H, q, p, dt=h, method=method, kT=kT, friction=1.0, normals=normals)
            return state.q, state.p

        covariance = stationary_covariance(affine_map(step, (1,), draws))
        z = np.random.default_rng(0).multivariate_normal(np.zeros(2), covariance, 40_000)
        return z[:, :1], z[:, 1:]

    q, p = samples("oabao", 2)
    assert kinetic_temperature(H, q, p).agrees(kT)
    assert configurational_temperature(H, q, p).value == pytest.approx(0.75, rel=0.03)
    q, p = samples("baoab", 1)
    assert configurational_temperature(H, q, p).agrees(kT)


def test_11_strong_weak_and_measure_orders_differ():
    """BAOAB's error in ⟨q²⟩ of the unit oscillator is none at all, while OBABO's falls as h²: same weak
    order, 2."""
    H = symbolic("p**2/2 + q**2/2")

    def error(method, draws, h):
        def step(q, p, normals):
            state = one_step(H, q, p, dt=h, method=method, kT=1.0, friction=1.0, normals=normals)
            return state.q, state.p

        return abs(stationary_covariance(affine_map(step, (1,), draws))[0, 0] - 1)

    assert error("baoab", 1, 0.4) < 1e-13
    assert np.log2(error("obabo", 2, 0.4) / error("obabo", 2, 0.2)) == pytest.approx(2, abs=0.1)
    assert METHODS["baoab"].order == METHODS["obabo"].order == 2


def test_12_a_step_per_system_is_not_a_step_per_component():
    H = symbolic("(px**2 + py**2 + pz**2)/2 + (x**2 + 2*y**2 + 3*z**2)/2")
    q, p = np.random.default_rng(0).normal(size=(2, 3, 3))  # three systems that look like x, y, z
    dt = np.array([0.1, 0.2, 0.3])
    together = integrate(H, q, p, dt=dt, steps=5)
    for i in range(3):
        alone = integrate(H, q[i], p[i], dt=float(dt[i]), steps=5)
        np.testing.assert_allclose(together.q[-1, i], alone.q[-1], rtol=1e-13)
    broadcast = q + dt * p  # the wrong twin's drift, silently one dt per component
    assert np.abs(broadcast - (q + dt[:, None] * p)).max() > 0.05
    with pytest.raises(TenfmaError, match="one per system"):
        integrate(H, q[0], p[0], dt=dt, steps=5)
