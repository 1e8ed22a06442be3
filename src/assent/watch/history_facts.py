"""The columns that detectors read, out of history: Parquet files of events (flow/history_rows.py).

What live watching counts order by order is counted here over the whole of a history at once, by
DuckDB: people new to a sender exactly, second requests and pressing by hours of the clock. What
orders named and nobody got (numbers that are none, people who refused), numbers and values are not
in history, so `unknown`, `barred`, `sequences` and `variables` have nothing to see in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np

from assent.errors import InvalidInput
from assent.message import Purpose
from assent.watch.pressing import AGAIN_S
from assent.watch.reading import OFFERS, PLACES
from assent.watch.records import NO_CATEGORY, Records
from assent.watch.rules import Rules

_COUNTS: Final = """
SELECT floor(epoch(accepted_at) / 3600)::BIGINT AS hour, sender, account, port, purpose,
    category::VARCHAR AS category, count(*) FILTER (kind = 1) AS submitted, count(*) FILTER (kind =
    2) AS delivered, count(*) FILTER (kind = 3) AS failed, count(*) FILTER (kind = 4) AS refused
FROM events WHERE purpose <> 5 GROUP BY ALL
"""
# The first time that a sender wrote to somebody counts where and when it did.
_STRANGERS: Final = """
SELECT floor(epoch(accepted_at) / 3600)::BIGINT AS hour, sender, account, port, purpose, count(*)
AS strangers FROM (SELECT sender, person, min(accepted_at) AS accepted_at,
        arg_min(account, accepted_at) AS account, arg_min(port, accepted_at) AS port,
        arg_min(purpose, accepted_at) AS purpose
    FROM events WHERE kind = 1 AND purpose <> 5 AND person > 0 GROUP BY sender, person)
GROUP BY ALL
"""
_CODES: Final = """
WITH codes AS (
    SELECT accepted_at, floor(epoch(accepted_at) / 3600)::BIGINT AS hour, sender, account, port,
        purpose, person, lag(accepted_at) OVER (PARTITION BY sender, person ORDER BY accepted_at)
    AS before FROM events WHERE kind = 1 AND purpose = $verification AND person > 0
), own AS (SELECT hour, person, sender, count(*) AS n FROM codes GROUP BY ALL),
pressed AS (SELECT hour, person, max(n) AS n, count(*) AS senders FROM own GROUP BY ALL
    HAVING max(n) >= $many OR count(*) >= $senders)
SELECT c.hour, c.sender, c.account, c.port, c.purpose,
    count(*) FILTER (epoch(c.accepted_at) - epoch(c.before) <= $again) AS again,
    count(*) FILTER (p.person IS NOT NULL) AS pressed
FROM codes c LEFT JOIN pressed p ON p.hour = c.hour AND p.person = c.person
GROUP BY ALL
"""
_KEYS: Final = ("hour", "sender", "account", "port", "purpose")


def records_of(files: Sequence[Path], rules: Rules, threads: int = 2) -> Records:
    """Return what files of events come to. Raises InvalidInput `bad_history` for what cannot be
    read.

    DuckDB keeps what is grouped and spills to its own temporary directory; what is returned is a
    row an hour, sender, account, port, purpose and category.
    """
    numbers = rules.of("bombing")
    given = {
        "verification": int(Purpose.VERIFICATION), "again": AGAIN_S,
        "many": int(numbers["pressed_codes"]), "senders": int(numbers["pressed_senders"]),
    }  # fmt: skip
    try:
        with duckdb.connect(config={"threads": threads}) as connection:
            connection.read_parquet([str(path) for path in files]).create_view("events")
            counts = _columns(connection.execute(_COUNTS))
            strangers = _columns(connection.execute(_STRANGERS))
            codes = _columns(connection.execute(_CODES, given))
    except duckdb.Error as error:
        raise InvalidInput(
            "bad_history", f"a file cannot be read ({type(error).__name__})", field="DIR",
            rule="early-warning: history", mend="name files that the export of history wrote",
        ) from None  # fmt: skip
    names = counts.pop("category")
    places = np.array([PLACES.get(name, NO_CATEGORY) for name in names], np.int64)
    offers = np.isin(places, sorted(OFFERS))
    counts["commercial"] = np.where(offers, counts["submitted"], 0)
    counts["written"] = counts["ordered"] = counts["submitted"]
    return _records(counts, places).joined(_records(strangers), _records(codes))


def _columns(found: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    return dict(found.fetchnumpy())


def _records(columns: dict[str, Any], places: Any = None) -> Records:
    keys = {name: columns[name].astype(np.int64) for name in _KEYS}
    if places is not None:
        keys["category"] = places
    counts = {
        name: values.astype(np.int64) for name, values in columns.items() if name not in _KEYS
    }
    return Records.of(keys, counts)
