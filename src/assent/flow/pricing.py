"""Prices: plans by purpose, carrier and channel, in tiers that a month's volume climbs.

The price of an order is that of the tier which the month has reached *as far as this process knows*
when it judges: never more than was truly accepted before. Prices only fall from tier to tier, so an
order may be charged too much for a while and never too little; what it was too much is found to the
last micro-unit when the month is over (:mod:`assent.flow.tiers`). So nothing is asked of the
database while an order is judged, and tier boundaries are exact whatever raced.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Any, Final

from assent.flow.needs import Queries
from assent.flow.order import SMS, VIDEO, Account
from assent.message import Purpose

ZONE: Final = timezone(timedelta(hours=8))
"""Days and months of contracts are China's, as in the schema (`spending_day`)."""


def spending_day(at: float) -> date:
    """Return the day on which something is spent."""
    return datetime.fromtimestamp(at, ZONE).date()


def month_of(day: date) -> date:
    """Return the first day of a day's month."""
    return day.replace(day=1)


def next_month(month: date) -> date:
    """Return the first day of the month after."""
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1)


def month_begin(month: date) -> datetime:
    """Return the moment at which a month begins."""
    return datetime(month.year, month.month, month.day, tzinfo=ZONE)


@dataclass(frozen=True, slots=True)
class Tiers:
    """Prices of a segment, never rising: `micro[i]` from segment `begins[i]` (from 0) on."""

    begins: tuple[int, ...]
    micro: tuple[int, ...]

    def at(self, count: int) -> int:
        """Return the price of the next segment after `count`."""
        return self.micro[bisect_right(self.begins, count) - 1]

    def graduated(self, count: int) -> int:
        """Return what the first `count` segments of a month cost, each at its tier's price."""
        ends = (*self.begins[1:], count)
        return sum(
            max(0, min(end, count) - begin) * price
            for begin, end, price in zip(self.begins, ends, self.micro, strict=True)
        )


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a plan. `purpose` None and `carrier` '': any."""

    id: int
    purpose: Purpose | None
    carrier: str
    channel: str
    tiers: Tiers

    def fits(self, purpose: int, carrier: str, channel: str) -> bool:
        """Return whether the line is for such a message."""
        return (
            self.channel == channel
            and self.purpose in (None, purpose)
            and self.carrier in ("", carrier)
        )


def line_for(lines: Iterable[Line], purpose: int, carrier: str, channel: str) -> Line | None:
    """Return the line that a message falls under: of those that fit the one that says most, its
    purpose before its carrier."""
    fitting = [line for line in lines if line.fits(purpose, carrier, channel)]
    return max(
        fitting, key=lambda line: (line.purpose is not None, line.carrier != ""), default=None
    )


def lines_of(rows: Iterable[Any]) -> dict[int, list[Line]]:
    """Return the lines of each plan, from rows of `price_lines`."""
    plans: dict[int, list[Line]] = {}
    for row in rows:
        purpose = None if row["purpose"] is None else Purpose(row["purpose"])
        tiers = Tiers(tuple(row["from_segments"]), tuple(row["micro"]))
        line = Line(row["id"], purpose, row["carrier"], row["channel"], tiers)
        plans.setdefault(row["plan_id"], []).append(line)
    return plans


class Plans:
    """Which plan an account has in which month."""

    def __init__(self) -> None:
        self.lines: dict[int, list[Line]] = {}
        self._of: dict[
            int, list[tuple[date, int]]
        ] = {}  # account → (from month, plan), latest last

    async def load(self, queries: Queries) -> None:
        """Read all of them anew."""
        lines = lines_of(await queries.fetch("price_lines"))
        of: dict[int, list[tuple[date, int]]] = {}
        for row in await queries.fetch("account_plans"):
            of.setdefault(row["account_id"], []).append((row["from_month"], row["plan_id"]))
        self.lines, self._of = lines, of

    def of(self, account: int, month: date) -> Sequence[Line]:
        """Return the lines of an account's plan in a month; none without a plan."""
        plan = next((p for begin, p in reversed(self._of.get(account, [])) if begin <= month), None)
        return () if plan is None else self.lines.get(plan, ())

    def accounts(self) -> list[int]:
        """Return the accounts that ever had a plan."""
        return sorted(self._of)


class Pricing:
    """What an order's segments cost, by what is in memory. `follow` brings in the month's volume
    every few seconds; behind it prices are too high at most."""

    def __init__(self) -> None:
        self.plans = Plans()
        self._volumes: Mapping[tuple[int, int], int] = {}  # (account, line) → segments this month
        self._month: date | None = None

    async def load(self, queries: Queries) -> None:
        """Read the plans anew."""
        await self.plans.load(queries)

    async def follow(self, queries: Queries, now: float) -> None:
        """Read how many segments each account has had accepted this month."""
        month = month_of(spending_day(now))
        accounts = self.plans.accounts()
        volumes: dict[tuple[int, int], int] = {}
        if accounts:
            for row in await queries.fetch("usage_sure", accounts, month, next_month(month)):
                lines = self.plans.of(row["account_id"], month)
                line = line_for(lines, row["purpose"], row["carrier"], row["channel"])
                if line is not None:
                    key = (row["account_id"], line.id)
                    volumes[key] = volumes.get(key, 0) + int(row["segments"])
        self._volumes, self._month = volumes, month

    def price(self, account: Account, purpose: int, carrier: str, channel: str, at: float) -> int:
        """Return the price of a segment in micro-units; that of the account where it has no plan,
        or none that says anything of such messages."""
        lines = self.plans.of(account.id, month := month_of(spending_day(at)))
        if lines:
            line = line_for(lines, purpose, carrier, channel)
            if line is not None:
                known = self._volumes.get((account.id, line.id), 0) if month == self._month else 0
                return line.tiers.at(known)
        return account.price if channel == SMS else account.video_price or 0

    def sells_video(self, account: Account, purpose: int, carriers: Iterable[str]) -> bool:
        """Return whether an account has a price of such video messages on each of some carriers (as
        of the last `follow`)."""
        if account.video_price is not None:
            return True
        lines = () if self._month is None else self.plans.of(account.id, self._month)
        return all(line_for(lines, purpose, carrier, VIDEO) is not None for carrier in carriers)
