"""A clock that jumps under the supervisor, by libfaketime."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from lokifi.runtimes.local.supervisor.client import FLAGS, PROGRAM
from tests.e2e.platform import Platform, wait_for
from tests.e2e.toys import ONE, Toys
from tests.e2e.traffic import get

JUMPS = ["+1h", "-1h", "+1d", "-1d", "@1970-01-02 00:00:00", "@2040-01-01 00:00:00", "+0"]
SEVERAL_PROBES = 0.7


@pytest.fixture(scope="session")
def faketime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library: the machine's, else the distribution's package, unpacked into a temporary folder."""
    here = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    if not here:
        folder = tmp_path_factory.mktemp("faketime")
        folder.chmod(0o777)
        subprocess.run(["apt-get", "download", "-qq", "libfaketime"], cwd=folder, check=True, capture_output=True, timeout=120)
        (package,) = folder.glob("libfaketime_*.deb")
        subprocess.run(["dpkg", "-x", package, folder / "tree"], check=True)
        here = sorted(folder.glob("tree/usr/lib/*/faketime/libfaketime.so.1"))
    return here[0]


def test_a_jump_of_the_clock_restarts_nothing_and_heals_all_the_same(toy: Toys, faketime: Path) -> None:
    """Row 17. An hour and a day ahead and back, to 1970, to 2040 and home: no part is restarted by a jump, and one that is
    killed after it is back at once."""
    platform = toy.up(ONE)
    clock = platform.root / "clock"
    clock.write_text("+0")
    pretend = {
        "LC_ALL": "C.UTF-8",
        "LD_PRELOAD": str(faketime),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }
    platform.kill(platform.supervisor.pid())
    run = platform.folder / "run"
    with (run / "supervisor.log").open("ab") as log:
        words = [sys.executable, *FLAGS, PROGRAM, platform.folder]
        subprocess.run(words, cwd=run, env=pretend, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=True, timeout=20)
    assert b"libfaketime" in Path(f"/proc/{platform.supervisor.pid()}/maps").read_bytes()
    edge = platform.pids()["edge"]
    for jump in JUMPS:
        # Told to restart, it counts no quick ends any more: killed so often it would else count as crashing.
        platform.supervisor.restart("web")
        wait_for(platform.all_ready)
        before = _restarts(platform)
        clock.write_text(jump)
        pause = time.monotonic() + SEVERAL_PROBES
        wait_for(lambda until=pause: get(platform.door)[0] == 200 and time.monotonic() > until, 10, "the part answers")
        assert platform.all_ready() and _restarts(platform) == before, jump
        platform.kill(platform.pids()["web"])
        wait_for(lambda wanted=before + 1: _restarts(platform) == wanted and platform.all_ready(), 3, f"healed after {jump}")
        # In true time, which is another than the supervisor's. (Under libfaketime Python's own sleep fails with EINVAL.)
        platform.run("status")
        platform.run("logs", "--since", "1h")
        assert platform.pids()["edge"] == edge, jump
    times = [line for line in (run / "supervisor.log").read_text().splitlines() if " started web " in line]
    assert any(line.startswith("1970") for line in times) and any(line.startswith("2040") for line in times)


def _restarts(platform: Platform) -> int:
    return next(state.restarts for state in platform.supervisor.states() if state.name == "web")
