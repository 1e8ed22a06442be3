"""Restrictions of a past time: as an hourly look would have found them, with other ceilings too."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import asyncpg
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from assent.flow.catalogue import Catalogue
from assent.flow.examine import Scope
from assent.flow.needs import utc
from assent.flow.replay_ceilings import CeilingReplay, Series, crossings
from assent.policy.ceilings import Ceiling, Counts, Past, ceilings_of, next_step
from assent.store import Store

HOUR = 3_600
BEGIN = 1_795_320_000 // HOUR * HOUR
ONE: dict[str, Any] = {
    "id": "complaints", "of": "complained", "by": ["sender"], "purposes": ["marketing"],
    "ceiling": 0.01, "least_messages": 100, "least_events": 3, "confidence": 0.95, "days": 1,
    "steps": [{"effect": "defer", "hours": 2}, {"effect": "reject", "hours": 24}],
    "calm_days": 2,
}  # fmt: skip
(CEILING,) = ceilings_of([ONE])


def slow(ceiling: Ceiling, rows: dict[int, tuple[int, int]], begin: int, end: int) -> list[Any]:
    """Return (hour, level, until) as somebody would who looks at every hour and adds up."""
    found: list[Any] = []
    past = None
    for at in range(begin, end, HOUR):
        since = max(at - ceiling.days * 86_400, found[-1][0] if found else 0)
        some = [one for hour, one in rows.items() if since <= hour < at]
        counts = Counts(sum(one[0] for one in some), sum(one[1] for one in some))
        taken = next_step(ceiling, counts, past, at)
        if taken is not None:
            level, step, _ = taken
            past = Past(level, at + step.hours * HOUR)
            found.append((at, level, past.ended))
    return found


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 120), st.integers(1, 400), st.integers(0, 30)), max_size=30),
    st.sampled_from([1, 2]),
    st.sampled_from([0.5, 2.0]),
)
def test_crossings_are_those_of_a_look_at_every_hour(
    counted: list[tuple[int, int, int]], days: int, calm: float
) -> None:
    ceiling = replace(CEILING, days=days, calm_days=calm)
    rows = {BEGIN + (hour - 24) * HOUR: (sent, min(sent, events))
            for hour, sent, events in counted}  # fmt: skip
    hours = np.array(sorted(rows), np.int64)
    columns = np.array([rows[hour] for hour in hours.tolist()], np.int64).reshape(-1, 2)
    series = Series(hours, columns[:, 0], columns[:, 1], columns[:, 0])
    end = BEGIN + 120 * HOUR
    found = crossings(ceiling, (1,), series, BEGIN, end)
    assert [(one.at, one.level, one.until) for one in found] == slow(ceiling, rows, BEGIN, end)
    for one in found:
        under = [rows[hour][0] for hour in rows if one.at <= hour < min(one.until, end)]
        assert one.sent == sum(under)


async def test_other_ceilings_over_stored_counts(fresh_store: Store, migrated_url: str) -> None:
    connection = await asyncpg.connect(migrated_url)
    for sender, complained in ((7, 30), (8, 4), (9, 0)):
        for hour in range(30):
            await connection.execute(
                "INSERT INTO rollup_hour (hour, port_id, sender_id, account_id, carrier, province,"
                " category, purpose, submitted, failed, complained)"
                " VALUES ($1, 1, $2, 1, 'mobile', 1, '', 3, 200, 10, $3)",
                utc(BEGIN + hour * HOUR), sender, complained if hour == 5 else 0,
            )  # fmt: skip
    await connection.close()
    scope = Scope(utc(BEGIN), utc(BEGIN + 30 * HOUR))
    stricter = ceilings_of(
        [{**ONE, "ceiling": 0.0005, "steps": [{"effect": "reject", "hours": 6}]}]
    )
    told = await CeilingReplay(fresh_store, Catalogue()).run(scope, [CEILING], stricter)
    assert told["in_force"] == {"restrictions": 1, "keys": 1, "would_concern": 2 * 200}
    assert (told["tried"]["restrictions"], told["tried"]["keys"]) == (2, 2)
    both, only = sorted(told["restrictions"], key=lambda one: one["key"]["sender"])
    assert (both["under"], only["under"]) == (["in_force", "tried"], ["tried"])
    assert both["from"] == utc(BEGIN + 6 * HOUR).isoformat()
    assert (both["messages"], both["events"]) == (6 * 190, 30)
    assert only["would_concern"] == 6 * 200
    same = await CeilingReplay(fresh_store, Catalogue()).run(scope, [CEILING], [CEILING])
    assert (same["only_tried"], same["only_in_force"]) == (0, 0)
