"""Kernel ridge beside the networks, and what is told of the elements: no gaps, no leaks, the same for supercells."""

import numpy as np
import pytest
import torch
from ase.build import bulk, make_supercell

from tenfma.crystal.elements import table
from tenfma.embedding.chemistry import NAMES, composition, composition_names, known_elements
from tenfma.embedding.graphs import graphs_of, static_names
from tenfma.embedding.kernel import Kernels


@pytest.fixture(scope="module")
def data():
    generator = np.random.default_rng(0)
    X = generator.normal(size=(120, 6))
    y = np.stack([X[:, 0] + 0.5 * X[:, 1] ** 2, np.sin(X[:, 2])], axis=1)
    return X, y


def test_the_kernel_learns_and_reads_back_the_same(data):
    X, y = data
    kernels = Kernels.fitted(X[:90], y[:90], [np.arange(90), np.arange(0, 90, 2)])
    miss = np.abs(kernels.predict(X[90:]) - y[90:]).mean((1, 2))
    spread = np.abs(y[90:] - y[:90].mean(0)).mean()
    assert miss[0] < 0.6 * spread and miss[0] < miss[1]
    again = Kernels(**kernels.arrays())
    np.testing.assert_array_equal(again.predict(X), kernels.predict(X))


def test_labels_that_a_member_left_out_do_not_reach_it(data):
    X, y = data
    shares = [np.arange(0, 60), np.arange(30, 90)]
    first = Kernels.fitted(X, y, shares).predict(X)
    changed = y.copy()
    changed[:10] += 5.0
    second = Kernels.fitted(X, changed, shares).predict(X)
    np.testing.assert_array_equal(first[1], second[1])
    assert np.abs(first[0] - second[0]).max() > 1  # the twin: the member that saw them moves


def test_missing_labels_are_left_out_not_filled(data):
    X, y = data
    gaps = y.copy()
    gaps[::3, 0] = np.nan
    known = np.nonzero(~np.isnan(gaps[:, 0]))[0]
    found = Kernels.fitted(X, gaps, [np.arange(len(X))])
    alone = Kernels.fitted(X, y, [known])
    np.testing.assert_allclose(found.predict(X)[0, :, 0], alone.predict(X)[0, :, 0], rtol=0, atol=1e-5)
    assert np.isfinite(found.predict(X)).all()


def test_elements_without_a_value_get_their_neighbours_never_nothing():
    known = known_elements()
    assert torch.isfinite(known).all() and known.shape[1] == table().values.shape[1] + len(NAMES)
    own = known[1:, -len(NAMES) :]
    assert float(own.abs().max()) < 12 and float(own.std(0).min()) > 0.5
    stiff = {name: float(known[table().symbols.index(name), -len(NAMES)]) for name in ("W", "Na", "Lu")}
    assert stiff["W"] > stiff["Lu"] > stiff["Na"]


def test_composition_is_intensive_and_has_a_name_per_column():
    salt = bulk("NaCl", "rocksalt", a=5.64)
    cells = [salt, make_supercell(salt, [[1, 1, 0], [0, 2, 0], [0, 0, 1]])]
    static = graphs_of(cells, torch.float64).static
    assert static.shape[1] == len(static_names()) and len(set(static_names())) == len(static_names())
    torch.testing.assert_close(static[0, -len(composition_names()) :], static[1, -len(composition_names()) :])
    numbers = torch.tensor([11, 17, 11, 11, 17])
    rows = composition(numbers, torch.tensor([0, 0, 1, 1, 1]), 2, torch.float64)
    n = len(NAMES)
    assert not torch.allclose(rows[0, :n], rows[1, :n])  # the twin: another composition
    torch.testing.assert_close(rows[0, 2 * n :], rows[1, 2 * n :])  # least and largest are the same
