"""State files that are half-written, empty, flipped, older or newer: the previous generation, or a sentence."""

from __future__ import annotations

import json
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lokifi.kit import proc
from lokifi.kit.errors import Refused, UsageError
from lokifi.kit.proc import Identity
from lokifi.runtimes.local.supervisor.client import Supervisor
from lokifi.runtimes.local.supervisor.spec import (
    PartSpec,
    PartState,
    Probe,
    probe_from_json,
    spec_from_json,
    state_from_json,
    to_json,
)
from lokifi.runtimes.local.supervisor.store import SLOT, Record, Store, Wish
from tests.runtimes.local.supervisor.aids import MakeSpec, kill_supervisor

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)
PROBES = st.builds(
    Probe,
    kind=st.sampled_from(["http", "tcp"]),
    port=st.integers(1, 65535),
    send=st.binary(max_size=20),
    expect=st.binary(max_size=20),
    period=st.floats(0.01, 60),
)
SPECS = st.builds(
    PartSpec,
    name=st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}", fullmatch=True),
    argv=st.lists(TEXT, min_size=1, max_size=4).map(tuple),
    env=st.dictionaries(TEXT.filter(lambda name: name and "=" not in name), TEXT, max_size=4),
    cwd=TEXT.map(lambda name: Path("/", name)),
    log=TEXT.map(lambda name: Path("/", name)),
    startup=st.none() | PROBES,
    live=st.none() | PROBES,
    order=st.integers(-5, 5),
    nofile=st.none() | st.integers(1, 10_000),
)


@given(SPECS)
def test_a_spec_survives_json(spec: PartSpec) -> None:
    assert spec_from_json(json.loads(json.dumps(to_json(spec)))) == spec


def test_a_state_survives_json() -> None:
    state = PartState("part", "crashing", 12, 3, 1.5, "d", True, "exit 1", 2.5, 0.1)
    assert state_from_json(json.loads(json.dumps(to_json(state)))) == state


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"colour": "red"}, "the key 'colour' is unknown"),
        ({"argv": "sleep 60"}, "argv has the wrong type, str"),
        ({"argv": [1]}, "argv is a list of texts"),
        ({"env": {"A": 1}}, "env holds a value that is no text"),
        ({"order": True}, "order has the wrong type, bool"),
        ({"name": "../x"}, "is no name for a part"),
        ({"stop_signal": "NOPE"}, "there is no signal 'NOPE'"),
        ({"uid": 1}, "uid and gid come together"),
        ({"env": {"A": "b\0c"}}, "holds a NUL"),
        ({"ready": {"kind": "ftp"}}, "a probe of kind 'ftp' does not exist"),
        ({"ready": {"kind": "http"}}, "a port between 1 and 65535"),
        ({"ready": {"kind": "http", "port": 1, "path": "/a\r\nX: y"}}, "the path of a probe"),
        ({"ready": {"kind": "tcp", "port": 1, "host": "example.com"}}, "is an address"),
        ({"ready": {"kind": "exec"}}, "needs a program"),
        ({"ready": {"kind": "tcp", "port": 1, "period": 0}}, "above 0"),
    ],
)
def test_a_wrong_spec_is_one_sentence(make: MakeSpec, change: dict[str, object], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        spec_from_json({**to_json(make("part", "true")), **change})
    with pytest.raises(UsageError):
        probe_from_json([])


@pytest.fixture
def store(tmp_path: Path, make: MakeSpec) -> Store:
    """Two generations of one part: order 1, then order 2."""
    made = Store(tmp_path)
    for order in (1, 2):
        made.save_wish(Wish(make("part", "true", order=order), True, "boot"))
    return made


def test_the_newest_generation_counts(store: Store) -> None:
    wish = store.wish("part")
    assert wish is not None
    assert (wish.spec.order, wish.wanted, wish.boot) == (2, True, "boot")


def test_every_truncation_falls_back_to_the_previous_generation(store: Store) -> None:
    path = store.run / "part.spec"
    whole = path.read_bytes()
    for length in range(len(whole) - 1):
        path.write_bytes(whole[:length])
        wish = store.wish("part")
        assert wish is not None
        assert wish.spec.order == 1, length


@settings(max_examples=2000, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(where=st.integers(0), flip=st.integers(1, 255))
def test_every_flipped_byte_is_noticed(store: Store, where: int, flip: int) -> None:
    path, previous = store.run / "part.spec", store.run / "part.spec.previous"
    whole = previous.read_bytes()
    newest = whole.replace(b'"order":1', b'"order":2')
    raw = bytearray(_sealed(newest.split(b"\n")[1]))
    raw[where % (len(raw) - 1)] ^= flip
    path.write_bytes(raw)
    wish = store.wish("part")
    assert wish is not None
    assert wish.spec.order in (1, 2)
    if wish.spec.order == 2:
        assert wish.spec == replace(_previous(store).spec, order=2), "read as new only when nothing it says changed"


def test_a_damaged_current_generation_is_never_kept_as_the_previous(store: Store, make: MakeSpec) -> None:
    (store.run / "part.spec").write_bytes(b"")
    store.save_wish(Wish(make("part", "true", order=3), True, "boot"))
    (store.run / "part.spec").write_bytes(b"half")
    wish = store.wish("part")
    assert wish is not None
    assert wish.spec.order == 1


def test_both_generations_damaged_is_no_wish(store: Store) -> None:
    for path in store.run.glob("part.spec*"):
        path.write_bytes(b"\0" * 100)
    assert store.wish("part") is None


def test_a_newer_schema_is_refused_with_a_sentence(store: Store) -> None:
    (store.run / "part.spec").write_bytes(_sealed(b'{"everything":"else"}', schema=7))
    with pytest.raises(Refused, match=r"written by a newer lokifi \(schema 7, this one reads up to 1\)"):
        store.wish("part")


def test_an_older_schema_falls_back(store: Store) -> None:
    (store.run / "part.spec").write_bytes(_sealed(b'{"old":true}', schema=0))
    wish = store.wish("part")
    assert wish is not None
    assert wish.spec.order == 1


def test_a_torn_record_falls_back_to_the_slot_before(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for generation in (1, 2, 3):
        state = PartState("part", "ready", generation)
        store.save_record(Record(state, Identity(generation, 5, proc.BOOT), 0, generation))
    path = tmp_path / "part.record"
    assert path.stat().st_size == 2 * SLOT
    newest = store.record("part")
    assert newest is not None
    assert newest.state.pid == 3
    raw = bytearray(path.read_bytes())
    raw[SLOT + 40] ^= 1
    path.write_bytes(raw)
    before = store.record("part")
    assert before is not None
    assert before.leader == Identity(2, 5, proc.BOOT)
    path.write_bytes(b"")
    assert store.record("part") is None


def test_a_running_part_whose_files_are_lost_keeps_running_until_it_is_put_again(
    supervisor: Supervisor, make: MakeSpec
) -> None:
    spec = make("part", "sleep", "60", digest="d")
    supervisor.put(spec)
    before = supervisor.wait("part", 5)
    supervisor.put(make("other", "sleep", "60"))
    kill_supervisor(supervisor)
    for path in (*supervisor.run.glob("part.spec*"), *supervisor.run.glob("other.spec*")):
        path.write_bytes(b"")
    assert [one.pid for one in supervisor.states() if one.name == "part"] == [before.pid]
    supervisor.start()
    supervisor.put(spec)
    assert supervisor.wait("part", 5).pid == before.pid


def test_a_newer_file_makes_the_start_fail_with_that_sentence(supervisor: Supervisor, make: MakeSpec) -> None:
    supervisor.put(make("part", "sleep", "60"))
    path = supervisor.run / "part.spec"
    present = path.read_bytes()
    kill_supervisor(supervisor)
    path.write_bytes(_sealed(b"{}", schema=2))
    try:
        for operation in (supervisor.start, supervisor.states):
            with pytest.raises(Refused, match="written by a newer lokifi"):
                operation()
    finally:
        path.write_bytes(present)
        supervisor.start()


def _sealed(body: bytes, schema: int = 1) -> bytes:
    return b"lokifi-run %d %08x\n%s\n" % (schema, zlib.crc32(b"%d\n" % schema + body), body)


def _previous(store: Store) -> Wish:
    current = store.run / "part.spec"
    kept = current.read_bytes()
    current.unlink()
    found = store.wish("part")
    current.write_bytes(kept)
    assert found is not None
    return found
