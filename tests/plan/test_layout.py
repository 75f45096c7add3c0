"""Ports are dealt once and stay."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lokifi.kit.errors import UsageError
from lokifi.plan.layout import LAST_PORT, allocate

NAMES = st.lists(st.sampled_from([f"part-{n}.http" for n in range(12)]), unique=True, max_size=10).map(
    lambda names: ["edge.http", *names]
)
BASES = st.integers(1024, 60_000)


@given(NAMES, BASES)
def test_from_nothing_they_count_up_from_the_base(names: list[str], base: int) -> None:
    assert allocate(names, base, {}) == {name: base + number for number, name in enumerate(names)}


@given(NAMES, NAMES, NAMES, BASES)
def test_nobody_moves_and_nobody_shares(first: list[str], second: list[str], third: list[str], base: int) -> None:
    previous: dict[str, int] = {}
    for names in (first, second, third):
        ports = allocate(names, base, previous)
        assert list(ports) == names
        assert ports["edge.http"] == base
        assert len(set(ports.values())) == len(ports)
        assert all(ports[name] == previous[name] for name in names if name in previous)
        new = {port for name, port in ports.items() if name not in previous}
        assert not new & set(previous.values()), "a new part takes the port of one that may still run"
        assert allocate(names, base, ports) == ports
        previous = ports


@given(NAMES, BASES, st.integers(1, 20))
def test_a_new_base_moves_all_out_of_each_others_way(names: list[str], base: int, distance: int) -> None:
    before = allocate(names, base, {})
    after = allocate(names, base + distance, before)
    assert after["edge.http"] == base + distance
    assert not {port for name, port in after.items() if name != "edge.http"} & set(before.values())


def test_the_numbers_end() -> None:
    names = [f"part-{number}" for number in range(3)]
    assert max(allocate(names, LAST_PORT - 2, {}).values()) == LAST_PORT
    with pytest.raises(UsageError) as caught:
        allocate([*names, "one-more"], LAST_PORT - 2, {})
    assert caught.value.sentence == f"there are not enough ports above {LAST_PORT - 2}"
