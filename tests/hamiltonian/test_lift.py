"""Lift: equivariant, exact to undo, and zero where the weight is zero."""

from dataclasses import replace

import pytest
import torch
from crystals import improper, relative, shaken, turned

from tenfma.crystal.features import LOCAL_RANKS
from tenfma.embedding.model import Model


@pytest.fixture(scope="module")
def model():
    return Model.untrained()


@pytest.fixture(scope="module")
def features(model):
    return model.features(model.complex(shaken("perovskite")))


def test_features_are_read_back_exactly(model, features):
    tables = features.for_potential()
    rows = model.lift(tables)
    for rank in LOCAL_RANKS:
        readings = model.lift.rank(rank).readings(rows[rank])
        weights = tables[rank].weights[:, None]
        assert torch.allclose(readings[:, :1], weights, atol=1e-12)
        assert relative(readings[:, 1:], tables[rank].weighted) < 1e-12
        assert model.lift.rank(rank).columns[1:] == tables[rank].components


def test_the_lift_turns_with_the_crystal(model, features):
    R = improper()
    K = features.complex
    layout = model.layout(K)
    q = layout.join(model.lift(features.for_potential()))
    q_turned = layout.join(model.lift(model.features(turned(K, R)).for_potential()))
    assert relative(q_turned, layout.rotated(q, R)) < 1e-12


def test_the_lift_flips_with_the_bonds(model, features):
    K = features.complex
    mask = torch.rand(K.n_edges, generator=torch.Generator().manual_seed(0)) < 0.5
    layout = model.layout(K)
    q = layout.join(model.lift(features.for_potential()))
    flipped = layout.join(model.lift(model.features(K.flipped(mask)).for_potential()))
    assert relative(flipped, layout.flipped(q, mask)) < 1e-12
    assert relative(flipped, q) > 1e-3, "flipping must be seen by the odd channels"


def test_what_has_no_weight_has_no_q(model, features):
    for rank in LOCAL_RANKS:
        table = features.for_potential()[rank]
        rows = model.lift.rank(rank)(replace(table, weights=torch.zeros_like(table.weights)))
        assert torch.equal(rows, torch.zeros_like(rows))


def test_the_pullback_is_the_chain_rule(model, features):
    table = features.for_potential()["bonds"]
    lift = model.lift.rank("bonds")
    f = lift.standardised(table).requires_grad_()
    slope = torch.randn(len(table), sum(b.width for b in lift.blocks), dtype=f.dtype)
    inverse = lift.inverse(lift(table))
    assert relative(inverse, f) < 1e-12
    # ⟨slope, W δ⟩ = ⟨Wᵀ slope, δ⟩ for the rows of any other crystal state δ
    delta = torch.randn_like(slope)
    assert torch.allclose((slope * delta).sum(), (lift.pullback(slope) * lift.inverse(delta)).sum())


def test_reference_features_have_unit_scale(model):
    from tenfma.embedding.model import _reference

    for rank, table in _reference(model.cutoff, model.triangle_cutoff).items():
        f = model.lift.rank(rank).standardised(table)
        spread = ((f**2).sum(0) / (table.weights**2).sum()).sqrt()
        assert float(spread.max()) < 5
