"""Textbook systems: they are what they say, and what they call invariant is."""

import doctest

import numpy as np
import pytest
import torch

import tenfma.hamiltonian.textbook as module
from tenfma.errors import TenfmaError
from tenfma.hamiltonian.protocol import Capability
from tenfma.hamiltonian.textbook import textbook

REQUIRED = {
    *("harmonic", "anharmonic", "pendulum", "double-well", "double-pendulum", "kepler", "figure-eight"),
    *(
        "outer-solar-system",
        "henon-heiles",
        "toda",
        "fput-alpha",
        "fput-beta",
        "morse",
        "magnetic",
        "nonseparable",
    ),
    *("lotka-volterra", "lennard-jones", "driven-pendulum", "damped-oscillator", "coupled-oscillators"),
    "quartic-kinetic",
}
GENERAL = {"double-pendulum", "magnetic", "nonseparable"}
SEPARABLE = {"quartic-kinetic", "lotka-volterra"}


@pytest.fixture(params=textbook.names())
def system(request):
    return textbook(request.param)


def test_all_are_there():
    assert set(textbook.names()) >= REQUIRED
    assert textbook.sizes() == {name: len(textbook(name).coordinates) for name in textbook.names()}


def test_capabilities(system):
    expected = Capability.QUADRATIC
    if system.name in GENERAL:
        expected = Capability.GENERAL
    elif system.name in SEPARABLE:
        expected = Capability.SEPARABLE
    assert system.capability == expected


def test_what_a_lesson_needs(system):
    assert system.q0.shape == system.p0.shape == system.event_shape
    assert system.dt > 0 and system.steps > 0 and system.save_every > 0
    assert len(system.lesson) > 150 and len(system.reference) > 15 and system.title
    assert np.isfinite(system(system.q0, system.p0))
    assert system.display()
    assert len(system.equations()) == 2 * len(system.q0)


def near(system, seed: int):
    rng = np.random.default_rng(seed)
    scale = 0.02 * max(np.abs(system.p0).max(), 1e-12)
    q = system.q0 + 0.02 * rng.normal(size=(4, *system.q0.shape))
    return q, system.p0 + scale * rng.normal(size=q.shape)


def bracket_with_energy(H, function, q, p):
    """{A, H} and the size of its terms."""
    terms = np.concatenate([function.dq(q, p) * H.dp(q, p), -function.dp(q, p) * H.dq(q, p)], axis=-1)
    return terms.sum(-1), np.abs(terms).sum(-1) + 1e-300


def test_invariants_commute_with_the_energy(system):
    q, p = near(system, 0)
    for name, function in system.invariants.items():
        value, size = bracket_with_energy(system, function, q, p)
        assert np.all(np.abs(value) <= 1e-12 * size), name
    if system.time_dependent or system.damping:
        assert not system.invariants


def test_energy_is_the_first_invariant(system):
    if system.invariants:
        q, p = near(system, 1)
        energy = system.invariants["energy"]
        assert np.allclose(energy(q, p), system(q, p), rtol=1e-14)


def test_a_wrong_invariant_is_noticed():
    H = textbook("toda")
    q, p = near(H, 2)
    for wrong in ("p1*p2*p3 + p1*exp(q2 - q3) + p2*exp(q3 - q1) + p3*exp(q1 - q2)", "p1 - p2", "q1"):
        value, size = bracket_with_energy(H, H.function(wrong), q, p)
        assert np.any(np.abs(value) > 1e-3 * size)


def test_flaschka_trace_is_that_of_the_matrix():
    H = textbook("toda")
    q, p = near(H, 3)
    for qi, pi in zip(q, p):
        a = 0.5 * np.exp((qi - np.roll(qi, -1)) / 2)
        L = np.diag(-pi / 2)
        for i in range(3):
            j = (i + 1) % 3
            L[i, j] += a[i]
            L[j, i] += a[i]
        assert np.isclose(np.trace(L @ L @ L), H.invariants["Flaschka trace of L³"](qi, pi))


def test_published_energies():
    assert float(textbook("henon-heiles")(np.array([0.1, 0]), np.array([0, 0.5]))) == pytest.approx(0.13)
    solar = textbook("outer-solar-system")
    assert float(solar(solar.q0, solar.p0)) == pytest.approx(-3.215453e-8, rel=1e-6)
    kepler = textbook("kepler")
    assert float(kepler(kepler.q0, kepler.p0)) == pytest.approx(-0.5)
    eight = textbook("figure-eight")
    assert np.allclose(eight.invariants["angular momentum"](eight.q0, eight.p0), 0, atol=1e-12)


def test_figure_eight_returns_after_its_period():
    H = textbook("figure-eight")
    q, p, h, weights = H.q0, H.p0, 6.32591398 / 500, _suzuki()
    for _ in range(500):
        for w in weights:
            p = p - w * h / 2 * H.dq(q, None)
            q = q + w * h * H.dp(None, p)
            p = p - w * h / 2 * H.dq(q, None)
    assert np.abs(q - H.q0).max() < 2e-5
    assert np.abs(p - H.p0).max() < 2e-5


def _suzuki():
    w = 1 / (4 - 4 ** (1 / 3))
    return (w, w, 1 - 4 * w, w, w)


def test_lennard_jones_rests_near_its_minimum():
    H = textbook("lennard-jones")
    assert np.abs(H.dq(H.q0, None)).max() < 0.05
    assert float(H(H.q0, 0 * H.p0)) == pytest.approx(-12.53, abs=0.01)


def test_parameters_can_be_given():
    H = textbook("pendulum", w=2.0)
    assert H.parameters["w"] == 2.0 and H.title == "Pendulum"
    assert np.allclose(H.dq(np.array([np.pi / 2]), None), 4.0)
    assert float(textbook("morse", D=3.0).invariants["energy"](np.zeros(1), np.ones(1))) == 0.5
    with pytest.raises(TenfmaError, match="no parameter"):
        textbook("pendulum", length=2.0)


def test_names_are_forgiving_and_errors_helpful():
    assert textbook("Hénon Heiles").name == "henon-heiles"
    with pytest.raises(TenfmaError, match="nearest: pendulum"):
        textbook("pendullum")
    with pytest.raises(TenfmaError, match="kepler"):
        textbook("nothing like it at all")


def test_torch_face(system):
    q, p = near(system, 4)
    Q, P = torch.tensor(q), torch.tensor(p)
    for ours, theirs in ((system.dq(q, p), system.dq(Q, P)), (system.dp(q, p), system.dp(Q, P))):
        assert np.allclose(ours, theirs, rtol=1e-13, atol=1e-13 * np.abs(ours).max())


def test_doctests():
    assert doctest.testmod(module).failed == 0
