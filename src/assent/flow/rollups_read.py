"""Reading the counts: sums over a period by any dimensions, series by hour, day or month.

Ceilings, detectors and statistics read them here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from assent.errors import InvalidInput
from assent.flow.inbound import code_word
from assent.flow.needs import Queries, utc
from assent.flow.rollup_counts import MEASURES

DIMENSIONS: Final = ("port", "sender", "account", "carrier", "province", "category", "purpose")
ZONE: Final = "Asia/Shanghai"
"""Whose days and months are meant where nobody says."""
MOST: Final = 100_000
Step = Literal["", "hour", "day", "month"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Only:
    """What is counted, by ids, names and numbers; None: everything. `provinces`: places in the
    number table's list. `purposes`: numbers of :class:`assent.message.Purpose`."""

    ports: Collection[int] | None = None
    senders: Collection[int] | None = None
    accounts: Collection[int] | None = None
    carriers: Collection[str] | None = None
    provinces: Collection[int] | None = None
    categories: Collection[str] | None = None
    purposes: Collection[int] | None = None

    def arguments(self) -> list[list[Any] | None]:
        """Return them as `rollup_sums` takes them."""
        every = (
            self.ports, self.senders, self.accounts, self.carriers, self.provinces,
            self.categories, self.purposes,
        )  # fmt: skip
        return [None if some is None else list(some) for some in every]


EVERYTHING: Final = Only()


@dataclass(frozen=True, slots=True)
class Sum:
    """Counts of messages that were accepted in a period. Dimensions that were not asked for are
    None, and so is `at`, the beginning of the hour, day or month in seconds since 1970, without a
    step. 0 and '' are unknown."""

    at: float | None
    port: int | None
    sender: int | None
    account: int | None
    carrier: str | None
    province: int | None
    category: str | None
    purpose: int | None
    submitted: int
    delivered: int
    failed: int
    refused: int
    complained: int


@dataclass(frozen=True, slots=True)
class FailureSum:
    """Failures of one code. `code`: the number of a carrier's answer or the word of its report."""

    port: int | None
    carrier: str | None
    code: str
    n: int


async def sums(
    queries: Queries,
    since: float,
    until: float,
    by: Sequence[str] = (),
    only: Only = EVERYTHING,
    *,
    step: Step = "",
    zone: str = ZONE,
    told_until: float | None = None,
    most: int = MOST,
) -> list[Sum]:
    """Return counts of the hours from `since` up to `until` (excluded), added up `by` some of
    DIMENSIONS and by `step`, in this order; at most `most` rows. Without anything to group by it is
    one row, or none where nothing was sent. `told_until`: refusals only up to then, as customers
    know them. Raises InvalidInput for another dimension or step."""
    for one in by:
        if one not in DIMENSIONS:
            raise _wrong(
                "by", f"there is no {one} to group by", f"use some of {', '.join(DIMENSIONS)}"
            )
    if step not in ("", "hour", "day", "month"):
        raise _wrong("step", f"there is no step {step}", "use hour, day or month")
    rows = await queries.fetch(
        "rollup_sums", utc(since), utc(until), list(by), step, zone, *only.arguments(), most,
        None if told_until is None else utc(told_until),
    )  # fmt: skip
    return [
        Sum(
            None if row["at"] is None else row["at"].timestamp(),
            *(row[name] for name in (*DIMENSIONS, *MEASURES)),
        )
        for row in rows
    ]


async def failures(
    queries: Queries,
    since: float,
    until: float,
    by: Sequence[str] = (),
    only: Only = EVERYTHING,
    *,
    most: int = MOST,
) -> list[FailureSum]:
    """Return failures by code, and by port and carrier where `by` names them; most frequent first.
    Of `only` ports and carriers are heeded: codes are not kept by other dimensions."""
    for one in by:
        if one not in ("port", "carrier"):
            raise _wrong("by", "codes are kept by port and carrier", "use port, carrier")
    ports, _, _, carriers, *_ = only.arguments()
    rows = await queries.fetch(
        "rollup_failure_sums", utc(since), utc(until), list(by), ports, carriers, most
    )
    return [FailureSum(r["port"], r["carrier"], code_word(r["code"]), r["n"]) for r in rows]


async def told_until(queries: Queries, daily_at_s: float) -> float:
    """Return up to when customers know of refusals: the last daily batch, which runs `daily_at_s`
    behind midnight UTC (DESIGN.md, promise 7). 0: there was none."""
    day = await queries.fetchval("cursor_get", "daily")
    return 0.0 if day is None else day * 86_400.0 + daily_at_s


def _wrong(field: str, message: str, mend: str) -> InvalidInput:
    return InvalidInput("bad_grouping", message, field=field, rule="rollups: reading", mend=mend)
