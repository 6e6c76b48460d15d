"""`tenfma app`: open the Streamlit app."""

import os
import sys

import typer

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
    from streamlit.web import cli

    os.chdir(folder)  # Streamlit looks for .streamlit/config.toml in the working directory
    sys.argv = ["streamlit", "run", "app.py", f"--server.port={port}", f"--server.address={address}"]
    sys.argv.append(f"--server.headless={'true' if headless else 'false'}")
    cli.main()
