"""Codes that were used, as customers say: what early warning compares, and nothing else.

It is a claim. Few used codes are a sign; a claim that all were used proves nothing and takes
nothing away (watch/detectors/uncompleted.py).
"""

from __future__ import annotations

from typing import Any, Final

from assent.clock import Clock
from assent.errors import InvalidInput
from assent.flow.alarm_requests import CompletedCodes
from assent.flow.needs import Store, utc
from assent.flow.requests import Caller
from assent.flow.tally import Tally, Where, hour_of
from assent.message import BATCH_LIMIT, Purpose

_MOST: Final = 1 << 63


class Completed:
    """Takes the word of customers."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def report(self, caller: Caller, request: CompletedCodes) -> dict[str, Any]:
        """Note that codes were used; return how many were `new` and how many are `unknown`: no
        codes of this account. The same again changes nothing. Raises InvalidInput for what is no
        id."""
        ids = sorted({_id(word, place) for place, word in enumerate(request.messages)})
        batches = sorted({one // BATCH_LIMIT for one in ids})
        async with self._store.transaction() as tx:
            rows = {
                row["id"]: row
                for row in await tx.fetch("code_batches", batches)
                if row["account_id"] == caller.account_id
            }
            own = [one for one in ids if one % BATCH_LIMIT < _size(rows.get(one // BATCH_LIMIT))]
            at = utc(self._clock.now())
            new = await tx.fetch("code_completed_put", own, caller.account_id, at)
            tally = Tally()
            for told in new:
                row = rows[told["message_id"] // BATCH_LIMIT]
                hour = hour_of(row["accepted_at"].timestamp())
                where = (row["sender_id"], row["account_id"], row["port_id"])
                tally.add(Where(hour, *where, int(Purpose.VERIFICATION)), "completed", 1)
            await tally.keep(tx)
        return {"new": len(new), "unknown": len(ids) - len(own)}


def _size(row: Any) -> int:
    return 0 if row is None else int(row["n"])


def _id(word: str, place: int) -> int:
    if word.isascii() and word.isdigit() and int(word) < _MOST:
        return int(word)
    raise InvalidInput(
        "message_id", "this is no id of a message", field=f"messages[{place}]",
        mend="use the ids that the answer to the order gave",
    )  # fmt: skip
