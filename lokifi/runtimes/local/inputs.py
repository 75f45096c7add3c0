"""Fingerprints of source files: whether a job is due again."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

# Folders that tools make beside the sources, and tests; a change in it is no change of the sources.
MADE = frozenset({"node_modules", "dist", "build", "__pycache__", "venv", "tests", "test", "coverage"})


def fingerprint(root: Path, paths: tuple[str, ...]) -> str:
    """SHA-256 over the names and contents of the files at `paths` below `root`; links are named, not followed."""
    total = hashlib.sha256()
    for path in paths:
        for name, file in sorted(_files(root / path, path)):
            total.update(f"{name}\0".encode("utf-8", "surrogateescape"))
            total.update(_content(file))
    return total.hexdigest()[:16]


def _files(path: Path, name: str) -> Iterator[tuple[str, Path]]:
    if not path.is_dir():
        yield name, path
        return
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.name.startswith(".") or entry.name.endswith((".pyc", ".md")):
                continue
            below = f"{name}/{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in MADE:
                    yield from _files(Path(entry.path), below)
            elif entry.is_file(follow_symlinks=False) or entry.is_symlink():
                yield below, Path(entry.path)


def _content(file: Path) -> bytes:
    try:
        if file.is_symlink():
            return os.fsencode(file.readlink())
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").digest()
    except OSError:
        return b"unreadable"
