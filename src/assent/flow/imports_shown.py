"""What is shown of imports, cases, and of those who bring consents; and voiding by a person's word.

Staff see everything but persons. A customer sees how an import of its own stands as a whole, of a
day ago, and of small ones only that they were taken: who imports one number and looks must not
learn what one person answered (DESIGN.md, promise 7).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import numpy as np

from assent.clock import Clock
from assent.errors import InvalidInput, NotFound
from assent.flow.catalogue import Catalogue
from assent.flow.days import midnight
from assent.flow.needs import Store, utc
from assent.flow.people import Directory
from assent.flow.requests import Caller, VoidRequest
from assent.flow.staff import check_staff, keep_act, sees_all
from assent.flow.voiding import begin
from assent.message import Grade
from assent.numbers import parse
from assent.registry.calendar import day_of

FEWEST_TOLD: Final = 50
_LAST: Final = (1 << 31) - 1
_STANDS_OUT: Final = 3.0
_REPORT: Final = ("imports", "rows", "with_findings", "turned_down", "voided", "asked", "yes",
                  "never", "silent")  # fmt: skip


class ImportsShown:
    """Reads imports and cases; voids."""

    def __init__(
        self, store: Store, clock: Clock, catalogue: Catalogue, directory: Directory
    ) -> None:
        self._store = store
        self._clock = clock
        self._catalogue = catalogue
        self._directory = directory

    async def imports(
        self, caller: Caller, cursor: int, limit: int, state: str | None
    ) -> dict[str, Any]:
        """Return imports, the latest first, before the cursor (0: from the latest). Staff see all,
        customers their own."""
        before = cursor or _LAST
        if sees_all(self._catalogue, caller):
            rows = await self._store.fetch("imports_shown", before, None, state, None, limit)
            items = [_for_staff(row) for row in rows]
        else:
            args = (before, caller.account_id, None, None, limit)
            rows = await self._store.fetch("imports_shown", *args)
            items = [self._for_customer(row) for row in rows]
        return {"items": items, "cursor": rows[-1]["id"] if len(rows) == limit else None}

    async def one(self, caller: Caller, number: int) -> dict[str, Any]:
        """Return an import. Raises NotFound for another's."""
        staff = sees_all(self._catalogue, caller)
        account = None if staff else caller.account_id
        rows = []
        if number < _LAST:
            rows = await self._store.fetch("imports_shown", _LAST, account, None, number, 1)
        if not rows:
            raise no_import()
        return _for_staff(rows[0]) if staff else self._for_customer(rows[0])

    def _for_customer(self, row: Any) -> dict[str, Any]:
        today = midnight(day_of(self._clock.now()))
        told = {"review": "in_review", "open": "taken", "refused": "refused"}
        state = told.get(row["state"], "opened")
        if row["state"] in ("voiding", "voided"):
            state = "voided" if row["voided_at"].timestamp() < today else "taken"
        young = state == "opened" and row["at"].timestamp() >= today
        if young or row["accepted"] < FEWEST_TOLD:
            state = "taken"
        return {**_common(row), "state": state}

    # Voiding ---------------------------------------------------------------------------------

    async def void(self, caller: Caller, request: VoidRequest) -> dict[str, Any]:
        """Void an import, or those by which one person came to stand with a sender. For staff, who
        say why: a complaint, or what they found. Raises NotFound, InvalidInput."""
        check_staff(self._catalogue, caller)
        if not request.reason.strip():
            raise InvalidInput(
                "missing", "a reason is missing", field="reason", rule="consent-checks: voiding",
                mend="say what the person said, without naming her",
            )  # fmt: skip
        numbers = await self._meant(request)
        now = self._clock.now()
        done = []
        for number in numbers:
            why = {"by": request.by, "words": request.reason, "act": "consent.void"}
            async with self._store.transaction() as tx:
                if await begin(tx, number, now, why):
                    done.append(str(number))
                    await keep_act(
                        tx, caller, now, "consent.void", f"consent_import/{number}", {},
                        {"state": "voiding", "by": request.by},
                    )  # fmt: skip
        return {"voided": done, "void_already": len(numbers) - len(done)}

    async def _meant(self, request: VoidRequest) -> list[int]:
        if (request.import_id is None) == (request.recipient is None):
            raise InvalidInput(
                "import_or_recipient", "either an import or a recipient is named", field="import",
                mend="give import, or recipient and sender",
            )  # fmt: skip
        if request.import_id is not None:
            word = request.import_id
            number = int(word) if word.isascii() and word.isdigit() and len(word) < 10 else 0
            rows = await self._store.fetch("imports_shown", _LAST, None, None, number, 1)
            if not rows:
                raise no_import()
            return [number]
        parsed = parse([request.recipient or ""])
        senders = [s for s in self._catalogue.senders.values() if s.credit_code == request.sender]
        if parsed.fault[0] or not senders:
            raise InvalidInput(
                "no_such_pair", "the recipient's number or the sender is wrong",
                field="recipient" if parsed.fault[0] else "sender",
                mend="give a phone number and a sender's credit code",
            )  # fmt: skip
        people = await self._directory.ids(self._store, parsed.msisdn, utc(self._clock.now()))
        person, group = int(people[0]), senders[0].group_id
        rows = await self._store.fetch("imports_of_person", person, group)
        if not rows:
            raise no_import()
        return [row["id"] for row in rows]

    # Cases and the report --------------------------------------------------------------------

    async def cases(
        self, caller: Caller, cursor: int, limit: int, state: str | None
    ) -> dict[str, Any]:
        """Return cases, the latest first, before the cursor. For staff."""
        check_staff(self._catalogue, caller)
        rows = await self._store.fetch("cases_shown", cursor or (1 << 63) - 1, state, limit)
        items = [
            {
                "id": str(row["id"]),
                "kind": row["kind"],
                "import": str(row["import_id"]),
                "account": row["account"],
                "sender": row["credit_code"],
                "sender_name": row["legal_name"],
                "state": row["state"],
                "opened_at": row["opened_at"],
                "closed_at": row["closed_at"],
                "evidence": json.loads(row["evidence"]),
            }
            for row in rows
        ]
        return {"items": items, "cursor": rows[-1]["id"] if len(rows) == limit else None}

    async def close(self, caller: Caller, case: int) -> dict[str, Any]:
        """Close a case. Raises NotFound for one that is not open."""
        check_staff(self._catalogue, caller)
        now = self._clock.now()
        async with self._store.transaction() as tx:
            row = await tx.fetchrow("case_close", case, utc(now))
            if row is None:
                raise NotFound(
                    "no_case", "there is no such open case", field="id", mend="see the list"
                )
            await keep_act(
                tx, caller, now, "case.close", f"consent_case/{case}", {"state": "open"},
                {"state": "closed"},
            )  # fmt: skip
        return {"id": str(case), "state": "closed"}

    async def importers(
        self, caller: Caller, since: datetime | None, to: datetime | None
    ) -> dict[str, Any]:
        """Return who brought consents in a period, and how they compare. For auditors.

        `stands_out`: of those asked, more said "never" than chance would make of what everybody's
        receivers say.
        """
        check_staff(self._catalogue, caller)
        for name, at in (("since", since), ("to", to)):
            if at is not None and at.tzinfo is None:
                raise InvalidInput(
                    "time_without_zone", "a time has no zone", field=name,
                    mend="write it like 2026-11-22T10:00:00+08:00",
                )  # fmt: skip
        now = self._clock.now()
        begin_at = since or utc(now - 30 * 86_400.0)
        end_at = to or utc(now + 1.0)
        rows = await self._store.fetch("importers", begin_at, end_at)
        return {"since": begin_at, "to": end_at, "items": compared(rows)}


def compared(rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Return importers with their shares, and who stands out of them."""
    asked = np.array([row["asked"] for row in rows], np.float64)
    never = np.array([row["never"] for row in rows], np.float64)
    items = []
    for place, row in enumerate(rows):
        others = asked.sum() - asked[place]
        usual = (never.sum() - never[place] + 0.5) / (others + 1.0)
        expected = asked[place] * usual
        # A count of rare answers spreads by its root.
        beyond = never[place] > expected + _STANDS_OUT * np.sqrt(max(expected, 1e-9))
        answers = row["yes"] + row["never"]
        items.append(
            {
                "account": row["account"],
                "kind": row["kind"],
                "key": row["key_id"],
                "actor": row["actor_id"],
                **{name: int(row[name]) for name in _REPORT},
                "yes_share": round(row["yes"] / answers, 4) if answers else None,
                "answer_share": round(answers / row["asked"], 4) if row["asked"] else None,
                "stands_out": bool(asked[place] and beyond and never[place] > 1),
            }
        )
    return items


def _common(row: Any) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "sender": row["credit_code"],
        "programme": row["programme"],
        "grade": Grade(row["grade"]).name.lower(),
        "source": row["source"],
        "accepted": row["accepted"],
        "refused": row["refused"],
        "at": row["at"],
    }


def _for_staff(row: Any) -> dict[str, Any]:
    counts = ("opened", "asked", "yes", "never", "silent", "unclear", "waiting")
    return {
        **_common(row),
        "delivery": str(row["lot"] or row["id"]),
        "account": row["account"],
        "key": row["key_id"],
        "actor": row["actor_id"],
        "state": row["state"],
        "voided_at": row["voided_at"],
        "findings": json.loads(row["findings"]),
        **{name: int(row[name]) for name in counts},
    }


def no_import() -> NotFound:
    """Return the error for an import that is not there for who asks."""
    return NotFound("no_import", "there is no such import", field="import", mend="see the list")
