"""What people read with psql: views and functions unpack the columns rightly."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import asyncpg
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assent.message import AttemptStatus, State, batch_id, message_id

AT = datetime(2026, 1, 15, 10, tzinfo=UTC)
BATCH = batch_id(int(AT.timestamp() * 1000), 7)
N = 5


def pack(values: list[int], width: str) -> bytes:
    return np.array(values, width).tobytes()


@pytest.fixture
async def connection(migrated_url: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await asyncpg.connect(migrated_url)
    yield opened
    await opened.close()


async def insert(connection: asyncpg.Connection, table: str, **columns: object) -> None:
    names = ", ".join(columns)
    places = ", ".join(f"${i}" for i in range(1, len(columns) + 1))
    await connection.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", *columns.values())


@pytest.fixture
async def filled(connection: asyncpg.Connection) -> asyncpg.Connection:
    """A batch of five messages to people of large ids, some of them long, tried twice."""
    await connection.execute("SELECT ensure_partitions($1, 0)", AT)
    await insert(
        connection,
        "batch",
        id=BATCH,
        submission_id=BATCH - 1,
        account_id=3,
        sender_id=4,
        group_id=5,
        programme_id=6,
        port_id=7,
        template_id=0,
        purpose=3,
        carrier="mobile",
        n=N,
        position=9,
        price=50_000,
        not_before=AT,
        expires_at=AT,
        content="…",
        people=pack([1, 255, 256, 70_000, 2**31 - 1], "<u4"),
        rows=pack([0, 1, 2, 3, 4], "<u4"),
        zones=pack([480, 480, -300, 480, 0], "<i2"),
        segments=pack([1, 3, 1, 2, 8], "u1"),
        accepted_at=AT,
    )
    for id_, slots, tries in ((11, [4, 1, 0], [1, 1, 1]), (12, [1, 3], [2, 1])):
        await insert(
            connection,
            "attempt_window",
            id=id_,
            batch_id=BATCH,
            epoch=2,
            at=AT,
            slots=pack(slots, "<u2"),
            tries=pack(tries, "u1"),
        )
    await insert(
        connection,
        "window_result",
        id=21,
        window_id=11,
        batch_id=BATCH,
        at=AT,
        carrier="mobile",
        link="mobile-0",
        positions=pack([0, 1, 1, 2], "<u2"),
        segments=pack([7, 0, 2, 0], "u1"),
        statuses=pack(
            [
                AttemptStatus.ACCEPTED,
                AttemptStatus.THROTTLED,
                AttemptStatus.REFUSED,
                AttemptStatus.UNSURE,
            ],
            "u1",
        ),
        codes=pack([0, 8, 4_000_000_000, 0], "<u4"),
        carrier_ids=pack([2**64 - 1, 0, 0, 0], "<u8"),
        lo=0,
        hi=0,
    )
    messages = [message_id(BATCH, 4), message_id(BATCH, 1)]
    await insert(
        connection,
        "receipt_log",
        id=BATCH + 1,
        at=AT,
        carrier="mobile",
        messages=pack(messages, "<u8"),
        segments=pack([7, 0], "u1"),
        states=pack([State.DELIVERED, State.FAILED], "u1"),
        carrier_ids=pack([2**64 - 1, 1], "<u8"),
        raw=b"",
        raw_size=0,
    )
    await insert(
        connection,
        "decision",
        submission_id=BATCH - 1,
        rows=pack([5, 70_001], "<u4"),
        people=pack([0, 2**31 - 1], "<u4"),
        reasons=pack([3, 10], "<u2"),
        findings=pack([1 << 2, 1 << 63], "<u8"),
    )
    return connection


async def test_message(filled: asyncpg.Connection) -> None:
    rows = await filled.fetch("SELECT * FROM message ORDER BY slot")
    assert [r["id"] for r in rows] == [message_id(BATCH, slot) for slot in range(N)]
    assert [r["person_id"] for r in rows] == [1, 255, 256, 70_000, 2**31 - 1]
    assert [r["segments"] for r in rows] == [1, 3, 1, 2, 8]
    assert {(r["account_id"], r["sender_id"], r["carrier"]) for r in rows} == {(3, 4, "mobile")}


async def test_attempt(filled: asyncpg.Connection) -> None:
    rows = await filled.fetch("SELECT * FROM attempt ORDER BY window_id, position")
    told = [(r["message_id"] - message_id(BATCH, 0), r["position"], r["try"]) for r in rows]
    assert told == [(4, 0, 1), (1, 1, 1), (0, 2, 1), (1, 0, 2), (3, 1, 1)]


async def test_attempt_result(filled: asyncpg.Connection) -> None:
    rows = await filled.fetch("SELECT * FROM attempt_result")
    told = {
        (r["message_id"] - message_id(BATCH, 0), r["segment"], r["status"], r["code"]) for r in rows
    }
    assert len(rows) == 4
    assert told == {(4, 7, 1, 0), (1, 0, 3, 8), (1, 2, 2, 4_000_000_000), (0, 0, 5, 0)}


async def test_receipt_and_rejection(filled: asyncpg.Connection) -> None:
    rows = await filled.fetch("SELECT * FROM receipt ORDER BY message_id")
    assert [(r["message_id"], r["segment"], r["state"]) for r in rows] == [
        (message_id(BATCH, 1), 0, "failed"),
        (message_id(BATCH, 4), 7, "delivered"),
    ]
    rows = await filled.fetch("SELECT * FROM rejection ORDER BY input_row")
    assert [(r["input_row"], r["person_id"], r["reason"]) for r in rows] == [
        (5, 0, 3),
        (70_001, 2**31 - 1, 10),
    ]


async def test_every_state_has_its_word(connection: asyncpg.Connection) -> None:
    for state in State:
        word = await connection.fetchval("SELECT state_word($1)", int(state))
        assert word == state.name.lower()


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.sampled_from([1, 2, 4, 8]), st.lists(st.integers(0, 2**64 - 1), max_size=40))
async def test_unpack_is_what_numpy_packed(
    connection: asyncpg.Connection, width: int, values: list[int]
) -> None:
    kept = [value & (2 ** (8 * width) - 1) for value in values]
    data = pack(kept, f"<u{width}")
    rows = await connection.fetch("SELECT place, value FROM unpack($1, $2)", data, width)
    assert [(r["place"], int(r["value"])) for r in rows] == list(enumerate(kept))
    signed = [value - 2**64 if value >= 2**63 else value for value in kept]
    for place in range(0, len(kept), 7):
        one = await connection.fetchval("SELECT value_at($1, $2, $3)", data, width, place)
        assert one == signed[place]
