from __future__ import annotations

import json

import pytest

from lokifi.contracts import Artefact, Loss, Rendering
from lokifi.kit.errors import FileError, Problems, UsageError
from lokifi.plan.stack import SecretRef
from lokifi.report import bug, doctor, errors, events, plan, render, status
from lokifi.report.times import iso, span
from tests.report.samples import EVENTS, PARTS, PLAN, PROGRAMS, screen, written


def test_status_says_whether_all_is_ready_and_every_field() -> None:
    body = status.as_json("markets", "development", PARTS)
    assert body["ready"] is False
    assert json.loads(json.dumps(body))["parts"][4] == {
        "name": "backend-2",
        "group": "backend",
        "state": "unready",
        "pid": 4005,
        "restarts": 2,
        "started": "2026-11-22T21:39:18.000Z",
        "since": "2026-11-22T21:39:57.000Z",
        "reason": "GET /api/ready answered 503",
        "ports": {"http": "127.0.0.1:8086"},
        "url": None,
    }
    assert status.as_json("markets", "development", [])["ready"] is False


def test_a_plan_keeps_the_order_the_causes_and_what_waits_for_what() -> None:
    body = json.loads(json.dumps(plan.as_json(PLAN)))
    assert [step["id"] for step in body["steps"]] == [step.id for step in PLAN.steps]
    assert body["steps"][3]["needs"] == ["build install-apps-backend", "wait postgres"]
    assert body["summary"]["wait"] == 3


def test_problems_have_their_place_taken_apart() -> None:
    found = FileError("services.a-b.routes[0]: is taken: by 'c'", hint="choose", place="dir:x/lokifi.yaml:7:11")
    body = errors.as_json(Problems([found]))
    assert body["error"] == "Problems"
    assert body["problems"] == [
        {
            "file": "dir:x/lokifi.yaml",
            "line": 7,
            "column": 11,
            "path": "services.a-b.routes[0]",
            "sentence": "is taken: by 'c'",
            "hint": "choose",
        }
    ]


def test_an_error_without_a_place_is_one_problem_without_one() -> None:
    body = errors.as_json(UsageError("no: this is not a path"))
    assert body["problems"] == [
        {"file": None, "line": None, "column": None, "path": None, "sentence": "no: this is not a path", "hint": None}
    ]


def test_events_are_one_object_a_line() -> None:
    page = screen()
    events.as_json(page, EVENTS)
    bodies = [json.loads(line) for line in written(page).splitlines()]
    assert [body["kind"] for body in bodies] == [event.kind for event in EVENTS]


def test_doctor_is_ready_when_nothing_is_missing() -> None:
    assert doctor.as_json(PROGRAMS)["ready"] is False
    assert doctor.as_json(PROGRAMS[:2])["ready"] is True


def test_rendered_files_show_references_in_the_place_of_secrets() -> None:
    words = ("requirepass ", SecretRef("REDIS_PASSWORD"), "\nuser #", SecretRef("REDIS_PASSWORD", "sha256"), "\n")
    rendering = Rendering((Artefact("redis/redis.conf", words, 0o600),), (Loss("a", "refused", "b"),))
    text = "requirepass ${REDIS_PASSWORD}\nuser #${REDIS_PASSWORD:sha256}\n"
    assert render.readable(rendering) == {"redis/redis.conf": (text, 0o600)}
    assert render.as_json(rendering, "infra")["losses"] == [{"path": "a", "fate": "refused", "sentence": "b"}]


def test_the_log_of_a_bug_holds_the_traceback_but_no_secret() -> None:
    try:
        raise KeyError("postgres://shop:hunter2@127.0.0.1/shop and c2VjcmV0LXNlY3JldC0xMjM0NTY3ODkw")
    except KeyError as error:
        text = bug.log(error, ["exec", "web", "--", "login", "hunter2"])
    assert "test_json.py" in text
    assert "lokifi exec web -- …" in text
    assert "hunter2" not in text
    assert "c2VjcmV0" not in text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0.0 s"), (0.04, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.4, "59 s"), (59.6, "1 m 00 s"),
        (3599.6, "1 h 00 m"), (86399, "23 h 59 m"), (86400 * 12.2, "12 d 4 h"),
    ],
)  # fmt: skip
def test_spans_have_two_units_and_never_sixty_of_one(seconds: float, text: str) -> None:
    assert span(seconds) == text


def test_never_has_no_time() -> None:
    assert iso(0) is None
