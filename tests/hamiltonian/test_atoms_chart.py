"""The atoms chart: the same energy as the simplices chart, and forces by the chain rule through Module A."""

from dataclasses import replace

import pytest
import torch
from crystals import improper, normal, relative, shaken

from tenfma.crystal.features import featurize
from tenfma.dynamics.certificates.certifier import _case
from tenfma.dynamics.certificates.checks import equivariance
from tenfma.dynamics.integrate import integrate
from tenfma.dynamics.methods import METHODS
from tenfma.embedding.model import Model
from tenfma.hamiltonian.atoms import AMU, AtomsHamiltonian


@pytest.fixture(scope="module")
def model():
    return Model.untrained()


@pytest.fixture(scope="module")
def crystal():
    return shaken("perovskite")


def test_the_two_charts_agree_at_q0(model, crystal):
    H, q0, p0 = model.hamiltonian(crystal)
    A, r, pi = model.hamiltonian(crystal, chart="atoms")
    assert torch.allclose(A(r, pi), H(q0, p0), rtol=0, atol=1e-10)


def test_forces_are_the_chain_rule_through_the_features(model, crystal):
    K = model.complex(crystal)
    A, r, _ = model.hamiltonian(crystal, chart="atoms")
    H, q0, _ = model.hamiltonian(crystal)
    x = r.clone().requires_grad_()
    rows = model.lift(featurize(K.with_positions(x), smooth_only=True).for_potential())
    (chained,) = torch.autograd.grad((H.dq(q0) * H.layout.join(rows)).sum(), x)
    assert float((A.dq(r) - chained).abs().max()) < 1e-8


def test_forces_match_central_differences(model, crystal):
    A, r, pi = model.hamiltonian(crystal, chart="atoms")
    v, e = normal(r.shape, 1), 1e-5
    slope = (A(r + e * v, pi) - A(r - e * v, pi)) / (2 * e)
    assert torch.allclose(slope, (A.dq(r) * v).sum(), rtol=1e-6)


def test_the_skin_changes_nothing(model, crystal):
    K = model.complex(crystal)
    r = K.positions + 0.05 * normal(K.positions.shape, 2)
    energies = []
    for skin in (0.0, 0.4, 1.0):
        A = AtomsHamiltonian(model.lift, model.potential, K, model.cutoff, model.triangle_cutoff, skin)
        A.dq(K.positions)
        energies.append(A(r, torch.zeros_like(r)))
    assert torch.allclose(energies[0], energies[1], rtol=1e-12)
    assert torch.allclose(energies[0], energies[2], rtol=1e-12)


def test_neighbours_are_found_again_when_an_atom_has_moved_far(model, crystal):
    A, r, pi = model.hamiltonian(crystal, chart="atoms")
    A(r, pi)
    moved = r.clone()
    moved[0] += torch.tensor([3.0, 1.0, 0.5])
    fresh, _, _ = model.hamiltonian(crystal, chart="atoms")
    assert torch.allclose(A(moved, pi), fresh(moved, pi), rtol=1e-12)


class Unweighted(torch.nn.Module):
    """A wrong lift: every pair within the cutoff counts in full, so that a neighbour enters with a jump."""

    def __init__(self, lift) -> None:
        super().__init__()
        self.lift = lift

    def forward(self, tables):
        counted = {rank: replace(t, weights=(t.weights > 0).to(t.weights)) for rank, t in tables.items()}
        return self.lift(counted)


def roughness(A: AtomsHamiltonian, r: torch.Tensor) -> float:
    """Jumps in the energy's slope while an atom is drawn until some neighbour crosses the cutoff, eV/Å."""
    K = A.complex(r)
    outermost = K.lengths()[K.lengths() < K.cutoffs].max()
    step = 1e-4
    along = torch.zeros_like(r)
    along[0, 0] = 1.0
    middle = float(K.cutoffs.max() - outermost)
    offsets = middle + step * torch.arange(-300, 301, 10)
    assert len(set(_inside(A, r + x * along) for x in offsets)) > 1, "a neighbour must cross the cutoff"
    slopes = torch.stack([(A.dq(r + x * along) * along).sum() for x in offsets])
    return float((slopes[2:] - 2 * slopes[1:-1] + slopes[:-2]).abs().max())


def _inside(A: AtomsHamiltonian, r: torch.Tensor) -> int:
    K = A.complex(r)
    return int((K.lengths() < K.cutoffs).sum())


def test_forces_have_no_kink_where_a_neighbour_enters(model):
    K = model.complex(shaken("NaCl"))
    settings = (model.cutoff, model.triangle_cutoff)
    smooth = roughness(AtomsHamiltonian(model.lift, model.potential, K, *settings), K.positions)
    hard = roughness(AtomsHamiltonian(Unweighted(model.lift), model.potential, K, *settings), K.positions)
    assert smooth < 1e-5
    assert hard > 100 * smooth


def test_forces_turn_with_the_crystal(model, crystal):
    R = improper(4)
    A, r, _ = model.hamiltonian(crystal, chart="atoms")
    K = model.complex(crystal)
    turned, r_turned, _ = model.hamiltonian(K.with_positions(K.positions @ R.T, K.cells @ R.T), chart="atoms")
    assert relative(turned.forces(r_turned), A.forces(r) @ R.T) < 1e-10


def test_translations_and_images_change_nothing(model, crystal):
    A, r, pi = model.hamiltonian(crystal, chart="atoms")
    for _, transform in A.transforms(seed=1):
        assert torch.allclose(A(*transform(r, pi)), A(r, pi), rtol=1e-10)
        assert relative(A.dq(transform(r, pi)[0]), A.dq(r)) < 1e-9


def test_momentum_is_conserved_and_not_counted(model, crystal):
    A, r, _ = model.hamiltonian(crystal, chart="atoms")
    assert float(A.forces(r).sum(0).abs().max()) < 1e-10
    assert A.degrees_of_freedom == 3 * len(r) - 3


def test_units_are_those_of_mechanics(model, crystal):
    """One amu at 1 Å/fs carries 103.64 eV·½: ½ (1.66054e-27 kg) (1e5 m/s)² / (1.602177e-19 J/eV)."""
    expected = 1.66053907e-27 * 1e10 / 1.602176634e-19
    assert pytest.approx(expected, rel=1e-6) == AMU
    A, r, _ = model.hamiltonian(crystal, chart="atoms")
    velocity = normal(r.shape, 3)
    assert torch.allclose(A.dp(None, A.mass * velocity), velocity)


def test_energy_is_kept_in_motion(model, crystal):
    A, r, _ = model.hamiltonian(crystal, chart="atoms")
    pi = 0.05 * A.mass.sqrt() * normal(r.shape, 4)
    swings = []
    for dt in (1.0, 0.5):
        path = integrate(A, r, pi, dt=dt, steps=round(20 / dt), gradient="none")
        swings.append(float((path.energy - path.energy[0]).abs().max()))
    assert 3 < swings[0] / swings[1] < 5


def test_several_members_and_crystals_at_once(model):
    crystals = [shaken("NaCl"), shaken("perovskite")]
    A, r, pi = model.hamiltonian(crystals, chart="atoms")
    rs = torch.stack([r, r + 0.02 * normal(r.shape, 5)])
    energies = A(rs, torch.stack([pi, pi]))
    assert energies.shape == (2, 2)
    one, r0, pi0 = model.hamiltonian(crystals[1], chart="atoms")
    assert torch.allclose(energies[0, 1], one(r0, pi0)[0], rtol=1e-12)


def test_far_apart_pieces_add_up(model):
    from ase import Atoms

    pair = Atoms("NaCl", [[0, 0, 0], [2.4, 0, 0]], cell=[40, 40, 40], pbc=True)
    other = Atoms("CO", [[20, 20, 20], [21.15, 20, 20]], cell=[40, 40, 40], pbc=True)
    together = model.energies([pair + other, pair, other])
    assert torch.allclose(together[0], together[1] + together[2], rtol=1e-12)


class Drawn(AtomsHamiltonian):
    """A wrong twin: a field along x that does not turn with the crystal."""

    def dq(self, q, p=None, t=0.0):
        slope = super().dq(q, p, t)
        return slope + 1e-3 * slope.new_tensor([1.0, 0.0, 0.0])


def test_certificates_see_the_crystal_in_other_frames(model, crystal):
    K = model.complex(crystal)
    for kind, verdict in ((AtomsHamiltonian, "pass"), (Drawn, "fail")):
        H = kind(model.lift, model.potential, K, model.cutoff, model.triangle_cutoff)
        p = 0.1 * normal(K.positions.shape, 5)
        case = _case(H, METHODS["leapfrog"], 1.0, K.positions, p, None, None, 20, None, None, 3)
        check = equivariance(case)
        assert check.verdict == verdict, check
        assert {"rotation", "rotation with reflection", "order of the atoms"} <= set(check.data)
