"""Who the parts run as, and whether that account can reach the project."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lokifi.kit.process import Account
from lokifi.runtimes.local.identity import Identity, choose, reachable
from tests.runtimes.local.others import as_nobody

STRANGER = Account(54321, 54321)


def test_the_system_can_be_reached_by_anybody() -> None:
    assert reachable(Path("/usr/bin/env"), STRANGER)


@pytest.mark.parametrize(
    ("mode", "owner", "group", "other"),
    [(0o700, True, False, False), (0o750, True, True, False), (0o755, True, True, True), (0o644, False, False, False),
     (0o711, True, True, True), (0o077, False, True, True), (0o705, True, False, True)],
)  # fmt: skip
def test_the_rights_of_the_first_class_that_fits_count(
    tmp_path_factory: pytest.TempPathFactory, mode: int, owner: bool, group: bool, other: bool
) -> None:
    """path_resolution(7): the owner's rights count for the owner even where the group or others have more."""
    top = Path("/dev/shm") if Path("/dev/shm").is_dir() else tmp_path_factory.getbasetemp().parents[-1]
    folder = top / f"lokifi-test-{os.getpid()}"
    folder.mkdir()
    try:
        state = folder.stat()
        folder.chmod(mode)
        assert reachable(folder, Account(state.st_uid, 54321)) == owner
        assert reachable(folder, Account(54321, state.st_gid)) == group
        assert reachable(folder, STRANGER) == other
    finally:
        folder.rmdir()


def test_a_closed_folder_above_closes_what_is_below(tmp_path: Path) -> None:
    below = tmp_path / "closed" / "open"
    below.mkdir(parents=True)
    (tmp_path / "closed").chmod(0o700)
    assert not reachable(below, STRANGER)


def test_a_link_is_judged_by_where_it_leads(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/usr/bin")
    assert reachable(tmp_path / "link", STRANGER)


def test_an_ordinary_user_stays_who_he_is() -> None:
    def check() -> str:
        found = choose(Path("/usr"))
        return f"{found.account} {found.prefix} {found.about == found.name}"

    assert as_nobody(check) == "None () True"


def test_root_becomes_somebody_without_rights() -> None:
    """Only root can show it; for everybody else the rule above holds."""
    found = choose(Path("/usr"))
    if os.geteuid() == 0:
        assert found.account == Account(65534, 65534) and found.prefix == ()
    else:
        assert found.account is None


@pytest.mark.parametrize(
    ("identity", "about"),
    [
        (Identity("me"), "me"),
        (Identity("you", Account(7, 8)), "you (uid 7)"),
        (Identity("nobody", prefix=("unshare",)), "nobody, in a user namespace without capabilities"),
    ],
)
def test_it_can_be_told(identity: Identity, about: str) -> None:
    assert identity.about == about
