from __future__ import annotations

import json
import time

import pytest

from lokifi.contracts import LogLine
from lokifi.kit.errors import UsageError
from lokifi.report import logs
from tests.report.samples import LOGS, NOW, screen, written


def test_a_pattern_selects_lines_and_is_marked_in_colour() -> None:
    page = screen(color=True)
    logs.text(page, LOGS, [], logs.pattern_of("err(or)?"))
    text = written(page)
    assert text.count("\x1b[1;7merror\x1b[0m") == 2
    assert "checkpoint" not in text


def test_a_pattern_is_looked_for_in_what_is_shown_not_in_escape_sequences() -> None:
    page = screen()
    logs.text(page, [LogLine("a", NOW, "er\x1b[31mror")], [], logs.pattern_of("error"))
    assert "error" in written(page)


def test_a_pattern_that_is_none_is_an_error_with_a_way_out() -> None:
    with pytest.raises(UsageError, match="no regular expression"):
        logs.pattern_of("(")


def test_a_quadratic_pattern_on_a_line_of_a_megabyte_costs_little() -> None:
    page = screen()
    begun = time.process_time()
    logs.text(page, [LogLine("a", NOW, "x" * 1_000_000)] * 3, [], logs.pattern_of("x*y"))
    assert time.process_time() - begun < 20
    assert written(page) == ""


def test_a_part_has_the_same_colour_whichever_parts_are_shown() -> None:
    one, all_ = screen(color=True), screen(color=True)
    logs.text(one, LOGS[1:2], [], None)
    logs.text(all_, LOGS, [], None)
    assert written(one).split("postgres")[0] in written(all_)


def test_json_holds_the_text_as_it_was_in_ascii_one_object_a_line() -> None:
    page = screen()
    logs.as_json(page, LOGS, None)
    lines = written(page).splitlines()
    assert all(line.isascii() and "\x1b" not in line for line in lines)
    bodies = [json.loads(line) for line in lines]
    assert [body["text"] for body in bodies] == [line.text for line in LOGS]
    assert bodies[0]["time"] == "2026-11-22T21:40:00.000Z"
