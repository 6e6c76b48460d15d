"""Where output goes to a full disk it is told in a sentence; where nobody reads on, the program ends without a word."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FULL = Path("/dev/full")
COMMANDS = (["--help"], ["featurize", "prototype:NaCl"], ["catalogue", "--help"], ["certify", "pendulum"])


def started(arguments, **streams):
    program = [sys.executable, "-c", "from tenfma.cli import main; main()", *arguments]
    return subprocess.run(program, stderr=subprocess.PIPE, text=True, timeout=200, **streams)


@pytest.mark.skipif(not FULL.exists(), reason="only Linux has /dev/full")
@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_a_full_disk_is_told_in_a_sentence(arguments):
    with FULL.open("w") as full:
        done = started(arguments, stdout=full)
    assert done.returncode == 2
    assert done.stderr.startswith("tenfma: there is no space left") and done.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", COMMANDS[:2], ids=" ".join)
def test_nobody_reading_on_is_no_failure_to_tell_of(arguments):
    reading, writing = os.pipe()
    os.close(reading)
    done = started(arguments, stdout=writing)
    os.close(writing)
    assert done.returncode in (0, 1) and done.stderr == ""
