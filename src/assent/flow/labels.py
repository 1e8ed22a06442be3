"""Labels: facts that a customer holds of people, by which audiences are chosen.

A label has its origin on record, and a programme whose declared kinds cover its use: people agreed
to *that*. It serves that programme only, and only people who stand in it are ever chosen by it. A
person who is erased is taken out of every label (:func:`forget_labels`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from assent.clock import Clock
from assent.errors import Conflict, InvalidInput, NotFound
from assent.flow.applications import refuse_sandbox
from assent.flow.audience_requests import LabelRequest
from assent.flow.catalogue import Catalogue
from assent.flow.columns import U32, pack, unpack
from assent.flow.needs import Queries, Store, Transaction, utc
from assent.flow.order import Programme
from assent.flow.orders import account_of
from assent.flow.people import Directory
from assent.flow.requests import Caller
from assent.numbers import FAULT_WORDS, Fault, parse

CHUNK: Final = 8_192
MOST_LABELS: Final = 1_000
_KINDS: Final = re.compile(r"[,，、;；/|\n]+")
_LISTED: Final = 1_000

People = npt.NDArray[np.uint32]


class Labels:
    """The labels of all accounts."""

    def __init__(
        self, store: Store, clock: Clock, catalogue: Catalogue, directory: Directory
    ) -> None:
        self._store = store
        self._clock = clock
        self._catalogue = catalogue
        self._directory = directory

    async def put(self, caller: Caller, request: LabelRequest) -> dict[str, Any]:
        """Put people under a label; return a report of wrong numbers. Who has it already stays.

        Raises InvalidInput `label_origin` without an origin, `label_not_covered` where the
        programme's kinds do not cover its use; Conflict for a label that says something else.
        """
        refuse_sandbox(caller)
        account = account_of(self._catalogue, caller)
        sender = self._catalogue.sender_for(account, request.sender)
        number = self._catalogue.programme_for(sender, request.programme, {})
        programme = self._catalogue.programmes[number]
        kind = await self._covered(programme, request)
        at = self._clock.now()
        parsed = parse(request.to)
        good = parsed.msisdn[parsed.fault == 0]
        ids = await self._directory.ids(self._store, good, utc(at), remember=False)
        people = np.unique(ids[ids > 0])
        async with self._store.transaction() as tx:
            label = await self._label(tx, account.id, programme, kind, request, at)
            new = np.setdiff1d(people, await members_of(tx, label), assume_unique=True)
            await _add(tx, label, new, at)
        wrong = np.flatnonzero(parsed.fault)[:_LISTED].tolist()
        return {
            "label": request.name,
            "accepted": len(good),
            "refused": len(request.to) - len(good),
            "faults": [_fault(row, Fault(int(parsed.fault[row]))) for row in wrong],
        }

    async def _covered(self, programme: Programme, request: LabelRequest) -> str:
        """Return the programme's own word for the kind that covers a label."""
        if not request.origin.strip():
            raise InvalidInput(
                "label_origin", "a label needs its origin on record", field="origin",
                rule="audiences: labels", mend="say how and from whom these facts were obtained",
            )  # fmt: skip
        kinds = kinds_of(await self._store.fetchval("programme_kinds", programme.id))
        wanted = request.kind.strip().casefold()
        found = next((kind for kind in kinds if kind.casefold() == wanted), None)
        if found is None:
            raise InvalidInput(
                "label_not_covered",
                "people who agreed to this programme did not agree to this use", field="kind",
                rule="CN-09", details={"kinds": kinds},
                mend="name one of the programme's kinds, or ask for consent to a programme whose"
                " wording says it",
            )  # fmt: skip
        return found

    async def _label(
        self, tx: Transaction, account: int, programme: Programme, kind: str,
        request: LabelRequest, at: float,
    ) -> int:  # fmt: skip
        words = (programme.id, kind, request.origin.strip())
        row = await tx.fetchrow("label_hold", account, request.name)
        if row is None:
            if len(await tx.fetch("labels_of", account)) >= MOST_LABELS:
                raise Conflict(
                    "labels_full", f"an account has at most {MOST_LABELS} labels", field="name",
                    mend="delete some: DELETE /v1/labels/{id}",
                )  # fmt: skip
            await tx.execute(
                "label_insert", account, programme.id, request.name, kind, words[2], utc(at)
            )
            row = await tx.fetchrow("label_hold", account, request.name)
            assert row is not None, "it was made, or is there"
        if (row["programme_id"], row["kind"], row["origin"]) != words:
            raise Conflict(
                "label_differs", "this label has another programme, kind or origin", field="name",
                mend="say the same as before, or choose another name",
            )  # fmt: skip
        return int(row["id"])

    async def listed(self, caller: Caller) -> dict[str, Any]:
        """Return the account's labels."""
        refuse_sandbox(caller)
        rows = await self._store.fetch("labels_of", caller.account_id)
        return {
            "items": [
                {
                    "id": str(row["id"]),
                    "name": row["name"],
                    "sender": row["credit_code"],
                    "programme": row["programme"],
                    "kind": row["kind"],
                    "origin": row["origin"],
                    "people": row["people"],
                    "created_at": row["created_at"],
                    "changed_at": row["changed_at"],
                }
                for row in rows
            ]
        }

    async def drop(self, caller: Caller, label: int) -> dict[str, Any]:
        """Delete a label with its people. Raises NotFound."""
        refuse_sandbox(caller)
        name = await self._store.fetchval("label_drop", label, caller.account_id)
        if name is None:
            raise no_label()
        return {"id": str(label), "name": name, "state": "deleted"}


def kinds_of(words: str) -> list[str]:
    """Return the kinds that a programme declares: its words, parted by commas and the like."""
    return [kind.strip() for kind in _KINDS.split(words) if kind.strip()]


async def members_of(queries: Queries, label: int) -> People:
    """Return the people under a label, ascending."""
    rows = await queries.fetch("label_chunks", label)
    if not rows:
        return np.empty(0, np.uint32)
    return np.unique(np.concatenate([unpack(row["people"], U32) for row in rows]))


async def forget_labels(tx: Transaction, person: int) -> int:
    """Take a person out of every label; return out of how many. For erasure, in its transaction."""
    mine = int(person).to_bytes(4, "little")
    labels: set[int] = set()
    for row in await tx.fetch("label_chunks_with", person, mine):
        people = unpack(row["people"], U32)
        left = people[people != person]
        if len(left) == len(people):
            continue  # the octets stood across two ids
        labels.add(row["label_id"])
        place = (row["label_id"], row["number"])
        if len(left):
            ends = int(left[0]), int(left[-1])
            await tx.execute("label_chunk_put", *place, *ends, pack(left, U32))
        else:
            await tx.execute("label_chunk_drop", *place)
    for label in sorted(labels):
        await tx.execute("label_less", label)
    return len(labels)


async def _add(tx: Transaction, label: int, people: People, at: float) -> None:
    if not len(people):
        return
    rows = await tx.fetch("label_chunks", label)
    number = rows[-1]["number"] + 1 if rows else 0
    for place, start in enumerate(range(0, len(people), CHUNK)):
        part = people[start : start + CHUNK]
        ends = int(part[0]), int(part[-1])
        await tx.execute("label_chunk_insert", label, number + place, *ends, pack(part, U32))
    await tx.execute("label_count", label, len(people), utc(at))


def _fault(row: int, fault: Fault) -> dict[str, Any]:
    return {"row": row, "code": fault.name.lower(), "reason": FAULT_WORDS[fault].en}


def no_label(names: Sequence[str] = ()) -> NotFound:
    """Return the error for a label that the caller does not have."""
    return NotFound(
        "no_label", f"there is no such label{': ' + ', '.join(names) if names else ''}",
        field="label", mend="see GET /v1/labels",
    )  # fmt: skip
