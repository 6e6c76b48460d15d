"""Evolution of one small vector per crystal: symmetry, batches, memory, learning by all three ways through time."""

import gc
import weakref

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk, make_supercell

from tenfma.dynamics.integrate import integrate
from tenfma.embedding.evolved import Evolved, Motion, Size
from tenfma.embedding.graphs import Graphs, graphs_of, static_names
from tenfma.errors import TenfmaError
from tenfma.hamiltonian.pooled import PooledHamiltonian, invariants, turned

SMALL = Size(channels=16, copies=4, scalars=12, tensors=3, context=8, hidden=16, dropout=0.0)


def low_symmetry() -> Atoms:
    """A crystal without any symmetry, so that its vectors and quadrupoles do not vanish."""
    return Atoms(
        "TiO2S",
        cell=[[3.9, 0.2, 0.1], [0.4, 4.3, 0.3], [0.2, 0.5, 4.9]],
        scaled_positions=[[0.02, 0.05, 0.01], [0.5, 0.45, 0.1], [0.1, 0.5, 0.55], [0.52, 0.03, 0.6]],
        pbc=True,
    )


CRYSTALS = [low_symmetry(), bulk("Cu"), bulk("NaCl", "rocksalt", a=5.6), bulk("Fe", cubic=True), bulk("Mg")]


def net_of(motion: Motion, seed: int = 0) -> Evolved:
    torch.manual_seed(seed)
    net = Evolved(static_names(), 2, SMALL, motion)
    graphs = graphs_of(CRYSTALS)
    net.static.fit(graphs.static)
    net.messages.fit(graphs)
    with torch.no_grad():
        net.potential.scale.fill_(3.0)
    return net.eval()


def z(net: Evolved, structures, dtype=torch.float64) -> torch.Tensor:
    with torch.no_grad():
        return net.to(dtype).embed(graphs_of(structures, dtype))[0]


def same_crystal(name: str) -> Atoms:
    atoms = low_symmetry()
    generator = np.random.default_rng(3)
    if name == "supercell":
        return make_supercell(atoms, [[2, 1, 0], [0, 1, 0], [0, 0, 2]])
    if name == "other cell vectors":
        return make_supercell(atoms, [[1, 1, 0], [0, 1, 0], [0, -1, 1]])
    if name == "permuted":
        return atoms[[2, 0, 3, 1]]
    if name == "translated and wrapped":
        atoms.positions += [0.7, -0.4, 1.9]
        atoms.wrap()
    elif name == "other images":
        atoms.positions += generator.integers(-2, 3, (4, 3)) @ atoms.cell.array
    else:
        Q, _ = np.linalg.qr(generator.normal(size=(3, 3)))
        Q *= np.sign(np.linalg.det(Q)) * (-1 if name == "mirrored" else 1)
        atoms.set_cell(atoms.cell.array @ Q.T)
        atoms.positions = atoms.positions @ Q.T
    return atoms


NAMES = (
    "supercell",
    "other cell vectors",
    "permuted",
    "translated and wrapped",
    "other images",
    "rotated",
    "mirrored",
)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype, tolerance", [(torch.float64, 1e-10), (torch.float32, 1e-5)])
def test_one_crystal_in_many_notations_has_one_embedding(name, dtype, tolerance):
    net = net_of(Motion(steps=12, dt=0.2))
    first, second = z(net, [low_symmetry()], dtype), z(net, [same_crystal(name)], dtype)
    assert float((first - second).abs().max() / first.abs().max()) < tolerance


def test_another_crystal_has_another_embedding():
    net = net_of(Motion())
    other = low_symmetry()
    other.positions[1] += [0.1, 0.0, 0.0]
    assert float((z(net, [low_symmetry()]) - z(net, [other])).abs().max()) > 1e-3


def test_invariance_fails_where_a_vector_is_read_as_scalars():
    net = net_of(Motion()).double()
    ends = []
    for atoms in (low_symmetry(), same_crystal("rotated")):
        with torch.no_grad():
            ends.append(net.embed(graphs_of([atoms], torch.float64))[2])
    vectors = slice(SMALL.scalars, SMALL.scalars + 3 * SMALL.tensors)
    assert float((ends[0][:, vectors] - ends[1][:, vectors]).abs().max()) > 1e-3
    assert float((invariants(net.blocks, ends[0]) - invariants(net.blocks, ends[1])).abs().max()) < 1e-10


def test_a_batch_is_its_crystals_one_by_one():
    net = net_of(Motion())
    together = z(net, CRYSTALS, torch.float32)
    for row, atoms in zip(together, CRYSTALS):
        assert (
            float((row - z(net, [atoms], torch.float32)[0]).abs().max())
            < 1e-6 * float(together.abs().max()) * 3
        )


def test_taking_crystals_out_of_a_union_gives_their_own_graphs():
    graphs = graphs_of(CRYSTALS)
    taken = graphs.take(torch.tensor([3, 0]))
    alone = Graphs.union([graphs_of([CRYSTALS[3]]), graphs_of([CRYSTALS[0]])])
    assert torch.equal(taken.counts, alone.counts) and torch.equal(taken.ends, alone.ends)
    torch.testing.assert_close(taken.bonds, alone.bonds)
    for mine, theirs in zip(taken.linked, alone.linked):
        assert torch.equal(mine, theirs)


def test_a_neighbour_enters_without_a_jump():
    net = net_of(Motion()).double()
    from tenfma.crystal.cutoffs import covalent_radii
    from tenfma.embedding.graphs import NEAR

    edge = NEAR * 2 * float(covalent_radii()[29])
    rows = [
        z(net, [Atoms("Cu2", [[0, 0, 0], [0, 0, edge + step]], cell=[20] * 3, pbc=True)])
        for step in (-1e-5, 1e-5, 0.3)
    ]
    assert float((rows[0] - rows[1]).abs().max()) < 1e-3 * float((rows[1] - rows[2]).abs().max())


def test_motion_is_equivariant_and_reversible():
    net = net_of(Motion()).double()
    with torch.no_grad():
        H, q, p, _ = net.start(graphs_of(CRYSTALS, torch.float64))
        for _, other, D in H.equivariances(1):
            torch.testing.assert_close(other(D(q), D(p)), H(q, p), rtol=0, atol=1e-10)
            end = integrate(H, q, p, dt=0.2, steps=10, save_every=10)
            turned_end = integrate(other, D(q), D(p), dt=0.2, steps=10, save_every=10)
            torch.testing.assert_close(turned_end.q[-1], D(end.q[-1]), rtol=0, atol=1e-9)
        back = integrate(H, end.q[-1], -end.p[-1], dt=0.2, steps=10, save_every=10)
    torch.testing.assert_close(back.q[-1], q, rtol=0, atol=1e-9)


def test_one_mass_per_component_is_not_equivariant():
    net = net_of(Motion()).double()
    with torch.no_grad():
        H, q, p, _ = net.start(graphs_of([low_symmetry()], torch.float64))
        mass = 1 + torch.rand(q.shape[1], dtype=torch.float64, generator=torch.Generator().manual_seed(0))
        wrong = PooledHamiltonian(H.potential, H.q0, H.context, mass)
        p = torch.ones_like(p)
        _, other, D = wrong.equivariances(1)[0]
        assert float((other(D(q), D(p)) - wrong(q, p)).abs().max()) > 1e-2


def test_the_learned_energy_is_bounded_however_far_q_goes():
    net = net_of(Motion()).double()
    with torch.no_grad():
        H, q, _, _ = net.start(graphs_of(CRYSTALS, torch.float64))
        direction = torch.randn(q.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
        far = [H.potential(q + size * direction, H.context) for size in (1e2, 1e4, 1e6)]
    assert float((far[2] - far[1]).abs().max()) < 0.02 * float(far[1].abs().max() + 1)


@pytest.mark.parametrize("motion", [Motion(), Motion("baoab", kT=0.05, friction=0.5)])
def test_reversible_gradients_are_those_of_backprop(motion):
    from dataclasses import replace

    graphs = graphs_of(CRYSTALS, torch.float64)
    found = []
    for gradient in ("backprop", "reversible"):
        net = net_of(replace(motion, gradient=gradient, steps=16)).double()
        y, _ = net(graphs, seed=5)
        y.square().sum().backward()
        found.append({name: p.grad for name, p in net.named_parameters() if p.grad is not None})
    assert found[0].keys() == found[1].keys() and "log_mass" in found[0]
    for name, grad in found[0].items():
        torch.testing.assert_close(found[1][name], grad, rtol=1e-6, atol=1e-8)


class Held:
    """What autograd keeps: alive as long as the graph that holds it."""

    def __init__(self, x: torch.Tensor) -> None:
        self.x = x


def kept_bytes(gradient: str, steps: int) -> int:
    """Bytes that autograd holds on to between forward and backward."""
    net, graphs = net_of(Motion(steps=steps, gradient=gradient)), graphs_of(CRYSTALS)
    held: weakref.WeakSet[Held] = weakref.WeakSet()

    def pack(x: torch.Tensor) -> Held:
        one = Held(x)
        held.add(one)
        return one

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda one: one.x):
        end = net(graphs)[0].sum()
        gc.collect()
        size = sum({one.x.data_ptr(): one.x.numel() * one.x.element_size() for one in held}.values())
        end.backward()
    return size


def test_memory_of_reversible_gradients_does_not_grow_with_the_path():
    short, long = kept_bytes("reversible", 16), kept_bytes("reversible", 128)
    assert long < 1.1 * short
    assert kept_bytes("backprop", 128) > 3 * kept_bytes("backprop", 16)


def test_momenta_by_name():
    graphs = graphs_of(CRYSTALS, torch.float64)
    starts = {}
    for p0 in ("zero", "learned", "thermal"):
        net = net_of(Motion(p0=p0, kT=0.1 if p0 == "thermal" else 0.0)).double()
        with torch.no_grad():
            starts[p0] = net.start(graphs, seed=2)[2]
    assert float(starts["zero"].abs().max()) == 0
    R = torch.tensor([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]], dtype=torch.float64)
    net = net_of(Motion()).double()
    with torch.no_grad():
        H, q, p, _ = net.start(graphs)
        torch.testing.assert_close(
            net._momenta(turned(net.blocks, q, R), H.mass, 0), turned(net.blocks, p, R)
        )
    assert float(starts["thermal"].std()) == pytest.approx(0.1**0.5, rel=0.3)
    with pytest.raises(TenfmaError, match="zero, learned, thermal"):
        Motion(p0="warm")
    with pytest.raises(TenfmaError, match="kT"):
        Motion(p0="thermal")


def test_a_certificate_tells_a_good_path_from_a_coarse_one():
    graphs = graphs_of(CRYSTALS, torch.float64)
    fine = net_of(Motion(dt=0.02, steps=50)).double().certificate(graphs)
    coarse = net_of(Motion(dt=0.5, steps=2)).double().certificate(graphs)
    assert float(fine["reversal_error"].max()) < 1e-10
    assert float(fine["energy_drift"].max()) < 0.1 * float(coarse["energy_drift"].max())
    assert float(fine["distance"].min()) > 0
    # the twin: steps that no reversal of momenta takes back
    wrong = net_of(Motion("euler", dt=0.02, steps=50)).double().certificate(graphs)
    assert float(wrong["reversal_error"].min()) > 1e-4
    assert float(wrong["energy_drift"].max()) > 10 * float(fine["energy_drift"].max())
