"""Answers that take the same time, whoever the people are (DESIGN.md, promise 7).

What is done for a number differs a little: one that was never heard of is written down, one who
refused already is not written down again. Whoever measures answers must not see it. So an answer
that could tell waits until a whole number of steps has passed since its request; what the work
takes is hidden in the step. Codes and notices, and orders of which everything is accepted, do not
wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

STEP_S: Final = 0.05
"""Longer than judging one person takes, by far."""
WRITTEN_S: Final = 0.1
"""The same where something is written down."""


class Pace:
    """When a request began. `await level()` before its answer."""

    def __init__(self, step_s: float = STEP_S) -> None:
        self._step_s = step_s
        self._loop = asyncio.get_running_loop()
        self._begun = self._loop.time()

    async def level(self) -> None:
        """Wait until the next whole step."""
        passed = self._loop.time() - self._begun
        await asyncio.sleep(self._step_s - passed % self._step_s)


@asynccontextmanager
async def levelled() -> AsyncIterator[None]:
    """Let what is written inside end after a whole number of steps; what is wrong for everybody
    alike (an error) is told at once."""
    pace = Pace(WRITTEN_S)
    yield
    await pace.level()
