"""Which crystals teach and which are asked: by chance, by formula, by element family, by anion, by energy, by noise.

A split's name says all: 'random', 'formula', 'heat', 'family-halides', 'anion-S', 'energy', 'alloys-elements',
'noise-0.5'. 'heat' is 'random' of the file of heat capacities, the one label here that is about motion.
Families are left out of the elasticity file, anions out of `perov_5`, the highest energies out of `carbon_24`. Of the
alloys of Mo, Nb, Ta and W the pure elements teach and all binary solid solutions are asked ('alloys-elements'), or the
elements and four pairs teach and the other two pairs are asked ('alloys-pairs').
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tenfma.crystal.elements import table
from tenfma.training.property_data import Labelled, folds, read_labelled, targets_of

FAMILIES = {
    "halides": "F Cl Br I",
    "chalcogenides": "O S Se Te",
    "pnictides": "N P As Sb",
    "lanthanides": "La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu",
}
#: pairs whose solid solutions are asked for; each element is met in two of the pairs that teach
LEFT_PAIRS = ("NbMo", "TaW")
#: share of the carbon crystals, those of highest energy, that are asked for
HIGHEST = 0.25


@dataclass(frozen=True)
class Problem:
    """Files, their targets, and which of them H at rest is taught, if any.

    Of each file every `every`-th frame is taken; training has `passes` times the passes of others, in batches of `batch`.
    """

    files: tuple[str, ...]
    targets: str
    energy: int | None
    every: int = 1
    passes: float = 1.0
    batch: int = 48


PROBLEMS = {
    "elasticity": Problem(
        ("elasticity/mp_binary_elasticity.extxyz.gz",), "log10(K_vrh),log10(G_vrh),e_form_per_atom", 2
    ),
    "heat": Problem(("heat_capacity/alexandria_binary_cv.extxyz.gz",), "Cv_300K/atom", None, passes=3.5),
    "perov_5": Problem(("perov_5/perov_5_dev.extxyz.gz",), "heat_all", 0),
    "carbon_24": Problem(("carbon_24/carbon_24_dev.extxyz.gz",), "energy_per_atom", 0),
    # frames of a molecular dynamics run follow one another closely, so few of them say nearly as much as all
    "alloys": Problem(
        tuple(f"alloys/{name}.extxyz.gz" for name in ("elements_train", "binaries_train", "binaries_test")),
        "energy/atom",
        0,
        every=12,
        passes=3.0,
        batch=12,
    ),
}


def problem_of(split: str) -> str:
    """The data a split is made of."""
    kind = split.partition("-")[0]
    own = {"anion": "perov_5", "energy": "carbon_24", "alloys": "alloys", "heat": "heat"}
    return own.get(kind, "elasticity")


def read(data: Path, problem: str) -> Labelled:
    """The crystals of a problem with their labels."""
    what = PROBLEMS[problem]
    parts = [read_labelled([data / file], targets_of(what.targets)) for file in what.files]
    kept = [np.arange(0, len(part), what.every) for part in parts]
    return replace(
        parts[0],
        structures=[part.structures[i] for part, own in zip(parts, kept) for i in own],
        labels=np.concatenate([part.labels[own] for part, own in zip(parts, kept)]),
        places=tuple(part.places[i] for part, own in zip(parts, kept) for i in own),
    )


def parts(split: str, labelled: Labelled) -> tuple[np.ndarray, np.ndarray]:
    """Places of the crystals to learn from and of those asked for."""
    kind, _, what = split.partition("-")
    if kind in ("random", "formula", "noise", "heat"):
        fold = folds(len(labelled), 5, 0, labelled.formulas if kind == "formula" else None)
        asked = fold == 0
    elif kind in ("family", "anion"):
        symbols = (FAMILIES[what] if kind == "family" else what).split()
        numbers = [table().symbols.index(symbol) for symbol in symbols]
        asked = np.array([bool(np.isin(atoms.numbers, numbers).any()) for atoms in labelled.structures])
    elif kind == "energy":
        asked = labelled.labels[:, 0] >= np.quantile(labelled.labels[:, 0], 1 - HIGHEST)
    elif kind == "alloys":
        groups = [atoms.info["group"].partition("_")[0] for atoms in labelled.structures]
        elements = set(table().symbols)
        asked = np.array(
            [group not in elements if what == "elements" else group in LEFT_PAIRS for group in groups]
        )
    else:
        raise ValueError(f"there is no split {split!r}")
    return np.nonzero(~asked)[0], np.nonzero(asked)[0]


def taught(split: str, labels: np.ndarray, train: np.ndarray, seed: int) -> np.ndarray:
    """Labels with normal noise of 'noise-x' times their spread where they are taught, or as they are."""
    kind, _, what = split.partition("-")
    if kind != "noise":
        return labels
    noise = np.random.default_rng(1000 + seed).normal(size=(len(train), labels.shape[1]))
    found = labels.copy()
    found[train] += float(what) * np.nanstd(labels[train], axis=0) * noise
    return found


def data_file(data: Path, problem: str) -> Path:
    """Where a problem's crystals lie, the first of their files."""
    return data / PROBLEMS[problem].files[0]
