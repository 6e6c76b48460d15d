"""Smooth features are twice continuously differentiable where neighbours come and go and where triangles fall flat.

Along a path x(t) the second derivative is taken from the left and from the right of the event at t = 0, by differences
over steps h that shrink. What is C² has a gap between the two that vanishes with h; what is not keeps one.
"""

from itertools import pairwise

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk

from tenfma.crystal import complex as complex_module
from tenfma.crystal.complex import complex_of
from tenfma.crystal.features import RANKS, featurize, pooling
from tenfma.crystal.features.pooling import pool

STEPS = (0.02, 0.01, 0.005)


def reading(atoms, cutoff, triangle_cutoff):
    """All smooth features, weighted and summed, each rank with its square so that odd parts do not cancel."""
    h = featurize(complex_of(atoms, cutoff, triangle_cutoff), smooth_only=True)
    sums = []
    for rank in RANKS:
        weighted = h.table(rank).weighted
        sums += [weighted.sum(0), (weighted * h.table(rank).values).sum(0)]
    return torch.cat(sums)


def gaps(path, order, steps=STEPS):
    """|right − left| derivative of an order at t = 0 for each step, largest over the readings scaled to one."""
    found = []
    for h in steps:
        value = {n: path(n * h) for n in range(-3, 4)}
        if order == 0:
            right, left = 2 * value[1] - value[2], 2 * value[-1] - value[-2]
        elif order == 1:
            right = (-3 * value[0] + 4 * value[1] - value[2]) / (2 * h)
            left = (3 * value[0] - 4 * value[-1] + value[-2]) / (2 * h)
        else:
            right = (2 * value[0] - 5 * value[1] + 4 * value[2] - value[3]) / h**2
            left = (2 * value[0] - 5 * value[-1] + 4 * value[-2] - value[-3]) / h**2
        scale = torch.stack(list(value.values())).abs().amax(0).clamp_min(1e-3)
        found.append(float(((right - left).abs() / scale).max()))
    return found


def vanishes(found):
    """Halving the step at least nearly halves the gap, or the gap is round-off already."""
    floor = 1e-5
    return all(late < 0.6 * early or late < floor for early, late in pairwise(found))


def through_the_cutoff(t):
    """Three atoms in a box; the third comes within 4 Å of the first, as bond and as triangle, at t = 0."""
    atoms = Atoms("SiOC", [[0, 0, 0], [2.0, 0.3, 0], [0, 0, 0]], cell=[14] * 3, pbc=True)
    direction = torch.tensor([0.8, 0.6, 0.0])
    atoms.positions[2] = ((4.0 - t) * direction).numpy()
    return reading(atoms, 4.0, 4.0)


def through_collinearity(t):
    """fcc copper at 6 Å: an atom crosses the line between two others at t = 0."""
    atoms = bulk("Cu", "fcc", 3.61, cubic=True)
    atoms.positions[1] += [0.6 * t, -0.5 * t, 0.62 * t]
    return reading(atoms, 6.0, 6.0)


@pytest.mark.parametrize("path", [through_the_cutoff, through_collinearity])
@pytest.mark.parametrize("order", [0, 1, 2])
def test_value_and_two_derivatives_have_no_jump(path, order):
    assert vanishes(gaps(path, order))


def pooled(atoms):
    """The smooth columns of the pooled row but the sorted eigenvalues."""
    rows = pool(featurize(complex_of(atoms, 4.0, 4.0), smooth_only=True))
    keep = [n for n, name in enumerate(rows.names) if not name.startswith("springs.stiffness")]
    return rows.values[0, keep]


def first_bond(t):
    """Two atoms in a box come within 4 Å of each other at t = 0: the crystal's only bond."""
    return pooled(Atoms("SiO", [[0, 0, 0], [4.0 - t, 0, 0]], cell=[14] * 3, pbc=True))


def first_triangle(t):
    """Three atoms, two sides within 4 Å; the third side comes in at t = 0, and with it the only triangle."""
    return pooled(Atoms("SiOC", [[0, 0, 0], [4.0 - t, 0, 0], [2.0, 1.5, 0]], cell=[14] * 3, pbc=True))


def equal_bonds(t):
    """The two bonds of a chain are equally long at t = 0, where their deviation has its least value."""
    return pooled(Atoms("Si3", [[0, 0, 0], [2.4 - t, 0, 0], [4.8, 0, 0]], cell=[14] * 3, pbc=True))


ENTERING = (2e-3, 1e-3, 5e-4)
ROUNDED = (1e-5, 5e-6, 2.5e-6)  # second derivatives are lost in round-off here


@pytest.mark.parametrize(
    "path, steps, orders",
    [
        (first_bond, ENTERING, (0, 1, 2)),
        (first_triangle, ENTERING, (0, 1, 2)),
        (equal_bonds, ROUNDED, (0, 1)),
    ],
)
def test_pooled_rows_have_no_jump(path, steps, orders):
    for order in orders:
        assert vanishes(gaps(path, order, steps)), order


@pytest.mark.parametrize(
    "path, steps, bare, order",
    [
        (first_bond, ENTERING, {"FLOOR": 1e-300}, 0),
        (first_triangle, ENTERING, {"FLOOR": 1e-300}, 0),
        (equal_bonds, ROUNDED, {"ROUNDING": 0.0}, 1),
    ],
)
def test_plain_means_and_deviations_are_caught(monkeypatch, path, steps, bare, order):
    """Without the floor the only bond's mean jumps to its value; without rounding the deviation has a kink."""
    for name, value in bare.items():
        monkeypatch.setattr(pooling, name, value)
    assert not vanishes(gaps(path, order, steps))


def _hard(x):
    return (x < 1).to(x.dtype)


def _cosine(x):
    return torch.where(x < 1, (1 + torch.cos(torch.pi * x)) / 2, 0)


@pytest.mark.parametrize("wrong, order", [(_hard, 0), (_cosine, 2)])
def test_wrong_weights_are_caught(monkeypatch, wrong, order):
    """A hard cutoff jumps, and a cosine one has a kink in its slope."""
    monkeypatch.setattr(complex_module, "smooth_cutoff", wrong)
    assert not vanishes(gaps(through_the_cutoff, order))


def test_wrong_triangle_readings_are_caught():
    """The area has a kink where the area squared has none, and the angle one where its cosine has none."""

    def kinked(t, what):
        h = featurize(complex_of(_flat(t), 4.0, 4.0), smooth_only=True)
        square = h.triangles["area_squared"]
        values = {"area": square.sqrt(), "area squared": square, "shape": h.triangles["shape"]}
        return (h.triangles.weights * values[what]).sum()[None]

    assert not vanishes(gaps(lambda t: kinked(t, "area"), 1))
    assert vanishes(gaps(lambda t: kinked(t, "area squared"), 2))
    assert vanishes(gaps(lambda t: kinked(t, "shape"), 2))


def _flat(t):
    return Atoms("Cu3", [[0, 0, 0], [1.5, t, 0], [3.0, 0, 0]], cell=[20] * 3, pbc=True)


def test_exactly_collinear_triangles_have_finite_second_derivatives():
    K = complex_of(bulk("Cu", "fcc", 3.61), 6.0, 6.0)
    h = featurize(K, smooth_only=True)
    assert (h.triangles["area_squared"] < 1e-12).any()
    positions = K.positions.clone().requires_grad_()

    def energy(x):
        inputs = featurize(K.with_positions(x), smooth_only=True).for_potential()
        return sum((table.weighted * table.values).sum() for table in inputs.values())

    (gradient,) = torch.autograd.grad(energy(positions), positions, create_graph=True)
    assert torch.isfinite(gradient).all()
    strain = torch.zeros(3, 3, dtype=torch.float64, requires_grad=True)
    moved = K.strained(strain)
    total = sum(
        (t.weighted * t.values).sum() for t in featurize(moved, smooth_only=True).for_potential().values()
    )
    (stress,) = torch.autograd.grad(total, strain, create_graph=True)
    (curvature,) = torch.autograd.grad(stress.sum(), strain)
    assert torch.isfinite(stress).all() and torch.isfinite(curvature).all()
    assert curvature.abs().max() > 0


@pytest.mark.parametrize("rule", [{}, {"cutoff": 5.0, "triangle_cutoff": 4.0}])
def test_triangles_fade_at_their_own_cutoff(rule):
    """Three atoms, one side on either side of the triangles' cutoff, which is shorter than the bonds': no jump."""

    def seen(side):
        height = np.sqrt(3.2**2 - (side / 2) ** 2)
        atoms = Atoms("Si3", [[0, 0, 0], [side, 0, 0], [side / 2, height, 0]], cell=[40, 40, 40], pbc=True)
        K = complex_of(atoms, **rule)
        h = featurize(K, smooth_only=True)
        weighted = (h.bonds.weights * h.bonds["shared_neighbours"]).sum()
        return K.n_triangles, K.n_edges, float(K.triangle_weights().sum()), float(weighted)

    reach = float(
        complex_of(Atoms("Si2", [[0, 0, 0], [2.5, 0, 0]], cell=[40] * 3), **rule).triangle_cutoffs[0]
    )
    inside, outside = seen(reach - 1e-6), seen(reach + 1e-6)
    assert (inside[0], outside[0]) == (1, 0) and inside[1] == outside[1] == 3
    assert inside[2] < 1e-15 and inside[3] < 1e-15
    assert outside[3] == 0
    assert seen(reach - 0.5)[2] > 1e-4  # a triangle well inside does count
