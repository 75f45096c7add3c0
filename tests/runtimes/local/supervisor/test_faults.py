"""What happens when parts misbehave: one test per fault, with the time it may take."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from lokifi.kit import proc
from lokifi.runtimes.local.supervisor.client import Supervisor
from lokifi.runtimes.local.supervisor.spec import Probe
from lokifi.runtimes.local.supervisor.store import Record, Store
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


def test_a_killed_part_comes_back_and_its_neighbours_are_untouched(supervisor: Supervisor, make: MakeSpec) -> None:
    supervisor.put(make("part", "sleep", "60"))
    supervisor.put(make("neighbour", "sleep", "60"))
    first, neighbour = pid_of(supervisor, "part"), pid_of(supervisor, "neighbour")
    os.kill(first, signal.SIGKILL)
    eventually(lambda: pid_of(supervisor, "part") != first, 2)
    assert state(supervisor, "part").last_exit == "SIGKILL"
    assert supervisor.wait("part", 5).restarts == 1
    assert pid_of(supervisor, "neighbour") == neighbour


def test_workers_of_a_killed_leader_die_before_it_comes_back(supervisor: Supervisor, tmp_path: Path, make: MakeSpec) -> None:
    port, note = free_port(), tmp_path / "worker"
    # The worker holds the port, in a session of its own and with its environment overwritten by nothing
    # but a clean one: neither group nor mark lead to it, only descent.
    worker = f"import os; os.setsid(); open({str(note)!r}, 'w').write(str(os.getpid()))\n{WEB}"
    leader = (
        "import subprocess, sys, time\n"
        f"subprocess.Popen([sys.executable, '-c', {worker!r}, '{port}'], env={{}})\n"
        "time.sleep(60)"
    )
    supervisor.put(make("part", sys.executable, "-c", leader, startup=Probe("tcp", port=port)))
    supervisor.wait("part", 10)
    first_worker, first = number_in(note), pid_of(supervisor, "part")
    note.unlink()
    os.kill(first, signal.SIGKILL)
    assert number_in(note) != first_worker, "the new worker could bind the port"
    assert not runs(first_worker)
    eventually(lambda: state(supervisor, "part").state == "ready")
    assert state(supervisor, "part").restarts == 1


def test_a_crash_loop_backs_off_shows_and_goes_on(supervisor: Supervisor, tmp_path: Path, make: MakeSpec) -> None:
    note = tmp_path / "starts"
    supervisor.put(make("part", "sh", "-c", f"date +%s.%N >> {note}; exit 1"))
    eventually(lambda: state(supervisor, "part").state == "crashing")
    before = _cpu(supervisor.pid())
    begin = time.monotonic()
    eventually(lambda: len(note.read_text().split()) >= 6, 20)
    busy = (_cpu(supervisor.pid()) - before) / (time.monotonic() - begin)
    times = [float(word) for word in note.read_text().split()]
    pauses = [after - earlier for earlier, after in pairwise(times)]
    for number, pause in enumerate(pauses[:5]):
        assert pause >= 0.1 * 2**number * 0.95
    assert busy < 0.05 + 0.2, "includes this test's own questions"
    now = state(supervisor, "part")
    assert (now.state, now.last_exit) == ("crashing", "exit 1")
    assert now.next_try_in is None or 0 <= now.next_try_in <= 60


def test_a_part_that_ignores_its_signal_is_killed_after_its_grace(
    supervisor: Supervisor, folder: Path, tmp_path: Path, make: MakeSpec
) -> None:
    note = tmp_path / "up"
    program = f"trap '' TERM; sleep 60 & echo 1 > {note}; while :; do wait; done"
    supervisor.put(make("part", "sh", "-c", program, grace=0.5))
    number_in(note)
    begin = time.monotonic()
    supervisor.stop("part")
    assert 0.5 <= time.monotonic() - begin < 0.5 + 1.0
    assert carriers(folder) == []
    assert state(supervisor, "part").last_exit == "SIGKILL"


@pytest.mark.parametrize("kill_the_supervisor", [False, True])
def test_double_forked_grandchildren_are_gone_after_shutdown(
    supervisor: Supervisor, folder: Path, tmp_path: Path, make: MakeSpec, kill_the_supervisor: bool
) -> None:
    note = tmp_path / "grandchild"
    program = f"(setsid sh -c 'trap \"\" TERM HUP; echo $$ > {note}; while :; do sleep 1; done' &) ; exec sleep 60"
    supervisor.put(make("part", "sh", "-c", program))
    grandchild = number_in(note)
    if kill_the_supervisor:
        kill_supervisor(supervisor)
        supervisor.start()
    supervisor.shutdown()
    assert not runs(grandchild)
    assert carriers(folder) == []


def test_ten_thousand_short_orphans_are_collected(supervisor: Supervisor, make: MakeSpec) -> None:
    storm = (
        "import os\n"
        "for _ in range(100):\n"
        "    if os.fork() == 0:\n"
        "        for _ in range(100):\n"
        "            if os.fork() == 0: os._exit(0)\n"
        "        os._exit(0)\n"
        "import time; time.sleep(60)"
    )
    supervisor.put(make("storm", sys.executable, "-c", storm))
    supervisor.put(make("calm", "sleep", "60"))
    first = pid_of(supervisor, "storm")
    eventually(lambda: _zombies_of(supervisor.pid()) == 0 and _children_of(first) >= 100, 30)
    os.kill(first, signal.SIGKILL)
    eventually(lambda: pid_of(supervisor, "storm") != first, 10)
    eventually(lambda: _zombies_of(supervisor.pid()) == 0, 30)
    assert state(supervisor, "calm").restarts == 0


def test_a_hung_part_is_killed_and_restarted(supervisor: Supervisor, make: MakeSpec) -> None:
    port, period = free_port(), 0.2
    live = Probe("http", port=port, period=period, timeout=period)
    supervisor.put(make("web", sys.executable, "-c", WEB, str(port), startup=live, live=live))
    supervisor.wait("web", 10)
    first = pid_of(supervisor, "web")
    # Only a part that has answered its live probe counts as hung rather than as never started.
    eventually(lambda: _probed_since(supervisor, period * 2))
    begin = time.monotonic()
    os.kill(first, signal.SIGSTOP)
    eventually(lambda: pid_of(supervisor, "web") != first)
    assert time.monotonic() - begin < 3 * period + period + 1.0
    assert state(supervisor, "web").last_exit == "hung: live probe failed 3x"
    assert not runs(first)
    supervisor.wait("web", 10)


def test_a_stopped_process_still_stops(supervisor: Supervisor, make: MakeSpec) -> None:
    supervisor.put(make("part", "sleep", "60"))
    os.kill(pid_of(supervisor, "part"), signal.SIGSTOP)
    begin = time.monotonic()
    supervisor.stop("part")
    assert time.monotonic() - begin < 5
    assert state(supervisor, "part").last_exit == "SIGTERM"


def test_a_stranger_with_the_number_on_record_is_never_signalled(supervisor: Supervisor, folder: Path, make: MakeSpec) -> None:
    supervisor.put(make("part", "sleep", "60"))
    pid = pid_of(supervisor, "part")
    kill_supervisor(supervisor)
    stranger = subprocess.Popen(["sleep", "60"], env=ENV, start_new_session=True)
    try:
        store = Store(folder / "run")
        record = store.record("part")
        assert record is not None
        assert record.leader is not None
        fake = replace(record.leader, pid=stranger.pid)
        store.save_record(Record(record.state, fake, 0, record.generation + 1))
        assert state(supervisor, "part").state == "stopped"
        supervisor.start()
        eventually(lambda: state(supervisor, "part").pid not in (None, pid, stranger.pid))
        assert not runs(pid), "the unrecorded process would have been a second one"
        supervisor.shutdown()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_with_few_descriptors_it_keeps_going_and_sheds_the_logs(folder: Path, make: MakeSpec) -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    supervisor = Supervisor(folder)
    resource.setrlimit(resource.RLIMIT_NOFILE, (24, limits[1]))
    try:
        supervisor.start()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    try:
        for number in range(20):
            supervisor.put(make(f"part-{number}", "sleep", "60"))
        eventually(lambda: '"kind":"shed"' in (folder / "events.jsonl").read_text(), 15)
        victim = pid_of(supervisor, "part-7")
        os.kill(victim, signal.SIGKILL)
        eventually(lambda: state(supervisor, "part-7").pid not in (None, victim))
        assert sum(one.restarts for one in supervisor.states()) == 1
    finally:
        supervisor.shutdown()
    assert carriers(folder) == []


def test_another_boot_on_file_is_a_stopped_part_that_waits_to_be_put_again(
    supervisor: Supervisor, folder: Path, make: MakeSpec
) -> None:
    spec = make("part", "sleep", "60")
    supervisor.put(spec)
    first = pid_of(supervisor, "part")
    kill_supervisor(supervisor)
    os.kill(first, signal.SIGKILL)
    store = Store(folder / "run")
    wish, record = store.wish("part"), store.record("part")
    assert wish is not None
    assert record is not None
    assert record.leader is not None
    bystander = proc.identify(os.getpid())
    assert bystander is not None
    store.save_wish(replace(wish, boot="another"))
    old = replace(bystander, boot="another")
    store.save_record(Record(record.state, old, 0, record.generation + 1))
    assert state(supervisor, "part").state == "stopped"
    supervisor.start()
    assert state(supervisor, "part").state == "stopped"
    supervisor.put(spec)
    assert supervisor.wait("part", 5).state == "ready"


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _zombies_of(pid: int) -> int:
    looks = (proc.TABLE.stat(one) for one in proc.TABLE.pids())
    return sum(1 for one in looks if one is not None and one.parent == pid and one.state == "Z")


def _children_of(pid: int) -> int:
    looks = (proc.TABLE.stat(one) for one in proc.TABLE.pids())
    return sum(1 for one in looks if one is not None and one.parent == pid)


def _probed_since(supervisor: Supervisor, seconds: float) -> bool:
    return time.time() - state(supervisor, "web").since > seconds


def test_what_a_settled_part_forked_away_just_before_its_end_is_killed(
    supervisor: Supervisor, tmp_path: Path, make: MakeSpec
) -> None:
    note, go = tmp_path / "stray", tmp_path / "go"
    program = f"until [ -e {go} ]; do sleep 0.05; done; rm {go};setsid sh -c 'echo $$ > {note}; exec sleep 60' & exec sleep 60"
    supervisor.put(make("part", "sh", "-c", program))
    first = pid_of(supervisor, "part")
    # The looks at the families come every five seconds; one of them has to find this part alone.
    eventually(lambda: time.time() - (state(supervisor, "part").started_at or 0) > 11, 15)
    go.touch()
    stray = number_in(note)
    os.kill(first, signal.SIGKILL)
    eventually(lambda: pid_of(supervisor, "part") != first, 2)
    eventually(lambda: not runs(stray), 5)
    assert supervisor.wait("part", 5).restarts == 1
