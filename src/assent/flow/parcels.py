"""What customers' links are told: receipts and replies, stored until they are acknowledged.

A feed over the outbox turns what customers may see (events `message` and `reply`, fold.py and
replies.py) into parcels for their links; what was rejected when it was judged becomes a parcel in
that transaction (judging.py). Nothing else is told: refusals are no replies, and what a withdrawal
stopped comes with the daily batch (DESIGN.md, promise 7).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import numpy as np

from assent.flow.columns import U8, U32, U64, pack_object, unpack, unpack_object
from assent.flow.customers import CustomerReceipt, CustomerReply, Wanted
from assent.flow.handed import RAW, written
from assent.flow.needs import Queries, Store, Transaction, utc
from assent.flow.people import Directory
from assent.message import State

CURSOR: Final = "parcels"
_KINDS: Final = ["message", "reply"]
_AT_ONCE: Final = 200
_MOST_ITEMS: Final = 500

STAT_OF_STATE: Final[dict[State, tuple[str, int]]] = {
    State.DELIVERED: ("DELIVRD", 0),
    State.FAILED: ("UNDELIV", 901),
    State.REFUSED: ("UNDELIV", 902),
    State.EXPIRED: ("EXPIRED", 903),
    State.OVER_CAP: ("REJECTD", 904),
    State.STOPPED: ("DELETED", 905),
    State.RESTRICTED: ("REJECTD", 910),
    State.CANCELLED: ("UNDELIV", 906),
    State.WITHHELD: ("UNDELIV", 906),
}
"""The states in which a message ends, as receipts say them. The last two are one for customers."""
INCOMPLETE: Final = 907
REPEATED: Final = 908
NOT_ORDERED: Final = 909

_RECEIPT, _REPLY = 0, 1


def receipt_item(
    ids: Sequence[int],
    person: int,
    form: int,
    raw: str,
    source: str,
    stat: str,
    error: int,
    submitted: float,
    done: float,
    node: int,
) -> list[Any]:
    """Return a receipt for each of `ids` as it is stored."""
    return [_RECEIPT, list(ids), person, form, raw, source, stat, error, submitted, done, node]


def reply_item(id_: int, person: int, destination: str, text: str, at: float) -> list[Any]:
    """Return a reply as it is stored."""
    return [_REPLY, id_, person, destination, text, at]


async def items_of(
    queries: Queries, directory: Directory, stored: list[list[Any]]
) -> list[CustomerReceipt | CustomerReply]:
    """Return what a parcel tells, with the numbers that people have now. A reply of somebody who
    was erased since, or whose number has a new holder, is not told: it comes from nobody."""
    people = np.array([item[2] for item in stored], np.uint32)
    numbers = (await directory.msisdns(queries, people)).tolist()
    items: list[CustomerReceipt | CustomerReply] = []
    for item, number in zip(stored, numbers, strict=True):
        if item[0] == _REPLY:
            _, id_, _, destination, text, at = item
            if number:
                items.append(CustomerReply(id_, str(number), destination, text, at))
            continue
        _, ids, _, form, raw, source, stat, error, submitted, done, node = item
        shown = raw if form == RAW else written(form, number)
        items += [
            CustomerReceipt(id_, shown, source, stat, error, submitted, done, node) for id_ in ids
        ]
    return items


async def store_parcels(tx: Transaction, by_link: dict[int, list[list[Any]]], at: datetime) -> None:
    """Store items for links, so many a parcel that a link is not held up by one."""
    links: list[int] = []
    bodies: list[bytes] = []
    for link, items in sorted(by_link.items()):
        for start in range(0, len(items), _MOST_ITEMS):
            links.append(link)
            bodies.append(pack_object(items[start : start + _MOST_ITEMS]))
    if links:
        await tx.fetch("parcels_store", links, bodies, at)


class Feed:
    """Makes parcels of what happened. One process runs it, after the fold."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def step(self, now: float) -> bool:
        """Tell of the next events; return whether there may be more. Raises AssentError."""
        async with self._store.transaction() as tx:
            cursor = await tx.fetchval("cursor_hold", CURSOR)
            events = await tx.fetch("events_after", cursor, _KINDS, _AT_ONCE)
            if not events:
                return False
            links: dict[int, list[Any]] = defaultdict(list)
            for row in await tx.fetch("customer_links_all"):
                links[row["account_id"]].append(row)
            some = [event for event in events if event["account_id"] in links]
            if some:
                by_link: dict[int, list[list[Any]]] = defaultdict(list)
                await self._receipts(tx, some, by_link)
                self._replies(some, links, by_link)
                await store_parcels(tx, by_link, utc(now))
            await tx.execute("cursor_set", CURSOR, events[-1]["seq"])
            return len(events) == _AT_ONCE

    async def _receipts(
        self, tx: Transaction, events: list[Any], by_link: dict[int, list[list[Any]]]
    ) -> None:
        """Of each message tell the first end that it came to."""
        ends: dict[int, dict[int, tuple[int, float]]] = defaultdict(dict)  # batch → slot → end
        for event in events:
            if event["kind"] != "message":
                continue
            payload = unpack_object(event["payload"])
            ids = unpack(payload["ids"], U64).astype(np.int64)
            states = unpack(payload["states"], U8)
            over = np.isin(states, [int(state) for state in STAT_OF_STATE])
            at = event["at"].timestamp()
            for id_, state in zip(ids[over].tolist(), states[over].tolist(), strict=True):
                ends[id_ >> 10].setdefault(id_ & 1023, (state, at))
        if not ends:
            return
        batches: list[int] = []
        told: list[bytes] = []
        for row in await tx.fetch("link_batches_hold", list(ends)):
            batches.append(row["batch_id"])
            told.append(_tell(row, ends[row["batch_id"]], by_link[row["link_id"]]))
        if batches:
            await tx.execute("link_batches_told", batches, told)

    @staticmethod
    def _replies(
        events: list[Any], links: dict[int, list[Any]], by_link: dict[int, list[list[Any]]]
    ) -> None:
        for event in events:
            if event["kind"] != "reply":
                continue
            payload = unpack_object(event["payload"])
            item = reply_item(
                payload["reply"],
                payload["person"],
                payload["destination"],
                payload["text"],
                event["at"].timestamp(),
            )
            for link in links[event["account_id"]]:
                if link["replies"]:
                    by_link[link["id"]].append(item)


def _tell(row: Any, ends: dict[int, tuple[int, float]], items: list[list[Any]]) -> bytes:
    """Append the receipts of one batch; return what of it is told now."""
    told = bytearray(row["told"])
    parts = unpack(row["parts"], U8).astype(np.int64)
    ids, people = unpack(row["ids"], U64), unpack(row["people"], U32)
    first = np.concatenate(([0], np.cumsum(parts)))
    submitted = row["at"].timestamp()
    for slot, (state, at) in ends.items():
        wanted = row["wanted"][slot]
        delivered = state == State.DELIVERED
        if told[slot]:
            continue
        told[slot] = 1
        if wanted == Wanted.NONE.value or (wanted == Wanted.FAILURES.value and delivered):
            continue
        stat, error = STAT_OF_STATE[State(state)]
        mine = ids[first[slot] : first[slot + 1]].tolist()
        person, form = int(people[slot]), row["forms"][slot]
        items.append(
            receipt_item(
                mine, person, form, "", row["source"], stat, error, submitted, at, row["node"]
            )
        )
    return bytes(told)
