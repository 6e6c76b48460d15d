"""Compiled kernels do what the step-by-step path does, to round-off, whatever the batch, layout and threads."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tenfma.dynamics import compiled
from tenfma.dynamics.compiled_code import kernel_source
from tenfma.dynamics.compiled_plan import plan
from tenfma.dynamics.methods import METHODS, check_pairing
from tenfma.dynamics.noise import Noise
from tenfma.dynamics.run import one_step
from tenfma.errors import ConvergenceError, PairingError
from tenfma.hamiltonian.symbolic import symbolic
from tenfma.hamiltonian.textbook import textbook

#: relative, per step: round-off of a few operations in another order
STEP_TOLERANCE = 1e-13
STEPS = 4

#: each way of writing a step at least once: registers and arrays, loops and none, time, damping, noise
CASES = [
    ("henon-heiles", "leapfrog"),
    ("driven-pendulum", "leapfrog_position"),
    ("damped-oscillator", "yoshida6"),
    ("quartic-kinetic", "symplectic_euler"),
    ("lennard-jones", "suzuki4"),
    ("double-pendulum", "rk4"),
    ("damped-oscillator", "euler"),
    ("magnetic", "implicit_midpoint"),
    ("driven-pendulum", "gauss_legendre4"),
    ("nonseparable", "tao4"),
    ("morse", "baoab"),
    ("coupled-oscillators", "obabo"),
    ("driven-pendulum", "aboba"),
    ("lotka-volterra", "euler_maruyama"),
]


def bath(method):
    return {"kT": 0.7, "friction": 0.9} if method.stochastic else {}


def around(H, ensemble=(), seed=1):
    """States near the system's own start, of its own scales."""
    rng = np.random.default_rng(seed)
    q = H.q0 + 1e-3 * rng.normal(size=(*ensemble, *H.q0.shape))
    return q, H.p0 * (1 + 1e-3 * rng.normal(size=q.shape))


def step_by_step(H, q, p, method, normals, t0=0.3, dt=None):
    """The states after each step of the torch path."""
    Q, P, copy, states = torch.tensor(q), torch.tensor(p), None, []
    h = H.dt if dt is None else dt
    for s in range(STEPS):
        noise = None if normals is None else torch.tensor(normals[s])
        state = one_step(H, Q, P, dt=h, method=method, t=t0 + s * h, normals=noise, copy=copy, **bath(method))
        Q, P, copy = state.q, state.p, state.copy
        states.append((Q.numpy(), P.numpy()))
    return states


def largest_difference(H, method, ensemble):
    """Between compiled and step-by-step, relative to the size of positions and of momenta (implicit: of both)."""
    q, p = around(H, ensemble)
    normals = None
    if method.stochastic:
        normals = np.random.default_rng(2).normal(size=(STEPS, method.draws, *q.shape))
    options = {"t0": 0.3, "dt": H.dt, "steps": STEPS, "save_every": 2, "method": method, "noise": normals}
    before = q.copy(), p.copy()
    qs, ps, energies, _ = compiled.run(H, q, p, **options, **bath(method))
    assert np.array_equal(q, before[0]) and np.array_equal(p, before[1])
    expected = step_by_step(H, q, p, method, normals)[1::2]
    implicit = method.name in ("implicit_midpoint", "gauss_legendre4")
    worst = 0.0
    for i, pair in enumerate(expected):
        sizes = [np.abs(theirs).max() for theirs in pair]
        if (
            implicit
        ):  # the step-by-step solver stops at 1e-14 of the whole state; ours is held to more further down
            sizes = [max(sizes)] * 2
        errors = [np.abs(ours - theirs).max() for ours, theirs in zip((qs[i], ps[i]), pair)]
        worst = max(worst, *(error / size for error, size in zip(errors, sizes)))
    ends = H(qs[-1], ps[-1], 0.3 + STEPS * H.dt)
    assert np.allclose(energies[-1], ends, rtol=1e-12, atol=1e-13 * np.abs(ends).max())
    return worst


@pytest.mark.parametrize(("name", "method"), CASES)
def test_agrees_with_the_step_by_step_path(name, method):
    H = textbook(name)
    assert compiled.supports(H, METHODS[method])
    for ensemble in ((), (3, 4)):
        assert largest_difference(H, METHODS[method], ensemble) <= STEPS * STEP_TOLERANCE


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", textbook.names())
def test_every_pairing_agrees(name, method):
    H = textbook(name)
    try:
        check_pairing(METHODS[method], H)
    except PairingError:
        pytest.skip("not a right pairing")
    if not compiled.supports(H, METHODS[method]):
        pytest.skip("runs step by step")
    for ensemble in ((), (3, 4)):
        assert largest_difference(H, METHODS[method], ensemble) <= STEPS * STEP_TOLERANCE


def test_a_coefficient_that_is_slightly_wrong_is_noticed(monkeypatch):
    H, method = textbook("henon-heiles"), METHODS["leapfrog"]
    wrong = replace(method, word=(("B", 0.5 + 1e-9), ("A", 1.0), ("B", 0.5 - 1e-9)))
    monkeypatch.setattr(compiled, "_word", lambda _: wrong.word)
    assert largest_difference(H, method, ()) > STEPS * STEP_TOLERANCE


def test_alone_as_in_the_batch_bit_for_bit():
    H = symbolic("(px**2 + py**2/2)/2 + x**4 + x**2*y**2", damping=0.3)
    rng = np.random.default_rng(0)
    q, p = rng.normal(size=(2, 150, 2))
    dt = rng.uniform(0.01, 0.03, 150)
    for each in (0.02, dt):
        options = {"t0": 0.0, "steps": 6, "save_every": 3, "method": METHODS["leapfrog"]}
        batch = compiled.run(H, q, p, dt=each, **options)
        for i in (0, 63, 64, 149):
            alone = compiled.run(H, q[i], p[i], dt=float(np.broadcast_to(each, 150)[i]), **options)
            assert all(np.array_equal(one, many[:, i]) for one, many in zip(alone[:3], batch[:3]))


def test_noise_from_a_seed_is_the_recorded_noise():
    H, method = textbook("coupled-oscillators"), METHODS["baoab"]
    q, p = around(H, (5,))
    noise = Noise(7)
    options = {"t0": 0.0, "dt": 0.05, "steps": 6, "save_every": 2, "method": method, **bath(method)}
    seeded = compiled.run(H, q, p, noise=noise, first_step=11, **options)
    recorded = compiled.run(H, q, p, noise=noise.draw(11, 6, method.draws, (5,), (2,)), **options)
    for ours, theirs in zip(seeded, recorded):
        assert np.allclose(ours, theirs, rtol=1e-13, atol=1e-14)
    other = compiled.run(H, q, p, noise=Noise(8), first_step=11, **options)
    assert np.abs(other[0] - seeded[0]).min() > 1e-6
    third = compiled.run(H, q[3], p[3], noise=Noise(7, np.array(3)), first_step=11, **options)
    assert np.array_equal(third[0], seeded[0][:, 3])


def test_streams_per_component():
    H, method = textbook("harmonic"), METHODS["baoab"]
    q, p = around(H, (3,))
    noise = Noise(1, np.array([[4], [5], [4]]))
    options = {"t0": 0.0, "dt": 0.1, "steps": 2, "save_every": 1, "method": method, **bath(method)}
    ours = compiled.run(H, q, p, noise=noise, **options)
    theirs = compiled.run(H, q, p, noise=noise.draw(0, 2, 1, (3,), (1,)), **options)
    assert np.array_equal(ours[0], theirs[0])


def test_heat_is_the_kinetic_energy_the_bath_adds():
    """With the drift and the kicks conserving their share, ΔE of O-steps alone is the heat."""
    H, method = (
        textbook("harmonic", k=0.0),
        METHODS["baoab"],
    )  # a free particle: nothing else changes the energy
    q, p = around(H, (4,))
    *_, energies, heats = compiled.run(
        H, q, p, t0=0.0, dt=0.1, steps=20, save_every=5, method=method, noise=Noise(3), **bath(method)
    )
    assert np.allclose(energies - H(q, p), heats, rtol=1e-12, atol=1e-13)
    assert np.abs(heats).max() > 0.01


@pytest.mark.parametrize("method", ["leapfrog", "yoshida4", "leapfrog_position", "implicit_midpoint", "tao2"])
def test_a_path_in_pieces_is_the_path(method):
    H = textbook("driven-pendulum")
    q, p = around(H, (2,))
    options = {"dt": H.dt, "method": METHODS[method]}
    copy = (q.copy(), p.copy())
    whole = compiled.run(H, q, p, t0=0.0, steps=12, save_every=3, **options)
    first = compiled.run(H, q, p, t0=0.0, steps=6, save_every=6, copy=copy, **options)
    second = compiled.run(
        H, first[0][-1], first[1][-1], t0=6 * H.dt, steps=6, save_every=2, copy=copy, **options
    )
    assert np.allclose(whole[0][-1], second[0][-1], rtol=1e-13, atol=1e-14)
    assert np.allclose(whole[2][-1], second[2][-1], rtol=1e-13, atol=1e-14)


def test_threads_change_nothing(monkeypatch):
    H = textbook("henon-heiles")
    q, p = around(H, (200,))
    options = {"t0": 0.0, "dt": 0.01, "steps": 4, "save_every": 2, "method": METHODS["leapfrog"]}
    one = compiled.run(H, q, p, **options)
    monkeypatch.setattr(compiled, "_WORTH_A_THREAD", 1)
    monkeypatch.setattr(compiled, "_threads", lambda: 3)
    many = compiled.run(H, q, p, **options)
    assert all(np.array_equal(a, b) for a, b in zip(one[:3], many[:3]))


def test_results_can_be_written_in_place():
    H = textbook("henon-heiles")
    options = {"t0": 0.0, "dt": 0.01, "steps": 4, "save_every": 1, "method": METHODS["leapfrog"]}
    whole = tuple(np.full((5, *shape), np.nan) for shape in ((2,), (2,), ()))
    results = compiled.run(H, H.q0, H.p0, out=tuple(array[1:] for array in whole), **options)
    expected = compiled.run(H, H.q0, H.p0, **options)
    for array, result, reference in zip(whole, results, expected):
        assert np.isnan(array[0]).all() and np.shares_memory(array, result)
        assert np.array_equal(array[1:], reference)


def test_new_values_compile_nothing_new():
    H = textbook("morse")
    options = {"t0": 0.0, "steps": 2, "save_every": 1, "method": METHODS["leapfrog"]}
    compiled.run(H, H.q0, H.p0, dt=0.1, **options)
    kernels = dict(H.structure.kernels)
    changed = H.with_parameters(m=2.0, D=3.0)
    result = compiled.run(changed, H.q0, H.p0, dt=0.05, **options)
    assert H.structure.kernels == kernels
    assert result[2][0] == pytest.approx(float(changed(result[0][0], result[1][0])))


@pytest.mark.parametrize("layout", ["serial", "lanes"])
def test_leapfrog_evaluates_one_gradient_a_step(layout):
    H = textbook("henon-heiles")
    cut = plan(METHODS["leapfrog"].word)
    source = kernel_source(H.structure, cut, layout, "none", damped=False, varied=False)
    before, loop = source.split("for j in range(every):")
    assert before.count("gradient_q(") == 1  # at the start; kept from save to save
    assert loop.count("gradient_q(") == 1
    assert before.index("gradient_q(") < before.index("for s in range(saves)")
    twice = kernel_source(H.structure, plan(METHODS["yoshida4"].word), layout, "none", False, False)
    assert twice.split("for j in range(every):")[1].count("gradient_q(") == 3


def test_overflow_is_left_to_the_caller():
    H = symbolic("p**2/2 - q**4")
    options = {"t0": 0.0, "dt": 1.0, "steps": 20, "save_every": 1, "method": METHODS["leapfrog"]}
    *_, energies, _ = compiled.run(H, np.array([3.0]), np.array([1.0]), **options)
    assert not np.isfinite(energies[-1])


def test_newton_takes_over_where_the_fixed_point_repels():
    """At h = 5 the fixed-point map of the oscillator expands by 2.5 a round; the midpoint rule itself is unharmed."""
    H = textbook("harmonic")
    options = {"t0": 0.0, "dt": 5.0, "steps": 50, "save_every": 1}
    for method in ("implicit_midpoint", "gauss_legendre4"):
        *_, energies, _ = compiled.run(H, H.q0, H.p0, method=METHODS[method], **options)
        assert np.allclose(energies, 0.5, rtol=1e-11)


@pytest.mark.parametrize("method", ["implicit_midpoint", "gauss_legendre4"])
def test_small_motion_about_an_equilibrium_is_solved(method):
    """There the force is round-off of terms of order 1: no iteration can be relatively exact, and none need be."""
    H = textbook("morse")
    for size in (0.0, 1e-15, 1e-12, 1e-9):
        q, p = np.array([size]), np.array([-0.3 * size])
        options = {"t0": 0.0, "dt": 0.05, "steps": 400, "save_every": 400, "method": METHODS[method]}
        qs, ps, *_ = compiled.run(H, q, p, **options)
        assert max(np.abs(qs).max(), np.abs(ps).max()) <= 2 * size + 1e-14


def test_implicit_steps_are_solved_for_small_momenta_too():
    """Positions of order 1, momenta of order 1e-3: against the same rule in extended precision."""
    H, h = textbook("fput-alpha"), np.longdouble(0.1)
    q, p = H.q0.astype(np.longdouble), H.p0.astype(np.longdouble)
    x, y = q, p
    for _ in range(100):
        x, y = q + h / 2 * H.dp(x, y), p - h / 2 * H.dq(x, y)
    options = {"t0": 0.0, "dt": 0.1, "steps": 1, "save_every": 1, "method": METHODS["implicit_midpoint"]}
    qs, ps, *_ = compiled.run(H, H.q0, H.p0, **options)
    assert np.abs(qs[0] - (2 * x - q)).max() <= 1e-15
    assert np.abs(ps[0] - (2 * y - p)).max() <= 1e-13 * np.abs(2 * y - p).max()


def test_an_unsolved_step_says_where():
    H = symbolic("p**2/2 - exp(q)")
    options = {"t0": 0.0, "dt": 1.0, "steps": 10, "save_every": 1, "method": METHODS["implicit_midpoint"]}
    with pytest.raises(
        ConvergenceError, match=r"Step \d+ of implicit_midpoint at dt = 1 .* smaller dt"
    ) as refusal:
        compiled.run(H, np.array([0.0]), np.array([1.0]), **options)
    assert refusal.value.saves < 10


def test_what_runs_step_by_step():
    H = textbook("harmonic")
    assert not compiled.supports(H, METHODS["badndab"])
    assert not compiled.supports(H, METHODS["dnmnd"])
