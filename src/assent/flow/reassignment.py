"""Numbers that have a new holder: only a carrier's dated file says so, and staff bring it.

Each row ends the old person (REASSIGNED) and takes the number off; the number is marked, so whoever
has it next is a new person of whom only what the receiver herself gives counts. Nothing is told to
anybody about who that is.

A file tells how things stood on its day. Who did something herself afterwards (a reply, a grant or
a refusal of her own), or is known only since then, has the number still or already: such a row
closes nobody (`later`). Staff may say that the source is sure all the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

import numpy as np

from assent.clock import Clock
from assent.consent.entry import Channel, Entry, Kind, Origin, Scope
from assent.errors import InvalidInput
from assent.flow.commit import GROUP_CLASS
from assent.flow.ends import EVERYONE
from assent.flow.erasure import Journal, close_open
from assent.flow.erasure_requests import ReassignmentRequest
from assent.flow.ledger import AT_ONCE, append
from assent.flow.marks import Marks
from assent.flow.needs import Store, Transaction, utc
from assent.flow.projection import project
from assent.flow.requests import Caller
from assent.flow.staff import keep_act
from assent.flow.vault import Vault
from assent.numbers import FAULT_WORDS, Fault, parse

_COUNTS: Final = ("rows", "faulty", "closed", "unknown", "later")
_CHINA: Final = timedelta(hours=8)  # the days of Chinese carriers


class Reassignments:
    """Takes carriers' files. `journal`: where it is kept a second time who is over."""

    def __init__(
        self, store: Store, clock: Clock, vault: Vault, journal: Journal | None = None
    ) -> None:
        self._journal = journal
        self._store = store
        self._clock = clock
        self._vault = vault

    async def take(self, caller: Caller, request: ReassignmentRequest) -> dict[str, Any]:
        """Close the people of a file's numbers, all in one transaction; return counts and what came
        of each row. The same file again is answered with the counts, and closes nobody. Raises
        InvalidInput."""
        now = self._clock.now()
        _check(request, now)
        parsed = parse(request.numbers)
        numbers = np.unique(parsed.msisdn[parsed.fault == 0]).astype(np.int64).tolist()
        sha = hashlib.sha256("\n".join(request.numbers).encode()).digest()
        async with self._store.transaction() as tx:
            await tx.fetch("lock_exclusive", GROUP_CLASS, [EVERYONE])
            same = await tx.fetchrow("reassignment_file_same", request.source, request.dated, sha)
            if same is not None:
                counts = {word: same[word] for word in _COUNTS}
                return {"id": str(same["id"]), "repeated": True, **counts, "items": []}
            became = await self._close(tx, numbers, request, now)
            items = [
                _item(row, int(fault), became.get(int(number), "unknown"))
                for row, (number, fault) in enumerate(
                    zip(parsed.msisdn, parsed.fault, strict=True), start=1
                )
            ]
            counts = {
                "rows": len(items),
                "faulty": sum(item["result"] == "faulty" for item in items),
                "closed": sum(word == "closed" for word in became.values()),
                "unknown": len(numbers) - len(became),
                "later": sum(word == "later" for word in became.values()),
            }
            words = (request.source, request.dated, sha, *counts.values(), utc(now))
            who = (caller.account_id, caller.key_id, caller.actor_id)
            number = await tx.fetchval("reassignment_file_put", *words, *who)
            told = {"source": request.source, "dated": request.dated.isoformat(), **counts}
            told |= {"sure": request.sure}
            await keep_act(tx, caller, now, "person.reassigned", f"file:{number}", {}, told)
        return {"id": str(number), "repeated": False, **counts, "items": items}

    async def _close(
        self, tx: Transaction, numbers: list[int], request: ReassignmentRequest, now: float
    ) -> dict[int, str]:
        """Close people; return what became of each number that somebody had."""
        after = datetime.combine(request.dated + timedelta(days=1), time(), UTC) - _CHINA
        became: dict[int, str] = {}
        closed: dict[int, int] = {}
        for row in await tx.fetch("reassigned_people", numbers):
            acts = [row["created_at"], row["acted"], row["replied"]]
            later = any(at is not None and at >= after for at in acts)
            became[row["msisdn"]] = "later" if later and not request.sure else "closed"
            if became[row["msisdn"]] == "closed":
                closed[row["id"]] = row["msisdn"]
        if closed:
            entries = [_entry(person, now) for person in sorted(closed)]
            await close_people(tx, self._vault, closed, entries, utc(now), self._journal)
        return became

    async def sources(self) -> Mapping[str, Any]:
        """Return what each source told so far, in counts."""
        rows = await self._store.fetch("reassignment_sources")
        return {"items": [{name: _plain(value) for name, value in row.items()} for row in rows]}


async def close_people(
    tx: Transaction, vault: Vault, closed: Mapping[int, int], entries: Sequence[Entry],
    at: datetime, journal: Journal | None = None,
) -> None:  # fmt: skip
    """Close people whose numbers (person → number) have a new holder: `entries` say so, one for
    each, ascending. The caller holds the lock of all groups."""
    people, marks = sorted(closed), Marks(vault)
    told = None
    if journal is not None:
        told = journal.over(entries, [marks.digest(closed[one]) for one in people], True)
    for held in await tx.fetch("legal_holds_in_force", people, at):
        person = held["person_id"]
        sealed = vault.seal(str(closed[person]).encode(), hold_owner(person))
        await tx.execute("legal_hold_number", person, sealed, at)
    await tx.execute("person_numbers_off", people)
    await close_open(tx, people)
    await marks.put(tx, list(closed.values()), "reassigned", at)
    if told is not None:
        await told
    done = await append(tx, entries, at)
    await project(tx, list(zip(done.positions, entries, strict=True)))


def hold_owner(person: int) -> str:
    """Return what the sealed number of a person on legal hold belongs to."""
    return f"legal_hold.sealed/{person}"


def _check(request: ReassignmentRequest, now: float) -> None:
    if not request.source.strip() or len(request.source) > 100:
        raise InvalidInput(
            "missing", "the source has no name, or one of more than 100 characters", field="source",
            rule="erasure: reassignment", mend="name the carrier, as you did the last time",
        )  # fmt: skip
    if not 1 <= len(request.numbers) <= AT_ONCE:
        raise InvalidInput(
            "rows", f"a file has 1 to {AT_ONCE} rows a request", field="numbers",
            mend="send it in several requests",
        )  # fmt: skip
    if request.dated > (utc(now) + _CHINA).date():
        raise InvalidInput(
            "future", "the file is dated in the future", field="dated",
            rule="erasure: reassignment", mend="give the day that the carrier's file names",
        )  # fmt: skip


def _entry(person: int, now: float) -> Entry:
    return Entry(
        at_ms=int(now * 1000),
        kind=Kind.REASSIGNED,
        person=person,
        scope=Scope.PLATFORM,
        channel=Channel.API,
        origin=Origin.CARRIER,
    )


def _item(row: int, fault: int, result: str) -> dict[str, Any]:
    if not fault:
        return {"row": row, "result": result}
    words = FAULT_WORDS[Fault(fault)]
    code = Fault(fault).name.lower()
    return {"row": row, "result": "faulty", "code": code, "reason": words.en}


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | date | None) else int(value)
