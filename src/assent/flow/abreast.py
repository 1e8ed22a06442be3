"""Several loops as one task that can always be ended."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

_AGAIN_S: Final = 0.5


async def abreast(*bodies: Coroutine[Any, Any, None]) -> None:
    """Run until all have ended; the first that fails ends the others, and its error is raised.

    Whoever is to end is told again and again: before Python 3.12 `wait_for` may swallow a
    cancellation that meets the end of what it waits for, and a TaskGroup passes on only one.
    """
    tasks = [asyncio.ensure_future(body) for body in bodies]
    cancelled = ending = False
    while left := [task for task in tasks if not task.done()]:
        try:
            await asyncio.wait(
                left,
                timeout=_AGAIN_S if ending else None,
                return_when=asyncio.FIRST_EXCEPTION,
            )
        except asyncio.CancelledError:
            cancelled = True
        ending = cancelled or any(_error_of(task) for task in tasks)
        if ending:
            for task in left:
                task.cancel()
    failed = next((error for task in tasks if (error := _error_of(task))), None)
    if failed is not None:
        raise failed
    if cancelled:
        raise asyncio.CancelledError


def _error_of(task: asyncio.Future[None]) -> BaseException | None:
    return task.exception() if task.done() and not task.cancelled() else None
