"""The JSON Schema of the file, for editors (draft 2020-12)."""

from __future__ import annotations

from lokifi.model.platform import Platform

SCHEMA_FILE = "lokifi.schema.json"


def schema() -> dict[str, object]:
    """The schema; an environment may hold any part of the platform, with nothing required."""
    whole = Platform.model_json_schema()
    definitions: dict[str, object] = dict(whole.pop("$defs", {}))
    partial = {f"{name}Override": _partial(body) for name, body in definitions.items()}
    override = _partial({key: whole[key] for key in ("type", "properties", "additionalProperties") if key in whole})
    definitions = {**definitions, **partial}
    whole["properties"]["environments"] = {
        "type": "object",
        "description": "what differs in each environment, merged over the rest; null removes",
        "additionalProperties": {"anyOf": [override, {"type": "null"}]},
    }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **whole, "$defs": definitions}


def _partial(node: object) -> object:
    """A schema in which nothing is required and null, which removes, may stand for any value of a mapping."""
    if isinstance(node, dict):
        changed = {key: _partial(value) for key, value in node.items() if key not in ("required", "default")}
        properties, others = changed.get("properties"), changed.get("additionalProperties")
        if isinstance(properties, dict):
            changed["properties"] = {key: _or_null(value) for key, value in properties.items()}
        if isinstance(others, dict):
            changed["additionalProperties"] = _or_null(others)
        reference = changed.get("$ref")
        if isinstance(reference, str):
            changed["$ref"] = f"{reference}Override"
        return changed
    return [_partial(item) for item in node] if isinstance(node, list) else node


def _or_null(node: object) -> object:
    return {"anyOf": [node, {"type": "null"}]}
