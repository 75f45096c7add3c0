"""Ask one process of a part its questions for as long as it lives: started? ready? alive?"""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

from lokifi.runtimes.local.supervisor.probe import Pace
from lokifi.runtimes.local.supervisor.spec import PartSpec, Phase, Probe
from lokifi.runtimes.local.supervisor.yard import Yard

SETTLED_AFTER = 0.2  # a part without any probe is ready when it has lived this long
TRUSTED_AFTER = 10.0  # and this long after it has crashed again and again


class Listener(Protocol):
    """Whoever acts on the answers."""

    def answered_ready(self, phase: Phase) -> None:
        """Take notice that the part is ready or unready."""

    def answered_dead(self, reason: str) -> None:
        """Take notice that the process will never do what it is there for."""


class Watch:
    """The questions of `spec` to a process born at `born` (monotonic); `phase` is its batch, see `Pace`."""

    def __init__(self, yard: Yard, spec: PartSpec, listener: Listener, *, born: float, phase: float) -> None:
        self.yard = yard
        self.spec = spec
        self.listener = listener
        self.born = born
        self.phase = phase
        self.alive_once = False

    async def run(self, *, started: bool, settled: bool, crashing: bool) -> None:
        """Ask until cancelled. `started`: the startup probe has passed before; `settled`: no need to wait."""
        spec = self.spec
        if not started:
            if spec.startup is not None and not await self._starts(spec.startup):
                return self.listener.answered_dead(f"did not start within {spec.startup_timeout:g} s")
            if spec.ready is None:
                if spec.startup is None and not settled:
                    await asyncio.sleep(TRUSTED_AFTER if crashing else SETTLED_AFTER)
                self.listener.answered_ready("ready")
        async with asyncio.TaskGroup() as both:
            if spec.ready is not None:
                both.create_task(self._readiness(spec.ready, spec.ready == spec.live, waiting=not started))
            if spec.live is not None and spec.live != spec.ready:
                both.create_task(self._liveness(spec.live))

    async def _starts(self, probe: Probe) -> bool:
        pace = Pace(probe.period, self.phase)
        while time.monotonic() - self.born < self.spec.startup_timeout:
            if await self.yard.ask(self.spec, probe):
                return True
            await asyncio.sleep(pace.hurried())
        return False

    async def _readiness(self, probe: Probe, also_live: bool, waiting: bool) -> None:
        """Report ready and unready; a part that was never ready is asked in a hurry and not called unready."""
        pace, wrong = Pace(probe.period, self.phase), 0
        while True:
            asked_at = time.monotonic()
            answer = await self.yard.ask(self.spec, probe)
            if answer:
                self.alive_once = self.alive_once or also_live
                waiting, wrong = False, 0
                self.listener.answered_ready("ready")
            elif answer is False:
                wrong += 1
                if wrong >= probe.failures and not waiting:
                    self.listener.answered_ready("unready")
                    if also_live:
                        return self.listener.answered_dead(f"hung: live probe failed {wrong}x")
            await asyncio.sleep(pace.hurried() if waiting else pace.steady(asked_at, answer is not False))

    async def _liveness(self, probe: Probe) -> None:
        pace, wrong = Pace(probe.period, self.phase), 0
        while True:
            asked_at = time.monotonic()
            answer = await self.yard.ask(self.spec, probe)
            if answer is not None:
                wrong = 0 if answer else wrong + 1
                self.alive_once = self.alive_once or answer
            if wrong >= probe.failures:
                return self.listener.answered_dead(f"hung: live probe failed {wrong}x")
            await asyncio.sleep(pace.steady(asked_at, answer is not False))
