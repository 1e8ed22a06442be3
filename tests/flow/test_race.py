"""Promise 2 under pressure: a thousand refusals land while a campaign is being written.

How it is judged. Where a carrier reads promptly its own record decides: after the SUBMIT of a
person's confirmation no marketing SUBMIT to that person may stand in any record. A carrier that
stalls reads bytes long after it got them, so its record may show an older SUBMIT behind the
confirmation. There the time decides at which the bytes were handed to the socket: a hook on
`Traffic.take`, after which a link writes before anything else runs (flow/links.py).
"""

from __future__ import annotations

import asyncio
import struct
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from assent.app.node import Node
from assent.app.settings import DispatchFile
from assent.clock import SystemClock
from tests.flow.conftest import CARRIERS, Platform, decode, noon_offset, numbers, register

MARKETING = "106900011"
SERVICE = "1069999"
SPELLINGS = ("TD", "ＴＤ", "td", "退订", "T", "TD谢谢", "退 订！", "Stop. Thank you")


class DeafNode(Node):
    """A node that no notification reaches and that looks nothing up by the way either: it knows
    of a refusal only what its own commits read."""

    async def _on(self, channel: str, call: Callable[..., None]) -> None:
        if channel in ("queue", "confirm"):  # else everything would only take longer
            await super()._on(channel, call)

    async def _housekeeping(self) -> None:
        await asyncio.Event().wait()


class Hands:
    """When a SUBMIT to somebody was handed to a socket: (port, number) → times."""

    def __init__(self, clock: SystemClock, patch: pytest.MonkeyPatch) -> None:
        self.clock = clock
        self.patch = patch
        self.times: dict[tuple[str, str], list[int]] = {}

    def watch(self, node: Node) -> None:
        take = node.traffic.take

        def watched(link: Any, credit: int) -> list[tuple[int, bytes]]:
            out = take(link, credit)
            for _, body in out:
                pdu = decode(struct.pack(">III", len(body) + 12, 4, 1) + body, link.version)
                to = pdu.fields["destinations"][0]
                self.times.setdefault((pdu.fields["src_id"], to), []).append(self.clock.now_ns())
            return out

        self.patch.setattr(node.traffic, "take", watched)


@asynccontextmanager
async def installation(
    url: str,
    directory: Path,
    nodes: Sequence[tuple[type[Node], str]],
    patch: pytest.MonkeyPatch,
    **links: Any,
) -> AsyncIterator[tuple[Platform, list[Node], Hands]]:
    """Start carriers and several nodes on one database; the first one takes the orders."""
    platform = Platform(url, directory, SystemClock(noon_offset()))
    # Slow until the refusals are in, so that it is a race on any machine (`hurry`).
    script = {"answers": {"latency": 0.01}, "receipts": {"delay": 0.05}}
    await platform.start(script, **{"rate": 30.0, **links})
    # Small windows: commits and refusals take turns all the time.
    platform.settings.dispatch = DispatchFile(window=20, low_water=20, leased=1024)
    hands = Hands(platform.clock, patch)
    started: list[Node] = []
    try:
        await platform.file(register(2))
        for kind, role in nodes:
            node = kind(platform.settings, role, url, platform.clock)
            await node.start()
            hands.watch(node)
            started.append(node)
        platform.node = started[0]
        for node in started:
            await platform.until(
                lambda node=node: all(node.traffic.up.values()), f"links of {node.role} are up"
            )
        yield platform, started, hands
        for node in started:
            assert not node.lost.is_set()
            await node.stop()
    finally:
        await platform.stop()


async def refuse_all_at_once(platform: Platform, people: Sequence[str]) -> None:
    """Everybody answers at the same time, in many spellings."""
    by_prefix = {prefix: carrier for carrier, prefix in CARRIERS.items()}
    for place, person in enumerate(people):
        simulator = platform.simulators[by_prefix[person[:3]]]
        simulator.send_mo(person, MARKETING, SPELLINGS[place % len(SPELLINGS)])
        if place % 100 == 99:
            await asyncio.sleep(0)


async def settled(platform: Platform, orders: Sequence[dict[str, Any]]) -> Counter[str]:
    """Wait until nothing is under way; return inner states of all messages of the orders."""

    async def quiet() -> bool:
        left = await platform.sql(
            "SELECT (SELECT count(*) FROM open_window) + (SELECT count(*) FROM queue)"
            " + (SELECT count(*) FROM confirmation WHERE state = 'waiting') AS n"
        )
        return bool(left[0]["n"] == 0)

    await platform.until(quiet, "everything is answered", 25.0)
    states: Counter[str] = Counter()
    accounted = sum(order["allowed"] for order in orders)

    async def folded() -> bool:
        states.clear()
        for row in await platform.sql(
            "SELECT b.n, f.states FROM batch b LEFT JOIN batch_final f ON f.batch_id = b.id"
            " WHERE b.purpose = 3"
        ):
            states.update(row["states"] or bytes(row["n"]))
        return sum(states.values()) == accounted and not states[0] and not states[1]

    await platform.until(folded, f"every message has an end: {states}")
    return states


def judge(
    platform: Platform, hands: Hands, refused: Sequence[str], stalled: str | None
) -> tuple[int, int]:
    """Hold promise 2 and 3; return (marketing SUBMITs to refused people, of them before)."""
    confirmed: dict[str, dict[str, Any]] = {}
    seen = Counter[str]()
    for record in platform.submits(SERVICE):
        person = record["destination"].removeprefix("86")
        seen[person] += 1
        confirmed[person] = record
    assert seen == Counter(refused), "every refusal is confirmed exactly once"
    answered = {
        (record["carrier"], record["connection"], record["sequence"]): record["t"]
        for record in platform.records()
        if record["command"] == "SUBMIT_RESP"
    }
    marketing = Counter[str]()
    for record in platform.submits(MARKETING):
        person = record["destination"].removeprefix("86")
        marketing[person] += 1
        after = person in confirmed and record["t"] > confirmed[person]["t"]
        if after and record["carrier"] != stalled:
            pytest.fail(f"marketing after its confirmation at {record['carrier']}")
        if person in confirmed and record["carrier"] != stalled:
            # In flight no more: its answer was on its way before the confirmation left.
            at = answered[record["carrier"], record["connection"], record["sequence"]]
            assert at < hands.times[SERVICE, person][0], "confirmed while in flight"
    assert max(marketing.values()) == 1, "no marketing message twice"
    for person in refused:
        for at in hands.times.get((MARKETING, person), ()):
            assert at < hands.times[SERVICE, person][0], "handed over after the confirmation"
    return sum(marketing[person] for person in refused), sum(marketing.values())


def hurry(nodes: Sequence[Node]) -> None:
    """Let the links go on as fast as they can."""
    for node in nodes:
        for pool in node.pools.values():
            for link in pool.links:
                if link.bucket is not None:
                    link.bucket.rate = link.bucket.burst = 2_000.0


async def the_race(
    platform: Platform,
    nodes: Sequence[Node],
    hands: Hands,
    stalled: str | None,
    orders: int = 6,
    people: int = 1500,
) -> None:
    """A campaign in several orders; when it is well under way a thousand people refuse."""
    everybody = numbers(people)
    await platform.consent(everybody)
    share = people // orders
    answers = [await platform.send(everybody[i * share : (i + 1) * share]) for i in range(orders)]
    assert sum(answer["allowed"] for answer in answers) == people
    refused = [person for place, person in enumerate(everybody) if place // 3 % 3]
    await platform.until(lambda: len(hands.times) >= people // 12, "the campaign is under way")
    if stalled:
        platform.simulators[stalled].connections[0].stall(2.5)
    platform.simulators["unicom"].change({"answers": {"latency": 0.25}})
    await refuse_all_at_once(platform, refused)

    async def done(share: float) -> bool:
        count = await platform.value("SELECT count(*) FROM entry WHERE kind = 3")
        return bool(count >= len(refused) * share)

    await platform.until(lambda: done(0.8), "most refusals are in the ledger", 30.0)
    hurry(nodes)
    await platform.until(lambda: done(1.0), "all refusals are in the ledger", 30.0)
    states = await settled(platform, answers)
    await asyncio.sleep(0.4)
    sent, all_sent = judge(platform, hands, refused, stalled)
    # The race was one: some refused people had been written to, many had not.
    assert 0 < sent < len(refused)
    ended = states[6] + states[7]
    assert ended >= len(refused) - sent - 40, "cancelled or withheld, all but the unsure"
    assert all_sent + ended + states[10] >= people
    assert await platform.value("SELECT count(*) FROM entry WHERE kind = 3") == len(refused)
    books = await platform.sql(
        "SELECT (SELECT coalesce(sum(amount), 0) FROM posting WHERE kind = 'reserve')"
        " - (SELECT coalesce(sum(amount), 0) FROM posting WHERE kind IN"
        " ('revenue', 'release', 'release_daily')) AS reserved,"
        " (SELECT coalesce(sum(b.price), 0) FROM unsure_segment u JOIN batch b"
        " ON b.id = u.batch_id WHERE u.settled IS NULL) AS unsure"
    )
    assert books[0]["reserved"] == books[0]["unsure"]


ALL = (Node, "all")


async def test_stalled_and_late_links(
    migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with installation(
        migrated_url, tmp_path, [ALL], monkeypatch, response_s=1.0, stall_s=1.0
    ) as (platform, nodes, hands):
        await the_race(platform, nodes, hands, "mobile")


async def test_two_nodes_share_the_work(
    migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with installation(
        migrated_url, tmp_path, [ALL, ALL], monkeypatch, links=1, rate=25.0
    ) as (
        platform,
        nodes,
        hands,
    ):
        await the_race(platform, nodes, hands, None, people=480)
        assert all(node.dispatcher.attempts for node in nodes)


async def test_front_and_bulk(
    migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    roles = [(Node, "front"), (Node, "bulk")]
    async with installation(
        migrated_url, tmp_path, roles, monkeypatch, front=1, bulk=1, response_s=1.0, stall_s=1.0
    ) as (platform, nodes, hands):
        await the_race(platform, nodes, hands, "telecom", people=360)


async def test_lost_notifications_leak_nothing(
    migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is told of anything: what is committed is checked in SQL all the same."""
    deaf = (DeafNode, "all")
    async with installation(
        migrated_url, tmp_path, [deaf, deaf], monkeypatch, links=1, rate=25.0
    ) as (
        platform,
        nodes,
        hands,
    ):
        await the_race(platform, nodes, hands, None, people=360)
