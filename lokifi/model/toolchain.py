"""What a service's folder says about how its dependencies are installed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["python", "node", "none"]

# Looked for in this order: the most exact list of versions first.
_MANIFESTS: tuple[tuple[Kind, str], ...] = (
    ("python", "requirements.txt"),
    ("python", "pyproject.toml"),
    ("node", "package-lock.json"),
    ("node", "package.json"),
)


@dataclass(frozen=True, slots=True)
class Toolchain:
    """`kind` of the dependencies and the file, in the service's folder, that lists them."""

    kind: Kind
    manifest: str = ""


def detect(folder: Path) -> Toolchain:
    """The toolchain of the sources in `folder`, by the files that stand there."""
    for kind, manifest in _MANIFESTS:
        if (folder / manifest).is_file():
            return Toolchain(kind, manifest)
    return Toolchain("none")
