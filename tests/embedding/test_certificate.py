"""Every z with the certificate of its path, the bath it was in, and the spread that noise leaves in predictions."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from ase.build import bulk
from test_pooled_evolution import CRYSTALS, net_of

import tenfma
from tenfma.dynamics.integrate import integrate
from tenfma.embedding.certificate import certificate
from tenfma.embedding.evolved import Evolved, Motion
from tenfma.embedding.graphs import graphs_of
from tenfma.embedding.model import Model
from tenfma.embedding.pooling import Embedding
from tenfma.embedding.property_model import Domain, Head, PropertyModel
from tenfma.errors import TenfmaError

BATH = Motion("baoab", dt=0.3, steps=8, kT=0.05, friction=0.5)
HEADS = (Head("a", "1", 1.0, 2.0, scores=(1.0,) * 20), Head("b", "eV", -1.0, 0.5, scores=(1.0,) * 20))


def model_of(motion: Motion, members: int = 2) -> PropertyModel:
    nets = [net_of(motion, seed).double() for seed in range(members)]
    domain = Domain(("Cu", "Cl", "Fe", "Mg", "Na", "O", "S", "Ti"), 8, 5, (1, 2, 3))
    return PropertyModel(nets, HEADS, domain, name="small").eval().requires_grad_(False)


def walked(net: Evolved, graphs, method: str, **bath):
    """H, q₀ and the path, by `integrate` alone."""
    with torch.no_grad():
        H, q, p, _ = net.start(graphs)
        motion = net.motion
        path = integrate(H, q, p, dt=motion.dt, steps=motion.steps, method=method, gradient="none", **bath)
    return H, q, p, path


def test_without_a_bath_it_tells_drift_reversal_and_distance():
    model = model_of(Motion(dt=0.5, steps=4))
    found = model.embed(CRYSTALS).certificate
    assert list(found) == ["energy_drift", "reversal_error", "distance"]
    H, q, p, path = walked(model.first, graphs_of(CRYSTALS, torch.float64), "leapfrog")
    end = path.q[-1]
    np.testing.assert_allclose(found["energy_drift"], (H(end, path.p[-1]) - H(q, p)).abs(), rtol=1e-9)
    np.testing.assert_allclose(found["distance"], (end - q).norm(dim=1) / q.norm(dim=1), rtol=1e-9)
    assert found["reversal_error"].max() < 1e-12 and found["energy_drift"].min() > 1e-6
    again = model.certificates(CRYSTALS)
    assert all(np.array_equal(again[name], found[name]) for name in found)


def test_nothing_moved_has_gone_nowhere():
    model = model_of(Motion())
    for options in ({"steps": 0}, {"dt": 1e-9, "steps": 1}):
        found = model.certificates(CRYSTALS, **options)
        assert list(found) == ["energy_drift", "reversal_error", "distance"]
        assert all(float(np.abs(values).max()) < 1e-7 for values in found.values())


def test_in_a_bath_it_tells_shadow_work_and_distance():
    model = model_of(BATH)
    found = model.embed(CRYSTALS, seed=3).certificate
    assert list(found) == ["shadow_work", "distance"]
    bath = {"kT": BATH.kT, "friction": BATH.friction, "seed": 3, "streams": np.zeros(len(CRYSTALS), int)}
    _, q, _, path = walked(model.first, graphs_of(CRYSTALS, torch.float64), "baoab", **bath)
    gained = path.energy[-1] - path.energy[0]
    np.testing.assert_allclose(found["shadow_work"], gained - path.heat[-1], rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(found["distance"], (path.q[-1] - q).norm(dim=1) / q.norm(dim=1), rtol=1e-9)
    # the twin: the change of energy, which heat dominates
    assert np.median(gained.abs().numpy() / np.abs(found["shadow_work"])) > 3
    fine = model.certificates(CRYSTALS, seed=3, dt=0.03, steps=80)
    assert np.abs(fine["shadow_work"]).max() < 0.05 * np.abs(found["shadow_work"]).max()
    other = model_of(Motion()).certificates(CRYSTALS, method="baoab", kT=0.05, friction=0.5)
    assert list(other) == ["shadow_work", "distance"]
    assert list(model.certificates(CRYSTALS, method="euler_maruyama", dt=0.01)) == ["distance"]


def test_a_way_back_that_ends_early_is_no_certificate_of_reversal():
    net = net_of(Motion(dt=0.5, steps=4)).double()
    with torch.no_grad():
        H, q, p, _ = net.start(graphs_of(CRYSTALS, torch.float64))
        path = integrate(H, q, p, dt=0.5, steps=4, save_every=4, gradient="none")
        atoms = torch.ones(len(CRYSTALS), dtype=torch.float64)
        found = certificate(H, path, lambda x: x, atoms, dt=50.0, steps=200, method="leapfrog")
    assert torch.isinf(found["reversal_error"]).all()


def test_z_is_the_same_with_and_without():
    for motion in (Motion(), BATH, Motion(steps=0), Motion("euler")):
        model = model_of(motion)
        told, untold = model.embed(CRYSTALS), model.embed(CRYSTALS, certify=False)
        np.testing.assert_array_equal(told.values, untold.values)
        assert told.certificate and not untold.certificate


def test_a_table_has_the_certificate_where_it_is_asked_for():
    embedding = model_of(Motion()).embed(CRYSTALS)
    assert list(embedding.to_frame()) == list(embedding.names)
    frame = embedding.to_frame(certificate=True)
    assert list(frame)[-3:] == [
        "certificate.energy_drift",
        "certificate.reversal_error",
        "certificate.distance",
    ]
    assert list(frame)[:-3] == list(embedding.names)
    twice = Embedding.concatenate([embedding, embedding])
    np.testing.assert_array_equal(
        twice.certificate["distance"], np.tile(embedding.certificate["distance"], 2)
    )


def test_the_untrained_models_rows_have_one_too():
    model, crystals = Model.untrained(), [bulk("Cu"), bulk("NaCl", "rocksalt", a=5.6)]
    found = model.embed(crystals).certificate
    assert list(found) == ["energy_drift", "reversal_error", "distance"]
    assert found["reversal_error"].max() < 1e-13 and found["distance"].min() > 1e-4
    with torch.no_grad():
        for place, atoms in enumerate(crystals):
            H, q, p = model.hamiltonian(atoms)
            path = integrate(H, q, p, dt=0.1, steps=10, gradient="none")
            drift = float((path.energy[-1] - path.energy[0]).abs()) / len(atoms)
            away = float((path.q[-1] - q).norm() / q.norm())
            assert found["energy_drift"][place] == pytest.approx(drift, rel=1e-6)
            assert found["distance"][place] == pytest.approx(away, rel=1e-9)
    coarse = model.embed(crystals, method="euler").certificate
    assert coarse["reversal_error"].min() > 1e-8
    assert not model.embed(crystals, certify=False).certificate


def test_a_value_under_noise_is_the_mean_of_its_draws_and_their_spread_stands_apart():
    for motion in (BATH, Motion(p0="thermal", kT=0.1)):
        model, graphs = model_of(motion), graphs_of(CRYSTALS, torch.float64)
        mean, scale = (np.array([getattr(head, name) for head in HEADS]) for name in ("mean", "scale"))
        with torch.no_grad():
            draws = np.stack(
                [
                    np.mean(
                        [member(graphs, seed)[0].numpy() * scale + mean for member in model.members], axis=0
                    )
                    for seed in range(5)
                ]
            )
        found = model.predict(CRYSTALS, replicas=5)
        np.testing.assert_allclose(found.values, draws.mean(0), rtol=1e-9)
        deviation = np.sqrt(((draws - draws.mean(0)) ** 2).sum(0) / 4)
        np.testing.assert_allclose(found.thermal, deviation, rtol=1e-6)
        assert found.thermal.shape == (len(CRYSTALS), 2) and found.thermal.min() > 1e-6
        frame = found.to_frame()
        np.testing.assert_array_equal(frame["b thermal spread"], found.thermal[:, 1])
        one = model.predict(CRYSTALS, replicas=1)
        assert one.thermal is None and "thermal" not in " ".join(one.to_frame())
        np.testing.assert_allclose(one.values, draws[0], rtol=1e-9)
        np.testing.assert_allclose(one.half_widths, HEADS[0].floor + one.spreads, rtol=1e-9)
        np.testing.assert_array_equal(
            model.predict(CRYSTALS).values, model.predict(CRYSTALS, replicas=8).values
        )
        with pytest.raises(TenfmaError, match="replicas is 0"):
            model.predict(CRYSTALS, replicas=0)


def test_the_spread_grows_with_temperature():
    cold, hot = (model_of(replace(BATH, kT=kT)).predict(CRYSTALS).thermal.mean() for kT in (1e-4, 1e-2))
    assert hot / cold == pytest.approx(10, rel=0.5)  # √kT


@pytest.mark.parametrize("motion", [Motion(), replace(BATH, kT=0.0), Motion(p0="thermal", kT=0.1, steps=0)])
def test_without_noise_one_pass_serves_and_no_column_appears(motion, monkeypatch):
    model, calls = model_of(motion), []
    original = Evolved.start
    monkeypatch.setattr(Evolved, "start", lambda *given: calls.append(1) or original(*given))
    found = model.predict(CRYSTALS)
    assert len(calls) == len(model.members)
    assert found.thermal is None
    assert list(found.to_frame()) == ["a", "a ±", "b", "b ±", "warning"]


def test_thermal_momenta_have_the_variance_m_kt_and_a_seed():
    kT = 0.1
    net = net_of(Motion(p0="thermal", kT=kT)).double()
    with torch.no_grad():
        net.log_mass.copy_(torch.linspace(-1.5, 1.5, len(net.log_mass)))
        H, q, _, _ = net.start(graphs_of(CRYSTALS, torch.float64))
        draws = torch.stack([net._momenta(q[:1], H.mass, seed)[0] for seed in range(400)])
    ratio = draws.square().mean(0) / (H.mass * kT)
    assert float(H.mass.max() / H.mass.min()) > 15
    assert float(ratio.min()) > 0.6 and float(ratio.max()) < 1.5  # standard error √(2/400) = .07
    assert not torch.equal(draws[0], draws[1])
    model = model_of(Motion(p0="thermal", kT=kT))
    z = [model.embed(CRYSTALS, seed=seed).values for seed in (1, 1, 2)]
    np.testing.assert_array_equal(z[0], z[1])
    assert np.abs(z[0] - z[2]).max() > 1e-4


def test_a_learned_friction_starts_from_the_one_it_was_given():
    for friction in (0.5, 2.0):
        motion = replace(BATH, friction=friction)
        even, learned = model_of(motion), model_of(motion)
        learned = PropertyModel([learned._moving({"bath": "learned"})], HEADS, learned.domain, name="small")
        found = learned.first.friction(None)
        torch.testing.assert_close(found, torch.full_like(found, friction))
        np.testing.assert_allclose(learned.embed(CRYSTALS).values, even.embed(CRYSTALS).values, rtol=1e-9)


def test_a_path_that_runs_away_is_refused_and_a_short_one_is_not():
    model, crystals = tenfma.load("Si"), [bulk("Si"), bulk("Si", cubic=True)]
    with pytest.raises(TenfmaError, match=r"number 1 ran away from q₀, by .* take fewer steps"):
        model.embed(crystals)
    near = model.embed(crystals, dt=0.01, steps=20)
    assert (near.certificate["distance"] < 1).all() and np.abs(near.values).max() < 1e3
    assert (model.embed(crystals, steps=0).certificate["distance"] == 0).all()
