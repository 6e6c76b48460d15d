"""From a Lagrangian to a Hamiltonian: known results, refusals, and the equations of motion of both."""

import pytest
import sympy

from tenfma.errors import FormulaError, TenfmaError
from tenfma.viz import notebook
from tenfma.viz.lagrangians import EXAMPLES


@pytest.mark.parametrize(
    ("lagrangian", "hamiltonian"),
    [
        ("v**2/2 + cos(q)", "p**2/2 - cos(q)"),
        ("m*v**2/2 - k*q**2/2", "p**2/(2*m) + k*q**2/2"),
        ("(vr**2 + r**2*vphi**2)/2 + 1/r", "pr**2/2 + pphi**2/(2*r**2) - 1/r"),
        ("(vx**2 + vy**2)/2 + B*(x*vy - y*vx)/2", "(px + B*y/2)**2/2 + (py - B*x/2)**2/2"),
    ],
)
def test_known_hamiltonians(lagrangian, hamiltonian):
    found = notebook.from_lagrangian(lagrangian).hamiltonian
    names = {symbol.name: symbol for symbol in found.free_symbols}
    expected = sympy.sympify(hamiltonian, locals=names)
    assert sympy.simplify(found - expected) == 0
    assert sympy.simplify(found + expected) != 0


@pytest.mark.parametrize("text", EXAMPLES.values())
def test_hamilton_gives_lagranges_equations(text):
    book = notebook.from_lagrangian(text)
    sym = {
        name: sympy.Symbol(name, real=True) for name in (*book.coordinates, *book.velocities, *book.momenta)
    }
    to_p = {sym[v]: f for v, f in zip(book.velocities, book.velocity_formulas)}
    for q in book.coordinates:
        slope = sympy.diff(book.lagrangian, sym[q]).subs(to_p, simultaneous=True)
        assert sympy.simplify(slope + sympy.diff(book.hamiltonian, sym[q])) == 0  # ∂L/∂q = −∂H/∂q
    for v, p in zip(book.velocities, book.momenta):
        assert sympy.simplify(sympy.diff(book.hamiltonian, sym[p]) - to_p[sym[v]]) == 0  # ∂H/∂p = q̇


def test_cyclic_coordinate_has_a_conserved_momentum():
    book = notebook.from_lagrangian(EXAMPLES["kepler"])
    assert book.cyclic == ("phi",)
    assert notebook.typed_bracket(book.system(), "pphi", "H").vanishes
    assert not notebook.typed_bracket(book.system(), "pr", "H").vanishes
    assert "pphi" in [str(item.expression) for item in notebook.conserved(book.system())]


def test_brackets_of_what_is_typed():
    H = notebook.from_lagrangian("v**2/2 - q**2/2").system()
    assert notebook.typed_bracket(H, "q", "p").value.expression == 1
    assert str(notebook.typed_bracket(H, "p", "H").value.expression) == "-q"


@pytest.mark.parametrize("text", ["v + q", "v1**2 + q2*v2", "(v1 + v2)**2"])
def test_singular_lagrangian_is_refused(text):
    with pytest.raises(TenfmaError, match="singular"):
        notebook.from_lagrangian(text)


@pytest.mark.parametrize(
    "text", ["q**2", "v**2/2 + p", "v**2/2 + t", "", "v1**2+v2**2+v3**2+v4**2+v5**2", "().__class__"]
)
def test_what_is_no_lagrangian_is_refused(text):
    with pytest.raises(FormulaError):
        notebook.from_lagrangian(text)


def test_velocity_dependence_beyond_quadratic_is_refused_with_a_reason():
    with pytest.raises(TenfmaError, match="quadratic"):
        notebook.from_lagrangian("sqrt(1 - v**2)")
