"""Counting: history of Parquet files by DuckDB, and a platform's events as they come.

History is made up: events over 30 days of a thousand senders, some of whom send a hundred times
what others do, each with a port a carrier. Beside the counts stands a scan that only reads the same
columns of the same files, in the same run. Live: batches of a thousand, and of one, are stored with
their events (accepted, answered, delivered) and counted; what is timed is the counting alone.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import asyncpg
import numpy as np
import pyarrow.parquet as pq

from assent.clock import ManualClock
from assent.flow.columns import U8, U32, U64, pack, pack_object
from assent.flow.history import NAME
from assent.flow.history_rows import SCHEMA, VERSION, table_of
from assent.flow.needs import utc
from assent.flow.rollups import Rollups
from assent.message import State, batch_id
from assent.store import Store, embedded
from assent.store.migrate import migrate
from assent.watch.history_counts import counts_of, files_of, opened

NOW: Final = 1_795_320_000.0
_DAYS: Final = 30
_SENDERS: Final = 1_000
_CARRIERS: Final = np.array(["mobile", "unicom", "telecom"])
_CATEGORIES: Final = np.array(["retail", "notice", "code", "loan", "education", ""])
_PORTION: Final = 1_000_000
_SCAN: Final = (
    "SELECT count(*), max(accepted_at), max(kind), max(port), max(sender), max(account),"
    " max(carrier), max(province), max(category), max(purpose) FROM events"
)


_BATCH: Final = [
    "id", "submission_id", "account_id", "sender_id", "group_id", "programme_id", "port_id",
    "template_id", "purpose", "carrier", "n", "position", "price", "not_before", "expires_at",
    "content", "people", "rows", "zones", "segments", "accepted_at", "provinces",
]  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """Events of history, messages counted live, threads."""

    events: int = 10_000_000
    live: int = 500_000
    codes: int = 50_000
    threads: int = 2

    @classmethod
    def quick(cls) -> Plan:
        """Return a plan that takes seconds."""
        return cls(200_000, 20_000, 1_000)


async def run(plan: Plan, place: Path | None, tell: Callable[[str], None]) -> dict[str, Any]:
    """Measure."""
    directory = _directory(place)
    try:
        tell(f"{plan.events:,} events of history")
        found = {"history": history(plan, directory / "history")}
        tell(f"{plan.live:,} messages as they come")
        found["live"] = await live(plan.live, 1_000, directory / "postgresql")
        tell(f"{plan.codes:,} orders of one message")
        found["live, codes"] = await live(plan.codes, 1, directory / "postgresql-codes")
        return found
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _directory(place: Path | None) -> Path:
    """Make a directory that PostgreSQL's user may pass through."""
    made = Path(tempfile.mkdtemp(prefix="assent-bench-", dir=place))
    made.chmod(0o711)
    return made


def history(plan: Plan, directory: Path) -> dict[str, Any]:
    """Write files, count them, and scan them."""
    write(directory, plan.events)
    files = files_of([directory])
    with opened(files, plan.threads) as connection:
        begin = time.perf_counter()
        connection.sql(_SCAN).fetchall()
        scan_s = time.perf_counter() - begin
    begin, used = time.perf_counter(), time.process_time()
    counts = counts_of(files, plan.threads)
    count_s, cpu_s = time.perf_counter() - begin, time.process_time() - used
    assert counts.events == plan.events, "each is counted"
    return {
        "events": plan.events,
        "counts": counts.hours.num_rows,
        "threads": plan.threads,
        "events_a_second": round(plan.events / count_s),
        "events_a_second_of_a_core": round(plan.events / cpu_s),
        "scan_a_second": round(plan.events / scan_s),
        "ratio_to_scan": scan_s / count_s,
        "octets_an_event": round(sum(file.stat().st_size for file in files) / plan.events, 1),
    }


def write(directory: Path, events: int) -> None:
    """Write made-up events."""
    directory.mkdir()
    rng, files = np.random.default_rng(1), []
    weights = 1.0 / np.arange(1, _SENDERS + 1)
    weights /= weights.sum()
    for start in range(0, events, _PORTION):
        n = min(_PORTION, events - start)
        name = f"events-{start:09d}.parquet"
        table = table_of(_columns(rng, weights, n, start, events))
        pq.write_table(table.select(SCHEMA.names), directory / name, compression="zstd")
        files.append({"name": name})
    told = {"version": VERSION, "from": "2026", "to": "2027", "files": files}
    (directory / NAME).write_text(json.dumps(told))


def _columns(rng: Any, weights: Any, n: int, start: int, events: int) -> dict[str, Any]:
    sender = rng.choice(_SENDERS, n, p=weights)
    carrier = rng.integers(0, 3, n)
    begin = int((NOW - _DAYS * 86_400) * 1000)
    day = _DAYS * 86_400_000 // max(1, events // _PORTION)
    accepted = begin + start // _PORTION * day + rng.integers(0, day, n)
    kind = rng.choice([1, 2, 3, 4, 5], n, p=[0.5, 0.45, 0.04, 0.009, 0.001])
    return {
        "at": accepted + rng.integers(0, 60_000, n), "kind": kind,
        "message": np.arange(start, start + n), "accepted_at": accepted,
        "port": sender * 3 + carrier + 1, "sender": sender + 1, "account": sender % 700 + 1,
        "carrier": _CARRIERS[carrier], "province": rng.integers(1, 32, n),
        "category": _CATEGORIES[sender % 6], "purpose": sender % 3 + 1,
        "person": rng.integers(1, 5_000_000, n), "segments": np.ones(n), "template": sender,
        "campaign": np.zeros(n), "code": np.where(kind == 3, rng.integers(1, 90, n), 0),
    }  # fmt: skip


async def live(messages: int, each: int, directory: Path) -> dict[str, Any]:
    """Store batches of `each` messages and their events, and count them."""
    engine = await embedded.start(directory)
    try:
        await migrate(engine.dsn, at=utc(NOW))
        store = await Store.open(engine.dsn)
        try:
            await store.fetchval("ensure_partitions", utc(NOW), 1)
            await _fill(engine.dsn, messages, each)
            rollups = Rollups(store, ManualClock(NOW + 60.0))
            begin, used = time.perf_counter(), time.process_time()
            while await rollups.step():
                pass
            took, cpu = time.perf_counter() - begin, time.process_time() - used
            total = await store.fetch("rollup_counted_hours", utc(0.0), utc(NOW * 2))
        finally:
            await store.close()
    finally:
        await engine.stop()
    assert sum(row["delivered"] for row in total) == messages, "each is counted"
    return {
        "messages": messages,
        "messages_a_second": round(messages / took),
        "share_of_a_core_at_20000_a_second": round(20_000 * cpu / messages, 3),
    }


async def _fill(dsn: str, messages: int, each: int) -> None:
    rng = np.random.default_rng(2)
    rows, events = [], []
    states = pack(np.full(each, State.ACCEPTED), U8), pack(np.full(each, State.DELIVERED), U8)
    for place in range(messages // each):
        at = NOW + place * each / 20_000
        id_ = batch_id(int(at * 1000), place % 2_048)
        people = pack(rng.integers(1, 1 << 20, each), U32)
        provinces = pack(rng.integers(1, 32, each), U8)
        rows.append(
            (id_, 1, 1, 1, 1, 1, place % 30 + 1, 0, 3, "mobile", each, 0, 0, utc(at), utc(at),
             "text", people, people, bytes(2 * each), b"\1" * each, utc(at), provinces)
        )  # fmt: skip
        ids = pack((id_ << 10) + np.arange(each), U64)
        events.append((utc(at), "submission", id_, pack_object({"batches": [id_]})))
        for one in states:
            told = pack_object({"ids": ids, "states": one})
            events.append((utc(at), "message", id_, told))
    connection = await asyncpg.connect(dsn)
    try:
        await connection.copy_records_to_table("batch", records=rows, columns=_BATCH)
        columns = ["at", "kind", "subject", "payload"]
        await connection.copy_records_to_table("event", records=events, columns=columns)
    finally:
        await connection.close()
