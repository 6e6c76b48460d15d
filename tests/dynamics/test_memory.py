"""Blocks that serve again, and times that are made when they are read."""

import gc
import pickle
import threading

import numpy as np
import pytest

import tenfma
from tenfma.dynamics import memory
from tenfma.dynamics.path import Path

COUNT = memory.LEAST // 8

needs_advice = pytest.mark.skipif(memory._MAY_GO is None, reason="this system keeps no idle pages")


@pytest.fixture(autouse=True)
def nothing_idle():
    memory._idle.clear()
    yield
    memory._idle.clear()


def address(array: np.ndarray) -> int:
    return array.__array_interface__["data"][0]


@needs_advice
def test_a_block_serves_again_after_the_last_of_its_arrays():
    whole = memory.numbers(2 * COUNT)
    place, part = address(whole), whole[3:7].reshape(2, 2)
    del whole
    assert not memory._idle  # a view of a view still holds it
    part[:] = 1.0
    del part
    assert len(memory._idle) == 1
    again = memory.numbers(2 * COUNT - 1000)
    assert address(again) == place and again.flags.writeable and not memory._idle


@needs_advice
def test_two_arrays_never_share_a_block():
    first, second = memory.numbers(COUNT), memory.numbers(COUNT)
    first[:], second[:] = 1.0, 2.0
    assert (first == 1.0).all() and (second == 2.0).all()


@needs_advice
def test_a_block_too_small_is_let_go_and_one_far_too_large_is_left():
    small = memory.numbers(COUNT)
    del small
    large = memory.numbers(20 * COUNT)
    assert not memory._idle
    place = address(large)
    del large
    small = memory.numbers(COUNT)
    assert address(small) != place and len(memory._idle) == 1


def test_short_and_very_long_arrays_are_ordinary():
    for count in (0, 5, COUNT - 1, memory.MOST // 8 + 1):
        array = memory.numbers(count)
        assert array.shape == (count,) and array.flags.owndata
    assert not memory._idle


@needs_advice
def test_threads_get_blocks_of_their_own():
    wrong = []

    def work(mark: float) -> None:
        for _ in range(30):
            mine = memory.numbers(COUNT)
            mine[::512] = mark
            if not (mine[::512] == mark).all():
                wrong.append(mark)

    threads = [threading.Thread(target=work, args=(float(mark),)) for mark in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@needs_advice
def test_a_kept_path_is_not_written_over_by_the_next():
    H = tenfma.textbook("henon-heiles")
    steps = 120_000  # five numbers a step: more than `LEAST`

    def path(x: float) -> Path:
        return tenfma.integrate(H, np.array([x, 0.0]), np.array([0.0, 0.4]), dt=0.01, steps=steps)

    first = path(0.1)
    q, p, energy = (np.array(x) for x in (first.q, first.p, first.energy))
    path(0.2), path(0.3)  # the second lies where the first of them lay
    gc.collect()
    assert memory._idle
    assert (first.q == q).all() and (first.p == p).all() and (first.energy == energy).all()
    last = first.q[-1:]
    del first
    path(0.2)
    assert (last == q[-1:]).all()


def test_times_are_made_when_read_and_are_plain_arrays():
    H = tenfma.textbook("pendulum")
    path = tenfma.integrate(H, H.q0, H.p0, dt=0.3, steps=7, save_every=3, t0=2.0)
    assert len(pickle.loads(pickle.dumps(path))) == 4  # before anything was read
    expected = np.array([0.0, 3.0, 6.0, 7.0]) * 0.3 + 2.0
    assert isinstance(path.t, np.ndarray) and path.t is path.t
    assert (path.t == expected).all() and (pickle.loads(pickle.dumps(path)).t == expected).all()
    with pytest.raises(AttributeError):
        path.t = expected


def test_times_of_an_ensemble_with_a_step_each():
    H = tenfma.textbook("pendulum")
    dt = np.array([0.1, 0.2])
    path = tenfma.integrate(H, np.stack([H.q0, H.q0]), np.stack([H.p0, H.p0]), dt=dt, steps=3)
    expected = np.arange(4.0)[:, None] * [0.1, 0.2]
    dt[:] = 9.0  # what the caller does with it afterwards changes nothing
    assert np.array_equal(path.t, expected)
