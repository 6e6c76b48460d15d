"""Catalogues for tests: empty ones, a filled one made once, and crystals to put in."""

import numpy as np
import pytest

from tenfma import catalogue
from tenfma.catalogue import Property, Record


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A data folder of the test's own."""
    monkeypatch.setenv("TENFMA_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("TENFMA_DATABASE_URL", raising=False)
    return tmp_path / "home"


@pytest.fixture
def empty(home):
    with catalogue.open(filled=False) as held:
        yield held


@pytest.fixture(scope="session")
def filled(tmp_path_factory):
    """The catalogue as a person first sees it; tests only read it."""
    path = tmp_path_factory.mktemp("filled") / "catalogue.sqlite"
    with catalogue.open(f"sqlite:///{path}") as held:
        yield held


def perovskite(number: int, **labels):
    """A small crystal whose lattice constant and value tell its number."""
    from pymatgen.core import Lattice, Structure

    a = 4.0 + 0.001 * number
    sites = [[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]]
    structure = Structure(Lattice.cubic(a), ["Ca", "Ti", "O", "O", "O"], np.array(sites))
    value = Property("K_vrh", 100.0 + number, "GPa", "dft", "test")
    labels = {"source": "test", "identifier": f"p{number}", "licence": "CC0", **labels}
    return Record.of(f"p{number}", structure, (value,), **labels)
