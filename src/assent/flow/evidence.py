"""Gathering evidence: one person, one sender's group, a time; as it stands in our records.

The entries are proved by the tree; everything else is what the platform says of itself, signed as
a whole (consent/bundle.py). Reading goes over the batches of a sender and a time, so it takes its
time and is asked for by auditors only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np

from assent.clock import Clock
from assent.consent.bundle import Earlier, Evidence, Proved, build
from assent.consent.entry import decode
from assent.consent.note import PublicKey, SigningKey
from assent.errors import InvalidInput, NotFound
from assent.flow.columns import U8, U16, U32, U64, unpack, unpack_object
from assent.flow.evidence_consents import how_they_came
from assent.flow.evidence_entries import (
    MOST,
    best_known,
    check_count,
    history_of,
    settings_in_force,
    words_of,
)
from assent.flow.evidence_pdf import pdf
from assent.flow.evidence_words import README, page
from assent.flow.fold import message_state
from assent.flow.needs import Queries, Store, utc
from assent.flow.render import Rendering
from assent.flow.sealing import Head, tree_for
from assent.flow.written import batches_of
from assent.message import AttemptStatus, Purpose, State, message_id
from assent.numbers import parse
from assent.policy.reasons import BY_NUMBER
from assent.policy.reasons import unpack as unpack_findings

_RECEIPTS_S: Final = 7 * 86_400


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for. `to`: the moment after the last; both in UTC or with a zone."""

    recipient: str
    sender: str
    since: datetime
    to: datetime


class Gathering:
    """Makes bundles. `keys`: of the log and its witnesses, for who checks them."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        signer: SigningKey,
        keys: Sequence[PublicKey],
        unwitnessed: bool = False,
    ) -> None:
        """`unwitnessed`: the platform has no witnesses, which the bundle says."""
        self._unwitnessed = unwitnessed
        self._store = store
        self._clock = clock
        self._signer = signer
        self._keys = [signer.public, *(key for key in keys if key != signer.public)]

    async def bundle(self, wanted: Wanted) -> bytes:
        """Return the archive. Raises InvalidInput, NotFound, and Conflict where there is more than
        one bundle may hold."""
        if wanted.since.tzinfo is None or wanted.to.tzinfo is None or wanted.since >= wanted.to:
            raise InvalidInput(
                "bad_period", "the period has no zone or no length", field="to",
                mend="write times like 2026-11-22T10:00:00+08:00, the earlier first",
            )  # fmt: skip
        senders = await self._store.fetch("evidence_senders", wanted.sender)
        if not senders:
            raise NotFound("unknown_sender", "there is no such sender", field="sender")
        parsed = parse([wanted.recipient])
        person = await self._store.fetchrow("evidence_person", int(parsed.msisdn[0]))
        if parsed.fault[0] or person is None:
            raise NotFound("no_person", "nothing is known of this number", field="recipient")
        head, note = await best_known(self._store)
        gathered = _Gathered(self._store, wanted, senders, person, head)
        records = await gathered.records()
        entries = await gathered.entries()
        records |= await how_they_came(self._store, person["id"], entries)
        made_at = utc(self._clock.now()).isoformat(timespec="seconds")
        about = {
            "recipient": wanted.recipient,
            "sender": wanted.sender,
            "from": wanted.since.isoformat(),
            "to": wanted.to.isoformat(),
            "unwitnessed": self._unwitnessed,
            "senders": [
                {"credit_code": row["credit_code"], "legal_name": row["legal_name"]}
                for row in senders
            ],
        }
        period = (wanted.since, wanted.to)
        entries, documents = await settings_in_force(self._store, period, head, entries)
        records["readable.html"] = page(about, made_at, entries, records).encode()
        records["readable.pdf"] = pdf(about, made_at, entries, records)
        records |= documents
        history = await gathered.history()
        evidence = Evidence(about, made_at, note, self._keys, entries, records, history, README)
        return build(evidence, self._signer)


class _Gathered:
    def __init__(
        self, store: Queries, wanted: Wanted, senders: list[Any], person: Any, head: Head
    ) -> None:
        self._store = store
        self._wanted = wanted
        self._senders = {row["id"]: row for row in senders}
        self._group = senders[0]["group_id"]
        self._person, self._secret = person["id"], person["secret"]
        self._head = head
        self._positions: dict[int, str] = {}  # ledger position → what was decided at it
        self._low = int(wanted.since.timestamp() * 1000) << 11
        self._high = int(wanted.to.timestamp() * 1000) << 11

    async def records(self) -> dict[str, Any]:
        """Return the records by file name."""
        messages = await self._messages()
        return {
            "messages.json": messages,
            "rejections.json": await self._rejections(),
            "replies.json": await self._rows("evidence_replies", "reply"),
            "confirmations.json": await self._rows("evidence_confirmations", "confirmation"),
        }

    async def entries(self) -> list[Proved]:
        """Return the entries with their proofs."""
        rows = await self._store.fetch(
            "evidence_entries", self._person, self._group, self._head.size, MOST + 1
        )
        check_count(rows)
        words = await self._wordings()
        tree = await tree_for(self._store, self._head.size, *(row["position"] - 1 for row in rows))
        return [
            Proved(
                row["position"],
                bytes(row["body"]),
                bytes(self._secret or b""),
                tree.inclusion(row["position"] - 1, self._head.size),
                words_of(decode(bytes(row["body"])), row["at"], words),
            )
            for row in rows
        ]

    async def history(self) -> list[Earlier]:
        """Return the checkpoints that stood first after the positions that decisions were taken
        at."""
        return await history_of(self._store, self._head, self._positions)

    # Records -------------------------------------------------------------------------------

    async def _wordings(self) -> dict[int, dict[str, Any]]:
        rows = await self._store.fetch("evidence_wordings", list(self._senders))
        return {
            row["wording_id"] or -row["id"]: {
                "programme": row["name"],
                "kinds": row["kinds"],
                "frequency": row["frequency"],
                "period": row["period"],
                "channel": row["channel"],
                "wording": row["version"] or "",
            }
            for row in rows
        }

    async def _messages(self) -> list[dict[str, Any]]:
        batches = await batches_of(self._store, self._person, self._low, self._high)
        rows = await self._store.fetch(
            "evidence_batches", list(self._senders), batches, MOST + 1
        )  # fmt: skip
        check_count(rows)
        found = []
        for row in rows:
            for slot in np.flatnonzero(unpack(row["people"], U32) == self._person).tolist():
                found.append(await self._message(row, slot))
        return found

    async def _message(self, row: Any, slot: int) -> dict[str, Any]:
        counts = unpack(row["segments"], U8).astype(np.int64)
        start = int(counts[:slot].sum())
        state = State.QUEUED
        if row["states"] is not None:
            state = message_state(unpack(row["states"], U8)[start : start + int(counts[slot])])
        variables = unpack_object(row["variables"]) if row["variables"] is not None else None
        sender = self._senders[row["sender_id"]]
        number = message_id(row["id"], slot)
        self._positions.setdefault(row["position"], f"message {number}")
        return {
            "id": str(number),
            "sender": sender["credit_code"],
            "legal_name": sender["legal_name"],
            "account": row["account"],
            "instruction": _instruction(row),
            "purpose": Purpose(row["purpose"]).name.lower(),
            "port": row["port"],
            "signature": row["signature"],
            "carrier": row["carrier"],
            "text": Rendering(row["content"], variables).text(slot),
            "video": str(row["video_id"]) if row["video_id"] else None,
            "segments": int(counts[slot]),
            "state": state.name.lower(),
            "decision": {
                "verdict": "allow",
                "findings": [],
                "rulebook": row["rulebook"],
                "numbers": row["numbers"],
                "ledger_position": row["position"],
                "programme": row["programme_id"] or None,
                "template": row["template_id"] or None,
            },
            "accepted_at": row["accepted_at"].isoformat(),
            "not_before": row["not_before"].isoformat(),
            "expires_at": row["expires_at"].isoformat(),
            "attempts": await self._attempts(row["id"], slot),
            "receipts": await self._receipts(number, row["accepted_at"]),
        }

    async def _attempts(self, batch: int, slot: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for row in await self._store.fetch("evidence_attempts", batch):
            place = np.flatnonzero(unpack(row["slots"], U16) == slot)
            if not len(place):
                continue
            attempt = {
                "at": row["at"].isoformat(),
                "try": int(unpack(row["tries"], U8)[place[0]]),
                "answers": [],
            }
            if not found or {**found[-1], "answers": []} != attempt:
                found.append(attempt)
            if row["positions"] is not None:
                for i in np.flatnonzero(unpack(row["positions"], U16) == place[0]).tolist():
                    found[-1]["answers"].append(
                        {
                            "at": row["answered_at"].isoformat(),
                            "link": row["link"],
                            "segment": int(unpack(row["segments"], U8)[i]) + 1,
                            "status": AttemptStatus(unpack(row["statuses"], U8)[i]).name.lower(),
                            "code": int(unpack(row["codes"], U32)[i]),
                            "carrier_id": str(unpack(row["carrier_ids"], U64)[i]),
                        }
                    )
        return found

    async def _receipts(self, number: int, accepted: datetime) -> list[dict[str, Any]]:
        low = int(accepted.timestamp() * 1000) << 11
        high = low + (_RECEIPTS_S * 1000 << 11)
        mine = number.to_bytes(8, "little")
        found = []
        for row in await self._store.fetch("evidence_receipts", low, high, [mine]):
            for i in np.flatnonzero(unpack(row["messages"], U64) == number).tolist():
                found.append(
                    {
                        "at": row["at"].isoformat(),
                        "carrier": row["carrier"],
                        "segment": int(unpack(row["segments"], U8)[i]) + 1,
                        "state": State(int(unpack(row["states"], U8)[i])).name.lower(),
                    }
                )
        return found

    async def _rejections(self) -> list[dict[str, Any]]:
        mine = int(self._person).to_bytes(4, "little")
        rows = await self._store.fetch(
            "evidence_rejections", list(self._senders), self._low, self._high, mine, MOST + 1
        )
        check_count(rows)
        found = []
        for row in rows:
            for place in np.flatnonzero(unpack(row["people"], U32) == self._person).tolist():
                reason = BY_NUMBER[int(unpack(row["reasons"], U16)[place])]
                findings = unpack_findings(int(unpack(row["findings"], U64)[place]))
                self._positions.setdefault(row["position"], f"order {row['id']}")
                found.append(
                    {
                        "order": str(row["id"]),
                        "sender": self._senders[row["sender_id"]]["credit_code"],
                        "account": row["account"],
                        "purpose": Purpose(row["purpose"]).name.lower(),
                        "at": row["at"].isoformat(),
                        "decision": {
                            "verdict": "not allowed",
                            "reason": {"code": reason.code, "en": reason.en, "zh": reason.zh},
                            "findings": [
                                {"code": one.code, "en": one.en, "zh": one.zh} for one in findings
                            ],
                            "rulebook": row["rulebook"],
                            "numbers": row["numbers"],
                            "ledger_position": row["position"],
                        },
                    }
                )
        return found

    async def _rows(self, query: str, kind: str) -> list[dict[str, Any]]:
        """Return rows as they stand, ids as strings."""
        wanted = self._wanted
        rows = await self._store.fetch(
            query, self._person, self._group, wanted.since, wanted.to, MOST + 1
        )
        check_count(rows)
        return [
            {
                name: value.isoformat()
                if isinstance(value, datetime)
                else str(value)
                if name == "id" or name.endswith("_id")
                else value
                for name, value in row.items()
            }
            for row in rows
        ]


def _instruction(row: Any) -> dict[str, Any] | None:
    """Return what a customer signed for staff to order a message, None where it ordered itself."""
    if row["instruction_id"] is None:
        return None
    return {
        "id": str(row["instruction_id"]),
        "sha256": bytes(row["instruction_sha256"]).hex(),
        "grade": row["instruction_grade"],
    }
