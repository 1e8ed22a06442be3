"""Rankings of a publication: ports, senders, brands. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

from assent.watch import statistics_words as words
from assent.watch.statistics import moved, ranks, share
from assent.watch.statistics_rows import NONE, Carried, Counted, Data, Names, Only, family
from assent.watch.statistics_shapes import (
    By,
    Table,
    counted_by,
    line,
    made,
    of_messages,
    of_periods,
    split,
)

BRANDED: Final = ("wealth", "lending")
"""Families whose brands are ranked when no category is asked for."""

_RANKED: Final = ("rank", "change", "n", "share", "per_100m")


def _ranking(
    name: str,
    data: Sequence[Data],
    by: By,
    told: words.Words,
    top: int,
    sent: Callable[[Carried], str] | None = None,
) -> Table:
    """Return who has most complaints: everybody who is among the first `top` of a column, with
    places and what became of them since the column before."""
    columns = [counted_by(one.complaints, by) for one in data]
    whole = [counts.total() for counts in columns]
    left_out = [counts.pop(NONE, 0) for counts in columns]
    places = [ranks(counts) for counts in columns]
    keys = {key for ranked in places for key, place in ranked.items() if place <= top}
    mine = [split(one.complaints, by) if sent else {} for one in data]
    messages = [split(one.messages, sent) if sent else {} for one in data]
    rows = []
    for key in sorted(keys, key=lambda k: (*(p.get(k, 1 << 30) for p in reversed(places)), k)):
        cells = []
        for at in range(len(data)):
            cell = _placed(places, at, key, top)
            cell |= {"n": columns[at][key], "share": share(columns[at][key], whole[at])}
            if sent is not None:
                cell["per_100m"] = of_messages(mine[at].get(key, []), messages[at].get(key, []))
            cells.append(cell)
        rows.append(line(key, told(key), cells))
    measures = _RANKED if sent is not None else _RANKED[:-1]
    return made(name, of_periods(data), measures, rows, left_out) | {"top": top}


def _placed(places: Sequence[dict[str, int]], at: int, key: str, top: int) -> dict[str, Any]:
    """Return a place in a column, whether it is among the first, and how it came there."""
    rank = places[at].get(key)
    change, by = moved(places[at - 1].get(key), rank, top) if at else (None, 0)
    return {"rank": rank, "top": rank is not None and rank <= top, "change": change, "by": by}


def _of_ports(data: Sequence[Data]) -> list[Data]:
    return [
        Data(one.period, tuple(row for row in one.complaints if row.port_type), one.messages,
             one.answers, one.users)
        for one in data
    ]  # fmt: skip


def ports(data: Sequence[Data], names: Names, top: int) -> Table:
    """Return the ports with most complaints, and whom most of their complaints name."""
    owners: dict[str, Counter[str]] = {}
    for one in data:
        for row in one.complaints:
            owner = _owner(row, names)
            if row.port_type and owner:
                owners.setdefault(row.number, Counter())[owner] += row.n

    def told(number: str) -> tuple[str, str]:
        found = owners.get(number)
        name = min(found, key=lambda one: (-found[one], one)) if found else ""
        return name, name

    return _ranking("port", _of_ports(data), lambda row: row.number, told, top,
                    lambda sent: sent.number)  # fmt: skip


def _owner(row: Counted, names: Names) -> str:
    return names.senders[row.sender][0] if row.sender in names.senders else row.brand


def senders(data: Sequence[Data], names: Names, top: int) -> Table:
    """Return the senders with most complaints, of those that were matched to one."""

    def told(key: str) -> tuple[str, str]:
        name = names.senders.get(int(key), ("", ""))[0]
        return name, name

    table = _ranking("sender", data, lambda row: str(row.sender or ""), told, top,
                     lambda sent: str(sent.sender or ""))  # fmt: skip
    for row in table["rows"]:  # a credit code stays what it is when rows are entered again
        row["key"] = names.senders.get(int(row["key"]), ("", row["key"]))[1]
    return table


def brands(data: Sequence[Data], names: Names, only: Only, top: int) -> list[Table]:
    """Return a ranking inside each family, or inside the category that was asked for."""
    asked = [only.category] if only.category is not None else list(BRANDED)
    found = []
    for kind in asked:
        inside = [
            Data(one.period, tuple(row for row in one.complaints
                                   if kind in (row.category, family(row.category))),
                 one.messages, one.answers, one.users)
            for one in data
        ]  # fmt: skip
        table = _ranking("brand", inside, lambda row: row.brand or _owner(row, names),
                         lambda key: (key, key), top)  # fmt: skip
        found.append(table | {"name": f"brand:{kind}", "category": kind})
    return found
