"""Generated files that people may edit: written again only as long as nobody did."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from lokifi.kit.errors import Refused
from lokifi.kit.files import ensure_dir, inside, write_atomic

LIST = ".generated.json"
"""Beside the files: the SHA-256 of each as it was written."""


def write(folder: Path, files: Mapping[str, tuple[str, int]], *, force: bool = False) -> None:
    """Write `files` (path → text and mode) below `folder`.

    Raises `Refused`, naming each file that was edited since it was written or that somebody else made, before anything
    is written; with `force` these are replaced. Also for a path that leads out of `folder`.
    """
    ensure_dir(folder)
    written = _read(folder / LIST)
    paths = {name: inside(folder, name) for name in files}
    outside = [name for name, path in paths.items() if path is None]
    if outside:
        raise Refused(f"{outside[0]} would be written outside of {folder.name}", hint="remove the link there")
    edited = [name for name, path in paths.items() if path and _edited(path, files[name][0], written.get(name, ""))]
    if edited and not force:
        hint = "move your change into lokifi.yaml, or name another folder; --force replaces them"
        raise Refused(f"edited since they were rendered: {', '.join(edited)}", hint=hint, place=str(folder))
    for name, path in paths.items():
        if path is not None:
            ensure_dir(path.parent)
            write_atomic(path, *files[name])
            written[name] = _hash(files[name][0].encode())
    write_atomic(folder / LIST, json.dumps(written, indent=2, sort_keys=True) + "\n")


def _edited(path: Path, text: str, known: str) -> bool:
    if not path.exists():
        return False
    found = path.read_bytes()
    return found != text.encode() and _hash(found) != known


def _hash(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def _read(path: Path) -> dict[str, str]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else {}
