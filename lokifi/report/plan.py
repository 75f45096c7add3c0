"""A plan: what would change and why, one line for each thing that changes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from lokifi.plan.steps import Plan, Step, StepKind
from lokifi.report.console import cell, columns, show
from lokifi.report.safe import safe
from lokifi.report.screen import Screen

NOTHING = "Nothing to do."
_WIDEST = 40


@dataclass(frozen=True, slots=True)
class _Act:
    """What happens to one subject: where it stands on the page, its symbol, verb and colour."""

    section: str
    symbol: str
    verb: str
    color: str


_SECTIONS = ("Files", "Jobs", "Parts")
_REPLACE = _Act("Parts", "±", "replace", "yellow")
_ACTS: dict[StepKind, _Act] = {
    "write": _Act("Files", "~", "write", "yellow"),
    "build": _Act("Jobs", ">", "build", "cyan"),
    "run": _Act("Jobs", ">", "run", "cyan"),
    "start": _Act("Parts", "+", "start", "green"),
    "reload": _Act("Parts", "~", "reload", "yellow"),
    "stop": _Act("Parts", "-", "stop", "red"),
    "remove": _Act("Parts", "-", "remove", "red"),
    "wait": _Act("Parts", "·", "wait for", "dim"),
}


def text(screen: Screen, plan: Plan) -> None:
    """The plan as a page: files, jobs and parts, each with its cause, and a summary."""
    if not plan:
        screen.line(NOTHING)
        return
    subjects = _subjects(plan)
    width = max(cell_len(safe(subject)) for _, subject in subjects)
    for section in _SECTIONS:
        table = _table(section, subjects, min(width, _WIDEST))
        if table.row_count:
            screen.line(screen.paint(section, "bold"))
            show(screen, table)
            screen.line()
    counts = Counter(_act(steps) for steps in subjects.values())
    order = [act for act in (*_ACTS.values(), _REPLACE) if counts[act]]
    screen.line(", ".join(f"{counts[act]} to {act.verb}" for act in order) + ".")


def as_json(plan: Plan) -> dict[str, object]:
    """The steps in their order, and how many there are of each kind."""
    steps = [
        {"id": step.id, "kind": step.kind, "subject": step.subject, "cause": step.cause, "needs": sorted(step.needs)}
        for step in plan.steps
    ]
    return {"steps": steps, "summary": dict(sorted(Counter(step.kind for step in plan.steps).items()))}


def _subjects(plan: Plan) -> dict[tuple[str, str], list[Step]]:
    subjects: dict[tuple[str, str], list[Step]] = {}
    for step in plan.steps:
        subjects.setdefault((_ACTS[step.kind].section, step.subject), []).append(step)
    return subjects


def _act(steps: list[Step]) -> _Act:
    """What a subject's steps come to: stopping and starting is replacing, and the wait after a start goes without saying."""
    kinds = {step.kind for step in steps}
    if {"stop", "start"} <= kinds:
        return _REPLACE
    return _ACTS[next((step.kind for step in steps if step.kind != "wait"), "wait")]


def _table(section: str, subjects: dict[tuple[str, str], list[Step]], width: int) -> Table:
    table = columns("", "", "", "")
    table.columns[1].min_width = len("wait for")
    table.columns[2].min_width = width
    for (place, subject), steps in subjects.items():
        if place == section:
            act = _act(steps)
            cause = next((step.cause for step in steps if step.kind != "wait"), steps[0].cause)
            table.add_row(Text(f"  {act.symbol}", act.color), Text(act.verb, act.color), cell(subject), cell(cause, "dim"))
    return table
