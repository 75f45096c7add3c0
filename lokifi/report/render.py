"""What was rendered: as files to read, as a list, and what a target could not keep of the file."""

from __future__ import annotations

from rich.text import Text

from lokifi.contracts import Rendering
from lokifi.plan.stack import SecretRef, Words
from lokifi.report.console import cell, columns, show
from lokifi.report.safe import safe
from lokifi.report.screen import Screen
from lokifi.report.times import counted


def readable(rendering: Rendering) -> dict[str, tuple[str, int]]:
    """Path → text and mode of every artefact, `${NAME}` in the place of a secret."""
    return {artefact.path: (_readable(artefact.text), artefact.mode) for artefact in rendering.artefacts}


def _readable(words: Words) -> str:
    return "".join(_reference(word) if isinstance(word, SecretRef) else word for word in words)


def _reference(secret: SecretRef) -> str:
    return f"${{{secret.name}}}" if secret.form == "plain" else f"${{{secret.name}:{secret.form}}}"


def text(screen: Screen, rendering: Rendering, folder: str) -> None:
    """The files below `folder`, and a line for every loss."""
    screen.line(f"{counted(len(rendering.artefacts), 'file')} in {screen.paint(safe(folder), 'bold')}")
    screen.lines(f"  {safe(artefact.path)}" for artefact in rendering.artefacts)
    if not rendering.losses:
        screen.line("Nothing of the file was lost.")
        return
    screen.line()
    screen.line(f"{counted(len(rendering.losses), 'setting')} of the file could not be kept:")
    table = columns("", "", "")
    for loss in rendering.losses:
        color = "red" if loss.fate == "refused" else "yellow"
        table.add_row(Text(f"  {loss.fate}", color), cell(loss.path), cell(loss.sentence, "dim"))
    show(screen, table)


def as_json(rendering: Rendering, folder: str) -> dict[str, object]:
    """The files and the losses."""
    losses = [{"path": loss.path, "fate": loss.fate, "sentence": loss.sentence} for loss in rendering.losses]
    return {"folder": folder, "files": [artefact.path for artefact in rendering.artefacts], "losses": losses}
