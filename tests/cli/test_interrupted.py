"""Ctrl-C at any moment, while Python is still importing too: one sentence, exit code 130, no traceback."""

import subprocess
import sys

import pytest

#: runs `tenfma` with a Ctrl-C at the moment when a module is looked for, turned into an ImportError if asked
PROGRAM = """
import signal, sys

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have switched it off in the background
module, how, *arguments = sys.argv[1:]

class Struck:
    def find_spec(self, name, path=None, target=None):
        if name == module:
            try:
                signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt as struck:
                if how == "turned":
                    raise ImportError("a library's own words") from struck
                raise

sys.meta_path.insert(0, Struck())
from tenfma.cli import main
sys.argv = ["tenfma", *arguments]
main()
"""


@pytest.mark.parametrize(
    ("module", "turned"),
    [
        ("typer", "as it is"),
        ("tenfma.cli.catalogue", "turned"),
        ("numpy", "as it is"),
        ("pymatgen.core", "turned"),
        ("torch", "as it is"),
    ],
)
def test_while_python_is_importing(module, turned, tmp_path):
    arguments = ["featurize", "prototype:perovskite", "--out", str(tmp_path / "x.csv")]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, module, turned, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 130
    assert done.stderr == "tenfma: interrupted; what was finished is kept\n" and not done.stdout
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_is_the_callers_again_afterwards():
    import signal

    from tenfma.cli import run

    before = signal.getsignal(signal.SIGINT)
    assert run(["certify", "nonsense"]) == 2
    assert signal.getsignal(signal.SIGINT) is before
