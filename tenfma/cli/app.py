"""`tenfma app`: open the Streamlit app."""

import os
import socket
import sys

import typer

from tenfma.errors import TenfmaError
from tenfma.site import site


def app(
    port: int = typer.Option(8501, min=1, max=65535, help="Port to serve on."),
    address: str = typer.Option(
        "localhost", help="Address to listen on; localhost keeps it to this machine."
    ),
    headless: bool = typer.Option(False, help="Do not open a browser window."),
) -> None:
    """Open the app in a browser.

    Example: tenfma app --port 8600
    """
    folder = site()
    _refuse_taken(address, port)
    from streamlit.web import cli

    os.chdir(folder)  # Streamlit looks for .streamlit/config.toml in the working directory
    sys.argv = ["streamlit", "run", "app.py", f"--server.port={port}", f"--server.address={address}"]
    sys.argv.append(f"--server.headless={'true' if headless else 'false'}")
    cli.main()


def _refuse_taken(address: str, port: int) -> None:
    """Raise TenfmaError, before anything is loaded, where no server could listen."""
    try:
        family, kind, _, _, where = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(where)
    except (OSError, UnicodeError) as error:
        told = getattr(error, "strerror", None) or error
        raise TenfmaError(
            f"the app cannot listen on {address}, port {port} ({told}); give another --address or --port"
        ) from error
