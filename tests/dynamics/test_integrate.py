"""The contract of `integrate`: shapes, saving, costs, time, damping, refusals; and of `Path`."""

import numpy as np
import pytest
import torch
from dynamics_systems import Separable, harmonic, henon_heiles, kepler, product, quartic_kinetic

from tenfma.dynamics.integrate import integrate
from tenfma.dynamics.methods import METHODS
from tenfma.dynamics.path import Path
from tenfma.dynamics.run import one_step
from tenfma.errors import ConvergenceError, PairingError, TenfmaError
from tenfma.hamiltonian.functional import TorchHamiltonian

Q, P = np.array([0.1, 0.0]), np.array([0.0, 0.5])


def test_times_first_with_the_start_and_the_end():
    H = henon_heiles()
    path = integrate(H, Q, P, dt=0.1, steps=10, save_every=4, t0=2.0)
    assert path.t == pytest.approx([2.0, 2.4, 2.8, 3.0])
    assert path.q.shape == path.p.shape == (4, 2) and path.energy.shape == (4,)
    every = integrate(H, Q, P, dt=0.1, steps=10)
    assert np.array_equal(path.q, every.q[[0, 4, 8, 10]])
    assert path.energy == pytest.approx(H(path.q, path.p))
    assert len(integrate(H, Q, P, dt=0.1, steps=0)) == 1


@pytest.mark.parametrize("name", METHODS)
def test_an_ensemble_is_its_members(name):
    bath = {"kT": 1.0, "friction": 0.5, "seed": 0} if METHODS[name].stochastic else {}
    rng = np.random.default_rng(0)
    q, p = 0.2 * rng.standard_normal((2, 2, 3, 2))
    options = {"dt": 0.1, "steps": 8, "method": name}
    together = integrate(henon_heiles(), q, p, **options, **bath)
    assert together.q.shape == (9, 2, 3, 2) and together.energy.shape == (9, 2, 3)
    streams = {"streams": 4} if bath else {}
    alone = integrate(henon_heiles(), q[1, 1], p[1, 1], **options, **bath, **streams)
    assert together.q[:, 1, 1] == pytest.approx(alone.q, abs=1e-13)


@pytest.mark.parametrize("name", METHODS)
def test_numpy_and_torch_agree(name):
    def potential(q):
        x, y = q[..., 0], q[..., 1]
        return 0.5 * (x * x + y * y) + x * x * y - y**3 / 3

    H = TorchHamiltonian(potential=potential, event_shape=2)
    bath = {"kT": 1.0, "friction": 0.5, "seed": 0} if METHODS[name].stochastic else {}
    options = {"dt": 0.1, "steps": 20, "method": name, **bath}
    ours = integrate(H, torch.tensor(Q), torch.tensor(P), **options)
    other = integrate(henon_heiles(), Q, P, **options)
    assert isinstance(ours.q, torch.Tensor) and isinstance(ours.t, torch.Tensor)
    assert ours.q.numpy() == pytest.approx(other.q, abs=1e-13)
    assert isinstance(integrate(H, Q, P, **options).q, np.ndarray)


@pytest.mark.parametrize(
    ("method", "first", "each"),
    [
        ("leapfrog", 1, 1),
        ("leapfrog_position", 0, 1),
        ("symplectic_euler", 0, 1),
        ("yoshida4", 1, 3),
        ("suzuki4", 1, 5),
        ("baoab", 1, 1),
        ("obabo", 1, 1),
        ("aboba", 0, 1),
        ("rk4", 0, 4),
    ],
)
def test_gradients_are_counted(method, first, each):
    """Exactly one a step for leapfrog after the first; saving costs none."""
    bath = {"kT": 1.0, "friction": 1.0, "seed": 0} if METHODS[method].stochastic else {}
    for save_every in (1, 7):
        H = henon_heiles()
        integrate(H, Q, P, dt=0.01, steps=100, method=method, save_every=save_every, **bath)
        assert H.gradients == first + 100 * each


def test_negative_steps_go_back():
    there = integrate(henon_heiles(), Q, P, dt=0.05, steps=400, method="yoshida4")
    back = integrate(
        henon_heiles(), there.q[-1], there.p[-1], dt=-0.05, steps=400, method="yoshida4", t0=20.0
    )
    assert back.q[-1] == pytest.approx(Q, abs=1e-11) and back.t[-1] == pytest.approx(0)


def test_energies_are_total_energies_at_synchronised_times():
    """The drift of a trajectory is seen in T + V; V alone swings by its own size."""
    path = integrate(kepler(), np.array([0.4, 0.0]), np.array([0.0, 2.0]), dt=0.001, steps=6283)
    potential = -1 / np.linalg.norm(path.q, axis=-1)
    assert path.drift < 1e-4
    assert np.ptp(potential) > 1


# -- dt of each system -------------------------------------------------------------------------------------------


def test_a_dt_per_system_runs_along_the_ensemble():
    H, q = harmonic(3), np.ones((3, 3))
    path = integrate(H, q, 0 * q, dt=np.array([0.1, 0.2, 0.3]), steps=5)
    assert path.t.shape == (6, 3) and path.t[-1] == pytest.approx([0.5, 1.0, 1.5])
    for i, dt in enumerate((0.1, 0.2, 0.3)):
        alone = integrate(H, q[i], 0 * q[i], dt=dt, steps=5)
        assert path.q[:, i] == pytest.approx(alone.q, abs=1e-15)
        assert (
            np.ptp(path.q[-1, i]) == 0
        )  # all components moved by the same dt: systems were not taken for x, y, z


def test_a_dt_broadcast_onto_components_would_be_caught():
    state = one_step_with_trap(np.array([0.1, 0.2, 0.3]))
    assert np.ptp(state[0]) > 0


def one_step_with_trap(dt):
    q = np.ones((3, 3))
    return q - dt**2 / 2 * q  # (3,) onto (3, 3): the trap


def test_a_dt_of_another_shape_is_refused():
    H, q = harmonic(3), np.ones((2, 3))
    with pytest.raises(TenfmaError, match=r"dt has shape \(3,\).*\(2,\)"):
        integrate(H, q, q, dt=np.array([0.1, 0.2, 0.3]), steps=5)
    with pytest.raises(TenfmaError, match="dt has shape"):
        integrate(H, q[0], q[0], dt=np.array([0.1, 0.2, 0.3]), steps=5)


@pytest.mark.parametrize("method", ["implicit_midpoint", "gauss_legendre4", "tao2", "baoab", "rk4"])
def test_every_kind_of_method_takes_a_dt_per_system(method):
    bath = {"kT": 1.0, "friction": 1.0, "seed": 0} if METHODS[method].stochastic else {}
    q, dts = np.full((2, 2), 0.1), np.array([0.1, 0.25])
    path = integrate(henon_heiles(), q, q, dt=dts, steps=6, method=method, **bath)
    for i, dt in enumerate(dts):
        streams = {"streams": i} if bath else {}
        alone = integrate(henon_heiles(), q[i], q[i], dt=dt, steps=6, method=method, **bath, **streams)
        assert path.q[:, i] == pytest.approx(alone.q, abs=1e-13)


# -- time and damping ------------------------------------------------------------------------------------------------


def driven(damping=0.0):
    """q'' = −q − c q' + cos 2t."""
    return Separable(
        1,
        lambda q, t: 0.5 * np.sum(q * q, -1) - q[..., 0] * np.cos(2 * t),
        lambda q, t: q - np.cos(2 * t),
        damping=damping,
        time_dependent=True,
    )


def driven_exact(t, c):
    """Solution from rest at q = 1, by the matrix of the linear equation."""
    # particular: q = a cos 2t + b sin 2t with −3a + 2cb = 1, −3b − 2ca = 0
    a, b = np.linalg.solve([[-3.0, 2 * c], [-2 * c, -3.0]], [1.0, 0.0])
    s = np.roots([1, c, 1]).astype(complex)
    weights = np.linalg.solve(np.array([[1, 1], s]), np.array([1 - a, -2 * b], dtype=complex))
    return float((weights @ np.exp(s * t)).real + a * np.cos(2 * t) + b * np.sin(2 * t))


@pytest.mark.parametrize("damping", [0.0, 0.3])
@pytest.mark.parametrize(
    ("method", "steps"),
    [
        ("leapfrog", 80),
        ("leapfrog_position", 80),
        ("yoshida4", 80),
        ("suzuki4", 40),
        ("yoshida6", 40),
        ("rk4", 80),
        ("implicit_midpoint", 80),
        ("gauss_legendre4", 40),
        ("tao2", 400),
    ],
)
def test_order_is_kept_for_driven_and_damped_systems(method, steps, damping):
    errors = []
    for n in (steps, 2 * steps):
        path = integrate(
            driven(damping), np.array([1.0]), np.array([0.0]), dt=5 / n, steps=n, method=method, save_every=n
        )
        errors.append(abs(path.q[-1, 0] - driven_exact(5.0, damping)))
    assert np.log2(errors[0] / errors[1]) == pytest.approx(METHODS[method].order, abs=0.1)


def test_kicks_at_the_wrong_time_lose_an_order():
    """The twin: both half kicks at the time where the step began."""
    errors = []
    for n in (80, 160):
        h, q, p = 5 / n, 1.0, 0.0
        for i in range(n):
            p -= h / 2 * (q - np.cos(2 * i * h))
            q += h * p
            p -= h / 2 * (q - np.cos(2 * i * h))
        errors.append(abs(q - driven_exact(5.0, 0.0)))
    assert np.log2(errors[0] / errors[1]) == pytest.approx(1, abs=0.2)


def test_damped_leapfrog_contracts_areas_exactly():
    from dynamics_systems import jacobian, omega

    H = harmonic(1, mass=2.0, k=3.0, damping=0.4)

    def step(z):
        state = one_step(H, z[:1], z[1:], dt=0.3, method="yoshida4")
        return np.concatenate([state.q, state.p])

    J = jacobian(step, np.array([0.2, 0.5]))
    assert np.abs(J.T @ omega(1) @ J - np.exp(-0.4 * 0.3) * omega(1)).max() < 1e-10


# -- refusals --------------------------------------------------------------------------------------------------------


def test_wrong_pairings_are_refused_by_name_with_the_remedy():
    q = np.array([0.5])
    with pytest.raises(
        PairingError,
        match=r"leapfrog needs a separable H; this one couples q and p "
        r"\(∂²H/∂q∂p = [\d.]+\)\. Use implicit_midpoint or tao4\.",
    ):
        integrate(product(), q, q, dt=0.1, steps=1)
    with pytest.raises(PairingError, match="Use dnmnd"):
        integrate(product(), q, q, dt=0.1, steps=1, method="baoab", kT=1.0, friction=1.0, seed=0)
    with pytest.raises(PairingError, match="badndab"):
        integrate(quartic_kinetic(), q, q, dt=0.1, steps=1, method="baoab", kT=1.0, friction=1.0, seed=0)
    with pytest.raises(PairingError, match="leapfrog takes fixed steps"):
        integrate(harmonic(), q, q, dt="adaptive", steps=1)
    with pytest.raises(PairingError, match="baoab needs kT and friction"):
        integrate(harmonic(), q, q, dt=0.1, steps=1, method="baoab")
    with pytest.raises(PairingError, match="leapfrog is deterministic and knows no kT"):
        integrate(harmonic(), q, q, dt=0.1, steps=1, kT=1.0)
    with pytest.raises(PairingError, match="no backward step"):
        integrate(harmonic(), q, q, dt=-0.1, steps=1, method="baoab", kT=1.0, friction=1.0, seed=0)
    with pytest.raises(PairingError, match="checkpoint"):
        integrate(harmonic(), q, q, dt=0.1, steps=1, method="rk4", gradient="reversible")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": "verlet"}, "choose one of euler, rk4"),
        ({"steps": 1.5}, "steps is 1.5"),
        ({"save_every": 0}, "save_every is 0"),
        ({"dt": 0.0}, "dt is 0.0"),
        ({"dt": float("nan")}, "dt is nan"),
        ({"q": np.ones(3)}, "q has shape"),
        ({"q": np.ones((2, 2))}, "must be the same"),
        ({"q": "no"}, "not an array"),
        ({"q": np.array([np.nan, 0.0])}, "at the start is nan"),
        ({"gradient": "adjoint"}, "expected one of backprop"),
        ({"method": "baoab", "kT": -1.0, "friction": 1.0, "seed": 0}, "kT is -1.0"),
        ({"method": "baoab", "kT": 1.0, "friction": -1.0, "seed": 0}, "friction is -1.0"),
        ({"method": "baoab", "kT": 1.0, "friction": np.ones(3), "seed": 0}, r"friction has shape \(3,\)"),
    ],
)
def test_unusable_arguments_are_refused_in_a_sentence(changes, message):
    arguments = {"q": Q, "p": P, "dt": 0.1, "steps": 2} | changes
    with pytest.raises(TenfmaError, match=message) as caught:
        integrate(henon_heiles(), **arguments)
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".")


def test_an_energy_that_overflows_says_where_and_may_keep_what_was_finished():
    q, p = np.array([0.9, 0.9]), np.array([1.0, 1.0])  # above the saddle: escapes to infinity
    with pytest.raises(
        TenfmaError, match=r"between steps \d+ and \d+ of leapfrog; use a dt smaller than 0.1"
    ):
        integrate(henon_heiles(), q, p, dt=0.1, steps=1000)
    path = integrate(henon_heiles(), q, p, dt=0.1, steps=1000, on_failure="stop")
    assert 1 < len(path) < 1000 and np.isfinite(path.energy).all() and "between steps" in path.stopped
    start = np.stack([Q, q])
    with pytest.raises(TenfmaError, match="member 1"):
        integrate(henon_heiles(), start, np.stack([P, p]), dt=0.1, steps=1000)


def test_an_unsolved_step_may_keep_what_was_finished():
    q, p = np.array([0.9, 0.9]), np.array([1.0, 1.0])
    options = {"dt": 0.3, "steps": 400, "method": "implicit_midpoint"}
    with pytest.raises(ConvergenceError, match="smaller dt"):
        integrate(henon_heiles(), q, p, **options)
    assert "did not converge" in integrate(henon_heiles(), q, p, on_failure="stop", **options).stopped


def test_progress_is_reported_and_changes_nothing():
    seen = []
    path = integrate(henon_heiles(), Q, P, dt=0.01, steps=1000, save_every=250, progress=seen.append)
    assert seen[-1] == 1.0 and seen == sorted(seen) and 90 <= len(seen) <= 110
    assert np.array_equal(path.q, integrate(henon_heiles(), Q, P, dt=0.01, steps=1000, save_every=250).q)


def test_float32_stays_float32_and_has_a_floor():
    H = harmonic(2)
    q = np.array([1.0, 0.0], dtype=np.float32)
    path = integrate(H, q, q[::-1].copy(), dt=0.01, steps=500, method="yoshida4")
    assert path.q.dtype == np.float32
    exact = integrate(H, q.astype(float), q[::-1].astype(float), dt=0.01, steps=500, method="yoshida4")
    assert 1e-8 < path.drift < 1e-4 and exact.drift < 1e-10


def test_a_path_survives_its_file(tmp_path):
    path = integrate(henon_heiles(), Q, P, dt=0.1, steps=5, method="baoab", kT=1.0, friction=1.0, seed=0)
    path.save(tmp_path / "path.npz")
    again = Path.load(tmp_path / "path.npz")
    for name in ("t", "q", "p", "energy", "heat", "work"):
        assert np.array_equal(getattr(path, name), getattr(again, name))
    assert (again.method, again.dt, again.name, again.units) == ("baoab", 0.1, "H", path.units)
    assert again.copies_divergence is None and again.stopped is None


def test_a_file_that_is_no_path_is_refused(tmp_path):
    bad = tmp_path / "bad.npz"
    np.savez(bad, q=np.array([{"a": 1}], dtype=object))
    with pytest.raises(TenfmaError, match="not a saved path"):
        Path.load(bad)
    with pytest.raises(TenfmaError, match="no file"):
        Path.load(tmp_path / "none.npz")
