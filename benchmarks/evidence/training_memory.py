"""Memory of a training step against the number of latent steps, by how gradients go through time.

    python benchmarks/evidence/training_memory.py [--data ../shared/data]

Each figure is one process that takes the gradient of the loss on a batch of 48 crystals: its peak of resident memory,
less that of the same process with four steps. Also drawn, to assets/evidence/training_memory.png.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import EVIDENCE, markdown, save, versions

STEPS = (4, 16, 64, 256)
GRADIENTS = ("backprop", "reversible")
STYLES = {"backprop": ("#D55E00", "o"), "reversible": ("#0072B2", "D")}


def one(data: str, gradient: str, steps: int) -> None:
    """Print the peak (MiB) and the seconds of one gradient."""
    import resource
    import time

    import torch
    from splits import data_file

    from tenfma.embedding.evolved import Evolved, Motion, Size
    from tenfma.embedding.graphs import graphs_of, static_names
    from tenfma.training.property_data import read_labelled, targets_of

    torch.set_num_threads(1)
    torch.manual_seed(0)
    labelled = read_labelled([data_file(Path(data), "elasticity")], targets_of("log10(K_vrh)"))
    graphs = graphs_of(labelled.structures[:48])
    net = Evolved(static_names(), 1, Size(), Motion(steps=steps, dt=2.0 / steps, gradient=gradient))
    net.static.fit(graphs.static)
    net.messages.fit(graphs)
    begun = time.perf_counter()
    y, rest = net(graphs)
    (y.abs().sum() + rest.abs().sum()).backward()
    seconds = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"MiB": peak, "seconds": seconds}))


def main() -> None:
    default = os.environ.get("TENFMA_DATA", Path(__file__).resolve().parents[3] / "shared" / "data")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default=str(default))
    parser.add_argument("--one", default="", help="gradient and steps of one measurement")
    arguments = parser.parse_args()
    if arguments.one:
        gradient, steps = arguments.one.split(":")
        one(arguments.data, gradient, int(steps))
        return
    rows: list[dict[str, Any]] = []
    for gradient in GRADIENTS:
        for steps in STEPS:
            command = [sys.executable, __file__, "--data", arguments.data, "--one", f"{gradient}:{steps}"]
            told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            rows.append({"gradient": gradient, "steps": steps, **json.loads(told.splitlines()[-1])})
        first = next(row["MiB"] for row in rows if row["gradient"] == gradient)
        for row in rows:
            if row["gradient"] == gradient:
                row["MiB above 4 steps"] = row["MiB"] - first
    save(
        "training_memory",
        {
            "what": "Peak memory of one training step of 48 crystals against latent steps",
            "command": "python benchmarks/evidence/training_memory.py",
            "rows": rows,
            "versions": versions("torch"),
        },
    )
    print(markdown(list(rows[0]), [[_text(value) for value in row.values()] for row in rows]))
    _draw(rows)


def _draw(rows: list[dict[str, Any]]) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6, 4), layout="constrained")
    for gradient, (colour, marker) in STYLES.items():
        own = [row for row in rows if row["gradient"] == gradient]
        axes.plot(
            [row["steps"] for row in own],
            [row["MiB"] for row in own],
            color=colour,
            marker=marker,
            label=gradient,
        )
    axes.set(xscale="log", xlabel="latent steps", ylabel="peak resident memory, MiB", ylim=(0, None))
    axes.legend(frameon=False)
    figure.savefig(EVIDENCE / "training_memory.png", dpi=130)


def _text(value: Any) -> str:
    return f"{value:.1f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    main()
