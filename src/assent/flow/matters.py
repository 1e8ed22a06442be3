"""What lies on the review desk: items, and what other rooms plug in for their kinds of them.

A room that needs a person's decision opens an item in its own transaction (:func:`open_item`) and
has told the desk once what follows from a decision (:class:`Matter`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from assent.flow.needs import Queries, Transaction, utc
from assent.flow.requests import Caller, ReviewDecision
from assent.registry.calendar import Calendar

TERM_DAYS: Final = 2
"""Working days that a decision may take, unless the settings say otherwise."""

OPEN: Final = ("open", "asked", "second")
"""The states in which an item waits for somebody."""


@dataclass(frozen=True, slots=True)
class Note:
    """Why an item lies here, or what to look at. `more`: figures and ids that go with it; nothing
    about persons."""

    code: str
    en: str
    zh: str
    more: Mapping[str, Any] | None = None

    def told(self) -> dict[str, Any]:
        """Return it for people and programs."""
        return {"code": self.code, "en": self.en, "zh": self.zh, **(self.more or {})}


@dataclass(frozen=True, slots=True)
class Item:
    """Something to decide. `first`: the key and actor of who agreed first, where two must."""

    id: int
    kind: str
    subject: int
    account_id: int | None
    entity_id: int | None
    reviewers: int
    state: str
    opened_at: datetime
    due_at: datetime
    first: tuple[int, int | None] | None
    last: tuple[int, int | None] | None
    code: str
    reasons: list[dict[str, Any]]
    signals: list[dict[str, Any]]

    @classmethod
    def of(cls, row: Any) -> Item:
        """Return the item of a row."""
        first = None if row["first_key"] is None else (row["first_key"], row["first_actor"])
        last = None if row["last_key"] is None else (row["last_key"], row["last_actor"])
        return cls(
            row["id"],
            row["kind"],
            row["subject"],
            row["account_id"],
            row["entity_id"],
            row["reviewers"],
            row["state"],
            row["opened_at"],
            row["due_at"],
            first,
            last,
            row["code"],
            json.loads(row["reasons"]),
            json.loads(row["signals"]),
        )


class Matter:
    """What follows from decisions about one kind of item; a room subclasses it and hands it to
    :meth:`assent.flow.desk.Desk.plug`. Everything runs in the transaction of the decision, and an
    error leaves everything as it was."""

    kind: str = ""

    async def reviewers(self, tx: Queries, item: Item, at: float) -> int:
        """Return how many persons must agree, as things stand now: 1 or 2. Asked at each approval;
        it never lowers what the item says."""
        return item.reviewers

    async def check(self, tx: Queries, item: Item, caller: Caller) -> None:
        """Raise NotAllowed where this caller may not decide about this item at all."""

    async def said(
        self, tx: Transaction, item: Item, caller: Caller, at: float, request: ReviewDecision
    ) -> None:
        """Note what a person said, also where a second one has to agree; after it was done."""

    async def approve(
        self, tx: Transaction, item: Item, caller: Caller, at: float
    ) -> Mapping[str, Any]:
        """Do what an approval means; return what changed, for the record. Raises Conflict where it
        cannot be approved."""
        raise NotImplementedError

    async def refuse(
        self, tx: Transaction, item: Item, caller: Caller, at: float, code: str
    ) -> Mapping[str, Any]:
        """Do what a refusal means; return what changed, for the record."""
        raise NotImplementedError

    async def told(self, queries: Queries, item: Item, at: float) -> Mapping[str, Any]:
        """Return what a reviewer has to see of the subject; nothing secret."""
        return {}


async def open_item(
    tx: Transaction,
    kind: str,
    subject: int,
    *,
    at: float,
    account_id: int | None = None,
    entity_id: int | None = None,
    reviewers: int = 1,
    reasons: Iterable[Note] = (),
    signals: Iterable[Note] = (),
    calendar: Calendar | None = None,
    days: int = TERM_DAYS,
) -> int:
    """Put something up for decision and return the item's id. One that is open already for the same
    subject stays, with the new reasons and signals, and its term.

    `account_id`: who may be asked, and may answer. `reviewers`: how many persons must agree.
    """
    due = (calendar or Calendar()).after(at, days)
    item: int = await tx.fetchval(
        "review_item_open",
        kind,
        subject,
        account_id,
        entity_id,
        reviewers,
        json.dumps([note.told() for note in reasons], ensure_ascii=False),
        json.dumps([note.told() for note in signals], ensure_ascii=False),
        utc(at),
        utc(due),
    )
    return item


async def withdraw_item(tx: Transaction, kind: str, subject: int, at: float) -> bool:
    """Take the open item about a subject from the desk; return whether there was one."""
    return await tx.fetchval("review_item_withdraw", kind, subject, utc(at)) is not None
