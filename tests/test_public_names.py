"""The public names are there, and importing the package stays cheap."""

import os
import subprocess
import sys

import pytest

import tenfma


@pytest.mark.parametrize("name", [n for n in tenfma.__all__ if n != "__version__"])
def test_every_public_name_resolves(name):
    assert callable(getattr(tenfma, name))


def test_an_unknown_name_says_what_there_is():
    with pytest.raises(AttributeError, match="textbook"):
        tenfma.no_such_thing  # noqa: B018


def test_importing_tenfma_imports_nothing_heavy():
    code = (
        "import sys, tenfma; print([m for m in ('torch', 'numpy', 'pymatgen', 'sympy') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.strip() == "[]"


@pytest.mark.parametrize(
    ("chosen", "held"),
    [({}, "3000"), ({"GOMP_SPINCOUNT": "7"}, "7"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "None")],
)
def test_waiting_threads_soon_sleep_unless_a_person_chose_otherwise(chosen, held):
    code = "import os, tenfma; print(os.environ.get('GOMP_SPINCOUNT'))"
    ours = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
    environment = {key: value for key, value in os.environ.items() if key not in ours} | chosen
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == held
