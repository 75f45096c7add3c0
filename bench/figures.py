"""A figure, its promise and what stands beside it; and the table of all."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Figure:
    """Values of several runs; `promise` is the most that the median (of some the worst value) may be.

    `beside` are floors and peers, measured in the same run.
    """

    name: str
    unit: str
    values: list[float]
    promise: float | None = None
    beside: dict[str, list[float]] = field(default_factory=dict)
    note: str = ""

    @property
    def verdict(self) -> str:
        """Whether the promise was kept; empty without one."""
        if self.promise is None or not self.values:
            return ""
        return "kept" if statistics.median(self.values) <= self.promise else "missed"

    def as_json(self) -> dict[str, object]:
        """For a program."""
        return {
            "name": self.name.strip(),
            "unit": self.unit,
            "values": [round(value, 4) for value in self.values],
            "promise": self.promise,
            "verdict": self.verdict,
            "beside": {name: [round(value, 4) for value in values] for name, values in self.beside.items()},
            "note": self.note,
        }


def row(figure: Figure) -> str:
    """One figure as min / median / max, its promise, and below it what stands beside it."""
    promise = "" if figure.promise is None else f"≤ {figure.promise:g} {figure.unit}".rstrip()
    lines = [f"{figure.name:38}{spread(figure.values):>24} {figure.unit:4} {promise:>12}  {figure.verdict}"]
    lines += [f"    beside: {name:26}{spread(values):>24} {figure.unit}" for name, values in figure.beside.items()]
    if figure.note:
        lines.append(f"    {figure.note}")
    return "\n".join(lines)


def spread(values: Iterable[float]) -> str:
    """Minimum, median and maximum; one number when there is one value."""
    found = sorted(values)
    if not found:
        return "not measured"
    if len(found) == 1:
        return _number(found[0])
    return " / ".join(map(_number, (found[0], statistics.median(found), found[-1])))


def _number(value: float) -> str:
    return f"{value:.0f}" if value == int(value) or value >= 100 else f"{value:.2f}" if value < 10 else f"{value:.1f}"
