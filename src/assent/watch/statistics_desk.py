"""Statistics for staff: read from the database, made in another thread, told as JSON or CSV."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Any, Final

from assent.clock import Clock
from assent.errors import InvalidInput
from assent.flow.catalogue import Catalogue
from assent.flow.needs import Queries, Store, utc
from assent.flow.requests import Caller
from assent.flow.staff import check_staff
from assent.flow.statistics_kept import StatisticsKept
from assent.flow.statistics_requests import BY, StatisticsFile, StatisticsQuery
from assent.numbers import Name
from assent.watch.statistics_periods import Period, between
from assent.watch.statistics_published import (
    Fault,
    figure,
    province_place,
    read_published,
    read_users,
)
from assent.watch.statistics_rows import (
    Answered,
    Carried,
    Counted,
    Data,
    Names,
    Only,
    Users,
    cleaned,
    plain,
    restricted,
)
from assent.watch.statistics_sheets import to_csv
from assent.watch.statistics_tables import summary, tables

_FAULTS: Final = 100
"""Wrong rows that an answer names; the others are counted."""


class StatisticsDesk:
    """What is counted. Every method raises NotAllowed for people who are not of the staff."""

    def __init__(
        self, store: Store, clock: Clock, catalogue: Catalogue, provinces: Sequence[Name]
    ) -> None:
        self._store = store
        self._kept = StatisticsKept(store, clock)
        self._clock = clock
        self._catalogue = catalogue
        self._provinces = tuple(provinces)

    async def show(self, caller: Caller, query: StatisticsQuery) -> dict[str, Any]:
        """Return a publication (statistics_tables.py): `periods`, `tables`, and `published` where
        that is asked for. Nobody's number, text or words are in it. Raises InvalidInput."""
        check_staff(self._catalogue, caller)
        now = self._clock.now()
        periods = between(query.first, query.last, query.before, now)
        only = self._only(query)
        by = query.by or BY
        async with self._store.transaction(isolation="repeatable_read", read_only=True) as tx:
            read = [await _read(tx, period, "answer" in by) for period in periods]
            senders = {row["sender"] for one in read for row in one.complaints} - {0}
            rows = await tx.fetch("statistics_senders", sorted(senders))
            published = (
                await tx.fetch("statistics_published", [period.name for period in periods])
                if query.published
                else []
            )
        found = {row["id"]: (row["legal_name"], row["credit_code"]) for row in rows}
        names = Names(found, self._provinces)
        told: dict[str, Any] = {
            "made_at": utc(now).isoformat(),
            "by": list(by),
            "only": {name: getattr(query, name) for name in
                     ("type", "category", "carrier", "province", "source")},
        }  # fmt: skip

        def make() -> dict[str, Any]:
            left = [restricted(one.data(), only) for one in read]
            told["periods"] = [summary(one) for one in left]
            told["tables"] = tables(by, left, names, only, query.top, now)
            if query.published:
                told["published"] = [_beside(row, left) for row in published]
            return told

        return await asyncio.to_thread(make)

    async def csv(self, caller: Caller, query: StatisticsQuery, language: str) -> bytes:
        """Return the same as CSV, in `en` or `zh`."""
        told = await self.show(caller, query)
        return await asyncio.to_thread(to_csv, told, language)

    async def take_published(self, caller: Caller, request: StatisticsFile) -> dict[str, Any]:
        """Keep figures that a centre published; return what was new and which rows were wrong. The
        same file again changes nothing. Raises InvalidInput for what is no such file."""
        check_staff(self._catalogue, caller)
        figures, faults = read_published(request.file)
        told = await self._kept.keep(
            caller, "published", [astuple(f) for f in figures], len(faults)
        )
        return told | _named(faults)

    async def take_users(self, caller: Caller, request: StatisticsFile) -> dict[str, Any]:
        """Keep how many users carriers have; return what was new and which rows were wrong."""
        check_staff(self._catalogue, caller)
        users, faults = read_users(request.file, self._provinces)
        told = await self._kept.keep(caller, "users", [astuple(one) for one in users], len(faults))
        return told | _named(faults)

    def _only(self, query: StatisticsQuery) -> Only:
        province = None
        if query.province is not None:
            province = province_place(query.province, self._provinces)
            if province is None:
                raise InvalidInput(
                    "unknown_province", "there is no such province", field="province",
                    rule="statistics: filters", mend="give its name, such as 广东 or Guangdong",
                )  # fmt: skip
        return Only(query.type, query.category, query.carrier, province, query.source)


@dataclass(frozen=True, slots=True)
class _Read:
    """The rows of a period as the database told them. To make something of them may take a while,
    so it is done in another thread."""

    period: Period
    complaints: Sequence[Any]
    messages: Sequence[Any]
    waits: Sequence[Any]
    users: Sequence[Any]

    def data(self) -> Data:
        """Return them as they may be shown."""
        return Data(
            self.period,
            tuple(cleaned(Counted(*row) for row in self.complaints)),
            tuple(Carried(*row) for row in self.messages),
            tuple(_answered(row) for row in self.waits),
            tuple(Users(*row) for row in self.users),
        )


async def _read(queries: Queries, period: Period, answers: bool) -> _Read:
    begin, end = period.moments
    return _Read(
        period,
        await queries.fetch("statistics_complaints", begin, end),
        await queries.fetch("statistics_messages", begin, end),
        await queries.fetch("statistics_answers", begin, end) if answers else [],
        await queries.fetch("statistics_users", period.end),
    )


def _answered(row: Any) -> Answered:
    return Answered(
        row["source"], row["at"].timestamp(), _seconds(row["due_at"]), _seconds(row["answered_at"]),
        row["not_ours"], row["port_type"], row["carrier"], row["province"], plain(row["category"]),
    )  # fmt: skip


def _named(faults: Sequence[Fault]) -> dict[str, Any]:
    return {"faults": [one.told() for one in faults[:_FAULTS]]}


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def _beside(row: Mapping[str, Any], data: Sequence[Data]) -> dict[str, Any]:
    """Return a published figure with ours of the same period, None where we have none."""
    (one,) = [one for one in data if one.period.name == row["period"]]
    ours = row["ours"]
    return {
        "period": row["period"], "measure": row["measure"], "part": row["part"],
        "value": float(row["value"]), "unit": row["unit"], "ours": ours,
        "here": figure(ours, one) if ours else None, "source": row["source"],
        "doubt": row["doubt"],
    }  # fmt: skip
