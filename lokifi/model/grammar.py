"""The small grammars of the file: names, sizes, durations, paths, commands. One rule each, one sentence each.

Every value that later reaches a configuration file, a command or a path passes one of these, so that
what could break out of its place (a quote, a newline, `..`) is refused where it was written.
"""

from __future__ import annotations

import ipaddress
import re
import shlex
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict
from pydantic_core import PydanticCustomError

_NAME = re.compile(r"[a-z][a-z0-9-]{0,38}[a-z0-9]\Z|[a-z]\Z")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}\Z")
_SIZE = re.compile(r"([1-9][0-9]{0,8})(Ki|Mi|Gi|Ti)\Z")
_DURATION = re.compile(r"([1-9][0-9]{0,8})(ms|s|m|h|d)\Z")
_HOSTNAME = re.compile(r"(?=.{1,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*\Z")
_URL_PATH = re.compile(r"/([A-Za-z0-9._~-]+(/[A-Za-z0-9._~-]+)*/?)?\Z")
_FOLDER = re.compile(r"[A-Za-z0-9._@+ -]+(/[A-Za-z0-9._@+ -]+)*/?\Z")
_ADDRESS = re.compile(r"(\[(?P<six>[0-9a-fA-F:.]+)\]|(?P<four>[0-9.]+)):(?P<port>[0-9]{1,5})\Z")
_OPERATORS = frozenset({"|", "||", "&", "&&", ";", ">", ">>", "<", "2>", "2>&1", "`"})
_QUOTED = re.compile(r"""\\.|'[^']*'|"(\\.|[^"\\])*\"""")
_PLACEHOLDER = re.compile(r"\$(\$|[A-Za-z_][A-Za-z0-9_]*|\{[^}]*\}?|)")
SIZES = {"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40}
SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
PLACEHOLDERS = ("HOST", "PORT")
RELEASE = "release"


class Section(BaseModel):
    """A mapping of the file: unknown keys are errors, values are never changed after validation."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=False)


def wrong(sentence: str, hint: str) -> PydanticCustomError:
    """The error of a grammar: a sentence and a way out, taken apart again by `load`."""
    return PydanticCustomError("grammar", "{sentence}", {"sentence": sentence, "hint": hint})


def shown(value: str) -> str:
    """A value as an error may quote it: short, printable."""
    return repr(value if len(value) <= 40 else value[:37] + "...")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise wrong("must be text", "quote it")
    if "\n" in value or "\r" in value or "\t" in value or "\0" in value:
        raise wrong("must be one line without tabs", "remove the line break or tab")
    if len(value) > 2000:
        raise wrong(f"is {len(value)} characters long", "at most 2000 are allowed")
    return value


def _name(value: object) -> str:
    text = _text(value)
    if not _NAME.match(text):
        raise wrong(f"{shown(text)} is no name", "use 1 to 40 of a-z, 0-9 and '-', a letter first, no '-' last")
    return text


def _prior(value: object) -> str:
    text = _text(value)
    name, dot, what = text.partition(".")
    if dot and what != RELEASE:
        raise wrong(
            f"{shown(text)} is nothing to wait for", f"name a part, or a service's release: {shown(f'{name}.{RELEASE}')}"
        )
    return _name(name) + dot + what


def _variable(value: object) -> str:
    text = _text(value)
    if not _VARIABLE.match(text):
        raise wrong(f"{shown(text)} cannot name an environment variable", "use A-Z, a-z, 0-9 and '_', no digit first")
    return text


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(getattr(value, "text", value))
    if not isinstance(value, str):
        raise wrong("must be text, a number, true or false", "quote it, or write it on one line")
    if "\0" in value:
        raise wrong("holds a NUL character", "remove it")
    return value


def _whole(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong("must be a whole number", "write digits only, without quotes")
    return value


def _written(value: object) -> str:
    """A scalar as it stands in the file, for a grammar that then refuses or takes it."""
    return _text(
        str(getattr(value, "text", value)) if isinstance(value, int | float) and not isinstance(value, bool) else value
    )


def _size(value: object) -> str:
    text = _written(value)
    if not _SIZE.match(text):
        raise wrong(f"{shown(text)} is no size", "write a whole number and Ki, Mi, Gi or Ti, as in 256Mi")
    return text


def _duration(value: object) -> str:
    text = _written(value)
    if not _DURATION.match(text):
        raise wrong(f"{shown(text)} is no duration", "write a whole number and ms, s, m, h or d, as in 15d")
    return text


def _hostname(value: object) -> str:
    text = _text(value)
    if not _HOSTNAME.match(text):
        raise wrong(f"{shown(text)} is no host name", "use lower-case letters, digits, '-' and '.'")
    return text


def _url_path(value: object) -> str:
    text = _text(value)
    if not _URL_PATH.match(text) or "/../" in f"{text}/" or "/./" in f"{text}/":
        raise wrong(f"{shown(text)} is no URL path", "start with '/', then letters, digits and . _ ~ - between slashes")
    return text


def _folder(value: object) -> str:
    text = _text(value)
    if text.startswith("/") or ".." in text.split("/"):
        raise wrong(f"{shown(text)} leads out of the project", "name a folder below the platform file")
    if not _FOLDER.match(text) or text.startswith("-"):
        raise wrong(f"{shown(text)} is no folder name", "use letters, digits, spaces and . _ @ + - between slashes")
    return text.rstrip("/")


def _command(value: object) -> str:
    text = _text(value)
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise wrong(f"is not a command: {str(error).lower()}", "close the quote") from error
    if not words:
        raise wrong("is empty", "write the program and its arguments")
    operators = [word for word in _QUOTED.sub("''", text).split() if word in _OPERATORS]
    if operators:
        raise wrong(
            f"holds the shell operator {operators[0]!r}, but commands run without a shell",
            "put it into a script and run that, or quote it if it is an argument",
        )
    for found in _PLACEHOLDER.finditer(text):
        if found.group(1) not in (*PLACEHOLDERS, "$"):
            raise wrong(
                f"{shown(found.group())} is not replaced in a command",
                "only $HOST and $PORT are; pass other values through env, write '$$' for a dollar sign",
            )
    return text


def _errand(text: str) -> str:
    for found in _PLACEHOLDER.finditer(text):
        if found.group(1) != "$":
            raise wrong(f"{shown(found.group())} means nothing here", "only 'run' has an address; write '$$' for a dollar sign")
    return text


def _address(value: object) -> str:
    text = _text(value)
    found = _ADDRESS.match(text)
    try:
        number = int(found["port"]) if found else 0
        if found and found["six"]:
            ipaddress.IPv6Address(found["six"])
        elif found:
            ipaddress.IPv4Address(found["four"])
    except ValueError:
        number = 0
    if not 1024 <= number <= 65000:
        hint = "write IP:PORT with a port from 1024 to 65000, as in 127.0.0.1:8080 or [::1]:8080"
        raise wrong(f"{shown(text)} is no address", hint)
    return text


def bytes_of(size: str) -> int:
    """A size such as `256Mi` in bytes (IEC 80000-13 binary prefixes)."""
    found = _SIZE.match(size)
    if found is None:
        raise ValueError(size)
    return int(found[1]) * SIZES[found[2]]


def seconds_of(duration: str) -> float:
    """A duration such as `15d` in seconds."""
    found = _DURATION.match(duration)
    if found is None:
        raise ValueError(duration)
    return int(found[1]) * SECONDS[found[2]]


def words_of(command: str, values: dict[str, str]) -> tuple[str, ...]:
    """A command as its argument list, `$HOST` and `$PORT` replaced word by word; no shell is involved."""

    def fill(found: re.Match[str]) -> str:
        return "$" if found.group(1) == "$" else values.get(found.group(1), found.group())

    return tuple(_PLACEHOLDER.sub(fill, word) for word in shlex.split(command))


Text = Annotated[str, BeforeValidator(_text)]
Name = Annotated[str, BeforeValidator(_name)]
Prior = Annotated[str, BeforeValidator(_prior)]
Variable = Annotated[str, BeforeValidator(_variable)]
Value = Annotated[str, BeforeValidator(_value, json_schema_input_type=str | int | float | bool)]
Whole = Annotated[int, BeforeValidator(_whole)]
Size = Annotated[str, BeforeValidator(_size)]
Duration = Annotated[str, BeforeValidator(_duration)]
Hostname = Annotated[str, BeforeValidator(_hostname)]
UrlPath = Annotated[str, BeforeValidator(_url_path)]
Folder = Annotated[str, BeforeValidator(_folder)]
Command = Annotated[str, BeforeValidator(_command)]
Errand = Annotated[Command, AfterValidator(_errand)]
Address = Annotated[str, BeforeValidator(_address)]
Positive = Annotated[Whole, AfterValidator(lambda number: _at_least_one(number))]


def _at_least_one(number: int) -> int:
    if not 1 <= number <= 1000:
        raise wrong(f"{number} is out of range", "write a number from 1 to 1000")
    return number
