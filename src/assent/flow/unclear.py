"""Unclear replies: marketing rests until a person has read them, and says what is in them.

A refusal that is found is the receiver's own, with the time at which it was read; nothing found
ends the rest, and the ledger keeps that, too.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from assent.clock import Clock
from assent.consent.entry import Channel, Entry, Kind, Origin, Scope
from assent.errors import Conflict, NotFound
from assent.flow.catalogue import Catalogue
from assent.flow.door_requests import ReplyReading
from assent.flow.ends import EVERYONE
from assent.flow.ids import BatchIds
from assent.flow.ledger import append
from assent.flow.needs import Store, Transaction, utc
from assent.flow.people import Directory
from assent.flow.projection import project
from assent.flow.refusals import Asked, RefusalWriter
from assent.flow.requests import Caller
from assent.flow.staff import check_staff, keep_act
from assent.numbers import mask

_MOST: Final = 200


class Unclear:
    """The desk for them."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        catalogue: Catalogue,
        directory: Directory,
        ids: BatchIds,
        writer: RefusalWriter,
    ) -> None:
        self._store = store
        self._clock = clock
        self._catalogue = catalogue
        self._directory = directory
        self._ids = ids
        self._writer = writer

    async def waiting(self, caller: Caller, cursor: int, limit: int) -> dict[str, Any]:
        """Return unclear replies that nobody has read, oldest first, with masked numbers."""
        check_staff(self._catalogue, caller)
        most = min(limit, _MOST)
        rows = await self._store.fetch("replies_unclear", cursor, most)
        people = np.array([row["person_id"] for row in rows], np.uint32)
        numbers = (await self._directory.msisdns(self._store, people)).tolist()
        items = [
            {
                "id": str(row["id"]),
                "at": row["at"],
                "from": mask(number) if number else None,
                "port": row["destination"],
                "text": row["text"],
                "complete": row["complete"],
                "concerns": self._writer.names(row["groups"]),
                "words": row["keyword_set"],
            }
            for row, number in zip(rows, numbers, strict=True)
        ]
        more = len(rows) == most
        return {"items": items, "cursor": rows[-1]["id"] if rows else cursor, "more": more}

    async def read(self, caller: Caller, reply: int, request: ReplyReading) -> dict[str, Any]:
        """Take what somebody read in a reply. The same again changes nothing.

        Raises NotFound for what is no unclear reply, Conflict for one read otherwise.
        """
        check_staff(self._catalogue, caller)
        now = self._clock.now()
        await self._ids.reserve(self._store, 2)
        groups = await self._groups(reply)
        if request.reading == "refusal_all":
            groups = tuple(sorted({EVERYONE, *groups}))
        async with self._store.transaction() as tx:
            # The locks come first, as everywhere that standing ends.
            await self._writer.lock(tx, [Asked(0, groups, 0, Channel.SMS, Origin.RECEIVER)])
            row = await tx.fetchrow("reply_hold", reply)
            if row is None:
                raise _no_reply()
            told = {"id": str(reply), "reading": request.reading}
            if row["reviewed_at"] is not None:
                if row["read_as"] != request.reading:
                    raise Conflict(
                        "reply_read", "somebody read this reply otherwise", field="reading",
                        rule="refusals: unclear", mend="only the receiver can change it now",
                    )  # fmt: skip
                return told
            await self._carry_out(tx, row, request, now)
            await tx.execute("reply_read", reply, utc(now), request.reading)
            subject = f"reply/{reply}"
            await keep_act(tx, caller, now, "reply.read", subject, {}, {"reading": request.reading})
        return told

    async def _groups(self, reply: int) -> tuple[int, ...]:
        row = await self._store.fetchrow("reply_concerns", reply)
        if row is None:
            raise _no_reply()
        return tuple(row["groups"])

    async def _carry_out(
        self, tx: Transaction, row: Any, request: ReplyReading, now: float
    ) -> None:
        """End what rests because of the reply; before that write the refusal that is in it."""
        pauses = await tx.fetch("pauses_of_reply", row["person_id"], row["id"])
        purposes = 0
        for pause in pauses:
            purposes |= pause["purposes"]
        if request.reading != "nothing" and row["person_id"]:
            groups = (EVERYONE,) if request.reading == "refusal_all" else tuple(row["groups"])
            asked = Asked(
                row["person_id"], groups, purposes, Channel.SMS, Origin.RECEIVER,
                reply_id=row["id"],
            )  # fmt: skip
            if groups and purposes:
                await self._writer.write(tx, [asked], now)
        entries = [
            Entry(
                at_ms=int(now * 1000),
                kind=Kind.RESUMED,
                person=pause["person_id"],
                group=pause["group_id"],
                purposes=pause["purposes"],
                scope=Scope.PLATFORM if pause["group_id"] == EVERYONE else Scope.GROUP,
                channel=Channel.PLATFORM,
                origin=Origin.STAFF,
                refers_to=pause["position"],
            )
            for pause in pauses
        ]
        if entries:
            done = await append(tx, entries, utc(now))
            await project(tx, list(zip(done.positions, entries, strict=True)))


def _no_reply() -> NotFound:
    return NotFound(
        "no_reply", "there is no such unclear reply", field="id", mend="see GET /v1/desk/replies"
    )
