"""Texts that come back: such were turned down before, for somebody else, here or elsewhere.

Found beside the message path, put before a reviewer once for each who uses one. A sender that mends
its own template after a refusal is none of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

from assent.clock import Clock
from assent.flow.desk import Desk
from assent.flow.groups_shown import known_told, uses_told
from assent.flow.matters import Item, Matter, Note
from assent.flow.needs import Queries, Store, Transaction, utc
from assent.flow.requests import Caller

KIND: Final = "same_text"
LETTERS: Final = 20
"""Shorter texts are everybody's."""

_DAY_S: Final = 86_400.0
_DAYS: Final = 30
_NOTE: Final = Note(
    "turned_down_before",
    "a text like this was turned down for another sender, here or on another platform",
    "近似文案曾因其他发送方被拒（本平台或其他平台）",
)


class Returned:
    """Looks for them. Call :meth:`look` now and then in one process of an installation."""

    def __init__(self, store: Store, clock: Clock, desk: Desk) -> None:
        self._store = store
        self._clock = clock
        self._desk = desk

    async def look(self) -> list[int]:
        """Put what came back before a reviewer; return the texts. Doing it again changes nothing.
        Raises AssentError."""
        now = self._clock.now()
        async with self._store.transaction() as tx:
            await tx.fetchval("cursor_hold", KIND)
            rows = await tx.fetch("near_returned", utc(now - _DAYS * _DAY_S), LETTERS)
            uses: dict[int, list[Any]] = defaultdict(list)
            for row in rows:
                uses[row["print_id"]].append(row)
                key = row["print_id"], row["account_id"], row["sender_id"]
                await tx.execute("near_use_told", *key, utc(now))
            for print_id, users in uses.items():
                # Of several who come at once the item asks the first; the reviewer sees all.
                who = {"account_id": users[0]["account_id"], "entity_id": users[0]["entity_id"]}
                senders = len({row["sender_id"] for row in users})
                signals = [Note(_NOTE.code, _NOTE.en, _NOTE.zh, {"senders": senders})]
                more = {"reasons": [_NOTE], "signals": signals, **who}
                await self._desk.open(tx, KIND, print_id, at=now, **more)
        return list(uses)


class SameTextMatter(Matter):
    """What a reviewer says of a text that came back. Approved: this one is lawful. Refused: it
    counts as rejected, so that whoever brings it next is seen; template and order are decided where
    they lie."""

    kind = KIND

    async def approve(
        self, tx: Transaction, item: Item, caller: Caller, at: float
    ) -> Mapping[str, Any]:
        """It is lawful; nothing changes."""
        return {"text": "lawful"}

    async def refuse(
        self, tx: Transaction, item: Item, caller: Caller, at: float, code: str
    ) -> Mapping[str, Any]:
        """It counts as rejected."""
        await tx.execute("near_print_refused", item.subject, utc(at))
        rows = await tx.fetch("near_families", [item.subject])
        await tx.execute("near_family_told", [row["family"] for row in rows], utc(at))
        return {"text": "rejected"}

    async def told(self, queries: Queries, item: Item, at: float) -> Mapping[str, Any]:
        """Return who used it and texts near it, and what other platforms say."""
        uses = uses_told(await queries.fetch("near_print_uses", item.subject))
        families = sorted({int(one["family"]) for one in uses})
        known = await queries.fetch("near_group_known", families)
        return {"texts": uses, "known_elsewhere": known_told(known)}
