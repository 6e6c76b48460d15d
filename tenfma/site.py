"""Where the app's own files are: beside the package in a checkout, inside it in a wheel."""

from pathlib import Path

from tenfma.errors import TenfmaError

PACKAGE = Path(__file__).resolve().parent


def site() -> Path:
    """The folder that holds app.py, pages, static and assets.

    Raises:
        TenfmaError: if neither the checkout nor the installed package has them.
    """
    for folder in (PACKAGE.parent, PACKAGE / "_site"):
        if (folder / "app.py").is_file() and (folder / "pages").is_dir():
            return folder
    raise TenfmaError("the app's files are missing beside the package; install tenfma again")


def assets() -> Path:
    """The folder of shipped weights, measured tables and the starter library."""
    return site() / "assets"
