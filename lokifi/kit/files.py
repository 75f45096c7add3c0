"""The only writer of files: atomic, with its mode from creation, never through a symbolic link."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from lokifi.kit.errors import Refused


def write_atomic(path: Path, data: bytes | str, mode: int = 0o644) -> None:
    """Replace `path` by `data` so that a reader, or a crash, sees the old file or the new one whole.

    The temporary file is created with `mode` (no moment at which a secret is readable), flushed to
    the disk and renamed over `path`. A symbolic link at `path` is replaced, not followed.
    Raises `Refused` when the folder cannot be written or the disk is full; the old file stays.
    """
    raw = data.encode() if isinstance(data, str) else data
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        fd = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
        try:
            os.fchmod(fd, mode)
            view = memoryview(raw)
            while view:
                view = view[os.write(fd, view) :]
            os.fsync(fd)
        finally:
            os.close(fd)
        scratch.replace(path)
    except OSError as error:
        # Where the file could not be made, its removal may fail as well: a read-only disk, a name too long.
        with suppress(OSError):
            scratch.unlink()
        raise Refused(
            f"cannot write {path.name}: {error.strerror}",
            hint="nothing was changed; make room or give yourself the right to write there",
            place=str(path.parent),
        ) from error


def ensure_dir(path: Path, mode: int = 0o755) -> Path:
    """Make `path` (and its parents) a real folder with exactly `mode`; a link in its place is refused."""
    try:
        path.mkdir(mode=mode, parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(f"cannot make the folder: {error.strerror}", place=str(path)) from error
    if path.is_symlink():
        raise Refused("is a symbolic link", hint="remove it; lokifi follows no links there", place=str(path))
    if (path.stat().st_mode & 0o777) != mode and os.access(path, os.W_OK):
        path.chmod(mode)
    return path


def inside(root: Path, relative: str) -> Path | None:
    """`root / relative`, or None when that leaves `root` — by `..`, by being absolute or through a link."""
    candidate = root / relative
    try:
        candidate.resolve().relative_to(root.resolve())
    except (ValueError, OSError, RuntimeError):
        return None
    return candidate
