"""Tiny programs that print what a real one prints, and Debian packages made byte by byte."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

Fake = Callable[[Path, str, str], Path]


@pytest.fixture
def fake() -> Fake:
    """fake(folder, name, script): an executable shell script."""

    def make(folder: Path, name: str, script: str) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    return make


Member = tuple[str, bytes | str | None, int]


@pytest.fixture
def deb() -> Callable[[Path, Iterable[Member]], Path]:
    """deb(path, members): a package; content is bytes (file), text (link to it) or None (folder)."""

    def make(path: Path, members: Iterable[Member]) -> Path:
        control = _tar([("./control", b"Package: made\nVersion: 1\nArchitecture: all\nMaintainer: t\nDescription: t\n", 0o644)])
        data = _tar(members)
        with path.open("wb") as file:
            file.write(b"!<arch>\n")
            for name, content in (("debian-binary", b"2.0\n"), ("control.tar", control), ("data.tar", data)):
                file.write(f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode() + content)
                file.write(b"\n" * (len(content) % 2))
        return path

    return make


def _tar(members: Iterable[Member]) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, content, mode in members:
            info = tarfile.TarInfo(name)
            info.mode = mode
            if content is None:
                info.type = tarfile.FIFOTYPE if name.endswith("fifo") else tarfile.DIRTYPE
                tar.addfile(info)
            elif isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
                tar.addfile(info)
            else:
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return raw.getvalue()
