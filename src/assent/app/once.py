"""What a notification asks for: done soon, again if asked meanwhile, never twice at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from assent.errors import AssentError

log = structlog.get_logger("assent")


def once(
    handler: Callable[[], Awaitable[None]], tasks: set[asyncio.Task[None]]
) -> Callable[[], None]:
    """Return a call that runs a handler soon, in a task that is kept in `tasks`. A handler that
    raises AssentError is run again."""
    state = {"running": False, "again": False}

    async def run() -> None:
        while state["again"]:
            state["again"] = False
            try:
                await handler()
            except AssentError as error:
                log.warning("handler_failed", code=error.code)
                await asyncio.sleep(0.2)
                state["again"] = True
        state["running"] = False

    def call() -> None:
        state["again"] = True
        if not state["running"]:
            state["running"] = True
            task = asyncio.get_running_loop().create_task(run())
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    return call
