"""What programs are started with: nothing that a stranger could have left in the caller's environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from lokifi.runtimes.local.environment import SYSTEM_PATH, of_build, of_part, path_of

POISON = [
    *["LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "DYLD_INSERT_LIBRARIES", "PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP"],
    *["PERL5OPT", "PERL5LIB", "RUBYOPT", "RUBYLIB", "NODE_OPTIONS", "NODE_PATH", "BASH_ENV", "ENV", "IFS", "SHELLOPTS"],
    *["BASH_FUNC_ls%%", "GIT_SSH_COMMAND", "GIT_DIR", "VIRTUAL_ENV", "GCONV_PATH", "BASHOPTS"],
]
KEPT = ["HTTPS_PROXY", "SSL_CERT_FILE", "PIP_INDEX_URL", "UV_INDEX_URL", "npm_config_registry", "HOME", "ENVIRONMENT", "MY_ENV"]


@pytest.mark.parametrize("name", POISON)
def test_poison_does_not_reach_a_build(name: str) -> None:
    assert name not in of_build({name: "x", "PATH": "/bin"}, [], {})


@pytest.mark.parametrize("name", KEPT)
def test_mirrors_proxies_and_certificates_do(name: str) -> None:
    assert of_build({name: "x"}, [], {})[name] == "x"


def test_relative_folders_leave_the_path() -> None:
    caller = {"PATH": ".:/opt/bin::bin:../x:/usr/bin:~/bin:/opt/bin"}
    assert of_build(caller, [Path("/first"), Path("second")], {})["PATH"].split(":") == [
        "/first",
        "/opt/bin",
        *_after("/usr/bin"),
    ]
    assert path_of([Path("."), Path("")]) == ":".join(SYSTEM_PATH)


def _after(first: str) -> list[str]:
    return [first, *(folder for folder in SYSTEM_PATH if folder != first)]


def test_a_part_gets_what_the_file_says_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in POISON:
        monkeypatch.setenv(name, "x")
    assert of_part(Path("/data"), [Path("/venv/bin")], {"A": "1", "TZ": "Europe/Berlin"}) == {
        "PATH": ":".join(["/venv/bin", *SYSTEM_PATH]),
        "HOME": "/data",
        "LANG": "C.UTF-8",
        "TZ": "Europe/Berlin",
        "PYTHONUNBUFFERED": "1",
        "A": "1",
    }


def test_what_the_file_says_comes_last() -> None:
    assert of_build({"A": "caller", "LANG": "de"}, [], {"A": "file"}) | {"PATH": ""} == {
        "A": "file",
        "LANG": "C.UTF-8",
        "PATH": "",
    }
