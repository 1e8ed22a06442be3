"""What complaints come to beside their doors: replies that complain become complaints, exactly
once; what was left open at a door is found out; who lets a complaint lie is reminded.

Events of replies and complaints are read in the order of transactions, from where the last reader
was. Doing it again changes nothing: a reply is a complaint's reference, and what is found out is
written only where it differs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from assent.flow import complaint_mails as mails
from assent.flow.columns import unpack_object
from assent.flow.complaint_mappings import LONGEST_TEXT
from assent.flow.complaint_matching import Match, Matching, Sought, brand_of, unsigned
from assent.flow.complaints import KIND, Complaints, Intake, tell
from assent.flow.needs import Store, utc
from assent.flow.receiver_view import words_owner
from assent.flow.tidings import Tidings

_CURSOR: Final = "complaints"
_PORTION: Final = 200
_MOST_REMINDED: Final = 500
_KINDS: Final = ["reply", KIND]
_REPORTED: Final = frozenset({"carrier", "12321"})
"""Doors at which the words are the text that is reported."""
_SOON_DAYS: Final = (1, 3)
"""Working days before the end of a term from which staff are reminded: to pass on, to answer."""

Tell = Callable[[Sequence[str]], Awaitable[Sequence[str]]]
"""What categories texts are of: a code of screen/categories.py each, or ''."""


class ComplaintReading:
    """Run :meth:`step` in one process of an installation."""

    def __init__(
        self,
        store: Store,
        complaints: Complaints,
        categories: Tell,
        tidings: Tidings | None = None,
    ) -> None:
        self._store = store
        self._complaints = complaints
        self._categories = categories
        self._tidings = tidings
        self.made = 0
        self.completed = 0

    async def step(self) -> bool:
        """Read the next events; return whether there may be more."""
        seq = int(await self._store.fetchval("cursor_get", _CURSOR) or 0)
        rows = await self._store.fetch("events_after", seq, _KINDS, _PORTION)
        if not rows:
            return False
        replies = [row["subject"] for row in rows if row["kind"] == "reply"]
        # What the platform itself completed is not looked at again.
        new = [
            row["subject"] for row in rows
            if row["kind"] == KIND and unpack_object(row["payload"])["new"]
        ]  # fmt: skip
        matching = self._complaints.matching(self._store)
        if replies:
            await self._take(matching, replies)
        if new:
            await self._complete(matching, sorted(set(new)))
        await self._store.execute("cursor_set", _CURSOR, rows[-1]["seq"])
        return len(rows) == _PORTION

    # Replies -------------------------------------------------------------------------------------

    async def _take(self, matching: Matching, replies: Sequence[int]) -> None:
        """Make complaints of replies that complain. What they end, the reply itself has ended."""
        intakes = []
        for row in await self._store.fetch("complaining_replies", list(replies)):
            at, number = row["at"].timestamp(), row["destination"]
            person, carrier = row["person_id"], row["carrier"]
            match = await matching.find(Sought(person, at, number, "", carrier))
            intakes.append(
                Intake("reply", person, at, row["text"][:LONGEST_TEXT], match, number,
                       reference=str(row["id"]), carrier=carrier)
            )  # fmt: skip
        if intakes:
            async with self._store.transaction() as tx:
                now = self._complaints.clock.now()
                self.made += len(await self._complaints.put(tx, intakes, now))

    # What was left open --------------------------------------------------------------------------

    async def _complete(self, matching: Matching, ids: list[int]) -> None:
        rows = await self._store.fetch("complaints_to_complete", ids)
        found = [(row, await self._match(matching, row)) for row in rows]
        texts = [self._text(row, match) for row, match in found]
        asked = [place for place, text in enumerate(texts) if text]
        categories = [row["category"] for row in rows]
        if asked:
            told = await self._categories([unsigned(texts[place]) for place in asked])
            for place, category in zip(asked, told, strict=True):
                categories[place] = category or categories[place]
        now = self._complaints.clock.now()
        async with self._store.transaction() as tx:
            changed = []
            for (row, match), category in zip(found, categories, strict=True):
                brand = row["brand"] or match.brand or brand_of(match.text)
                if await tx.fetchval(
                    "complaint_complete", row["id"], match.message, match.sender, match.port,
                    match.account, match.matched, match.purpose, category, brand,
                ):  # fmt: skip
                    changed.append(row["id"])
            await tell(tx, changed, now, new=False)
        self.completed += len(changed)

    async def _match(self, matching: Matching, row: Any) -> Match:
        """Return what a complaint is about, with what was known of it."""
        known = Match(
            row["matched"], row["message_id"], row["sender_id"], row["account_id"], row["port_id"],
            row["purpose"], row["carrier"], row["brand"],
        )  # fmt: skip
        if known.message is not None:
            found = await matching.of_message(known.message)
            return found if found.matched else known
        if known.matched or row["source"] in _REPORTED or not row["person_id"]:
            return known
        at = row["complained_at"].timestamp()
        sought = Sought(
            row["person_id"], at, row["number"], "", row["carrier"], sender=known.sender
        )
        found = await matching.find(sought)
        # Whoever named a sender complains of it, whatever the number says.
        if found.matched and known.sender in (None, found.sender):
            return found
        if found.matched == "message":  # of the same group, as asked
            return found
        return known

    def _text(self, row: Any, match: Match) -> str:
        """Return the text that tells the category: what was sent, else what is reported where the
        other side named no category."""
        if match.text:
            return match.text
        if row["source"] not in _REPORTED or row["sealed"] is None:
            return ""
        if row["category"] and row["matched"] != "text":
            return ""
        owner = words_owner(row["receipt_code"])
        return self._complaints.vault.open(row["sealed"], owner).decode()

    # Days ----------------------------------------------------------------------------------------

    async def remind(self) -> int:
        """Note what must be passed on or answered soon, or is late, and mail the administrators
        about it once; return how many complaints that were."""
        now = self._complaints.clock.now()
        for row in await self._store.fetch("complaints_undated", _PORTION):
            forward, due = self._complaints.days(row["at"].timestamp())
            await self._store.execute("complaint_dated", row["id"], forward, due)
        soon = [self._complaints.calendar.after(now, days) for days in _SOON_DAYS]
        rows = await self._store.fetch(
            "complaints_to_remind", *map(utc, soon), utc(now), _MOST_REMINDED
        )
        if not rows:
            return 0
        async with self._store.transaction() as tx:
            noted = [
                row for row in rows
                if await tx.fetchval("complaint_remind", row["id"], row["about"], utc(now))
            ]  # fmt: skip
            operator = self._complaints.catalogue.operator
            if noted and self._tidings is not None and operator is not None:
                about: dict[str, list[int]] = {}
                for row in noted:
                    about.setdefault(row["about"], []).append(row["id"])
                await self._tidings.tell(tx, operator.id, mails.reminder(about))
        return len(noted)
