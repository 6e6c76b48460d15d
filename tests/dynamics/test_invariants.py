"""The search for conserved quantities finds what mechanics knows, and nothing where there is nothing."""

import numpy as np
import pytest
import sympy
import torch

from tenfma.dynamics.invariants import bracket_residual, find_invariants
from tenfma.errors import TenfmaError
from tenfma.hamiltonian.functional import TorchHamiltonian
from tenfma.hamiltonian.symbolic import symbolic

KEPLER = "(px**2 + py**2)/2 - 1/sqrt(x**2 + y**2)"


def texts(found) -> list[str]:
    return [str(sympy.expand(invariant.expression)) for invariant in found]


def test_henon_heiles_has_its_energy_only():
    found = find_invariants(symbolic("(px**2 + py**2)/2 + (x**2 + y**2)/2 + x**2*y - y**3/3"), degree=4)
    assert len(found) == 1 and found[0].exact
    assert found[0].residual < 1e-14


def test_central_force_has_angular_momentum_and_a_perturbed_one_has_not():
    central = find_invariants(symbolic("(px**2 + py**2)/2 + (x**2 + y**2)**2/4"), degree=2)
    assert texts(central) == ["px*y - py*x"]
    perturbed = find_invariants(symbolic("(px**2 + py**2)/2 + (x**2 + y**2)**2/4 + x**4/100"), degree=2)
    assert perturbed == []


def test_isotropic_oscillator_has_four_generators():
    found = find_invariants(symbolic("(px**2 + py**2 + x**2 + y**2)/2"), degree=2)
    assert (
        len(found) == 4
    )  # energy, angular momentum, and two of Fradkin's tensor; products of these are left out
    assert "px*py + x*y" in texts(found)


def test_total_momentum_of_a_chain():
    found = find_invariants(symbolic("(p1**2 + p2**2 + p3**2)/2 + (q1 - q2)**4 + (q2 - q3)**2"), degree=1)
    assert texts(found) == ["p1 + p2 + p3"]


def test_kepler_has_the_runge_lenz_vector_once_the_basis_can_say_it():
    assert len(find_invariants(symbolic(KEPLER), degree=2)) == 1  # angular momentum
    found = find_invariants(symbolic(KEPLER), degree=3, extra=["1/sqrt(x**2 + y**2)"])
    assert len(found) == 4 and all(invariant.residual < 1e-12 for invariant in found)
    assert "px*py*y - py**2*x + x/sqrt(x**2 + y**2)" in texts(found)


def test_toda_lattice_hides_a_cubic_invariant():
    toda = symbolic("(p1**2 + p2**2 + p3**2)/2 + exp(q1 - q2) + exp(q2 - q3) + exp(q3 - q1)")
    found = find_invariants(toda, degree=3, extra=["exp(q1 - q2)", "exp(q2 - q3)", "exp(q3 - q1)"])
    assert len(found) == 3  # energy, momentum, and Hénon's third integral


def test_torch_functions_are_searched_by_sampling():
    H = TorchHamiltonian(potential=lambda q: torch.cosh(q[..., 0] - q[..., 1]), event_shape=2)
    found = find_invariants(H, degree=2)
    assert texts(found) == ["p1 + p2"] and not found[0].exact


def test_parameters_enter_with_their_values():
    H = symbolic("p**2/(2*m) + k*q**2/2", parameters={"m": 2.0, "k": 0.3})
    (energy,) = find_invariants(H, degree=2)
    assert energy.expression.equals(sympy.sympify("p**2/4 + 3*q**2/20", locals=_symbols("p q")))


def _symbols(names: str) -> dict:
    return {name: sympy.Symbol(name, real=True) for name in names.split()}


def test_bracket_residual_tells_invariants_from_the_rest():
    H = symbolic(KEPLER)
    q, p = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 8, 2)))
    assert bracket_residual(H.function("x*py - y*px"), H, q, p) < 1e-14
    assert bracket_residual(H.function("x*py + y*px"), H, q, p) > 1e-2


@pytest.mark.parametrize(
    "H, options, message",
    [
        (symbolic("p**2/2 + q**2*cos(t)"), {}, "time-dependent"),
        (symbolic("p**2/2 + q**2", damping=0.1), {}, "damped"),
        (symbolic("p**2/2 + q**2"), {"degree": 0}, "degree is 0"),
        (symbolic("p**2/2 + q**2"), {"degree": 60}, "lower the degree"),
    ],
)
def test_searches_without_meaning_are_refused(H, options, message):
    with pytest.raises(TenfmaError, match=message):
        find_invariants(H, **options)
