"""Pages in tests keep their catalogue in a folder of the test run."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory):
    """A data folder of this run's own, so that no test reads or fills the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TENFMA_DATA_HOME", str(tmp_path_factory.mktemp("home")))
        patch.delenv("TENFMA_DATABASE_URL", raising=False)
        yield
