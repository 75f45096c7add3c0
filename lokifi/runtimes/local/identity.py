"""Who the parts run as: the user who calls, or, called as root, somebody without rights.

As root the parts run as the owner of the project, or else as `nobody`, when that account can reach the project;
where it cannot (a project below /root), they run in a user namespace (user_namespaces(7)) as `nobody` without
any capability: PostgreSQL accepts that, and the files on the disk stay the caller's.
"""

from __future__ import annotations

import os
import pwd
import shutil
from dataclasses import dataclass
from pathlib import Path

from lokifi.kit.errors import LokifiError, Refused
from lokifi.kit.process import Account, run

NOBODY = 65534
NAMESPACE = ("--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}", "--")


@dataclass(frozen=True, slots=True)
class Identity:
    """`account` to become and words to put before each command; both empty for an ordinary user."""

    name: str
    account: Account | None = None
    prefix: tuple[str, ...] = ()

    @property
    def about(self) -> str:
        """In words, for `lokifi doctor`."""
        if self.prefix:
            return f"{self.name}, in a user namespace without capabilities"
        return f"{self.name} (uid {self.account.uid})" if self.account else self.name


def choose(root: Path) -> Identity:
    """The identity for a project. Raises `Refused` when root finds nobody to become."""
    if os.geteuid() != 0:
        return Identity(_name(os.geteuid()))
    owner = root.stat()
    account = Account(owner.st_uid, owner.st_gid) if owner.st_uid != 0 else Account(NOBODY, NOBODY)
    if reachable(root, account):
        return Identity(_name(account.uid), account)
    unshare = shutil.which("unshare", path="/usr/bin:/bin")
    if unshare and _works(unshare):
        return Identity(_name(NOBODY), prefix=(unshare, *NAMESPACE))
    raise Refused(
        f"root cannot run the parts, and {_name(account.uid)} cannot reach the project",
        hint="run lokifi as an ordinary user, or move the project to where others may enter",
        place=str(root),
    )


def reachable(path: Path, account: Account) -> bool:
    """Whether `account` may enter every folder down to `path` and read it."""
    real = path.resolve()
    for step in (real, *real.parents):
        state = step.stat()
        shift = 6 if state.st_uid == account.uid else 3 if state.st_gid == account.gid else 0
        if not state.st_mode >> shift & 0o1:
            return False
    return True


def _works(unshare: str) -> bool:
    try:
        return run((unshare, *NAMESPACE, "true"), timeout=5.0, env={}).returncode == 0
    except LokifiError:
        return False


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
