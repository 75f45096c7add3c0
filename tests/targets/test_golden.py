"""The reference platform's files are as kept, the same in every process, and right by their own tools."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests import golden
from tests.engines import checked, joined

CHECKED = sorted(path for path, artefact in golden.rendered().items() if artefact.checker)


def test_every_golden_file_is_as_rendered() -> None:
    assert golden.differing() == [], "python -m tests.golden --write, then look at the difference"


def test_another_process_with_another_hash_seed_renders_the_same() -> None:
    env = {"PYTHONHASHSEED": "4711", "PATH": "/usr/bin:/bin"}
    again = subprocess.run(
        [sys.executable, "-m", "tests.golden"], cwd=golden.HERE.parent, env=env, capture_output=True, text=True
    )
    assert (again.returncode, again.stdout) == (0, "")


def test_every_file_says_where_it_comes_from() -> None:
    for path, artefact in golden.rendered().items():
        # Redis refuses an access list with a comment.
        if path.name != "users.acl":
            assert joined(artefact.text).startswith("# Rendered by lokifi from lokifi.yaml")


@pytest.mark.engine
@pytest.mark.parametrize("path", CHECKED, ids=lambda path: path.name)
def test_its_own_tool_finds_a_golden_file_right(path: Path, tmp_path: Path) -> None:
    artefact = golden.rendered()[path]
    copy = tmp_path / path.name
    copy.write_text(path.read_text().replace(golden.ROOT, str(tmp_path)))
    for part in golden.reference().parts.values():
        Path(part.folder.replace(golden.ROOT, str(tmp_path))).mkdir(parents=True, exist_ok=True)
    said = checked(artefact, copy, tmp_path)
    assert said.returncode == 0, said.stdout + said.stderr
    assert "warn" not in said.stderr.lower()
