"""The folder of an environment: its rights, and that no stranger leads us elsewhere."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lokifi.kit.errors import LokifiError, Refused
from lokifi.kit.process import Account
from lokifi.runtimes.local.folder import Folder, give
from tests.runtimes.local.others import as_nobody

PRIVATE = {"logs": 0o700, "secrets": 0o700, "run": 0o700}
RIGHTS = {"": 0o755, "config": 0o755, "data": 0o755, "build": 0o755, "static": 0o755, **PRIVATE}


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def rights(folder: Folder) -> dict[str, int]:
    return {name: (folder.path / name).stat().st_mode & 0o7777 for name in RIGHTS}


def test_it_is_made_with_its_rights_whatever_the_umask(tmp_path: Path, umask: None) -> None:
    folder = Folder.of(tmp_path, "development")
    folder.prepare()
    assert folder.path == tmp_path / ".lokifi" / "development"
    assert rights(folder) == RIGHTS
    assert folder.data_of("redis", None).stat().st_mode & 0o7777 == 0o700


def test_rights_that_are_too_wide_are_taken_back(tmp_path: Path) -> None:
    folder = Folder.of(tmp_path, "development")
    folder.prepare()
    for name in RIGHTS:
        (folder.path / name).chmod(0o777)
    folder.path.parent.chmod(0o777)
    folder.prepare()
    assert rights(folder) == RIGHTS
    assert folder.path.parent.stat().st_mode & 0o7777 == 0o755


@pytest.mark.parametrize("name", [".lokifi", ".lokifi/development"])
@pytest.mark.parametrize("dangling", [False, True], ids=["leads on", "dangling"])
def test_a_link_is_refused_before_anything_is_made(tmp_path: Path, name: str, dangling: bool) -> None:
    elsewhere = tmp_path / "elsewhere"
    if not dangling:
        elsewhere.mkdir()
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).symlink_to(elsewhere)
    folder = Folder.of(tmp_path, "development")
    for act in (folder.check, folder.prepare, folder.purge):
        with pytest.raises(Refused) as caught:
            act()
        assert (caught.value.sentence, caught.value.place) == ("is a symbolic link", str(tmp_path / name))
    assert dangling or list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("name", ["secrets", "run", "logs", "config", "data"])
def test_a_link_below_it_is_refused(tmp_path: Path, name: str) -> None:
    folder, elsewhere = Folder.of(tmp_path, "development"), tmp_path / "elsewhere"
    folder.prepare()
    elsewhere.mkdir(mode=0o777)
    (folder.path / name).rmdir()
    (folder.path / name).symlink_to(elsewhere)
    mode = elsewhere.stat().st_mode
    with pytest.raises(Refused, match="is a symbolic link"):
        folder.prepare()
    assert elsewhere.stat().st_mode == mode


def test_a_strangers_folder_is_refused() -> None:
    """To somebody without rights /usr is root's, as a folder that root once made in the project would be."""

    def check() -> str:
        try:
            Folder(Path("/usr/share")).check()
        except LokifiError as error:
            return str(error)
        return "accepted"

    hint = "run as that user, or remove the folder with its rights"
    assert as_nobody(check) == f"/usr: belongs to the user with the number 0 — {hint}"


def test_purging_removes_links_and_not_what_they_lead_to(tmp_path: Path) -> None:
    folder = Folder.of(tmp_path, "development")
    folder.prepare()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("keep")
    (folder.data / "link").symlink_to(tmp_path / "mine")
    folder.purge()
    assert not folder.path.exists()
    assert (tmp_path / "mine" / "file").read_text() == "keep"


def test_giving_away_needs_an_account(tmp_path: Path) -> None:
    give(tmp_path, None)
    give(tmp_path, Account(os.geteuid(), os.getegid()))
    assert tmp_path.stat().st_uid == os.geteuid()
