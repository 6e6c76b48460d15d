"""Orders, coefficients and structure of every method, against known answers; wrong twins must fail."""

import numpy as np
import pytest
from dynamics_systems import henon_heiles, jacobian, kepler, omega, product

from tenfma.dynamics.compositions import (
    KAHAN_LI_8,
    KAHAN_LI_8_17,
    YOSHIDA_6A,
    order_defect,
    palindrome,
    quintuple_jump,
    triple_jump,
)
from tenfma.dynamics.flows import State
from tenfma.dynamics.integrate import integrate
from tenfma.dynamics.methods import KICK_DRIFT_KICK, METHODS, SEPARABLE
from tenfma.dynamics.run import one_step
from tenfma.dynamics.words import Method, composed, merged

# Tolerances. Orders: slope within ±0.1, at steps where the next term of the error is below a twentieth of the first.
# Jacobians by central differences of order 4 with step 1e-5 carry about 1e-11 of round-off; defects are held to 1e-9.
KEPLER_Q, KEPLER_P = np.array([0.4, 0.0]), np.array([0.0, 2.0])


def kepler_errors(method, divisions, periods=2):
    """Position error after whole periods of the e = 0.6 orbit."""
    H = kepler()
    errors = []
    for n in divisions:
        path = integrate(
            H, KEPLER_Q, KEPLER_P, dt=2 * np.pi / n, steps=periods * n, method=method, save_every=periods * n
        )
        errors.append(np.linalg.norm(path.q[-1] - KEPLER_Q))
    return np.array(errors)


def slope(errors):
    return np.log2(errors[:-1] / errors[1:])


@pytest.mark.parametrize(
    ("method", "expected", "digits"),
    [
        ("leapfrog", [0.268, 0.0676, 0.0169], 3),
        ("yoshida4", [3.60e-3, 2.29e-4, 1.44e-5], 3),
        ("suzuki4", [1.67e-4, 1.04e-5, 6.5e-7], 2),
        ("yoshida6", [9.9e-6, 1.56e-7, 2.4e-9], 2),
        ("kahan_li8", [1.1e-9], 2),
    ],
)
def test_kepler_errors_are_the_known_ones(method, expected, digits):
    errors = kepler_errors(method, (200, 400, 800)[: len(expected)])
    assert errors == pytest.approx(expected, rel=0.6 * 10.0 ** (1 - digits))


@pytest.mark.parametrize(
    ("method", "divisions"),
    [
        ("symplectic_euler", (3200, 6400)),
        ("leapfrog", (400, 800)),
        ("leapfrog_position", (200, 400)),
        ("yoshida4", (400, 800)),
        ("suzuki4", (200, 400)),
        ("yoshida6", (200, 400)),
        ("rk4", (1600, 3200)),
        ("implicit_midpoint", (400, 800)),
        ("gauss_legendre4", (100, 200)),
        ("euler", (800, 1600)),
        ("tao2", (400, 800)),
        ("tao4", (1600, 3200)),
    ],
)
def test_measured_order(method, divisions):
    if method in ("euler", "symplectic_euler", "tao4", "rk4"):  # away from whole periods, where errors cancel
        errors = short_errors(method, divisions)
    else:
        errors = kepler_errors(method, divisions, periods=1)
    assert slope(errors) == pytest.approx(METHODS[method].order, abs=0.1)


def short_errors(method, divisions, fraction=16):
    H = kepler()
    exact = integrate(
        H, KEPLER_Q, KEPLER_P, dt=2 * np.pi / 3200, steps=3200 // fraction, method="kahan_li8"
    ).q[-1]
    errors = []
    for n in divisions:
        path = integrate(H, KEPLER_Q, KEPLER_P, dt=2 * np.pi / n, steps=n // fraction, method=method)
        errors.append(np.linalg.norm(path.q[-1] - exact))
    return np.array(errors)


@pytest.mark.parametrize("method", ["kahan_li8", "kahan_li8_17"])
def test_order_eight_where_round_off_is_far(method):
    errors = kepler_errors(method, (100, 140), periods=1)
    assert np.log(errors[0] / errors[1]) / np.log(1.4) == pytest.approx(8, abs=0.5)


@pytest.mark.parametrize(
    ("weights", "order"),
    [
        (triple_jump(2), 4),
        (quintuple_jump(2), 4),
        (YOSHIDA_6A, 6),
        (KAHAN_LI_8, 8),
        (KAHAN_LI_8_17, 8),
    ],
)
def test_weights_satisfy_their_order_conditions(weights, order):
    assert sum(weights) == pytest.approx(1, abs=2e-15)
    assert sum(w**3 for w in weights) == pytest.approx(0, abs=5e-15)
    assert order_defect(weights, order) < 5e-15
    assert order_defect(weights, order + 2) > 1e-4
    assert weights == weights[::-1]


def test_weights_with_the_wrong_exponent_sign_are_of_order_two():
    w = 1 / (2 - 2 ** (-1 / 3))
    wrong = (w, 1 - 2 * w, w)
    assert sum(wrong) == pytest.approx(1)
    assert order_defect(wrong, 4) > 0.1
    twin = Method("twin", 4, SEPARABLE, True, True, "", composed(KICK_DRIFT_KICK, wrong))
    assert slope(kepler_errors(twin, (1600, 3200), periods=1)) == pytest.approx(2, abs=0.1)


def test_printed_weights_are_polished_to_round_off():
    printed = palindrome((0.784513610477560, 0.235573213359357, -1.17767998417887))
    assert pytest.approx(printed, abs=2e-14) == YOSHIDA_6A
    assert order_defect(printed, 6) > 5 * order_defect(YOSHIDA_6A, 6)


def test_rk4_with_a_wrong_last_stage_is_of_order_one():
    def step(z, h):
        def f(z):
            q, p = z[:2], z[2:]
            return np.concatenate([p, -q / np.sum(q * q) ** 1.5])

        k1 = f(z)
        k2 = f(z + h / 2 * k1)
        k3 = f(z + h / 2 * k2)
        k4 = f(z + h / 2 * k3)  # the trap: h/2 where h belongs
        return z + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)

    start = np.concatenate([KEPLER_Q, KEPLER_P])
    exact = integrate(kepler(), KEPLER_Q, KEPLER_P, dt=2 * np.pi / 1600, steps=100, method="kahan_li8").q[-1]
    errors = []
    for n in (1600, 3200):
        z = start
        for _ in range(n // 16):
            z = step(z, 2 * np.pi / n)
        errors.append(np.linalg.norm(z[:2] - exact))
    assert slope(np.array(errors)) == pytest.approx(1, abs=0.1)


def test_drift_uses_the_velocity_not_the_momentum():
    H = kepler()
    H.mass = np.array([2.0, 0.5])
    state = one_step(H, KEPLER_Q, KEPLER_P, dt=1e-4, method="leapfrog")
    assert (state.q - KEPLER_Q) / 1e-4 == pytest.approx(KEPLER_P / H.mass, abs=1e-3)


@pytest.mark.parametrize(("method", "expected"), [("leapfrog", 3.76e-6), ("yoshida4", 1.3e-10)])
def test_henon_heiles_energy_error(method, expected):
    path = integrate(
        henon_heiles(), np.array([0.1, 0]), np.array([0, 0.5]), dt=0.01, steps=10_000, method=method
    )
    assert path.energy[0] == pytest.approx(0.13)
    assert np.max(np.abs(path.energy - path.energy[0])) == pytest.approx(expected, rel=0.04)


def step_map(H, method, h, n, **options):
    def f(z):
        state = one_step(H, z[:n], z[n:], dt=h, method=method, **options)
        return np.concatenate([state.q, state.p])

    return f


SYMPLECTIC = [name for name, method in METHODS.items() if method.symplectic and not name.startswith("tao")]


@pytest.mark.parametrize("method", SYMPLECTIC)
def test_step_is_symplectic(method):
    z = np.array([0.3, -0.2, 0.4, 0.1])
    J = jacobian(step_map(henon_heiles(), method, 0.3, 2), z, h=1e-4)
    assert np.abs(J.T @ omega(2) @ J - omega(2)).max() < 1e-9


@pytest.mark.parametrize("method", ["euler", "rk4"])
def test_comparison_methods_are_not_symplectic(method):
    z = np.array([0.3, -0.2, 0.4, 0.1])
    defects = []
    for h in (0.3, 0.6):
        J = jacobian(step_map(henon_heiles(), method, h, 2), z, h=1e-4)
        defects.append(np.abs(J.T @ omega(2) @ J - omega(2)).max())
    assert defects[0] > 1e-5
    assert np.log2(defects[1] / defects[0]) > METHODS[method].order


def test_naive_leapfrog_on_a_nonseparable_system_is_not_symplectic():
    H = product()
    z = np.array([-3.0, 0.0])
    J = jacobian(step_map(H, "leapfrog", 0.1, 1), z)
    assert abs(np.linalg.det(J) - 1) > 0.03
    for method in ("implicit_midpoint", "gauss_legendre4"):
        J = jacobian(step_map(H, method, 0.1, 1), z)
        assert np.linalg.det(J) == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize(("h", "expected"), [(0.1, 0.89), (0.01, 0.82)])
def test_naive_leapfrog_on_a_nonseparable_system_loses_the_energy(h, expected):
    """max|ΔH/H| over T = 200, whatever the step: the trap that refusing the pairing avoids."""
    H, state = product(), State(np.array([-3.0]), np.array([0.0]))
    start, worst = H(state.q, state.p), 0.0
    for _ in range(round(200 / h)):
        state = one_step(H, state.q, state.p, dt=h, method="leapfrog")
        worst = max(worst, abs(H(state.q, state.p) / start - 1))
    assert worst == pytest.approx(expected, abs=0.006)


def test_unit_determinant_is_not_enough_with_two_degrees_of_freedom():
    """A map that preserves volume but shears q₁ by p₂ alone keeps det J = 1 and is not symplectic."""
    J = np.eye(4)
    J[0, 3] = 0.1
    assert np.linalg.det(J) == pytest.approx(1)
    assert np.abs(J.T @ omega(2) @ J - omega(2)).max() > 0.05


REVERSIBLE = [name for name, method in METHODS.items() if method.symmetric]


@pytest.mark.parametrize("method", REVERSIBLE)
def test_symmetric_methods_come_back(method):
    H, q, p = henon_heiles(), np.array([0.1, 0.0]), np.array([0.0, 0.5])
    state = State(q, p)
    for h in (0.1,) * 20 + (-0.1,) * 20:
        state = one_step(H, state.q, state.p, dt=h, method=method, copy=state.copy)
    assert state.q == pytest.approx(q, abs=1e-12)
    assert state.p == pytest.approx(p, abs=1e-12)


def test_symplectic_euler_does_not_come_back():
    H, q, p = henon_heiles(), np.array([0.1, 0.0]), np.array([0.0, 0.5])
    there = one_step(H, q, p, dt=0.1, method="symplectic_euler")
    back = one_step(H, there.q, there.p, dt=-0.1, method="symplectic_euler")
    assert np.abs(back.q - q).max() > 1e-3
    assert not METHODS["symplectic_euler"].symmetric


@pytest.mark.parametrize("name", METHODS)
def test_words_spend_the_whole_step_on_each_flow(name):
    word = METHODS[name].word
    if word is None:
        assert METHODS[name].build is not None
        return
    for letter in {letter for letter, _ in word}:
        assert sum(c for other, c in word if other == letter) == pytest.approx(1, abs=1e-14)
    palindromic = all(a[0] == b[0] and a[1] == pytest.approx(b[1]) for a, b in zip(word, word[::-1]))
    assert palindromic == (name != "symplectic_euler")


def test_neighbours_are_joined_but_noise_is_not():
    assert merged((("A", 0.25), ("A", 0.5), ("B", 1.0))) == (("A", 0.75), ("B", 1.0))
    assert merged((("O", 0.5), ("O", 0.5))) == (("O", 0.5), ("O", 0.5))
    assert len(METHODS["yoshida4"].word) == 7
