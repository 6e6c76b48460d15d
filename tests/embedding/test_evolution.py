"""Models and the runs they make: loading, saving, supercells in motion, and refusals."""

import json

import numpy as np
import pytest
import torch

import tenfma
from tenfma.crystal.structures import read
from tenfma.dynamics.path import Path
from tenfma.embedding.evolution import KEPT, evolve, spacing
from tenfma.embedding.pipeline import load
from tenfma.errors import TenfmaError


@pytest.fixture(scope="module")
def model():
    return load()


@pytest.fixture(scope="module")
def salt():
    return read("prototype:NaCl")


def test_the_default_says_that_it_is_untrained(model):
    assert tenfma.load is load
    assert not model.trained
    assert "untrained" in model.name
    assert "untrained" in model.description


def test_seeds_decide_the_weights(salt):
    energies = {seed: load(f"untrained:{seed}").energy(salt) for seed in (0, 1)}
    assert energies[0] == load().energy(salt)
    assert energies[0] != energies[1]


@pytest.mark.parametrize("name", ["no-such-model", "untrained:x", "untrained:99999999999", ""])
def test_unknown_models_are_refused(name):
    with pytest.raises(TenfmaError):
        load(name)


def test_a_saved_model_comes_back_whole(model, salt, tmp_path):
    model.save(tmp_path / "model")
    again = load(str(tmp_path / "model"))
    assert again.energy(salt) == model.energy(salt)
    assert again.trained == model.trained
    assert str(again.cutoff) == str(model.cutoff)
    _, q, p = model.hamiltonian(salt, p0="learned")
    _, q1, p1 = again.hamiltonian(salt, p0="learned")
    assert torch.equal(q, q1)
    assert torch.equal(p, p1)


def test_a_broken_model_folder_is_refused_in_words(model, tmp_path):
    model.save(tmp_path)
    (tmp_path / "weights.safetensors").write_bytes(b"noise")
    with pytest.raises(TenfmaError, match="is no file of weights"):
        load(str(tmp_path))


@pytest.mark.parametrize("p0", ["zero", "learned"])
def test_a_supercell_moves_as_its_primitive_cell(model, p0):
    structure = read("prototype:rutile")
    structure.translate_sites([0], [0.03, 0.02, 0.01])
    supercell = structure.make_supercell([1, 1, 2], in_place=False)
    one, two = (evolve(model, s, steps=20, p0=p0, save_every=1).energies for s in (structure, supercell))
    assert np.allclose(one / len(structure), two / len(supercell), rtol=1e-10)
    parts = [model.hamiltonian(s, p0=p0).H for s in (structure, supercell)]
    assert parts[1].layout.size == 2 * parts[0].layout.size


def test_thermal_momenta_are_maxwell_boltzmann_and_seeded(model, salt):
    H, _, p = model.hamiltonian(salt, p0="thermal", kT=0.5, seed=3)
    assert float((p**2 / H.mass).mean()) == pytest.approx(0.5, rel=0.15)
    assert torch.equal(p, model.hamiltonian(salt, p0="thermal", kT=0.5, seed=3).p0)
    assert not torch.equal(p, model.hamiltonian(salt, p0="thermal", kT=0.5, seed=4).p0)


@pytest.mark.parametrize(
    "settings",
    [
        {"chart": "textbook"},
        {"p0": "hot"},
        {"p0": "thermal"},
        {"chart": "atoms", "p0": "learned"},
    ],
)
def test_settings_that_do_not_fit_are_refused(model, salt, settings):
    with pytest.raises(TenfmaError):
        model.hamiltonian(salt, **settings)


def test_a_run_in_heat_is_reproducible(model, salt):
    settings = {"method": "baoab", "kT": 0.1, "friction": 1.0, "steps": 5}
    a, b = (evolve(model, salt, seed=7, **settings).path.q[-1] for _ in range(2))
    assert torch.equal(a, b)
    assert not torch.equal(a, evolve(model, salt, seed=8, **settings).path.q[-1])


def test_a_saved_run_can_be_read_back(model, salt, tmp_path):
    done = evolve(model, salt, steps=10, save_every=5)
    done.save(tmp_path / "path.npz")
    path = Path.load(tmp_path / "path.npz")
    assert np.array_equal(path.q, done.path.q.numpy())
    with np.load(tmp_path / "path.npz") as file:
        assert not json.loads(str(file["model"]))["trained"]
        layout = json.loads(str(file["layout"]))
        assert sum(part["cells"] * part["width"] for part in layout.values()) == path.q.shape[-1]
    assert [file.name for file in tmp_path.iterdir()] == ["path.npz"]


def test_the_summary_names_what_a_person_wants_to_know(model, salt):
    summary = evolve(model, salt, steps=4).summary()
    assert "NaCl" in summary["crystal"]
    assert "triangles" in summary["simplices"]
    assert "untrained" in summary["weights"]
    assert "eV" in summary["energy"]


def test_atoms_chart_runs_too(model, salt):
    done = evolve(model, salt, chart="atoms", dt=1.0, steps=5, p0="thermal", kT=0.025)
    assert done.path.q.shape[1:] == (2, 3)
    assert np.isfinite(done.energies).all()


def test_long_paths_of_large_crystals_are_thinned():
    assert spacing(1_000, 400) == 1
    for size in (10_000, 400_000, 10_000_000):
        kept = -(-400 // spacing(size, 400))
        assert kept <= 2 or 2 * size * (kept - 1) <= KEPT


def _with_a_bond_of(length):
    """Two pairs of ions, and the distance between one ion of each, Å."""
    from pymatgen.core import Lattice, Structure

    sites = [[5, 5, 5], [7.6, 5, 5], [5, 7.7, 5], [7.6, 5, 5 + length]]
    return Structure(Lattice.cubic(30.0), ["Na", "Cl", "Na", "Cl"], sites, coords_are_cartesian=True)


def _jump(model, step=1e-9):
    """How much H, ∂H/∂q and q(T) of the atoms differ just before and after a bond enters the cutoff, and the motion."""
    inside, outside = 4.0, 6.0
    bonds = model.complex(_with_a_bond_of(inside)).n_edges
    while outside - inside > step:
        middle = (inside + outside) / 2
        if model.complex(_with_a_bond_of(middle)).n_edges == bonds:
            inside = middle
        else:
            outside = middle
    found = []
    for length in (inside, outside):
        H, q, p = model.hamiltonian(_with_a_bond_of(length))
        path = tenfma.integrate(H, q, p, dt=0.05, steps=60, method="leapfrog")
        rows = [H.layout.split(x)["atoms"] for x in (H.dq(q, p), path.q[-1], path.q[-1] - q)]
        found.append((H(q, p), *rows, H.layout.cells("bonds")))
    (one, other) = found
    assert one[-1] == other[-1] + 1
    return [float((a - b).abs().max()) for a, b in zip(one[:3], other[:3])], float(one[3].abs().max())


def test_nothing_jumps_when_a_bond_enters_the_cutoff(model):
    jumps, moved = _jump(model)
    assert moved > 0.1 and max(jumps) < 1e-7


def test_masses_that_are_all_alike_let_the_path_jump(model, monkeypatch):
    monkeypatch.setattr("tenfma.hamiltonian.simplices.FAINT", 1.0)
    (energy, slope, path), moved = _jump(model)
    assert max(energy, slope) < 1e-7 and path > 1e-4 * moved
