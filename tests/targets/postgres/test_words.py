"""Whatever a value is, PostgreSQL reads it back or it was refused; whatever memory is planned, it can start with it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lokifi.kit import process
from lokifi.kit.errors import UsageError
from lokifi.model.grammar import bytes_of
from lokifi.runtimes.local.identity import choose
from lokifi.targets import postgres
from lokifi.targets.postgres import name, quoted
from lokifi.targets.postgres.memory import shares
from tests.engines import place, program, stack_of

SIZES = st.builds("{}{}".format, st.integers(1, 999_999_999), st.sampled_from(["Ki", "Mi", "Gi", "Ti"]))


def unquoted(text: str) -> str:
    """What guc-file.l (GUC_scanstr) makes of a string, for the escapes that `quoted` uses."""
    assert re.fullmatch(r"'([^'\\\n]|\\\\|'')*'", text)
    return re.sub(r"\\\\|''", lambda found: found[0][0], text[1:-1])


@given(st.text())
@example("it's \\' x\\n # = {}")
@example("a\nfsync = off")
def test_a_string_reads_back_or_is_refused(value: str) -> None:
    try:
        written = quoted(value)
    except UsageError:
        assert not value.isprintable()
        return
    assert unquoted(written) == value


@given(st.text())
@example('a" all trust\n')
def test_a_name_reads_back_or_is_refused(value: str) -> None:
    try:
        written = name(value)
    except UsageError:
        assert '"' in value or not value.isprintable()
        return
    assert re.fullmatch(r'"[^"\n]*"', written) and written[1:-1] == value


@pytest.mark.engine
@pytest.mark.parametrize("folder", ["plain", "a b", "it's", 'quo"te $HOME #x', "back\\slash\\n\\047", "Größe 東京", "%p"])
def test_the_program_reads_exactly_what_was_written(tmp_path: Path, folder: str) -> None:
    root = tmp_path / folder
    root.mkdir()
    stack = stack_of("platform: shop\nstores: {postgres: {version: 13}}\n", root)
    config, access = place(postgres, stack, root)
    assert asked("hba_file", config, tmp_path) == str(access)
    assert asked("data_directory", config, tmp_path) == stack.parts["postgres"].folder


@pytest.mark.engine
@pytest.mark.parametrize(("memory", "buffers"), [("1Ki", "16"), ("999999999Ti", "1073741823"), ("100Mi", "3200")])
def test_any_size_becomes_one_that_the_program_takes(tmp_path: Path, memory: str, buffers: str) -> None:
    stack = stack_of(f"platform: shop\nstores: {{postgres: {{memory: {memory}}}}}\n", tmp_path)
    config, _ = place(postgres, stack, tmp_path)
    assert asked("shared_buffers", config, tmp_path) == buffers
    assert bool(postgres.render(stack).losses) == (memory != "100Mi")


def asked(setting: str, config: Path, folder: Path) -> str:
    found = program("postgres")
    words = [*choose(folder).prefix, found.path, "-C", setting, "-c", f"config_file={config}"]
    said = process.run(words, env={"LC_ALL": "C", **found.environment}, cwd=folder, timeout=30)
    assert said.returncode == 0, said.stderr
    return said.stdout.removesuffix("\n")


@given(SIZES, st.integers(10, 2000))
def test_the_shares_stay_within_what_postgresql_takes(memory: str, connections: int) -> None:
    found, told = shares(memory, connections)
    assert 128 <= found.shared_buffers <= (2**30 - 1) * 8 and found.shared_buffers % 8 == 0
    assert found.shared_buffers <= found.effective_cache_size <= (2**31 - 1) * 8
    assert 64 <= found.work_mem <= 2**31 - 1 and 1024 <= found.maintenance_work_mem <= 2**31 - 1
    quarter = bytes_of(memory) // 4
    assert bool(told) == (abs(found.shared_buffers * 1024 - quarter) >= 8192)


def test_nothing_is_rendered_without_a_postgres(tmp_path: Path) -> None:
    assert postgres.render(stack_of("platform: shop\n", tmp_path)).artefacts == ()
