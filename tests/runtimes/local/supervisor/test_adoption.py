"""SIGKILL of the supervisor at any moment: the parts go on, the next one adopts them, nothing runs twice."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from lokifi.kit.errors import LokifiError
from lokifi.runtimes.local.supervisor.client import FLAGS, PROGRAM, Supervisor
from lokifi.runtimes.local.supervisor.logs import tail
from tests.runtimes.local.supervisor.aids import MakeSpec, carriers, eventually, kill_supervisor, pid_of, runs, state

KILLS = int(os.environ.get("LOKIFI_TEST_KILLS", "60"))
PARTS = 4


def test_adopted_parts_keep_their_process_and_stop_with_the_rest(supervisor: Supervisor, folder: Path, make: MakeSpec) -> None:
    for number in range(3):
        supervisor.put(make(f"part-{number}", "sleep", "60"))
        supervisor.wait(f"part-{number}", 5)
    before = {one.name: one.pid for one in supervisor.states()}
    kill_supervisor(supervisor)
    assert {one.name: one.pid for one in supervisor.states()} == before
    begin = time.monotonic()
    supervisor.start()
    assert time.monotonic() - begin < 1
    after = supervisor.states()
    assert {one.name: one.pid for one in after} == before
    assert all(one.adopted and one.state == "ready" for one in after)
    supervisor.shutdown()
    assert carriers(folder) == []


def test_an_adopted_part_that_dies_comes_back_as_a_child(supervisor: Supervisor, make: MakeSpec) -> None:
    supervisor.put(make("part", "sleep", "60"))
    first = pid_of(supervisor, "part")
    kill_supervisor(supervisor)
    supervisor.start()
    os.kill(first, signal.SIGKILL)
    eventually(lambda: state(supervisor, "part").pid not in (None, first))
    assert not state(supervisor, "part").adopted


def test_supervisor_and_a_part_killed_at_once(supervisor: Supervisor, make: MakeSpec) -> None:
    for name in ("lives", "dies"):
        supervisor.put(make(name, "sleep", "60"))
    lives, dies = pid_of(supervisor, "lives"), pid_of(supervisor, "dies")
    pid = supervisor.pid()
    os.kill(pid, signal.SIGKILL)
    os.kill(dies, signal.SIGKILL)
    eventually(lambda: not runs(pid) and not runs(dies))
    begin = time.monotonic()
    supervisor.start()
    assert supervisor.wait("dies", 5).pid != dies
    assert time.monotonic() - begin < 2
    assert state(supervisor, "lives").pid == lives


def test_a_changed_wish_that_was_not_carried_out_is_carried_out(supervisor: Supervisor, folder: Path, make: MakeSpec) -> None:
    stubborn = "trap '' TERM; echo up; while :; do sleep 0.05; done"
    supervisor.put(make("part", "sh", "-c", stubborn, digest="old", grace=30.0))
    first = pid_of(supervisor, "part")
    eventually(lambda: [line.text for line in tail(folder, "part")] == ["up"])
    putting = threading.Thread(target=_endure, args=(supervisor, make("part", "sleep", "60", digest="new", grace=0.5)))
    putting.start()
    eventually(lambda: state(supervisor, "part").state == "stopping")
    kill_supervisor(supervisor)
    putting.join()
    assert runs(first)
    supervisor.start()
    eventually(lambda: state(supervisor, "part").digest == "new", 15)
    assert not runs(first)
    assert len(carriers(folder, "part")) == 1


def test_a_part_of_which_only_the_name_is_left_is_ended(supervisor: Supervisor, folder: Path, make: MakeSpec) -> None:
    supervisor.put(make("marked", "sleep", "600"))
    # Like nginx and PostgreSQL, which overwrite their environment: only its log tells whose it is.
    supervisor.put(make("bare", "env", "-i", "sleep", "600"))
    pids = [pid_of(supervisor, name) for name in ("marked", "bare")]
    eventually(lambda: carriers(folder, "bare") == [])
    kill_supervisor(supervisor)
    for file in (folder / "run").iterdir():
        if file.suffix in (".spec", ".previous", ".record"):
            file.write_bytes(b"")
    supervisor.shutdown()
    assert [pid for pid in pids if runs(pid)] == []


def test_kills_at_random_moments_never_make_two_of_anything(supervisor: Supervisor, folder: Path, make: MakeSpec) -> None:
    seed = int(os.environ.get("LOKIFI_TEST_SEED", str(random.randrange(10**6))))
    rng = random.Random(seed)
    deadline = time.monotonic() + KILLS
    specs = [make(f"part-{n}", "sh", "-c", "exec sleep 600", grace=2.0) for n in range(PARTS)]
    for spec in specs:
        supervisor.put(spec)
    done = 0
    while done < KILLS and time.monotonic() < deadline:
        pid = supervisor.pid()
        work = threading.Thread(target=_endure_some, args=(supervisor, specs, make, rng.random()))
        work.start()
        time.sleep(rng.random() * 0.06)
        os.kill(pid, signal.SIGKILL)
        if rng.random() < 0.3:
            victim = rng.choice(supervisor.states()).pid
            if victim:
                os.kill(victim, signal.SIGKILL) if runs(victim) else None
        work.join()
        eventually(lambda pid=pid: not runs(pid))  # type: ignore[misc]
        supervisor.start()
        for spec in specs:
            supervisor.put(spec)
        for spec in specs:
            found = supervisor.wait(spec.name, 10).pid
            # A child that has been let go but has not become the program yet carries no mark.
            _only(folder, spec.name, found, f"seed {seed}, kill {done}")
        done += 1
    assert done >= min(KILLS, 20), f"only {done} kills in the time"
    supervisor.shutdown()
    assert carriers(folder) == []


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace to kill inside a system call")
@pytest.mark.parametrize("call", ["rename", "link", "fsync", "pwrite64", "write", "unlink"])
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_killed_inside_a_system_call_the_state_is_consistent(folder: Path, make: MakeSpec, call: str, nth: int) -> None:
    supervisor = Supervisor(folder)
    supervisor.start()
    spec = make("part", "sleep", "600")
    supervisor.put(spec)
    supervisor.put(make("part", "sleep", "600", order=1))
    kill_supervisor(supervisor)
    inject = f"inject={call}:signal=SIGKILL:when={nth}"
    tracer = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", inject]
    program = [sys.executable, *FLAGS, str(PROGRAM), str(folder)]
    process = subprocess.Popen([*tracer, *program], cwd=folder / "run", env={"LC_ALL": "C.UTF-8"}, stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: process.poll() is not None or supervisor.running())
        changed = make("part", "sleep", "601")
        _endure(supervisor, changed)
        _endure(supervisor, make("other", "sleep", "602"))
        supervisor.states()
        supervisor.start()
        supervisor.put(changed)
        only = [supervisor.wait("part", 10).pid]
        eventually(lambda: carriers(folder, "part") == only)
        assert len(carriers(folder, "other")) <= 1
    finally:
        supervisor.shutdown()
        if process.poll() is None:
            process.kill()
        process.wait()
    assert carriers(folder) == []


def _only(folder: Path, name: str, pid: int | None, what: str) -> None:
    eventually(lambda: carriers(folder, name), 10, what)
    assert carriers(folder, name) == [pid], what


def _endure(supervisor: Supervisor, spec: object) -> None:
    try:
        supervisor.put(spec)  # type: ignore[arg-type]
    except LokifiError:
        return


def _endure_some(supervisor: Supervisor, specs: list[object], make: MakeSpec, luck: float) -> None:
    name = specs[int(luck * len(specs))].name  # type: ignore[attr-defined]
    try:
        if luck < 0.4:
            supervisor.restart(name)
        elif luck < 0.7:
            supervisor.put(make(name, "sh", "-c", f"exec sleep 60{int(luck * 1000)}", grace=2.0))
        else:
            supervisor.stop(name)
    except LokifiError:
        return
