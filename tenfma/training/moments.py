"""The normal equations of a body-ordered potential, added up frame by frame and kept on disk while they grow.

With rows X_E = [B/N, counts/N] per energy, X_F = −∂B/∂r per force component and X_W = (∂B/∂ε)/N per virial,

    G = X_FᵀX_F + w² X_EᵀX_E + v² X_WᵀX_W,    b = X_Fᵀ f + w² X_Eᵀ e + v² X_Wᵀ s.

Only elements that are present have rows, so frames are sorted by which elements they hold and each set keeps its own
small matrices. Energies keep their rows, so that w can be chosen afterwards.
"""

import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy.linalg import blas

from tenfma.errors import TenfmaError
from tenfma.hamiltonian.evaluator import Description, pairs_of
from tenfma.training.data import Frame
from tenfma.whole import whole

#: force rows that go into one matrix product
ROWS = 1536
#: seconds of work after which what is new is written to disk
SAVE_EVERY = 20.0


@dataclass
class Moments:
    """Sums over the frames of one set of elements (k of them); columns are k · functions, then k counts."""

    elements: tuple[int, ...]
    functions: int
    gram: np.ndarray
    moment: np.ndarray
    virial_gram: np.ndarray
    virial_moment: np.ndarray
    energy_rows: list[np.ndarray] = field(default_factory=list)
    energies: list[float] = field(default_factory=list)
    chunks: int = 0
    frames: int = 0
    force_rows: int = 0

    @classmethod
    def zero(cls, elements: tuple[int, ...], functions: int) -> "Moments":
        """No frames yet."""
        size = len(elements) * functions
        return cls(
            elements, functions, np.zeros((size, size)), np.zeros(size), np.zeros((0, 0)), np.zeros(size)
        )

    @property
    def rows(self) -> np.ndarray:
        """X_E, one row per energy, (energies, columns)."""
        return np.array(self.energy_rows).reshape(
            len(self.energies), len(self.elements) * (self.functions + 1)
        )

    @property
    def sound(self) -> bool:
        """Whether all sums are finite and of the shapes that elements and functions ask for."""
        size = len(self.elements) * self.functions
        shapes = (self.gram.shape, self.moment.shape, self.virial_moment.shape)
        if shapes != ((size, size), (size,), (size,)) or self.virial_gram.shape not in ((0, 0), (size, size)):
            return False
        rows = [row.shape == (size + len(self.elements),) for row in self.energy_rows]
        parts = (
            self.gram,
            self.moment,
            self.virial_gram,
            self.virial_moment,
            self.rows,
            np.array(self.energies),
        )
        return (
            len(rows) == len(self.energies) and all(rows) and all(np.isfinite(part).all() for part in parts)
        )

    def add(self, description: Description, frames: Sequence[Frame]) -> None:
        """Add frames that hold just these elements; `description` is of these elements too."""
        rows, targets, virial_rows, virials = [], [], [], []
        for frame in frames:
            pairs = pairs_of(frame.positions, frame.cell, frame.pbc, description.cutoff)
            virial = frame.virial
            B, F, V = description.design_with_strain(frame.numbers, pairs, virial is not None)
            if frame.energy is not None:
                counts = np.array([(frame.numbers == z).sum() for z in self.elements])
                self.energy_rows.append(np.concatenate([B, counts]) / len(frame))
                self.energies.append(frame.energy / len(frame))
            if frame.forces is not None:
                rows.append(F)
                targets.append(frame.forces.ravel())
            if virial is not None:
                virial_rows.append(V / len(frame))
                virials.append(virial.ravel() / len(frame))
        if rows:
            X = np.concatenate(rows)
            self.gram += _gram(X)
            self.moment += X.T @ np.concatenate(targets)
            self.force_rows += len(X)
        if virial_rows:
            X = np.concatenate(virial_rows)
            if not self.virial_gram.size:
                self.virial_gram = np.zeros_like(self.gram)
            self.virial_gram += _gram(X)
            self.virial_moment += X.T @ np.concatenate(virials)
        self.chunks += 1
        self.frames += len(frames)

    def save(self, path: Path) -> None:
        """Write to a file that appears whole or not at all."""
        with whole(path) as part:
            np.savez(
                part,
                elements=self.elements,
                functions=self.functions,
                gram=self.gram,
                moment=self.moment,
                virial_gram=self.virial_gram,
                virial_moment=self.virial_moment,
                energy_rows=self.rows,
                energies=self.energies,
                counts=[self.chunks, self.frames, self.force_rows],
            )

    @classmethod
    def read(cls, path: Path) -> "Moments":
        """Read what `save` wrote."""
        with np.load(path) as held:
            chunks, frames, force_rows = (int(value) for value in held["counts"])
            return cls(
                tuple(int(z) for z in held["elements"]),
                int(held["functions"]),
                held["gram"],
                held["moment"],
                held["virial_gram"],
                held["virial_moment"],
                list(held["energy_rows"]),
                held["energies"].tolist(),
                chunks,
                frames,
                force_rows,
            )


class Assembly:
    """All moments of a data set, by fold and set of elements, resumable from `folder`."""

    def __init__(
        self,
        description: Description,
        frames: Sequence[Frame],
        folds: np.ndarray,
        seed: int,
        folder: Path | None = None,
    ) -> None:
        self.description, self.folder = description, folder
        self.moments: dict[tuple[int, tuple[int, ...]], Moments] = {}
        pending = list(_chunks(frames, folds, seed))
        self.total = len(pending)
        self.pending: list[tuple[tuple[int, tuple[int, ...]], list[Frame]]] = []
        seen: dict[tuple[int, tuple[int, ...]], int] = {}
        for key, chunk in pending:
            if key not in self.moments:
                self.moments[key] = self._started(key)
            seen[key] = seen.get(key, 0) + 1
            if seen[key] > self.moments[key].chunks:
                self.pending.append((key, chunk))
        self._dirty: set[tuple[int, tuple[int, ...]]] = set()

    @property
    def done(self) -> int:
        """How many chunks are in."""
        return self.total - len(self.pending)

    def run(self, deadline: float = float("inf"), report: Callable[[int, int], None] | None = None) -> bool:
        """Add what is pending until all is in (True) or the deadline (time.monotonic) has passed (False).

        Past the deadline goes on until every element is in, so that what there is makes a model of all of them.
        What has been added is written to `folder` now and then, and at the end, interrupted or not.
        """
        saved = time.monotonic()
        try:
            while self.pending:
                if time.monotonic() > deadline and self._every_element:
                    return False
                key, chunk = self.pending[0]
                self.moments[key].add(self._subset(key[1]), chunk)
                self._dirty.add(key)
                del self.pending[0]
                if report is not None:
                    report(self.done, self.total)
                if time.monotonic() - saved > SAVE_EVERY:
                    self.save()
                    saved = time.monotonic()
        finally:
            self.save()
        return True

    @property
    def _every_element(self) -> bool:
        present = {z for (_, elements), m in self.moments.items() if m.frames for z in elements}
        return present == set(self.description.elements)

    def save(self) -> None:
        """Write the moments that changed, if there is a folder."""
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
            for key in sorted(self._dirty):
                self.moments[key].save(self._path(key))
        self._dirty.clear()

    def sums(self, folds: Sequence[int]) -> "Sums":
        """The sums over these folds for all elements together."""
        return Sums.of(self.description, [m for (fold, _), m in self.moments.items() if fold in folds])

    def _started(self, key: tuple[int, tuple[int, ...]]) -> Moments:
        functions = len(self.description.invariants)
        path = self._path(key)
        if path is not None and path.is_file():
            try:
                found = Moments.read(path)
            except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile) as error:
                reason = (str(error).splitlines() or [type(error).__name__])[0]
                raise TenfmaError(f"{path} is broken ({reason}); delete it and train again") from error
            if not found.sound:
                raise TenfmaError(
                    f"{path} is broken (its sums do not fit together); delete it and train again"
                )
            if found.elements == key[1] and found.functions == functions:
                return found
            raise TenfmaError(f"{path} is of another basis; give another --out, or delete this folder")
        return Moments.zero(key[1], functions)

    def _path(self, key: tuple[int, tuple[int, ...]]) -> Path:
        folder = self.folder or Path()
        return folder / f"fold{key[0]}-{'-'.join(map(str, key[1]))}.npz"

    def _subset(self, elements: tuple[int, ...]) -> Description:
        d = self.description
        if elements == d.elements:
            return d
        if not hasattr(self, "_subsets"):
            self._subsets: dict[tuple[int, ...], Description] = {}
        if elements not in self._subsets:
            rows = np.ascontiguousarray(d.embedding[np.searchsorted(d.elements, elements)])
            self._subsets[elements] = Description(elements, d.invariants, rows, d.cutoff, d.messages)
        return self._subsets[elements]


@dataclass(frozen=True, eq=False)
class Sums:
    """Normal equations over all columns: Z · functions, then Z counts."""

    elements: int
    functions: int
    gram: np.ndarray
    moment: np.ndarray
    virial_gram: np.ndarray | None
    virial_moment: np.ndarray
    energy_rows: np.ndarray
    energies: np.ndarray

    @classmethod
    def of(cls, description: Description, moments: Sequence[Moments]) -> "Sums":
        """Put the blocks of each set of elements in their places."""
        Z, size = len(description.elements), len(description.invariants)
        columns = Z * (size + 1)
        gram, moment = np.zeros((columns, columns)), np.zeros(columns)
        strained = any(m.virial_gram.size for m in moments)
        virial_gram = np.zeros((columns, columns)) if strained else None
        virial_moment = np.zeros(columns)
        energy_rows, energies = [], []
        for m in moments:
            where = np.searchsorted(description.elements, m.elements)
            place = [slice(z * size, (z + 1) * size) for z in where]
            own = [slice(a * size, (a + 1) * size) for a in range(len(where))]
            for a, here in zip(own, place):
                moment[here] += m.moment[a]
                virial_moment[here] += m.virial_moment[a]
                for b, there in zip(own, place):
                    gram[here, there] += m.gram[a, b]
                    if virial_gram is not None and m.virial_gram.size:
                        virial_gram[here, there] += m.virial_gram[a, b]
            rows = np.zeros((len(m.energies), columns))
            held = m.rows
            for a, here in zip(own, place):
                rows[:, here] = held[:, a]
            rows[:, Z * size + where] = held[:, len(where) * size :]
            energy_rows.append(rows)
            energies.extend(m.energies)
        joined = np.concatenate([np.zeros((0, columns)), *energy_rows])
        return cls(Z, size, gram, moment, virial_gram, virial_moment, joined, np.array(energies))


def _chunks(
    frames: Sequence[Frame], folds: np.ndarray, seed: int
) -> Iterator[tuple[tuple[int, tuple[int, ...]], list[Frame]]]:
    """Frames of one fold and one set of elements together, in an order that mixes the sets."""
    order = np.random.default_rng(seed).permutation(len(frames))
    groups: dict[tuple[int, tuple[int, ...]], list[list[Frame]]] = {}
    for index in order:
        frame = frames[index]
        key = (int(folds[index]), frame.elements)
        chunks = groups.setdefault(key, [[]])
        if 3 * sum(map(len, chunks[-1])) >= ROWS:
            chunks.append([])
        chunks[-1].append(frame)
    every = [
        (rank / len(chunks), key, chunk)
        for key, chunks in groups.items()
        for rank, chunk in enumerate(chunks)
    ]
    for _, key, chunk in sorted(every, key=lambda one: (one[0], one[1])):
        yield key, chunk


def _gram(X: np.ndarray) -> np.ndarray:
    """XᵀX, with half the multiplications."""
    upper = blas.dsyrk(1.0, X, trans=1) if X.flags.f_contiguous else blas.dsyrk(1.0, X.T, trans=0)
    return np.triu(upper) + np.triu(upper, 1).T
