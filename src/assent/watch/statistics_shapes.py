"""What all tables of a publication share: counts by a key, rates, and their JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, Final, TypeVar

from assent.watch.statistics import rate
from assent.watch.statistics_rows import NONE, Carried, Counted, Data, Users, users_of

Row = TypeVar("Row")
Key = TypeVar("Key", bound=Hashable)
Table = dict[str, Any]
By = Callable[[Counted], str]

MESSAGES: Final = 100_000_000
USERS: Final = 1_000_000


def total(rows: Iterable[Counted]) -> int:
    """Return how many complaints rows stand for."""
    return sum(row.n for row in rows)


def of_messages(rows: Iterable[Counted], messages: Iterable[Carried]) -> dict[str, Any] | None:
    """Return complaints per 100 million messages: those of port type that were matched to what we
    sent and not judged another's, over messages accepted."""
    n = total(row for row in rows if row.port_type and row.matched and not row.not_ours)
    return rate(n, sum(row.n for row in messages), MESSAGES)


def of_users(
    rows: Iterable[Counted],
    users: Sequence[Users],
    carrier: str | None = None,
    province: int | None = None,
) -> dict[str, Any] | None:
    """Return complaints per million users, of both types, of those people only whose carriers' (and
    provinces') users are known."""
    cells = users_of(users, carrier, province)
    n = total(r for r in rows if (r.carrier, 0) in cells or (r.carrier, r.province) in cells)
    return rate(n, sum(cells.values()), USERS)


def split(rows: Iterable[Row], by: Callable[[Row], Key]) -> dict[Key, list[Row]]:
    """Return rows by a key."""
    found: dict[Key, list[Row]] = {}
    for row in rows:
        found.setdefault(by(row), []).append(row)
    return found


def counted_by(rows: Iterable[Counted], by: By) -> Counter[str]:
    """Return how many complaints there are of each key."""
    found: Counter[str] = Counter()
    for row in rows:
        found[by(row)] += row.n
    return found


def by_size(columns: Sequence[Counter[str]], keys: Iterable[str]) -> list[str]:
    """Return keys, those with most in the newest column first; what is not known comes last."""
    newest = list(reversed(columns))
    return sorted(
        keys, key=lambda key: (key == NONE, [-counts[key] for counts in newest], key)
    )  # fmt: skip


def of_periods(data: Sequence[Data]) -> list[dict[str, str]]:
    """Return a column a period."""
    return [column(one.period.name, (one.period.name, one.period.name)) for one in data]


def column(key: str, told: tuple[str, str]) -> dict[str, str]:
    """Return a column; `told`: its words in English and Chinese."""
    return {"key": key, "en": told[0], "zh": told[1]}


def line(key: str, told: tuple[str, str], cells: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a row, a cell a column."""
    return {"key": key, "en": told[0], "zh": told[1], "cells": cells}


def made(
    name: str,
    columns: list[dict[str, str]],
    measures: Sequence[str],
    rows: list[dict[str, Any]],
    left_out: list[int],
) -> Table:
    """Return a table."""
    return {
        "name": name,
        "columns": columns,
        "measures": list(measures),
        "rows": rows,
        "left_out": left_out,
    }
