"""Consents that end without a refusal: the relation is over, or nobody has written for long.

An agreed period needs nothing here: the entry GRANTED carries its end, and fold, tables, memory and
dispatch compare it with the time. What a customer or staff end is an entry EXPIRED a person; a
whole programme is ended in portions, for everybody whose consent is not newer than the order to.
Long disuse is a number of months in the rulebook (`disuse_months`, off as delivered: no rule that
we know names one).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from assent.clock import Clock
from assent.consent.entry import Channel, Entry, Kind, Origin
from assent.errors import InvalidInput, NotFound
from assent.flow.catalogue import Catalogue
from assent.flow.columns import U32, unpack
from assent.flow.commit import GROUP_CLASS
from assent.flow.consents import MOST_ROWS, answered, check_key
from assent.flow.erasure_requests import RelationEnd
from assent.flow.ledger import AT_ONCE, append
from assent.flow.needs import Store, utc
from assent.flow.order import Programme, Sender
from assent.flow.orders import account_of
from assent.flow.people import Directory
from assent.flow.projection import project
from assent.flow.requests import Caller
from assent.flow.staff import check_staff, keep_act
from assent.message import batch_id
from assent.numbers import FAULT_WORDS, Fault, NumberTable, parse
from assent.policy.rulebook import Rulebook

_PORTION: Final = 500
_MONTH: Final = timedelta(days=31)
_DAY_S: Final = 86_400.0


class Lapses:
    """Ends consents. :meth:`step` is called now and then by one process."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        catalogue: Catalogue,
        directory: Directory,
        rulebook: Rulebook,
        numbers: NumberTable,
    ) -> None:
        self._store = store
        self._clock = clock
        self._catalogue = catalogue
        self._directory = directory
        self._rulebook = rulebook
        self._numbers = numbers
        self._looked_at = 0.0
        self._left: list[tuple[int, int]] = []  # (programme, months) to look at for disuse
        self._after = 0
        self._written: npt.NDArray[np.uint32] | None = None

    # The relation is over ------------------------------------------------------------------

    async def end(
        self, caller: Caller, request: RelationEnd, *, key: str | None, sha: bytes
    ) -> bytes:
        """End consents to a sender of the caller's (staff: to any sender); return JSON. The answer
        is the same for people who stood and for those who did not."""
        earlier = await check_key(self._store, caller, key, sha)
        if earlier is not None:
            return earlier
        sender, staff = self._sender(caller, request.sender)
        programmes = self._programmes(sender, request.programme)
        now = self._clock.now()
        if request.to is None:
            return await self._end_whole(caller, sender, programmes, staff, key, sha)
        if not 1 <= len(request.to) <= MOST_ROWS:
            raise InvalidInput(
                "rows", f"a request names 1 to {MOST_ROWS} people", field="to",
                mend="split it into several requests",
            )  # fmt: skip
        parsed = parse(request.to)
        good = parsed.fault == 0
        people = np.unique(await self._directory.known(self._store, parsed.msisdn[good]))
        people = people[people != 0]
        for start in range(0, len(people), AT_ONCE // 2):
            part = people[start : start + AT_ONCE // 2].astype(np.int64).tolist()
            await self._end_some(sender, programmes, part, staff)
        if staff:
            await self._keep_act(caller, sender, programmes, int(good.sum()))
        faults = [
            {
                "row": row,
                "code": Fault(fault).name.lower(),
                "reason": FAULT_WORDS[Fault(fault)].en,
            }
            for row, fault in enumerate(parsed.fault.tolist())
            if fault
        ]
        return await answered(self._store, caller, key, sha, int(good.sum()), faults, now)

    def _sender(self, caller: Caller, code: str) -> tuple[Sender, bool]:
        if "support" in caller.scopes:
            check_staff(self._catalogue, caller)
            for sender in self._catalogue.senders.values():
                if sender.credit_code == code:
                    return sender, True
            raise NotFound("unknown_sender", "there is no such sender", field="sender")
        return self._catalogue.sender_for(account_of(self._catalogue, caller), code), False

    def _programmes(self, sender: Sender, name: str | None) -> list[Programme]:
        mine = [one for one in self._catalogue.programmes.values() if one.sender_id == sender.id]
        found = [one for one in mine if name in (None, one.name)]
        if not found:
            raise NotFound(
                "unknown_programme", "the sender has no such programme", field="programme",
                mend="name a programme of the sender, or none for all",
            )  # fmt: skip
        return sorted(found, key=lambda one: one.id)

    async def _end_some(
        self, sender: Sender, programmes: Sequence[Programme], people: list[int], staff: bool
    ) -> None:
        ids = [one.id for one in programmes]
        async with self._store.transaction() as tx:
            await tx.fetch("lock_exclusive", GROUP_CLASS, [sender.group_id])
            rows = await tx.fetch("standing_of_some", ids, people)
            origin = Origin.STAFF if staff else Origin.CUSTOMER
            now = self._clock.now()
            entries = [
                _expired(
                    sender, row["programme_id"], row["person_id"], row["position"], origin, now
                )
                for row in rows[:AT_ONCE]
            ]
            if entries:
                done = await append(tx, entries, utc(now))
                await project(tx, list(zip(done.positions, entries, strict=True)))
        if len(rows) > AT_ONCE:
            await self._end_some(sender, programmes, people, staff)

    async def _end_whole(
        self,
        caller: Caller,
        sender: Sender,
        programmes: Sequence[Programme],
        staff: bool,
        key: str | None,
        sha: bytes,
    ) -> bytes:
        now = self._clock.now()
        names = [one.name for one in programmes]
        answer = msgspec.json.encode({"programmes": names, "ends": True})
        async with self._store.transaction() as tx:
            for one in programmes:
                await tx.fetchval("programme_end_put", one.id, utc(now))
            if staff:
                told = {"sender": sender.credit_code, "programmes": names}
                await keep_act(tx, caller, now, "consents.end", sender.credit_code, {}, told)
            if key is not None:
                words = (caller.account_id, key, sha, answer, utc(now))
                await tx.fetchval("idempotency_insert", *words)
        return answer

    async def _keep_act(
        self, caller: Caller, sender: Sender, programmes: Sequence[Programme], rows: int
    ) -> None:
        told = {"programmes": [one.name for one in programmes], "rows": rows}
        async with self._store.transaction() as tx:
            now = self._clock.now()
            await keep_act(tx, caller, now, "consents.end", sender.credit_code, {}, told)

    # Portions ------------------------------------------------------------------------------

    async def step(self) -> bool:
        """End the next consents that are due; return whether there may be more."""
        row = await self._store.fetchrow("programme_ends_open")
        if row is not None:
            return await self._end_portion(row)
        return await self._disused()

    async def _end_portion(self, row: Any) -> bool:
        number = row["programme_id"]
        found = await self._store.fetch(
            "standing_until_position", number, row["position"], _PORTION
        )
        programme = self._catalogue.programmes.get(number)
        if programme is None:
            return False  # the catalogue will know it soon
        if not found:
            await self._store.execute("programme_end_done", row["id"], utc(self._clock.now()))
            return True
        sender = self._catalogue.senders[programme.sender_id]
        people = [one["person_id"] for one in found]
        await self._expire(sender, number, people, row["position"], Origin.CUSTOMER)
        return True

    async def _expire(
        self, sender: Sender, programme: int, people: list[int], until: int, origin: Origin
    ) -> None:
        """End what people have in a programme by grants up to a position."""
        async with self._store.transaction() as tx:
            await tx.fetch("lock_exclusive", GROUP_CLASS, [sender.group_id])
            rows = await tx.fetch("standing_of_some", [programme], people)
            now = self._clock.now()
            entries = [
                _expired(sender, programme, row["person_id"], row["position"], origin, now)
                for row in rows
                if row["position"] <= until
            ]
            if entries:
                done = await append(tx, entries, utc(now))
                await project(tx, list(zip(done.positions, entries, strict=True)))

    # Disuse --------------------------------------------------------------------------------

    async def _disused(self) -> bool:
        """Once a day look at every programme, a portion of its people a call."""
        now = self._clock.now()
        if not self._left:
            if now < self._looked_at + _DAY_S:
                return False
            self._looked_at = now
            months = {one.keeping.disuse_months for one in self._rulebook.profiles} - {0}
            self._left = [(one, m) for one in sorted(self._catalogue.programmes) for m in months]
            return bool(self._left)
        number, months_ = self._left[-1]
        programme = self._catalogue.programmes.get(number)
        if programme is None or not await self._disused_portion(programme, months_):
            self._left.pop()
            self._after, self._written = 0, None
        return bool(self._left)

    async def _disused_portion(self, programme: Programme, months: int) -> bool:
        before = utc(self._clock.now()) - months * _MONTH
        sender = self._catalogue.senders[programme.sender_id]
        if self._written is None:
            since = batch_id(int(before.timestamp() * 1000), 0)
            rows = await self._store.fetch("people_written_to", programme.id, since, sender.id)
            columns = [unpack(row["people"], U32) for row in rows]
            self._written = np.unique(np.concatenate(columns)) if columns else np.empty(0, U32)
        rows = await self._store.fetch("standing_old", programme.id, self._after, before, _PORTION)
        if not rows:
            return False
        self._after = rows[-1]["person_id"]
        numbers = np.array([row["msisdn"] or 0 for row in rows], np.uint64)
        profiles = self._rulebook.by_network[self._numbers.lookup(numbers).network]
        binds = np.array([one.keeping.disuse_months == months for one in self._rulebook.profiles])
        people = np.array([row["person_id"] for row in rows], np.uint32)
        over = binds[profiles] & ~np.isin(people, self._written)
        if over.any():
            last = max(row["position"] for row in rows)
            await self._expire(sender, programme.id, people[over].tolist(), last, Origin.PLATFORM)
        return True


def _expired(
    sender: Sender, programme: int, person: int, grant: int, origin: Origin, now: float
) -> Entry:
    return Entry(
        at_ms=int(now * 1000),
        kind=Kind.EXPIRED,
        person=person,
        group=sender.group_id,
        sender=sender.id,
        programme=programme,
        channel=Channel.PLATFORM if origin is Origin.PLATFORM else Channel.API,
        origin=origin,
        refers_to=grant,
    )
