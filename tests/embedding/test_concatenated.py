"""Every simplex moves: one embedding for one crystal, batches, flips, learning by all ways through time, folders."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from ase.build import make_supercell
from ase.io import write
from test_pooled_evolution import CRYSTALS, NAMES, SMALL, low_symmetry, same_crystal

import tenfma
from tenfma.cli import run
from tenfma.dynamics.integrate import integrate
from tenfma.embedding.concatenated import Concatenated, aggregation_named
from tenfma.embedding.evolved import Motion
from tenfma.embedding.graphs import Graphs, graphs_of, static_names
from tenfma.errors import TenfmaError

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))
from labelled_crystals import labelled

MOTION = Motion(steps=6, dt=0.4)


def net_of(motion: Motion = MOTION, seed: int = 0) -> Concatenated:
    torch.manual_seed(seed)
    net = Concatenated(static_names(), 2, SMALL, motion)
    graphs = graphs_of(CRYSTALS)
    net.static.fit(graphs.static)
    net.messages.fit(graphs)
    with torch.no_grad():
        net.potential.scale.fill_(3.0)
        net.potential.shift.fill_(-1.0)
    return net.eval()


def z(net: Concatenated, graphs: Graphs) -> torch.Tensor:
    with torch.no_grad():
        return net.to(graphs.static.dtype).embed(graphs)[0]


def flipped(g: Graphs, mask: torch.Tensor, signs: bool = True) -> Graphs:
    """The same crystals with the bonds in `mask` stored the other way round."""
    _, _, sides = g.linked
    turn = torch.where(mask, -1.0, 1.0).to(g.units)
    return replace(
        g,
        ends=torch.where(mask[:, None], g.ends.flip(1), g.ends),
        units=turn[:, None] * g.units,
        signs=turn[sides] * g.signs if signs else g.signs,
    )


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype, tolerance", [(torch.float64, 1e-10), (torch.float32, 1e-5)])
def test_one_crystal_in_many_notations_has_one_embedding(name, dtype, tolerance):
    net = net_of()
    first, second = (z(net, graphs_of([atoms], dtype)) for atoms in (low_symmetry(), same_crystal(name)))
    assert float((first - second).abs().max() / first.abs().max()) < tolerance


def test_motion_of_simplices_reaches_the_embedding():
    moved, still = (z(net_of(replace(MOTION, steps=n)), graphs_of(CRYSTALS)) for n in (6, 0))
    assert float((moved - still).abs().max()) > 1e-2


def test_the_direction_a_bond_is_stored_in_does_not_matter():
    net, graphs = net_of(), graphs_of(CRYSTALS, torch.float64)
    mask = torch.rand(len(graphs.ends), generator=torch.Generator().manual_seed(2)) < 0.5
    there = z(net, graphs)
    torch.testing.assert_close(z(net, flipped(graphs, mask)), there, rtol=0, atol=1e-10)
    # the twin: signs of the boundary map that do not follow
    assert float((z(net, flipped(graphs, mask, signs=False)) - there).abs().max()) > 1e-7


def test_the_signs_are_those_of_a_boundary_of_a_boundary():
    g = graphs_of(CRYSTALS, torch.float64)
    tails, heads, sides = g.linked
    first = torch.zeros(len(g.numbers), len(tails), dtype=torch.float64)
    place = torch.arange(len(tails))
    first[heads, place] += 1
    first[tails, place] -= 1
    second = torch.zeros(len(tails), len(sides), dtype=torch.float64)
    second.index_put_((sides, torch.arange(len(sides))[:, None]), g.signs, accumulate=True)
    assert len(sides) > 10 and float((first @ second).abs().max()) == 0


def test_a_batch_is_its_crystals_one_by_one():
    net = net_of()
    together = z(net, graphs_of(CRYSTALS))
    certificates = net.certificate(graphs_of(CRYSTALS))
    for place, atoms in enumerate(CRYSTALS):
        alone = graphs_of([atoms])
        assert float((together[place] - z(net, alone)[0]).abs().max()) < 3e-6 * float(together.abs().max())
        for name, value in net.certificate(alone).items():
            torch.testing.assert_close(value[0], certificates[name][place], rtol=1e-4, atol=2e-6)


def test_energies_are_per_crystal_and_those_at_rest_per_atom():
    net = net_of().double()
    atoms = low_symmetry()
    both = graphs_of([atoms, make_supercell(atoms, np.diag([1, 2, 1]))], torch.float64)
    with torch.no_grad():
        H, q, p, _ = net.start(both)
        energies, rest = H(q, p), net.embed(both)[3]
    torch.testing.assert_close(energies[1], 2 * energies[0], rtol=1e-12, atol=0)
    torch.testing.assert_close(rest[1], rest[0], rtol=1e-12, atol=0)


def test_the_chart_is_equivariant_and_retraces_its_path():
    net = net_of().double()
    with torch.no_grad():
        H, q, p, _ = net.start(graphs_of(CRYSTALS, torch.float64))
        for _, other, D in H.equivariances(1):
            torch.testing.assert_close(other(D(q), D(p)), H(q, p), rtol=0, atol=1e-9)
        end = integrate(H, q, p, dt=0.2, steps=10, save_every=10)
        back = integrate(H, end.q[-1], -end.p[-1], dt=0.2, steps=10, save_every=10)
    torch.testing.assert_close(back.q[-1], q, rtol=0, atol=1e-9)


def test_reversible_gradients_are_those_of_backprop():
    graphs = graphs_of(CRYSTALS[:2], torch.float64)
    found = []
    for gradient in ("backprop", "reversible"):
        net = net_of(replace(MOTION, gradient=gradient)).double()
        y, rest = net(graphs)
        (y.square().sum() + rest.square().sum()).backward()
        found.append({name: p.grad for name, p in net.named_parameters() if p.grad is not None})
    assert found[0].keys() == found[1].keys() and {"log_mass", "lift.odd.weight"} <= found[0].keys()
    for name, grad in found[0].items():
        torch.testing.assert_close(found[1][name], grad, rtol=1e-6, atol=1e-8)


def test_a_neighbour_enters_without_a_jump(monkeypatch):
    from ase import Atoms

    from tenfma.crystal.cutoffs import covalent_radii
    from tenfma.embedding.graphs import NEAR

    net, edge = net_of(), NEAR * 2 * float(covalent_radii()[29])
    rows = [
        z(net, graphs_of([Atoms("Cu2", [[0, 0, 0], [0, 0, r]], cell=[20] * 3, pbc=True)], torch.float64))
        for r in (edge - 1e-5, edge + 1e-5, edge - 0.3)
    ]
    assert float((rows[0] - rows[1]).abs().max()) < 1e-3 * float((rows[0] - rows[2]).abs().max())
    # the twin: simplices that are as light at their cutoff as anywhere
    monkeypatch.setattr("tenfma.hamiltonian.simplices.FAINT", 1.0)
    light = [
        z(net, graphs_of([Atoms("Cu2", [[0, 0, 0], [0, 0, r]], cell=[20] * 3, pbc=True)], torch.float64))
        for r in (edge - 1e-5, edge + 1e-5)
    ]
    assert float((light[0] - light[1]).abs().max()) > 20 * float((rows[0] - rows[1]).abs().max())


def test_names_and_baths_that_do_not_fit_are_told():
    with pytest.raises(TenfmaError, match="pool and concatenate"):
        aggregation_named("mean")
    with pytest.raises(TenfmaError, match="without a bath"):
        net_of(Motion("baoab", kT=0.1, friction=1.0))
    with pytest.raises(TenfmaError, match="without a bath"):
        net_of(Motion(p0="thermal", kT=0.1))


def test_the_command_names_momenta_and_gradients(tmp_path):
    data = str(tmp_path / "train.extxyz")
    write(data, labelled(30))
    command = ["train", "--task", "property", "--data", data, "--target", "e_form_per_atom"]
    command += ["--members", "1", "--epochs", "1", "--steps", "3"]
    found = {}
    for name, own in (
        ("thermal", ["--p0", "thermal", "--kT", "0.1"]),
        ("backprop", ["--p0", "zero"]),
        ("reversible", ["--p0", "zero", "--gradient", "reversible"]),
    ):
        out = str(tmp_path / name)
        assert run([*command, *own, "--out", out]) == 0
        found[name] = tenfma.load(out)
    assert (found["thermal"].motion.p0, found["thermal"].motion.kT) == ("thermal", 0.1)
    assert found["reversible"].motion.gradient == "reversible"
    values = [found[name].predict(labelled(5)).values for name in ("backprop", "reversible")]
    np.testing.assert_allclose(*values, rtol=1e-3, atol=1e-3)  # the same gradients, another way


def test_the_commands_train_it_by_name_and_load_it_again(tmp_path, capsys):
    data, out = str(tmp_path / "train.extxyz"), str(tmp_path / "model")
    write(data, labelled(30))
    command = ["train", "--task", "property", "--data", data, "--out", out, "--target", "e_form_per_atom"]
    command += ["--members", "2", "--epochs", "2", "--steps", "2"]
    for wrong, told in (
        (["--aggregation", "mean"], "pool and concatenate"),
        (["--aggregation", "concatenate", "--bath", "even"], "without a bath"),
        (["--bath", "cold"], "none, even and learned"),
        (["--p0", "hot"], "zero, learned, thermal are accepted"),
        (["--p0", "thermal", "--kT", "0"], "give a finite kT > 0"),
        (["--gradient", "none"], "backprop, checkpoint, reversible are"),
        (["--epochs", "0"], "at least 1"),
    ):
        assert run([*command, *wrong]) == 2
        assert told in capsys.readouterr().err
    assert not (tmp_path / "model").exists()
    assert run([*command, "--aggregation", "concatenate"]) == 0
    assert "every atom, bond and triangle moves" in (tmp_path / "model" / "card.md").read_text()
    model = tenfma.load(out)
    assert model.aggregation == "concatenate"
    frames = labelled(5, seed=3)
    values = model.predict(frames).values
    np.testing.assert_allclose(values, np.concatenate([model.predict([f]).values for f in frames]), atol=1e-5)
    embedding = model.embed(frames)
    assert embedding.values.shape == (5, len(embedding.names))
    assert embedding.tensors["end.quadrupoles"].shape == (5, 4, 5)
    assert model.certificates(frames)["reversal_error"].max() < 1e-5
    H, q0, p0 = model.hamiltonian(frames[0])
    assert q0.shape == H.event_shape and H(q0, p0).shape == (1,)
    assert tenfma.TenFMAFeaturizer(model, motion={"steps": 0}).fit().transform(frames).shape[0] == 5
    with pytest.raises(TenfmaError, match="without a bath"):
        model.embed(frames, p0="thermal", kT=0.1)
