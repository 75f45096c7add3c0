"""Leaving well: SIGTERM to exit 0 in under five seconds, without cutting anybody off.

uvicorn on its own closes the listener first, waits without limit for connections, tells the application
only afterwards, and then dies of the signal it received. So the application takes the signal first:
readiness turns 503, WebSockets are closed with 1012, answers carry `Connection: close`; then uvicorn is
told; and what has not ended by the deadline is cancelled.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import FrameType
from typing import Any

from markets import logs
from markets.services import Services

log = logs.get("markets.lifecycle")

# Seconds: 3 for requests and WebSockets, 0.3 for the cancelled to answer, 0.7 to flush, 0.5 for the pool.
DRAIN_SECONDS = 3.0
CANCEL_SECONDS = 0.3
FLUSH_SECONDS = 0.7
# Seconds that the start waits for the first connection to PostgreSQL.
CONNECT_SECONDS = 2.0


def exit_zero_on_sigterm() -> None:
    """Make a SIGTERM end the process with exit code 0: while it imports, and when uvicorn raises it again."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _exit_zero)


def _exit_zero(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


class Lifecycle:
    """Whether the process is leaving, what is open, and the order in which things end."""

    def __init__(self, shutdown_delay: float) -> None:
        self._shutdown_delay = shutdown_delay
        self._draining: asyncio.Task[None] | None = None
        self._cut = False
        self.leaving = False
        self.tasks: set[asyncio.Task[Any]] = set()

    @asynccontextmanager
    async def running(self, services: Services) -> AsyncIterator[None]:
        """Run the services from here to the end of the context, and take the termination signals."""
        services.start()
        # What was imported is never garbage: the collector need not look at it while requests wait.
        gc.freeze()
        self._take_signals(services)
        started = time.perf_counter()
        try:
            # The port opens after this. A proxy in front sends requests to an open port, not to a ready process: let
            # there be a connection by then. Where PostgreSQL is away the port opens all the same, to say so.
            await services.database.wait_connected(CONNECT_SECONDS)
            yield
        except asyncio.CancelledError:
            # What uvicorn does instead of an orderly shutdown when it is told to hurry; ours is below.
            if not self._cut:
                raise
        finally:
            self.leaving = True
            if self._draining is not None:
                self._draining.cancel()
            await services.close()
            log.info("stopped", uptime_seconds=round(time.perf_counter() - started, 1))

    def _take_signals(self, services: Services) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            server = signal.getsignal(number)
            if callable(server):
                self._take(loop, number, server, services)

    def _take(
        self,
        loop: asyncio.AbstractEventLoop,
        number: signal.Signals,
        server: Callable[[int, FrameType | None], Any],
        services: Services,
    ) -> None:
        def handler(received: int, frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(self._begin, number, server, services)

        signal.signal(number, handler)

    def _begin(
        self, number: signal.Signals, server: Callable[[int, FrameType | None], Any], services: Services
    ) -> None:
        if self.leaving:
            return
        self.leaving = True
        log.info("stopping", signal=number.name, open=len(self.tasks))
        services.hub.dismiss()
        self._draining = asyncio.create_task(self._drain(number, server), name="drain")

    async def _drain(self, number: signal.Signals, server: Callable[[int, FrameType | None], Any]) -> None:
        deadline = time.monotonic() + DRAIN_SECONDS
        await asyncio.sleep(self._shutdown_delay)
        server(number, None)
        # A request that was accepted in the meantime counts as well, hence the loop.
        while self.tasks and time.monotonic() < deadline:
            await asyncio.wait(self.tasks, timeout=deadline - time.monotonic())
        if self.tasks:
            log.warning("cancelled", open=len(self.tasks))
            for task in self.tasks:
                task.cancel()
            await asyncio.wait(self.tasks, timeout=CANCEL_SECONDS)
        await asyncio.sleep(FLUSH_SECONDS)
        # Still here: a peer does not read, and uvicorn waits for it. Its way to be told is a second Ctrl-C.
        self._cut = True
        log.warning("connections_cut")
        server(signal.SIGINT, None)
