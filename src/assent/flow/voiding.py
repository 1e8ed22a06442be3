"""Voiding an import: what nobody agreed to is corrected, entry by entry, and a case is opened.

A "never" or a complaint makes the whole delivery void at once: nothing more of it opens. What it
opened is undone in portions of a thousand under the exclusive lock of the sender's group, so that
from each portion's commit on nothing queued or running for its people commits an attempt. A crash
leaves whole portions; the next round goes on. Until all of it is undone nothing leaves that was
ordered for people of that programme: campaigns and direct orders rest, and then go on over those
who stand.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from assent.clock import Clock
from assent.consent.entry import decode
from assent.consent.standing import correction
from assent.flow.catalogue import Catalogue
from assent.flow.columns import pack_object, unpack_object
from assent.flow.commit import GROUP_CLASS
from assent.flow.imports import KIND
from assent.flow.ledger import AT_ONCE, append
from assent.flow.matters import withdraw_item
from assent.flow.needs import Store, Transaction, utc
from assent.flow.projection import project
from assent.flow.waiting import CHANNEL

_AT_ONCE: Final = 100


class Voider:
    """Voids imports. Run :meth:`step` now and then, and whenever there may be something."""

    def __init__(self, store: Store, clock: Clock, catalogue: Catalogue) -> None:
        self._store = store
        self._clock = clock
        self._catalogue = catalogue
        self.undone = 0

    async def step(self, now: float) -> int:
        """Void what somebody denied, and undo the next portions; return how many."""
        for row in await self._store.fetch("imports_denied", _AT_ONCE):
            async with self._store.transaction() as tx:
                why = {"by": "audit", "audit": str(row["audit_id"])}
                if row["reply_id"] is not None:
                    why["reply"] = str(row["reply_id"])
                await begin(tx, row["import_id"], now, why)
        rows = await self._store.fetch("void_next", _AT_ONCE)
        for row in rows:
            await self._undo(row, now)
        await self._orders_go_on()
        await self._go_on()
        return len(rows)

    async def _orders_go_on(self) -> None:
        """Note what is undone, and let direct orders go on that rested meanwhile."""
        async with self._store.transaction() as tx:
            if await tx.fetch("imports_voided"):
                await tx.execute("queue_go_on")
                await tx.execute("notify", "campaign", "")
                await tx.execute("notify", "queue", "")

    async def _go_on(self) -> None:
        """Let campaigns go on that rested while what stood below them was undone."""
        if not await self._store.fetch("imports_resting", 1):
            return
        async with self._store.transaction() as tx:
            for row in await tx.fetch("imports_resting", _AT_ONCE):
                await _resume(tx, row["paused"])
                await tx.execute("import_resting", row["id"], [])

    async def _undo(self, row: Any, now: float) -> None:
        first = row["first_position"]
        found = await self._store.fetch("entries_between", first, first + row["opened"] - 1)
        wrong = [(entry["position"], decode(bytes(entry["body"]))) for entry in found]
        groups = {entry.group for _, entry in wrong}
        groups |= {
            sender.group_id
            for number in {entry.sender for _, entry in wrong}
            if (sender := self._catalogue.senders.get(number)) is not None
        }
        async with self._store.transaction() as tx:
            await tx.fetch("lock_exclusive", GROUP_CLASS, sorted(groups))
            if await tx.fetchval("void_hold", row["id"]) is None:
                return
            # Dated by the platform: when it came to know.
            entries = [correction(place, entry, int(now * 1000)) for place, entry in wrong]
            done = await append(tx, entries, utc(now))
            await project(tx, list(zip(done.positions, entries, strict=True)))
            await tx.execute("void_done", row["id"], utc(now))
        self.undone += len(wrong)


async def begin(tx: Transaction, number: int, now: float, why: Mapping[str, Any]) -> bool:
    """Make the delivery that an import belongs to void, and open a case; return whether it was not
    so already. `why` names nobody."""
    held = await tx.fetchrow("import_hold", number)
    if held is None or held["state"] in ("voiding", "voided"):
        return False
    lot = held["lot"] or number
    await tx.fetch("lot_hold", lot)
    await _rest(tx, number)
    await tx.execute("lot_voiding", lot, utc(now))
    await tx.execute("queue_rest", number)
    await tx.execute("notify", "campaign", "")
    await tx.execute("lot_forget_waiting", lot)
    await tx.execute("lot_cancel_audits", lot)
    await withdraw_item(tx, KIND, lot, now)
    evidence = json.dumps(dict(why), ensure_ascii=False, sort_keys=True)
    case = await tx.fetchval("case_put", number, evidence, utc(now))
    if case is not None:
        told = pack_object({"case": case, "import": number, "kind": "forged_consent"})
        # For staff only: no account hears of it here (DESIGN.md, promise 7).
        await tx.execute("event_insert", utc(now), "case", None, case, told)
    await tx.execute("notify", CHANNEL, "")
    return True


async def _rest(tx: Transaction, number: int) -> None:
    """Have campaigns rest where undoing takes longer than a moment: at once, since a campaign would
    go on over people whose turn to be corrected has not come. Notices need no standing."""
    rows = await tx.fetch("campaigns_rest", number, AT_ONCE)
    notices = [
        row["id"] for row in rows if unpack_object(row["request"])["purpose"] == "notification"
    ]
    await tx.fetch("campaigns_go_on", notices)
    resting = [row["id"] for row in rows if row["id"] not in notices]
    for campaign in resting:
        await tx.execute("campaign_hold_queue", campaign, True)
        await tx.execute("notify", "campaign", str(campaign))
    if resting:
        await tx.execute("import_resting", number, resting)


async def _resume(tx: Transaction, campaigns: Sequence[int]) -> None:
    for row in await tx.fetch("campaigns_go_on", list(campaigns)):
        await tx.execute("campaign_hold_queue", row["id"], False)
        await tx.execute("notify", "campaign", str(row["id"]))
