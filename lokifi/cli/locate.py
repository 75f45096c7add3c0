"""Where the platform file is."""

from __future__ import annotations

from pathlib import Path

from lokifi.kit.errors import UsageError

FILE_NAME = "lokifi.yaml"


def find(file: Path | None) -> Path:
    """The platform file: the one named, else the nearest in this folder and those above."""
    if file is not None:
        return file
    try:
        here = Path.cwd()
    except FileNotFoundError as error:
        raise UsageError("this folder is gone", hint="go to one that is there") from error
    found = (folder / FILE_NAME for folder in (here, *here.parents) if (folder / FILE_NAME).is_file())
    return next(found, here / FILE_NAME)
