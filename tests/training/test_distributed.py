"""Members shared among processes: every one once, the same numbers as one process, also after a kill."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from ase.io import write

from tenfma.embedding.property_model import PropertyModel
from tenfma.training.distributed import ALONE, Ranks, Served, started

sys.path.insert(0, str(Path(__file__).parent))
from labelled_crystals import labelled

#: argument: the folder; the second process dies once of the file `kill`, in the middle of its member
TRAIN = """
import os, signal, sys
from pathlib import Path
from tenfma.embedding.evolved import Motion, Size
from tenfma.training.property import PropertyRecipe, train_property
from tenfma.training.property_data import targets_of
from tenfma.training.property_loop import Schedule

folder, out = Path(sys.argv[1]), Path(sys.argv[2])
recipe = PropertyRecipe(
    members=3, valid=0.3, trees=5, motion=Motion(steps=2), schedule=Schedule(epochs=3, batch=8),
    size=Size(channels=8, copies=2, scalars=6, tensors=2, context=4, hidden=16, dropout=0.0),
)

def report(progress):
    with open(folder / f"fitted-{os.environ.get('RANK', 0)}-{out.name}", "a") as file:
        print(progress.member, progress.epoch, file=file)
    if (folder / "kill").exists() and (progress.member, progress.epoch) == (1, 2):
        (folder / "kill").unlink()
        os.kill(os.getpid(), signal.SIGKILL)

model = train_property(
    [folder / "train.extxyz"], targets_of("log10(K_vrh)"), out, recipe=recipe, report=report
)
print("members", len(model.members))
"""


class Recorded(Ranks):
    """Ranks that note where they wait instead of waiting."""

    def wait(self) -> None:
        MET.append(self.rank)


MET: list[int] = []


@pytest.mark.parametrize(("world", "count"), [(2, 5), (3, 3), (4, 2), (1, 3)])
def test_each_member_is_fitted_by_one_process_and_the_first_has_all(world, count):
    MET.clear()
    first = list(Recorded(0, world).members(count))
    assert sorted(first) == list(range(count)) and MET == [0]
    others = []
    for rank in range(1, world):
        with pytest.raises(Served):
            for member in Recorded(rank, world).members(count):
                others.append(member)
        assert MET[-1] == rank
    assert sorted(others) == sorted(set(range(count)) - set(range(0, count, world)))
    assert Ranks(0, world).turns(count) == max(len(range(r, count, world)) for r in range(world))


def test_the_first_process_goes_first():
    done = []

    class Told(Ranks):
        def wait(self) -> None:
            done.append(f"{self.rank} waits")

    for rank in (0, 1):
        with Told(rank, 2).first():
            done.append(f"{rank} works")
    assert done == ["0 works", "0 waits", "1 waits", "1 works"]


def test_other_launchers_variables_do_not_count(monkeypatch):
    monkeypatch.setenv("RANK", "3")
    monkeypatch.setenv("WORLD_SIZE", "8")
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
    assert started() == ALONE
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "x")
    assert started() == Ranks(3, 8)


@pytest.mark.slow
def test_two_processes_make_the_model_that_one_makes_also_after_a_kill(tmp_path):
    write(tmp_path / "train.extxyz", labelled(40))
    (tmp_path / "train.py").write_text(TRAIN)
    words = ["--standalone", "--nproc-per-node", "2", "--no-python", sys.executable]
    script = [str(tmp_path / "train.py"), str(tmp_path)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}

    def go(*command: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, *command], env=environment, capture_output=True, text=True, timeout=280
        )

    assert go(*script, str(tmp_path / "one")).returncode == 0
    (tmp_path / "kill").touch()
    launch = ["-m", "torch.distributed.run", *words, *script, str(tmp_path / "two")]
    cut = go(*launch)
    assert cut.returncode != 0 and not (tmp_path / "kill").exists()
    again = go(*launch)
    assert again.returncode == 0, again.stderr
    assert again.stdout.count("members 3") == 2
    fitted = [(tmp_path / f"fitted-{rank}-two").read_text().split("\n")[:-1] for rank in (0, 1)]
    assert {line[0] for line in fitted[0]} == {"0", "2"} and {line[0] for line in fitted[1]} == {"1"}
    one, two = (PropertyModel.restore(tmp_path / name) for name in ("one", "two"))
    assert [head.scores for head in one.heads] == [head.scores for head in two.heads]
    for name, value in one.state_dict().items():
        torch.testing.assert_close(two.state_dict()[name], value, rtol=0, atol=0, msg=name)
