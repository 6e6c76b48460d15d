"""Embeddings: invariant, intensive, named, the same for every way of writing a crystal down."""

import numpy as np
import pytest
import torch
from ase import Atoms
from pymatgen.core import Lattice, Structure

from tenfma.crystal.structures import read
from tenfma.embedding import pooling
from tenfma.embedding.model import Model
from tenfma.embedding.pipeline import embed
from tenfma.errors import TenfmaError


@pytest.fixture(scope="module")
def model():
    return Model.untrained()


@pytest.fixture(scope="module")
def crystal():
    """Perovskite with every atom off its site, so that no symmetry helps."""
    structure = read("prototype:perovskite")
    rng = np.random.default_rng(0)
    moved = structure.cart_coords + 0.15 * rng.standard_normal((len(structure), 3))
    return Structure(structure.lattice, structure.species, moved, coords_are_cartesian=True)


def improper() -> np.ndarray:
    q, _ = np.linalg.qr(np.random.default_rng(1).standard_normal((3, 3)))
    return -q * np.sign(np.linalg.det(q))


def rewritten(structure: Structure) -> dict[str, Structure]:
    """The same crystal written down in other ways."""
    R = improper()
    rng = np.random.default_rng(2)
    order = rng.permutation(len(structure))
    lattice, species, where = structure.lattice, structure.species, structure.frac_coords
    shear = np.array([[1, 1, 0], [0, 1, -1], [0, 0, 1]])
    return {
        "turned and reflected": Structure(
            Lattice(lattice.matrix @ R.T), species, structure.cart_coords @ R.T, coords_are_cartesian=True
        ),
        "translated": Structure(lattice, species, where + rng.random(3)),
        "permuted": Structure(lattice, [species[i] for i in order], where[order]),
        "other images": Structure(lattice, species, where + rng.integers(-3, 4, where.shape)),
        "another cell": Structure(
            Lattice(shear @ lattice.matrix), species, structure.cart_coords, coords_are_cartesian=True
        ),
        "supercell": structure.make_supercell([[2, 0, 0], [0, 1, 1], [0, 0, 1]], in_place=False),
    }


def difference(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.max(np.abs(a - b) / (1 + np.abs(b))))


@pytest.mark.parametrize("p0", ["zero", "learned"])
def test_every_way_of_writing_a_crystal_gives_one_embedding(model, crystal, p0):
    expected = embed(model, [crystal], p0=p0).values
    for how, same in rewritten(crystal).items():
        assert difference(embed(model, [same], p0=p0).values, expected) < 1e-8, how


def test_a_sum_in_place_of_a_mean_would_be_caught(model, crystal, monkeypatch):
    """The wrong twin of intensive pooling: dividing by one cell instead of by the number of atoms."""
    expected = embed(model, [crystal]).values
    monkeypatch.setattr(pooling.torch, "bincount", lambda owner, minlength: torch.ones(minlength))
    supercell = crystal.make_supercell([2, 1, 1], in_place=False)
    wrong = np.subtract(*(embed(model, [one], certify=False, steps=0).values for one in (supercell, crystal)))
    monkeypatch.undo()
    assert float(np.abs(wrong).max()) > 1e-3
    assert difference(embed(model, [supercell]).values, expected) < 1e-8


def test_what_moves_is_seen(model, crystal):
    """The embedding depends on the motion, and comes back to that of q₀ as the time shrinks."""
    still = embed(model, [crystal], steps=0).values
    moved = embed(model, [crystal], steps=10).values
    barely = embed(model, [crystal], steps=1, dt=1e-4).values
    assert difference(moved, still) > 1e-3
    assert difference(barely, still) < 1e-6


def test_different_crystals_differ(model):
    embedding = embed(model, [read(f"prototype:{name}") for name in ("NaCl", "CsCl", "diamond", "graphite")])
    distances = np.linalg.norm(embedding.values[:, None] - embedding.values[None], axis=-1)
    assert distances[~np.eye(4, dtype=bool)].min() > 1e-2


def test_a_batch_is_its_members(model, crystal):
    crystals = [crystal, read("prototype:NaCl"), read("prototype:fcc")]
    together = embed(model, crystals)
    for index, one in enumerate(crystals):
        assert difference(together.values[index : index + 1], embed(model, [one]).values) < 1e-10


def test_every_component_is_named_once(model, crystal):
    embedding = embed(model, [crystal])
    assert len(embedding.names) == embedding.values.shape[1] == len(set(embedding.names))
    for name in (
        "bonds.length.mean",
        "bonds.harmonic_1.square",
        "triangles.shape.mean",
        "bonds.energy_per_atom",
    ):
        assert name in embedding.names
    assert not any("harmonic_1.mean" in name or "tilt.mean" in name for name in embedding.names)


def test_pooled_start_reads_as_the_features(model, crystal):
    """At the start, means are weighted means of the features in their own units."""
    features = model.features(model.complex(crystal))
    embedding = embed(model, [crystal], steps=0)
    w, length = features.bonds.weights, features.bonds["length"]
    expected = float((w * length).sum() / (w.sum() + pooling.FAINT * len(crystal)))
    assert embedding.values[0, embedding.names.index("bonds.length.mean")] == pytest.approx(
        expected, rel=1e-9
    )
    masses = np.mean([float(site.specie.atomic_mass) for site in crystal])
    got = embedding.values[0, embedding.names.index("atoms.mass.mean")]
    assert got == pytest.approx(masses, rel=2e-3)


def test_tensor_parts_turn_with_the_crystal_and_stay_apart(model, crystal):
    R = improper()
    turned = rewritten(crystal)["turned and reflected"]
    a, b = embed(model, [crystal]).tensors, embed(model, [turned]).tensors
    assert np.abs(a["atoms.dipole.mean"]).max() > 1e-6
    assert np.allclose(b["atoms.dipole.mean"], a["atoms.dipole.mean"] @ R.T, atol=1e-9)
    norms = [np.linalg.norm(x["atoms.quadrupole.mean"]) for x in (a, b)]
    assert norms[0] == pytest.approx(norms[1], rel=1e-8)


def test_a_lone_atom_has_an_embedding(model):
    lone = Atoms("Ar", cell=[30, 30, 30], pbc=True)
    assert np.isfinite(embed(model, [lone]).values).all()


def test_nothing_to_embed_is_refused(model):
    with pytest.raises(TenfmaError, match="at least one"):
        embed(model, [])
