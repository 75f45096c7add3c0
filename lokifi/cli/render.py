"""`lokifi render`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from lokifi import flow
from lokifi.cli.context import Call
from lokifi.cli.define import define
from lokifi.cli.session import session_of
from lokifi.contracts import Artefact, Rendering
from lokifi.kit import generated
from lokifi.kit.errors import UsageError
from lokifi.kit.files import ensure_dir, write_atomic
from lokifi.model.problems import nearest
from lokifi.model.schema import SCHEMA_FILE, schema
from lokifi.report import render

SCHEMA = "schema"


def _targets(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    return [name for name in (*flow.TARGETS, SCHEMA) if name.startswith(begun)]


@define(
    "render",
    [
        ("render", "every target into infra/, beside the file"),
        ("render nginx --into look", "one target, elsewhere"),
        ("render schema", f"{SCHEMA_FILE} beside the file, for editors"),
    ],
    json=True,
)
@click.argument("targets", nargs=-1, metavar="[TARGET]...", shell_complete=_targets)
@click.option("--force", is_flag=True, help="Replace files that were edited since they were rendered.")
@click.option("--into", metavar="DIR", type=click.Path(path_type=Path), help="The folder; else infra/ beside the file.")
def command(call: Call, targets: tuple[str, ...], into: Path | None, force: bool) -> None:
    """Write the configuration files of TARGETs to read them; secrets stand in them as references.

    Says what a target could not keep of the file. A file that was edited since is kept, unless --force.
    """
    unknown = [name for name in targets if name not in (*flow.TARGETS, SCHEMA)]
    if unknown:
        raise UsageError(f"there is no target {unknown[0]!r}", hint=nearest(unknown[0], [*flow.TARGETS, SCHEMA]))
    folder = into or call.file.parent / "infra"
    made = Rendering(())
    if set(targets) != {SCHEMA}:
        stack = session_of(call).stack
        made = flow.render(stack, [name for name in targets if name != SCHEMA])
        generated.write(folder, render.readable(made), force=force)
    if SCHEMA in targets:
        beside = into or call.file.parent
        write_atomic(ensure_dir(beside) / SCHEMA_FILE, json.dumps(schema(), indent=2) + "\n")
        folder = beside if set(targets) == {SCHEMA} else folder
        made = Rendering((*made.artefacts, Artefact(SCHEMA_FILE, ())), made.losses)
    if call.json:
        call.out.json(render.as_json(made, str(folder)))
    else:
        render.text(call.out, made, str(folder))
