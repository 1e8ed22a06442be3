"""What staff take out of cases: records for an authority, public notices, entries for credit
files. Each time is in the record of acts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from assent.errors import InvalidInput
from assent.flow.case_opening import WORKS, check_scope
from assent.flow.case_public import Credit, notice
from assent.flow.case_records import Records
from assent.flow.case_rows import Parts
from assent.flow.requests import Caller
from assent.flow.staff import keep_act


class CasesOut:
    """Hands out."""

    def __init__(self, parts: Parts, records: Records) -> None:
        self._parts = parts
        self._records = records
        self._credit = Credit(parts.store, parts)

    async def records(self, caller: Caller, number: int) -> dict[str, Any]:
        """Return the parts of a request that two persons agreed to."""
        check_scope(self._parts, caller, *WORKS)
        items = await self._records.listed(number)
        await self._keep(caller, "case.look", f"case/{number}", {"parts": len(items)})
        return {"items": items}

    async def record(self, caller: Caller, number: int, part: int) -> bytes:
        """Return the evidence bundle of a part."""
        check_scope(self._parts, caller, *WORKS)
        return await self._records.part(caller, number, part)

    async def notice(self, caller: Caller, number: int) -> dict[str, Any]:
        """Return the text of a public notice about a case."""
        check_scope(self._parts, caller, *WORKS)
        told = notice(self._parts, await self._parts.load(self._parts.store, number))
        await self._keep(caller, "case.notice", f"case/{number}", {"name": told["name"]})
        return told

    async def credit(
        self, caller: Caller, since: datetime | None, to: datetime | None
    ) -> dict[str, Any]:
        """Return entries for credit files."""
        check_scope(self._parts, caller, *WORKS, "audit")
        period = _period(since, to)
        told = await self._credit.entries(*period)
        await self._exported(caller, *period)
        return told

    async def credit_table(
        self, caller: Caller, since: datetime | None, to: datetime | None
    ) -> bytes:
        """Return the same as CSV."""
        check_scope(self._parts, caller, *WORKS, "audit")
        period = _period(since, to)
        told = await self._credit.table(*period)
        await self._exported(caller, *period)
        return told

    async def _exported(self, caller: Caller, since: datetime, to: datetime) -> None:
        period = {"from": since.isoformat(), "to": to.isoformat()}
        await self._keep(caller, "case.credit", "cases", period)

    async def _keep(self, caller: Caller, what: str, subject: str, after: dict[str, Any]) -> None:
        async with self._parts.store.transaction() as tx:
            await keep_act(tx, caller, self._parts.clock.now(), what, subject, {}, after)


def _period(since: datetime | None, to: datetime | None) -> tuple[datetime, datetime]:
    """Return a time that is whole. Raises InvalidInput."""
    if since is None or to is None or since.tzinfo is None or to.tzinfo is None or since >= to:
        raise InvalidInput(
            "bad_period", "the period has no zone or no length", field="to",
            mend="write times like 2026-11-22T10:00:00+08:00, the earlier first",
        )  # fmt: skip
    return since, to
