"""TEN-FMA: crystals as simplicial complexes that move under a learned, certified Hamiltonian.

Public names are imported on first use, so that `import tenfma` stays cheap.
"""

import os
from importlib import import_module
from typing import Any

# Read by libgomp when torch is loaded: how often a thread looks before it sleeps. By default it looks a hundred times as
# often, and on a machine that others keep busy it does so while its partner is not running: a path of 0.8 s took 170 s.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "3000")

__version__ = "0.1.0"

#: public name -> (module that defines it, its name there)
_PUBLIC = {
    "TenfmaError": ("tenfma.errors", "TenfmaError"),
    "Hamiltonian": ("tenfma.hamiltonian.protocol", "Hamiltonian"),
    "textbook": ("tenfma.hamiltonian.textbook", "textbook"),
    "symbolic": ("tenfma.hamiltonian.symbolic", "symbolic"),
    "legendre": ("tenfma.hamiltonian.legendre", "legendre"),
    "integrate": ("tenfma.dynamics.integrate", "integrate"),
    "bracket": ("tenfma.dynamics.brackets", "bracket"),
    "certify": ("tenfma.dynamics.certificates", "certify"),
    "read": ("tenfma.crystal.structures", "read"),
    "complex_of": ("tenfma.crystal.complex", "complex_of"),
    "SimplicialComplex": ("tenfma.crystal.complex", "SimplicialComplex"),
    "featurize": ("tenfma.crystal.features", "featurize"),
    "SimplicialFeaturizer": ("tenfma.crystal.featurizer", "SimplicialFeaturizer"),
    "TenFMAFeaturizer": ("tenfma.embedding.featurizer", "TenFMAFeaturizer"),
    "from_ase": ("tenfma.hamiltonian.calculated", "from_ase"),
    "load": ("tenfma.embedding.pipeline", "load"),
    "explain": ("tenfma.explanation.explain", "explain"),
}

__all__ = ["__version__", *_PUBLIC]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(
            f"module 'tenfma' has no attribute {name!r}; it has {', '.join(sorted(__all__))}"
        )
    module, attribute = _PUBLIC[name]
    value = getattr(import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
