"""The reference of `lokifi.yaml`, made from the model: its types, defaults and descriptions are the ones in force.

What the model cannot say is here: an example for each key and each grammar. Every example is validated by the model
while the page is made, and a key without one is an error.
"""

from __future__ import annotations

import json
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, Union, get_args, get_origin, get_type_hints

import yaml
from annotated_types import Ge, Le
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from lokifi.kit.yaml import MAX_BYTES, MAX_DEPTH, MAX_NODES
from lokifi.model import grammar, platform
from lokifi.model.references import FIELDS

INTRODUCTION = Path(__file__).with_name("file.head.md")
# A grammar's name in the tables, its type, a value it refuses (the error says the rule), and examples.
GRAMMARS: tuple[tuple[str, object, str, tuple[str, ...]], ...] = (
    ("name", grammar.Name, "?", ("backend", "price-feed")),
    ("what comes first", grammar.Prior, "a.b", ("postgres", "backend", "backend.release")),
    ("variable", grammar.Variable, "?", ("DATABASE_URL", "SECRET_KEY")),
    ("value", grammar.Value, "\0", ("text", "true", "1.10", "${postgres.url}", "costs $$5")),
    ("whole number", grammar.Whole, "x", ("3",)),
    ("number from 1 to 1000", grammar.Positive, "0", ("3",)),
    ("size", grammar.Size, "?", ("64Mi", "2Gi")),
    ("duration", grammar.Duration, "?", ("500ms", "30s", "15d")),
    ("host name", grammar.Hostname, "?", ("markets.localhost", "shop.example")),
    ("URL path", grammar.UrlPath, "?", ("/", "/api", "/api/health")),
    ("folder", grammar.Folder, "?", ("apps/backend", "dist")),
    ("command", grammar.Command, "echo $HOME", ("uvicorn app:app --port $PORT", "python -m worker")),
    ("address", grammar.Address, "?", ("127.0.0.1:8080", '"[::1]:8080"')),
    ("source of a secret", platform.Source, "?", ("generated", "env:STRIPE_KEY", "file:private/key.pem")),
)
# What the errors' way out leaves unsaid.
NOTES = {
    "value": "Text, a number, `true` or `false`; may hold [references](#references)",
    "command": "A program and its arguments, quoted as in a shell. No shell runs it: no pipe, no `&&`, no redirection,\n"
    "no variable but `$HOST` and `$PORT`; `$$` is a dollar sign",
    "folder": "A path below the platform file, without `..`",
}
EXAMPLES: dict[str, str] = {
    "platform": "markets",
    "domain": "markets.localhost",
    "on": "local",
    "services": "{backend: {path: apps/backend, run: python -m worker}}",
    "stores": "{postgres: {version: 15}}",
    "edge": "{listen: 127.0.0.1:8080}",
    "observability": "{metrics: 30d}",
    "secrets": "{SECRET_KEY: generated}",
    "services.NAME.path": "apps/backend",
    "services.NAME.run": "uvicorn app:app --host $HOST --port $PORT",
    "services.NAME.build": "npm run build",
    "services.NAME.static": "dist",
    "services.NAME.routes": "[/api, /ws]",
    "services.NAME.probes": "{ready: /ready, live: /health}",
    "services.NAME.metrics": "/metrics",
    "services.NAME.release": "python -m app.migrate",
    "services.NAME.scale": "{min: 2, initial: 3, max: 10}",
    "services.NAME.env": '{DATABASE_URL: "${postgres.url}"}',
    "services.NAME.secrets": "[SECRET_KEY]",
    "services.NAME.after": "[backend.release]",
    "services.NAME.grace": "30s",
    "services.NAME.probes.startup": "/started",
    "services.NAME.probes.ready": "/ready",
    "services.NAME.probes.live": "/health",
    "services.NAME.probes.period": "2s",
    "services.NAME.probes.timeout": "1s",
    "services.NAME.probes.failures": "5",
    "services.NAME.scale.min": "2",
    "services.NAME.scale.max": "10",
    "services.NAME.scale.initial": "3",
    "stores.postgres": "{version: 17}",
    "stores.redis": "{memory: 64Mi}",
    "stores.postgres.version": "17",
    "stores.postgres.memory": "1Gi",
    "stores.postgres.connections": "200",
    "stores.redis.version": "7",
    "stores.redis.memory": "64Mi",
    "stores.redis.eviction": "noeviction",
    "edge.listen": "0.0.0.0:8080",
    "edge.body_limit": "10Mi",
    "edge.timeout": "30s",
    "edge.drain": "10s",
    "observability.metrics": "30d",
    "observability.interval": "15s",
}


def page() -> str:
    """The whole page as Markdown."""
    pieces = [INTRODUCTION.read_text("utf-8").rstrip()]
    for path, model in sections(platform.Platform):
        pieces.append(section(path, model))
    pieces += [references(), grammars(), limits()]
    return "\n\n".join(pieces) + "\n"


def sections(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    """Every section of the file with its path, parents first."""
    yield path, model
    for name, hint in hints(model).items():
        below, keyed = model_of(hint)
        if below is not None:
            yield from sections(below, f"{path}.{name}".lstrip(".") + (".NAME" if keyed else ""))


def hints(model: type[BaseModel]) -> dict[str, object]:
    """The types of a section's keys, with their grammars."""
    found = get_type_hints(model, include_extras=True)
    return {name: found[name] for name in model.model_fields}


def model_of(hint: object) -> tuple[type[BaseModel] | None, bool]:
    """The section that a type leads to, and whether it stands below a name of the user's."""
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return hint, False
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return model_of(arguments[0])
    if origin is dict:
        return model_of(arguments[1])[0], True
    if origin in (Union, types.UnionType):
        return next((found for found in map(model_of, arguments) if found[0]), (None, False))
    return None, False


def section(path: str, model: type[BaseModel]) -> str:
    """The table of one section."""
    title = f"`{path}`" if path else "The top level"
    about = (model.__doc__ or "").split("\n")[0]
    rows = ["| key | type | default | what it says | example |", "| --- | --- | --- | --- | --- |"]
    for name, field in model.model_fields.items():
        rows.append(row(f"{path}.{name}".lstrip("."), name, hints(model)[name], field))
    if not path:
        rows.append(
            "| `environments` | a mapping by name | `development` | what differs in each environment, merged over the rest"
            " | `{development: {on: local}}` |"
        )
    return f"## {title}\n\n{about}\n\n" + "\n".join(rows)


def row(path: str, name: str, hint: object, field: FieldInfo) -> str:
    """One key. Raises `KeyError` without an example and `ValidationError` for one that the model refuses."""
    example = EXAMPLES[path]
    accept(hint, yaml.safe_load(example))
    about, _, told = (field.description or "").partition("; default: ")
    default = f"`{told}`" if told and " " not in told else told or default_of(field)
    cells = (f"`{name}`", kind(hint, field), default, about.replace("${", "`${").replace("url}", "url}`"), f"`{example}`")
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def default_of(field: FieldInfo) -> str:
    """A default as the file would write it."""
    if field.is_required():
        return "required"
    value = field.default
    if isinstance(value, BaseModel):
        return "see below"
    if value is None or value in ([], {}):
        return "none"
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def kind(hint: object, field: FieldInfo | None = None) -> str:
    """A type in words."""
    if field is not None:
        least = next((each.ge for each in field.metadata if isinstance(each, Ge)), None)
        most = next((each.le for each in field.metadata if isinstance(each, Le)), None)
        if least is not None:
            return f"number from {least} to {most}"
    # The grammar that begins the type: the model may narrow it further, as a name that is not reserved.
    for name, known, _, _ in sorted(GRAMMARS, key=lambda each: -len(get_args(each[1]))):
        if get_origin(hint) is Annotated and get_args(hint)[: len(get_args(known))] == get_args(known):
            return f"[{name}](#{anchor(name)})"
    origin, arguments = get_origin(hint), get_args(hint)
    if model_of(hint)[0] is not None:
        short = " or a number" if origin is Annotated else ""
        return f"a section by name{short}" if model_of(hint)[1] else f"a section{short}"
    if origin is Literal:
        return " or ".join(f"`{choice}`" for choice in arguments)
    if origin is list:
        return f"list of {kind(arguments[0])}"
    if origin is dict:
        return f"mapping of {kind(arguments[0])} to {kind(arguments[1])}"
    if origin in (Union, types.UnionType):
        return " or ".join(kind(each) for each in arguments if each is not type(None))
    raise TypeError(f"no words for {hint}")


def anchor(name: str) -> str:
    """The link to a heading, as GitHub makes it."""
    return name.lower().replace(" ", "-")


def references() -> str:
    """What `${…}` may name."""
    words = {"service": "NAME"}
    rows = [f"| `{words.get(part, part)}` | {', '.join(f'`{each}`' for each in fields)} |" for part, fields in FIELDS.items()]
    reserved = ", ".join(f"`{name}`" for name in sorted(platform.RESERVED))
    return (
        "## References\n\n"
        "A value of `env` may hold `${part.field}`. A service that refers to a part starts after it. `$$` is a dollar sign.\n"
        "What a reference stands for is not expanded again. `NAME` is a service that listens.\n\n"
        "| part | fields |\n| --- | --- |\n" + "\n".join(rows) + f"\n\nNo service may be called {reserved}."
    )


def grammars() -> str:
    """Each grammar with its rule, in the words of its own error, and examples that it accepts."""
    pieces = ["## Grammars"]
    for name, known, refused, examples in GRAMMARS:
        for example in examples:
            accept(known, yaml.safe_load(example))
        shown = ", ".join(f"`{example}`" for example in examples)
        rule = rule_of(known, refused)
        sentences = [NOTES[name]] if name in NOTES else []
        sentences += [f"{rule[0].upper()}{rule[1:]}"] if name not in ("value", "command") else []
        pieces.append(f"### {name}\n\n{'. '.join(sentences)}. Examples: {shown}.")
    return "\n\n".join(pieces)


def accept(hint: object, value: object) -> None:
    """Raises `ValidationError` for a value that the type refuses."""
    adapter: TypeAdapter[object] = TypeAdapter(hint)  # type: ignore[arg-type]
    adapter.validate_python(value)


def rule_of(known: object, refused: str) -> str:
    """The way out that a grammar's error names."""
    try:
        accept(known, int(refused) if refused.isdigit() else refused)
    except ValidationError as error:
        return str(error.errors()[0].get("ctx", {})["hint"])
    raise ValueError(f"{refused!r} was meant to be refused")


def limits() -> str:
    """What the reader of YAML refuses."""
    return (
        "## What YAML may be here\n\n"
        f"At most {MAX_BYTES // 1024} KiB, {MAX_NODES:,} values (an alias counts each time it is used) and {MAX_DEPTH}\n"
        "levels. Values follow the core schema of YAML 1.2: `no` and `22:22` are text. Anchors and aliases work.\n\n"
        "Refused, with line and column: duplicate keys, tags (`!!python/…`), merge keys (`<<`), numbers that YAML 1.1 and 1.2\n"
        "read differently (`010`), control characters, and characters that reorder text on the screen."
    )
