"""Walks a plan: every step as soon as what it needs is done, all that may run at once at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from graphlib import TopologicalSorter

from lokifi.kit.errors import LokifiError
from lokifi.plan.steps import Plan, Step

AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a step ended: `failure` is None when it succeeded; `skipped` when something it needs had failed."""

    step: Step
    note: str = ""
    failure: LokifiError | None = None
    skipped: bool = False
    seconds: float = 0.0


def walk(
    plan: Plan,
    apply: Callable[[Step], str],
    begun: Callable[[Step], None],
    ended: Callable[[Outcome], None],
) -> list[Outcome]:
    """Do all steps of `plan`; what depends on a failed step is skipped, the rest goes on.

    `begun` and `ended` are called from the calling thread. Returns the outcomes in the order of their ends. An
    interrupt leaves at once: later steps never start; those under way are left to the caller to end.
    """
    steps = {step.id: step for step in plan.steps}
    order = TopologicalSorter({name: step.needs & steps.keys() for name, step in steps.items()})
    order.prepare()
    failed: set[str] = set()
    outcomes: list[Outcome] = []
    running: dict[Future[str], tuple[Step, float]] = {}

    def end(outcome: Outcome) -> None:
        if outcome.failure is not None or outcome.skipped:
            failed.add(outcome.step.id)
        ended(outcome)
        outcomes.append(outcome)
        order.done(outcome.step.id)

    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="step")
    try:
        while order.is_active():
            for name in order.get_ready():
                if steps[name].needs & failed:
                    end(Outcome(steps[name], skipped=True))
                else:
                    begun(steps[name])
                    running[pool.submit(apply, steps[name])] = steps[name], time.monotonic()
            for future in wait(running, return_when=FIRST_COMPLETED).done if running else ():
                end(_outcome(future, *running.pop(future)))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return outcomes


def _outcome(future: Future[str], step: Step, begun: float) -> Outcome:
    seconds = time.monotonic() - begun
    try:
        return Outcome(step, note=future.result(), seconds=seconds)
    except LokifiError as failure:
        return Outcome(step, failure=failure, seconds=seconds)
