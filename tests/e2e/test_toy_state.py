"""State files that lie, are damaged, foreign or from another boot."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import zlib
from dataclasses import replace
from pathlib import Path

import pytest

from lokifi.kit import proc
from lokifi.kit.proc import Identity
from lokifi.runtimes.local.supervisor.store import SLOT, Store
from tests.e2e.platform import Platform, lives, wait_for
from tests.e2e.toys import ONE, Toys


def kill_everything(platform: Platform) -> None:
    """As a machine that loses its power: no process of the platform is left, the files stay as they are."""
    supervisor = platform.supervisor.pid()
    platform.kill(supervisor)
    for pid in platform.processes():
        os.kill(pid, 9)
    platform.gone()


def forge(platform: Platform, leader: Identity) -> None:
    """Make the files say that the part `web` is `leader`, in that boot."""
    store = Store(platform.folder / "run")
    record, wish = store.record("web"), store.wish("web")
    assert record is not None and wish is not None
    store.save_wish(replace(wish, boot=leader.boot))
    for _ in range(2):
        record = replace(
            record, leader=leader, generation=record.generation + 1, state=replace(record.state, state="ready", pid=leader.pid)
        )
        store.save_record(record)


@pytest.fixture
def stranger():
    """A process that is none of ours and ends by any signal it may get."""
    process = subprocess.Popen(["sleep", "600"], cwd="/")
    yield process
    process.kill()
    process.wait()


@pytest.mark.parametrize("command", ["status", "up", "down", "restart"])
def test_a_stale_pid_that_is_a_strangers_is_never_signalled(toy: Toys, stranger: subprocess.Popen[bytes], command: str) -> None:
    """Row 7. The number is right, the start time is not: somebody else has the number since."""
    platform = toy.up(ONE)
    kill_everything(platform)
    forge(platform, Identity(stranger.pid, 1, proc.BOOT))
    platform.run(command, *(["web"] if command == "restart" else []))
    platform.run("down")
    assert stranger.poll() is None


def test_after_a_reboot_the_old_numbers_mean_nothing(toy: Toys, stranger: subprocess.Popen[bytes]) -> None:
    """Row 18. The number and the start time are those of a stranger in this boot, the files are of another one."""
    platform = toy.up(ONE)
    kill_everything(platform)
    real = proc.identify(stranger.pid)
    assert real is not None
    forge(platform, Identity(real.pid, real.ticks, "00000000-0000-4000-8000-000000000000"))
    assert platform.status()["web"]["pid"] != stranger.pid
    platform.run("up")
    assert platform.all_ready()
    platform.run("down")
    assert stranger.poll() is None


def _zero(raw: bytes) -> bytes:
    return b""


def _cut(raw: bytes) -> bytes:
    return raw[: len(raw) // 2]


def _flip(raw: bytes) -> bytes:
    """One bit, somewhere in what is not padding."""
    spot = len(raw.rstrip(b"\0")) * 2 // 3
    return raw[:spot] + bytes([raw[spot] ^ 0x04]) + raw[spot + 1 :]


DAMAGES = pytest.mark.parametrize("damage", [_zero, _cut, _flip], ids=["empty", "truncated", "flipped"])


@DAMAGES
def test_damage_to_every_state_file_is_nothing_to_a_running_supervisor(toy: Toys, damage) -> None:
    """Row 26. Both generations of everything at once: commands work, and the parts go on."""
    platform = toy.up(ONE)
    before = platform.pids()
    for path in state_files(platform):
        path.write_bytes(damage(path.read_bytes()))
    platform.run("status")
    platform.run("up")
    assert platform.all_ready() and platform.pids()["edge"] == before["edge"]
    assert sum("server.py" in words for words in platform.processes().values()) == 1


@DAMAGES
def test_the_previous_generation_steps_in_for_a_damaged_file(toy: Toys, damage) -> None:
    """Row 26. The newest generation of each file is damaged and the supervisor is dead: its successor adopts all the same."""
    platform = toy.up(ONE)
    platform.run("restart", "web")
    before = platform.pids()
    platform.kill(platform.supervisor.pid())
    for path in state_files(platform):
        raw = path.read_bytes()
        if path.suffix == ".record":
            first, second = raw[:SLOT], raw[SLOT : 2 * SLOT]
            newest = int(_generation(second) > _generation(first))
            path.write_bytes(first + damage(second) if newest else damage(first).ljust(SLOT, b"\0") + second)
        elif path.suffix != ".previous":
            path.write_bytes(damage(raw))
    platform.run("status")
    platform.run("up")
    assert platform.all_ready() and platform.pids()["edge"] == before["edge"]
    assert sum("server.py" in words for words in platform.processes().values()) == 1


def state_files(platform: Platform) -> list[Path]:
    """Everything in the run folder that is read back and has a checksum."""
    return [
        path
        for path in (platform.folder / "run").iterdir()
        if path.name.startswith("state") or path.suffix in (".spec", ".previous", ".record")
    ]


def _generation(slot: bytes) -> int:
    found = re.search(rb'"generation":([0-9]+)', slot)
    return int(found[1]) if found else -1


@pytest.mark.parametrize("name", ["state", "web.spec"])
def test_state_of_a_newer_lokifi_is_refused_with_a_way_out(toy: Toys, name: str) -> None:
    """Row 26. Nothing is guessed, nothing is overwritten, nothing is stopped."""
    platform = toy.up(ONE)
    before = platform.pids()
    path = platform.folder / "run" / name
    if name == "web.spec":
        platform.kill(platform.supervisor.pid())
    newer = _sealed_by_a_newer(path.read_bytes())
    old = path.read_bytes()
    path.write_bytes(newer)
    result = platform.run("up", code=4)
    assert "newer lokifi" in result.err
    assert path.read_bytes() == newer and all(lives(pid) for pid in before.values())
    path.write_bytes(old)
    platform.run("up")
    assert platform.pids() == before


def _sealed_by_a_newer(raw: bytes) -> bytes:
    """The same content under a schema that does not exist yet, with a right checksum."""
    body = raw.partition(b"\n")[2].rstrip(b"\n\0 ")
    return b"lokifi-run 99 %08x\n%s\n" % (zlib.crc32(b"99\n" + body), body)


def test_a_state_folder_that_is_a_link_is_refused(toy: Toys, tmp_path: Path) -> None:
    """Row 27. Nothing is written where the link leads."""
    platform = toy(ONE)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (platform.root / ".lokifi").symlink_to(elsewhere)
    for command in ("up", "status", "down"):
        assert "symbolic link" in platform.run(command, code=4).err
    assert list(elsewhere.iterdir()) == []
    (platform.root / ".lokifi").unlink()


def test_a_link_in_the_place_of_a_secret_or_a_log_is_not_followed(toy: Toys, tmp_path: Path) -> None:
    """Row 27, deeper: a file of somebody else is neither written nor given away."""
    platform = toy.up(ONE + "    secrets: [KEY]\nsecrets: {KEY: generated}\n")
    platform.run("down")
    victim = tmp_path / "victim"
    victim.write_text("precious")
    for path in (platform.folder / "logs" / "web.log", platform.folder / "secrets" / "KEY"):
        path.unlink(missing_ok=True)
        path.symlink_to(victim)
    platform.run("up", code=4)
    assert victim.read_text() == "precious"
    for path in (platform.folder / "logs" / "web.log", platform.folder / "secrets" / "KEY"):
        if path.is_symlink():
            path.unlink()
    platform.run("up")
    assert platform.all_ready() and victim.read_text() == "precious"


def test_too_wide_rights_are_taken_back(toy: Toys) -> None:
    """Row 27. 0777 on the folders is mended by the next `up`."""
    platform = toy.up(ONE)
    private = [platform.folder / name for name in ("logs", "run", "secrets")]
    for path in (platform.root / ".lokifi", platform.folder, *private):
        path.chmod(0o777)
    platform.run("up")
    for path in private:
        assert stat.S_IMODE(path.stat().st_mode) == 0o700, path
    for path in (platform.root / ".lokifi", platform.folder):
        assert stat.S_IMODE(path.stat().st_mode) & 0o022 == 0, path


def test_the_files_of_a_killed_platform_bring_it_back(toy: Toys) -> None:
    """Row 18. Power loss and back: `up` starts everything, once."""
    platform = toy.up()
    kill_everything(platform)
    platform.run("up")
    assert platform.all_ready()
    wait_for(lambda: sum("server.py" in words for words in platform.processes().values()) == 2)
