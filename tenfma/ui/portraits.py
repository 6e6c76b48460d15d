"""Motions that stand on pages from the first: the home page's pendulum, and an orbit of the notebook's Hamiltonian.

Both come from the first views where nothing has been chosen, before SymPy is loaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from tenfma.viz import first

if TYPE_CHECKING:
    import pandas as pd

    from tenfma.viz.player import Movie


@dataclass(frozen=True)
class Portrait:
    """One path in a plane of phase space, as the player shows it."""

    movie: Movie

    def columns(self) -> dict[str, np.ndarray]:
        """t, the plane's two variables and H at every frame."""
        movie = self.movie
        (path,), (energy,) = movie.paths.values(), movie.energies.values()
        return {"t": movie.times, movie.names[0]: path[:, 0], movie.names[1]: path[:, 1], "H": energy}

    def table(self) -> pd.DataFrame:
        """The columns as a table."""
        import pandas as pd

        return pd.DataFrame(self.columns())


@dataclass(frozen=True)
class Home(Portrait):
    """The picture on the home page: a motion, and the area of its patch at every frame."""

    area: np.ndarray

    def columns(self) -> dict[str, np.ndarray]:
        """t, q, p, H and the patch's area at every frame."""
        return {**super().columns(), "area": self.area}


@st.cache_resource(max_entries=2, show_spinner=False)
def home(area_name: str) -> Home:
    """The pendulum on the home page: one orbit and a patch of neighbours, by leapfrog."""
    kept = first.value("home", "pendulum", _pendulum)
    movie, area = _movie("leapfrog", kept), np.array(kept["area"])
    movie.patch, movie.values = first.array(kept["patch"]), {area_name: area}
    return Home(movie, area)


def _pendulum() -> dict[str, Any]:
    from tenfma.hamiltonian.textbook import textbook
    from tenfma.viz import phase

    H = textbook("pendulum")
    plane = phase.planes(H)["q-p"]
    q0, p0 = np.array([1.3]), np.array([0.0])
    study = phase.study(H, q0, p0, 0.1, 420, ["leapfrog"], plane, radius=0.55, points=240)
    assert study.movie.patch is not None
    patch, area = first.halves(study.movie.patch), np.asarray(study.area).tolist()
    return {**_plain(study.movie), "patch": patch, "area": area}


@st.cache_resource(max_entries=64, show_spinner=False)
def orbit(text: str) -> Portrait:
    """One orbit of the Hamiltonian of that Lagrangian, in the plane of its first coordinate that is not cyclic."""
    kept = first.value("orbit", text, lambda: _orbit(text))
    return Portrait(_movie(kept["method"], kept))


def _orbit(text: str) -> dict[str, Any]:
    from tenfma.viz import phase
    from tenfma.viz.names import pretty

    book = notebook(text)
    H = book.system()
    turning = next((name for name in book.coordinates if name not in book.cyclic), book.coordinates[0])
    plane = next(plane for plane in phase.planes(H, 4).values() if plane.names[0] == pretty(turning))
    q0, p0 = phase.lively_start(H)
    method = phase.default_method(H)
    return {"method": method, **_plain(phase.study(H, q0, p0, 0.02, 1500, [method], plane).movie)}


def _plain(movie: Movie) -> dict[str, Any]:
    """A movie of one path as plain values: numbers that can be downloaded whole, the contours' grid for looking at."""
    (path,), (energy,) = movie.paths.values(), movie.energies.values()
    return {
        "times": movie.times.tolist(), "path": path.tolist(), "names": list(movie.names), "energy": energy.tolist(),
        "grid": None if movie.grid is None else first.halves(movie.grid), "grid_range": movie.grid_range,
        "levels": list(map(float, movie.levels)), "bold": movie.bold, "range": movie.range,
    }  # fmt: skip


def _movie(method: str, kept: dict[str, Any]) -> Movie:
    """What `_plain` made plain."""
    from tenfma.viz.player import Movie

    paths, energies = ({method: np.array(kept[name])} for name in ("path", "energy"))
    movie = Movie(np.array(kept["times"]), paths, tuple(kept["names"]), energies)
    if kept["grid"] is not None:
        movie.grid, movie.grid_range = first.array(kept["grid"]), tuple(kept["grid_range"])
    movie.range, movie.levels, movie.bold = tuple(kept["range"]), kept["levels"], kept["bold"]
    return movie


@st.cache_resource(max_entries=64, show_spinner=False)
def notebook(text: str) -> Any:
    """The steps from a Lagrangian to its Hamiltonian."""
    from tenfma.viz import notebook as book

    return book.from_lagrangian(text)


@st.cache_resource(max_entries=64, show_spinner=False)
def conserved(text: str) -> Any:
    """Conserved polynomials of that Hamiltonian."""
    from tenfma.viz import notebook as book

    return book.conserved(notebook(text).system())
