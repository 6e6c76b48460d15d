"""A certificate as a value: checks with numbers, units, meanings and verdicts; plain, tabular and HTML
faces."""

import math
from dataclasses import dataclass, field
from html import escape
from typing import Any, Literal

from tenfma.hamiltonian.protocol import Units

#: pass and fail decide the verdict; "shown" is a measured number that does not; "n/a" says why it was not
#: measured
Verdict = Literal["pass", "fail", "shown", "n/a"]

MARKS: dict[str, str] = {"pass": "✓", "fail": "✗", "shown": "·", "n/a": "–"}


@dataclass(frozen=True)
class Check:
    """One measured number, what it means, and what was required of it."""

    name: str
    verdict: Verdict
    meaning: str
    value: float | None = None
    unit: str = "1"
    #: what the value was held against, in words; empty where nothing was
    limit: str = ""
    #: a remark on this very measurement, or why it does not apply
    note: str = ""
    #: further numbers: bands, errors, ladders
    data: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; numbers that are not finite become null."""
        return {
            "name": self.name,
            "verdict": self.verdict,
            "value": plain_number(self.value),
            "unit": self.unit,
            "limit": self.limit,
            "meaning": self.meaning,
            "note": self.note,
            "data": {key: plain_number(value) for key, value in self.data.items()},
        }


@dataclass(frozen=True)
class Certificate:
    """What one method was measured to do to one Hamiltonian at one step size.

    `green` is True when at least one check applied and every check that applied passed.
    """

    system: str
    method: str
    dt: float
    steps: int
    #: settings and surroundings: kT, friction, capability, state sizes, dtype
    settings: dict[str, Any]
    checks: tuple[Check, ...]
    #: the check at work when Ctrl-C came; checks from it on are missing
    interrupted: str | None = None

    @property
    def green(self) -> bool:
        """All applicable checks pass, and none is missing."""
        if self.interrupted is not None:
            return False
        deciding = [check for check in self.checks if check.verdict in ("pass", "fail")]
        return bool(deciding) and all(check.verdict == "pass" for check in deciding)

    @property
    def failures(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return tuple(check for check in self.checks if check.verdict == "fail")

    def __getitem__(self, name: str) -> Check:
        """The check of that name; KeyError lists the names there are."""
        for check in self.checks:
            if check.name == name:
                return check
        raise KeyError(f"no check {name!r}; there are {', '.join(check.name for check in self.checks)}")

    @property
    def verdict(self) -> str:
        """One sentence."""
        if self.green:
            count = sum(check.verdict == "pass" for check in self.checks)
            return f"green: all {count} checks that apply pass"
        if self.failures:
            return f"red: {', '.join(check.name for check in self.failures)} failed"
        if self.interrupted is not None:
            return f"open: interrupted at {self.interrupted}, {len(self.checks)} checks made"
        return "open: no check applies"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "system": self.system,
            "method": self.method,
            "dt": self.dt,
            "steps": self.steps,
            "settings": {key: plain_number(value) for key, value in self.settings.items()},
            "green": self.green,
            "verdict": self.verdict,
            "interrupted": self.interrupted,
            "decides": [check.name for check in self.checks if check.verdict in ("pass", "fail")],
            "checks": [check.to_dict() for check in self.checks],
        }

    def __str__(self) -> str:
        rows = [
            (MARKS[check.verdict], check.name, shown(check.value), check.unit if check.value is not None else
            "",
             "; ".join(part for part in (check.limit, check.note) if part))
            for check in self.checks
        ]  # fmt: skip
        widths = [max(len(row[i]) for row in rows) for i in range(4)] if rows else [0] * 4
        lines = [f"Certificate: {self.system} · {self.method} · dt = {self.dt:g} · {self.verdict}"]
        lines += [
            "  ".join(cell.ljust(width) for cell, width in zip(row[:4], widths)) + f"  {row[4]}".rstrip()
            for row in rows
        ]
        return "\n".join(line.rstrip() for line in lines)

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr title="{escape(check.meaning)}"><td>{MARKS[check.verdict]} {check.verdict}</td>'
            f"<td>{escape(check.name)}</td><td>{shown(check.value)}</td>"
            f"<td>{escape(check.unit if check.value is not None else '')}</td><td>{escape(check.limit)}</td>"
            f"<td>{escape(check.note)}</td></tr>"
            for check in self.checks
        )
        head = "".join(f"<th>{name}</th>" for name in ("verdict", "check", "value", "unit", "limit", "note"))
        caption = f"{self.system} · {self.method} · dt = {self.dt:g} · {self.verdict}"
        return f"<table><caption>{escape(caption)}</caption><tr>{head}</tr>{rows}</table>"


def judged(passed: bool) -> Verdict:
    """The verdict of a check that decides."""
    return "pass" if passed else "fail"


def per(units: Units, quantity: str) -> str:
    """The unit of a quantity's rate: eV/fs, or 1 where both are dimensionless."""
    return quantity if units.time == "1" else f"{quantity}/{units.time}"


def shown(value: float | None) -> str:
    """A number to three digits, or a dash."""
    return "—" if value is None else f"{value:.3g}"


def plain_number(value: Any) -> Any:
    """JSON has no nan or inf: those become null; arrays become lists."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [plain_number(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
