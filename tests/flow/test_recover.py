"""What is left of a batch that other processes began, read from their windows."""

from __future__ import annotations

from typing import Any

import numpy as np

from assent.flow.columns import U8, U16, pack
from assent.flow.recover import remaining
from assent.flow.work import Batch
from assent.message import AttemptStatus
from tests.flow.conftest import Platform, number


class Rows:
    """Answers the two questions of `remaining` with rows made up here."""

    def __init__(self, attempts: list[dict[str, Any]]) -> None:
        self.attempts = attempts

    async def fetch(self, name: str, *args: Any) -> list[Any]:
        return self.attempts if name == "batch_attempts" else []


def attempt(window: int, number_: int, status: AttemptStatus | None) -> dict[str, Any]:
    """Return a window of slot 0 with its result, if it has one."""
    found: dict[str, Any] = {
        "id": window,
        "slots": pack([0], U16),
        "tries": pack([number_], U8),
        "positions": None,
    }
    if status is not None:
        found |= {
            "positions": pack([0], U16),
            "segments": pack([0], U8),
            "statuses": pack([int(status)], U8),
        }
    return found


async def test_the_last_try_tells_whatever_the_windows_number(platform: Platform) -> None:
    """Two living processes draw numbers from their own blocks, so a later window may have the
    smaller one. A message that it brought to the carrier is not sent again."""
    person = number("mobile", 1)
    await platform.consent([person])
    await platform.send([person])
    await platform.until(lambda: len(platform.submits()) == 1, "a submit")
    row = (await platform.node.store.fetch("batches", await _batches(platform)))[0]
    batch = Batch.from_row(row)
    assert np.array_equal(batch.segments, [1])
    first = attempt(1100, 1, AttemptStatus.THROTTLED)
    second = attempt(200, 2, AttemptStatus.ACCEPTED)
    now = platform.clock.now()
    for order in ([first, second], [second, first]):
        assert (await remaining(Rows(order), batch, now)).todo == []  # type: ignore[arg-type]  # rows, no database
    open_ = attempt(200, 2, None)
    assert (await remaining(Rows([open_, first]), batch, now)).todo == []  # type: ignore[arg-type]  # rows, no database
    left = await remaining(Rows([first]), batch, now)  # type: ignore[arg-type]  # rows, no database
    assert (left.todo, left.tries) == ([0], {0: 1})


async def _batches(platform: Platform) -> list[int]:
    return [row["id"] for row in await platform.sql("SELECT id FROM batch")]
