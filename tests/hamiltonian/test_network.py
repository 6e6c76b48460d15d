"""The learned Hamiltonian of simplices: symmetries, bounds, parts, derivatives, and planted mistakes."""

import pytest
import torch
from crystals import improper, normal, relative, shaken, turned
from torch import nn

from tenfma.dynamics.certificates.certifier import _case
from tenfma.dynamics.certificates.checks import equivariance
from tenfma.dynamics.integrate import integrate
from tenfma.dynamics.methods import METHODS
from tenfma.embedding.model import Model
from tenfma.hamiltonian.network import Connectivity
from tenfma.hamiltonian.protocol import Capability
from tenfma.hamiltonian.simplices import SimplicesHamiltonian


@pytest.fixture(scope="module")
def model():
    return Model.untrained()


@pytest.fixture(scope="module")
def K(model):
    return model.complex(shaken("perovskite"))


@pytest.fixture(scope="module")
def start(model, K):
    """H at a state off the surface q₀(r), moving."""
    H, q0, _ = model.hamiltonian(K)
    return H, q0 + 0.1 * normal(q0.shape, 1), normal(q0.shape, 2)


class ReadsX(nn.Module):
    """A wrong potential: besides the right energy, the x component of each atom's dipole."""

    def __init__(self, potential: nn.Module) -> None:
        super().__init__()
        self.potential = potential

    def forward(self, rows, links):
        parts = self.potential(rows, links)
        return {**parts, "atoms": parts["atoms"] + rows["atoms"][:, 13]}


class IgnoresSigns(nn.Module):
    """A wrong potential: circulations around triangles without the signs of B₂."""

    def __init__(self, potential: nn.Module) -> None:
        super().__init__()
        self.potential = potential

    def forward(self, rows, links):
        unsigned = Connectivity(links.n_atoms, links.tails, links.heads, links.sides, links.signs.abs())
        return self.potential(rows, unsigned)


def rotation_error(H: SimplicesHamiltonian, q, p) -> float:
    R = improper(5)
    D = H.layout.rotated
    return relative(H.rotated(R)(D(q, R), D(p, R)), H(q, p))


def flip_error(H: SimplicesHamiltonian, q, p) -> float:
    mask = torch.rand(len(H.links.tails), generator=torch.Generator().manual_seed(1)) < 0.5
    F = H.layout.flipped
    return relative(H.flipped(mask)(F(q, mask), F(p, mask)), H(q, p))


def test_h_is_invariant_under_improper_rotations(start):
    H, q, p = start
    assert rotation_error(H, q, p) < 1e-10
    wrong = SimplicesHamiltonian(ReadsX(H.potential), H.layout, H.links, H.q0, H.mass)
    assert rotation_error(wrong, q, p) > 1e-6


def test_h_is_invariant_under_edge_flips(start):
    H, q, p = start
    assert flip_error(H, q, p) < 1e-10
    wrong = SimplicesHamiltonian(IgnoresSigns(H.potential), H.layout, H.links, H.q0, H.mass)
    assert flip_error(wrong, q, p) > 1e-9


class ForgetsBoundary(nn.Module):
    """A wrong potential: adds up a triangle's sides in their stored direction, not along ∂(ijk)."""

    def __init__(self, potential: nn.Module) -> None:
        super().__init__()
        self.potential = potential

    def forward(self, rows, links):
        signs = links.signs * torch.tensor([1.0, 1.0, -1.0], dtype=links.signs.dtype)
        return self.potential(rows, Connectivity(links.n_atoms, links.tails, links.heads, links.sides, signs))


def rewriting_error(model: Model, potential: nn.Module) -> float:
    """How much the energy changes when the same crystal is written down otherwise and its complex built anew."""
    crystal = shaken("perovskite")
    energies = []
    for order in ([0, 1, 2, 3, 4], [4, 2, 0, 3, 1], [1, 0, 4, 2, 3]):
        same = type(crystal).from_sites([crystal[i] for i in order])
        same.translate_sites(list(range(5)), [0.31, -0.2, 0.77], to_unit_cell=True)
        H, q, _ = model.hamiltonian(same)
        energies.append(sum(part.sum() for part in potential(H.layout.split(q), H.links).values()))
    return max(relative(energies[0], other) for other in energies[1:])


def test_h_does_not_depend_on_how_the_crystal_is_written_down(model):
    assert rewriting_error(model, model.potential) < 1e-10
    assert rewriting_error(model, ForgetsBoundary(model.potential)) > 1e-8


def step_error(H: SimplicesHamiltonian, other: SimplicesHamiltonian, D, q, p) -> float:
    """How far step′(D x) is from D step(x), for one leapfrog step."""
    here, there = (
        integrate(h, x, y, dt=0.05, steps=1, gradient="none") for h, x, y in ((H, q, p), (other, D(q), D(p)))
    )
    return max(relative(there.q[-1], D(here.q[-1])), relative(there.p[-1], D(here.p[-1])))


def test_one_step_turns_and_flips_with_the_crystal(start):
    H, q, p = start
    for _, other, D in H.equivariances(seed=3):
        assert step_error(H, other, D, q, p) < 1e-8
    wrong = SimplicesHamiltonian(ReadsX(H.potential), H.layout, H.links, H.q0, H.mass)
    assert max(step_error(wrong, other, D, q, p) for _, other, D in wrong.equivariances(seed=3)) > 1e-6


def test_the_hamiltonian_of_the_turned_crystal_is_the_turned_hamiltonian(model, K, start):
    H, q, p = start
    R = improper(7)
    other, q0, _ = model.hamiltonian(turned(K, R))
    assert relative(q0, H.layout.rotated(H.q0, R)) < 1e-10
    D = H.layout.rotated
    assert relative(other(D(q, R), D(p, R)), H(q, p)) < 1e-10


def test_parts_add_up_to_h(start):
    H, q, p = start
    total = sum(part.sum() for part in H.parts(q, p).values())
    assert relative(total, H(q, p)[0]) < 1e-12
    assert {rank: len(part) for rank, part in H.parts(q, p).items()} == {
        rank: H.layout.cells(rank) for rank in H.layout.ranks
    }


def test_what_a_simplex_adds_vanishes_with_its_q(start):
    H, q, _ = start
    for rank in H.layout.ranks:
        parts = H.layout.split(q.clone())
        parts[rank][0] = 0
        assert H.learned_parts(H.layout.join(parts))[rank][0] == 0


def test_a_bond_with_no_q_might_as_well_not_be_there(start):
    """The potential after a bond and its triangles have faded out is that of the complex without them."""
    H, q, _ = start
    gone = 7
    kept = torch.arange(len(H.links.tails)) != gone
    with_it = (H.links.sides == gone).any(1)
    rows = H.layout.split(q.clone())
    rows["bonds"][gone] = 0
    rows["triangles"][with_it] = 0
    renumbered = kept.cumsum(0) - 1
    links = Connectivity(
        H.links.n_atoms,
        H.links.tails[kept],
        H.links.heads[kept],
        renumbered[H.links.sides[~with_it]],
        H.links.signs[~with_it],
    )
    fewer = {"atoms": rows["atoms"], "bonds": rows["bonds"][kept], "triangles": rows["triangles"][~with_it]}
    before = torch.stack([part.sum() for part in H.potential(rows, H.links).values()])
    after = torch.stack([part.sum() for part in H.potential(fewer, links).values()])
    assert torch.allclose(before, after, rtol=1e-12)


@pytest.mark.parametrize("size", [1e2, 1e4, 1e6])
def test_u_is_bounded_so_that_a_gibbs_measure_exists(start, size):
    H, q, _ = start
    ordinary = abs(float(H.potential_energy(H.q0)[0])) / H.layout.cells("atoms")
    for seed in range(4):
        far = size * normal(q.shape, seed)
        learned = sum(part.sum() for part in H.learned_parts(far).values())
        assert abs(float(learned)) / H.layout.cells("atoms") < 1e3 * max(1.0, ordinary)
        assert float(H.potential_energy(far)[0]) > 0, "confinement must win far out"


def test_masses_are_positive_and_one_per_copy(model, start):
    H, _, _ = start
    assert H.capability == Capability.QUADRATIC
    assert bool((H.mass > 0).all())
    per_atom = H.layout.split(H.mass)["atoms"]
    assert bool((per_atom == per_atom[0]).all())
    vectors = H.layout.split_blocks("atoms", per_atom)["1o+"]
    assert bool((vectors == vectors[..., :1]).all())


def test_the_slope_is_that_of_h(start):
    H, q, p = start
    v, w, e = normal(q.shape, 3), normal(q.shape, 4), 1e-5
    assert torch.allclose((H(q + e * v, p) - H(q - e * v, p)) / (2 * e), (H.dq(q) * v).sum(), rtol=1e-6)
    assert torch.allclose((H(q, p + e * w) - H(q, p - e * w)) / (2 * e), (H.dp(None, p) * w).sum(), rtol=1e-6)


def test_the_slope_is_differentiable_again(start):
    H, q, _ = start
    v, e = normal(q.shape, 5), 1e-5
    x = q.clone().requires_grad_()
    (curvature,) = torch.autograd.grad((H.dq(x) * v).sum(), x)
    expected = (H.dq(q + e * v) - H.dq(q - e * v)) / (2 * e)
    assert relative(curvature, expected) < 1e-6


def test_weights_can_be_trained_through_the_slope(K):
    model = Model.untrained().requires_grad_(True)
    H, q, _p = model.hamiltonian(K)
    (H.dq(q) ** 2).sum().backward()
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in model.potential.parameters())


def test_an_ensemble_is_its_members(start):
    H, q, p = start
    qs = torch.stack([q, q + 0.1, q - 0.2]).reshape(3, 1, -1)
    ps = torch.stack([p, 2 * p, 0 * p]).reshape(3, 1, -1)
    assert H(qs, ps).shape == (3, 1, 1)
    for member in range(3):
        assert torch.allclose(H(qs, ps)[member, 0], H(qs[member, 0], ps[member, 0]), rtol=1e-12)
        assert torch.allclose(H.dq(qs)[member, 0], H.dq(qs[member, 0]), rtol=1e-9, atol=1e-12)


def test_a_union_is_its_crystals(model):
    crystals = [shaken("perovskite"), shaken("NaCl"), shaken("quartz")]
    H, q, p = model.hamiltonian(crystals, p0="learned")
    alone = [model.hamiltonian(crystal, p0="learned") for crystal in crystals]
    assert torch.allclose(H(q, p), torch.cat([h(q0, p0) for h, q0, p0 in alone]), rtol=1e-12)


def test_numpy_in_numpy_out(start):
    H, q, p = start
    assert abs(H(q.numpy(), p.numpy()) - H(q, p).numpy()).max() == 0
    assert abs(H.dq(q.numpy()) - H.dq(q).numpy()).max() == 0


def test_the_cell_is_frozen(start):
    assert "cell" not in start[0].layout.ranks


def test_leapfrog_comes_back(model):
    """400 steps forth and back, from an ordinary start; round-off is all that is left."""
    H, q, _ = model.hamiltonian(shaken("NaCl"))
    p = 0.3 * normal(q.shape, 8)
    forth = integrate(H, q, p, dt=0.05, steps=400, save_every=400, gradient="none")
    back = integrate(H, forth.q[-1], -forth.p[-1], dt=0.05, steps=400, save_every=400, gradient="none")
    assert relative(forth.q[-1], q) > 1e-2
    assert float((back.q[-1] - q).abs().max()) < 1e-8
    assert float((back.p[-1] + p).abs().max()) < 1e-8


def test_energy_is_kept_to_the_order_of_leapfrog(start):
    H, q, _ = start
    errors = []
    for dt in (0.1, 0.05):
        path = integrate(H, q, torch.zeros_like(q), dt=dt, steps=round(3 / dt), save_every=1, gradient="none")
        errors.append(float((path.energy - path.energy[0]).abs().max()))
    assert 3 < errors[0] / errors[1] < 5


def test_certificates_see_the_crystal_in_other_frames(start):
    """A potential that breaks equivariance, in turning or in flipping bonds, is flagged; the model's is not."""
    H, q, p = start

    def checked(potential):
        other = SimplicesHamiltonian(potential, H.layout, H.links, H.q0, H.mass)
        return equivariance(_case(other, METHODS["leapfrog"], 0.05, q, p, None, None, 20, None, None, 3))

    right = checked(H.potential)
    assert right.verdict == "pass" and set(right.data) == {name for name, _, _ in H.equivariances()}
    assert checked(ReadsX(H.potential)).verdict == "fail"
