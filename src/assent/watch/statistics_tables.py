"""The tables of a publication: what is counted, by what, in which periods. Pure.

A table is JSON: `columns` (periods, or carriers), `measures`, `rows` with a `key`, words in English
and Chinese and a cell for each column, and `left_out`: complaints of each column that have no row
because what it is by is not known of them. docs/statistics.md defines every figure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from assent.watch import statistics_words as words
from assent.watch.statistics import quantile, share, share_bounds, shares
from assent.watch.statistics_rankings import brands, ports, senders
from assent.watch.statistics_rows import (
    FAMILIES,
    NATURES,
    Answered,
    Carried,
    Counted,
    Data,
    Names,
    Only,
    family,
    nature,
    users_of,
)
from assent.watch.statistics_shapes import (
    By,
    Table,
    by_size,
    column,
    counted_by,
    line,
    made,
    of_messages,
    of_periods,
    of_users,
    split,
    total,
)

_PARTS: Final = ("n", "share", "low", "high")
_RATES: Final = ("per_100m", "per_million")
_HOUR: Final = 3_600.0


def tables(
    by: Sequence[str], data: Sequence[Data], names: Names, only: Only, top: int, now: float
) -> list[Table]:
    """Return the tables that are by something, of periods from the oldest to the newest. `now`:
    until when an open complaint may be overdue, in seconds."""
    makers: dict[str, Callable[[], list[Table]]] = {
        "type": lambda: [_types(data)],
        "category": lambda: [
            _parts("category", data, lambda row: row.category, words.category, ()),
            _parts("family", data, lambda row: family(row.category), words.family, FAMILIES),
            _parts("nature", data, lambda row: nature(row.category), words.nature, NATURES),
        ],
        "port": lambda: [ports(data, names, top)],
        "sender": lambda: [senders(data, names, top)],
        "brand": lambda: brands(data, names, only, top),
        "province": lambda: [_provinces(data, names), _cross(data[-1], names)],
        "carrier": lambda: [_carriers(data), _cross(data[-1], names)],
        "source": lambda: [_parts("source", data, lambda row: row.source, words.source, ())],
        "answer": lambda: [_answers(data, now)],
    }
    found: dict[str, Table] = {}
    for one in by:
        for table in makers[one]():
            found.setdefault(table["name"], table)
    return list(found.values())


def summary(data: Data) -> dict[str, Any]:
    """Return a period in a few figures."""
    rows = data.complaints
    return {
        "name": data.period.name,
        "from": data.period.begin.isoformat(),
        "until": data.period.end.isoformat(),
        "complaints": total(rows),
        "port": total(row for row in rows if row.port_type),
        "point": total(row for row in rows if not row.port_type),
        "matched": total(row for row in rows if row.matched),
        "not_ours": total(row for row in rows if row.not_ours),
        "messages": sum(row.n for row in data.messages),
        "users": sum(users_of(data.users).values()),
        "per_100m": of_messages(rows, data.messages),
        "per_million": of_users(rows, data.users),
    }


# Parts of a whole ----------------------------------------------------------------------------


def _parts(
    name: str, data: Sequence[Data], by: By, told: words.Words, order: Sequence[str]
) -> Table:
    """Return a table of the parts of a whole: shares of each column add up to 100."""
    columns = [counted_by(one.complaints, by) for one in data]
    keys = {key for counts in columns for key in counts}
    ordered = [key for key in order if key in keys] if order else by_size(columns, keys)
    parts = [shares({key: counts[key] for key in ordered}) for counts in columns]
    rows = [
        line(key, told(key), [
            _part(counts[key], counts.total(), percents[key])
            for counts, percents in zip(columns, parts, strict=True)
        ])
        for key in ordered
    ]  # fmt: skip
    return made(name, of_periods(data), _PARTS, rows, [0] * len(data))


def _part(n: int, whole: int, percent: float) -> dict[str, Any]:
    bounds = share_bounds(n, whole)
    low, high = bounds if bounds is not None else (None, None)
    told = percent if whole else None
    return {"n": n, "share": told, "low": low, "high": high}


def _rated(
    table: Table,
    data: Sequence[Data],
    by: By,
    sent: Callable[[Carried], str],
    place: Callable[[str], tuple[str | None, int | None] | None],
) -> Table:
    """Return a table with the rates of its rows. `place`: the carrier and the province whose users
    a row is over; None: of nobody's."""
    for at, one in enumerate(data):
        rows, messages = split(one.complaints, by), split(one.messages, sent)
        for row in table["rows"]:
            key = row["key"]
            mine, where = rows.get(key, []), place(key)
            row["cells"][at] |= {
                "per_100m": of_messages(mine, messages.get(key, [])),
                "per_million": None if where is None else of_users(mine, one.users, *where),
            }
    return table | {"measures": [*_PARTS, *_RATES]}


def _types(data: Sequence[Data]) -> Table:
    """Port type against point to point, with the rate that each has in publications."""

    def by(row: Counted) -> str:
        return "port" if row.port_type else "point"

    table = _parts("type", data, by, words.kind, ("port", "point"))
    return _rated(table, data, by, lambda sent: "port", lambda key: (None, None))


def _carriers(data: Sequence[Data]) -> Table:
    table = _parts("carrier", data, lambda row: row.carrier, words.carrier, ())
    return _rated(table, data, lambda row: row.carrier, lambda sent: sent.carrier,
                  lambda key: (key, None))  # fmt: skip


def _province(row: Counted | Carried) -> str:
    return str(row.province or "")


def _provinces(data: Sequence[Data], names: Names) -> Table:
    def told(key: str) -> tuple[str, str]:
        return words.province(int(key or 0), names.provinces)

    table = _parts("province", data, _province, told, ())
    return _rated(table, data, _province, _province, lambda key: (None, int(key)) if key else None)


def _cross(data: Data, names: Names) -> Table:
    """Provinces by carriers, of the newest period."""
    carriers = _ordered(data, lambda row: row.carrier)
    rows = []
    counted = split(data.complaints, _province)
    carried = split(data.messages, _province)
    for key in _ordered(data, _province):
        place = int(key or 0)
        here, sent = counted[key], carried.get(key, [])
        apart = split(here, lambda row: row.carrier), split(sent, lambda row: row.carrier)
        cells = [
            _crossed(data, apart[0].get(one, []), apart[1].get(one, []), one, place)
            for one in carriers
        ]
        cells.append(_crossed(data, here, sent, None, place))
        rows.append(line(key, words.province(place, names.provinces), cells))
    columns = [column(key or "unknown", words.carrier(key)) for key in carriers]
    columns.append(column("all", words.ALL))
    table = made("province_carrier", columns, ("n", *_RATES), rows, [0] * len(columns))
    return table | {"period": data.period.name}


def _ordered(data: Data, by: By) -> list[str]:
    counts = counted_by(data.complaints, by)
    return by_size([counts], counts)


def _crossed(
    data: Data, rows: Sequence[Counted], sent: Sequence[Carried], carrier: str | None, place: int
) -> dict[str, Any]:
    users = of_users(rows, data.users, carrier, place) if place else None
    return {"n": total(rows), "per_100m": of_messages(rows, sent), "per_million": users}


# Answers -------------------------------------------------------------------------------------


def _answers(data: Sequence[Data], now: float) -> Table:
    sources = sorted({row.source for one in data for row in one.answers})
    rows = [
        line(source, words.source(source), [
            _answered([row for row in one.answers if row.source == source], now) for one in data
        ])
        for source in sources
    ]  # fmt: skip
    rows.append(line("all", words.ALL, [_answered(one.answers, now) for one in data]))
    measures = ("n", "answered", "open", "overdue", "late", "median_h", "p90_h", "in_time")
    return made("answer", of_periods(data), measures, rows, [0] * len(data))


def _answered(rows: Sequence[Answered], now: float) -> dict[str, Any]:
    """Return how soon complaints were answered, in hours from when they reached us.

    `in_time`: the share answered within the rule's limit, of those that were answered or whose
    limit is over; what is still open within its limit is not judged yet.
    """
    hours = [(r.answered_at - r.at) / _HOUR for r in rows if r.answered_at is not None]
    waiting = [r for r in rows if r.answered_at is None and not r.not_ours]
    overdue = sum(r.due_at is not None and r.due_at < now for r in waiting)
    limited = [r for r in rows if r.answered_at is not None and r.due_at is not None]
    late = sum((r.answered_at or 0) > (r.due_at or 0) for r in limited)
    median, p90 = quantile(hours, 0.5), quantile(hours, 0.9)
    return {
        "n": len(rows),
        "answered": len(hours),
        "open": len(waiting),
        "overdue": overdue,
        "late": late,
        "median_h": None if median is None else round(median, 1),
        "p90_h": None if p90 is None else round(p90, 1),
        "in_time": share(len(limited) - late, len(limited) + overdue),
    }
