"""The folder of one environment, `.lokifi/<environment>/`: what stands where, and with which rights."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from lokifi.kit.errors import Refused
from lokifi.kit.files import ensure_dir
from lokifi.kit.process import Account
from lokifi.plan.layout import STATE_FOLDER

PRIVATE = 0o700
SHARED = 0o755


@dataclass(frozen=True, slots=True)
class Folder:
    """Paths only; `prepare` makes them. Private ones hold secrets or what a stranger must not read."""

    path: Path

    @classmethod
    def of(cls, root: Path, environment: str) -> Folder:
        return cls(root / STATE_FOLDER / environment)

    @property
    def config(self) -> Path:
        return self.path / "config"

    @property
    def data(self) -> Path:
        return self.path / "data"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def secrets(self) -> Path:
        return self.path / "secrets"

    @property
    def run(self) -> Path:
        return self.path / "run"

    @property
    def build(self) -> Path:
        return self.path / "build"

    @property
    def static(self) -> Path:
        return self.path / "static"

    def check(self) -> None:
        """Refuse a folder that is a link or somebody else's: a stranger could lead us anywhere. Reads only."""
        for path in (self.path.parent, self.path):
            if path.is_symlink():
                raise Refused("is a symbolic link", hint="remove it; lokifi follows no links there", place=str(path))
            if path.exists() and os.geteuid() != 0 and path.stat().st_uid != os.geteuid():
                owner = path.stat().st_uid
                hint = "run as that user, or remove the folder with its rights"
                raise Refused(f"belongs to the user with the number {owner}", hint=hint, place=str(path))

    def prepare(self) -> None:
        """Make the folders with their rights, whatever the umask; too wide rights are taken back."""
        self.check()
        for path in (self.path.parent, self.path, self.config, self.data, self.build, self.static):
            ensure_dir(path, SHARED)
        for path in (self.logs, self.secrets, self.run):
            ensure_dir(path, PRIVATE)

    def purge(self) -> None:
        """Delete everything of the environment; links are removed, not followed."""
        self.check()
        shutil.rmtree(self.path)

    def data_of(self, part: str, account: Account | None) -> Path:
        """The data folder of a part, its own and private."""
        path = ensure_dir(self.data / part, PRIVATE)
        give(path, account)
        return path


def give(path: Path, account: Account | None) -> None:
    """Hand `path` to the account that parts run as, when there is one."""
    if account is not None and path.lstat().st_uid != account.uid:
        os.chown(path, account.uid, account.gid, follow_symlinks=False)
