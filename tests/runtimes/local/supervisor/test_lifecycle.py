"""Start, replace, stop: what a caller sees of a healthy supervisor."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from lokifi.kit.errors import RuntimeFailed, TimedOut, UsageError
from lokifi.runtimes.local.supervisor.client import PROGRAM, Supervisor
from lokifi.runtimes.local.supervisor.events import append
from lokifi.runtimes.local.supervisor.events import make as make_event
from lokifi.runtimes.local.supervisor.logs import tail
from lokifi.runtimes.local.supervisor.spec import Probe
from tests.runtimes.local.supervisor.aids import (
    ENV,
    WEB,
    MakeSpec,
    carriers,
    eventually,
    free_port,
    kill_supervisor,
    number_in,
    pid_of,
    runs,
    state,
)


def test_a_part_starts_with_its_own_session_environment_and_log(supervisor: Supervisor, folder: Path, make: MakeSpec) -> None:
    supervisor.put(make("part", "sh", "-c", "env; echo error >&2; exec sleep 60", env={"GREETING": "a b"}))
    assert supervisor.wait("part", 5).state == "ready"
    lines = {line.text for line in tail(folder, "part", 50)}
    assert "GREETING=a b" in lines
    assert "error" in lines
    token = (folder / "run" / "token").read_text()
    names = {line.split("=")[0] for line in lines if "=" in line}
    assert names <= {"PATH", "GREETING", "LOKIFI_PART", "PWD", "SHLVL", "_", "OLDPWD"}
    assert f"LOKIFI_PART={token}:part" in lines
    pid = pid_of(supervisor, "part")
    assert os.getsid(pid) == pid


def test_the_same_digest_is_left_alone_and_another_replaces(supervisor: Supervisor, make: MakeSpec) -> None:
    supervisor.put(make("part", "sleep", "60", digest="one"))
    first = pid_of(supervisor, "part")
    supervisor.put(make("part", "sleep", "60", digest="one", grace=3.0))
    assert pid_of(supervisor, "part") == first
    supervisor.put(make("part", "sleep", "61", digest="two"))
    assert pid_of(supervisor, "part") != first
    assert not runs(first)
    assert state(supervisor, "part").digest == "two"


def test_stop_signals_first_and_forgets_nothing_but_the_process(supervisor: Supervisor, folder: Path, make: MakeSpec) -> None:
    program = "trap 'echo bye; exit 0' QUIT; echo up; while :; do sleep 0.01; done"
    supervisor.put(make("part", "sh", "-c", program, stop_signal="QUIT"))
    eventually(lambda: "up" in [line.text for line in tail(folder, "part")])
    supervisor.stop("part")
    assert state(supervisor, "part").state == "stopped"
    assert state(supervisor, "part").last_exit == "exit 0"
    assert tail(folder, "part")[-1].text == "bye"
    assert carriers(folder) == []
    supervisor.restart("part")
    assert supervisor.wait("part", 5).state == "ready"
    supervisor.forget("part")
    assert supervisor.states() == []


def test_readiness_follows_the_probe_both_ways(supervisor: Supervisor, tmp_path: Path, make: MakeSpec) -> None:
    port, bad = free_port(), tmp_path / "bad"
    ready = Probe("http", port=port, path="/ready", period=0.1, failures=2)
    supervisor.put(make("web", sys.executable, "-c", WEB, str(port), str(bad), ready=ready))
    assert supervisor.wait("web", 10).state == "ready"
    bad.touch()
    eventually(lambda: state(supervisor, "web").state == "unready")
    bad.unlink()
    eventually(lambda: state(supervisor, "web").state == "ready")
    assert state(supervisor, "web").restarts == 0


def test_tcp_and_exec_probes(supervisor: Supervisor, tmp_path: Path, make: MakeSpec) -> None:
    port, mark = free_port(), tmp_path / "mark"
    web = (sys.executable, "-c", WEB, str(port))
    answer = Probe("tcp", port=port, send=b"PING\r\n", expect=b"HTTP/1.1 2", period=0.1)
    supervisor.put(make("tcp", *web, startup=answer))
    assert supervisor.wait("tcp", 10).state == "ready"
    wrong = Probe("tcp", port=port, send=b"PING\r\n", expect=b"+PONG", period=0.1)
    supervisor.put(make("wrong", "sleep", "60", startup=wrong))
    with pytest.raises(TimedOut, match="wrong was not ready in time, it is starting"):
        supervisor.wait("wrong", 0.5)
    supervisor.put(make("exec", "sleep", "60", ready=Probe("exec", argv=("test", "-e", str(mark)), period=0.1)))
    with pytest.raises(TimedOut):
        supervisor.wait("exec", 0.4)
    mark.touch()
    assert supervisor.wait("exec", 5).state == "ready"


def test_a_part_that_does_not_start_in_time_is_killed_and_tried_again(supervisor: Supervisor, make: MakeSpec) -> None:
    startup = Probe("tcp", port=free_port(), period=0.05)
    supervisor.put(make("slow", "sleep", "60", startup=startup, startup_timeout=0.3))
    eventually(lambda: state(supervisor, "slow").restarts >= 1)
    assert state(supervisor, "slow").last_exit == "did not start within 0.3 s"


def test_a_program_that_is_absent_is_hopeless_and_says_why(supervisor: Supervisor, folder: Path, make: MakeSpec) -> None:
    supervisor.put(make("absent", "/no/such/program"))
    with pytest.raises(RuntimeFailed, match="absent ended 3 times before it was ready, last: exit 127"):
        supervisor.wait("absent", 10)
    assert "cannot run /no/such/program" in tail(folder, "absent")[-1].text


def test_a_port_taken_between_check_and_bind_shows_as_that_part_crashing(
    supervisor: Supervisor, folder: Path, make: MakeSpec
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        supervisor.put(make("fine", "sleep", "60"))
        supervisor.put(make("web", sys.executable, "-c", WEB, str(port), startup=Probe("exec", argv=("false",))))
        with pytest.raises(RuntimeFailed, match="web ended 3 times"):
            supervisor.wait("web", 10)
        assert "Address already in use" in tail(folder, "web")[-1].text
        assert state(supervisor, "web").state == "crashing"
        assert supervisor.wait("fine", 5).restarts == 0


def test_shutdown_stops_higher_orders_first_and_leaves_nothing(
    supervisor: Supervisor, folder: Path, tmp_path: Path, make: MakeSpec
) -> None:
    note = tmp_path / "order"
    for name, order in (("store", 0), ("app-1", 1), ("app-2", 1), ("edge", 2)):
        program = f"trap 'echo {name} >> {note}; exit' TERM; echo up; while :; do sleep 0.01; done"
        supervisor.put(make(name, "sh", "-c", program, order=order))
        eventually(lambda name=name: tail(folder, name))  # type: ignore[misc]
    pid = supervisor.pid()
    supervisor.shutdown()
    names = note.read_text().split()
    assert (names[0], set(names[1:3]), names[3]) == ("edge", {"app-1", "app-2"}, "store")
    eventually(lambda: not runs(pid))
    assert carriers(folder) == []
    assert supervisor.states() == []
    assert not supervisor.running()
    supervisor.shutdown()


def test_shutdown_without_a_supervisor_stops_what_it_left(supervisor: Supervisor, folder: Path, make: MakeSpec) -> None:
    supervisor.put(make("part", "sleep", "60"))
    pid = pid_of(supervisor, "part")
    kill_supervisor(supervisor)
    supervisor.shutdown()
    assert not runs(pid)
    assert not supervisor.running()
    assert supervisor.states() == []


def test_a_removed_folder_ends_the_supervisor_and_its_parts(supervisor: Supervisor, folder: Path, make: MakeSpec) -> None:
    supervisor.put(make("part", "sleep", "60"))
    part, keeper = pid_of(supervisor, "part"), supervisor.pid()
    shutil.rmtree(folder)
    eventually(lambda: not runs(part) and not runs(keeper))


def test_two_starts_at_once_make_one_supervisor(folder: Path) -> None:
    many = [Supervisor(folder) for _ in range(4)]
    threads = [threading.Thread(target=one.start) for one in many]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    try:
        needle = f"{PROGRAM}\0{folder}".encode()
        # Those that found the folder taken have said so, and end a moment later.
        eventually(
            lambda: [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and needle in _cmdline(pid)] == [many[0].pid()]
        )
    finally:
        many[0].shutdown()


def test_states_start_and_write_nothing(folder: Path) -> None:
    assert Supervisor(folder).states() == []
    assert not folder.exists()


def test_a_folder_deeper_than_a_socket_address(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["a-rather-long-folder-name"] * 8, ".lokifi", "dev")
    one = Supervisor(deep)
    one.start()
    try:
        assert one.running()
        assert one.states() == []
    finally:
        one.shutdown()


def test_events_reach_subscribers_and_the_history(supervisor: Supervisor, folder: Path, make: MakeSpec) -> None:
    heard: list[str] = []
    stream = supervisor.subscribe()
    listening = threading.Thread(target=lambda: heard.extend(str(event["kind"]) for event in stream))
    listening.start()
    eventually(lambda: _subscribed(supervisor, make, heard))
    supervisor.shutdown()
    listening.join(10)
    assert "stopped" in heard
    history = (folder / "events.jsonl").read_text().splitlines()
    assert len(history) >= len(heard)
    assert all(line.startswith('{"time":') for line in history)


def test_an_event_is_one_line_whatever_it_holds(tmp_path: Path) -> None:
    assert append(tmp_path, make_event("kind", "part", "a\nb\r\x1b[31m\u202e\ud800" + "x" * 10_000))
    raw = (tmp_path / "events.jsonl").read_bytes()
    assert raw.count(b"\n") == 1
    assert not any(byte < 32 or byte > 126 for byte in raw[:-1])


def test_a_spec_that_cannot_be_is_refused_with_a_sentence(supervisor: Supervisor, make: MakeSpec) -> None:
    with pytest.raises(UsageError, match="is no name for a part"):
        make("../etc", "true")
    with pytest.raises(UsageError, match="there is no part 'ghost'"):
        supervisor.stop("ghost")


def test_sighup_and_a_closed_terminal_change_nothing(supervisor: Supervisor, make: MakeSpec) -> None:
    supervisor.put(make("part", "sleep", "60"))
    pid = supervisor.pid()
    assert os.getsid(pid) not in (os.getsid(0), pid), "neither in our session nor able to get a terminal"
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGPIPE):
        os.kill(pid, number)
    assert supervisor.pid() == pid
    assert {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in (1, 2)} == {str(supervisor.run / "supervisor.log")}


def test_files_are_private_under_umask_000(folder: Path) -> None:
    secret = "canary-8f2c"
    program = (
        "import os, sys; os.umask(0); from pathlib import Path;"
        "from lokifi.runtimes.local.supervisor.client import Supervisor;"
        "from lokifi.runtimes.local.supervisor.spec import PartSpec;"
        "f = Path(sys.argv[1]); s = Supervisor(f); s.start();"
        f"s.put(PartSpec('part', ('sleep', '60'), {{'PATH': '/usr/bin:/bin', 'SECRET': '{secret}'}}, Path('/'),"
        " f / 'logs/part.log')); s.wait('part', 5)"
    )
    root = Path(__file__).parents[4]
    subprocess.run([sys.executable, "-c", program, folder], check=True, env={**ENV, "PYTHONPATH": str(root)})
    supervisor = Supervisor(folder)
    try:
        assert stat.S_IMODE(supervisor.run.stat().st_mode) == 0o700
        for path in supervisor.run.iterdir():
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
            if path.suffix != ".spec" and not path.is_socket():
                assert secret not in path.read_text(errors="replace"), path
        assert secret not in (folder / "events.jsonl").read_text()
    finally:
        supervisor.shutdown()
    assert not list(supervisor.run.glob("*.spec*")), "the secrets go with the parts"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_part_drops_to_its_account_and_may_reopen_its_log(supervisor: Supervisor, folder: Path, make: MakeSpec) -> None:
    program = "id -u; id -G; echo again >> /dev/stdout; exec sleep 60"
    supervisor.put(make("part", "sh", "-c", program, uid=65534, gid=65534, nofile=77))
    eventually(lambda: len(tail(folder, "part")) == 3)
    assert [line.text for line in tail(folder, "part")] == ["65534", "65534", "again"]
    limits = Path(f"/proc/{pid_of(supervisor, 'part')}/limits").read_text()
    assert next(line.split()[3] for line in limits.splitlines() if line.startswith("Max open files")) == "77"


def test_a_signal_reaches_the_leader(supervisor: Supervisor, tmp_path: Path, make: MakeSpec) -> None:
    note = tmp_path / "note"
    program = f"trap 'echo 1 > {note}' USR1; echo $$ > {note}.pid; while :; do sleep 0.01; done"
    supervisor.put(make("part", "sh", "-c", program))
    number_in(Path(f"{note}.pid"))
    supervisor.signal("part", signal.SIGUSR1)
    assert number_in(note) == 1


def test_the_supervisor_imports_only_the_standard_library_and_kit(supervisor: Supervisor) -> None:
    pid = supervisor.pid()
    status = Path(f"/proc/{pid}/status").read_text()
    resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    assert resident < 25 * 1024
    assert "libssl" not in Path(f"/proc/{pid}/maps").read_text()


def _subscribed(supervisor: Supervisor, make: MakeSpec, heard: list[str]) -> bool:
    supervisor.put(make("part", "sleep", str(time.monotonic())))
    return "started" in heard


def _cmdline(pid: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
