"""The fingerprint of sources: every change of them changes it, nothing else does."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from lokifi.runtimes.local.inputs import fingerprint


@pytest.fixture
def root(tmp_path: Path) -> Path:
    app = tmp_path / "app"
    (app / "package" / "deep").mkdir(parents=True)
    (app / "main.py").write_text("one")
    (app / "package" / "deep" / "module.py").write_text("two")
    (app / "link").symlink_to("main.py")
    for made in ("node_modules", "__pycache__", "dist", "tests", ".git"):
        (app / made).mkdir()
        (app / made / "file").write_text("made")
    return tmp_path


def test_it_is_the_same_for_the_same_sources(root: Path) -> None:
    first = fingerprint(root, ("app",))
    assert len(first) == 16 and first == fingerprint(root, ("app",))
    os.utime(root / "app" / "main.py", (0, 0))
    assert fingerprint(root, ("app",)) == first


CHANGES: dict[str, Callable[[Path], object]] = {
    "content": lambda app: (app / "main.py").write_text("One"),
    "content deep below": lambda app: (app / "package" / "deep" / "module.py").write_text("2"),
    "a new file": lambda app: (app / "new.py").write_text(""),
    "a new name": lambda app: (app / "main.py").rename(app / "start.py"),
    "a file gone": lambda app: (app / "main.py").unlink(),
    "two files exchanged": lambda app: (
        (app / "main.py").write_text("two"),
        (app / "package" / "deep" / "module.py").write_text("one"),
    ),
    "a link elsewhere": lambda app: ((app / "link").unlink(), (app / "link").symlink_to("package")),
    "a link that became a file": lambda app: ((app / "link").unlink(), (app / "link").write_text("main.py")),
    "a script named like a folder that tools make": lambda app: (app / "build").write_text("#!/bin/sh"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_of_the_sources_is_seen(root: Path, name: str) -> None:
    before = fingerprint(root, ("app",))
    CHANGES[name](root / "app")
    assert fingerprint(root, ("app",)) != before


IGNORED: dict[str, Callable[[Path], object]] = {
    "dependencies": lambda app: (app / "node_modules" / "file").write_text("other"),
    "what a build made": lambda app: (app / "dist" / "file").write_text("other"),
    "bytecode": lambda app: (app / "main.pyc").write_text("other"),
    "tests": lambda app: (app / "tests" / "file").write_text("other"),
    "history": lambda app: (app / ".git" / "file").write_text("other"),
    "an empty folder": lambda app: (app / "empty").mkdir(),
    "a pipe": lambda app: os.mkfifo(app / "pipe"),
}


@pytest.mark.parametrize("name", IGNORED)
def test_what_is_no_source_is_not(root: Path, name: str) -> None:
    before = fingerprint(root, ("app",))
    IGNORED[name](root / "app")
    assert fingerprint(root, ("app",)) == before


def test_links_are_not_followed(root: Path) -> None:
    outside = root / "outside"
    outside.mkdir()
    (root / "app" / "ring").symlink_to("..")
    (root / "app" / "far").symlink_to(outside)
    before = fingerprint(root, ("app",))
    (outside / "file").write_text("new")
    assert fingerprint(root, ("app",)) == before


def test_a_single_file_and_a_missing_one(root: Path) -> None:
    (root / "list.txt").write_text("a==1")
    first, missing = fingerprint(root, ("list.txt",)), fingerprint(root, ("missing.txt",))
    (root / "list.txt").write_text("a==2")
    assert len({first, missing, fingerprint(root, ("list.txt",))}) == 3


def test_names_that_are_no_text_are_fine(root: Path) -> None:
    (root / "app" / os.fsdecode(b"\xff")).write_text("x")
    assert len(fingerprint(root, ("app",))) == 16
