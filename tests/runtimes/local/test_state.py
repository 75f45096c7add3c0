"""The memory of an environment: one whole generation or the one before, never something in between."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest

from lokifi.kit.errors import Refused
from lokifi.runtimes.local.state import Memory, State
from lokifi.runtimes.local.supervisor import store

FIRST = State(ports={"edge.http": 8080}, done={"build-web": "0" * 16})
SECOND = replace(FIRST, scale={"api": 3}, configs={"edge": "1" * 16}, outputs={"install-api": "/srv/x"})


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    memory = Memory(tmp_path)
    memory.write(FIRST)
    memory.write(SECOND)
    return memory


def test_nothing_is_an_empty_memory(tmp_path: Path) -> None:
    assert Memory(tmp_path).read() == Memory(tmp_path / "missing").read() == State()


def test_what_was_written_is_read(memory: Memory, tmp_path: Path) -> None:
    assert memory.read() == SECOND
    assert {path.name: path.stat().st_mode & 0o7777 for path in tmp_path.iterdir()} == {
        "state": 0o600,
        "state.previous": 0o600,
    }


@pytest.mark.parametrize("length", [0, 1, 10, 30, -1, -3])
def test_a_file_cut_short_gives_the_generation_before(memory: Memory, tmp_path: Path, length: int) -> None:
    raw = (tmp_path / "state").read_bytes().rstrip(b"\n")
    (tmp_path / "state").write_bytes(raw[:length])
    assert memory.read() == FIRST


def test_no_flipped_bit_is_believed(memory: Memory, tmp_path: Path) -> None:
    raw = (tmp_path / "state").read_bytes()
    for bit in range(len(raw) * 8):
        (tmp_path / "state").write_bytes(_flipped(raw, [bit]))
        assert memory.read() in (FIRST, SECOND), f"bit {bit}"


def test_no_random_damage_is_believed(memory: Memory, tmp_path: Path) -> None:
    raw, dice = (tmp_path / "state").read_bytes(), random.Random(7)
    for _ in range(600):
        match dice.randrange(4):
            case 0:
                damaged = _flipped(raw, dice.sample(range(len(raw) * 8), dice.randint(2, 20)))
            case 1:
                damaged = raw[: dice.randrange(len(raw))]
            case 2:
                at = dice.randrange(len(raw))
                damaged = raw[:at] + bytes(dice.randrange(1, 50)) + raw[at:]
            case _:
                damaged = dice.randbytes(dice.randrange(200))
        (tmp_path / "state").write_bytes(damaged)
        assert memory.read() in (FIRST, SECOND)


def test_both_damaged_is_an_empty_memory_that_can_be_written(memory: Memory, tmp_path: Path) -> None:
    for path in tmp_path.iterdir():
        path.write_bytes(b"damaged")
    assert memory.read() == State()
    memory.write(SECOND)
    assert memory.read() == SECOND


def test_damage_never_pushes_out_the_last_good_generation(memory: Memory, tmp_path: Path) -> None:
    (tmp_path / "state").write_bytes(b"damaged")
    memory.note("scale", "api", 4)
    (tmp_path / "state").write_bytes(b"damaged again")
    assert memory.read() == FIRST


def test_a_newer_lokifis_memory_is_refused_and_kept(memory: Memory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "SCHEMA", store.SCHEMA + 1)
    memory.write(replace(SECOND, scale={"api": 9}))
    newer = (tmp_path / "state").read_bytes()
    monkeypatch.undo()
    for change in (memory.read, lambda: memory.write(FIRST), lambda: memory.note("scale", "api", 1)):
        with pytest.raises(Refused) as caught:
            change()
        assert caught.value.sentence == "was written by a newer lokifi (schema 2, this one reads up to 1)"
        assert caught.value.place == str(tmp_path / "state")
    assert (tmp_path / "state").read_bytes() == newer


@pytest.mark.parametrize("body", [{"ports": []}, {"ports": {"a": "x"}}, {"done": {"a": 1}}, {"scale": None}])
def test_an_older_or_strange_content_is_not_half_believed(memory: Memory, tmp_path: Path, body: dict[str, object]) -> None:
    (tmp_path / "state").write_bytes(store.seal(body))
    assert memory.read() == FIRST


def test_sections_that_an_older_one_did_not_write_are_empty(tmp_path: Path) -> None:
    (tmp_path / "state").write_bytes(store.seal({"ports": {"a": 1}}))
    assert Memory(tmp_path).read() == State(ports={"a": 1})


def test_notes_of_many_threads_are_all_kept(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    threads = [Thread(target=memory.note, args=("done", f"job-{number}", "x")) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert memory.read().done == {f"job-{number}": "x" for number in range(16)}
    memory.note("done", "job-0", None)
    memory.note("done", "unknown", None)
    assert len(memory.read().done) == 15


def test_what_cannot_be_written_leaves_the_old_one(memory: Memory, tmp_path: Path) -> None:
    with pytest.raises(Refused):
        Memory(tmp_path / "missing").write(FIRST)
    assert memory.read() == SECOND


def _flipped(raw: bytes, bits: list[int]) -> bytes:
    changed = bytearray(raw)
    for bit in bits:
        changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)
