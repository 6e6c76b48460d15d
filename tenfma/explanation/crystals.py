"""Learned Hamiltonians of crystals as sums of parts, in both charts, and whatever an ASE calculator tells.

For H = Σ T_i(p_i) + V_i(q), with v = ∂H/∂p and each coordinate owned by one part (or by shares of parts),

    M_ij = Σ_{k owned by j} ∂V_i/∂q_k v_k.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from tenfma.crystal.features import LOCAL_RANKS
from tenfma.explanation.labels import atom_labels, simplex_labels
from tenfma.explanation.parted import PartedHamiltonian
from tenfma.hamiltonian.atoms import AtomsHamiltonian
from tenfma.hamiltonian.evaluator import Evaluator, Pairs
from tenfma.hamiltonian.protocol import Hamiltonian
from tenfma.hamiltonian.simplices import SimplicesHamiltonian
from tenfma.hamiltonian.verlet import VerletList

SITE_ENERGIES = (
    "an atom's part is its kinetic energy and what it reads of its neighbourhood (the model's site energy); "
    "nothing of a pair is given to its other end"
)
EQUAL_ENDS = (
    "an atom's part is its kinetic energy, its own energy, half of each bond's and a third of each triangle's"
)
SIMPLICES = "every atom, bond and triangle keeps the energy that the model reads off it"
KINETIC_ONLY = (
    "the calculator tells only the total: atoms have their kinetic energy, the potential energy is one part"
)
CALCULATOR_ATOMS = "an atom's part is its kinetic energy and the energy the calculator gives to it"


class SiteParts(PartedHamiltonian):
    """Atoms of a force model: site energies E_i and their slopes, both from one call of machine code."""

    def __init__(self, H: AtomsHamiltonian, evaluator: Evaluator) -> None:
        super().__init__(H, atom_labels(H.numbers.numpy()), SITE_ENERGIES)
        self.evaluator, self.numbers = evaluator, H.numbers.numpy()
        self.cell, self.pbc = H.cells[0].numpy(), H.pbc[0].numpy()
        self.masses = H.mass.numpy()
        self._list = VerletList(evaluator.description.cutoff, H.skin)

    def read(self, q: np.ndarray) -> tuple[np.ndarray, np.ndarray, Pairs]:
        """Site energies (N,), ∂U/∂r_ij of every pair (P, 3) and the pairs."""
        pairs = self._list.pairs(q, self.cell, self.pbc)
        return *self.evaluator.slopes(self.numbers, pairs), pairs

    def kinetic_energy(self, p: np.ndarray) -> np.ndarray:
        """|π_i|²/2m_i, (N,)."""
        return (p * p / (2 * self.masses)).sum(-1)

    def energies(self, q: np.ndarray, p: np.ndarray, t: float = 0.0) -> np.ndarray:
        return self.read(q)[0] + self.kinetic_energy(p)

    def transfer(self, q: np.ndarray, p: np.ndarray, t: float = 0.0) -> np.ndarray:
        """∂E_i/∂r_k v_k: through what i sees, and through what its neighbours j tell, Σ_j ∂E_i/∂s(j) ∂s(j)/∂r_k v_k."""
        pairs = self._list.pairs(q, self.cell, self.pbc)
        found = self.evaluator.parts(self.numbers, pairs)
        v, atoms, places = p / self.masses, len(self.numbers), (pairs.centre, pairs.neighbour)

        def moved(slope: np.ndarray) -> sparse.csr_array:
            """What the motion of each atom does to the centres, by slopes ∂/∂r_ij; a centre's own takes the rest."""
            seen = sparse.coo_array(((slope * v[pairs.neighbour]).sum(1), places), (atoms, atoms)).tocsr()
            own = np.bincount(pairs.centre, (slope * v[pairs.centre]).sum(1), atoms)
            return seen - sparse.diags_array(own)

        M = moved(found.direct)
        for asked, rate in zip(found.asked.T, np.moveaxis(found.rates, 2, 0)):
            M = M + sparse.coo_array((asked, places), (atoms, atoms)).tocsr() @ moved(rate)
        return M.toarray()


class TorchParts(PartedHamiltonian):
    """Parts whose potential energies are a torch function of q, one backward pass for each part.

    potentials(q) → (parts,), and how much of each coordinate each part owns, (parts, coordinates); both columns of
    shares and energies add up to the whole.
    """

    def __init__(
        self,
        H: Hamiltonian,
        labels: Sequence[str],
        gauge: str,
        potentials: Callable[[Tensor], Tensor],
        owned: sparse.csr_array,
    ) -> None:
        super().__init__(H, labels, gauge)
        self.potentials, self.owned = potentials, owned

    def kinetic_energy(self, p: Any) -> np.ndarray:
        """T_i, (parts,)."""
        p = np.asarray(p, dtype=float)
        return self.owned @ (p * p / (2 * np.asarray(self.mass))).ravel()

    def energies(self, q: np.ndarray, p: np.ndarray, t: float = 0.0) -> np.ndarray:
        with torch.no_grad():
            return self.potentials(torch.as_tensor(q)).numpy() + self.kinetic_energy(p)

    def transfer(self, q: np.ndarray, p: np.ndarray, t: float = 0.0) -> np.ndarray:
        velocity = np.asarray(self.H.dp(q, p)).ravel()
        with torch.enable_grad():
            x = torch.tensor(q, requires_grad=True)
            parts = self.potentials(x)
            rows = [
                torch.autograd.grad(part, x, retain_graph=True)[0].flatten().numpy() * velocity
                for part in parts
            ]
        return np.stack(rows) @ self.owned.T


def atoms_of_network(H: AtomsHamiltonian) -> TorchParts:
    """The atoms chart of any potential: energies of bonds and triangles go to their corners in equal shares."""
    atoms = len(H.numbers)
    owned = sparse.csr_array(np.repeat(np.eye(atoms), 3, axis=1))
    rest = torch.zeros(H.event_shape, dtype=H.positions.dtype)

    def potentials(q: Tensor) -> Tensor:
        K, parts = H.complex(q), H.parts(q, rest)
        return to_atoms(parts, K.edges, K.triangles)

    return TorchParts(H, atom_labels(H.numbers.numpy()), EQUAL_ENDS, potentials, owned)


def to_atoms(parts: dict[str, Tensor], edges: Tensor, triangles: Tensor) -> Tensor:
    """Energies of simplices told at atoms, (N,): halves of bonds, thirds of triangles."""
    total = parts["atoms"]
    for corners, energy in ((edges, parts["bonds"] / 2), (triangles, parts["triangles"] / 3)):
        for place in range(corners.shape[1]):
            total = total.index_add(0, corners[:, place], energy)
    return total


def simplices_parts(H: SimplicesHamiltonian, K: Any, by: str = "atoms") -> TorchParts:
    """The simplices chart: every simplex a part (`by` 'simplices'), or told at the atoms in equal shares."""
    layout = H.layout
    owner = np.concatenate(
        [
            np.repeat(np.arange(layout.cells(rank)), layout.width(rank)) + start
            for rank, start in zip(LOCAL_RANKS, _starts(layout))
        ]
    )
    cells = sum(layout.cells(rank) for rank in LOCAL_RANKS)
    owned = sparse.csr_array((np.ones(len(owner)), (owner, np.arange(len(owner)))), (cells, len(owner)))
    rest = torch.zeros(layout.size, dtype=H.q0.dtype)
    if by == "simplices":
        return TorchParts(
            H,
            simplex_labels(K),
            SIMPLICES,
            lambda q: torch.cat([part for part in H.parts(q, rest).values()]),
            owned,
        )
    return TorchParts(
        H,
        atom_labels(K.numbers.numpy()),
        EQUAL_ENDS,
        lambda q: to_atoms(H.parts(q, rest), K.edges, K.triangles),
        shares(K) @ owned,
    )


def _starts(layout: Any) -> list[int]:
    counts = [layout.cells(rank) for rank in LOCAL_RANKS]
    return [sum(counts[:place]) for place in range(len(counts))]


def shares(K: Any) -> sparse.csr_array:
    """How much of each simplex each atom is given, (N, simplices): 1, ½ or ⅓ to each corner."""
    blocks = [sparse.csr_array(np.eye(K.n_atoms))]
    for corners in (K.edges.numpy(), K.triangles.numpy()):
        count, size = corners.shape
        places = (corners.ravel(), np.repeat(np.arange(count), size))
        blocks.append(sparse.csr_array((np.full(corners.size, 1 / size), places), (K.n_atoms, count)))
    return sparse.hstack(blocks, format="csr")
