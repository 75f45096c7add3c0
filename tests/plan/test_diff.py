"""From what is to what shall be: the fewest steps, in an order that never breaks what works."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lokifi.plan.diff import diff
from lokifi.plan.observed import Observed, ObservedPart
from lokifi.plan.stack import Stack
from lokifi.plan.steps import Plan
from tests.plan.shop import TEXT, World, fingerprints, stack_of


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Stack:
    return stack_of(tmp_path_factory.mktemp("shop"))


def told(plan: Plan) -> list[str]:
    """A plan as lines: step, cause, and what comes first."""
    return [f"{step.id}: {step.cause}{''.join(f' < {need}' for need in sorted(step.needs))}" for step in plan.steps]


def test_from_nothing_everything_is_made_in_order(stack: Stack) -> None:
    needs = {step.id: sorted(step.needs) for step in diff(stack, fingerprints(stack), Observed()).steps}
    assert needs == {
        **{f"write {path}": [] for path in fingerprints(stack)},
        "run postgres-init": [],
        "build install-api": [],
        "build install-web": [],
        "build build-web": ["build install-web"],
        "run release-api": ["build install-api", "wait postgres", "wait redis"],
        "start edge": ["write nginx/nginx.conf"],
        "start postgres": ["run postgres-init", "write postgres/pg_hba.conf", "write postgres/postgresql.conf"],
        "start redis": ["write redis/redis.conf", "write redis/users.acl"],
        "start prometheus": ["write prometheus/prometheus.yml"],
        **{f"start api-{number}": ["build install-api", "run release-api", "wait postgres", "wait redis"] for number in (1, 2)},
        "start worker": ["build install-api", "wait api-1", "wait api-2", "wait redis"],
        **{f"wait {name}": [f"start {name}"] for name in stack.parts},
    }
    causes = {step.kind: step.cause for step in diff(stack, fingerprints(stack), Observed()).steps}
    assert causes == {
        "write": "is new",
        "build": "was not done yet",
        "run": "was not done yet",
        "start": "does not run",
        "wait": "until it is ready",
    }


Change = Callable[[World], object]
SITUATIONS: dict[str, tuple[Change, dict[str, str], list[str]]] = {
    "nothing to do": (lambda world: None, {}, []),
    "configuration of a part that reloads": (
        lambda world: None,
        {"nginx/nginx.conf": "2"},
        [
            "write nginx/nginx.conf: differs from the file",
            "reload edge: its configuration changed < write nginx/nginx.conf",
        ],
    ),
    "configuration of a part that does not reload": (
        lambda world: None,
        {"redis/users.acl": "2"},
        [
            "write redis/users.acl: differs from the file",
            "stop redis: its description changed < write redis/users.acl",
            "start redis: its description changed < stop redis",
            "wait redis: until it is ready < start redis",
        ],
    ),
    "somebody changed a file on the disk": (
        lambda world: world.files.update({"nginx/nginx.conf": "theirs"}),
        {},
        ["write nginx/nginx.conf: differs from the file"],
    ),
    "somebody removed a file": (
        lambda world: world.files.pop("nginx/nginx.conf"),
        {},
        ["write nginx/nginx.conf: is new"],
    ),
    "a reload was missed": (
        lambda world: world.be("edge", config="old"),
        {},
        ["reload edge: its configuration changed"],
    ),
    "the sources of a service changed": (
        lambda world: world.inputs.update({"release-api": "newer"}),
        {},
        [
            "run release-api: its sources changed",
            "stop api-1: its sources changed < run release-api",
            "start api-1: its sources changed < stop api-1",
            "wait api-1: until it is ready < start api-1",
            "stop api-2: its sources changed < run release-api < wait api-1",
            "start api-2: its sources changed < stop api-2",
            "wait api-2: until it is ready < start api-2",
        ],
    ),
    "the sources of a static front end changed": (
        lambda world: world.inputs.update({"build-web": "newer"}),
        {},
        ["build build-web: its sources changed"],
    ),
    "what a job made is gone": (
        lambda world: world.done.pop("build-web"),
        {},
        ["build build-web: was not done yet"],
    ),
    "data is never made anew": (
        lambda world: world.done.update({"postgres-init": "by another version"}),
        {},
        [],
    ),
    "data that was taken away is made anew, and released into": (
        lambda world: (world.done.pop("postgres-init"), world.parts.pop("postgres")),
        {},
        [
            "run postgres-init: was not done yet",
            "run release-api: its data is made anew < wait postgres",
            "start postgres: does not run < run postgres-init",
            "wait postgres: until it is ready < start postgres",
        ],
    ),
    "a part crashes": (
        lambda world: world.be("worker", state="crashing", reason="exit code 1"),
        {},
        [
            "stop worker: is crashing: exit code 1",
            "start worker: is crashing: exit code 1 < stop worker",
            "wait worker: until it is ready < start worker",
        ],
    ),
    "a part was stopped": (
        lambda world: world.be("api-2", state="stopped"),
        {},
        [
            "stop api-2: is stopped",
            "start api-2: is stopped < stop api-2",
            "wait api-2: until it is ready < start api-2",
        ],
    ),
    "a part is not ready": (
        lambda world: world.be("redis", state="unready", reason="loading"),
        {},
        ["wait redis: is unready: loading"],
    ),
    "a part is not ready that another needs": (
        lambda world: (world.be("redis", state="starting"), world.be("worker", state="crashing")),
        {},
        [
            "wait redis: is starting",
            "stop worker: is crashing < wait redis",
            "start worker: is crashing < stop worker",
            "wait worker: until it is ready < start worker",
        ],
    ),
    "a part is gone that a job needs": (
        lambda world: (world.parts.pop("redis"), world.done.pop("release-api")),
        {},
        [
            "run release-api: was not done yet < wait redis",
            "start redis: does not run",
            "wait redis: until it is ready < start redis",
        ],
    ),
    "a copy is gone": (
        lambda world: world.parts.pop("api-1"),
        {},
        ["start api-1: does not run", "wait api-1: until it is ready < start api-1"],
    ),
    "a copy is gone and the other outdated": (
        lambda world: (world.parts.pop("api-2"), world.be("api-1", digest="old")),
        {},
        [
            "stop api-1: its description changed < wait api-2",
            "start api-1: its description changed < stop api-1",
            "wait api-1: until it is ready < start api-1",
            "start api-2: does not run",
            "wait api-2: until it is ready < start api-2",
        ],
    ),
    "a part that the file does not know": (
        lambda world: world.parts.update({"old": ObservedPart("old", "old", "d", "", "ready")}),
        {},
        ["remove old: is not in the file"],
    ),
}


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_situation_and_its_plan(stack: Stack, name: str) -> None:
    change, changed, steps = SITUATIONS[name]
    world = World.reached(stack, fingerprints(stack))
    change(world)
    assert told(diff(stack, fingerprints(stack) | changed, world.observed())) == steps


def test_more_copies_are_ready_before_traffic_is_led_to_them(stack: Stack, tmp_path: Path) -> None:
    world = World.reached(stack, fingerprints(stack))
    wanted = stack_of(tmp_path, scale={"api": 3})
    files = fingerprints(wanted) | {"nginx/nginx.conf": "2"}
    needs = {step.id: sorted(step.needs) for step in diff(wanted, files, world.observed()).steps}
    assert needs == {
        "write nginx/nginx.conf": [],
        "start api-3": [],
        "wait api-3": ["start api-3"],
        "reload edge": ["wait api-3", "write nginx/nginx.conf"],
    }


def test_traffic_is_led_away_before_a_copy_leaves(stack: Stack, tmp_path: Path) -> None:
    more = stack_of(tmp_path, scale={"api": 3})
    world = World.reached(more, fingerprints(more))
    files = fingerprints(stack) | {"nginx/nginx.conf": "2"}
    assert told(diff(stack, files, world.observed())) == [
        "write nginx/nginx.conf: differs from the file",
        "reload edge: its configuration changed < write nginx/nginx.conf",
        "remove api-3: one copy fewer is wanted < reload edge",
    ]


def test_an_edit_touches_what_it_changed_and_no_more(stack: Stack, tmp_path: Path) -> None:
    world = World.reached(stack, fingerprints(stack))
    edited = stack_of(tmp_path, TEXT.replace("python -m work", "python -m work --fast"))
    plan = diff(edited, fingerprints(edited), world.observed())
    assert [step.id for step in plan.steps] == ["stop worker", "start worker", "wait worker"]


# --- every world leads to the wanted one --------------------------------------------------------------

STATES = ("ready", "starting", "unready", "crashing", "restarting")


@st.composite
def worlds(draw: st.DrawFn, stack: Stack) -> World:
    """A world that was once reached, with anything in it outdated, broken, gone or too much."""
    world = World.reached(stack, fingerprints(stack))
    for name in list(world.parts):
        match draw(st.integers(0, 5)):
            case 0:
                del world.parts[name]
            case 1:
                world.be(name, digest="old")
            case 2:
                world.be(name, config="old")
            case 3:
                world.be(name, state=draw(st.sampled_from(STATES)))
    for job in stack.jobs:
        match draw(st.integers(0, 4)):
            case 0:
                del world.done[job]
            case 1:
                world.inputs[job] = "newer"
    for path in list(world.files):
        match draw(st.integers(0, 4)):
            case 0:
                del world.files[path]
            case 1:
                world.files[path] = "old"
    for name in draw(st.sets(st.sampled_from(["api-3", "api-4", "stranger"]))):
        world.parts[name] = ObservedPart(name, name.partition("-")[0], "d", "", "ready")
    return world


@settings(max_examples=60)
@given(st.data())
def test_any_order_of_a_plan_is_safe_and_reaches_the_goal(stack: Stack, data: st.DataObject) -> None:
    world = data.draw(worlds(stack))
    files = fingerprints(stack)
    plan = diff(stack, files, world.observed())
    left = {step.id: step for step in plan.steps}
    assert len(left) == len(plan.steps)
    assert all(step.needs <= left.keys() for step in plan.steps), "a need that is no step"
    served = {part.group: 0 for part in stack.parts.values()}
    for part in world.parts.values():
        if part.state == "ready" and part.name in stack.parts:
            served[part.group] += 1
    while left:
        able = sorted(name for name, step in left.items() if not step.needs & left.keys())
        assert able, f"these wait for each other: {sorted(left)}"
        step = left.pop(data.draw(st.sampled_from(able)))
        if step.kind == "start":
            _may_start(step.subject, stack, files, world)
        if step.kind in ("build", "run"):
            _may_run(step.subject, stack, world)
        world.apply(step, stack, files)
        for group, before in served.items():
            ready = sum(part.group == group and part.state == "ready" for part in world.parts.values())
            assert ready >= before - 1, f"more than one copy of {group} is down at once"
    assert told(diff(stack, files, world.observed())) == []


def _may_start(name: str, stack: Stack, files: dict[str, str], world: World) -> None:
    part = stack.parts[name]
    assert all(world.files.get(path) == files[path] for path in part.configs)
    for need in part.needs:
        assert need not in stack.jobs or need in world.done
        assert world.ready(each.name for each in stack.group(need))


def _may_run(name: str, stack: Stack, world: World) -> None:
    for need in stack.jobs[name].needs:
        assert need not in stack.jobs or need in world.done
        assert world.ready(each.name for each in stack.group(need))
