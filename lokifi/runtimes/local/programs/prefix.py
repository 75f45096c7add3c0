"""The private folder of fetched programs: its layout, its manifest and its lock.

manifest.json      what is complete: trees and wheels, with packages, versions and SHA-256 sums
trees/ID/          one unpacked set of Debian packages, complete from the moment it has this name
wheels/NAME-VER/   one unpacked wheel, likewise
apt/               apt's private lists and downloads
scratch/           what is being unpacked; worthless without the process that writes it
lock               held (flock) by the one fetch that is at work
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lokifi.kit.errors import Refused
from lokifi.kit.files import ensure_dir, write_atomic

FORMAT = 1
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*\Z")


@dataclass(frozen=True, slots=True)
class Package:
    """A Debian package as it was fetched; `size` is that of the archive in bytes."""

    name: str
    version: str
    architecture: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Tree:
    """A folder of unpacked packages."""

    folder: Path
    packages: tuple[Package, ...]

    def library_path(self) -> tuple[str, ...]:
        """The folders of this tree that hold shared libraries, for LD_LIBRARY_PATH."""
        folders = [
            folder
            for pattern in ("usr/lib/*-linux-*", "usr/lib", "lib/*-linux-*", "lib")
            for folder in sorted(self.folder.glob(pattern))
        ]
        return tuple(str(folder) for folder in folders if any(folder.glob("lib*.so*")))

    def owner(self, groups: Sequence[Sequence[str]]) -> str:
        """Name and version of the package of this tree that one of the `groups` of names begins with."""
        names = [re.compile(re.escape(group[0]).replace(r"\{major\}", r"\d+") + r"\Z") for group in groups]
        for package in self.packages:
            if any(name.match(package.name) for name in names):
                return f"{package.name} {package.version}"
        return ""


@dataclass(frozen=True, slots=True)
class InstalledWheel:
    """A folder with one wheel; `sha256` is that of the file it was made from."""

    folder: Path
    project: str
    version: str
    sha256: str


class Prefix:
    """Reads and extends the manifest below `root`; a folder the manifest does not name is not there."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    def trees(self) -> list[Tree]:
        """The complete trees, the latest first, and all of them still there."""
        return self._load()[0]

    def wheels(self) -> list[InstalledWheel]:
        """The complete wheels, the latest first, and all of them still there."""
        return self._load()[1]

    def add_tree(self, name: str, packages: Sequence[Package]) -> None:
        """Record that `trees/name` is complete."""
        trees, wheels = self._load()
        self._save([Tree(self.root / "trees" / name, tuple(packages)), *trees], wheels)

    def add_wheel(self, name: str, project: str, version: str, sha256: str) -> None:
        """Record that `wheels/name` is complete."""
        trees, wheels = self._load()
        self._save(trees, [InstalledWheel(self.root / "wheels" / name, project, version, sha256), *wheels])

    @contextmanager
    def locked(self, waiting: Callable[[], None]) -> Iterator[None]:
        """Hold the lock of this prefix, after calling `waiting` once if another process has it.

        The lock belongs to the open file: it ends with the process, however that ends.
        """
        ensure_dir(self.root)
        try:
            fd = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        except OSError as error:
            hint = "give yourself the right to write there"
            raise Refused(f"cannot be locked: {error.strerror}", hint=hint, place=str(self.root)) from error
        try:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waiting()
                fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)

    def _load(self) -> tuple[list[Tree], list[InstalledWheel]]:
        # A manifest that cannot be read names nothing: the next fetch finds the folders and writes it anew.
        try:
            content = json.loads((self.root / "manifest.json").read_bytes())
            if content["format"] != FORMAT:
                return [], []
            trees = [self._tree(entry) for entry in content["trees"]]
            wheels = [self._wheel(entry) for entry in content["wheels"]]
        except (OSError, ValueError, KeyError, TypeError):
            return [], []
        return [t for t in trees if t.folder.is_dir()], [w for w in wheels if w.folder.is_dir()]

    def _tree(self, entry: dict[str, Any]) -> Tree:
        packages = tuple(Package(**package) for package in entry["packages"])
        return Tree(self._folder("trees", entry["id"]), packages)

    def _wheel(self, entry: dict[str, Any]) -> InstalledWheel:
        folder = self._folder("wheels", entry["id"])
        return InstalledWheel(folder, entry["project"], entry["version"], entry["sha256"])

    def _folder(self, kind: str, name: str) -> Path:
        if not _NAME.match(name):
            raise ValueError(f"{name!r} is no name of a folder")
        return self.root / kind / name

    def _save(self, trees: Sequence[Tree], wheels: Sequence[InstalledWheel]) -> None:
        content = {
            "format": FORMAT,
            "trees": [
                {"id": folder.name, "packages": [asdict(package) for package in tree.packages]}
                for folder, tree in {tree.folder: tree for tree in trees}.items()
            ],
            "wheels": [
                {"id": folder.name, "project": w.project, "version": w.version, "sha256": w.sha256}
                for folder, w in {wheel.folder: wheel for wheel in wheels}.items()
            ],
        }
        write_atomic(self.root / "manifest.json", json.dumps(content, indent=1) + "\n")
