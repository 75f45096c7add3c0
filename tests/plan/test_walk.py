"""Steps run as soon as they may, all at once, and one that fails holds up only what needs it."""

from __future__ import annotations

import os
import signal
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lokifi.kit.errors import RuntimeFailed
from lokifi.plan.steps import Plan, Step
from lokifi.plan.walk import AT_ONCE, Outcome, walk

PATIENCE = 30.0  # only a walk that hangs ever waits that long


def plan(**needs: str) -> Plan:
    """plan(a="", b="a"): step b needs step a."""
    steps = {name: frozenset(f"run {need}" for need in below.split()) for name, below in needs.items()}
    return Plan(tuple(Step("run", name, "because", below) for name, below in steps.items()))


def go(wanted: Plan, apply) -> tuple[list[Outcome], list[str]]:
    told: list[str] = []
    main = threading.get_ident()

    def begun(step: Step) -> None:
        assert threading.get_ident() == main
        told.append(f"begin {step.subject}")

    def ended(outcome: Outcome) -> None:
        assert threading.get_ident() == main
        told.append(f"end {outcome.step.subject}")

    return walk(wanted, apply, begun, ended), told


def test_steps_that_may_run_at_once_do() -> None:
    """Each waits for all others to have begun: were they one after the other, none would end."""
    together = threading.Barrier(AT_ONCE, timeout=PATIENCE)
    outcomes, _ = go(plan(**{f"s{number}": "" for number in range(AT_ONCE)}), lambda step: str(together.wait() >= 0))
    assert [outcome.failure for outcome in outcomes] == [None] * AT_ONCE


def test_a_step_starts_when_its_own_needs_are_done_not_all() -> None:
    """`slow` ends only when `after_quick` has: a walk by levels would wait for ever."""
    passed = threading.Event()

    def apply(step: Step) -> str:
        if step.subject == "slow":
            assert passed.wait(PATIENCE)
        if step.subject == "after_quick":
            passed.set()
        return step.subject

    outcomes, told = go(plan(slow="", quick="", after_quick="quick", last="slow after_quick"), apply)
    assert sorted(outcome.note for outcome in outcomes) == ["after_quick", "last", "quick", "slow"]
    assert outcomes[-1].note == "last"
    assert told.index("begin after_quick") < told.index("end slow")


def test_a_failure_skips_what_needs_it_and_no_more() -> None:
    def apply(step: Step) -> str:
        if step.subject == "bad":
            raise RuntimeFailed("it broke")
        return "done"

    outcomes, told = go(plan(bad="", below="bad", deeper="below", good="", after_good="good", mixed="good bad"), apply)
    found = {o.step.subject: "skipped" if o.skipped else str(o.failure) if o.failure else o.note for o in outcomes}
    assert found == {
        "bad": "it broke",
        "below": "skipped",
        "deeper": "skipped",
        "mixed": "skipped",
        "good": "done",
        "after_good": "done",
    }
    assert {"begin below", "begin deeper", "begin mixed"}.isdisjoint(told)


def test_a_bug_is_not_taken_for_a_failure() -> None:
    def apply(step: Step) -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        go(plan(a="", b="a"), apply)


def test_an_interrupt_leaves_at_once_and_nothing_more_starts() -> None:
    """A real SIGINT to this process while two steps are under way; they end only after the walk has."""
    left, started = threading.Event(), threading.Barrier(2, timeout=PATIENCE)
    begun: list[str] = []

    def apply(step: Step) -> str:
        begun.append(step.subject)
        if started.wait() == 0:
            os.kill(os.getpid(), signal.SIGINT)
        assert left.wait(PATIENCE)
        return ""

    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            go(plan(a="", b="", c="a", d="b"), apply)
        assert sorted(begun) == ["a", "b"]
    finally:
        left.set()
        signal.signal(signal.SIGINT, handler)
    for thread in threading.enumerate():
        if thread.name.startswith("step"):
            thread.join(PATIENCE)
    assert sorted(begun) == ["a", "b"]


def test_nothing_to_do_is_nothing_done() -> None:
    assert go(Plan(()), lambda step: "") == ([], [])
    assert not Plan(())


GRAPHS = st.lists(st.sets(st.integers(0, 11), max_size=4), max_size=12).map(
    lambda rows: {number: {need for need in needs if need < number} for number, needs in enumerate(rows)}
)


@given(GRAPHS, st.sets(st.integers(0, 11), max_size=3))
def test_every_step_ends_once_and_after_its_needs(graph: dict[int, set[int]], broken: set[int]) -> None:
    def apply(step: Step) -> str:
        if int(step.subject) in broken:
            raise RuntimeFailed("broken")
        return ""

    wanted = plan(**{str(number): " ".join(map(str, needs)) for number, needs in graph.items()})
    outcomes, _ = go(wanted, apply)
    order = [int(outcome.step.subject) for outcome in outcomes]
    assert sorted(order) == sorted(graph)
    fine: set[int] = set()
    for outcome in outcomes:
        number = int(outcome.step.subject)
        assert all(order.index(need) < order.index(number) for need in graph[number])
        assert outcome.skipped == (not graph[number] <= fine)
        if not outcome.skipped and outcome.failure is None:
            fine.add(number)
