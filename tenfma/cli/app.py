"""`tenfma app`: open the Streamlit app."""

import sys
from pathlib import Path

import typer

from tenfma.errors import TenfmaError


def app(
    port: int = typer.Option(8501, min=1, max=65535, help="Port to serve on."),
    address: str = typer.Option("localhost", help="Address to listen on; localhost keeps it to this machine."),
    headless: bool = typer.Option(False, help="Do not open a browser window."),
) -> None:
    """Open the app in a browser.

    Example: tenfma app --port 8600
    """
    script = Path(__file__).resolve().parents[2] / "app.py"
    if not script.exists():
        raise TenfmaError(f"the app's files are not beside the package ({script.name} is missing); install it again")
    from streamlit.web import cli

    sys.argv = ["streamlit", "run", str(script), f"--server.port={port}", f"--server.address={address}"]
    sys.argv.append(f"--server.headless={'true' if headless else 'false'}")
    cli.main()
