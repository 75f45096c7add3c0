"""YAML with a position on every key and value, and nothing dangerous or ambiguous in it.

Values follow the core schema of YAML 1.2.2 (§10.3), so `no` is a word and `22:22` is text. What the
two versions of YAML read differently (`010`) is an error instead of a silent change of type. Explicit
tags and merge keys are refused, aliases count against the node budget each time they are used.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

import yaml

from lokifi.kit.errors import FileError, Problems

MAX_BYTES = 256 * 1024
MAX_NODES = 5_000
MAX_DEPTH = 40

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)\Z")
_REAL = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
# Leading zeros, other bases, underscores, and the floats that are no numbers (§10.3.2 against YAML 1.1's types).
_AMBIGUOUS = re.compile(
    r"[-+]?(0[0-9_]+|[0-9]+_[0-9_]*)(\.[0-9_]*)?([eE][-+]?[0-9]+)?\Z|[-+]?0[xob][0-9a-fA-F_]+\Z"
    r"|[-+]?\.(inf|Inf|INF)\Z|\.(nan|NaN|NAN)\Z"
)
# C0 and C1 controls, line separators, the byte order mark, what is no character, and the marks that reorder
# text on screen.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\u202a-\u202e\u2066-\u2069]")
MOST_PROBLEMS = 100


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A place in a file; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Integer(int):
    """A whole number that remembers how it was written."""

    text: str


class Real(float):
    """A decimal number that remembers how it was written (`1.10`)."""

    text: str


@dataclass(frozen=True, slots=True)
class Scalar:
    value: str | bool | Integer | Real | None
    mark: Mark


@dataclass(frozen=True, slots=True)
class Listing:
    items: tuple[Node, ...]
    mark: Mark


@dataclass(frozen=True, slots=True)
class Mapping:
    items: dict[str, Node]
    keys: dict[str, Mark]
    mark: Mark


Node = Scalar | Listing | Mapping


def parse(raw: bytes, file: str) -> Node:
    """The one document in `raw` as nodes with positions; raises `Problems` with everything that is wrong."""
    text = _decode(raw, file)
    reader = _Reader(file)
    try:
        root = reader.document(yaml.parse(text, Loader=yaml.CSafeLoader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Mark(file, mark.line + 1, mark.column + 1) if mark else Mark(file, 1, 1)
        raise Problems([*reader.problems, _syntax(error, place, text)]) from error
    except yaml.YAMLError as error:
        raise Problems([FileError("is not YAML", hint="see the syntax of YAML 1.2", place=f"{file}:1:1")]) from error
    if reader.problems:
        raise Problems(reader.problems)
    return root


def plain(node: Node) -> object:
    """The node as ordinary Python values, without positions."""
    match node:
        case Scalar(value=value):
            return value
        case Listing(items=items):
            return [plain(item) for item in items]
        case Mapping(items=entries):
            return {key: plain(value) for key, value in entries.items()}


def merge(base: Node, over: Node) -> Node:
    """`over` laid upon `base`: mappings merge key by key, all else is replaced, null removes (RFC 7396 §2).

    Marks are kept, so a value of the result still knows which line wrote it.
    """
    if not isinstance(over, Mapping):
        return over
    if not isinstance(base, Mapping):
        base = Mapping({}, {}, over.mark)
    items, keys = dict(base.items), dict(base.keys)
    for key, value in over.items.items():
        keys[key] = over.keys[key]
        if isinstance(value, Scalar) and value.value is None:
            items.pop(key, None)
            keys.pop(key, None)
        else:
            items[key] = merge(items.get(key, Mapping({}, {}, value.mark)), value)
    return Mapping(items, keys, base.mark)


def locate(root: Node, path: tuple[str | int, ...], *, key: bool = False) -> Mark:
    """Where `path` stands: its value, or with `key` its key; the nearest ancestor where it is absent."""
    node, mark = root, root.mark
    for index, step in enumerate(path):
        if isinstance(node, Mapping) and isinstance(step, str) and step in node.items:
            last = index == len(path) - 1
            mark = node.keys[step] if key and last else node.items[step].mark
            node = node.items[step]
        elif isinstance(node, Listing) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
            mark = node.mark
        elif isinstance(node, Mapping) and isinstance(step, str):
            return mark if key else (mark if index == 0 else _parent_key(root, path[:index], mark))
    return mark


def _parent_key(root: Node, path: tuple[str | int, ...], fallback: Mark) -> Mark:
    node = root
    mark = fallback
    for step in path:
        if isinstance(node, Mapping) and isinstance(step, str) and step in node.items:
            mark, node = node.keys[step], node.items[step]
    return mark


def _decode(raw: bytes, file: str) -> str:
    start = f"{file}:1:1"
    if len(raw) > MAX_BYTES:
        raise Problems(
            [
                FileError(
                    f"is longer than {MAX_BYTES:,} bytes", hint="shorten it; values of one platform need far less", place=start
                )
            ]
        )
    if raw.startswith((b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")):
        raise Problems([FileError("starts with a byte order mark", hint="save it as UTF-8 without BOM", place=start)])
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8", "replace")
        place = _place(file, before)
        raise Problems([FileError("is not valid UTF-8 here", hint="save it as UTF-8", place=place)]) from error
    problems = [_control(file, text, found) for found in islice(_FORBIDDEN.finditer(text), 20)]
    problems += [
        FileError("a tab indents this line", hint="YAML indents by spaces", place=f"{file}:{number}:{line.index(chr(9)) + 1}")
        for number, line in enumerate(text.split("\n"), 1)
        if "\t" in line and line[: line.index("\t")].strip() == "" and line.strip()
    ][:20]
    if problems:
        raise Problems(problems)
    return text


def _place(file: str, before: str) -> str:
    return f"{file}:{before.count(chr(10)) + 1}:{len(before) - (before.rfind(chr(10)) + 1) + 1}"


def _control(file: str, text: str, found: re.Match[str]) -> FileError:
    return FileError(
        f"the control character U+{ord(found.group()):04X} stands here",
        hint="remove it",
        place=_place(file, text[: found.start()]),
    )


def _syntax(error: yaml.MarkedYAMLError, place: Mark, text: str) -> FileError:
    problem = (error.problem or "is not YAML").strip()
    lines = text.split("\n")
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    hint = "quote the value"
    if error.context_mark and ("end of stream" in problem or "expected ','" in problem):
        hint = f"close what was opened at line {error.context_mark.line + 1}, column {error.context_mark.column + 1}"
    elif "mapping values are not allowed" in problem or "could not find expected ':'" in problem:
        hint = "write 'key: value' with one space after the colon, and quote a value that holds ': '"
    elif "found character that cannot start any token" in problem:
        hint = f"quote the value that starts with {line[place.column - 1 : place.column]!r}"
    elif "undefined alias" in problem:
        hint = "name an anchor that stands above, or quote the value that starts with '*'"
    elif "did not find expected key" in problem or "block end" in problem:
        hint = "indent it like its neighbours"
    return FileError(f"is not YAML: {problem}", hint=hint, place=str(place))


@dataclass(slots=True)
class _Frame:
    """A collection that is still open while its events arrive."""

    mark: Mark
    anchor: str | None
    listing: list[Node] | None = None
    items: dict[str, Node] = field(default_factory=dict)
    keys: dict[str, Mark] = field(default_factory=dict)
    key: str | None = None
    awaiting_value: bool = False
    size: int = 1


class _Reader:
    """Builds nodes from events, iteratively: deep nesting cannot exhaust the stack."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[FileError] = []
        self.nodes = 0
        self.anchors: dict[str, tuple[Node, int]] = {}
        self.open: list[_Frame] = []
        self.root: Node | None = None

    def document(self, events: Iterator[yaml.Event]) -> Node:
        documents = 0
        for event in events:
            mark = self.mark(event)
            match event:
                case yaml.DocumentStartEvent():
                    documents += 1
                    if documents > 1:
                        raise self.fatal(mark, "a second document starts here", "keep one document in the file")
                case yaml.ScalarEvent():
                    self.tagged(event, mark)
                    self.add(self.scalar(event, mark), mark, event.anchor)
                case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                    self.tagged(event, mark)
                    listing: list[Node] | None = [] if isinstance(event, yaml.SequenceStartEvent) else None
                    self.enter(_Frame(mark, event.anchor, listing))
                case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                    self.leave()
                case yaml.AliasEvent():
                    self.alias(str(event.anchor), mark)
        if self.root is None:
            raise self.fatal(Mark(self.file, 1, 1), "is empty", "describe the platform: 'platform: NAME'")
        return self.root

    def mark(self, event: yaml.Event) -> Mark:
        start = event.start_mark
        return Mark(self.file, start.line + 1, start.column + 1) if start else Mark(self.file, 1, 1)

    def fatal(self, mark: Mark, sentence: str, hint: str) -> Problems:
        return Problems([*self.problems, FileError(sentence, hint=hint, place=str(mark))])

    def problem(self, mark: Mark, sentence: str, hint: str) -> None:
        self.problems.append(FileError(sentence, hint=hint, place=str(mark)))
        if len(self.problems) >= MOST_PROBLEMS:
            raise Problems(self.problems)

    def count(self, mark: Mark, size: int) -> None:
        self.nodes += size
        if self.nodes > MAX_NODES:
            raise self.fatal(mark, f"holds more than {MAX_NODES:,} values, aliases counted at each use", "shorten it")

    def tagged(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent, mark: Mark) -> None:
        if event.tag not in (None, "!"):
            self.problem(mark, f"the tag {str(event.tag)[:40]!r} is refused", "remove it; values are plain data")

    def enter(self, frame: _Frame) -> None:
        if len(self.open) >= MAX_DEPTH:
            raise self.fatal(frame.mark, f"is nested deeper than {MAX_DEPTH} levels", "flatten it")
        parent = self.open[-1] if self.open else None
        if parent and parent.listing is None and not parent.awaiting_value:
            raise self.fatal(frame.mark, "a key is a list or a mapping", "a key is a word")
        self.count(frame.mark, 1)
        if frame.anchor:
            # An anchor counts from where it stands, so within its own collection an older one of that name is gone.
            self.anchors.pop(frame.anchor, None)
        self.open.append(frame)

    def leave(self) -> None:
        frame = self.open.pop()
        node: Node
        if frame.listing is not None:
            node = Listing(tuple(frame.listing), frame.mark)
        else:
            node = Mapping(frame.items, frame.keys, frame.mark)
        if frame.anchor:
            self.anchors[frame.anchor] = (node, frame.size)
        self.place(node, frame.mark, frame.size)

    def alias(self, anchor: str, mark: Mark) -> None:
        if anchor not in self.anchors:
            raise self.fatal(mark, f"the alias '*{anchor}' names no anchor above", f"write '&{anchor}' where it is defined")
        node, size = self.anchors[anchor]
        self.count(mark, size)
        self.place(node, mark, size)

    def add(self, node: Scalar, mark: Mark, anchor: str | None) -> None:
        self.count(mark, 1)
        if anchor:
            self.anchors[anchor] = (node, 1)
        self.place(node, mark, 1)

    def place(self, node: Node, mark: Mark, size: int) -> None:
        if not self.open:
            self.root = node
            return
        frame = self.open[-1]
        frame.size += size
        if frame.listing is not None:
            frame.listing.append(node)
        elif not frame.awaiting_value:
            frame.key, frame.awaiting_value = self.key(node, mark, frame), True
        else:
            if frame.key is not None:
                frame.items[frame.key] = node
            frame.key, frame.awaiting_value = None, False

    def key(self, node: Node, mark: Mark, frame: _Frame) -> str | None:
        if not isinstance(node, Scalar):
            raise self.fatal(mark, "a key is a list or a mapping", "a key is a word")
        if node.value == "<<":
            self.problem(
                mark, "the merge key '<<' is not part of YAML 1.2", "use an alias for a whole value, or repeat the keys"
            )
            return None
        if not isinstance(node.value, str):
            self.problem(mark, "a key must be text", "quote it")
            return None
        if node.value in frame.keys:
            first = frame.keys[node.value]
            self.problem(mark, f"the key {node.value[:60]!r} stands twice", f"the first is at line {first.line}; remove one")
            return None
        frame.keys[node.value] = mark
        return node.value

    def scalar(self, event: yaml.ScalarEvent, mark: Mark) -> Scalar:
        text: str = event.value
        if found := _FORBIDDEN.search(text):
            self.problem(mark, f"the value holds the control character U+{ord(found.group()):04X}", "remove it")
        if event.style or not event.implicit[0]:
            return Scalar(text, mark)
        return Scalar(self.resolve(text, mark), mark)

    def resolve(self, text: str, mark: Mark) -> str | bool | Integer | Real | None:
        if text in ("", "~", "null", "Null", "NULL"):
            return None
        if text in ("true", "True", "TRUE", "false", "False", "FALSE"):
            return text.lower() == "true"
        if _AMBIGUOUS.match(text):
            self.problem(
                mark, f"the number {text[:40]!r} is read differently by different tools", "quote it, or write it in decimal"
            )
            return None
        if _INTEGER.match(text):
            if len(text.lstrip("+-")) > 18:
                self.problem(mark, "the number has more than 18 digits", "quote it if it is text")
                return None
            integer = Integer(text)
            integer.text = text
            return integer
        if _REAL.match(text):
            real = Real(text)
            if math.isinf(real):
                self.problem(mark, "the number is too large", "quote it if it is text")
                return None
            real.text = text
            return real
        return text
