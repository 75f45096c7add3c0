"""A validation error as one line: place, path, sentence, way out."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from functools import cache
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from lokifi.kit.errors import FileError
from lokifi.kit.yaml import MOST_PROBLEMS, Mapping, Node, locate

Path = tuple[str | int, ...]
Schema = dict[str, Any]  # JSON Schema, as pydantic writes it

_SENTENCES = {
    "missing": ("is missing", "add it"),
    "string_type": ("must be text", "quote it"),
    "dict_type": ("must be a mapping", "write 'key: value' lines below it"),
    "model_type": ("must be a mapping", "write 'key: value' lines below it"),
    "model_attributes_type": ("must be a mapping", "write 'key: value' lines below it"),
    "list_type": ("must be a list", "write [a, b] or '- a' lines"),
    "int_type": ("must be a whole number", "write digits only"),
    "bool_type": ("must be true or false", "write true or false"),
}


def dotted(path: Path) -> str:
    """A path as people write it: `services.backend.routes[0]`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else (f".{step}" if text else step)
    return text


def problem(root: Node, path: Path, sentence: str, hint: str, *, key: bool = False) -> FileError:
    """What is wrong at `path`, with the line and column of its value or `key`."""
    return FileError(f"{dotted(path)}: {sentence}" if path else sentence, hint=hint, place=str(locate(root, path, key=key)))


def nearest(word: str, known: Sequence[str]) -> str:
    """A suggestion for a mistyped word, or the list of what is known."""
    if not known:
        return "remove it"
    close = get_close_matches(word[:100], known, n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(sorted(known))}"


def translate(error: ValidationError, root: Node, model: type[BaseModel]) -> list[FileError]:
    """Pydantic's complaints as `FileError`s at their places in the file; the first hundred are enough."""
    details = error.errors(include_url=False, include_input=False)[:MOST_PROBLEMS]
    # Where one word and a grammar are both allowed, the sentence of the grammar says more.
    told = {detail["loc"][:-1] for detail in details if detail["type"] == "grammar" and _branch(detail, "function-")}
    kept = [detail for detail in details if not (_branch(detail, "literal[") and detail["loc"][:-1] in told)]
    return [_one(detail, root, model) for detail in kept]


def _branch(detail: ErrorDetails, kind: str) -> bool:
    """Whether a complaint comes from one branch of a union, which pydantic names last in its path."""
    return bool(detail["loc"]) and str(detail["loc"][-1]).startswith(kind)


def places(error: ValidationError, root: Node) -> list[Path]:
    """The paths of what is wrong; for something missing, of what misses it."""
    found = []
    for detail in error.errors(include_url=False, include_input=False)[:MOST_PROBLEMS]:
        path = _existing(root, tuple(step for step in detail["loc"] if step != "[key]"), detail["type"])
        found.append(path[:-1] if detail["type"] == "missing" else path)
    return found


def _one(detail: ErrorDetails, root: Node, model: type[BaseModel]) -> FileError:
    kind = detail["type"]
    keyed = bool(detail["loc"]) and detail["loc"][-1] == "[key]"
    path = _existing(root, tuple(step for step in detail["loc"] if step != "[key]"), kind)
    context = detail.get("ctx", {})
    if kind == "grammar":
        return problem(root, path, str(context["sentence"]), str(context["hint"]), key=keyed)
    if kind == "extra_forbidden":
        return problem(root, path, "unknown key", nearest(str(path[-1]), _keys(model, path[:-1])), key=True)
    if kind == "literal_error":
        allowed = str(context.get("expected", "")).replace(" or ", ", ").replace("'", "")
        return problem(root, path, "is none of the choices", f"write one of: {allowed}")
    if kind in ("greater_than_equal", "less_than_equal"):
        bound = context.get("ge", context.get("le"))
        word = "at least" if "ge" in context else "at most"
        return problem(root, path, f"must be {word} {bound}", "change the number")
    sentence, hint = _SENTENCES.get(kind, (detail["msg"].lower(), "see docs/file.md"))
    return problem(root, path, sentence, hint)


def _existing(root: Node, path: Path, kind: str) -> Path:
    """The path without the names of union branches that pydantic puts into it."""
    node: Node | None = root
    kept: list[str | int] = []
    for index, step in enumerate(path):
        last = index == len(path) - 1
        if isinstance(node, Mapping) and isinstance(step, str) and step in node.items:
            node = node.items[step]
        elif isinstance(step, int):
            node = getattr(node, "items", ())[step] if not isinstance(node, Mapping) and node is not None else None
        elif not (last and kind == "missing"):
            continue
        kept.append(step)
    return tuple(kept)


@cache
def _schema(model: type[BaseModel]) -> Schema:
    return model.model_json_schema()


def _keys(model: type[BaseModel], path: Path) -> list[str]:
    """The keys that the section at `path` knows."""
    schema = _schema(model)
    definitions = schema.get("$defs", {})
    node = _follow(schema, definitions)
    for step in path:
        below = node.get("properties", {}).get(str(step)) or node.get("additionalProperties") or node.get("items")
        node = _follow(below if isinstance(below, dict) else {}, definitions)
    return list(node.get("properties", {}))


def _follow(node: Schema, definitions: Schema) -> Schema:
    node = next((choice for choice in node.get("anyOf", []) if "$ref" in choice), node)
    reference = str(node.get("$ref", ""))
    found: Schema = definitions.get(reference.rsplit("/", 1)[-1], {}) if reference else node
    return found
