"""What becomes of a sender's question: she agreed, or she did not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from assent.consent.entry import Channel, Entry, Kind, Origin
from assent.flow.needs import Transaction, utc
from assent.flow.waiting import Grants
from assent.message import Grade
from assent.policy.asking import Why


class ConsentAnswers:
    """Writes down answers to senders' questions. `grants`: by which a yes comes into the ledger."""

    def __init__(self, grants: Grants) -> None:
        self._grants = grants

    async def take(
        self,
        tx: Transaction,
        agreed: Sequence[Any],
        declined: Sequence[tuple[Any, Why]],
        now: float,
    ) -> None:
        """Carry out answers in the transaction that stores the replies. Only the first answer to a
        question counts. `agreed` and `declined`: rows of `questions_open`."""
        for row, why in declined:
            await tx.fetchval("asking_declined", row["id"], why.value, utc(now))
        entries = []
        for row in agreed:
            asked = await tx.fetchrow("asking_agreed", row["id"], utc(now))
            if asked is None:
                continue
            entries.append(
                Entry(
                    at_ms=int(now * 1000),
                    kind=Kind.GRANTED,
                    person=row["person_id"],
                    group=row["group_id"],
                    sender=row["sender_id"],
                    programme=row["programme_id"],
                    purposes=row["purposes"],
                    channel=Channel.SMS,
                    origin=Origin.RECEIVER,
                    grade=Grade.RECEIVER,
                    wording=asked["wording_id"],
                )
            )
        await self._grants.put(tx, entries, now)
