"""What customers may look up: their messages, orders, feeds and money.

Two things are never shown at once: who withdrew (a message stopped for that reason looks like
waiting until the daily batch), and why somebody may not be written to (DESIGN.md, promise 7).
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

import numpy as np

from assent.clock import Clock
from assent.errors import InvalidInput, NotFound
from assent.flow.answers import customer_code
from assent.flow.columns import U8, U16, U32, U64, unpack, unpack_object
from assent.flow.fold import HIDDEN, message_state
from assent.flow.ids import OWN_ORDER, slip_id, slip_of
from assent.flow.needs import Store
from assent.flow.people import Directory
from assent.flow.requests import Caller
from assent.message import Purpose, State, message_id, split_message_id
from assent.numbers import mask

KINDS: Final = {"receipts": ["message"], "replies": ["reply"]}
_MOST: Final = 1000


def shown(state: State, *, told: bool) -> str:
    """Return a state's word as its customer sees it.

    What a withdrawal stopped looks queued until it was told in the daily batch, and `not_sent`
    from then on.
    """
    if state in HIDDEN:
        return "not_sent" if told else "queued"
    return state.name.lower()


class Status:
    """Look-ups for one account each."""

    def __init__(self, store: Store, clock: Clock, directory: Directory) -> None:
        self._store = store
        self._clock = clock
        self._directory = directory

    async def message(self, caller: Caller, id_: int) -> dict[str, Any]:
        """Return where a message stands and how it came there. Raises NotFound."""
        batch_id, slot = split_message_id(id_)
        row = await self._store.fetchrow("status_batch", batch_id, caller.account_id)
        if row is None or slot >= row["n"]:
            raise NotFound(
                "no_message",
                "there is no such message",
                field="id",
                mend="use the id that was returned when it was sent",
            )
        person = unpack(row["people"], U32)[slot : slot + 1]
        number = int((await self._directory.msisdns(self._store, person))[0])
        place = int(unpack(row["rows"], U32)[slot])
        shared = bool(place & OWN_ORDER)  # a request of its own, judged together with others
        counts = unpack(row["segments"], U8).astype(np.int64)
        start = int(counts[:slot].sum())
        state = State.QUEUED
        if row["states"] is not None:
            states = unpack(row["states"], U8)[start : start + int(counts[slot])]
            state = message_state(states)
        word = shown(state, told=id_ not in await self._untold(batch_id))
        # An attempt that was withheld at the last moment would be there, and then not.
        unseen = state in HIDDEN or word == "queued"
        return {
            "id": str(id_),
            "order": str(slip_id(row["submission_id"], place) if shared else row["submission_id"]),
            "to": mask(number) if number else None,
            "purpose": Purpose(row["purpose"]).name.lower(),
            "state": word,
            "segments": int(counts[slot]),
            "price_micro": row["price"] * int(counts[slot]),
            "row": 0 if shared else place,
            "accepted_at": row["accepted_at"],
            "not_before": row["not_before"],
            "expires_at": row["expires_at"],
            "campaign": str(row["campaign_id"]) if row["campaign_id"] else None,
            "video": str(row["video_id"]) if row["video_id"] else None,
            "attempts": [] if unseen else await self._attempts(batch_id, slot),
        }

    async def _attempts(self, batch_id: int, slot: int) -> list[dict[str, Any]]:
        attempts = []
        for row in await self._store.fetch("status_attempts", batch_id):
            slots = unpack(row["slots"], U16)
            position = np.flatnonzero(slots == slot)
            if not len(position):
                continue
            attempts.append({"at": row["at"], "try": unpack(row["tries"], U8)[position[0]].item()})
        return attempts

    async def submission(self, caller: Caller, id_: int) -> dict[str, Any]:
        """Return what an order came to: counts by state and by reason. Raises NotFound."""
        only: int | None = None
        row = await self._store.fetchrow("status_submission", id_, caller.account_id)
        if row is None:
            shared, only = slip_of(id_)
            row = await self._store.fetchrow("status_submission", shared, caller.account_id)
        if row is None:
            raise _no_order()
        found = await self._row_by_row(row["id"], only)
        if only is not None and not found:
            raise _no_order()
        counts = Counter(state for state, _, _ in found if state)
        reasons = Counter(reason for _, reason, _ in found if reason)
        return {
            "id": str(id_),
            "purpose": Purpose(row["purpose"]).name.lower(),
            "receivers": row["n"] if only is None else 1,
            "allowed": row["allowed"] if only is None else sum(counts.values()),
            "rejected": row["n"] - row["allowed"] if only is None else sum(reasons.values()),
            "cost_micro": row["cost"] if only is None else sum(cost for _, _, cost in found),
            "at": row["at"],
            "states": dict(counts),
            "reasons": dict(reasons),
            "rulebook": row["rulebook"],
        }

    async def _row_by_row(self, id_: int, only: int | None) -> list[tuple[str, str, int]]:
        """Return (state, reason, cost) of each row of a submission, or of one; of state and reason
        one is ""."""
        found: list[tuple[str, str, int]] = []
        for batch in await self._store.fetch("status_submission_batches", id_):
            rows = unpack(batch["rows"], U32)
            places = range(len(rows)) if only is None else np.flatnonzero(rows == only).tolist()
            if not places:
                continue
            segments = unpack(batch["segments"], U8).astype(np.int64)
            starts = np.concatenate(([0], np.cumsum(segments)))
            states = None if batch["states"] is None else unpack(batch["states"], U8)
            untold = set() if states is None else await self._untold(batch["id"])
            for slot in places:
                cost = batch["price"] * int(segments[slot])
                if states is None:
                    found.append(("queued", "", cost))
                    continue
                state = message_state(states[starts[slot] : starts[slot + 1]])
                told = message_id(batch["id"], slot) not in untold
                found.append((shown(state, told=told), "", cost))
        decision = await self._store.fetchrow("status_decision", id_)
        if decision is not None:
            numbers, rows = unpack(decision["reasons"], U16), unpack(decision["rows"], U32)
            chosen = numbers if only is None else numbers[rows == only]
            found += [("", customer_code(number), 0) for number in chosen.tolist()]
        return found

    async def _untold(self, batch_id: int) -> set[int]:
        """Return the messages of a batch whose end is not told to their customer yet."""
        lo, hi = message_id(batch_id, 0), message_id(batch_id + 1, 0)
        return {row["message_id"] for row in await self._store.fetch("status_untold", lo, hi)}

    async def balance(self, caller: Caller) -> dict[str, Any]:
        """Return what the account may spend, in micro-yuan, and what is reserved."""
        row = await self._store.fetchrow("balance_told", caller.account_id)
        if row is None:
            return {"available_micro": 0, "currency": "CNY"}
        return {"available_micro": int(row["available"]), "currency": row["currency"]}

    async def feed(self, caller: Caller, kind: str, cursor: int, limit: int) -> dict[str, Any]:
        """Return what happened after a cursor, oldest first, and the next cursor.

        `receipts`: states that messages reached. `replies`: what people wrote back (refusals
        are not among them). The same cursor gives the same items again. Raises InvalidInput.
        """
        if cursor < 0 or not 1 <= limit <= _MOST:
            raise InvalidInput(
                "bad_cursor",
                f"cursor is 0 or more, limit 1 to {_MOST}",
                field="cursor",
                mend="begin with cursor=0 and go on with the cursor of each answer",
            )
        rows = await self._store.fetch(
            "account_events_after", caller.account_id, cursor, KINDS[kind], limit
        )
        items: list[dict[str, Any]] = []
        for row in rows:
            payload = unpack_object(row["payload"])
            if kind == "receipts":
                ids = unpack(payload["ids"], U64).tolist()
                states = unpack(payload["states"], U8).tolist()
                items += [
                    {"id": str(i), "state": shown(State(s), told=True), "at": row["at"]}
                    for i, s in zip(ids, states, strict=True)
                ]
            else:
                items.append(await self._reply(payload, row["at"]))
        return {
            "items": items,
            "cursor": rows[-1]["seq"] if rows else cursor,
            "more": len(rows) == limit,
        }

    async def _reply(self, payload: dict[str, Any], at: Any) -> dict[str, Any]:
        person = np.array([payload["person"]], np.uint32)
        number = int((await self._directory.msisdns(self._store, person))[0])
        return {
            "id": str(payload["reply"]),
            "from": str(number) if number else None,
            "port": payload["destination"],
            "text": payload["text"],
            "intent": payload["intent"],
            "keyword": payload.get("keyword", ""),
            "at": at,
        }


def _no_order() -> NotFound:
    return NotFound(
        "no_order",
        "there is no such order",
        field="id",
        mend="use the id that was returned when it was sent",
    )
