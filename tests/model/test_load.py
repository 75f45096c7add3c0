"""The platform file: what it may say, what it may not, and that each error has its place."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from lokifi.kit.errors import LokifiError, Problems, UsageError
from lokifi.model.grammar import words_of
from lokifi.model.load import load
from lokifi.model.service import Scale
from lokifi.plan.layout import LocalLayout, allocate
from lokifi.plan.resolve import copies_of, ports_of, resolve
from lokifi.plan.stack import Address, Stack

REPOSITORY = Path(__file__).resolve().parents[2]
TABLE = (Path(__file__).parent / "refused.txt").read_text().split("====\n")
SERVICE = "platform: shop\nservices:\n  api:\n    path: api\n    run: serve --port $PORT\n"
# What an attacker of shells, configuration files and terminals would write.
SIGNS = "abz09 .-_/:=@%+,~$`;|&<>(){}[]!*?#'\"\\^\n\t\r\0é😀\u202e\u2028\x1b"


def fill(root: Path) -> None:
    """A project with everything that the table refers to."""
    (root / "api").mkdir()
    (root / "file").write_text("")
    (root / "link").symlink_to("/etc")
    (root / "blank").write_text(" \n")
    (root / "shadow").symlink_to("/etc/shadow")
    (root / "latin").write_bytes(b"\xe9")
    (root / "nul").write_bytes(b"a\0b")
    os.mkfifo(root / "pipe")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("project")
    fill(root)
    yield root


def read(root: Path, text: str, environment: str | None = None, variables: dict[str, str] | None = None):
    (root / "lokifi.yaml").write_text(text, "utf-8")
    return load(root / "lokifi.yaml", environment, variables or {})


def stack_of(root: Path, text: str) -> Stack:
    project = read(root, text)
    copies = copies_of(project.platform, {})
    ports = allocate(ports_of(project.platform, copies), 8080, {})
    return resolve(project, LocalLayout(str(root), "development", ports, Address("127.0.0.1", 8080), "me"), copies)


@pytest.mark.parametrize("row", TABLE, ids=[row.split("--\n")[0][-50:].strip() for row in TABLE])
def test_refused_with_its_place_and_a_way_out(project: Path, row: str) -> None:
    text, _, lines = row.rpartition("\n--\n")
    with pytest.raises(Problems) as caught:
        read(project, text, None, {"BLANK": " "})
    assert str(caught.value) == "\n".join(f"lokifi.yaml:{line}" for line in lines.splitlines())


def test_the_smallest_file_is_enough(project: Path) -> None:
    found = read(project, "platform: shop")
    assert (found.environment, found.environments, found.platform.domain) == ("development", ("development",), "localhost")
    assert (found.platform.stores.postgres, found.platform.services, found.root) == (None, {}, project.resolve())


def test_the_reference_file_is_right_and_short() -> None:
    file = REPOSITORY / "lokifi.yaml"
    found = load(file)
    assert list(found.platform.services) == ["backend", "ticker", "frontend"]
    assert {name: each.kind for name, each in found.toolchains.items()} == {
        "backend": "python",
        "ticker": "python",
        "frontend": "node",
    }
    assert len(file.read_text().splitlines()) < 80


@pytest.mark.parametrize(
    ("text", "scale"),
    [
        ("{}", (1, 1, 1)),
        ("3", (3, 3, 3)),
        ("{min: 2}", (2, 2, 2)),
        ("{max: 4}", (1, 1, 4)),
        ("{initial: 3}", (1, 3, 3)),
        ("{min: 2, max: 10}", (2, 2, 10)),
        ("{min: 2, initial: 3, max: 10}", (2, 3, 10)),
    ],
)
def test_a_scale_is_filled_up(project: Path, text: str, scale: tuple[int, int, int]) -> None:
    found = read(project, f"{SERVICE}    scale: {text}\n").platform.services["api"].scale
    assert (found.min, found.initial, found.max) == scale
    assert isinstance(found, Scale)


@pytest.mark.parametrize(("written", "value"), [("1.10", "1.10"), ("5", "5"), ("true", "true"), ("no", "no"), ("1e5", "1e5")])
def test_a_variable_has_the_very_text_of_the_file(project: Path, written: str, value: str) -> None:
    assert read(project, f"{SERVICE}    env: {{A: {written}}}\n").platform.services["api"].env == {"A": value}


def test_a_quoted_operator_is_an_argument(project: Path) -> None:
    text = """platform: shop\nservices:\n  api: {path: api, run: "grep '|' \\"&&\\" \\\\; $$HOME a|b"}\n"""
    command = read(project, text).platform.services["api"].run
    assert command is not None
    assert words_of(command, {}) == ("grep", "|", "&&", ";", "$HOME", "a|b")


# --- environments ----------------------------------------------------------------------------------

LAYERED = """platform: shop
domain: a.example
stores: {postgres: {version: 16}, redis: {memory: 64Mi}}
environments:
  development:
  production:
    domain: b.example
    stores: {redis: null, postgres: {connections: 500}}
"""


def test_an_environment_is_laid_over_the_rest(project: Path) -> None:
    first, second = read(project, LAYERED), read(project, LAYERED, "production")
    assert (first.environment, first.platform.domain, first.platform.stores.redis is None) == (
        "development",
        "a.example",
        False,
    )
    assert (second.environment, second.platform.domain, second.platform.stores.redis) == ("production", "b.example", None)
    postgres = second.platform.stores.postgres
    assert postgres is not None and (postgres.version, postgres.connections) == (16, 500)


def test_there_is_no_other_environment(project: Path) -> None:
    with pytest.raises(UsageError) as caught:
        read(project, LAYERED, "prodution")
    assert str(caught.value) == "there is no environment 'prodution' in lokifi.yaml — did you mean 'production'?"


def test_every_environment_is_checked_whichever_is_chosen(project: Path) -> None:
    text = LAYERED.replace("connections: 500", "connections: 5")
    for chosen in (None, "development", "production"):
        with pytest.raises(Problems) as caught:
            read(project, text, chosen)
        assert [problem.place for problem in caught.value.problems] == ["lokifi.yaml:8:51"]


def test_a_problem_of_all_environments_is_told_once(project: Path) -> None:
    with pytest.raises(Problems) as caught:
        read(project, LAYERED.replace("64Mi", "64"))
    assert [problem.place for problem in caught.value.problems] == ["lokifi.yaml:3:51"]


def test_secrets_are_asked_for_in_the_chosen_environment_alone(project: Path) -> None:
    text = "platform: shop\nenvironments:\n  one: {}\n  two: {secrets: {A: env:NOT_SET}}\n"
    assert read(project, text, "one").given == {}
    assert read(project, text, "two", {"NOT_SET": "x"}).given == {"A": "x"}
    with pytest.raises(Problems, match=r"lokifi.yaml:4:22: secrets.A: the variable NOT_SET is not there"):
        read(project, text, "two")


def test_a_secret_never_shows_in_the_project(project: Path) -> None:
    (project / "key").write_text("hunter2\n")
    found = read(project, "platform: shop\nsecrets: {A: file:key, B: env:B}\n", variables={"B": "hunter3"})
    assert found.given == {"A": "hunter2", "B": "hunter3"}
    assert "hunter" not in repr(found)


def test_a_long_list_of_mistakes_ends(project: Path) -> None:
    with pytest.raises(Problems) as caught:
        read(project, "platform: shop\n" + "".join(f"k{number}: 1\n" for number in range(2000)))
    assert len(caught.value.problems) == 100


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda path: None, "there is no lokifi.yaml here"),
        (lambda path: path.mkdir(), "lokifi.yaml is no regular file"),
        (lambda path: os.mkfifo(path), "lokifi.yaml is no regular file"),
        (lambda path: path.symlink_to("/dev/zero"), "lokifi.yaml is no regular file"),
        (lambda path: path.symlink_to(path), "cannot read lokifi.yaml: Too many levels of symbolic links"),
    ],
    ids=["nothing", "folder", "pipe", "device", "ring"],
)
def test_what_is_no_file_is_not_read(tmp_path: Path, make, sentence: str) -> None:
    make(tmp_path / "lokifi.yaml")
    with pytest.raises(UsageError) as caught:
        load(tmp_path / "lokifi.yaml")
    assert caught.value.sentence == sentence


# --- what a user writes arrives as it is, or not at all ----------------------------------------------

FIELDS = ["platform", "domain", "route", "ready", "metrics", "path", "grace", "listen", "run", "release", "variable", "secret"]
ROWS = {
    "platform": "platform: {}",
    "domain": "platform: shop\ndomain: {}",
    "route": SERVICE + "    routes: [{}]",
    "ready": SERVICE + "    probes: {{ready: {}}}",
    "metrics": SERVICE + "    metrics: {}",
    "path": "platform: shop\nservices: {{api: {{path: {}, run: serve}}}}",
    "grace": SERVICE + "    grace: {}",
    "listen": "platform: shop\nedge: {{listen: {}}}",
    "run": "platform: shop\nservices: {{api: {{path: api, run: {}}}}}",
    "release": SERVICE + "    release: {}",
    "variable": SERVICE + "    env: {{A: {}}}",
    "secret": "platform: shop\nsecrets: {{A: {}}}",
}
PLAIN_WORDS = frozenset("abz09 .-_/:=@%+,~")


@settings(max_examples=400)
@given(st.sampled_from(FIELDS), st.text(SIGNS, max_size=12))
def test_a_value_arrives_byte_for_byte_or_is_refused_at_its_place(
    tmp_path_factory: pytest.TempPathFactory, field: str, value: str
) -> None:
    root = tmp_path_factory.mktemp("signs")
    (root / "api").mkdir()
    quoted = yaml.safe_dump(value, default_style='"', width=10**6, allow_unicode=True).strip()
    text = ROWS[field].replace("{{", "{").replace("}}", "}").replace("{}", quoted, 1)
    try:
        stack = stack_of(root, text)
    except LokifiError as error:
        assert isinstance(error, Problems)
        line = len(ROWS[field].split("\n"))
        assert all(problem.place.startswith(f"lokifi.yaml:{line}:") for problem in error.problems)
        return
    if field == "variable":
        expected = value.replace("$$", "$")
        assert "".join(str(word) for word in stack.parts["api"].env["A"]) == expected
    elif field in ("run", "release"):
        words = stack.parts["api"].argv if field == "run" else stack.jobs["release-api"].commands[0].argv
        assert words == words_of(value, {})
    elif field != "secret":
        assert set(value) <= PLAIN_WORDS | set("[]"), value


@settings(max_examples=200)
@given(st.lists(st.text(SIGNS.replace("\0", "").replace("\n", ""), min_size=1, max_size=6), max_size=4))
def test_quoted_arguments_reach_the_program_unchanged(tmp_path_factory: pytest.TempPathFactory, words: list[str]) -> None:
    """`'…'` quotes everything but itself (POSIX shell, 2.2.2); `$$` is the one sign with a meaning of its own."""
    root = tmp_path_factory.mktemp("words")
    (root / "api").mkdir()
    command = " ".join(["serve", *("'" + word.replace("$", "$$").replace("'", "'\"'\"'") + "'" for word in words)])
    quoted = yaml.safe_dump(command, default_style='"', width=10**6, allow_unicode=True).strip()
    try:
        stack = stack_of(root, ROWS["run"].replace("{{", "{").replace("}}", "}").replace("{}", quoted, 1))
    except Problems as error:
        assert any(sign in "".join(words) for sign in "\t\r\u202e\u2028\x1b"), error
        return
    assert stack.parts["api"].argv == ("serve", *words)
