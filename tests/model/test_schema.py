"""The schema for editors says what the model says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from lokifi.kit.yaml import parse, plain
from lokifi.model.grammar import Section
from lokifi.model.platform import Platform
from lokifi.model.schema import SCHEMA_FILE, schema

REPOSITORY = Path(__file__).resolve().parents[2]
VALIDATOR = Draft202012Validator(schema())


def errors(text: str) -> list[str]:
    """What an editor would mark; it reads YAML 1.2 (in 1.1 `on` is a boolean)."""
    return [error.message for error in VALIDATOR.iter_errors(plain(parse(text.encode(), "f")))]


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(schema())


def test_the_reference_file_names_it_and_obeys_it() -> None:
    text = (REPOSITORY / "lokifi.yaml").read_text()
    assert text.splitlines()[0] == f"# yaml-language-server: $schema={SCHEMA_FILE}"
    assert errors(text) == []


def test_the_committed_file_is_up_to_date() -> None:
    assert json.loads((REPOSITORY / SCHEMA_FILE).read_text()) == schema(), "make schema"


@pytest.mark.parametrize(
    "text",
    [
        "services: {a: {path: a, run: b, scale: 3}}",
        "services: {a: {path: a, run: b, env: {A: 1, B: 1.5, C: true, D: text}}}",
        "observability: {metrics: off}",
        "stores: {redis: null}",
        "environments: {a: null, b: {}, c: {domain: x, services: {a: {scale: {min: 1}}}}}",
        "environments: {a: {services: {a: null}, stores: {redis: null}, edge: {listen: null}}}",
    ],
)
def test_what_the_model_takes_it_takes(text: str) -> None:
    assert errors(f"{{platform: shop, {text}}}") == []


@pytest.mark.parametrize(
    "text",
    [
        "domian: x",
        "services: {a: {path: a, rnu: b}}",
        "services: {a: {run: b}}",
        "stores: {postgre: {}}",
        "stores: {redis: {eviction: lru}}",
        "environments: {a: {domian: x}}",
        "environments: {a: {services: {a: {rnu: b}}}}",
    ],
)
def test_a_typo_is_seen(text: str) -> None:
    assert errors(f"{{platform: shop, {text}}}")


def sections(model: type[BaseModel], seen: set[type[BaseModel]]) -> Iterator[type[BaseModel]]:
    if model in seen:
        return
    seen.add(model)
    yield model
    for below in Section.__subclasses__():
        yield from sections(below, seen)


@pytest.mark.parametrize("model", [each for each in sections(Platform, set()) if not each.__name__.startswith("_")])
def test_every_section_and_key_is_described(model: type[BaseModel]) -> None:
    assert model.__doc__
    assert [name for name, field in model.model_fields.items() if not field.description] == []
