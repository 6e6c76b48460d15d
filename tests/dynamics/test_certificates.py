"""Certificates: right methods are green on formulas and torch functions, wrong ones are red for the right
reason."""

import json

import numpy as np
import pytest
import torch

from tenfma.dynamics.certificates import certify
from tenfma.dynamics.certificates.accuracy import drift, exact_path, measured_order
from tenfma.dynamics.certificates.geometry import (
    Defect,
    generic,
    jacobian,
    reversal_error,
    symplectic_defect,
    tangent_error,
)
from tenfma.dynamics.certificates.stationary import affine_map, stationary_covariance
from tenfma.dynamics.certificates.steps import Stepper
from tenfma.dynamics.methods import METHODS
from tenfma.dynamics.run import one_step
from tenfma.errors import PairingError, TenfmaError
from tenfma.hamiltonian.functional import TorchHamiltonian
from tenfma.hamiltonian.protocol import Capability
from tenfma.hamiltonian.symbolic import symbolic
from tenfma.hamiltonian.textbook import textbook

HENON_HEILES = symbolic("(px**2 + py**2)/2 + (x**2 + y**2)/2 + x**2*y - y**3/3", name="Hénon–Heiles")
START = {"q": [0.1, 0.0], "p": [0.0, 0.5]}


def mirror(q, p):
    """x → −x, a symmetry of Hénon and Heiles' potential."""
    sign = q.new_tensor([-1.0, 1.0])
    return sign * q, sign * p


def turned(q, p):
    """A rotation by 120°, the potential's other symmetry."""
    c, s = -0.5, np.sqrt(3) / 2
    matrix = q.new_tensor([[c, -s], [s, c]])
    return q @ matrix.T, p @ matrix.T


def quarter(q, p):
    """A rotation by 90°, which is no symmetry."""
    matrix = q.new_tensor([[0.0, -1.0], [1.0, 0.0]])
    return q @ matrix.T, p @ matrix.T


def stepped(H, method, dt, **options):
    def step(q, p):
        state = one_step(H, q, p, dt=dt, method=method, **options)
        return state.q, state.p

    return step


def states(*shape, seed=0):
    return torch.randn(2, *shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_leapfrog_is_green_and_says_so():
    report = certify(HENON_HEILES, "leapfrog", dt=0.1, steps=2_000, symmetries=[mirror, turned], **START)
    assert report.green and not report.failures
    assert report["symplectic defect"].value < 1e-14
    assert report["det J"].value == pytest.approx(1, abs=1e-14)
    assert report["order"].value == pytest.approx(2, abs=0.1)
    assert report["reversal error"].value < 1e-12
    assert report["equivariance"].verdict == "pass"
    assert report["energy drift"].data["low"] < 0 < report["energy drift"].data["high"]
    assert "green" in str(report) and "≤ 1e-10" in str(report)
    assert report._repr_html_().count("<tr") == len(report.checks) + 1
    assert json.loads(json.dumps(report.to_dict(), allow_nan=False))["green"] is True


@pytest.mark.parametrize("method", ["euler", "rk4"])
def test_methods_without_structure_are_red(method):
    report = certify(HENON_HEILES, method, dt=0.1, steps=2_000, **START)
    assert not report.green
    assert {"symplectic defect", "energy drift"} <= {check.name for check in report.failures}
    assert report["order"].verdict == "pass"  # each has the order it claims


def test_symmetry_that_is_none_is_found_out():
    report = certify(HENON_HEILES, dt=0.1, steps=400, symmetries={"quarter turn": quarter}, **START)
    assert [check.name for check in report.failures] == ["equivariance"]


@pytest.mark.parametrize("method", ["implicit_midpoint", "gauss_legendre4", "tao2", "tao4"])
def test_methods_for_nonseparable_systems(method):
    H = symbolic("(q**2 + 1)*(p**2 + 1)/2")
    report = certify(H, method, dt=0.02, q=[-1.0], p=[0.4], steps=200)
    assert report.green, report
    assert report["symplectic defect"].value < 1e-10
    assert report.settings["phase_space"] == ("doubled" if method.startswith("tao") else "plain")


def test_tao_is_not_symplectic_in_the_plain_space():
    H = symbolic("(q**2 + 1)*(p**2 + 1)/2")
    q, p = torch.tensor([-1.0]).double(), torch.tensor([0.4]).double()
    assert symplectic_defect(stepped(H, "tao2", 0.1), q, p).value > 1e-6


@pytest.mark.parametrize("method", ["baoab", "aboba", "obabo", "oabao"])
def test_langevin_words_are_conformal_and_their_covariance_is_solved(method):
    H = symbolic("p**2/(2*m) + k*q**2/2", parameters={"m": 2.0, "k": 3.0})
    report = certify(H, method, dt=0.2, q=[0.0], p=[0.0], kT=0.7, friction=1.5, steps=200)
    assert report.green, report
    assert report["conformal defect"].data["factor"] == pytest.approx(np.exp(-0.3))
    assert report["conformal defect"].value < 1e-14
    assert report["position covariance"].value < 0.02
    if method == "baoab":
        assert report["position covariance"].value < 1e-13


def test_euler_maruyama_fails_its_covariance():
    report = certify(
        symbolic("p**2/2 + q**2/2"),
        "euler_maruyama",
        dt=0.1,
        q=[0.0],
        p=[0.0],
        kT=1.0,
        friction=1.0,
        steps=200,
    )
    assert {check.name for check in report.failures} == {"position covariance", "momentum covariance"}


def test_temperatures_are_sampled_for_anharmonic_systems():
    H = symbolic("p**2/2 + q**4/4 + q**2/2")
    report = certify(H, "baoab", dt=0.1, q=[0.1], p=[0.0], kT=0.5, friction=1.0, steps=4_000)
    assert report.green, report
    kinetic, configurational = report["kinetic temperature"], report["configurational temperature"]
    assert kinetic.data["effective_samples"] > 500 and configurational.data["standard_error"] < 0.02
    assert report["shadow work"].verdict == "shown"


def test_damping_is_conformal_and_driving_disables_what_does_not_apply():
    damped = certify(symbolic("p**2/2 + q**2/2", damping=0.3), dt=0.1, q=[1.0], p=[0.0], steps=400)
    assert damped.green and damped["conformal defect"].data["factor"] == pytest.approx(np.exp(-0.03))
    assert damped["energy drift"].verdict == "n/a"
    driven = certify(symbolic("p**2/2 + q**2/2 + q*cos(t)/3"), dt=0.05, q=[1.0], p=[0.0], steps=400)
    assert driven.green and driven["energy drift"].verdict == driven["reversal error"].verdict == "n/a"


def test_torch_functions_get_the_same_certificate():
    H = TorchHamiltonian(
        potential=lambda q: (q**2).sum(-1) / 2 + q[..., 0] ** 2 * q[..., 1] - q[..., 1] ** 3 / 3,
        event_shape=2,
    )
    given = {"q": torch.tensor(START["q"]).double(), "p": torch.tensor(START["p"]).double()}
    report = certify(H, "leapfrog", dt=0.1, steps=300, symmetries=[mirror], **given)
    twin = certify(HENON_HEILES, "leapfrog", dt=0.1, steps=300, symmetries=[mirror], **START)
    assert report.green, report
    for name in ("symplectic defect", "order", "energy drift"):
        assert report[name].value == pytest.approx(twin[name].value, rel=1e-6, abs=1e-13)


@pytest.mark.parametrize("unit", [1.0, 1e6])
def test_defect_does_not_depend_on_the_units(unit):
    """q and p in other units, a canonical change: leapfrog stays symplectic and Euler's defect keeps its
    size."""
    H = TorchHamiltonian(potential=lambda q: ((q / unit) ** 4).sum(-1), mass=1 / unit**2, event_shape=3)
    q, p = states(3)
    scale = unit**2
    assert symplectic_defect(stepped(H, "leapfrog", 0.1), unit * q, p / unit, scale=scale).value < 1e-14
    euler = symplectic_defect(stepped(H, "euler", 0.1), unit * q, p / unit, scale=scale).value
    at_one = TorchHamiltonian(potential=lambda q: (q**4).sum(-1), event_shape=3)
    assert euler == pytest.approx(symplectic_defect(stepped(at_one, "euler", 0.1), q, p).value, rel=1e-6)


def test_many_dimensions_are_probed_and_agree_with_the_formed_jacobian():
    H = TorchHamiltonian(potential=lambda q: torch.cosh(q - q.roll(1, -1)).sum(-1), event_shape=300)
    q, p = states(300)
    probed = symplectic_defect(stepped(H, "rk4", 0.5), q, p)
    assert not probed.exact and probed.value > 1e-8  # RK4's own defect is seen by the probes
    assert symplectic_defect(stepped(H, "leapfrog", 0.5), q, p).value < 1e-12
    small = TorchHamiltonian(potential=H.potential, event_shape=40)
    J = jacobian(stepped(small, "rk4", 0.5), *states(40))
    zero, one = torch.zeros(40, 40).double(), torch.eye(40).double()
    Omega = torch.cat([torch.cat([zero, one], 1), torch.cat([-one, zero], 1)])
    direct = torch.linalg.matrix_norm(J.T @ Omega @ J - Omega, 2) / torch.linalg.matrix_norm(J, 2) ** 2
    formed: Defect = symplectic_defect(stepped(small, "rk4", 0.5), *states(40))
    assert formed.exact and formed.value == pytest.approx(float(direct), rel=1e-9)


def test_a_step_that_hides_part_of_itself_from_derivatives_is_caught():
    def hidden(q, p):
        return q + 0.1 * p, p - 0.1 * (q**3).detach()

    q, p = states(3)
    assert symplectic_defect(hidden, q, p).value > 1e-3 or tangent_error(hidden, q, p) > 1e-3
    shear = lambda q, p: (q + 0.1 * p - 0.1 * (q**3).detach(), p)  # noqa: E731
    assert symplectic_defect(shear, q, p).value < 1e-15  # looks symplectic …
    assert tangent_error(shear, q, p) > 1e-3  # … and is not


#: systems of so many degrees of freedom that the Jacobians of all methods take a minute
LARGE = ("fput-alpha", "fput-beta", "outer-solar-system", "lennard-jones")


@pytest.mark.parametrize(
    "name", [pytest.param(each, marks=pytest.mark.slow if each in LARGE else ()) for each in textbook.names()]
)
def test_every_symplectic_pairing_of_the_textbook_is_symplectic(name):
    H, worst = textbook(name), {}
    q, p = (torch.from_numpy(np.array(x, dtype=float)) for x in (H.q0, H.p0))
    for method in METHODS.values():
        if not method.symplectic or H.capability < method.needs:
            continue
        if name == "outer-solar-system" and method.name.startswith("tao"):
            continue  # ω·dt is 4,000 here: the copies turn past each other and J (10¹³) says nothing
        if H.damping and method.build is not None and not method.name.startswith("tao"):
            continue  # implicit methods promise no factor for friction
        stepper = Stepper(H, method, *generic(q, p))
        factor = np.exp(-H.damping * H.dt)
        worst[method.name] = symplectic_defect(stepper.step(H.dt), *stepper.start, factor=factor).value
    assert max(worst.values()) <= 1e-10, {method: v for method, v in worst.items() if v > 1e-10}
    assert len(worst) >= 4


def test_rk4_defect_falls_with_its_order_and_euler_fails():
    q, p = states(2)
    defects = [
        symplectic_defect(stepped(HENON_HEILES, "rk4", h), 0.3 * q, 0.3 * p).value for h in (0.1, 0.05)
    ]
    assert np.log2(defects[0] / defects[1]) == pytest.approx(5, abs=0.3)  # order 4: a defect of h⁵ a step
    euler = [symplectic_defect(stepped(HENON_HEILES, "euler", h), 0.3 * q, 0.3 * p).value for h in (0.2, 0.1)]
    assert np.log2(euler[0] / euler[1]) == pytest.approx(2, abs=0.3)


class _Cube(torch.autograd.Function):
    """x³ with a backward rule and no forward one."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return 3 * x**2 * grad


def test_operations_without_a_forward_rule_are_differentiated_all_the_same():
    def step(q, p):
        p = p - 0.1 * _Cube.apply(q)
        return q + 0.1 * p, p

    q, p = states(3)
    assert symplectic_defect(step, q, p).value < 1e-15
    assert tangent_error(step, q, p) < 1e-9
    with pytest.raises(TenfmaError, match="cannot be differentiated"):
        symplectic_defect(lambda q, p: tuple(torch.from_numpy(x.detach().numpy()) for x in (q, p)), q, p)


def test_symmetries_that_a_hamiltonian_offers_are_used_with_transported_noise():
    H = TorchHamiltonian(potential=lambda q: (q**2).sum(-1) ** 2, event_shape=2)
    H.transforms = [("quarter turn", quarter)]
    start = {"q": torch.tensor([0.3, 0.1]).double(), "p": torch.tensor([0.0, 0.2]).double()}
    report = certify(H, "baoab", dt=0.1, kT=0.1, friction=1.0, steps=40, **start)
    assert report["equivariance"].verdict == "pass" and "quarter turn" in report["equivariance"].data
    H.transforms = [("mirror with the noise left behind", lambda q, p: (-q, p))]
    report = certify(H, "baoab", dt=0.1, kT=0.1, friction=1.0, steps=40, **start)
    assert report["equivariance"].verdict == "fail"


def test_progress_names_the_checks_and_ends_at_one():
    told = []
    certify(HENON_HEILES, dt=0.1, steps=100, progress=lambda done, name: told.append((done, name)), **START)
    assert told[-1] == (1.0, "done") and [x for x, _ in told] == sorted(x for x, _ in told)
    assert "order" in [name for _, name in told]


def test_measured_order_stops_at_round_off_and_finds_a_wrong_limit():
    reference = np.ones((1, 1))
    clean = measured_order(lambda h, n: reference + h**3, reference, 1.0, [2, 4, 8, 16], floor=1e-13)
    assert clean.value == pytest.approx(3)
    noisy = measured_order(lambda h, n: reference + 1e-15, reference, 1.0, [2, 4, 8, 16], floor=1e-13)
    assert noisy.value is None and "round-off" in noisy.note
    wrong = measured_order(lambda h, n: reference + 0.1 + h**3, reference, 1.0, [2, 4, 8, 16], floor=1e-13)
    assert wrong.value < 0.5  # converges, but to something else


def test_exact_path_is_exact():
    H = symbolic("p**2/2 + q**2/2", damping=0.2)
    z = exact_path(H, np.array([1.0]), np.array([0.0]), [1.0, 5.0])
    w = np.sqrt(1 - 0.01)
    t = np.array([1.0, 5.0])
    np.testing.assert_allclose(
        z[:, 0], np.exp(-0.1 * t) * (np.cos(w * t) + 0.1 / w * np.sin(w * t)), atol=1e-12
    )


def test_drift_tells_a_bias_from_wandering_and_round_off():
    t = np.linspace(0, 1e3, 2_000)
    bounded = 1 + 1e-3 * np.sin(t) ** 2
    assert drift(t, bounded, 1.0, 2_000, 2e-16).holds
    assert not drift(t, bounded + 1e-6 * t, 1.0, 2_000, 2e-16).holds
    assert drift(t, 1 + 1e-15 * np.arange(2_000) / 2_000, 1.0, 2_000, 2e-16).round_off


def test_reversal():
    q, p = states(2)
    start = 0.3 * q, 0.3 * p
    for method, small in (("leapfrog", True), ("yoshida4", True), ("symplectic_euler", False)):
        steps = [stepped(HENON_HEILES, method, h) for h in (0.1, -0.1)]
        assert (reversal_error(*steps, *start, 50) < 1e-12) is small


def test_affine_map_and_covariance():
    H = symbolic("p**2/2 + q**2/2")

    def step(q, p, normals):
        state = one_step(H, q, p, dt=0.5, method="baoab", kT=1.0, friction=1.0, normals=normals)
        return state.q, state.p

    affine = affine_map(step, (1,), 1)
    assert affine.deviation < 1e-14
    np.testing.assert_allclose(stationary_covariance(affine), np.diag([1.0, 1 - 0.5**2 / 4]), atol=1e-13)


def test_running_apart_is_reported_not_raised():
    report = certify(HENON_HEILES, "euler", dt=0.3, steps=1_000, **START)
    assert (report["run"].verdict == "fail" and "nan" in report["run"].note) or "inf" in report["run"].note
    assert report["energy drift"].verdict == "fail"


def test_short_runs_are_judged_by_the_shadow_energy_or_not_at_all():
    """A tenth of a period: H's energy only climbs. Leapfrog's shadow energy stays; elsewhere nothing can be
    said."""
    H = symbolic("p**2/2 + q**2/2")
    start = {"dt": 0.01, "q": [1.0], "p": [0.0], "steps": 60}
    leapfrog = certify(H, "leapfrog", **start)["energy drift"]
    assert leapfrog.verdict == "pass" and "shadow" in leapfrog.note
    unknown = certify(H, "gauss_legendre4", **{**start, "dt": 0.05, "steps": 20})["energy drift"]
    assert unknown.verdict != "fail"
    euler = certify(H, "euler", **start)["energy drift"]
    assert euler.verdict == "n/a" and "raise steps" in euler.note


def test_candidates_that_hold_drift_or_never_were():
    H = symbolic("(px**2 + py**2)/2 + (x**2 + y**2)**2/4")
    report = certify(
        H, "rk4", dt=0.3, q=[1.0, 0.0], p=[0.1, 0.8], steps=2_000,
        invariants={"L": "x*py - y*px", "px": "px", "L by torch": lambda q, p: q[..., 0] * p[..., 1] - q[...,
        1] * p[..., 0]},
    )  # fmt: skip
    assert report["invariant L"].note == report["invariant L by torch"].note == "drifts"
    assert "not conserved by H" in report["invariant px"].note
    assert {check.name for check in report.failures}.isdisjoint({"invariant L", "invariant px"})
    keeps = certify(
        H, "leapfrog", dt=0.1, q=[1.0, 0.0], p=[0.1, 0.8], steps=500, invariants={"L": "x*py - y*px"}
    )
    assert keeps["invariant L"].note == "holds to round-off"


@pytest.mark.parametrize(
    "options, error",
    [
        ({"method": "baoab", "kT": 1.0, "friction": 1.0, "steps": 3}, TenfmaError),
        ({"method": "baoab"}, PairingError),
        ({"dt": float("nan")}, TenfmaError),
        ({"q": [[0.1, 0.0]], "p": [[0.0, 0.5]]}, TenfmaError),
        ({"invariants": {"L": 3}}, TenfmaError),
        ({"symmetries": {"turn": 3}}, TenfmaError),
    ],
)
def test_bad_requests_are_refused(options, error):
    with pytest.raises(error):
        certify(HENON_HEILES, **{"dt": 0.1, **START, **options})


def test_leapfrog_on_a_nonseparable_system_is_refused_with_the_remedy():
    with pytest.raises(PairingError, match="implicit_midpoint or tao4"):
        certify(symbolic("(q**2 + 1)*(p**2 + 1)/2"), "leapfrog", dt=0.1, q=[1.0], p=[1.0])
    assert METHODS["leapfrog"].needs == Capability.SEPARABLE
