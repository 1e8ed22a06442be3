"""Periods: years, quarters, months, days; those between two of them, and those before."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Final

from assent.errors import InvalidInput
from assent.numbers import CHINA_MINUTES

MOST: Final = 13
"""Periods side by side: a quarter's three years, or a year of months and the one before."""

_LONGEST: Final = timedelta(days=3_660)
_ZONE: Final = timezone(timedelta(minutes=CHINA_MINUTES))
_MONTHS: Final = {"year": 12, "quarter": 3, "month": 1}
_WORD: Final = re.compile(
    r"(?P<year>[0-9]{4})(?:Q(?P<quarter>[1-4])|-(?P<month>[0-9]{2})(?:-(?P<day>[0-9]{2}))?)?",
    re.ASCII | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Period:
    """Days in China from `begin` to before `end`. `kind`: year, quarter, month, days."""

    kind: str
    begin: date
    end: date

    @property
    def name(self) -> str:
        """How people write it: 2026, 2026Q3, 2026-09, 2026-09-01..2026-09-07."""
        if self.kind == "year":
            return f"{self.begin.year:04d}"
        if self.kind == "quarter":
            return f"{self.begin.year:04d}Q{(self.begin.month + 2) // 3}"
        if self.kind == "month":
            return self.begin.isoformat()[:7]
        last = self.end - timedelta(days=1)
        return f"{self.begin}" if last == self.begin else f"{self.begin}..{last}"

    @property
    def moments(self) -> tuple[datetime, datetime]:
        """The first moment, and the first after it, in UTC."""
        begin, end = (
            datetime(day.year, day.month, day.day, tzinfo=_ZONE) for day in (self.begin, self.end)
        )
        return begin.astimezone(UTC), end.astimezone(UTC)

    def before(self) -> Period:
        """Return the one of the same kind, or of as many days, that ends where this begins."""
        if self.kind == "days":
            return Period("days", self.begin - (self.end - self.begin), self.begin)
        return Period(self.kind, _months(self.begin, -_MONTHS[self.kind]), self.begin)

    def after(self) -> Period:
        """Return the one of the same kind that begins where this ends."""
        if self.kind == "days":
            return Period("days", self.end, self.end + (self.end - self.begin))
        return Period(self.kind, self.end, _months(self.end, _MONTHS[self.kind]))


def _months(day: date, by: int) -> date:
    place = day.year * 12 + day.month - 1 + by
    return date(place // 12, place % 12 + 1, 1)


def read(word: str, field: str) -> Period:
    """Return the period that a word names: 2026, 2026Q3, 2026-09, 2026-09-01.

    Raises InvalidInput for another word.
    """
    found = _WORD.fullmatch(word.strip())
    try:
        if found is None:
            raise ValueError
        year = int(found["year"])
        if not 1990 <= year <= 2200:
            raise ValueError
        if found["quarter"]:
            begin = date(year, int(found["quarter"]) * 3 - 2, 1)
            return Period("quarter", begin, _months(begin, 3))
        if found["day"]:
            begin = date(year, int(found["month"]), int(found["day"]))
            return Period("days", begin, begin + timedelta(days=1))
        if found["month"]:
            begin = date(year, int(found["month"]), 1)
            return Period("month", begin, _months(begin, 1))
        return Period("year", date(year, 1, 1), date(year + 1, 1, 1))
    except ValueError:
        raise InvalidInput(
            "unknown_period", "not a year, quarter, month or day", field=field,
            rule="statistics: periods", mend="write 2026, 2026Q3, 2026-09 or 2026-09-01",
        ) from None  # fmt: skip


def last_quarter(now: float) -> Period:
    """Return the last quarter that is over in China."""
    today = datetime.fromtimestamp(now, UTC).astimezone(_ZONE).date()
    begin = date(today.year, (today.month - 1) // 3 * 3 + 1, 1)
    return Period("quarter", begin, _months(begin, 3)).before()


def between(first: str | None, last: str | None, before: int, now: float) -> list[Period]:
    """Return periods side by side, oldest first.

    From one word to another of the same kind: each of them; two days are one period with both
    days in it. Without a first word: the last whole quarter. `before`: so many earlier ones in
    front. Raises InvalidInput.
    """
    begin = last_quarter(now) if first is None else read(first, "from")
    end = begin if last is None else read(last, "to")
    if first is None and last is not None:
        begin = end
    wrong = begin.kind != end.kind or end.begin < begin.begin
    if wrong or end.begin - begin.begin > _LONGEST:
        raise InvalidInput(
            "unknown_period", "from and to are not of one kind, not in order, or ten years apart",
            field="to", rule="statistics: periods",
            mend="write both alike, such as 2026Q1 and 2026Q3",
        )  # fmt: skip
    if begin.kind == "days":
        shown = [Period("days", begin.begin, end.end)]
    else:
        shown = [begin]
        while shown[-1].begin < end.begin and len(shown) <= MOST:
            shown.append(shown[-1].after())
    if len(shown) + before > MOST:
        raise InvalidInput(
            "too_many_periods", f"at most {MOST} periods stand side by side", field="from",
            rule="statistics: periods", mend="ask for fewer, or for longer ones",
        )  # fmt: skip
    for _ in range(before):
        shown.insert(0, shown[0].before())
    return shown
