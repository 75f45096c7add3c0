"""Every screen as text, 100 columns wide and without colour, kept as files.

`python -m tests.report.test_screens` writes them anew; read the difference before you commit it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lokifi.contracts import Artefact, Loss, Rendering
from lokifi.kit.errors import FileError, Problems, RuntimeFailed, UsageError
from lokifi.model.explain import explain as explained
from lokifi.model.load import load
from lokifi.plan.steps import Plan
from lokifi.report import doctor, errors, events, explain, logs, plan, render, status
from lokifi.report.progress import Progress
from lokifi.report.screen import Screen
from tests.report.samples import EVENTS, LOGS, NOW, PARTS, PLAN, PROGRAMS, screen, written

GOLDEN = Path(__file__).parent / "golden"
FILE = Path(__file__).parent / "platform" / "lokifi.yaml"
FAILED = RuntimeFailed(
    "ticker did not get ready in 60 s; its last lines:\nTraceback (most recent call last):\n\tModuleNotFoundError: redis",
    hint="'lokifi logs ticker' shows more",
)
WRONG = Problems(
    [
        FileError("services.backend.path: there is no folder 'apps/backnd'", hint="make it", place="lokifi.yaml:7:11"),
        FileError("stores.redis.memroy: unknown key", hint="did you mean 'memory'?", place="lokifi.yaml:35:15"),
    ]
)


def walked(page: Screen) -> None:
    moment = [0.0]
    with Progress(page, clock=lambda: moment[0]) as progress:
        for event in EVENTS:
            moment[0] = event.time - NOW
            progress(event)


def said(page: Screen) -> None:
    for error in (WRONG, FAILED, UsageError("there is no command 'statsu'", hint="did you mean 'status'?")):
        errors.show(page, error)
    errors.bug(page, "KeyError", "lokifi-bug-1.log")


RENDERED = Rendering(
    (Artefact("nginx/nginx.conf", ()), Artefact("redis/redis.conf", ())),
    (
        Loss("services.backend.scale", "approximated", "this engine has no minimum"),
        Loss("edge.drain", "refused", "connections are cut"),
    ),
)
SCREENS: dict[str, Callable[[Screen], None]] = {
    "status": lambda page: status.text(page, "markets · development", PARTS, NOW),
    "status-none": lambda page: status.text(page, "markets · development", [], NOW),
    "plan": lambda page: plan.text(page, PLAN),
    "plan-none": lambda page: plan.text(page, Plan(())),
    "progress": walked,
    "logs": lambda page: logs.text(page, LOGS, ["backend-1"], None),
    "events": lambda page: events.text(page, EVENTS),
    "doctor": lambda page: doctor.text(page, PROGRAMS),
    "errors": said,
    "render": lambda page: render.text(page, RENDERED, "infra"),
    "explain": lambda page: explain.text(page, explained(load(FILE, "production"))),
    "explain-path": lambda page: explain.text(page, explained(load(FILE, "production"), "services.web.scale")),
}


def drawn(name: str, **how: str) -> str:
    before = os.environ.get("TZ")
    os.environ["TZ"] = "UTC"
    time.tzset()
    try:
        page = screen(**how)  # type: ignore[arg-type]
        SCREENS[name](page)
    finally:
        os.environ.pop("TZ") if before is None else os.environ.update(TZ=before)
        time.tzset()
    return written(page)


@pytest.mark.parametrize("name", SCREENS)
def test_a_screen_is_as_it_was_approved(name: str) -> None:
    assert drawn(name) == (GOLDEN / f"{name}.txt").read_text("utf-8")


@pytest.mark.parametrize("name", SCREENS)
def test_a_screen_has_no_colour_no_trailing_space_and_keeps_to_its_width(name: str) -> None:
    text = drawn(name)
    assert "\x1b" not in text
    assert [line for line in text.split("\n") if line != line.rstrip()] == []
    wide = [line for line in text.split("\n") if len(line) > 100]
    assert wide == [] or name in ("events", "errors", "logs")  # these are never wrapped, so that they can be searched


@pytest.mark.parametrize("name", SCREENS)
def test_a_screen_in_ascii_is_aligned_like_the_other(name: str) -> None:
    text, plain = drawn(name), drawn(name, encoding="ascii")
    assert plain.isascii()
    assert [len(line) for line in plain.split("\n")] == [len(line) for line in text.split("\n")]


if __name__ == "__main__":
    for each in SCREENS:
        (GOLDEN / f"{each}.txt").write_text(drawn(each), "utf-8")
