"""What a receiver is shown of herself: messages, consents, refusals, confirmations, complaints.

Everything here is hers; nothing of it is for anybody else. Messages are found by the segments of
written.py; orders that she was judged out of by going over those of the last months, since no index
leads from a person to them: so few do it at a time.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Any, Final

import msgspec
import numpy as np

from assent.clock import Clock
from assent.consent.entry import Entry, Kind, decode
from assent.flow.catalogue import Catalogue
from assent.flow.columns import U8, U16, U32, unpack, unpack_object
from assent.flow.ends import EVERYONE
from assent.flow.fold import message_state
from assent.flow.needs import Store, utc
from assent.flow.receiver_proof import Visitor
from assent.flow.render import Rendering
from assent.flow.vault import Vault
from assent.flow.written import batches_of
from assent.message import Purpose, State, message_id
from assent.policy.reasons import BY_NUMBER

MONTHS: Final = 6
"""How far back messages are shown; their texts are kept five months at least."""
MOST_MESSAGES: Final = 200
MOST_ENTRIES: Final = 10_000
_MONTH_S: Final = 30 * 86_400.0
_SHIFT: Final = 11
_AT_ONCE: Final = 2
_LATELY_S: Final = 30.0
_PAGE: Final = 50


class ReceiverView:
    """Reads."""

    def __init__(self, store: Store, clock: Clock, catalogue: Catalogue, vault: Vault) -> None:
        self._store = store
        self._clock = clock
        self._catalogue = catalogue
        self._vault = vault
        self._reading = asyncio.Semaphore(_AT_ONCE)
        # What was read a moment ago: a button brings the same page again.
        self._lately: dict[int, tuple[float, list[dict[str, Any]]]] = {}

    async def overview(self, visitor: Visitor) -> dict[str, Any]:
        """Return what is known of a receiver, as her page shows it."""
        entries = await self.entries(visitor.person)
        messages = await self.messages(visitor.person, entries)
        return {
            "number": str(visitor.number),
            "until": visitor.until,
            "months": MONTHS,
            "messages": messages,
            "senders": await self._senders(visitor.person, entries, messages),
            "everyone": await self._refused(visitor.person, EVERYONE),
            "confirmations": await self.confirmations(visitor.person),
            "complaints": await self.complaints(visitor.person),
        }

    # Messages ------------------------------------------------------------------------------------

    async def messages(
        self, person: int, entries: list[tuple[int, datetime, Entry]], most: int = MOST_MESSAGES
    ) -> list[dict[str, Any]]:
        """Return what a person was written lately, the newest first."""
        now = self._clock.now()
        self._lately = {p: kept for p, kept in self._lately.items() if now - kept[0] < _LATELY_S}
        if most == MOST_MESSAGES and person in self._lately:
            return self._lately[person][1]
        found: list[dict[str, Any]] = []
        async for row in self._batches(person, most):
            for slot in np.flatnonzero(unpack(row["people"], U32) == person).tolist():
                found.append(self._message(row, slot, entries))
        if most == MOST_MESSAGES:
            self._lately[person] = now, found
        return found

    async def _batches(self, person: int, most: int) -> AsyncGenerator[Any]:
        """Yield batches that hold a person, the newest first, a page at a time."""
        low, high = self._period(self._clock.now())
        async with self._reading:
            found = (await batches_of(self._store, person, low, high))[:most]
            for start in range(0, len(found), _PAGE):
                page = found[start : start + _PAGE]
                for row in await self._store.fetch("receiver_batches", page):
                    yield row

    async def _pages(self, query: str, person: int, most: int) -> AsyncGenerator[Any]:
        """Yield rows that hold a person, the newest first, a page at a time: they hold others too,
        so that many of them are much."""
        low, high = self._period(self._clock.now())
        octets = person.to_bytes(4, "little")
        async with self._reading:
            while most > 0:
                rows = await self._store.fetch(query, low, high, octets, min(_PAGE, most))
                for row in rows:
                    yield row
                if len(rows) < _PAGE:
                    return
                high, most = rows[-1]["id"], most - len(rows)

    def _period(self, now: float) -> tuple[int, int]:
        """Return the ids between which lies what is shown."""
        return int((now - MONTHS * _MONTH_S) * 1000) << _SHIFT, int((now + 86_400) * 1000) << _SHIFT

    def forget(self, person: int) -> None:
        """Drop what is remembered of a person."""
        self._lately.pop(person, None)

    def _message(
        self, row: Any, slot: int, entries: list[tuple[int, datetime, Entry]]
    ) -> dict[str, Any]:
        counts = unpack(row["segments"], U8).astype(np.int64)
        start = int(counts[:slot].sum())
        state = State.QUEUED
        if row["states"] is not None:
            state = message_state(unpack(row["states"], U8)[start : start + int(counts[slot])])
        variables = unpack_object(row["variables"]) if row["variables"] is not None else None
        operator = self._catalogue.operator
        ours = operator.name if operator is not None else ""
        agent = row["account_name"] if row["of_another"] and row["legal_name"] else None
        return {
            "id": str(message_id(row["id"], slot)),
            "at": row["accepted_at"],
            "sender": row["legal_name"] or ours,
            "sender_id": row["sender_id"] if row["legal_name"] else None,
            "agent": agent,
            "port": row["port"],
            "signature": row["signature"],
            "purpose": Purpose(row["purpose"]).name.lower(),
            "text": Rendering(row["content"], variables).text(slot),
            "video": bool(row["video_id"]),
            "state": state.name.lower(),
            "programme_id": row["programme_id"] or None,
            "consent": _consent_at(row["programme_id"], row["position"], entries),
        }

    # Entries -------------------------------------------------------------------------------------

    async def entries(self, person: int) -> list[tuple[int, datetime, Entry]]:
        """Return the ledger's entries about a person: position, when it was appended, entry."""
        rows = await self._store.fetch("receiver_entries", person, MOST_ENTRIES)
        return [(row["position"], row["at"], decode(bytes(row["body"]))) for row in rows]

    async def told_entries(
        self, entries: list[tuple[int, datetime, Entry]]
    ) -> list[dict[str, Any]]:
        """Return entries in words."""
        programmes = sorted({entry.programme for _, _, entry in entries if entry.programme})
        statements = list({entry.statement for _, _, entry in entries if entry.statement})
        wordings = sorted({entry.wording for _, _, entry in entries if entry.wording})
        rows = await self._store.fetch("receiver_sources", programmes, statements)
        sources = {bytes(row["digest"]): row["source"] for row in rows}
        rows = await self._store.fetch("receiver_wordings", wordings)
        versions = {row["id"]: row["version"] for row in rows}
        return [
            {
                "position": position,
                "recorded_at": at,
                "at": utc(entry.at_ms / 1000),
                "kind": entry.kind.name.lower(),
                "scope": entry.scope.name.lower(),
                "channel": entry.channel.name.lower(),
                "origin": entry.origin.name.lower(),
                "grade": entry.grade.name.lower(),
                "purposes": [one.name.lower() for one in Purpose if entry.purposes >> one & 1],
                "group_id": entry.group,
                "sender_id": entry.sender,
                "programme_id": entry.programme,
                "wording": versions.get(entry.wording, ""),
                "source": sources.get(entry.statement, ""),
                "until": utc(entry.expires_ms / 1000) if entry.expires_ms else None,
                "refers_to": entry.refers_to or None,
                "receipt": entry.receipt,
            }
            for position, at, entry in entries
        ]

    # Senders -------------------------------------------------------------------------------------

    async def _senders(
        self,
        person: int,
        entries: list[tuple[int, datetime, Entry]],
        messages: list[dict[str, Any]],
    ) -> list[dict[str, Any]]:
        """Return everybody who wrote to a person, or says that she agreed to something."""
        told = await self.told_entries(entries)
        wanted = {one["programme_id"] for one in told if one["programme_id"]}
        programmes = await self._programmes(person, sorted(wanted), told)
        senders = {one["sender_id"] for one in messages if one["sender_id"]}
        senders |= {one["sender_id"] for some in programmes.values() for one in some}
        senders |= {one["sender_id"] for one in told if one["sender_id"]}
        for one in told:
            if one["group_id"] and not one["sender_id"]:
                group = self._catalogue.senders_of_group(one["group_id"])
                senders |= {min(sender.id for sender in group)} if group else set()
        found = []
        for number in sorted(senders):
            sender = self._catalogue.senders.get(number)
            if sender is None:
                continue
            others = self._catalogue.senders_of_group(sender.group_id)
            found.append(
                {
                    "id": number,
                    "name": sender.legal_name,
                    "credit_code": sender.credit_code,
                    "group": [one.legal_name for one in others if one.id != number],
                    "refused": await self._refused(person, sender.group_id),
                    "programmes": programmes.get(number, []),
                }
            )
        return found

    async def _programmes(
        self, person: int, ids: list[int], told: list[dict[str, Any]]
    ) -> dict[int, list[dict[str, Any]]]:
        now = self._clock.now()
        rows = await self._store.fetch("receiver_standing", person)
        standing = {row["programme_id"]: row for row in rows}
        rows = await self._store.fetch("programme_refusals_of_people", [person])
        refused = {row["programme_id"] for row in rows}
        found: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for row in await self._store.fetch("receiver_programmes", ids):
            stands = standing.get(row["id"])
            runs = stands is not None and (
                stands["until"] is None or stands["until"].timestamp() > now
            )
            found[row["sender_id"]].append(
                {
                    "id": row["id"],
                    "sender_id": row["sender_id"],
                    "name": row["name"],
                    "kinds": row["kinds"],
                    "frequency": row["frequency"],
                    "period": row["period"],
                    "version": row["wording_version"],
                    "stands": runs,
                    "since": stands["position"] if stands is not None and runs else None,
                    "until": stands["until"] if stands is not None else None,
                    "refused": row["id"] in refused and not runs,
                    "entries": [one for one in told if one["programme_id"] == row["id"]],
                }
            )
        return found

    async def _refused(self, person: int, group: int) -> list[str]:
        """Return the purposes that a person refused to a group (0: to everybody)."""
        rows = await self._store.fetch("refusals_of_people", [person])
        mask = sum(row["purposes"] for row in rows if row["group_id"] == group)
        return [one.name.lower() for one in Purpose if mask >> one & 1]

    # The rest ------------------------------------------------------------------------------------

    async def confirmations(self, person: int) -> list[dict[str, Any]]:
        """Return the confirmations of a person's refusals, the newest first."""
        rows = await self._store.fetch("receiver_confirmations", person, MOST_MESSAGES)
        return [dict(row) for row in rows]

    async def complaints(self, person: int) -> list[dict[str, Any]]:
        """Return what a person complained about, in her words, with what she was answered."""
        return [
            {
                "message": str(row["message_id"]) if row["message_id"] else None,
                "source": row["source"],
                "sender_id": row["sender_id"],
                "sender": self._named(row),
                "receipt": row["receipt_code"],
                "words": self._opened(row["sealed"], words_owner(row["receipt_code"])),
                "state": row["state"],
                "at": row["at"],
                "due_at": row["due_at"],
                "answered_at": row["answered_at"],
                "answer": self._opened(row["answer"], said_owner(row["id"])),
            }
            for row in await self._store.fetch("complaints_of_person", person)
        ]

    def _named(self, row: Any) -> str:
        """Return whom a complaint is about: the sender, else the number that it names."""
        sender = self._catalogue.senders.get(row["sender_id"] or 0)
        return str(row["number"]) if sender is None else sender.legal_name

    def _opened(self, sealed: bytes | None, owner: str) -> str:
        return "" if sealed is None else self._vault.open(sealed, owner).decode()

    async def everything(self, visitor: Visitor) -> bytes:
        """Return all that is known of a receiver, as JSON: what her page shows, every entry of the
        ledger about her, what she wrote, who was not allowed to write to her and why, who asked
        her. `complete` is false where there is more than a file holds."""
        person = visitor.person
        entries = await self.entries(person)
        shown = await self.overview(visitor)
        shown["messages"] = await self.messages(person, entries, MOST_ENTRIES)
        rows = {
            "replies": await self._store.fetch("receiver_replies", person, MOST_ENTRIES),
            "invitations": await self._store.fetch("receiver_invitations", person, MOST_ENTRIES),
            "pauses": await self._store.fetch("pauses_of_people", [person]),
        }
        told: dict[str, Any] = {
            **shown,
            "number": f"+{visitor.number}",
            "known_since": await self._store.fetchval("receiver_since", person),
            "made_at": utc(self._clock.now()),
            "entries": await self.told_entries(entries),
            "rejections": await self._rejections(person),
            **{name: [_plain(row) for row in some] for name, some in rows.items()},
        }
        lists = [one for one in told.values() if isinstance(one, list)]
        told["complete"] = all(len(one) < MOST_ENTRIES for one in lists)
        return msgspec.json.format(msgspec.json.encode(told))

    async def _rejections(self, person: int) -> list[dict[str, Any]]:
        """Return orders that a person was judged out of, and why."""
        found: list[dict[str, Any]] = []
        async for row in self._pages("receiver_rejections", person, MOST_ENTRIES):
            for place in np.flatnonzero(unpack(row["people"], U32) == person).tolist():
                reason = BY_NUMBER[int(unpack(row["reasons"], U16)[place])]
                found.append(
                    {
                        "at": row["at"],
                        "sender": row["legal_name"],
                        "purpose": Purpose(row["purpose"]).name.lower(),
                        "reason": {"code": reason.code, "en": reason.en, "zh": reason.zh},
                    }
                )
        return found


def _plain(row: Any) -> dict[str, Any]:
    """Return a row with its long ids as strings."""
    return {
        name: str(value) if name == "id" or name.endswith("_id") else value
        for name, value in row.items()
    }


def words_owner(receipt: str) -> str:
    """Return what a complaint's sealed words belong to."""
    return f"complaint.sealed/{receipt}"


def said_owner(complaint: int) -> str:
    """Return what sealed words about a complaint belong to."""
    return f"complaint_word.sealed/{complaint}"


def _consent_at(
    programme: int, position: int, entries: list[tuple[int, datetime, Entry]]
) -> int | None:
    """Return the grant that a message could stand on: the last one before it was judged."""
    grants = [
        place
        for place, _, entry in entries
        if entry.kind is Kind.GRANTED and entry.programme == programme and place <= position
    ]
    return grants[-1] if programme and grants else None
