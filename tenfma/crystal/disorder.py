"""Partial occupancies: an ordered cell that stands for a disordered crystal.

A solid solution has sites that are one element here and another there. `order` builds a small supercell in
which every site is one element or empty, as near as it can to both - the composition: each sublattice's
atoms are counted out by largest remainders; - randomness: among all ways to place them, one whose pairs are
as frequent as chance makes them. With P_ab(s) the
  fraction of pairs of shell s that are a and b, chance gives P_ab = x_a x_b (the Warren–Cowley parameter
  1 − P_ab / x_a x_b is then zero), and simulated annealing lowers Σ_s w_s Σ_ab (P_ab(s) − x_a x_b)².
This is a special quasirandom structure: Zunger, Wei, Ferreira and Bernard, Phys. Rev. Lett. 65, 353 (1990).
No energies enter. The seed decides between equally good placements, and all that was chosen is reported.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from pymatgen.core import Structure

from tenfma.crystal.cutoffs import Fixed
from tenfma.crystal.neighbours import Crystal, pairs_of
from tenfma.crystal.supercells import compact_supercell
from tenfma.errors import StructureError

#: occupancies that add up to within this of one are taken for full: files round thirds
_FULL = 0.005
#: how far pairs are made random, Å
_PAIR_RANGE = 6.0
#: pairs whose lengths agree to this are one shell, Å
_SHELL_WIDTH = 0.05
#: two split sites nearer than this, Å, cannot both hold an atom
_EXCLUDED = 1.0
#: a supercell is grown to about this many disordered sites, where allowed, so that pairs can look random
_ENOUGH_SITES = 16
#: composition errors below this are not worth a larger cell
_GOOD_COMPOSITION = 0.01


@dataclass(frozen=True)
class Approximant:
    """An ordered structure that stands for a disordered one, with what was chosen and how well it fits."""

    structure: Structure
    seed: int
    supercell: tuple[tuple[int, ...], ...]
    """Integer matrix: rows are the supercell's vectors in those of the given cell."""
    composition_error: float
    """Largest difference between a site's occupancy and its sublattice's in the supercell."""
    pair_mismatch: float
    """Root mean square of P_ab(s) − x_a x_b over element pairs and shells within 6 Å; 0 is random."""
    vacancies: int

    def __str__(self) -> str:
        size = round(abs(np.linalg.det(np.array(self.supercell))))
        return (
            f"{self.structure.composition.formula}: ordered approximant of {len(self.structure)} atoms in "
            f"{size} cells with {self.vacancies} vacancies, seed {self.seed}; composition off by at most "
            f"{self.composition_error:.3f}, pairs off chance by {self.pair_mismatch:.3f} (rms)."
        )


@dataclass(frozen=True)
class _Sublattice:
    """Sites of the given cell with the same occupancies; species None is a vacancy."""

    sites: list[int]
    species: list[Any]
    occupancies: np.ndarray


def order(structure: Structure, seed: int = 0, max_atoms: int = 64) -> Approximant:
    """An ordered approximant of a structure with partially occupied sites; an ordered one comes back itself.

    The supercell is the smallest, up to `max_atoms` sites, that has 16 disordered sites and a composition
    within 0.01, or comes nearest to that.

    Raises StructureError where an element would be lost for want of sites, and where split sites nearer than
    1 Å cannot be kept apart.
    """
    if structure.is_ordered:
        identity = tuple(map(tuple, np.eye(3, dtype=int).tolist()))
        return Approximant(structure, seed, identity, 0.0, 0.0, 0)
    sublattices = _sublattices(structure)
    size = _choose_size(structure, sublattices, max_atoms)
    matrix = compact_supercell(np.array(structure.lattice.matrix), size)
    parents, fractional = _expand(np.array(structure.frac_coords), matrix)
    lattice = matrix @ structure.lattice.matrix

    counts = [_round(part.occupancies * len(part.sites) * size) for part in sublattices]
    error = max(
        float(np.abs(count / count.sum() - part.occupancies).max())
        for count, part in zip(counts, sublattices)
    )
    species = list({kind: None for part in sublattices for kind in part.species})
    sublattice_of = np.full(len(structure), -1)
    for index, part in enumerate(sublattices):
        sublattice_of[part.sites] = index
    disordered = np.flatnonzero(sublattice_of[parents] >= 0)
    group = sublattice_of[parents[disordered]]

    rng = np.random.default_rng(seed)
    kinds = np.empty(len(disordered), np.int64)
    for index, (part, count) in enumerate(zip(sublattices, counts)):
        names = np.repeat([species.index(kind) for kind in part.species], count)
        kinds[group == index] = rng.permutation(names)
    kinds, mismatch = _quasirandom(
        kinds, group, fractional[disordered] @ lattice, lattice, len(species), _vacancy(species), rng
    )

    chosen: dict[int, Any] = {int(site): species[kind] for site, kind in zip(disordered, kinds)}
    atoms = [
        (chosen[site] if site in chosen else next(iter(structure[parent].species)), fractional[site])
        for site, parent in enumerate(parents.tolist())
    ]
    kept = [(kind, place) for kind, place in atoms if kind is not None]
    if not kept:
        raise StructureError("Every site came out empty; the occupancies are too small for this supercell.")
    ordered = Structure(lattice, [kind for kind, _ in kept], [place for _, place in kept], to_unit_cell=True)
    return Approximant(
        ordered, seed, tuple(map(tuple, matrix.tolist())), error, mismatch, len(atoms) - len(kept)
    )


def _vacancy(species: list[Any]) -> int:
    return species.index(None) if None in species else -1


def _sublattices(structure: Structure) -> list[_Sublattice]:
    """Disordered sites by their occupancies, vacancies included."""
    groups: dict[tuple[tuple[str, float], ...], _Sublattice] = {}
    for index, site in enumerate(structure):
        occupancies: dict[Any, float] = dict(site.species.items())
        total = sum(occupancies.values())
        if total > 1 + _FULL or min(occupancies.values()) < 0:
            raise StructureError(
                f"Site {index} ({site.species_string}) has occupancies that add up to {total:.3f}; expected "
                "at most 1."
            )
        if total >= 1 - _FULL:
            occupancies = {kind: share / total for kind, share in occupancies.items()}
        else:
            occupancies[None] = 1 - total
        if len(occupancies) == 1:
            continue
        kinds = sorted(occupancies, key=str)
        key = tuple((str(kind), round(occupancies[kind], 6)) for kind in kinds)
        shares = np.array([occupancies[kind] for kind in kinds])
        groups.setdefault(key, _Sublattice([], kinds, shares)).sites.append(index)
    return list(groups.values())


def _round(wanted: np.ndarray) -> np.ndarray:
    """Whole numbers with the same sum, by largest remainders."""
    counts = np.floor(wanted + 1e-9).astype(np.int64)
    missing = round(float(wanted.sum())) - counts.sum()
    counts[np.argsort(-(wanted - counts), kind="stable")[:missing]] += 1
    return counts


def _choose_size(structure: Structure, sublattices: list[_Sublattice], max_atoms: int) -> int:
    sizes = range(1, max(1, max_atoms // len(structure)) + 1)
    errors = []
    for size in sizes:
        error = 0.0
        for part in sublattices:
            count = _round(part.occupancies * len(part.sites) * size)
            lost = ((count == 0) & np.array([kind is not None for kind in part.species])).any()
            error = max(
                error, np.inf if lost else float(np.abs(count / count.sum() - part.occupancies).max())
            )
        errors.append(error)
    best = min(errors)
    if not np.isfinite(best):
        part = min(sublattices, key=lambda p: p.occupancies.min())
        rarest = part.species[int(part.occupancies.argmin())]
        needed = int(np.ceil(len(structure) / (float(part.occupancies.min()) * len(part.sites))))
        raise StructureError(
            f"An ordered cell of at most {max_atoms} sites has no room for {rarest or 'a vacancy'} at "
            f"occupancy {part.occupancies.min():.3g}; allow max_atoms of about {needed}."
        )
    good = [n for n, error in zip(sizes, errors) if error <= max(best, _GOOD_COMPOSITION) + 1e-9]
    sites = sum(len(part.sites) for part in sublattices)
    return next((n for n in good if n * sites >= _ENOUGH_SITES), good[-1])


def _expand(fractional: np.ndarray, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sites of the supercell: which given site each repeats, and its fractional coordinates."""
    size = round(abs(np.linalg.det(matrix)))
    inverse = np.linalg.inv(matrix)
    corners = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)]) @ matrix
    grid = np.stack(
        np.meshgrid(*(np.arange(a, b + 1) for a, b in zip(corners.min(0), corners.max(0))), indexing="ij"), -1
    ).reshape(-1, 3)
    inside = grid @ inverse
    grid = grid[((inside > -1e-9) & (inside < 1 - 1e-9)).all(axis=1)]
    if len(grid) != size:
        raise StructureError(f"The supercell {matrix.tolist()} holds {len(grid)} cells, not {size}.")
    parents = np.repeat(np.arange(len(fractional)), size)
    return parents, (fractional[parents] + np.tile(grid, (len(fractional), 1))) @ inverse


def _quasirandom(
    kinds: np.ndarray,
    group: np.ndarray,
    positions: np.ndarray,
    lattice: np.ndarray,
    species: int,
    vacancy: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, float]:
    """Swap kinds within sublattices until pairs are as frequent as by chance; also the mismatch left."""
    crystal = Crystal(np.ones(len(kinds), np.int64), positions, lattice, np.ones(3, bool))
    pairs = pairs_of([crystal], Fixed(_PAIR_RANGE), 10**8)
    tail, head = pairs.edges.T
    low, high = np.minimum(group[tail], group[head]), np.maximum(group[tail], group[head])
    label = np.stack([low, high, np.round(pairs.lengths / _SHELL_WIDTH).astype(np.int64)], axis=1)
    shells, shell, count = np.unique(label, axis=0, return_inverse=True, return_counts=True)
    shell = shell.ravel()
    share = np.zeros((group.max() + 1, species))
    np.add.at(share, (group, kinds), 1.0)
    share /= share.sum(axis=1, keepdims=True)

    chance = share[shells[:, 0], :, None] * share[shells[:, 1], None, :]
    target = (chance + chance.transpose(0, 2, 1)) / 2
    distance = shells[:, 2] * _SHELL_WIDTH
    possible = (distance >= _EXCLUDED)[:, None, None]
    atom = np.arange(species) != vacancy
    both = atom[:, None] & atom[None, :]
    nearest = distance[distance >= _EXCLUDED].min(initial=_PAIR_RANGE)
    weight = np.where(possible, (nearest / np.maximum(distance, nearest))[:, None, None] ** 2, 1e3 * both)
    target = np.where(possible, target, 0.0)

    # neighbours of each site, row by row; a site's own image is listed once
    own = tail == head
    rows = np.concatenate([tail, head[~own]])
    by_row = np.argsort(rows, kind="stable")
    to = np.concatenate([head, tail[~own]])[by_row]
    shell_of = np.concatenate([shell, shell[~own]])[by_row]
    start = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(kinds)))])
    # swap partners come from the same sublattice
    by_group = np.argsort(group, kind="stable")
    first = np.concatenate([[0], np.cumsum(np.bincount(group))])

    steps = int(np.clip(400 * len(kinds), 2_000, 40_000))
    best, counts = _anneal(
        kinds,
        start,
        to,
        shell_of,
        group,
        by_group,
        first,
        target,
        weight,
        2.0 * count,
        rng.random((steps, 3)),
    )
    if (counts * (~possible & both)).sum() > 0:
        raise StructureError(
            f"Sites less than {_EXCLUDED} Å apart are both needed to hold the atoms; they are no "
            "alternatives to each other. Give the split sites as one, or lower their occupancies."
        )
    deviation = (counts / (2.0 * count)[:, None, None] - target)[possible[:, 0, 0]]
    return best, float(np.sqrt((deviation**2).mean())) if deviation.size else 0.0


@njit(cache=True)
def _count(counts, kinds, site, start, to, shell, sign):
    for k in range(start[site], start[site + 1]):
        a, b = kinds[site], kinds[to[k]]
        counts[shell[k], a, b] += sign
        counts[shell[k], b, a] += sign


@njit(cache=True)
def _mismatch(counts, target, weight, pairs):
    total = 0.0
    for s in range(counts.shape[0]):
        for a in range(counts.shape[1]):
            for b in range(counts.shape[2]):
                total += weight[s, a, b] * (counts[s, a, b] / pairs[s] - target[s, a, b]) ** 2
    return total


@njit(cache=True)
def _exchange(counts, kinds, i, j, start, to, shell):
    a, b = kinds[i], kinds[j]
    _count(counts, kinds, i, start, to, shell, -1.0)
    kinds[i] = b
    _count(counts, kinds, i, start, to, shell, 1.0)
    _count(counts, kinds, j, start, to, shell, -1.0)
    kinds[j] = a
    _count(counts, kinds, j, start, to, shell, 1.0)


@njit(cache=True)
def _anneal(kinds, start, to, shell, group, by_group, first, target, weight, pairs, draws):
    """Simulated annealing by swaps, cooled geometrically; returns the best kinds and their pair counts."""
    kinds = kinds.copy()
    counts = np.zeros(target.shape)
    for i in range(len(kinds)):
        for k in range(start[i], start[i + 1]):
            j = to[k]
            if i < j or i == j:
                counts[shell[k], kinds[i], kinds[j]] += 1.0
                counts[shell[k], kinds[j], kinds[i]] += 1.0
    value = _mismatch(counts, target, weight, pairs)
    best, best_value, best_counts = kinds.copy(), value, counts.copy()
    hot = 0.1 * value + 1e-12
    for step in range(len(draws)):
        temperature = hot * 1e-4 ** (step / len(draws))
        i = int(draws[step, 0] * len(kinds))
        g = group[i]
        j = by_group[first[g] + int(draws[step, 1] * (first[g + 1] - first[g]))]
        if kinds[i] == kinds[j]:
            continue
        _exchange(counts, kinds, i, j, start, to, shell)
        trial = _mismatch(counts, target, weight, pairs)
        if trial <= value or draws[step, 2] < np.exp((value - trial) / temperature):
            value = trial
            if value < best_value - 1e-12:
                best, best_value, best_counts = kinds.copy(), value, counts.copy()
        else:
            _exchange(counts, kinds, i, j, start, to, shell)
    return best, best_counts
