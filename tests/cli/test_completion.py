from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.cli.run import lokifi


def completed(line: str, cwd: Path) -> list[str]:
    """What bash is offered for the last word of `line`."""
    words = line.split(" ")
    ended = lokifi(cwd=cwd, _LOKIFI_COMPLETE="bash_complete", COMP_WORDS=line, COMP_CWORD=str(len(words) - 1))
    assert ended.stderr == ""
    return [each.partition(",")[2] for each in ended.stdout.splitlines()]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("lokifi sta", ["status"]),
        ("lokifi restart ", ["web", "postgres", "edge", "prometheus"]),
        ("lokifi logs po", ["postgres"]),
        ("lokifi scale ", ["web="]),
        ("lokifi check -e ", ["development", "production"]),
        ("lokifi check --env prod", ["production"]),
        ("lokifi explain services.web.r", ["services.web.run", "services.web.routes"]),
        ("lokifi render ng", ["nginx"]),
        ("lokifi render sch", ["schema"]),
        ("lokifi completion ", ["bash", "zsh", "fish"]),
        ("lokifi up --att", ["--attach"]),
    ],
)
def test_what_is_offered(line: str, words: list[str], project: Path) -> None:
    assert completed(line, project) == words


@pytest.mark.parametrize("text", ["", "services: [", "\x00", "services: 3\nstores: [a]", "a: &a [*a]"])
def test_a_broken_file_offers_less_and_is_no_error(text: str, project: Path) -> None:
    (project / "lokifi.yaml").write_text(text)
    assert completed("lokifi restart ", project) == ["edge", "prometheus"]


def test_no_file_is_no_error(tmp_path: Path) -> None:
    assert completed("lokifi restart e", tmp_path) == ["edge"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell_calls_lokifi(shell: str, tmp_path: Path) -> None:
    ended = lokifi("completion", shell, cwd=tmp_path)
    assert ended.returncode == 0
    assert f"_LOKIFI_COMPLETE={shell}_complete" in ended.stdout


def test_bash_understands_its_script(tmp_path: Path) -> None:
    script = lokifi("completion", "bash", cwd=tmp_path).stdout
    subprocess.run(["bash", "-n"], input=script, text=True, check=True, timeout=30)
