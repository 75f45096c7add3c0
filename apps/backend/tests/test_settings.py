"""What happens when the environment is incomplete."""

from __future__ import annotations

import subprocess

import pytest

from markets import settings
from tests.servers import BACKEND, environment, module

PROGRAMS = {
    "web": [*module("uvicorn"), "markets.main:app", "--port", "1"],
    "ticker": module("markets.ticker"),
    "migrate": module("markets.migrate"),
}


@pytest.mark.parametrize(
    ("program", "missing"),
    [
        ("web", "DATABASE_URL"),
        ("web", "REDIS_URL"),
        ("web", "SECRET_KEY"),
        ("ticker", "DATABASE_URL"),
        ("ticker", "REDIS_URL"),
        ("migrate", "DATABASE_URL"),
    ],
)
def test_a_blank_setting_is_one_line_and_exit_2(program: str, missing: str) -> None:
    env = environment("postgresql://nobody@127.0.0.1:1/x", "redis://127.0.0.1:1/0", **{missing: " "})
    done = subprocess.run(
        PROGRAMS[program], env=env, cwd=BACKEND, capture_output=True, text=True, check=False, timeout=30
    )
    assert done.returncode == 2
    assert done.stderr == f"markets: {missing} not set or blank — set it in the environment\n"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://secret@x/y"),
        ("REDIS_URL", "http://secret"),
        ("PORT", "0"),
        ("PORT", "70000"),
        ("PORT", "²"),
        ("SHUTDOWN_DELAY", "-1"),
        ("SHUTDOWN_DELAY", "nan"),
        ("SHUTDOWN_DELAY", "soon"),
    ],
)
def test_a_malformed_setting_is_refused_without_being_shown(
    name: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        settings.read((), {name: value})
    assert ended.value.code == 2
    line = capsys.readouterr().err
    assert line.startswith(f"markets: {name} must be")
    assert "secret" not in line


def test_all_missing_settings_are_named_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        settings.read(("DATABASE_URL", "SECRET_KEY"), {})
    assert "DATABASE_URL, SECRET_KEY not set" in capsys.readouterr().err
