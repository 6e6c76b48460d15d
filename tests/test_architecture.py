"""Imports run downward; the walls of docs/architecture.md hold."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
UPPER = {"embedding", "training", "simulation", "explanation", "catalogue", "viz", "ui", "cli"}

#: part -> parts of tenfma it must never import
FORBIDDEN = {
    "errors": UPPER | {"crystal", "hamiltonian", "dynamics"},
    "whole": UPPER | {"crystal", "hamiltonian", "dynamics"},
    "crystal": UPPER | {"hamiltonian", "dynamics"},
    "hamiltonian": UPPER | {"dynamics"},
    "dynamics": UPPER | {"crystal"},
    "simulation": {"training", "explanation", "catalogue", "viz", "ui", "cli"},
    "embedding": {"training", "simulation", "explanation", "catalogue", "viz", "ui", "cli"},
    "explanation": {"training", "catalogue", "viz", "ui", "cli"},
    "catalogue": {"training", "explanation", "viz", "ui", "cli"},
    "viz": {"ui", "cli"},
}


def imported_parts(source: str) -> set[str]:
    """Which parts of tenfma a module imports, wherever in the file."""
    parts = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        parts |= {name.split(".")[1] for name in names if name.startswith("tenfma.")}
    return parts


def files_of(part: str) -> list[Path]:
    single = ROOT / "tenfma" / f"{part}.py"
    return [single] if single.exists() else sorted((ROOT / "tenfma" / part).rglob("*.py"))


@pytest.mark.parametrize("part", sorted(FORBIDDEN))
def test_imports_run_downward(part):
    files = files_of(part)
    assert files, f"tenfma/{part} has gone; mend docs/architecture.md and this test"
    for path in files:
        upward = imported_parts(path.read_text()) & FORBIDDEN[part]
        assert not upward, f"{path.relative_to(ROOT)} imports {sorted(upward)}, which stand above it"


def test_the_walk_sees_every_form_of_import():
    source = "import tenfma.viz.x\ndef f():\n    from tenfma import ui\n    from tenfma.cli.app import app\n"
    assert imported_parts(source) == {"viz", "ui", "cli"}


def test_viz_knows_no_streamlit_and_pages_hold_no_science():
    for path in files_of("viz"):
        assert "streamlit" not in path.read_text(), f"{path.name} knows Streamlit"
    science = ("import torch", "import scipy", "import sympy", "import numba", "import e3nn", "from pymatgen")
    for path in [ROOT / "app.py", *sorted((ROOT / "pages").glob("*.py"))]:
        found = [line for line in science if line in path.read_text()]
        assert not found, f"{path.name} has science in it: {found}"
