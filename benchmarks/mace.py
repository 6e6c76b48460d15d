"""Ours beside MACE: same machine, same data, same minutes; test errors of both, and one MD step of both in turns.

    python -m venv peer && peer/bin/pip install mace-torch
    python benchmarks/mace.py --mace-python peer/bin/python --minutes 60 --threads 1 --results runs/mace

MACE: 2 interactions, 32x0e + 32x1o, cutoff 5 Å, float32, force weight 100, otherwise its defaults; a tenth of the
training file chooses its best epoch. Minutes are of processor time, which others on the machine do not eat into: the
system stops MACE when it has used them, and the best epoch until then is used. Ours is `tenfma train --size large` with
the same threads, its processor time told. Both see the training file only; the test file is read at the end. One step
is velocity Verlet by ASE on the 64-atom Si cell, with the calculators as they are.

MACE's finished training is kept in `--results`; the same command with the same settings uses it again, so that our
side can be repeated in the same way. `--ours FOLDER` compares what `tenfma train` left there, with `--known` beside the
errors of MACE that assets/evidence/mace.json holds: then MACE is trained on a few frames for `--minutes`, only to have a
step to time, which does not depend on its weights.
"""

import argparse
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import ase.io
from harness import EVIDENCE, markdown, save, versions

HERE = Path(__file__).resolve().parent
NAME = "peer"
#: of ours, for `tenfma train --size`
SIZE = "large"
#: frames that are enough to time a step
FEW = ":20"
#: aimed at: force error ours / MACE, seconds of a step ours / MACE
AIMS = {"force": 1.0, "step": 0.25}


def prepared(source: Path, out: Path, which: str = ":") -> Path:
    """The frames with the keys MACE is told to read."""
    frames = ase.io.read(source, which)
    for atoms in frames:
        energy, forces = atoms.get_potential_energy(), atoms.get_forces()
        atoms.calc = None
        atoms.info = {"REF_energy": energy}
        atoms.arrays["REF_forces"] = forces
    ase.io.write(out, frames, format="extxyz")
    return out


def train_mace(
    python: Path, data: Path, folder: Path, minutes: float, seed: int, threads: int
) -> tuple[Path, dict[str, float]]:
    """The model of the best epoch within the processor minutes; how many epochs and seconds there were.

    What an earlier call with the same settings finished in `folder` is used again.
    """
    settings = {"minutes": minutes, "seed": seed, "threads": threads, "data": data.stem}
    kept = folder / "finished.json"
    if kept.is_file():
        found = json.loads(kept.read_text())
        if found["settings"] != settings:
            raise SystemExit(f"{folder} holds MACE trained with {found['settings']}; give another --results")
        return folder / found["model"], found["spent"]
    command = [
        python.parent / "mace_run_train", "--name", NAME, "--work_dir", folder, "--train_file", data,
        "--valid_fraction", "0.1", "--energy_key", "REF_energy", "--forces_key", "REF_forces", "--E0s", "average",
        "--model", "MACE", "--num_interactions", "2", "--hidden_irreps", "32x0e + 32x1o", "--r_max", "5.0",
        "--forces_weight", "100", "--default_dtype", "float32", "--device", "cpu", "--seed", str(seed), "--plot", "False",
    ]  # fmt: skip
    log, limit = folder / "output.txt", round(60 * minutes)
    begun, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    with log.open("w") as file:
        subprocess.run(
            [*map(str, command), "--max_num_epochs", "100000"], stdout=file, stderr=file, cwd=folder, check=False,
            env=limited(threads), preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (limit, limit)),
        )  # fmt: skip
        spent = {
            "processor_seconds_of_training": processor_seconds(since=before),
            "seconds_of_training": time.perf_counter() - begun,
            "epochs": max(map(int, re.findall(r"Epoch (\d+): ", log.read_text())), default=-1) + 1,
        }
        if spent["processor_seconds_of_training"] < 0.95 * limit:
            raise SystemExit(f"MACE stopped by itself; its output is\n{log.read_text()[-2000:]}")
        if spent["epochs"] == 0:
            raise SystemExit(f"MACE finished no epoch in {minutes:g} minutes; give more")
        # a second call finds no epoch left and writes the model of the best checkpoint
        subprocess.run(
            [*map(str, command), "--restart_latest", "--max_num_epochs", "1"],
            stdout=file, stderr=file, env=limited(threads), cwd=folder, check=False,
        )  # fmt: skip
    models = sorted(
        folder.rglob(f"{NAME}*.model"), key=lambda path: ("compiled" in path.name, len(path.name))
    )
    if not models:
        raise SystemExit(f"MACE wrote no model; its output is\n{log.read_text()[-2000:]}")
    model = models[0].relative_to(folder)
    kept.write_text(json.dumps({"settings": settings, "spent": spent, "model": str(model)}, indent=1))
    return models[0], spent


def train_ours(data: Path, folder: Path, minutes: float, seed: int, threads: int) -> dict[str, float]:
    """Train; the seconds and processor seconds it took."""
    program = "from tenfma.cli import main; main()"
    arguments = [
        "train",
        "--size",
        SIZE,
        "--data",
        data,
        "--out",
        folder,
        "--minutes",
        f"{minutes:g}",
        "--seed",
        str(seed),
    ]
    begun, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", program, *map(str, arguments)], env=limited(threads), check=True)
    return {
        "processor_seconds_of_training": processor_seconds(since=before),
        "seconds_of_training": time.perf_counter() - begun,
    }


def trained(folder: Path) -> dict[str, float]:
    """The seconds that an earlier training of ours took, as its card and log say."""
    card = json.loads((folder / "card.json").read_text())
    times = [json.loads(line)["time"] for line in (folder / "log.jsonl").read_text().splitlines()]
    return {
        "processor_seconds_of_training": card["processor_seconds"],
        "seconds_of_training": times[-1] - times[0],
    }


def processor_seconds(since: resource.struct_rusage) -> float:
    """What finished child processes have used since then, on all their threads."""
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    return now.ru_utime - since.ru_utime + now.ru_stime - since.ru_stime


def limited(threads: int) -> dict[str, str]:
    """The environment with this many threads."""
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    return {**os.environ, **dict.fromkeys(names, str(threads))}


class Peer:
    """MACE in its own process, asked a line at a time."""

    def __init__(self, python: Path, model: Path, threads: int) -> None:
        self.process = subprocess.Popen(
            [str(python), "-P", str(HERE / "mace_side.py"), str(model)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=limited(threads),
        )  # fmt: skip

    def ask(self, **request: Any) -> dict[str, float]:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            if line.startswith("answer "):
                return json.loads(line.removeprefix("answer "))
        raise SystemExit("MACE's process ended; run mace_side.py by hand to see why")

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(60)


def steps_in_turns(peer: Peer, calculator: Any, rounds: int, steps: int) -> list[tuple[float, float]]:
    """Seconds of one step, (ours, MACE's), round after round."""
    import numpy as np
    from ase import units
    from ase.build import bulk
    from ase.md.verlet import VelocityVerlet

    atoms = bulk("Si", "diamond", a=5.469, cubic=True).repeat(2)
    momenta = np.random.default_rng(0).normal(size=(64, 3)) * np.sqrt(
        atoms.get_masses()[:, None] * units.kB * 600
    )
    atoms.set_momenta(momenta - momenta.mean(0))
    atoms.calc = calculator
    dynamics = VelocityVerlet(atoms, units.fs)
    dynamics.run(3)
    found = []
    for _ in range(rounds):
        begun = time.perf_counter()
        dynamics.run(steps)
        found.append(((time.perf_counter() - begun) / steps, peer.ask(steps=steps)["seconds"]))
    return found


def main() -> None:
    """Train both, compare both, print and save."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--mace-python", type=Path, required=True, help="the Python that has mace-torch")
    parser.add_argument(
        "--data", type=Path, default=HERE.parents[1] / "shared" / "data", help="folder with mlearn/"
    )
    parser.add_argument("--element", default="Si")
    parser.add_argument("--minutes", type=float, default=60.0, help="of processor time, for each side")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--results", type=Path, help="folder that keeps MACE's finished training")
    parser.add_argument("--ours", type=Path, help="a folder that tenfma train has left, instead of training")
    parser.add_argument(
        "--known", action="store_true", help="keep the errors of MACE that were measured before"
    )
    parser.add_argument("--no-save", action="store_true", help="only print")
    options = parser.parse_args()
    os.environ.update(limited(options.threads))
    train, test = (
        options.data / "mlearn" / f"{options.element}_{kind}.extxyz.gz" for kind in ("train", "test")
    )
    shared = (options.minutes, options.seed, options.threads)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        results = (options.results or folder / "mace").absolute()
        results.mkdir(parents=True, exist_ok=True)
        python = options.mace_python.absolute()
        data = results / f"{options.element}_train.xyz"
        model, spent = train_mace(
            python,
            data if data.is_file() else prepared(train, data, FEW if options.known else ":"),
            results,
            *shared,
        )
        ours = options.ours or folder / "ours"
        seconds = trained(ours) if options.ours else train_ours(train, ours, *shared)

        import tenfma
        from tenfma.training.data import read_frames
        from tenfma.training.evaluation import Evaluation

        learned = tenfma.load(str(ours))
        errors = Evaluation.of(learned, read_frames(test)).errors
        peer = Peer(python, model, options.threads)
        theirs = {} if options.known else peer.ask(errors=str(prepared(test, folder / "test.xyz")))
        turns = steps_in_turns(peer, learned.calculator(), options.rounds, 5)
        peer.close()
    ratios = [ours / other for ours, other in turns]
    if options.known:
        held = json.loads((EVIDENCE / "mace.json").read_text())
        minutes, mace = held["minutes"], held["mace"]
    else:
        minutes = options.minutes
        mace = {
            **spent,
            **{f"energy_{kind}_meV_per_atom": 1e3 * theirs[f"energy_{kind}"] for kind in ("mae", "rmse")},
            **{f"force_{kind}_eV_per_A": theirs[f"force_{kind}"] for kind in ("mae", "rmse")},
        }
    figures = {
        "minutes": minutes,
        "threads": options.threads,
        "seed": options.seed,
        "element": options.element,
        "size": SIZE,
        "ours": {
            **seconds,
            "energy_mae_meV_per_atom": errors.energy_mae,
            "force_mae_eV_per_A": errors.force_mae,
            "energy_rmse_meV_per_atom": errors.energy_rmse,
            "force_rmse_eV_per_A": errors.force_rmse,
            "seconds_per_step": statistics.median(ours for ours, _ in turns),
        },
        "mace": {**mace, "seconds_per_step": statistics.median(other for _, other in turns)},
        "step_ratio": {"median": statistics.median(ratios), "lowest": min(ratios), "highest": max(ratios)},
        "met": {
            "force": bool(
                errors.force_mae <= AIMS["force"] * mace["force_mae_eV_per_A"]
                and errors.force_rmse <= AIMS["force"] * mace["force_rmse_eV_per_A"]
            ),
            "step": bool(statistics.median(ratios) <= AIMS["step"]),
        },
    }
    rows = [
        (key, *(f"{figures[side].get(key, float('nan')):.4g}" for side in ("ours", "mace")))
        for key in figures["ours"]
    ]
    print(markdown(("", "ours", f"MACE, {mace['epochs']} epochs"), rows))
    print(f"one step, ours / MACE: {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})")
    if not options.no_save:
        save("mace", {**figures, "versions": versions("torch", "ase", "numba")})


if __name__ == "__main__":
    main()
