"""Phase-space studies: areas kept and lost, packing, views; each with a wrong twin."""

import json

import numpy as np
import pytest

import tenfma
from tenfma.viz import names, phase
from tenfma.viz.player import MOST_FRAMES, Movie, fitted, packed, thin

TEXTS = {name: name for name in ("play", "pause", "time", "speed", "frame", "help", "alt")}


def unpacked(data: bytes) -> tuple[dict, dict[str, np.ndarray]]:
    length = int.from_bytes(data[:4], "little")
    header = json.loads(data[4 : 4 + length])
    assert (4 + length) % 4 == 0, "float32 views in the browser need aligned bytes"
    arrays = {
        name: np.frombuffer(data, "<f4", entry["size"], 4 + length + 4 * entry["offset"]).reshape(
            entry["shape"]
        )
        for name, entry in header["arrays"].items()
    }
    return header, arrays


def pendulum_study(method: str, **settings):
    H = tenfma.textbook("pendulum")
    return phase.study(
        H, np.array([1.2]), np.array([0.0]), 0.1, 300, [method], phase.planes(H)["q-p"], **settings
    )


@pytest.mark.parametrize("method", ["leapfrog", "symplectic_euler", "yoshida4", "implicit_midpoint"])
def test_symplectic_methods_keep_the_area(method):
    area = pendulum_study(method, radius=0.2).area
    assert area[0] == pytest.approx(np.pi * 0.2**2, rel=1e-12)
    assert np.max(np.abs(area / area[0] - 1)) < 1e-8


def test_explicit_euler_does_not():
    study = pendulum_study("euler", radius=0.2)
    assert np.nanmax(study.area) / study.area[0] > 1.3
    assert phase.area_summary(study, 0.1).kind == "loses"


def test_area_of_harmonic_oscillator_under_euler_grows_as_one_plus_h_squared():
    H = tenfma.textbook("harmonic")
    study = phase.study(
        H, np.array([1.0]), np.array([0.0]), 0.1, 50, ["euler"], phase.planes(H)["q-p"], radius=0.2
    )
    assert study.area[-1] / study.area[0] == pytest.approx((1 + 0.1**2) ** 50, rel=1e-10)


def test_sum_of_projected_areas_is_kept_but_not_one_of_them():
    H = tenfma.textbook("henon-heiles")
    plane = phase.planes(H)["x-px"]
    q, p = phase.ring(plane, H.q0, H.p0, 0.05, 200)
    path = tenfma.integrate(H, q, p, dt=0.05, steps=200, method="leapfrog")
    whole = phase.loop_area(path.q, path.p)
    part = phase.loop_area(path.q[..., :1], path.p[..., :1])
    assert np.ptp(whole) < 1e-10 * whole[0]
    assert np.ptp(part) > 1e-3 * part[0]


def test_folded_patch_is_not_measured():
    H = tenfma.textbook("pendulum")
    wild = phase.study(
        H,
        np.array([0.0]),
        np.array([1.9]),
        0.1,
        900,
        ["leapfrog"],
        phase.planes(H)["q-p"],
        radius=0.5,
        points=60,
    )
    summary = phase.area_summary(wild, 0.1)
    assert summary.folded
    assert np.isnan(wild.area[-1])
    assert summary.kind == "keeps", "a patch that can no longer be measured must not be called lost"


def test_friction_shrinks_the_patch_as_it_should():
    H = tenfma.textbook("damped-oscillator")
    study = phase.study(
        H, np.array([1.0]), np.array([0.0]), 0.01, 1000, ["rk4"], phase.planes(H)["q-p"], radius=0.2
    )
    summary = phase.area_summary(study, 0.01, H.damping)
    assert summary.kind == "damped"
    assert summary.end / summary.start == pytest.approx(summary.expected, rel=1e-6)


def test_stepwise_and_compiled_runs_agree():
    H = tenfma.textbook("kepler")
    one = tenfma.integrate(phase.Stepwise(H), H.q0, H.p0, dt=0.01, steps=200, method="leapfrog")
    two = tenfma.integrate(H, H.q0, H.p0, dt=0.01, steps=200, method="leapfrog")
    np.testing.assert_allclose(one.q, two.q, atol=1e-12)


def test_packing_round_trip():
    study = pendulum_study("leapfrog", radius=0.2, area_name="area")
    header, arrays = unpacked(packed(study.movie, TEXTS))
    np.testing.assert_allclose(arrays["path0"], study.movie.paths["leapfrog"], rtol=1e-6)
    np.testing.assert_allclose(arrays["patch"], study.movie.patch, rtol=1e-5, atol=1e-6)
    assert header["values"][0]["name"] == "area"
    assert header["paths"][0]["dash"] == "solid"
    assert len(packed(study.movie, TEXTS)) < 2_000_000


def test_frames_are_thinned_with_both_ends():
    kept = thin(50_001)
    assert len(kept) <= MOST_FRAMES
    assert kept[0] == 0
    assert kept[-1] == 50_000
    assert list(thin(5)) == [0, 1, 2, 3, 4]


def test_runaway_path_does_not_blow_up_the_view():
    x = np.linspace(0, 1, 200)
    calm = np.column_stack([x, x])
    wild = calm.copy()
    wild[-1] = 1e6
    low, high, *_ = fitted([wild])
    assert high - low < 10
    assert fitted([np.full((3, 2), np.nan)]) == (-1.0, 1.0, -1.0, 1.0)


def test_path_that_stops_early_is_held():
    H = tenfma.symbolic("p**2/2 - q**4")
    study = phase.study(H, np.array([1.0]), np.array([1.0]), 0.1, 400, ["leapfrog"], phase.planes(H)["q-p"])
    assert "leapfrog" in study.stopped
    assert np.isfinite(study.movie.paths["leapfrog"]).all()


def test_movie_without_extras_packs():
    header, arrays = unpacked(packed(Movie(np.arange(3.0), {"a": np.zeros((3, 2))}, ("q", "p")), TEXTS))
    assert "side" not in header
    assert set(arrays) == {"time", "path0"}


@pytest.mark.parametrize(
    ("name", "shown"), [("theta1", "θ₁"), ("ptheta1", "p_θ₁"), ("px", "pₓ"), ("q", "q"), ("p12", "p₁₂")]
)
def test_names_as_written_by_hand(name, shown):
    assert phase.pretty(name) == shown


@pytest.mark.parametrize(
    ("name", "typeset", "lowered"),
    [("pr", "$p_{r}$", "p<sub>r</sub>"), ("q", "$q$", "q"), ("theta1", r"$\theta_{1}$", "θ₁")],
)
def test_names_are_typeset(name, typeset, lowered):
    assert names.typeset(name) == typeset
    assert names.lowered(names.pretty(name)) == lowered
