"""From an HTTP request to the SMSC: one message a request, ours beside Kannel and Jasmin.

All write to the same sink (smpp_bare.py) and are asked by the same load generator over 32
keep-alive connections, in turns. Ours has everything on: the notification is made of a template,
judged, charged, stored with fsync, sent, and its receipt is stored. The others do none of that and
are asked for no receipts. At the end the road runs once: what campaigns make of the same machine.
Peers that are not installed are left out, and the answer says so.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

from bench import jasmin, kannel, road
from bench.installation import Child, Installation, Links, running
from bench.peers import Peer
from bench.processes import costs, spent
from bench.world import NOTICE, Size

CONNECTIONS: Final = 32
_LOOK_S: Final = 0.25
_AFTER_S: Final = 1.0
"""For receipts, and what is tidied up afterwards."""
_TEXT: Final = "【商户0】" + NOTICE.format(number="00000000", code="000000")


@dataclass(frozen=True)
class Plan:
    """What to run: `seconds` of requests, `pairs` times each; then a road of `road_s` seconds.
    `drain_s`: how long a gateway may take to send what it has accepted."""

    seconds: float = 8.0
    pairs: int = 3
    road_s: float = 20.0
    quick: bool = False
    people: int = 60_000
    drain_s: float = 120.0


async def run(plan: Plan, place: Path | None = None, tell: Any = print) -> dict[str, Any]:
    """Measure every gateway that is there in turns."""
    sink = await Child.start("bench.smpp_bare", "sink", given={}, environment={})
    try:
        port = int((await sink.line(20.0))["port"])
        result = await _single(plan, sink, port, place, tell)
    finally:
        await sink.stop()
    tell("the road")
    campaign = road.Plan.of(plan.road_s, plan.quick)
    speed = (await road.run(campaign, place, tell))["messages_per_second"]
    result["road_per_s"] = speed
    for name in ("Kannel", "Jasmin"):
        if isinstance(result[name], dict):
            result[f"road_to_{name}"] = round(speed / result[name]["delivered_per_s"], 2)
    return result


async def _single(
    plan: Plan, sink: Child, port: int, place: Path | None, tell: Any
) -> dict[str, Any]:
    """One message a request."""
    absent = {}
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-peers-")))
        peers = []
        one = await stack.enter_async_context(_ours(plan, port, place, tell))
        peers.append(_as_peer(one))
        for name, lacks, start in (
            ("Kannel", kannel.missing(), kannel.running),
            ("Jasmin", jasmin.missing(), jasmin.running),
        ):
            if lacks:
                absent[name] = f"left out: {lacks}"
                tell(f"{name} is left out: {lacks}")
                continue
            tell(f"starting {name}")
            peers.append(await stack.enter_async_context(start(directory, port, _TEXT)))
        found: dict[str, list[dict[str, Any]]] = {peer.name: [] for peer in peers}
        start_at = dict.fromkeys(found, 0)
        for _ in range(plan.pairs):
            for peer in peers:
                tell(peer.name)
                told = await _measured(plan, peer, sink, one.people, start_at[peer.name])
                start_at[peer.name] = told["next"]
                found[peer.name].append(told)
    return _figures(found) | absent


@asynccontextmanager
async def _ours(
    plan: Plan, port: int, place: Path | None, tell: Any
) -> AsyncIterator[Installation]:
    size = Size(1, 70_000, 1_000, 1_000, 100)
    links = Links(sink=port, metered=False)
    async with running(size, links, 1, (0.0, 0.0), place, tell) as one:
        yield one


def _as_peer(one: Installation) -> Peer:
    body = (
        '{"sender":"CODE0","purpose":"notification","template":"parcel","messages":'
        '[{"to":"+$TO","variables":{"number":"$N","code":"000000"}}]}'
    )
    size = len(body.replace("$TO", "8613900000000").replace("$N", "00000000").encode())
    request = (
        f"POST /v1/messages HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {one.world.keys['account0']}\r\n"
        f"Idempotency-Key: {one.run}-$N\r\nContent-Length: {size}\r\n\r\n{body}"
    )
    trees = one.pids() | {"postgres": one.postgres}
    return Peer("ours", one.port, request, 202, '"allowed":1', trees)


async def _measured(
    plan: Plan, peer: Peer, sink: Child, people: Path, start: int
) -> dict[str, Any]:
    """Ask one gateway, and wait until the sink has all that it took."""
    before, cost = await sink.ask(), costs({}, peer.trees)
    given = {
        "port": peer.port,
        "connections": CONNECTIONS,
        "seconds": plan.seconds,
        "request": peer.request,
        "status": peer.status,
        "sign": peer.sign,
        "people": str(people),
        "first": 0,
        "last": plan.people,
        "start": start,
    }
    load = await Child.start("bench.requests", given=given, environment={})
    try:
        told = await load.line(plan.seconds + 60)
    finally:
        await load.stop()
    try:
        after = await _drained(sink, before["submits"], told["accepted"], plan.drain_s)
    except RuntimeError as error:
        raise RuntimeError(f"{peer.name}: {error}") from None
    used = spent(cost, costs({}, peer.trees))
    used["others"] -= told["cpu_s"] + after["cpu_s"] - before["cpu_s"]
    return told | {
        "per_s": told["accepted"] / told["seconds"],
        "delivered_per_s": 1e9 * told["accepted"] / (after["last_ns"] - told["begin_ns"]),
        "cpu_us": {name: 1e6 * value / told["accepted"] for name, value in used.items()},
    }


async def _drained(sink: Child, before: int, accepted: int, patience_s: float) -> dict[str, Any]:
    """Wait until the sink has taken all that was accepted. Raises RuntimeError."""
    end = time.monotonic() + patience_s
    while (  # noqa: ASYNC110  it is another process
        (now := await sink.ask())["submits"] < before + accepted and time.monotonic() < end
    ):
        await asyncio.sleep(_LOOK_S)
    await asyncio.sleep(_AFTER_S)
    now = await sink.ask()
    if now["submits"] != before + accepted:
        raise RuntimeError(f"{accepted} accepted, {now['submits'] - before} arrived")
    return now


def _figures(found: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Work out medians and ratios."""
    result: dict[str, Any] = {}
    for name, runs in found.items():
        result[name] = {
            "accepted_per_s": round(median(one["per_s"] for one in runs)),
            "delivered_per_s": round(median(one["delivered_per_s"] for one in runs)),
            "ms_p50": round(median(one["ms_p50"] for one in runs), 2),
            "ms_p99": round(median(one["ms_p99"] for one in runs), 2),
            "cpu_us_per_message": {
                part: round(median(one["cpu_us"][part] for one in runs), 1)
                for part in runs[0]["cpu_us"]
            },
        }
        if name != "ours":
            pairs = zip(found["ours"], runs, strict=True)
            ratios = [a["delivered_per_s"] / b["delivered_per_s"] for a, b in pairs]
            result[f"ours_to_{name}"] = round(median(ratios), 2)
    return result
