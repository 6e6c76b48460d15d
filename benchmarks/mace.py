"""Ours beside MACE: same machine, same data, same minutes; test errors of both, and one MD step of both in turns.

    python -m venv peer && peer/bin/pip install mace-torch
    python benchmarks/mace.py --mace-python peer/bin/python --minutes 60

MACE: 2 interactions, 32x0e + 32x1o, cutoff 5 Å, float32, force weight 100, otherwise its defaults; a tenth of the
training file chooses its best epoch. It is stopped after the minutes, and the best epoch until then is used. Ours is
`tenfma train --minutes`. Both see the training file only; the test file is read at the end. One step is velocity
Verlet by ASE on the 64-atom Si cell, with the calculators as they are.
"""

import argparse
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import ase.io
from harness import markdown, save, versions

HERE = Path(__file__).resolve().parent
NAME = "peer"
#: aimed at: force error ours / MACE, seconds of a step ours / MACE
AIMS = {"force": 1.0, "step": 0.25}


def prepared(source: Path, out: Path) -> Path:
    """The frames with the keys MACE is told to read."""
    frames = ase.io.read(source, ":")
    for atoms in frames:
        energy, forces = atoms.get_potential_energy(), atoms.get_forces()
        atoms.calc = None
        atoms.info = {"REF_energy": energy}
        atoms.arrays["REF_forces"] = forces
    ase.io.write(out, frames, format="extxyz")
    return out


def train_mace(
    python: Path, data: Path, folder: Path, minutes: float, seed: int, threads: int
) -> tuple[Path, int]:
    """The model of the best epoch within the minutes, and how many epochs there were."""
    command = [
        python.parent / "mace_run_train", "--name", NAME, "--work_dir", folder, "--train_file", data,
        "--valid_fraction", "0.1", "--energy_key", "REF_energy", "--forces_key", "REF_forces", "--E0s", "average",
        "--model", "MACE", "--num_interactions", "2", "--hidden_irreps", "32x0e + 32x1o", "--r_max", "5.0",
        "--forces_weight", "100", "--default_dtype", "float32", "--device", "cpu", "--seed", str(seed), "--plot", "False",
    ]  # fmt: skip
    log = folder / "output.txt"
    with log.open("w") as file:
        running = subprocess.Popen(
            [*map(str, command), "--max_num_epochs", "100000"],
            stdout=file,
            stderr=file,
            env=limited(threads),
            cwd=folder,
        )
        try:
            running.wait(60 * minutes)
            raise SystemExit(f"MACE stopped by itself; its output is\n{log.read_text()[-2000:]}")
        except subprocess.TimeoutExpired:
            running.send_signal(signal.SIGKILL)
            running.wait()
        epochs = max(map(int, re.findall(r"Epoch (\d+): ", log.read_text())), default=-1) + 1
        if epochs == 0:
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
    return models[0], epochs


def train_ours(data: Path, folder: Path, minutes: float, seed: int, threads: int) -> float:
    """Train and return the seconds it took."""
    program = "from tenfma.cli import main; main()"
    arguments = ["train", "--data", data, "--out", folder, "--minutes", f"{minutes:g}", "--seed", str(seed)]
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", program, *map(str, arguments)], env=limited(threads), check=True)
    return time.perf_counter() - begun


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
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--no-save", action="store_true", help="only print")
    options = parser.parse_args()
    os.environ.update(limited(options.threads))
    train, test = (
        options.data / "mlearn" / f"{options.element}_{kind}.extxyz.gz" for kind in ("train", "test")
    )
    shared = (options.minutes, options.seed, options.threads)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        python = options.mace_python.absolute()
        model, epochs = train_mace(python, prepared(train, folder / "train.xyz"), folder, *shared)
        seconds = train_ours(train, folder / "ours", *shared)

        import tenfma
        from tenfma.training.data import read_frames
        from tenfma.training.evaluation import Evaluation

        learned = tenfma.load(str(folder / "ours"))
        errors = Evaluation.of(learned, read_frames(test)).errors
        peer = Peer(python, model, options.threads)
        theirs = peer.ask(errors=str(prepared(test, folder / "test.xyz")))
        turns = steps_in_turns(peer, learned.calculator(), options.rounds, 5)
        peer.close()
    ratios = [ours / other for ours, other in turns]
    figures = {
        "minutes": options.minutes,
        "threads": options.threads,
        "seed": options.seed,
        "element": options.element,
        "ours": {
            "seconds_of_training": seconds,
            "energy_mae_meV_per_atom": errors.energy_mae,
            "force_mae_eV_per_A": errors.force_mae,
            "energy_rmse_meV_per_atom": errors.energy_rmse,
            "force_rmse_eV_per_A": errors.force_rmse,
            "seconds_per_step": statistics.median(ours for ours, _ in turns),
        },
        "mace": {
            "epochs": epochs,
            "energy_mae_meV_per_atom": 1e3 * theirs["energy_mae"],
            "force_mae_eV_per_A": theirs["force_mae"],
            "energy_rmse_meV_per_atom": 1e3 * theirs["energy_rmse"],
            "force_rmse_eV_per_A": theirs["force_rmse"],
            "seconds_per_step": statistics.median(other for _, other in turns),
        },
        "step_ratio": {"median": statistics.median(ratios), "lowest": min(ratios), "highest": max(ratios)},
        "met": {
            "force": bool(errors.force_mae <= AIMS["force"] * theirs["force_mae"]),
            "step": bool(statistics.median(ratios) <= AIMS["step"]),
        },
    }
    rows = [
        (key, *(f"{figures[side].get(key, float('nan')):.4g}" for side in ("ours", "mace")))
        for key in figures["ours"]
    ]
    print(markdown(("", "ours", f"MACE, {epochs} epochs"), rows))
    print(f"one step, ours / MACE: {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})")
    if not options.no_save:
        save("mace", {**figures, "versions": versions("torch", "ase", "numba")})


if __name__ == "__main__":
    main()
