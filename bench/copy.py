"""Messages a second that the submit path stores, against raw COPY of equal rows.

Timed for the path: `flow.write.write` of judged orders of a thousand messages with own texts, a
transaction each: money, idempotency key, submission, batch, queue, event. Against two baselines
on the same server, also a transaction a thousand: COPY of the very same batch rows into a bare
table (`raw batches`), and COPY of one row a message (`raw rows`). fsync is on. Rounds alternate.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from statistics import median
from typing import Any, Final

import asyncpg
import msgspec

from assent.app.node import Node
from assent.app.settings import Settings
from assent.clock import SystemClock
from assent.flow.order import Judged
from assent.flow.orders import order_of
from assent.flow.requests import Caller, Receiver, SendRequest
from assent.flow.write import write
from assent.store import embedded
from assent.store.migrate import migrate
from bench.installation import ten_in_china
from bench.world import NETWORKS, TEXT, Size, World, build

ORDER: Final = 1_000
_TABLES: Final = (
    "CREATE TABLE bench_batch (LIKE batch INCLUDING STORAGE); "
    "CREATE TABLE bench_row (message_id bigint, batch_id bigint, person int, input_row int,"
    " segments smallint, price bigint, text text)"
)


async def run(rounds: int = 5, orders: int = 20, place: Path | None = None) -> dict[str, Any]:
    """Measure; the data lies below `place` (default: the system's temporary directory)."""
    directory = Path(tempfile.mkdtemp(prefix="assent-bench-", dir=place))
    directory.chmod(0o711)  # noqa: ASYNC240  nothing else runs yet
    engine = await embedded.start(directory / "postgresql")
    try:
        clock = SystemClock(ten_in_china())
        await migrate(engine.dsn, at=datetime.fromtimestamp(clock.now(), UTC))
        need = rounds * orders * ORDER * 3
        size = Size(senders=1, people=need + 10_000, agreed=need, refused=5_000, claims=1_000)
        world = await build(engine.dsn, size, clock.now(), 1)
        return await _measure(engine.dsn, directory, clock, world, rounds, orders)
    finally:
        await engine.stop()
        shutil.rmtree(directory, ignore_errors=True)


async def _measure(
    dsn: str, directory: Path, clock: SystemClock, world: World, rounds: int, orders: int
) -> dict[str, Any]:
    node = Node(_settings(directory), "front", dsn, clock)
    await node.start()
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(_TABLES)
        first = world.agreed[0] // 10**8 == 86_139  # one carrier: a batch is a thousand
        numbers = world.agreed[0][first].tolist()
        took: dict[str, list[float]] = {"path": [], "raw batches": [], "raw rows": []}
        for turn in range(rounds):
            start = turn * orders * ORDER
            judged = await _judge(node, numbers[start : start + orders * ORDER], turn)
            count = sum(one.allowed for one in judged)
            took["path"].append(count / await _path(node, judged))
            took["raw batches"].append(count / await _batches(connection, judged))
            took["raw rows"].append(count / await _rows(connection, judged))
    finally:
        await connection.close()
        await node.stop()
    figures = {f"{name} per_s": round(median(values)) for name, values in took.items()}
    for name in ("raw batches", "raw rows"):
        pairs = zip(took["path"], took[name], strict=True)
        figures[f"ratio to {name}"] = round(median(a / b for a, b in pairs), 3)  # type: ignore[assignment]
    return figures


def _settings(directory: Path) -> Settings:
    """Return settings whose carriers have no links in this process: orders are only stored."""
    link = {"host": "127.0.0.1", "port": 1, "user": "900001", "front": 0, "bulk": 1}
    return msgspec.convert(
        {
            "vault_key_file": str(directory / "vault.keys"),
            "carriers": [
                {"name": name, "networks": networks, "links": [link | {"secret_env": "PATH"}]}
                for name, networks in NETWORKS.items()
            ],
        },
        Settings,
    )


async def _judge(node: Node, numbers: list[int], turn: int) -> list[Judged]:
    account = next(a for a in node.catalogue.accounts.values() if a.name == "account0")
    caller = Caller(account.id, frozenset({"send"}), False, 1)
    rng, judged = Random(turn), []
    for start in range(0, len(numbers), ORDER):
        receivers = [
            Receiver(f"+{to}", {"name": "王女士", "coupon": f"{rng.randrange(10**8):08d}"})
            for to in numbers[start : start + ORDER]
        ]
        request = SendRequest(sender="CODE0", purpose="marketing", messages=receivers, text=TEXT)
        key = f"copy-{turn}-{start}"
        order = order_of(node.catalogue, caller, request, key=key, sha=key.encode())
        one = await node.submit.judge(order)
        assert one.allowed == len(receivers)
        assert len(one.batches) == 1
        one.answer = b"{}"
        judged.append(one)
    return judged


async def _path(node: Node, judged: list[Judged]) -> float:
    begin = time.perf_counter()
    for one in judged:
        async with node.store.transaction() as tx:
            assert await write(tx, one, None)
    return time.perf_counter() - begin


async def _batches(connection: Any, judged: list[Judged]) -> float:
    """Copy the rows that the path stored, read back before the clock starts."""
    ids = [one.batches[0].id for one in judged]
    rows = [
        tuple(await connection.fetchrow("SELECT * FROM batch WHERE id = $1", id_)) for id_ in ids
    ]
    begin = time.perf_counter()
    for row in rows:
        async with connection.transaction():
            await connection.copy_records_to_table("bench_batch", records=[row])
    return time.perf_counter() - begin


async def _rows(connection: Any, judged: list[Judged]) -> float:
    """Copy one row a message."""
    batches = [
        [
            (id_, batch.id, person, row, segments, batch.price, coupon)
            for id_, person, row, segments, coupon in zip(
                one.message_ids.tolist(),
                batch.people.tolist(),
                batch.rows.tolist(),
                batch.segments.tolist(),
                (batch.variables or {})["coupon"],
                strict=True,
            )
        ]
        for one in judged
        for batch in one.batches
    ]
    begin = time.perf_counter()
    for rows in batches:
        async with connection.transaction():
            await connection.copy_records_to_table("bench_row", records=rows)
    return time.perf_counter() - begin
