"""Time contenders side by side and write what was found.

Two programs timed minutes apart on a shared machine say little about each other. Here every round runs all of them once,
in an order that rotates, and what is reported is the median over rounds of the ratio within a round.
"""

import json
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Any

EVIDENCE = Path(__file__).resolve().parent.parent / "assets" / "evidence"


@dataclass(frozen=True)
class Contender:
    """One way of doing the work: `run()` does `units` units of it (say, steps) and waits until they are done."""

    name: str
    run: Callable[[], Any]
    units: float


@dataclass(frozen=True)
class Target:
    """At least `ratio` times the peer's rate."""

    peer: str
    ratio: float


@dataclass(frozen=True)
class Task:
    """A piece of work, our way of doing it, the peers' ways, and what is aimed at."""

    name: str
    unit: str
    ours: Contender
    peers: Sequence[Contender]
    targets: Sequence[Target] = ()
    note: str = ""


@dataclass(frozen=True)
class Row:
    """Rates in units per second (medians), and the median over rounds of ours / peer."""

    task: str
    unit: str
    ours: str
    peer: str
    ours_rate: float
    peer_rate: float
    ratio: float
    spread: tuple[float, float]
    target: float | None = None
    note: str = field(default="", compare=False)

    @property
    def met(self) -> bool | None:
        return None if self.target is None else self.ratio >= self.target

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; `spread` is the lowest and highest ratio of any round."""
        return {
            "task": self.task,
            "unit": self.unit,
            "ours": self.ours,
            "peer": self.peer,
            "ours_rate": _rounded(self.ours_rate),
            "peer_rate": _rounded(self.peer_rate),
            "ratio": _rounded(self.ratio),
            "spread": [_rounded(self.spread[0]), _rounded(self.spread[1])],
            "target": self.target,
            "met": self.met,
            "note": self.note,
        }


def _rounded(value: float) -> float:
    """Three significant digits: what such a measurement is worth."""
    return float(f"{value:.3g}")


def rate(contender: Contender) -> float:
    """Units per second of one run."""
    start = time.perf_counter()
    contender.run()
    return contender.units / (time.perf_counter() - start)


def measure(task: Task, rounds: int = 7) -> list[Row]:
    """Run all contenders once to warm up, then `rounds` times interleaved; one row for each peer."""
    everyone = [task.ours, *task.peers]
    for contender in everyone:
        contender.run()
    rates: dict[str, list[float]] = {contender.name: [] for contender in everyone}
    for turn in range(rounds):
        first = turn % len(everyone)
        for contender in everyone[first:] + everyone[:first]:
            rates[contender.name].append(rate(contender))
    targets = {target.peer: target.ratio for target in task.targets}
    ours = rates[task.ours.name]
    rows = []
    for peer in task.peers:
        ratios = [mine / theirs for mine, theirs in zip(ours, rates[peer.name])]
        rows.append(
            Row(
                task.name,
                task.unit,
                task.ours.name,
                peer.name,
                statistics.median(ours),
                statistics.median(rates[peer.name]),
                statistics.median(ratios),
                (min(ratios), max(ratios)),
                targets.get(peer.name),
                task.note,
            )
        )
    return rows


def versions(*packages: str) -> dict[str, str]:
    """Installed versions; a package that is absent is left out."""
    found = {"python": platform.python_version()}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def save(name: str, payload: dict[str, Any], folder: Path = EVIDENCE) -> Path:
    """Write `payload` with the day and the kind of machine to assets/evidence/NAME.json."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    whole = {"date": date.today().isoformat(), "machine": "two shared cores", **payload}
    path.write_text(json.dumps(whole, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown, columns padded so that it reads as plain text too."""
    widths = [max(len(str(row[i])) for row in [header, *rows]) for i in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(str(cell).ljust(width) for cell, width in zip(cells, widths)) + " |"

    return "\n".join(
        [line(header), "|" + "|".join("-" * (width + 2) for width in widths) + "|", *map(line, rows)]
    )


def rows_table(rows: Sequence[Row]) -> str:
    """The rows of a comparison: rates, ratio with its spread, target."""
    return markdown(
        ("task", "ours", "peer", "ours /s", "peer /s", "ratio (min–max)", "target"),
        [
            (
                row.task,
                row.ours,
                row.peer,
                f"{row.ours_rate:.2e}",
                f"{row.peer_rate:.2e}",
                f"{row.ratio:.2f} ({row.spread[0]:.2f}–{row.spread[1]:.2f})",
                "–" if row.target is None else f"≥ {row.target:g} {'met' if row.met else 'MISSED'}",
            )
            for row in rows
        ],
    )
