"""Counter-based normals: the published generator, replayable, and blind to the rest of the batch."""

import numpy as np
import pytest
import torch
from dynamics_systems import harmonic

from tenfma.dynamics.integrate import integrate
from tenfma.dynamics.noise import Noise, philox
from tenfma.errors import TenfmaError


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        (0x00000000, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        (0xFFFFFFFF, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    ],
)
def test_philox_gives_its_authors_known_answers(word, expected):
    """The known-answer vectors of Random123 for Philox-4×32-10, with all counter and key words equal."""
    x = np.uint64(word)
    assert tuple(int(value) for value in philox(x, x, x, x, x, x)) == expected


def test_normals_are_standard_and_independent():
    z = Noise(7).draw(0, 200, 2, (50,), (3,))
    assert z.shape == (200, 2, 50, 3)
    flat = z.reshape(-1)
    n = flat.size
    for power, moment, spread in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert abs(np.mean(flat**power) - moment) < 4 * np.sqrt(spread / n)
    axes = z.transpose(1, 3, 0, 2).reshape(6, -1)
    assert np.abs(np.corrcoef(axes) - np.eye(6)).max() < 0.05
    assert abs(np.mean(z[:-1] * z[1:])) < 4 / np.sqrt(n)


def test_any_step_can_be_had_without_those_before():
    whole = Noise(3).draw(0, 10, 1, (4,), (2,))
    assert np.array_equal(Noise(3).draw(6, 2, 1, (4,), (2,)), whole[6:8])
    assert not np.array_equal(Noise(4).draw(6, 2, 1, (4,), (2,)), whole[6:8])


def test_a_member_does_not_depend_on_its_batch():
    H, options = harmonic(3), {"dt": 0.1, "steps": 30, "method": "obabo", "kT": 1.0, "friction": 0.5}
    q = np.arange(15.0).reshape(5, 3)
    batch = integrate(H, q, 0 * q, seed=9, streams=[10, 11, 12, 13, 14], **options)
    some = integrate(H, q[[3, 1]], 0 * q[:2], seed=9, streams=[13, 11], **options)
    assert np.array_equal(some.q, batch.q[:, [3, 1]])
    default = integrate(H, q[[3, 1]], 0 * q[:2], seed=9, **options)
    assert not np.array_equal(default.q, some.q)


def test_systems_within_one_state_have_their_own_streams():
    """Two crystals of 4 and 3 components as one flat state, in either order, alone or together."""
    a, b = [5] * 4, [8] * 3
    together = Noise(1, np.array(a + b)).draw(0, 6, 2, (), (7,))
    swapped = Noise(1, np.array(b + a)).draw(0, 6, 2, (), (7,))
    alone = Noise(1, np.array(b)).draw(0, 6, 2, (), (3,))
    member = Noise(1, np.array(8)).draw(0, 6, 2, (), (3,))
    assert np.array_equal(together[..., 4:], alone)
    assert np.array_equal(swapped[..., :3], alone)
    assert np.array_equal(member, alone)


def test_seed_record_and_generators_lead_to_the_same_or_their_own_path():
    H, q = harmonic(2), np.ones((3, 2))
    options = {"dt": 0.1, "steps": 20, "method": "baoab", "kT": 1.0, "friction": 1.0}
    seeded = integrate(H, q, q, seed=4, **options)
    recorded = integrate(H, q, q, noise=Noise(4).draw(0, 20, 1, (3,), (2,)), **options)
    assert np.array_equal(seeded.q, recorded.q)
    for make in (np.random.default_rng, torch.Generator().manual_seed):
        one, two = (integrate(H, q, q, noise=make(6), **options) for _ in range(2))
        assert np.array_equal(one.q, two.q) and not np.array_equal(one.q, seeded.q)
    generator = np.random.default_rng(6)
    one, two = (integrate(H, q, q, noise=generator, **options) for _ in range(2))
    assert not np.array_equal(one.q, two.q)


def test_missing_doubled_or_misshapen_noise_is_refused():
    H, q = harmonic(2), np.ones(2)
    options = {"dt": 0.1, "steps": 20, "method": "baoab", "kT": 1.0, "friction": 1.0}
    with pytest.raises(TenfmaError, match="seed=0 or noise"):
        integrate(H, q, q, **options)
    with pytest.raises(TenfmaError, match="give one of them"):
        integrate(H, q, q, seed=0, noise=np.zeros((20, 1, 2)), **options)
    with pytest.raises(TenfmaError, match=r"\(20, 1, 2\)"):
        integrate(H, q, q, noise=np.zeros((20, 2)), **options)
    with pytest.raises(TenfmaError, match="streams have shape"):
        integrate(H, q, q, seed=0, streams=[1, 2, 3], **options)
