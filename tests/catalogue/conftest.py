"""Catalogues for tests: empty ones, and a filled one made once."""

import pytest

from tenfma import catalogue


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
