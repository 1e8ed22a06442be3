"""History as Parquet: what happened to the messages of a period, for analysis away from the
database.

A file a day, and `history.json` that names them, told last: a directory without it is not finished.
All of it is read from one snapshot, which keeps nobody waiting.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from assent.errors import Conflict, InvalidInput
from assent.flow.history_rows import (
    COMPLAINED,
    REFUSED,
    SCHEMA,
    VERSION,
    Times,
    refused,
    reported,
    rows_of_acts,
    rows_of_batches,
    settled,
    table_of,
)
from assent.flow.needs import Queries, Store, utc
from assent.flow.rollup_board import Board, failed_by_receipts, refused_by_answers
from assent.flow.rollup_recount import ends_of
from assent.message import State, batch_id
from assent.numbers import NumberTable

NAME: Final = "history.json"
_DAY_S: Final = 86_400
_SLACK_S: Final = 7_200
_REPORTS_S: Final = 4 * 86_400
"""A report that comes later than this moves no message any more: they are parked for 72 hours."""
_BATCHES: Final = 500
_RECEIPTS: Final = 2_000


@dataclass(slots=True)
class Exported:
    """What was written. `files`: name, rows and SHA-256 of each."""

    since: float
    until: float
    rows: int = 0
    files: list[dict[str, Any]] = field(default_factory=list)


async def export(
    store: Store, numbers: NumberTable, out: Path, since: float, until: float
) -> Exported:
    """Write what happened to the messages that were accepted from `since` up to `until` (excluded),
    both at the full hour, into a directory that is empty or new. Raises InvalidInput for a period
    that is none, Conflict where something is there already."""
    if since >= until or since % 3_600 or until % 3_600:
        raise InvalidInput(
            "bad_period", "a period runs from one full hour to a later one", field="from",
            rule="rollups: history", mend="give times such as 2026-11-22T00:00:00+00:00",
        )  # fmt: skip
    _empty(out)
    told = Exported(since, until)
    async with store.transaction(isolation="repeatable_read", read_only=True) as look:
        begin = int(since)
        while begin < until:
            end = min(begin - begin % _DAY_S + _DAY_S, int(until))
            await _day(look, out, begin, end, told)
            begin = end
    manifest = {
        "version": VERSION,
        "from": utc(since).isoformat(),
        "to": utc(until).isoformat(),
        "rows": told.rows,
        "files": told.files,
        "provinces": [name.en for name in numbers.provinces],
        "numbers": numbers.digest,
    }
    (out / NAME).write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")
    return told


def _empty(out: Path) -> None:
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(out.iterdir()):
        raise Conflict(
            "directory_in_use", f"{out.name} is not empty", field="out", rule="rollups: history",
            mend="name a new directory",
        )  # fmt: skip


async def _day(look: Queries, out: Path, begin: int, end: int, told: Exported) -> None:
    day = datetime.fromtimestamp(begin, UTC)
    path = out / f"events-{day:%Y%m%d%H}.parquet"
    rows = 0
    with pq.ParquetWriter(path, SCHEMA, compression="zstd", version="2.6") as writer:
        async for table in _tables(look, begin, end):
            writer.write_table(table)
            rows += table.num_rows
    if not rows:
        path.unlink()
        return
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    told.files.append({"name": path.name, "rows": rows, "sha256": digest})
    told.rows += rows


async def _tables(look: Queries, begin: int, end: int) -> AsyncIterator[pa.Table]:
    hours = utc(begin), utc(end)
    low = batch_id((begin - _SLACK_S) * 1000, 0)
    high = batch_id((end + _SLACK_S) * 1000, 0)
    reports = await _Reports.read(look, low, batch_id((end + _REPORTS_S) * 1000, 0))
    while rows := await look.fetch("history_batches", low, high, *hours, _BATCHES):
        board = Board(rows)
        answers = await look.fetch("history_answers", board.ids.tolist())
        board.fail(*refused_by_answers(answers))
        board.fail(*reports.codes)
        board.ends[:] = ends_of(rows)
        failed = settled([reports.failed, refused(answers)], last=False)
        yield table_of(rows_of_batches(rows, board, reports.delivered, failed))
        low = rows[-1]["id"]
    for kind, query in ((REFUSED, "history_refusals"), (COMPLAINED, "history_complaints")):
        acts = await look.fetch(query, *hours)
        if acts:
            yield table_of(rows_of_acts(kind, acts))


@dataclass(slots=True)
class _Reports:
    """What reports say of the messages of a day."""

    delivered: Times
    failed: Times
    codes: tuple[Any, Any]

    @classmethod
    async def read(cls, look: Queries, low: int, high: int) -> _Reports:
        delivered: list[Times] = []
        failed: list[Times] = []
        codes: list[tuple[Any, Any]] = []
        while rows := await look.fetch("history_receipts", low, high, _RECEIPTS):
            delivered.append(reported(rows, State.DELIVERED))
            failed.append(reported(rows, State.FAILED))
            codes.append(failed_by_receipts([row for row in rows if row["codes"] is not None]))
            low = rows[-1]["id"]
        none = failed_by_receipts([])
        messages = np.concatenate([none[0], *(one for one, _ in codes)])
        why = np.concatenate([none[1], *(one for _, one in codes)])
        known = settled(delivered, last=True), settled(failed, last=False)
        return cls(*known, (messages, why))
