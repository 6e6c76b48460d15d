"""What can be explained: formulas, models in two charts, calculators; each as H, a state and a split into parts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch

from tenfma.crystal.complex import SimplicialComplex
from tenfma.crystal.features import LOCAL_RANKS
from tenfma.dynamics.arrays import plain
from tenfma.errors import TenfmaError
from tenfma.explanation.calculators import CalculatorParts
from tenfma.explanation.couplings import Couplings, differenced, site_row, twice_differentiated
from tenfma.explanation.crystals import SIMPLICES, SiteParts, atoms_of_network, simplices_parts
from tenfma.explanation.formulas import GIVEN, formula_parts
from tenfma.explanation.labels import atom_labels, simplex_kinds, symbols
from tenfma.explanation.parted import FunctionParts, PartedHamiltonian
from tenfma.explanation.parts import Parts
from tenfma.explanation.simplex_couplings import SimplexCouplings
from tenfma.hamiltonian.atoms import AtomsHamiltonian
from tenfma.hamiltonian.protocol import Hamiltonian
from tenfma.hamiltonian.simplices import SimplicesHamiltonian
from tenfma.hamiltonian.symbolic import SymbolicHamiltonian


@dataclass(frozen=True, eq=False)
class Subject:
    """H at (q, p) as a sum of parts; this one is of any Hamiltonian, differenced where it has no graph."""

    #: how second derivatives are taken
    how: ClassVar[str] = "fourth-order central differences of ∂H/∂q"

    name: str
    H: Hamiltonian
    q: np.ndarray
    p: np.ndarray
    parted: PartedHamiltonian
    numbers: np.ndarray | None = None
    structure: Any = None
    model: Any = None
    complex: SimplicialComplex | None = None

    @property
    def atoms(self) -> tuple[str, ...]:
        """Names of the atoms; none where the chart has none."""
        return () if self.numbers is None else atom_labels(self.numbers)

    def total(self) -> float:
        """H(q, p)."""
        return float(np.sum(plain(self.H(self.q, self.p))))

    def parts(self) -> Parts:
        """Exact parts of H."""
        energy = self.parted.energies(self.q, self.p)
        potential = self.parted.energies(self.q, np.zeros_like(self.p))
        kinds = tuple(symbols(self.numbers)) if self.numbers is not None else self.parted.labels
        return Parts(
            self.parted.labels,
            kinds[: len(energy)] + self.parted.labels[len(kinds) :],
            energy - potential,
            potential,
            self.total(),
            self.H.units.energy,
            self.parted.gauge,
        )

    def curvature(self) -> Callable[[np.ndarray], np.ndarray]:
        """v → (∂²H/∂q∂q) v."""
        return lambda v: differenced(lambda q: plain(self.H.dq(q, self.p)), self.q, v)

    def couplings(self) -> Any:
        """∂²H/∂q_i∂q_j: blocks of atoms, or of single coordinates."""
        shape = self.q.shape
        size = shape[-1] if self.numbers is not None else 1
        product = self.curvature()
        names = self.atoms or tuple(getattr(self.H, "coordinates", [f"q{i}" for i in range(self.q.size)]))

        def row(part: int) -> np.ndarray:
            columns = []
            for axis in range(size):
                v = np.zeros(self.q.size)
                v[part * size + axis] = 1.0
                columns.append(product(v.reshape(shape)).reshape(-1, size))
            return np.stack(columns, axis=-1)

        units = self.H.units
        unit = units.energy if units.q == "1" else f"{units.energy}/{units.q}²"
        return Couplings(names, row, unit, self.how)


class FormulaSubject(Subject):
    """A formula: its second derivatives are exact."""

    how: ClassVar[str] = "exact derivatives of the formula"

    def curvature(self) -> Callable[[np.ndarray], np.ndarray]:
        assert isinstance(self.H, SymbolicHamiltonian)
        n = self.q.size
        hessian = self.H.hessian(self.q, self.p)[:n, :n]
        return lambda v: hessian @ v


class SiteSubject(Subject):
    """A force model in the atoms chart, in machine code."""

    how: ClassVar[str] = (
        "fourth-order central differences of the slopes of the atoms within reach of the moved one"
    )

    def couplings(self) -> Couplings:
        parted = self.parted
        assert isinstance(parted, SiteParts)
        pairs = parted.read(self.q)[2]

        def row(atom: int) -> np.ndarray:
            near, blocks = site_row(parted.evaluator, parted.numbers, pairs, atom)
            whole = np.zeros((len(parted.numbers), 3, 3))
            whole[near] = blocks
            return whole

        return Couplings(self.atoms, row, "eV/Å²", self.how)


class NetworkSubject(Subject):
    """A learned potential in the atoms chart, through automatic differentiation."""

    how: ClassVar[str] = "automatic differentiation, twice"

    def curvature(self) -> Callable[[np.ndarray], np.ndarray]:
        return twice_differentiated(self.H, self.q)

    def parts(self) -> Parts:
        found = super().parts()
        assert isinstance(self.H, AtomsHamiltonian)
        q = torch.as_tensor(self.q)
        with torch.no_grad():
            simplices = self.H.parts(q, torch.as_tensor(self.p))
        return _told(found, simplices, self.H.complex(q))


class SimplicesSubject(NetworkSubject):
    """A learned potential in the simplices chart."""

    def parts(self) -> Parts:
        found = Subject.parts(self)
        assert isinstance(self.H, SimplicesHamiltonian) and self.complex is not None
        with torch.no_grad():
            simplices = self.H.parts(torch.as_tensor(self.q), torch.as_tensor(self.p))
        return _told(found, simplices, self.complex)

    def couplings(self) -> Any:
        assert isinstance(self.H, SimplicesHamiltonian) and self.complex is not None
        return SimplexCouplings(self.H, self.complex, self.q)


def _told(found: Parts, simplices: dict[str, torch.Tensor], K: SimplicialComplex) -> Parts:
    """The same parts with the energies of single simplices beside them."""
    values = {rank: simplices[rank].detach().numpy() for rank in LOCAL_RANKS}
    return Parts(
        found.labels,
        found.kind_of,
        found.kinetic,
        found.potential,
        found.total,
        found.unit,
        found.gauge,
        values,
        simplex_kinds(K),
        SIMPLICES,
    )


def of_hamiltonian(H: Hamiltonian, q: Any, p: Any, parts: Mapping[str, Any] | None) -> Subject:
    """A Hamiltonian at (q, p), its own start where none is given."""
    q = getattr(H, "q0", None) if q is None else q
    p = getattr(H, "p0", None) if p is None else p
    if q is None:
        raise TenfmaError(f"{H.name} has no start of its own; give a state, explain(H, q, p)")
    q = np.array(plain(q), dtype=float)
    p = np.zeros_like(q) if p is None else np.array(plain(p), dtype=float)
    if q.shape != tuple(H.event_shape) or p.shape != q.shape:
        raise TenfmaError(
            f"q has shape {q.shape} and p {p.shape}; one state of shape {tuple(H.event_shape)} is expected"
        )
    if isinstance(H, SymbolicHamiltonian):
        return FormulaSubject(H.name, H, q, p, formula_parts(H, parts))
    if parts is not None:
        return Subject(H.name, H, q, p, FunctionParts(H, parts, GIVEN))
    if isinstance(H, AtomsHamiltonian) and H.n_crystals == 1:
        kind: Any = NetworkSubject if H._evaluator is None else SiteSubject
        parted = atoms_of_network(H) if H._evaluator is None else SiteParts(H, H._evaluator)
        return kind(H.name, H, q, p, parted, H.numbers.numpy())
    if hasattr(H, "numbers") and hasattr(H, "mass"):
        return Subject(H.name, H, q, p, CalculatorParts(H), np.asarray(plain(H.numbers)))
    return Subject(H.name, H, q, p, FunctionParts(H, {"H": H}, "one part: H itself"))


def of_model(model: Any, structure: Any, chart: str | None, p0: str, kT: float, seed: int) -> Subject:
    """A model on a crystal in a chart; force models are read in the atoms chart unless another is asked for."""
    if isinstance(structure, list | tuple):
        raise TenfmaError(
            f"explain takes one crystal, and was given {len(structure)}; compare() sets two explanations "
            "side by side"
        )
    chart = chart or ("simplices" if model.evaluator is None else "atoms")
    K = model.complex(structure)
    if K.n_crystals != 1:
        raise TenfmaError(f"explain takes one crystal, and was given {K.n_crystals}")
    H, q0, p_start = model.hamiltonian(K, chart, p0=p0, kT=kT, seed=seed)
    q, p = (np.array(plain(x), dtype=float) for x in (q0, p_start))
    numbers = K.numbers.numpy()
    name = f"{H.name} on {_formula(numbers)}"
    if chart == "simplices":
        parted = simplices_parts(H, K)
        return SimplicesSubject(name, H, q, p, parted, None, structure, model, K)
    evaluator = model.evaluator
    if evaluator is not None:
        return SiteSubject(name, H, q, p, SiteParts(H, evaluator), numbers, structure, model, K)
    return NetworkSubject(name, H, q, p, atoms_of_network(H), numbers, structure, model, K)


def of_calculator(calculator: Any, structure: Any, kT: float, seed: int) -> Subject:
    """An ASE calculator on a crystal, in the atoms chart, with thermal momenta at kT (eV) or none."""
    from tenfma.hamiltonian.calculated import CalculatorHamiltonian

    atoms = as_atoms(structure)
    atoms.calc = calculator
    H = CalculatorHamiltonian(atoms)
    q, p = np.array(atoms.positions), np.zeros((len(atoms), 3))
    if kT > 0:
        p = np.random.default_rng(seed).normal(size=q.shape) * np.sqrt(np.asarray(plain(H.mass)) * kT)
    name = f"{H.name} on {_formula(atoms.numbers)}"
    parted = CalculatorParts(H, atoms)
    return Subject(name, H, q, p, parted, atoms.numbers.copy(), structure, calculator)


def as_atoms(structure: Any) -> Any:
    """A pymatgen Structure or ASE Atoms as ASE Atoms of its own."""
    if hasattr(structure, "get_positions"):
        return structure.copy()
    from pymatgen.io.ase import AseAtomsAdaptor

    return AseAtomsAdaptor.get_atoms(structure)


def again(subject: Subject, structure: Any) -> Subject:
    """The same model or calculator on another crystal, at rest, in the atoms chart."""
    if subject.model is None:
        raise TenfmaError(
            f"{subject.name} came without a crystal that could be repeated; explain a model on one"
        )
    if isinstance(subject.parted, CalculatorParts):
        return of_calculator(subject.model, structure, 0.0, 0)
    return of_model(subject.model, structure, "atoms", "zero", 0.0, 0)


def _formula(numbers: np.ndarray) -> str:
    names, counts = np.unique(symbols(numbers), return_counts=True)
    return "".join(f"{name}{count if count > 1 else ''}" for name, count in zip(names, counts))
