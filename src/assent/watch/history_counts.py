"""History counted: Parquet files of what happened (flow/history.py) made the same counts an hour as
the database keeps, by DuckDB, which reads them in columns and in parallel."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa

from assent.errors import InvalidInput
from assent.flow.history import NAME
from assent.flow.history_rows import VERSION

# Kinds of rows are those of flow/history_rows.py.
_HOURS: Final = """
SELECT date_trunc('hour', accepted_at) AS hour, port, sender, account, carrier, province, category,
    purpose, count(*) FILTER (kind = 1) AS submitted, count(*) FILTER (kind = 2) AS delivered,
    count(*) FILTER (kind = 3) AS failed, count(*) FILTER (kind = 4) AS refused,
    count(*) FILTER (kind = 5) AS complained
FROM events GROUP BY ALL
"""
_CODES: Final = """
SELECT date_trunc('hour', accepted_at) AS hour, port, carrier, code, count(*) AS n
FROM events WHERE kind = 3 GROUP BY ALL
"""


@dataclass(frozen=True, slots=True)
class HistoryCounts:
    """Counts of history. `hours` has the columns of `rollup_hour` without `_id`, `codes` those of
    `rollup_failure`; hours are naive and in UTC, rows in no order. `events`: rows that were
    read."""

    hours: pa.Table
    codes: pa.Table
    events: int


def files_of(directories: Sequence[Path]) -> list[Path]:
    """Return the files of exported directories. Raises InvalidInput for one that is none or not
    finished, of another version, or of a period that another one covers too."""
    files: list[Path] = []
    periods: list[tuple[str, str, Path]] = []
    for directory in directories:
        try:
            manifest = json.loads((directory / NAME).read_bytes())
            version, names = manifest["version"], [one["name"] for one in manifest["files"]]
            periods.append((manifest["from"], manifest["to"], directory))
        except (OSError, ValueError, KeyError, TypeError):
            raise _wrong("bad_history", f"{directory.name} holds no finished history") from None
        if version != VERSION:
            raise _wrong("bad_history", f"{directory.name} is of version {version}")
        files += [directory / Path(name).name for name in names]
    periods.sort()
    for (_, end, _), (begin, _, directory) in pairwise(periods):
        if begin < end:
            raise _wrong("history_overlaps", f"{directory.name} begins before another one ends")
    return files


def counts_of(files: Sequence[Path], threads: int = 2) -> HistoryCounts:
    """Return the counts of files of events. Raises InvalidInput for what cannot be read."""
    with opened(files, threads) as connection:
        try:
            hours, codes = connection.sql(_HOURS), connection.sql(_CODES)
            told = connection.sql("SELECT count(*) FROM events").fetchall()
            return HistoryCounts(hours.to_arrow_table(), codes.to_arrow_table(), told[0][0])
        except duckdb.Error as error:
            raise _wrong("bad_history", f"a file cannot be read ({type(error).__name__})") from None


def opened(files: Sequence[Path], threads: int = 2) -> duckdb.DuckDBPyConnection:
    """Return a connection in memory with the view `events` over files; the caller closes it. It
    loads nothing from anywhere else."""
    connection = duckdb.connect(config={
        "threads": threads, "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    })  # fmt: skip
    try:
        if files:
            names = [str(path) for path in files]
            connection.read_parquet(names).create_view("events")
        else:
            connection.execute(_NOTHING)
    except duckdb.Error as error:
        connection.close()
        raise _wrong("bad_history", f"a file cannot be read ({type(error).__name__})") from None
    return connection


_NOTHING: Final = """
CREATE VIEW events AS SELECT NULL::timestamp AS accepted_at, 0 AS kind, 0 AS port, 0 AS sender,
    0 AS account, '' AS carrier, 0 AS province, '' AS category, 0 AS purpose, 0 AS code WHERE false
"""


def _wrong(code: str, message: str) -> InvalidInput:
    return InvalidInput(
        code, message, field="DIR", rule="rollups: history",
        mend="name directories that assent history export wrote",
    )  # fmt: skip
