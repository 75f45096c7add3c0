"""Every target there is, and what they make of a stack."""

from __future__ import annotations

from collections.abc import Sequence

from lokifi.contracts import Artefact, Loss, Rendering, Target
from lokifi.kit.errors import UsageError
from lokifi.model.problems import nearest
from lokifi.plan.stack import Stack
from lokifi.targets import nginx, postgres, prometheus, redis

TARGETS: dict[str, Target] = {"nginx": nginx, "postgres": postgres, "redis": redis, "prometheus": prometheus}


def render(stack: Stack, targets: Sequence[str] = ()) -> Rendering:
    """What the targets make of the stack; all of them when none is named. Raises `UsageError` for an unknown one."""
    artefacts: list[Artefact] = []
    losses: list[Loss] = []
    for name in targets or TARGETS:
        if name not in TARGETS:
            raise UsageError(f"there is no target {name!r}", hint=nearest(name, list(TARGETS)))
        made = TARGETS[name].render(stack)
        artefacts += made.artefacts
        losses += made.losses
    return Rendering(tuple(artefacts), tuple(losses))
