"""Rendered files are never written over an edit."""

from __future__ import annotations

from pathlib import Path

import pytest

from lokifi.kit import generated
from lokifi.kit.errors import Refused

FILES = {"nginx/nginx.conf": ("events {}\n", 0o644), "redis/users.acl": ("user app on\n", 0o600)}


def test_files_are_written_with_their_modes_and_again(tmp_path: Path) -> None:
    generated.write(tmp_path, FILES)
    generated.write(tmp_path, {**FILES, "nginx/nginx.conf": ("events { }\n", 0o644)})
    assert (tmp_path / "nginx/nginx.conf").read_text() == "events { }\n"
    assert (tmp_path / "redis/users.acl").stat().st_mode & 0o777 == 0o600


def test_an_edit_is_kept_and_nothing_else_is_written(tmp_path: Path) -> None:
    generated.write(tmp_path, FILES)
    (tmp_path / "nginx/nginx.conf").write_text("# mine\n")
    with pytest.raises(Refused, match=r"edited since they were rendered: nginx/nginx\.conf") as refused:
        generated.write(tmp_path, {name: (text + "# new\n", mode) for name, (text, mode) in FILES.items()})
    assert "--force" in refused.value.hint
    assert (tmp_path / "nginx/nginx.conf").read_text() == "# mine\n"
    assert (tmp_path / "redis/users.acl").read_text() == "user app on\n"


def test_force_replaces_an_edit(tmp_path: Path) -> None:
    generated.write(tmp_path, FILES)
    (tmp_path / "nginx/nginx.conf").write_text("# mine\n")
    generated.write(tmp_path, FILES, force=True)
    assert (tmp_path / "nginx/nginx.conf").read_text() == "events {}\n"


def test_a_file_that_somebody_else_made_is_kept(tmp_path: Path) -> None:
    (tmp_path / "nginx").mkdir()
    (tmp_path / "nginx/nginx.conf").write_text("# theirs\n")
    with pytest.raises(Refused):
        generated.write(tmp_path, FILES)


def test_a_link_does_not_lead_out(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra/nginx").symlink_to(tmp_path / "out")
    with pytest.raises(Refused, match="outside"):
        generated.write(tmp_path / "infra", FILES)
    assert list((tmp_path / "out").iterdir()) == []
