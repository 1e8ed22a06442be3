"""Counts as staff and customers ask for them: by names, with names.

Staff see everybody's. Customers see their own account's, and of people's acts only what can be told
of nobody: refusals as of the last daily batch (DESIGN.md, promise 7), and refusals and complaints
of whole days and of fifty messages at least.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

from assent.clock import Clock
from assent.errors import InvalidInput
from assent.flow.catalogue import Catalogue
from assent.flow.needs import Store, utc
from assent.flow.requests import Caller
from assent.flow.rollup_counts import HOUR_S, MEASURES
from assent.flow.rollups_read import DIMENSIONS, ZONE, Only, Step, Sum, failures, sums, told_until
from assent.flow.staff import check_staff, sees_all
from assent.message import Purpose
from assent.numbers import NumberTable

LEAST: Final = 50
"""Messages of a row of which a customer is told how many people refused and complained."""
MOST: Final = 10_000
_DEFAULT_S: Final = 7 * 86_400
_LONGEST_S: Final = 400 * 86_400
_PURPOSES: Final = {one.name.lower(): int(one) for one in Purpose}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked for. Names as customers write them: numbers of ports, credit codes of senders,
    names of accounts, provinces in Chinese or English."""

    since: datetime | None = None
    until: datetime | None = None
    by: Sequence[str] = ()
    step: str = ""
    ports: Sequence[str] = ()
    senders: Sequence[str] = ()
    accounts: Sequence[str] = ()
    carriers: Sequence[str] = ()
    provinces: Sequence[str] = ()
    categories: Sequence[str] = ()
    purposes: Sequence[str] = ()


class RollupsShown:
    """Tells counts. `daily_at_s`: when customers are told of refusals, behind midnight UTC."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        catalogue: Catalogue,
        numbers: NumberTable,
        daily_at_s: float,
    ) -> None:
        self._store = store
        self._clock = clock
        self._catalogue = catalogue
        self._numbers = numbers
        self._daily_at_s = daily_at_s

    async def sums(self, caller: Caller, wanted: Wanted) -> dict[str, Any]:
        """Return counts of a period, grouped and filtered. Raises InvalidInput."""
        staff = sees_all(self._catalogue, caller)
        since, until = self._period(wanted)
        only = self._only(caller, wanted, staff)
        known = None if staff else await told_until(self._store, self._daily_at_s)
        rows = await sums(
            self._store, since, until, wanted.by, only, step=cast(Step, wanted.step),
            told_until=known, most=MOST + 1,
        )  # fmt: skip
        told = staff or (wanted.step != "hour" and _is_midnight(since) and _is_midnight(until))
        return {
            "from": utc(since),
            "to": utc(until),
            "refused_until": None if known is None else utc(known),
            "items": [self._told(row, staff, told) for row in rows[:MOST]],
            "more": len(rows) > MOST,
        }

    async def failures(self, caller: Caller, wanted: Wanted) -> dict[str, Any]:
        """Return failures by their codes, for staff: no account is kept with them. Raises
        NotAllowed, InvalidInput."""
        check_staff(self._catalogue, caller)
        since, until = self._period(wanted)
        only = self._only(caller, wanted, True)
        rows = await failures(self._store, since, until, wanted.by, only, most=MOST + 1)
        items = []
        for row in rows[:MOST]:
            where = {"carrier": row.carrier, "port": self._port(row.port)}
            items.append({name: one for name, one in where.items() if one is not None})
            items[-1] |= {"code": row.code, "failed": row.n}
        return {
            "from": utc(since), "to": utc(until), "items": items, "more": len(rows) > MOST,
        }  # fmt: skip

    # What is asked ----------------------------------------------------------------------------

    def _period(self, wanted: Wanted) -> tuple[float, float]:
        now = self._clock.now()
        for field, at in (("from", wanted.since), ("to", wanted.until)):
            if at is not None and at.tzinfo is None:
                raise _wrong(field, "a time carries a zone", "write 2026-11-22T10:00:00+08:00")
        until = now if wanted.until is None else wanted.until.timestamp()
        until = -(-until // HOUR_S) * HOUR_S
        since = until - _DEFAULT_S if wanted.since is None else wanted.since.timestamp()
        since -= since % HOUR_S
        if not 0 < until - since <= _LONGEST_S:
            raise _wrong("from", "a period has an hour to 400 days", "set from and to apart")
        return since, until

    def _only(self, caller: Caller, wanted: Wanted, staff: bool) -> Only:
        accounts = {one.name: one.id for one in self._catalogue.accounts.values()}
        senders = {one.credit_code: one.id for one in self._catalogue.senders.values()}
        chosen = _ids(wanted.accounts, accounts)
        if not staff:
            # Another one's name is not told from one that there is not.
            chosen = {caller.account_id} & (chosen if wanted.accounts else {caller.account_id})
        return Only(
            ports=self._ports(wanted.ports) if wanted.ports else None,
            senders=_ids(wanted.senders, senders) if wanted.senders else None,
            accounts=chosen if wanted.accounts or not staff else None,
            carriers=set(wanted.carriers) or None,
            provinces=self._provinces(wanted.provinces) if wanted.provinces else None,
            categories=set(wanted.categories) or None,
            purposes=_known("purpose", wanted.purposes, _PURPOSES) if wanted.purposes else None,
        )

    def _ports(self, numbers: Sequence[str]) -> set[int]:
        return {one.id for one in self._catalogue.ports.values() if one.number in numbers}

    def _provinces(self, words: Sequence[str]) -> set[int]:
        names: dict[str, int] = {"unknown": 0}
        for place, name in enumerate(self._numbers.provinces):
            if place:
                names |= {name.zh: place, name.en.lower(): place}
        return _known("province", [word.lower() for word in words], names)

    # What is told -----------------------------------------------------------------------------

    def _told(self, row: Sum, staff: bool, told: bool) -> dict[str, Any]:
        item = {} if row.at is None else {"at": utc(row.at)}
        for name in DIMENSIONS:
            value = getattr(row, name)
            if value is not None:
                item[name] = self._named(name, value)
        counts: dict[str, Any] = {name: getattr(row, name) for name in MEASURES}
        if not staff and (not told or row.submitted < LEAST):
            counts |= {"refused": None, "complained": None}
        return item | counts

    def _named(self, name: str, value: Any) -> Any:
        if name == "port":
            return self._port(value)
        if name == "sender":
            sender = self._catalogue.senders.get(value)
            return "" if sender is None else sender.credit_code
        if name == "account":
            account = self._catalogue.accounts.get(value)
            return "" if account is None else account.name
        if name == "province":
            places = self._numbers.provinces
            known = 0 < value < len(places)
            return {"en": places[value].en, "zh": places[value].zh} if known else None
        if name == "purpose":
            return Purpose(value).name.lower() if value else ""
        return value

    def _port(self, id_: int | None) -> Any:
        if id_ is None:
            return None
        port = self._catalogue.ports.get(id_)
        return "" if port is None else port.number


def _is_midnight(at: float) -> bool:
    local = datetime.fromtimestamp(at, ZoneInfo(ZONE))
    return (local.hour, local.minute) == (0, 0)


def _ids(names: Sequence[str], known: Mapping[str, int]) -> set[int]:
    """Return the ids of names; one that nobody has is simply nobody's."""
    return {known[name] for name in names if name in known}


def _known(field: str, names: Sequence[str], known: Mapping[str, int]) -> set[int]:
    for name in names:
        if name not in known:
            raise _wrong(field, f"there is no {field} {name[:40]}", f"see docs/rollups.md: {field}")
    return {known[name] for name in names}


def _wrong(field: str, message: str, mend: str) -> InvalidInput:
    return InvalidInput("bad_grouping", message, field=field, rule="rollups: reading", mend=mend)
