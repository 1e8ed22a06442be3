"""What callers ask of statistics and hand in for them, as typed structures."""

from __future__ import annotations

from typing import Annotated, Final, Literal, get_args

import msgspec

By = Literal[
    "type", "category", "port", "sender", "brand", "province", "carrier", "source", "answer"
]
BY: Final[tuple[By, ...]] = get_args(By)
ComplaintType = Literal["port", "point"]


class StatisticsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What is counted: periods as they are written (2026Q3), what tables are by (nothing: all), how
    many earlier periods stand in front, what is left in, how many places a ranking has, and whether
    published figures stand beside ours."""

    first: str | None = None
    last: str | None = None
    before: int = 1
    by: tuple[By, ...] = ()
    type: ComplaintType | None = None
    category: str | None = None
    carrier: str | None = None
    province: str | None = None
    source: str | None = None
    top: int = 10
    published: bool = False


class StatisticsFile(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """POST /v1/statistics/published and /v1/statistics/users: a CSV file as text."""

    file: Annotated[str, msgspec.Meta(min_length=1, max_length=2_000_000)]


STRUCTS = (StatisticsFile,)
