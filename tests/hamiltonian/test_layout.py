"""Layout: naming loses nothing, and turning a state is a representation of O(3)."""

import pytest
import torch
from crystals import improper, normal
from e3nn import o3

from tenfma.errors import TenfmaError
from tenfma.hamiltonian.layout import Block, Layout, turn

BLOCKS = {
    "atoms": (Block("0e", 3), Block("1o", 2), Block("2e", 1)),
    "bonds": (Block("0e", 2), Block("0e", 1, -1), Block("1o", 1, -1), Block("1e", 1, -1)),
}

IRREPS = [f"{ell}{parity}" for ell in range(6) for parity in "eo"]


@pytest.fixture
def layout():
    owners = {"atoms": torch.tensor([0, 0, 1]), "bonds": torch.tensor([0, 1, 1, 1])}
    return Layout(BLOCKS, owners, n_crystals=2)


def test_split_and_join_are_inverse(layout):
    state = normal((5, layout.size))
    parts = layout.split(state)
    assert parts["atoms"].shape == (5, 3, 14)
    assert parts["bonds"].shape == (5, 4, 9)
    assert torch.equal(layout.join(parts), state)


def test_components_know_their_crystal_and_their_copy(layout):
    assert layout.crystals.bincount().tolist() == [2 * 14 + 9, 14 + 3 * 9]
    copies = {"atoms": torch.arange(6.0), "bonds": 10 + torch.arange(5.0)}
    expanded = layout.split(layout.expand(copies))
    assert expanded["atoms"][1].tolist() == [0, 1, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5, 5, 5]
    assert expanded["bonds"][3].tolist() == [10, 11, 12, 13, 13, 13, 14, 14, 14]


def test_a_state_of_another_size_is_refused(layout):
    with pytest.raises(TenfmaError, match=f"this layout has {layout.size}"):
        layout.split(torch.zeros(layout.size + 1))


@pytest.mark.parametrize("irrep", IRREPS)
def test_turning_is_that_of_e3nn(irrep):
    R = improper(3)
    values = normal((4, 2 * int(irrep[0]) + 1))
    expected = values @ o3.Irrep(irrep).D_from_matrix(R).to(values).T
    assert torch.allclose(turn(values, irrep, R), expected, atol=1e-6)  # e3nn goes through angles


@pytest.mark.parametrize("irrep", IRREPS)
def test_turning_twice_is_turning_by_the_product(irrep):
    A, B, values = improper(1), improper(2), normal((3, 2 * int(irrep[0]) + 1))
    assert torch.allclose(turn(turn(values, irrep, B), irrep, A), turn(values, irrep, A @ B), atol=1e-13)
    assert torch.allclose(turn(values, irrep, A).norm(dim=-1), values.norm(dim=-1), atol=1e-13)


def test_flipping_changes_the_sign_of_odd_channels_of_the_masked_bonds_only(layout):
    state = torch.ones(layout.size)
    mask = torch.tensor([True, False, False, True])
    flipped = layout.split(layout.flipped(state, mask))
    assert torch.equal(flipped["atoms"], torch.ones(3, 14))
    assert flipped["bonds"][0].tolist() == [1, 1, -1, -1, -1, -1, -1, -1, -1]
    assert torch.equal(flipped["bonds"][1], torch.ones(9))
    assert torch.equal(layout.flipped(layout.flipped(state, mask), mask), state)
