"""`explain`: a Hamiltonian and a state in, what a chemist may ask of them out."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import numpy as np

from tenfma.dynamics.arrays import plain
from tenfma.dynamics.path import Path
from tenfma.errors import TenfmaError
from tenfma.explanation.checks import Verification, verify
from tenfma.explanation.couplings import Couplings
from tenfma.explanation.flow import Flow, flow_along, interval, run_flow
from tenfma.explanation.labels import symbols
from tenfma.explanation.modes import Modes, modes_of
from tenfma.explanation.parted import PartedHamiltonian, checked
from tenfma.explanation.parts import Parts
from tenfma.explanation.sensitivities import Sensitivities
from tenfma.explanation.subjects import Subject, again, as_atoms, of_calculator, of_hamiltonian, of_model
from tenfma.explanation.summary import notebook, to_dict
from tenfma.explanation.supercells import check_size, repeated
from tenfma.hamiltonian.protocol import Hamiltonian


def explain(
    model: Any,
    structure: Any = None,
    p: Any = None,
    *,
    chart: str | None = None,
    parts: Mapping[str, Any] | None = None,
    p0: str = "zero",
    kT: float = 0.0,
    seed: int = 0,
) -> "Explanation":
    """Explain H at a state: parts, sensitivities, couplings, modes and energy flow, each computed when asked for.

        explain(model, structure)                   a model; chart 'atoms' (force models' default) or 'simplices'
        explain(calculator, structure)              an ASE calculator, in the atoms chart, by differences
        explain(H, q, p)                            a formula or any Hamiltonian; textbook systems know their start
        explain(H, q, p, parts={"left": "…", …})    with the split into parts given, formulas or torch functions

    `p0`, `kT` (eV) and `seed` say with which momenta a crystal starts; see `Model.hamiltonian`.
    Raises TenfmaError where there is nothing to explain, or the parts do not add up to H.
    """
    if isinstance(model, Hamiltonian):
        subject = of_hamiltonian(model, structure, p, parts)
    elif hasattr(model, "hamiltonian"):
        if structure is None:
            raise TenfmaError("a model is explained on a crystal; give a structure")
        subject = of_model(model, structure, chart, p0, kT, seed)
    elif hasattr(model, "get_property"):
        if structure is None:
            raise TenfmaError("a calculator is explained on a crystal; give a structure")
        subject = of_calculator(model, structure, kT, seed)
    else:
        raise TenfmaError(
            f"explain takes a model, an ASE calculator or a Hamiltonian; it was given {type(model).__name__}"
        )
    return Explanation(subject)


class Explanation:
    """Answers about one Hamiltonian at one state (q, p); each is computed on first use and kept."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self._modes: dict[tuple[int, ...], Modes] = {}
        checked(subject.parted, subject.q, subject.p)

    @property
    def name(self) -> str:
        """Of which Hamiltonian, on what."""
        return self.subject.name

    @property
    def H(self) -> Hamiltonian:
        return self.subject.H

    @property
    def q(self) -> np.ndarray:
        return self.subject.q

    @property
    def p(self) -> np.ndarray:
        return self.subject.p

    @property
    def parted(self) -> PartedHamiltonian:
        """H with one energy per part."""
        return self.subject.parted

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the parts."""
        return self.parted.labels

    @property
    def gauge(self) -> str:
        """How H was split into parts, in words."""
        return self.parted.gauge

    @cached_property
    def parts(self) -> Parts:
        """Exact parts of H."""
        return self.subject.parts()

    @cached_property
    def sensitivities(self) -> "Sensitivities":
        """∂H/∂q per part; in the atoms chart forces, tensions and torques; for models named features."""
        return Sensitivities(self.subject)

    @cached_property
    def _couplings(self) -> Couplings:
        return self.subject.couplings()

    def couplings(self, of: int | None = None) -> Any:
        """∂²H/∂q_i∂q_j as `Couplings`; with `of`, the row of blocks of one part, (parts, d, d)."""
        return self._couplings if of is None else self._couplings.row(of)

    def modes(
        self, supercell: tuple[int, int, int] = (1, 1, 1), progress: Callable[[float], None] | None = None
    ) -> Modes:
        """Normal modes in the atoms chart, of the cell or of a supercell of it; `progress` is told the done share.

        Raises TenfmaError in another chart, and for more atoms than whole matrices are made of.
        """
        if self.subject.numbers is None:
            raise TenfmaError(
                "normal modes are of atoms; explain the crystal in the atoms chart, chart='atoms'"
            )
        cells = tuple(supercell)
        if cells not in self._modes:
            self._modes[cells] = self._modes_of(cells, progress)
        return self._modes[cells]

    def _modes_of(self, cells: tuple[int, ...], progress: Callable[[float], None] | None) -> Modes:
        numbers = self.subject.numbers
        assert numbers is not None
        check_size(len(numbers), cells)
        if cells != (1, 1, 1):
            whole = Explanation(again(self.subject, repeated(self.subject.structure, cells)))
            return whole.modes(progress=progress)
        mass = np.asarray(plain(self.H.mass), dtype=float).reshape(len(numbers), -1)[:, 0]
        return modes_of(self.subject.atoms, self._couplings.matrix(progress), mass)

    def flow(
        self,
        path: Path | None = None,
        *,
        dt: float | None = None,
        steps: int | None = None,
        samples: int | None = None,
        method: str = "leapfrog",
        save_every: int | None = None,
        progress: Callable[[float], None] | None = None,
        **motion: Any,
    ) -> Flow:
        """Energy flow J_ij along a path, or along one run from (q, p) with the options of `integrate`.

        `samples` states of the path, spread evenly, are looked at; unasked, one in five steps or more until that is
        dear. A Langevin method's bath joins the balance. `progress` is told the done share. Raises TenfmaError for
        a run that does not hold, in terms of dt.
        """

        def tell(part: float) -> Callable[[float], None]:
            return lambda share: None if progress is None else progress(part + share / 2)

        if path is None:
            dt = self.usual_step() if dt is None else dt
            steps = steps or getattr(self.H, "steps", None) or 400
            every = save_every or (max(1, steps // samples) if samples else interval(self.parted, steps))
            motion |= {"method": method, "save_every": every, "progress": tell(0.0)}
            path = run_flow(self.parted, self.q, self.p, dt=dt, steps=steps, **motion)
        return flow_along(self.parted, path, samples, tell(0.5))

    def usual_step(self) -> float:
        """The dt of a run that names none: H's own, 1 fs of atoms, .05 elsewhere."""
        return getattr(self.H, "dt", None) or (1.0 if self.subject.numbers is not None else 0.05)

    def kinds(self) -> list[str]:
        """The element of every part that is an atom, the part's own name elsewhere."""
        numbers = self.subject.numbers
        return list(self.labels) if numbers is None else symbols(numbers)

    def distances(self) -> np.ndarray:
        """Distance of every two atoms to each other's nearest image, (N, N) Å, at the structure's positions.

        Raises TenfmaError where there are no atoms.
        """
        subject = self.subject
        if subject.structure is None:
            raise TenfmaError(f"{subject.name} came without a crystal, so nothing is known of distances")
        return as_atoms(subject.structure).get_all_distances(mic=True)

    def verify(self, seed: int = 0) -> Verification:
        """Every identity this explanation stands on, measured."""
        return verify(self, seed)

    def to_dict(
        self, flow: Flow | None = None, supercell: tuple[int, int, int] | None = None
    ) -> dict[str, Any]:
        """Plain values for JSON: tables, checks, gauges, and a flow where one is given."""
        return to_dict(self, flow, supercell)

    def _repr_html_(self) -> str:
        return notebook(self)

    def __repr__(self) -> str:
        return f"<explanation of {self.name}: {len(self.labels)} parts>"
