from __future__ import annotations

import threading

from lokifi.contracts import Event
from lokifi.report.progress import Progress, fetching
from tests.report.samples import NOW, screen, written


def walk(progress: Progress, name: str, count: int) -> None:
    for number in range(count):
        subject = f"{name}-{number}"
        progress(Event(NOW, "started", subject, "does not run", "wait"))
        progress(Event(NOW, "progress", subject, "line"))
        progress(Event(NOW, "done", subject, "", "wait", 0.1))


def crowd(live: bool) -> str:
    page = screen(live=live)
    with Progress(page) as progress:
        threads = [threading.Thread(target=walk, args=(progress, f"part{each}", 25)) for each in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert not any(thread.is_alive() for thread in threads)
    return written(page)


def test_events_from_many_threads_each_give_one_whole_line() -> None:
    lines = crowd(live=False).splitlines()
    assert sorted(lines[:-1]) == sorted(lines[:-1], key=str.strip)
    names = [line.split()[2] for line in lines[:-1]]
    assert sorted(names) == sorted(f"part{each}-{number}" for each in range(8) for number in range(25))
    assert lines[-1].startswith("200 steps in ")


def test_a_terminal_that_redraws_neither_deadlocks_nor_loses_a_line() -> None:
    text = crowd(live=True)
    assert all(f"part{each}-{number} " in text for each in range(8) for number in range(25))
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h")  # the cursor is back


def test_a_failure_leaves_no_summary_and_shows_the_first_line_of_why() -> None:
    page = screen()
    with Progress(page) as progress:
        progress(Event(NOW, "done", "redis", "", "wait", 0.1))
        progress(Event(NOW, "failed", "ticker", "exit code 1\n\x1b[2Jnoise", "wait", 2))
    assert written(page).splitlines()[-1].split() == ["✗", "not", "ready", "ticker", "2.0", "s", "exit", "code", "1"]


def test_a_long_line_is_whole_in_a_file_and_cut_on_a_terminal_that_redraws() -> None:
    event = Event(NOW, "failed", "web", "word " * 60, "start", 1)
    for live in (False, True):
        page = screen(live=live)
        with Progress(page) as progress:
            progress(event)
        assert ("word " * 59 in written(page)) is not live
        assert ("…" in written(page)) is live


def test_what_is_said_outside_of_a_step_gets_a_line() -> None:
    page = screen()
    with Progress(page) as progress:
        progress(Event(NOW, "progress", "up", "waiting for pid 12, which runs 'up'"))
    assert written(page).split() == ["·", "up", "waiting", "for", "pid", "12,", "which", "runs", "'up'"]


def test_a_download_is_a_step_that_ends_when_the_next_begins_or_all_bytes_are_there() -> None:
    heard: list[Event] = []
    tell = fetching(heard.append, lambda: NOW)
    for call in (("package lists", 0, 0), ("download nginx", 0, 2_000_000), ("download nginx", 1_500_000, 2_000_000)):
        tell(*call)
    tell("download nginx", 2_000_000, 2_000_000)
    assert [(event.kind, event.subject, event.text) for event in heard] == [
        ("started", "package lists", ""),
        ("progress", "package lists", "0 kB"),
        ("done", "package lists", ""),
        ("started", "download nginx", ""),
        ("progress", "download nginx", "0 kB of 2.0 MB"),
        ("progress", "download nginx", "1.5 MB of 2.0 MB"),
        ("done", "download nginx", "2.0 MB"),
    ]
