"""Module A's features of many crystals as plain arrays, from which batches are cut without a loop over crystals.

All ranks stand here once, computed from one complex: what atoms, bonds and triangles are, their smooth weights, and the
pooled static row of each crystal. Messages run over the nearer bonds only, with a weight of their own,

    w(r / (`NEAR` (R_i + R_j))),    R the covalent radii,

so nothing jumps when a neighbour enters. Odd bond channels are left out: messages know both ends.
"""

from collections.abc import Callable, Iterator, Sequence, Sized
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from tenfma.crystal.complex import complex_of
from tenfma.crystal.cutoffs import covalent_radii
from tenfma.crystal.features import featurize
from tenfma.crystal.features.pooling import pool
from tenfma.crystal.weights import smooth_cutoff
from tenfma.embedding.chemistry import composition, composition_names
from tenfma.errors import TenfmaError
from tenfma.whole import write_tensors

#: the complex that is featurized, as `SimplicialFeaturizer` has it
CUTOFF, TRIANGLE_CUTOFF = "2.0 covalent", "1.3 covalent"
#: how far messages run, in covalent radii
NEAR = 1.6
#: atoms featurized together
ATOMS_AT_ONCE = 1024
ATOM_CHANNELS = ("coordination", "dipole", "quadrupole")
BOND_CHANNELS = (
    "length",
    *(f"radial_{n}" for n in range(1, 9)),
    "bond_valence",
    "bond_order",
    "ionic_character",
    "shared_neighbours",
    "force_constant",
    "frequency",
)
TRIANGLE_CHANNELS = ("cosine_sum", "cosine_pairs", "cosine_product", "area_squared", "perimeter", "shape")


@dataclass(frozen=True, eq=False)
class Graphs:
    """G crystals in a row: N atoms, E bonds, F triangles. Bonds and triangles count atoms from their own crystal's first.

    `atoms` (N, 3): coordination, |dipole|², |quadrupole|²; `bonds` (E, 15) and `triangles` (F, 6) by the channel
    names above; `static` (G, S) pooled features in their own units; `tilt` (G, 5) the cell's mean quadrupole, 2e.
    """

    numbers: Tensor
    atoms: Tensor
    ends: Tensor
    """(E, 2) tail, head."""
    bond_weights: Tensor
    bonds: Tensor
    units: Tensor
    harmonics: Tensor
    sides: Tensor
    """(F, 3) bonds."""
    signs: Tensor
    """(F, 3) ±1, the entries of B₂."""
    triangle_weights: Tensor
    triangles: Tensor
    static: Tensor
    tilt: Tensor
    counts: Tensor
    """(G, 3) atoms, bonds, triangles of each crystal."""

    def __len__(self) -> int:
        return len(self.counts)

    def owners(self, rank: int) -> Tensor:
        """The crystal of each atom (0), bond (1) or triangle (2)."""
        return torch.repeat_interleave(torch.arange(len(self)), self.counts[:, rank])

    def take(self, chosen: Tensor) -> "Graphs":
        """These crystals, (B,), in this order."""
        starts = torch.cumsum(self.counts, 0) - self.counts
        counts = self.counts[chosen]
        first = torch.cumsum(counts, 0) - counts
        rows = []
        for rank in range(3):
            shift = (starts[chosen, rank] - first[:, rank]).repeat_interleave(counts[:, rank])
            rows.append(shift + torch.arange(len(shift)))
        held: dict[str, Tensor] = {}
        for names, index in zip(_BY_RANK, (*rows, chosen)):
            held |= {name: getattr(self, name).index_select(0, index) for name in names}
        return Graphs(**held, counts=counts)

    @property
    def linked(self) -> tuple[Tensor, Tensor, Tensor]:
        """Tails, heads (E,) and sides (F, 3), counted through the whole union."""
        first = torch.cumsum(self.counts, 0) - self.counts
        shift = first[:, 0].repeat_interleave(self.counts[:, 1])
        sides = self.sides + first[:, 1].repeat_interleave(self.counts[:, 2])[:, None]
        return self.ends[:, 0] + shift, self.ends[:, 1] + shift, sides

    def to(self, dtype: torch.dtype) -> "Graphs":
        """Real numbers in another precision."""
        return replace(
            self,
            **{f.name: x.to(dtype) for f in fields(self) if (x := getattr(self, f.name)).is_floating_point()},
        )

    @staticmethod
    def union(parts: Sequence["Graphs"]) -> "Graphs":
        """The crystals of several in a row."""
        return Graphs(**{f.name: torch.cat([getattr(p, f.name) for p in parts]) for f in fields(Graphs)})

    def batches(self, atoms: int) -> Iterator["Graphs"]:
        """Consecutive crystals with about this many atoms together."""
        filled = torch.div(torch.cumsum(self.counts[:, 0], 0) - 1, atoms, rounding_mode="floor")
        for value in torch.unique_consecutive(filled):
            yield self.take(torch.nonzero(filled == value)[:, 0])

    def save(self, path: Path, mark: str) -> None:
        """Keep the arrays in a file that `restore` accepts under the same mark."""
        write_tensors({f.name: getattr(self, f.name) for f in fields(self)}, path, {"mark": mark})

    @staticmethod
    def restore(path: Path, mark: str) -> "Graphs | None":
        """What `save` kept under this mark, or None; also where an earlier version kept other features."""
        try:
            with safe_open(path, "pt") as file:
                if (file.metadata() or {}).get("mark") != mark:
                    return None
                found = Graphs(**{f.name: file.get_tensor(f.name) for f in fields(Graphs)})
                return found if found.static.shape[1] == len(static_names()) else None
        except (OSError, SafetensorError):
            return None


_BY_RANK = (
    ("numbers", "atoms"),
    ("ends", "bond_weights", "bonds", "units", "harmonics"),
    ("sides", "signs", "triangle_weights", "triangles"),
    ("static", "tilt"),
)


def static_names() -> tuple[str, ...]:
    """Names of the columns of `static`."""
    from ase import Atoms

    return (*pool(_features([Atoms("Po", cell=[3.35] * 3, pbc=True)])).names, *composition_names())


def graphs_of(
    structures: Sequence[Any],
    dtype: torch.dtype = torch.float32,
    progress: Callable[[int], None] | None = None,
) -> Graphs:
    """Featurize crystals (pymatgen or ASE). Raises TenfmaError, with its place, for one that cannot be."""
    parts, batch, held = [], [], 0
    for index, structure in enumerate(structures):
        batch.append(structure)
        held += len(structure) if isinstance(structure, Sized) else 1  # what is no crystal is refused below
        if held >= ATOMS_AT_ONCE or index == len(structures) - 1:
            parts.append(_graphs(batch, index + 1 - len(batch)).to(dtype))
            batch, held = [], 0
            if progress is not None:
                progress(index + 1)
    if not parts:
        raise TenfmaError("there is no crystal; give at least one structure")
    return Graphs.union(parts)


def _features(structures: list[Any]) -> Any:
    return featurize(complex_of(structures, CUTOFF, TRIANGLE_CUTOFF), smooth_only=True)


def _graphs(structures: list[Any], first: int) -> Graphs:
    try:
        with torch.no_grad():
            return _from_features(_features(structures))
    except TenfmaError as error:
        for place, structure in enumerate(structures):
            try:
                _features([structure])
            except TenfmaError as reason:
                raise TenfmaError(f"crystal {first + place} (counted from 0): {reason}") from error
        raise


def _from_features(h: Any) -> Graphs:
    K = h.complex
    radii = torch.as_tensor(covalent_radii(), dtype=K.dtype)[K.numbers]
    tails, heads = K.edges.unbind(1)
    near = NEAR * (radii[tails] + radii[heads])
    weights = smooth_cutoff(h.bonds["length"] / near)
    kept = weights > 0
    # a triangle's sides are shorter than its own cutoff, and that is shorter than `near`
    triangles = kept[K.triangle_edges].all(1)
    place = torch.cumsum(kept, 0) - 1
    counts = torch.stack(
        [
            K.counts(0),
            torch.bincount(K.edge_crystal[kept], minlength=K.n_crystals),
            torch.bincount(K.triangle_crystal[triangles], minlength=K.n_crystals),
        ],
        dim=1,
    )
    first = torch.cumsum(counts, 0) - counts
    order = torch.argsort(K.edge_crystal[kept], stable=True)
    back = torch.empty_like(order)
    back[order] = torch.arange(len(order))
    faces = torch.nonzero(triangles)[:, 0]
    faces = faces[torch.argsort(K.triangle_crystal[faces], stable=True)]
    bonds = torch.nonzero(kept)[:, 0][order]
    own_atom = first[K.edge_crystal[bonds], 0][:, None]
    own_bond = first[K.triangle_crystal[faces], 1][:, None]
    columns = [h.atoms[name] for name in ATOM_CHANNELS]
    return Graphs(
        numbers=K.numbers,
        atoms=torch.stack([columns[0], (columns[1] ** 2).sum(1), (columns[2] ** 2).sum(1)], dim=1),
        ends=K.edges[bonds] - own_atom,
        bond_weights=weights[bonds],
        bonds=torch.stack([h.bonds[name] for name in BOND_CHANNELS], dim=1)[bonds],
        units=h.bonds["harmonic_1"][bonds],
        harmonics=h.bonds["harmonic_2"][bonds],
        sides=back[place[K.triangle_edges[faces]]] - own_bond,
        signs=(K.triangle_signs[faces] * K.triangle_signs.new_tensor([1, 1, -1])).to(K.dtype),
        triangle_weights=h.triangles.weights[faces],
        triangles=torch.stack([h.triangles[name] for name in TRIANGLE_CHANNELS], dim=1)[faces],
        static=torch.cat(
            [pool(h).values, composition(K.numbers, K.atom_crystal, K.n_crystals, K.dtype)], dim=1
        ),
        tilt=h.cell["quadrupole_mean"],
        counts=counts,
    )
