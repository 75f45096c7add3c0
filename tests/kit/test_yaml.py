"""What is read, what is refused and where, and that nothing hostile costs much."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from lokifi.kit.errors import Problems
from lokifi.kit.yaml import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_NODES,
    Integer,
    Listing,
    Mapping,
    Node,
    Real,
    Scalar,
    locate,
    merge,
    parse,
    plain,
)

CONTROL = "the control character U+{} stands here — remove it"
TAB = "a tab indents this line — YAML indents by spaces"
BOM = "starts with a byte order mark — save it as UTF-8 without BOM"
COLON = (
    "is not YAML: mapping values are not allowed in this context — write 'key: value' with one space after the colon, "
    "and quote a value that holds ': '"
)
NUMBER = "the number '{}' is read differently by different tools — quote it, or write it in decimal"
KEY = "a key is a list or a mapping — a key is a word"
TEXT_KEY = "a key must be text — quote it"
DIGITS = "the number has more than 18 digits — quote it if it is text"
MERGE = "the merge key '<<' is not part of YAML 1.2 — use an alias for a whole value, or repeat the keys"
DEEP = f"is nested deeper than {MAX_DEPTH} levels — flatten it"
MANY = f"holds more than {MAX_NODES:,} values, aliases counted at each use — shorten it"
LONG = f"is longer than {MAX_BYTES:,} bytes — shorten it; values of one platform need far less"
AMBIGUOUS = ["010", "-010", "08", "0x1F", "-0x1F", "0o17", "0b11", "1_000", "1_000.5", "01.5", ".inf", "-.INF", ".nan"]

Table = list[tuple[bytes, list[str]]]

REFUSED: Table = [
    (b"", ["1:1: is empty — describe the platform: 'platform: NAME'"]),
    (b"# a remark\n", ["1:1: is empty — describe the platform: 'platform: NAME'"]),
    # encodings
    (b"\xef\xbb\xbfa: 1\n", [f"1:1: {BOM}"]),
    ("a: 1\n".encode("utf-16"), [f"1:1: {BOM}"]),
    (b"\xfe\xff\0a", [f"1:1: {BOM}"]),
    ("a: 1".encode("utf-16-le"), [f"1:{column}: {CONTROL.format('0000')}" for column in (2, 4, 6, 8)]),
    (b"a: \xff\n", ["1:4: is not valid UTF-8 here — save it as UTF-8"]),
    ("é: 1\né: ".encode() + b"\xc3", ["2:4: is not valid UTF-8 here — save it as UTF-8"]),
    # characters
    (b"a: b\0c\n", [f"1:5: {CONTROL.format('0000')}"]),
    (b'a: "b\\0c"\n', ["1:4: the value holds the control character U+0000 — remove it"]),
    (b"a: 1\nb: \x1b[31m\n", [f"2:4: {CONTROL.format('001B')}"]),
    ("a: \u2028\n".encode(), [f"1:4: {CONTROL.format('2028')}"]),
    ("a: \u202e\n".encode(), [f"1:4: {CONTROL.format('202E')}"]),
    ("a: \ufeff\n".encode(), [f"1:4: {CONTROL.format('FEFF')}"]),
    ("a: \uffff\n".encode(), [f"1:4: {CONTROL.format('FFFF')}"]),
    ("a: \u0085\n".encode(), [f"1:4: {CONTROL.format('0085')}"]),
    (b"a:\n\tb: 1\n \tc: 2\n", [f"2:1: {TAB}", f"3:2: {TAB}"]),
    (b"a: [1,\n\t2]\n", [f"2:1: {TAB}"]),
    # syntax
    (b"a: b: c\n", [f"1:5: {COLON}"]),
    (b"a: 1\n  b: 2\n", [f"2:4: {COLON}"]),
    (b"a\nb: 1\n", [f"2:2: {COLON}"]),
    (b"a: [1, 2\n", ["2:1: is not YAML: did not find expected ',' or ']' — close what was opened at line 1, column 4"]),
    (b"a: {b: 1\nc: 2\n", ["2:2: is not YAML: did not find expected ',' or '}' — close what was opened at line 1, column 4"]),
    (b'a: "b\n', ["2:1: is not YAML: found unexpected end of stream — close what was opened at line 1, column 4"]),
    (b"a: 'b\n", ["2:1: is not YAML: found unexpected end of stream — close what was opened at line 1, column 4"]),
    (b"a: @b\n", ["1:4: is not YAML: found character that cannot start any token — quote the value that starts with '@'"]),
    (b"a: `b`\n", ["1:4: is not YAML: found character that cannot start any token — quote the value that starts with '`'"]),
    (b"a: >\n  b\n d\n", ["3:2: is not YAML: did not find expected key — indent it like its neighbours"]),
    (b'a: "\\q"\n', ["1:5: is not YAML: found unknown escape character — quote the value"]),
    (b'a: "\\ud800"\n', ["1:7: is not YAML: found invalid Unicode character escape code — quote the value"]),
    (b"%YAML 2.0\n---\na: 1\n", ["1:1: is not YAML: found incompatible YAML document — quote the value"]),
    (b"a: *\n", ["1:5: is not YAML: did not find expected alphabetic or numeric character — quote the value"]),
    # documents, aliases
    (b"a: 1\n---\nb: 2\n", ["2:1: a second document starts here — keep one document in the file"]),
    (b"---\na: 1\n...\n---\nb: 1\n", ["4:1: a second document starts here — keep one document in the file"]),
    (b"a: *b\n", ["1:4: the alias '*b' names no anchor above — write '&b' where it is defined"]),
    (b"a: &a [*a]\n", ["1:8: the alias '*a' names no anchor above — write '&a' where it is defined"]),
    (b"a: &a {b: *a}\n", ["1:11: the alias '*a' names no anchor above — write '&a' where it is defined"]),
    (b"a: &x 1\nb: &x [*x]\n", ["2:8: the alias '*x' names no anchor above — write '&x' where it is defined"]),
    ('"😀😀": *x\n'.encode(), ["1:7: the alias '*x' names no anchor above — write '&x' where it is defined"]),
    (b"x: &x {a: 1}\ny:\n  <<: *x\n", [f"3:3: {MERGE}"]),
    # keys
    (b"a: 1\nb: 2\na: 3\n", ["3:1: the key 'a' stands twice — the first is at line 1; remove one"]),
    (b"a: {b: 1, b: 2}\n", ["1:11: the key 'b' stands twice — the first is at line 1; remove one"]),
    (b"a: 1\n'a': 2\n", ["2:1: the key 'a' stands twice — the first is at line 1; remove one"]),
    (b"? [a]\n: 1\n", [f"1:3: {KEY}"]),
    (b"{{a: 1}: 1}\n", [f"1:2: {KEY}"]),
    (b"x: &x [a]\n*x : 1\n", [f"2:1: {KEY}"]),
    (b"1: a\n", [f"1:1: {TEXT_KEY}"]),
    (b"true: a\n", [f"1:1: {TEXT_KEY}"]),
    (b"~: a\n", [f"1:1: {TEXT_KEY}"]),
    # tags
    (b"a: !!python/object/apply:os.system [id]\n",
     ["1:4: the tag 'tag:yaml.org,2002:python/object/apply:os' is refused — remove it; values are plain data"]),
    (b"a: !!str 1\n", ["1:4: the tag 'tag:yaml.org,2002:str' is refused — remove it; values are plain data"]),
    (b"!!map {a: !secret b}\n",
     ["1:1: the tag 'tag:yaml.org,2002:map' is refused — remove it; values are plain data",
      "1:11: the tag '!secret' is refused — remove it; values are plain data"]),
    # numbers
    *[(f"a: {number}\n".encode(), [f"1:4: {NUMBER.format(number)}"])
      for number in AMBIGUOUS],
    (b"a: 1e999\n", ["1:4: the number is too large — quote it if it is text"]),
    (b"a: 1234567890123456789\n", [f"1:4: {DIGITS}"]),
    (b"a: -" + b"9" * 5000 + b"\n", [f"1:4: {DIGITS}"]),
    # all at once, in their order
    (b"a: 1\na: !x 2\nb: 010\n",
     ["2:1: the key 'a' stands twice — the first is at line 1; remove one",
      "2:4: the tag '!x' is refused — remove it; values are plain data",
      f"3:4: {NUMBER.format('010')}"]),
    (b"a: 1\na: 2\nb: [\n",
     ["2:1: the key 'a' stands twice — the first is at line 1; remove one",
      "4:1: is not YAML: did not find expected node content — quote the value"]),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "lines"), REFUSED, ids=[repr(raw[:24]) for raw, _ in REFUSED])
def test_refused_with_its_place_and_a_way_out(raw: bytes, lines: list[str]) -> None:
    with pytest.raises(Problems) as caught:
        parse(raw, "f")
    assert str(caught.value).splitlines() == [f"f:{line}" for line in lines]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[
            (word, word)
            for word in ("no", "NO", "off", "yes", "on", "y", "n", "nUll", "tRue", "=", "22:22", "190:20:30", "1.2.3")
        ],
        *[(word, word) for word in ("2026-11-22", "12e", "0xfg", ".", "+", "1,000", "Inf", "a#b", "a:b", "-1-", "0.1.2")],
        *[(word, None) for word in ("", "~", "null", "Null", "NULL")],
        *[(word, True) for word in ("true", "True", "TRUE")],
        *[(word, False) for word in ("false", "False", "FALSE")],
        ("'010'", "010"),
        ("'no'", "no"),
        ('"\\t"', "\t"),
        ("|\n  b\n  c\n", "b\nc\n"),
        ("[a, {b: [c]}]", ["a", {"b": ["c"]}]),
    ],
)
def test_read_as_yaml_1_2_reads_it(text: str, value: object) -> None:
    assert plain(parse(f"a: {text}\n".encode(), "f")) == {"a": value}


@pytest.mark.parametrize("text", ["0", "-0", "+1", "15", "123456789012345678", "-123456789012345678"])
def test_a_whole_number_keeps_its_writing(text: str) -> None:
    found = plain(parse(f"[{text}]".encode(), "f"))
    assert isinstance(found, list)
    assert (type(found[0]), found[0], found[0].text) == (Integer, int(text), text)


@pytest.mark.parametrize("text", ["0.0", "1.10", "1.", ".5", "-.5e-3", "1e5", "12E+03"])
def test_a_decimal_number_keeps_its_writing(text: str) -> None:
    found = plain(parse(f"[{text}]".encode(), "f"))
    assert isinstance(found, list)
    assert (type(found[0]), found[0], found[0].text) == (Real, float(text), text)


def test_an_alias_is_the_same_value_again() -> None:
    assert plain(parse(b"a: &x [1, b]\nc: *x\nd: &x 2\ne: *x\n", "f")) == {"a": [1, "b"], "c": [1, "b"], "d": 2, "e": 2}


def test_a_hundred_problems_are_enough() -> None:
    with pytest.raises(Problems) as caught:
        parse(b"".join(b"k%d: !x 1\n" % number for number in range(1000)), "f")
    assert len(caught.value.problems) == 100


# --- what is hostile -----------------------------------------------------------------------------

LAUGHS = b"a: &a [l,l,l,l,l,l,l,l,l]\n" + b"".join(
    b"%c: &%c [%s]\n" % (letter, letter, b",".join([b"*%c" % (letter - 1)] * 9)) for letter in b"bcdefghi"
)
HOSTILE: list[tuple[str, str, str]] = [
    ("billion laughs", repr(LAUGHS), f"f:4:20: {MANY}"),
    ("one megabyte", "b'a: ' + b'x' * (1 << 20)", f"f:1:1: {LONG}"),
    ("ten megabytes", "b'- a\\n' * 2_500_000", f"f:1:1: {LONG}"),
    ("20,000 deep, flow", "b'[' * 20_000", f"f:1:{MAX_DEPTH + 1}: {DEEP}"),
    ("20,000 deep, flow mappings", "b'{a: ' * 20_000", f"f:1:{4 * MAX_DEPTH + 1}: {DEEP}"),
    ("20,000 deep, block", "b'- ' * 20_000", f"f:1:{2 * MAX_DEPTH + 1}: {DEEP}"),
    ("20,000 deep, complex keys", "b'? ' * 20_000", f"f:1:3: {KEY}"),
    ("700 deep, indented", "b''.join(b' ' * n + b'a:\\n' for n in range(700))", f"f:{MAX_DEPTH + 1}:{MAX_DEPTH + 1}: {DEEP}"),
    ("1e6 keys", "b''.join(b'k%d: 1\\n' % n for n in range(1_000_000))", f"f:1:1: {LONG}"),
    ("as many keys as fit", "b''.join(b'k%d:\\n' % n for n in range(30_000))", f"f:2500:7: {MANY}"),
    ("a huge integer", "b'a: ' + b'9' * 250_000", f"f:1:4: {DIGITS}"),
    ("a huge exponent", "b'a: 1e' + b'9' * 250_000", "f:1:4: the number is too large — quote it if it is text"),
    ("many tags", "b'[' + b'!a b,' * 20_000 + b']'", "f:1:2: the tag '!a' is refused"),
    ("many anchors", "b'[' + b','.join(b'&a%d x' % n for n in range(4_900)) + b']'", "read"),
    ("quotes", "b'a: ' + b'\"' * 250_001", "f:1:6: is not YAML: did not find expected key"),
    ("an endless line", "b'a' * 250_000 + b': b'", "f:1:250001: is not YAML"),
    ("NULs", "b'\\0' * 250_000", "f:1:1: the control character U+0000 stands here"),
    ("tabs", "b'\\t\\n' * 100_000 + b'\\ta'", f"f:100001:1: {TAB}"),
]  # fmt: skip
CHILD = """
import resource, sys
from lokifi.kit.errors import Problems
from lokifi.kit.yaml import parse
raw = eval(sys.stdin.read())[:300_000]
used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize() if sys.platform == 'linux' else 0
if used:
    resource.setrlimit(resource.RLIMIT_AS, (used + 100 * 1024 * 1024,) * 2)
try:
    parse(raw, 'f')
    print('read')
except Problems as problems:
    print(problems.problems[0])
"""


@pytest.mark.parametrize(("expression", "answer"), [row[1:] for row in HOSTILE], ids=[row[0] for row in HOSTILE])
def test_hostile_input_is_answered_within_100_mb(expression: str, answer: str) -> None:
    done = subprocess.run([sys.executable, "-c", CHILD], input=expression, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(answer)


@given(st.binary(max_size=200))
@example(b"\xff")
def test_no_bytes_raise_anything_but_problems(raw: bytes) -> None:
    _only_problems(raw)


@given(st.text("ab \n\t:-?[]{},&*!|>'\"%@`#<\\0.1_e+~é😀\r", max_size=80))
def test_no_text_of_its_own_signs_raises_anything_but_problems(text: str) -> None:
    _only_problems(text.encode())


def _only_problems(raw: bytes) -> None:
    try:
        parse(raw, "f")
    except Problems as caught:
        assert caught.problems
        lines = raw.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n").split("\n")
        for problem in caught.problems:
            file, line, column = problem.place.split(":")
            assert file == "f" and problem.sentence and problem.hint
            assert 1 <= int(line) <= len(lines) + 1 and int(column) >= 1


# --- what reads back -----------------------------------------------------------------------------

REFUSED_SIGNS = "\u2028\u2029\ufeff\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
READABLE = st.characters(exclude_categories=("Cs", "Cc", "Cn"), exclude_characters=REFUSED_SIGNS)
WORD = st.text(READABLE, max_size=12)
KEYS = WORD.filter(lambda word: word != "<<")
LEAF = st.none() | st.booleans() | st.integers(-(10**17), 10**17) | st.floats(allow_nan=False, allow_infinity=False) | WORD
DOCUMENT = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=20
)


class NoAlias(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:
        return True


@given(DOCUMENT, st.booleans(), st.booleans())
def test_what_pyyaml_writes_reads_back_equal(document: object, flow: bool, aliases: bool) -> None:
    dumper = yaml.SafeDumper if aliases else NoAlias
    raw = yaml.dump([document], Dumper=dumper, default_flow_style=flow, allow_unicode=True, sort_keys=False)
    assert plain(parse(raw.encode(), "f")) == [document]


# --- places --------------------------------------------------------------------------------------

PLAIN_KEY = st.from_regex(r"[a-z][a-z0-9]{0,5}", fullmatch=True)
TREE_KEY = PLAIN_KEY.map(lambda word: f"k{word}")
TREE = st.recursive(
    PLAIN_KEY.map(lambda word: f"v{word}"),
    lambda inner: st.lists(inner, min_size=1, max_size=3) | st.dictionaries(TREE_KEY, inner, min_size=1, max_size=3),
    max_leaves=12,
)
Places = dict[tuple[str | int, ...], tuple[int, int]]


def written(value: object, indent: int, lines: list[str], path: tuple[str | int, ...], keys: Places, values: Places) -> None:
    """Write `value` in block style from the end of the last line on, noting where each key and value stands."""
    if isinstance(value, str):
        values[path] = (len(lines), len(lines[-1]) + 1)
        lines[-1] += value
        return
    entries = list(value.items()) if isinstance(value, dict) else list(enumerate(value))  # type: ignore[call-overload]
    for number, (step, child) in enumerate(entries):
        if number:
            lines.append(" " * indent)
        if number == 0:
            values[path] = (len(lines), len(lines[-1]) + 1)
        below = (*path, step)
        if isinstance(value, dict):
            keys[below] = (len(lines), len(lines[-1]) + 1)
            lines[-1] += f"{step}:"
            if isinstance(child, str):
                lines[-1] += " "
            else:
                lines += ["# é😀", " " * (indent + 3)]
        else:
            lines[-1] += "- "
        written(child, indent + (3 if isinstance(value, dict) else 2), lines, below, keys, values)


@given(TREE)
def test_every_key_and_value_is_found_where_it_was_written(tree: object) -> None:
    lines, keys, values = [""], Places(), Places()
    written(tree, 0, lines, (), keys, values)
    root = parse("\n".join(lines).encode(), "f")
    for path, place in values.items():
        mark = locate(root, path)
        assert (mark.line, mark.column) == place
    for path, place in keys.items():
        mark = locate(root, path, key=True)
        assert (mark.line, mark.column) == place


@pytest.mark.parametrize(
    ("path", "key", "place"),
    [
        ((), False, "f:1:1"),
        (("a",), False, "f:2:3"),
        (("a",), True, "f:1:1"),
        (("a", "b"), False, "f:2:6"),
        (("a", "missing"), False, "f:1:1"),
        (("a", "missing", "deeper"), False, "f:1:1"),
        (("a", "c", 1), False, "f:3:10"),
        (("a", "c", 7), False, "f:3:6"),
        (("missing",), False, "f:1:1"),
        (("missing",), True, "f:1:1"),
        (("a", "b", "below a scalar"), False, "f:2:6"),
    ],
)
def test_what_is_absent_is_placed_at_its_nearest_ancestor(path: tuple[str | int, ...], key: bool, place: str) -> None:
    assert str(locate(parse(b"a:\n  b: 1\n  c: [1, 2]\n", "f"), path, key=key)) == place


# --- merging -------------------------------------------------------------------------------------

NAMES = st.sampled_from("abcd")
VALUES = st.recursive(
    st.none() | st.integers(0, 9),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=10,
)
MAPPINGS = st.dictionaries(NAMES, VALUES, max_size=4)


def node(value: object, file: str) -> Node:
    return parse(yaml.dump(value, Dumper=NoAlias).encode(), file)


def patched(base: object, over: object) -> object:
    """The algorithm of RFC 7396 §2, word for word."""
    if not isinstance(over, dict):
        return over
    result = dict(base) if isinstance(base, dict) else {}
    for name, value in over.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = patched(result.get(name), value)
    return result


@given(MAPPINGS, MAPPINGS)
def test_merging_is_the_merge_patch_of_rfc_7396(base: object, over: object) -> None:
    assert plain(merge(node(base, "f"), node(over, "g"))) == patched(base, over)


@given(MAPPINGS)
def test_merging_nothing_changes_nothing(base: object) -> None:
    before = node(base, "f")
    assert merge(before, node({}, "g")) == before


@given(MAPPINGS, MAPPINGS)
def test_merging_twice_is_merging_once(base: object, over: object) -> None:
    once = merge(node(base, "f"), node(over, "g"))
    assert plain(merge(once, node(over, "g"))) == plain(once)


@given(MAPPINGS, MAPPINGS)
def test_each_value_remembers_who_wrote_it(base: object, over: object) -> None:
    above = node(over, "g")
    merged = merge(node(base, "f"), above)

    def check(value: Node, written: Node | None) -> None:
        match value:
            case Mapping(items=items, keys=keys):
                assert items.keys() == keys.keys()
                for name, child in items.items():
                    own = written.items.get(name) if isinstance(written, Mapping) else None
                    assert keys[name].file == ("g" if own is not None else "f")
                    check(child, own)
            case Scalar(mark=mark) | Listing(mark=mark):
                assert mark.file == ("g" if written is not None else "f")

    check(merged, above)


def test_marks_have_an_order_of_lines() -> None:
    key: Callable[[bytes], Node] = lambda raw: parse(raw, "f")  # noqa: E731
    assert key(b"a: 1").mark < key(b"\na: 1").mark < key(b"\n  a: 1").mark
