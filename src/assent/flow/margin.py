"""What is left: what customers paid against what carriers ask, by carrier, port and customer.

Everything is whole micro-units. What belongs to several rows together (a package's rebate, a tier's
credit) is shared out by largest remainder, so that the parts add up to the whole exactly, however
one groups them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from assent.flow.needs import Store
from assent.flow.pricing import Plans, month_of, next_month
from assent.flow.tiers import add_up
from assent.message import Purpose

DIMENSIONS: Final = ("carrier", "port", "customer", "purpose")


@dataclass(slots=True)
class Row:
    """Usage of one account, day, purpose, carrier, channel, port and price, and what it came to."""

    account_id: int
    customer: str
    day: date
    purpose: int
    carrier: str
    channel: str
    port: str
    price: int
    segments: int
    failed: int
    currency: str
    cost: int = 0
    package_rebate: int = 0
    tier_credit: int = 0
    agent_rebate: int = 0
    unpriced: int = 0  # segments for which no rate of the carrier is known in the currency

    @property
    def revenue(self) -> int:
        """What the customer was charged and did not get back for failures."""
        return self.price * (self.segments - self.failed)


@dataclass(frozen=True, slots=True)
class Rate:
    """What a carrier asks from a day on. `port` '' and `purpose` None: any."""

    carrier: str
    port: str
    purpose: int | None
    channel: str
    from_day: date
    micro: int
    currency: str


@dataclass(slots=True)
class Package:
    """Segments bought for a time."""

    id: int
    carrier: str
    port: str
    purpose: int | None
    channel: str
    from_day: date
    to_day: date
    segments: int
    micro: int
    rebate_bp: int
    currency: str
    used: int = 0
    taken: list[tuple[Row, int]] = field(default_factory=list)  # rows, and how much of each


def share(total: int, weights: Sequence[int]) -> list[int]:
    """Share a whole out by weights; the parts add up to it exactly (largest remainder)."""
    whole = sum(weights)
    if whole == 0:
        return [0] * len(weights)
    parts = [total * weight // whole for weight in weights]
    rest = [(total * weight) % whole for weight in weights]
    left = total - sum(parts)
    for place in sorted(range(len(weights)), key=lambda place: (-rest[place], place))[:left]:
        parts[place] += 1
    return parts


def _fits(one: Rate | Package, row: Row) -> bool:
    return (
        one.carrier == row.carrier
        and one.channel == row.channel
        and one.port in ("", row.port)
        and one.purpose in (None, row.purpose)
        and one.currency == row.currency
    )


def cost(rows: Sequence[Row], rates: Sequence[Rate], packages: Sequence[Package]) -> None:
    """Fill in what each row cost: out of packages first, day by day, the rest at the rate of its
    day. Rows of one day share what is left of a package by their size."""
    by_day: dict[date, list[Row]] = defaultdict(list)
    for row in rows:
        by_day[row.day].append(row)
    for day in sorted(by_day):
        left = {id(row): row.segments for row in by_day[day]}
        for package in packages:
            if package.from_day <= day <= package.to_day:
                _take(package, [row for row in by_day[day] if _fits(package, row)], left)
        for row in by_day[day]:
            _rate(row, left[id(row)], rates)
    for package in packages:
        counts = [count for _, count in package.taken]
        whole = package.used * package.micro * package.rebate_bp // 10_000
        for (row, _), part in zip(package.taken, share(whole, counts), strict=True):
            row.package_rebate += part


def _take(package: Package, rows: list[Row], left: dict[int, int]) -> None:
    wanted = [left[id(row)] for row in rows]
    given = min(package.segments - package.used, sum(wanted))
    for row, count in zip(rows, share(given, wanted), strict=True):
        if count:
            left[id(row)] -= count
            package.used += count
            package.taken.append((row, count))
            row.cost += count * package.micro


def _rate(row: Row, count: int, rates: Sequence[Rate]) -> None:
    if not count:
        return
    fitting = [rate for rate in rates if rate.from_day <= row.day and _fits(rate, row)]
    rate = max(
        fitting,
        key=lambda rate: (rate.port != "", rate.purpose is not None, rate.from_day),
        default=None,
    )
    if rate is None:
        row.unpriced += count
    else:
        row.cost += count * rate.micro


def spread(rows: Sequence[Row], amount: int, what: str) -> None:
    """Add an amount to a column of some rows, by what each was charged."""
    for row, part in zip(rows, share(amount, [row.revenue for row in rows]), strict=True):
        setattr(row, what, getattr(row, what) + part)


def grouped(rows: Iterable[Row], by: Sequence[str]) -> list[dict[str, Any]]:
    """Return sums by some of :data:`DIMENSIONS`, a currency a row."""
    sums: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        names = {"carrier": row.carrier, "port": row.port, "customer": row.customer,
                 "purpose": Purpose(row.purpose).name.lower()}  # fmt: skip
        key = (row.currency, *(names[one] for one in by))
        total = sums.setdefault(
            key,
            {
                **{one: names[one] for one in by},
                "currency": row.currency,
                **dict.fromkeys(_SUMS, 0),
            },
        )
        for name, value in _figures(row).items():
            total[name] += value
    return [sums[key] for key in sorted(sums)]


_SUMS: Final = (
    "segments", "unpriced_segments", "charged_micro", "tier_credit_micro", "agent_rebate_micro",
    "carrier_cost_micro", "package_rebate_micro", "margin_micro",
)  # fmt: skip


def _figures(row: Row) -> dict[str, int]:
    margin = row.revenue - row.tier_credit - row.agent_rebate - row.cost + row.package_rebate
    figures = (
        row.segments, row.unpriced, row.revenue, row.tier_credit, row.agent_rebate, row.cost,
        row.package_rebate, margin,
    )  # fmt: skip
    return dict(zip(_SUMS, figures, strict=True))


async def margin(store: Store, begin: date, end: date, by: Sequence[str]) -> dict[str, Any]:
    """Return the margin of the days from `begin` until before `end`.

    Packages are used up in the order of days from their own first day on, so usage before `begin`
    is read, too. Months whose tiers are not settled yet are reckoned as if they ended now.
    """
    rates = [_rate_of(row) for row in await store.fetch("rates_all")]
    packages = [_package_of(row) for row in await store.fetch("packages_all")]
    first = min([begin, *(p.from_day for p in packages if p.to_day >= begin and p.from_day < end)])
    rows = [Row(*row.values()) for row in await store.fetch("usage_rows", month_of(first), end)]
    cost(rows, rates, packages)
    await _credits(store, rows)
    for paid in await store.fetch("rebates_paid", month_of(first), end):
        mine = [
            r
            for r in rows
            if r.account_id == paid["account_id"] and month_of(r.day) == paid["month"]
        ]
        spread(mine, paid["amount"], "agent_rebate")
    shown = [row for row in rows if begin <= row.day < end]
    return {
        "from": begin.isoformat(),
        "to": end.isoformat(),
        "by": list(by),
        "total": grouped(shown, ()),
        "rows": grouped(shown, by),
        "packages": [
            {
                "package": p.id,
                "carrier": p.carrier,
                "segments": p.segments,
                "used": p.used,
                "currency": p.currency,
                "price_micro": p.segments * p.micro,
                "unused_micro": (p.segments - p.used) * p.micro,
            }
            for p in packages
            if p.to_day >= begin and p.from_day < end
        ],
    }


async def _credits(store: Store, rows: Sequence[Row]) -> None:
    """Share out what tiers gave back, or would give back if the month ended now."""
    plans = Plans()
    await plans.load(store)
    months: dict[tuple[int, date], list[Row]] = defaultdict(list)
    for row in rows:
        months[row.account_id, month_of(row.day)].append(row)
    for (account, month), mine in months.items():
        lines = plans.of(account, month)
        if not lines:
            continue
        usage = await store.fetch("usage_of_month", account, month, next_month(month))
        for added in add_up(lines, usage):
            fitting = [r for r in mine if added.line.fits(r.purpose, r.carrier, r.channel)]
            spread(fitting, added.credit, "tier_credit")


def _rate_of(row: Any) -> Rate:
    return Rate(
        row["carrier"], row["port_number"], row["purpose"], row["channel"], row["from_day"],
        row["micro"], row["currency"],
    )  # fmt: skip


def _package_of(row: Any) -> Package:
    return Package(
        row["id"], row["carrier"], row["port_number"], row["purpose"], row["channel"],
        row["from_day"], row["to_day"], row["segments"], row["micro"], row["rebate_bp"],
        row["currency"],
    )  # fmt: skip
