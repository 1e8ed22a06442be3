"""The main road with a carrier of another dialect in each network: SMPP, SGIP, SMGP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from assent.app.settings import Settings
from assent.carrier.records import Recorder
from assent.carrier.script import script_from
from assent.carrier.simulator import CarrierSettings, Simulator
from assent.clock import SystemClock
from tests.flow.conftest import (
    CARRIERS,
    MARKETING_TEXT,
    NETWORKS,
    PROMPT,
    SECRET,
    Platform,
    lenient_rulebook,
    noon_offset,
    number,
    numbers,
    register,
)
from tests.flow.installation import free_port

DIALECTS = {"mobile": "smpp", "unicom": "sgip", "telecom": "smgp"}


class DialectPlatform(Platform):
    """Three carriers, none of which speaks CMPP. `reply_parts`: how each dialect's tells parts of
    replies, where not by headers of 8 bits. `ways`: settings of carriers for their texts."""

    reply_parts: dict[str, str] | None = None
    ways: dict[str, dict[str, str]] | None = None

    async def start(
        self, script: dict[str, Any], seed: int = 1, links: int = 2, **link: Any
    ) -> None:
        inbound = free_port()
        secret = self.directory / "secret"
        secret.write_text(SECRET)
        own: dict[str, dict[str, Any]] = {
            "smpp": {"ids": "hex-in-answer-decimal-in-receipt"},
            "sgip": {"reports_to": f"127.0.0.1:{inbound}", "call_again_s": 0.05},
            "smgp": {},
        }
        mine: dict[str, dict[str, Any]] = {
            "smpp": {"message_ids": "hex-in-answer-decimal-in-receipt"},
            "sgip": {
                "node": 3010012345,
                "listen": {
                    "host": "127.0.0.1",
                    "port": inbound,
                    "user": "900001",
                    "secret_file": str(secret),
                    "allowed": ["127.0.0.1"],
                },
            },
            "smgp": {},
        }
        carriers = []
        for place, (carrier, dialect) in enumerate(DIALECTS.items()):
            recorder = Recorder(self.directory / f"carrier-{carrier}.jsonl", self.clock)
            simulator = Simulator(
                CarrierSettings(
                    carrier,
                    {"900001": SECRET},
                    dialect=dialect,
                    reply_parts=(self.reply_parts or {}).get(dialect, "udh"),
                    **own[dialect],
                ),
                script_from(script),
                self.clock,
                seed + place,
                recorder,
            )
            self.ports[carrier] = await simulator.start()
            self.simulators[carrier] = simulator
            self.recorders[carrier] = recorder
            whole = {
                "host": "127.0.0.1", "port": self.ports[carrier], "user": "900001",
                "secret_file": str(secret), "dialect": dialect, "front": 0, "bulk": links,
                **mine[dialect], **link,
            }  # fmt: skip
            own_way = (self.ways or {}).get(carrier, {})
            carriers.append(
                {"name": carrier, "networks": NETWORKS[carrier], "links": [whole], **own_way}
            )
        self.settings = msgspec.convert(
            {"rulebook": str(lenient_rulebook(self.directory)), "carriers": carriers}, Settings
        )

    def submits(self, port: str | None = None) -> list[dict[str, Any]]:
        """As ever; SMPP has its own word for them."""
        return [
            record
            for record in self.records()
            if record["command"].lower() in ("submit", "submit_sm")
            and record["direction"] == "in"
            and (port is None or record["source"] == port)
        ]


@asynccontextmanager
async def dialects(
    url: str,
    directory: Path,
    script: dict[str, Any],
    reply_parts: dict[str, str] | None = None,
    ways: dict[str, dict[str, str]] | None = None,
    **link: Any,
) -> AsyncIterator[DialectPlatform]:
    platform = DialectPlatform(url, directory, SystemClock(noon_offset()))
    platform.reply_parts, platform.ways = reply_parts, ways
    await platform.start(script, **link)
    try:
        await platform.file(register())
        await platform.start_node()
        yield platform
        await platform.node.stop()
    finally:
        await platform.stop()


def states(platform: Platform, answer: dict[str, Any], wanted: dict[str, int]) -> Callable[
    [], Awaitable[bool]
]:  # fmt: skip
    """Whether a submission stands so."""

    async def so() -> bool:
        status = await platform.node.status.submission(platform.caller(), int(answer["id"]))
        return bool(status["states"] == wanted)

    return so


async def test_marketing_arrives_through_every_dialect(migrated_url: str, tmp_path: Path) -> None:
    async with dialects(migrated_url, tmp_path, PROMPT) as platform:
        people = numbers(60)
        await platform.consent(people)
        answer = await platform.send(people)
        await platform.until(states(platform, answer, {"delivered": 60}), "all are delivered")
        assert {c: s.counters["accepted"] for c, s in platform.simulators.items()} == dict.fromkeys(
            CARRIERS, 20
        )
        seen = {record["destination"].removeprefix("86") for record in platform.submits()}
        assert seen == set(people)
        assert {record["text"] for record in platform.submits()} == {f"【商户1】{MARKETING_TEXT}"}
        assert platform.node.inbound.malformed == 0
        revenue = await platform.value("SELECT sum(amount) FROM posting WHERE kind = 'revenue'")
        assert revenue == 60 * 50_000


async def test_a_refusal_through_every_dialect_is_confirmed_once(
    migrated_url: str, tmp_path: Path
) -> None:
    async with dialects(migrated_url, tmp_path, PROMPT) as platform:
        people = [number(carrier, 7) for carrier in CARRIERS]
        await platform.consent(people)
        await platform.send(people)
        await platform.until(lambda: len(platform.submits()) == 3, "3 submits")
        for carrier, person in zip(CARRIERS, people, strict=True):
            platform.simulators[carrier].send_mo(person, "106900011", "TD")
        await platform.until(lambda: len(platform.submits("1069999")) == 3, "3 confirmations")
        answer = await platform.send(people)
        assert answer["reasons"] == {"no_standing": 3}
        texts = {row["text"] for row in await platform.sql("SELECT text FROM reply")}
        assert texts == {"TD"}


async def test_receipts_that_outrun_their_answers_or_come_twice_settle_each_message_once(
    migrated_url: str, tmp_path: Path
) -> None:
    rough = {
        "answers": {"latency": {"uniform": [0.0, 0.05]}},
        "receipts": {"delay": 0.01, "early": 0.5, "duplicate": 0.5},
    }
    async with dialects(migrated_url, tmp_path, rough) as platform:
        people = numbers(60)
        await platform.consent(people)
        answer = await platform.send(people)
        await platform.until(states(platform, answer, {"delivered": 60}), "all are delivered")
        assert platform.node.inbound.parked > 0
        assert await platform.value("SELECT sum(amount) FROM posting WHERE kind = 'revenue'") == (
            60 * 50_000
        )


async def test_throttled_messages_are_offered_again(migrated_url: str, tmp_path: Path) -> None:
    codes = {"mobile": 0x58, "unicom": 11, "telecom": 1}
    async with dialects(migrated_url, tmp_path, PROMPT) as platform:
        for carrier, code in codes.items():
            platform.simulators[carrier].change(
                {"answers": {"throttle_per_s": 15, "throttle_code": code}}
            )
        people = numbers(60)
        await platform.consent(people)
        answer = await platform.send(people)
        await platform.until(states(platform, answer, {"delivered": 60}), "all are delivered")
        throttled = {
            name: sum(link["throttled"] for link in pool.health())
            for name, pool in platform.node.pools.items()
        }
        assert all(throttled.values()), throttled


async def test_a_lost_answer_is_unsure_and_never_sent_again(
    migrated_url: str, tmp_path: Path
) -> None:
    quiet = {**PROMPT, "receipts": {"delay": 0.05}}
    link = {"response_s": 1.0, "stall_s": 1.0}
    async with dialects(migrated_url, tmp_path, quiet, **link) as platform:
        for simulator in platform.simulators.values():
            simulator.silence()
        people = numbers(6)
        await platform.consent(people)
        answer = await platform.send(people)
        await platform.until(states(platform, answer, {"unsure": 6}), "all are unsure")
        for simulator in platform.simulators.values():
            simulator.silence(False)
        await platform.until(
            lambda: all(platform.node.traffic.up[carrier] for carrier in CARRIERS), "links again"
        )
        assert len(platform.submits()) == 6


async def test_a_text_in_segments_arrives_whole(migrated_url: str, tmp_path: Path) -> None:
    async with dialects(migrated_url, tmp_path, PROMPT) as platform:
        people = [number(carrier, 3) for carrier in CARRIERS]
        await platform.consent(people)
        answer = await platform.send(people, text=MARKETING_TEXT[:-6] * 4 + MARKETING_TEXT)
        await platform.until(states(platform, answer, {"delivered": 3}), "all are delivered")
        by_person: dict[str, list[dict[str, Any]]] = {}
        for record in platform.submits():
            by_person.setdefault(record["destination"].removeprefix("86"), []).append(record)
        assert set(by_person) == set(people)
        assert {len(some) for some in by_person.values()} == {3}
        assert {"".join(one["text"] for one in some) for some in by_person.values()} == {
            f"【商户1】{MARKETING_TEXT[:-6] * 4 + MARKETING_TEXT}"
        }
