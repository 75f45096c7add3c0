"""A plan: what would change and why, one line for each thing that changes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from lokifi.plan.steps import Plan, Step, StepKind
from lokifi.report.console import cell, columns, show
from lokifi.report.screen import Screen
from lokifi.report.times import counted

NOTHING = "Nothing to do."


@dataclass(frozen=True, slots=True)
class _Act:
    """What happens to one subject: a verb, its symbol and colour, and a place in the page."""

    section: str
    symbol: str
    verb: str
    color: str
    singular: str
    plural: str


_PARTS = "Parts"
_REPLACE = _Act(_PARTS, "±", "replace", "yellow", "part to replace", "parts to replace")
_ACTS: dict[StepKind, _Act] = {
    "write": _Act("Files", "~", "write", "yellow", "file to write", "files to write"),
    "build": _Act("Jobs", ">", "build", "cyan", "build", "builds"),
    "run": _Act("Jobs", ">", "run", "cyan", "job to run", "jobs to run"),
    "start": _Act(_PARTS, "+", "start", "green", "part to start", "parts to start"),
    "reload": _Act(_PARTS, "~", "reload", "yellow", "part to reload", "parts to reload"),
    "stop": _Act(_PARTS, "-", "stop", "red", "part to stop", "parts to stop"),
    "remove": _Act(_PARTS, "-", "remove", "red", "part to remove", "parts to remove"),
    "wait": _Act(_PARTS, "·", "wait for", "dim", "part to wait for", "parts to wait for"),
}


def text(screen: Screen, plan: Plan) -> None:
    """The plan as a page: files, jobs and parts, each with its cause, and a summary."""
    if not plan:
        screen.line(NOTHING)
        return
    subjects = _subjects(plan)
    for section in ("Files", "Jobs", _PARTS):
        table = _table(section, subjects)
        if table.row_count:
            screen.line(screen.paint(section, "bold"))
            show(screen, table)
            screen.line()
    counts = Counter(_act(steps) for steps in subjects.values())
    order = [act for act in (*_ACTS.values(), _REPLACE) if counts[act]]
    screen.line(", ".join(counted(counts[act], act.singular, act.plural) for act in order) + ".")


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


def _table(section: str, subjects: dict[tuple[str, str], list[Step]]) -> Table:
    table = columns("", "", "", "")
    for (place, subject), steps in subjects.items():
        if place == section:
            act = _act(steps)
            cause = next((step.cause for step in steps if step.kind != "wait"), steps[0].cause)
            table.add_row(Text(f"  {act.symbol}", act.color), Text(act.verb, act.color), cell(subject), cell(cause, "dim"))
    return table
