"""Any ASE calculator as a Hamiltonian: units, one evaluation a step, derivatives by differences, a bath."""

import numpy as np
import pytest
import torch
from ase import units
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.constraints import FixAtoms
from ase.md.verlet import VelocityVerlet

import tenfma
from tenfma.dynamics.certificates.geometry import jvp
from tenfma.errors import TenfmaError
from tenfma.hamiltonian.protocol import Capability


def copper(size=(1, 1, 1), seed=1):
    atoms = bulk("Cu", cubic=True, a=3.6).repeat(size)
    atoms.rattle(0.05, seed=seed)
    atoms.calc = EMT()
    return atoms


def moving(atoms, kelvin=300.0):
    momenta = np.random.default_rng(0).normal(size=(len(atoms), 3)) * np.sqrt(
        atoms.get_masses()[:, None] * units.kB * kelvin
    )
    atoms.set_momenta(momenta - momenta.mean(0))
    return atoms


def test_energy_forces_and_velocities_are_ases():
    atoms = moving(copper())
    H, q, p = tenfma.from_ase(atoms)
    assert H.capability is Capability.QUADRATIC and H.units.time == "fs"
    assert float(H(q, p)) == pytest.approx(atoms.get_total_energy(), rel=1e-13)
    np.testing.assert_array_equal(H.dq(q), -atoms.get_forces())
    np.testing.assert_allclose(H.dp(q, p), atoms.get_velocities() * units.fs, rtol=1e-13)
    assert isinstance(H(torch.from_numpy(q), torch.from_numpy(p)), torch.Tensor)


def test_leapfrog_is_ases_verlet():
    atoms = moving(copper())
    H, q, p = tenfma.from_ase(atoms)
    path = tenfma.integrate(H, q, p, dt=2.0, steps=20)
    VelocityVerlet(atoms, 2.0 * units.fs).run(20)
    np.testing.assert_allclose(path.q[-1], atoms.positions, atol=1e-10)
    np.testing.assert_allclose(path.p[-1], atoms.get_momenta() / units.fs, atol=1e-8)


@pytest.mark.parametrize("save_every", [1, 7])
def test_a_leapfrog_step_costs_one_evaluation_with_its_energy(save_every):
    H, q, p = tenfma.from_ase(moving(copper()))
    tenfma.integrate(H, q, p, dt=2.0, steps=21, save_every=save_every)
    assert H.evaluations == 22


def test_an_ensemble_is_its_members():
    H, q, _ = tenfma.from_ase(moving(copper()))
    two = np.stack([q, q + 0.01 * np.arange(12).reshape(4, 3)])
    energies, slopes = H.potential_energy(two), H.dq(two)
    for member in (0, 1):
        assert energies[member] == H.potential_energy(two[member])
        np.testing.assert_array_equal(slopes[member], H.dq(two[member]))


def test_torch_sees_slopes_and_curvature():
    H, q, p = tenfma.from_ase(copper())
    r = torch.from_numpy(q).requires_grad_()
    (slope,) = torch.autograd.grad(H(r, torch.from_numpy(p)), r)
    np.testing.assert_array_equal(slope.numpy(), H.dq(q))
    v = torch.randn(q.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    h = 1e-4
    expected = (H.dq(q + h * v.numpy()) - H.dq(q - h * v.numpy())) / (2 * h)
    bent, _ = jvp(lambda q, p: (H.dq(q, p), p), r.detach(), r.detach(), v, torch.zeros_like(v))
    np.testing.assert_allclose(bent.numpy(), expected, atol=1e-5)
    (transposed,) = torch.autograd.grad(H.dq(r, None), r, v)
    np.testing.assert_allclose(transposed.numpy(), expected, atol=1e-5)


def test_curvature_is_symmetric_and_a_translation_costs_nothing():
    H, q, _ = tenfma.from_ase(copper())
    r = torch.from_numpy(q)
    u, v = torch.randn(2, *q.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    assert float((u * H.curvature(r, v)).sum()) == pytest.approx(
        float((v * H.curvature(r, u)).sum()), rel=1e-7
    )
    assert float(H.curvature(r, torch.ones_like(r)).abs().max()) < 1e-8


def test_the_certificate_is_green_and_a_wrong_calculator_is_found_out():
    atoms = moving(copper())
    H, q, p = tenfma.from_ase(atoms)
    good = tenfma.certify(H, "leapfrog", dt=2.0, q=q, p=p, steps=200)
    assert good.green, str(good)

    class Swirl(EMT):
        """Forces with a curl: no energy has them."""

        def calculate(self, *given):
            super().calculate(*given)
            x = self.atoms.positions
            self.results["forces"] = self.results["forces"] + 0.5 * np.roll(x, 1, axis=1) - 0.5 * x

    atoms.calc = Swirl()
    H, q, p = tenfma.from_ase(atoms)
    assert not tenfma.certify(H, "leapfrog", dt=2.0, q=q, p=p, steps=100).green


def test_heat_leaves_the_total_momentum_alone():
    H, q, p = tenfma.from_ase(copper())
    path = tenfma.integrate(H, q, p, dt=2.0, steps=50, method="baoab", kT=0.05, friction=0.02, seed=0)
    assert np.abs(path.p[-1]).max() > 1
    assert np.abs(path.p.sum(1)).max() < 1e-10
    assert H.degrees_of_freedom == 9


def test_a_calculator_that_fails_is_a_sentence():
    atoms = bulk("Si")
    atoms.calc = EMT()
    H, q, p = tenfma.from_ase(atoms)
    with pytest.raises(TenfmaError, match="EMT could not be evaluated"):
        H(q, p)


def test_what_is_no_start_is_refused():
    atoms = copper()
    atoms.set_constraint(FixAtoms([0]))
    with pytest.raises(TenfmaError, match="constraints"):
        tenfma.from_ase(atoms)
    with pytest.raises(TenfmaError, match="no calculator"):
        tenfma.from_ase(bulk("Cu"))


class Smeared(EMT):
    """As DFT with smeared occupations: forces are slopes of the free energy, and `energy` is another number."""

    def calculate(self, *arguments, **options):
        super().calculate(*arguments, **options)
        self.results["free_energy"] = self.results["energy"]
        self.results["energy"] = 2.0 * self.results["energy"] + 1.0


def test_h_is_the_energy_whose_slopes_the_forces_are():
    plain, smeared = copper(), copper()
    smeared.calc = Smeared()
    H, q, _ = tenfma.from_ase(smeared)
    assert float(H.potential_energy(q)) == pytest.approx(plain.get_potential_energy(), rel=1e-13)
    h, step = 1e-4, np.zeros_like(q)
    step[1, 2] = h
    slope = (H.potential_energy(q + step) - H.potential_energy(q - step)) / (2 * h)
    assert slope == pytest.approx(H.dq(q)[1, 2], abs=1e-6)
